"""The exchanges of a lane: requests below the line, replies and rejections above it.

Few exchanges show each by itself. Many show as densities, their heights logarithmic.
"""

from dataclasses import dataclass
from math import log1p

from capanalyze.model import Mark, Outcome
from capanalyze.report.graphs.axis import Axis
from capanalyze.report.graphs.lane import FAINT, MANY_REQUESTS, MARKERS, TICK, Lane, Legend, Track
from capanalyze.report.graphs.page import RIGHT, Box, Page

# The width of a density.
COLUMN = 2.0

FAINT_REQUESTS = "#d3d8dd"

ANSWERS: tuple[Outcome, Outcome] = ("replied", "rejected")
MANY = {
    "LEAK": "replies (leak), many",
    "allowed": "replies (allowed), many",
    "replied": "replies, many",
    "visible": "rejections (show the host), many",
}
REPLIES = {
    "LEAK": "reply (leak)",
    "allowed": "reply (allowed)",
    "replied": "reply",
    "visible": "rejection (shows the host)",
}


@dataclass
class Column:
    """Exchanges that are too close to each other to be told apart on the page."""

    left: float
    right: float
    proving: int = 0
    faint: int = 0
    replied: int = 0
    rejected: int = 0

    @property
    def requests(self) -> int:
        """All requests."""
        return self.proving + self.faint

    @property
    def answers(self) -> int:
        """All that came back."""
        return self.replied + self.rejected


def draw(page: Page, track: Track, lane: Lane, time: Axis, legend: Legend) -> None:
    """All exchanges of a lane; what has been drawn goes into the legend."""
    if lane.dense:
        _densities(page, track, lane, time, legend)
    else:
        _marks(page, track, lane, time, legend)


def _marks(page: Page, track: Track, lane: Lane, time: Axis, legend: Legend) -> None:
    """Every exchange by itself."""
    _ticks(page, track, lane, time, legend)
    for outcome, height in zip(ANSWERS, (track.above, track.above * 0.55), strict=True):
        answers = [mark for mark in lane.found.timeline.marks if mark.outcome == outcome]
        if not answers:
            continue
        look = lane.look_of(outcome)
        times = [mark.request if mark.reply is None else mark.reply for mark in answers]
        places = [time.x(lane.time(seconds)) for seconds in times]
        if MARKERS[look.mark] != "x":
            stems = [((x, track.base), (x, track.base - height)) for x in places]
            page.strokes(stems, ink=look.line, wide=1.6 if look.loud else 1.0)
        heads = [(x, track.base - height) for x in places]
        page.heads(heads, MARKERS[look.mark], look.line, hollow=look.mark == "○")
        legend[REPLIES.get(look.word, "rejection")] = ("answer", look)


def _ticks(page: Page, track: Track, lane: Lane, time: Axis, legend: Legend) -> None:
    for faint, share, ink in ((True, 0.5, FAINT), (False, 1, TICK)):
        requests = [mark.request for mark in lane.found.timeline.marks if _is_faint(mark) == faint]
        places = [time.x(lane.time(seconds)) for seconds in requests]
        down = track.base + track.below * share
        page.strokes([((x, track.base), (x, down)) for x in places], ink=ink, wide=1.1)
        if requests:
            words = "unproven or indeterminate request" if faint else "request"
            legend[words] = ("faint" if faint else "request", None)


def _is_faint(mark: Mark) -> bool:
    return mark.unproven or mark.outcome == "indeterminate"


def _densities(page: Page, track: Track, lane: Lane, time: Axis, legend: Legend) -> None:
    """How many at a time: heights are logarithms, the colours in one height share it in proportion."""
    columns = _columns(lane, time)
    most = log1p(max((column.requests for column in columns), default=0))
    requests = [
        _stack(column, track.base, track.below * log1p(column.requests) / most, column.proving / column.requests)
        for column in columns
    ]
    page.bars([proving for proving, _ in requests], MANY_REQUESTS)
    page.bars([faint for _, faint in requests], FAINT_REQUESTS)
    legend["requests, many"] = ("requests", None)
    answers = [
        _stack(column, track.base, -track.above * log1p(column.answers) / most, column.replied / column.answers)
        for column in columns
        if column.answers
    ]
    for place, outcome in enumerate(ANSWERS):
        look = lane.look_of(outcome)
        if page.bars([stack[place] for stack in answers], look.area):
            legend[MANY.get(look.word, "rejections, many")] = ("answers", look)


def _stack(column: Column, base: float, height: float, share: float) -> tuple[Box, Box]:
    """A column's height, the share of one colour next to the line and the rest beyond it."""
    middle, end = base + height * share, base + height
    return (column.left, base, column.right, middle), (column.left, middle, column.right, end)


def _columns(lane: Lane, time: Axis) -> list[Column]:
    """The exchanges of a lane, gathered by where they stand on the page."""
    drawn = lane.found.timeline
    gathered: dict[int, Column] = {}
    for part in drawn.bins:
        left = time.x(lane.time(part.start))
        column = _column(gathered, left, time.x(lane.time(part.start + drawn.width)))
        faint = part.indeterminate + part.unproven
        column.faint += min(faint, part.requests)
        column.proving += max(part.requests - faint, 0)
        column.replied += part.replied
        column.rejected += part.rejected
    for mark in drawn.marks:
        left = time.x(lane.time(mark.request))
        column = _column(gathered, left, left)
        column.faint += _is_faint(mark)
        column.proving += not _is_faint(mark)
        column.replied += mark.outcome == "replied"
        column.rejected += mark.outcome == "rejected"
    return [column for column in gathered.values() if column.requests]


def _column(gathered: dict[int, Column], left: float, right: float) -> Column:
    place = int(left // COLUMN)
    start = place * COLUMN
    column = gathered.setdefault(place, Column(start, start + COLUMN))
    column.right = min(max(column.right, right // COLUMN * COLUMN), RIGHT)
    return column
