"""Network headers: options, extension headers, fragments and tunnels end at the same transport, and tshark agrees."""

import struct
from pathlib import Path
from typing import NamedTuple

import pytest

from capanalyze.packets.message import FRAGMENT, address
from capanalyze.packets.messages import Message
from tests.build import (
    MAC_PEER,
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
    tcp,
    udp,
)
from tests.packets.inner import OUTER, OUTER6, PAYLOAD, PEER6, TARGET6, UDP, V4, V6

HOP_BY_HOP, IN_IPV4, TCP_NUMBER, UDP_NUMBER, IN_IPV6, ROUTING, FRAGMENTATION, GRE = 0, 4, 6, 17, 41, 43, 44, 47
ETHERIP, L2TPV3, MPLS, ETHERNET = 97, 115, 137, 143
ESP, AH, ICMPV6, NO_NEXT, DESTINATION, MOBILITY, HIP, SHIM6 = 50, 51, 58, 59, 60, 135, 139, 140


class Packet(NamedTuple):
    """An IP packet that holds UDP, and how many IP headers stand around the innermost."""

    octets: bytes
    tunnels: int = 0
    seen: bool = True  # by tshark 4.0


def patched(octets: bytes, at: int, new: bytes) -> bytes:
    return octets[:at] + new + octets[at + len(new) :]


def with_options(options: bytes) -> bytes:
    octets = V4[:20] + options + V4[20:]
    return patched(octets, 0, struct.pack(">BBH", 0x45 + len(options) // 4, 0, len(octets)))


def extension(following: int, payload: bytes, length: int = 8) -> bytes:
    return struct.pack(">BB6x", following, length // 8 - 1).ljust(length, b"\0") + payload


def padding(following: int, payload: bytes, length: int = 8) -> bytes:
    """A hop-by-hop or destination options header that holds PadN."""
    return struct.pack(">4B", following, length // 8 - 1, 1, length - 4).ljust(length, b"\0") + payload


def authentication(following: int, payload: bytes, words: int = 6) -> bytes:
    return struct.pack(">BBHII", following, words - 2, 0, 1, 1).ljust(words * 4, b"\0") + payload


def fragment6(following: int, payload: bytes, offset: int = 0, more: int = 0) -> bytes:
    return struct.pack(">BBHI", following, 0, offset | more, 0xABCDEF01) + payload


def gre(kind: int, payload: bytes, flags: int = 0, optional: bytes = b"") -> bytes:
    return struct.pack(">HH", flags, kind) + optional + payload


def tunnel(number: int, payload: bytes, version: int = 4) -> bytes:
    return ipv4(*OUTER, number, payload) if version == 4 else ipv6(*OUTER6, number, payload)


def nested(depth: int) -> bytes:
    octets = V4
    for _ in range(depth - 1):
        octets = tunnel(IN_IPV4, octets)
    return octets


ERSPAN_II = bytes.fromhex("1000000100000000")
ERSPAN_III = bytes.fromhex("200000010000000000000000")
NSH = struct.pack(">HBBI16x", 63 << 6 | 6, 1, 2, 256)
LABEL = struct.pack(">I", 16 << 12 | 1 << 8 | 64)  # the bottom of an MPLS stack
CHECKSUM, KEY, SEQUENCE, ACKNOWLEDGED = 0x8000, 0x2000, 0x1000, 0x0080

PACKETS: dict[str, Packet] = {
    "IPv4": Packet(V4),
    "IPv4, options": Packet(with_options(b"\x94\4\0\0")),
    "IPv4, 40 octets of options": Packet(with_options(b"\1" * 39 + b"\0")),
    "IPv4, total length 0": Packet(patched(V4, 2, b"\0\0")),
    "IPv4, do not fragment": Packet(patched(V4, 6, b"\x40\0")),
    "IPv4, AH": Packet(ipv4(PEER, TARGET, AH, authentication(UDP_NUMBER, UDP))),
    "IPv6": Packet(V6),
    "IPv6, payload length 0": Packet(patched(V6, 4, b"\0\0"), seen=False),
    "IPv6, hop-by-hop": Packet(ipv6(PEER6, TARGET6, HOP_BY_HOP, padding(UDP_NUMBER, UDP))),
    "IPv6, long hop-by-hop": Packet(ipv6(PEER6, TARGET6, HOP_BY_HOP, padding(UDP_NUMBER, UDP, 64))),
    "IPv6, routing": Packet(ipv6(PEER6, TARGET6, ROUTING, extension(UDP_NUMBER, UDP))),
    "IPv6, whole fragment": Packet(ipv6(PEER6, TARGET6, FRAGMENTATION, fragment6(UDP_NUMBER, UDP))),
    "IPv6, AH": Packet(ipv6(PEER6, TARGET6, AH, authentication(UDP_NUMBER, UDP))),
    "IPv6, destination": Packet(ipv6(PEER6, TARGET6, DESTINATION, padding(UDP_NUMBER, UDP))),
    "IPv6, mobility": Packet(ipv6(PEER6, TARGET6, MOBILITY, extension(UDP_NUMBER, UDP)), seen=False),
    "IPv6, HIP": Packet(ipv6(PEER6, TARGET6, HIP, extension(UDP_NUMBER, UDP, 40)), seen=False),
    "IPv6, shim6": Packet(ipv6(PEER6, TARGET6, SHIM6, extension(UDP_NUMBER, UDP, 16)), seen=False),
    "IPv6, several": Packet(
        ipv6(PEER6, TARGET6, HOP_BY_HOP, padding(ROUTING, extension(DESTINATION, padding(AH, authentication(17, UDP)))))
    ),
    "IPIP": Packet(tunnel(IN_IPV4, V4), 1),
    "6in4": Packet(tunnel(IN_IPV6, V6), 1),
    "4in6": Packet(tunnel(IN_IPV4, V4, 6), 1),
    "6in6": Packet(tunnel(IN_IPV6, V6, 6), 1),
    "4in6 behind an option": Packet(ipv6(*OUTER6, DESTINATION, padding(IN_IPV4, V4)), 1),
    "8 deep": Packet(nested(8), 7),
    "GRE": Packet(tunnel(GRE, gre(0x0800, V4)), 1),
    "GRE, IPv6 in IPv6": Packet(tunnel(GRE, gre(0x86DD, V6), 6), 1),
    "GRE, checksum": Packet(tunnel(GRE, gre(0x0800, V4, CHECKSUM, bytes(4))), 1),
    "GRE, key": Packet(tunnel(GRE, gre(0x86DD, V6, KEY, bytes(4))), 1),
    "GRE, all of them": Packet(tunnel(GRE, gre(0x0800, V4, CHECKSUM | KEY | SEQUENCE, bytes(12))), 1),
    "GRE, PPP": Packet(tunnel(GRE, gre(0x880B, b"\xff\3\0\x21" + V4, KEY | SEQUENCE | 1, bytes(8))), 1),
    "GRE, PPP, acknowledged": Packet(
        tunnel(GRE, gre(0x880B, b"\x21" + V4, KEY | SEQUENCE | ACKNOWLEDGED | 1, bytes(12))), 1
    ),
    "GRE, Ethernet": Packet(tunnel(GRE, gre(0x6558, ethernet(V4), KEY, bytes(4))), 1),
    "GRE, MPLS": Packet(tunnel(GRE, gre(0x8847, LABEL + V4)), 1),
    "GRE, MPLS and a key": Packet(tunnel(GRE, gre(0x8847, LABEL + V4, KEY, bytes(4))), 1),
    "ERSPAN I": Packet(tunnel(GRE, gre(0x88BE, ethernet(V4))), 1),
    "ERSPAN II": Packet(tunnel(GRE, gre(0x88BE, ERSPAN_II + ethernet(V4), SEQUENCE, bytes(4))), 1),
    "ERSPAN III": Packet(tunnel(GRE, gre(0x22EB, ERSPAN_III + ethernet(V4), SEQUENCE, bytes(4))), 1),
    "ERSPAN III, platform": Packet(
        tunnel(GRE, gre(0x22EB, patched(ERSPAN_III, 11, b"\1") + bytes(8) + ethernet(V4), SEQUENCE, bytes(4))), 1
    ),
    "ERSPAN III, IP": Packet(
        tunnel(GRE, gre(0x22EB, patched(ERSPAN_III, 10, b"\x08") + V4, SEQUENCE, bytes(4))), 1, seen=False
    ),
    "GRE, WCCP": Packet(tunnel(GRE, gre(0x883E, bytes(4) + V4)), 1),
    "GRE, WCCP, first version": Packet(tunnel(GRE, gre(0x883E, V4)), 1),
    "GRE, VLAN": Packet(tunnel(GRE, gre(0x8100, b"\0\7\x08\0" + V4)), 1, seen=False),
    "GRE, NSH": Packet(tunnel(GRE, gre(0x894F, NSH + V6)), 1),
    "EtherIP": Packet(tunnel(ETHERIP, b"\x30\0" + ethernet(V4)), 1),
    "L2TPv3": Packet(tunnel(L2TPV3, b"\0\0\0\7" + ethernet(V4)), 1, seen=False),
    "L2TPv3, numbered": Packet(tunnel(L2TPV3, b"\0\0\0\7" + bytes(4) + ethernet(V6, 0x86DD)), 1, seen=False),
    "L2TPv3, cookie and numbered": Packet(
        tunnel(L2TPV3, b"\0\0\0\7" + b"a cookie" + bytes(4) + ethernet(V4)), 1, seen=False
    ),
    "L2TPv3, cookie, VLAN": Packet(
        tunnel(L2TPV3, b"\0\0\0\7" + b"cook" + ethernet(b"\0\7\x08\0" + V4, 0x8100)), 1, seen=False
    ),
    "MPLS in IP": Packet(tunnel(MPLS, LABEL + V4), 1),
    "Ethernet in IPv6": Packet(tunnel(ETHERNET, ethernet(V4), 6), 1),
    "GRE in GRE in IPv6": Packet(tunnel(GRE, gre(0x0800, tunnel(GRE, gre(0x86DD, V6))), 6), 2),
}  # fmt: skip


def one(path: Path, octets: bytes, link: int = 101) -> Message:
    (found,) = messages(path, pcap([(START, octets)], link))
    return found


@pytest.mark.parametrize("name", PACKETS)
def test_the_innermost_datagram_is_found(tmp_path: Path, name: str) -> None:
    packet = PACKETS[name]
    part, capture = read(tmp_path / "one.pcap", pcap([(START, packet.octets)]))
    assert part.account() == {"messages": 1}
    (found,) = part.messages()
    ends = (str(address(found.src, found.src_low)), str(address(found.dst, found.dst_low)))
    assert ends in ((PEER, TARGET), (PEER6, TARGET6))
    assert (found.sport, found.dport, found.captured, found.size) == (50000, 40000, len(PAYLOAD), len(PAYLOAD))
    assert (found.protocol, found.ttl, found.tunnels, found.fragmented, found.group) == (17, 64, packet.tunnels, 0, 0)
    assert dict(capture.pieces([(found.payload, found.captured)])) == {(found.payload, found.captured): PAYLOAD}


def test_tshark_finds_the_same_datagrams(tmp_path: Path) -> None:
    chosen = {name: packet for name, packet in PACKETS.items() if packet.seen}
    octets = section() + interface(101)
    path = tmp_path / "all.pcapng"
    part, _ = read(path, octets + b"".join(enhanced(0, START * 10**6, packet.octets) for packet in chosen.values()))
    ours = [
        [str(address(found.src, found.src_low)), str(found.sport), str(found.dport), str(found.tunnels + 1)]
        for found in part.messages()
    ]
    theirs = []
    for v4, v6, *ports, protocols in dissected(
        path, "ip.src", "ipv6.src", "udp.srcport", "udp.dstport", "frame.protocols"
    ):
        layers = [layer for layer in protocols.split(":") if layer in ("ip", "ipv6")]
        innermost = v4 if layers[-1] == "ip" else v6
        theirs.append([innermost.split(",")[-1], *ports, str(len(layers))])
    assert dict(zip(chosen, theirs, strict=True)) == dict(zip(chosen, ours, strict=True))


MALFORMED = "malformed headers"
NOT_IP = "not IP (ARP, link control, management)"
INSIDE = "tunnels and labels around something that is not read"
TOO_DEEP = "headers nested too deep"
WITHOUT_MESSAGE: dict[str, tuple[bytes, str]] = {
    "version 5": (patched(V4, 0, b"\x55"), MALFORMED),
    "IPv4, too short": (V4[:19], MALFORMED),
    "IPv4, header below 20": (patched(V4, 0, b"\x44"), MALFORMED),
    "IPv4, header beyond the end": (patched(V4[:40], 0, b"\x4f"), MALFORMED),
    "IPv4, total below the header": (patched(V4, 2, b"\0\x13"), MALFORMED),
    "IPv4, total at the header": (patched(V4, 2, b"\0\x14"), MALFORMED),
    "IPv4, AH too short": (ipv4(PEER, TARGET, AH, authentication(17, b"")[:7]), MALFORMED),
    "IPv4, AH beyond the end": (ipv4(PEER, TARGET, AH, authentication(17, b"")[:20]), MALFORMED),
    "IPv6, too short": (V6[:39], MALFORMED),
    "IPv6, extension too short": (ipv6(PEER6, TARGET6, HOP_BY_HOP, b"\x11\0"), MALFORMED),
    "IPv6, extension beyond the end": (ipv6(PEER6, TARGET6, DESTINATION, b"\x11\xff" + UDP), MALFORMED),
    "IPv6, no next header": (ipv6(PEER6, TARGET6, NO_NEXT, b""), "IP protocol 59 (no next header), not read"),
    "IPv6, endless extensions": (ipv6(PEER6, TARGET6, DESTINATION, padding(DESTINATION, b"") * 20), TOO_DEEP),
    "ESP": (ipv4(PEER, TARGET, ESP, bytes(40)), "IP protocol 50 (ESP), not read"),
    "OSPF": (ipv4(PEER, TARGET, 89, bytes(40)), "IP protocol 89 (OSPF), not read"),
    "a protocol without a name": (ipv6(PEER6, TARGET6, 200, bytes(40)), "IP protocol 200, not read"),
    "9 deep": (nested(9), TOO_DEEP),
    "50 deep": (nested(50), TOO_DEEP),
    "IPIP, empty": (tunnel(IN_IPV4, b""), MALFORMED),
    "GRE, too short": (tunnel(GRE, b"\0\0"), MALFORMED),
    "GRE, options beyond the end": (tunnel(GRE, gre(0x0800, b"", KEY, b"\0")), MALFORMED),
    "GRE, source route": (tunnel(GRE, gre(0x0800, V4, 0x4000, bytes(4))), INSIDE),
    "GRE, experiments": (tunnel(GRE, gre(0x88B5, V4)), "EtherType 0x88b5 (local experimental 1), not read"),
    "GRE, keepalive": (tunnel(GRE, gre(0, b"")), NOT_IP),
    "GRE, PPP, acknowledgement alone": (tunnel(GRE, gre(0x880B, b"", KEY | ACKNOWLEDGED | 1, bytes(8))), NOT_IP),
    "ERSPAN II, too short": (tunnel(GRE, gre(0x88BE, b"", SEQUENCE, bytes(4))), MALFORMED),
    "ERSPAN III, too short": (tunnel(GRE, gre(0x22EB, bytes(11), SEQUENCE, bytes(4))), MALFORMED),
    "EtherIP, other version": (tunnel(ETHERIP, b"\x03\0" + ethernet(V4)), INSIDE),
    "EtherIP, too short": (tunnel(ETHERIP, b"\x30"), MALFORMED),
    "L2TPv3, control": (tunnel(L2TPV3, bytes(4) + b"\xc8\3" + bytes(10)), NOT_IP),
    "L2TPv3, something else": (tunnel(L2TPV3, b"\0\0\0\7" + bytes(40)), INSIDE),
    "L2TPv3, too short": (tunnel(L2TPV3, b"\0\0\0"), MALFORMED),
    "GRE, WCCP, empty": (tunnel(GRE, gre(0x883E, b"")), MALFORMED),
    "NSH, too short": (tunnel(GRE, gre(0x894F, NSH[:3])), MALFORMED),
    "NSH, other version": (tunnel(GRE, gre(0x894F, b"\x4f" + NSH[1:] + V6)), MALFORMED),
    "NSH, length too small": (tunnel(GRE, gre(0x894F, b"\x0f\xc1" + NSH[2:] + V6)), MALFORMED),
    "NSH, other protocol": (tunnel(GRE, gre(0x894F, patched(NSH, 3, b"\x09") + V6)), INSIDE),
    "MPLS, endless labels": (tunnel(GRE, gre(0x8847, bytes(400))), TOO_DEEP),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_MESSAGE)
def test_a_packet_without_a_message_is_counted_under_its_reason(tmp_path: Path, name: str) -> None:
    octets, reason = WITHOUT_MESSAGE[name]
    part, _ = read(tmp_path / "one.pcap", pcap([(START, octets)]))
    assert (part.account(), len(part)) == ({reason: 1}, 0)


def test_padding_of_the_link_is_no_payload(tmp_path: Path) -> None:
    short = ethernet(ipv4(PEER, TARGET, 17, udp(50000, 40000, b"x")))
    found = one(tmp_path / "pad.pcap", short.ljust(60, b"\xee"), 1)
    assert (found.captured, found.size) == (1, 1)


def test_what_the_snap_length_cut_counts_in_the_size(tmp_path: Path) -> None:
    (found,) = messages(tmp_path / "cut.pcap", pcap([(START, V4)], snaplen=30))
    assert (found.captured, found.size) == (2, len(PAYLOAD))


@pytest.mark.parametrize("version", [4, 6])
def test_the_first_fragment_is_the_message_and_later_ones_say_whose_they_are(tmp_path: Path, version: int) -> None:
    whole = udp(50000, 40000, bytes(72))
    if version == 4:
        first = ipv4(PEER, TARGET, 17, whole[:32], ident=0x4711, more=True)
        later = ipv4(PEER, TARGET, 17, whole[32:], ident=0x4711, offset=32)
    else:
        first = ipv6(PEER6, TARGET6, FRAGMENTATION, fragment6(17, whole[:32], 0, 1))
        later = ipv6(PEER6, TARGET6, FRAGMENTATION, fragment6(17, whole[32:], 32))
    part, _ = read(tmp_path / "fragments.pcap", pcap([(START, first), (START, later)]))
    head, tail = part.messages()
    assert (head.fragmented, head.sport, head.captured, head.size) == (1, 50000, 24, 72)
    assert (tail.role, tail.sport, tail.dport, tail.port) == (FRAGMENT, -1, -1, -1)
    assert (tail.captured, tail.size, tail.protocol, tail.key_count) == (48, 48, 17, 0)
    assert head[8:12] == tail[8:12]
    assert head.identification == tail.identification == (0x4711 if version == 4 else 0xABCDEF01)
    assert part.account() == {"messages": 1, "later fragments": 1}


@pytest.mark.parametrize("payload", [b"", b"x"])
def test_a_later_fragment_may_be_cut_anywhere(tmp_path: Path, payload: bytes) -> None:
    octets = ipv4(PEER, TARGET, 17, payload + bytes(40), offset=8)
    (found,) = messages(tmp_path / "cut.pcap", pcap([(START, octets)], snaplen=20 + len(payload)))
    assert (found.role, found.captured, found.size) == (FRAGMENT, len(payload), len(payload) + 40)


def test_a_first_fragment_that_ends_before_the_ports_is_malformed(tmp_path: Path) -> None:
    part, _ = read(tmp_path / "tiny.pcap", pcap([(START, ipv4(PEER, TARGET, 17, UDP[:7], more=True))]))
    assert part.account() == {MALFORMED: 1}


BROADCAST, MULTICAST = b"\xff" * 6, bytes.fromhex("01005e0000fb")


@pytest.mark.parametrize(
    ("destination", "mac", "group"),
    [
        ("192.0.2.10", None, 0),
        ("192.0.2.10", MAC_PEER, 0),
        ("224.0.0.251", None, 1),
        ("239.255.255.250", MULTICAST, 1),
        ("240.0.0.1", None, 0),
        ("223.255.255.1", None, 0),
        ("255.255.255.255", MAC_PEER, 1),
        ("192.0.2.255", None, 1),  # without a MAC address to tell, this looks like a broadcast
        ("192.0.2.255", MAC_PEER, 0),  # a host of a larger network
        ("192.0.2.255", BROADCAST, 1),
        ("10.1.2.127", BROADCAST, 1),  # the broadcast address of a smaller network
        ("ff02::fb", None, 1),
        ("ff02::fb", bytes.fromhex("3333000000fb"), 1),
        ("fe80::1", MAC_PEER, 0),
    ],
)
def test_groups_are_told_from_hosts(tmp_path: Path, destination: str, mac: bytes | None, group: int) -> None:
    v6 = ":" in destination
    packet = ipv6(PEER6, destination, 17, UDP) if v6 else ipv4(PEER, destination, 17, UDP)
    octets = ethernet(packet, 0x86DD if v6 else 0x0800, destination=mac) if mac else packet
    assert one(tmp_path / "group.pcap", octets, 1 if mac else 101).group == group


@pytest.mark.parametrize(
    ("packet", "protocol"),
    [
        (ipv4(PEER, TARGET, TCP_NUMBER, tcp(50000, 22, "S")), 6),
        (ipv6(PEER6, TARGET6, TCP_NUMBER, tcp(50000, 22, "S")), 6),
        (ipv4(PEER, TARGET, 1, icmp(8)), 1),
        (ipv6(PEER6, TARGET6, ICMPV6, icmp(128)), 58),
        (ipv6(PEER6, TARGET6, HOP_BY_HOP, padding(ICMPV6, icmp(128))), 58),
    ],
)
def test_other_transports_are_reached_too(tmp_path: Path, packet: bytes, protocol: int) -> None:
    assert one(tmp_path / "other.pcap", packet).protocol == protocol
