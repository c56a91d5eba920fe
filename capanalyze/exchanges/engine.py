"""Messages in, settled exchanges out: holds the buffers that the rules work on, and makes room.

The rings begin small and double while more exchanges are open than they hold. At their largest, the oldest
exchanges are let go before their time, and counted: only then may a result differ from one with more room.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from capanalyze.buffers import ints, longs
from capanalyze.exchanges import out, ring, settle
from capanalyze.exchanges import table as t
from capanalyze.exchanges.batch import Batch
from capanalyze.exchanges.row import LINK, NARROW, WIDE
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP, port_table, service_table
from capanalyze.protocols._protocol import SECOND, Protocol
from capanalyze.protocols.udp import IDLE
from capanalyze.services import NEVER_ANSWERS, REGISTERED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capanalyze.gear import Gear

LATE = 30 * SECOND  # how long a reply with the key of a request is still told apart from a stray one
SMALLEST = 1024
LARGEST = 1 << 18
NODES_AT_FIRST = 2  # for each exchange
LINKS_AT_FIRST = 1024
OUT_ROOM = 8192
OUT_LINKS = 8192
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
    """What the rules need to know of each UDP port: bits, and from SERVED_BY on the module that serves it."""
    served = port_table()
    found = bytearray(t.SERVED_BY)
    for transport, port in REGISTERED:
        if transport == "udp":
            found[port] |= t.IS_REGISTERED
    for service in NEVER_ANSWERS:
        transport, _, number = service.partition("/")
        if transport == "udp":
            found[int(number)] |= t.IS_NEVER_ANSWERED
    for protocol in PROTOCOLS:
        for port in protocol.ports:
            found[port] |= t.IS_SERVED
    return bytes(found) + served


class Engine:
    """Pairs messages that arrive in order of their clocks.

    Args:
        sources: for each capture the number of its source; the pieces of a rotated capture are one source.
        gear: plain or compiled.
        largest: exchanges that may be open at a time, a power of two.
    """

    def __init__(self, sources: Sequence[int], gear: Gear, *, largest: int | None = None) -> None:
        self._gear = gear
        self._largest = largest or LARGEST
        self._buffers: list[Any] = [b""] * t.BUFFERS
        self.state = longs(t.STATE_FIELDS)
        b = self._buffers
        b[t.STATE] = self.state
        b[t.MODULES] = module_facts()
        b[t.PORTS] = port_facts()
        b[t.SERVICES] = service_table(t.KINDS)
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
        b[t.SOON] = longs(t.SOON_HASHES * t.SOON_ROOM)
        self.state[t.NEXT_LINK] = 1
        self.state[t.LINK_ROOM] = LINKS_AT_FIRST
        self.state[t.MANY_SOURCES] = int(len(set(sources)) > 1)
        for field in (t.SERVED_UNTIL, t.GROUPS_UNTIL, t.NAMELESS_UNTIL):
            self.state[field] = -(1 << 62)
        self._make_ring(SMALLEST)

    def feed(self, rows: Any, pool: Any, count: int) -> list[Batch]:
        """Take in `count` messages, dated and in order; the exchanges that are settled by then."""
        self._buffers[t.ROWS], self._buffers[t.POOL] = rows, pool
        batches: list[Batch] = []
        done = 0
        while done < count:
            done = self._gear(settle.feed)(self._buffers, done, count)
            if done < count:
                batches += self.taken()
                if not settle.has_room(self._buffers):
                    self._make_room()
        return batches + self.taken()

    def finish(self) -> Iterator[Batch]:
        """Settle all that is open."""
        self._gear(settle.finish)(self._buffers, 0, 0)
        return self._takes()

    def release(self) -> None:
        """Let go of the rings: nothing more will come."""
        for buffer in (t.WIDES, t.NARROWS, t.NODES, t.KEY_HEADS, t.CLIENT_HEADS, t.LINKS):
            self._buffers[buffer] = longs(0)

    def remaining(self) -> Iterator[tuple[Batch, int, int]]:
        """What is open, where it stands: rows from the one to before the other number of a batch."""
        b, state = self._buffers, self.state
        ring = Batch(b[t.WIDES], b[t.NARROWS], b[t.LINKS], state[t.RING_MASK] + 1)
        first, last = state[t.HEAD], state[t.TAIL]
        while first < last:
            start = first & state[t.RING_MASK]
            stop = min(start + last - first, ring.count)
            yield ring, start, stop
            first += stop - start

    def taken(self) -> list[Batch]:
        """The exchanges that are settled and were not taken before."""
        return list(self._takes())

    def _takes(self) -> Iterator[Batch]:
        while self.state[t.DONE] < self.state[t.HEAD]:
            done = self.state[t.DONE]
            batch = self._take(min(OUT_LINKS, self.state[t.NEXT_LINK]) + 1)
            if self.state[t.DONE] == done:  # one exchange has more links than that
                batch = self._take(self.state[t.NEXT_LINK] + 1)
            if batch.count:
                yield batch

    def _take(self, links: int) -> Batch:
        """Settled exchanges, as many as there is room for."""
        room = min(OUT_ROOM, self.state[t.HEAD] - self.state[t.DONE])
        wide, narrow, out_links = longs(room * WIDE), ints(room * NARROW), longs(links * LINK)
        self._buffers[t.OUT_WIDE], self._buffers[t.OUT_NARROW], self._buffers[t.OUT_LINKS] = wide, narrow, out_links
        self.state[t.OUT_LINK], self.state[t.OUT_LINK_ROOM] = 1, links
        return Batch(wide, narrow, out_links, self._gear(out.take)(self._buffers, 0, room))

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
        b, size = self._buffers, self.state[t.RING_MASK] + 1
        if self.state[t.LINK_ROOM] < t.MAX_LINKS and self.state[t.NEXT_LINK] + t.SPARE_LINKS > self.state[t.LINK_ROOM]:
            b[t.LINKS].extend(longs(self.state[t.LINK_ROOM] * LINK))
            self.state[t.LINK_ROOM] *= 2
        elif self.state[t.TAIL] - self.state[t.DONE] + settle.PAIRS_AT_ONCE <= self.state[t.RING_MASK]:
            self._make_nodes(2 * (self.state[t.NODE_MASK] + 1))
        elif size < self._largest:
            self._make_ring(2 * size)
        else:
            self._gear(settle.evict)(b, 0, size // 8)

    def _make_ring(self, size: int) -> None:
        """Rings of this size, with what the present ones hold."""
        b, state = self._buffers, self.state
        old, wides, narrows = state[t.RING_MASK] + 1, longs(size * WIDE), ints(size * NARROW)
        pair = state[t.DONE]
        while pair < state[t.TAIL]:  # stretches that lie in one piece in both rings
            at, to = pair & old - 1, pair & size - 1
            count = min(old - at, size - to, state[t.TAIL] - pair)
            wides[to * WIDE : (to + count) * WIDE] = b[t.WIDES][at * WIDE : (at + count) * WIDE]
            narrows[to * NARROW : (to + count) * NARROW] = b[t.NARROWS][at * NARROW : (at + count) * NARROW]
            pair += count
        b[t.WIDES], b[t.NARROWS] = wides, narrows
        state[t.RING_MASK] = size - 1
        b[t.CLIENT_HEADS] = longs(2 * size)
        state[t.CLIENT_MASK] = 2 * size - 1
        self._gear(ring.chain_clients)(b, state[t.HEAD], state[t.TAIL])
        if state[t.NODE_MASK] < NODES_AT_FIRST * size:
            self._make_nodes(NODES_AT_FIRST * size)

    def _make_nodes(self, size: int) -> None:
        """A ring of so many nodes, with what the present one holds."""
        b, state = self._buffers, self.state
        b[t.OLD_NODES], state[t.OLD_NODE_MASK] = b[t.NODES], state[t.NODE_MASK]
        b[t.NODES], b[t.KEY_HEADS] = longs(size * t.NODE), longs(2 * size)
        state[t.NODE_MASK], state[t.KEY_MASK] = size - 1, 2 * size - 1
        self._gear(ring.move_nodes)(b, state[t.NODE_HEAD], state[t.NODE_TAIL])
        b[t.OLD_NODES] = b""
