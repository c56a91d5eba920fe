"""The order that all forms of a report share: what breaks a promise first, and which evidence shows it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from capanalyze.model import VERDICTS, Analysis, Evidence, Exhibit, Finding, ModeInfo
from capanalyze.report.families import differs, has_both, over, over_families
from capanalyze.report.looks import look, state
from capanalyze.report.words import REACHES, listing, service_name

# -- Findings ----------------------------------------------------------------------------------------


def urgency(found: Finding) -> int:
    """The place of a finding in the order in which a reader looks: 0 is a leak."""
    shown = state(found)
    if shown in ("replied", "rejected"):
        return ("replied", "rejected").index(shown)
    return VERDICTS.index(shown) if shown in VERDICTS else len(VERDICTS)


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
    kind = service.partition("/")[0]
    return (-len(leaking), min(map(urgency, findings)), kind, findings[0].port or 0, service)


def ordered(analysis: Analysis) -> list[Finding]:
    """All findings in a reader's order: what is urgent first, then the services as in the graphs."""
    rows = {found.service: row for row, found in enumerate(services(analysis))}
    return sorted(analysis.findings, key=lambda found: (urgency(found), rows[found.service]))


# -- Modes, zones and their sections -----------------------------------------------------------------


def modes(analysis: Analysis) -> list[tuple[str | None, ModeInfo | None]]:
    """The modes in the report's order, then those that only findings name, None among them."""
    shown: dict[str | None, ModeInfo | None] = {mode.name: mode for mode in analysis.modes}
    for found in analysis.findings:
        shown.setdefault(found.mode, None)
    return list(shown.items())


def rank(findings: Iterable[Finding], info: ModeInfo | None) -> int:
    """Where findings of a mode stand among those of others: leaks first, what promises nothing last."""
    verdicts = {found.verdict for found in findings}
    if "leaked" in verdicts:
        return 0
    if "visible" in verdicts:
        return 1
    return 2 if info and info.promise == "block" else 3


def ranked(analysis: Analysis) -> list[tuple[str | None, ModeInfo | None]]:
    """The modes as a reader looks for them; those of one rank in the order of the analysis."""

    def place(shown: tuple[str | None, ModeInfo | None]) -> int:
        name, info = shown
        return rank((found for found in analysis.findings if found.mode == name), info)

    return sorted(modes(analysis), key=place)


def strictness(mode: ModeInfo | None) -> tuple[bool, bool, bool]:
    """Orders modes by how much they promise."""
    if mode is None or mode.promise != "block":
        return (False, False, False)
    return (True, mode.stealth, not mode.allow)


def worst_mode(analysis: Analysis) -> tuple[str | None, ModeInfo | None]:
    """Of the modes that leaked the one that promised most."""
    leaking = {found.mode for found in analysis.leaks()}
    return max((shown for shown in modes(analysis) if shown[0] in leaking), key=lambda shown: strictness(shown[1]))


def unprobed(analysis: Analysis) -> list[str]:
    """The modes that no request was captured under."""
    seen = {found.mode for found in analysis.findings}
    return [mode.name for mode in analysis.modes if mode.name not in seen]


def zones(analysis: Analysis) -> list[tuple[str, list[str]]]:
    """The zones that have findings, in the report's order, each with its interfaces."""
    probed = {found.zone for found in analysis.findings}
    shown = {zone.name: zone.interfaces for zone in analysis.zones if zone.name in probed}
    for found in analysis.findings:
        shown.setdefault(found.zone, [])
    return list(shown.items())


@dataclass(frozen=True)
class Section:
    """The findings of one mode in one zone, what a reader looks at first in front.

    `both_families`: the target has addresses of both, so that a finding says where it was asked over one only.
    """

    mode: str | None
    info: ModeInfo | None
    zone: str
    interfaces: list[str]
    findings: list[Finding]
    not_probed: list[str]
    inputs: list[str]
    both_families: bool = False

    @property
    def captures(self) -> list[str]:
        """The captures that its evidence is in, as they were given."""
        shown = [one for found in self.findings for one in (*found.shown(), *found.flipped())]
        names = {name for one in shown for name in (one.capture, one.reply_capture)}
        return [name for name in self.inputs if name in names]

    def rows(self, found: Finding) -> list[tuple[Finding, str]]:
        """A finding as its rows show it, each with the family that it speaks of; empty where that is no matter."""
        if differs(found):
            return [(row, f"over {over(row)}") for row in over_families(found)]
        return [(found, f"over {over(found)} only" if self.both_families and over(found) else "")]

    @property
    def reached(self) -> dict[str, list[str]]:
        """Services by the widest of where their answered requests came from."""
        services: dict[str, list[str]] = {}
        for name, words in REACHES.items():
            known = {service for each in services.values() for service in each}
            here = [one.service for one in self.findings if getattr(one.reach, name) and one.service not in known]
            if here:
                services[words] = here
        return services

    @property
    def notes(self) -> list[str]:
        """The notes on its findings, each once, with the services it is about unless that is all of them."""
        about: dict[str, list[str]] = {}
        for found in self.findings:
            for note in found.notes:
                about.setdefault(note, []).append(found.service)
        return [
            note if len(names) == len(self.findings) else f"{listing(names)}: {note}" for note, names in about.items()
        ]


def sections(analysis: Analysis) -> list[Section]:
    """Every mode and zone that has findings, as a reader looks for them; of one rank in the order of the analysis."""
    names = {found.service: " ".join(service_name(found)).strip() for found in services(analysis)}
    cells: dict[tuple[str | None, str], list[Finding]] = {}
    for found in ordered(analysis):
        cells.setdefault((found.mode, found.zone), []).append(found)
    inputs = [one.name for one in analysis.inputs]
    shown = [
        Section(mode, info, zone, interfaces, findings, _left(names, findings), inputs, has_both(analysis))
        for mode, info in modes(analysis)
        for zone, interfaces in zones(analysis)
        if (findings := cells.get((mode, zone)))
    ]
    return sorted(shown, key=lambda section: rank(section.findings, section.info))


def _left(names: dict[str, str], findings: list[Finding]) -> list[str]:
    probed = {found.service for found in findings}
    return [name for service, name in names.items() if service not in probed]


# -- Evidence, captures and counts -------------------------------------------------------------------


def exhibit(found: Finding) -> Evidence:
    """The one exchange that shows best what a finding says."""
    return found.evidence[0] if found.evidence else found.first


def differences(analysis: Analysis) -> list[tuple[Finding, str]]:
    """What tshark sees otherwise, with the finding that it is about."""
    return [(found, said) for found in ordered(analysis) if found.agreement for said in found.agreement.differences]


def explained(analysis: Analysis) -> list[tuple[Finding, str]]:
    """What tshark sees otherwise for a reason that is known."""
    return [(found, said) for found in ordered(analysis) if found.agreement for said in found.agreement.explained]


def places(exhibits: Iterable[Exhibit]) -> dict[tuple[str, int], Exhibit]:
    """Exhibits by capture and frame."""
    return {(one.capture, one.frame): one for one in exhibits}


def frames_behind(found: Finding, exhibits: Mapping[tuple[str, int], Exhibit]) -> list[Exhibit]:
    """The exhibits that a finding's evidence, flips, kinds or disclosures name, in the order of their file."""
    known = {exhibits[place].number: exhibits[place] for place in _places_named(found) if place in exhibits}
    return [known[number] for number in sorted(known)]


def _places_named(found: Finding) -> Iterator[tuple[str, int]]:
    for one in (*found.shown(), *found.flipped()):
        yield from ((one.capture, number) for number in one.requests)
        yield from ((one.reply_capture or one.capture, number) for number in one.replies)
    single = [frame for asked in found.kinds for frame in (asked.first, asked.first_reply)]
    single += [change.own_traffic for change in found.changes]
    yield from ((frame.capture, frame.frame) for frame in (*single, *found.disclosures) if frame is not None)


def labels(exhibits: Iterable[Exhibit], captures: Mapping[str, str]) -> dict[int, str]:
    """What a report calls exhibits, by their numbers in the file of evidence: `F 12`, where `captures` has letters."""
    return {one.number: f"{captures.get(one.capture, '')} {one.frame}".strip() for one in exhibits}


def by_capture(exhibits: Iterable[Exhibit]) -> dict[str, list[int]]:
    """The frame numbers of exhibits in each of their captures, ascending."""
    numbers: dict[str, list[int]] = {}
    for one in exhibits:
        numbers.setdefault(one.capture, []).append(one.frame)
    return {capture: sorted(frames) for capture, frames in numbers.items()}


def letters(analysis: Analysis) -> dict[str, str]:
    """A short name for each capture, to stand before frame numbers; none where there is only one."""
    if len(analysis.inputs) < 2:
        return {}
    return {one.name: _letter(index) for index, one in enumerate(analysis.inputs)}


def _letter(index: int) -> str:
    more, last = divmod(index, 26)
    return (_letter(more - 1) if more else "") + chr(ord("A") + last)


def totals(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Several counts by name added up, in order of first appearance."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)
