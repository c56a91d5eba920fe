"""How verdicts look and read: one table for the graphs, the HTML and the terminal.

Every verdict has a mark, a word and colours of its own, so that none depends on colour alone. Only what
breaks a promise is loud. Nothing here needs matplotlib.
"""

from collections.abc import Callable
from dataclasses import dataclass

from capanalyze.model import Finding, Outcome, Verdict
from capanalyze.report.words import brief

INK = "#1b222a"
GREY = "#59636e"
RULE = "#c9ced4"
PAPER = "#ffffff"
DARK_INK = "#e6e9ed"
DARK_GREY = "#a9b2bc"
DARK_RULE = "#444c56"
DARK_PAPER = "#15191e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one verdict is shown.

    `mark` is a character of DejaVu Sans. `ink` on `fill` are the colours of a cell, `edge` its outline
    (`dashed` or not), None where there is none. On the bare page `line` is for marks, `area` for areas of
    them, `tint` for what stands behind them. `dark_*` are the same for a dark page.
    """

    mark: str
    word: str
    meaning: str
    ink: str
    fill: str | None
    edge: str | None
    line: str
    dark_ink: str
    dark_fill: str | None
    dark_edge: str | None
    dashed: bool = False
    loud: bool = False
    tint: str = "#eceff2"
    area: str = GREY


VERDICT_LOOKS: dict[Verdict, Look] = {
    "leaked": Look(
        mark="●",
        word="LEAK",
        meaning="a reply left although the mode promised to block",
        ink="#ffffff",
        fill="#c5370d",
        edge=None,
        line="#b02d07",
        dark_ink="#ffffff",
        dark_fill="#c93a0e",
        dark_edge=None,
        loud=True,
        tint="#fbe3db",
        area="#c5370d",
    ),
    "visible": Look(
        mark="◆",
        word="visible",
        meaning="a rejection showed the host although the mode promised stealth",
        ink="#9c2a08",
        fill="#fbe3db",
        edge="#c5370d",
        line="#b02d07",
        dark_ink="#ffb8a1",
        dark_fill="#471a0c",
        dark_edge="#e5633d",
        loud=True,
        tint="#fbe3db",
        area="#e58a6c",
    ),
    "refused": Look(
        mark="×",  # noqa: RUF001 (it is not a letter)
        word="refused",
        meaning="rejected by a filter or a closed port",
        ink="#664c00",
        fill="#faefcd",
        edge=None,
        line="#7a5c00",
        dark_ink="#f0d27a",
        dark_fill="#3a2f10",
        dark_edge=None,
        tint="#faefcd",
        area="#dcb84a",
    ),
    "allowed": Look(
        mark="○",
        word="allowed",
        meaning="a reply left, and the mode promised no less",
        ink="#16324f",
        fill="#dbe8f5",
        edge=None,
        line="#1f66ad",
        dark_ink="#bfdcf7",
        dark_fill="#17324d",
        dark_edge=None,
        tint="#dbe8f5",
        area="#5f9bd3",
    ),
    "blocked": Look(
        mark="–",  # noqa: RUF001 (a dash that is as wide as the other marks)
        word="blocked",
        meaning="no reply left, and a control shows that something listened",
        ink=GREY,
        fill="#f0f2f4",
        edge=None,
        line=GREY,
        dark_ink=DARK_GREY,
        dark_fill="#252b32",
        dark_edge=None,
    ),
    "silent": Look(
        mark="·",
        word="silent",
        meaning="no reply left: it is blocked, or nothing listens",
        ink=GREY,
        fill=None,
        edge=RULE,
        line=GREY,
        dark_ink=DARK_GREY,
        dark_fill=None,
        dark_edge=DARK_RULE,
    ),
    "indeterminate": Look(
        mark="⋯",
        word="indeterminate",
        meaning="the capture ends or is cut before it could show an answer",
        ink=GREY,
        fill=None,
        edge="#8a939d",
        line=GREY,
        dark_ink=DARK_GREY,
        dark_fill=None,
        dark_edge="#7d8792",
        dashed=True,
    ),
    "unproven": Look(
        mark="?",
        word="unproven",
        meaning="silence proves nothing here, as such requests need not draw a reply",
        ink=GREY,
        fill=None,
        edge="#8a939d",
        line=GREY,
        dark_ink=DARK_GREY,
        dark_fill=None,
        dark_edge="#7d8792",
        dashed=True,
    ),
}

# Where no mode is known nothing is promised: the same marks, but no verdict in word or colour.
OUTCOME_LOOKS: dict[Outcome, Look] = {
    "replied": Look(
        mark="○",
        word="replied",
        meaning="a reply left",
        ink=INK,
        fill="#dfe4ea",
        edge=None,
        line="#3b4754",
        dark_ink=DARK_INK,
        dark_fill="#333c46",
        dark_edge=None,
        tint="#dfe4ea",
        area="#7d8a98",
    ),
    "rejected": Look(
        mark="×",  # noqa: RUF001 (it is not a letter)
        word="rejected",
        meaning="rejected by a filter or a closed port",
        ink="#664c00",
        fill="#faefcd",
        edge=None,
        line="#7a5c00",
        dark_ink="#f0d27a",
        dark_fill="#3a2f10",
        dark_edge=None,
        tint="#faefcd",
        area="#dcb84a",
    ),
    "silent": VERDICT_LOOKS["silent"],
    "indeterminate": VERDICT_LOOKS["indeterminate"],
    "unsolicited": VERDICT_LOOKS["unproven"],
}

NOT_PROBED = Look(
    mark="",
    word="not probed",
    meaning="no request was captured",
    ink="#6b7580",
    fill=None,
    edge=None,
    line="#6b7580",
    dark_ink="#8f99a4",
    dark_fill=None,
    dark_edge=None,
)

# On a terminal there is one loud colour, for leaks alone.
LOUD = "bold red"
STYLES: dict[Verdict | None, str] = {
    "leaked": LOUD,
    "visible": "red",
    "refused": "yellow",
    "allowed": "cyan",
    "silent": "dim",
    "indeterminate": "dim",
    "unproven": "dim",
}

# Each look once, the loudest first.
LOOKS: tuple[Look, ...] = (*VERDICT_LOOKS.values(), OUTCOME_LOOKS["replied"], OUTCOME_LOOKS["rejected"])

# What a count of a verdict counts; of the provable requests, or bare where nothing is proved.
_COUNTED: dict[str, Callable[[Finding], int]] = {
    "leaked": lambda found: found.replied,
    "allowed": lambda found: found.replied,
    "replied": lambda found: found.replied,
    "visible": lambda found: found.rejected,
    "refused": lambda found: found.rejected,
    "rejected": lambda found: found.rejected,
    "blocked": lambda _: 0,
    "silent": lambda _: 0,
}
_BARE: dict[str, Callable[[Finding], int]] = {
    "indeterminate": lambda found: found.indeterminate,
    "unproven": lambda found: found.unproven,
    "unsolicited": lambda found: found.exchanges,
}


def state(found: Finding) -> Verdict | Outcome:
    """The verdict of a finding; without a mode, its outcome."""
    if found.verdict is not None:
        return found.verdict
    if not found.provable and found.unproven and found.outcome == "silent":
        return "unproven"
    return found.outcome


def look(found: Finding) -> Look:
    """How a finding is shown."""
    if found.verdict is not None:
        return VERDICT_LOOKS[found.verdict]
    if state(found) == "unproven":
        return VERDICT_LOOKS["unproven"]
    return OUTCOME_LOOKS[found.outcome]


def count(found: Finding) -> str:
    """The count that a cell shows: `4/5`, or the unproven requests."""
    shown = state(found)
    if shown in _BARE:
        return brief(_BARE[shown](found))
    return f"{brief(_COUNTED[shown](found))}/{brief(found.provable)}"
