"""The pieces of text that `row_text` puts rows together from, in JSON and in CSV."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from capanalyze.buffers import ints, longs
from capanalyze.escape import csv_cell, json_text
from capanalyze.exchanges.batch import reason_of
from capanalyze.exchanges.row import DIRECTIONS, LINK, MODULE, NARROW, OUTCOMES, REASON, VERDICTS_OF
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.report import row_text as t

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from capanalyze.exchanges.batch import Batch, Names

OUT_ROOM = 1 << 20
# What a line takes at most, its lists of frames aside: pieces, and octets of numbers, hosts and the time.
PIECES, NUMBERS_ROOM = 24, 400
_SURROGATE = re.compile("[\ud800-\udfff]")


def valid(text: str) -> str:
    r"""The text of a name that may be no UTF-8 on disk: such an octet reads `\udcff`, as in report.json."""
    return text if text.isascii() else _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def csv_line(cells: Iterable[Any]) -> bytes:
    """One line of CSV (RFC 4180, but with a bare line feed)."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(["" if cell is None else cell for cell in cells])
    return buffer.getvalue().encode("utf-8")


@dataclass(frozen=True)
class Style:
    """How a form of text writes what stands around numbers and words.

    `key` is what stands before a field's value. A line ends with `end`, or with another file's name.
    """

    begin: bytes
    key: Callable[[str], bytes]
    word: Callable[[str | None], bytes]
    quote: bytes
    opening: bytes
    separator: bytes
    closing: bytes
    nothing: bytes
    elsewhere: Callable[[str | None], bytes]


def json_key(name: str) -> bytes:
    """A key of an object behind its first."""
    return f',"{name}":'.encode()


def json_octets(value: Any) -> bytes:
    """A value as JSON on one line that can be looked at on a terminal; its strings are `valid`."""
    return json_text(msgspec.json.encode(value).decode()).encode()


def json_word(text: str | None) -> bytes:
    """A string, or null."""
    return json_octets(None if text is None else valid(text))


def json_elsewhere(text: str | None) -> bytes:
    """The end of an object: the key that only some have."""
    return b"}\n" if text is None else json_key("reply_capture") + json_word(text) + b"}\n"


def csv_word(text: str | None) -> bytes:
    """A cell; formulas are defused."""
    # An empty cell alone on its line would be quoted.
    return b"" if text is None else csv_line((csv_cell(text), None)).removesuffix(b",\n")


JSON = Style(
    begin=b'{"capture":',
    key=json_key,
    word=json_word,
    quote=b'"',
    opening=b"[",
    separator=b",",
    closing=b"]",
    nothing=b"[]",
    elsewhere=json_elsewhere,
)
CSV = Style(
    begin=b"",
    key=lambda _: b",",
    word=csv_word,
    quote=b"",
    opening=b"",
    separator=b" ",
    closing=b"",
    nothing=b"",
    elsewhere=lambda text: b"," + csv_word(text) + b"\n",
)


def fixed_pieces(style: Style) -> list[bytes]:
    """The pieces up to FIRST_NAME: those that do not depend on the captures."""
    key, word, quote = style.key, style.word, style.quote
    return [
        word(None),
        quote,
        style.separator,
        quote + key("client_port"),
        key("server") + quote,
        quote + key("server_port"),
        key("requests") + style.opening,
        style.closing + key("replies") + style.opening,
        style.closing + key("time"),
        *(key("rtt_us"), key("request_octets"), key("reply_octets")),
        *(quote + f"{one.name}{'/' * (number in (GENERIC_UDP, TCP))}".encode() for number, one in enumerate(PROTOCOLS)),
        *(quote + key("transport") + word(one.transport) + key("client") + quote for one in PROTOCOLS),
        *(key("outcome") + word(outcome) + key("reason") for outcome in OUTCOMES),
        *(
            key("pairing") + word(pairing) + key("direction") + word(direction) + key("mode")
            for pairing in ("exact", "weak")
            for direction in DIRECTIONS
        ),
        *(key("verdict") + word(verdict) + key("disclosures") + style.nothing for verdict in VERDICTS_OF),
    ]


class Lines:
    """Rows as lines of text in one style.

    Args:
        style: how the form writes.
        stage: `row_text.write`, as it stands or compiled.
        slow: writes the line of a row that the stage leaves.
    """

    def __init__(self, style: Style, stage: Callable[..., int], slow: Callable[[Batch, Names, int], bytes]) -> None:
        self._style = style
        self._stage = stage
        self._slow = slow
        self._fixed = fixed_pieces(style)
        self._names: tuple[tuple[str, ...], ...] = ()
        self._reasons: dict[int, bytes] = {}  # by place in the table
        self._state = longs(t.STATE_FIELDS)
        self._out = bytearray(OUT_ROOM)
        self._state[t.ROOM] = OUT_ROOM
        self._buffers: list[Any] = [self._state, b"", b"", b"", b"", b"", b"", self._out]
        self._buffers[t.REASONS] = ints(t.MODULE_COUNT * t.REASON_SPAN)

    def write(self, batch: Batch, names: Names, start: int, stop: int) -> Iterator[bytes | memoryview]:
        """The lines of rows from `start` to before `stop`; what comes is to be used before the next is asked for."""
        self._know((tuple(names.captures), tuple(names.modes), tuple(names.zones)))
        b, state = self._buffers, self._state
        b[t.WIDES], b[t.NARROWS], b[t.LINKS] = batch.wide, batch.narrow, batch.links
        state[t.LINK_COUNT] = len(batch.links) // LINK
        while start < stop:
            state[t.WRITTEN] = 0
            start = self._stage(b, start, stop)
            yield memoryview(self._out)[: state[t.WRITTEN]]
            if state[t.WHY] == t.UNHEARD:
                small = start * NARROW
                self._hear(int(batch.narrow[small + MODULE]), int(batch.narrow[small + REASON]))
            elif state[t.WHY] == t.ODD:
                yield self._slow(batch, names, start)
                start += 1

    def _know(self, names: tuple[tuple[str, ...], ...]) -> None:
        """Prepare the pieces for these captures, modes and zones."""
        if names != self._names:
            self._names = names
            self._lay_out()

    def _hear(self, module: int, reason: int) -> None:
        """Prepare the piece of a reason."""
        self._reasons[module * t.REASON_SPAN + reason] = self._style.word(reason_of(module, reason))
        self._lay_out()

    def _lay_out(self) -> None:
        """All pieces one behind the other."""
        style, state = self._style, self._state
        captures, modes, zones = self._names
        groups: Sequence[tuple[int, list[bytes]]] = (
            (t.FIRST_CAPTURE, [style.begin + style.word(one) + style.key("service") for one in captures]),
            (t.FIRST_ELSEWHERE, [style.elsewhere(one) for one in (None, *captures)]),
            (t.FIRST_MODE, [style.word(one) for one in (None, *modes)]),
            (t.FIRST_ZONE, [style.key("zone") + style.word(one) for one in (None, *zones)]),
        )
        pieces = list(self._fixed)
        for field, group in groups:
            state[field] = len(pieces)
            pieces += group
        state[t.CAPTURE_COUNT], state[t.MODE_COUNT], state[t.ZONE_COUNT] = len(captures), len(modes), len(zones)
        for number, place in enumerate(self._reasons, len(pieces)):
            self._buffers[t.REASONS][place] = number
        pieces += self._reasons.values()
        self._buffers[t.TEXT] = b"".join(pieces)
        ends = longs(len(pieces) + 1)
        for number, piece in enumerate(pieces):
            ends[number + 1] = ends[number] + len(piece)
        self._buffers[t.ENDS] = ends
        state[t.LINE_ROOM] = NUMBERS_ROOM + PIECES * max(map(len, pieces))
