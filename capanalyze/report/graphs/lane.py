"""One lane of the timeline: a finding's exchanges along a time axis.

Requests stand below the line, replies and rejections above it. Many exchanges show as densities, their heights
logarithmic. Dashed lines are flips; the shade between them says the state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log1p
from typing import Literal

from capanalyze.model import Change, Finding, Mark, ModeInfo, Outcome
from capanalyze.report.graphs import axis, style
from capanalyze.report.graphs.axis import SECOND, Axis
from capanalyze.report.graphs.page import BOLD, MARGIN, RIGHT, SMALL, TEXT, Box, Face, Page, fit, width
from capanalyze.report.graphs.style import FLIPS_MARK, GREY, INK, OUTCOME_LOOKS, VERDICT_LOOKS, Look

# More exchanges than this are shown as densities, even where the analysis has every one.
MOST_MARKS = 150

LEFT = 130.0
LABEL = LEFT - MARGIN - 8
LANE = 25.0
DENSE_LANE = 34.0
FLIPPING_LANE = 64.0
# Room for the heads of marks; in a lane that flips, for the states and times too.
MARGINS, FLIPPING_MARGINS = 3.0, 13.0
ABOVE = 0.65
COLUMN = 2.0
MANY_FLIPS = 20

TICK = "#59636e"
FAINT = "#9aa3ad"
MANY_REQUESTS = "#9aa3ad"
FAINT_REQUESTS = "#d3d8dd"
GROUND = "#f8f9fa"

Sign = Literal["request", "faint", "requests", "answer", "answers", "flip"]
SIGNS: tuple[Sign, ...] = ("request", "faint", "requests", "answer", "answers", "flip")
# What has been drawn, by the words for it.
Legend = dict[str, tuple[Sign, Look | None]]

ANSWERS: tuple[Outcome, Outcome] = ("replied", "rejected")
MARKERS = {"●": "o", "○": "o", "◆": "D", VERDICT_LOOKS["refused"].mark: "x"}
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
DOES: dict[Outcome, str] = {"replied": "answers", "rejected": "refuses", "silent": "silent"}


@dataclass(frozen=True)
class Lane:
    """One finding and the mode that it was made under."""

    found: Finding
    mode: ModeInfo | None

    @property
    def flips(self) -> bool:
        """Whether the outcome changed while the setting stayed."""
        return bool(self.found.changes)

    @property
    def dense(self) -> bool:
        """Whether there are too many exchanges to see each."""
        return bool(self.found.timeline.bins) or len(self.found.timeline.marks) > MOST_MARKS

    @property
    def height(self) -> float:
        """How tall the lane is."""
        return FLIPPING_LANE if self.flips else DENSE_LANE if self.dense else LANE

    def time(self, seconds: float) -> int:
        """A time of the lane's timeline, in nanoseconds since 1970."""
        return self.found.timeline.start + round(seconds * SECOND)

    def look(self, outcome: Outcome) -> Look:
        """How an exchange with this outcome is shown in this lane."""
        if outcome == "replied" and self.found.verdict in ("leaked", "allowed"):
            return VERDICT_LOOKS[self.found.verdict]
        if outcome == "rejected" and self.found.verdict is not None:
            stealthy = self.mode is not None and self.mode.stealth and self.found.promise == "block"
            return VERDICT_LOOKS["visible" if stealthy else "refused"]
        return OUTCOME_LOOKS[outcome]

    def events(self) -> list[axis.Interval]:
        """The times at which something is drawn."""
        drawn = self.found.timeline
        events = [(self.time(part.start), self.time(part.start + drawn.width)) for part in drawn.bins]
        for mark in drawn.marks:
            request, reply = (
                self.time(mark.request),
                self.time(mark.request if mark.reply is None else mark.reply),
            )
            events.append((min(request, reply), max(request, reply)))
        return events


@dataclass(frozen=True)
class Track:
    """Where a lane stands: its box, its line, and the room above and below the line."""

    top: float
    bottom: float
    base: float
    above: float
    below: float


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


def draw(page: Page, y: float, lane: Lane, time: Axis, legend: Legend) -> None:
    """One lane, its label at the left; what has been drawn goes into the legend."""
    track = _track(y, lane)
    page.box((LEFT, y, RIGHT, track.bottom), fill=GROUND)
    _states(page, track, lane, time)
    _label(page, y, lane)
    if lane.dense:
        _densities(page, track, lane, time, legend)
    else:
        _marks(page, track, lane, time, legend)
    page.strokes([((part.left, track.base), (part.right, track.base)) for part in time.stretches], ink=INK)
    _flips(page, track, lane, time, legend)


def _track(y: float, lane: Lane) -> Track:
    margin = FLIPPING_MARGINS if lane.flips else MARGINS
    room = lane.height - 2 * margin
    above = room * ABOVE
    return Track(y, y + lane.height, y + margin + above, above, room - above)


def _label(page: Page, y: float, lane: Lane) -> None:
    found, look = lane.found, style.look(lane.found)
    number = len(found.changes) + found.more_changes
    third = f"{FLIPS_MARK} {style.counted(number, 'flip')}" if number else _peak(found)
    y += (lane.height - (27 if third else 18)) / 2
    face: Face = BOLD if look.loud else ""
    verdict = f"{look.mark} {look.word} {style.count(found)}"
    _pair(page, y + 7, (style.named(found.service), TEXT, BOLD, INK), _port(found))
    _pair(page, y + 16, (verdict, SMALL, face, look.line), style.named(found.zone))
    page.text(MARGIN, y + 25, fit(third, LABEL, SMALL), size=SMALL, ink=GREY)


def _pair(page: Page, y: float, first: tuple[str, float, Face, str], second: str) -> None:
    """What must be read, and after it in grey what there is room for."""
    text, size, face, ink = first
    text = fit(text, LABEL, size, face)
    page.text(MARGIN, y, text, size=size, face=face, ink=ink)
    end = MARGIN + width(text, size, face) + 5
    if MARGIN + LABEL - end > 20:
        page.text(end, y, fit(second, MARGIN + LABEL - end, SMALL), size=SMALL, ink=GREY)


def _port(found: Finding) -> str:
    port = style.address(found)
    return "" if port == found.service else port


def _peak(found: Finding) -> str:
    drawn = found.timeline
    if not drawn.bins:
        return ""
    most = max(part.requests for part in drawn.bins)
    return f"up to {style.brief(most)} in {drawn.width:.3g} s"


def _marks(page: Page, track: Track, lane: Lane, time: Axis, legend: Legend) -> None:
    """Every exchange by itself."""
    _ticks(page, track, lane, time, legend)
    for outcome, height in zip(ANSWERS, (track.above, track.above * 0.55), strict=True):
        answers = [mark for mark in lane.found.timeline.marks if mark.outcome == outcome]
        if not answers:
            continue
        look = lane.look(outcome)
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
            words = "request that proves nothing" if faint else "request"
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
        look = lane.look(outcome)
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


def _chain(lane: Lane) -> Sequence[Change]:
    """The flips that tell the state between them: none where several servers or kinds flip in turn."""
    changes = lane.found.changes
    return changes if len({(change.server, change.kind) for change in changes}) == 1 else ()


def _place(change: Change, time: Axis) -> float | None:
    """A flip happened between two exchanges: it stands in their middle."""
    before, after = axis.parse(change.last_before.time), axis.parse(change.first_after.time)
    moment = axis.parse(change.time)
    if before is not None and after is not None:
        return time.x((before + after) // 2)
    return None if moment is None else time.x(moment)


def _states(page: Page, track: Track, lane: Lane, time: Axis) -> None:
    chain = _chain(lane)
    places = [place for change in chain if (place := _place(change, time)) is not None]
    if not places or len(places) < len(chain):
        return
    # What came after the last change that is kept is not known where further ones were only counted.
    edges = [LEFT, *places, places[-1] if lane.found.more_changes else RIGHT]
    states = [chain[0].before, *(change.after for change in chain)]
    for (left, right), state in zip(pairwise(edges), states, strict=True):
        if right <= left:
            continue
        look = lane.look(state)
        page.box((left, track.top, right, track.bottom), fill=look.tint)
        words = DOES.get(state, state)
        if width(words, SMALL, BOLD) < right - left - 4:
            middle = (left + right) / 2
            page.text(middle, track.top + 8.5, words, size=SMALL, face=BOLD, ink=look.line, align="center")


def _flips(page: Page, track: Track, lane: Lane, time: Axis, legend: Legend) -> None:
    """The lines of the flips, and the times of those that have room for it."""
    placed = [(place, change) for change in lane.found.changes if (place := _place(change, time)) is not None]
    if not placed:
        return
    placed.sort(key=lambda flip: flip[0])
    legend["flip"] = ("flip", None)
    wide = 0.5 if len(placed) > MANY_FLIPS else 0.8
    page.strokes([((place, track.top), (place, track.bottom)) for place, _ in placed], ink=INK, wide=wide, dashed=True)
    _flip_times(page, track.bottom - 2.5, placed)


def _flip_times(page: Page, baseline: float, placed: Sequence[tuple[float, Change]]) -> None:
    """Beside each line the time of the first exchange after it, where no other line or time is in the way."""
    before = LEFT
    nexts = [*(place for place, _ in placed[1:]), RIGHT]
    for (place, change), after in zip(placed, nexts, strict=True):
        moment = axis.parse(change.first_after.time or change.time)
        label = axis.clock(moment, SECOND) if moment is not None else ""
        room = width(label, SMALL) + 3
        if place + room <= after:
            page.text(place + 2.5, baseline, label, size=SMALL)
            before = place + room
        elif place - room >= before:
            page.text(place - 2.5, baseline, label, size=SMALL, align="right")
            before = place
        else:
            before = place


def draw_legend(page: Page, y: float, legend: Legend) -> float:
    """What has been drawn and what it means, in as many rows as it needs."""
    x, y = MARGIN, y + 6
    for words, (sign, look) in sorted(legend.items(), key=lambda entry: SIGNS.index(entry[1][0])):
        wide = 13 + width(words, SMALL) + 14
        if x + wide - 14 > RIGHT and x > MARGIN:
            x, y = MARGIN, y + 12
        _sign(page, x + 4, y, sign, look)
        page.text(x + 12, y + 2.5, words, size=SMALL)
        x += wide
    return y + 5


def _sign(page: Page, x: float, y: float, sign: Sign, look: Look | None) -> None:
    if sign == "answer" and look is not None:
        page.heads([(x, y)], MARKERS[look.mark], look.line, hollow=look.mark == "○")
    elif sign in ("requests", "answers"):
        page.box((x - 3.5, y - 3.5, x + 3.5, y + 3.5), fill=look.area if look else MANY_REQUESTS)
    elif sign == "flip":
        page.strokes([((x, y - 5), (x, y + 5))], ink=INK, dashed=True)
    else:
        faint = sign == "faint"
        page.strokes([((x, y - 4), (x, y if faint else y + 4))], ink=FAINT if faint else TICK, wide=1.1)
