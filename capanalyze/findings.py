"""Judged exchanges summed up: a finding per (mode, zone, service), its flips, its timeline, its evidence.

A finding takes the verdict of its worst outcome. Counts leave out what could not have been answered.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.model import (
    VERDICTS,
    Announcement,
    Bin,
    Change,
    Evidence,
    Finding,
    Mark,
    RoundTrip,
    Timeline,
    Zone,
)
from capanalyze.services import registered_name
from capanalyze.verdicts import PORTS, promise_of

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class Summed(NamedTuple):
    """A finding without its disclosures, where those come from, and the captures that it is about."""

    finding: Finding
    payloads: list[Payload]
    captures: set[str]


def summarise(pairs: Sequence[Pair], modes: Sequence[Mode]) -> list[Summed]:
    """Findings of the inbound exchanges: by mode as defined, zone, then worst verdict first."""
    named = {mode.name: mode for mode in modes}
    cells: dict[tuple[str | None, str, str], list[Pair]] = {}
    for pair in pairs:
        exchange = pair.exchange
        if exchange.direction == "inbound" and exchange.outcome != "unsolicited":
            cells.setdefault((exchange.mode, exchange.zone or "", exchange.service), []).append(pair)
    summed = [
        Summed(
            finding(cell, named.get(cell[0].exchange.mode or "")),
            payloads_of(cell),
            {pair.exchange.capture for pair in cell},
        )
        for cell in cells.values()
    ]
    return in_order(summed, modes)


def payloads_of(pairs: Sequence[Pair]) -> list[Payload]:
    """Where replies of a cell are that may tell something; those that only repeat the request do not."""
    found = [
        pair.reply_payload
        for pair in pairs
        if pair.exchange.outcome == "replied"
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


def finding(pairs: list[Pair], mode: Mode | None) -> Finding:
    """The finding of one cell."""
    pairs = sorted(pairs, key=lambda pair: pair.clock)  # frames of one clock stay in order
    first = pairs[0].exchange
    unproven = [pair for pair in pairs if pair.unproven]
    proven = Counter(pair.exchange.outcome for pair in pairs if not pair.unproven)
    outcome: Outcome = next((one for one in WORST if proven[one]), "silent")
    drew = [pair.exchange for pair in pairs if pair.exchange.outcome == "replied"]
    times = sorted(one.rtt_us for one in drew if one.rtt_us is not None)
    worst = [pair for pair in pairs if pair.exchange.outcome == outcome and not pair.unproven] or pairs
    changes, more = flips(pairs)
    asked = sum(one.request_octets for one in drew)
    answered = sum(one.reply_octets for one in drew)
    return Finding(
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
        rtt_us=RoundTrip(count=len(times), minimum=times[0], median=median(times), maximum=times[-1])
        if times
        else None,
        request_octets=asked,
        reply_octets=answered,
        factor=answered / asked if asked and drew else None,
        disclosures=[],
        changes=changes,
        more_changes=more,
        timeline=timeline(pairs),
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


def flips(pairs: Sequence[Pair]) -> tuple[list[Change], int]:
    """Where the outcome changed between consecutive exchanges of one server, service and kind of request."""
    before: dict[tuple[str, str], Exchange] = {}
    changes: list[Change] = []
    more = 0
    for pair in pairs:
        exchange = pair.exchange
        if exchange.outcome == "indeterminate" or pair.unproven:
            continue
        key = (exchange.server, pair.kind)
        last = before.get(key)
        before[key] = exchange
        if last is None or last.outcome == exchange.outcome:
            continue
        if len(changes) == MAX_CHANGES:
            more += 1
            continue
        changes.append(
            Change(
                time=utc(exchange.time_ns),
                server=exchange.server,
                kind=pair.kind,
                before=last.outcome,
                after=exchange.outcome,
                last_before=evidence(last),
                first_after=evidence(exchange),
            )
        )
    return changes, more


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


def announcements(pairs: Sequence[Pair]) -> list[Announcement]:
    """What the target told the network unasked, per mode, zone and service."""
    cells: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in pairs:
        exchange = pair.exchange
        if exchange.outcome == "unsolicited" and exchange.direction == "outbound":
            cells.setdefault((exchange.mode or "", exchange.zone or "", exchange.service), []).append(pair)
    return [
        Announcement(
            mode=mode or None,
            zone=zone,
            service=service,
            name=registered_name(service) or service,
            messages=len(found),
            first=evidence(found[0].exchange),
        )
        for (mode, zone, service), found in sorted(cells.items())
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
