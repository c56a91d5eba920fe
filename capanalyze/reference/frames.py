"""Frames as messages, read by dpkt: link, tags, the IP packet, its transport. Tunnels and fragments are not read."""

import struct
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

import dpkt

if TYPE_CHECKING:
    from capanalyze.protocols._protocol import Protocol
    from capanalyze.reference.keys import Said

FIN, SYN, RST, ACK = 1, 2, 4, 16
IPV4, IPV6, PPPOE = 0x0800, 0x86DD, 0x8864  # EtherTypes
# Over UDP: L2TP, GTP-U, Teredo, GRE, VXLAN, VXLAN-GPE, AYIYA, CAPWAP, Geneve, MPLS, VXLAN on Linux' port, TZSP.
TUNNELS = {1701, 2152, 3544, 4754, 4789, 4790, 5072, 5247, 6081, 6635, 8472, 37008}
BARE = {0: 4, 108: 4, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0}  # link types with an IP packet at this offset
SAME = ("ends", "transport", "size", "ident", "tcp", "icmp")  # in all sights of one message
Key = tuple[str, int]  # a frame: its capture and its number


class UnreadError(Exception):
    """The reference does not read this, and says why."""


class Frame(NamedTuple):
    """A frame as captured: nanoseconds since 1970, or None; `is_outgoing` where the capture says that it was sent."""

    key: Key
    time: int | None
    interface: str
    link_type: int
    octets: bytes
    is_outgoing: bool = False


class Address(NamedTuple):
    """A host's address, packed, and a port; None in ICMP."""

    host: bytes
    port: int | None

    def __str__(self) -> str:
        return str(ip_address(self.host))


@dataclass(eq=False)
class Message:
    """The datagram of a frame; `size` octets of payload were sent, `payload` is what was captured of them.

    `macs`: from and to, empty where the link has none, and tags. `tcp`: flags, sequence, acknowledgement. `icmp`: type
    and code; `quoted`: what an ICMP error is about. `keys.tell` notes what it says, of which service and port.
    """

    frame: Frame
    interface: str
    is_outgoing: bool
    payload: bytes
    macs: tuple[bytes, ...] = (b"", b"")
    source: Address = field(init=False)
    destination: Address = field(init=False)
    to_group: bool = False
    ttl: int = 0
    ident: int | None = None
    size: int = 0
    transport: str = ""
    tcp: tuple[int, int, int] = (0, 0, 0)
    icmp: tuple[int, int] = (0, 0)
    quoted: "Message | None" = None
    protocol: "Protocol" = field(init=False)
    port: int | None = None
    said: "Said" = field(init=False)
    clock: int = 0

    @property
    def ends(self) -> tuple[Address, Address]:
        """From and to whom."""
        return self.source, self.destination

    def is_copy(self, sight: "Message") -> bool:
        """Whether this is the same datagram on its way: else the sender sent two that are equal. One may be cut."""
        if any(getattr(self, name) != getattr(sight, name) for name in SAME):
            return False
        kept, other = len(self.payload), len(sight.payload)
        is_elsewhere = sight.interface != self.interface or sight.macs != self.macs or sight.ttl == self.ttl + 1
        is_equal = kept == other or bool(self.ident and min(kept, other) < self.size)
        return is_elsewhere and is_equal and self.payload[:other] == sight.payload[:kept]


def bare(packet: type) -> type:
    """A packet of dpkt's up to its payload, which is left as it is."""
    return type(packet.__name__, (packet,), {"_typesw": {}, "_protosw": {}})


ETHERNET, PPP, SLL, SLL2 = map(bare, (dpkt.ethernet.Ethernet, dpkt.ppp.PPP, dpkt.sll.SLL, dpkt.sll2.SLL2))
IP, IP6 = bare(dpkt.ip.IP), bare(dpkt.ip6.IP6)


def read(frame: Frame) -> Message:
    """The message of a frame. It may raise whatever dpkt throws."""
    one = Message(frame, frame.interface, frame.is_outgoing, frame.octets)
    link(one, frame.link_type)
    network(one)
    return one


def link(one: Message, kind: int) -> None:
    """The header of a link, https://www.tcpdump.org/linktypes.html, and the EtherType in it."""
    octets, protocol = one.payload, IPV4
    if kind in (9, 50):
        octets = ppp(octets)
    elif kind == 1:
        ether = ETHERNET(octets)
        one.macs = ether.src, ether.dst, *map(bytes, getattr(ether, "vlan_tags", ()))
        protocol, octets = getattr(ether, "_next_type", ether.type), ether.data
    elif kind in (113, 276):  # Linux, "any"
        sll = SLL(octets) if kind == 113 else SLL2(octets)
        one.interface += f"%{sll.intindex}" if kind == 276 else ""
        one.is_outgoing |= sll.type == 4
        one.macs, protocol, octets = (sll.hdr[:6] if sll.hlen == 6 else b"", b""), sll.ethtype, sll.data
    elif kind in BARE:
        octets = octets[BARE[kind] :]
    else:
        raise UnreadError(f"link type {kind}")
    if protocol not in (IPV4, IPV6, PPPOE):
        raise UnreadError(f"EtherType {protocol:#06x}")
    one.payload = ppp(octets[6:]) if protocol == PPPOE else octets


def ppp(octets: bytes) -> bytes:
    """The IP packet in PPP, with or without address and control: RFC 1662 section 3.2."""
    packet = PPP(octets if octets[:1] == b"\xff" else b"\xff\x03" + octets)
    if packet.p not in (dpkt.ppp.PPP_IP, dpkt.ppp.PPP_IP6):
        raise UnreadError(f"PPP {packet.p:#06x}")
    return bytes(packet.data)


def network(one: Message) -> None:
    """RFC 791, RFC 8200."""
    ip = IP(one.payload) if one.payload[0] >> 4 == 4 else IP6(one.payload)
    if ip.v == 4:
        is_fragment, one.ident, one.ttl, size = ip.offset or ip.mf, ip.id, ip.ttl, ip.len - 4 * ip.hl
        is_broadcast = one.macs[1][0] & 1 if one.macs[1] else ip.dst[3] == 255
        one.to_group = bool(is_broadcast) or ip.dst[0] >> 4 == 14 or ip.dst == b"\xff" * 4
    else:
        piece, one.ttl, one.to_group = ip.extension_hdrs.get(dpkt.ip.IP_PROTO_FRAGMENT), ip.hlim, ip.dst[0] == 255
        is_fragment, one.ident = (piece.frag_off or piece.m_flag, piece.id) if piece else (0, None)
        size = ip.plen - sum(each.length for each in ip.all_extension_headers)
    if is_fragment:
        raise UnreadError("a fragment")
    one.payload, one.size = ip.data, max(size, len(ip.data))
    one.source, one.destination = Address(ip.src, None), Address(ip.dst, None)
    transport(one, ip.p)


def transport(one: Message, number: int) -> None:
    """UDP (RFC 768), TCP (RFC 9293 section 3.1), ICMP (RFC 792, RFC 4443); a quote may hold eight octets of them."""
    octets, one.transport = one.payload, {1: "icmp", 58: "icmp", 6: "tcp", 17: "udp"}.get(number, "")
    if not one.transport:
        raise UnreadError(f"IP protocol {number}")
    if one.transport == "icmp":
        one.icmp = octets[0], octets[1]
        if octets[0] in ((3, 11, 12) if number == 1 else (1, 2, 3, 4)):
            one.quoted = Message(one.frame, one.interface, one.is_outgoing, octets[8:], one.macs)
            network(one.quoted)
        return
    ports = struct.unpack_from("!HH", octets)
    one.source, one.destination = one.source._replace(port=ports[0]), one.destination._replace(port=ports[1])
    if one.transport == "tcp":
        sequence, acknowledgement, head, flags = struct.unpack_from("!IIBB", octets.ljust(14, b"\0"), 4)
        one.tcp, head = (flags, sequence, acknowledgement), 4 * (head >> 4)
        one.payload, one.size = octets[head:], one.size - head
        return
    if not TUNNELS.isdisjoint(ports):
        raise UnreadError("a tunnel over UDP")
    told, room = dpkt.udp.UDP(octets).ulen - 8, one.size - 8
    one.size = told if 0 <= told <= room else room
    one.payload = octets[8 : 8 + one.size]
