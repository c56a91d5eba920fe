"""When requests came and what came back: a lane for each service, zone and mode; a time axis for each mode."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from capanalyze.model import Analysis, ModeInfo
from capanalyze.report.graphs import axis, flips, footer, marks
from capanalyze.report.graphs.axis import Axis
from capanalyze.report.graphs.lane import LEFT, Lane, Legend, Track, draw_label, draw_legend
from capanalyze.report.graphs.lettering import BOLD, SMALL, TEXT, fit, width
from capanalyze.report.graphs.page import MARGIN, RIGHT, Page, settings
from capanalyze.report.headlines import of_timeline
from capanalyze.report.looks import GREY, INK, look
from capanalyze.report.order import modes, services, strictness, urgency, zones
from capanalyze.report.words import listing, mode_title, on_condition, promise

MOST_LANES = 24
MOST_LEAKS = 32  # lanes that fit on a page where all of them leak
MOST_NAMES = 12  # of leaks that there is no lane for

SUBTITLE = "Requests below each line, what came back above it; times are UTC"

LANE = 22.0
DENSE_LANE = 34.0
FLIPPING_LANE = 51.0
BETWEEN = 2.5
# Room for the heads of marks; in a lane that flips, for the words of its states.
HEADS, STATES = 3.0, 13.0
ABOVE = 0.65
GROUND = "#f8f9fa"


def draw(analysis: Analysis) -> Figure | None:
    """The graph; None where no exchange has a place in time."""
    lanes = _lanes(analysis)
    if not lanes:
        return None
    shown = _chosen(lanes)
    with settings():
        page = Page()
        legend: Legend = {}
        y = page.header(on_condition(analysis.target, of_timeline(analysis)), SUBTITLE)
        for name, mode in modes(analysis):
            panel = [each for each in shown if each.found.mode == name]
            if panel:
                y = _panel(page, y + 16, mode, panel, legend)
        y = draw_legend(page, y + 6, legend)
        page.footer(y, _notes(lanes, shown), footer.source(analysis))
        return page.figure


def _lanes(analysis: Analysis) -> list[Lane]:
    """The findings with exchanges, in the order of the rows of the other graph."""
    infos = dict(modes(analysis))
    rows = {found.service: place for place, found in enumerate(services(analysis))}
    bands = {zone: place for place, (zone, _) in enumerate(zones(analysis))}
    found = [found for found in analysis.findings if found.timeline.marks or found.timeline.bins]
    found.sort(key=lambda found: (rows[found.service], bands[found.zone]))
    return [Lane(each, infos[each.mode]) for each in found]


def _chosen(lanes: list[Lane]) -> list[Lane]:
    """The lanes that there is room for: of many, those that leak or flip; where none does, first those that answer."""
    if len(lanes) <= MOST_LANES:
        return lanes
    loud = [each for each in lanes if each.flips or look(each.found).loud] or lanes
    weight = [(not look(each.found).loud, *_importance(each)) for each in loud]
    room = max(MOST_LANES, min(MOST_LEAKS, sum(look(each.found).loud for each in loud)))
    first = set(sorted(range(len(loud)), key=weight.__getitem__)[:room])
    return [each for place, each in enumerate(loud) if place in first]


def _importance(each: Lane) -> tuple[bool, bool, int, tuple[bool, ...]]:
    strict = tuple(not promised for promised in strictness(each.mode))
    return (not each.flips, not each.found.replied, urgency(each.found), strict)


def _panel(page: Page, y: float, mode: ModeInfo | None, lanes: Sequence[Lane], legend: Legend) -> float:
    """The lanes of one mode above their time axis."""
    time = _time(lanes)
    days = list(dict.fromkeys(tick.day for tick in time.ticks() if tick.day))
    _panel_head(page, y, mode, days[0] if len(days) == 1 else "")
    y += 7
    for each in lanes:
        y = _lane(page, y, each, time, legend) + BETWEEN
    return _axis(page, y, time, dated=len(days) > 1)


def _time(lanes: Sequence[Lane]) -> Axis:
    """The axis of these lanes; it goes on a little where a flip's time needs room at its right end."""
    events = [event for each in lanes for event in each.events()]
    time = axis.make(events, LEFT, RIGHT)
    shown = [flip for each in lanes for flip in flips.times(each, time).flips]
    last = max(shown, key=lambda flip: flip.x + flip.wide, default=None)
    if last is None or last.x + last.wide <= RIGHT:
        return time
    end = max(end for _, end in events)
    long = sum(stretch.end - stretch.start for stretch in time.stretches)
    more = int(long * last.wide / (RIGHT - LEFT - last.wide))
    return axis.make([*events, (end, end + more)], LEFT, RIGHT)


def _panel_head(page: Page, y: float, mode: ModeInfo | None, day: str) -> None:
    size = TEXT + 0.5
    right = RIGHT
    if day:
        page.text(RIGHT, y, f"{day} UTC", size=SMALL, ink=GREY, align="right")
        right -= width(f"{day} UTC", SMALL) + 8
    title = fit(mode_title(mode), right - MARGIN, size, BOLD)
    page.text(MARGIN, y, title, size=size, face=BOLD)
    end = MARGIN + width(title, size, BOLD) + 6
    if right - end > 30:
        page.text(end, y, fit(promise(mode), right - end, SMALL), size=SMALL, ink=GREY)
    page.rule(y + 4, INK)


def _lane(page: Page, y: float, lane: Lane, time: Axis, legend: Legend) -> float:
    """One lane, its label at the left; where it ends."""
    shown = flips.times(lane, time)
    tall = FLIPPING_LANE if lane.flips else DENSE_LANE if lane.dense else LANE
    end = y + tall
    bottom = end + shown.height if lane.flips else end
    track = _track(y, tall, STATES if lane.flips else HEADS, 0.0 if lane.flips else HEADS)
    page.box((LEFT, y, RIGHT, bottom), fill=GROUND)
    flips.draw_states(page, y, bottom, lane, time)
    draw_label(page, y, bottom - y, lane.found)
    marks.draw(page, track, lane, time, legend)
    page.strokes([((part.left, track.base), (part.right, track.base)) for part in time.stretches], ink=INK)
    flips.draw(page, y, end, shown, legend)
    return bottom


def _track(y: float, tall: float, over: float, under: float) -> Track:
    """Where the marks stand in a lane that leaves so much room over and under them."""
    room = tall - over - under
    above = room * ABOVE
    return Track(base=y + over + above, above=above, below=room - above)


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


def _notes(lanes: Sequence[Lane], shown: Sequence[Lane]) -> list[str]:
    notes = ["heights are logarithmic where there are many"] if any(each.dense for each in shown) else []
    leaks, drawn = (sum(look(each.found).loud for each in some) for some in (lanes, shown))
    notes += footer.left_out(len(lanes) - len(shown), "lane", leaks - drawn if leaks else None)
    loud = [
        f"{each.found.service} ({each.found.zone})" for each in lanes if each not in shown and look(each.found).loud
    ]
    named = [f"without a lane here, but leaks too: {listing(loud, MOST_NAMES)}"] if loud else []
    return ["; ".join(notes), *named] if notes else []
