"""Exchanges as rows: a table to read, JSON lines, CSV, Parquet. `model.Exchange` has the record.

Rows come in batches of numbers and are written as they come, by the core. What takes more than it has, replies in
further files or disclosures, is put into words here, row by row.
"""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from capanalyze.errors import OutputError
from capanalyze.escape import csv_cell
from capanalyze.exchanges.batch import exchange_of
from capanalyze.exchanges.row import CAPTURE
from capanalyze.findings import utc
from capanalyze.report.output import STDOUT, binary_output
from capanalyze.report.row_pieces import CSV, JSON, Lines, Style, csv_line, json_octets, valid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.model import Disclosure, Exchange
    from capanalyze.report.row_table import TableRows

    Line = Callable[[Exchange, Mapping[str, list[int]]], bytes]

KEYS = (
    "capture",
    "service",
    "transport",
    "client",
    "client_port",
    "server",
    "server_port",
    "requests",
    "replies",
    "time",
    "rtt_us",
    "request_octets",
    "reply_octets",
    "outcome",
    "reason",
    "pairing",
    "direction",
    "mode",
    "zone",
    "verdict",
    "disclosures",
)
FURTHER = ("reply_capture", "reply_to", "reply_from")  # what only some rows have


class RowWriter(Protocol):
    """Takes exchanges in batches and writes them in one form."""

    def write(self, batch: Batch, names: Names, disclosures: Sequence[list[Disclosure]] | None = None) -> None:
        """Write a batch; `disclosures` has those of each of its rows."""

    def finish(self) -> None:
        """Write what is left, once all went well."""

    def give_up(self) -> None:
        """Let go of what is left: something went wrong."""


@contextlib.contextmanager
def open_rows(form: str, output: str | None) -> Iterator[RowWriter]:
    """A writer of rows in one form to a file (whole or not at all) or to stdout.

    Args:
        form: jsonl, csv, table or parquet.
        output: the file; `-` or None is standard output, which is flushed behind every batch.

    Raises:
        OutputError: the file cannot be written, or Parquet's library is not installed.
    """
    make = parquet_writer() if form == "parquet" else text_writer(form, output)
    with binary_output(output) as file:
        writer = make(file)
        try:
            yield writer
            writer.finish()
        except BaseException:
            writer.give_up()
            raise


def parquet_writer() -> Callable[[BinaryIO], RowWriter]:
    """What makes a writer of Parquet; needs the extra `parquet`."""
    try:
        from capanalyze.report.row_parquet import ParquetRows
    except ModuleNotFoundError as error:
        raise OutputError("parquet needs pyarrow: pip install 'capanalyze[parquet]'") from error
    return ParquetRows


def text_writer(form: str, output: str | None) -> Callable[[BinaryIO], TextRows | TableRows]:
    """What makes a writer of lines."""
    streams = output in (None, STDOUT)
    if form == "table":
        from capanalyze.report.row_table import table_to

        return lambda file: table_to(file, streams=streams, encoding=sys.stdout.encoding if streams else "utf-8")
    kind = {"jsonl": JsonRows, "csv": CsvRows}[form]
    return lambda file: kind(file, streams=streams)


class TextRows(ABC):
    """Rows as lines, each for itself.

    Args:
        file: what is written to.
        streams: whether somebody reads while we write.
    """

    style: Style

    def __init__(self, file: BinaryIO, *, streams: bool = False) -> None:
        self._file = file
        self._streams = streams
        self._lines = Lines(self.style, self.line_of)

    @abstractmethod
    def line(self, exchange: Exchange, elsewhere: Mapping[str, list[int]], /) -> bytes:
        """The line of one exchange; `elsewhere` has frames in further files."""

    def write(self, batch: Batch, names: Names, disclosures: Sequence[list[Disclosure]] | None = None) -> None:
        """Write a batch; what disclosed something goes by words."""
        done = 0
        for number, told in enumerate(disclosures or ()):
            if told:
                self._write(batch, names, done, number)
                self._file.write(self.line_of(batch, names, number, told))
                done = number + 1
        self._write(batch, names, done, batch.count)
        if self._streams:
            self._file.flush()

    def finish(self) -> None:  # noqa: B027 - a line is written at once
        """Nothing is left."""

    def give_up(self) -> None:  # noqa: B027 - see above
        """Nothing is left."""

    def _write(self, batch: Batch, names: Names, start: int, stop: int) -> None:
        for piece in self._lines.write(batch, names, start, stop):
            self._file.write(piece)

    def line_of(self, batch: Batch, names: Names, number: int, told: Sequence[Disclosure] = ()) -> bytes:
        """The line of row `number`, by way of its words."""
        exchange = exchange_of(batch, number, names)
        exchange.disclosures = list(told)
        return self.line(exchange, elsewhere(batch, number, names))


class JsonRows(TextRows):
    """One JSON object a line."""

    style = JSON

    def line(self, exchange: Exchange, elsewhere: Mapping[str, list[int]], /) -> bytes:
        """An object."""
        return json_octets(record(exchange, elsewhere)) + b"\n"


class CsvRows(TextRows):
    """Comma-separated values with a header; lists are joined by blanks, formulas defused."""

    style = CSV

    def __init__(self, file: BinaryIO, *, streams: bool = False) -> None:
        super().__init__(file, streams=streams)
        file.write(csv_line((*KEYS, *FURTHER)))

    def line(self, exchange: Exchange, _elsewhere: Mapping[str, list[int]], /) -> bytes:
        """One line of cells; frames in further files have none."""
        row = record(exchange)
        row["requests"] = " ".join(map(str, row["requests"]))
        row["replies"] = " ".join(map(str, row["replies"]))
        row["disclosures"] = "; ".join(f"{one['kind']}={one['value']}" for one in row["disclosures"])
        cells = [row.get(key) for key in (*KEYS, *FURTHER)]
        return csv_line([csv_cell(cell) if isinstance(cell, str) else cell for cell in cells])


def record(exchange: Exchange, elsewhere: Mapping[str, list[int]] | None = None) -> dict[str, Any]:
    """An exchange as its JSON record; `elsewhere` has frames in further files."""
    row: dict[str, Any] = {key: getattr(exchange, key) for key in KEYS if key not in ("time", "disclosures")}
    row["time"] = utc(exchange.time_ns)
    row["disclosures"] = [{"kind": one.kind, "value": one.value} for one in exchange.disclosures]
    row = {key: row[key] for key in KEYS}
    for key in ("capture", "mode", "zone"):
        row[key] = None if row[key] is None else valid(row[key])
    row |= {key: valid(told) for key in FURTHER if (told := getattr(exchange, key)) is not None}
    if elsewhere:
        row["elsewhere"] = {valid(name): numbers for name, numbers in elsewhere.items()}
    return row


def elsewhere(batch: Batch, number: int, names: Names) -> dict[str, list[int]]:
    """Frames of row `number` that are in another file than the first of their list, by file."""
    found: dict[str, list[int]] = {}
    for listed in (batch.requests(number), batch.replies(number)):
        for frame in listed:
            if frame // CAPTURE != listed[0] // CAPTURE:
                found.setdefault(names.captures[frame // CAPTURE], []).append(frame % CAPTURE)
    return found
