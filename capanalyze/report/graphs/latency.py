"""How long replies took to leave: every one as a dot, in its zone and service; as densities where they are many."""

from collections.abc import Sequence
from math import log1p

from matplotlib.figure import Figure

from capanalyze.model import Analysis
from capanalyze.report.graphs import footer, logarithmic
from capanalyze.report.graphs.lettering import BOLD, SMALL, TEXT, fit, width
from capanalyze.report.graphs.logarithmic import Scale
from capanalyze.report.graphs.page import MARGIN, RIGHT, Page, settings
from capanalyze.report.headlines import of_latency
from capanalyze.report.looks import GREY, INK, OUTCOME_LOOKS, RULE, VERDICT_LOOKS, look
from capanalyze.report.measures import SOON, Timed, is_slow, soon, timed
from capanalyze.report.words import address, brief, listing, microseconds, named, on_condition, zone_words

SUBTITLE = "From each request to the first frame of its reply, as captured on the target; the axis is logarithmic"

MOST_ROWS = 60
LEFT = 132.0
DOTS_END = RIGHT - 78
ROW = 20.0
# Dots on dots while they fit into a row; beyond, heights grow with the logarithm of the count.
DOT, HIGHEST = 2.3, 6
TINT = "#eceff2"
MANY = OUTCOME_LOOKS["replied"].area
MEANINGS = (
    (VERDICT_LOOKS["leaked"], "a reply that leaked"),
    (VERDICT_LOOKS["allowed"], "a reply, allowed"),
    (OUTCOME_LOOKS["replied"], "a reply; no mode known"),
)
ON_TARGET = "sooner than this link can be: captured on the target"


def draw(analysis: Analysis) -> Figure | None:
    """The graph; None where no reply was timed."""
    zones = timed(analysis)
    if not zones:
        return None
    shown, left = _chosen(zones)
    with settings():
        page = Page()
        y = page.header(on_condition(analysis.target, of_latency(zones)), SUBTITLE) + 4
        scale = logarithmic.scale(
            [step.us for *_, rows in shown for row in rows for step in row.spread], (2.0, 3.0), LEFT, DOTS_END
        )
        for zone, interfaces, rows in shown:
            y = _band(page, y + 15, zone, interfaces, rows, scale)
        y = _legend(page, y + 8, shown, scale)
        page.footer(y, footer.left_out(left, "row", None), footer.source(analysis))
        return page.figure


Zones = Sequence[tuple[str, list[str], list[Timed]]]


def _chosen(zones: Zones) -> tuple[Zones, int]:
    """The rows that there is room for, and how many there are besides."""
    room = max(4, MOST_ROWS // len(zones))
    shown = [(zone, interfaces, rows[:room]) for zone, interfaces, rows in zones[:MOST_ROWS]]
    return shown, sum(len(rows) for *_, rows in zones) - sum(len(rows) for *_, rows in shown)


def _band(page: Page, y: float, zone: str, interfaces: Sequence[str], rows: Sequence[Timed], scale: Scale) -> float:
    """The services of a zone above the axis."""
    size = TEXT + 0.5
    title = fit(f"from {zone_words(zone)}", LEFT + 60, size, BOLD)
    page.text(MARGIN, y, title, size=size, face=BOLD)
    end = MARGIN + width(title, size, BOLD) + 5
    names = [name for name in interfaces if name != zone]
    if names:
        page.text(end, y, fit(f"({listing(names)})", RIGHT - width(ON_TARGET, SMALL) - 20 - end), ink=GREY)
    page.rule(y + 4.5, INK)
    y += 7
    bottom = y + ROW * len(rows)
    if is_slow(zone, names or [zone]) and any(map(soon, rows)):
        _shade(page, y, bottom, scale.x(SOON))
    for x, _ in scale.decades():
        page.strokes([((x, y), (x, bottom))], ink=RULE, wide=0.5)
    for row in rows:
        _row(page, y, row, scale)
        y += ROW
    return _axis(page, bottom, scale)


def _shade(page: Page, y: float, bottom: float, right: float) -> None:
    """What is sooner than a slow link can be, and above it, in the line of the zone, what that shows."""
    page.box((LEFT, y, right, bottom), fill=TINT)
    page.strokes([((right, y), (right, bottom))], ink=GREY, dashed=True)
    start = RIGHT - width(ON_TARGET, SMALL)
    page.box((start - 12, y - 13.5, start - 4, y - 6.5), fill=TINT, edge=GREY)
    page.text(start, y - 7.5, ON_TARGET, size=SMALL)


def _axis(page: Page, y: float, scale: Scale) -> float:
    page.strokes([((scale.left, y), (scale.right, y))], ink=GREY, wide=0.6)
    page.strokes([((x, y), (x, y + 1.6)) for x in scale.between()], ink=GREY, wide=0.4)
    page.strokes([((x, y), (x, y + 3)) for x, _ in scale.decades()], ink=GREY, wide=0.6)
    for x, label in logarithmic.apart([(x, _decade(power)) for x, power in scale.decades()], SMALL):
        page.text(x, y + 11, label, size=SMALL, ink=GREY, align="center")
    return y + 12


def _decade(power: int) -> str:
    """A power of ten of microseconds."""
    for least, unit in ((6, "s"), (3, "ms"), (0, "µs")):
        if power >= least:
            return f"{10 ** (power - least):,} {unit}"
    return f"{10 ** (power + 3):,} ns"


def _row(page: Page, y: float, row: Timed, scale: Scale) -> None:
    base = y + ROW - 3
    name = fit(named(row.found.service), LEFT - MARGIN - 8)
    page.text(MARGIN, base - 4, name, face=BOLD if look(row.found).loud else "")
    end = MARGIN + width(name, TEXT, BOLD) + 5
    port = address(row.found)
    if port != row.found.service and LEFT - 8 - end > 20:
        page.text(end, base - 4, fit(port, LEFT - 8 - end, SMALL), size=SMALL, ink=GREY)
    page.strokes([((scale.left, base), (scale.right, base))], ink=RULE, wide=0.4)
    stacks = _stacks(row, scale)
    if _is_dense(row, scale):
        most, tall = max(stacks.values()), DOT * HIGHEST
        page.bars([_bar(place * DOT, base, tall * _share(count, most)) for place, count in stacks.items()], MANY)
    else:
        _dots(page, base, row, scale)
    x = scale.x(row.median)
    page.strokes([((x, base - ROW + 4.5), (x, base + 1.5))], ink=INK, wide=1.1)
    words = microseconds(row.median)
    page.text(DOTS_END + 8, base - 4, words, face=BOLD)
    x = DOTS_END + 8 + width(words, TEXT, BOLD) + 4
    page.text(x, base - 4, fit(f"of {brief(row.count)}", RIGHT - x, SMALL), size=SMALL, ink=GREY)


def _stacks(row: Timed, scale: Scale) -> dict[int, int]:
    """How many replies are about where a dot is, by its place."""
    counts: dict[int, int] = {}
    for step in row.spread:
        place = round(scale.x(step.us) / DOT)
        counts[place] = counts.get(place, 0) + step.count
    return counts


def _is_dense(row: Timed, scale: Scale) -> bool:
    return max(_stacks(row, scale).values()) > HIGHEST


def _dots(page: Page, base: float, row: Timed, scale: Scale) -> None:
    """Every reply, those of about the same time on top of each other."""
    high: dict[int, int] = {}
    for shown, spread in row.parts:
        dots = []
        for step in spread:
            x = scale.x(step.us)
            for _ in range(step.count):
                place = high[round(x / DOT)] = high.get(round(x / DOT), 0) + 1
                dots.append((x, base - DOT * (place - 0.4)))
        page.heads(dots, "o", shown.line, size=DOT)


def _bar(x: float, base: float, tall: float) -> tuple[float, float, float, float]:
    return (x - DOT / 2, base, x + DOT / 2, base - tall)


def _share(count: int, most: int) -> float:
    """Of the highest bar, by the logarithm; one reply is still seen."""
    return max(0.1, log1p(count) / log1p(most))


def _legend(page: Page, y: float, shown: Zones, scale: Scale) -> float:
    """What is drawn."""
    y += 6
    rows = [row for *_, rows in shown for row in rows]
    page.strokes([((MARGIN + 4, y - 5), (MARGIN + 4, y + 5))], ink=INK, wide=1.1)
    x = _words(page, MARGIN + 12, y, "median")
    dotted = {shown.word for row in rows if not _is_dense(row, scale) for shown, _ in row.parts}
    for shown_as, words in MEANINGS:
        if shown_as.word in dotted:
            page.heads([(x + 2, y)], "o", shown_as.line, size=DOT)
            x = _words(page, x + 8, y, words)
    if any(_is_dense(row, scale) for row in rows):
        page.box((x, y - 4, x + 6, y + 4), fill=MANY)
        _words(page, x + 10, y, "many replies: heights are logarithmic")
    return y + 5


def _words(page: Page, x: float, y: float, words: str) -> float:
    page.text(x, y + 2.5, words, size=SMALL)
    return x + width(words, SMALL) + 14
