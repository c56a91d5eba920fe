"""Exchanges as rows: a table to read, JSON lines, CSV, Parquet (design section 3 has the record)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from capanalyze.errors import OutputError
from capanalyze.escape import csv_cell, printable
from capanalyze.findings import utc
from capanalyze.report.output import binary_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.model import Exchange

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


def record(exchange: Exchange) -> dict[str, Any]:
    """An exchange as its JSON record."""
    row: dict[str, Any] = {key: getattr(exchange, key) for key in KEYS if key not in ("time", "disclosures")}
    row["time"] = utc(exchange.time_ns)
    row["disclosures"] = [{"kind": one.kind, "value": one.value} for one in exchange.disclosures]
    row = {key: row[key] for key in KEYS}
    if exchange.reply_capture is not None:
        row["reply_capture"] = exchange.reply_capture
    return row


def write_rows(exchanges: Sequence[Exchange], form: str, output: str | None) -> None:
    """Write exchanges in one form to a file (whole or not at all) or to stdout.

    Raises:
        OutputError: the file cannot be written, or Parquet's library is not installed.
    """
    if form == "parquet":
        write_parquet(exchanges, output)
        return
    lines = {"jsonl": json_lines, "csv": csv_lines, "table": table_lines}[form](exchanges)
    with binary_output(output) as file:
        for line in lines:
            file.write(line)


def json_lines(exchanges: Iterable[Exchange]) -> Iterator[bytes]:
    """One JSON object a line."""
    import msgspec

    encode = msgspec.json.Encoder().encode
    for exchange in exchanges:
        yield encode(record(exchange)) + b"\n"


def csv_lines(exchanges: Iterable[Exchange]) -> Iterator[bytes]:
    """Comma-separated values with a header; lists are joined by blanks, formulas defused."""
    yield csv_line((*KEYS, "reply_capture"))
    for exchange in exchanges:
        row = record(exchange)
        row["requests"] = " ".join(map(str, row["requests"]))
        row["replies"] = " ".join(map(str, row["replies"]))
        row["disclosures"] = "; ".join(f"{one['kind']}={one['value']}" for one in row["disclosures"])
        cells = [row.get(key) for key in (*KEYS, "reply_capture")]
        yield csv_line([csv_cell(cell) if isinstance(cell, str) else cell for cell in cells])


def csv_line(cells: Iterable[Any]) -> bytes:
    """One line of CSV (RFC 4180, but with a bare line feed)."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(["" if cell is None else cell for cell in cells])
    return buffer.getvalue().encode("utf-8")


COLUMNS = (
    *("capture", "service", "client", "server", "requests", "replies"),
    *("time", "rtt", "outcome", "reason", "verdict"),
)


def table_lines(exchanges: Sequence[Exchange]) -> Iterator[bytes]:
    """Aligned columns for reading; widths are those of the longest cells."""
    rows = [COLUMNS, *(cells(exchange) for exchange in exchanges)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield line.rstrip().encode("utf-8", "replace") + b"\n"


def cells(exchange: Exchange) -> tuple[str, ...]:
    """The cells of one row of the table."""
    return (
        printable(exchange.capture),
        exchange.service,
        endpoint(exchange.client, exchange.client_port),
        endpoint(exchange.server, exchange.server_port),
        frames(exchange.requests),
        frames(exchange.replies),
        utc(exchange.time_ns) or "-",
        "-" if exchange.rtt_us is None else f"{exchange.rtt_us / 1000:.3f} ms",
        exchange.outcome,
        exchange.reason + (" (weak)" if exchange.pairing == "weak" and exchange.outcome == "replied" else ""),
        exchange.verdict or exchange.direction or "-",
    )


def endpoint(host: str, port: int | None) -> str:
    """Address and port as one word."""
    if port is None:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def frames(numbers: Sequence[int]) -> str:
    """Frame numbers, the first four of many."""
    shown = ",".join(map(str, numbers[:4]))
    return (shown + (f"+{len(numbers) - 4}" if len(numbers) > 4 else "")) or "-"


def write_parquet(exchanges: Sequence[Exchange], output: str | None) -> None:
    """Columns on disk; needs the extra `parquet`."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise OutputError("parquet needs pyarrow: pip install 'capanalyze[parquet]'") from error
    fact = pa.struct([("kind", pa.string()), ("value", pa.string())])
    text, number, frame_list = pa.string(), pa.int64(), pa.list_(pa.int64())
    kinds = {
        "client_port": pa.int32(),
        "server_port": pa.int32(),
        "requests": frame_list,
        "replies": frame_list,
        "rtt_us": pa.float64(),
        "request_octets": number,
        "reply_octets": number,
        "disclosures": pa.list_(fact),
    }
    schema = pa.schema([(key, kinds.get(key, text)) for key in (*KEYS, "reply_capture")])
    table = pa.Table.from_pylist([record(exchange) for exchange in exchanges], schema)
    with binary_output(output) as file:
        pq.write_table(table, file)
