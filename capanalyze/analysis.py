"""The flow on one page: captures → messages → exchanges → target → verdicts → what a report shows.

Exchanges are judged and summed up as they come (`summary`), in memory that does not grow. Captures of every size
take the same way.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from capanalyze import __version__
from capanalyze.again import Frame
from capanalyze.again import read_again as again
from capanalyze.circumstances import advisories, is_no_mac
from capanalyze.conclusions import conclude
from capanalyze.destinations import links_of, passed_on, told_across
from capanalyze.echoes import told_beyond
from capanalyze.errors import TargetError
from capanalyze.exchanges.batch import in_order, numbered, service_at
from capanalyze.exchanges.engine import LARGEST
from capanalyze.exchanges.held import Held
from capanalyze.exchanges.pair import pairs_of, told_at
from capanalyze.findings import id_of, utc, zones_in_order
from capanalyze.judging.judge import Judge
from capanalyze.model import CERTAINTIES, Analysis, Fact, HostInfo, ModeInfo, Target, Zone
from capanalyze.progress import progress
from capanalyze.reading import input_of, stamp
from capanalyze.stream import Stream
from capanalyze.target import Contacts, find_target, unknown_target
from capanalyze.target.doubts import not_judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.audit import Audit, Mode
    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.exchanges.pair import Pair, Payload
    from capanalyze.exhibits import Bundle, Key, Limit
    from capanalyze.findings import Summed, Unasked
    from capanalyze.hosts import Host
    from capanalyze.judging.controls import Controls
    from capanalyze.model import Announcement, Disclosure, Input

FEW = 16_384  # messages, up to which all is held
TRIES = (4, 8, 16)  # units of messages after which the target of a large capture is looked for
SAMPLE = 128  # exchanges of each unit of messages that are looked at for further addresses once the target is known
MAX_AGAIN = 3  # values of a kind that a finding shows from later replies: a clock differs in each


class Flow:
    """One run of the flow: exchanges, judged, either all at once or as they come.

    Args:
        stream: the captures, ready to be read.
        needs_target: whether to give up where nobody can tell the target; else nothing is judged then.

    Attributes:
        names: what the numbers in rows stand for.
        target: the host under test, as far as it is known.
        undecided: why nobody can tell the target; empty where somebody can.

    Raises:
        TargetError: nobody can tell the target, and it is needed.
    """

    def __init__(self, stream: Stream, *, needs_target: bool) -> None:
        self._stream = stream
        self._needs_target = needs_target
        self._audit = stream.audit
        self._units = stream.units()
        self._held = Held()
        self._judge = Judge(self._audit, stream.places.labels)
        self.names: Names = replaced(
            stream.names, modes=[mode.name for mode in self._audit.modes], zones=self._judge.zones
        )
        self._contacts = Contacts()
        self.undecided = ""
        try:
            self.target = self._begin()
        except BaseException:
            self._held.close()
            raise
        self._strangers = self._contacts.strangers(self.target.addresses)
        self._judge.target(self.target.addresses)

    def close(self) -> None:
        """Let go of what is held: nothing more is wanted."""
        self._held.close()

    @property
    def are_few(self) -> bool:
        """Whether all exchanges can be held at once."""
        return self._stream.messages <= FEW

    def judged(self) -> Iterator[Batch]:
        """All exchanges, judged."""
        self._judge.see(self._stream.facts())
        with self._held as held:
            if self._stream.ended:
                # What a silent request's capture leaves open at its end, an answer in any other may tell.
                for batch in held:
                    self._judge.note(batch, 0, batch.count)
            yield from map(self._settled, held)
        if self._stream.ended:
            return
        self._held = Held()
        for unit in self._units:
            self._judge.see(self._stream.facts())
            if self._stream.ended and not unit:
                for batch, start, stop in self._stream.engine.remaining():
                    self._judge.note(batch, start, stop)
            self._look_at_some(unit)
            yield from map(self._settled, unit)

    def _look_at_some(self, unit: Iterable[Batch]) -> None:
        """Take in the first exchanges of a unit, into however many batches it fell."""
        left = SAMPLE
        for batch in unit:
            self._contacts.take(batch, self._stream.places.labels, 0, min(batch.count, left))
            left -= min(batch.count, left)
            if not left:
                return

    def controls(self) -> Controls:
        """What shows by now that services listened."""
        return self._judge.controls(self.names)

    def peers_of(self, addresses: set[str]) -> set[str]:
        """The hosts that had exchanges with some addresses, as far as the search for the target looked at them."""
        return {end for one in self._contacts if one.ends & addresses for end in one.ends} - addresses

    def target_in_the_end(self) -> Target:
        """The target, with warnings of what later exchanges show: addresses that none has, or that were not judged."""
        unmet = self._contacts.unmet(self._audit.target)
        warnings = [f"{one} was given as the target, but is in no exchange" for one in unmet] + self.target.warnings
        if later := self._contacts.strangers(self.target.addresses) - self._strangers:
            warnings += not_judged(later, self._stream.hints.told(), "later on")
        return replace(self.target, warnings=warnings)

    def in_order(self) -> Iterator[Batch]:
        """All exchanges, judged: few in order of file and frame, many as they began.

        What was answered anywhere decides what silence is called, so the captures are read once before where exchanges
        are many. Standard input cannot be: its silence is called by what was answered before.
        """
        if self.are_few:
            batch = in_order(list(self.judged()))
            self._judge.conclude(batch)
            yield batch
            return
        if self._may_hold_back and not self.reads_once:
            self._judge.learn(self._judge_of_all())
        yield from self.judged()

    @property
    def reads_once(self) -> bool:
        """Whether what was read cannot be read again."""
        return any(file.path == "-" for file in self._audit.captures)

    @property
    def may_miss_controls(self) -> bool:
        """Whether silence may have been called so as the service had not answered by then."""
        return self._may_hold_back and self.reads_once and not self.are_few

    @property
    def _may_hold_back(self) -> bool:
        """Whether a mode promises to block anything."""
        return any(mode.promise == "block" or mode.stealth for mode in self._audit.modes)

    def _judge_of_all(self) -> Judge:
        """The judge of another reading of the same captures, to their end."""
        with Stream(replaced(self._audit, hashed=False)) as stream:
            flow = Flow(stream, needs_target=False)
            for _ in flow.judged():
                pass
            return flow._judge

    def numbered(self) -> Iterator[Batch]:
        """All exchanges in order, with the numbers that `dissect --exchange` knows them by, where these are known.

        That reads one capture alone, all of it. Where others are read beside it, the order may be another once
        there are many exchanges.
        """
        audit = self._audit
        partly = audit.since is not None or audit.until is not None or any(one.interfaces for one in audit.captures)
        if partly or not (self.are_few or len(audit.captures) == 1):
            return self.in_order()
        return numbered(self.in_order())

    def _settled(self, batch: Batch) -> Batch:
        if self._judge.judge(batch):
            self._judge.settle(batch)
        return batch

    def _begin(self) -> Target:
        """Read on until the target is known: to the end, where there is not one large capture alone."""
        stream = self._stream
        for number, unit in enumerate(self._units, 1):
            self._hold(unit)
            if stream.ended:
                break
            if not stream.has_one_source or number not in TRIES:
                continue
            try:
                return self._target()
            except TargetError as error:
                if number == TRIES[-1]:
                    return self._without_target(error)
        for unit in self._units:
            self._hold(unit)
        try:
            return self._target()
        except TargetError as error:
            return self._without_target(error)

    def _without_target(self, error: TargetError) -> Target:
        if self._needs_target:
            raise error
        self.undecided = str(error)
        return unknown_target("not known")

    def _hold(self, unit: Iterable[Batch]) -> None:
        for batch in unit:
            self._held.add(batch)

    def _target(self) -> Target:
        stream, given = self._stream, self._audit.target
        contacts = self._contacts = Contacts()
        for batch in self._held:
            contacts.take(batch, stream.places.labels, 0, batch.count)
        for batch, start, stop in stream.engine.remaining():
            contacts.take(batch, stream.places.labels, start, stop)
        interfaces = [interface for reading in stream.readings for interface in reading.interfaces]
        described = {one for interface in interfaces for one in interface.addresses}
        if not contacts.any_asked and not given:
            return unknown_target("not looked for: no exchanges")
        return find_target(contacts, stream.hints.told(), given, described, stream.names.captures)


def find_exchanges(audit: Audit) -> list[Pair]:
    """All exchanges of some small captures in words, in order of file and frame."""
    with Stream(audit) as stream:
        flow = Flow(stream, needs_target=False)
        return [pair for batch in flow.in_order() for pair in pairs_of(batch, flow.names)]


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
    from capanalyze.hosts import hosts_of

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
