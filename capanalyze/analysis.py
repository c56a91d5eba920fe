"""What a report shows: judged exchanges (`flow`) of each host (`hosts`), summed up, read again, and put into words.

Exchanges are summed up as they come (`summary`), in memory that does not grow. Captures of every size take the same
way.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from capanalyze import __version__
from capanalyze.again import Frame
from capanalyze.again import read_again as again
from capanalyze.circumstances import advisories, is_no_mac
from capanalyze.conclusions import conclude
from capanalyze.destinations import links_of, passed_on, told_across
from capanalyze.echoes import told_beyond
from capanalyze.exchanges.batch import service_at
from capanalyze.exchanges.engine import LARGEST
from capanalyze.exchanges.pair import told_at
from capanalyze.findings import id_of, utc, zones_in_order
from capanalyze.flow import Flow
from capanalyze.hosts import hosts_of
from capanalyze.model import CERTAINTIES, Analysis, Fact, HostInfo, ModeInfo, Target, Zone
from capanalyze.progress import progress
from capanalyze.reading import input_of, stamp
from capanalyze.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.audit import Audit, Mode
    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.exchanges.pair import Payload
    from capanalyze.exhibits import Bundle, Key, Limit
    from capanalyze.findings import Summed, Unasked
    from capanalyze.hosts import Host
    from capanalyze.model import Announcement, Disclosure, Input

MAX_AGAIN = 3  # values of a kind that a finding shows from later replies: a clock differs in each


@dataclass
class Gathered:
    """What the exchanges come to.

    `directions` counts exchanges; `unplaced` are those outside every mode's time; `notes` says what there was no
    room for.
    """

    findings: list[Summed]
    announcements: list[Unasked]
    zones: list[Zone]
    directions: dict[str, int]
    unplaced: int
    notes: list[str]


class Examined(NamedTuple):
    """An analysis, and the frames that its findings rest on, where these were asked for."""

    analysis: Analysis
    bundle: Bundle | None


def analyze(audit: Audit, command: str = "", *, quiet: bool = True) -> Analysis:
    """All that a report shows of these captures, but for the evidence. Raises: see `examine`."""
    return examine(audit, command, quiet=quiet).analysis


def examine(audit: Audit, command: str = "", *, limit: Limit | None = None, quiet: bool = True) -> Examined:
    """All that a report shows of these captures; unless `quiet`, a terminal shows how far reading has come.

    Args:
        audit: what is asked.
        command: as a reader could repeat it.
        limit: how many of the frames that findings rest on are to be kept; None for none.
        quiet: show no progress.

    Raises:
        CaptureError: a capture cannot be read.
        AuditError: captures contradict each other.
        TargetError: the target cannot be told.
    """
    with ExitStack() as stack:
        reads = [read_host(host, stack, quiet=quiet) for host in hosts_of(audit)]
        return examined(reads, audit, command, limit)


@dataclass
class Read:
    """The captures of a host, read to their end; the name is None where there is one host."""

    name: str | None
    stream: Stream
    flow: Flow
    gathered: Gathered


def read_host(host: Host, stack: ExitStack, *, quiet: bool) -> Read:
    """Read the captures of a host; they stay open as long as the stack."""
    stream = stack.enter_context(Stream(host.audit))
    with progress(stream.octets_read, stream.total, quiet=quiet):
        flow = Flow(stream, needs_target=True)
        gathered = gather(flow, stream, host.audit.used_modes())
    return Read(host.name, stream, flow, gathered)


def examined(reads: Sequence[Read], audit: Audit, command: str, limit: Limit | None) -> Examined:
    """The analysis of hosts whose captures were read."""
    summed = [one for read in reads for one in read.gathered.findings]
    unasked = [one for read in reads for one in read.gathered.announcements]
    found, announced = [one.finding for one in summed], [one.announcement for one in unasked]
    inputs = [one for read in reads for one in inputs_of(read.stream)]
    wanted = proofs_of(summed, announced, inputs, limit) if limit else {}
    told = [one.payloads for one in summed] + [one.payloads for one in unasked]
    payloads = [place for places in told for place in places]
    octets: Octets = {}
    frames: Frames = {}
    for read in reads:
        read_octets, read_frames = read_again(read.stream, payloads, wanted)
        octets |= read_octets
        frames |= read_frames
    targets = [read.flow.target_in_the_end() for read in reads]
    evidence = reference = None
    if limit:
        from capanalyze.exhibits import bundle
        from capanalyze.opinion import confirm_evidence

        readings = [one for read in reads for one in read.stream.readings]
        addresses = [one for target in targets for one in target.addresses]
        evidence = bundle(readings, frames, wanted, audit, addresses)
        reference = confirm_evidence(readings, frames, found, announced)
    lost = {name: note for read in reads for name, note in dropped(read.stream).items()}
    for one in summed:
        one.finding.disclosures = facts_of(one.finding.service, one.payloads, octets)
    announced = [announcement_of(one, read.name, octets) for read in reads for one in read.gathered.announcements]
    for read, target in zip(reads, targets, strict=True):
        add_notes(read, target, [one for one in announced if one.host == read.name], audit.used_modes())
    for one in summed:
        one.finding.notes += [note for name, note in lost.items() if name in one.captures]
    parts = [one.part for read in reads for one in read.stream.readings]
    analysis = Analysis(
        capanalyze=__version__,
        command=command,
        title=audit.title,
        inputs=inputs,
        first=stamp(min((part.first for part in parts if part.first), default=None)),
        last=stamp(max((part.last for part in parts if part.last), default=None)),
        target=targets[0] if len(reads) == 1 else of_several(reads, targets),
        modes=[mode_info(mode, [read.stream for read in reads]) for mode in audit.used_modes()],
        zones=joined_zones(zone for read in reads for zone in read.gathered.zones),
        findings=found,
        announcements=announced,
        directions=dict(sorted(sum((Counter(read.gathered.directions) for read in reads), Counter()).items())),
        notes=[said for read in reads for said in of_host(read.name, notes_on(read.stream, read.gathered))],
        left_out=[said for read in reads for said in read.stream.left_out.values()],
        reference=reference,
        hosts=[] if len(reads) == 1 else [host_of(*one) for one in zip(reads, targets, strict=True)],
    )
    for read in reads:
        for one in read.gathered.findings:
            one.finding.host = read.name
            one.finding.id = id_of(one.finding)
        conclude([one.finding for one in read.gathered.findings], analysis.modes, read.name)
    return Examined(analysis, evidence)


def add_notes(read: Read, target: Target, announced: Sequence[Announcement], modes: Sequence[Mode]) -> None:
    """Tell a host's findings what their replies told across networks, and which published flaws they fit."""
    found = [one.finding for one in read.gathered.findings]
    disclosed = [one.disclosures for one in found] + [one.disclosures for one in announced]
    facts = [fact for each in disclosed for fact in each]
    no_mac = is_no_mac(facts, read.stream.hints.told().ttls_of(target.addresses))
    of_name = {mode.name: mode for mode in modes}
    links = links_of(found)
    for one in found:
        one.notes += [*passed_on(one, read.stream.behind), *told_across(one, links, target.addresses)]
        if not no_mac and one.mode is not None:
            one.notes += advisories(one, of_name.get(one.mode))


def of_host(name: str | None, said: Iterable[str]) -> list[str]:
    """What is said of one host of several."""
    return [one if name is None else f"{name}: {one}" for one in said]


def of_several(reads: Sequence[Read], targets: Sequence[Target]) -> Target:
    """The targets of several hosts as one: known as well as the worst known of them."""
    known = [one.certainty for one in targets if one.certainty]
    return Target(
        addresses=list(dict.fromkeys(address for one in targets for address in one.addresses)),
        how="nothing shows that their captures are of one host",
        certainty=max(known, key=CERTAINTIES.index, default=None),
        warnings=[said for read, one in zip(reads, targets, strict=True) for said in of_host(read.name, one.warnings)],
    )


def host_of(read: Read, target: Target) -> HostInfo:
    """A host as the report shows it."""
    captures = [file.name for file in read.stream.audit.captures]
    return HostInfo(name=str(read.name), target=target, captures=captures, directions=read.gathered.directions)


def joined_zones(zones: Iterable[Zone]) -> list[Zone]:
    """Zones, those of one name together."""
    met: dict[str, set[str]] = {}
    for zone in zones:
        met.setdefault(zone.name, set()).update(zone.interfaces)
    return zones_in_order(met)


def proofs_of(
    summed: Sequence[Summed], announced: Sequence[Announcement], inputs: Sequence[Input], limit: Limit
) -> dict[Key, list[str]]:
    """The frames that findings and announcements rest on."""
    from capanalyze.exhibits import proofs

    return proofs(summed, announced, inputs, limit)


def gather(flow: Flow, stream: Stream, modes: Sequence[Mode]) -> Gathered:
    """Sum exchanges up as they come."""
    from capanalyze.summary.store import Summary
    from capanalyze.summary.tell import Teller

    summary = Summary(stream.audit.modes)
    for batch in flow.judged():
        summary.add(batch)
    summary.finish([shown for one in stream.readings if (shown := one.neighbours)])
    teller = Teller(summary, flow.names, modes, stream.cut_modes(), flow.controls())
    return Gathered(
        findings=teller.findings(),
        announcements=teller.announcements(),
        zones=teller.zones(),
        directions=teller.directions(),
        unplaced=teller.unplaced,
        notes=teller.notes(),
    )


def announcement_of(unasked: Unasked, host: str | None, octets: Octets) -> Announcement:
    """An announcement with its host, and what it disclosed."""
    announcement, payloads = unasked
    return replace(announcement, host=host, disclosures=facts_of(announcement.service, payloads, octets))


def facts_of(service: str, payloads: Sequence[Payload], octets: Octets) -> list[Fact]:
    """What the replies of a finding disclosed, each fact once, with the frame that told it first."""
    facts: dict[tuple[str, str], Fact] = {}
    again: Counter[str] = Counter()
    for payload in payloads:
        known = {kind for kind, _ in facts}
        reply = octets_of(payload, octets)
        for one in told_beyond(service, reply, octets_of(payload.asked, octets)) if reply else ():
            if (one.kind, one.value) in facts or again[one.kind] == MAX_AGAIN:
                continue
            again[one.kind] += one.kind in known
            facts[one.kind, one.value] = Fact(
                kind=one.kind, value=one.value, capture=payload.capture, frame=payload.frame
            )
    return list(facts.values())


def octets_of(payload: Payload | None, octets: Octets) -> bytes | None:
    """A payload, once it was read; None where it was not."""
    return octets.get((payload.capture, payload.offset)) if payload else None


Octets = dict[tuple[str, int], bytes]
Frames = dict[str, dict[int, Frame]]


def read_again(stream: Stream, payloads: Sequence[Payload], wanted: Iterable[Key]) -> tuple[Octets, Frames]:
    """Payloads, requests' too, by capture and offset, frames by capture and number; reads the captures once more."""
    places: dict[str, list[tuple[int, int]]] = {}
    for one in (each for payload in payloads for each in (payload, payload.asked) if each):
        places.setdefault(one.capture, []).append((one.offset, one.length))
    numbers: dict[str, list[int]] = {}
    for name, frame in wanted:
        numbers.setdefault(name, []).append(frame)
    octets: Octets = {}
    frames: Frames = {}
    for reading in stream.readings:
        name = reading.file.name
        found, frames[name] = again(reading.capture, places.get(name, ()), numbers.get(name, ()))
        octets.update({(name, offset): piece for (offset, _), piece in found.items()})
    return octets, frames


def disclosures_of(batch: Batch, names: Names, stream: Stream) -> list[list[Disclosure]]:
    """What the first reply of each row disclosed."""
    payloads = [told_at(batch, number, names) for number in range(batch.count)]
    octets, _ = read_again(stream, [one for one in payloads if one], ())
    found = []
    for number, payload in enumerate(payloads):
        reply = octets_of(payload, octets)
        request = octets_of(payload.asked, octets) if payload else None
        found.append(told_beyond(service_at(batch, number), reply, request) if reply else [])
    return found


def dropped(stream: Stream) -> dict[str, str]:
    """What to note of captures that the kernel dropped frames of, by their names."""
    notes = {}
    for reading in stream.readings:
        name = reading.file.name
        if count := sum(interface.dropped or 0 for interface in reading.capture.interfaces):
            notes[name] = f"{name}: {count} frames were dropped while capturing, at times unknown"
    return notes


def inputs_of(stream: Stream) -> list[Input]:
    """The captures as a report shows them, once they were read."""
    return [input_of(reading, stream.malformed) for reading in stream.readings]


def notes_on(stream: Stream, gathered: Gathered) -> list[str]:
    """What a reader should know of the analysis as a whole."""
    notes = []
    audit = stream.audit
    if audit.since is not None or audit.until is not None:
        since, until = utc(audit.since) or "the beginning", utc(audit.until) or "the end"
        notes.append(f"only frames from {since} to {until} were paired; the account counts all")
    notes += notes_on_pairing(stream)
    if gathered.unplaced and audit.used_modes():
        notes.append(
            f"{gathered.unplaced} exchanges are not judged: they began outside every mode's time, "
            "or their capture has no mode"
        )
    return notes + gathered.notes


def notes_on_pairing(stream: Stream) -> list[str]:
    """What a reader should know of how exchanges were found and placed."""
    met = {label for reading in stream.readings for label in reading.labels().values()}
    notes = [
        f"no mode is called {name}: an audit file can say what [modes.{name}] promises, --mode names a built-in one"
        for name in stream.audit.unknown_modes
    ]
    notes += [
        f"zone {zone}: no capture has an interface {key}"
        for key, zone in stream.audit.zones.items()
        if "/" not in key and key not in met
    ]
    if stream.evicted:
        notes.append(
            f"more than {LARGEST:,} requests were open at a time: {stream.evicted:,} were let go early, and very late "
            f"replies to them are not paired; of {stream.forgotten:,} it is not known whether they were answered"
        )
    return notes


def mode_info(mode: Mode, streams: Sequence[Stream]) -> ModeInfo:
    """A mode as the report shows it."""
    captures = [
        reading.file.name
        for stream in streams
        for reading in stream.readings
        if any(segment.mode == mode.name for segment in reading.file.segments)
    ]
    readings = [one for stream in streams for one in stream.readings]
    parts = [one.part for one in readings if one.file.name in captures and one.part.first]
    return ModeInfo(
        name=mode.name,
        title=mode.title,
        promise=mode.promise,
        allow=list(mode.allow),
        stealth=mode.stealth,
        captures=captures,
        first=stamp(min((part.first for part in parts if part.first), default=None)),
        last=stamp(max((part.last for part in parts if part.last), default=None)),
        named_by=streams[0].audit.modes_by,
    )
