"""Link layers: where IP begins, and what the link tells about direction, per link type.

Numbers are LINKTYPE_ values (https://www.tcpdump.org/linktypes.html). See `network` for how a step works.
"""

from typing import Any

from capanalyze.packets.message import (
    AT,
    DIRECTION,
    DST_MAC,
    ELSEWHERE,
    END,
    INBOUND,
    INTERFACE,
    LINK,
    OUTBOUND,
    PROCESS,
    SRC_MAC,
    UNKNOWN,
    UNREAD,
    WIRE,
)
from capanalyze.packets.octets import be16, be32, be48, le16, le32
from capanalyze.packets.steps import (
    AGGREGATED,
    C_HDLC,
    ENCRYPTED,
    ETHERNET,
    ETHERTYPE,
    FRELAY,
    IEEE802_11,
    IP,
    LINUX_SLL,
    LINUX_SLL2,
    LLC,
    LOOP,
    MALFORMED_HEADER,
    MPLS,
    NFLOG,
    NOT_IP,
    NULL,
    PFLOG,
    PKTAP,
    PPP,
    PPP_WITH_DIR,
    PPPOE,
    RADIOTAP,
    TRUNCATED,
    UNREAD_ETHERTYPE,
    UNREAD_FAMILY,
    UNREAD_INSIDE,
    UNREAD_LINK,
    UNREAD_PPP,
)

# Link type number → first step of the walk.
FIRST_STEP = {
    0: NULL,
    1: ETHERNET,
    9: PPP,
    12: IP,
    14: IP,
    50: PPP,
    101: IP,
    104: C_HDLC,
    105: IEEE802_11,
    107: FRELAY,
    108: LOOP,
    113: LINUX_SLL,
    117: PFLOG,
    127: RADIOTAP,
    149: PKTAP,
    166: PPP_WITH_DIR,
    204: PPP_WITH_DIR,
    228: IP,
    229: IP,
    239: NFLOG,
    258: PKTAP,
    276: LINUX_SLL2,
}

# EtherTypes that only manage the link: they carry nobody's service.
MANAGEMENT = (
    0x0806,  # ARP
    0x8035,  # RARP
    0x0842,  # Wake-on-LAN
    0x2000,  # Cisco's CDP, VTP and DTP
    0x2003,
    0x2004,
    0x8808,  # MAC control: pause
    0x8809,  # slow protocols: LACP
    0x8863,  # PPPoE discovery
    0x888E,  # EAPOL, and its preauthentication
    0x88C7,
    0x88CC,  # LLDP
    0x88F5,  # MVRP
    0x88F6,  # MMRP
    0x9000,  # loopback test
)
FIRST_PPP_CONTROL = 0x8000  # RFC 1661 section 2: from here on a PPP protocol controls a network layer or the link
NETFILTER_ARP = 3

PKTAP_HEADER = 108
PKTAP_IN, PKTAP_OUT = 1, 2


def first_step(link: int) -> int:
    """First step of a link type that a PKTAP header names; -1 where it is not read."""
    if link == 1:
        return ETHERNET
    if link == 0:
        return NULL
    if link in (12, 14, 101, 228, 229):
        return IP
    if link in (9, 50):
        return PPP
    if link == 108:
        return LOOP
    if link == 105:
        return IEEE802_11
    if link == 127:
        return RADIOTAP
    return -1


def ethernet(octets: Any, at: int, end: int, row: Any) -> int:
    """IEEE 802.3 clause 3: two addresses, then a type or a length."""
    if end - at < 14:
        return TRUNCATED
    row[DST_MAC] = be48(octets, at)
    row[SRC_MAC] = be48(octets, at + 6)
    row[AT] = at + 12
    return ETHERTYPE


def ethertype(octets: Any, at: int, end: int, row: Any) -> int:
    """An EtherType and what it announces; VLAN tags (IEEE 802.1Q) bring another one."""
    if end - at < 2:
        return TRUNCATED
    kind = be16(octets, at)
    row[AT] = at + 2
    if kind in (0x0800, 0x86DD):
        return IP
    if kind in (0x8100, 0x88A8, 0x9100, 0x9200):
        row[AT] = at + 4
        return ETHERTYPE
    if kind in (0x8847, 0x8848):
        return MPLS
    if kind == 0x8864:
        return PPPOE
    if kind < 0x0600:
        return LLC
    return other_ethertype(kind, row)


def other_ethertype(kind: int, row: Any) -> int:
    """An EtherType that is not read."""
    if kind in MANAGEMENT:
        return NOT_IP
    row[UNREAD] = kind
    return UNREAD_ETHERTYPE


def llc(octets: Any, at: int, end: int, row: Any) -> int:
    """IEEE 802.2 with SNAP (RFC 1042): the EtherType comes after AA AA 03 and three octets."""
    if end - at < 8:
        return NOT_IP
    if be16(octets, at) == 0xAAAA and octets[at + 2] == 3:
        row[AT] = at + 6
        return ETHERTYPE
    if be16(octets, at) == 0x0606 and octets[at + 2] == 3:
        row[AT] = at + 3
        return IP
    return NOT_IP


def mpls(octets: Any, at: int, end: int, row: Any) -> int:
    """RFC 3032: a stack of labels; below it IP, or Ethernet behind a control word (RFC 4448)."""
    if end - at < 5:
        return TRUNCATED
    row[AT] = at + 4
    if octets[at + 2] & 1 == 0:
        return MPLS
    version = octets[at + 4] // 16
    if version in (4, 6):
        return IP
    if version == 0:
        row[AT] = at + 8
        return ETHERNET
    if version == 1:  # RFC 5586: the channel's own messages
        return NOT_IP
    return UNREAD_INSIDE


def pppoe(octets: Any, at: int, end: int, row: Any) -> int:
    """RFC 2516 section 4: six octets, then PPP."""
    if end - at < 6:
        return TRUNCATED
    row[AT] = at + 6
    return PPP


def ppp_with_dir(octets: Any, at: int, end: int, row: Any) -> int:
    """One octet of direction before PPP: 0 received, otherwise sent. In LINKTYPE_PPP_PPPD likewise."""
    if end - at < 1:
        return TRUNCATED
    if octets[at] == 255:  # address and control field: this writer left the direction out
        row[AT] = at
        return PPP
    row[DIRECTION] = OUTBOUND if octets[at] else INBOUND
    row[AT] = at + 1
    if end - at > 1 and octets[at + 1] == 3:  # pppd's form: the direction took the address field's place
        row[AT] = at + 2
    return PPP


def ppp(octets: Any, at: int, end: int, row: Any) -> int:
    """RFC 1661 section 2 and RFC 1662 section 3.1; address, control and half the protocol may be left out."""
    if end - at >= 4 and octets[at] == 255 and octets[at + 1] == 3:
        at += 2
    if end - at < 2:
        return TRUNCATED
    if octets[at] in (0x0F, 0x8F) and octets[at + 1] == 0:  # RFC 1547 section 4.3.1: Cisco's framing
        row[AT] = at
        return C_HDLC
    if octets[at] & 1:
        kind = octets[at] * 1
        at += 1
    else:
        kind = be16(octets, at)
        at += 2
    row[AT] = at
    if kind in (0x0021, 0x0057):
        return IP
    if kind in (0x0281, 0x0283):
        return MPLS
    if kind >= FIRST_PPP_CONTROL:
        return NOT_IP
    row[UNREAD] = kind
    return UNREAD_PPP


def null(octets: Any, at: int, end: int, row: Any) -> int:
    """Four octets of address family in the writer's order, which need not be the capture's."""
    if end - at < 4:
        return TRUNCATED
    family = le32(octets, at)
    if family > 65535:
        family = be32(octets, at)
    return family_step(family, at, row)


def loop(octets: Any, at: int, end: int, row: Any) -> int:
    """Four octets of address family in network order (OpenBSD); some writers used their own."""
    if end - at < 4:
        return TRUNCATED
    family = be32(octets, at)
    if family > 65535:
        family = le32(octets, at)
    return family_step(family, at, row)


def family_step(family: int, at: int, row: Any) -> int:
    """AF_INET is 2 everywhere; AF_INET6 is 24, 28 or 30 on the BSDs, 10 on Linux, 23 on Windows."""
    row[AT] = at + 4
    if family in (2, 10, 23, 24, 28, 30):
        return IP
    row[UNREAD] = family
    return UNREAD_FAMILY


def linux_sll(octets: Any, at: int, end: int, row: Any) -> int:
    """LINKTYPE_LINUX_SLL: packet type, ARPHRD type, address, protocol."""
    if end - at < 16:
        return TRUNCATED
    packet_type(be16(octets, at), row)
    if be16(octets, at + 4) == 6:
        row[SRC_MAC] = be48(octets, at + 6)
    row[AT] = at + 14
    if be16(octets, at + 2) == 778:  # ARPHRD_IPGRE: the protocol is GRE's
        return ETHERTYPE
    if be16(octets, at + 14) == 4:  # ETH_P_802_2
        row[AT] = at + 16
        return LLC
    return ETHERTYPE


def linux_sll2(octets: Any, at: int, end: int, row: Any) -> int:
    """LINKTYPE_LINUX_SLL2: protocol, interface index, ARPHRD type, packet type, address."""
    if end - at < 20:
        return TRUNCATED
    packet_type(octets[at + 10] * 1, row)
    row[INTERFACE] = -2 - be32(octets, at + 4)
    if octets[at + 11] == 6:
        row[SRC_MAC] = be48(octets, at + 12)
    kind = be16(octets, at)
    row[AT] = at + 20
    if kind in (0x0800, 0x86DD):
        return IP
    if kind in (0x8100, 0x88A8):
        row[AT] = at + 22
        return ETHERTYPE
    if kind == 4:
        return LLC
    if kind == 0x8864:
        return PPPOE
    if kind in (0x8847, 0x8848):
        return MPLS
    if kind < 0x0600:  # Linux' own numbers: CAN, IPX, …
        return NOT_IP
    return other_ethertype(kind, row)


def packet_type(kind: int, row: Any) -> None:
    """PACKET_HOST, _BROADCAST, _MULTICAST, _OTHERHOST, _OUTGOING (packet(7))."""
    if kind == 4:
        row[DIRECTION] = OUTBOUND
    elif kind == 3:
        row[DIRECTION] = ELSEWHERE
    elif kind < 3:
        row[DIRECTION] = INBOUND


def pktap(octets: Any, at: int, end: int, row: Any) -> int:
    """Apple's header (XNU bsd/net/pktap.h): length, inner link type, interface name, flags, process."""
    if end - at < PKTAP_HEADER:
        return TRUNCATED
    length = le32(octets, at)
    if length < PKTAP_HEADER:
        return MALFORMED_HEADER
    if at + length > end:
        return TRUNCATED
    if le32(octets, at + 4) != 1:
        return NOT_IP
    flags = le32(octets, at + 36) & 3
    if flags == PKTAP_IN:
        row[DIRECTION] = INBOUND
    elif flags == PKTAP_OUT:
        row[DIRECTION] = OUTBOUND
    row[INTERFACE] = -1
    row[PROCESS] = at
    row[AT] = at + length
    row[LINK] = le32(octets, at + 8)
    step = first_step(row[LINK])
    if step < 0:
        row[UNREAD] = row[LINK]
        return UNREAD_LINK
    return step


def pflog(octets: Any, at: int, end: int, row: Any) -> int:
    """OpenBSD's pf: length, family, action, …, direction; the header is padded to four octets.

    The layout after the rule numbers differs per system, the direction stands at 60 on all of them.
    """
    if end - at < 4:
        return TRUNCATED
    length = (octets[at] + 3) // 4 * 4
    if length < 28 or at + length > end:
        return TRUNCATED
    if length > 60:
        if octets[at + 60] == 1:
            row[DIRECTION] = INBOUND
        elif octets[at + 60] == 2:
            row[DIRECTION] = OUTBOUND
    row[INTERFACE] = -1
    row[PROCESS] = at
    row[AT] = at + length
    if octets[at + 1] in (2, 10, 24, 28, 30):
        return IP
    row[UNREAD] = octets[at + 1] * 1
    return UNREAD_FAMILY


def nflog(octets: Any, at: int, end: int, row: Any) -> int:
    """LINKTYPE_NFLOG: family, version, resource id, then TLVs in host order; the packet is TLV 9."""
    if end - at < 4:
        return TRUNCATED
    if octets[at + 1] != 0:
        return MALFORMED_HEADER
    family = octets[at] * 1
    at += 4
    for _ in range(64):
        if end - at < 4:
            return NOT_IP
        length = le16(octets, at)
        kind = le16(octets, at + 2)
        if be16(octets, at) < length and be16(octets, at + 2) < 256:  # written on a big-endian host
            length = be16(octets, at)
            kind = be16(octets, at + 2)
        if length < 4:
            return MALFORMED_HEADER
        if kind & 0x7FFF == 9:
            row[AT] = at + 4
            row[WIRE] = at + length
            row[END] = min(end, at + length)
            if family in (2, 10):
                return IP
            if family == NETFILTER_ARP:
                return NOT_IP
            row[UNREAD] = family
            return UNREAD_FAMILY
        if kind & 0x7FFF == 1 and length >= 8 and end - at >= 8:
            hook = octets[at + 6] * 1  # NF_INET_LOCAL_IN 1, LOCAL_OUT 3; pre- and postrouting may forward
            if hook == 1:
                row[DIRECTION] = INBOUND
            elif hook == 3:
                row[DIRECTION] = OUTBOUND
            else:
                row[DIRECTION] = UNKNOWN
        at += (length + 3) // 4 * 4
    return MALFORMED_HEADER


def radiotap(octets: Any, at: int, end: int, row: Any) -> int:
    """https://www.radiotap.org: version, pad, length; bit 4 of the flags says that a check sequence follows."""
    if end - at < 8:
        return TRUNCATED
    length = le16(octets, at + 2)
    if octets[at] != 0 or length < 8:
        return MALFORMED_HEADER
    if at + length > end:
        return TRUNCATED
    row[AT] = at + length
    return IEEE802_11


def ieee802_11(octets: Any, at: int, end: int, row: Any) -> int:
    """IEEE 802.11 clause 9.2.4: only data frames carry IP, behind LLC; aggregates (A-MSDU) are not read."""
    if end - at < 24:
        return NOT_IP
    control = octets[at] * 1
    flags = octets[at + 1] * 1
    if control % 16 // 4 != 2:
        return NOT_IP
    if control & 0x40:  # the "no data" subtypes
        return NOT_IP
    if flags & 0x40:
        return ENCRYPTED
    length = 24
    if flags & 3 == 3:
        length += 6
    quality = at + length  # where the field of that name stands, if there is one
    if control & 0x80:
        length += 2
        if flags & 0x80:
            length += 4
    if flags & 3 == 0:
        row[DST_MAC] = be48(octets, at + 4)
        row[SRC_MAC] = be48(octets, at + 10)
    elif flags & 3 == 1:
        row[DST_MAC] = be48(octets, at + 16)
        row[SRC_MAC] = be48(octets, at + 10)
    elif flags & 3 == 2:
        row[DST_MAC] = be48(octets, at + 4)
        row[SRC_MAC] = be48(octets, at + 16)
    if at + length > end:
        return TRUNCATED
    if control & 0x80 and octets[quality] & 0x80:
        return AGGREGATED
    row[AT] = at + length
    return LLC


def frelay(octets: Any, at: int, end: int, row: Any) -> int:
    """Frame relay, RFC 2427: an address of two to four octets, control, then NLPID or SNAP."""
    for _ in range(4):
        if end - at < 1:
            return TRUNCATED
        at += 1
        if octets[at - 1] & 1:
            break
    if end - at < 2:
        return TRUNCATED
    if be16(octets, at) in (0x0800, 0x86DD):  # Cisco's encapsulation has an EtherType right here
        row[AT] = at
        return ETHERTYPE
    if octets[at] != 3:
        return NOT_IP
    at += 1
    if octets[at] == 0 and end - at >= 2:  # a pad octet before the NLPID
        at += 1
    kind = octets[at] * 1
    row[AT] = at + 1
    if kind in (0xCC, 0x8E):
        return IP
    if kind == 0xCF:
        return PPP
    if kind == 0x80 and end - at >= 6:
        row[AT] = at + 4
        return ETHERTYPE
    if kind in (0x08, 0x81, 0x82, 0x83):  # Q.933, CLNP, ES-IS, IS-IS
        return NOT_IP
    return UNREAD_INSIDE


def c_hdlc(octets: Any, at: int, end: int, row: Any) -> int:
    """Cisco HDLC: address, control, EtherType."""
    if end - at < 4:
        return TRUNCATED
    if octets[at] == 255 and octets[at + 1] == 3:  # such devices speak PPP as well
        row[AT] = at
        return PPP
    row[AT] = at + 2
    return ETHERTYPE
