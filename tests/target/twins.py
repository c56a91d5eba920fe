"""Twins of captures: the same packets with something taken away or changed that does not change who captured them."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

from capanalyze.again import Frame, read_again
from capanalyze.capture import open_capture
from capanalyze.packets.messages import Message, read_messages
from tests.build import enhanced, interface, option, section

IP_BEHIND = {1: 14, 113: 16, 276: 20, 101: 0, 12: 0, 14: 0, 228: 0, 229: 0, 9: 4, 50: 4, 0: 4, 108: 4}
PKTAP = 258
LATEST = (1 << 63) - 1  # nanoseconds
NANOSECONDS = option(9, b"\x09")
OWN, ELSEWHERE = bytes.fromhex("02000000000a"), bytes.fromhex("02000000000b")


@dataclass(frozen=True)
class Packet:
    """An IP packet as it was captured, `time` in nanoseconds: `leaves` is None where the capture tells no direction."""

    frame: int
    time: int
    interface: str
    octets: bytes
    source: bytes
    destination: bytes
    leaves: bool | None


def packets(path: Path) -> list[Packet]:
    """The packets of a capture that hold messages."""
    capture = open_capture(str(path))
    try:
        rows = {row.frame: row for row in read_messages(capture).messages()}
        _, frames = read_again(capture, (), rows)
        links = [one.link_type for one in capture.interfaces]
        found = [_packet(frames[number], row, links) for number, row in sorted(rows.items()) if number in frames]
    finally:
        capture.finish()
    return with_known_macs([one for one in found if one])


def with_known_macs(packets: Sequence[Packet]) -> list[Packet]:
    """Packets of links that name the sender's MAC address alone, with the receiver's where another frame shows it."""
    own = {one.interface: one.source for one in packets if one.leaves}
    others = {(one.interface, ends_of(one.octets)[0]): one.source for one in packets if not one.leaves}
    return [replace(one, destination=_receiver(one, own, others)) for one in packets]


def _receiver(one: Packet, own: dict[str, bytes], others: dict[tuple[str, bytes], bytes]) -> bytes:
    if one.destination not in (OWN, ELSEWHERE):
        return one.destination
    to = ends_of(one.octets)[1]
    if ip_address(to).is_multicast:
        return b"\x01\x00\x5e" + to[-3:] if len(to) == 4 else b"\x33\x33" + to[-4:]
    if one.leaves:
        return others.get((one.interface, to), one.destination)
    return own.get(one.interface, one.destination)


def ends_of(octets: bytes) -> tuple[bytes, bytes]:
    """The addresses in an IP header."""
    size, at = (4, 12) if octets[0] >> 4 == 4 else (16, 8)
    return octets[at : at + size], octets[at + size : at + 2 * size]


def _packet(frame: Frame, row: Message, links: Sequence[int]) -> Packet | None:
    link = links[max(frame.interface, 0)]
    at = struct.unpack_from("<I", frame.octets)[0] + 14 if link == PKTAP else IP_BEHIND.get(link)
    if at is None or len(frame.octets) <= at or frame.octets[at] >> 4 not in (4, 6):
        return None
    leaves = {1: False, 2: True, 3: False}.get(row.direction)
    return Packet(
        frame=frame.number,
        time=max(0, min(frame.seconds * 1_000_000_000 + frame.nanos, LATEST)),
        interface=f"if{row.interface}",
        octets=frame.octets[at:],
        source=mac_of(row.src_mac, OWN if leaves else ELSEWHERE),
        destination=mac_of(row.dst_mac, ELSEWHERE if leaves else OWN),
        leaves=leaves,
    )


def mac_of(number: int, otherwise: bytes) -> bytes:
    return number.to_bytes(6, "big") if number > 0 else otherwise


def written(packets: Sequence[Packet], names: Sequence[str] = (), *, told: bool = False) -> bytes:
    """A pcapng file of them as Ethernet frames; with directions where they are `told`."""
    names = names or list(dict.fromkeys(one.interface for one in packets))
    octets = section() + b"".join(interface(1, option(2, name.encode()) + NANOSECONDS) for name in names)
    for one in packets:
        kind = b"\x86\xdd" if one.octets[0] >> 4 == 6 else b"\x08\x00"
        flags = option(2, struct.pack("<I", 2 if one.leaves else 1)) if told and one.leaves is not None else b""
        frame = one.destination + one.source + kind + one.octets
        octets += enhanced(names.index(one.interface), one.time, frame, flags)
    return octets


# -- Changes -----------------------------------------------------------------------------------------


def without_macs(packets: Sequence[Packet]) -> list[Packet]:
    """All frames of a link from one MAC address to one other."""
    return [replace(one, source=ELSEWHERE, destination=OWN) for one in packets]


def renamed(packets: Sequence[Packet], names: dict[bytes, bytes]) -> list[Packet]:
    """Addresses of IP headers exchanged for others of equal length; what payloads say of them stays."""
    return [replace(one, octets=_renamed(one.octets, names)) for one in packets]


def _renamed(octets: bytes, names: dict[bytes, bytes]) -> bytes:
    size, at = (4, 12) if octets[0] >> 4 == 4 else (16, 8)
    return octets[:at] + b"".join(names.get(end, end) for end in ends_of(octets)) + octets[at + 2 * size :]
