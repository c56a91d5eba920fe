"""Frames as datagrams, read by dpkt: link, tags, tunnels, the innermost IP packet, its transport."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import NamedTuple

import dpkt

IPV4, IPV6, PPPOE = 0x0800, 0x86DD, 0x8864
BRIDGED = 0x6558  # Ethernet in GRE
VXLAN = 4789
# Tunnels over UDP that dpkt does not read: L2TP, GTP-U, Teredo, GRE in UDP, Geneve, MPLS in UDP.
TUNNELS = {1701, 2152, 3544, 4754, 6081, 6635}
INNER = 28  # octets of the least IP packet that says something
FIN, SYN, RST, ACK = 1, 2, 4, 16


class Frame(NamedTuple):
    """A frame as captured: `key` is its capture and its number, `time` nanoseconds since 1970 or None."""

    key: tuple[str, int]
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


@dataclass
class Datagram:
    """What pairing looks at. `size` octets of payload were sent, `payload` is what was captured of them.

    `kind` is type and code of ICMP, `flags`, `sequence` and `acknowledgement` are TCP's. `piece` tells that it is a
    later fragment, `quoted` is the datagram in an ICMP error.
    """

    frame: Frame
    transport: str
    source: Address
    destination: Address
    payload: bytes
    size: int
    macs: tuple[bytes, bytes] | None
    ttl: int
    ident: int | None
    to_group: bool
    place: str
    clock: int = 0
    flags: int = 0
    sequence: int = 0
    acknowledgement: int = 0
    kind: tuple[int, int] | None = None
    piece: bool = False
    pieces: bool = False
    quoted: "Datagram | None" = None


class Ethernet(dpkt.ethernet.Ethernet):  # type: ignore[misc]
    """Up to the payload, which is left as it is; so are those below."""

    _typesw: dict[int, type] = {}


class SLL(dpkt.sll.SLL):  # type: ignore[misc]
    _typesw: dict[int, type] = {}


class SLL2(dpkt.sll2.SLL2):  # type: ignore[misc]
    _typesw: dict[int, type] = {}


class PPP(dpkt.ppp.PPP):  # type: ignore[misc]
    _protosw: dict[int, type] = {}


class IP(dpkt.ip.IP):  # type: ignore[misc]
    _protosw: dict[int, type] = {}


class IP6(dpkt.ip6.IP6):  # type: ignore[misc]
    _protosw: dict[int, type] = {}


class UnreadError(Exception):
    """dpkt does not read this, or not this way."""


Macs = tuple[bytes, bytes] | None
Link = tuple[bytes, Macs, str]  # what follows the link's header, MAC addresses, the interface that it names


def ethernet(octets: bytes) -> Link:
    """With VLAN tags and MPLS, as dpkt reads them."""
    packet = Ethernet(octets)
    kind = getattr(packet, "_next_type", None) or packet.type
    return network(kind, packet.data, (packet.src, packet.dst))


def network(kind: int, octets: bytes, macs: Macs, name: str = "") -> Link:
    """What an EtherType says follows."""
    if kind == PPPOE:
        return ppp(octets[6:])[0], macs, name
    if kind not in (IPV4, IPV6):
        raise UnreadError(f"EtherType {kind:#06x}")
    return octets, macs, name


def ppp(octets: bytes) -> Link:
    """With or without address and control, RFC 1661 section 2, RFC 1662 section 3.2."""
    packet = PPP(octets if octets[:1] == b"\xff" else b"\xff\x03" + octets)
    if packet.p not in (dpkt.ppp.PPP_IP, dpkt.ppp.PPP_IP6):
        raise UnreadError(f"PPP {packet.p:#06x}")
    return packet.data, None, ""


def sll(octets: bytes) -> Link:
    packet = SLL(octets)
    return network(packet.ethtype, packet.data, (packet.hdr[: packet.hlen], b"") if packet.hlen == 6 else None)


def sll2(octets: bytes) -> Link:
    packet = SLL2(octets)
    macs = (packet.hdr[: packet.hlen], b"") if packet.hlen == 6 else None
    return network(packet.ethtype, packet.data, macs, f"%{packet.intindex}")


def loopback(octets: bytes) -> Link:
    dpkt.loopback.Loopback(octets)
    return octets[4:], None, ""


def radio(octets: bytes) -> Link:
    """Radiotap, then a data frame of 802.11 and LLC."""
    return wireless(octets[dpkt.radiotap.Radiotap(octets).length :])


def wireless(octets: bytes) -> Link:
    frame = dpkt.ieee80211.IEEE80211(octets)
    at = octets.find(b"\xaa\xaa\x03\0\0\0", 24, 40)
    if frame.type != dpkt.ieee80211.DATA_TYPE or frame.wep or at < 0:
        raise UnreadError("802.11 without data")
    return network(struct.unpack_from("!H", octets, at + 6)[0], octets[at + 8 :], None)


def bare(octets: bytes) -> Link:
    return octets, None, ""


LINKS: dict[int, Callable[[bytes], Link]] = {
    0: loopback, 108: loopback, 1: ethernet, 9: ppp, 50: ppp, 12: bare, 14: bare, 101: bare, 228: bare, 229: bare,
    105: wireless, 113: sll, 127: radio, 276: sll2,
}  # fmt: skip


def read(frame: Frame) -> Datagram:
    """The innermost datagram of a frame.

    Raises:
        UnreadError: dpkt does not read it.
    """
    if frame.link_type not in LINKS:
        raise UnreadError(f"link type {frame.link_type}")
    try:
        octets, macs, name = LINKS[frame.link_type](frame.octets)
        return packet(frame, octets, macs, frame.interface + name)
    except UnreadError:
        raise
    except Exception as error:  # dpkt raises what comes
        raise UnreadError(f"{type(error).__name__}: {error}") from error


def packet(frame: Frame, octets: bytes, macs: Macs, place: str, *, is_quote: bool = False) -> Datagram:
    """The datagram of an IP packet; what a tunnel carries counts, not the tunnel."""
    is_ipv4 = octets[0] >> 4 == 4
    ip = IP(octets) if is_ipv4 else IP6(octets)
    inner = None if is_quote else tunnelled(ip)
    if inner is not None:
        return packet(frame, inner, macs, place)
    broadcast = macs[1][0] & 1 if macs and macs[1] else ip.dst[3] == 255
    to_group = ip.dst[0] == 255 if not is_ipv4 else ip.dst[0] >> 4 == 14 or ip.dst == b"\xff" * 4 or bool(broadcast)
    pieces = ip if is_ipv4 else ip.extension_hdrs.get(dpkt.ip.IP_PROTO_FRAGMENT)
    offset = 0 if pieces is None else pieces.offset if is_ipv4 else pieces.frag_off
    more = False if pieces is None else bool(pieces.mf if is_ipv4 else pieces.m_flag)
    sent = (ip.len - 4 * ip.hl if ip.len else 0) if is_ipv4 else ip.plen - sum(
        one.length for one in ip.all_extension_headers
    )
    datagram = Datagram(
        frame, str(ip.p), Address(ip.src, None), Address(ip.dst, None), ip.data, max(sent, len(ip.data)), macs,
        ip.ttl if is_ipv4 else ip.hlim, ip.id if is_ipv4 else getattr(pieces, "id", None), to_group, place,
        piece=offset > 0, pieces=more and not offset,
    )  # fmt: skip
    return datagram if offset else TRANSPORTS.get(ip.p, unknown)(datagram)


def tunnelled(ip: dpkt.Packet) -> bytes | None:
    """The IP packet in a tunnel: IP in IP (RFC 2003), 6in4, GRE (RFC 2784), VXLAN (RFC 7348); None in no tunnel."""
    if ip.p in (dpkt.ip.IP_PROTO_IPIP, dpkt.ip.IP_PROTO_IP6):
        return ip.data
    if ip.p == dpkt.ip.IP_PROTO_GRE:
        gre = dpkt.gre.GRE(ip.data)
        kind, rest = gre.p, ip.data[len(gre) - len(gre.data) :]
        return ethernet(rest)[0] if kind == BRIDGED else ppp(rest)[0] if kind == 0x880B else network(kind, rest, None)[0]
    if ip.p == dpkt.ip.IP_PROTO_UDP and len(ip.data) >= 8 + INNER:
        ports = struct.unpack_from("!HH", ip.data)
        if ports[1] == VXLAN and ip.data[8] == 8:
            return ethernet(ip.data[16:])[0]
        if TUNNELS & set(ports):
            raise UnreadError(f"a tunnel over UDP, ports {ports[0]} and {ports[1]}")
    return None


def udp(one: Datagram) -> Datagram:
    """RFC 768."""
    header = dpkt.udp.UDP(one.payload)
    size = one.size - 8
    if 0 <= header.ulen - 8 and (header.ulen - 8 <= size or one.pieces):
        size = header.ulen - 8
    return with_ports(one, "udp", header.sport, header.dport, one.payload[8 : 8 + size], size)


def with_ports(one: Datagram, transport: str, source: int, destination: int, payload: bytes, size: int) -> Datagram:
    """The datagram of a transport that has ports."""
    ends = Address(one.source.host, source), Address(one.destination.host, destination)
    return replace(one, transport=transport, source=ends[0], destination=ends[1], payload=payload, size=size)


def tcp(one: Datagram) -> Datagram:
    """RFC 9293 section 3.1; of a quoted segment only the first eight octets may be there."""
    source, destination, sequence = struct.unpack_from("!HHI", one.payload)
    acknowledgement, offset, flags = struct.unpack_from("!IBB", one.payload.ljust(14, b"\0"), 8)
    size = one.size - 4 * (offset >> 4)
    segment = with_ports(one, "tcp", source, destination, one.payload[4 * (offset >> 4) :], size)
    return replace(segment, sequence=sequence, acknowledgement=acknowledgement, flags=flags)


def icmp(one: Datagram) -> Datagram:
    """RFC 792, RFC 4443: an error quotes the datagram that it is about."""
    kind, code = one.payload[0], one.payload[1]
    is_error = kind in ((3, 11, 12) if len(one.source.host) == 4 else (1, 2, 3, 4))
    quoted = packet(one.frame, one.payload[8:], one.macs, one.place, is_quote=True) if is_error else None
    return replace(one, transport="icmp", kind=(kind, code), quoted=quoted)


def unknown(one: Datagram) -> Datagram:
    raise UnreadError(f"IP protocol {one.transport}")


TRANSPORTS = {1: icmp, 6: tcp, 17: udp, 58: icmp}
