"""A summary: the buffers that exchanges are summed up in, and room for more of them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

from capanalyze.buffers import ints, longs
from capanalyze.exchanges.batch import Batch
from capanalyze.exchanges.row import LINK, NARROW, WIDE
from capanalyze.packets.octets import mix
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.summary import fold, rest
from capanalyze.summary import layout as t
from capanalyze.summary.cells import code_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.audit import Mode
    from capanalyze.gear import Gear


class Kind(NamedTuple):
    """One kind of record: its numbers in the state, its buffers with the words of a record in each, its index."""

    number: int
    buffers: tuple[tuple[int, int], ...]
    heads: int
    at_first: int


def kept(first: int, rows: int) -> tuple[tuple[int, int], ...]:
    """Three buffers of rows that are kept, so many for each record."""
    return (first, rows * WIDE), (first + 1, rows * NARROW), (first + 2, rows * t.SLOT_LINKS * LINK)


KINDS = (
    Kind(t.CELL_COUNT, ((t.CELLS, t.CELL),), t.CELL_HEADS, 256),
    Kind(t.REASON_COUNT, ((t.REASONS, t.REASON),), t.REASON_HEADS, 512),
    Kind(t.DETAIL_COUNT, ((t.DETAILS, t.DETAIL_SIZE), *kept(t.KEPT, t.SLOTS)), 0, 16),
    Kind(t.SPREAD_COUNT, ((t.SPREADS, t.SPREAD),), 0, 16),
    Kind(t.TURN_COUNT, ((t.TURNS, t.TURN), *kept(t.TURN_KEPT, t.TURN_SLOTS)), t.TURN_HEADS, 64),
    Kind(t.CHANGE_COUNT, ((t.CHANGES, t.CHANGE), *kept(t.CHANGE_KEPT, 2)), 0, 64),
)
NARROW_BUFFERS = {t.KEPT_NARROWS, t.TURN_NARROWS, t.CHANGE_NARROWS, t.CELL_HEADS, t.REASON_HEADS, t.TURN_HEADS}
LINK_BUFFERS = {t.KEPT_LINKS, t.TURN_LINKS, t.CHANGE_LINKS}
PORTS_OF = {"udp": GENERIC_UDP, "tcp": TCP}


class Summary:
    """Exchanges summed up.

    Args:
        modes: of the audit: what they name in their promises is told apart in any case.
        gear: plain or compiled.
    """

    def __init__(self, modes: Sequence[Mode], gear: Gear) -> None:
        self._gear = gear
        self.state = longs(t.STATE_FIELDS)
        b: list[Any] = [b""] * t.BUFFERS
        self.buffers = b
        b[t.STATE] = self.state
        b[t.ALWAYS] = array("q", sorted(codes_of(service for mode in modes for service in mode.allow)))
        self.state[t.ALWAYS_COUNT] = len(b[t.ALWAYS])
        b[t.SENT] = longs(t.SENT_FIELDS * t.SENT_KINDS * len(PROTOCOLS))
        for kind, most in zip(KINDS, fold.MOST, strict=True):
            for buffer, _ in kind.buffers:
                # Link 0 stands for none.
                b[buffer] = ints(0) if buffer in NARROW_BUFFERS else longs(LINK * (buffer in LINK_BUFFERS))
            self._grow(kind, min(kind.at_first, most))

    def add(self, batch: Batch) -> None:
        """Sum up a batch of judged rows."""
        b = self.buffers
        b[t.WIDES], b[t.NARROWS], b[t.LINKS] = batch.wide, batch.narrow, batch.links
        done = 0
        while True:
            b[t.TOUCHED] = ints(self.state[t.DETAIL_ROOM] + self.state[t.TURN_ROOM])
            done = self._gear(fold.fold)(b, done, batch.count)
            if done == batch.count:
                break
            self._make_room()
        b[t.WIDES] = b[t.NARROWS] = b[t.LINKS] = b""

    def join_rest(self) -> None:
        """Join the ports that have no finding of their own; nothing can be added afterwards."""
        for kind, most, stage in zip(KINDS, fold.MOST, (rest.join_cells, rest.join_reasons), strict=False):
            count = self.state[kind.number]
            if self.state[kind.number + 1] < min(2 * count, most):
                self._grow(kind, min(2 * self.state[kind.number + 1], most))
            self._gear(stage)(self.buffers, 0, count)

    def rows(self, store: int) -> Batch:
        """The rows that are kept in one of the stores (KEPT, CHANGE_KEPT)."""
        wide, narrow, links = self.buffers[store : store + 3]
        return Batch(wide, narrow, links, len(wide) // WIDE)

    def _make_room(self) -> None:
        """More records of the kinds that are used up."""
        for kind, most in zip(KINDS, fold.MOST, strict=True):
            room = self.state[kind.number + 1]
            if self.state[kind.number] + 2 > room and room < most:
                self._grow(kind, min(2 * room, most))

    def _grow(self, kind: Kind, room: int) -> None:
        """Room for so many records."""
        b = self.buffers
        more = room - self.state[kind.number + 1]
        self.state[kind.number + 1] = room
        for buffer, words in kind.buffers:
            b[buffer].extend(ints(more * words) if buffer in NARROW_BUFFERS else longs(more * words))
        if not kind.heads:
            return
        heads = ints(2 * room)
        for number in range(self.state[kind.number]):
            place = hash_of(kind, b[kind.buffers[0][0]], number) & 2 * room - 1
            while heads[place]:
                place = (place + 1) & 2 * room - 1
            heads[place] = number + 1
        b[kind.heads] = heads


def hash_of(kind: Kind, records: Any, number: int) -> int:
    """Where in its index a record stands, as the stages look for it."""
    if kind.heads == t.TURN_HEADS:
        detail, high, low, which = records[number * t.TURN : number * t.TURN + 4]
        return mix(mix(mix(detail, which), low), high)
    key = records[number * kind.buffers[0][1]]
    return mix(key, key >> 20)


def codes_of(services: Iterable[str]) -> set[int]:
    """Those of some services that are ports, as numbers."""
    found = set()
    for service in services:
        transport, _, port = service.partition("/")
        if transport in PORTS_OF and port:
            found.add(code_of(PORTS_OF[transport], int(port)))
    return found
