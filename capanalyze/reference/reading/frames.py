"""Frames as datagrams, read by dpkt: link, tags, tunnels, the innermost IP packet, its transport."""

import struct
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

import dpkt

if TYPE_CHECKING:
    from capanalyze.protocols._protocol import Protocol
    from capanalyze.reference.reading.keys import Said

FIN, SYN, RST, ACK = 1, 2, 4, 16
# Over UDP, not of dpkt: L2TP, GTP-U, Teredo, GRE, VXLAN-GPE, AYIYA, CAPWAP, Geneve, MPLS, VXLAN on Linux' port, TZSP.
TUNNELS = {1701, 2152, 3544, 4754, 4790, 5072, 5247, 6081, 6635, 8472, 37008}
Macs = tuple[bytes, bytes] | None
Key = tuple[str, int]  # a frame: its capture and its number


class Frame(NamedTuple):
    """A frame as it was captured; `time` is nanoseconds since 1970, or None."""

    key: Key
    time: int | None
    interface: str
    link_type: int
    octets: bytes


class Address(NamedTuple):
    """A host's address, packed, and a port; None in ICMP."""

    host: bytes
    port: int | None

    def __str__(self) -> str:
        return str(ip_address(self.host))


@dataclass(eq=False)
class Datagram:
    """`size` octets of payload were sent, `payload` is what was captured. `tcp`: flags, sequence, acknowledgement.

    `icmp`: type and code. `fragment`: 0, 1 for the first of several, 2 for a later one. `quoted`: what an ICMP error is
    about. The last four are noted later: the clock, and by `keys.tell` what the message says.
    """

    frame: Frame
    place: str
    macs: Macs
    source: Address
    destination: Address
    to_group: bool
    ttl: int
    ident: int | None
    fragment: int
    transport: str
    payload: bytes
    size: int
    tcp: tuple[int, int, int] = (0, 0, 0)
    icmp: tuple[int, int] = (0, 0)
    quoted: "Datagram | None" = None
    clock: int = 0
    protocol: "Protocol" = field(init=False)
    port: int | None = None
    said: "Said" = field(init=False)


def bare(packet: type) -> type:
    """A packet of dpkt's up to its payload, which is left as it is."""
    return type(packet.__name__, (packet,), {"_typesw": {}, "_protosw": {}})


ETHERNET, PPP, SLL, SLL2 = map(bare, (dpkt.ethernet.Ethernet, dpkt.ppp.PPP, dpkt.sll.SLL, dpkt.sll2.SLL2))
IP, IP6 = bare(dpkt.ip.IP), bare(dpkt.ip6.IP6)


class UnreadError(Exception):
    """dpkt does not read this."""


def read(frame: Frame) -> Datagram:
    """The innermost datagram of a frame. Whatever dpkt throws, the frame is not read.

    Raises:
        UnreadError: says why.
    """
    try:
        octets, macs, name = link(frame.link_type, frame.octets)
        return packet(frame, frame.interface + name, macs, octets)
    except UnreadError:
        raise
    except Exception as error:
        raise UnreadError(f"{type(error).__name__}: {error}") from error


def link(kind: int, octets: bytes) -> tuple[bytes, Macs, str]:
    """The IP packet behind a link's header (https://www.tcpdump.org/linktypes.html), MAC addresses, an interface."""
    if kind in (0, 108):
        inner = dpkt.loopback.Loopback(octets).data
        return network(0x0800 if isinstance(inner, (dpkt.ip.IP, dpkt.ip6.IP6)) else 0, octets[4:]), None, ""
    if kind == 1:
        ether = ETHERNET(octets)
        return network(getattr(ether, "_next_type", ether.type), ether.data), (ether.src, ether.dst), ""
    if kind in (9, 50):
        return ppp(octets), None, ""
    if kind in (113, 276):
        sll = SLL(octets) if kind == 113 else SLL2(octets)
        name = f"%{sll.intindex}" if kind == 276 else ""
        return network(sll.ethtype, sll.data), (sll.hdr[:6], b"") if sll.hlen == 6 else None, name
    if kind in (105, 127):
        octets = octets[dpkt.radiotap.Radiotap(octets).length :] if kind == 127 else octets
        at = octets.find(b"\xaa\xaa\x03\0\0\0", 24, 40)  # LLC, RFC 1042
        if dpkt.ieee80211.IEEE80211(octets).type == dpkt.ieee80211.DATA_TYPE and at > 0:
            return network(struct.unpack_from("!H", octets, at + 6)[0], octets[at + 8 :]), None, ""
    if kind in (12, 14, 101, 228, 229):
        return octets, None, ""
    raise UnreadError(f"link type {kind}")


def network(kind: int, octets: bytes) -> bytes:
    """The IP packet that an EtherType says follows."""
    if kind in (0x8864, 0x880B):  # PPPoE, PPP
        return ppp(octets[6:] if kind == 0x8864 else octets)
    if kind == 0x6558:  # Ethernet
        return link(1, octets)[0]
    if kind not in (0x0800, 0x86DD):
        raise UnreadError(f"EtherType {kind:#06x}")
    return octets


def ppp(octets: bytes) -> bytes:
    """The IP packet in PPP, with or without address and control: RFC 1662 section 3.2."""
    packet = PPP(octets if octets[:1] == b"\xff" else b"\xff\x03" + octets)
    if packet.p not in (dpkt.ppp.PPP_IP, dpkt.ppp.PPP_IP6):
        raise UnreadError(f"PPP {packet.p:#06x}")
    return packet.data


def tunnelled(ip: dpkt.Packet) -> bytes | None:
    """The IP packet in a tunnel: IP in IP (RFC 2003), 6in4, GRE (RFC 2784), VXLAN (RFC 7348); None in no tunnel."""
    if ip.p in (dpkt.ip.IP_PROTO_IPIP, dpkt.ip.IP_PROTO_IP6):
        return ip.data
    if ip.p == dpkt.ip.IP_PROTO_GRE:
        gre = dpkt.gre.GRE(ip.data)
        return network(gre.p, ip.data[len(gre) - len(gre.data) :])
    if ip.p == dpkt.ip.IP_PROTO_UDP and len(ip.data) >= 8 + 8 + 20:
        ports = struct.unpack_from("!HH", ip.data)
        if TUNNELS & set(ports):
            raise UnreadError(f"a tunnel over UDP, ports {ports[0]} and {ports[1]}")
        return link(1, ip.data[16:])[0] if ports[1] == 4789 and ip.data[8] == 8 else None
    return None


def packet(frame: Frame, place: str, macs: Macs, octets: bytes, *, is_quote: bool = False) -> Datagram:
    """The datagram of an IP packet; what a tunnel carries counts, not the tunnel."""
    is_4 = octets[0] >> 4 == 4
    ip = IP(octets) if is_4 else IP6(octets)
    inner = None if is_quote else tunnelled(ip)
    if inner is not None:
        return packet(frame, place, macs, inner)
    piece = ip if is_4 else ip.extension_hdrs.get(dpkt.ip.IP_PROTO_FRAGMENT)
    offset, more = (piece.offset if is_4 else piece.frag_off, piece.mf if is_4 else piece.m_flag) if piece else (0, 0)
    head = 4 * ip.hl if is_4 else sum(one.length for one in ip.all_extension_headers)
    is_broadcast = macs[1][0] & 1 if macs and macs[1] else ip.dst[3] == 255
    to_group = ip.dst[0] >> 4 == 14 or ip.dst == b"\xff" * 4 or bool(is_broadcast) if is_4 else ip.dst[0] == 255
    ident = ip.id if is_4 else getattr(piece, "id", None)
    one = Datagram(
        frame, place, macs, Address(ip.src, None), Address(ip.dst, None), to_group, ip.ttl if is_4 else ip.hlim, ident,
        2 if offset else 1 if more else 0, str(ip.p), ip.data, max((ip.len if is_4 else ip.plen) - head, len(ip.data)),
    )  # fmt: skip
    return one if offset else transport(one, ip.p)


def transport(one: Datagram, number: int) -> Datagram:
    """UDP (RFC 768), TCP (RFC 9293 section 3.1), ICMP (RFC 792, RFC 4443); a quote may hold eight octets of them."""
    octets, size = one.payload, one.size
    if number in (1, 58):
        icmp, is_error = (octets[0], octets[1]), octets[0] in ((3, 11, 12) if number == 1 else (1, 2, 3, 4))
        quoted = packet(one.frame, one.place, one.macs, octets[8:], is_quote=True) if is_error else None
        return replace(one, transport="icmp", icmp=icmp, quoted=quoted)
    if number not in (6, 17):
        raise UnreadError(f"IP protocol {number}")
    source, destination = struct.unpack_from("!HH", octets)
    one = replace(one, source=Address(one.source.host, source), destination=Address(one.destination.host, destination))
    if number == 17:
        told = dpkt.udp.UDP(octets).ulen - 8
        size = told if told >= 0 and (told <= size - 8 or one.fragment) else size - 8
        return replace(one, transport="udp", payload=octets[8 : 8 + size], size=size)
    sequence, acknowledgement, head, flags = struct.unpack_from("!IIBB", octets.ljust(14, b"\0"), 4)
    head = 4 * (head >> 4)
    segment = (flags, sequence, acknowledgement)
    return replace(one, transport="tcp", payload=octets[head:], size=size - head, tcp=segment)
