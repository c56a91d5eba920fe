"""Times of a finding: when its exchanges happened, and how long replies took; exact while they are few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges.row import OUTCOMES
from capanalyze.model import Bin, Mark, RoundTrip, Timeline
from capanalyze.summary import steps
from capanalyze.summary.store import CLASSES, REJECTED, REPLIED, SILENT, UNPROVEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capanalyze.summary.store import Cell, Detail

MAX_MARKS = 400
BINS = 240


Timed = tuple[int, int, int]  # of an exchange: nanoseconds since 1970, round trip in nanoseconds (-1 for none), class


def timeline(detail: Detail, classes: Sequence[int]) -> Timeline:
    """Marks while there are few exchanges, else bins of equal width.

    Args:
        detail: of the finding.
        classes: what each class counts as.
    """
    if detail.bins:
        width, first = 1 << detail.level, detail.bins[0][0]
        slots = [(number - first, as_classes(counts, classes)) for number, counts in detail.bins]
        return binned(first * width, width, slots)
    timed = [
        (seconds * 10**9 + nanos, rtt, classes[kind]) for seconds, nanos, rtt, kind in detail.exact if seconds < NO_TIME
    ]
    if not timed:
        return Timeline(start=0, width=0, marks=[], bins=[])
    start = min(timed)[0]
    if len(timed) <= MAX_MARKS:
        return Timeline(start=start, width=0, marks=[mark(*one, start) for one in timed], bins=[])
    return counted(timed, start)


def as_classes(counts: Sequence[int], classes: Sequence[int]) -> list[int]:
    """Counts by class, each counted as what it counts as."""
    found = [0] * CLASSES
    for kind, count in zip(classes, counts, strict=True):
        found[kind] += count
    return found


def mark(time: int, rtt: int, kind: int, start: int) -> Mark:
    """One exchange on the timeline."""
    offset = time - start
    reply = offset / 1e9 + max(rtt, 0) / 1000 / 1e6 if kind in (REPLIED, REJECTED) else None
    outcome = OUTCOMES[SILENT if kind == UNPROVEN else kind]
    return Mark(request=offset / 1e9, reply=reply, outcome=outcome, unproven=kind == UNPROVEN)


def counted(timed: Sequence[Timed], start: int) -> Timeline:
    """Exchanges in bins from a start on."""
    span = max(timed)[0] - start
    width = max(1, -(-(span + 1) // BINS))
    counts: dict[int, list[int]] = {}
    for time, _, kind in timed:
        counts.setdefault((time - start) // width, [0] * CLASSES)[kind] += 1
    return binned(start, width, sorted(counts.items()))


def binned(start: int, width: int, slots: Sequence[tuple[int, list[int]]]) -> Timeline:
    """A timeline of bins: number and counts by class of each that is not empty."""
    bins = [
        Bin(
            start=number * width / 1e9,
            requests=sum(counts),
            replied=counts[0],
            rejected=counts[1],
            silent=counts[2],
            indeterminate=counts[3],
            unproven=counts[4],
        )
        for number, counts in slots
    ]
    return Timeline(start=start, width=width / 1e9, marks=[], bins=bins)


def round_trip(cell: Cell, detail: Detail) -> RoundTrip:
    """The round-trip times of a cell's replies."""
    exact = steps.counted(rtt for _, _, rtt, kind in detail.exact if kind == REPLIED and rtt >= 0)
    spread = steps.exactly(exact) if exact else steps.shown(detail.times, cell.fastest, cell.slowest)
    return RoundTrip(
        count=cell.timed,
        minimum=cell.fastest / 1000,
        median=steps.median(spread) if spread else (cell.fastest + cell.slowest) / 2000,
        maximum=cell.slowest / 1000,
        spread=spread,
    )
