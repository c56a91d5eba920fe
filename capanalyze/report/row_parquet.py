"""Exchanges in Parquet: columns on disk, written group of rows by group of rows."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from capanalyze.exchanges.batch import Names, reason_of, service_name
from capanalyze.exchanges.row import DIRECTIONS, LINK, OUTCOMES, VERDICTS_OF
from capanalyze.protocols import PROTOCOLS
from capanalyze.report import row_columns as c
from capanalyze.report.row_pieces import valid
from capanalyze.report.row_text import MODULE_COUNT, REASON_SPAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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
    }
)
REPEATED = [field.name for field in SCHEMA if field.type == WORD]
# As measured, a dictionary of hosts or times costs more than it saves, zstd makes the file 40 % smaller and takes
# 1.4 times as long, and statistics take a fifth: where rows are in order, they let a reader skip groups.
OPTIONS = {"use_dictionary": REPEATED, "compression": "snappy", "write_statistics": ["capture", "time"]}
PAIRINGS = ("exact", "weak")
EXACT = 1 << 53  # a float holds all whole numbers below


def zeros(kind: Any, count: int) -> memoryview:
    """A buffer of numbers, all 0. It takes memory where it is written to; read in Python it gives ints."""
    found: Any = np.zeros(count, kind)
    return memoryview(found)


def words(codes: Any, texts: Iterable[str | None]) -> Any:
    """A column of words: each text once, -1 and None as null."""
    places: dict[str, int] = {}
    found = [-1 if text is None else places.setdefault(valid(text), len(places)) for text in texts]
    indices = np.array([*found, -1], np.int32).take(np.maximum(codes, -1))
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), pa.array(places, pa.string()))


def text(ends: Any, octets: memoryview) -> Any:
    """A column of text; what takes no octets is null."""
    there = ends[1:] > ends[:-1]
    bits = np.packbits(there, bitorder="little")
    return pa.StringArray.from_buffers(len(there), pa.py_buffer(ends), pa.py_buffer(octets), pa.py_buffer(bits))


def micros(nanos: Any) -> Any:
    """Round-trip times as Python's division has them, to the last bit."""
    found = nanos / 1000
    for at in np.flatnonzero(nanos >= EXACT):
        found[at] = int(nanos[at]) / 1000
    return pa.array(found, mask=nanos < 0)


def ports(numbers: Any) -> Any:
    """A column of ports, below 0 as null."""
    return pa.array(numbers, mask=numbers < 0)


def frames(ends: Any, numbers: Any) -> Any:
    """A column of lists of frames."""
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(np.frombuffer(numbers, np.int64)[: ends[-1]]))


def disclosed(told: Mapping[int, Sequence[Disclosure]], rows: int) -> Any:
    """The disclosures of the rows that have any."""
    if not told:
        return pa.ListArray.from_arrays(pa.array(np.zeros(rows + 1, np.int32)), pa.array([], FACT))
    lists = (told.get(row, ()) for row in range(rows))
    return pa.array([[{"kind": one.kind, "value": valid(one.value)} for one in found] for found in lists], FACTS)


def service_of(key: int) -> str:
    """The service that a key stands for."""
    return service_name(key // c.PORT_SPAN, key % c.PORT_SPAN - 1)


class Group:
    """Rows that are written together, spread over the stage's buffers.

    Args:
        stage: `row_columns.fill`, as it stands or compiled.
        room: rows that there is room for.
    """

    def __init__(self, stage: Callable[..., int], room: int) -> None:
        self._stage = stage
        self._told: dict[int, list[Disclosure]] = {}
        self._buffers: list[Any] = [b""] * (c.ANSWERING + 1)
        b = self._buffers
        self._state = b[c.STATE] = zeros(np.int64, c.STATE_FIELDS)
        self._state[c.ROW_ROOM] = room
        b[c.CODES], b[c.LONGS] = zeros(np.int32, c.CODE_COLUMNS * (room + 1)), zeros(np.int64, c.LONG_COLUMNS * room)
        b[c.SERVICE_CODES], b[c.SERVICES] = zeros(np.int32, MODULE_COUNT * c.PORT_SPAN), zeros(np.int64, room)
        b[c.REASON_CODES], b[c.REASONS] = zeros(np.int32, MODULE_COUNT * REASON_SPAN), zeros(np.int64, room)
        b[c.CLIENTS], b[c.SERVERS] = zeros(np.uint8, c.HOST_ROOM * room), zeros(np.uint8, c.HOST_ROOM * room)
        b[c.TIMES] = zeros(np.uint8, c.TIME_ROOM * room)
        self._make_lists(FRAMES_A_ROW * room)

    @property
    def rows(self) -> int:
        """How many it has."""
        return int(self._state[c.ROWS])

    def add(self, batch: Batch, start: int, told: Sequence[list[Disclosure]], *, zoned: bool) -> int:
        """Add rows of a batch from `start` on: the first that there is no room for."""
        b, row = self._buffers, self.rows
        b[c.WIDES], b[c.NARROWS], b[c.LINKS] = batch.wide, batch.narrow, batch.links
        self._state[c.LINK_COUNT] = len(batch.links) // LINK
        self._state[c.ZONED] = int(zoned)
        done = self._stage(b, start, batch.count)
        self._told |= {row + at: facts for at, facts in enumerate(told[start:done]) if facts}
        if self._state[c.WHY] == c.ODD:
            raise ValueError(f"row {done} of a batch is no exchange")
        if done == start < batch.count and row == 0:
            # One row with more frames than there is room for.
            self._make_lists(2 * self._state[c.ASKING_ROOM])
            return self.add(batch, start, told, zoned=zoned)
        return done

    def table(self, names: Names) -> Any:
        """The rows as Arrow has them; they share the group's memory until it is cleared."""
        columns = self._columns(self.rows, names)
        return pa.table([columns[name] for name in SCHEMA.names], SCHEMA)

    def clear(self) -> None:
        """Begin anew. Codes of services and reasons are a group's own: its dictionaries hold what it needs."""
        b, state = self._buffers, self._state
        for key in self._services():
            b[c.SERVICE_CODES][key] = 0
        for key in self._reasons():
            b[c.REASON_CODES][key] = 0
        state[c.SERVICES_MET] = state[c.REASONS_MET] = state[c.ROWS] = 0
        self._told = {}

    def _make_lists(self, room: int) -> None:
        """Room for so many frames of requests, and of replies."""
        self._buffers[c.ASKING], self._buffers[c.ANSWERING] = zeros(np.int64, room), zeros(np.int64, room)
        self._state[c.ASKING_ROOM] = self._state[c.ANSWERING_ROOM] = room

    def _services(self) -> list[int]:
        """Keys of the services met."""
        return self._buffers[c.SERVICES][: self._state[c.SERVICES_MET]].tolist()

    def _reasons(self) -> list[int]:
        """Keys of the reasons met."""
        return self._buffers[c.REASONS][: self._state[c.REASONS_MET]].tolist()

    def _columns(self, rows: int, names: Names) -> dict[str, Any]:
        """The columns by name."""
        b = self._buffers
        ends = np.frombuffer(b[c.CODES], np.int32).reshape(c.CODE_COLUMNS, -1)[:, : rows + 1]
        codes = ends[:, :-1]
        numbers = np.frombuffer(b[c.LONGS], np.int64).reshape(c.LONG_COLUMNS, -1)[:, :rows]
        return {
            "capture": words(codes[c.CAPTURES], names.captures),
            "service": words(codes[c.SERVICE_WORDS], map(service_of, self._services())),
            "transport": words(codes[c.MODULES], [protocol.transport for protocol in PROTOCOLS]),
            "client": text(ends[c.CLIENT_ENDS], b[c.CLIENTS]),
            "client_port": ports(codes[c.CLIENT_PORTS]),
            "server": text(ends[c.SERVER_ENDS], b[c.SERVERS]),
            "server_port": ports(codes[c.SERVER_PORTS]),
            "requests": frames(ends[c.ASKING_ENDS], b[c.ASKING]),
            "replies": frames(ends[c.ANSWERING_ENDS], b[c.ANSWERING]),
            "time": text(ends[c.TIME_ENDS], b[c.TIMES]),
            "rtt_us": micros(numbers[c.RTTS]),
            "request_octets": pa.array(numbers[c.SIZES_ASKED]),
            "reply_octets": pa.array(numbers[c.SIZES_ANSWERED]),
            "outcome": words(codes[c.OUTCOMES], OUTCOMES),
            "reason": words(codes[c.REASON_WORDS], (reason_of(*divmod(key, REASON_SPAN)) for key in self._reasons())),
            "pairing": words(codes[c.PAIRINGS], PAIRINGS),
            "direction": words(codes[c.DIRECTIONS], DIRECTIONS),
            "mode": words(codes[c.MODES], names.modes),
            "zone": words(codes[c.ZONES], names.zones),
            "verdict": words(codes[c.VERDICTS], VERDICTS_OF),
            "disclosures": disclosed(self._told, rows),
            "reply_capture": words(codes[c.ELSEWHERE], names.captures),
        }


class ParquetRows:
    """Writes rows to a file as Parquet; one group of rows is encoded while the next is filled.

    Args:
        file: what is written to.
        stage: `row_columns.fill`, as it stands or compiled.
        room: rows of a group. The file depends on it, but not on how its rows come in batches.
    """

    def __init__(self, file: BinaryIO, stage: Callable[..., int], room: int = ROOM) -> None:
        self._writer = pq.ParquetWriter(file, SCHEMA, **OPTIONS)
        self._names = Names((), ())
        self._group, self._other = Group(stage, room), Group(stage, room)
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
