"""Which open request a datagram belongs to. One function a rule, in the order in which they are tried."""

from dataclasses import dataclass, field
from typing import NamedTuple

from capanalyze.protocols._protocol import SECOND
from capanalyze.reference.reading import keys
from capanalyze.reference.reading.frames import FIN, RST, Address, Datagram, Key
from capanalyze.reference.reading.keys import CONVERSATION, EITHER, MALFORMED, OTHER, REPLY, REQUEST, Said
from capanalyze.services import NEVER_ANSWERS, REGISTERED

LATE, IDLE, MILLISECOND = 30 * SECOND, 60 * SECOND, SECOND // 1000
EPHEMERAL, LAST_SERVICES, PROBED = 32768, 4, 3
MID_FLOW = "mid-flow"


class Exchange(NamedTuple):
    """A settled exchange; `requests` and `replies` are frames."""

    service: str
    client: Address
    server: Address
    requests: list[Key]
    replies: list[Key]
    outcome: str
    reason: str
    pairing: str


@dataclass(eq=False)
class Open:
    """An exchange, begun by `seen`, while something may still be added: until the clock `deadline`.

    `asked` is the clock of the last request, `places` are the interfaces that showed one, `idents` their IP
    identifications, `others` further endpoints of the server, `siblings` the exchanges of a group's request by host.
    """

    seen: Datagram
    deadline: int
    asked: int
    requests: list[Key]
    replies: list[Key]
    server: Address
    is_conversation: bool = False
    outcome: str = "silent"
    reason: str = ""
    is_answered: bool = False
    is_used: bool = False
    is_weak: bool = False
    places: set[str] = field(default_factory=set)
    idents: set[int | None] = field(default_factory=set)
    others: set[Address] = field(default_factory=set)
    siblings: dict[bytes, "Open"] = field(default_factory=dict)

    def is_keyless(self) -> bool:
        """Whether nothing tells its reply from others; Kerberos' replies say no more than what they are."""
        return not self.seen.said.asks or self.seen.protocol.name == "kerberos"

    def shares_key(self, said: Said) -> bool:
        """Whether a message answers what it asks."""
        return not self.seen.said.asks.isdisjoint(said.answers)

    def in_window(self, clock: int) -> bool:
        """Whether it does not count as unanswered yet."""
        return self.is_conversation or clock <= self.asked + self.seen.protocol.window

    def waits_for(self, one: Datagram) -> bool:
        """Whether it lacks an answer of this host."""
        return one.source.host not in self.siblings if self.seen.to_group else not self.is_answered

    def add(self, one: Datagram, outcome: str, reason: str) -> list[Key]:
        """Something came back: the list that its frame joins."""
        self.outcome, self.reason = outcome, reason
        self.replies.append(one.frame.key)
        return self.replies

    def extend(self, one: Datagram) -> None:
        """Stay open behind a request or a conversation's datagram."""
        window = one.protocol.window
        patience = window if one.protocol.by_question else max(window, one.protocol.resends, LATE)
        self.deadline = max(self.deadline, one.clock + (IDLE if self.is_conversation else patience))


class Pairing:
    """Pairs datagrams that come in the order of their clocks; `done` are the settled exchanges."""

    def __init__(self) -> None:
        self.done: list[Exchange] = []
        self.open: list[Open] = []
        self.recent: list[tuple[list[Datagram], list[Key] | None, list[Open]]] = []
        self.first_fragments: list[tuple[Datagram, list[Key]]] = []
        self.early: list[Open] = []

    def feed(self, one: Datagram) -> None:
        """Take in one datagram."""
        self.settle([asked for asked in self.open if asked.deadline < one.clock - MILLISECOND])
        if one.fragment == 2:
            self.join_first_fragment(one)
        elif one.quoted:
            self.reject(one, one.quoted)
        elif not self.is_copy(one):
            keys.tell(one)
            count = len(self.open)
            joined = self.tcp(one) if one.transport == "tcp" else self.take(one)
            self.recent.append(([one], joined, self.open[count:]))
            if one.fragment and joined is not None:
                self.first_fragments.append((one, joined))

    def settle(self, over: list[Open]) -> None:
        """Note exchanges that no later datagram can change; a group's request is one with each answering host."""
        if over:
            self.open = [asked for asked in self.open if asked not in over]
            self.done += [settled(each) for asked in over for each in asked.siblings.values() or [asked]]

    def is_copy(self, one: Datagram) -> bool:
        """Section 4, "a copy": equal, within 1 ms, seen elsewhere or one hop further; its frame joins the first's."""
        self.recent = [entry for entry in self.recent if one.clock - entry[0][0].clock <= MILLISECOND]
        for sights, joined, begun in self.recent:
            if are_equal(sights[0], one) and any(
                sight.place != one.place or sight.macs != one.macs or sight.ttl == one.ttl + 1 for sight in sights
            ):
                sights.append(one)
                (joined if joined is not None else []).append(one.frame.key)
                for asked in begun:
                    asked.places.add(one.place)
                return True
        return False

    def join_first_fragment(self, one: Datagram) -> None:
        """RFC 791 section 3.2: a later fragment belongs to the first one of its datagram."""
        for first, joined in reversed(self.first_fragments):
            if (*hosts(first), first.ident) == (*hosts(one), one.ident) and one.clock - first.clock <= LATE:
                joined.append(one.frame.key)
                return

    def take(self, one: Datagram) -> list[Key] | None:
        """What a message of UDP or ICMP belongs to: the rules in their order. The list that its frame joined."""
        if one.said.role == EITHER:  # what goes to the port asks, unless a request from there awaits an answer
            awaited = one.port == one.source.port and (self.by_key(one) or self.by_endpoints(one))
            one.said = one.said._replace(role=REPLY if one.port != one.destination.port or awaited else REQUEST)
        role = one.said.role
        if role == keys.ANNOUNCEMENT:
            return self.unasked(one, "unsolicited", "").replies
        if role == REQUEST and one.port == one.destination.port and not one.said.weak:
            return self.ask(one)
        if found := self.by_key(one):
            return [self.answer(asked, one) for asked in found][-1]
        if conversation := self.conversation(one):
            return self.go_on(conversation, one)
        if role == REQUEST:
            return self.ask(one)
        if near := self.by_endpoints(one):
            return self.answer(near, one)
        if joined := self.from_elsewhere(one) or self.something_came_back(one):
            return joined
        if role in (CONVERSATION, MALFORMED):
            return self.begin(one)
        return self.orphan(one) if role == REPLY else None

    def ask(self, one: Datagram) -> list[Key]:
        """A request: once more, or a new one. A symmetric NTP peer may answer by asking."""
        if one.protocol.name == "ntp":
            for asked in self.by_key(one):
                self.answer(asked, one)
        again = [asked for asked in self.open if is_again(asked, one)]
        return ask_again(again[-1], one) if again else self.begin(one)

    def begin(self, one: Datagram) -> list[Key]:
        """A new exchange. What leaves a service's port and asks nothing of another is UDP without a module."""
        is_conversation = one.said.role in (CONVERSATION, MALFORMED) or one.protocol.name == "quic"
        if one.said.role in (CONVERSATION, MALFORMED) and one.port != one.destination.port:
            one.protocol, one.port, one.said = keys.BY_TRANSPORT["udp"], one.destination.port, Said(CONVERSATION)
        new = Open(one, 0, one.clock, [one.frame.key], [], one.destination, is_conversation)
        new.places, new.idents, new.is_weak = {one.place}, {one.ident}, new.is_keyless()
        new.extend(one)
        self.open.append(new)
        self.mid_flow(new)
        for early in [early for early in self.early if early in self.open and one.clock - early.asked <= MILLISECOND]:
            if early.seen.protocol is one.protocol and new.shares_key(early.seen.said) and fits(new, early.seen):
                self.open.remove(early)  # a reply up to 1 ms before its request
                self.answer(new, early.seen)
        return new.requests

    def mid_flow(self, new: Open) -> None:
        """From a registered port to an ephemeral one looks like an answer; to three ports of a host: `nmap -g 53`."""
        if new.seen.protocol is not keys.BY_TRANSPORT["udp"] or not is_answer_like(new.seen):
            return
        new.outcome, new.reason = "indeterminate", MID_FLOW
        same = [one for one in self.open if is_answer_like(one.seen) and hosts(one.seen) == hosts(new.seen)]
        if len({one.seen.destination.port for one in same if one.is_conversation}) >= PROBED:
            for one in same:
                if one.reason == MID_FLOW:
                    one.outcome, one.reason = "silent", ""

    def by_key(self, one: Datagram) -> list[Open]:
        """The protocol's own key decides. By question, a reply to a group answers every open request that it fits."""
        fitting = [
            asked
            for asked in self.open
            if asked.seen.protocol is one.protocol and asked.shares_key(one.said) and fits(asked, one)
        ]
        if one.protocol.by_question and one.to_group:
            return [asked for asked in fitting if asked.waits_for(one)] or fitting[-1:]
        return [choose(fitting, one)] if fitting else []

    def by_endpoints(self, one: Datagram) -> Open | None:
        """Where one side has no key: the oldest unanswered request of these endpoints, within its window, weakly."""
        is_unread = one.said.role in (MALFORMED, OTHER)
        if one.said.role in (CONVERSATION, REQUEST):
            return None
        fitting = [
            asked
            for asked in self.open
            if asked.seen.protocol is one.protocol
            and (one.said.weak or is_unread or not asked.seen.said.asks)
            and (is_unread or name_of(asked.seen) == name_of(one))
            and (asked.seen.source == one.destination and fits(asked, one) and asked.in_window(one.clock))
        ]
        return next((asked for asked in fitting if asked.waits_for(one)), fitting[-1] if fitting else None)

    def from_elsewhere(self, one: Datagram) -> list[Key] | None:
        """Another endpoint of the client, another address or port of the target: read by the client's last services."""
        theirs = [
            asked
            for asked in reversed(self.open)
            if asked.seen.source.host == one.destination.host and asked.seen.transport == one.transport
            and asked.requests and asked.deadline >= one.clock and not asked.is_keyless()
            and asked.seen.source.host != one.source.host and (not asked.seen.to_group or one.place in asked.places)
        ]  # fmt: skip
        is_told = one.said.role == REPLY and not one.said.weak  # its own service reads it
        for protocol in list(dict.fromkeys(asked.seen.protocol for asked in theirs))[:LAST_SERVICES]:
            if is_told and protocol is not one.protocol:
                continue
            own = protocol is one.protocol or one.transport != "udp"
            said = one.said if own else keys.read(protocol, one.payload, one.size)
            agreeing = [asked for asked in theirs if asked.seen.protocol is protocol and asked.shares_key(said)]
            if agreeing and said.role in (REPLY, EITHER) and not said.weak:
                one.protocol, one.said = protocol, said
                return self.answer_from_elsewhere(choose(agreeing[::-1], one), one)
        return None

    def something_came_back(self, one: Datagram) -> list[Key] | None:
        """Nothing agrees, and exactly one unanswered request without a key could have drawn it."""
        waiting = [
            asked
            for asked in self.open
            if asked.is_keyless() and one.clock <= asked.asked + asked.seen.protocol.window
            and asked.seen.transport == one.transport == "udp"
            and not asked.is_answered and asked.outcome != "rejected" and asked.reason != MID_FLOW
            and asked.seen.source == one.destination and asked.seen.source.host != one.source.host
            and (not asked.seen.to_group or one.place in asked.places)
        ]  # fmt: skip
        if len(waiting) != 1:
            return None
        asked, wanted = waiting[0], waiting[0].seen.destination
        if asked.seen.protocol.name == "tftp" and keys.read(asked.seen.protocol, one.payload, one.size).role == REPLY:
            return self.answer_from_elsewhere(asked, one)
        if one.source.host != wanted.host and one.source.port != wanted.port and not asked.seen.to_group:
            return None
        place = "port" if one.source.host == wanted.host else "address"
        return asked.add(one, "indeterminate", f"something came back from another {place}")

    def answer_from_elsewhere(self, asked: Open, one: Datagram) -> list[Key]:
        """A reply; what goes on with this endpoint is of the exchange, where no key tells."""
        same_host = asked.seen.to_group or asked.seen.destination.host == one.source.host
        joined = self.answer(asked, one)
        asked.reason = "port changed" if same_host else "address changed"
        if asked.is_keyless():
            asked.others.add(one.source)
            asked.deadline = max(asked.deadline, one.clock + IDLE)
        return joined

    def answer(self, asked: Open, one: Datagram) -> list[Key]:
        """A reply decides; of a group's request, each host that answers has an exchange of its own."""
        if asked.seen.to_group:
            if asked.siblings and one.source.host not in asked.siblings:
                asked = Open(
                    asked.seen, asked.deadline, asked.asked, [*asked.requests], [], one.source,
                    is_weak=asked.seen.said.weak, siblings=asked.siblings,
                )  # fmt: skip
            asked = asked.siblings.setdefault(one.source.host, asked)
        if asked.outcome != "replied":
            asked.server = one.source
        asked.is_weak |= one.said.weak or not asked.shares_key(one.said)
        asked.is_answered = True
        if asked.is_conversation or one.transport == "tcp":
            asked.deadline = one.clock + IDLE
        elif one.said.interim:
            asked.deadline = max(asked.deadline, one.clock + one.protocol.window)
        return asked.add(one, "replied", asked.reason if asked.outcome == "replied" else "")

    def orphan(self, one: Datagram) -> list[Key]:
        """A reply without its request, which may stand up to 1 ms behind it."""
        is_told = one.to_group and one.protocol.tells_unasked
        self.early = self.early[-63:]
        self.early.append(
            self.unasked(one, *(("unsolicited", "") if is_told else ("indeterminate", "request not captured")))
        )
        return self.early[-1].replies

    def unasked(self, one: Datagram, outcome: str, reason: str) -> Open:
        """A message that no request drew."""
        new = Open(one, one.clock, one.clock, [], [one.frame.key], one.destination)
        new.outcome, new.reason, new.is_weak, new.is_answered = outcome, reason, one.said.weak, True
        self.open.append(new)
        return new

    def conversation(self, one: Datagram) -> Open | None:
        """The open conversation that these endpoints are in: UDP that no module reads is one exchange a five-tuple."""
        for asked in reversed(self.open):
            servers = {*asked.others, asked.seen.destination} if asked.is_conversation else asked.others
            if any({one.source, one.destination} == {asked.seen.source, server} for server in servers):
                return asked
            if asked.is_conversation and asked.seen.to_group and fits(asked, one):
                return asked
        return None

    def go_on(self, asked: Open, one: Datagram) -> list[Key] | None:
        """The first datagram back answers; what follows belongs to it, until the conversation is idle for 60 s."""
        is_back = one.destination == asked.seen.source
        if is_back and asked.reason == MID_FLOW:  # now it is known who asks
            self.settle([asked])
            return self.take(one)
        asked.deadline = max(asked.deadline, one.clock + IDLE)
        if is_back and (asked.outcome != "replied" or asked.waits_for(one)):
            return self.answer(asked, one)
        return ask_again(asked, one) if is_again(asked, one) else None

    def tcp(self, one: Datagram) -> list[Key] | None:
        """RFC 9293: SYN/ACK accepts, RST rejects; RFC 5961 section 4.2: anything else back shows that something is."""
        if one.said.role == REQUEST:
            return self.ask(one)
        if one.said.role == REPLY and (found := self.by_key(one)):
            return self.answer(found[0], one)
        back = [asked for asked in reversed(self.open) if asked.seen.transport == "tcp" and fits(asked, one)]
        for asked in back if one.tcp[0] & RST else []:
            if not asked.is_answered and (not one.said.answers or asked.shares_key(one.said)):
                asked.is_answered = True
                return asked.add(one, "rejected", "RST")
            if asked.outcome == "replied" and not asked.is_used:
                asked.is_used = True
                return asked.add(one, "rejected", "accepted, then reset")
        for asked in back:
            if asked.outcome == "silent" and asked.in_window(one.clock):
                return asked.add(one, "indeterminate", "something else answered")
        if one.said.role == REPLY:
            return self.from_elsewhere(one) or self.orphan(one)
        for asked in self.open if one.size > 0 or one.tcp[0] & (FIN | RST) else []:
            if asked.is_answered and not asked.is_used and (asked in back or ends(asked.seen) == ends(one)):
                asked.is_used = True  # data or a close: no reset takes it back
                asked.deadline = min(asked.deadline, one.clock + asked.seen.protocol.window)
        return None

    def reject(self, error: Datagram, quoted: Datagram) -> None:
        """RFC 792 type 3 (not code 4), RFC 4443 type 1: the request that is quoted, by key, identification or order."""
        keys.tell(quoted)
        kind, code = error.icmp
        if not ((kind == 3 and code != 4) if len(error.source.host) == 4 else kind == 1) or quoted.said.role == REPLY:
            return
        asks = frozenset({(quoted.tcp[1] + 1) & 0xFFFFFFFF}) if quoted.transport == "tcp" else quoted.said.asks
        fitting = [
            asked
            for asked in self.open
            if ends(asked.seen) == ends(quoted) and asked.seen.transport == quoted.transport and asked.requests
            and (asked.outcome in ("silent", "rejected") or asked.reason == MID_FLOW) and not asked.seen.to_group
            and (error.source.host == quoted.destination.host or is_of_host(error, asked.seen))
            and not (asks and asked.seen.said.asks and asks.isdisjoint(asked.seen.said.asks))
        ]  # fmt: skip
        same = [asked for asked in fitting if quoted.ident and quoted.ident in asked.idents]
        silent = [asked for asked in fitting if asked.outcome != "rejected"]
        for asked in same[-1:] or silent[:1] or fitting[-1:]:
            by_filter = ", which only a filter does to an echo" if quoted.transport == "icmp" else ""
            asked.add(error, "rejected", f"ICMP type {kind} code {code}{by_filter}")


def hosts(one: Datagram) -> tuple[bytes, bytes]:
    """From and to whom, without ports."""
    return one.source.host, one.destination.host


def ends(one: Datagram) -> tuple[Address, Address]:
    """From and to whom."""
    return one.source, one.destination


def name_of(one: Datagram) -> str:
    """The name of a message's service."""
    return (
        one.said.service
        or (one.protocol.name if one.protocol.ports or one.port is None else "")
        or (f"{one.transport}/{one.port}")
    )


def fits(asked: Open, one: Datagram) -> bool:
    """Whether a datagram may be a reply, as endpoints tell; of DHCP, the xid tells instead: RFC 2131 section 4.1."""
    client, wanted, protocol = asked.seen.source, asked.seen.destination, asked.seen.protocol
    if not asked.requests or asked.deadline < one.clock or one.source.host == client.host != wanted.host:
        return False
    if protocol.by_key_alone:
        return one.source.port == wanted.port
    if one.destination != client and not (one.to_group and one.destination.port == client.port):
        return False
    if not asked.seen.to_group:
        return one.source == wanted
    is_asker = protocol.by_question and one.macs and asked.seen.macs and one.macs[0] == asked.seen.macs[0]
    is_from = len(one.source.host) == len(client.host) and (protocol.by_question or one.source.port == wanted.port)
    return is_from and one.place in asked.places and not is_asker


def choose(fitting: list[Open], one: Datagram) -> Open:
    """On the reply's interface, then unanswered, then the latest; the oldest where keys do not tell them apart."""
    here = [asked for asked in fitting if one.place in asked.places] or fitting
    waiting = [asked for asked in here if asked.waits_for(one)]
    if not waiting:
        return here[-1]
    rivals = [asked for asked in waiting if asked.seen.said.asks == waiting[-1].seen.said.asks]
    if len({asked.seen.payload for asked in rivals}) == 1 and not waiting[-1].seen.said.weak:
        return waiting[-1]
    rivals[0].is_weak = True
    return rivals[0]


def is_again(asked: Open, one: Datagram) -> bool:
    """A retransmission, while the first is unanswered; or a further Initial of one QUIC connection."""
    first = asked.seen
    if (ends(one), one.protocol) != (ends(first), first.protocol) or asked.deadline < one.clock or not asked.requests:
        return False
    if one.said.continues and one.said.asks == first.said.asks and (one.said.asks or first.said.continues):
        return True
    patience = max(one.protocol.window, one.protocol.resends)
    same = one.tcp[1] == first.tcp[1] if one.transport == "tcp" else one.payload == first.payload
    in_time = not asked.is_answered and one.clock <= first.clock + patience
    return (
        same
        and in_time
        and one.frame.key[0] == first.frame.key[0]
        and (not first.to_group or one.place in asked.places)
    )


def ask_again(asked: Open, one: Datagram) -> list[Key]:
    """The frame joins the requests; the window starts anew."""
    asked.requests.append(one.frame.key)
    asked.places.add(one.place)
    asked.idents.add(one.ident)
    asked.asked = one.clock
    asked.extend(one)
    return asked.requests


def are_equal(one: Datagram, other: Datagram) -> bool:
    """Whether two sights may be of one datagram; one may be captured less of."""
    if (*ends(one), one.transport, one.size, one.ident, one.tcp, one.icmp) != (
        *ends(other), other.transport, other.size, other.ident, other.tcp, other.icmp,
    ):  # fmt: skip
        return False
    shorter = min(len(one.payload), len(other.payload))
    is_cut = bool(one.ident) and shorter < one.size
    return one.payload[:shorter] == other.payload[:shorter] and (is_cut or len(one.payload) == len(other.payload))


def is_answer_like(one: Datagram) -> bool:
    """Whether it goes from a registered port to an ephemeral one."""
    to, start = one.destination.port or 0, one.source.port
    return ("udp", start) in REGISTERED and to >= EPHEMERAL and ("udp", to) not in REGISTERED


def is_of_host(error: Datagram, request: Datagram) -> bool:
    """Whether the host that was asked sent an ICMP error, as far as MAC addresses tell."""
    return not error.macs or (request.macs is not None and error.macs[0] == request.macs[1])


def settled(one: Open) -> Exchange:
    """The record of an exchange; one that nobody asked for goes from who sent it to whom it went."""
    seen, outcome, service = one.seen, one.outcome, name_of(one.seen)
    if outcome == "silent" and seen.to_group and (service in NEVER_ANSWERS or seen.said.announces):
        outcome = "unsolicited"
    pairing = "weak" if one.is_weak else "exact"
    if one.requests and outcome != "unsolicited" and one.reason != MID_FLOW:
        return Exchange(service, seen.source, one.server, one.requests, one.replies, outcome, one.reason, pairing)
    if outcome == "indeterminate" and not seen.protocol.ports and seen.source.port is not None:
        module = keys.SERVED.get(seen.source.port) if seen.transport == "udp" else None
        service = module.name if module else f"{seen.transport}/{seen.source.port}"
    return Exchange(
        service, seen.destination, seen.source, [], one.replies or one.requests, outcome, one.reason, pairing
    )
