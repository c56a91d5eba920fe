"""The same packet once more, and the later pieces of a fragmented one: neither is a message of its own."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from capanalyze.protocols._protocol import SECOND

if TYPE_CHECKING:
    from capanalyze.exchanges.sighting import Sighting
    from capanalyze.packets.messages import Message

MILLISECOND = SECOND // 1000
FRAGMENT_WAIT = 30 * SECOND  # RFC 791 section 3.2: reassembly gives up after a while
MAX_FRAGMENTED = 4096

Frames = list[int]


class Copies:
    """Packets of the last millisecond. A copy is on another interface, or on the other side of a bridge.

    `elsewhere` names pairs of captures that hold the same packet, with its frame number in each.
    """

    def __init__(self) -> None:
        self.elsewhere: dict[tuple[str, str], tuple[int, int]] = {}
        self._recent: dict[tuple[int, ...], tuple[int, str, int, Frames | None]] = {}
        self._order: deque[tuple[int, tuple[int, ...]]] = deque()

    def is_copy(self, seen: Sighting) -> bool:
        """Whether this packet was seen before; its frame then joins that of the first."""
        before = self._recent.get(_identity(seen.message))
        if before is None or seen.clock - before[0] > MILLISECOND:
            return False
        _, capture, frame, joined = before
        if capture == seen.capture:
            if joined is not None:
                joined.append(seen.message.frame)
        elif not seen.message.group:
            self.elsewhere.setdefault((capture, seen.capture), (frame, seen.message.frame))
        return True

    def remember(self, seen: Sighting, joined: Frames | None) -> None:
        """Keep a packet in mind, and the list that its frame number went to."""
        identity = _identity(seen.message)
        self._recent[identity] = (seen.clock, seen.capture, seen.message.frame, joined)
        self._order.append((seen.clock, identity))

    def forget(self, clock: int) -> None:
        """Let go of what is older than a millisecond."""
        while self._order and clock - self._order[0][0] > MILLISECOND:
            when, identity = self._order.popleft()
            if identity in self._recent and self._recent[identity][0] == when:
                del self._recent[identity]


class Fragments:
    """First fragments, so that later ones can join the exchange that they belong to."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, ...], tuple[int, str, Frames]] = {}

    def remember(self, seen: Sighting, joined: Frames | None) -> None:
        """Keep a first fragment in mind, and the list that its frame number went to."""
        if not seen.message.fragmented or joined is None:
            return
        if len(self._first) >= MAX_FRAGMENTED:
            self._first = {key: first for key, first in self._first.items() if seen.clock - first[0] <= FRAGMENT_WAIT}
        self._first[_datagram(seen.message)] = (seen.clock, seen.capture, joined)

    def join(self, seen: Sighting) -> None:
        """Add a later fragment's frame to those of its first."""
        first = self._first.get(_datagram(seen.message))
        if first and first[1] == seen.capture and seen.clock - first[0] <= FRAGMENT_WAIT:
            first[2].append(seen.message.frame)


def _identity(message: Message) -> tuple[int, ...]:
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


def _datagram(message: Message) -> tuple[int, ...]:
    return message.src, message.src_low, message.dst, message.dst_low, message.identification
