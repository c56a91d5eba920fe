"""Link layers: where IP begins, and what the link tells about direction, per link type.

Numbers are LINKTYPE_ values (https://www.tcpdump.org/linktypes.html). Each function reads the header at the beginning of
the rest of a frame, notes what it tells, and returns what follows.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from capanalyze.core.frame cimport (
    AGGREGATED, C_HDLC, ELSEWHERE, ENCRYPTED, ETHERNET, ETHERTYPE, FRELAY, IEEE802_11, INBOUND, IP, LINUX_SLL,
    LINUX_SLL2, LLC, LOOP, MALFORMED_HEADER, MPLS, NFLOG, NOT_IP, NSH, NULL_LINK, OUTBOUND, PFLOG, PKTAP, PPP, PPPOE,
    PPP_WITH_DIR, RADIOTAP, TRUNCATED, UNKNOWN, UNREAD_ETHERTYPE, UNREAD_FAMILY, UNREAD_INSIDE, UNREAD_LINK, UNREAD_PPP,
    Frame, Step, offset, skip, unread,
)
from capanalyze.core.octets cimport Octets, be16, be32, be48, behind, le16, le32, u8, within

cdef enum:
    FIRST_PPP_CONTROL = 0x8000  # RFC 1661 section 2: from here on a PPP protocol controls a network layer or the link
    NETFILTER_ARP = 3
    NFLOG_PACKET_HEADER = 1
    NFLOG_PAYLOAD = 9
    NFLOG_TYPE = 0x7FFF
    PFLOG_DIRECTION = 60
    PKTAP_HEADER = 108
    PKTAP_PACKET = 1
    PKTAP_IN = 1
    PKTAP_OUT = 2
    ARPHRD_IPGRE = 778
    MACSEC_VERSION = 0x80
    MACSEC_CHANNEL = 0x20
    MACSEC_CHANGED = 0x0C  # encrypted, or not the octets that were sent
    ETH_P_802_2 = 4


cdef inline Step first_step(uint32_t link_type) noexcept nogil:
    """The first header of frames of a link type; UNREAD_LINK where it is not read."""
    if link_type == 104: return C_HDLC
    if link_type == 107: return FRELAY
    if link_type == 113: return LINUX_SLL
    if link_type == 117: return PFLOG
    if link_type in (149, 258): return PKTAP
    if link_type in (166, 204): return PPP_WITH_DIR
    if link_type == 239: return NFLOG
    if link_type == 276: return LINUX_SLL2
    return inner_step(link_type)


cdef inline Step inner_step(uint32_t link_type) noexcept nogil:
    """The first header of frames of a link type that another header may announce."""
    if link_type == 0: return NULL_LINK
    if link_type == 1: return ETHERNET
    if link_type in (9, 50): return PPP
    if link_type in (12, 14, 101, 228, 229): return IP
    if link_type == 105: return IEEE802_11
    if link_type == 108: return LOOP
    if link_type == 127: return RADIOTAP
    return UNREAD_LINK


cdef inline Step ethernet(Frame *frame) noexcept nogil:
    """IEEE 802.3 clause 3: two addresses, then a type or a length."""
    if frame.rest.captured < 14:
        return TRUNCATED
    frame.message.destination_mac = be48(frame.rest, 0)
    frame.message.source_mac = be48(frame.rest, 6)
    return skip(frame, 12, ETHERTYPE)


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
    if tag: return skip(frame, tag, ETHERTYPE)
    return NOT_IP if manages(kind) else unread(frame, kind, UNREAD_ETHERTYPE)


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

    ARP, RARP, Wake-on-LAN; CDP, VTP and DTP; MAC control and slow protocols; PPPoE discovery; EAPOL and its
    preauthentication; LLDP, MVRP, MMRP; the loopback test.
    """
    return kind in (
        0x0806, 0x8035, 0x0842, 0x2000, 0x2003, 0x2004, 0x8808, 0x8809, 0x8863, 0x888E, 0x88C7, 0x88CC, 0x88F5, 0x88F6,
        0x9000,
    )


cdef inline Step llc(Frame *frame) noexcept nogil:
    """IEEE 802.2 with SNAP (RFC 1042): the EtherType comes after AA AA 03 and three octets."""
    if frame.rest.captured < 8 or u8(frame.rest, 2) != 3:
        return NOT_IP
    if be16(frame.rest, 0) == 0xAAAA:
        return snap(frame)
    if be16(frame.rest, 0) == 0x0606:
        return skip(frame, 3, IP)
    return NOT_IP


cdef inline Step snap(Frame *frame) noexcept nogil:
    """The five octets of SNAP behind LLC: an EtherType, or Ethernet that was bridged (RFC 2684 section 5.2)."""
    if be32(frame.rest, 2) & 0xFFFFFF == 0x0080C2 and be16(frame.rest, 6) in (1, 7):
        return skip(frame, 10, ETHERNET)
    return skip(frame, 6, ETHERTYPE)


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


cdef inline Step pppoe(Frame *frame) noexcept nogil:
    """RFC 2516 section 4: six octets, then PPP."""
    return TRUNCATED if frame.rest.captured < 6 else skip(frame, 6, PPP)


cdef inline Step ppp_with_dir(Frame *frame) noexcept nogil:
    """One octet of direction before PPP: 0 received, otherwise sent. In LINKTYPE_PPP_PPPD likewise."""
    if frame.rest.captured < 1:
        return TRUNCATED
    if u8(frame.rest, 0) == 255:  # address and control field: this writer left the direction out
        return PPP
    frame.message.direction = OUTBOUND if u8(frame.rest, 0) else INBOUND
    frame.rest = behind(frame.rest, 1)
    if frame.rest.captured > 0 and u8(frame.rest, 0) == 3:  # pppd: the direction took the address field's place
        frame.rest = behind(frame.rest, 1)
    return PPP


cdef inline Step ppp(Frame *frame) noexcept nogil:
    """RFC 1661 section 2 and RFC 1662 section 3.1; address, control and half the protocol may be left out."""
    if frame.rest.captured >= 4 and be16(frame.rest, 0) == 0xFF03:
        frame.rest = behind(frame.rest, 2)
    if frame.rest.captured < 2:
        return TRUNCATED
    if be16(frame.rest, 0) in (0x0F00, 0x8F00):  # RFC 1547 section 4.3.1: Cisco's framing
        return C_HDLC
    cdef bint is_short = u8(frame.rest, 0) & 1
    cdef uint16_t kind = u8(frame.rest, 0) if is_short else be16(frame.rest, 0)
    frame.rest = behind(frame.rest, 1 if is_short else 2)
    if kind in (0x0021, 0x0057):
        return IP
    if kind in (0x0281, 0x0283):
        return MPLS
    return NOT_IP if kind >= FIRST_PPP_CONTROL else unread(frame, kind, UNREAD_PPP)


cdef inline Step null(Frame *frame) noexcept nogil:
    """Four octets of address family in the writer's order, which need not be the capture's."""
    return by_family(frame, le32(frame.rest, 0), be32(frame.rest, 0)) if frame.rest.captured >= 4 else TRUNCATED


cdef inline Step loop(Frame *frame) noexcept nogil:
    """Four octets of address family in network order (OpenBSD); some writers used their own."""
    return by_family(frame, be32(frame.rest, 0), le32(frame.rest, 0)) if frame.rest.captured >= 4 else TRUNCATED


cdef inline Step by_family(Frame *frame, uint32_t family, uint32_t swapped) noexcept nogil:
    """AF_INET is 2 everywhere; AF_INET6 is 24, 28 or 30 on the BSDs, 10 on Linux, 23 on Windows."""
    family = family if family <= 0xFFFF else swapped
    frame.rest = behind(frame.rest, 4)
    return IP if family in (2, 10, 23, 24, 28, 30) else unread(frame, family, UNREAD_FAMILY)


cdef inline Step linux_sll(Frame *frame) noexcept nogil:
    """LINKTYPE_LINUX_SLL: packet type, ARPHRD type, address, protocol."""
    if frame.rest.captured < 16:
        return TRUNCATED
    packet_type(frame, be16(frame.rest, 0))
    if be16(frame.rest, 4) == 6:
        frame.message.source_mac = be48(frame.rest, 6)
    if be16(frame.rest, 14) == ETH_P_802_2 and be16(frame.rest, 2) != ARPHRD_IPGRE:
        return skip(frame, 16, LLC)
    return skip(frame, 14, ETHERTYPE)


cdef inline Step linux_sll2(Frame *frame) noexcept nogil:
    """LINKTYPE_LINUX_SLL2: protocol, interface index, ARPHRD type, packet type, address."""
    if frame.rest.captured < 20:
        return TRUNCATED
    cdef uint16_t kind = be16(frame.rest, 0)
    packet_type(frame, u8(frame.rest, 10))
    frame.message.interface = -2 - <int64_t>be32(frame.rest, 4)
    if u8(frame.rest, 11) == 6:
        frame.message.source_mac = be48(frame.rest, 12)
    frame.rest = behind(frame.rest, 20)
    if kind == ETH_P_802_2:
        return LLC
    return NOT_IP if kind < 0x0600 else by_ethertype(frame, kind)  # Linux' own numbers: CAN, IPX, …


cdef inline void packet_type(Frame *frame, uint16_t kind) noexcept nogil:
    """PACKET_HOST, _BROADCAST, _MULTICAST, _OTHERHOST, _OUTGOING (packet(7))."""
    if kind == 4:
        frame.message.direction = OUTBOUND
    elif kind == 3:
        frame.message.direction = ELSEWHERE
    elif kind < 3:
        frame.message.direction = INBOUND


cdef inline Step pktap(Frame *frame) noexcept nogil:
    """Apple's header (XNU bsd/net/pktap.h): length, inner link type, interface name, flags, process."""
    if frame.rest.captured < PKTAP_HEADER:
        return TRUNCATED
    cdef uint32_t length = le32(frame.rest, 0), link_type = le32(frame.rest, 8), way = le32(frame.rest, 36) & 3
    if length < PKTAP_HEADER:
        return MALFORMED_HEADER
    if length > frame.rest.captured:
        return TRUNCATED
    if le32(frame.rest, 4) != PKTAP_PACKET:
        return NOT_IP
    if way == PKTAP_IN:
        frame.message.direction = INBOUND
    elif way == PKTAP_OUT:
        frame.message.direction = OUTBOUND
    names_interface(frame)
    frame.rest = behind(frame.rest, length)
    cdef Step step = inner_step(link_type)
    return unread(frame, link_type, UNREAD_LINK) if step == UNREAD_LINK else step


cdef inline void names_interface(Frame *frame) noexcept nogil:
    """The header that begins here names the interface."""
    frame.message.interface = -1
    frame.message.process = offset(frame)


cdef inline Step pflog(Frame *frame) noexcept nogil:
    """OpenBSD's pf: length, family, action, …, direction; the header is padded to four octets.

    The layout after the rule numbers differs per system, the direction stands at 60 on all of them.
    """
    if frame.rest.captured < 4:
        return TRUNCATED
    cdef uint32_t length = (u8(frame.rest, 0) + 3) // 4 * 4
    cdef uint8_t family = u8(frame.rest, 1)
    if length < 28 or length > frame.rest.captured:
        return TRUNCATED
    if length > PFLOG_DIRECTION:
        if u8(frame.rest, PFLOG_DIRECTION) == 1:
            frame.message.direction = INBOUND
        elif u8(frame.rest, PFLOG_DIRECTION) == 2:
            frame.message.direction = OUTBOUND
    names_interface(frame)
    frame.rest = behind(frame.rest, length)
    return IP if family in (2, 10, 24, 28, 30) else unread(frame, family, UNREAD_FAMILY)


cdef inline Step nflog(Frame *frame) noexcept nogil:
    """LINKTYPE_NFLOG: family, version, resource id, then TLVs in host order; the packet is TLV 9."""
    if frame.rest.captured < 4:
        return TRUNCATED
    if u8(frame.rest, 1) != 0:
        return MALFORMED_HEADER
    cdef uint8_t family = u8(frame.rest, 0)
    cdef uint32_t length, kind
    frame.rest = behind(frame.rest, 4)
    for _ in range(64):
        if frame.rest.captured < 4:
            return NOT_IP
        length, kind = le16(frame.rest, 0), le16(frame.rest, 2)
        if be16(frame.rest, 0) < length and be16(frame.rest, 2) < 256:  # written on a big-endian host
            length, kind = be16(frame.rest, 0), be16(frame.rest, 2)
        if length < 4:
            return MALFORMED_HEADER
        if kind & NFLOG_TYPE == NFLOG_PAYLOAD:
            return nflog_packet(frame, family, length)
        if kind & NFLOG_TYPE == NFLOG_PACKET_HEADER and length >= 8 and frame.rest.captured >= 8:
            nflog_direction(frame, u8(frame.rest, 6))
        frame.rest = behind(frame.rest, (length + 3) // 4 * 4)
    return MALFORMED_HEADER


cdef inline Step nflog_packet(Frame *frame, uint8_t family, uint32_t length) noexcept nogil:
    """The TLV that holds the packet."""
    frame.rest = behind(within(frame.rest, length), 4)
    if family in (2, 10):
        return IP
    return NOT_IP if family == NETFILTER_ARP else unread(frame, family, UNREAD_FAMILY)


cdef inline void nflog_direction(Frame *frame, uint8_t hook) noexcept nogil:
    """NF_INET_LOCAL_IN is 1, LOCAL_OUT 3; before and behind routing a packet may be forwarded."""
    frame.message.direction = INBOUND if hook == 1 else OUTBOUND if hook == 3 else UNKNOWN


cdef inline Step radiotap(Frame *frame) noexcept nogil:
    """https://www.radiotap.org: version, pad, length."""
    if frame.rest.captured < 8:
        return TRUNCATED
    cdef uint32_t length = le16(frame.rest, 2)
    if u8(frame.rest, 0) != 0 or length < 8:
        return MALFORMED_HEADER
    return TRUNCATED if length > frame.rest.captured else skip(frame, length, IEEE802_11)


cdef inline Step ieee802_11(Frame *frame) noexcept nogil:
    """IEEE 802.11 clause 9.2.4: only data frames carry IP, behind LLC; aggregates (A-MSDU) are not read."""
    if frame.rest.captured < 24:
        return NOT_IP
    cdef uint8_t control = u8(frame.rest, 0), flags = u8(frame.rest, 1), way = flags & 3
    if control % 16 // 4 != 2 or control & 0x40:  # no data frame, or one without data
        return NOT_IP
    if flags & 0x40:
        return ENCRYPTED
    cdef uint32_t quality = 30 if way == 3 else 24  # where that field stands, if there is one
    cdef bint has_quality = control & 0x80 != 0
    cdef uint32_t length = quality + (2 if has_quality else 0) + (4 if has_quality and flags & 0x80 else 0)
    if way != 3:
        frame.message.destination_mac = be48(frame.rest, 16 if way == 1 else 4)
        frame.message.source_mac = be48(frame.rest, 16 if way == 2 else 10)
    if length > frame.rest.captured:
        return TRUNCATED
    if has_quality and u8(frame.rest, quality) & 0x80:
        return AGGREGATED
    return skip(frame, length, LLC)


cdef inline Step frelay(Frame *frame) noexcept nogil:
    """Frame relay, RFC 2427: an address of two to four octets, control, then NLPID or SNAP."""
    cdef uint8_t octet
    for _ in range(4):
        if frame.rest.captured < 1:
            return TRUNCATED
        octet = u8(frame.rest, 0)
        frame.rest = behind(frame.rest, 1)
        if octet & 1:
            break
    if frame.rest.captured < 2:
        return TRUNCATED
    if be16(frame.rest, 0) in (0x0800, 0x86DD):  # Cisco's encapsulation has an EtherType right here
        return ETHERTYPE
    if u8(frame.rest, 0) != 3:
        return NOT_IP
    frame.rest = behind(frame.rest, 1)
    if u8(frame.rest, 0) == 0 and frame.rest.captured >= 2:  # a pad octet before the NLPID
        frame.rest = behind(frame.rest, 1)
    octet = u8(frame.rest, 0)
    if octet == 0x80 and frame.rest.captured >= 6:
        return skip(frame, 4, ETHERTYPE)
    frame.rest = behind(frame.rest, 1)
    if octet in (0xCC, 0x8E):
        return IP
    if octet == 0xCF:
        return PPP
    return NOT_IP if octet in (0x08, 0x81, 0x82, 0x83) else UNREAD_INSIDE  # Q.933, CLNP, ES-IS, IS-IS


cdef inline Step c_hdlc(Frame *frame) noexcept nogil:
    """Cisco HDLC: address, control, EtherType."""
    if frame.rest.captured < 4:
        return TRUNCATED
    if be16(frame.rest, 0) == 0xFF03:  # such devices speak PPP as well
        return PPP
    return skip(frame, 2, ETHERTYPE)
