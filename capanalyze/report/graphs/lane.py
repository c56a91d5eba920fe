"""A lane of the timeline: one finding, its label, and the words for what is drawn in it."""

from dataclasses import dataclass
from typing import Literal

from capanalyze.model import Finding, ModeInfo, Outcome
from capanalyze.report.graphs.axis import SECOND, Interval
from capanalyze.report.graphs.lettering import BOLD, SMALL, TEXT, Face, fit, width
from capanalyze.report.graphs.page import MARGIN, RIGHT, Page
from capanalyze.report.looks import GREY, INK, OUTCOME_LOOKS, VERDICT_LOOKS, Look, count, look
from capanalyze.report.words import FLIPS_MARK, address, brief, counted, named

# More exchanges than this are shown as densities, even where the analysis has every one.
MOST_MARKS = 150

# Where lanes begin, and the room for their labels.
LEFT = 130.0
LABEL = LEFT - MARGIN - 8

TICK = "#59636e"
FAINT = "#9aa3ad"
MANY_REQUESTS = "#9aa3ad"

MARKERS = {"●": "o", "○": "o", "◆": "D", VERDICT_LOOKS["refused"].mark: "x"}

Sign = Literal["request", "faint", "requests", "answer", "answers", "flip"]
SIGNS: tuple[Sign, ...] = ("request", "faint", "requests", "answer", "answers", "flip")
# What has been drawn, by the words for it.
Legend = dict[str, tuple[Sign, Look | None]]


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

    def time(self, seconds: float) -> int:
        """A time of the lane's timeline, in nanoseconds since 1970."""
        return self.found.timeline.start + round(seconds * SECOND)

    def look_of(self, outcome: Outcome) -> Look:
        """How an exchange with this outcome is shown in this lane."""
        if outcome == "replied" and self.found.verdict in ("leaked", "allowed"):
            return VERDICT_LOOKS[self.found.verdict]
        if outcome == "rejected" and self.found.verdict is not None:
            stealthy = self.mode is not None and self.mode.stealth and self.found.promise == "block"
            return VERDICT_LOOKS["visible" if stealthy else "refused"]
        return OUTCOME_LOOKS[outcome]

    def events(self) -> list[Interval]:
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
    """Where a lane's marks stand: its line, and the room above and below the line."""

    base: float
    above: float
    below: float


def draw_label(page: Page, top: float, tall: float, found: Finding) -> None:
    """What a lane of this height shows: service, port, verdict, zone, and how many flips or how crowded."""
    shown = look(found)
    number = len(found.changes) + found.more_changes
    third = f"{FLIPS_MARK} {counted(number, 'flip')}" if number else _peak(found)
    y = top + (tall - (27 if third else 18)) / 2
    face: Face = BOLD if shown.loud else ""
    verdict = f"{shown.mark} {shown.word} {count(found)}"
    _pair(page, y + 7, (named(found.service), TEXT, BOLD, INK), _port(found))
    _pair(page, y + 16, (verdict, SMALL, face, shown.line), named(found.zone))
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
    port = address(found)
    return "" if port == found.service else port


def _peak(found: Finding) -> str:
    drawn = found.timeline
    if not drawn.bins:
        return ""
    most = max(part.requests for part in drawn.bins)
    return f"up to {brief(most)} in {drawn.width:.3g} s"


def draw_legend(page: Page, y: float, legend: Legend) -> float:
    """What has been drawn and what it means, in as many rows as it needs."""
    x, y = MARGIN, y + 6
    for words, (sign, shown) in sorted(legend.items(), key=lambda entry: SIGNS.index(entry[1][0])):
        wide = 13 + width(words, SMALL) + 14
        if x + wide - 14 > RIGHT and x > MARGIN:
            x, y = MARGIN, y + 12
        _sign(page, x + 4, y, sign, shown)
        page.text(x + 12, y + 2.5, words, size=SMALL)
        x += wide
    return y + 5


def _sign(page: Page, x: float, y: float, sign: Sign, shown: Look | None) -> None:
    if sign == "answer" and shown is not None:
        page.heads([(x, y)], MARKERS[shown.mark], shown.line, hollow=shown.mark == "○")
    elif sign in ("requests", "answers"):
        page.box((x - 3.5, y - 3.5, x + 3.5, y + 3.5), fill=shown.area if shown else MANY_REQUESTS)
    elif sign == "flip":
        page.strokes([((x, y - 5), (x, y + 5))], ink=INK, dashed=True)
    else:
        faint = sign == "faint"
        page.strokes([((x, y - 4), (x, y if faint else y + 4))], ink=FAINT if faint else TICK, wide=1.1)
