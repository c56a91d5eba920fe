"""Cells in, findings out: what a report shows of exchanges that were summed up."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from capanalyze.circumstances import off_link
from capanalyze.destinations import elsewhere
from capanalyze.exchanges.batch import finding_name, is_by_filter, reason_of
from capanalyze.exchanges.pair import Payload, payload_at
from capanalyze.exchanges.row import SAID_CUT
from capanalyze.findings import (
    WORST,
    Summed,
    Unasked,
    evidence_at,
    in_order,
    over_family,
    reached,
    zones_in_order,
)
from capanalyze.judging.controls import NO_KIND, Controls, Silence
from capanalyze.model import Announcement, Asked, Control, Counts, Evidence, Finding, Zone
from capanalyze.protocols import PROTOCOLS
from capanalyze.services import registered_name
from capanalyze.summary.flips import Flips
from capanalyze.summary.store import CLASSES, FURTHER, INDETERMINATE, REJECTED, REPLIED, SILENT, UNASKED, UNPROVEN
from capanalyze.summary.times import as_classes, round_trip, timeline
from capanalyze.verdicts import PORTS, promise_of, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capanalyze.audit import Mode
    from capanalyze.exchanges.batch import Names
    from capanalyze.model import Outcome
    from capanalyze.summary.store import Asked as Drew
    from capanalyze.summary.store import Cell, Detail, Summary

AS_THEY_ARE = tuple(range(CLASSES))
SILENCE_UNKNOWN = (REPLIED, REJECTED, INDETERMINATE, INDETERMINATE, UNPROVEN)
NOWHERE = Evidence(capture="", requests=[], replies=[], time=None, client="", server="")


class Teller:
    """Puts a summary into words.

    Args:
        summary: of all exchanges; ports without a finding of their own are joined.
        names: what the numbers in rows stand for.
        modes: those in use, in order.
        cut: names of the modes whose silence means nothing as frames are cut; None for no mode.
        controls: what shows that services listened.
    """

    def __init__(
        self, summary: Summary, names: Names, modes: Sequence[Mode], cut: set[str | None], controls: Controls
    ) -> None:
        self._summary = summary
        self._names = names
        self._modes = {mode.name: mode for mode in modes}
        self._order = modes
        self._cut = cut
        self._controls = controls
        self._joined = summary.joined(finding_name(*port) for port in controls.ports())
        self._kept = summary.rows()
        self._cells = summary.cells()
        self._flips = Flips(summary.changes(), self._kept, names)

    def findings(self) -> list[Summed]:
        """A finding per mode, zone and service; ports beyond the first ones are summed up by transport."""
        return in_order([self._summed(cell) for cell in self._cells if cell.sort != UNASKED], self._order)

    def announcements(self) -> list[Unasked]:
        """What the target told the network unasked."""
        found = [self._unasked(cell) for cell in self._cells if cell.sort == UNASKED]
        return sorted(found, key=lambda one: place_of(one.announcement))

    def _unasked(self, cell: Cell) -> Unasked:
        detail = self._summary.detail(cell)
        service = service_of(cell)
        announcement = Announcement(
            mode=self._mode_name(cell),
            zone=self._zone_name(cell),
            service=service,
            name=registered_name(service) or service,
            messages=cell.counts[0],
            first=self._shown(detail.firsts[0]) if detail.firsts else NOWHERE,
            last=self._shown(detail.last) if detail.last else NOWHERE,
            octets=cell.told_octets,
            kinds=self._reasons(cell),
        )
        return Unasked(announcement, list(self._payloads(cell, detail)))

    def zones(self) -> list[Zone]:
        """The zones that inbound exchanges crossed, with their interfaces."""
        met: dict[str, set[str]] = {}
        for zone, places in self._summary.places().items():
            labels = met.setdefault(self._names.zones[zone] if zone >= 0 else "", set())
            labels.update(self._names.places[place] for place in places)
        return zones_in_order(met)

    def directions(self) -> dict[str, int]:
        """Exchanges by direction."""
        words = ("unknown", "inbound", "outbound", "local", "passing")
        counts = zip(words, self._summary.counts().directions, strict=True)
        return dict(sorted((word, count) for word, count in counts if count))

    @property
    def unplaced(self) -> int:
        """Exchanges outside of every mode's time."""
        return self._summary.counts().unplaced

    def notes(self) -> list[str]:
        """What there was no room for."""
        found = []
        counts = self._summary.counts()
        if counts.lost:
            found.append("too many kinds of exchanges to keep every reason and change: counts are exact")
        if counts.crowded:
            found.append("too many ports in all modes and zones: some share a finding that would have one of their own")
        if counts.untold:
            found.append(f"too many hosts asked to say from how far away {counts.untold:,} answered requests came")
        if counts.left_out:
            found.append(f"{counts.left_out:,} exchanges are in no finding: too many services and zones")
        return found

    # Cells

    def _mode_name(self, cell: Cell) -> str | None:
        return self._names.modes[cell.mode] if cell.mode >= 0 else None

    def _zone_name(self, cell: Cell) -> str:
        return self._names.zones[cell.zone] if cell.zone >= 0 else ""

    def _classes(self, cell: Cell) -> Sequence[int]:
        """What each class counts as in a cell's mode."""
        return SILENCE_UNKNOWN if self._mode_name(cell) in self._cut else AS_THEY_ARE

    def _counts(self, cell: Cell, found: Sequence[int]) -> list[int]:
        """Counts by class as they count in a cell's mode."""
        return as_classes(found, self._classes(cell))

    # Findings

    def _summed(self, cell: Cell) -> Summed:
        detail = self._summary.detail(cell)
        captures = {self._names.captures[number] for number in cell.captures}
        found = self._finding(cell, detail)
        counted = [self._shown(row) for row in detail.rows] if found.verdict in ("leaked", "visible") else []
        return Summed(found, list(self._payloads(cell, detail)), captures, counted)

    def _finding(self, cell: Cell, detail: Detail) -> Finding:
        name = self._mode_name(cell)
        mode = self._modes.get(name) if name is not None else None
        service = service_of(cell)
        counts = self._counts(cell, cell.counts)
        worst = next((kind for kind in range(UNPROVEN) if counts[kind]), UNPROVEN)
        outcome: Outcome = "silent" if worst == UNPROVEN else WORST[worst]
        shown = [self._shown(row) for row in (*detail.firsts, detail.slowest, detail.last) if row]
        changes = self._flips.of(cell.number, cut=name in self._cut)
        families = self._families(cell, detail, counts, mode)
        verdict = (
            verdict_of(
                outcome,
                mode,
                service,
                unproven=worst == UNPROVEN,
                controlled=any(one.control for one in families.values()),
            )
            if mode
            else None
        )
        controls = [one.control for one in families.values() if one.control] if verdict == "blocked" else []
        found = Finding(
            mode=name,
            zone=self._zone_name(cell),
            service=service,
            transport=PROTOCOLS[cell.service].transport,
            port=port_of(cell, service),
            name=further_ports(cell) if cell.sort == FURTHER else registered_name(service) or service,
            promise=promise_of(mode, service) if mode else None,
            verdict=verdict,
            outcome=outcome,
            exchanges=sum(counts),
            replied=counts[REPLIED],
            rejected=counts[REJECTED],
            silent=counts[SILENT],
            indeterminate=counts[INDETERMINATE],
            unproven=counts[UNPROVEN],
            provable=sum(counts[:INDETERMINATE]),
            retransmissions=cell.resent,
            reasons=self._reasons(cell),
            first=shown[0] if shown else NOWHERE,
            last=shown[-1] if shown else NOWHERE,
            evidence=list({(one.capture, *one.requests, *one.replies): one for one in shown}.values()),
            rtt_us=round_trip(cell, detail) if cell.timed else None,
            request_octets=cell.asked_octets,
            reply_octets=cell.told_octets,
            factor=cell.told_octets / cell.asked_octets if cell.asked_octets and counts[REPLIED] else None,
            disclosures=[],
            changes=changes,
            more_changes=cell.changes - self._flips.kept(cell.number),
            timeline=timeline(detail, self._classes(cell)),
            reply_frames=cell.told_frames,
            frame_factor=cell.told_frames / counts[REPLIED] if counts[REPLIED] else None,
            kinds=self._kinds(cell, detail),
            reach=reached(cell.reached),
            families=families,
            control=controls[0] if controls else None,
        )
        found.notes = uncompared(cell) + by_filter(cell) + elsewhere(shown) + off_link(found)
        return found

    def _families(self, cell: Cell, detail: Detail, counts: Sequence[int], mode: Mode | None) -> dict[str, Counts]:
        """What was asked over each family of addresses."""
        over_ipv6 = self._counts(cell, cell.over_ipv6)
        over_ipv4 = [every - six for every, six in zip(counts, over_ipv6, strict=True)]
        told = {"ipv4": over_ipv4, "ipv6": over_ipv6}
        return {
            name: over_family(
                found, mode, service_of(cell), self._control(cell, detail, found[SILENT], over_ipv6=name == "ipv6")
            )
            for name, found in told.items()
            if any(found)
        }

    def _control(self, cell: Cell, detail: Detail, silent: int, *, over_ipv6: bool) -> Control | None:
        """What shows that the service of a cell listened, which was silent to so many requests over a family."""
        if not silent:
            return None
        read = {kind: one.silent[over_ipv6] for kind, one in detail.kinds.items()}
        kinds = [kind for kind, number in read.items() if number]
        if silent > sum(read.values()):
            kinds.append(NO_KIND)
        ports = self._joined.get(cell.number, []) if cell.sort == FURTHER else [max(cell.port, 0)]
        known = (
            self._controls.of(Silence(cell.zone, cell.service, port, kind, over_ipv6), cell.mode)
            for port in ports
            for kind in kinds
        )
        return next((one for one in known if one), None)

    def _kinds(self, cell: Cell, detail: Detail) -> list[Asked]:
        """What requests of each kind drew."""
        module = PROTOCOLS[cell.service]
        return [self._asked(module.kind(kind), one) for kind, one in detail.kinds.items()]

    def _asked(self, kind: str, one: Drew) -> Asked:
        return Asked(
            kind=kind,
            exchanges=one.exchanges,
            replied=one.replied,
            request_octets=one.asked_octets,
            reply_octets=one.told_octets,
            reply_frames=one.told_frames,
            factor=one.told_octets / one.asked_octets if one.asked_octets else None,
            frame_factor=one.told_frames / one.replied if one.replied else None,
            first=self._flips.frame(one.request),
            first_reply=self._flips.frame(one.reply),
        )

    def _shown(self, row: int) -> Evidence:
        return evidence_at(self._kept, row, self._names)

    def _reasons(self, cell: Cell) -> dict[str, int]:
        found: Counter[str] = Counter()
        classes = self._classes(cell)
        for (kind, module, reason), count in cell.reasons.items():
            found[reason_of(module, SAID_CUT if classes[kind] != kind else reason)] += count
        return dict(sorted(found.items()))

    def _payloads(self, cell: Cell, detail: Detail) -> Iterator[Payload]:
        """Where the replies of a cell are that may tell something."""
        if PROTOCOLS[cell.service].transport not in ("udp", "tcp"):
            return
        for frame, offset, length, request, request_at, asked in detail.payloads:
            asker = payload_at(self._names, request, request_at, asked)
            payload = payload_at(self._names, frame, offset, length, asker)
            if payload:
                yield payload


def service_of(cell: Cell) -> str:
    """The service that a cell counts."""
    if cell.sort == FURTHER:
        return f"{PROTOCOLS[cell.service].transport}/other"
    return finding_name(cell.service, cell.port)


def port_of(cell: Cell, service: str) -> int | None:
    """The port of a service, as far as it has one."""
    if service in PORTS:
        return PORTS[service][0]
    return None if cell.sort == FURTHER or cell.port_seen < 0 else cell.port_seen


def place_of(announcement: Announcement) -> tuple[str, str, str]:
    """The place of an announcement among others."""
    return announcement.mode or "", announcement.zone, announcement.service


def further_ports(cell: Cell) -> str:
    """What ports are called that are not told apart."""
    if not cell.uncounted:
        return f"{cell.further:,} further ports"
    return f"more than {cell.further:,} further ports" if cell.further else "further ports"


def by_filter(cell: Cell) -> list[str]:
    """A note on rejections that no host makes by itself."""
    count = sum(
        number
        for (kind, module, reason), number in cell.reasons.items()
        if kind == REJECTED and is_by_filter(module, reason)
    )
    if not count:
        return []
    which = "every rejection is" if count == cell.counts[REJECTED] else f"{count:,} of the rejections are"
    return [
        f"{which} of a kind that only a packet filter makes: the firewall answered, whether or not anything listens"
    ]


def uncompared(cell: Cell) -> list[str]:
    """A note on exchanges that are missing among the changes."""
    if not cell.uncompared:
        return []
    return [f"{cell.uncompared:,} exchanges lasted so long that they are not compared with those around them"]
