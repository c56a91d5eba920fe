"""Messages on their way into the pairing: dated, and brought into the order of their clocks.

Within a place, file order is kept; across places (and captures) clocks decide. Order is sought among `ROOM`
messages at a time, and what may still be preceded by others is held back: all decisions fall at fixed numbers
of messages, so that they do not depend on how the captures were read.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capanalyze.ahead import WAITING
from capanalyze.buffers import longs
from capanalyze.capture import FIRST_NAMED
from capanalyze.exchanges import dating
from capanalyze.packets.message import WHEN
from capanalyze.packets.message import KEY_COUNT, KEYS, MAX_WORDS, READINGS, WORDS
from capanalyze.packets.messages import Rows
from capanalyze.protocols._protocol import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.gear import Gear
    from capanalyze.packets.messages import Part
    from capanalyze.reading import Reading

UNIT = 16384  # messages
ROOM_AT_FIRST = 1024
ROOM = 4 * UNIT  # where they do not come in order
AT_LEAST = UNIT  # of which so many go on, however late others may come
SETS = WAITING + 2  # of room: units wait for the pairing while the next one is written
HELD = 2 * SECOND  # how much later than those of one place the messages of another may be written
NEVER = 1 << 61


class Places:
    """The places of an audit: labels of interfaces, by index."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    def index(self, label: str) -> int:
        """The index of a label, a new one where it was not met before."""
        if label not in self.labels:
            self.labels.append(label)
        return self.labels.index(label)


@dataclass(frozen=True, slots=True)
class Unit:
    """Messages in order, and what was known of their capture by then; `take` once the unit is used.

    The buffers serve anew once SETS - 1 further units were made.
    """

    rows: Rows
    reading: Reading
    part: Part
    clocks: tuple[int, int] | None

    def take(self) -> Rows:
        """The messages; from now on, their capture was read so far."""
        self.reading.part, self.reading.clocks = self.part, self.clocks
        return self.rows


class Arrival:
    """The messages of one source: of a capture, or of the pieces of a rotated one behind each other."""

    def __init__(self, places: Places, gear: Gear, since: int | None, until: int | None) -> None:
        self._places = places
        self._gear = gear
        self._state = state = longs(dating.STATE_FIELDS)
        state[dating.SINCE_SECONDS], state[dating.SINCE_NANOS] = (-NEVER, 0) if since is None else divmod(since, SECOND)
        state[dating.UNTIL_SECONDS], state[dating.UNTIL_NANOS] = (NEVER, 0) if until is None else divmod(until, SECOND)
        state[dating.LIMITED] = int(since is not None or until is not None)
        state[dating.FIRST_NAMED] = FIRST_NAMED
        state[dating.NEWEST] = state[dating.EARLIEST] = dating.BEFORE_ALL
        self._clocks = longs(0)
        self._sets: list[tuple[array[int], array[int]]] = []
        self._turn(ROOM_AT_FIRST)

    def units(self, readings: Iterator[tuple[int, Reading]]) -> Iterator[Unit]:
        """Read captures, each with its number in the audit, behind each other; their messages in order."""
        for number, reading in readings:
            yield from self._units_of(number, reading)
            last = reading
        state = self._state
        rows = Rows(self._out, self._pool, state[dating.COUNT])
        if state[dating.UNORDERED]:
            rows = in_order([rows], self._gear)
        yield Unit(rows, last, *self._known)

    def _units_of(self, number: int, reading: Reading) -> Iterator[Unit]:
        """The messages of a capture as far as they are in order by then; the last unit, maybe empty, knows all."""
        state = self._state
        state[dating.NUMBER] = number
        state[dating.ANY] = 0
        for at in range(0, len(self._clocks), dating.CLOCK):
            self._clocks[at + dating.FRESH] = 1
        labels, named = longs(0), longs(0)
        for piece in reading.rows():
            self._label(reading, piece, labels, named)
            done = 0
            while True:
                buffers = (piece.rows, piece.pool, self._out, self._pool, state, labels, named, self._clocks)
                done = self._gear(dating.date)(buffers, done, piece.count)
                clocks = (state[dating.FIRST], state[dating.LAST]) if state[dating.ANY] else None
                self._known = piece.part, clocks
                if done == piece.count:
                    break
                if state[dating.ROOM] < (ROOM if state[dating.UNORDERED] else UNIT):
                    self._grow()
                else:
                    yield Unit(self._release(), reading, *self._known)
        reading.named_messages = [named[at + dating.MESSAGES] for at in range(0, len(named), dating.NAME)]
        yield Unit(Rows(self._out, self._pool, 0), reading, *self._known)

    def _label(self, reading: Reading, piece: Rows, labels: array[int], named: array[int]) -> None:
        """Take in the interfaces that came up by then."""
        counts = piece.interfaces, piece.named
        if not piece.interfaces and not labels:
            labels.append(0)  # no row is of it
        for number in range(len(labels), piece.interfaces):
            labels.append(self._places.index(reading.label(number, *counts)))
        for number in range(len(named) // dating.NAME, piece.named):
            named.extend([self._places.index(reading.label(FIRST_NAMED + number, *counts)), 0])
        self._clocks.extend(longs(len(self._places.labels) * dating.CLOCK - len(self._clocks)))

    def _grow(self) -> None:
        """Twice the room."""
        self._out.extend(longs(len(self._out)))
        self._pool.extend(longs(len(self._pool)))
        self._state[dating.ROOM] *= 2
        self._state[dating.POOL_ROOM] = len(self._pool)

    def _turn(self, room: int) -> None:
        """Write elsewhere from now on."""
        fits = [one for one in self._sets if len(one[0]) == room * WORDS]
        self._sets = fits if len(fits) < SETS else fits[1:]
        self._out, self._pool = fits[0] if len(fits) == SETS else (longs(room * WORDS), longs(4 * room + MAX_WORDS))
        self._sets.append((self._out, self._pool))
        state = self._state
        state[dating.ROOM], state[dating.POOL_ROOM] = room, len(self._pool)
        state[dating.COUNT] = state[dating.KEYS_WRITTEN] = 0

    def _release(self) -> Rows:
        """The room is full: hand on what is in order, hold the rest back."""
        state = self._state
        whole = Rows(self._out, self._pool, state[dating.COUNT])
        self._turn(state[dating.ROOM])
        if not state[dating.UNORDERED]:
            return whole
        whole = in_order([whole], self._gear)
        count = max(bound(whole, whole.rows[(whole.count - 1) * WORDS + WHEN] - HELD), min(AT_LEAST, whole.count))
        state[dating.EARLIEST] = whole.rows[(count - 1) * WORDS + WHEN]
        held = joined([(whole, count, whole.count)])
        self._out[: len(held.rows)] = held.rows
        self._pool[: len(held.pool)] = held.pool
        state[dating.COUNT], state[dating.KEYS_WRITTEN] = held.count, len(held.pool)
        return Rows(whole.rows, whole.pool, count)


def bound(rows: Rows, clock: int) -> int:
    """How many of some rows in order are not behind a clock."""
    low, high = 0, rows.count
    while low < high:
        middle = (low + high) // 2
        if rows.rows[middle * WORDS + WHEN] <= clock:
            low = middle + 1
        else:
            high = middle
    return low


def joined(parts: Iterable[tuple[Rows, int, int]]) -> Rows:
    """Stretches of rows (which, from, to before) as one, with keys of their own."""
    rows, pool = array("q"), array("q")
    for part, start, stop in parts:
        for m in range(start * WORDS, stop * WORDS, WORDS):
            row = part.rows[m : m + WORDS]
            first = row[KEYS]
            row[KEYS] = len(pool)
            rows.extend(row)
            pool.extend(part.pool[first : first + row[KEY_COUNT] + row[READINGS]])
    return Rows(rows, pool, len(rows) // WORDS)


def in_order(parts: Sequence[Rows], gear: Gear) -> Rows:
    """Rows by their clocks; of equal ones, those of the first part first."""
    whole = parts[0] if len(parts) == 1 else joined([(part, 0, part.count) for part in parts])
    if gear.compiled:
        import numpy as np

        rows = np.frombuffer(whole.rows, np.int64)[: whole.count * WORDS].reshape(-1, WORDS)
        return Rows(array("q", rows[np.argsort(rows[:, WHEN], kind="stable")].tobytes()), whole.pool, whole.count)
    clocks = whole.rows[WHEN : whole.count * WORDS : WORDS]
    ordered = array("q")
    for number in sorted(range(whole.count), key=clocks.__getitem__):
        ordered.extend(whole.rows[number * WORDS : (number + 1) * WORDS])
    return Rows(ordered, whole.pool, whole.count)


def merged(sources: Sequence[Iterator[Unit]], gear: Gear) -> Iterator[Rows]:
    """The messages of several sources in the order of their clocks."""
    if len(sources) == 1:
        yield from (unit.take() for unit in sources[0])
        return
    waiting = [(source, rows) for source in sources if (rows := _next(source))]
    while waiting:
        # Behind the least of the last clocks, another source may still have something.
        until = min(rows.rows[(rows.count - 1) * WORDS + WHEN] for _, rows in waiting)
        cuts = [bound(rows, until) for _, rows in waiting]
        yield in_order([joined([(rows, 0, cut)]) for (_, rows), cut in zip(waiting, cuts, strict=True)], gear)
        left: list[tuple[Iterator[Unit], Rows]] = []
        for (source, rows), cut in zip(waiting, cuts, strict=True):
            remaining = joined([(rows, cut, rows.count)]) if cut < rows.count else _next(source)
            if remaining:
                left.append((source, remaining))
        waiting = left


def _next(source: Iterator[Unit]) -> Rows | None:
    """The next rows of a source, of its own as its buffers serve anew."""
    for unit in source:
        rows = unit.take()
        if rows.count:
            return Rows(rows.rows[: rows.count * WORDS], rows.pool[:], rows.count)
    return None
