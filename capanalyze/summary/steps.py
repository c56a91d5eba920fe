"""Steps of the histogram of round-trip times: what each holds, and the few of them that a report shows."""

from collections.abc import Iterable, Mapping

from capanalyze.model import Step

STEPS_OF_OCTAVE = 32  # of round-trip times, as `core.step_of` numbers them

SHOWN_OF_OCTAVE = 8
JOINED = STEPS_OF_OCTAVE // SHOWN_OF_OCTAVE


def bounds(step: int) -> tuple[int, int]:
    """The times that a step of the histogram holds: the least and the greatest."""
    octave, rest = divmod(step, STEPS_OF_OCTAVE)
    if octave == 0:
        return rest, rest
    low = (STEPS_OF_OCTAVE + rest) << (octave - 1)
    return low, low + (1 << (octave - 1)) - 1


def shown(counts: Mapping[int, int], fastest: int, slowest: int) -> list[Step]:
    """The steps of a histogram that are not empty, as a report shows them; all times lie between two, nanoseconds."""
    joined: dict[int, int] = {}
    for step in sorted(counts):
        joined[step // JOINED] = joined.get(step // JOINED, 0) + counts[step]
    return [Step(us=_middle(number, fastest, slowest), count=count) for number, count in joined.items()]


def _middle(number: int, fastest: int, slowest: int) -> float:
    low, high = bounds(number * JOINED)[0], bounds(number * JOINED + JOINED - 1)[1]
    return round(min(max((low + high) / 2, fastest), slowest) / 1000, 3)


def counted(steps: Iterable[int]) -> dict[int, int]:
    """How often each step was met."""
    counts: dict[int, int] = {}
    for step in steps:
        counts[step] = counts.get(step, 0) + 1
    return counts
