"""Steps of the histogram of round-trip times: what each holds, and what a report shows of them."""

from collections.abc import Iterable, Mapping, Sequence

from capanalyze.model import Step

STEPS_OF_OCTAVE = 32  # of round-trip times, as `core.step_of` numbers them


def bounds(step: int) -> tuple[int, int]:
    """The times that a step of the histogram holds: the least and the greatest."""
    octave, rest = divmod(step, STEPS_OF_OCTAVE)
    if octave == 0:
        return rest, rest
    low = (STEPS_OF_OCTAVE + rest) << (octave - 1)
    return low, low + (1 << (octave - 1)) - 1


def shown(counts: Mapping[int, int], fastest: int, slowest: int) -> list[Step]:
    """The steps of a histogram that are not empty, as a report shows them; all times lie between two, nanoseconds."""
    return [Step(us=_middle(step, fastest, slowest), count=counts[step]) for step in sorted(counts)]


def exactly(counts: Mapping[int, int]) -> list[Step]:
    """A step for each of a few times, nanoseconds, and how often it was met."""
    return [Step(us=time / 1000, count=counts[time]) for time in sorted(counts)]


def median(spread: Sequence[Step]) -> float:
    """The median of times in ascending steps, of which there is one at least; microseconds."""
    count = sum(step.count for step in spread)
    return (_at(spread, (count - 1) // 2) + _at(spread, count // 2)) / 2


def _at(spread: Sequence[Step], place: int) -> float:
    """The time at a place, counted from 0."""
    for step in spread:
        place -= step.count
        if place < 0:
            return step.us
    return spread[-1].us


def _middle(step: int, fastest: int, slowest: int) -> float:
    low, high = bounds(step)
    return round(min(max((low + high) / 2, fastest), slowest) / 1000, 3)


def counted(steps: Iterable[int]) -> dict[int, int]:
    """How often each number was met."""
    counts: dict[int, int] = {}
    for step in steps:
        counts[step] = counts.get(step, 0) + 1
    return counts
