"""Thousands of frames at once: a layout is a few frames of one length, and the places where copies of them differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tests.build import datagram, ethernet
from tests.build import packet as ip_packet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from tests.bench.dice import Numbers

Octets: TypeAlias = NDArray[np.uint8]

MAC_TARGET, MAC_ROUTER = bytes.fromhex("020000000001"), bytes.fromhex("0200000000fe")
TARGET = "192.0.2.10"
ANYONE = "0.0.0.0"  # stands where a client's address is filled in
FAR_TTL = 54

# Offsets in an Ethernet frame: RFC 791 section 3.1, RFC 768.
IP, IDENT, TTL, CHECKSUM, SOURCE, DESTINATION = 14, 18, 22, 24, 26, 30
SPORT, DPORT, PAYLOAD = 34, 36, 42
PLACES = {
    "ident": (IDENT, ">u2"),
    "checksum": (CHECKSUM, ">u2"),
    "source": (SOURCE, ">u4"),
    "destination": (DESTINATION, ">u4"),
    "sport": (SPORT, ">u2"),
    "dport": (DPORT, ">u2"),
}


@dataclass(frozen=True)
class Group:
    """Frames of one length: microseconds since the capture's start, octets, and whose request or reply they are.

    `exchanges` has a number for each frame, or a row of as many numbers for each: of the exchanges that it belongs to.
    """

    times: Numbers
    octets: Octets
    exchanges: Numbers | None = None
    reply: bool = False

    def only(self, chosen: NDArray[np.bool_]) -> Group:
        """Some of them."""
        exchanges = None if self.exchanges is None else self.exchanges[chosen]
        return Group(self.times[chosen], self.octets[chosen], exchanges, self.reply)


class Layout:
    """Frames of one length and the places (offset, numpy format) of their fields; those of PLACES if they are IPv4."""

    def __init__(self, frames: Sequence[bytes], places: Mapping[str, tuple[int, str]] | None = None) -> None:
        self._rows = np.frombuffer(b"".join(frames), np.uint8).reshape(len(frames), -1)
        fields = {**PLACES, **(places or {})}
        length = self._rows.shape[1]
        fields = {name: at for name, at in fields.items() if at[0] + np.dtype(at[1]).itemsize <= length}
        self._fields = np.dtype(
            {
                "names": list(fields),
                "formats": [kind for _, kind in fields.values()],
                "offsets": [offset for offset, _ in fields.values()],
                "itemsize": length,
            }
        )
        self._sums = header_sums(self._rows) if length >= SPORT else np.zeros(len(frames), np.int64)

    def frames(self, count: int, which: Numbers | None = None, **values: Any) -> Octets:
        """So many frames, each a copy of one of the layout's (the first without `which`) with these fields in it.

        With an `ident`, the IP header's checksum is set; the addresses that are filled in must be zero before.
        """
        chosen = np.zeros(count, np.int64) if which is None else which
        rows = self._rows.take(chosen, axis=0)
        fields = rows.view(self._fields)[:, 0]
        for name, value in values.items():
            fields[name] = value
        if "ident" in values:
            total = self._sums.take(chosen) + values["ident"]
            for name in ("source", "destination"):
                if name in values:
                    total += (values[name] >> 16) + (values[name] & 0xFFFF)
            fields["checksum"] = checksum(total)
        return rows


def header_sums(rows: Octets) -> Numbers:
    """The sum of the sixteen-bit words of each frame's IP header, its checksum left out."""
    words = np.ascontiguousarray(rows[:, IP:SPORT]).view(">u2").astype(np.int64)
    return words.sum(axis=1) - words[:, (CHECKSUM - IP) // 2]


def checksum(total: Numbers) -> Numbers:
    """RFC 1071: the sum of sixteen-bit words, folded and inverted."""
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def word_sum(octets: bytes) -> int:
    """The sum of sixteen-bit words, not yet folded."""
    return sum(int.from_bytes(octets[at : at + 2].ljust(2, b"\0")) for at in range(0, len(octets), 2))


def inbound(packet: bytes) -> bytes:
    """A frame with this IPv4 packet from afar, by way of the router."""
    frame = bytearray(ethernet(packet, source=MAC_ROUTER, destination=MAC_TARGET))
    frame[TTL] = FAR_TTL
    frame[IDENT : IDENT + 2] = bytes(2)
    return bytes(frame)


def outbound(packet: bytes) -> bytes:
    """A frame with this IPv4 packet of the target."""
    frame = bytearray(ethernet(packet, source=MAC_TARGET, destination=MAC_ROUTER))
    frame[IDENT : IDENT + 2] = bytes(2)
    return bytes(frame)


def asked(port: int, payload: bytes) -> bytes:
    """A frame with a datagram to this port of the target, from anyone."""
    return inbound(datagram(ANYONE, 0, TARGET, port, payload))


def answered(port: int, payload: bytes) -> bytes:
    """A frame with a datagram from this port of the target, to anyone."""
    return outbound(datagram(TARGET, port, ANYONE, 0, payload))


def from_anyone(protocol: int, payload: bytes) -> bytes:
    """A frame with a packet of this protocol to the target."""
    return inbound(ip_packet(ANYONE, TARGET, protocol, payload))


def to_anyone(protocol: int, payload: bytes) -> bytes:
    """A frame with a packet of this protocol from the target."""
    return outbound(ip_packet(TARGET, ANYONE, protocol, payload))
