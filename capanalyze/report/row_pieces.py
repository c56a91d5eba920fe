"""The pieces of text that the core puts rows together from, in JSON and in CSV."""

from __future__ import annotations

import csv
import io
import re
from array import array
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec

from capanalyze.buffers import ints
from capanalyze.core import core
from capanalyze.escape import csv_cell, json_text
from capanalyze.exchanges.batch import reason_of, service_name
from capanalyze.exchanges.row import DIRECTIONS, MODULE, NARROW, OUTCOMES, REASON, VERDICTS_OF
from capanalyze.protocols import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from capanalyze.exchanges.batch import Batch, Names

    Known = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]  # captures, modes, zones

OUT_ROOM = 1 << 20
# What a line takes at most, its lists of frames aside: pieces, and octets of numbers, hosts and the time.
PIECES, NUMBERS_ROOM = 29, 500
UNHEARD, ODD = 2, 3  # why the core stops: a reason has no piece yet; a row takes more than pieces and numbers
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

    `key` is what stands before a field's value, `further` before that of a field that only some rows have; those that
    have none write `missing`. A line ends with `end`.
    """

    begin: bytes
    key: Callable[[str], bytes]
    word: Callable[[str | None], bytes]
    quote: bytes
    opening: bytes
    separator: bytes
    closing: bytes
    nothing: bytes
    further: Callable[[str], bytes]
    missing: bytes
    end: bytes


def json_key(name: str) -> bytes:
    """A key of an object behind its first."""
    return f',"{name}":'.encode()


def json_octets(value: Any) -> bytes:
    """A value as JSON on one line that can be looked at on a terminal; its strings are `valid`."""
    return json_text(msgspec.json.encode(value).decode()).encode()


def json_word(text: str | None) -> bytes:
    """A string, or null."""
    return json_octets(None if text is None else valid(text))


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
    further=json_key,
    missing=b"",
    end=b"}\n",
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
    further=lambda _: b",",
    missing=b",",
    end=b"\n",
)


def fixed_pieces(style: Style) -> list[bytes]:
    """The pieces between fields, as the core's `rows_text` numbers them."""
    key, quote = style.key, style.quote
    return [
        style.word(None),
        quote,
        style.separator,
        quote + key("client_port"),
        key("server") + quote,
        quote + key("server_port"),
        key("requests") + style.opening,
        style.closing + key("replies") + style.opening,
        style.closing + key("time"),
        *(key("rtt_us"), key("request_octets"), key("reply_octets")),
        *(style.further("reply_to") + quote, style.further("reply_from") + quote, style.missing, style.end),
    ]


def words_of_fields(style: Style) -> list[list[bytes]]:
    """The pieces for the words of each field that does not depend on the captures, as the core numbers fields."""
    key, word, quote = style.key, style.word, style.quote
    return [
        [quote + service_name(number, 0).removesuffix("0").encode() for number in range(len(PROTOCOLS))],
        [quote + key("transport") + word(one.transport) + key("client") + quote for one in PROTOCOLS],
        [key("outcome") + word(outcome) + key("reason") for outcome in OUTCOMES],
        [
            key("pairing") + word(pairing) + key("direction") + word(direction) + key("mode")
            for pairing in ("exact", "weak")
            for direction in DIRECTIONS
        ],
        [key("verdict") + word(verdict) + key("disclosures") + style.nothing for verdict in VERDICTS_OF],
    ]


def words_of_names(style: Style, names: Known) -> list[tuple[list[bytes], int]]:
    """Those of the further fields, and how many of them stand for an index."""
    captures, modes, zones = names
    return [
        ([style.begin + style.word(one) + style.key("service") for one in captures], len(captures)),
        ([style.missing, *(style.further("reply_capture") + style.word(one) for one in captures)], len(captures)),
        ([style.word(one) for one in (None, *modes)], len(modes)),
        ([style.key("zone") + style.word(one) for one in (None, *zones)], len(zones)),
    ]


class Lines:
    """Rows as lines of text in one style.

    Args:
        style: how the form writes.
        slow: writes the line of a row that the core leaves.
    """

    def __init__(self, style: Style, slow: Callable[[Batch, Names, int], bytes]) -> None:
        self._style = style
        self._slow = slow
        self._between = fixed_pieces(style)
        self._words = [(words, len(words)) for words in words_of_fields(style)]
        self._names: Known = ((), (), ())
        self._said: dict[int, bytes] = {}  # reasons, by place in the table
        self._reasons = ints(len(PROTOCOLS) * core.REASON_SPAN)
        self._out = bytearray(OUT_ROOM)
        self._lay_out()

    def write(self, batch: Batch, names: Names, start: int, stop: int) -> Iterator[bytes | memoryview]:
        """The lines of rows from `start` to before `stop`; what comes is to be used before the next is asked for."""
        self._know((tuple(names.captures), tuple(names.modes), tuple(names.zones)))
        while start < stop:
            pieces = self._vocabulary, self._text, self._ends, self._reasons
            start, why, octets = core.write_rows(batch.wide, batch.narrow, batch.links, start, stop, *pieces, self._out)
            yield memoryview(self._out)[:octets]
            if why == UNHEARD:
                small = start * NARROW
                self._hear(int(batch.narrow[small + MODULE]), int(batch.narrow[small + REASON]))
            elif why == ODD:
                yield self._slow(batch, names, start)
                start += 1

    def _know(self, names: Known) -> None:
        """Prepare the pieces for these captures, modes and zones."""
        if names != self._names:
            self._names = names
            self._lay_out()

    def _hear(self, module: int, reason: int) -> None:
        """Prepare the piece of a reason."""
        self._said[module * core.REASON_SPAN + reason] = self._style.word(reason_of(module, reason))
        self._lay_out()

    def _lay_out(self) -> None:
        """All pieces one behind the other."""
        pieces = list(self._between)
        fields: list[int] = []
        for words, count in (*self._words, *words_of_names(self._style, self._names)):
            fields += (len(pieces), count)
            pieces += words
        for number, place in enumerate(self._said, len(pieces)):
            self._reasons[place] = number
        pieces += self._said.values()
        self._text = b"".join(pieces)
        self._ends = array("q", accumulate(map(len, pieces), initial=0))
        self._vocabulary = array("q", [NUMBERS_ROOM + PIECES * max(map(len, pieces)), *fields])
