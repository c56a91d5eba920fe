"""An exchange while it is open: how it begins, what answers and refuses it, what may answer it at all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from capanalyze.model import Exchange
from capanalyze.packets.message import ANNOUNCES, INTERIM, MALFORMED, UNANSWERABLE, WEAK, address
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP, port_table
from capanalyze.protocols._protocol import SECOND
from capanalyze.protocols.udp import IDLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capanalyze.protocols._protocol import Protocol
    from tests.oracle.sighting import Endpoint, Host, Sighting

LATE = 30 * SECOND  # how long a reply with the key of a request is still told apart from a stray one
ESTABLISHED = 60 * SECOND  # how long a connection without a word from the client may still be taken back
SERVED = port_table()
UNSPECIFIED = (0, 0xFFFF << 32)
Payload = tuple[str, int, int]  # capture, offset, length


@dataclass(slots=True, eq=False)
class Pair:
    """An exchange, and what pairing and judging need to know of it besides.

    `clock` is that of the first request, `asked` that of the last; until `deadline` something may still be
    added. `window` is how long silence takes to mean something, `doubt` why it cannot be told for certain.
    `forward` and `backward` count datagrams of a five-tuple behind the first two. `idents` are the requests'
    IP identifications.
    """

    exchange: Exchange
    module: int
    service: int
    keys: tuple[int, ...]
    client: Endpoint
    server: Endpoint
    interface: str
    interfaces: set[str]
    clock: int
    asked: int
    deadline: int
    digest: int
    mac: int
    group: bool
    kind: str
    unanswerable: bool
    announces: bool
    window: int
    request_payload: Payload | None
    reply_payload: Payload | None = None
    answered: bool = False
    spoke: bool = False
    closed: bool = False
    siblings: dict[Host, Pair] = field(default_factory=dict)
    changed_ends: list[tuple[Endpoint, Endpoint]] = field(default_factory=list)
    retransmissions: int = 0
    forward: int = 0
    backward: int = 0
    idents: list[int] = field(default_factory=list)
    doubt: str | None = None

    @property
    def protocol(self) -> Protocol:
        """The module that the request belongs to."""
        return PROTOCOLS[self.module]

    def waits(self, clock: int) -> bool:
        """Whether something may still be added."""
        return not self.closed and clock <= self.deadline


def open_pair(seen: Sighting, client: Endpoint, server: Endpoint) -> Pair:
    """An exchange that begins with this message."""
    message, protocol = seen.message, seen.protocol
    kind = protocol.kind(seen.kind)
    generic = message.module == GENERIC_UDP
    return Pair(
        exchange=Exchange(
            capture=seen.capture,
            service=service_name(seen.service, message.port),
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
            pairing="weak" if message.role & WEAK or not len(seen.keys) else "exact",
        ),
        module=message.module,
        service=seen.service,
        keys=tuple(seen.keys),
        client=client,
        server=server,
        interface=seen.interface,
        interfaces={seen.interface},
        clock=seen.clock,
        asked=seen.clock,
        deadline=seen.clock + patience(message.module),
        digest=message.digest,
        mac=message.src_mac,
        group=bool(message.group),
        # What is alike enough to be compared over time.
        kind=f"datagram of {message.size} octets" if generic else kind,
        unanswerable=bool(message.role & UNANSWERABLE),
        announces=bool(message.role & ANNOUNCES),
        window=protocol.window,
        request_payload=(seen.capture, message.payload, message.captured),
        idents=[message.identification],
    )


def patience(module: int) -> int:
    """How long something may still be added to a request: behind its window, a reply is late but known by its key."""
    protocol = PROTOCOLS[module]
    if module == GENERIC_UDP:
        return IDLE
    return protocol.window if protocol.by_question else max(protocol.window, protocol.resends, LATE)


def stray(seen: Sighting, outcome: str, reason: str | None = None) -> Pair:
    """A message that belongs to no request: an announcement, or a reply to what was not captured."""
    pair = open_pair(seen, seen.destination, seen.source)
    turn_round(pair)
    pair.exchange.service = service_name(pair.service or SERVED[seen.message.sport], seen.message.sport)
    pair.exchange.outcome = "unsolicited" if outcome == "unsolicited" else "indeterminate"
    pair.exchange.reason = reason or pair.exchange.reason
    return pair


def turn_round(pair: Pair) -> None:
    """What looked like a request was a message that nobody asked for."""
    exchange = pair.exchange
    exchange.requests, exchange.replies = [], exchange.requests
    exchange.request_octets, exchange.reply_octets = 0, exchange.request_octets
    pair.reply_payload, pair.request_payload = pair.request_payload, None


def announce(pair: Pair) -> None:
    """A request to a group that drew no answer and was not meant to: from the sender to the group."""
    turn_round(pair)
    exchange = pair.exchange
    exchange.client, exchange.server = exchange.server, exchange.client
    exchange.client_port, exchange.server_port = exchange.server_port, exchange.client_port
    exchange.outcome = "unsolicited"


def resend(pair: Pair, seen: Sighting) -> list[int]:
    """Add a retransmission of the request."""
    pair.exchange.requests.append(seen.message.frame)
    pair.retransmissions += 1
    pair.asked = seen.clock
    pair.idents.append(seen.message.identification)
    pair.deadline = max(pair.deadline, seen.clock + patience(pair.module))
    return pair.exchange.requests


def answer(pair: Pair, seen: Sighting) -> list[int]:
    """Add a reply. The first one decides outcome, reason and round-trip time."""
    message, exchange = seen.message, pair.exchange
    if exchange.outcome != "replied":
        exchange.outcome = "replied"
        exchange.rtt_us = round_trip(exchange.time_ns, seen.time)
        own = message.module == pair.module
        exchange.reason = seen.protocol.kind(seen.kind) if own else "datagram"
        exchange.reason += ", late" if is_late(pair, seen) else ""
        pair.reply_payload = (seen.capture, message.payload, message.captured)
        if not pair.group and seen.source != pair.server:
            same_host = seen.source[:2] == pair.server[:2]
            exchange.reason += ", port changed" if same_host else ", address changed"
            exchange.server, exchange.server_port = host_text(seen.source), port_number(seen.source)
    if not seen.keys or message.role & WEAK:
        exchange.pairing = "weak"
    exchange.reply_octets += message.size
    pair.answered = True
    if message.role & INTERIM:
        pair.deadline = max(pair.deadline, seen.clock + pair.window)
    if pair.module == TCP:
        pair.deadline = seen.clock + ESTABLISHED
    return add_frame(pair, seen)


def refuse(pair: Pair, seen: Sighting, reason: str) -> list[int]:
    """Add a frame that rejects: a RST, or an ICMP error."""
    exchange = pair.exchange
    if exchange.outcome != "rejected":
        exchange.rtt_us = round_trip(exchange.time_ns, seen.time)
    exchange.outcome = "rejected"
    exchange.reason = reason
    return add_frame(pair, seen)


def add_frame(pair: Pair, seen: Sighting) -> list[int]:
    """Note a frame that came back, and its file where that is another one."""
    pair.exchange.replies.append(seen.message.frame)
    if seen.capture != pair.exchange.capture:
        pair.exchange.reply_capture = seen.capture
    return pair.exchange.replies


def sibling(pair: Pair, seen: Sighting) -> tuple[Pair, bool]:
    """The exchange of a group's request with the host that answers now, and whether it is a new one."""
    host = seen.source[:2]
    if host in pair.siblings:
        return pair.siblings[host], False
    if not pair.siblings:
        pair.siblings[host] = pair
        pair.exchange.server, pair.exchange.server_port = host_text(seen.source), port_number(seen.source)
        return pair, False
    exchange = msgspec.structs.replace(
        pair.exchange,
        server=host_text(seen.source),
        server_port=port_number(seen.source),
        requests=list(pair.exchange.requests),
        replies=[],
        rtt_us=None,
        reply_octets=0,
        outcome="silent",
        reason=pair.kind,
        reply_capture=None,
    )
    other = replace(
        pair,
        exchange=exchange,
        keys=(),
        server=seen.source,
        unanswerable=False,
        announces=False,
        idents=[],
        reply_payload=None,
        answered=False,
        siblings={},
    )
    pair.siblings[host] = other
    return other, True


def is_late(pair: Pair, seen: Sighting) -> bool:
    """Whether the request's window (that of its last retransmission) was over when this came."""
    return pair.module != GENERIC_UDP and seen.clock > pair.asked + pair.window


def may_answer(pair: Pair, seen: Sighting) -> bool:
    """Whether this message can be a reply to that request, as far as hosts, interface and time tell."""
    if not pair.waits(seen.clock) or pair.server[2] != seen.message.sport:
        return False
    by_question = pair.protocol.by_question
    if by_question and not _reaches(pair, seen):
        return False
    if not pair.group:
        return pair.server == seen.source
    return (
        seen.interface in pair.interfaces
        and pair.client[:2] != seen.source[:2]
        and is_ipv4(pair.client) == is_ipv4(seen.source)
        and (not by_question or pair.mac <= 0 or pair.mac != seen.message.src_mac)
    )


def _reaches(pair: Pair, seen: Sighting) -> bool:
    """Whether the asker gets to see it: sent to it, to the group on its port, or to an asker without an address yet."""
    if seen.message.dport != pair.client[2]:
        return False
    return bool(seen.message.group) or pair.client[:2] in (UNSPECIFIED, seen.destination[:2])


def may_be_of(pair: Pair, seen: Sighting) -> bool:
    """Whether a message may be of a request's service; what its module could not read may be of any it serves."""
    if seen.role == MALFORMED:
        return pair.module == seen.message.module
    return pair.service == seen.service


def choose(pairs: Sequence[Pair], seen: Sighting) -> Pair | None:
    """The request that a reply belongs to: on its own interface, the latest unanswered, else the latest."""
    own = [pair for pair in pairs if seen.interface in pair.interfaces] or pairs
    host = seen.source[:2]
    waiting = [pair for pair in own if not pair.answered or (pair.group and host not in pair.siblings)]
    return max(waiting or own, key=lambda pair: (pair.clock, pair.exchange.requests), default=None)


def round_trip(request: int | None, reply: int | None) -> float | None:
    """Microseconds between two times; None where there is none, or the clock stepped back."""
    if request is None or reply is None or reply < request:
        return None
    return (reply - request) / 1000


def service_name(module: int, port: int) -> str:
    """A module's name, or transport/port where the module serves any port."""
    name = PROTOCOLS[module].name
    return f"{name}/{port}" if module in (GENERIC_UDP, TCP) else name


def is_ipv4(host: tuple[int, ...]) -> bool:
    """Whether an address is IPv4."""
    return host[0] == 0 and host[1] >> 32 == 0xFFFF


@lru_cache(65536)
def host_text(endpoint: Endpoint) -> str:
    """The address of an endpoint as text."""
    return str(address(endpoint[0], endpoint[1]))


def port_number(endpoint: Endpoint) -> int | None:
    """The port of an endpoint, None where its transport has none."""
    return endpoint[2] if endpoint[2] >= 0 else None
