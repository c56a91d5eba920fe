"""Messages on their way into the pairing: dated, and brought into the order of their clocks.

Within a place, file order is kept; across places (and captures) clocks decide. Order is sought among `ROOM`
messages at a time, and what may still be preceded by others is held back: all decisions fall at fixed numbers
of messages, so that they do not depend on how the captures were read. While a single capture has one interface, its
messages are in order, and go on as they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capanalyze.buffers import longs
from capanalyze.capture import FIRST_NAMED
from capanalyze.core import core
from capanalyze.errors import CaptureError
from capanalyze.packets.message import FRAME, MAX_WORDS, WORDS
from capanalyze.packets.messages import Rows
from capanalyze.protocols._protocol import SECOND

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from capanalyze.audit import CaptureFile
    from capanalyze.packets.messages import Part
    from capanalyze.reading import Reading

UNIT = 16384  # messages
ROOM_AT_FIRST = 1024
ROOM = 4 * UNIT  # where they do not come in order
AT_LEAST = UNIT  # of which so many go on, however late others may come
SETS = 2  # of room: what is held back of one unit begins the next one
HELD = 2 * SECOND  # how much later than those of one place the messages of another may be written
# Words of the core's structs `Clock` and `Named`.
CLOCK = 4
PLACE, MESSAGES = range(2)
NAMED = 2


class Places:
    """The places of an audit: labels of interfaces, by index."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self._numbers: dict[str, int] = {}

    def index(self, label: str) -> int:
        """The index of a label, a new one where it was not met before."""
        number = self._numbers.setdefault(label, len(self.labels))
        if number == len(self.labels):
            self.labels.append(label)
        return number


@dataclass(slots=True)
class Unit:
    """Messages in order, and what was known of their capture by then; `take` once they are used.

    They are all of a unit, or the next ones of one that goes on. `frames` of the capture were read by then, None for
    all; the account `part` may be of a few more.
    The buffers serve anew once a further unit is asked for.
    """

    rows: Rows
    reading: Reading
    part: Part
    frames: int | None
    described: int
    clocks: tuple[int, int] | None

    def take(self) -> Rows:
        """The messages; from now on, their capture was read so far."""
        reading = self.reading
        reading.part, reading.frames = self.part, self.frames
        reading.described, reading.clocks = self.described, self.clocks
        return self.rows


class Arrival:
    """The messages of one source: of a capture, or of the pieces of a rotated one behind each other.

    Args:
        places: those of the audit.
        since, until: what is before the one, or not before the other, is left out; nanoseconds.
        alone: whether no other source is read beside it.
    """

    def __init__(self, places: Places, since: int | None, until: int | None, *, alone: bool = False) -> None:
        self._places = places
        self._may_go_on = alone and since is None and until is None
        self._gone = 0  # messages of a unit that went on as they came
        self._dater = core.Dater(
            None if since is None else divmod(since, SECOND), None if until is None else divmod(until, SECOND)
        )
        self._clocks = longs(CLOCK)
        self._sets: list[tuple[array[int], array[int]]] = []
        self._turn(ROOM_AT_FIRST)

    def units(
        self, readings: Iterator[tuple[int, Reading]], refuse: Callable[[CaptureFile, CaptureError], None]
    ) -> Iterator[Unit]:
        """Read captures, each with its number in the audit, behind each other; their messages in order.

        What cannot be read is for `refuse`: where that returns, reading goes on with the next capture.
        """
        last = None
        for number, reading in readings:
            try:
                yield from self._units_of(number, reading)
                last = reading
            except CaptureError as error:
                refuse(reading.file, error)
        if last is None:
            return
        rows = Rows(self._out, self._pool, self._dater.count)
        yield Unit(rows if self._dater.is_ordered else in_order(rows), last, *self._known)

    def _units_of(self, number: int, reading: Reading) -> Iterator[Unit]:
        """The messages of a capture as far as they are in order by then; the last unit, maybe empty, knows all."""
        self._dater.begin(number, self._clocks)
        labels, named = longs(0), longs(0)
        for piece in reading.rows():
            self._label(reading, piece, labels, named)
            self._may_go_on = self._may_go_on and piece.interfaces <= 1 and not piece.named
            if self._may_go_on:
                yield from self._going_on(reading, piece, labels, named)
            else:
                yield from self._collected(reading, piece, labels, named)
        reading.named_messages = named[MESSAGES::NAMED].tolist()
        self._known = piece.part, None, piece.interfaces, self._dater.clocks
        yield Unit(Rows(self._out, self._pool, 0), reading, *self._known)

    def _going_on(self, reading: Reading, piece: Rows, labels: array[int], named: array[int]) -> Iterator[Unit]:
        """The messages of a piece, which has one clock, as they come; a unit ends before the next message."""
        rows, done = memoryview(piece.rows), 0
        while done < piece.count:
            if self._gone == UNIT:
                self._gone = 0
                yield self._unit(Rows(self._out, self._pool, 0), reading, piece, rows[done * WORDS + FRAME] - 1)
            start, done = done, min(done + UNIT - self._gone, piece.count)
            frames = rows[(done - 1) * WORDS + FRAME]
            self._dater.date_in_place(rows, piece.pool, start, done, labels, named, self._clocks)
            self._gone += done - start
            some = Rows(rows[start * WORDS : done * WORDS], piece.pool, done - start, goes_on=True)
            yield self._unit(some, reading, piece, frames)

    def _collected(self, reading: Reading, piece: Rows, labels: array[int], named: array[int]) -> Iterator[Unit]:
        """The messages of a piece behind others, once there are enough of them to bring them into order."""
        done = 0
        while True:
            done = self._dater.date(
                piece.rows, piece.pool, done, piece.count, labels, named, self._clocks, self._out, self._pool
            )
            if done == piece.count:
                return
            if self._room < (UNIT if self._dater.is_ordered else ROOM):
                self._grow()
            else:
                yield self._unit(self._release(), reading, piece, piece.rows[done * WORDS + FRAME] - 1)

    def _unit(self, rows: Rows, reading: Reading, piece: Rows, frames: int) -> Unit:
        """Some messages, and what is known when so many frames were read."""
        return Unit(rows, reading, piece.part, frames, piece.interfaces, self._dater.clocks)

    def _label(self, reading: Reading, piece: Rows, labels: array[int], named: array[int]) -> None:
        """Take in the interfaces that came up by then."""
        counts = piece.interfaces, piece.named
        for number in range(len(labels), piece.interfaces):
            labels.append(self._places.index(reading.label(number, *counts)))
        for number in range(len(named) // NAMED, piece.named):
            named.extend([self._places.index(reading.label(FIRST_NAMED + number, *counts)), 0])
        self._clocks.extend(longs(len(self._places.labels) * CLOCK - len(self._clocks)))

    @property
    def _room(self) -> int:
        """Messages that there is room for at a time."""
        return len(self._out) // WORDS

    def _grow(self) -> None:
        """Twice the room."""
        self._out.extend(longs(len(self._out)))
        self._pool.extend(longs(len(self._pool)))

    def _turn(self, room: int) -> None:
        """Write elsewhere from now on."""
        fits = [one for one in self._sets if len(one[0]) == room * WORDS]
        self._sets = fits if len(fits) < SETS else fits[1:]
        self._out, self._pool = fits[0] if len(fits) == SETS else (longs(room * WORDS), longs(4 * room + MAX_WORDS))
        self._sets.append((self._out, self._pool))
        self._dater.turn()

    def _release(self) -> Rows:
        """The room is full: hand on what is in order, hold the rest back."""
        whole = Rows(self._out, self._pool, self._dater.count)
        self._turn(self._room)
        if self._dater.is_ordered:
            return whole
        whole = in_order(whole)
        count = max(whole.bound(whole.last - HELD), min(AT_LEAST, whole.count))
        self._dater.earliest = core.clock_at(whole.rows, count - 1)
        self._dater.hold(whole.rows, whole.pool, count, whole.count, self._out, self._pool)
        return Rows(whole.rows, whole.pool, count)


def in_order(rows: Rows) -> Rows:
    """Messages by their clocks; of equal ones, those that came first."""
    return Rows(core.reorder(rows.rows, rows.count), rows.pool, rows.count)


def joined(parts: Iterable[tuple[Rows, int, int]]) -> Rows:
    """Stretches of messages (which, from, to before) behind each other, with keys of their own."""
    given = [(part.rows, part.pool, start, stop) for part, start, stop in parts]
    return Rows(*core.joined(given), sum(stop - start for _, _, start, stop in given))


@dataclass
class Waiting:
    """Messages of a source that others may come before: those from `start` on."""

    source: Iterator[Unit]
    rows: Rows
    start: int = 0


def merged(sources: Sequence[Iterator[Unit]]) -> Iterator[Rows]:
    """The messages of several sources in the order of their clocks."""
    if len(sources) == 1:
        yield from (unit.take() for unit in sources[0])
        return
    waiting = [Waiting(source, rows) for source in sources if (rows := _next(source))]
    while waiting:
        # Behind the least of the last clocks, another source may still have something.
        until = min(one.rows.last for one in waiting)
        cuts = [one.rows.bound(until, one.start) for one in waiting]
        yield in_order(joined((one.rows, one.start, cut) for one, cut in zip(waiting, cuts, strict=True)))
        for one, cut in zip(waiting, cuts, strict=True):
            one.start = cut
        waiting = [one for one in waiting if _has_more(one)]


def _has_more(one: Waiting) -> bool:
    """Whether a source has further messages; they are read where none are left."""
    if one.start == one.rows.count:
        rows = _next(one.source)
        if rows is None:
            return False
        one.rows, one.start = rows, 0
    return True


def _next(source: Iterator[Unit]) -> Rows | None:
    """The next messages of a source, copied as its buffers serve anew."""
    for unit in source:
        rows = unit.take()
        if rows.count:
            return joined([(rows, 0, rows.count)])
    return None
