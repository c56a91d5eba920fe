"""Writes pcapng: frames of any captures, each with a comment, in one little-endian section.

https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html, sections 3.1 (options) and 4.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from capanalyze.capture.pcapng import BYTE_ORDER_MAGIC, ENHANCED_PACKET, EPB_FLAGS, INTERFACE_DESCRIPTION, PROMISCUOUS
from capanalyze.capture.pcapng import SECTION_HEADER as SECTION
from capanalyze.packets.message import ELSEWHERE, INBOUND, OUTBOUND

COMMENT, USER_APPLICATION = 1, 4
IF_NAME, IF_DESCRIPTION, IF_IPV4, IF_IPV6, IF_TSRESOL = 2, 3, 4, 5, 9
NANOSECONDS = b"\x09"
FLAGS = {INBOUND: 1, OUTBOUND: 2, ELSEWHERE: 1 | PROMISCUOUS << 2}
SECOND = 1_000_000_000
LONGEST = 0xFFFF  # octets of an option
NO_STAMP = (1 << 64) - 1  # beyond any calendar

Option = tuple[int, bytes]


@dataclass(frozen=True)
class Origin:
    """An interface that frames came by."""

    link_type: int
    snaplen: int
    name: str | None = None
    description: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packet:
    """A frame to be written: `time` is nanoseconds since 1970, None for none; `size` octets were sent."""

    origin: int
    time: int | None
    octets: bytes
    size: int
    direction: int = 0
    comments: tuple[str, ...] = field(default=())


def to_pcapng(origins: Sequence[Origin], packets: Iterable[Packet], writer: str) -> bytes:
    """The octets of a capture; `writer` is the program that it names."""
    header = struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1) + _options([(USER_APPLICATION, writer.encode())])
    blocks = [_block(SECTION, header)]
    blocks += [_block(INTERFACE_DESCRIPTION, _interface(origin)) for origin in origins]
    blocks += [_block(ENHANCED_PACKET, _packet(packet)) for packet in packets]
    return b"".join(blocks)


def _interface(origin: Origin) -> bytes:
    texts = ((IF_NAME, origin.name), (IF_DESCRIPTION, origin.description))
    options = [(code, _utf8(text)) for code, text in texts if text]
    for address in map(ip_address, origin.addresses):
        mask = b"\xff" * 4 if address.version == 4 else b"\x80"
        options.append((IF_IPV4 if address.version == 4 else IF_IPV6, address.packed + mask))
    options.append((IF_TSRESOL, NANOSECONDS))
    return struct.pack("<HHI", origin.link_type, 0, origin.snaplen) + _options(options)


def _packet(packet: Packet) -> bytes:
    stamp = packet.time if packet.time is not None and 0 <= packet.time < 1 << 63 else NO_STAMP
    options = [(COMMENT, _utf8(comment)) for comment in packet.comments]
    if packet.direction in FLAGS:
        options.append((EPB_FLAGS, struct.pack("<I", FLAGS[packet.direction])))
    fixed = struct.pack(
        "<IIIII",
        packet.origin,
        stamp >> 32,
        stamp & 0xFFFFFFFF,
        len(packet.octets),
        max(packet.size, len(packet.octets)),
    )
    return fixed + _padded(packet.octets) + _options(options)


def _options(options: Iterable[Option]) -> bytes:
    written = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options]
    return b"".join([*written, bytes(4)]) if written else b""


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")[:LONGEST]
