"""Messages in, settled exchanges out: holds the buffers that the rules work on, and makes room.

The rings begin small and double while more exchanges are open than they hold. At their largest, the oldest
exchanges are let go before their time, and counted: only then may a result differ from one with more room.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from capanalyze.buffers import ints, longs
from capanalyze.errors import CapanalyzeError
from capanalyze.packets.octets import mix
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP, port_table
from capanalyze.protocols._protocol import SECOND, Protocol
from capanalyze.protocols.udp import IDLE
from capanalyze.rules import out, settle
from capanalyze.rules import table as t
from capanalyze.rules.batch import Batch
from capanalyze.rules.ring import client_of, transport_of
from capanalyze.rules.row import FINDABLE, FLAGS, LINK, NARROW, OLDER, WIDE
from capanalyze.rules.row import MODULE as OF_MODULE
from capanalyze.services import NEVER_ANSWERS, is_registered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LATE = 30 * SECOND  # how long a reply with the key of a request is still told apart from a stray one
SMALLEST = 1024
LARGEST = 1 << 19
LINKS_AT_FIRST = 1024
OUT_ROOM = 8192
TRANSPORTS = ("udp", "tcp", "icmp")


def patience(index: int, protocol: Protocol) -> int:
    """How long something may still be added to a request: behind its window, a reply is late but known by its key."""
    if index == GENERIC_UDP:
        return IDLE
    return protocol.window if protocol.by_question else max(protocol.window, protocol.resends, LATE)


def module_facts() -> Any:
    """What the rules need to know of each protocol."""
    found = longs(len(PROTOCOLS) * t.MODULE_FIELDS)
    for index, protocol in enumerate(PROTOCOLS):
        at = index * t.MODULE_FIELDS
        found[at + t.WINDOW] = protocol.window
        found[at + t.PATIENCE] = patience(index, protocol)
        found[at + t.RESENDS] = protocol.resends
        found[at + t.TRANSPORT] = TRANSPORTS.index(protocol.transport)
        found[at + t.BY_QUESTION] = int(protocol.by_question)
        found[at + t.FROM_ANY_PORT] = int(protocol.from_any_port)
        found[at + t.TELLS_UNASKED] = int(protocol.tells_unasked)
        found[at + t.BY_ENDS] = int(index in (GENERIC_UDP, TCP))
    return found


def port_facts() -> bytes:
    """What the rules need to know of each UDP port: bits, and 16 times the module that serves it."""
    served = port_table()
    return bytes(
        served[port] * 16
        + t.IS_SERVED * bool(served[port])
        + t.IS_REGISTERED * is_registered("udp", port)
        + t.IS_NEVER_ANSWERED * (f"udp/{port}" in NEVER_ANSWERS)
        for port in range(65536)
    )


class Engine:
    """Pairs messages that arrive in order of their clocks.

    Args:
        sources: for each capture the number of its source; the pieces of a rotated capture are one source.
        compiled: whether the rules run compiled.
        largest: exchanges that may be open at a time, a power of two.
    """

    def __init__(self, sources: Sequence[int], *, compiled: bool = False, largest: int = LARGEST) -> None:
        self.compiled = compiled
        self._largest = largest
        self._buffers: list[Any] = [b""] * (t.OUT_LINKS + 1)
        self.state = longs(t.STATE_FIELDS)
        b = self._buffers
        b[t.STATE] = self.state
        b[t.MODULES] = module_facts()
        b[t.PORTS] = port_facts()
        b[t.SOURCES] = longs(max(1, len(sources)))
        b[t.SOURCES][: len(sources)] = array("q", sources)
        b[t.MALFORMED_COUNTS] = longs(max(1, len(sources)) * len(PROTOCOLS) * t.KINDS)
        b[t.FOUND] = longs(t.MAX_FOUND)
        b[t.CANDIDATES] = longs(t.MAX_FOUND)
        b[t.EARLY] = longs(t.EARLY_ROOM * t.EARLY_FIELDS)
        b[t.RECENT] = longs(t.RECENT_ROOM * t.PACKET)
        b[t.RECENT_HEADS] = longs(t.RECENT_MASK + 1)
        b[t.FRAGMENTS] = longs(t.FRAGMENT_ROOM * t.FIRST)
        b[t.FRAGMENT_HEADS] = longs(t.FRAGMENT_MASK + 1)
        b[t.LINKS] = longs(LINKS_AT_FIRST * LINK)
        self.state[t.NEXT_LINK] = 1
        self.state[t.LINK_ROOM] = LINKS_AT_FIRST
        self.state[t.MANY_SOURCES] = int(len(set(sources)) > 1)
        self.state[t.SERVED_UNTIL] = self.state[t.GROUPS_UNTIL] = -(1 << 62)
        self._make_ring(SMALLEST)
        self._feed = self._stage(settle.feed)
        self._finish = self._stage(settle.finish)
        self._take = self._stage(out.take)

    def _stage(self, function: Callable[..., int]) -> Callable[..., int]:
        if not self.compiled:
            return function
        from capanalyze.compiled import stage

        return stage(function)

    def feed(self, rows: Any, pool: Any, count: int) -> list[Batch]:
        """Take in `count` messages, dated and in order; the exchanges that are settled by then."""
        self._buffers[t.ROWS], self._buffers[t.POOL] = rows, pool
        batches: list[Batch] = []
        done = 0
        while done < count:
            done = self._feed(self._buffers, done, count)
            if done < count:
                batches += self.taken()
                self._make_room()
        return batches + self.taken()

    def finish(self) -> list[Batch]:
        """Settle all that is open."""
        self._finish(self._buffers, 0, 0)
        return self.taken()

    def taken(self) -> list[Batch]:
        """The exchanges that are settled and were not taken before."""
        batches = []
        while self.state[t.DONE] < self.state[t.HEAD]:
            room = min(OUT_ROOM, self.state[t.HEAD] - self.state[t.DONE])
            links = self.state[t.LINK_ROOM] + 1
            wide, narrow, out_links = longs(room * WIDE), ints(room * NARROW), longs(links * LINK)
            self._buffers[t.OUT_WIDE], self._buffers[t.OUT_NARROW], self._buffers[t.OUT_LINKS] = wide, narrow, out_links
            self.state[t.OUT_LINK], self.state[t.OUT_LINK_ROOM] = 1, links
            count = self._take(self._buffers, 0, room)
            if count:
                batches.append(Batch(wide, narrow, out_links, count))
        return batches

    def malformed(self) -> dict[tuple[int, int, int], int]:
        """Messages that did not parse, by capture, module and kind."""
        counts = self._buffers[t.MALFORMED_COUNTS]
        found = {}
        for at, count in enumerate(counts):
            if count:
                place, kind = divmod(at, t.KINDS)
                found[(*divmod(place, len(PROTOCOLS)), kind)] = count
        return found

    def same_packet(self) -> tuple[int, int] | None:
        """Two frames of different sources that hold the same packet, if there are any."""
        first, second = self.state[t.SAME_FIRST], self.state[t.SAME_SECOND]
        return (first, second) if first else None

    def _make_room(self) -> None:
        """Larger rings, or, where they must not grow, fewer exchanges."""
        size = self.state[t.RING_MASK] + 1
        if self.state[t.LINK_ROOM] < t.MAX_LINKS and self.state[t.NEXT_LINK] + t.SPARE_LINKS > self.state[t.LINK_ROOM]:
            self._buffers[t.LINKS].extend(longs(self.state[t.LINK_ROOM] * LINK))
            self.state[t.LINK_ROOM] *= 2
        elif self.state[t.TAIL] - self.state[t.DONE] + settle.PAIRS_AT_ONCE <= self.state[t.RING_MASK]:
            self._make_nodes(2 * (self.state[t.NODE_MASK] + 1))
        elif size < self._largest:
            self._make_ring(2 * size)
        else:
            raise CapanalyzeError(f"more than {size} requests are open at a time")

    def _make_ring(self, size: int) -> None:
        """Rings of this size, with what the present ones hold."""
        b, state = self._buffers, self.state
        wides, narrows = longs(size * WIDE), ints(size * NARROW)
        mask = state[t.RING_MASK]
        for pair in range(state[t.DONE], state[t.TAIL]):
            old, new = pair & mask, pair & size - 1
            wides[new * WIDE : (new + 1) * WIDE] = b[t.WIDES][old * WIDE : (old + 1) * WIDE]
            narrows[new * NARROW : (new + 1) * NARROW] = b[t.NARROWS][old * NARROW : (old + 1) * NARROW]
        b[t.WIDES], b[t.NARROWS] = wides, narrows
        state[t.RING_MASK] = size - 1
        b[t.CLIENT_HEADS] = longs(2 * size)
        state[t.CLIENT_MASK] = 2 * size - 1
        self._chain_clients()
        self._make_nodes(max(4 * size, state[t.NODE_MASK] + 1))

    def _chain_clients(self) -> None:
        """The index by client, anew: chains keep the order in which exchanges began."""
        b, state = self._buffers, self.state
        heads, narrows = b[t.CLIENT_HEADS], b[t.NARROWS]
        for pair in range(state[t.HEAD], state[t.TAIL]):
            at = (pair & state[t.RING_MASK]) * NARROW
            if not narrows[at + FLAGS] & FINDABLE:
                continue
            head = mix(client_of(b, pair), transport_of(b, narrows[at + OF_MODULE]) + 1) & state[t.CLIENT_MASK]
            older = heads[head] - 1
            narrows[at + OLDER] = pair - older if older >= state[t.HEAD] else 0
            heads[head] = pair + 1

    def _make_nodes(self, size: int) -> None:
        """A ring of so many nodes, with what the present one holds."""
        b, state = self._buffers, self.state
        old, mask = b[t.NODES], state[t.NODE_MASK]
        nodes, heads = longs(size * t.NODE), longs(size)
        state[t.NODE_MASK] = state[t.KEY_MASK] = size - 1
        for node in range(state[t.NODE_HEAD], state[t.NODE_TAIL]):
            at, to = (node & mask) * t.NODE, (node & size - 1) * t.NODE
            head = old[at + t.NODE_HASH] & size - 1
            nodes[to + t.NODE_HASH], nodes[to + t.NODE_PAIR] = old[at + t.NODE_HASH], old[at + t.NODE_PAIR]
            nodes[to + t.NODE_OLDER] = heads[head] - 1
            heads[head] = node + 1
        b[t.NODES], b[t.KEY_HEADS] = nodes, heads
