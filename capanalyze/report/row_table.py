"""Exchanges as a table to read: fitted to a terminal, whole in a file or a pipe.

The first rows are held, and the columns are laid out by them; from then on rows are written as they come.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from capanalyze.escape import ELLIPSIS, printable
from capanalyze.exchanges.batch import endpoint, exchange_of
from capanalyze.findings import utc
from capanalyze.report.looks import STYLES
from capanalyze.report.words import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.model import Disclosure, Exchange

WIDTHS_FROM = 10_000  # rows by which the columns are laid out
ENDLESS = 1 << 16  # room for any cell
GAP = "  "
PLAIN = re.compile("[ -~–→…]*")  # noqa: RUF001 - characters of one column each


class Row(NamedTuple):
    """An exchange and the number that `dissect` knows it by; None where it has none."""

    number: int | None
    exchange: Exchange


# What stands in each column, as far as it can be made to fit the room that there is.
COLUMNS: dict[str, Callable[[Row, int], str]] = {
    "#": lambda row, _: "-" if row.number is None else str(row.number),
    "capture": lambda row, room: capture(row.exchange.capture, room),
    "verdict": lambda row, _: row.exchange.verdict or row.exchange.outcome,
    "service": lambda row, _: row.exchange.service,
    "client": lambda row, room: host(row.exchange.client, row.exchange.client_port, room),
    "server": lambda row, room: host(row.exchange.server, row.exchange.server_port, room),
    "frames": lambda row, room: numbers(row.exchange, room),
    "time": lambda row, room: moment(row.exchange.time_ns, room),
    "rtt": lambda row, _: "-" if row.exchange.rtt_us is None else f"{row.exchange.rtt_us / 1000:.3f} ms",
    "direction": lambda row, _: row.exchange.direction or "-",
    "reason": lambda row, room: start(reason(row.exchange), room),
}

# The columns without which a row says nothing, and the room that their cells are shortened to on a narrow terminal.
LEAST = {"capture": 12, "verdict": ENDLESS, "service": ENDLESS, "client": 11, "server": 11, "frames": 1}

# What a wider terminal adds, what is worth most first: a column, or more of it, up to so many characters.
WIDER = (
    ("client", 15),
    ("server", 15),
    ("#", 9),
    ("frames", 12),
    ("capture", 16),
    ("client", 21),
    ("server", 21),
    ("capture", 24),
    ("reason", 16),
    ("rtt", 12),
    ("client", 30),
    ("server", 30),
    ("time", 8),
    ("frames", 20),
    ("reason", 28),
    ("client", 48),
    ("server", 48),
    ("capture", 48),
    ("direction", 9),
    ("time", 15),
    ("reason", 60),
    ("frames", 60),
    ("time", 30),
    ("capture", 200),
)

# Of these columns every character more says more.
GRADUAL = frozenset({"capture", "client", "server", "reason"})

# Columns whose numbers grow with every row, and what they may come to.
GROWING = {"#": 7, "frames": len("1234567,…→1234569,…")}


class TableRows:
    """Aligned columns for reading; widths are those of the longest cells of the first rows.

    Args:
        file: what is written to.
        streams: whether somebody reads while we write.
        room: columns of the terminal; None leaves everything as wide as it is.
        marks: what a terminal is told before and behind a verdict, by verdict.
        encoding: what the reader takes the octets for.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        streams: bool = False,
        room: int | None = None,
        marks: Mapping[str, tuple[str, str]] | None = None,
        encoding: str = "utf-8",
    ) -> None:
        self._file = file
        self._streams = streams
        self._room = room
        self._marks = marks or {}
        self._encoding = encoding
        self._captures = 1
        self._held: list[Row] = []
        self._widths: dict[str, int] = {}

    def write(
        self,
        batch: Batch,
        names: Names,
        disclosures: Sequence[list[Disclosure]] | None = None,  # noqa: ARG002 - a table has no column for them
    ) -> None:
        """Write a batch, or hold it until the widths are known."""
        self._captures = len(names.captures)
        for number in range(batch.count):
            self._add(Row(batch.numbers[number] if batch.numbers else None, exchange_of(batch, number, names)))
        if self._streams:
            self._file.flush()

    def finish(self) -> None:
        """Write what is held."""
        if not self._widths:
            self._lay_out(growing=False)

    def give_up(self) -> None:
        """What is held is not shown."""

    def _add(self, row: Row) -> None:
        if self._widths:
            self._write(row)
            return
        self._held.append(row)
        if len(self._held) > WIDTHS_FROM:
            self._lay_out(growing=True)

    def _lay_out(self, *, growing: bool) -> None:
        """Decide on the columns by the rows that are held, and write these."""
        headings = {column: column for column in COLUMNS}
        if not any(row.exchange.verdict for row in self._held):
            headings["verdict"] = "outcome"
        if not any(row.number for row in self._held):
            del headings["#"]
        if self._captures < 2:
            del headings["capture"]
        needed = {column: self._needed(column, ENDLESS, growing) for column in headings}
        if self._room is None:
            self._widths = needed
        else:
            least = {column: self._needed(column, most, growing) for column, most in LEAST.items() if column in needed}
            self._widths = fitted(least, needed, self._room)
        self._write_line({column: headings[column] for column in self._widths})
        for row in self._held:
            self._write(row)
        self._held = []

    def _needed(self, column: str, room: int, growing: bool) -> int:
        """How wide a column is whose cells are given so much room."""
        longest = max((width_of(COLUMNS[column](row, room)) for row in self._held), default=0)
        return max(longest, len(column), GROWING.get(column, 0) if growing else 0)

    def _write(self, row: Row) -> None:
        rooms = self._widths if self._room is not None else dict.fromkeys(self._widths, ENDLESS)
        self._write_line({column: COLUMNS[column](row, room) for column, room in rooms.items()})

    def _write_line(self, cells: Mapping[str, str]) -> None:
        line = GAP.join(self._drawn(column, text) for column, text in cells.items()).rstrip() + "\n"
        if not self._encoding.lower().startswith("utf"):
            from capanalyze.report.terminal import spelled

            line = spelled(line, self._encoding)
        self._file.write(line.encode(self._encoding, "replace"))

    def _drawn(self, column: str, text: str) -> str:
        """A cell as wide as its column."""
        filler = " " * (self._widths[column] - width_of(text))
        if column == "#":
            return filler + text
        before, behind = self._marks.get(text, ("", "")) if column == "verdict" else ("", "")
        return before + text + behind + filler


def table_to(file: BinaryIO, *, streams: bool, encoding: str) -> TableRows:
    """A table for who reads it: fitted to a terminal, where leaks stand out; whole and plain elsewhere."""
    if not file.isatty():
        return TableRows(file, streams=streams, encoding=encoding)
    import shutil

    room = shutil.get_terminal_size().columns
    return TableRows(file, streams=streams, room=room, marks=marks(), encoding=encoding)


def marks() -> dict[str, tuple[str, str]]:
    """What the terminal is told before and behind each verdict, so that it looks as in the report."""
    from rich.console import Console
    from rich.text import Text

    console, found = Console(), {}
    for verdict, style in STYLES.items():
        with console.capture() as drawn:
            console.print(Text("|", style), end="")
        before, _, behind = drawn.get().partition("|")
        found[str(verdict)] = (before, behind)
    return found


def fitted(least: Mapping[str, int], needed: Mapping[str, int], room: int) -> dict[str, int]:
    """The columns that a line has room for, and their widths.

    Args:
        least: what the columns need that must be there, as short as their cells can be.
        needed: what each column needs for the longest of its cells.
        room: columns of the terminal.
    """
    widths = dict(least)
    for column, most in WIDER:
        if column not in needed:
            continue
        left = room - sum(widths.values()) - len(GAP) * (len(widths) - 1)
        wider, now = min(needed[column], most), widths.get(column, -len(GAP))
        if wider - now <= left:
            widths[column] = max(wider, now)
        elif column in GRADUAL and column in widths:
            widths[column] += max(left, 0)
    return {column: widths[column] for column in needed if column in widths}


# -- Cells -------------------------------------------------------------------------------------------


def whole(row: Row) -> dict[str, str]:
    """All cells of a row, unshortened."""
    return {column: cell(row, ENDLESS) for column, cell in COLUMNS.items()}


def capture(name: str, room: int) -> str:
    """A capture's name; where there is little room, without what all captures are called."""
    shown = printable(name)
    return shown if width_of(shown) <= room else middle(shown.partition(".pcap")[0] or shown, room)


def host(address: str, port: int | None, room: int) -> str:
    """Address and port as one word; where there is little room, the address alone."""
    shown = endpoint(address, port)
    return shown if len(shown) <= room else middle(address, room)


def numbers(exchange: Exchange, room: int) -> str:
    """Frame numbers, as many as there is room for; those of replies in another capture behind its name."""
    for most in (4, 2, 1):
        shown = frames(exchange, most=most)
        if len(shown) <= room:
            break
    if exchange.reply_capture is None:
        return shown
    name = middle(printable(exchange.reply_capture), max(room - len(shown) - 1, 1))
    return frames(exchange, {exchange.reply_capture: name}, most)


def moment(time_ns: int | None, room: int) -> str:
    """A time, UTC; where there is little room, without its date."""
    shown = utc(time_ns) or "-"
    return shown if len(shown) <= room else shown[11:26] if room >= 15 else shown[11:19]


def reason(exchange: Exchange) -> str:
    """The reason of an outcome, and whether a reply was paired by less than all keys."""
    weak = exchange.pairing == "weak" and exchange.outcome == "replied"
    return f"{exchange.reason} (weak)" if weak else exchange.reason


# -- Text --------------------------------------------------------------------------------------------


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if PLAIN.fullmatch(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def start(text: str, room: int) -> str:
    """The start of a text that is longer than its room."""
    return text if width_of(text) <= room else cut(text, room - 1) + ELLIPSIS


def middle(text: str, room: int) -> str:
    """Both ends of a text that is longer than its room."""
    if width_of(text) <= room:
        return text
    end = room // 2
    return cut(text, room - 1 - end) + ELLIPSIS + cut(text[::-1], end)[::-1]


def cut(text: str, room: int) -> str:
    """As much of a text as fills its room."""
    from rich.cells import set_cell_size

    return set_cell_size(text, room)
