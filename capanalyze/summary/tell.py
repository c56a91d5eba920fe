"""Cells in, findings out: what a report shows of exchanges that were summed up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from capanalyze.circumstances import Between
from capanalyze.exchanges.batch import exchange_of, reason_of, service_name
from capanalyze.exchanges.pair import Payload, kind_at
from capanalyze.exchanges.reach import REACHES
from capanalyze.exchanges.row import CAPTURE, CLOCK, OUTCOMES, SAID_CUT, WIDE
from capanalyze.findings import (
    WORST,
    Summed,
    Unasked,
    change,
    evidence,
    in_order,
    notes_on,
    over_family,
    reached,
    with_silence,
)
from capanalyze.model import (
    Announcement,
    Asked,
    Bin,
    Change,
    Counts,
    Evidence,
    Finding,
    Frame,
    RoundTrip,
    Timeline,
)
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.services import registered_name
from capanalyze.summary import layout as t
from capanalyze.summary import steps
from capanalyze.summary.steps import bounds
from capanalyze.verdicts import PORTS, promise_of, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capanalyze.audit import Mode
    from capanalyze.exchanges.batch import Names
    from capanalyze.model import Outcome
    from capanalyze.summary.store import Summary

NOWHERE = Evidence(capture="", requests=[], replies=[], time=None, client="", server="")
TRANSPORTS = {GENERIC_UDP: "udp", TCP: "tcp"}


@dataclass
class Cell:
    """Counts of a mode, zone and service, or of further ports of a transport together."""

    mode: int
    zone: int
    code: int
    counts: list[int]
    over_ipv6: list[int]
    resent: int
    octets: tuple[int, int]
    frames: int
    reach: Sequence[int]
    times: tuple[int, int, int]
    captures: int
    detail: int
    changes: int
    uncompared: int
    port: int | None
    reasons: Counter[int]
    further: int = 0  # ports that were joined
    has_more: bool = False  # and others that nobody counted


class Step(NamedTuple):
    """A change of outcome: when, in which turn, from which class to which, and the rows that show both."""

    clock: int
    turn: int
    before: int
    after: int
    row_before: int
    row_after: int
    lengths: tuple[int, int]  # of the runs before and after
    sent: Sequence[int]  # what the target sent in between: frames, 0 for none


class Teller:
    """Puts a summary into words.

    Args:
        summary: of all exchanges; ports without a finding of their own are joined.
        names: what the numbers in rows stand for.
        modes: those in use, in order.
        cut: names of the modes whose silence means nothing as frames are cut; None for no mode.
    """

    def __init__(self, summary: Summary, names: Names, modes: Sequence[Mode], cut: set[str | None]) -> None:
        self._b = summary.buffers
        self._state = summary.state
        self._names = names
        self._modes = {mode.name: mode for mode in modes}
        self._order = modes
        self._cut = cut
        self._kept = summary.rows(t.KEPT)
        self._changed = summary.rows(t.CHANGE_KEPT)
        self._cells = list(self._read_cells())
        self._changes_of: dict[int, list[int]] = {}
        for number in range(self._state[t.CHANGE_COUNT]):
            cell = self._b[t.CHANGES][number * t.CHANGE + t.CHANGE_CELL]
            self._changes_of.setdefault(self._b[t.CELLS][cell * t.CELL + t.DETAIL] - 1, []).append(number)

    def findings(self) -> list[Summed]:
        """A finding per mode, zone and service; ports beyond the first ones are summed up by transport."""
        found = [self._summed(cell) for cell in self._cells if not cell.code & t.UNASKED]
        return in_order(found, self._order)

    def announcements(self) -> list[Unasked]:
        """What the target told the network unasked."""
        found = [
            Unasked(
                Announcement(
                    mode=self._mode_name(cell),
                    zone=self._names.zones[cell.zone] if cell.zone >= 0 else "",
                    service=(service := service_of(cell.code - t.UNASKED)),
                    name=registered_name(service) or service,
                    messages=cell.counts[0],
                    first=self._shown(cell.detail * t.SLOTS) if cell.detail >= 0 else NOWHERE,
                    last=self._shown(cell.detail * t.SLOTS + t.LAST) if cell.detail >= 0 else NOWHERE,
                    octets=cell.octets[1],
                    kinds=self._reasons(cell),
                ),
                list(self._payloads(cell)),
            )
            for cell in self._cells
            if cell.code & t.UNASKED
        ]
        return sorted(found, key=lambda one: place_of(one.announcement))

    def directions(self) -> dict[str, int]:
        """Exchanges by direction."""
        words = ("unknown", "inbound", "outbound", "local", "passing")
        counts = self._state[t.DIRECTIONS : t.DIRECTIONS + len(words)]
        return dict(sorted((word, count) for word, count in zip(words, counts, strict=True) if count))

    @property
    def unplaced(self) -> int:
        """Exchanges outside of every mode's time."""
        return self._state[t.UNPLACED]

    def notes(self) -> list[str]:
        """What there was no room for."""
        found = []
        if self._state[t.LOST]:
            found.append("too many kinds of exchanges to keep every reason and change: counts are exact")
        if self._state[t.LEFT_OUT]:
            found.append(f"{self._state[t.LEFT_OUT]:,} exchanges are in no finding: too many services and zones")
        return found

    # Cells

    def _read_cells(self) -> Iterator[Cell]:
        cells, reasons = self._b[t.CELLS], self._b[t.REASONS]
        keys = cells[t.KEY : self._state[t.CELL_COUNT] * t.CELL : t.CELL]
        found = {number: self._read_cell(number) for number, key in enumerate(keys) if key != t.JOINED}
        numbers = reasons[t.REASON_NUMBER : self._state[t.REASON_COUNT] * t.REASON : t.REASON]
        for place, count in enumerate(numbers):
            if count:
                cell, said = divmod(reasons[place * t.REASON + t.REASON_KEY], t.OF_CELL_UNIT)
                found[cell].reasons[said] += count
        return iter(found.values())

    def _read_cell(self, number: int) -> Cell:
        c = self._b[t.CELLS][number * t.CELL : (number + 1) * t.CELL]
        mode, rest = divmod(c[t.KEY], t.MODE_UNIT)
        zone, code = divmod(rest, t.ZONE_UNIT)
        return Cell(
            mode=mode - 1,
            zone=zone - 1,
            code=code,
            counts=list(c[t.COUNTS : t.COUNTS + t.CLASSES]),
            over_ipv6=list(c[t.OVER_IPV6 : t.OVER_IPV6 + t.CLASSES]),
            resent=c[t.RESENT],
            octets=(c[t.ASKED_OCTETS], c[t.TOLD_OCTETS]),
            frames=c[t.TOLD_FRAMES],
            reach=c[t.REACHED : t.REACHED + REACHES],
            times=(c[t.TIMED], c[t.FASTEST], c[t.SLOWEST]),
            captures=c[t.CAPTURES],
            detail=-1 if code >= t.OVERFLOW else c[t.DETAIL] - 1,  # ports have nothing in common
            changes=c[t.MORE_CHANGES],
            uncompared=c[t.UNCOMPARED],
            port=None if code >= t.OVERFLOW or c[t.PORT_SEEN] < 0 else c[t.PORT_SEEN],
            further=c[t.FURTHER],
            has_more=bool(c[t.UNCOUNTED]),
            reasons=Counter({c[t.USUAL] - 1: c[t.USUAL_NUMBER]}),
        )

    def _mode_name(self, cell: Cell) -> str | None:
        return self._names.modes[cell.mode] if cell.mode >= 0 else None

    def _class(self, cell: Cell, kind: int) -> int:
        """What a class counts as in a cell's mode."""
        return t.INDETERMINATE if kind == t.SILENT and self._mode_name(cell) in self._cut else kind

    def _counts(self, cell: Cell, found: Sequence[int]) -> list[int]:
        """Counts by class as they count in a cell's mode."""
        counts = [0] * t.CLASSES
        for kind, count in enumerate(found):
            counts[self._class(cell, kind)] += count
        return counts

    def _bits(self, bits: int, names: Sequence[str]) -> list[str]:
        """The names of the bits that are set; the last bit stands for all further ones."""
        return [name for number, name in enumerate(names) if bits >> min(number, t.BITS) & 1]

    # Findings

    def _summed(self, cell: Cell) -> Summed:
        return Summed(
            self._finding(cell), list(self._payloads(cell)), set(self._bits(cell.captures, self._names.captures))
        )

    def _finding(self, cell: Cell) -> Finding:
        name = self._mode_name(cell)
        mode = self._modes.get(name) if name is not None else None
        service = service_of(cell.code)
        counts = self._counts(cell, cell.counts)
        worst = next((kind for kind in range(t.UNPROVEN) if counts[kind]), t.UNPROVEN)
        outcome: Outcome = "silent" if worst == t.UNPROVEN else WORST[worst]
        shown = self._exemplars(cell)
        changes, more = self._changes(cell)
        asked, answered = cell.octets
        count, fastest, slowest = cell.times
        found = Finding(
            mode=name,
            zone=self._names.zones[cell.zone] if cell.zone >= 0 else "",
            service=service,
            transport=transport_of(cell.code),
            port=PORTS[service][0] if service in PORTS else cell.port,
            name=further_ports(cell) if cell.code >= t.OVERFLOW else registered_name(service) or service,
            promise=promise_of(mode, service) if mode else None,
            verdict=verdict_of(outcome, mode, service, unproven=worst == t.UNPROVEN) if mode else None,
            outcome=outcome,
            exchanges=sum(counts),
            replied=counts[t.REPLIED],
            rejected=counts[t.REJECTED],
            silent=counts[t.SILENT],
            indeterminate=counts[t.INDETERMINATE],
            unproven=counts[t.UNPROVEN],
            provable=sum(counts[: t.INDETERMINATE]),
            retransmissions=cell.resent,
            reasons=self._reasons(cell),
            first=shown[0] if shown else NOWHERE,
            last=shown[-1] if shown else NOWHERE,
            evidence=list({(one.capture, *one.requests, *one.replies): one for one in shown}.values()),
            rtt_us=RoundTrip(
                count=count,
                minimum=fastest / 1000,
                median=self._median(cell) / 1000,
                maximum=slowest / 1000,
                spread=steps.shown(self._histogram(cell), fastest, slowest),
            )
            if count
            else None,
            request_octets=asked,
            reply_octets=answered,
            factor=answered / asked if asked and counts[t.REPLIED] else None,
            disclosures=[],
            changes=changes,
            more_changes=more,
            timeline=self._timeline(cell),
            reply_frames=cell.frames,
            frame_factor=cell.frames / counts[t.REPLIED] if counts[t.REPLIED] else None,
            kinds=self._kinds(cell),
            reach=reached(cell.reach),
            families=self._families(cell, counts, mode),
        )
        found.notes = uncompared(cell) + notes_on(found, mode)
        return found

    def _families(self, cell: Cell, counts: Sequence[int], mode: Mode | None) -> dict[str, Counts]:
        """What was asked over each family of addresses."""
        over_ipv6 = self._counts(cell, cell.over_ipv6)
        over_ipv4 = [every - six for every, six in zip(counts, over_ipv6, strict=True)]
        told = {"ipv4": over_ipv4, "ipv6": over_ipv6}
        return {one: over_family(told[one], mode, service_of(cell.code)) for one in told if any(told[one])}

    def _kinds(self, cell: Cell) -> list[Asked]:
        """What requests of each kind drew."""
        if cell.detail < 0 or cell.code < t.MODULE_CODE:
            return []
        module = PROTOCOLS[cell.code - t.MODULE_CODE]
        first = cell.detail * t.DETAIL_SIZE + t.OF_KINDS
        lines = self._b[t.DETAILS][first : first + t.MOST_KINDS * t.KIND_LINE]
        return [
            self._asked(module.kind(at // t.KIND_LINE), lines[at : at + t.KIND_LINE])
            for at in range(0, len(lines), t.KIND_LINE)
            if lines[at + t.KIND_EXCHANGES]
        ]

    def _asked(self, kind: str, line: Sequence[int]) -> Asked:
        octets, back, replied = line[t.KIND_ASKED_OCTETS], line[t.KIND_TOLD_OCTETS], line[t.KIND_REPLIED]
        return Asked(
            kind=kind,
            exchanges=line[t.KIND_EXCHANGES],
            replied=replied,
            request_octets=octets,
            reply_octets=back,
            reply_frames=line[t.KIND_TOLD_FRAMES],
            factor=back / octets if octets else None,
            frame_factor=line[t.KIND_TOLD_FRAMES] / replied if replied else None,
            first=self._frame(line[t.KIND_REQUEST]),
            first_reply=self._frame(line[t.KIND_REPLY]),
        )

    def _frame(self, number: int) -> Frame | None:
        """A frame as one number, 0 for none."""
        if not number:
            return None
        return Frame(capture=self._names.captures[number // CAPTURE], frame=number % CAPTURE)

    def _histogram(self, cell: Cell) -> dict[int, int]:
        """How often each step of round-trip times was met."""
        at = self._b[t.DETAILS][cell.detail * t.DETAIL_SIZE + t.SPREAD_AT] if cell.detail >= 0 else 0
        if not at:
            return {}
        first = (at - 1) * t.SPREAD + t.HISTOGRAM
        counts = self._b[t.SPREADS][first : first + t.STEPS_OF_OCTAVE * t.OCTAVES]
        return {step: count for step, count in enumerate(counts) if count}

    def _shown(self, slot: int) -> Evidence:
        return evidence(exchange_of(self._kept, slot, self._names))

    def _exemplars(self, cell: Cell) -> list[Evidence]:
        """The first few of the worst class, the slowest, the last."""
        if cell.detail < 0:
            return []
        d = cell.detail * t.DETAIL_SIZE
        details = self._b[t.DETAILS]
        slots = [*range(details[d + t.FILLED])]
        if details[d + t.SLOW_TIME] >= 0:
            slots.append(t.SLOW)
        return [self._shown(cell.detail * t.SLOTS + slot) for slot in [*slots, t.LAST]]

    def _reasons(self, cell: Cell) -> dict[str, int]:
        found: Counter[str] = Counter()
        for said, count in cell.reasons.items():
            kind, rest = divmod(said, t.CLASS_UNIT)
            module, reason = divmod(rest, t.REASON_UNIT)
            found[reason_of(module, SAID_CUT if self._class(cell, kind) != kind else reason)] += count
        return dict(sorted(found.items()))

    def _median(self, cell: Cell) -> float:
        """The median of the round-trip times, nanoseconds: the middle of the step that it is in."""
        at = self._b[t.DETAILS][cell.detail * t.DETAIL_SIZE + t.SPREAD_AT] if cell.detail >= 0 else 0
        count, fastest, slowest = cell.times
        if not at:
            return (fastest + slowest) / 2
        first = (at - 1) * t.SPREAD + t.HISTOGRAM
        left = (count + 1) // 2
        for step in range(t.STEPS_OF_OCTAVE * t.OCTAVES):
            left -= self._b[t.SPREADS][first + step]
            if left <= 0:
                low, high = bounds(step)
                return min(max((low + high) / 2, fastest), slowest)
        return slowest

    def _changes(self, cell: Cell) -> tuple[list[Change], int]:
        """Changes in the order of time, and how many more there are at most."""
        kept = self._changes_of.get(cell.detail, []) if cell.detail >= 0 else []
        steps = [self._step(number) for number in kept]
        if self._mode_name(cell) in self._cut:
            steps = across_silence(steps)
        steps.sort(key=lambda step: (step.clock, step.row_after))
        return with_silence([(step.turn, self._change(step)) for step in steps]), cell.changes - len(kept)

    def _step(self, number: int) -> Step:
        _, turn, before, after, *more = self._b[t.CHANGES][number * t.CHANGE : (number + 1) * t.CHANGE]
        row = 2 * number + 1
        lengths, sent = (more[0], more[1]), more[2:]
        return Step(self._changed.wide[row * WIDE + CLOCK], turn, before, after, row - 1, row, lengths, sent)

    def _change(self, step: Step) -> Change:
        before, after = (exchange_of(self._changed, row, self._names) for row in (step.row_before, step.row_after))
        between = Between(*map(self._frame, step.sent))
        alone = (step.before, step.lengths[0]) == (t.SILENT, 1) or (step.after, step.lengths[1]) == (t.SILENT, 1)
        found = change(before, after, kind_at(self._changed, step.row_after), between, alone=alone)
        return replace(found, before=OUTCOMES[step.before], after=OUTCOMES[step.after])

    def _timeline(self, cell: Cell) -> Timeline:
        d = cell.detail * t.DETAIL_SIZE
        details = self._b[t.DETAILS]
        if cell.detail < 0 or not details[d + t.BINNED]:
            return Timeline(start=0, width=0, marks=[], bins=[])
        width = 1 << details[d + t.LEVEL]
        bins = []
        all_bins = details[d + t.BINS : d + t.BINS + t.MOST_BINS * t.CLASSES]
        for number in sorted({at // t.CLASSES for at, count in enumerate(all_bins) if count}):
            raw = all_bins[number * t.CLASSES : (number + 1) * t.CLASSES]
            counts = [0] * t.CLASSES
            for kind, count in enumerate(raw):
                counts[self._class(cell, kind)] += count
            bins.append(
                Bin(
                    start=number * width / 1e9,
                    requests=sum(counts),
                    replied=counts[t.REPLIED],
                    rejected=counts[t.REJECTED],
                    silent=counts[t.SILENT],
                    indeterminate=counts[t.INDETERMINATE],
                    unproven=counts[t.UNPROVEN],
                )
            )
        return Timeline(start=details[d + t.FIRST_BIN] * width, width=width / 1e9, marks=[], bins=bins)

    def _payloads(self, cell: Cell) -> Iterator[Payload]:
        """Where the replies of a cell are that may tell something."""
        at = self._b[t.DETAILS][cell.detail * t.DETAIL_SIZE + t.SPREAD_AT] if cell.detail >= 0 else 0
        if not at or transport_of(cell.code & ~t.UNASKED) not in ("udp", "tcp"):
            return
        spreads = self._b[t.SPREADS]
        s = (at - 1) * t.SPREAD
        for number in range(spreads[s + t.DECODABLE]):
            first = s + t.TO_DECODE + number * t.DECODE
            frame, offset, length = spreads[first : first + t.DECODE]
            yield Payload(self._names.captures[frame // CAPTURE], frame % CAPTURE, offset, length)


def service_of(code: int) -> str:
    """The service that a number stands for."""
    if code >= t.OVERFLOW:
        return f"{TRANSPORTS[code - t.OVERFLOW]}/other"
    if code >= t.MODULE_CODE:
        return service_name(code - t.MODULE_CODE, 0)
    return service_name(*divmod(code, t.TCP_CODE))


def transport_of(code: int) -> str:
    """The transport of a service."""
    if code >= t.OVERFLOW:
        return TRANSPORTS[code - t.OVERFLOW]
    return PROTOCOLS[code - t.MODULE_CODE if code >= t.MODULE_CODE else code // t.TCP_CODE].transport


def across_silence(steps: Sequence[Step]) -> list[Step]:
    """Changes where silence means nothing: what came before it is compared with what came after."""
    found = []
    spoke: dict[int, Step] = {}
    for step in sorted(steps, key=lambda step: (step.clock, step.row_after)):
        if step.before == t.SILENT:
            last = spoke.pop(step.turn, None)
            if last and last.before != step.after:
                sent = [one or other for one, other in zip(step.sent, last.sent, strict=True)]
                found.append(step._replace(before=last.before, row_before=last.row_before, sent=sent))
        elif step.after == t.SILENT:
            spoke[step.turn] = step
        else:
            found.append(step)
    return found


def place_of(announcement: Announcement) -> tuple[str, str, str]:
    """The place of an announcement among others."""
    return announcement.mode or "", announcement.zone, announcement.service


def further_ports(cell: Cell) -> str:
    """What ports are called that are not told apart."""
    if not cell.has_more:
        return f"{cell.further:,} further ports"
    return f"more than {cell.further:,} further ports" if cell.further else "further ports"


def uncompared(cell: Cell) -> list[str]:
    """A note on exchanges that are missing among the changes."""
    if not cell.uncompared:
        return []
    return [f"{cell.uncompared:,} exchanges lasted so long that they are not compared with those around them"]
