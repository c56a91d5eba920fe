"""Which open request a datagram belongs to. One function a rule, in the order in which they are tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.protocols._protocol import SECOND, Protocol
from capanalyze.reference.frames import ACK, FIN, RST, SYN, Address, Datagram, Frame
from capanalyze.reference.keys import (
    ANNOUNCEMENT,
    CONVERSATION,
    EITHER,
    MALFORMED,
    OTHER,
    REPLY,
    REQUEST,
    SERVED,
    TCP,
    UDP,
    Said,
    read,
    role_of,
)
from capanalyze.services import NEVER_ANSWERS, REGISTERED

if TYPE_CHECKING:
    from collections.abc import Iterable

LATE, IDLE, MILLISECOND = 30 * SECOND, 60 * SECOND, SECOND // 1000
EPHEMERAL = 32768
LAST_SERVICES = 4  # of a client, that read what comes from elsewhere
PROBED = 3  # so many ports of a host make first datagrams of one source a probe
NOBODY = (bytes(4), bytes(16))
MID_FLOW, SOMETHING_ELSE = "mid-flow", "something else answered"


class Exchange(NamedTuple):
    """A settled exchange; `requests` and `replies` are frames."""

    service: str
    transport: str
    client: Address
    server: Address
    requests: list[tuple[str, int]]
    replies: list[tuple[str, int]]
    outcome: str
    reason: str
    pairing: str


@dataclass
class Message:
    """A datagram with the service that it is of and what it says."""

    seen: Datagram
    protocol: Protocol
    port: int | None
    said: Said

    @property
    def service(self) -> str:
        """Its service's name."""
        if self.protocol in (UDP, TCP):
            return f"{self.protocol.transport}/{self.port}"
        return self.said.service or self.protocol.name

    @property
    def to_service(self) -> bool:
        """Whether it went to the service's port."""
        return self.port == self.seen.destination.port


@dataclass(eq=False)
class Open:
    """An exchange while something may still be added, until the clock `deadline`.

    `asked` is the clock of the last request, `places` are the interfaces that showed it, `others` further endpoints of
    the server. `is_suspect`: its first datagram looks like the middle of a conversation.
    """

    request: Message
    deadline: int
    asked: int
    server: Address
    is_conversation: bool
    requests: list[Frame]
    replies: list[Frame] = field(default_factory=list)
    outcome: str = "silent"
    reason: str = ""
    is_answered: bool = False
    is_used: bool = False
    is_weak: bool = False
    is_suspect: bool = False
    accepted: int = 0
    places: set[str] = field(default_factory=set)
    idents: set[int | None] = field(default_factory=set)
    others: set[Address] = field(default_factory=set)
    siblings: dict[bytes, Open] = field(default_factory=dict)

    @property
    def seen(self) -> Datagram:
        """The first request."""
        return self.request.seen

    @property
    def client(self) -> Address:
        """Who asked."""
        return self.seen.source

    @property
    def window(self) -> int:
        """After so long it counts as unanswered."""
        return self.request.protocol.window

    @property
    def is_keyless(self) -> bool:
        """Whether nothing in it tells its reply from others."""
        return self.request.said.weak or not self.request.said.asks


class Pairing:
    """Pairs datagrams that come in order of their clocks; `done` are the settled exchanges."""

    def __init__(self) -> None:
        self.done: list[Exchange] = []
        self.open: list[Open] = []
        self.recent: list[tuple[list[Datagram], list[Frame] | None, Open | None]] = []
        self.first_pieces: list[tuple[Datagram, list[Frame]]] = []
        self.early: list[tuple[Message, Open]] = []

    def feed(self, seen: Datagram) -> None:
        """Take in one datagram."""
        self.forget(seen.clock)
        if seen.piece:
            self.join_first_piece(seen)
        elif seen.quoted:
            self.reject(seen, seen.quoted)
        elif not self.is_copy(seen):
            message = Message(seen, *role_of(seen))
            before = len(self.open)
            joined = self.tcp(message) if message.protocol is TCP else self.take(message)
            self.recent.append(([seen], joined, self.open[-1] if len(self.open) > before else None))
            if seen.pieces and joined is not None:
                self.first_pieces.append((seen, joined))

    def forget(self, clock: int) -> None:
        """Settle what no later datagram can change."""
        self.recent = [one for one in self.recent if clock - one[0][0].clock <= MILLISECOND]
        self.first_pieces = [one for one in self.first_pieces if clock - one[0].clock <= LATE]
        over = [one for one in self.open if one.deadline < clock - MILLISECOND]
        self.early = [one for one in self.early if clock - one[0].seen.clock <= MILLISECOND]
        if over:
            self.open = [one for one in self.open if one.deadline >= clock - MILLISECOND]
            self.settle(over)

    def finish(self) -> list[Exchange]:
        """Settle all that is open; every exchange, in order."""
        self.settle(self.open)
        self.open = []
        return sorted(self.done, key=lambda one: one.requests[:1] or one.replies[:1])

    def settle(self, over: list[Open]) -> None:
        """Note exchanges as they are; a group's request is one with each host that answered."""
        self.done.extend(settled(each) for one in over for each in one.siblings.values() or [one])

    # The same datagram once more

    def is_copy(self, seen: Datagram) -> bool:
        """Section 4, "a copy": equal, within 1 ms, and seen elsewhere or on its way; its frame joins the first's."""
        for sights, joined, opened in self.recent:
            if is_same(sights[0], seen) and any(is_elsewhere(sight, seen) for sight in sights):
                sights.append(seen)
                if joined is not None:
                    joined.append(seen.frame)
                if opened:
                    opened.places.add(seen.place)
                return True
        return False

    def join_first_piece(self, seen: Datagram) -> None:
        """RFC 791 section 3.2: a later fragment belongs to the first one of its datagram."""
        for first, joined in reversed(self.first_pieces):
            if (first.source.host, first.destination.host, first.ident) == (*hosts(seen), seen.ident):
                joined.append(seen.frame)
                return

    # What a message of UDP or ICMP belongs to

    def take(self, one: Message) -> list[Frame] | None:
        """The rules in their order; the list of frames that the message joined."""
        self.tell_direction(one)
        role = one.said.role
        if role == ANNOUNCEMENT:
            return self.stray(one, "unsolicited", "").replies
        if role == REQUEST and one.to_service and not one.said.weak:
            return self.ask(one)
        if found := self.by_key(one):
            return self.answer_all(found, one)
        if conversation := self.conversation(one):
            return self.go_on(conversation, one)
        if role == REQUEST:
            return self.ask(one)
        if (near := self.by_endpoints(one)) is not None:
            return self.answer(near, one)
        if (far := self.from_elsewhere(one)) is not None:
            return self.answer_from_elsewhere(*far, one)
        if (doubted := self.something_came_back(one)) is not None:
            return doubted
        return self.begin(one) if role in (CONVERSATION, MALFORMED) else self.orphan(one) if role == REPLY else None

    def tell_direction(self, one: Message) -> None:
        """Where only the port tells who asks: what goes to it asks, unless a request from there awaits an answer."""
        if one.said.role != EITHER:
            return
        awaited = one.port == one.seen.source.port and (self.by_key(one) or self.by_endpoints(one))
        one.said = one.said._replace(role=REPLY if not one.to_service or awaited else REQUEST)

    # Requests

    def ask(self, one: Message) -> list[Frame]:
        """A request: the first once more, one more piece of it, or a new one; NTP mode 1 may answer another besides."""
        if one.said.answers and one.said.role == REQUEST and one.protocol.name == "ntp":
            self.answer_all(self.by_key(one), one)
        for asked in reversed(self.open):
            if asked.request.protocol is one.protocol and is_again(asked, one):
                return self.ask_again(asked, one)
        return self.begin(one)

    def ask_again(self, asked: Open, one: Message) -> list[Frame]:
        """A retransmission, or (QUIC) a further piece of one request, starts the window anew."""
        asked.requests.append(one.seen.frame)
        asked.idents.add(one.seen.ident)
        asked.places.add(one.seen.place)
        asked.asked = one.seen.clock
        asked.deadline = max(asked.deadline, deadline_of(one, asked.is_conversation))
        return asked.requests

    def begin(self, one: Message) -> list[Frame]:
        """A new exchange."""
        role, seen = one.said.role, one.seen
        if role == MALFORMED or (role == CONVERSATION and not one.to_service):
            if not one.to_service:  # what leaves a service's port asks nothing of it
                one.protocol, one.port, one.said = UDP, seen.destination.port, Said(CONVERSATION)
        is_conversation = role in (CONVERSATION, MALFORMED) or one.protocol.name == "quic"
        new = Open(one, deadline_of(one, is_conversation), seen.clock, seen.destination, is_conversation, [seen.frame])
        new.places, new.idents, new.is_weak = {seen.place}, {seen.ident}, one.said.weak or not one.said.asks
        self.open.append(new)
        new.is_suspect = one.protocol is UDP and is_mid_flow(seen)
        if new.is_suspect:
            self.tell_probe(new)
        self.take_early(new)
        return new.requests

    def tell_probe(self, new: Open) -> None:
        """First datagrams from a registered port to several ports of a host are a probe, `nmap -g 53`."""
        new.outcome, new.reason = "indeterminate", MID_FLOW
        same = [one for one in self.open if one.is_suspect and hosts(one.seen) == hosts(new.seen)]
        if len({one.seen.destination.port for one in same}) >= PROBED:
            for one in same:
                if one.reason == MID_FLOW:
                    one.outcome, one.reason = "silent", ""

    # Replies

    def by_key(self, one: Message) -> list[Open]:
        """The protocol's own key decides. A reply by question to a group answers every open request that it fits."""
        fitting = [
            asked
            for asked in self.open
            if asked.request.protocol is one.protocol
            and not asked.request.said.asks.isdisjoint(one.said.answers)
            and fits(asked, one.seen)
        ]
        if one.protocol.by_question and one.seen.to_group:
            waiting = [asked for asked in fitting if is_waiting(asked, one.seen)]
            return waiting or fitting[-1:]
        return [choose(fitting, one)] if fitting else []

    def by_endpoints(self, one: Message) -> Open | None:
        """Where one side has no key: the oldest unanswered request of these endpoints, within its window, weakly."""
        is_vague = one.said.weak or not one.said.answers
        if one.said.role in (CONVERSATION, REQUEST):
            return None
        fitting = [
            asked
            for asked in self.open
            if asked.request.protocol is one.protocol
            and (is_vague or asked.is_keyless)
            and (one.said.role in (MALFORMED, OTHER) or asked.request.service == one.service)
            and asked.seen.source == one.seen.destination
            and fits(asked, one.seen)
            and one.seen.clock <= asked.asked + asked.window
        ]
        if not fitting:
            return None
        waiting = [asked for asked in fitting if is_waiting(asked, one.seen)]
        chosen = waiting[0] if waiting else fitting[-1]
        chosen.is_weak = True
        return chosen

    def from_elsewhere(self, one: Message) -> tuple[Open, str] | None:
        """Another endpoint of the client, another address or port of the target: read by the client's last services."""
        of_host = [
            asked
            for asked in reversed(self.open)
            if asked.client.host == one.seen.destination.host and asked.seen.transport == one.seen.transport
        ]
        services = list(dict.fromkeys(asked.request.protocol.name for asked in of_host))[:LAST_SERVICES]
        for name in services:
            asked_it = [asked for asked in reversed(of_host) if asked.request.protocol.name == name]
            protocol = asked_it[0].request.protocol
            is_own = protocol is one.protocol or protocol.transport != "udp"
            said = one.said if is_own else read(protocol, one.seen.payload, one.seen.size)
            if said.role not in (REPLY, EITHER) or said.weak:
                continue
            agreeing = [
                asked
                for asked in asked_it
                if not asked.is_keyless
                and not asked.request.said.asks.isdisjoint(said.answers)
                and asked.seen.source.host != one.seen.source.host
                and (not asked.seen.to_group or one.seen.place in asked.places)
            ]
            if agreeing:
                one.protocol, one.said = protocol, said._replace(role=REPLY)
                chosen = choose(agreeing, one)
                same_host = chosen.seen.destination.host == one.seen.source.host or chosen.seen.to_group
                return chosen, "port changed" if same_host else "address changed"
        return None

    def something_came_back(self, one: Message) -> list[Frame] | None:
        """Nothing agrees, and exactly one unanswered request without a key could have drawn it."""
        seen = one.seen
        waiting = [
            asked
            for asked in self.open
            if asked.is_keyless
            and asked.outcome in ("silent", "indeterminate")
            and asked.reason != MID_FLOW
            and asked.client == seen.destination
            and asked.client.host != seen.source.host
            and asked.seen.transport == seen.transport == "udp"
            and not asked.seen.to_group
            and seen.clock <= asked.asked + asked.window
        ]
        if len(waiting) != 1:
            return None
        asked, wanted = waiting[0], waiting[0].seen.destination
        place = "port" if seen.source.host == wanted.host else "address"
        if asked.request.protocol.name == "tftp" and read(asked.request.protocol, seen.payload, seen.size).role == REPLY:
            return self.answer_from_elsewhere(asked, f"{place} changed", one)
        if seen.source.host != wanted.host and seen.source.port != wanted.port:
            return None
        asked.outcome, asked.reason = "indeterminate", f"something came back from another {place}"
        asked.replies.append(seen.frame)
        return asked.replies

    def answer_from_elsewhere(self, asked: Open, reason: str, one: Message) -> list[Frame]:
        """What goes on between the client and this endpoint belongs to the exchange."""
        joined = self.answer(asked, one)
        asked.reason = reason
        asked.others.add(one.seen.source)
        return joined

    def answer_all(self, found: list[Open], one: Message) -> list[Frame] | None:
        """The list that the frame joined last."""
        joined = None
        for asked in found:
            joined = self.answer(asked, one)
        return joined

    def answer(self, asked: Open, one: Message) -> list[Frame]:
        """A reply decides; of a group's request each answering host has an exchange of its own."""
        if asked.seen.to_group:
            asked = self.sibling(asked, one.seen.source.host)
        if asked.outcome != "replied":
            asked.outcome, asked.reason = "replied", ""
            asked.server = one.seen.source
        asked.is_weak |= one.said.weak or not one.said.answers
        asked.is_answered, asked.accepted = True, one.seen.clock
        if asked.is_conversation or one.protocol is TCP:
            asked.deadline = one.seen.clock + IDLE
        if one.said.interim:
            asked.deadline = max(asked.deadline, one.seen.clock + asked.window)
        asked.replies.append(one.seen.frame)
        return asked.replies

    def sibling(self, asked: Open, host: bytes) -> Open:
        """The exchange of a group's request with this host: the request's own with the first that answers."""
        if not asked.siblings:
            asked.siblings[host] = asked
        if host not in asked.siblings:
            other = Open(
                asked.request, asked.deadline, asked.asked, asked.server, asked.is_conversation, [*asked.requests]
            )
            other.places = asked.places
            asked.siblings[host] = other
        return asked.siblings[host]

    def orphan(self, one: Message) -> list[Frame]:
        """A reply without its request, which may stand up to 1 ms behind it in the file."""
        told = one.seen.to_group and one.protocol.tells_unasked
        stray = self.stray(one, *(("unsolicited", "") if told else ("indeterminate", "request not captured")))
        self.early.append((one, stray))
        return stray.replies

    def stray(self, one: Message, outcome: str, reason: str) -> Open:
        """A message that no request drew."""
        new = Open(one, one.seen.clock + MILLISECOND, one.seen.clock, one.seen.destination, False, [], [one.seen.frame])
        new.outcome, new.reason, new.is_weak = outcome, reason, one.said.weak or not one.said.answers
        new.is_answered = True
        self.open.append(new)
        return new

    def take_early(self, asked: Open) -> None:
        """Replies that stood up to 1 ms before their request."""
        for one, stray in [*self.early]:
            agree = not asked.request.said.asks.isdisjoint(one.said.answers)
            if one.protocol is asked.request.protocol and agree and fits(asked, one.seen) and stray in self.open:
                self.early.remove((one, stray))
                self.open.remove(stray)
                self.answer(asked, one)

    # Conversations

    def conversation(self, one: Message) -> Open | None:
        """The open conversation that these endpoints are in: UDP that no module reads is one exchange a five-tuple."""
        ends = {one.seen.source, one.seen.destination}
        for asked in reversed(self.open):
            mine = [asked.seen.destination, *asked.others] if asked.is_conversation else asked.others
            if asked.client in ends and any(ends == {asked.client, other} for other in mine):
                return asked
            if asked.is_conversation and asked.seen.to_group and fits(asked, one.seen):
                return asked
        return None

    def go_on(self, asked: Open, one: Message) -> list[Frame] | None:
        """The first datagram back answers, what follows belongs to it, until the conversation is idle for 60 s."""
        is_back = one.seen.destination == asked.client and one.seen.source != asked.client
        if is_back and asked.reason == MID_FLOW:  # now it is known who asks
            asked.deadline = one.seen.clock - 1
            return self.begin(one) if one.said.role in (CONVERSATION, MALFORMED) else self.take(one)
        asked.deadline = max(asked.deadline, one.seen.clock + IDLE)
        if is_back and (asked.outcome != "replied" or is_waiting(asked, one.seen)):
            return self.answer(asked, one)
        return self.ask_again(asked, one) if not is_back and is_again(asked, one) else None

    # TCP

    def tcp(self, one: Message) -> list[Frame] | None:
        """RFC 9293: SYN/ACK accepts, RST rejects, anything else back says that something answered."""
        if one.said.role == REQUEST:
            return self.ask(one)
        if one.said.role == REPLY and (found := self.by_key(one)):
            return self.answer_all(found, one)
        back = [
            asked
            for asked in reversed(self.open)
            if asked.request.protocol is TCP and asked.requests and fits(asked, one.seen)
        ]
        if one.seen.flags & RST and (reset := self.reset(back, one)) is not None:
            return reset
        for asked in back:
            if not asked.is_answered and one.seen.clock <= asked.asked + asked.window and asked.outcome != "rejected":
                asked.outcome, asked.reason = "indeterminate", SOMETHING_ELSE
                asked.replies.append(one.seen.frame)
                return asked.replies
        if one.said.role == REPLY:
            far = self.from_elsewhere(one)
            return self.answer_from_elsewhere(*far, one) if far else self.orphan(one)
        if one.seen.size > 0 or one.seen.flags & (FIN | RST):
            return self.use(one, back)
        return None

    def reset(self, back: list[Open], one: Message) -> list[Frame] | None:
        """A RST answers a SYN, or takes back a connection that nobody has used."""
        for asked in back:
            agrees = not one.said.answers or not asked.request.said.asks.isdisjoint(one.said.answers)
            if not asked.is_answered and agrees:
                asked.is_answered = True
                return refuse(asked, one.seen, "RST")
            if asked.outcome == "replied" and not asked.is_used:
                asked.is_used = True
                return refuse(asked, one.seen, "accepted, then reset")
        return None

    def use(self, one: Message, back: list[Open]) -> list[Frame] | None:
        """Data or a close of either side: from now on no reset takes the connection back."""
        forth = [
            asked
            for asked in self.open
            if asked.request.protocol is TCP and (asked.client, asked.seen.destination) == ends_of(one.seen)
        ]
        for asked in [*back, *forth]:
            if asked.is_answered and not asked.is_used and asked.requests:
                asked.is_used = True
                asked.deadline = min(asked.deadline, one.seen.clock + asked.window)
        return None

    # ICMP errors

    def reject(self, error: Datagram, quoted: Datagram) -> None:
        """ICMP type 3 (not code 4) and ICMPv6 type 1 reject the request that they quote."""
        kind, code = error.kind or (0, 0)
        says = role_of(quoted)[2]
        keys = frozenset({(quoted.sequence + 1) & 0xFFFFFFFF}) if quoted.transport == "tcp" else says.asks
        rejects = (kind == 3 and code != 4) if len(error.source.host) == 4 else kind == 1
        if not rejects or says.role == REPLY:
            return
        fitting = [
            asked
            for asked in self.open
            if (asked.client, asked.seen.destination) == ends_of(quoted)
            and asked.seen.transport == quoted.transport
            and (asked.outcome in ("silent", "rejected") or asked.reason == MID_FLOW)
            and not asked.seen.to_group
            and is_by(error, asked.seen)
            and (not keys or not asked.request.said.asks or not keys.isdisjoint(asked.request.said.asks))
        ]
        same = [asked for asked in fitting if quoted.ident and quoted.ident in asked.idents]
        silent = [asked for asked in fitting if asked.outcome != "rejected"]
        for asked in same[-1:] or silent[:1] or fitting[-1:]:
            by_filter = " (only a filter rejects an echo so)" if asked.seen.kind else ""
            refuse(asked, error, f"ICMP type {kind} code {code}{by_filter}")


def refuse(asked: Open, seen: Datagram, reason: str) -> list[Frame]:
    """What rejects is among the replies."""
    asked.outcome, asked.reason = "rejected", reason
    asked.replies.append(seen.frame)
    return asked.replies


def hosts(seen: Datagram) -> tuple[bytes, bytes]:
    """From and to whom, without ports."""
    return seen.source.host, seen.destination.host


def ends_of(seen: Datagram) -> tuple[Address, Address]:
    """From and to whom."""
    return seen.source, seen.destination


def deadline_of(one: Message, is_conversation: bool) -> int:
    """Until when an exchange stays open after a request."""
    if is_conversation:
        return one.seen.clock + IDLE
    if one.protocol.by_question:
        return one.seen.clock + one.protocol.window
    return one.seen.clock + max(one.protocol.window, one.protocol.resends, LATE)


def fits(asked: Open, seen: Datagram) -> bool:
    """Whether a datagram may be a reply as far as endpoints tell. DHCP: the xid alone tells, RFC 2131 section 4.1."""
    client, wanted = asked.client, asked.seen.destination
    if not asked.requests or asked.deadline < seen.clock or seen.source.host == client.host != wanted.host:
        return False
    if asked.request.protocol.name != "dhcp":
        to_it = seen.destination == client or (client.host in NOBODY and seen.destination.port == client.port)
        by_question = asked.request.protocol.by_question
        if not to_it and not (by_question and seen.to_group and seen.destination.port == client.port):
            return False
    if not asked.seen.to_group:
        return seen.source == wanted
    is_asker = asked.request.protocol.by_question and asked.seen.macs and seen.macs and asked.seen.macs[0] == seen.macs[0]
    same_kind = len(seen.source.host) == len(client.host) and seen.source.port == wanted.port
    return same_kind and seen.place in asked.places and not is_asker and seen.source.host != client.host


def is_waiting(asked: Open, seen: Datagram) -> bool:
    """Whether a request lacks an answer of this host."""
    return seen.source.host not in asked.siblings if asked.seen.to_group else not asked.is_answered


def choose(fitting: list[Open], one: Message) -> Open:
    """On the reply's own interface, then unanswered, then the latest; the oldest where keys do not tell them apart."""
    here = [asked for asked in fitting if one.seen.place in asked.places] or fitting
    waiting = [asked for asked in here if is_waiting(asked, one.seen)]
    if not waiting:
        return here[-1]
    latest = waiting[-1]
    rivals = [asked for asked in waiting if asked.request.said.asks == latest.request.said.asks]
    if len({asked.seen.payload for asked in rivals}) == 1 and not latest.is_keyless:
        return latest
    rivals[0].is_weak = True
    return rivals[0]


def is_again(asked: Open, one: Message) -> bool:
    """Whether a message is the request once more: a retransmission, or a further Initial of a QUIC connection."""
    seen, first = one.seen, asked.seen
    if ends_of(seen) != ends_of(first) or not asked.requests or asked.deadline < seen.clock:
        return False
    if one.said.continues is not None and one.said.continues == asked.request.said.continues:
        return True
    same = seen.sequence == first.sequence if one.protocol is TCP else seen.payload == first.payload
    patience = max(asked.window, asked.request.protocol.resends)
    in_time = not asked.is_answered and seen.clock <= first.clock + patience
    return same and in_time and (not first.to_group or seen.place in asked.places) and is_one_series(asked, seen)


def is_one_series(asked: Open, seen: Datagram) -> bool:
    """Whether a datagram is of the capture that the request is in."""
    return asked.requests[0].key[0] == seen.frame.key[0]


def is_same(one: Datagram, other: Datagram) -> bool:
    """Whether two sights may be of one datagram; one may be captured less of."""
    if (*ends_of(one), one.transport, one.size, one.ident, one.kind) != (
        *ends_of(other), other.transport, other.size, other.ident, other.kind,
    ):  # fmt: skip
        return False
    if (one.sequence, one.acknowledgement, one.flags) != (other.sequence, other.acknowledgement, other.flags):
        return False
    shorter = min(len(one.payload), len(other.payload))
    is_cut = bool(one.ident) and shorter < one.size
    return one.payload == other.payload or (is_cut and one.payload[:shorter] == other.payload[:shorter])


def is_elsewhere(one: Datagram, other: Datagram) -> bool:
    """Whether two sights are of two places: interface, MAC addresses, or one hop further."""
    return one.place != other.place or one.macs != other.macs or one.ttl == other.ttl + 1


def is_mid_flow(seen: Datagram) -> bool:
    """From a registered port to an ephemeral one: it looks like an answer."""
    to, start = seen.destination.port or 0, seen.source.port
    return ("udp", start) in REGISTERED and to >= EPHEMERAL and ("udp", to) not in REGISTERED


def is_by(error: Datagram, request: Datagram) -> bool:
    """Whether the host that was asked sent an ICMP error: by its address, else by its MAC address where there is one."""
    if error.source.host == request.destination.host or not error.macs or not request.macs:
        return error.source.host == request.destination.host or not error.macs
    return error.macs[0] == request.macs[1]


def settled(one: Open) -> Exchange:
    """The record of an exchange; one that nobody asked for runs from who sent it to whom it went."""
    first, transport = one.request, one.seen.transport
    service, client, server, requests, replies, outcome = (
        first.service, one.client, one.server, one.requests, one.replies, one.outcome,
    )  # fmt: skip
    never = first.service in NEVER_ANSWERS or first.said.announces
    if outcome == "silent" and one.seen.to_group and never and not one.siblings:
        outcome = "unsolicited"
    if one.reason == MID_FLOW or outcome == "unsolicited" or not requests:
        requests, replies, client, server = [], replies or requests, one.seen.destination, one.seen.source
        if outcome == "indeterminate" and first.protocol in (UDP, TCP):
            module = SERVED.get(server.port or 0) if transport == "udp" else None
            service = module.name if module else f"{transport}/{server.port}"
    keys = [frame.key for frame in requests], [frame.key for frame in replies]
    return Exchange(service, transport, client, server, *keys, outcome, one.reason, "weak" if one.is_weak else "exact")
