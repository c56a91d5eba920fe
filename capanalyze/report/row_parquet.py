"""Exchanges in Parquet: columns on disk, written group of rows by group of rows."""

from __future__ import annotations

from array import array
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from capanalyze.core import core
from capanalyze.exchanges.batch import Names, reason_of, service_name
from capanalyze.exchanges.row import DIRECTIONS, OUTCOMES, VERDICTS_OF
from capanalyze.protocols import PROTOCOLS
from capanalyze.report.row_pieces import valid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from capanalyze.exchanges.batch import Batch
    from capanalyze.model import Disclosure

ROOM = 1 << 15  # rows of a group
FRAMES_A_ROW = 2  # that there is room for at first, of requests and of replies
WORD = pa.dictionary(pa.int32(), pa.string())
FRAMES = pa.list_(pa.int64())
FACT = pa.struct([("kind", pa.string()), ("value", pa.string())])
FACTS = pa.list_(FACT)
# Spelled out: the same columns whatever is in them.
SCHEMA = pa.schema(
    {
        "capture": WORD,
        "service": WORD,
        "transport": WORD,
        "client": pa.string(),
        "client_port": pa.int32(),
        "server": pa.string(),
        "server_port": pa.int32(),
        "requests": FRAMES,
        "replies": FRAMES,
        "time": pa.string(),
        "rtt_us": pa.float64(),
        "request_octets": pa.int64(),
        "reply_octets": pa.int64(),
        "outcome": WORD,
        "reason": WORD,
        "pairing": WORD,
        "direction": WORD,
        "mode": WORD,
        "zone": WORD,
        "verdict": WORD,
        "disclosures": FACTS,
        "reply_capture": WORD,
        "reply_to": pa.string(),
        "reply_from": pa.string(),
    }
)
REPEATED = [field.name for field in SCHEMA if field.type == WORD]
# As measured, a dictionary of hosts or times costs more than it saves, zstd makes the file 40 % smaller and takes
# 1.4 times as long, and statistics take a fifth: where rows are in order, they let a reader skip groups.
OPTIONS = {"use_dictionary": REPEATED, "compression": "snappy", "write_statistics": ["capture", "time"]}
PAIRINGS = ("exact", "weak")
TEXTS = [field.name for field in SCHEMA if field.type == pa.string()]
EXACT = 1 << 53  # a float holds all whole numbers below


def kept(kind: Any, rows: int, nulls: int, bits: Any, *buffers: Any) -> Any:
    """A column out of its buffers: where `bits` has 0, there is nothing; without them, something everywhere."""
    return pa.Array.from_buffers(kind, rows, [bits and pa.py_buffer(bits), *map(pa.py_buffer, buffers)], nulls)


def bits_for(rows: int) -> bytearray:
    """Room for a bit a row."""
    return bytearray((rows + 7) // 8)


def words(codes: Any, rows: int, texts: Iterable[str | None]) -> Any:
    """A column of words: each text once, -1 and None as null."""
    places: dict[str, int] = {}
    found = array("i", [-1 if text is None else places.setdefault(valid(text), len(places)) for text in texts])
    indices, bits = bytearray(4 * rows), bits_for(rows)
    nulls = core.words_column(codes, rows, found, indices, bits)
    column = kept(pa.int32(), rows, nulls, bits, indices)
    return pa.DictionaryArray.from_arrays(column, pa.array(places, pa.string()))


def text(ends: Any, rows: int, octets: Any) -> Any:
    """A column of text; what takes no octets is null."""
    bits = bits_for(rows)
    return kept(pa.string(), rows, core.text_column(ends, rows, bits), bits, ends, octets)


def micros(nanos: memoryview, rows: int) -> Any:
    """Round-trip times as Python's division has them, to the last bit."""
    found, bits = array("d", bytes(8 * rows)), bits_for(rows)
    nulls, most = core.micros_column(nanos, rows, found, bits)
    if most >= EXACT:
        for row in range(rows):
            found[row] = nanos[row] / 1000
    return kept(pa.float64(), rows, nulls, bits, found)


def ports(numbers: Any, rows: int) -> Any:
    """A column of ports, below 0 as null."""
    bits = bits_for(rows)
    return kept(pa.int32(), rows, core.ports_column(numbers, rows, bits), bits, numbers)


def sizes(numbers: Any, rows: int) -> Any:
    """A column of numbers of octets."""
    return kept(pa.int64(), rows, 0, None, numbers)


def frames(ends: memoryview, rows: int, numbers: Any) -> Any:
    """A column of lists of frames."""
    return pa.Array.from_buffers(FRAMES, rows, [None, pa.py_buffer(ends)], children=[sizes(numbers, ends[rows])])


def disclosed(told: Mapping[int, Sequence[Disclosure]], rows: int) -> Any:
    """The disclosures of the rows that have any."""
    if not told:
        return pa.ListArray.from_arrays(kept(pa.int32(), rows + 1, 0, None, bytes(4 * rows + 4)), pa.array([], FACT))
    lists = (told.get(row, ()) for row in range(rows))
    return pa.array([[{"kind": one.kind, "value": valid(one.value)} for one in found] for found in lists], FACTS)


class Group:
    """Rows that are written together, spread over the core's columns.

    Args:
        room: rows that there is room for.
    """

    def __init__(self, room: int) -> None:
        self._told: dict[int, list[Disclosure]] = {}
        self._frames = FRAMES_A_ROW * room
        self._columns = core.Group(len(PROTOCOLS), room, self._frames)

    @property
    def rows(self) -> int:
        """How many it has."""
        return self._columns.rows

    def add(self, batch: Batch, start: int, told: Sequence[list[Disclosure]], *, zoned: bool) -> int:
        """Add rows of a batch from `start` on: the first that there is no room for."""
        row = self.rows
        done = self._columns.add(batch.wide, batch.narrow, batch.links, start, batch.count, zoned)
        self._told |= {row + at: facts for at, facts in enumerate(told[start:done]) if facts}
        if done == start < batch.count and row == 0:
            # One row with more frames than there is room for.
            self._frames *= 2
            self._columns.make_lists(self._frames)
            return self.add(batch, start, told, zoned=zoned)
        return done

    def table(self, names: Names) -> Any:
        """The rows as Arrow has them; they share the group's memory until it is cleared."""
        columns = self._words(names) | self._numbers()
        return pa.table([columns[name] for name in SCHEMA.names], SCHEMA)

    def clear(self) -> None:
        """Begin anew. Codes of services and reasons are a group's own: its dictionaries hold what it needs."""
        self._columns.clear()
        self._told = {}

    def _words(self, names: Names) -> dict[str, Any]:
        """The columns of words by name."""
        columns, rows = self._columns, self.rows
        texts: dict[str, Iterable[str | None]] = {
            "capture": names.captures,
            "service": [service_name(*one) for one in columns.services],
            "transport": [protocol.transport for protocol in PROTOCOLS],
            "outcome": OUTCOMES,
            "reason": [reason_of(*one) for one in columns.reasons],
            "pairing": PAIRINGS,
            "direction": DIRECTIONS,
            "mode": names.modes,
            "zone": names.zones,
            "verdict": VERDICTS_OF,
            "reply_capture": names.captures,
        }
        return {name: words(columns.octets(name), rows, found) for name, found in texts.items()}

    def _numbers(self) -> dict[str, Any]:
        """All other columns by name."""
        of, rows = self._columns.octets, self.rows
        found = {name: text(of(f"{name} ends"), rows, of(name)) for name in TEXTS}
        found |= {name: ports(of(name), rows) for name in ("client_port", "server_port")}
        found |= {name: sizes(of(name), rows) for name in ("request_octets", "reply_octets")}
        found |= {name: frames(of(f"{name} ends").cast("i"), rows, of(name)) for name in ("requests", "replies")}
        return found | {"rtt_us": micros(of("rtt_us").cast("q"), rows), "disclosures": disclosed(self._told, rows)}


class ParquetRows:
    """Writes rows to a file as Parquet; one group of rows is encoded while the next is filled.

    Args:
        file: what is written to.
        room: rows of a group. The file depends on it, but not on how its rows come in batches.
    """

    def __init__(self, file: BinaryIO, room: int = ROOM) -> None:
        self._writer = pq.ParquetWriter(file, SCHEMA, **OPTIONS)
        self._names = Names((), ())
        self._group, self._other = Group(room), Group(room)
        self._beside = ThreadPoolExecutor(1)
        self._task: Future[None] | None = None

    def write(self, batch: Batch, names: Names, disclosures: Sequence[list[Disclosure]] | None = None) -> None:
        """Add a batch of rows."""
        self._know(names)
        done = 0
        while done < batch.count:
            done = self._group.add(batch, done, disclosures or (), zoned=bool(names.zones))
            if done < batch.count:
                self._hand_over()

    def finish(self) -> None:
        """Write what is left, and the file's end."""
        if self._group.rows:
            self._hand_over()
        self._wait()
        self._beside.shutdown()
        self._writer.close()

    def give_up(self) -> None:
        """The file's end will not be written."""
        self._beside.shutdown()
        self._writer.is_open = False

    def _know(self, names: Names) -> None:
        """Take in the names. They may only grow while a group is filled."""
        given = Names(tuple(names.captures), (), tuple(names.modes), tuple(names.zones))
        if self._group.rows and not grown(self._names, given):
            self._hand_over()
        self._names = given

    def _hand_over(self) -> None:
        """Have the group written, and go on with the other."""
        self._wait()
        self._task = self._beside.submit(self._write, self._group, self._names)
        self._group, self._other = self._other, self._group

    def _wait(self) -> None:
        """Until the group before is written."""
        if self._task is not None:
            self._task.result()

    def _write(self, group: Group, names: Names) -> None:
        self._writer.write_table(group.table(names))
        group.clear()


def grown(old: Names, new: Names) -> bool:
    """Whether names are the same as before, or more."""
    pairs = ((old.captures, new.captures), (old.modes, new.modes), (old.zones, new.zones))
    return all(after[: len(before)] == before for before, after in pairs)
