"""How verdicts look and read: one table for the graphs, the HTML and the terminal.

Every verdict has a mark, a word and colours of its own, so that none depends on colour alone. Only what
breaks a promise is loud. Nothing here needs matplotlib.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from capanalyze.model import VERDICTS, Analysis, Finding, ModeInfo, Outcome, Verdict

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


FLIPS_MARK = "⇅"
FLIPS_WORDS = "flips: the outcome changed while the setting stayed"
NO_MODE = "no mode given"

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
        meaning="no reply left, as the mode promised",
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
        meaning="no reply left, though none was forbidden: nothing listens, or it is blocked",
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
        word="proves nothing",
        meaning="no reply, but these requests draw none anyway",
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

# Each look once, the loudest first.
LOOKS: tuple[Look, ...] = (*VERDICT_LOOKS.values(), OUTCOME_LOOKS["replied"], OUTCOME_LOOKS["rejected"])

ZONE_WORDS = {"internet": "the internet", "lan": "the LAN"}

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
    """The count that a cell shows: `4/5`, or the requests that prove nothing."""
    shown = state(found)
    if shown in _BARE:
        return brief(_BARE[shown](found))
    return f"{brief(_COUNTED[shown](found))}/{brief(found.provable)}"


def brief(number: int) -> str:
    """A count in at most four characters and a unit: 9999, 12k, 1.2M."""
    if number < 10_000:
        return str(number)
    for unit, size in (("k", 1e3), ("M", 1e6), ("G", 1e9)):
        if number < 999.5 * size:
            scaled = number / size
            return f"{scaled:.1f}{unit}" if scaled < 9.95 else f"{scaled:.0f}{unit}"
    return f"{number:.0e}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 reply, 2 services."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def left_out(number: int, noun: str, leaks: int | None) -> list[str]:
    """What a figure has no room for and how much of it leaked, None where nothing did; [] if it has room for all."""
    if not number:
        return []
    remark = "" if leaks is None else f", {leaks} of them with leaks" if leaks else ", none with a leak"
    return [f"{counted(number, f'further {noun}')} not drawn{remark}"]


def named(name: str, limit: int = 40) -> str:
    """A name as a sentence has it: never nothing, never endless."""
    if not any(character.isprintable() and not character.isspace() for character in name):
        return "(unnamed)"
    return name if len(name) <= limit else f"{name[: limit - 1]}…"


def listing(names: Iterable[str], limit: int = 4) -> str:
    """Names as a sentence has them, the first of them where they are many: a, b and 7 more."""
    known = [named(name) for name in names]
    if len(known) > limit + 1:
        known = [*known[:limit], f"{len(known) - limit} more"]
    return " and ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)


def mode_title(mode: ModeInfo | None) -> str:
    """The name of a mode that a reader knows."""
    return named(mode.title or mode.name, 80) if mode else NO_MODE


def promise(mode: ModeInfo | None) -> str:
    """What a mode promises, in a few words."""
    if mode is None:
        return "no promise known"
    if mode.promise is None:
        words = "no promise known"
    elif mode.promise == "allow":
        words = "promises nothing"
    elif mode.allow:
        words = f"promises: only {listing(mode.allow, 3)} in"
    else:
        words = "promises: nothing in"
    return f"{words} + stealth" if mode.stealth else words


def strictness(mode: ModeInfo | None) -> tuple[bool, bool, bool]:
    """Orders modes by how much they promise."""
    if mode is None or mode.promise != "block":
        return (False, False, False)
    return (True, mode.stealth, not mode.allow)


def modes(analysis: Analysis) -> list[tuple[str | None, ModeInfo | None]]:
    """The modes in the report's order, then those that only findings name, None among them."""
    shown: dict[str | None, ModeInfo | None] = {mode.name: mode for mode in analysis.modes}
    for found in analysis.findings:
        shown.setdefault(found.mode, None)
    return list(shown.items())


def worst_mode(analysis: Analysis) -> tuple[str | None, ModeInfo | None]:
    """Of the modes that leaked the one that promised most."""
    leaking = {found.mode for found in analysis.leaks()}
    return max((shown for shown in modes(analysis) if shown[0] in leaking), key=lambda shown: strictness(shown[1]))


def zones(analysis: Analysis) -> list[tuple[str, list[str]]]:
    """The zones that have findings, in the report's order, each with its interfaces."""
    probed = {found.zone for found in analysis.findings}
    shown = {zone.name: zone.interfaces for zone in analysis.zones if zone.name in probed}
    for found in analysis.findings:
        shown.setdefault(found.zone, [])
    return list(shown.items())


def zone_words(name: str) -> str:
    """A zone as a sentence has it: the internet."""
    return ZONE_WORDS.get(name, named(name))


def services(analysis: Analysis) -> list[Finding]:
    """One finding for each service, in the order of rows.

    What leaked under the most modes comes first, then by what is worst, then by name.
    """
    by_service: dict[str, list[Finding]] = {}
    for found in analysis.findings:
        by_service.setdefault(found.service, []).append(found)
    return [found[0] for found in sorted(by_service.values(), key=_row_order)]


def _row_order(findings: Sequence[Finding]) -> tuple[int, int, str, int, str]:
    leaking = {found.mode for found in findings if look(found).loud}
    service = findings[0].service
    named = service.partition("/")[0]
    return (-len(leaking), min(map(urgency, findings)), named, findings[0].port or 0, service)


def urgency(found: Finding) -> int:
    """The place of a finding in the order in which a reader looks: 0 is a leak."""
    shown = state(found)
    if shown in ("replied", "rejected"):
        return ("replied", "rejected").index(shown)
    return VERDICTS.index(shown) if shown in VERDICTS else len(VERDICTS)


def address(found: Finding) -> str:
    """Where a service listens: udp/123, icmp."""
    return found.transport if found.port is None else f"{found.transport}/{found.port}"


def period(first: str | None, last: str | None) -> str:
    """The time from `first` to `last`, both UTC as ISO 8601, as briefly as it can be said."""
    if first is None or last is None:
        return "time unknown"
    day, start = first[:10], first[11:19]
    last_day, end = last[:10], last[11:19]
    if day != last_day:
        return f"{day} {start[:5]} – {last_day} {end[:5]} UTC"  # noqa: RUF001 (from … to)
    if start == end:
        return f"{day} {start} UTC"
    if start[:5] != end[:5]:
        start, end = start[:5], end[:5]
    return f"{day} {start}–{end} UTC"  # noqa: RUF001 (from … to)


def source(analysis: Analysis) -> list[str]:
    """Where a graph comes from: captures, time, target, version."""
    captures = listing(capture.name for capture in analysis.inputs) or "no capture"
    target = listing(analysis.target.addresses, 3) or "unknown"
    assumed = " (assumed)" if analysis.target.assumed else ""
    return [
        captures,
        period(analysis.first, analysis.last),
        f"target {target}{assumed}",
        f"capanalyze {analysis.capanalyze}",
    ]
