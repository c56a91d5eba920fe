"""Messages on their way into the pairing: dated, and brought into the order of their clocks.

Within a place, file order is kept; across places (and captures) clocks decide. Order is sought among `ROOM`
messages at a time, and what may still be preceded by others is held back: all decisions fall at fixed numbers
of messages, so that they do not depend on how the captures were read.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from capanalyze.buffers import longs
from capanalyze.capture import FIRST_NAMED
from capanalyze.exchanges import dating
from capanalyze.exchanges.table import WHEN
from capanalyze.packets.message import KEYS, MAX_KEYS, WORDS
from capanalyze.packets.messages import Rows
from capanalyze.protocols._protocol import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.gear import Gear
    from capanalyze.reading import Reading

ROOM = 65536  # messages
ROOM_AT_FIRST = 1024
AT_LEAST = ROOM // 4  # of which so many go on, however late others may come
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


class Arrival:
    """The messages of one source: of a capture, or of the pieces of a rotated one behind each other."""

    def __init__(self, places: Places, gear: Gear, since: int | None, until: int | None) -> None:
        self._places = places
        self._gear = gear
        self._state = state = longs(dating.STATE_FIELDS)
        state[dating.SINCE_SECONDS], state[dating.SINCE_NANOS] = (-NEVER, 0) if since is None else divmod(since, SECOND)
        state[dating.UNTIL_SECONDS], state[dating.UNTIL_NANOS] = (NEVER, 0) if until is None else divmod(until, SECOND)
        state[dating.LIMITED] = int(since is not None or until is not None)
        state[dating.ROOM], state[dating.POOL_ROOM] = ROOM_AT_FIRST, 4 * ROOM_AT_FIRST + MAX_KEYS
        state[dating.FIRST_NAMED] = FIRST_NAMED
        state[dating.NEWEST] = state[dating.EARLIEST] = dating.BEFORE_ALL
        self._out, self._pool = longs(state[dating.ROOM] * WORDS), longs(state[dating.POOL_ROOM])
        self._clocks = longs(0)

    def of(self, reading: Reading, number: int) -> Iterator[Rows]:
        """Read a capture, which has this number in the audit; its messages as far as they are in order by now.

        What `Rows` hold is overwritten afterwards.
        """
        state = self._state
        state[dating.NUMBER] = number
        state[dating.ANY] = 0
        for at in range(0, len(self._clocks), dating.CLOCK):
            self._clocks[at + dating.FRESH] = 1
        labels, named = longs(0), longs(0)
        for piece in reading.rows():
            self._label(reading, labels, named)
            buffers = (piece.rows, piece.pool, self._out, self._pool, state, labels, named, self._clocks)
            done = 0
            while (done := self._gear(dating.date)(buffers, done, piece.count)) < piece.count:
                if state[dating.ROOM] < ROOM:
                    self._grow()
                else:
                    yield from self._release()
            if state[dating.ANY]:
                reading.clocks = state[dating.FIRST], state[dating.LAST]
        reading.named_messages = [named[at + dating.MESSAGES] for at in range(0, len(named), dating.NAME)]

    def rest(self) -> Iterator[Rows]:
        """The messages that were held back."""
        state = self._state
        if state[dating.COUNT]:
            rows = Rows(self._out, self._pool, state[dating.COUNT])
            if state[dating.UNORDERED]:
                rows = in_order([rows])
            yield rows
            state[dating.COUNT] = state[dating.KEYS_WRITTEN] = 0

    def _label(self, reading: Reading, labels: array[int], named: array[int]) -> None:
        """Take in the interfaces that came up."""
        count = len(reading.capture.interfaces)
        if not count and not labels:
            labels.append(0)  # no row is of it
        for number in range(len(labels), count):
            labels.append(self._places.index(reading.label(number)))
        for number in range(len(named) // dating.NAME, len(reading.capture.named)):
            named.extend([self._places.index(reading.label(FIRST_NAMED + number)), 0])
        self._clocks.extend(longs(len(self._places.labels) * dating.CLOCK - len(self._clocks)))

    def _grow(self) -> None:
        """Twice the room."""
        self._out.extend(longs(len(self._out)))
        self._pool.extend(longs(len(self._pool)))
        self._state[dating.ROOM] *= 2
        self._state[dating.POOL_ROOM] = len(self._pool)

    def _release(self) -> Iterator[Rows]:
        """The room is full: hand on what is in order, hold the rest back."""
        state = self._state
        whole = Rows(self._out, self._pool, state[dating.COUNT])
        if not state[dating.UNORDERED]:
            yield whole
            state[dating.COUNT] = state[dating.KEYS_WRITTEN] = 0
            return
        whole = in_order([whole])
        count = max(bound(whole, whole.rows[(whole.count - 1) * WORDS + WHEN] - HELD), min(AT_LEAST, whole.count))
        yield Rows(whole.rows, whole.pool, count)
        state[dating.EARLIEST] = whole.rows[(count - 1) * WORDS + WHEN]
        held = joined([(whole, count, whole.count)])
        self._out[: len(held.rows)] = held.rows
        self._pool[: len(held.pool)] = held.pool
        state[dating.COUNT], state[dating.KEYS_WRITTEN] = held.count, len(held.pool)


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
            pool.extend(part.pool[first : first + row[KEYS + 1]])
    return Rows(rows, pool, len(rows) // WORDS)


def in_order(parts: Sequence[Rows]) -> Rows:
    """Rows by their clocks; of equal ones, those of the first part first."""
    whole = parts[0] if len(parts) == 1 else joined([(part, 0, part.count) for part in parts])
    clocks = whole.rows[WHEN : whole.count * WORDS : WORDS]
    rows = array("q")
    for number in sorted(range(whole.count), key=clocks.__getitem__):
        rows.extend(whole.rows[number * WORDS : (number + 1) * WORDS])
    return Rows(rows, whole.pool, whole.count)


def merged(sources: Sequence[Iterator[Rows]]) -> Iterator[Rows]:
    """The messages of several sources in the order of their clocks."""
    waiting = [(source, rows) for source in sources if (rows := _next(source))]
    while len(waiting) > 1:
        # Behind the least of the last clocks, another source may still have something.
        until = min(rows.rows[(rows.count - 1) * WORDS + WHEN] for _, rows in waiting)
        cuts = [bound(rows, until) for _, rows in waiting]
        yield in_order([joined([(rows, 0, cut)]) for (_, rows), cut in zip(waiting, cuts, strict=True)])
        left: list[tuple[Iterator[Rows], Rows]] = []
        for (source, rows), cut in zip(waiting, cuts, strict=True):
            remaining = joined([(rows, cut, rows.count)]) if cut < rows.count else _next(source)
            if remaining:
                left.append((source, remaining))
        waiting = left
    for source, rows in waiting:
        yield rows
        yield from source


def _next(source: Iterator[Rows]) -> Rows | None:
    """The next rows of a source, of its own as its buffers serve anew."""
    for rows in source:
        if rows.count:
            return Rows(rows.rows[: rows.count * WORDS], rows.pool[:], rows.count)
    return None
