"""Frames and captures for tests, an octet at a time: small functions that nest."""

import os
import shutil
import struct
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from capanalyze.capture import Capture, open_capture
from capanalyze.packets.messages import Message, Part, read_messages

MAC_TARGET, MAC_PEER = bytes.fromhex("0017f2dfcdb3"), bytes.fromhex("00163e000020")
TARGET, PEER = "192.0.2.10", "198.51.100.7"
START = 1_193_652_786  # 2007-10-29T10:13:06Z, when the article's capture was taken


def udp(sport: int, dport: int, payload: bytes = b"") -> bytes:
    return struct.pack(">4H", sport, dport, 8 + len(payload), 0) + payload


def tcp(sport: int, dport: int, flags: str, seq: int = 0, ack: int = 0, payload: bytes = b"") -> bytes:
    bits = sum({"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}[flag] for flag in flags)
    return struct.pack(">2H2I2B3H", sport, dport, seq, ack, 5 << 4, bits, 65535, 0, 0) + payload


def icmp(kind: int, code: int = 0, rest: bytes = bytes(4), payload: bytes = b"") -> bytes:
    return struct.pack(">2BH", kind, code, 0) + rest + payload


def ipv4(
    source: str,
    destination: str,
    protocol: int,
    payload: bytes,
    *,
    ident: int = 1,
    offset: int = 0,
    more: bool = False,
    total: int | None = None,
) -> bytes:
    """An IPv4 packet, or a fragment of one; `total` is the length that it claims, where that is another."""
    flags = offset // 8 | (0x2000 if more else 0)
    addresses = IPv4Address(source).packed + IPv4Address(destination).packed
    return (
        struct.pack(">2B3H2BH", 0x45, 0, total or 20 + len(payload), ident, flags, 64, protocol, 0)
        + addresses
        + payload
    )


def ipv6(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    head = struct.pack(">IH2B", 6 << 28, len(payload), protocol, 64)
    return head + ip_address(source).packed + ip_address(destination).packed + payload


def ethernet(payload: bytes, kind: int = 0x0800, source: bytes = MAC_PEER, destination: bytes = MAC_TARGET) -> bytes:
    return destination + source + struct.pack(">H", kind) + payload


def pcap(
    frames: Sequence[tuple[float, bytes]],
    link: int = 101,
    *,
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    snaplen: int = 65535,
) -> bytes:
    """A pcap file of (seconds, octets) frames."""
    units = 1_000_000_000 if magic == 0xA1B23C4D else 1_000_000
    octets = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)
    for time, frame in frames:
        whole = round(Fraction(time) * units)
        kept = frame[:snaplen]
        octets += struct.pack(order + "4I", whole // units, whole % units, len(kept), len(frame))
        if magic == 0xA1B2CD34:
            octets += bytes(8)
        octets += kept
    return octets


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """One pcapng block."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """One pcapng option."""
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int, options: bytes = b"", order: str = "<", snaplen: int = 0) -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + options, order)


def enhanced(number: int, stamp: int, frame: bytes, options: bytes = b"", order: str = "<") -> bytes:
    head = struct.pack(order + "5I", number, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame + bytes(-len(frame) % 4) + options, order)


def scanned(path: Path, octets: bytes) -> Part:
    """The messages of a capture with these octets."""
    path.write_bytes(octets)
    capture = open_capture(str(path))
    part = read_messages(capture)
    capture.finish()
    return part


def messages(path: Path, octets: bytes) -> list[Message]:
    return list(scanned(path, octets).messages())


def ntp(
    mode: int = 3, *, transmit: int = 0, origin: int = 0, receive: int = 0, stratum: int = 2, leap: int = 0
) -> bytes:
    """An NTP message with these timestamps (64 bits each)."""
    head = struct.pack(">4B", leap << 6 | 4 << 3 | mode, stratum, 6, 0xEC) + bytes(12) + bytes(8)
    return head + struct.pack(">3Q", origin, receive, transmit)


def dns(ident: int, name: str, kind: int = 1, *, response: bool = False, klass: int = 1) -> bytes:
    """A DNS message with one question, and one answer if it is a response."""
    question = (
        b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        + b"\0"
        + struct.pack(">2H", kind, klass)
    )
    answer = b"\xc0\x0c" + struct.pack(">2HIH", kind, klass, 60, 4) + bytes(4) if response else b""
    return struct.pack(">6H", ident, 0x8180 if response else 0x0100, 1, int(response), 0, 0) + question + answer


def packet(source: str, destination: str, protocol: int, payload: bytes, *, ident: int = 1) -> bytes:
    """An IP packet of the version of its addresses."""
    if ":" in source:
        return ipv6(source, destination, protocol, payload)
    return ipv4(source, destination, protocol, payload, ident=ident)


def datagram(source: str, sport: int, destination: str, dport: int, payload: bytes = b"", *, ident: int = 1) -> bytes:
    """A UDP datagram in its IP packet."""
    return packet(source, destination, 17, udp(sport, dport, payload), ident=ident)


def segment(
    source: str,
    sport: int,
    destination: str,
    dport: int,
    flags: str,
    *,
    seq: int = 0,
    ack: int = 0,
    payload: bytes = b"",
    ident: int = 1,
) -> bytes:
    """A TCP segment in its IP packet."""
    return packet(source, destination, 6, tcp(sport, dport, flags, seq, ack, payload), ident=ident)


def icmp_error(quoted: bytes, kind: int, code: int, *, sender: str = "", octets: int = 512) -> bytes:
    """An ICMP error about a packet, of its IP version, quoting so many octets behind its IP header.

    Whoever was to get the packet sends it, unless another sender is named.
    """
    if quoted[0] >> 4 == 6:
        source, destination, header, protocol = quoted[8:24], quoted[24:40], 40, 58
    else:
        source, destination, header, protocol = quoted[12:16], quoted[16:20], 20, 1
    error = icmp(kind, code, payload=quoted[: header + octets])
    return packet(sender or str(ip_address(destination)), str(ip_address(source)), protocol, error)


def pcapng(frames: Sequence[tuple[int, float, bytes]], links: Sequence[int] = (101, 101)) -> bytes:
    """A pcapng file of (interface, seconds, octets) frames; the interfaces have these link types and no names."""
    octets = section() + b"".join(interface(link) for link in links)
    return octets + b"".join(enhanced(number, round(time * 1_000_000), frame) for number, time, frame in frames)


def dns_name(name: str) -> bytes:
    """A name as on the wire, RFC 1035 section 3.1."""
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def question(name: str | bytes, kind: int = 1, klass: int = 1) -> bytes:
    """A question of a DNS message, RFC 1035 section 4.1.2; octets as a name are a compressed one."""
    return (name if isinstance(name, bytes) else dns_name(name)) + struct.pack(">2H", kind, klass)


def record(name: str | bytes, kind: int = 1, klass: int = 1, *, ttl: int = 120, data: bytes = bytes(4)) -> bytes:
    """A resource record, RFC 1035 section 4.1.3."""
    return question(name, kind, klass) + struct.pack(">IH", ttl, len(data)) + data


def dns_message(
    ident: int,
    flags: int,
    questions: Sequence[bytes] = (),
    answers: Sequence[bytes] = (),
    authorities: Sequence[bytes] = (),
    additionals: Sequence[bytes] = (),
) -> bytes:
    """A message in the DNS format of these parts, RFC 1035 section 4.1."""
    parts = (questions, answers, authorities, additionals)
    return struct.pack(">6H", ident, flags, *map(len, parts)) + b"".join(b"".join(part) for part in parts)


def obsolete(number: int, stamp: int, frame: bytes, options: bytes = b"", order: str = "<") -> bytes:
    """A packet block, which the enhanced one has replaced."""
    head = struct.pack(order + "2H4I", number, 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
    return block(2, head + frame + bytes(-len(frame) % 4) + options, order)


def simple(frame: bytes, order: str = "<", size: int | None = None) -> bytes:
    """A simple packet block; `size` octets were on the wire."""
    return block(3, struct.pack(order + "I", len(frame) if size is None else size) + frame, order)


def dissected(path: Path, *fields: str, options: Sequence[str] = ()) -> list[list[str]]:
    """These fields of all frames as tshark sees them; a field that occurs more than once has commas."""
    if not shutil.which("tshark"):
        pytest.skip("tshark is not here")
    wanted = [word for field in fields for word in ("-e", field)]
    command = ["tshark", "-n", "-r", str(path), *options, "-T", "fields", "-E", "occurrence=a", *wanted]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"})
    return [line.split("\t") for line in result.stdout.splitlines()]


def read(path: Path, octets: bytes) -> tuple[Part, Capture]:
    """The messages of a capture with these octets, and what the capture says of itself."""
    path.write_bytes(octets)
    capture = open_capture(str(path))
    part = read_messages(capture)
    capture.finish()
    return part, capture
