"""Link layers: each way to carry IP leads to the same message, and tshark agrees."""

import struct
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import pytest

from capanalyze.capture import open_capture
from capanalyze.core import core
from capanalyze.errors import CaptureError
from capanalyze.packets.message import ELSEWHERE, INBOUND, OUTBOUND, UNKNOWN, address
from capanalyze.packets.steps import UNREAD_LINK
from tests.build import (
    MAC_PEER,
    MAC_TARGET,
    PEER,
    START,
    TARGET,
    dissected,
    enhanced,
    ethernet,
    interface,
    pcap,
    read,
    section,
)
from tests.packets.inner import PAYLOAD, PEER6, TARGET6, V4, V6


class Framed(NamedTuple):
    """A frame that holds V4 or V6, and what its link layer tells besides."""

    link: int
    octets: bytes
    direction: int = UNKNOWN
    interface: str | None = None
    macs: tuple[bytes, bytes] | None = None
    seen: bool = True  # by tshark 4.0


def be16(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}H", *numbers)


def tag(kind: int, payload: bytes) -> bytes:
    return be16(5, kind) + payload


def label(bottom: int, payload: bytes) -> bytes:
    return struct.pack(">I", 16 << 12 | bottom << 8 | 64) + payload


def pppoe(payload: bytes) -> bytes:
    return be16(0x1100, 7, len(payload)) + payload


def snap(payload: bytes) -> bytes:
    return bytes.fromhex("aaaa03000000") + payload


def sll(kind: int, payload: bytes, protocol: int = 0x0800, hardware: int = 1, length: int = 6) -> bytes:
    return be16(kind, hardware, length) + MAC_PEER + be16(0, protocol) + payload


def sll2(kind: int, payload: bytes, protocol: int = 0x0800, index: int = 7) -> bytes:
    return struct.pack(">HHIHBB", protocol, 0, index, 1, kind, 6) + MAC_PEER + bytes(2) + payload


def pktap(link: int, payload: bytes, flags: int = 0, name: bytes = b"en0", extra: int = 0, record: int = 1) -> bytes:
    head = struct.pack("<3I24s3I", 108 + extra, record, link, name, flags, 2, 0)
    return head + struct.pack("<Ii20sIHHi20s", 0, 4711, b"ntpd", 0, 6, 0, -1, b"") + bytes(extra) + payload


def pflog(way: int, payload: bytes, family: int = 2, length: int = 61) -> bytes:
    head = struct.pack(">4B16s16s6IB", length, family, 0, 0, b"em0", b"", 0, 0, 0, 0, 0, 0, way)
    return head.ljust((length + 3) // 4 * 4, b"\0") + payload


def tlv(kind: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def nflog(hook: int, payload: bytes, family: int = 2, order: str = "<", extra: bytes = b"") -> bytes:
    packet = tlv(1, struct.pack(">HBB", 0x0800, hook, 0), order)
    return bytes([family, 0, 0, 0]) + packet + tlv(10, b"drop!\0", order) + extra + tlv(9, payload, order)


def wireless(flags: int, payload: bytes, control: int = 0x08, extra: bytes = b"") -> bytes:
    return bytes([control, flags, 0, 0]) + MAC_TARGET + MAC_PEER + b"\2\0\0\0\0\1" + b"\0\0" + extra + snap(payload)


def ipnet(hook: int, payload: bytes, family: int = 2, version: int = 1, length: int = 24) -> bytes:
    head = struct.pack(">BBHIIIII", version, family, hook, len(payload), 7, 0, 0xFFFFFFFF, 0)
    return head.ljust(length, b"\0") + payload


def ppi(link: int, payload: bytes, fields: bytes = b"") -> bytes:
    return struct.pack("<BBHI", 0, 0, 8 + len(fields), link) + fields + payload


def juniper(flags: int, payload: bytes, extensions: bytes | None = None) -> bytes:
    extended = b"" if extensions is None else be16(len(extensions)) + extensions
    return b"MGC" + bytes([flags | (0 if extensions is None else 0x80)]) + extended + payload


def macsec(control: int, payload: bytes, channel: bytes = b"") -> bytes:
    return struct.pack(">BBI", control, 0, 1) + channel + payload + bytes(16)


def batman(kind: int, payload: bytes, length: int, version: int = 15) -> bytes:
    return bytes([kind, version, 50, 0]).ljust(length, b"\2") + payload


def radio(present: bytes, fields: bytes, padded: bool) -> bytes:
    """A radiotap header before a QoS frame of 26 octets."""
    head = struct.pack("<BBH", 0, 0, 4 + len(present + fields)) + present + fields
    return head + wireless(1, IP4, 0x88, bytes(4 if padded else 2))


def docsis(control: int, payload: bytes, extended: bytes = b"", check: int = 0) -> bytes:
    return struct.pack(">BBH", control, len(extended), len(extended + payload)) + extended + be16(check) + payload


def erf(kind: int, payload: bytes, extensions: bytes = b"") -> bytes:
    return (
        bytes(8)
        + struct.pack(">BBHHH", kind, 4, 16 + len(extensions + payload), 0, len(payload))
        + extensions
        + payload
    )


def checked(payload: bytes) -> bytes:
    """A frame with its check sequence."""
    return payload + struct.pack("<I", crc32(payload))


RADIOTAP = bytes.fromhex("00000a0000000000 0000".replace(" ", ""))
IP4, IP6 = be16(0x0800) + V4, be16(0x86DD) + V6
MACS = (MAC_PEER, MAC_TARGET)
BSD = (24, 28, 30)  # AF_INET6 of NetBSD and OpenBSD, FreeBSD, macOS; 10 is Linux, 23 Windows
BRIDGED = bytes.fromhex("aaaa030080c200070000")
PREAMBLE = b"\x55" * 7 + b"\xd5"
ACCESS_POINT = b"\2\0\0\0\0\1"

FRAMES: dict[str, Framed] = {
    "Ethernet": Framed(1, ethernet(V4), macs=MACS),
    "Ethernet, IPv6": Framed(1, ethernet(V6, 0x86DD), macs=MACS),
    "Ethernet, padded": Framed(1, ethernet(V4) + bytes(9)),
    "VLAN": Framed(1, ethernet(tag(0x0800, V4), 0x8100), macs=MACS),
    "QinQ": Framed(1, ethernet(tag(0x8100, tag(0x86DD, V6)), 0x88A8)),
    "QinQ, old types": Framed(1, ethernet(tag(0x9200, tag(0x0800, V4)), 0x9100), seen=False),
    "MPLS, 1 label": Framed(1, ethernet(label(1, V4), 0x8847)),
    "MPLS, 2 labels": Framed(1, ethernet(label(0, label(1, V6)), 0x8848)),
    "MPLS, 3 labels": Framed(1, ethernet(label(0, label(0, label(1, V4))), 0x8847)),
    "MPLS, Ethernet behind a control word": Framed(1, ethernet(label(1, bytes(4) + ethernet(V4)), 0x8847)),
    "PPPoE": Framed(1, ethernet(pppoe(be16(0x21) + V4), 0x8864), macs=MACS),
    "PPPoE in a VLAN, IPv6": Framed(1, ethernet(tag(0x8864, pppoe(be16(0x57) + V6)), 0x8100)),
    "LLC/SNAP": Framed(1, ethernet(snap(IP4), len(snap(IP4)))),
    "LLC": Framed(1, ethernet(b"\6\6\3" + V4, 3 + len(V4))),
    "PPP": Framed(9, b"\xff\3" + be16(0x21) + V4),
    "PPP, IPv6": Framed(9, b"\xff\3" + be16(0x57) + V6),
    "PPP, bare": Framed(9, be16(0x21) + V4),
    "PPP, protocol of one octet": Framed(9, b"\xff\3\x21" + V4),
    "PPP, bare, protocol of one octet": Framed(9, b"\x57" + V6),
    "PPP, MPLS": Framed(9, b"\xff\3" + be16(0x281) + label(1, V4)),
    "PPP_SERIAL": Framed(50, b"\xff\3" + be16(0x21) + V4),
    "PPP_SERIAL, Cisco": Framed(50, b"\x0f\0" + IP4),
    "PPP_SERIAL, Cisco multicast": Framed(50, b"\x8f\0" + IP6),
    "PPP_PPPD, received": Framed(166, b"\0\3" + be16(0x21) + V4, INBOUND, seen=False),
    "PPP_PPPD, sent": Framed(166, b"\1\3" + be16(0x57) + V6, OUTBOUND, seen=False),
    "PPP_PPPD, no direction": Framed(166, b"\xff\3" + be16(0x21) + V4, seen=False),
    "PPP_WITH_DIR, received": Framed(204, b"\0\xff\3" + be16(0x21) + V4, INBOUND),
    "PPP_WITH_DIR, sent": Framed(204, b"\1\xff\3" + be16(0x21) + V4, OUTBOUND),
    "PPP_WITH_DIR, received, bare": Framed(204, b"\0" + be16(0x57) + V6, INBOUND),
    "PPP_WITH_DIR, sent, bare": Framed(204, b"\1\x21" + V4, OUTBOUND),
    "NULL, little endian": Framed(0, b"\2\0\0\0" + V4),
    "NULL, big endian": Framed(0, b"\0\0\0\2" + V4),
    "LOOP": Framed(108, b"\0\0\0\2" + V4),
    "LOOP, little endian": Framed(108, b"\2\0\0\0" + V4, seen=False),
    "LINUX_SLL, host": Framed(113, sll(0, V4), INBOUND, macs=(MAC_PEER, b"")),
    "LINUX_SLL, broadcast": Framed(113, sll(1, V4), INBOUND),
    "LINUX_SLL, multicast": Framed(113, sll(2, V6, 0x86DD), INBOUND),
    "LINUX_SLL, other host": Framed(113, sll(3, V4), ELSEWHERE),
    "LINUX_SLL, outgoing": Framed(113, sll(4, V4), OUTBOUND),
    "LINUX_SLL, of a later kernel": Framed(113, sll(5, V4), UNKNOWN),
    "LINUX_SLL, without address": Framed(113, sll(4, V4, hardware=512, length=0), OUTBOUND, macs=(b"", b"")),
    "LINUX_SLL, GRE": Framed(113, sll(4, V4, hardware=778), OUTBOUND),
    "LINUX_SLL, VLAN": Framed(113, sll(0, tag(0x0800, V4), 0x8100), INBOUND),
    "LINUX_SLL, LLC": Framed(113, sll(0, snap(IP4), 4), INBOUND),
    "LINUX_SLL2, host": Framed(276, sll2(0, V4), INBOUND, "if7", (MAC_PEER, b"")),
    "LINUX_SLL2, other host": Framed(276, sll2(3, V4), ELSEWHERE, "if7"),
    "LINUX_SLL2, outgoing": Framed(276, sll2(4, V6, 0x86DD, 4_294_967_295), OUTBOUND, "if4294967295"),
    "LINUX_SLL2, VLAN": Framed(276, sll2(0, tag(0x0800, V4), 0x8100), INBOUND, "if7"),
    "LINUX_SLL2, MPLS": Framed(276, sll2(0, label(1, V4), 0x8847), INBOUND, "if7"),
    "LINUX_SLL2, PPPoE": Framed(276, sll2(0, pppoe(be16(0x21) + V4), 0x8864), INBOUND, "if7"),
    "LINUX_SLL2, LLC": Framed(276, sll2(0, snap(IP4), 4), INBOUND, "if7"),
    "PKTAP, Ethernet": Framed(258, pktap(1, ethernet(V4), 1), INBOUND, "en0", MACS),
    "PKTAP, sent": Framed(258, pktap(1, ethernet(V4), 2), OUTBOUND, "en0"),
    "PKTAP, flags besides": Framed(258, pktap(1, ethernet(V4), 0x2006), OUTBOUND, "en0"),
    "PKTAP, no direction": Framed(258, pktap(12, V4, 0, b"utun0"), UNKNOWN, "utun0"),
    "PKTAP, both directions": Framed(258, pktap(12, V4, 3, b"utun0"), UNKNOWN, "utun0"),
    "PKTAP, longer": Framed(258, pktap(1, ethernet(V4), 1, extra=48), INBOUND, "en0"),
    "PKTAP, NULL": Framed(258, pktap(0, b"\x1e\0\0\0" + V6, 2, b"lo0"), OUTBOUND, "lo0"),
    "PKTAP, PPP": Framed(258, pktap(9, b"\xff\3\0\x21" + V4, 1, b"ppp0"), INBOUND, "ppp0"),
    "PKTAP, LOOP": Framed(258, pktap(108, b"\0\0\0\2" + V4, 1, b"lo0"), INBOUND, "lo0"),
    "PKTAP, 802.11": Framed(258, pktap(105, wireless(2, IP4), 1), INBOUND, "en0"),
    "PKTAP, radiotap": Framed(258, pktap(127, RADIOTAP + wireless(2, IP4), 1), INBOUND, "en0"),
    "PKTAP, as of Mavericks": Framed(149, pktap(12, V6, 1, b"utun0"), INBOUND, "utun0"),
    "pflog, in": Framed(117, pflog(1, V4), INBOUND, "em0"),
    "pflog, out": Framed(117, pflog(2, V4), OUTBOUND, "em0"),
    "pflog, either": Framed(117, pflog(0, V4), UNKNOWN, "em0"),
    "pflog of FreeBSD, IPv6": Framed(117, pflog(1, V6, 28, 69), INBOUND, "em0"),
    "pflog of OpenBSD, IPv6": Framed(117, pflog(2, V6, 24, 100), OUTBOUND, "em0"),
    "pflog of macOS, IPv6": Framed(117, pflog(2, V6, 30), OUTBOUND, "em0"),
    "pflog, without direction": Framed(117, bytes([28, 2]) + bytes(26) + V4, UNKNOWN, "", seen=False),
    "NFLOG, input": Framed(239, nflog(1, V4), INBOUND),
    "NFLOG, output": Framed(239, nflog(3, V6, 10), OUTBOUND),
    "NFLOG, forward": Framed(239, nflog(2, V4), UNKNOWN),
    "NFLOG, padded": Framed(239, nflog(1, V4, extra=tlv(3, b"x") + tlv(0x8004, b"")), INBOUND),
    "NFLOG, big endian": Framed(239, nflog(1, V4, order=">"), INBOUND, seen=False),
    "802.11, ad hoc": Framed(105, wireless(0, IP4), macs=(MAC_PEER, MAC_TARGET)),
    "802.11, to the access point": Framed(105, wireless(1, IP4), macs=(MAC_PEER, ACCESS_POINT)),
    "802.11, from the access point": Framed(105, wireless(2, IP6), macs=(ACCESS_POINT, MAC_TARGET)),
    "802.11, between access points": Framed(105, wireless(3, IP4, extra=bytes(6))),
    "802.11, QoS": Framed(105, wireless(1, IP4, 0x88, bytes(2))),
    "802.11, QoS and HT control": Framed(105, wireless(0x81, IP4, 0x88, bytes(6))),
    "802.11, QoS between access points": Framed(105, wireless(3, IP4, 0x88, bytes(8))),
    "radiotap": Framed(127, RADIOTAP + wireless(2, IP4), macs=(ACCESS_POINT, MAC_TARGET)),
    "frame relay": Framed(107, b"\x18\x41\3\xcc" + V4),
    "frame relay, IPv6": Framed(107, b"\x18\x41\3\x8e" + V6),
    "frame relay, padded SNAP": Framed(107, b"\x18\x41\3\0\x80\0\0\0" + IP4),
    "frame relay, address of 3 octets": Framed(107, b"\x18\x40\x41\3\xcc" + V4),
    "frame relay, address of 4 octets": Framed(107, b"\x18\x40\x40\x41\3\xcc" + V4),
    "frame relay, Cisco": Framed(107, b"\x18\x41" + IP4),
    "frame relay, PPP": Framed(107, b"\x18\x41\3\xcf" + be16(0x21) + V4),
    "C_HDLC": Framed(104, b"\x0f\0" + IP4),
    "C_HDLC, multicast": Framed(104, b"\x8f\0" + IP6),
    "C_HDLC, PPP": Framed(104, b"\xff\3" + be16(0x21) + V4, seen=False),
    "LLC, NLPID": Framed(1, ethernet(b"\xfe\xfe\3\xcc" + V4, 4 + len(V4))),
    "LLC/SNAP, bridged": Framed(1, ethernet(BRIDGED + ethernet(V4), 10 + len(ethernet(V4)))),
    "jumbo LLC": Framed(1, ethernet(snap(IP4), 0x8870)),
    "ISL": Framed(1, b"\1\0\x0c\0\0\0" + MAC_PEER + be16(90) + snap(bytes(6)) + ethernet(V4), macs=MACS),
    "Cisco metadata": Framed(1, ethernet(be16(0x0101, 1, 2) + IP4, 0x8909), macs=MACS),
    "HSR": Framed(1, ethernet(be16(0x52, 1) + IP6, 0x892F), macs=MACS),
    "HSR in a VLAN": Framed(1, ethernet(tag(0x892F, be16(0x52, 1) + IP4), 0x8100)),
    "VN-Tag": Framed(1, ethernet(be16(0, 20) + IP4, 0x8926), macs=MACS),
    "VN-Tag, VLAN": Framed(1, ethernet(be16(0, 20, 0x8100) + tag(0x0800, V4), 0x8926)),
    "redundancy tag": Framed(1, ethernet(be16(0, 7) + IP4, 0xF1C1)),
    "E-Tag": Framed(1, ethernet(be16(0, 20, 0) + IP6, 0x893F)),
    "MACsec, integrity": Framed(1, ethernet(macsec(0, IP4), 0x88E5), macs=MACS),
    "MACsec, integrity, channel": Framed(1, ethernet(macsec(0x20, IP6, b"channel1"), 0x88E5)),
    "MACsec, single copy broadcast": Framed(1, ethernet(macsec(0x53, IP4), 0x88E5)),
    "FabricPath": Framed(1, ethernet(be16(1) + ethernet(V4) + bytes(4), 0x8903, ACCESS_POINT, ACCESS_POINT), macs=MACS),
    "provider backbone": Framed(1, ethernet(be16(0, 7) + ethernet(V4), 0x88E7, ACCESS_POINT, ACCESS_POINT), macs=MACS),
    "provider backbone, tagged": Framed(
        1, ethernet(tag(0x88E7, be16(0, 7) + ethernet(tag(0x86DD, V6), 0x88A8)), 0x88A8, ACCESS_POINT), macs=MACS
    ),
    "TRILL": Framed(1, ethernet(be16(0x3F, 1, 2) + ethernet(V4), 0x22F3, ACCESS_POINT), macs=MACS),
    "TRILL, options": Framed(1, ethernet(be16(0xBF, 1, 2) + bytes(8) + ethernet(V6, 0x86DD), 0x22F3)),
    "batman-adv, unicast": Framed(1, ethernet(batman(0x40, ethernet(V4), 10), 0x4305, ACCESS_POINT), macs=MACS),
    "batman-adv, four addresses": Framed(1, ethernet(batman(0x42, ethernet(V4), 18), 0x4305)),
    "batman-adv, broadcast": Framed(1, ethernet(batman(1, ethernet(V4), 14), 0x4305)),
    "Ethernet in Ethernet": Framed(1, ethernet(ethernet(V4), 0x6558)),
    "PPP in Ethernet": Framed(1, ethernet(be16(0x21) + V4, 0x880B), seen=False),
    "NSH": Framed(1, ethernet(be16(0xFC2, 0x203) + bytes(4) + ethernet(V4), 0x894F)),
    "PPPoE alone": Framed(51, pppoe(be16(0x21) + V4)),
    "SLIP, received": Framed(8, b"\0" + bytes(15) + V4, INBOUND, seen=False),
    "SLIP, sent": Framed(8, b"\1" + bytes(15) + V4, OUTBOUND, seen=False),
    "ENC, little endian": Framed(109, b"\2\0\0\0" + bytes(8) + V4),
    "ENC, big endian, IPv6": Framed(109, b"\0\0\0\x18" + bytes(8) + V6),
    "IPNET, in": Framed(226, ipnet(0, V4), INBOUND, "if7"),
    "IPNET, out, IPv6": Framed(226, ipnet(1, V6, 26, 2), OUTBOUND, "if7"),
    "IPNET, between zones": Framed(226, ipnet(2, V4), UNKNOWN, "if7"),
    "IPNET, longer": Framed(226, ipnet(0, V4, length=28), INBOUND, "if7", seen=False),
    "IP over FireWire": Framed(138, bytes(16) + IP4),
    "IP over FireWire, IPv6": Framed(138, bytes(16) + IP6),
    "PPI, Ethernet": Framed(192, ppi(1, ethernet(V4)), macs=MACS),
    "PPI, fields": Framed(192, ppi(1, ethernet(V4), be16(0x3075, 0x0400) + bytes(4))),
    "PPI, 802.11": Framed(192, ppi(105, wireless(2, IP4), struct.pack("<HH20x", 2, 20))),
    "PPI, raw": Framed(192, ppi(101, V6), seen=False),
    "radiotap, padded": Framed(127, radio(b"\2\0\0\0", b"\x20", padded=True)),
    "radiotap, flags without padding": Framed(127, radio(b"\2\0\0\0", b"\x10", padded=False)),
    "radiotap, no flags": Framed(127, radio(b"\4\0\0\0", b"\x20", padded=False)),
    "radiotap, time and padded": Framed(127, radio(b"\3\0\0\0", bytes(8) + b"\x20", padded=True)),
    "radiotap, two words, time and padded": Framed(
        127, radio(b"\3\0\0\xa0" + bytes(4), bytes(4 + 8) + b"\x20", padded=True)
    ),
    "Prism": Framed(119, b"\x44\0\0\0\x90\0\0\0" + bytes(136) + wireless(2, IP4)),
    "Prism, AVS in its place": Framed(119, bytes.fromhex("8021100100000040") + bytes(56) + wireless(2, IP4)),
    "AVS": Framed(163, bytes.fromhex("8021100100000040") + bytes(56) + wireless(2, IP4)),
    "C_HDLC_WITH_DIR": Framed(205, b"\1\x0f\0" + IP4, OUTBOUND, seen=False),
    "FRELAY_WITH_DIR": Framed(206, b"\0\x18\x41\3\xcc" + V4, INBOUND, seen=False),
    "frame relay, bridged": Framed(107, b"\x18\x41\3\0\x80\0\x80\xc2\0\7" + ethernet(V4)),
    "multilink frame relay": Framed(182, b"\xc0\7\x18\x41\3\xcc" + V4, seen=False),
    "token ring": Framed(6, b"\x10\x40" + MAC_TARGET + MAC_PEER + snap(IP4), macs=MACS),
    "token ring, routed": Framed(
        6, b"\x10\x40" + MAC_TARGET + b"\x80" + MAC_PEER[1:] + b"\6\x30\0\x11\0\x20" + snap(IP4), macs=MACS
    ),
    "FDDI": Framed(10, b"\x50" + MAC_TARGET + MAC_PEER + snap(IP4), macs=MACS),
    "Fibre Channel": Framed(122, be16(0x1000) + MAC_TARGET + be16(0x1000) + MAC_PEER + snap(IP4), macs=MACS),
    "ATM, RFC 1483": Framed(100, snap(IP4)),
    "ATM, bridged": Framed(100, BRIDGED + ethernet(V6, 0x86DD)),
    "ATM, classical": Framed(106, snap(IP4), seen=False),
    "ATM, classical, bare": Framed(106, V4),
    "SUNATM, LLC": Framed(123, b"\2\0\0\x20" + snap(IP4)),
    "SUNATM, LAN emulation": Framed(123, b"\x81\0\0\x20" + be16(1) + ethernet(V4)),
    "InfiniBand": Framed(242, bytes(40) + be16(0x0800, 0) + V4),
    "DOCSIS": Framed(143, docsis(0, ethernet(V4), check=0xE2B9), macs=MACS),
    "DOCSIS, extended": Framed(143, docsis(1, ethernet(V4), b"\x43\1\0\7", 0x9EE3)),
    "ERF, Ethernet": Framed(197, erf(2, bytes(2) + ethernet(V4))),
    "ERF, extended": Framed(197, erf(0x82, bytes(2) + ethernet(V4), b"\x83" + bytes(7) + b"\3" + bytes(7))),
    "ERF, HDLC": Framed(197, erf(1, b"\x0f\0" + IP4)),
    "ERF, IPv4": Framed(197, erf(22, V4)),
    "ERF, IPv6": Framed(197, erf(23, V6)),
    "Symantec": Framed(99, bytes(6) + be16(0x86DD) + bytes(36) + V6),
    "netANALYZER": Framed(240, b"\x40\1\0\0" + ethernet(V4) + bytes(4), seen=False),
    "netANALYZER, transparent": Framed(241, b"\x40\1\0\0" + PREAMBLE + ethernet(V4) + bytes(4), seen=False),
    "EPON": Framed(259, b"\x55\x55\xd5\x55\x55\0\7\0" + ethernet(V4)),
    "mPacket": Framed(274, PREAMBLE + checked(ethernet(V4))),
    "mPacket, preemptable": Framed(274, PREAMBLE[:-1] + b"\xe6" + ethernet(V4) + bytes(4), seen=False),
    "mPacket, short preamble": Framed(274, PREAMBLE[4:] + ethernet(V4) + bytes(4), seen=False),
    "Juniper, Ethernet": Framed(178, juniper(1, ethernet(V4)), INBOUND, macs=MACS),
    "Juniper, extended": Framed(178, juniper(0, ethernet(V4), b"\1\2\0\7"), OUTBOUND, macs=MACS),
    "Juniper, no link": Framed(178, juniper(3, b"\6\0\0\0" + V6, b""), INBOUND),
    "Juniper, PPP": Framed(179, juniper(0, b"\xff\3" + be16(0x21) + V4, b"\1\2\0\7"), OUTBOUND),
    "Juniper, frame relay": Framed(180, juniper(1, b"\x18\x41\3\xcc" + V4), INBOUND),
    "Juniper, HDLC": Framed(181, juniper(1, b"\x0f\0" + IP6), INBOUND),
    "DSA of Broadcom": Framed(281, MAC_TARGET + MAC_PEER + be16(0, 1) + IP4, macs=MACS, seen=False),
    "DSA of Broadcom, before": Framed(282, be16(0, 1) + ethernet(V4), macs=MACS, seen=False),
    "DSA": Framed(284, MAC_TARGET + MAC_PEER + be16(0xC000, 1) + IP6, macs=MACS, seen=False),
    "DSA with an EtherType": Framed(285, ethernet(be16(0, 0xC000, 1) + IP4, 0xDADA), macs=MACS, seen=False),
    **{f"raw {link}": Framed(link, V4) for link in (12, 14, 101, 228)},
    **{f"raw {link}, IPv6": Framed(link, V6) for link in (12, 14, 101, 229)},
    **{f"NULL, IPv6 as {af}": Framed(0, bytes([af, 0, 0, 0]) + V6, seen=af in BSD) for af in (*BSD, 10, 23)},
    **{f"LOOP, IPv6 as {af}": Framed(108, bytes([0, 0, 0, af]) + V6, seen=af in BSD) for af in (*BSD, 10, 23)},
}  # fmt: skip


def mac(octets: bytes) -> int:
    return int.from_bytes(octets, "big") if octets else -1


@pytest.mark.parametrize("name", FRAMES)
def test_the_message_inside_is_found(tmp_path: Path, name: str) -> None:
    frame = FRAMES[name]
    part, capture = read(tmp_path / "one.pcap", pcap([(START, frame.octets)], frame.link))
    assert part.account() == {"messages": 1}
    (found,) = part.messages()
    assert (found.sport, found.dport, found.captured, found.size) == (50000, 40000, len(PAYLOAD), len(PAYLOAD))
    ends = (str(address(found.src, found.src_low)), str(address(found.dst, found.dst_low)))
    assert ends in ((PEER, TARGET), (PEER6, TARGET6))
    assert dict(capture.pieces([(found.payload, found.captured)])) == {(found.payload, found.captured): PAYLOAD}
    assert found.direction == frame.direction
    assert capture.interface_name(found.interface) == frame.interface
    if frame.macs:
        assert (found.src_mac, found.dst_mac) == tuple(map(mac, frame.macs))


def test_every_link_type_that_is_read_is_among_the_frames() -> None:
    assert {frame.link for frame in FRAMES.values()} == {
        link for link in range(65536) if core.first_step(link) != UNREAD_LINK
    }


def test_tshark_finds_the_same_messages(tmp_path: Path) -> None:
    chosen = {name: frame for name, frame in FRAMES.items() if frame.seen}
    octets = section()
    for number, frame in enumerate(chosen.values()):
        octets += interface(frame.link) + enhanced(number, START * 10**6, frame.octets)
    path = tmp_path / "all.pcapng"
    part, _ = read(path, octets)
    ours = {
        one.frame: [str(address(one.src, one.src_low)), str(one.sport), str(one.dport), str(one.size + 8)]
        for one in part.messages()
    }
    seen = dissected(path, "ip.src", "ipv6.src", "udp.srcport", "udp.dstport", "udp.length")
    theirs = {number: [v4 or v6, *ports] for number, (v4, v6, *ports) in enumerate(seen, 1)}
    names = dict(enumerate(chosen, 1))
    assert {names[number]: row for number, row in theirs.items()} == {
        names[number]: row for number, row in ours.items()
    }


def cut(frame: bytes, by: int) -> bytes:
    return frame[:-by]


NOT_IP = "not IP (ARP, link control, management)"
MALFORMED = "malformed headers"
ENCRYPTED = "encrypted frames (Wi-Fi, MACsec, DOCSIS)"
AGGREGATE = "aggregated wireless frames, not read"
INSIDE = "tunnels and labels around something that is not read"
TOO_DEEP = "headers nested too deep"
FAMILY = "address family 7, not read"
WITHOUT_MESSAGE: dict[str, tuple[int, bytes, str]] = {
    "ARP": (1, ethernet(bytes(28), 0x0806), NOT_IP),
    "PPPoE discovery": (1, ethernet(bytes(28), 0x8863), NOT_IP),
    "spanning tree": (1, ethernet(b"\x42\x42\3" + bytes(35), 38), NOT_IP),
    "Cisco discovery": (1, ethernet(bytes.fromhex("aaaa0300000c2000") + bytes(30), 38), NOT_IP),
    "Ethernet, too short": (1, MAC_TARGET + MAC_PEER, MALFORMED),
    "VLAN, too short": (1, ethernet(be16(5), 0x8100), MALFORMED),
    "MPLS, too short": (1, ethernet(label(1, b""), 0x8847), MALFORMED),
    "MPLS, a channel's own": (1, ethernet(label(1, b"\x10" + bytes(40)), 0x8847), NOT_IP),
    "MPLS, Ethernet without a control word": (1, ethernet(label(1, b"\x20" + bytes(40)), 0x8847), INSIDE),
    "PPPoE, too short": (1, ethernet(be16(0x1100, 7), 0x8864), MALFORMED),
    "experiments": (1, ethernet(V4, 0x88B5), "EtherType 0x88b5 (local experimental 1), not read"),
    "IPX in a VLAN": (1, ethernet(tag(0x8137, V4), 0x8100), "EtherType 0x8137 (IPX), not read"),
    "an EtherType without a name": (1, ethernet(V4, 0x6666), "EtherType 0x6666, not read"),
    "a clock": (1, ethernet(bytes(44), 0x88F7), "EtherType 0x88f7 (PTP), not read"),
    "LLDP": (1, ethernet(bytes(28), 0x88CC), NOT_IP),
    "PPP, compressed": (9, b"\xff\3\0\xfd" + bytes(8), "PPP protocol 0x00fd (compressed), not read"),
    "PPP, without a name": (9, b"\xff\3\x40\x21" + bytes(8), "PPP protocol 0x4021, not read"),
    "IPCP": (9, b"\xff\3\x80\x21" + bytes(8), NOT_IP),
    "LCP": (9, b"\xff\3\xc0\x21" + bytes(8), NOT_IP),
    "PPP, too short": (9, b"\xff", MALFORMED),
    "PPP_WITH_DIR, too short": (204, b"", MALFORMED),
    "NULL, other family": (0, b"\7\0\0\0" + V4, FAMILY),
    "NULL, too short": (0, b"\2\0\0", MALFORMED),
    "LOOP, too short": (108, b"\0\0\0", MALFORMED),
    "LINUX_SLL, ARP": (113, sll(0, bytes(28), 0x0806), NOT_IP),
    "LINUX_SLL, CAN": (113, sll(0, bytes(28), 12, hardware=280), NOT_IP),
    "LINUX_SLL, too short": (113, sll(0, b"")[:15], MALFORMED),
    "LINUX_SLL2, CAN": (276, sll2(0, bytes(28), 12), NOT_IP),
    "LINUX_SLL2, experiments": (276, sll2(0, V4, 0x88B5), "EtherType 0x88b5 (local experimental 1), not read"),
    "LINUX_SLL2, ARP": (276, sll2(0, bytes(28), 0x0806), NOT_IP),
    "LINUX_SLL2, too short": (276, sll2(0, b"")[:19], MALFORMED),
    "PKTAP, no packet": (258, pktap(1, ethernet(V4), record=0), NOT_IP),
    "PKTAP, unknown inside": (258, pktap(189, V4), "link type 189 (USB_LINUX), not read"),
    "PKTAP, too short": (258, pktap(1, b"")[:107], MALFORMED),
    "PKTAP, length too small": (258, b"\x6b" + pktap(1, ethernet(V4))[1:], MALFORMED),
    "PKTAP, length too great": (258, b"\xff" + pktap(1, ethernet(V4))[1:], MALFORMED),
    "pflog, other family": (117, pflog(1, V4, 7), FAMILY),
    "pflog, too short": (117, pflog(1, b"")[:63], MALFORMED),
    "pflog, length too small": (117, b"\x10" + pflog(1, V4)[1:], MALFORMED),
    "NFLOG, no payload": (239, nflog(1, b"")[:-4], NOT_IP),
    "NFLOG, ARP": (239, nflog(1, bytes(28), 3), NOT_IP),
    "NFLOG, other family": (239, nflog(1, V4, 7), FAMILY),
    "NFLOG, other version": (239, b"\2\1" + nflog(1, V4)[2:], MALFORMED),
    "NFLOG, length too small": (239, b"\2\0\0\0" + b"\3\0\1\0", MALFORMED),
    "NFLOG, cut in the hook": (239, b"\2\0\0\0" + b"\x08\0\1\0\x08", NOT_IP),
    "NFLOG, too many": (239, b"\2\0\0\0" + tlv(2, b"") * 70 + tlv(9, V4), MALFORMED),
    "802.11, beacon": (105, wireless(0, V4, 0x80), NOT_IP),
    "802.11, acknowledgement": (105, b"\xd4\0\0\0" + MAC_PEER, NOT_IP),
    "802.11, no data": (105, wireless(1, V4, 0x48), NOT_IP),
    "802.11, encrypted": (105, wireless(0x41, IP4), ENCRYPTED),
    "802.11, aggregate": (105, wireless(1, IP4, 0x88, b"\x80\0" + ethernet(b"")), AGGREGATE),
    "802.11, too short": (105, wireless(3, IP4)[:29], MALFORMED),
    "radiotap, encrypted": (127, RADIOTAP + wireless(0x42, IP4), ENCRYPTED),
    "radiotap, other version": (127, b"\1" + RADIOTAP[1:] + wireless(2, IP4), MALFORMED),
    "radiotap, too short": (127, RADIOTAP[:7], MALFORMED),
    "radiotap, length too great": (127, b"\0\0\xff\0" + RADIOTAP[4:] + wireless(2, IP4), MALFORMED),
    "frame relay, Q.933": (107, b"\x18\x41\3\x08" + bytes(20), NOT_IP),
    "frame relay, LAPF": (107, b"\x18\x41\x7f\x08" + bytes(20), NOT_IP),
    "frame relay, a fragment": (107, b"\x18\x41\3\xb1" + bytes(20), INSIDE),
    "frame relay, too short": (107, b"\x18\x40\x40", MALFORMED),
    "tag, too short": (1, ethernet(be16(1, 2), 0x892F), MALFORMED),
    "MACsec, encrypted": (1, ethernet(macsec(0x0C, IP4), 0x88E5), ENCRYPTED),
    "MACsec, changed": (1, ethernet(macsec(4, IP4), 0x88E5), ENCRYPTED),
    "MACsec, other version": (1, ethernet(macsec(0x80, IP4), 0x88E5), INSIDE),
    "MACsec, too short": (1, ethernet(bytes(5), 0x88E5), MALFORMED),
    "TRILL, other version": (1, ethernet(be16(0x403F, 1, 2) + ethernet(V4), 0x22F3), INSIDE),
    "TRILL, too short": (1, ethernet(be16(0x3F, 1), 0x22F3), MALFORMED),
    "batman-adv, routes": (1, ethernet(batman(0, bytes(30), 24), 0x4305), NOT_IP),
    "batman-adv, a fragment": (1, ethernet(batman(0x41, V4, 20), 0x4305), INSIDE),
    "batman-adv, other version": (1, ethernet(batman(0x40, ethernet(V4), 10, 14), 0x4305), INSIDE),
    "batman-adv, too short": (1, ethernet(b"\x40", 0x4305), MALFORMED),
    "ISL, too short": (1, b"\1\0\x0c\0\0\0" + bytes(20), MALFORMED),
    "IS-IS": (1, ethernet(b"\xfe\xfe\3\x83" + bytes(30), 34), NOT_IP),
    "PPPoE discovery alone": (51, be16(0x1109, 0, 0), NOT_IP),
    "SLIP, too short": (8, bytes(15), MALFORMED),
    "ENC, other family": (109, b"\7\0\0\0" + bytes(8) + V4, FAMILY),
    "ENC, too short": (109, b"\2\0\0\0" + bytes(7), MALFORMED),
    "IPNET, other version": (226, ipnet(0, V4, version=3), MALFORMED),
    "IPNET, other family": (226, ipnet(0, V4, 7), FAMILY),
    "IPNET, too short": (226, ipnet(0, b"")[:23], MALFORMED),
    "IP over FireWire, ARP": (138, bytes(16) + be16(0x0806) + bytes(28), NOT_IP),
    "IP over FireWire, too short": (138, bytes(17), MALFORMED),
    "PPI, unknown inside": (192, ppi(189, V4), "link type 189 (USB_LINUX), not read"),
    "PPI, other version": (192, b"\1" + ppi(1, ethernet(V4))[1:], MALFORMED),
    "PPI, length too small": (192, b"\0\0\7" + ppi(1, ethernet(V4))[3:], MALFORMED),
    "PPI, length too great": (192, b"\0\0\xff" + ppi(1, ethernet(V4))[3:], MALFORMED),
    "PPI, too short": (192, ppi(1, b"")[:7], MALFORMED),
    "Prism, too short": (119, b"\x44\0\0\0\x90\0\0\0" + bytes(135), MALFORMED),
    "AVS, length too small": (163, bytes.fromhex("8021100100000007") + wireless(2, IP4), MALFORMED),
    "AVS, length too great": (163, bytes.fromhex("80211001000000ff") + wireless(2, IP4), MALFORMED),
    "AVS, too short": (163, bytes(7), MALFORMED),
    "C_HDLC_WITH_DIR, too short": (205, b"", MALFORMED),
    "token ring, control": (6, b"\x10\0" + bytes(40), NOT_IP),
    "token ring, too short": (6, b"\x10\x40" + bytes(12), MALFORMED),
    "FDDI, control": (10, b"\x41" + bytes(40), NOT_IP),
    "FDDI, too short": (10, b"\x50" + bytes(11), MALFORMED),
    "Fibre Channel, too short": (122, bytes(15), MALFORMED),
    "SUNATM, signalling": (123, b"\6\0\0\5" + bytes(30), NOT_IP),
    "SUNATM, too short": (123, b"\2\0\0", MALFORMED),
    "InfiniBand, too short": (242, bytes(43), MALFORMED),
    "DOCSIS, management": (143, docsis(0xC2, bytes(40)), NOT_IP),
    "DOCSIS, several frames": (143, docsis(0xF8, docsis(0, ethernet(V4))), INSIDE),
    "DOCSIS, encrypted": (143, docsis(1, ethernet(V4), b"\x44\1\x80\7\0"), ENCRYPTED),
    "DOCSIS, encrypted behind another element": (143, docsis(1, ethernet(V4), b"\x51\1\x35\1\x80\7\0\0"), ENCRYPTED),
    "DOCSIS, extended beyond the end": (143, b"\1\xff" + bytes(20), MALFORMED),
    "DOCSIS, too short": (143, bytes(5), MALFORMED),
    "ERF, endless extensions": (197, erf(0x82, b"\x80" * 200), TOO_DEEP),
    "ERF, extension beyond the end": (197, erf(0x82, b"\0"), MALFORMED),
    "ERF, cells": (197, erf(3, bytes(52)), INSIDE),
    "ERF, metadata": (197, erf(27, bytes(52)), NOT_IP),
    "ERF, too short": (197, bytes(15), MALFORMED),
    "Symantec, too short": (99, bytes(43), MALFORMED),
    "mPacket, verify": (274, PREAMBLE[:-1] + b"\7" + bytes(60), NOT_IP),
    "mPacket, goes on": (274, PREAMBLE[:-1] + b"\x61" + bytes(60), INSIDE),
    "mPacket, too short": (274, PREAMBLE[:-1], MALFORMED),
    "Juniper, other magic": (178, b"MGD\1" + ethernet(V4), MALFORMED),
    "Juniper, extended beyond the end": (178, juniper(1, b"", bytes(9))[:-1], MALFORMED),
    "Juniper, too short": (179, b"MGC\x80\0", MALFORMED),
    "Juniper, other protocol": (178, juniper(2, b"\xc9\0\0\0" + V4), INSIDE),
    "DSA, too short": (284, MAC_TARGET + MAC_PEER + be16(0, 1), MALFORMED),
    "multilink frame relay, control": (182, b"\xe0\0\1" + bytes(30), NOT_IP),
    "multilink frame relay, a fragment": (182, b"\x80\7" + bytes(30), INSIDE),
    "multilink frame relay, too short": (182, b"\xc0", MALFORMED),
    "C_HDLC, keepalive": (104, b"\x8f\0\x80\x35" + bytes(14), NOT_IP),
    "C_HDLC, too short": (104, b"\x0f\0\x08", MALFORMED),
    "raw, empty": (101, b"", MALFORMED),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_MESSAGE)
def test_a_frame_without_a_message_is_counted_under_its_reason(tmp_path: Path, name: str) -> None:
    link, octets, reason = WITHOUT_MESSAGE[name]
    part, _ = read(tmp_path / "one.pcap", pcap([(START, octets)], link))
    assert (part.account(), len(part)) == ({reason: 1}, 0)


@pytest.mark.parametrize(
    ("link", "octets"),
    [
        (1, ethernet(V4)),
        (258, pktap(1, ethernet(V4))),
        (127, RADIOTAP + wireless(2, IP4)),
        (113, sll(0, V4)),
        (0, b"\2\0\0\0"),
    ],
)
@pytest.mark.parametrize("snaplen", [3, 7])
def test_headers_that_the_snap_length_cut_are_not_malformed(
    tmp_path: Path, link: int, octets: bytes, snaplen: int
) -> None:
    part, _ = read(tmp_path / "cut.pcap", pcap([(START, octets + V4)], link, snaplen=snaplen))
    assert part.account() == {"cut by the snap length before the ports": 1}


def test_a_cut_that_ends_inside_a_long_header_is_no_malformed_header(tmp_path: Path) -> None:
    octets = pktap(1, ethernet(V4), extra=48)
    part, _ = read(tmp_path / "cut.pcap", pcap([(START, octets)], 258, snaplen=120))
    assert part.account() == {"cut by the snap length before the ports": 1}


@pytest.mark.parametrize("link", [0, 1, 9, 12, 14, 50, 101, 105, 108, 127, 228, 229])
def test_link_types_inside_pktap_are_read_as_outside(tmp_path: Path, link: int) -> None:
    outside = next((one.octets for one in FRAMES.values() if one.link == link), V4)
    inside = pktap(link, outside)
    (one,) = read(tmp_path / "inside.pcap", pcap([(START, inside)], 258))[0].messages()
    (other,) = read(tmp_path / "outside.pcap", pcap([(START, outside)], link))[0].messages()
    assert (one.src_low, one.dst_low, one.sport, one.dport) == (other.src_low, other.dst_low, other.sport, other.dport)


def test_a_link_type_inside_pktap_that_is_not_read_is_counted(tmp_path: Path) -> None:
    part, _ = read(tmp_path / "inside.pcap", pcap([(START, pktap(113, V4))], 258))
    assert part.account() == {"link type 113 (LINUX_SLL), not read": 1}


@pytest.mark.parametrize(("number", "name"), [(3, "AX25"), (189, "USB_LINUX"), (65535, "LINKTYPE 65535")])
def test_a_link_type_that_is_not_read_is_named(tmp_path: Path, number: int, name: str) -> None:
    path = tmp_path / "other.pcap"
    path.write_bytes(pcap([(START, V4)], number))
    with pytest.raises(CaptureError) as caught:
        open_capture(str(path))
    assert str(caught.value) == f"other.pcap: link type {number} ({name}) is not one that is read"
