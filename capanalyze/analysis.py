"""The flow on one page: captures → messages → exchanges → target → verdicts → what a report shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from capanalyze import __version__, verdicts
from capanalyze.disclosures import disclose
from capanalyze.errors import AuditError
from capanalyze.exchanges import Source, collect, pair_messages
from capanalyze.model import Analysis, Fact, ModeInfo, Target, Zone
from capanalyze.reading import input_of, read, stamp
from capanalyze.target import collect_hints, find_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capanalyze.audit import Audit, CaptureFile, Mode
    from capanalyze.capture import Capture
    from capanalyze.exchanges import Pair, Pairing, Sighting
    from capanalyze.model import Finding
    from capanalyze.reading import Reading

FORMAT, FORMAT_VERSION = "capanalyze-report", 1
MAX_DECODED = 64  # replies per finding whose facts are read
MAX_AGAIN = 3  # values of a kind that a finding shows from later replies: a clock differs in each


@dataclass
class Result:
    """Everything that one run of the flow found."""

    readings: list[Reading]
    pairs: list[Pair]
    sightings: list[Sighting]
    malformed: dict[tuple[str, str, str], int]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for reading in self.readings:
            reading.capture.close()

    def sources(self, names: Sequence[str]) -> list[Source]:
        """The messages of these captures, for the pairing."""
        return [Source(one.file.name, one.part, one.labels()) for one in self.readings if one.file.name in names]

    def facts(self) -> dict[str, verdicts.CaptureFacts]:
        """What judging needs to know of each capture."""
        return {one.file.name: one.facts() for one in self.readings}

    def capture(self, name: str) -> Capture:
        """The capture with this name."""
        return next(reading.capture for reading in self.readings if reading.file.name == name)


def find_exchanges(audit: Audit) -> Result:
    """Captures → messages → exchanges, modes and zones, without judging.

    Captures that share a mode are paired together, so that a reply may be in another file than its request.
    The result keeps what it needs to decode payloads: use it in a `with` statement.
    """
    result = Result([read(file) for file in audit.captures], [], [], {})
    groups = together(audit.captures)
    for group in groups:
        sightings = collect(result.sources(group), audit.since, audit.until)
        pairing = pair_messages(sightings)
        refuse_copies(pairing)
        result.pairs += pairing.done
        result.sightings += sightings
        result.malformed |= pairing.malformed
    order = {file.name: number for number, file in enumerate(audit.captures)}
    result.pairs.sort(key=lambda pair: (order[pair.exchange.capture], verdicts.frame_of(pair.exchange)))
    verdicts.place(result.pairs, audit)
    verdicts.settle_silence(result.pairs, result.facts(), {name: group for group in groups for name in group})
    return result


def refuse_copies(pairing: Pairing) -> None:
    """The same exchange in two captures of one mode would count twice."""
    for (first, second), (frame, other) in pairing.copies.elsewhere.items():
        raise AuditError(
            f"{first} and {second} hold the same traffic (frame {frame} of one is frame {other} of the other): "
            "give one of them, or put them under different modes"
        )


def together(files: Sequence[CaptureFile]) -> list[tuple[str, ...]]:
    """Names of captures that share a mode, group by group; those without a mode are one group."""
    groups: list[tuple[set[str], list[str]]] = []
    for file in files:
        modes = {segment.mode for segment in file.segments} or {""}
        names = [file.name]
        for group in [group for group in groups if group[0] & modes]:
            modes |= group[0]
            names = group[1] + names
            groups.remove(group)
        groups.append((modes, names))
    return [tuple(names) for _, names in groups]


def known_target(audit: Audit, result: Result) -> tuple[str, ...]:
    """The target's addresses as far as they are given or told, for output that does not need one."""
    hints = collect_hints(result.sightings)
    told = described(result) | set(hints.sent) | set(hints.received)
    return audit.target or tuple(sorted(told))


def described(result: Result) -> set[str]:
    """Addresses that captures give their interfaces."""
    interfaces = [interface for reading in result.readings for interface in reading.capture.interfaces]
    return {one for interface in interfaces for one in interface.addresses}


def analyze(audit: Audit, command: str = "") -> Analysis:
    """All that a report shows of these captures.

    Raises:
        CaptureError: a capture cannot be read.
        AuditError: captures contradict each other.
        TargetError: the target cannot be told.
    """
    with find_exchanges(audit) as result:
        target = target_of(audit, result)
        judge(audit, result, target.addresses)
        modes = audit.used_modes()
        findings = verdicts.summarise(result.pairs, modes)
        for finding in findings:
            finding.disclosures = facts_of(finding, result)
            finding.notes = notes_of(finding, result)
    parts = [one.part for one in result.readings]
    return Analysis(
        format=FORMAT,
        format_version=FORMAT_VERSION,
        capanalyze=__version__,
        command=command,
        title=audit.title,
        inputs=[input_of(reading, result.malformed) for reading in result.readings],
        first=stamp(min((part.first for part in parts if part.first), default=None)),
        last=stamp(max((part.last for part in parts if part.last), default=None)),
        target=target,
        modes=[mode_info(mode, audit, result) for mode in modes],
        zones=zones_of(result),
        findings=findings,
        announcements=verdicts.announcements(result.pairs),
        directions=dict(sorted(Counter(pair.exchange.direction or "unknown" for pair in result.pairs).items())),
        notes=[],
    )


def target_of(audit: Audit, result: Result) -> Target:
    """Who the target is. Captures without any exchange need none."""
    if not any(pair.exchange.requests for pair in result.pairs) and not audit.target:
        return Target(addresses=[], how="not looked for: no exchanges", assumed=False, warnings=[])
    return find_target(result.pairs, collect_hints(result.sightings), audit.target, described(result))


def judge(audit: Audit, result: Result, target: Sequence[str]) -> None:
    """Direction and verdict of every exchange."""
    verdicts.direct(result.pairs, target)
    verdicts.judge(result.pairs, audit.modes, result.facts())


def facts_of(finding: Finding, result: Result) -> list[Fact]:
    """What the replies of a finding disclosed, each fact once, with the frame that told it first."""
    wanted = (finding.mode, finding.zone, finding.service)
    cell = [
        pair
        for pair in result.pairs
        if (pair.exchange.mode, pair.exchange.zone, pair.exchange.service) == wanted
        and pair.exchange.direction == "inbound"
        and pair.exchange.outcome == "replied"
    ]
    facts: dict[tuple[str, str], Fact] = {}
    again: Counter[str] = Counter()
    for pair in decode(cell[:MAX_DECODED], result):
        known = {kind for kind, _ in facts}
        where = pair.exchange.reply_capture or pair.exchange.capture
        for one in pair.exchange.disclosures:
            if (one.kind, one.value) in facts or again[one.kind] == MAX_AGAIN:
                continue
            again[one.kind] += one.kind in known
            facts[one.kind, one.value] = Fact(
                kind=one.kind, value=one.value, capture=where, frame=pair.exchange.replies[0]
            )
    return list(facts.values())


def decode(pairs: Sequence[Pair], result: Result) -> Sequence[Pair]:
    """Fill in what the first replies of these exchanges disclosed; reads the captures once more."""
    told = [pair for pair in pairs if pair.reply_payload and pair.exchange.transport == "udp"]
    wanted: dict[str, list[tuple[int, int]]] = {}
    for pair in told:
        for place in (pair.request_payload, pair.reply_payload):
            if place:
                wanted.setdefault(place[0], []).append(place[1:])
    payloads = {name: result.capture(name).payloads(places) for name, places in wanted.items()}

    def octets(place: tuple[str, int, int] | None) -> bytes | None:
        return payloads[place[0]].get(place[1]) if place else None

    for pair in told:
        reply = octets(pair.reply_payload)
        if reply:
            pair.exchange.disclosures = disclose(pair.exchange.service, octets(pair.request_payload), reply)
    return pairs


def notes_of(finding: Finding, result: Result) -> list[str]:
    """Frames that the kernel dropped while a finding's captures were taken."""
    notes = []
    for reading in result.readings:
        dropped = sum(interface.dropped or 0 for interface in reading.capture.interfaces)
        modes = [segment.mode for segment in reading.file.segments]
        if dropped and (finding.mode in modes or finding.mode is None):
            notes.append(f"{reading.file.name}: {dropped} frames were dropped while capturing, at times unknown")
    return notes


def mode_info(mode: Mode, audit: Audit, result: Result) -> ModeInfo:
    """A mode as the report shows it."""
    captures = [file.name for file in audit.captures if any(segment.mode == mode.name for segment in file.segments)]
    parts = [one.part for one in result.readings if one.file.name in captures and one.part.first]
    return ModeInfo(
        name=mode.name,
        title=mode.title,
        promise=mode.promise,
        allow=list(mode.allow),
        stealth=mode.stealth,
        captures=captures,
        first=stamp(min((part.first for part in parts if part.first), default=None)),
        last=stamp(max((part.last for part in parts if part.last), default=None)),
    )


def zones_of(result: Result) -> list[Zone]:
    """The zones that inbound exchanges crossed, with their interfaces."""
    zones: dict[str, set[str]] = {}
    for pair in result.pairs:
        if pair.exchange.direction == "inbound" and pair.exchange.outcome != "unsolicited":
            zones.setdefault(pair.exchange.zone or "", set()).add(pair.interface)
    order = sorted(zones, key=lambda name: ({"internet": 0}.get(name, 1), name))
    return [Zone(name=name, interfaces=sorted(zones[name])) for name in order]
