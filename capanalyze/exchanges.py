"""Pair requests with the replies they drew: messages in, exchanges out.

A message is looked up by its match key first; only where there is no key do endpoints decide, and the
exchange says `weak`. Of several requests with the key the latest unanswered one wins, else the latest; a
request on the reply's own interface comes before one on another, and what went to a group is answered
on its own interface only. Design section 4 has the rules, `protocols/` the keys.

State is bounded: a request is forgotten when its window is over, and becomes an exchange then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import heappop, heappush
from typing import TYPE_CHECKING, TypeVar

from capanalyze.capture.records import NO_TIME
from capanalyze.model import Exchange
from capanalyze.packets.message import (
    ALSO_REPLY,
    ANNOUNCEMENT,
    ANNOUNCES,
    FLOW,
    FRAGMENT,
    INTERIM,
    KIND,
    MALFORMED,
    REPLY,
    REQUEST,
    RESET,
    ROLES,
    SPOKE,
    UNANSWERABLE,
    WEAK,
    address,
)
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.protocols._protocol import EMPTY, GARBAGE, SECOND
from capanalyze.protocols.udp import DATAGRAM, IDLE
from capanalyze.services import NEVER_ANSWERS, is_registered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capanalyze.packets.messages import Message, Part

MILLISECOND = 1_000_000
ESTABLISHED = 60 * SECOND  # how long a connection without a word from the client may still be reset
FRAGMENT_WAIT = 30 * SECOND  # RFC 791 section 3.2: reassembly gives up after a while
MAX_FRAGMENTED = 4096
FIRST_EPHEMERAL = 1024
QUOTED = 65536  # a role from here on is quoted by an ICMP error
ICMP_REASONS = {
    (1, 3, 0): "network unreachable",
    (1, 3, 1): "host unreachable",
    (1, 3, 2): "protocol unreachable",
    (1, 3, 3): "port unreachable",
    (1, 3, 9): "network administratively prohibited",
    (1, 3, 10): "host administratively prohibited",
    (1, 3, 13): "communication administratively prohibited",
    (58, 1, 0): "no route",
    (58, 1, 1): "administratively prohibited",
    (58, 1, 3): "address unreachable",
    (58, 1, 4): "port unreachable",
    (58, 1, 5): "failed ingress/egress policy",
    (58, 1, 6): "reject route",
}
FRAGMENTATION_NEEDED = 4

Host = tuple[int, ...]
UNSPECIFIED = (0, 0xFFFF << 32)
Endpoint = tuple[int, int, int]
Place = tuple[str, str]  # capture, interface
Key = TypeVar("Key")


@dataclass(slots=True, eq=False)
class Pair:
    """An exchange while it is open, and what judging needs to know of it besides."""

    exchange: Exchange
    module: int
    key_set: tuple[int, ...]
    client: Endpoint
    server: Endpoint
    interface: str
    clock: int
    deadline: int
    digest: int
    mac: int
    group: bool
    kind: str
    weak: bool
    unanswerable: bool
    announces: bool
    window: int
    answered: bool = False
    spoke: bool = False
    place: int = 0
    rejected_at: int = 0
    reply_payload: tuple[str, int, int] | None = None
    request_payload: tuple[str, int, int] | None = None
    siblings: dict[Host, Pair] = field(default_factory=dict)
    forward: int = 0
    backward: int = 0
    retransmissions: int = 0
    closed: bool = False


class Clock:
    """Time that never runs back, per interface: small jitter is absorbed, a step back moves the origin."""

    STEP = SECOND // 2

    def __init__(self) -> None:
        self._now: dict[Place, int] = {}
        self._shift: dict[Place, int] = {}

    def read(self, place: Place, time: int | None) -> int:
        """The clock at a frame of this interface with this time stamp, nanoseconds; None has no time of its own."""
        now = self._now.get(place)
        if time is None:
            return now or 0
        if now is None:
            self._now[place] = time
            return time
        time += self._shift.get(place, 0)
        if time < now - self.STEP:
            self._shift[place] = self._shift.get(place, 0) + now - time
        elif time > now:
            now = time
        self._now[place] = now
        return now


@dataclass(slots=True)
class Sighting:
    """One message as it arrives at the pairing: the row, whose it is, and when."""

    message: Message
    keys: Sequence[int]
    capture: str
    interface: str
    time: int | None
    clock: int


class Pairing:
    """Pairs messages that arrive in order of their clocks; `done` holds what is settled."""

    def __init__(self) -> None:
        self.done: list[Pair] = []
        self.copies: dict[tuple[str, str], tuple[int, int]] = {}
        self.malformed: dict[tuple[str, str, str], int] = {}
        self._by_key: dict[tuple[int, Endpoint | None, int], list[Pair]] = {}
        self._by_ends: dict[tuple[int, Endpoint, Endpoint], list[Pair]] = {}
        self._by_client: dict[tuple[str, Endpoint], list[Pair]] = {}
        self._open: list[tuple[int, int, Pair]] = []
        self._opened = 0
        self._recent: dict[tuple[int, ...], tuple[int, str, int, list[int] | None]] = {}
        self._recent_order: deque[tuple[int, tuple[int, ...]]] = deque()
        self._fragments: dict[tuple[int, ...], tuple[int, str, list[int]]] = {}
        self._early: deque[tuple[Sighting, Pair]] = deque()
        self._where: list[int] | None = None

    def feed(self, seen: Sighting) -> None:
        """Take in one message."""
        self._forget(seen.clock)
        message = seen.message
        if message.role == FRAGMENT:
            self._join_fragment(seen)
            return
        if message.role >= QUOTED:
            self._reject(seen)
            return
        if self._is_copy(seen):
            return
        self._where = None
        role = message.role % ROLES
        self._count_malformed(seen, role)
        if role == REQUEST:
            self._request_or_symmetric(seen)
        elif role == REPLY:
            self._reply(seen)
        elif role == FLOW:
            self._flow(seen)
        elif role == ANNOUNCEMENT:
            self._settle(self._stray(seen, "unsolicited"))
        elif role == MALFORMED:
            self._malformed(seen)
        elif role == RESET:
            self._reset(seen)
        elif role == SPOKE:
            self._spoke(seen)
        self._remember(seen)

    def finish(self) -> list[Pair]:
        """Settle all that is open; every exchange, in order of capture, then first frame."""
        while self._early:
            self._settle(self._early.popleft()[1])
        for _, _, pair in sorted(self._open, key=lambda entry: entry[1]):
            self._settle(pair)
        self._open.clear()
        return self.done

    # Copies, fragments

    def _identity(self, message: Message) -> tuple[int, ...]:
        return (
            message.src,
            message.src_low,
            message.dst,
            message.dst_low,
            message.sport,
            message.dport,
            message.identification,
            message.digest,
            message.protocol,
            message.size,
        )

    def _is_copy(self, seen: Sighting) -> bool:
        """The same packet once more: on another interface, or on both sides of a bridge."""
        identity = self._identity(seen.message)
        before = self._recent.get(identity)
        if before is None or seen.clock - before[0] > MILLISECOND:
            return False
        _, capture, frame, where = before
        if capture != seen.capture:
            if not seen.message.group:
                self.copies.setdefault((capture, seen.capture), (frame, seen.message.frame))
        elif where is not None:
            where.append(seen.message.frame)
        return True

    def _remember(self, seen: Sighting) -> None:
        identity = self._identity(seen.message)
        self._recent[identity] = (seen.clock, seen.capture, seen.message.frame, self._where)
        self._recent_order.append((seen.clock, identity))
        if seen.message.fragmented and self._where is not None:
            message = seen.message
            key = (message.src, message.src_low, message.dst, message.dst_low, message.identification)
            self._fragments[key] = (seen.clock, seen.capture, self._where)

    def _join_fragment(self, seen: Sighting) -> None:
        message = seen.message
        key = (message.src, message.src_low, message.dst, message.dst_low, message.identification)
        first = self._fragments.get(key)
        if first and first[1] == seen.capture and seen.clock - first[0] <= FRAGMENT_WAIT:
            first[2].append(message.frame)

    # Requests

    def _request_or_symmetric(self, seen: Sighting) -> None:
        if seen.message.role & ALSO_REPLY:
            answer = seen.keys[len(seen.keys) - 1 :]
            found = self._by_exact_key(seen, answer)
            for pair in found:
                self._answer(pair, seen)
            seen.keys = seen.keys[:-1]
        self._request(seen)

    def _request(self, seen: Sighting) -> Pair:
        message = seen.message
        client, server = ends(message)
        for pair in reversed(self._by_ends.get((message.module, client, server), ())):
            if self._is_retransmission(pair, seen):
                pair.exchange.requests.append(message.frame)
                pair.retransmissions += 1
                pair.deadline = seen.clock + pair.window
                self._where = pair.exchange.requests
                return pair
        pair = self._open_pair(seen, client, server)
        self._index(pair)
        self._answer_early(pair, seen)
        return pair

    def _is_retransmission(self, pair: Pair, seen: Sighting) -> bool:
        return (
            not pair.answered
            and pair.digest == seen.message.digest
            and pair.exchange.capture == seen.capture
            and seen.clock <= pair.deadline
            and (not pair.group or pair.interface == seen.interface)
        )

    def _open_pair(self, seen: Sighting, client: Endpoint, server: Endpoint) -> Pair:
        message = seen.message
        protocol = PROTOCOLS[message.module]
        role = message.role
        kind = protocol.kind(role % QUOTED // KIND)
        pair = Pair(
            exchange=Exchange(
                capture=seen.capture,
                service=service_name(message.module, message.port),
                transport=protocol.transport,
                client=host_text(client),
                client_port=port_number(client),
                server=host_text(server),
                server_port=port_number(server),
                requests=[message.frame],
                replies=[],
                time_ns=seen.time,
                rtt_us=None,
                request_octets=message.size,
                reply_octets=0,
                outcome="silent",
                reason=kind,
                pairing="weak" if role & WEAK or not len(seen.keys) else "exact",
            ),
            module=message.module,
            key_set=tuple(seen.keys),
            client=client,
            server=server,
            interface=seen.interface,
            clock=seen.clock,
            deadline=seen.clock + (IDLE if message.module == GENERIC_UDP else protocol.window),
            digest=message.digest,
            mac=message.src_mac,
            group=bool(message.group),
            kind=kind,
            weak=bool(role & WEAK) or not len(seen.keys),
            unanswerable=bool(role & UNANSWERABLE),
            announces=bool(role & ANNOUNCES),
            window=protocol.window,
            request_payload=(seen.capture, message.payload, message.captured),
        )
        self._where = pair.exchange.requests
        return pair

    def _index(self, pair: Pair) -> None:
        protocol = PROTOCOLS[pair.module]
        client = None if protocol.by_question else pair.client
        for key in pair.key_set:
            self._by_key.setdefault((pair.module, client, key), []).append(pair)
        self._by_ends.setdefault((pair.module, pair.client, pair.server), []).append(pair)
        self._by_client.setdefault((protocol.transport, pair.client), []).append(pair)
        self._keep(pair)

    def _keep(self, pair: Pair) -> None:
        self._opened += 1
        heappush(self._open, (pair.deadline, self._opened, pair))

    # Replies

    def _reply(self, seen: Sighting) -> None:
        found = self._requests_for(seen)
        for pair in found:
            self._answer(pair, seen)
        if not found:
            self._early.append((seen, self._orphan(seen)))

    def _orphan(self, seen: Sighting) -> Pair:
        if seen.message.group:
            return self._stray(seen, "unsolicited")
        return self._stray(seen, "indeterminate", "request not captured")

    def _requests_for(self, seen: Sighting) -> list[Pair]:
        return self._by_exact_key(seen, seen.keys) or self._by_endpoints(seen) or self._by_other_port(seen)

    def _by_exact_key(self, seen: Sighting, keys: Sequence[int]) -> list[Pair]:
        """Requests with one of the keys that this host may answer: one, or one for every host that asked."""
        message = seen.message
        by_question = PROTOCOLS[message.module].by_question
        client = None if by_question else destination(message)
        found: dict[int, Pair] = {}
        for key in keys:
            for pair in self._by_key.get((message.module, client, key), ()):
                if may_answer(pair, seen):
                    found[id(pair)] = pair
        if not by_question:
            best = choose(list(found.values()), seen)
            return [best] if best else []
        askers: dict[Endpoint, list[Pair]] = {}
        for pair in sorted(found.values(), key=lambda pair: pair.clock):
            askers.setdefault(pair.client, []).append(pair)
        chosen = [choose(pairs, seen) for pairs in askers.values()]
        return [pair for pair in chosen if pair]

    def _by_endpoints(self, seen: Sighting) -> list[Pair]:
        """Without a key on either side: the reversed endpoints."""
        message = seen.message
        server, client = ends(message)
        keyless = not len(seen.keys)
        pairs = [
            pair
            for pair in self._by_client.get((PROTOCOLS[message.module].transport, client), ())
            if pair.module == message.module
            and (keyless or not pair.key_set)
            and may_answer(pair, seen)
            and (pair.group or pair.server == server)
        ]
        best = choose(pairs, seen)
        if not best:
            return []
        best.exchange.pairing = "weak"
        return [best]

    def _by_other_port(self, seen: Sighting) -> list[Pair]:
        """A reply from another port or address, to a client that waits for exactly one."""
        message = seen.message
        client = destination(message)
        transport = PROTOCOLS[message.module].transport
        waiting = [
            pair
            for pair in self._by_client.get((transport, client), ())
            if not pair.answered and seen.clock <= pair.deadline and not pair.group
        ]
        if len(waiting) != 1:
            return []
        pair = waiting[0]
        changes = PROTOCOLS[pair.module].from_any_port and pair.server[:2] == source(message)[:2]
        agree = pair.module == message.module and bool(set(pair.key_set) & set(seen.keys))
        return [pair] if changes or agree else []

    def _answer(self, pair: Pair, seen: Sighting) -> None:
        """Add a reply to an exchange; another host's reply to a group makes an exchange of its own."""
        message = seen.message
        if pair.group:
            pair = self._sibling(pair, seen)
        exchange = pair.exchange
        kind = PROTOCOLS[message.module].kind(message.role // KIND) if message.module == pair.module else "datagram"
        if exchange.outcome != "replied":
            exchange.outcome = "replied"
            exchange.rtt_us = round_trip(exchange.time_ns, seen.time)
            exchange.reason = kind
            exchange.reply_octets = 0
            pair.reply_payload = (seen.capture, message.payload, message.captured)
            if not pair.group and source(message) != pair.server:
                exchange.reason += ", port changed" if source(message)[:2] == pair.server[:2] else ", address changed"
                exchange.server, exchange.server_port = host_text(source(message)), port_number(source(message))
        exchange.reply_octets += message.size
        exchange.replies.append(message.frame)
        if seen.capture != exchange.capture:
            exchange.reply_capture = seen.capture
        pair.answered = True
        if message.role & INTERIM:
            pair.deadline = max(pair.deadline, seen.clock + pair.window)
        if pair.module == TCP:
            pair.deadline = seen.clock + ESTABLISHED
        self._where = exchange.replies

    def _sibling(self, pair: Pair, seen: Sighting) -> Pair:
        """The exchange of a group's request with the host that answers now."""
        host = source(seen.message)[:2]
        if host in pair.siblings:
            return pair.siblings[host]
        if not pair.siblings:
            pair.siblings[host] = pair
            pair.exchange.server = host_text(source(seen.message))
            pair.exchange.server_port = port_number(source(seen.message))
            return pair
        first = pair.exchange
        sibling = Pair(
            exchange=Exchange(
                capture=first.capture,
                service=first.service,
                transport=first.transport,
                client=first.client,
                client_port=first.client_port,
                server=host_text(source(seen.message)),
                server_port=port_number(source(seen.message)),
                requests=list(first.requests),
                replies=[],
                time_ns=first.time_ns,
                rtt_us=None,
                request_octets=first.request_octets,
                reply_octets=0,
                outcome="silent",
                reason=pair.kind,
                pairing=first.pairing,
            ),
            module=pair.module,
            key_set=(),
            client=pair.client,
            server=source(seen.message),
            interface=pair.interface,
            clock=pair.clock,
            deadline=pair.deadline,
            digest=pair.digest,
            mac=pair.mac,
            group=True,
            kind=pair.kind,
            weak=pair.weak,
            unanswerable=False,
            announces=False,
            window=pair.window,
            request_payload=pair.request_payload,
        )
        pair.siblings[host] = sibling
        self._keep(sibling)
        return sibling

    def _answer_early(self, pair: Pair, seen: Sighting) -> None:
        """A reply that stood up to a millisecond before its request in the file (two queues)."""
        for early, orphan in list(self._early):
            message = early.message
            if message.module != pair.module or message.role % ROLES != REPLY:
                continue
            agree = set(early.keys) & set(pair.key_set)
            if agree and (pair.group or source(message) == pair.server) and destination(message) == pair.client:
                self._early.remove((early, orphan))
                where = self._where
                self._answer(pair, early)
                pair.exchange.rtt_us = None
                self._where = where
                return

    # UDP without a module

    def _flow(self, seen: Sighting) -> None:
        message = seen.message
        if message.module != GENERIC_UDP:  # the module finds keys, but only the port tells who asks
            if message.dport == message.port:
                self._request(seen)
            else:
                self._reply(seen)
            return
        here, there = ends(message)
        for pair in reversed(self._by_ends.get((GENERIC_UDP, there, here), ())):
            if not pair.closed and seen.clock <= pair.deadline:
                self._flow_back(pair, seen)
                return
        for pair in reversed(self._by_ends.get((GENERIC_UDP, here, there), ())):
            if not pair.closed and seen.clock <= pair.deadline:
                self._flow_on(pair, seen)
                return
        found = self._by_group(seen) or self._by_other_port(seen)
        if found:
            self._answer(found[0], seen)
            self._by_ends.setdefault((GENERIC_UDP, there, here), []).append(found[0])
            return
        if mid_flow(message):
            stray = self._stray(seen, "indeterminate", "mid-flow", service=f"udp/{message.sport}")
            stray.client, stray.server = there, here
            self._index(stray)
            return
        pair = self._open_pair(seen, here, there)
        pair.weak = True
        pair.exchange.pairing = "weak"
        pair.announces = bool(message.group) and pair.exchange.service in NEVER_ANSWERS
        self._index(pair)

    def _by_group(self, seen: Sighting) -> list[Pair]:
        """What went to a group is answered from the port that was asked, by whichever host."""
        message = seen.message
        pairs = [
            pair
            for pair in self._by_client.get(("udp", destination(message)), ())
            if pair.group and pair.module == GENERIC_UDP and pair.server[2] == message.sport and may_answer(pair, seen)
        ]
        best = choose(pairs, seen)
        return [best] if best else []

    def _flow_back(self, pair: Pair, seen: Sighting) -> None:
        if pair.exchange.outcome in ("replied", "indeterminate"):
            pair.exchange.reply_octets += seen.message.size
            pair.backward += 1
        else:
            self._answer(pair, seen)
        pair.deadline = seen.clock + IDLE

    def _flow_on(self, pair: Pair, seen: Sighting) -> None:
        if self._is_retransmission(pair, seen) and seen.clock <= pair.clock + pair.window:
            pair.exchange.requests.append(seen.message.frame)
            pair.retransmissions += 1
            self._where = pair.exchange.requests
        else:
            pair.forward += 1
        pair.deadline = seen.clock + IDLE

    # What is not as it should be

    def _count_malformed(self, seen: Sighting, role: int) -> None:
        message = seen.message
        kind = message.role // KIND
        if kind == GARBAGE or (role == MALFORMED and kind != EMPTY):
            protocol = PROTOCOLS[message.module]
            key = (seen.capture, protocol.name, protocol.kind(kind))
            self.malformed[key] = self.malformed.get(key, 0) + 1

    def _malformed(self, seen: Sighting) -> None:
        """On a service's port, but not that service's: an answer where one is awaited, else a request."""
        message = seen.message
        found = self._by_endpoints(seen)
        if found:
            self._answer(found[0], seen)
        elif message.dport == message.port:
            self._request(seen).unanswerable = True
        else:
            seen.message = message._replace(module=GENERIC_UDP, port=message.dport, role=FLOW + DATAGRAM)
            seen.keys = ()
            self._flow(seen)

    def _reset(self, seen: Sighting) -> None:
        """A RST answers a SYN, takes back a connection that the client has not used, or ends one."""
        message = seen.message
        here, there = ends(message)
        for pair in reversed(self._by_ends.get((TCP, there, here), ())):
            if pair.closed or seen.clock > pair.deadline:
                continue
            if not pair.answered and (not len(seen.keys) or seen.keys[0] in pair.key_set):
                if len(seen.keys):
                    self._refuse(pair, seen, "RST")
                return
            if pair.answered and pair.exchange.outcome == "replied" and not pair.spoke:
                self._refuse(pair, seen, "accepted, then reset")
                pair.spoke = True
                return
        for pair in reversed(self._by_ends.get((TCP, here, there), ())):
            pair.spoke = True
            return

    def _spoke(self, seen: Sighting) -> None:
        here, there = ends(seen.message)
        for pair in self._by_ends.get((TCP, here, there), ()):
            if pair.answered:
                pair.spoke = True
                pair.deadline = min(pair.deadline, seen.clock + pair.window)

    def _refuse(self, pair: Pair, seen: Sighting, reason: str) -> None:
        exchange = pair.exchange
        if exchange.outcome == "silent":
            exchange.rtt_us = round_trip(exchange.time_ns, seen.time)
        exchange.outcome = "rejected"
        exchange.reason = reason
        exchange.replies.append(seen.message.frame)
        if seen.capture != exchange.capture:
            exchange.reply_capture = seen.capture
        self._where = exchange.replies
        if reason == "RST":
            pair.answered = True

    def _reject(self, seen: Sighting) -> None:
        """An ICMP error: it rejects the request that it quotes, if the host that was asked sent it."""
        message = seen.message
        number, code = divmod(message.detail, 256)
        icmp = 58 if address(message.sender, message.sender_low).version == 6 else 1
        reason = ICMP_REASONS.get((icmp, number, code), f"destination unreachable, code {code}")
        rejecting = (number == 3 and code != FRAGMENTATION_NEEDED) if icmp == 1 else number == 1
        if not rejecting or message.role % ROLES == REPLY:
            return
        client, server = ends(message)
        if (message.sender, message.sender_low) != server[:2]:
            return
        for pair in reversed(self._by_ends.get((message.module, client, server), ())):
            agree = not len(seen.keys) or pair.weak or set(seen.keys) & set(pair.key_set)
            if agree and pair.exchange.outcome in ("silent", "rejected") and seen.clock <= pair.deadline:
                if seen.message.frame not in pair.exchange.replies:
                    self._refuse(pair, seen, reason)
                return

    # Ends

    def _stray(self, seen: Sighting, outcome: str, reason: str | None = None, service: str | None = None) -> Pair:
        """A message that belongs to no request: an announcement, or a reply to what was not captured."""
        pair = self._open_pair(seen, destination(seen.message), source(seen.message))
        exchange = pair.exchange
        exchange.requests, exchange.replies = [], exchange.requests
        exchange.request_octets, exchange.reply_octets = 0, exchange.request_octets
        exchange.outcome = "unsolicited" if outcome == "unsolicited" else "indeterminate"
        exchange.service = service or exchange.service
        if reason:
            exchange.reason = reason
        pair.reply_payload, pair.request_payload = pair.request_payload, None
        return pair

    def _forget(self, clock: int) -> None:
        """Settle what no later message can change."""
        while self._early and clock - self._early[0][0].clock > MILLISECOND:
            self._settle(self._early.popleft()[1])
        while self._recent_order and clock - self._recent_order[0][0] > MILLISECOND:
            when, identity = self._recent_order.popleft()
            if identity in self._recent and self._recent[identity][0] == when:
                del self._recent[identity]
        while self._open and self._open[0][0] < clock:
            _, number, pair = heappop(self._open)
            if pair.deadline < clock:
                self._settle(pair)
            else:
                heappush(self._open, (pair.deadline, number, pair))
        if len(self._fragments) > MAX_FRAGMENTED:
            self._fragments = {
                key: first for key, first in self._fragments.items() if clock - first[0] <= FRAGMENT_WAIT
            }

    def _settle(self, pair: Pair) -> None:
        if pair.closed:
            return
        pair.closed = True
        self._unindex(pair)
        exchange = pair.exchange
        if pair.announces and pair.group and exchange.outcome == "silent":
            exchange.requests, exchange.replies = [], exchange.requests
            exchange.request_octets, exchange.reply_octets = 0, exchange.request_octets
            exchange.client, exchange.server = exchange.server, exchange.client
            exchange.client_port, exchange.server_port = exchange.server_port, exchange.client_port
            exchange.outcome = "unsolicited"
            pair.reply_payload, pair.request_payload = pair.request_payload, None
        self.done.append(pair)

    def _unindex(self, pair: Pair) -> None:
        protocol = PROTOCOLS[pair.module]
        client = None if protocol.by_question else pair.client
        for key in pair.key_set:
            drop(self._by_key, (pair.module, client, key), pair)
        drop(self._by_ends, (pair.module, pair.client, pair.server), pair)
        drop(self._by_client, (protocol.transport, pair.client), pair)


def drop(table: dict[Key, list[Pair]], key: Key, pair: Pair) -> None:
    """Take a pair out of one list of an index."""
    pairs = table.get(key)
    if pairs and pair in pairs:
        pairs.remove(pair)
        if not pairs:
            del table[key]


def source(message: Message) -> Endpoint:
    """Who sent a message."""
    return message.src, message.src_low, message.sport


def destination(message: Message) -> Endpoint:
    """Whom it was sent to."""
    return message.dst, message.dst_low, message.dport


def ends(message: Message) -> tuple[Endpoint, Endpoint]:
    """Source and destination."""
    return source(message), destination(message)


def family(host: tuple[int, ...]) -> bool:
    """Whether an address is IPv4."""
    return host[0] == 0 and host[1] >> 32 == 0xFFFF


def may_answer(pair: Pair, seen: Sighting) -> bool:
    """Whether this message can be a reply to that request, as far as hosts, interface and time tell."""
    message = seen.message
    if pair.closed or seen.clock > pair.deadline or pair.server[2] != message.sport:
        return False
    by_question = PROTOCOLS[pair.module].by_question
    if by_question:
        unspecified = pair.client[:2] == UNSPECIFIED
        to_client = message.group or unspecified or destination(message)[:2] == pair.client[:2]
        if not to_client or message.dport != pair.client[2]:
            return False
    if not pair.group:
        return pair.server == source(message)
    return (
        pair.interface == seen.interface
        and pair.client[:2] != source(message)[:2]
        and family(pair.client) == family(source(message))
        and (not by_question or pair.mac <= 0 or pair.mac != message.src_mac)
    )


def choose(pairs: list[Pair], seen: Sighting) -> Pair | None:
    """The request that a reply belongs to: on its own interface, the latest unanswered, else the latest."""
    if not pairs:
        return None
    own = [pair for pair in pairs if pair.interface == seen.interface] or pairs
    host = source(seen.message)[:2]
    waiting = [pair for pair in own if not pair.answered or (pair.group and host not in pair.siblings)]
    return max(waiting or own, key=lambda pair: pair.clock)


def round_trip(request: int | None, reply: int | None) -> float | None:
    """Microseconds between two times; None where there is none, or the clock stepped back."""
    if request is None or reply is None or reply < request:
        return None
    return (reply - request) / 1000


def mid_flow(message: Message) -> bool:
    """Whether a first datagram looks like an answer: from a registered port to an ephemeral one."""
    return (
        is_registered("udp", message.sport)
        and message.dport >= FIRST_EPHEMERAL
        and not is_registered("udp", message.dport)
    )


def service_name(module: int, port: int) -> str:
    """A module's name, or transport/port where the module serves any port."""
    return f"{PROTOCOLS[module].name}/{port}" if module in (GENERIC_UDP, TCP) else PROTOCOLS[module].name


@lru_cache(65536)
def host_text(endpoint: Endpoint) -> str:
    """The address of an endpoint as text."""
    return str(address(endpoint[0], endpoint[1]))


def port_number(endpoint: Endpoint) -> int | None:
    """The port of an endpoint, None where its transport has none."""
    return endpoint[2] if endpoint[2] >= 0 else None


@dataclass(frozen=True)
class Source:
    """The messages of one capture, and what its interfaces are called."""

    name: str
    part: Part
    labels: dict[int, str]


def sightings(sources: Sequence[Source]) -> list[Sighting]:
    """All messages in the order in which the pairing wants them.

    File order decides within an interface; across interfaces (and captures) their clocks do.
    """
    clock = Clock()
    found: list[Sighting] = []
    for source_ in sources:
        for message in source_.part.messages():
            label = source_.labels[message.interface]
            time = None if message.seconds >= NO_TIME else message.seconds * SECOND + message.nanos
            found.append(
                Sighting(
                    message,
                    source_.part.keys_of(message),
                    source_.name,
                    label,
                    time,
                    clock.read((source_.name, label), time),
                )
            )
    found.sort(key=lambda seen: seen.clock)
    return found


def pair_messages(sources: Sequence[Source]) -> Pairing:
    """Pair the messages of captures that belong together."""
    pairing = Pairing()
    for seen in sightings(sources):
        pairing.feed(seen)
    pairing.finish()
    return pairing
