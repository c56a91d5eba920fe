"""A time axis that leaves out the long pauses between recordings, with ticks in UTC.

Times are whole nanoseconds since 1970. They come from captures, so they may lie in any year; where the
calendar has no name for one, ticks count from the start of the axis.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise

from capanalyze.report.graphs.lettering import SMALL, width

SECOND = 1_000_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

BREAK = 14.0
MOST_BREAKS = 6
NARROWEST = 46.0
# A pause is left out only if it dwarfs both the pauses that stay and all that is shown, and if what it parts
# are recordings rather than single exchanges.
DWARFS_PAUSE, DWARFS_SHOWN = 8, 2
FEWEST_EVENTS = 3
PADDING = 0.03
SHORTEST = SECOND // 100

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time without a long pause, and the points that it spans on the page."""

    start: int
    end: int
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on the axis; `day` is the date there, empty where it has none."""

    x: float
    label: str
    day: str


@dataclass(frozen=True)
class Axis:
    """The stretches from left to right."""

    stretches: list[Stretch]

    @cached_property
    def _starts(self) -> list[int]:
        return [stretch.start for stretch in self.stretches]

    def x(self, time: int) -> float:
        """Where a time stands: a time left out stands in its break, one outside at the nearer end."""
        place = max(bisect_right(self._starts, time) - 1, 0)
        stretch = self.stretches[place]
        if time > stretch.end:
            after = self.stretches[place + 1].left if place + 1 < len(self.stretches) else stretch.right
            return (stretch.right + after) / 2
        share = max(time - stretch.start, 0) / (stretch.end - stretch.start)
        return stretch.left + share * (stretch.right - stretch.left)

    def breaks(self) -> list[float]:
        """Where pauses are left out."""
        return [(before.right + after.left) / 2 for before, after in pairwise(self.stretches)]

    def ticks(self) -> list[Tick]:
        """The ticks of all stretches, far enough apart for their labels."""
        return [tick for stretch in self.stretches for tick in self._ticks(stretch)]

    def _ticks(self, stretch: Stretch) -> Iterator[Tick]:
        step = self._step(stretch)
        first = -(-stretch.start // step) * step
        times = range(first, stretch.end + 1, step) or [(stretch.start + stretch.end) // 2]
        for time in times:
            day = calendar(time)
            yield Tick(self.x(time), self._label(time, step), f"{day:%Y-%m-%d}" if day and step < DAY else "")

    def _step(self, stretch: Stretch) -> int:
        points = (stretch.right - stretch.left) / (stretch.end - stretch.start)
        return next(
            step
            for step in _steps()
            if step * points >= width(self._label(stretch.start // step * step, step), SMALL) + 14
        )

    def _label(self, time: int, step: int) -> str:
        named = calendar(time)
        if named is None:
            return f"+{(time - self.stretches[0].start) / SECOND:.6g} s"
        if step >= DAY:
            return f"{named:%Y-%m-%d}"
        return clock(time, step)


def calendar(time: int) -> datetime | None:
    """The date and second of a time; None outside the years 1 to 9999."""
    try:
        return EPOCH + timedelta(seconds=time // SECOND)
    except OverflowError:
        return None


def parse(time: str | None) -> int | None:
    """A time of the report as nanoseconds; None where it has none."""
    try:
        moment = datetime.fromisoformat(time or "")
    except ValueError:
        return None
    since = moment.replace(tzinfo=UTC) - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


def clock(time: int, step: int) -> str:
    """The time of day, as exact as a step of the axis needs; empty where the calendar has no name for it."""
    named = calendar(time)
    if named is None:
        return ""
    if step >= MINUTE:
        return f"{named:%H:%M}"
    digits = 0
    while step < SECOND:
        step *= 10
        digits += 1
    fraction = f".{time % SECOND:09d}"[: digits + 1] if digits else ""
    return f"{named:%H:%M:%S}{fraction}"


def make(events: Sequence[Interval], left: float, right: float) -> Axis:
    """An axis on which all events have a place."""
    sections = _sections(sorted(events))
    shown = sum(end - start for start, end in sections)
    pauses = [after[0] - before[1] for before, after in pairwise(sections)]
    padding = min([max(int(shown * PADDING), (SHORTEST - shown) // 2), *(pause // 3 for pause in pauses)])
    sections = [(start - padding, end + padding) for start, end in sections]
    return Axis(list(_stretches(sections, left, right)))


def _sections(events: Sequence[Interval]) -> list[Interval]:
    """The times between the pauses that are left out."""
    covered = list(_merged(events))
    pauses = sorted((after[0] - before[1] for before, after in pairwise(covered)), reverse=True)
    shown = covered[-1][1] - covered[0][0]
    shortest = None
    for number, pause in enumerate(pauses[:MOST_BREAKS], 1):
        shown -= pause
        stays = pauses[number] if number < len(pauses) else 0
        recordings = len(covered) >= FEWEST_EVENTS * (number + 1)
        if recordings and pause >= DWARFS_PAUSE * stays and pause >= DWARFS_SHOWN * shown:
            shortest = pause
    sections = [covered[0]]
    for start, end in covered[1:]:
        if shortest is not None and start - sections[-1][1] >= shortest:
            sections.append((start, end))
        else:
            sections[-1] = (sections[-1][0], end)
    return sections


def _merged(events: Iterable[Interval]) -> Iterator[Interval]:
    start, end = None, 0
    for begin, until in events:
        if start is None:
            start, end = begin, until
        elif begin > end:
            yield start, end
            start, end = begin, until
        else:
            end = max(end, until)
    if start is not None:
        yield start, end


def _stretches(sections: Sequence[Interval], left: float, right: float) -> Iterator[Stretch]:
    narrowest = min(NARROWEST, (right - left) / len(sections) - BREAK)
    room = right - left - BREAK * (len(sections) - 1) - narrowest * len(sections)
    shown = sum(end - start for start, end in sections)
    for start, end in sections:
        wide = narrowest + room * ((end - start) / shown)
        yield Stretch(start, end, left, left + wide)
        left += wide + BREAK


def _steps() -> Iterator[int]:
    for power in range(9):
        yield from (digit * 10**power for digit in (1, 2, 5))
    for unit in (SECOND, MINUTE):
        yield from (digit * unit for digit in (1, 2, 5, 10, 15, 30))
    yield from (digit * HOUR for digit in (1, 2, 3, 6, 12))
    for power in range(30):
        yield from (digit * 10**power * DAY for digit in (1, 2, 5))
