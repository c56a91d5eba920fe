"""Messages in, settled exchanges out: the core's table of open exchanges, and room for what it hands on.

At most `LARGEST` exchanges are open at a time. Beyond that the oldest are let go before their time, and counted: only
then may a result differ from one with more room.
"""

from __future__ import annotations

from array import array
from functools import cache
from typing import TYPE_CHECKING

from capanalyze.buffers import ints, longs
from capanalyze.core.core import Pairs
from capanalyze.exchanges.batch import Batch, host_text
from capanalyze.exchanges.row import LINK, NARROW, WIDE
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, port_table, service_table
from capanalyze.protocols._protocol import KINDS, SECOND, Protocol
from capanalyze.protocols.udp import IDLE
from capanalyze.services import REGISTERED
from capanalyze.silence import ONE_WAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LATE = 30 * SECOND  # how long a reply with the key of a request is still told apart from a stray one
EARLY = SECOND // 1000  # how long before its request a reply may stand in the file
ESTABLISHED = 60 * SECOND  # how long a connection without a word from the client may still be taken back
LARGEST = 1 << 17
OUT_ROOM = 8192
OUT_LINKS = 8192
TRANSPORTS = ("udp", "tcp", "icmp")
IN_STREAM = 3  # in the place of a transport: `STREAM_TRANSPORT` of `pairing.pxd`
IS_REGISTERED, IS_ONE_WAY = 2, 4  # facts about a port, as `pairing.pxd` has them


def patience(index: int, protocol: Protocol) -> int:
    """How long something may still be added to a request: behind its window, a reply is late but known by its key."""
    if index == GENERIC_UDP:
        return IDLE
    return protocol.window if protocol.by_question else max(protocol.window, protocol.resends, LATE)


def waits_and_facts() -> tuple[array[int], array[int]]:
    """The lengths of waiting, and what the rules need to know of each protocol: `Facts` of `exchange.pxd`."""
    waits = [EARLY, IDLE, ESTABLISHED]
    for index, protocol in enumerate(PROTOCOLS):
        for length in (protocol.window, patience(index, protocol)):
            if length not in waits:
                waits.append(length)
    facts = array("q")
    for index, protocol in enumerate(PROTOCOLS):
        facts.extend((protocol.window, protocol.resends))
        facts.extend((waits.index(protocol.window), waits.index(patience(index, protocol))))
        transport = IN_STREAM if protocol.in_stream else TRANSPORTS.index(protocol.transport)
        facts.extend((transport, protocol.by_question, protocol.by_key_alone))
        facts.extend((protocol.by_question or protocol.by_endpoint, protocol.converses, protocol.tells_unasked))
    return array("q", waits), facts


@cache
def port_facts() -> bytes:
    """What the rules need to know of each UDP port: bits, and behind those the module that serves it."""
    found = bytearray(65536)
    for transport, port in REGISTERED:
        if transport == "udp":
            found[port] |= IS_REGISTERED
    for row in ONE_WAY:
        for port in row.ports:
            found[port] |= IS_ONE_WAY
    return bytes(found) + port_table()


class Engine:
    """Pairs messages that arrive in order of their clocks.

    Args:
        sources: for each capture the number of its source; the pieces of a rotated capture are one source.
        largest: exchanges that may be open at a time.
    """

    def __init__(self, sources: Sequence[int], *, largest: int | None = None) -> None:
        waits, facts = waits_and_facts()
        numbers = array("q", sources or [0])
        self._pairs = Pairs(facts, waits, port_facts(), service_table(KINDS), numbers, largest or LARGEST)
        self._link_room = OUT_LINKS
        self._new_room()

    def feed(self, rows: array[int], pool: array[int], count: int) -> list[Batch]:
        """Take in `count` messages, dated and in order; the exchanges that are settled by then."""
        batches: list[Batch] = []
        done = 0
        while True:
            done, settled, links = self._pairs.feed(rows, pool, done, count, *self._room)
            if settled:
                batches.append(self._batch(settled, links))
            elif done < count:
                self._make_room()
            if done == count:
                return batches

    def finish(self) -> Iterator[Batch]:
        """Settle all that is open."""
        done = False
        while not done:
            done, settled, links = self._pairs.finish(*self._room)
            if settled:
                yield self._batch(settled, links)
            elif not done:
                self._make_room()

    def remaining(self) -> Iterator[tuple[Batch, int, int]]:
        """What is open, without its frames: rows from the one to before the other number of a batch."""
        wide, narrow, number = longs(OUT_ROOM * WIDE), ints(OUT_ROOM * NARROW), 0
        while self._pairs.taken[0]:
            count, number = self._pairs.look(number, wide, narrow)
            yield Batch(wide, narrow, longs(LINK), count), 0, count
            if not number:
                return

    def malformed(self) -> dict[tuple[int, int, int], int]:
        """Messages that did not parse, by capture, module and kind."""
        return self._pairs.malformed()

    def same_packet(self) -> tuple[int, int] | None:
        """Two frames of different sources that hold the same packet, if there are any."""
        first, second = self._pairs.same_packet
        return (first, second) if first else None

    def behind(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Endpoints of the host, and the ones behind it that it passes their requests on to; of the first ones."""
        return {
            (host_text(high, low), port): (host_text(other_high, other_low), other_port)
            for (high, low, port), (other_high, other_low, other_port) in self._pairs.behind
        }

    @property
    def evicted(self) -> tuple[int, int]:
        """Exchanges that were let go before their time, for want of room; those of them whose window was not over."""
        return self._pairs.evicted

    def _batch(self, settled: int, links: int) -> Batch:
        """What was settled, copied: the room serves anew."""
        wide, narrow, frames = self._room
        return Batch(wide[: settled * WIDE], narrow[: settled * NARROW], frames[: links * LINK], settled)

    def _make_room(self) -> None:
        """One exchange has more frames than there is room for."""
        self._link_room = self._pairs.taken[1] + 1
        self._new_room()
        self._link_room = OUT_LINKS

    def _new_room(self) -> None:
        self._room = longs(OUT_ROOM * WIDE), ints(OUT_ROOM * NARROW), longs(self._link_room * LINK)
