"""The flips of a lane: dashed lines, the shades of the states between them, and below the marks their times.

A line reaches down to the row of its own time, which stands right or left of it. No line crosses a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from capanalyze.model import Change, Outcome
from capanalyze.report.graphs import axis
from capanalyze.report.graphs.axis import SECOND, Axis
from capanalyze.report.graphs.lane import LEFT, Lane, Legend
from capanalyze.report.graphs.lettering import BOLD, SMALL, width
from capanalyze.report.graphs.page import RIGHT, Page
from capanalyze.report.looks import INK

ROW = 9.0
# Of a few flips all show their time, however close they are; of many as many as fit into two rows.
FEW, ROWS_OF_MANY = 20, 2
# Between a line and its time, and after the time.
ASIDE = 2.5

MILLISECOND = SECOND // 1000
DOES: dict[Outcome, str] = {"replied": "answers", "rejected": "refuses", "silent": "silent"}

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Place:
    """The row of a time below the marks, from 0, and the side of its line on which it stands."""

    row: int
    side: Side


@dataclass(frozen=True)
class Flip:
    """A flip on the page: where its line stands, its time, and the place of that, None where it has none."""

    x: float
    label: str
    place: Place | None

    @property
    def wide(self) -> float:
        """What the time needs beside its line; nothing where there is none to show."""
        return _wide(self.label) if self.label else 0.0


@dataclass(frozen=True)
class Times:
    """The flips of a lane from left to right, and the rows that their times take."""

    flips: Sequence[Flip]
    rows: int

    @property
    def height(self) -> float:
        """The room that the times take below the marks."""
        return self.rows * ROW + 4


def times(lane: Lane, time: Axis) -> Times:
    """The flips of a lane, the times of them placed in as few rows as will do."""
    placed = [(x, change) for change in lane.found.changes if (x := _x(change, time)) is not None]
    placed.sort(key=lambda flip: flip[0])
    labels = _labels([change for _, change in placed])
    spans = [(x, _wide(label)) for (x, _), label in zip(placed, labels, strict=True) if label]
    most = max(1, len(placed)) if len(placed) <= FEW else ROWS_OF_MANY
    tried = (arrange(spans, rows) for rows in range(1, most + 1))
    places = min(tried, key=lambda places: places.count(None))
    each = iter(places)
    flips = [Flip(x, label, next(each) if label else None) for (x, _), label in zip(placed, labels, strict=True)]
    return Times(flips, max((place.row + 1 for place in places if place), default=1))


def arrange(spans: Sequence[tuple[float, float]], rows: int) -> list[Place | None]:
    """Places for the times of lines at these x (ascending) that need this width; None where there is no room.

    Neighbours share a staircase of up to `rows` steps: right of their lines the first of them stands
    lowest, left of them the last, so that the lines of the others end above it.
    """
    # From the right: how many have no place, where what is placed begins, the size and side of the first group.
    best: list[tuple[int, float, int, Side]] = [(0, RIGHT, 0, "right")]
    for first in range(len(spans) - 1, -1, -1):
        after = best[::-1]
        missing, start, *_ = after[0]
        choices: list[tuple[int, float, int, Side]] = [(missing + 1, start, 0, "right")]
        for size in range(1, min(rows, len(spans) - first) + 1):
            group = spans[first : first + size]
            missing, start, *_ = after[size - 1]
            if max(x + wide for x, wide in group) <= start:
                choices.append((missing, group[0][0], size, "right"))
            beginning = min(x - wide for x, wide in group)
            if group[-1][0] <= start and beginning >= LEFT:
                choices.append((missing, beginning, size, "left"))
        best.append(min(choices, key=lambda choice: (choice[0], -choice[1])))
    best.reverse()
    places: list[Place | None] = []
    while len(places) < len(spans):
        _, _, size, side = best[len(places)]
        steps = range(size) if side == "left" else range(size - 1, -1, -1)
        places += [Place(row, side) for row in steps] or [None]
    return places


def _labels(changes: Sequence[Change]) -> list[str]:
    """The time of the first exchange after each flip, to the second or, where several share one, finer."""
    moments = [axis.parse(change.first_after.time or change.time) for change in changes]
    labels = ["" if moment is None else axis.clock(moment, SECOND) for moment in moments]
    if len(changes) > FEW:
        return labels
    return [
        axis.clock(moment, MILLISECOND) if moment is not None and labels.count(label) > 1 else label
        for moment, label in zip(moments, labels, strict=True)
    ]


def _wide(label: str) -> float:
    return width(label, SMALL) + 2 * ASIDE


def _x(change: Change, time: Axis) -> float | None:
    """A flip happened between two exchanges: it stands in their middle."""
    before, after = axis.parse(change.last_before.time), axis.parse(change.first_after.time)
    moment = axis.parse(change.time)
    if before is not None and after is not None:
        return time.x((before + after) // 2)
    return None if moment is None else time.x(moment)


def draw_states(page: Page, top: float, bottom: float, lane: Lane, time: Axis) -> None:
    """The shades between flips and, where there is room, the word for each."""
    chain = _chain(lane)
    edges = [x for change in chain if (x := _x(change, time)) is not None]
    if not edges or len(edges) < len(chain):
        return
    # What came after the last change that is kept is not known where further ones were only counted.
    edges = [LEFT, *edges, edges[-1] if lane.found.more_changes else RIGHT]
    states = [chain[0].before, *(change.after for change in chain)]
    for (left, right), state in zip(pairwise(edges), states, strict=True):
        if right <= left:
            continue
        look = lane.look_of(state)
        page.box((left, top, right, bottom), fill=look.tint)
        words = DOES.get(state, state)
        if width(words, SMALL, BOLD) < right - left - 4:
            page.text((left + right) / 2, top + 8.5, words, size=SMALL, face=BOLD, ink=look.line, align="center")


def _chain(lane: Lane) -> Sequence[Change]:
    """The flips that tell the state between them: none where several servers or kinds flip in turn."""
    changes = lane.found.changes
    return changes if len({(change.server, change.kind) for change in changes}) == 1 else ()


def draw(page: Page, top: float, bottom: float, shown: Times, legend: Legend) -> None:
    """The lines of the flips between the top of a lane and the end of its marks, and their times below."""
    if not shown.flips:
        return
    legend["flip"] = ("flip", None)
    wide = 0.8 if len(shown.flips) <= FEW else 0.5
    lines = [((flip.x, top), (flip.x, bottom + _depth(flip))) for flip in shown.flips]
    page.strokes(lines, ink=INK, wide=wide, dashed=True)
    for flip in shown.flips:
        if flip.place is not None:
            right = flip.place.side == "right"
            x = flip.x + ASIDE if right else flip.x - ASIDE
            baseline = bottom + _depth(flip) - 1.5
            page.text(x, baseline, flip.label, size=SMALL, align="left" if right else "right")


def _depth(flip: Flip) -> float:
    return (flip.place.row + 1) * ROW if flip.place else 0.0
