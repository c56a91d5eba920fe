"""Outcomes held against promises: direction, mode, zone and verdict of every exchange.

Design section 5 has the tables. All here are pure functions over exchanges that were paired before.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from capanalyze.audit import DEFAULT_ZONES, Segment
from capanalyze.protocols import PROTOCOLS
from capanalyze.services import NEVER_ANSWERS

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
