"""Ethernet and its kin: addresses, EtherTypes with the tags and labels that they announce, LLC.

See `link.pxd`.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from capanalyze.core.frame cimport (
    ENCRYPTED, ETHERNET, ETHERTYPE, IP, LLC, MALFORMED_HEADER, MPLS, NOT_IP, NSH, PPP, PPPOE, TRUNCATED,
    UNREAD_ETHERTYPE, UNREAD_INSIDE, Frame, Step, skip, unread,
)
from capanalyze.core.message cimport Address
from capanalyze.core.octets cimport Octets, be16, be24, be32, be48, behind, u8
from capanalyze.core.signs cimport sign_arp

cdef enum:
    CISCO_ISL = 0x01000C00  # an address that frames between Cisco's switches begin with, and a 0
    BRIDGED = 0x0080C2  # IEEE 802.1's own identifier in SNAP
    MACSEC_VERSION = 0x80
    MACSEC_CHANNEL = 0x20
    MACSEC_CHANGED = 0x0C  # encrypted, or not the octets that were sent


cdef inline Step ethernet(Frame *frame) noexcept nogil:
    """IEEE 802.3 clause 3: two addresses, then a type or a length."""
    cdef Octets octets = frame.rest
    if octets.captured < 14:
        return TRUNCATED
    if be32(octets, 0) == CISCO_ISL and u8(octets, 4) == 0:
        return skip(frame, 26, ETHERNET)
    frame.message.destination_mac = be48(octets, 0)
    frame.message.source_mac = be48(octets, 6)
    return skip(frame, 12, ETHERTYPE)


cdef inline Step dsa(Frame *frame) noexcept nogil:
    """Ethernet with four octets of a switch behind its addresses (Linux net/dsa/tag_dsa.c, tag_brcm.c)."""
    if frame.rest.captured < 18:
        return TRUNCATED
    frame.message.destination_mac = be48(frame.rest, 0)
    frame.message.source_mac = be48(frame.rest, 6)
    return skip(frame, 16, ETHERTYPE)


cdef inline Step mpacket(Frame *frame) noexcept nogil:
    """IEEE 802.3br clause 99: a preamble, a delimiter, Ethernet; what goes on with a fragment is not put together."""
    cdef uint32_t at = 0
    while at < 7 and at < frame.rest.captured and u8(frame.rest, at) == 0x55:
        at += 1
    if at >= frame.rest.captured:
        return TRUNCATED
    cdef uint8_t delimiter = u8(frame.rest, at)
    if delimiter in (0x07, 0x19):  # verify, respond
        return NOT_IP
    return skip(frame, at + 1, ETHERNET) if delimiter in (0xD5, 0xE6, 0x4C, 0x7F, 0xB3) else UNREAD_INSIDE


cdef inline Step token_ring(Frame *frame) noexcept nogil:
    """IEEE 802.5 clause 3: access, frame control, two addresses, and a route where the source's first bit says so."""
    if frame.rest.captured < 15:
        return TRUNCATED
    if u8(frame.rest, 1) >> 6 != 1:
        return NOT_IP
    cdef bint is_routed = u8(frame.rest, 8) & 0x80
    frame.message.destination_mac = be48(frame.rest, 2)
    frame.message.source_mac = be48(frame.rest, 8) & 0x7FFFFFFFFFFFULL
    return skip(frame, 14 + (u8(frame.rest, 14) % 32 if is_routed else 0), LLC)


cdef inline Step fddi(Frame *frame) noexcept nogil:
    """ANSI X3.139: frame control, two addresses, LLC."""
    if frame.rest.captured < 13:
        return TRUNCATED
    if u8(frame.rest, 0) & 0x70 != 0x50:
        return NOT_IP
    frame.message.destination_mac = be48(frame.rest, 1)
    frame.message.source_mac = be48(frame.rest, 7)
    return skip(frame, 13, LLC)


cdef inline Step ip_over_fc(Frame *frame) noexcept nogil:
    """RFC 2625 section 3.3: two addresses, each behind two octets of its kind, then LLC."""
    if frame.rest.captured < 16:
        return TRUNCATED
    frame.message.destination_mac = be48(frame.rest, 2)
    frame.message.source_mac = be48(frame.rest, 10)
    return skip(frame, 16, LLC)


cdef inline Step ethertype(Frame *frame) noexcept nogil:
    """An EtherType and what it announces; VLAN tags (IEEE 802.1Q) bring another one."""
    if frame.rest.captured < 2:
        return TRUNCATED
    cdef uint16_t kind = be16(frame.rest, 0)
    frame.rest = behind(frame.rest, 2)
    return LLC if kind < 0x0600 else by_ethertype(frame, kind)


cdef inline Step by_ethertype(Frame *frame, uint16_t kind) noexcept nogil:
    """What an EtherType announces, on a link or in another header that names its payload by one."""
    if kind in (0x0800, 0x86DD): return IP
    if kind == 0x0806: return arp(frame)
    if kind in (0x8847, 0x8848): return MPLS
    if kind == 0x8864: return PPPOE
    if kind == 0x880B: return PPP
    if kind == 0x8870: return LLC
    if kind == 0x894F: return NSH
    if kind == 0x6558: return ETHERNET
    if kind == 0x88E7: return skip(frame, 4, ETHERNET)  # IEEE 802.1Q clause 9.7: the tag of a backbone's service
    if kind == 0x8903: return skip(frame, 2, ETHERNET)  # Cisco FabricPath, behind addresses of its own
    if kind == 0x88E5: return macsec(frame)
    if kind == 0x22F3: return trill(frame)
    if kind == 0x4305: return batman(frame)
    cdef uint32_t tag = octets_of_tag(kind)
    if tag: return tagged(frame, tag)
    return NOT_IP if manages(kind) else unread(frame, kind, UNREAD_ETHERTYPE)


cdef inline Step arp(Frame *frame) noexcept nogil:
    """RFC 826: what asks or answers is on the link. Two types, two lengths, the operation, and the sender's addresses."""
    cdef uint32_t at = 8 + (u8(frame.rest, 4) if frame.rest.captured >= 8 else 0)
    if frame.rest.captured >= at + 4 and be16(frame.rest, 2) == 0x0800 and u8(frame.rest, 5) == 4:
        frame.message.source = Address(0, 0xFFFF00000000ULL | be32(frame.rest, at))
        frame.is_shown = True
        sign_arp(frame)
    return NOT_IP


cdef inline uint32_t octets_of_tag(uint16_t kind) noexcept nogil:
    """How long a tag is that another EtherType follows, without its own; 0 where an EtherType announces no tag."""
    if kind in (0x8100, 0x88A8, 0x9100, 0x9200): return 2  # VLAN, IEEE 802.1Q clause 9.6
    if kind == 0x8926: return 4  # Cisco's VN-Tag
    if kind == 0x892F: return 4  # HSR, IEC 62439-3
    if kind == 0xF1C1: return 4  # redundancy, IEEE 802.1CB clause 7.8
    if kind == 0x893F: return 6  # port extension, IEEE 802.1BR clause 7.5
    if kind == 0x8909: return 6  # Cisco metadata
    if kind == 0xDADA: return 6  # a switch's port, Linux net/dsa/tag_dsa.c
    return 0


cdef inline Step tagged(Frame *frame, uint32_t tag) noexcept nogil:
    """A tag: its first two octets tell a datagram with it from the same one without, or with another."""
    if frame.rest.captured >= 2:
        frame.message.tags = <int64_t>(<uint64_t>frame.message.tags << 17 | 1 << 16 | be16(frame.rest, 0))
    return skip(frame, tag, ETHERTYPE)


cdef inline Step macsec(Frame *frame) noexcept nogil:
    """IEEE 802.1AE clause 9.3: a tag of 6 octets, or 14 with a channel; what is only kept from change can be read."""
    if frame.rest.captured < 6:
        return TRUNCATED
    cdef uint8_t control = u8(frame.rest, 0)
    if control & MACSEC_VERSION:
        return UNREAD_INSIDE
    if control & MACSEC_CHANGED:
        return ENCRYPTED
    return skip(frame, 14 if control & MACSEC_CHANNEL else 6, ETHERTYPE)


cdef inline Step trill(Frame *frame) noexcept nogil:
    """RFC 6325 section 3.1: version, length of the options, hop count, two nicknames; then Ethernet."""
    if frame.rest.captured < 6:
        return TRUNCATED
    cdef uint16_t head = be16(frame.rest, 0)
    return skip(frame, 6 + (head >> 6) % 32 * 4, ETHERNET) if head >> 14 == 0 else UNREAD_INSIDE


cdef inline Step batman(Frame *frame) noexcept nogil:
    """Linux uapi/linux/batadv_packet.h, version 15: Ethernet behind the header of its kind of packet."""
    if frame.rest.captured < 2:
        return TRUNCATED
    cdef uint8_t kind = u8(frame.rest, 0)
    if u8(frame.rest, 1) != 15:
        return UNREAD_INSIDE
    if kind == 0x01: return skip(frame, 14, ETHERNET)  # broadcast
    if kind == 0x40: return skip(frame, 10, ETHERNET)  # unicast
    if kind == 0x42: return skip(frame, 18, ETHERNET)  # unicast with four addresses
    return UNREAD_INSIDE if kind in (0x02, 0x05, 0x41) else NOT_IP  # coded, multicast, fragments


cdef inline Step nsh(Frame *frame) noexcept nogil:
    """RFC 8300 section 2: a header as long as it says, and the kind of payload."""
    if frame.rest.captured < 4:
        return TRUNCATED
    cdef uint16_t head = be16(frame.rest, 0)
    cdef uint8_t kind = u8(frame.rest, 3)
    if head >> 14 or head % 64 < 2:
        return MALFORMED_HEADER
    frame.rest = behind(frame.rest, head % 64 * 4)
    return by_next_protocol(kind)


cdef inline Step by_next_protocol(uint8_t kind) noexcept nogil:
    """What stands behind a service header, by IANA's NSH Next Protocol registry."""
    if kind in (1, 2): return IP
    if kind == 3: return ETHERNET
    if kind == 4: return NSH
    return MPLS if kind == 5 else UNREAD_INSIDE


cdef inline bint manages(uint16_t kind) noexcept nogil:
    """Whether an EtherType only manages the link: it carries nobody's service.

    RARP, Wake-on-LAN; CDP, VTP and DTP; MAC control and slow protocols; PPPoE discovery; EAPOL and its
    preauthentication; LLDP, MVRP, MMRP; the loopback test.
    """
    return kind in (
        0x8035, 0x0842, 0x2000, 0x2003, 0x2004, 0x8808, 0x8809, 0x8863, 0x888E, 0x88C7, 0x88CC, 0x88F5, 0x88F6,
        0x9000,
    )


cdef inline Step llc(Frame *frame) noexcept nogil:
    """IEEE 802.2 with SNAP (RFC 1042): the EtherType comes after AA AA 03 and three octets."""
    if frame.rest.captured < 8 or u8(frame.rest, 2) != 3:
        return NOT_IP
    if be16(frame.rest, 0) == 0xAAAA:
        frame.rest = behind(frame.rest, 3)
        return snap(frame, 2)
    if be16(frame.rest, 0) == 0x0606:
        return skip(frame, 3, IP)
    if be16(frame.rest, 0) == 0xFEFE:
        frame.rest = behind(frame.rest, 3)
        return nlpid(frame)
    return NOT_IP


cdef inline Step snap(Frame *frame, uint32_t pad) noexcept nogil:
    """SNAP, five octets: an EtherType, or Ethernet that was bridged (RFC 2684 section 5.2, RFC 2427 section 4.2)."""
    if frame.rest.captured < 5:
        return TRUNCATED
    if be24(frame.rest, 0) == BRIDGED and be16(frame.rest, 3) in (1, 7):
        return skip(frame, 5 + pad, ETHERNET)
    return skip(frame, 3, ETHERTYPE)


cdef inline Step nlpid(Frame *frame) noexcept nogil:
    """A network layer protocol identifier (ISO/IEC TR 9577), or SNAP behind one, RFC 2427 section 3."""
    if frame.rest.captured >= 2 and u8(frame.rest, 0) == 0:  # a pad octet before it
        frame.rest = behind(frame.rest, 1)
    if frame.rest.captured < 1:
        return TRUNCATED
    cdef uint8_t octet = u8(frame.rest, 0)
    frame.rest = behind(frame.rest, 1)
    if octet == 0x80:
        return snap(frame, 0)
    if octet in (0xCC, 0x8E):
        return IP
    if octet == 0xCF:
        return PPP
    return NOT_IP if octet in (0x08, 0x81, 0x82, 0x83) else UNREAD_INSIDE  # Q.933, CLNP, ES-IS, IS-IS


cdef inline Step mpls(Frame *frame) noexcept nogil:
    """RFC 3032: a stack of labels; below it IP, or Ethernet behind a control word (RFC 4448)."""
    if frame.rest.captured < 5:
        return TRUNCATED
    cdef bint is_last = u8(frame.rest, 2) & 1
    frame.rest = behind(frame.rest, 4)
    if not is_last:
        return MPLS
    cdef uint8_t version = u8(frame.rest, 0) // 16
    if version in (4, 6):
        return IP
    if version == 0:
        return skip(frame, 4, ETHERNET)
    return NOT_IP if version == 1 else UNREAD_INSIDE  # RFC 5586: the channel's own messages
