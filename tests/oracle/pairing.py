"""The rules: which open request a message belongs to. Each handler returns the list its frame number joined.

A message is looked up by its match key first; only where one side has no key do endpoints decide, and the
exchange says `weak`. Of several requests with the key the latest unanswered one wins, else the latest; a
request on the reply's own interface comes before one on another, and what went to a group is answered
on its own interface only (`pair.may_answer`, `pair.choose`). Design section 4 has the rules.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from capanalyze.exchanges.batch import UNREACHABLE_V4, UNREACHABLE_V6
from capanalyze.packets.message import (
    ALSO_REPLY,
    ANNOUNCEMENT,
    COMPARED,
    FLOW,
    FRAGMENT,
    MALFORMED,
    REPLY,
    REQUEST,
    RESET,
    SPOKE,
)
from capanalyze.protocols import GENERIC_UDP, TCP
from capanalyze.protocols._protocol import EMPTY, GARBAGE
from capanalyze.protocols.udp import DATAGRAM, IDLE
from capanalyze.services import NEVER_ANSWERS, REGISTERED
from tests.oracle.book import Book
from tests.oracle.pair import (
    Pair,
    announce,
    answer,
    choose,
    is_late,
    may_answer,
    may_be_of,
    open_pair,
    refuse,
    resend,
    sibling,
    stray,
)
from tests.oracle.repeats import MILLISECOND, Copies, Fragments
from tests.oracle.sighting import QUOTED, Endpoint, Sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FIRST_EPHEMERAL = 32768  # of Linux; IANA's range and that of the BSDs begin at 49152
# (IP protocol, type) → reasons by code
ICMPV4, ICMPV6 = 1, 58
REJECTIONS = {(ICMPV4, 3): UNREACHABLE_V4, (ICMPV6, 1): UNREACHABLE_V6}
FRAGMENTATION_NEEDED = 4  # code of ICMP type 3 that speaks of size, not of refusal

Frames = list[int] | None


class Pairing:
    """Pairs messages that arrive in order of their clocks.

    Attributes:
        done: pairs that are settled; all of them after `finish`.
        copies: packets seen twice, among them those that two captures share.
        malformed: messages that did not parse, counted by (capture, service, kind).
    """

    def __init__(self) -> None:
        self.done: list[Pair] = []
        self.copies = Copies()
        self.malformed: dict[tuple[str, str, str], int] = {}
        self._book = Book()
        self._fragments = Fragments()
        self._early: deque[tuple[Sighting, Pair]] = deque()
        self._handlers: dict[int, Callable[[Sighting], Frames]] = {
            REQUEST: self._request,
            REPLY: self._reply,
            FLOW: self._flow,
            ANNOUNCEMENT: self._announcement,
            MALFORMED: self._malformed,
            RESET: self._reset,
            SPOKE: self._spoke,
        }

    @property
    def open(self) -> int:
        """How many requests are still open."""
        return len(self._book)

    def feed(self, seen: Sighting) -> None:
        """Take in one message."""
        self._forget(seen.clock)
        if seen.message.role == FRAGMENT:
            self._fragments.join(seen)
        elif seen.message.role >= QUOTED:
            self._reject(seen)
        elif self.copies.is_copy(seen):
            self._seen_also(seen)
        else:
            self._count_malformed(seen)
            joined = self._flow(seen) if self._goes_on(seen) else self._handlers[seen.role](seen)
            self.copies.remember(seen, joined)
            self._fragments.remember(seen, joined)

    def _seen_also(self, seen: Sighting) -> None:
        """What went to a group is answered on any interface that showed it."""
        for pair in self._book.alike(seen.message.module, seen.source, seen.destination, seen.message.digest):
            pair.interfaces.add(seen.interface)

    def _goes_on(self, seen: Sighting) -> bool:
        """Whether it belongs to an exchange of UDP without a module, whatever a module at one end takes it for."""
        if seen.message.module == GENERIC_UDP or seen.protocol.transport != "udp":
            return False
        for client, server in ((seen.destination, seen.source), (seen.source, seen.destination)):
            for pair in self._book.between(GENERIC_UDP, client, server):
                if pair.waits(seen.clock) and pair.exchange.requests:
                    _forget_module(seen)
                    return True
        return False

    def finish(self) -> list[Pair]:
        """Settle all that is open; every pair."""
        for _, pair in self._early:
            self._settle(pair)
        self._early.clear()
        for pair in self._book.rest():
            self._settle(pair)
        return self.done

    # Requests

    def _request(self, seen: Sighting) -> Frames:
        if seen.message.role & COMPARED:  # what pairs nothing
            seen.keys = seen.keys[:-1]
        if seen.message.role & ALSO_REPLY:  # NTP mode 1 may answer mode 1: its last key is the other's
            for pair in self._by_key(seen, seen.keys[-1:]):
                self._answer(pair, seen)
            seen.keys = seen.keys[:-1]
        return self._asked(seen).exchange.requests

    def _asked(self, seen: Sighting) -> Pair:
        """The pair of a request: that of the first, if it is a retransmission, else a new one."""
        for pair in self._book.alike(seen.message.module, seen.source, seen.destination, seen.message.digest):
            if _is_retransmission(pair, seen):
                resend(pair, seen)
                return pair
        pair = open_pair(seen, seen.source, seen.destination)
        self._book.enter(pair)
        self._answer_early(pair)
        return pair

    def _announcement(self, seen: Sighting) -> Frames:
        pair = stray(seen, "unsolicited")
        self._settle(pair)
        return pair.exchange.replies

    # Replies

    def _reply(self, seen: Sighting) -> Frames:
        found = self._by_key(seen, seen.keys) or self._by_endpoints(seen) or self._by_other_port(seen)
        joined: Frames = None
        for pair in found:
            joined = self._answer(pair, seen)
        if found:
            return joined
        if seen.kind == GARBAGE:
            return self._malformed(seen)
        told = bool(seen.message.group) and seen.protocol.tells_unasked
        orphan = stray(seen, "unsolicited") if told else _not_captured(seen)
        self._early.append((seen, orphan))
        return orphan.exchange.replies

    def _by_key(self, seen: Sighting, keys: Sequence[int]) -> list[Pair]:
        """Requests with one of the keys that this host may answer: one, or one for every host that asked."""
        by_question = seen.protocol.by_question
        client = None if by_question else seen.destination
        asked: dict[tuple[Endpoint, int], list[Pair]] = {}
        for key in keys:
            for pair in self._book.by_key(seen.message.module, client, key):
                if may_answer(pair, seen):
                    asked.setdefault((pair.client, key if by_question else 0), []).append(pair)
        chosen = {id(pair): pair for pairs in asked.values() for pair in _only(choose(pairs, seen))}
        return sorted(chosen.values(), key=lambda pair: pair.clock)

    def _by_endpoints(self, seen: Sighting) -> list[Pair]:
        """Where one side has no key: the reversed endpoints."""
        pairs = [
            pair
            for pair in self._book.of_client(seen.protocol.transport, seen.destination)
            if may_be_of(pair, seen)
            and not (pair.keys and len(seen.keys))
            and may_answer(pair, seen)
            and not is_late(pair, seen)
        ]
        best = choose(pairs, seen)
        if best:
            best.exchange.pairing = "weak"
        return _only(best)

    def _by_other_port(self, seen: Sighting) -> list[Pair]:
        """A reply from another port or address, to a client that waits for exactly one."""
        waiting = [
            pair
            for pair in self._book.of_client(seen.protocol.transport, seen.destination)
            if (pair.group or not pair.answered) and pair.waits(seen.clock) and not is_late(pair, seen)
        ]
        if len(waiting) != 1:
            return []
        pair = waiting[0]
        same_host = pair.server[:2] == seen.source[:2] or (pair.group and seen.interface in pair.interfaces)
        agree = pair.module == seen.message.module and not set(pair.keys).isdisjoint(seen.keys)
        if (pair.protocol.from_any_port and same_host) or (agree and not pair.group):
            return [pair]
        if same_host and not pair.group and seen.message.module == GENERIC_UDP:  # its key is out of sight
            pair.doubt = "something came back from another port"
        return []

    def _answer(self, pair: Pair, seen: Sighting) -> Frames:
        """Add a reply to an exchange; another host's reply to a group makes an exchange of its own."""
        if pair.group:
            pair, new = sibling(pair, seen)
            if new:
                self._book.keep(pair)
        return answer(pair, seen)

    def _answer_early(self, pair: Pair) -> None:
        """A reply that stood up to a millisecond before its request in the file (two queues)."""
        for entry in list(self._early):
            early, _ = entry
            if early.message.module != pair.module or set(early.keys).isdisjoint(pair.keys):
                continue
            if early.destination == pair.client and (pair.group or early.source == pair.server):
                self._early.remove(entry)
                self._answer(pair, early)
                pair.exchange.rtt_us = None

    # UDP where only endpoints tell

    def _flow(self, seen: Sighting) -> Frames:
        if seen.message.module != GENERIC_UDP:  # the module finds keys, but only the port tells who asks
            message = seen.message
            awaited = message.sport == message.port and (self._by_key(seen, seen.keys) or self._by_endpoints(seen))
            return self._reply(seen) if message.dport != message.port or awaited else self._request(seen)
        for pair in self._book.between(GENERIC_UDP, seen.destination, seen.source):
            if pair.waits(seen.clock):
                return self._flow_back(pair, seen)
        for pair in self._book.between(GENERIC_UDP, seen.source, seen.destination):
            if pair.waits(seen.clock) and pair.exchange.outcome == "indeterminate":
                return self._mid_flow_on(pair, seen)
            if pair.waits(seen.clock):
                return self._flow_on(pair, seen)
        found = self._by_group(seen) or self._by_other_port(seen)
        if found:
            joined = self._answer(found[0], seen)
            pair = found[0].siblings.get(seen.source[:2], found[0])
            self._book.also_between(seen.destination, seen.source, pair)
            return joined
        return self._new_flow(seen)

    def _new_flow(self, seen: Sighting) -> Frames:
        if _mid_flow(seen):
            pair = stray(seen, "indeterminate", "mid-flow")
            self._book.enter(pair)
            return pair.exchange.replies
        pair = open_pair(seen, seen.source, seen.destination)
        pair.announces = bool(seen.message.group) and pair.exchange.service in NEVER_ANSWERS
        self._book.enter(pair)
        return pair.exchange.requests

    def _by_group(self, seen: Sighting) -> list[Pair]:
        """What went to a group is answered from the port that was asked, by whichever host."""
        pairs = [
            pair
            for pair in self._book.of_client("udp", seen.destination)
            if pair.group and pair.module == GENERIC_UDP and may_answer(pair, seen)
        ]
        return _only(choose(pairs, seen))

    def _flow_back(self, pair: Pair, seen: Sighting) -> Frames:
        pair.deadline = seen.clock + IDLE
        if pair.exchange.outcome in ("silent", "rejected"):
            return self._answer(pair, seen)
        pair.exchange.reply_octets += seen.message.size
        pair.backward += 1
        return None

    def _mid_flow_on(self, stray_reply: Pair, seen: Sighting) -> Frames:
        """Behind a reply without its request comes a request: from here on the five-tuple is whole."""
        stray_reply.deadline = seen.clock - 1
        return self._new_flow(seen)

    def _flow_on(self, pair: Pair, seen: Sighting) -> Frames:
        pair.deadline = seen.clock + IDLE
        if _is_retransmission(pair, seen) and seen.clock <= pair.clock + pair.window:
            return resend(pair, seen)
        pair.forward += 1
        return None

    # What is not as it should be

    def _count_malformed(self, seen: Sighting) -> None:
        if seen.kind == GARBAGE or (seen.role == MALFORMED and seen.kind != EMPTY):
            key = (seen.capture, seen.protocol.name, seen.protocol.kind(seen.kind))
            self.malformed[key] = self.malformed.get(key, 0) + 1

    def _malformed(self, seen: Sighting) -> Frames:
        """On a service's port, but not that service's: an answer where one is awaited, else a request."""
        message = seen.message
        found = self._by_endpoints(seen)
        if found:
            return self._answer(found[0], seen)
        if message.dport == message.port:
            pair = self._asked(seen)
            pair.unanswerable = True
            return pair.exchange.requests
        _forget_module(seen)
        return self._flow(seen)

    # TCP

    def _reset(self, seen: Sighting) -> Frames:
        """A RST answers a SYN, takes back a connection that the client has not used, or ends one."""
        for pair in self._book.between(TCP, seen.destination, seen.source):
            if not pair.waits(seen.clock):
                continue
            if not pair.answered and (not len(seen.keys) or not set(pair.keys).isdisjoint(seen.keys)):
                pair.answered = True
                return refuse(pair, seen, "RST")
            if pair.answered and pair.exchange.outcome == "replied" and not pair.spoke:
                pair.spoke = True
                return refuse(pair, seen, "accepted, then reset")
        return self._spoke(seen)

    def _spoke(self, seen: Sighting) -> Frames:
        """The first data or close of either side: from now on a reset no longer takes the connection back."""
        for client, server in ((seen.source, seen.destination), (seen.destination, seen.source)):
            for pair in self._book.between(TCP, client, server):
                if pair.answered and not pair.spoke:
                    pair.spoke = True
                    pair.deadline = min(pair.deadline, seen.clock + pair.window)
        return None

    # ICMP errors

    def _reject(self, seen: Sighting) -> Frames:
        """An ICMP error rejects the request that it quotes, if the host that was asked sent it."""
        reason = _rejection(seen)
        sender = (seen.message.sender, seen.message.sender_low)
        if reason is None or seen.role == REPLY or sender != seen.destination[:2]:
            return None
        quoted = [
            pair
            for pair in self._book.between(seen.message.module, seen.source, seen.destination)
            if pair.waits(seen.clock)
            and may_be_of(pair, seen)
            and pair.exchange.outcome in ("silent", "rejected")
            and (not len(seen.keys) or not pair.keys or not set(pair.keys).isdisjoint(seen.keys))
        ]
        # Where the quote is too short for a key, the identification tells, else the order.
        same = [
            pair for pair in quoted if seen.message.identification > 0 and seen.message.identification in pair.idents
        ]
        waiting = [pair for pair in quoted if pair.exchange.outcome == "silent"]
        for pair in same or waiting[-1:] or quoted[:1]:
            return refuse(pair, seen, reason)
        return None

    # Ends

    def _forget(self, clock: int) -> None:
        """Settle what no later message can change."""
        while self._early and clock - self._early[0][0].clock > MILLISECOND:
            self._settle(self._early.popleft()[1])
        self.copies.forget(clock)
        for pair in self._book.over(clock):
            self._settle(pair)

    def _settle(self, pair: Pair) -> None:
        pair.closed = True
        if pair.announces and pair.group and pair.exchange.outcome == "silent":
            announce(pair)
        self.done.append(pair)


def pair_messages(sightings: Iterable[Sighting]) -> Pairing:
    """Pair messages that stand in order of their clocks."""
    pairing = Pairing()
    for seen in sightings:
        pairing.feed(seen)
    pairing.finish()
    return pairing


def _forget_module(seen: Sighting) -> None:
    """From now on it is a datagram to the port that it went to."""
    seen.message = seen.message._replace(module=GENERIC_UDP, port=seen.message.dport, role=FLOW + DATAGRAM)
    seen.keys = ()


def _only(pair: Pair | None) -> list[Pair]:
    return [pair] if pair else []


def _not_captured(seen: Sighting) -> Pair:
    return stray(seen, "indeterminate", "request not captured")


def _is_retransmission(pair: Pair, seen: Sighting) -> bool:
    return (
        not pair.answered
        and pair.waits(seen.clock)
        and pair.digest == seen.message.digest
        and seen.clock <= pair.clock + max(pair.window, pair.protocol.resends)
        and pair.exchange.capture == seen.capture
        and (not pair.group or seen.interface in pair.interfaces)
    )


def _mid_flow(seen: Sighting) -> bool:
    """Whether a first datagram looks like an answer: from a registered port to an ephemeral one."""
    to = seen.message.dport
    return ("udp", seen.message.sport) in REGISTERED and to >= FIRST_EPHEMERAL and ("udp", to) not in REGISTERED


def _rejection(seen: Sighting) -> str | None:
    """Why an ICMP error rejects, in words; None if it does not."""
    number, code = divmod(seen.message.detail, 256)
    version = ICMPV4 if seen.message.sender == 0 and seen.message.sender_low >> 32 == 0xFFFF else ICMPV6
    reasons = REJECTIONS.get((version, number))
    if reasons is None or (version, code) == (ICMPV4, FRAGMENTATION_NEEDED):
        return None
    return reasons.get(code, f"destination unreachable, code {code}")
