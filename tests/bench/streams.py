"""Much data: long TCP connections with full segments, acknowledgements, and datagrams that look like QUIC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.bench.dice import ADDRESSES, PORTS
from tests.bench.frames import PAYLOAD, SPORT, Group, Layout, answered, asked, from_anyone, to_anyone
from tests.bench.others import (
    ACCEPTS,
    ACK_FLAG,
    PUSH_FLAG,
    STAMP,
    SYNS,
    TCP,
    TCP_PLACES,
    idents,
    segment,
    strangers,
)

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from tests.bench.dice import Dice, Numbers

FULL = 1448
SERVER_PORT = 443
CONNECTIONS, SEGMENTS_EACH = 4000, 50  # small captures have fewer connections
TURN, LEAST = 64, 4096  # of so many connections one ends with a batch, if the batch has so many segments
UPLOADS = 5  # of so many connections one sends to the target
ACKED = 8  # every so many segments
DATA = SPORT + 32
FIN_FLAG = 0x01
STORE = 16 * 1024 * 1024  # of random octets, more than a compressor looks back
MASK = 0xFFFFFFFF

DATA_PLACES = {**TCP_PLACES, "payload": (DATA, f"V{FULL}")}
TO_TARGET = Layout([from_anyone(TCP, segment(ACK_FLAG, STAMP, bytes(FULL)))], DATA_PLACES)
FROM_TARGET = Layout([to_anyone(TCP, segment(ACK_FLAG | PUSH_FLAG, STAMP, bytes(FULL)))], DATA_PLACES)
ACKS_TO_TARGET = Layout([from_anyone(TCP, segment(ACK_FLAG, STAMP))], TCP_PLACES)
ACKS_FROM_TARGET = Layout([to_anyone(TCP, segment(ACK_FLAG, STAMP))], TCP_PLACES)
ENDS = Layout([to_anyone(TCP, segment(ACK_FLAG | FIN_FLAG, STAMP))], TCP_PLACES)
CLIENT_ENDS = Layout([from_anyone(TCP, segment(ACK_FLAG | FIN_FLAG, STAMP))], TCP_PLACES)

QUIC_SIZES = (1200, 1232, 1250)
QUIC_FLOWS = 500
SHORT_HEADER = 0x40
QUIC = [
    (wrap(SERVER_PORT, bytes([SHORT_HEADER]) + bytes(size - 1)), size, inward)
    for wrap, inward in ((asked, True), (answered, False))
    for size in (QUIC_SIZES if not inward else (QUIC_SIZES[0], 40))
]
QUIC_LAYOUTS = [
    (Layout([frame], {"payload": (PAYLOAD + 1, f"V{size - 1}")}), size - 1, inward) for frame, size, inward in QUIC
]
QUIC_WEIGHTS = (2, 1, 3, 2, 2)


class Store:
    """Random octets to fill payloads with, so that nothing compresses."""

    def __init__(self, dice: Dice) -> None:
        self._octets = np.frombuffer(dice.random.bytes(STORE), np.uint8)

    def pieces(self, dice: Dice, size: int, count: int) -> NDArray[np.void]:
        """So many pieces of this size."""
        every = np.ndarray((STORE - size + 1,), f"V{size}", buffer=self._octets, strides=(1,))
        return every[dice.below(len(every), count)]


class Connections:
    """TCP connections with the target, all opened in the first batch; some end and others begin in later ones."""

    def __init__(self, dice: Dice, store: Store, segments: int) -> None:
        self._store = store
        self._count = min(CONNECTIONS, max(4, segments // SEGMENTS_EACH))
        self._client, self._port = strangers(dice, self._count)
        self._data = dice.below(1 << 32, self._count)  # next sequence number of the end that sends data
        self._other = dice.below(1 << 32, self._count)  # that of the other end
        self._upload = np.arange(self._count) % UPLOADS == 0
        self._opened = False
        self._next = 0  # the first of those that will end next

    def __call__(self, dice: Dice, times: Numbers) -> list[Group]:
        """A segment of data for each time."""
        if not len(times):
            return []
        start, span = int(times[0]), int(times[-1] - times[0])
        if not self._opened:
            self._opened = True
            groups = self._open(dice, np.arange(self._count), start, start + span // 10)
            return groups + self._send(dice, start + span // 10 + 1000 + (times - start) * 8 // 10, self._count)
        leaving = self._count // TURN if len(times) >= LEAST else 0
        groups = self._replace(dice, start, span, leaving) if leaving else []
        return groups + self._send(dice, times, self._count - leaving)

    def _replace(self, dice: Dice, start: int, span: int, count: int) -> list[Group]:
        """Some connections end early in the batch; late in it others take their places. Meanwhile they are idle."""
        slots = (self._next + np.arange(count)) % self._count
        self._next = int(slots[-1] + 1) % self._count
        groups = self._close(dice, slots, start + span // 8)
        self._client[slots], self._port[slots] = strangers(dice, count)
        self._data[slots], self._other[slots] = dice.below(1 << 32, count), dice.below(1 << 32, count)
        return groups + self._open(dice, slots, start + span * 3 // 4, start + span * 7 // 8)

    def _ends(self, slots: Numbers, *, inward: bool) -> dict[str, Numbers | int]:
        client, port = self._client[slots], self._port[slots]
        if inward:
            return {"source": client, "sport": port, "dport": SERVER_PORT}
        return {"destination": client, "dport": port, "sport": SERVER_PORT}

    def _frames(self, dice: Dice, layout: Layout, slots: Numbers, times: Numbers, **values: Any) -> Group:
        inward = layout in INWARD
        values |= self._ends(slots, inward=inward)
        return Group(times, layout.frames(len(slots), ident=idents(dice, times), **values))

    def _open(self, dice: Dice, slots: Numbers, low: int, high: int) -> list[Group]:
        """The three segments that open a connection; then each end has sent one number."""
        when = np.sort(dice.between(low, high, len(slots)))
        client, target = self._sequence(slots)
        groups = [
            self._frames(dice, SYNS, slots, when, seq=client),
            self._frames(dice, ACCEPTS, slots, when + 60, seq=target, ack=(client + 1) & MASK),
            self._frames(dice, ACKS_TO_TARGET, slots, when + 400, seq=(client + 1) & MASK, ack=(target + 1) & MASK),
        ]
        self._data[slots] += 1
        self._other[slots] += 1
        return groups

    def _close(self, dice: Dice, slots: Numbers, start: int) -> list[Group]:
        """The three segments that close one, the target first."""
        when = start + np.sort(dice.below(1000, len(slots)))
        client, target = self._sequence(slots)
        return [
            self._frames(dice, ENDS, slots, when, seq=target, ack=client),
            self._frames(dice, CLIENT_ENDS, slots, when + 300, seq=client, ack=(target + 1) & MASK),
            self._frames(dice, ACKS_FROM_TARGET, slots, when + 340, seq=(target + 1) & MASK, ack=(client + 1) & MASK),
        ]

    def _sequence(self, slots: Numbers) -> tuple[Numbers, Numbers]:
        """The next sequence numbers of the clients and of the target."""
        upload, data, other = self._upload[slots], self._data[slots], self._other[slots]
        return np.where(upload, data, other) & MASK, np.where(upload, other, data) & MASK

    def _send(self, dice: Dice, times: Numbers, busy: int) -> list[Group]:
        """Segments of connections that are not about to change, and acknowledgements of some of them."""
        slots = (self._next + dice.below(busy, len(times))) % self._count
        seq = self._data[slots] + FULL * ranks(slots)
        self._data += FULL * np.bincount(slots, minlength=self._count)
        self._data &= MASK
        acked = np.arange(len(times)) % ACKED == ACKED - 1
        stamp = times // 1000 & MASK
        groups = []
        for upload, data, acks in ((True, TO_TARGET, ACKS_FROM_TARGET), (False, FROM_TARGET, ACKS_TO_TARGET)):
            chosen = self._upload[slots] == upload
            some = slots[chosen]
            payload = self._store.pieces(dice, FULL, len(some))
            values = {"seq": seq[chosen] & MASK, "ack": self._other[some] & MASK, "stamp": stamp[chosen]}
            groups.append(self._frames(dice, data, some, times[chosen], payload=payload, **values))
            chosen &= acked
            some = slots[chosen]
            late = times[chosen] + dice.between(60, 400, len(some))
            values = {"ack": (seq[chosen] + FULL) & MASK, "seq": self._other[some] & MASK, "stamp": late // 1000 & MASK}
            groups.append(self._frames(dice, acks, some, late, **values))
        return groups


INWARD = (TO_TARGET, ACKS_TO_TARGET, CLIENT_ENDS, SYNS)


def ranks(slots: Numbers) -> Numbers:
    """How many earlier elements have the same value, for each."""
    order = np.argsort(slots, kind="stable")
    first = np.searchsorted(slots[order], slots[order])
    rank = np.empty_like(slots)
    rank[order] = np.arange(len(slots)) - first
    return rank


class Datagrams:
    """Flows of datagrams that look like QUIC behind its handshake."""

    def __init__(self, dice: Dice, store: Store) -> None:
        self._store = store
        self._client = ADDRESSES[dice.below(len(ADDRESSES), QUIC_FLOWS)]
        self._port = PORTS[dice.below(len(PORTS), QUIC_FLOWS)]

    def __call__(self, dice: Dice, times: Numbers) -> list[Group]:
        """A datagram for each time."""
        kind = dice.choose(QUIC_WEIGHTS, len(times))
        groups = []
        for number, (layout, size, inward) in enumerate(QUIC_LAYOUTS):
            when = times[kind == number]
            flow = dice.below(QUIC_FLOWS, len(when))
            client, port = self._client[flow], self._port[flow]
            ends = {"source": client, "sport": port} if inward else {"destination": client, "dport": port}
            payload = self._store.pieces(dice, size, len(when))
            groups.append(Group(when, layout.frames(len(when), ident=idents(dice, when), payload=payload, **ends)))
        return groups
