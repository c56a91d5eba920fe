"""When requests came and what came back: a lane for each service, zone and mode; a time axis for each mode.

Requests stand below a lane's line, replies and rejections above it. Lanes with many exchanges show densities,
their heights logarithmic. Dashed lines are flips; the shade between them says the state.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import log1p

from matplotlib.figure import Figure

from capanalyze.model import Analysis, Change, Finding, Mark, ModeInfo, Outcome
from capanalyze.report.graphs import axis, style
from capanalyze.report.graphs.axis import SECOND, Axis
from capanalyze.report.graphs.page import (
    BOLD,
    MARGIN,
    RIGHT,
    SMALL,
    TEXT,
    Box,
    Face,
    Page,
    fit,
    settings,
    width,
)
from capanalyze.report.graphs.style import FLIPS_MARK, GREY, INK, OUTCOME_LOOKS, VERDICT_LOOKS, Look

MOST_LANES = 16
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
SUBTITLE = "Requests below each line, what came back above it; times are UTC"

REQUEST = {"tick": "request"}
FAINT_REQUEST = {"faint": "request that proves nothing"}
REQUESTS = {"area": "requests, many"}
FLIP = {"flip": "flip"}

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
DID: dict[Outcome, str] = {"replied": "answered", "rejected": "refused", "silent": "fell silent"}
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


@dataclass
class Legend:
    """What has been drawn, by the words for it."""

    heads: dict[str, Look] = field(default_factory=dict)
    areas: dict[str, Look] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)


def draw(analysis: Analysis) -> Figure | None:
    """The graph; None where no exchange has a place in time."""
    lanes = _lanes(analysis)
    if not lanes:
        return None
    loudest = set(sorted(range(len(lanes)), key=lambda place: _importance(lanes[place]))[:MOST_LANES])
    shown = [lane for place, lane in enumerate(lanes) if place in loudest]
    with settings():
        page, legend = Page(), Legend()
        y = page.header(headline(analysis), SUBTITLE)
        for name, mode in style.modes(analysis):
            panel = [lane for lane in shown if lane.found.mode == name]
            if panel:
                y = _panel(page, y + 16, mode, panel, legend)
        y = _legend(page, y + 6, legend)
        page.footer(y, _notes(lanes, shown), style.source(analysis))
        return page.figure


def headline(analysis: Analysis) -> str:
    """The result in words."""
    flipping = [found for found in analysis.findings if found.changes]
    if flipping:
        known = all(found.mode is not None for found in flipping)
        return _flipped(flipping) + (", with no setting changed" if known else "")
    leaks = analysis.leaks()
    order = [found.service for found in style.services(analysis)]
    if leaks:
        names = {found.mode for found in leaks}
        leaking = [column for column in style.modes(analysis) if column[0] in names]
        name, mode = max(leaking, key=lambda column: style.strictness(column[1]))
        kept = _kept([found for found in leaks if found.mode == name], order)
        return f"Under {style.mode_title(mode)}, {kept}"
    replied = {found.service for found in analysis.findings if found.replied}
    answered = style.listing([service for service in order if service in replied], 5)
    if any(found.promise == "block" for found in analysis.findings):
        return f"{answered} answered, and no promise was broken" if answered else "No request drew a reply"
    return f"{answered} answered" if answered else "No request drew a reply"


def _flipped(flipping: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(found.service for found in flipping))
    if len(flipping) > 1:
        return f"{style.listing(names, 5)} changed {'its answer' if len(names) == 1 else 'their answers'}"
    changes = flipping[0].changes
    before = "was silent" if changes[0].before == "silent" else _did(changes[0].before)
    sentence = f"{style.named(names[0])} {before}, then {_did(changes[0].after)}"
    further = len(changes) - 1 + flipping[0].more_changes
    if further:
        return f"{sentence}, and flipped {'once more' if further == 1 else f'{further} more times'}"
    return sentence


def _did(outcome: Outcome) -> str:
    return DID.get(outcome, outcome)


def _kept(leaks: Sequence[Finding], order: Sequence[str]) -> str:
    replied = {found.service for found in leaks if found.verdict == "leaked"}
    if not replied:
        rejected = {found.service for found in leaks}
        return f"rejections by {style.listing([name for name in order if name in rejected], 5)} showed the host"
    kept = "kept answering" if any(found.replied > 1 for found in leaks) else "answered"
    return f"{style.listing([name for name in order if name in replied], 5)} {kept}"


def _lanes(analysis: Analysis) -> list[Lane]:
    """The findings with exchanges, in the order of the rows of the other graph."""
    modes = dict(style.modes(analysis))
    services = {found.service: place for place, found in enumerate(style.services(analysis))}
    zones = {zone: place for place, (zone, _) in enumerate(style.zones(analysis))}
    found = [found for found in analysis.findings if found.timeline.marks or found.timeline.bins]
    found.sort(key=lambda found: (services[found.service], zones[found.zone]))
    return [Lane(each, modes[each.mode]) for each in found]


def _importance(lane: Lane) -> tuple[bool, int, tuple[bool, ...]]:
    strict = tuple(not promised for promised in style.strictness(lane.mode))
    return (not lane.flips, style.urgency(lane.found), strict)


def _panel(page: Page, y: float, mode: ModeInfo | None, lanes: Sequence[Lane], legend: Legend) -> float:
    """The lanes of one mode above their time axis."""
    time = axis.make([event for lane in lanes for event in lane.events()], LEFT, RIGHT)
    days = list(dict.fromkeys(tick.day for tick in time.ticks() if tick.day))
    _panel_head(page, y, mode, days[0] if len(days) == 1 else "")
    y += 7
    for lane in lanes:
        _lane(page, y, lane, time, legend)
        y += lane.height + 3
    return _axis(page, y, time, dated=len(days) > 1)


def _panel_head(page: Page, y: float, mode: ModeInfo | None, day: str) -> None:
    size = TEXT + 0.5
    right = RIGHT
    if day:
        page.text(RIGHT, y, f"{day} UTC", size=SMALL, ink=GREY, align="right")
        right -= width(f"{day} UTC", SMALL) + 8
    title = fit(style.mode_title(mode), right - MARGIN, size, BOLD)
    page.text(MARGIN, y, title, size=size, face=BOLD)
    end = MARGIN + width(title, size, BOLD) + 6
    if right - end > 30:
        page.text(end, y, fit(style.promise(mode), right - end, SMALL), size=SMALL, ink=GREY)
    page.rule(y + 4, INK)


def _axis(page: Page, y: float, time: Axis, *, dated: bool) -> float:
    """The ticks and their labels; where they end."""
    page.strokes([((part.left, y), (part.right, y)) for part in time.stretches], ink=GREY, wide=0.6)
    page.strokes([((x + shift, y + 3), (x + shift + 3, y - 3)) for x in time.breaks() for shift in (-4, 0)], ink=GREY)
    free, day = 0.0, ""
    for tick in time.ticks():
        page.strokes([((tick.x, y), (tick.x, y + 2.5))], ink=GREY, wide=0.6)
        shows_day = dated and tick.day != day
        half = max(width(tick.label, SMALL), width(tick.day, SMALL) if shows_day else 0) / 2
        x = min(max(tick.x, LEFT - 12 + half), RIGHT - half)
        if x - half < free:
            continue
        page.text(x, y + 10.5, tick.label, size=SMALL, ink=GREY, align="center")
        if shows_day:
            page.text(x, y + 20, tick.day, size=SMALL, ink=GREY, align="center")
            day = tick.day
        free = x + half + 5
    return y + (22 if dated else 12.5)


def _lane(page: Page, y: float, lane: Lane, time: Axis, legend: Legend) -> None:
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
        legend.heads[look.word] = look


def _ticks(page: Page, track: Track, lane: Lane, time: Axis, legend: Legend) -> None:
    for faint, share, ink in ((False, 1, TICK), (True, 0.5, FAINT)):
        requests = [mark.request for mark in lane.found.timeline.marks if _is_faint(mark) == faint]
        places = [time.x(lane.time(seconds)) for seconds in requests]
        down = track.base + track.below * share
        page.strokes([((x, track.base), (x, down)) for x in places], ink=ink, wide=1.1)
        if requests:
            legend.signs |= FAINT_REQUEST if faint else REQUEST


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
    legend.signs |= REQUESTS
    answers = [
        _stack(column, track.base, -track.above * log1p(column.answers) / most, column.replied / column.answers)
        for column in columns
        if column.answers
    ]
    for place, outcome in enumerate(ANSWERS):
        look = lane.look(outcome)
        if page.bars([stack[place] for stack in answers], look.area):
            legend.areas[look.word] = look


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
    legend.signs |= FLIP
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


def _legend(page: Page, y: float, legend: Legend) -> float:
    """What has been drawn and what it means, in as many rows as it needs."""
    x, y = MARGIN, y + 6
    for sign, look, words in _entries(legend):
        wide = 13 + width(words, SMALL) + 14
        if x + wide - 14 > RIGHT and x > MARGIN:
            x, y = MARGIN, y + 12
        _sign(page, x + 4, y, sign, look)
        page.text(x + 12, y + 2.5, words, size=SMALL)
        x += wide
    return y + 5


def _entries(legend: Legend) -> Iterable[tuple[str, Look | None, str]]:
    for sign in ("tick", "faint", "area"):
        if sign in legend.signs:
            yield sign, None, legend.signs[sign]
    for word, look in legend.heads.items():
        yield "head", look, REPLIES.get(word, "rejection")
    for word, look in legend.areas.items():
        yield "area", look, MANY.get(word, "rejections, many")
    if "flip" in legend.signs:
        yield "flip", None, legend.signs["flip"]


def _sign(page: Page, x: float, y: float, sign: str, look: Look | None) -> None:
    if sign == "head" and look is not None:
        page.heads([(x, y)], MARKERS[look.mark], look.line, hollow=look.mark == "○")
    elif sign == "area":
        page.box((x - 3.5, y - 3.5, x + 3.5, y + 3.5), fill=look.area if look else MANY_REQUESTS)
    elif sign == "flip":
        page.strokes([((x, y - 5), (x, y + 5))], ink=INK, dashed=True)
    else:
        faint = sign == "faint"
        page.strokes([((x, y - 4), (x, y if faint else y + 4))], ink=FAINT if faint else TICK, wide=1.1)


def _notes(lanes: Sequence[Lane], shown: Sequence[Lane]) -> list[str]:
    notes = ["heights are logarithmic where there are many"] if any(lane.dense for lane in shown) else []
    leaks, drawn = (sum(style.look(lane.found).loud for lane in some) for some in (lanes, shown))
    notes += style.left_out(len(lanes) - len(shown), "lane", leaks - drawn if leaks else None)
    return ["; ".join(notes)] if notes else []
