"""When requests came and what came back: a lane for each service, zone and mode; a time axis for each mode."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from capanalyze.model import Analysis, Finding, ModeInfo, Outcome
from capanalyze.report.graphs import axis, lane, style
from capanalyze.report.graphs.axis import Axis
from capanalyze.report.graphs.lane import LEFT, Lane, Legend
from capanalyze.report.graphs.page import BOLD, MARGIN, RIGHT, SMALL, TEXT, Page, fit, settings, width
from capanalyze.report.graphs.style import GREY, INK

MOST_LANES = 16

SUBTITLE = "Requests below each line, what came back above it; times are UTC"
DID: dict[Outcome, str] = {"replied": "answered", "rejected": "refused", "silent": "fell silent"}


def draw(analysis: Analysis) -> Figure | None:
    """The graph; None where no exchange has a place in time."""
    lanes = _lanes(analysis)
    if not lanes:
        return None
    shown = _chosen(lanes)
    with settings():
        page = Page()
        legend: Legend = {}
        y = page.header(headline(analysis), SUBTITLE)
        for name, mode in style.modes(analysis):
            panel = [each for each in shown if each.found.mode == name]
            if panel:
                y = _panel(page, y + 16, mode, panel, legend)
        y = lane.draw_legend(page, y + 6, legend)
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
        name, mode = style.worst_mode(analysis)
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


def _chosen(lanes: list[Lane]) -> list[Lane]:
    """The lanes that there is room for: of many, those that leak or flip; where none does, the next in weight."""
    if len(lanes) <= MOST_LANES:
        return lanes
    loud = [each for each in lanes if each.flips or style.look(each.found).loud] or lanes
    weight = [_importance(each) for each in loud]
    first = set(sorted(range(len(loud)), key=weight.__getitem__)[:MOST_LANES])
    return [each for place, each in enumerate(loud) if place in first]


def _importance(each: Lane) -> tuple[bool, int, tuple[bool, ...]]:
    strict = tuple(not promised for promised in style.strictness(each.mode))
    return (not each.flips, style.urgency(each.found), strict)


def _panel(page: Page, y: float, mode: ModeInfo | None, lanes: Sequence[Lane], legend: Legend) -> float:
    """The lanes of one mode above their time axis."""
    time = axis.make([event for each in lanes for event in each.events()], LEFT, RIGHT)
    days = list(dict.fromkeys(tick.day for tick in time.ticks() if tick.day))
    _panel_head(page, y, mode, days[0] if len(days) == 1 else "")
    y += 7
    for each in lanes:
        lane.draw(page, y, each, time, legend)
        y += each.height + 3
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


def _notes(lanes: Sequence[Lane], shown: Sequence[Lane]) -> list[str]:
    notes = ["heights are logarithmic where there are many"] if any(each.dense for each in shown) else []
    leaks, drawn = (sum(style.look(each.found).loud for each in some) for some in (lanes, shown))
    notes += style.left_out(len(lanes) - len(shown), "lane", leaks - drawn if leaks else None)
    return ["; ".join(notes)] if notes else []
