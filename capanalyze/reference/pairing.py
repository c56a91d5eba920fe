"""Which open exchange a message belongs to. One function a rule, in the order in which they are tried."""

from dataclasses import dataclass, field, replace

from capanalyze.protocols._protocol import SECOND
from capanalyze.reference import keys
from capanalyze.reference.frames import FIN, RST, Address, Key, Message
from capanalyze.reference.keys import CONVERSATION, EITHER, MALFORMED, OTHER, REPLY, REQUEST, Said
from capanalyze.services import REGISTERED, TOLD

MILLISECOND, LATE, IDLE = SECOND // 1000, 30 * SECOND, 60 * SECOND
EPHEMERAL, LAST_SERVICES, PROBED = 32768, 4, 3
MID_FLOW, NOT_CAPTURED = "mid-flow", "request not captured"
UDP_ALONE = keys.BY_TRANSPORT["udp"]


@dataclass(eq=False)
class Exchange:
    """What `first` began, open until `deadline`: frames that asked, the last at `asked`, and frames that came back.

    `places` are the interfaces that showed a request, `idents` the IP identifications of all requests. `talks`: servers
    with whom all that goes on is of this exchange. `siblings`: those of a group's request, by the host that answered.
    """

    first: Message
    asked: int
    deadline: int
    service: str
    client: Address
    server: Address
    requests: list[Key] = field(default_factory=list)
    replies: list[Key] = field(default_factory=list)
    outcome: str = "silent"
    reason: str = ""
    pairing: str = "exact"
    is_answered: bool = False
    is_used: bool = False
    places: set[str] = field(default_factory=set)
    idents: set[int | None] = field(default_factory=set)
    talks: set[Address] = field(default_factory=set)
    siblings: dict[bytes, "Exchange"] = field(default_factory=dict)

    def ask(self, one: Message) -> list[Key]:
        """A request, or the same once more: its window starts anew."""
        self.requests.append(one.frame.key)
        self.idents.add(one.ident)
        self.asked, window = one.clock, one.protocol.window
        patience = window if one.protocol.by_question else max(window, one.protocol.resends, LATE)
        self.deadline = max(self.deadline, one.clock + (IDLE if self.talks else patience))
        return self.requests

    def add(self, one: Message, outcome: str, reason: str) -> list[Key]:
        """Something came back: the list that its frame joins."""
        self.outcome, self.reason = outcome, reason
        self.replies.append(one.frame.key)
        return self.replies

    def shares_key(self, said: Said) -> bool:
        """Whether a message answers what it asks."""
        return not self.first.said.asks.isdisjoint(said.answers)

    def is_late(self, clock: int) -> bool:
        """Whether its window is over: it counts as unanswered."""
        return clock > self.asked + self.first.protocol.window

    def waits_for(self, one: Message) -> bool:
        """Whether it lacks an answer of this host."""
        return one.source.host not in self.siblings if self.first.to_group else not self.is_answered

    def shows(self, one: Message) -> bool:
        """Group traffic pairs only within its interface."""
        return not self.first.to_group or one.interface in self.places

    def fits(self, one: Message) -> bool:
        """Whether a message may be a reply, as endpoints tell; of DHCP, the xid tells instead: RFC 2131 section 4.1."""
        client, asked, protocol = self.client, self.first.destination, self.first.protocol
        if not self.requests or one.source.host == client.host != asked.host:
            return False
        if protocol.by_key_alone:
            return one.source.port == asked.port
        if one.destination != client and not (one.to_group and one.destination.port == client.port):
            return False
        if one.source in self.talks or not self.first.to_group:
            return one.source in {asked, *self.talks}
        is_asker = protocol.by_question and one.macs[0] and one.macs[0] == self.first.macs[0]
        is_from = len(one.source.host) == len(client.host) and (protocol.by_question or one.source.port == asked.port)
        return is_from and self.shows(one) and not is_asker

    def is_repeated(self, one: Message) -> bool:
        """By a retransmission: the same while the first is unanswered; to a group, where its interface showed that."""
        first, patience = self.first, max(self.first.protocol.window, self.first.protocol.resends)
        is_equal = one.tcp[1] == first.tcp[1] if one.transport == "tcp" else one.payload == first.payload
        is_waiting = bool(self.requests) and not self.is_answered and one.clock <= first.clock + patience
        is_alike = (one.ends, one.transport, one.frame.key[0]) == (first.ends, first.transport, first.frame.key[0])
        return is_equal and is_waiting and is_alike and self.shows(one)


class Pairing:
    """Pairs messages that come in the order of their clocks; `done` are the settled exchanges."""

    def __init__(self) -> None:
        self.open: list[Exchange] = []
        self.done: list[Exchange] = []
        self.recent: list[tuple[list[Message], list[Key]]] = []  # sights of a message, the list that its frames join

    def feed(self, one: Message) -> None:
        """Take in one message."""
        self.settle([each for each in self.open if each.deadline < one.clock])
        if one.quoted:
            self.reject(one, one.quoted)
        elif not self.is_copy(one):
            self.recent.append(([one], self.tcp(one) if one.transport == "tcp" else self.take(one)))

    def settle(self, over: list[Exchange]) -> None:
        """Note what no later message can change; what nobody asked for goes from who sent it to whom it went."""
        self.open = [each for each in self.open if each not in over]
        for each in [part for group in over for part in group.siblings.values() or [group]]:
            first, announces = each.first, each.service in TOLD or each.first.said.announces
            if each.outcome == "silent" and first.to_group and announces:
                each.outcome = "unsolicited"
            if not each.requests or each.outcome == "unsolicited" or each.reason == MID_FLOW:
                each.client, each.server = first.destination, first.source
                each.requests, each.replies = [], each.replies or each.requests
            if each.reason == MID_FLOW:
                each.service = keys.service_of(first, first.source.port)
            self.done.append(each)

    def is_copy(self, one: Message) -> bool:
        """Equal within 1 ms, seen elsewhere or one hop on: its frame joins the first's; its interface showed it too."""
        self.recent = [entry for entry in self.recent if one.clock - entry[0][0].clock <= MILLISECOND]
        for sights, joined in self.recent:
            if any(one.is_copy(sight) for sight in sights):
                sights.append(one)
                joined.append(one.frame.key)
                for each in self.open:
                    each.places |= {one.interface} if each.requests is joined else set()
                return True
        return False

    def take(self, one: Message) -> list[Key]:
        """What a message of UDP or ICMP belongs to: the rules in their order. The list that its frame joined."""
        if one.said.role == EITHER:  # what goes to the port asks, unless a request from there awaits an answer
            awaited = one.port == one.source.port and (self.by_key(one) or self.by_endpoints(one))
            one.said = one.said._replace(role=REPLY if one.port != one.destination.port or awaited else REQUEST)
        role = one.said.role
        if role == REQUEST and one.port == one.destination.port and not one.said.weak:
            return self.ask(one)
        if found := self.by_key(one):
            return [self.answer(each, one) for each in found][-1]
        near, talk = self.by_endpoints(one), self.conversation(one)
        if near and not (talk and near.first.to_group):
            return self.answer(near, one)
        if talk:
            talk.deadline = max(talk.deadline, one.clock + IDLE)
            return talk.ask(one) if talk.is_repeated(one) and talk.reason != MID_FLOW else []
        if role == REQUEST:
            return self.ask(one)
        if joined := self.from_elsewhere(one):
            return joined
        if role in (CONVERSATION, MALFORMED):
            return self.begin(one)
        return self.unasked(one) if role != OTHER else []

    def ask(self, one: Message) -> list[Key]:
        """A request: once more, or a new one. A symmetric NTP peer may answer by asking."""
        for each in self.by_key(one) if one.protocol.name == "ntp" else []:
            self.answer(each, one)
        again = [each for each in self.open if each.is_repeated(one)]
        return again[-1].ask(one) if again else self.begin(one)

    def begin(self, one: Message) -> list[Key]:
        """A new exchange. What leaves a service's port and asks nothing of another is UDP without a module."""
        is_talk = one.said.role in (CONVERSATION, MALFORMED)
        if is_talk and one.port != one.destination.port:
            one.protocol, one.port, one.said = UDP_ALONE, one.destination.port, keys.alone(one)
        new = Exchange(one, one.clock, 0, keys.service_of(one, one.port), *one.ends, places={one.interface})
        new.pairing, new.talks = "exact" if one.said.asks else "weak", {one.destination} if is_talk else set()
        new.ask(one)
        self.open.append(new)
        self.mid_flow(new)
        for early in [each for each in self.open if each.reason == NOT_CAPTURED]:  # up to 1 ms before its request
            if early.first.protocol is one.protocol and new.shares_key(early.first.said) and new.fits(early.first):
                self.open.remove(early)
                self.answer(new, early.first)
        return new.requests

    def mid_flow(self, new: Exchange) -> None:
        """From a registered port to an ephemeral one looks like an answer; to three ports of a host: `nmap -g 53`."""
        same = [each for each in self.open if looks_back(each.first) and each.talks]
        same = [each for each in same if (each.client.host, each.server.host) == (new.client.host, new.server.host)]
        is_probe = len({each.server.port for each in same}) >= PROBED
        for each in (same if is_probe else [new]) if new in same else []:
            if each.reason in ("", MID_FLOW) and not each.replies:
                each.outcome, each.reason = ("silent", "") if is_probe else ("indeterminate", MID_FLOW)

    def by_key(self, one: Message) -> list[Exchange]:
        """The protocol's own key decides. By question, a reply to a group answers every open request that it fits."""
        of_service = [each for each in self.open if each.first.protocol is one.protocol]
        fitting = [each for each in of_service if each.shares_key(one.said) and each.fits(one)]
        if one.protocol.by_question and one.to_group:  # but none that knows it already: RFC 6762 section 7.1
            fitting = [each for each in fitting if not one.said.known & each.first.said.known]
            return [each for each in fitting if each.waits_for(one)] or fitting[-1:]
        return [choose(fitting, one)] if fitting else []

    def by_endpoints(self, one: Message) -> Exchange | None:
        """Where one side has no key: the oldest unanswered request of these endpoints, within its window, weakly."""
        near = [each for each in self.open if each.client == one.destination and each.fits(one)]
        near = [each for each in near if each.reason != MID_FLOW and (each.talks or not each.is_late(one.clock))]
        talks = [each for each in near if each.talks]
        is_reply, is_any = one.said.role != REQUEST, one.said.role == MALFORMED
        near = [each for each in near if is_any or (each.first.protocol is one.protocol and is_reply)]
        if one.said.role not in (MALFORMED, OTHER):
            near = [each for each in near if one.said.weak or not each.first.said.asks]
            near = [each for each in near if each.first.said.service == one.said.service]
        waiting = [each for each in near if each.waits_for(one)]
        return next(iter(waiting + talks[-1:] + near[-1:]), None)

    def conversation(self, one: Message) -> Exchange | None:
        """What goes on from the client: UDP that no module reads is one exchange a five-tuple, until idle for 60 s."""
        is_vague = one.said.role == REQUEST
        talks = [each for each in self.open if each.first.source == one.source and one.destination in each.talks]
        return next((each for each in reversed(talks) if not (is_vague and each.first.said.role == REQUEST)), None)

    def from_elsewhere(self, one: Message) -> list[Key]:
        """To another endpoint of the client, or from another one of the target: read by the client's last services."""
        theirs = [each for each in self.open if each.requests and each.first.transport == one.transport]
        theirs = [each for each in theirs if each.client.host == one.destination.host != one.source.host]
        theirs = [each for each in theirs if each.shows(one)]
        silent = [each for each in theirs if each.reason != MID_FLOW and each.outcome != "rejected"]
        silent = [each for each in silent if not each.is_answered and not each.is_late(one.clock)]
        keyless = [each for each in silent if each.client == one.destination and each.first.said.is_keyless]
        is_told = one.transport != "udp" or (one.said.role == REPLY and not one.said.weak)  # its own service reads it
        for protocol in list(dict.fromkeys(each.first.protocol for each in reversed(theirs)))[:LAST_SERVICES]:
            said = one.said if is_told else keys.read(protocol, one.payload, one.size)
            same = [each for each in theirs if each.first.protocol is protocol and each.shares_key(said)]
            same = [each for each in same if not each.first.said.is_keyless]
            same = [each for each in same if each.client == one.destination or not protocol.by_endpoint]
            if protocol.converses:  # TFTP goes on from another port: a first block has no key, but is one
                same = [each for each in keyless if each.first.protocol is protocol]
            is_reply = said.role == REPLY and len(same) == 1 if protocol.converses else not said.weak
            if same and is_reply and said.role in (REPLY, EITHER) and (not is_told or protocol is one.protocol):
                one.protocol, one.said = protocol, said
                return self.answer(choose(same, one), one)
        return self.something_came_back(keyless, one)

    def something_came_back(self, keyless: list[Exchange], one: Message) -> list[Key]:
        """Nothing agrees; exactly one request without a key or an answer could have drawn it."""
        near = [each for each in keyless if each.first.to_group or set(each.server) & set(one.source)]
        if len(near) != 1:
            return []
        place = "port" if one.source.host == near[0].server.host else "address"
        return near[0].add(one, "indeterminate", f"something came back from another {place}")

    def answer(self, each: Exchange, one: Message) -> list[Key]:
        """A reply decides; of a group's request, each host that answers has an exchange of its own."""
        if one.source in each.talks and not each.waits_for(one):  # what follows belongs to it
            each.deadline = max(each.deadline, one.clock + IDLE)
            return []
        if each.first.to_group:
            if each.siblings and one.source.host not in each.siblings:
                each = replace(each, requests=[*each.requests], replies=[], outcome="silent")
            each = each.siblings.setdefault(one.source.host, each)
        if each.outcome != "replied":
            is_same = each.first.to_group or each.first.destination.host == one.source.host
            each.reason = "" if each.fits(one) else "port changed" if is_same else "address changed"
            each.server = one.source
        if one.said.weak or not each.shares_key(one.said):
            each.pairing = "weak"
        each.is_answered = True
        if each.talks or each.first.protocol.converses:
            each.talks.add(one.source)
        if each.talks or one.transport == "tcp":
            each.deadline = one.clock + IDLE
        elif one.said.interim:
            each.deadline = max(each.deadline, one.clock + one.protocol.window)
        return each.add(one, "replied", each.reason)

    def unasked(self, one: Message) -> list[Key]:
        """Nobody asked for it, or its request was not captured; that may stand up to 1 ms behind it."""
        service, weak = keys.service_of(one, one.source.port), "weak" if one.said.weak else "exact"
        new = Exchange(one, one.clock, one.clock + MILLISECOND, service, *one.ends, pairing=weak, is_answered=True)
        self.open.append(new)
        is_told = one.said.role == keys.ANNOUNCEMENT or (one.to_group and one.protocol.tells_unasked)
        return new.add(one, *(("unsolicited", "") if is_told else ("indeterminate", NOT_CAPTURED)))

    def tcp(self, one: Message) -> list[Key]:
        """RFC 9293: SYN/ACK accepts, RST rejects; RFC 5961 section 4.2: anything else back shows that something is."""
        if one.said.role == REQUEST:
            return self.ask(one)
        if one.said.role == REPLY and (found := self.by_key(one)):
            return self.answer(found[0], one)
        back = [each for each in reversed(self.open) if each.first.transport == "tcp" and each.fits(one)]
        for each in back if one.tcp[0] & RST else []:
            if not each.is_answered and (not one.said.answers or each.shares_key(one.said)):
                each.is_answered = True
                return each.add(one, "rejected", "RST")
            if each.outcome == "replied" and not each.is_used:
                each.is_used = True
                return each.add(one, "rejected", "accepted, then reset")
        for each in back:
            if each.outcome == "silent" and not each.is_late(one.clock):
                return each.add(one, "indeterminate", "something else answered")
        if one.said.role == REPLY:
            return self.from_elsewhere(one) or self.unasked(one)
        for each in self.open if one.size > 0 or one.tcp[0] & (FIN | RST) else []:
            if each.is_answered and not each.is_used and (each in back or each.first.ends == one.ends):
                each.is_used = True  # data or a close: no reset takes it back
                each.deadline = min(each.deadline, one.clock + each.first.protocol.window)
        return []

    def reject(self, error: Message, quoted: Message) -> None:
        """RFC 792 type 3 (not code 4), RFC 4443 type 1: the request that is quoted, by key, identification or order."""
        kind, code = error.icmp
        is_rejection = (kind == 3 and code != 4) if len(error.source.host) == 4 else kind == 1
        if not is_rejection or quoted.said.role == REPLY:
            return
        asks = {(quoted.tcp[1] + 1) & 0xFFFFFFFF} if quoted.transport == "tcp" else quoted.said.asks
        fitting = [each for each in self.open if each.requests and each.first.ends == quoted.ends]
        fitting = [each for each in fitting if each.first.transport == quoted.transport and not each.first.to_group]
        fitting = [each for each in fitting if each.outcome in ("silent", "rejected") or each.reason == MID_FLOW]
        if error.source.host != quoted.destination.host:  # another address of the host, then: by MACs, if there are any
            macs = [{error.macs[0], each.first.macs[1]} for each in fitting]
            ours = [error.is_outgoing if b"" in pair else len(pair) == 1 for pair in macs]
            fitting = [each for each, is_ours in zip(fitting, ours, strict=True) if is_ours]
        fitting = [each for each in fitting if not (asks and each.first.said.asks) or each.first.said.asks & asks]
        same = [each for each in fitting if quoted.ident and quoted.ident in each.idents]
        silent = [each for each in fitting if each.outcome != "rejected"]
        for each in same[-1:] or silent[:1] or fitting[-1:]:
            by_filter = ", which only a filter does to an echo" if quoted.transport == "icmp" else ""
            each.add(error, "rejected", f"ICMP type {kind} code {code}{by_filter}")


def looks_back(one: Message) -> bool:
    """Whether UDP without a module goes from a registered port to an ephemeral one."""
    start, to = ("udp", one.source.port), ("udp", one.destination.port or 0)
    return one.protocol is UDP_ALONE and start in REGISTERED and to not in REGISTERED and to[1] >= EPHEMERAL


def choose(fitting: list[Exchange], one: Message) -> Exchange:
    """On the reply's interface, then unanswered, then the latest; the oldest where keys do not tell them apart."""
    here = [each for each in fitting if one.interface in each.places] or fitting
    last = [each for each in here if each.waits_for(one)] or here[-1:]
    alike = [each for each in last if each.first.said.asks == last[-1].first.said.asks]
    if len({each.first.payload for each in alike}) == 1 and not (last[-1].first.said.weak and alike[-1].waits_for(one)):
        return last[-1]
    alike[0].pairing = "weak"
    return alike[0]
