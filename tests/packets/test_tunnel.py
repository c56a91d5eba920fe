"""Tunnels over UDP, and those over IP that have no link of their own: what is inside counts, and tshark agrees."""

import struct
from pathlib import Path
from typing import NamedTuple

import pytest

from capanalyze.core import core
from capanalyze.packets.message import FLOW, FRAGMENT, REJECTION, ROLES, UNANSWERABLE, address
from capanalyze.packets.messages import Message
from capanalyze.protocols import PROTOCOLS
from tests.build import (
    MAC_PEER,
    MAC_TARGET,
    PEER,
    START,
    TARGET,
    dissected,
    enhanced,
    ethernet,
    icmp,
    interface,
    ipv4,
    ipv6,
    messages,
    pcap,
    read,
    section,
    udp,
)
from tests.packets.inner import OUTER, OUTER6, PAYLOAD, PEER6, TARGET6, UDP, V4, V6

TEREDO = "2001:0:cb00:7109:0:bdbd:3fff:fdf5"
FROM_TEREDO, TO_TEREDO = ipv6(TEREDO, TARGET6, 17, UDP), ipv6(PEER6, TEREDO, 17, UDP)
BUBBLE = ipv6(TEREDO, TARGET6, 59, b"")
V4_ETHERNET, V6_ETHERNET = ethernet(V4), ethernet(V6, 0x86DD)
ARP = ethernet(bytes(28), 0x0806)
HASHED = 55555  # a source port that is a hash of the flow inside


class Tunnel(NamedTuple):
    """A tunnel's header and what is inside; ports, the tunnel's name, whether tshark 4.0 sees the same."""

    octets: bytes
    port: int
    name: str
    source: int = HASHED
    seen: bool = True


def vxlan(payload: bytes, flags: int = 0x08000000, network: int = 42 << 8) -> bytes:
    return struct.pack(">II", flags, network) + payload


def geneve(kind: int, payload: bytes, options: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">BBHI", len(options) // 4, flags, kind, 7 << 8) + options + payload


def gtp(payload: bytes, flags: int = 0, optional: bytes = b"", kind: int = 255, more: int = 0) -> bytes:
    return struct.pack(">BBHI", 0x30 | flags, kind, len(optional + payload) + more, 1) + optional + payload


def l2tp(payload: bytes, flags: int = 0, optional: bytes = b"", length: bool = False) -> bytes:
    size = struct.pack(">H", 8 + len(optional + payload)) if length else b""
    return struct.pack(">H", 2 | flags | (0x4000 if length else 0)) + size + b"\0\1\0\2" + optional + payload


def l2tpv3(payload: bytes, session: int = 9, flags: int = 3) -> bytes:
    return struct.pack(">HHI", flags, 0, session) + payload


def authenticated(payload: bytes, client: bytes = b"", value: bytes = b"") -> bytes:
    return struct.pack(">HBB", 1, len(client), len(value)) + client + value + bytes(9) + payload


def origin(payload: bytes) -> bytes:
    return b"\0\0\x12\x34\x34\xff\x8e\xfd" + payload


def label(bottom: int, payload: bytes) -> bytes:
    return struct.pack(">I", 16 << 12 | bottom << 8 | 64) + payload


def gre(kind: int, payload: bytes, flags: int = 0, optional: bytes = b"") -> bytes:
    return struct.pack(">HH", flags, kind) + optional + payload


def tzsp(payload: bytes, inside: int = 1, tags: bytes = b"", kind: int = 0) -> bytes:
    return struct.pack(">BBH", 1, kind, inside) + tags + b"\1" + payload


def ayiya(payload: bytes, following: int = 41, code: int = 1) -> bytes:
    return bytes([0x41, 0x52, 0x10 | code, following]) + bytes(4 + 16 + 20) + payload


def capwap(payload: bytes, flags: int = 0, words: int = 2, fragment: int = 0) -> bytes:
    head = struct.pack(">IHH", words << 19 | 1 << 14 | 1 << 9 | flags, 1, fragment << 3)
    return head.ljust(words * 4, b"\0") + payload


def nsh(following: int, payload: bytes, words: int = 6, version: int = 0) -> bytes:
    return struct.pack(">HBBI", version << 14 | 63 << 6 | words, 1, following, 256).ljust(words * 4, b"\0") + payload


def wireless(payload: bytes) -> bytes:
    macs = MAC_TARGET + MAC_PEER + b"\2\0\0\0\0\1"
    return b"\x08\2\0\0" + macs + b"\0\0" + bytes.fromhex("aaaa030000000800") + payload


PPP4, PPP6 = b"\xff\3\0\x21" + V4, b"\0\x57" + V6
LCP = b"\xff\3\xc0\x21\x09\1\0\x08" + bytes(4)
OPTIONS = bytes.fromhex("010880010000002a")
SESSION_CONTAINER = bytes.fromhex("01100900")  # PDU session information, and no further extension
GPE, GPE_WITH_PROTOCOL = 0x08000000, 0x0C000000

TUNNELS: dict[str, Tunnel] = {
    "VXLAN": Tunnel(vxlan(V4_ETHERNET), 4789, "VXLAN"),
    "VXLAN, IPv6": Tunnel(vxlan(V6_ETHERNET), 4789, "VXLAN"),
    "VXLAN, VLAN inside": Tunnel(vxlan(ethernet(b"\0\7\x08\0" + V4, 0x8100)), 4789, "VXLAN"),
    "VXLAN, group policy": Tunnel(vxlan(V4_ETHERNET, 0x88480007), 4789, "VXLAN"),
    "VXLAN, reserved bits": Tunnel(vxlan(V4_ETHERNET, 0x0F123456, 0xFFFFFFFF), 4789, "VXLAN"),
    "VXLAN of Linux": Tunnel(vxlan(V4_ETHERNET), 8472, "VXLAN", seen=False),
    "VXLAN, from its port": Tunnel(vxlan(V4_ETHERNET), 50001, "VXLAN", source=4789),
    "VXLAN-GPE": Tunnel(vxlan(V4_ETHERNET, GPE), 4790, "VXLAN-GPE", seen=False),
    "VXLAN-GPE, IPv4": Tunnel(vxlan(V4, GPE_WITH_PROTOCOL | 1), 4790, "VXLAN-GPE"),
    "VXLAN-GPE, IPv6": Tunnel(vxlan(V6, GPE_WITH_PROTOCOL | 2), 4790, "VXLAN-GPE"),
    "VXLAN-GPE, Ethernet": Tunnel(vxlan(V6_ETHERNET, GPE_WITH_PROTOCOL | 3), 4790, "VXLAN-GPE"),
    "VXLAN-GPE, NSH": Tunnel(vxlan(nsh(3, V4_ETHERNET), GPE_WITH_PROTOCOL | 4), 4790, "VXLAN-GPE"),
    "VXLAN-GPE, NSH twice": Tunnel(vxlan(nsh(4, nsh(1, V4, 2)), GPE_WITH_PROTOCOL | 4), 4790, "VXLAN-GPE", seen=False),
    "VXLAN-GPE, MPLS": Tunnel(vxlan(label(1, V4), GPE_WITH_PROTOCOL | 5), 4790, "VXLAN-GPE"),
    "Geneve": Tunnel(geneve(0x6558, V4_ETHERNET), 6081, "Geneve"),
    "Geneve, options": Tunnel(geneve(0x6558, V6_ETHERNET, OPTIONS * 3, 0x40), 6081, "Geneve"),
    "Geneve, 252 octets of options": Tunnel(geneve(0x0800, V4, OPTIONS * 31 + bytes(4)), 6081, "Geneve"),
    "Geneve, IPv4": Tunnel(geneve(0x0800, V4), 6081, "Geneve"),
    "Geneve, IPv6": Tunnel(geneve(0x86DD, V6), 6081, "Geneve"),
    "Geneve, MPLS": Tunnel(geneve(0x8847, label(1, V4)), 6081, "Geneve"),
    "GTP-U": Tunnel(gtp(V4), 2152, "GTP-U", source=2152),
    "GTP-U, IPv6": Tunnel(gtp(V6), 2152, "GTP-U"),
    "GTP-U, sequence": Tunnel(gtp(V4, 2, b"\0\7\0\0"), 2152, "GTP-U"),
    "GTP-U, N-PDU": Tunnel(gtp(V4, 1, b"\0\0\7\0"), 2152, "GTP-U"),
    "GTP-U, sequence, stale extension": Tunnel(gtp(V4, 2, b"\0\7\0\x85"), 2152, "GTP-U"),
    "GTP-U, extension": Tunnel(gtp(V4, 4, b"\0\0\0\x85" + SESSION_CONTAINER), 2152, "GTP-U"),
    "GTP-U, two extensions": Tunnel(
        gtp(V6, 6, b"\0\7\0\x85" + b"\1\x10\7\xc0" + b"\2" + bytes(6) + b"\0"), 2152, "GTP-U"
    ),
    "GTP-U, PPP": Tunnel(gtp(PPP4), 2152, "GTP-U", seen=False),
    "GTP-U, Ethernet": Tunnel(gtp(V4_ETHERNET), 2152, "GTP-U", seen=False),
    "GTP-U, Ethernet to an address like IP": Tunnel(
        gtp(ethernet(V4, destination=b"\x46\0\0\0\0\1")), 2152, "GTP-U", seen=False
    ),
    "GTP-U, to a translated port": Tunnel(gtp(V4), 50001, "GTP-U", source=2152),
    "L2TP": Tunnel(l2tp(PPP4), 1701, "L2TP", source=1701),
    "L2TP, from its port": Tunnel(l2tp(PPP4, length=True), 50001, "L2TP", source=1701),
    "L2TP, length": Tunnel(l2tp(PPP6, length=True), 1701, "L2TP"),
    "L2TP, sequence": Tunnel(l2tp(PPP4, 0x0800, b"\0\1\0\2", length=True), 1701, "L2TP"),
    "L2TP, offset": Tunnel(l2tp(PPP4, 0x0200, b"\0\3xyz"), 1701, "L2TP"),
    "L2TP, all of them": Tunnel(l2tp(PPP4, 0x0B00, b"\0\1\0\2\0\1x", length=True), 1701, "L2TP"),
    "L2TPv3": Tunnel(l2tpv3(V4_ETHERNET), 1701, "L2TPv3", seen=False),
    "L2TPv3, numbered": Tunnel(l2tpv3(bytes(4) + V6_ETHERNET), 1701, "L2TPv3", seen=False),
    "L2TPv3, cookie and numbered": Tunnel(l2tpv3(b"a cookie" + bytes(4) + V4_ETHERNET), 1701, "L2TPv3", seen=False),
    "Teredo, to a relay": Tunnel(FROM_TEREDO, 50001, "Teredo", source=50002),
    "Teredo, to a client": Tunnel(TO_TEREDO, 50001, "Teredo", source=3545),
    "Teredo, other addresses": Tunnel(V6, 3544, "Teredo"),
    "Teredo, origin": Tunnel(origin(FROM_TEREDO), 3544, "Teredo"),
    "Teredo, authentication": Tunnel(authenticated(TO_TEREDO), 50001, "Teredo", source=3544),
    "Teredo, both": Tunnel(authenticated(origin(TO_TEREDO), b"client", b"value"), 50001, "Teredo", source=3544),
    "Teredo, origin, on any port": Tunnel(origin(TO_TEREDO), 50001, "Teredo", source=50002, seen=False),
    "Teredo, trailer": Tunnel(FROM_TEREDO + b"\1\4\0\0\0\0", 3544, "Teredo"),
    "MPLS in UDP": Tunnel(label(1, V4), 6635, "MPLS in UDP"),
    "MPLS in UDP, 2 labels": Tunnel(label(0, label(1, V6)), 6635, "MPLS in UDP"),
    "GRE in UDP": Tunnel(gre(0x0800, V4), 4754, "GRE in UDP"),
    "GRE in UDP, key, Ethernet": Tunnel(gre(0x6558, V6_ETHERNET, 0x2000, bytes(4)), 4754, "GRE in UDP"),
    "TZSP": Tunnel(tzsp(V4_ETHERNET), 37008, "TZSP"),
    "TZSP, tags": Tunnel(tzsp(V6_ETHERNET, tags=b"\0\x0a\1\xc0\x29\4\0\0\0\1", kind=1), 37008, "TZSP"),
    "TZSP, 802.11": Tunnel(tzsp(wireless(V4), 0x12), 37008, "TZSP"),
    "AYIYA": Tunnel(ayiya(V6), 5072, "AYIYA"),
    "AYIYA, to the client": Tunnel(ayiya(V6), 50001, "AYIYA", source=5072),
    "AYIYA, IPv4": Tunnel(ayiya(V4, 4), 5072, "AYIYA"),
    "CAPWAP": Tunnel(capwap(V4_ETHERNET), 5247, "CAPWAP"),
    "CAPWAP, from its port": Tunnel(capwap(V6_ETHERNET), 50001, "CAPWAP", source=5247),
    "CAPWAP, 802.11, radio": Tunnel(capwap(wireless(V4), 0x110, 4), 5247, "CAPWAP"),
    "VXLAN in VXLAN": Tunnel(
        vxlan(ethernet(ipv4(*OUTER, 17, udp(HASHED, 4789, vxlan(V4_ETHERNET))))), 4789, "VXLAN"
    ),
}  # fmt: skip


def over(tunnel: Tunnel, version: int = 4) -> bytes:
    datagram = udp(tunnel.source, tunnel.port, tunnel.octets)
    return ipv4(*OUTER, 17, datagram) if version == 4 else ipv6(*OUTER6, 17, datagram)


def apart(tunnel: Tunnel, number: int) -> Tunnel:
    """The same from a port of its own: tshark remembers what it saw between two ports."""
    return tunnel._replace(source=HASHED + number) if tunnel.source == HASHED else tunnel


def one(path: Path, octets: bytes) -> Message:
    (found,) = messages(path / "one.pcap", pcap([(START, octets)]))
    return found


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("name", TUNNELS)
def test_the_innermost_datagram_is_found(tmp_path: Path, name: str, version: int) -> None:
    tunnel = TUNNELS[name]
    part, capture = read(tmp_path / "one.pcap", pcap([(START, over(tunnel, version))]))
    assert part.account() == {"messages": 1}
    assert part.carried() == {tunnel.name: 1}
    (found,) = part.messages()
    ends = {str(address(found.src, found.src_low)), str(address(found.dst, found.dst_low))}
    assert ends <= {PEER, TARGET, PEER6, TARGET6, TEREDO}
    assert (found.sport, found.dport, found.captured, found.size) == (50000, 40000, len(PAYLOAD), len(PAYLOAD))
    assert (found.ttl, found.tunnels) == (64, 2 if name == "VXLAN in VXLAN" else 1)
    assert dict(capture.pieces([(found.payload, found.captured)])) == {(found.payload, found.captured): PAYLOAD}


# What tshark does not do by itself: look for Teredo on any port, and take 802.11 in CAPWAP as RFC 5416 has it.
ASKED = ("--enable-heuristic", "teredo_udp", "-o", "capwap.swap_fc:FALSE")


def test_tshark_finds_the_same_datagrams(tmp_path: Path) -> None:
    chosen = {name: over(apart(tunnel, number)) for number, (name, tunnel) in enumerate(TUNNELS.items()) if tunnel.seen}
    octets = section() + interface(101)
    path = tmp_path / "all.pcapng"
    part, _ = read(path, octets + b"".join(enhanced(0, START * 10**6, packet) for packet in chosen.values()))
    ours = [
        [str(address(found.src, found.src_low)), str(found.sport), str(found.dport), str(found.size + 8)]
        for found in part.messages()
    ]
    theirs = []
    for row in dissected(
        path, "ip.src", "ipv6.src", "udp.srcport", "udp.dstport", "udp.length", "frame.protocols", options=ASKED
    ):
        v4, v6, *ports, protocols = (field.split(",") for field in row)
        layers = [layer for layer in protocols[0].split(":") if layer in ("ip", "ipv6")]
        theirs.append([(v4 if layers[-1] == "ip" else v6)[-1], *(port[-1] for port in ports)])
    assert dict(zip(chosen, theirs, strict=True)) == dict(zip(chosen, ours, strict=True))


CLOSED: dict[str, Tunnel] = {
    "VXLAN, no identifier": Tunnel(vxlan(V4_ETHERNET, 0), 4789, ""),
    "VXLAN, too short": Tunnel(vxlan(b"")[:7], 4789, ""),
    "VXLAN, nothing inside": Tunnel(vxlan(b""), 4789, ""),
    "VXLAN, no header inside": Tunnel(vxlan(ethernet(b"\x55" + bytes(40))), 4789, ""),
    "VXLAN, reserved bits, no IP": Tunnel(vxlan(ARP, 0x08000001), 4789, ""),
    "VXLAN-GPE, other version": Tunnel(vxlan(V4, GPE_WITH_PROTOCOL | 0x10000001), 4790, ""),
    "VXLAN-GPE, of its own": Tunnel(vxlan(V4, GPE_WITH_PROTOCOL | 0x01000001), 4790, ""),
    "VXLAN-GPE, other protocol": Tunnel(vxlan(V4, GPE_WITH_PROTOCOL | 9), 4790, ""),
    "VXLAN-GPE, no IP": Tunnel(vxlan(ARP, GPE_WITH_PROTOCOL | 3), 4790, ""),
    "Geneve, other version": Tunnel(b"\x40" + geneve(0x0800, V4)[1:], 6081, ""),
    "Geneve, options beyond the end": Tunnel(b"\x3f" + geneve(0x0800, V4)[1:], 6081, ""),
    "Geneve, other protocol": Tunnel(geneve(0x1234, V4), 6081, ""),
    "Geneve, too short": Tunnel(geneve(0x0800, b"")[:7], 6081, ""),
    "GTP-U, echo": Tunnel(gtp(b"", 2, b"\0\1\0\0", 1), 2152, ""),
    "GTP-U, echo's reply": Tunnel(gtp(b"\x0e\0", 2, b"\0\1\0\0", 2), 2152, ""),
    "GTP-U, error": Tunnel(gtp(V4, kind=26), 2152, ""),
    "GTP-U, other version": Tunnel(b"\x50" + gtp(V4)[1:], 2152, ""),
    "GTP', the other protocol": Tunnel(b"\x20" + gtp(V4)[1:], 2152, ""),
    "GTP-U, length beyond the end": Tunnel(gtp(V4, more=1), 2152, ""),
    "GTP-U, extension without length": Tunnel(gtp(V4, 4, b"\0\0\0\x85" + bytes(4)), 2152, ""),
    "GTP-U, extension beyond the end": Tunnel(gtp(b"", 4, b"\0\0\0\x85\x09" + bytes(3)), 2152, ""),
    "GTP-U, endless extensions": Tunnel(gtp(V4, 4, b"\0\0\0\x85" + b"\1\0\0\x85" * 40), 2152, ""),
    "GTP-U, nothing inside": Tunnel(gtp(b""), 2152, ""),
    "GTP-U, unknown inside": Tunnel(gtp(b"unstructured data of a thing"), 2152, ""),
    "L2TP, control": Tunnel(bytes.fromhex("c8020014000000000000000080080000000000010000"), 1701, ""),
    "L2TP, other version": Tunnel(b"\0\1" + l2tp(PPP4)[2:], 1701, ""),
    "L2TP, length beyond the end": Tunnel(b"\x40\2\xff\xff" + l2tp(PPP4, length=True)[4:], 1701, ""),
    "L2TP, length below the header": Tunnel(b"\x40\2\0\7" + l2tp(PPP4, length=True)[4:], 1701, ""),
    "L2TP, offset beyond the end": Tunnel(l2tp(PPP4, 0x0200, b"\xff\xff"), 1701, ""),
    "L2TP, cut before its offset": Tunnel(l2tp(b"", 0x0200, b"\0"), 1701, ""),
    "L2TP, reserved bits, no IP": Tunnel(l2tp(LCP, 0x2000), 1701, ""),
    "L2TPv3, control": Tunnel(l2tpv3(V4_ETHERNET, 0), 1701, ""),
    "L2TPv3, no Ethernet": Tunnel(l2tpv3(bytes(60)), 1701, ""),
    "Teredo, no packet": Tunnel(origin(b""), 3544, ""),
    "Teredo, IPv4": Tunnel(V4, 3544, ""),
    "Teredo, length beyond the end": Tunnel(FROM_TEREDO[:-1], 3544, ""),
    "Teredo, authentication beyond the end": Tunnel(authenticated(FROM_TEREDO, bytes(255))[:40], 3544, ""),
    "IPv6 on any port": Tunnel(V6, 50001, ""),
    "MPLS in UDP, no IP": Tunnel(bytes(40), 6635, ""),
    "MPLS in UDP, IP beyond the end": Tunnel(label(1, V4[:-1]), 6635, ""),
    "GRE in UDP, reserved bits": Tunnel(gre(0x0800, V4, 8), 4754, ""),
    "GRE in UDP, version 1": Tunnel(gre(0x880B, b"\x21" + V4, 0x1001, bytes(4)), 4754, ""),
    "GRE in UDP, no IP": Tunnel(gre(0x0806, bytes(28)), 4754, ""),
    "TZSP, keepalive": Tunnel(tzsp(b"", kind=4), 37008, ""),
    "TZSP, other version": Tunnel(b"\2" + tzsp(V4_ETHERNET)[1:], 37008, ""),
    "TZSP, other link": Tunnel(tzsp(V4_ETHERNET, 0x77), 37008, ""),
    "TZSP, endless tags": Tunnel(tzsp(V4_ETHERNET, tags=bytes(90)), 37008, ""),
    "TZSP, no end of tags": Tunnel(b"\1\0\0\1\x0a\xff" + bytes(30), 37008, ""),
    "AYIYA, no operation": Tunnel(ayiya(V6, code=0), 5072, ""),
    "AYIYA, other protocol": Tunnel(ayiya(UDP, 17), 5072, ""),
    "AYIYA, nothing inside": Tunnel(ayiya(b""), 5072, ""),
    "CAPWAP, encrypted": Tunnel(b"\1\0\0\0" + bytes(60), 5247, ""),
    "CAPWAP, keepalive": Tunnel(capwap(V4_ETHERNET, 8), 5247, ""),
    "CAPWAP, later fragment": Tunnel(capwap(V4_ETHERNET, 0x80, fragment=4), 5247, ""),
    "CAPWAP, header too short": Tunnel(capwap(V4_ETHERNET, words=1), 5247, ""),
    "WireGuard": Tunnel(b"\4\0\0\0" + bytes(60), 51820, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
def test_what_is_no_tunnel_stays_a_datagram(tmp_path: Path, name: str) -> None:
    tunnel = CLOSED[name]
    part, _ = read(tmp_path / "one.pcap", pcap([(START, over(tunnel))]))
    assert (part.account(), part.carried()) == ({"messages": 1}, {})
    (found,) = part.messages()
    assert (found.role % ROLES, PROTOCOLS[found.module].name, found.port) == (FLOW, "udp", tunnel.port)
    assert (found.src_low, found.dst_low) == (0xFFFFCB007101, 0xFFFFCB007102)
    assert (found.captured, found.size, found.tunnels) == (len(tunnel.octets), len(tunnel.octets), 0)
    is_asked = name != "GTP-U, echo" and core.tunnel_of(tunnel.port) != 0
    assert found.role & UNANSWERABLE == UNANSWERABLE * is_asked


NOT_IP = "not IP (ARP, link control, management)"
WITHOUT_MESSAGE: dict[str, tuple[Tunnel, str]] = {
    "ARP": (Tunnel(vxlan(ARP), 4789, "VXLAN"), NOT_IP),
    "LCP": (Tunnel(l2tp(LCP), 1701, "L2TP"), NOT_IP),
    "a bubble": (Tunnel(BUBBLE, 50001, "Teredo"), "IP protocol 59 (no next header), not read"),
    "an EtherType that is not read": (
        Tunnel(vxlan(ethernet(V4, 0x88B5)), 4789, "VXLAN"), "EtherType 0x88b5 (local experimental 1), not read"
    ),
    "ESP": (Tunnel(gtp(ipv4(PEER, TARGET, 50, bytes(40))), 2152, "GTP-U"), "IP protocol 50 (ESP), not read"),
    "compressed PPP": (
        Tunnel(l2tp(b"\xff\3\0\xfd" + bytes(9)), 1701, "L2TP"), "PPP protocol 0x00fd (compressed), not read"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_MESSAGE)
def test_what_a_tunnel_carries_besides_is_counted_under_its_reason(tmp_path: Path, name: str) -> None:
    tunnel, reason = WITHOUT_MESSAGE[name]
    part, _ = read(tmp_path / "one.pcap", pcap([(START, over(tunnel))]))
    assert (part.account(), part.carried(), len(part)) == ({reason: 1}, {tunnel.name: 1}, 0)


def test_a_tunnel_that_the_snap_length_cut_is_one(tmp_path: Path) -> None:
    octets = over(TUNNELS["VXLAN"])
    part, _ = read(tmp_path / "cut.pcap", pcap([(START, octets)], snaplen=28 + 8 + 14 + 10))
    assert part.account() == {"cut by the snap length before the ports": 1}
    found = messages(tmp_path / "less.pcap", pcap([(START, octets)], snaplen=28 + 4))
    assert [(one.dport, one.captured) for one in found] == [(4789, 4)]


def test_the_first_fragment_of_a_tunnel_is_opened(tmp_path: Path) -> None:
    inner = vxlan(ethernet(ipv4(PEER, TARGET, 17, udp(50000, 40000, bytes(1200)))))
    whole = udp(HASHED, 4789, inner)
    fragments = [ipv4(*OUTER, 17, whole[:400], more=True), ipv4(*OUTER, 17, whole[400:], offset=400)]
    part, _ = read(tmp_path / "fragments.pcap", pcap([(START, one) for one in fragments]))
    first, later = part.messages()
    assert (first.dport, first.captured, first.size) == (40000, 400 - 8 - 8 - 14 - 28, 1200)
    assert later.role == FRAGMENT
    assert part.carried() == {"VXLAN": 1}


def test_a_fragment_inside_a_tunnel_says_whose_it_is(tmp_path: Path) -> None:
    inner = ipv4(PEER, TARGET, 17, bytes(40), offset=40, ident=7)
    found = one(tmp_path, over(Tunnel(vxlan(ethernet(inner)), 4789, "VXLAN")))
    assert (found.role, found.identification, found.tunnels) == (FRAGMENT, 7, 1)


def test_tunnels_end_at_the_eighth_ip_header(tmp_path: Path) -> None:
    octets = V4
    for _ in range(8):
        octets = over(Tunnel(geneve(0x0800, octets), 6081, "Geneve"))
    part, _ = read(tmp_path / "deep.pcap", pcap([(START, octets)]))
    assert part.account() == {"headers nested too deep": 1}
    inside = octets[36:]
    assert one(tmp_path, inside).tunnels == 7


def test_an_error_about_a_tunnel_is_about_what_is_inside(tmp_path: Path) -> None:
    octets = over(TUNNELS["VXLAN"])
    part, _ = read(tmp_path / "error.pcap", pcap([(START, ipv4(*OUTER[::-1], 1, icmp(3, 3, payload=octets)))]))
    (found,) = part.messages()
    assert (found.role // 65536, found.dport, part.carried()) == (REJECTION, 40000, {})
    short = messages(tmp_path / "short.pcap", pcap([(START, ipv4(*OUTER[::-1], 1, icmp(3, 3, payload=octets[:28])))]))
    assert [one.dport for one in short] == [4789]


def test_addresses_of_the_link_inside_are_those_of_the_message(tmp_path: Path) -> None:
    outside = ethernet(over(TUNNELS["VXLAN"]), source=b"\2\0\0\0\0\1", destination=b"\2\0\0\0\0\2")
    (found,) = messages(tmp_path / "one.pcap", pcap([(START, outside)], 1))
    assert (found.src_mac, found.dst_mac) == (int.from_bytes(MAC_PEER, "big"), int.from_bytes(MAC_TARGET, "big"))


def test_frames_are_counted_by_the_tunnel_that_they_were_read_inside_of(tmp_path: Path) -> None:
    gre_frame = ipv4(*OUTER, 47, gre(0x0800, V4))
    frames = [over(TUNNELS["VXLAN"]), over(TUNNELS["GTP-U"]), over(TUNNELS["VXLAN"]), gre_frame, V4]
    frames += [ipv4(*OUTER, 4, over(TUNNELS["VXLAN"]))]
    part, _ = read(tmp_path / "mixed.pcap", pcap([(START, frame) for frame in frames]))
    assert part.carried() == {"IP in IP": 1, "GRE": 1, "VXLAN": 3, "GTP-U": 1}
    assert (part + part).carried() == {"IP in IP": 2, "GRE": 2, "VXLAN": 6, "GTP-U": 2}
    assert part.account() == {"messages": len(frames)}


def test_every_tunnel_has_a_name_and_a_sample() -> None:
    assert sorted(core.TUNNELS.values()) == list(range(1, len(core.TUNNELS) + 1))
    names = {number: name for name, number in core.TUNNELS.items()}
    opened = {names[core.tunnel_of(port)] for port in range(1 << 16) if core.tunnel_of(port)}
    assert opened <= {tunnel.name for tunnel in TUNNELS.values()}
