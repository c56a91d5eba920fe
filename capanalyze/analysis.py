"""The flow on one page: captures → messages → exchanges → target → verdicts → what a report shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from capanalyze import __version__, findings, verdicts
from capanalyze.disclosures import disclose
from capanalyze.errors import AuditError
from capanalyze.exchanges import Source, collect, pair_messages
from capanalyze.model import Analysis, Fact, ModeInfo, Target, Zone
from capanalyze.reading import input_of, read, stamp
from capanalyze.target import collect_hints, find_target, known_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capanalyze.audit import Audit, CaptureFile, Mode
    from capanalyze.capture import Capture
    from capanalyze.exchanges import Pair, Pairing, Sighting
    from capanalyze.model import Exchange, Finding
    from capanalyze.reading import Reading

COPY_SPAN = 2_000_000_000  # nanoseconds that two captures' stamps of one packet may differ
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

    def facts(self, audit: Audit) -> dict[str, verdicts.CaptureFacts]:
        """What judging needs to know of each capture."""
        return {one.file.name: one.facts(self.sightings, audit) for one in self.readings}

    def capture(self, name: str) -> Capture:
        """The capture with this name."""
        return next(reading.capture for reading in self.readings if reading.file.name == name)


def find_exchanges(audit: Audit) -> Result:
    """Captures → messages → exchanges, modes and outcomes, without judging.

    Captures that share a mode are paired together, so that a reply may be in another file than its request.
    The result keeps what it needs to decode payloads: use it in a `with` statement.
    """
    result = Result([read(file) for file in audit.captures], [], [], {})
    for group in together(audit.captures):
        sightings = collect(result.sources(group), audit.since, audit.until)
        pairing = pair_messages(sightings)
        refuse_copies(pairing)
        result.pairs += pairing.done
        result.sightings += sightings
        result.malformed |= pairing.malformed
    order = {file.name: number for number, file in enumerate(audit.captures)}
    result.pairs.sort(key=lambda pair: (order[pair.exchange.capture], findings.frame_of(pair.exchange)))
    verdicts.place_modes(result.pairs, audit)
    verdicts.settle_silence(result.pairs, result.facts(audit), audit)
    return result


def refuse_copies(pairing: Pairing) -> None:
    """The same exchange in two captures of one mode would count twice."""
    seen: dict[tuple[object, ...], Exchange] = {}
    for (first, second), (frame, other) in pairing.copies.elsewhere.items():
        raise AuditError(same_traffic(first, frame, second, other))
    for pair in pairing.done:
        exchange, ident = pair.exchange, pair.idents[:1]
        if pair.group or not exchange.requests or ident <= [0]:
            continue
        slot = pair.clock // COPY_SPAN
        for number in (slot - 1, slot, slot + 1):
            before = seen.get((pair.client, pair.server, pair.digest, *ident, number))
            if before and before.capture != exchange.capture:
                raise AuditError(
                    same_traffic(before.capture, before.requests[0], exchange.capture, exchange.requests[0])
                )
        seen[pair.client, pair.server, pair.digest, *ident, slot] = exchange


def same_traffic(first: str, frame: int, second: str, other: int) -> str:
    """What is wrong with two captures that hold the same packets."""
    return (
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


def known_target(audit: Audit, result: Result) -> list[str]:
    """The target's addresses as far as they are given or told, for output that does not need one."""
    return known_addresses(result.pairs, collect_hints(result.sightings), audit.target, described(result))


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
        found = findings.summarise(result.pairs, modes)
        for finding in found:
            finding.disclosures = facts_of(finding, result)
            finding.notes = notes_of(finding, result)
    parts = [one.part for one in result.readings]
    return Analysis(
        capanalyze=__version__,
        command=command,
        title=audit.title,
        inputs=[input_of(reading, result.malformed) for reading in result.readings],
        first=stamp(min((part.first for part in parts if part.first), default=None)),
        last=stamp(max((part.last for part in parts if part.last), default=None)),
        target=target,
        modes=[mode_info(mode, audit, result) for mode in modes],
        zones=zones_of(result),
        findings=found,
        announcements=findings.announcements(result.pairs),
        directions=dict(sorted(Counter(pair.exchange.direction or "unknown" for pair in result.pairs).items())),
        notes=notes_on(audit, result),
    )


def target_of(audit: Audit, result: Result) -> Target:
    """Who the target is. Captures without any exchange need none."""
    if not any(pair.exchange.requests for pair in result.pairs) and not audit.target:
        return Target(addresses=[], how="not looked for: no exchanges", assumed=False, warnings=[])
    return find_target(result.pairs, collect_hints(result.sightings), audit.target, described(result))


def judge(audit: Audit, result: Result, target: Sequence[str]) -> None:
    """Direction, zone and verdict of every exchange."""
    verdicts.direct(result.pairs, target)
    verdicts.place_zones(result.pairs, audit)
    verdicts.judge(result.pairs, audit.modes, result.facts(audit))


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
    """Frames that the kernel dropped from the captures of a finding."""
    wanted = (finding.mode, finding.zone, finding.service)
    names = {
        pair.exchange.capture
        for pair in result.pairs
        if (pair.exchange.mode, pair.exchange.zone, pair.exchange.service) == wanted
    }
    notes = []
    for reading in result.readings:
        dropped = sum(interface.dropped or 0 for interface in reading.capture.interfaces)
        if dropped and reading.file.name in names:
            notes.append(f"{reading.file.name}: {dropped} frames were dropped while capturing, at times unknown")
    return notes


def notes_on(audit: Audit, result: Result) -> list[str]:
    """What a reader should know of the analysis as a whole."""
    notes = []
    if audit.since is not None or audit.until is not None:
        since, until = findings.utc(audit.since) or "the beginning", findings.utc(audit.until) or "the end"
        notes.append(f"only frames from {since} to {until} were paired; the account counts all")
    met = {label for reading in result.readings for label in reading.labels().values()}
    notes += [
        f"zone {zone}: no capture has an interface {key}"
        for key, zone in audit.zones.items()
        if "/" not in key and key not in met
    ]
    unplaced = sum(pair.exchange.mode is None for pair in result.pairs)
    if unplaced and audit.used_modes():
        notes.append(f"{unplaced} exchanges began outside every mode's time and are not judged")
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
