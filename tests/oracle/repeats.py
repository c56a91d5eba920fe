"""The same packet once more, and the later pieces of a fragmented one: neither is a message of its own."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capanalyze.protocols._protocol import SECOND

if TYPE_CHECKING:
    from capanalyze.packets.messages import Message
    from tests.oracle.sighting import Sighting

MILLISECOND = SECOND // 1000
FRAGMENT_WAIT = 30 * SECOND  # RFC 791 section 3.2: reassembly gives up after a while
MAX_FRAGMENTED = 4096
UNREAD = -1  # in place of a digest, where the octets cannot be compared

Frames = list[int]


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of the last millisecond, and the list that its frame number went to."""

    clock: int
    capture: str
    frame: int
    ttl: int
    is_cut: bool
    joined: Frames | None


class Copies:
    """Packets of the last millisecond. A copy is on another interface, or on the other side of a bridge.

    `elsewhere` names pairs of captures that hold the same packet, with its frame number in each.
    """

    def __init__(self) -> None:
        self.elsewhere: dict[tuple[str, str], tuple[int, int]] = {}
        self._recent: dict[tuple[int, ...], Packet] = {}
        self._order: deque[tuple[int, tuple[int, ...]]] = deque()

    def is_copy(self, seen: Sighting) -> bool:
        """Whether this packet was seen before; its frame then joins that of the first."""
        message = seen.message
        before = self._recent.get(_identity(message, message.digest)) or self._cut_elsewhere(seen)
        if before is None or seen.clock - before.clock > MILLISECOND:
            return False
        if before.capture == seen.capture:
            if before.joined is not None:
                before.joined.append(message.frame)
        elif not message.group and before.ttl == message.ttl:  # else a host forwarded it from one to the other
            self.elsewhere.setdefault((before.capture, seen.capture), (before.frame, message.frame))
        return True

    def remember(self, seen: Sighting, joined: Frames | None) -> None:
        """Keep a packet in mind, and the list that its frame number went to."""
        message = seen.message
        packet = Packet(seen.clock, seen.capture, message.frame, message.ttl, message.captured < message.size, joined)
        for identity in (_identity(message, message.digest), _identity(message, UNREAD)):
            self._recent[identity] = packet
            self._order.append((seen.clock, identity))

    def forget(self, clock: int) -> None:
        """Let go of what is older than a millisecond."""
        while self._order and clock - self._order[0][0] > MILLISECOND:
            when, identity = self._order.popleft()
            if identity in self._recent and self._recent[identity].clock == when:
                del self._recent[identity]

    def _cut_elsewhere(self, seen: Sighting) -> Packet | None:
        """A packet with the same identification of which one interface captured less than the other."""
        message = seen.message
        before = self._recent.get(_identity(message, UNREAD))
        if before and message.identification > 0 and (before.is_cut or message.captured < message.size):
            return before
        return None


class Fragments:
    """First fragments, so that later ones can join the exchange that they belong to."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, ...], tuple[int, str, Frames]] = {}

    def remember(self, seen: Sighting, joined: Frames | None) -> None:
        """Keep a first fragment in mind, and the list that its frame number went to."""
        if not seen.message.fragmented or joined is None:
            return
        if len(self._first) >= MAX_FRAGMENTED:
            del self._first[next(iter(self._first))]
        self._first[_datagram(seen.message)] = (seen.clock, seen.capture, joined)

    def join(self, seen: Sighting) -> None:
        """Add a later fragment's frame to those of its first."""
        first = self._first.get(_datagram(seen.message))
        if first and first[1] == seen.capture and seen.clock - first[0] <= FRAGMENT_WAIT:
            first[2].append(seen.message.frame)


def _identity(message: Message, digest: int) -> tuple[int, ...]:
    """What is equal in copies."""
    return (
        message.src,
        message.src_low,
        message.dst,
        message.dst_low,
        message.sport,
        message.dport,
        message.identification,
        digest,
        message.protocol,
        message.size,
    )


def _datagram(message: Message) -> tuple[int, ...]:
    return message.src, message.src_low, message.dst, message.dst_low, message.identification
