"""Judged exchanges summed up: a finding per (mode, zone, service), its flips, its timeline, its evidence.

A finding takes the verdict of its worst outcome. Counts leave out what could not have been answered.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from capanalyze.circumstances import KISS, Between, advisories, of_flip, off_link
from capanalyze.core import core
from capanalyze.exchanges.reach import REACHES
from capanalyze.model import (
    VERDICTS,
    Announcement,
    Asked,
    Bin,
    Change,
    Counts,
    Evidence,
    Finding,
    Frame,
    Mark,
    Reach,
    RoundTrip,
    Timeline,
    Zone,
)
from capanalyze.services import registered_name
from capanalyze.summary import steps
from capanalyze.verdicts import PORTS, promise_of, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.audit import Mode
    from capanalyze.exchanges.pair import Pair, Payload
    from capanalyze.model import Exchange, Outcome, Verdict

WORST: tuple[Outcome, ...] = ("replied", "rejected", "silent", "indeterminate")
MAX_CHANGES = 100
MAX_MARKS = 400
BINS = 240
MAX_EVIDENCE = 8
FIRST_DECODED = 64  # replies per finding whose facts are read; then each whose number is a power of 2


def utc(time: int | None) -> str | None:
    """A time as ISO 8601 in UTC, microseconds (nanoseconds where there are any); None outside years 1 to 9999."""
    if time is None:
        return None
    seconds, nanos = divmod(time, 1_000_000_000)
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None
    digits = f"{nanos // 1000:06}" if nanos % 1000 == 0 else f"{nanos:09}"
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S').rjust(19, '0')}.{digits}Z"


def evidence(exchange: Exchange) -> Evidence:
    """Where an exchange can be looked up."""
    return Evidence(
        capture=exchange.capture,
        requests=exchange.requests,
        replies=exchange.replies,
        time=utc(exchange.time_ns),
        client=exchange.client,
        server=exchange.server,
        reply_capture=exchange.reply_capture,
    )


class Unasked(NamedTuple):
    """An announcement without its disclosures, and where those come from."""

    announcement: Announcement
    payloads: list[Payload]


class Sent(NamedTuple):
    """Some of what the target sent as a service: clocks, and the frames, in order."""

    clocks: list[int]
    frames: list[Frame]

    def between(self, after: int, before: int) -> Frame | None:
        """The last frame between two clocks."""
        place = bisect_left(self.clocks, before) - 1
        return self.frames[place] if place >= 0 and self.clocks[place] > after else None


class Around(NamedTuple):
    """What may lie between the exchanges of a service, see `Between`."""

    own: Sent
    kiss: Sent
    error: Sent

    def between(self, after: int, before: int) -> Between:
        """What lies between two clocks."""
        return Between(*(sent.between(after, before) for sent in self))


def nothing_around() -> Around:
    """Nothing yet."""
    return Around(Sent([], []), Sent([], []), Sent([], []))


@dataclass(slots=True)
class Run:
    """Consecutive exchanges of one outcome, of one server and kind of request."""

    first: Pair
    last: Pair
    length: int = 1


class Summed(NamedTuple):
    """A finding without its disclosures, where those come from, and the captures that it is about."""

    finding: Finding
    payloads: list[Payload]
    captures: set[str]


def summarise(pairs: Sequence[Pair], modes: Sequence[Mode]) -> list[Summed]:
    """Findings of the inbound exchanges: by mode as defined, zone, then worst verdict first."""
    named = {mode.name: mode for mode in modes}
    around = what_lies_around(pairs)
    cells: dict[tuple[str | None, str, str], list[Pair]] = {}
    for pair in pairs:
        exchange = pair.exchange
        if exchange.direction == "inbound" and exchange.outcome != "unsolicited":
            cells.setdefault((exchange.mode, exchange.zone or "", exchange.service), []).append(pair)
    summed = [
        Summed(
            finding(cell, named.get(cell[0].exchange.mode or ""), around.get(cell[0].exchange.service)),
            payloads_of(cell),
            {pair.exchange.capture for pair in cell},
        )
        for cell in cells.values()
    ]
    return in_order(summed, modes)


def what_lies_around(pairs: Iterable[Pair]) -> dict[str, Around]:
    """What lies around the exchanges of each service that has a module of its own."""
    found: dict[str, Around] = {}
    for pair in sorted((pair for pair in pairs if "/" not in pair.exchange.service), key=lambda pair: pair.clock):
        one = pair.exchange
        around = found.setdefault(one.service, nothing_around())
        if one.direction == "outbound":
            add_sent(around.own, pair.clock, frame_of(one.capture, one.requests or one.replies))
        elif one.direction == "inbound" and one.outcome == "replied" and one.reason.startswith(KISS):
            add_sent(around.kiss, pair.clock, frame_of(one.reply_capture or one.capture, one.replies))
        elif one.direction == "inbound" and one.outcome == "rejected":
            add_sent(around.error, pair.clock, frame_of(one.reply_capture or one.capture, one.replies))
    return found


def add_sent(sent: Sent, clock: int, frame: Frame) -> None:
    """Add what was sent last."""
    sent.clocks.append(clock)
    sent.frames.append(frame)


def frame_of(capture: str, frames: Sequence[int]) -> Frame:
    """The first of some frames."""
    return Frame(capture=capture, frame=frames[0])


def payloads_of(pairs: Sequence[Pair]) -> list[Payload]:
    """Where replies and announcements of a cell are that may tell something; replies that repeat requests do not."""
    found = [
        pair.reply_payload
        for pair in pairs
        if pair.exchange.outcome in ("replied", "unsolicited")
        and pair.reply_payload
        and pair.exchange.transport in ("udp", "tcp")
        and not pair.echoed
    ]
    return [one for number, one in enumerate(found, 1) if number <= FIRST_DECODED or number & (number - 1) == 0]


def in_order(findings: list[Summed], modes: Sequence[Mode]) -> list[Summed]:
    """By mode as defined, zone, then worst verdict first."""
    order: dict[str | None, int] = {mode.name: index for index, mode in enumerate(modes)}

    def place(one: Summed) -> tuple[int, str, int, str]:
        found = one.finding
        rank = VERDICTS.index(found.verdict) if found.verdict else WORST.index(found.outcome)
        return order.get(found.mode, len(order)), found.zone, rank, found.service

    return sorted(findings, key=place)


def finding(pairs: list[Pair], mode: Mode | None, around: Around | None) -> Finding:
    """The finding of one cell."""
    pairs = sorted(pairs, key=lambda pair: pair.clock)  # frames of one clock stay in order
    first = pairs[0].exchange
    unproven = [pair for pair in pairs if pair.unproven]
    proven = Counter(pair.exchange.outcome for pair in pairs if not pair.unproven)
    outcome: Outcome = next((one for one in WORST if proven[one]), "silent")
    drew = [pair.exchange for pair in pairs if pair.exchange.outcome == "replied"]
    times = [one.rtt_us for one in drew if one.rtt_us is not None]
    worst = [pair for pair in pairs if pair.exchange.outcome == outcome and not pair.unproven] or pairs
    changes, more = flips(pairs, around or nothing_around())
    asked = sum(one.request_octets for one in drew)
    answered = sum(one.reply_octets for one in drew)
    frames = sum(len(one.replies) for one in drew)
    found = Finding(
        mode=first.mode,
        zone=first.zone or "",
        service=first.service,
        transport=first.transport,
        port=PORTS[first.service][0] if first.service in PORTS else first.server_port,
        name=registered_name(first.service) or first.service,
        promise=promise_of(mode, first.service) if mode else None,
        verdict=worst_verdict(pairs) if mode else None,
        outcome=outcome,
        exchanges=len(pairs),
        replied=proven["replied"],
        rejected=proven["rejected"],
        silent=proven["silent"],
        indeterminate=proven["indeterminate"],
        unproven=len(unproven),
        provable=proven["replied"] + proven["rejected"] + proven["silent"],
        retransmissions=sum(pair.retransmissions for pair in pairs),
        reasons=dict(sorted(Counter(pair.exchange.reason for pair in pairs).items())),
        first=evidence(worst[0].exchange),
        last=evidence(worst[-1].exchange),
        evidence=[evidence(pair.exchange) for pair in exemplars(worst)],
        rtt_us=round_trip(times) if times else None,
        request_octets=asked,
        reply_octets=answered,
        factor=answered / asked if asked and drew else None,
        disclosures=[],
        changes=changes,
        more_changes=more,
        timeline=timeline(pairs),
        reply_frames=frames,
        frame_factor=frames / len(drew) if drew else None,
        kinds=kinds(pairs),
        reach=reach(pairs),
        families=families(pairs, mode),
    )
    found.notes = notes_on(found, mode)
    return found


def notes_on(found: Finding, mode: Mode | None) -> list[str]:
    """What a reader should know of a finding besides."""
    return off_link(found) + advisories(found, mode)


def round_trip(times: Sequence[float]) -> RoundTrip:
    """Round-trip times, microseconds, summed up."""
    least, greatest = min(times), max(times)
    counts = steps.counted(core.step_of(round(time * 1000)) for time in times)
    return RoundTrip(
        count=len(times),
        minimum=least,
        median=median(times),
        maximum=greatest,
        spread=steps.shown(counts, round(least * 1000), round(greatest * 1000)),
    )


def kinds(pairs: Iterable[Pair]) -> list[Asked]:
    """What requests of each kind drew, by the module's own order of kinds."""
    told: dict[tuple[int, str], list[Exchange]] = {}
    for pair in pairs:
        if pair.asked:
            told.setdefault(pair.asked, []).append(pair.exchange)
    return [asked(kind, exchanges) for (_, kind), exchanges in sorted(told.items())]


def asked(kind: str, exchanges: Sequence[Exchange]) -> Asked:
    """What requests of one kind drew; in order of time."""
    drew = [one for one in exchanges if one.outcome == "replied"]
    octets = sum(one.request_octets for one in drew), sum(one.reply_octets for one in drew)
    frames = sum(len(one.replies) for one in drew)
    return Asked(
        kind=kind,
        exchanges=len(exchanges),
        replied=len(drew),
        request_octets=octets[0],
        reply_octets=octets[1],
        reply_frames=frames,
        factor=octets[1] / octets[0] if octets[0] else None,
        frame_factor=frames / len(drew) if drew else None,
        first=frame_of(drew[0].capture, drew[0].requests) if drew else None,
        first_reply=frame_of(drew[0].reply_capture or drew[0].capture, drew[0].replies) if drew else None,
    )


def reach(pairs: Iterable[Pair]) -> Reach:
    """Where the requests that drew replies came from."""
    count = Counter(pair.reach for pair in pairs if pair.exchange.outcome == "replied")
    return reached([count[number] for number in range(REACHES)])


def reached(counts: Sequence[int]) -> Reach:
    """Counts in the order of `exchanges.reach`."""
    on_link, near, private, public = counts
    return Reach(on_link=on_link, near=near, private=private, public=public)


def families(pairs: Sequence[Pair], mode: Mode | None) -> dict[str, Counts]:
    """What one service was asked over each family of addresses."""
    classes = (*WORST, "unproven")
    told: dict[str, list[int]] = {}
    for pair in pairs:
        counts = told.setdefault("ipv6" if ":" in pair.exchange.client else "ipv4", [0] * len(classes))
        counts[classes.index("unproven" if pair.unproven else pair.exchange.outcome)] += 1
    return {family: over_family(told[family], mode, pairs[0].exchange.service) for family in sorted(told)}


def over_family(counts: Sequence[int], mode: Mode | None, service: str) -> Counts:
    """Counts by outcome in the order of WORST, then of what is unproven."""
    replied, rejected, silent, indeterminate, unproven = counts
    outcome: Outcome = next((outcome for outcome, count in zip(WORST, counts, strict=False) if count), "silent")
    proves_nothing = unproven == sum(counts)
    return Counts(
        exchanges=sum(counts),
        replied=replied,
        rejected=rejected,
        silent=silent,
        indeterminate=indeterminate,
        unproven=unproven,
        provable=replied + rejected + silent,
        verdict=verdict_of(outcome, mode, service, unproven=proves_nothing) if mode else None,
    )


def worst_verdict(pairs: list[Pair]) -> Verdict:
    """The verdict of the worst outcome: replied, rejected, silent, indeterminate; unproven comes last."""
    for outcome in WORST:
        for pair in pairs:
            verdict = pair.exchange.verdict
            if pair.exchange.outcome == outcome and verdict is not None and verdict != "unproven":
                return verdict
    return "unproven"


def exemplars(pairs: list[Pair]) -> list[Pair]:
    """The first few, the slowest and the last."""
    timed = [pair for pair in pairs if pair.exchange.rtt_us is not None]
    slowest = [max(timed, key=lambda pair: pair.exchange.rtt_us or 0)] if timed else []
    return list(dict.fromkeys([*pairs[: MAX_EVIDENCE - 2], *slowest, pairs[-1]]))


def flips(pairs: Iterable[Pair], around: Around) -> tuple[list[Change], int]:
    """Where the outcome changed between consecutive exchanges of one server, service and kind of request."""
    runs: dict[tuple[str, str, int], Run] = {}
    found: list[tuple[Run, Run]] = []
    for pair in pairs:
        if pair.exchange.outcome == "indeterminate" or pair.unproven:
            continue
        key = (pair.exchange.server, pair.kind, pair.variant)
        run = runs.get(key)
        if run is not None and run.last.exchange.outcome == pair.exchange.outcome:
            run.last = pair
            run.length += 1
            continue
        runs[key] = Run(pair, pair)
        if run is not None:
            found.append((run, runs[key]))
    changes = [(after.first.variant, flip(before, after, around)) for before, after in found[:MAX_CHANGES]]
    return with_silence(changes), len(found) - len(changes)


def flip(before: Run, after: Run, around: Around) -> Change:
    """The flip between two runs."""
    last, first = before.last, after.first
    alone = 1 in (run.length for run in (before, after) if run.last.exchange.outcome == "silent")
    return change(last.exchange, first.exchange, first.kind, around.between(last.clock, first.clock), alone=alone)


def with_silence(changes: Sequence[tuple[int, Change]]) -> list[Change]:
    """Changes in order of time, each that is one to replies with how long there was none; the numbers tell variants."""
    spoke: dict[tuple[str, str, int], str | None] = {}
    found = []
    for variant, one in changes:
        key = (one.server, one.kind, variant)
        if one.before == "replied":
            spoke[key] = one.last_before.time
        elif one.after == "replied" and (last := spoke.get(key)) and one.time:
            between = datetime.fromisoformat(one.time) - datetime.fromisoformat(last)
            one = replace(one, silence=between / timedelta(seconds=1))
        found.append(one)
    return found


def change(before: Exchange, after: Exchange, kind: str, between: Between, *, alone: bool) -> Change:
    """The flip between two exchanges, with what the target sent in between; `alone` as in `of_flip`."""
    known = before.time_ns is not None and after.time_ns is not None
    return Change(
        time=utc(after.time_ns),
        server=after.server,
        kind=kind,
        before=before.outcome,
        after=after.outcome,
        last_before=evidence(before),
        first_after=evidence(after),
        seconds=((after.time_ns or 0) - (before.time_ns or 0)) / 1e9 if known else None,
        reason_before=before.reason,
        reason_after=after.reason,
        own_traffic=between.own,
        circumstances=of_flip(before, after, between, alone=alone),
    )


def timeline(pairs: Sequence[Pair]) -> Timeline:
    """Marks while there are few exchanges, else bins of equal width."""
    timed = [(pair.exchange.time_ns, pair) for pair in pairs if pair.exchange.time_ns is not None]
    if not timed:
        return Timeline(start=0, width=0, marks=[], bins=[])
    start = min(time for time, _ in timed)
    if len(timed) <= MAX_MARKS:
        return Timeline(start=start, width=0, marks=[mark(time - start, pair) for time, pair in timed], bins=[])
    span = max(time for time, _ in timed) - start
    width = max(1, -(-(span + 1) // BINS))
    counts: dict[int, Counter[str]] = {}
    for time, pair in timed:
        counts.setdefault((time - start) // width, Counter())[
            "unproven" if pair.unproven else pair.exchange.outcome
        ] += 1
    bins = [
        Bin(
            start=slot * width / 1e9,
            requests=sum(count.values()),
            replied=count["replied"],
            rejected=count["rejected"],
            silent=count["silent"],
            indeterminate=count["indeterminate"],
            unproven=count["unproven"],
        )
        for slot, count in sorted(counts.items())
    ]
    return Timeline(start=start, width=width / 1e9, marks=[], bins=bins)


def mark(offset: int, pair: Pair) -> Mark:
    """One exchange on the timeline."""
    exchange = pair.exchange
    reply = None
    if exchange.outcome in ("replied", "rejected"):
        reply = offset / 1e9 + (exchange.rtt_us or 0) / 1e6
    return Mark(request=offset / 1e9, reply=reply, outcome=exchange.outcome, unproven=pair.unproven)


def announcements(pairs: Sequence[Pair]) -> list[Unasked]:
    """What the target told the network unasked, per mode, zone and service."""
    cells: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in pairs:
        exchange = pair.exchange
        if exchange.outcome == "unsolicited" and exchange.direction == "outbound":
            cells.setdefault((exchange.mode or "", exchange.zone or "", exchange.service), []).append(pair)
    return [
        Unasked(
            Announcement(
                mode=mode or None,
                zone=zone,
                service=service,
                name=registered_name(service) or service,
                messages=len(found),
                first=evidence(found[0].exchange),
                last=evidence(found[-1].exchange),
                octets=sum(pair.exchange.reply_octets for pair in found),
                kinds=dict(sorted(Counter(pair.exchange.reason for pair in found).items())),
            ),
            payloads_of(found),
        )
        for (mode, zone, service), found in sorted(
            (key, sorted(one, key=lambda pair: pair.clock)) for key, one in cells.items()
        )
    ]


def zones(pairs: Sequence[Pair]) -> list[Zone]:
    """The zones that inbound exchanges crossed, with their interfaces."""
    met: dict[str, set[str]] = {}
    for pair in pairs:
        if pair.exchange.direction == "inbound" and pair.exchange.outcome != "unsolicited":
            met.setdefault(pair.exchange.zone or "", set()).add(pair.interface)
    return zones_in_order(met)


def zones_in_order(met: dict[str, set[str]]) -> list[Zone]:
    """Zones, the internet first."""
    order = sorted(met, key=lambda name: ({"internet": 0}.get(name, 1), name))
    return [Zone(name=name, interfaces=sorted(met[name])) for name in order]
