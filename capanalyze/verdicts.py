"""Outcomes held against promises: a verdict per exchange, a finding per (mode, zone, service).

Design section 5 has the tables. All here are pure functions over exchanges that were paired before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from statistics import median
from typing import TYPE_CHECKING

from capanalyze.audit import DEFAULT_ZONES, Segment
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
)
from capanalyze.protocols import PROTOCOLS
from capanalyze.services import NEVER_ANSWERS, registered_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from capanalyze.audit import Audit, Mode
    from capanalyze.exchanges import Pair
    from capanalyze.model import Direction, Exchange, Outcome, Promise, Verdict

# outcome and promise → verdict (design section 5)
BLOCK: dict[Outcome, Verdict] = {"replied": "leaked", "rejected": "refused", "silent": "blocked"}
STEALTH: dict[Outcome, Verdict] = {"replied": "leaked", "rejected": "visible", "silent": "blocked"}
ALLOW: dict[Outcome, Verdict] = {"replied": "allowed", "rejected": "refused", "silent": "silent"}
ALLOW_STEALTH: dict[Outcome, Verdict] = {"replied": "allowed", "rejected": "visible", "silent": "silent"}

WORST: tuple[Outcome, ...] = ("replied", "rejected", "silent", "indeterminate")
MAX_CHANGES = 100
MAX_MARKS = 400
BINS = 240
MAX_EVIDENCE = 8
UNNAMED_PORTS = ("icmp",)
PORTS = {protocol.name: protocol.ports for protocol in PROTOCOLS if protocol.ports}
MAX_GAP = 60_000_000_000  # nanoseconds without a frame, between captures that still ran together


@dataclass(frozen=True)
class CaptureFacts:
    """What judging needs to know of a capture.

    `first` and `last` are those of its frames by a clock that does not run back, nanoseconds; `cut`: replies
    may be hidden by the snap length; `one_sided`: it holds what rules logged, not all that passed.
    """

    first: int | None
    last: int | None
    cut: bool = False
    one_sided: bool = False


def direct(pairs: Iterable[Pair], target: Sequence[str]) -> None:
    """Say of every exchange which way it went, seen from the target; loopback is always local."""
    own = set(target)
    for pair in pairs:
        pair.exchange.direction = direction(pair.exchange, own, group=pair.group)


def direction(exchange: Exchange, own: set[str], *, group: bool) -> Direction | None:
    """Inbound, outbound, local or passing; None where no target is known. A group includes the target."""
    client, server = exchange.client, exchange.server
    if ip_address(client).is_loopback and ip_address(server).is_loopback:
        return "local"
    if not own:
        return None
    if exchange.outcome == "unsolicited":
        return "outbound" if server in own else "inbound" if client in own or group else "passing"
    asks, answers = client in own, server in own
    if asks and answers:
        return "local"
    if asks:
        return "outbound"
    if answers or (group and not exchange.replies):
        return "inbound"
    return "passing"


def place_modes(pairs: Iterable[Pair], audit: Audit) -> None:
    """The mode of every exchange: that at its first request."""
    files = {capture.name: capture for capture in audit.captures}
    for pair in pairs:
        pair.exchange.mode = files[pair.exchange.capture].mode_at(pair.exchange.time_ns)


def place_zones(pairs: Iterable[Pair], audit: Audit) -> None:
    """The zone of every exchange, once its direction is known."""
    networks = [(ip_network(key), zone) for key, zone in audit.zones.items() if "/" in key]
    for pair in pairs:
        pair.exchange.zone = zone_of(pair, audit.zones, networks)


def zone_of(pair: Pair, zones: dict[str, str], networks: Sequence[tuple[IPv4Network | IPv6Network, str]]) -> str:
    """By interface, then by the peer's network, else the interface's own name."""
    if pair.interface in zones:
        return zones[pair.interface]
    exchange = pair.exchange
    peers = {"inbound": [exchange.client], "outbound": [exchange.server]}.get(
        exchange.direction or "", [exchange.client, exchange.server]
    )
    for network, zone in networks:
        if any(ip_address(one) in network for one in peers):
            return zone
    return DEFAULT_ZONES.get(pair.interface, pair.interface)


def settle_silence(pairs: Sequence[Pair], facts: dict[str, CaptureFacts], audit: Audit) -> None:
    """Tell silence from not having waited long enough, or not having seen all."""
    answered = last_answers(pairs)
    spans = {name: span(name, facts, audit) for name in {pair.exchange.mode for pair in pairs}}
    for pair in pairs:
        exchange = pair.exchange
        if exchange.outcome != "silent" or could_not_answer(pair):
            continue
        covered, cut = spans[exchange.mode]
        own = facts[exchange.capture]
        end = pair.asked + pair.window
        later = answered.get((exchange.mode, exchange.server, exchange.service, pair.interface), pair.clock)
        if cut or own.cut:
            exchange.outcome, exchange.reason = "indeterminate", "frames are cut"
        elif pair.doubt:
            exchange.outcome, exchange.reason = "indeterminate", pair.doubt
        elif later <= pair.clock and not (own.last and end <= own.last) and not within(pair.clock, end, covered):
            exchange.outcome, exchange.reason = "indeterminate", "the capture ended"


def last_answers(pairs: Iterable[Pair]) -> dict[tuple[str | None, str, str, str], int]:
    """Per mode, server, service and interface the clock of the last request that was answered."""
    answered: dict[tuple[str | None, str, str, str], int] = {}
    for pair in pairs:
        if pair.exchange.outcome == "replied":
            key = (pair.exchange.mode, pair.exchange.server, pair.exchange.service, pair.interface)
            answered[key] = max(answered.get(key, pair.clock), pair.clock)
    return answered


def span(mode: str | None, facts: dict[str, CaptureFacts], audit: Audit) -> tuple[list[tuple[int, int]], bool]:
    """When a mode's captures ran, joined where one follows the other, and whether one of them is cut."""
    found: list[tuple[int, int]] = []
    cut = False
    for file in audit.captures:
        one = facts[file.name]
        segments = [segment for segment in file.segments if segment.mode == mode]
        if one.first is None or one.last is None or bool(segments) != bool(mode):
            continue
        cut = cut or one.cut
        for segment in segments or [Segment("")]:
            since = one.first if segment.since is None else segment.since
            until = one.last if segment.until is None else segment.until
            found.append((max(since, one.first), min(until, one.last)))
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1] + MAX_GAP:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined, cut


def within(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether one of the spans holds all of the time from `start` to `end`."""
    return any(first <= start and end <= last for first, last in spans)


def could_not_answer(pair: Pair) -> bool:
    """Whether silence to this request proves nothing."""
    never = pair.exchange.service in NEVER_ANSWERS or not pair.protocol.silence_proves
    return pair.group or pair.unanswerable or never


def allows(mode: Mode, service: str) -> bool:
    """Whether a mode lets this service answer."""
    if mode.promise == "allow" or service in mode.allow:
        return True
    return any(f"udp/{port}" in mode.allow for port in PORTS.get(service, ()))


def promise_of(mode: Mode, service: str) -> Promise:
    """What a mode promises of a service. Only stealth speaks of ICMP."""
    if service == "icmp" and mode.stealth and service not in mode.allow:
        return "block"
    if service == "icmp":
        return "allow"
    return "allow" if allows(mode, service) else "block"


def judge(pairs: Iterable[Pair], modes: Sequence[Mode], ends: dict[str, CaptureFacts]) -> None:
    """A verdict for every inbound exchange whose mode is known."""
    named = {mode.name: mode for mode in modes}
    for pair in pairs:
        exchange = pair.exchange
        if exchange.direction != "inbound" or exchange.mode is None or exchange.outcome == "unsolicited":
            continue
        one_sided = ends[exchange.capture].one_sided
        exchange.verdict = verdict(pair, named[exchange.mode], one_sided=one_sided)


def verdict(pair: Pair, mode: Mode, *, one_sided: bool) -> Verdict:
    """The table of design section 5."""
    exchange = pair.exchange
    if exchange.outcome in ("indeterminate", "unsolicited"):
        return "indeterminate"
    if exchange.outcome == "silent" and (could_not_answer(pair) or one_sided):
        return "unproven"
    if promise_of(mode, exchange.service) == "allow":
        table = ALLOW_STEALTH if mode.stealth else ALLOW
    else:
        table = STEALTH if mode.stealth else BLOCK
    return table[exchange.outcome]


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


def summarise(pairs: Sequence[Pair], modes: Sequence[Mode]) -> list[Finding]:
    """Findings of the inbound exchanges: by mode as defined, zone, then worst verdict first."""
    order: dict[str | None, int] = {mode.name: index for index, mode in enumerate(modes)}
    named = {mode.name: mode for mode in modes}
    cells: dict[tuple[str | None, str, str], list[Pair]] = {}
    for pair in pairs:
        exchange = pair.exchange
        if exchange.direction == "inbound" and exchange.outcome != "unsolicited":
            cells.setdefault((exchange.mode, exchange.zone or "", exchange.service), []).append(pair)
    findings = [finding(cell, named.get(cell[0].exchange.mode or "")) for cell in cells.values()]
    return sorted(
        findings,
        key=lambda one: (
            order.get(one.mode, len(order)),
            one.zone,
            VERDICTS.index(one.verdict) if one.verdict else WORST.index(one.outcome),
            one.service,
        ),
    )


def finding(pairs: list[Pair], mode: Mode | None) -> Finding:
    """The finding of one cell."""
    pairs = sorted(pairs, key=lambda pair: (pair.clock, pair.exchange.capture, frame_of(pair.exchange)))
    first = pairs[0].exchange
    unproven = [pair for pair in pairs if is_unproven(pair)]
    proven = Counter(pair.exchange.outcome for pair in pairs if not is_unproven(pair))
    outcome: Outcome = next((one for one in WORST if proven[one]), "silent")
    drew = [pair.exchange for pair in pairs if pair.exchange.outcome == "replied"]
    times = sorted(one.rtt_us for one in drew if one.rtt_us is not None)
    worst = [pair for pair in pairs if pair.exchange.outcome == outcome and not is_unproven(pair)] or pairs
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


def frame_of(exchange: Exchange) -> int:
    """The first frame of an exchange."""
    return (exchange.requests or exchange.replies or [0])[0]


def is_unproven(pair: Pair) -> bool:
    """Silent, and could not have been answered: by its verdict, or by itself where there is no mode."""
    if pair.exchange.verdict is not None:
        return pair.exchange.verdict == "unproven"
    return pair.exchange.outcome == "silent" and could_not_answer(pair)


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
        if exchange.outcome == "indeterminate" or is_unproven(pair):
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
            "unproven" if is_unproven(pair) else pair.exchange.outcome
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
    return Mark(request=offset / 1e9, reply=reply, outcome=exchange.outcome, unproven=is_unproven(pair))


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
