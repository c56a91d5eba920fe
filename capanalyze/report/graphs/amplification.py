"""What comes out for one that goes in: octets and frames, for each service and kind of request that was answered."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from capanalyze.model import Analysis
from capanalyze.report.graphs import footer, logarithmic
from capanalyze.report.graphs.lettering import BOLD, SMALL, TEXT, fit, width
from capanalyze.report.graphs.logarithmic import Scale
from capanalyze.report.graphs.page import MARGIN, RIGHT, Page, settings
from capanalyze.report.headlines import of_amplification
from capanalyze.report.looks import GREY, INK, OUTCOME_LOOKS, PAPER, RULE, VERDICT_LOOKS, look
from capanalyze.report.measures import Amplified, amplified, reply_look
from capanalyze.report.words import TIMES, address, counted, named, on_condition, times

SUBTITLE = "Payload octets and frames that left for each one that came in, of the requests that were answered"

MOST_ROWS = 40
LEFT = 150.0
LABEL = LEFT - MARGIN - 8
# Behind the longest bar its factors have room.
BARS_END = RIGHT - 152
ROW = 17.0
THICK, THIN = 6.0, 2.4
# What neither grows nor shrinks is a mark on the line.
LEAST = 0.9


def draw(analysis: Analysis) -> Figure | None:
    """The graph; None where no request with a payload was answered."""
    measured = amplified(analysis)
    if not measured:
        return None
    shown = measured[:MOST_ROWS]
    with settings():
        page = Page()
        y = page.header(on_condition(analysis.target, of_amplification(measured)), SUBTITLE) + 9
        scale = logarithmic.scale(
            [value for row in shown for value in (row.octets, row.frames)], (-0.1, 1.0), LEFT, BARS_END
        )
        y = _axis(page, y, y + ROW * len(shown) + 4, scale)
        for row in shown:
            _row(page, y, row, scale)
            y += ROW
        y = _legend(page, y + 10, shown)
        page.footer(y, _notes(measured, shown), footer.source(analysis))
        return page.figure


def _axis(page: Page, y: float, bottom: float, scale: Scale) -> float:
    """The powers of ten above the bars, and the line of what neither grows nor shrinks; where bars begin."""
    top = y + 11
    powers = sorted(scale.decades(), key=lambda each: abs(each[1]))
    page.strokes([((x, top), (x, bottom + 11)) for x, power in powers if power], ink=RULE, wide=0.5)
    labels = [(x, f"{TIMES}{10.0**power:,.10g}") for x, power in powers]
    for number, (x, label) in enumerate(logarithmic.apart(labels, SMALL)):
        page.text(x, y + 7, label, size=SMALL, face="" if number else BOLD, ink=GREY if number else INK, align="center")
    one = scale.x(1)
    page.strokes([((one, top), (one, bottom + 11))], ink=INK, wide=1.0)
    return top + 4


def _row(page: Page, y: float, row: Amplified, scale: Scale) -> None:
    shown = reply_look(row.found)
    middle = y + ROW / 2
    _label(page, middle + 2.6, row)
    one = scale.x(1)
    ends = []
    for value, thick, shift in ((row.octets, THICK, -1.6), (row.frames, THIN, 4.2)):
        end = scale.x(value)
        ends.append(end)
        left, right = min(one, end), max(one, end)
        if right - left < 2 * LEAST:
            left, right = one - LEAST, one + LEAST
        page.box((left, middle + shift - thick / 2, right, middle + shift + thick / 2), fill=shown.area)
    x = max(one, *ends) + 5
    octets = times(row.octets)
    aside = fit(
        f"{times(row.frames)} frames, {counted(row.requests, 'request')}",
        RIGHT - x - width(octets, TEXT, BOLD) - 6,
        SMALL,
    )
    bold = width(octets, TEXT, BOLD) + 4
    # No line of the axis crosses a number.
    page.box((x - 2, y + 2, x + bold + width(aside, SMALL) + 2, y + ROW - 2), fill=PAPER)
    page.text(x, middle + 2.6, octets, face=BOLD, ink=shown.line)
    page.text(x + bold, middle + 2.6, aside, size=SMALL, ink=GREY)


def _label(page: Page, y: float, row: Amplified) -> None:
    name = fit(named(row.found.service), LABEL)
    page.text(MARGIN, y, name, face=BOLD if look(row.found).loud else "")
    end = MARGIN + width(name, TEXT, BOLD) + 5
    aside = row.kind or _port(row)
    if LEFT - 8 - end > 20:
        page.text(end, y, fit(aside, LEFT - 8 - end, SMALL), size=SMALL, ink=GREY)


def _port(row: Amplified) -> str:
    port = address(row.found)
    return "" if port == row.found.service else port


def _legend(page: Page, y: float, shown: Sequence[Amplified]) -> float:
    """What the bars mean."""
    signs: list[tuple[float, str, str]] = [(THICK, GREY, "octets"), (THIN, GREY, "frames")]
    looks = {each.word: each for each in (reply_look(row.found) for row in shown)}
    meanings = {"LEAK": "leaked under a mode", "allowed": "allowed", "replied": "answered; no mode known"}
    order = [VERDICT_LOOKS["leaked"], VERDICT_LOOKS["allowed"], OUTCOME_LOOKS["replied"]]
    signs += [(THICK, each.area, meanings[each.word]) for each in order if each.word in looks]
    x = MARGIN
    for tall, fill, words in signs:
        page.box((x, y - tall / 2, x + 10, y + tall / 2), fill=fill)
        page.text(x + 14, y + 2.5, words, size=SMALL)
        x += 14 + width(words, SMALL) + 16
    return y + 6


def _notes(measured: Sequence[Amplified], shown: Sequence[Amplified]) -> list[str]:
    left = len(measured) - len(shown)
    notes = ["a request counts as one frame; the axis is logarithmic"]
    return [*notes, f"{counted(left, 'further row')} with smaller factors not drawn"] if left else notes
