"""What hosts put in the place of a link: address families, cooked captures, firewalls' logs.

See `link.pxd`.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from capanalyze.core.frame cimport (
    ELSEWHERE, ETHERTYPE, INBOUND, IP, LLC, MALFORMED_HEADER, NOT_IP, OUTBOUND, TRUNCATED, UNKNOWN, UNREAD_FAMILY,
    Frame, Step, offset, skip, unread,
)
from capanalyze.core.link cimport announced
from capanalyze.core.link_ethernet cimport by_ethertype
from capanalyze.core.octets cimport be16, be32, be48, behind, le16, le32, u8, within

cdef enum:
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
    ETH_P_802_2 = 4


cdef inline Step null(Frame *frame) noexcept nogil:
    """Four octets of address family in the writer's order, which need not be the capture's."""
    return by_family(frame, le32(frame.rest, 0), be32(frame.rest, 0)) if frame.rest.captured >= 4 else TRUNCATED


cdef inline Step loop(Frame *frame) noexcept nogil:
    """Four octets of address family in network order (OpenBSD); some writers used their own."""
    return by_family(frame, be32(frame.rest, 0), le32(frame.rest, 0)) if frame.rest.captured >= 4 else TRUNCATED


cdef inline Step enc(Frame *frame) noexcept nogil:
    """LINKTYPE_ENC: address family in the writer's order, SPI, flags; then what IPsec carried, in clear."""
    if frame.rest.captured < 12:
        return TRUNCATED
    cdef Step step = null(frame)
    return skip(frame, 8, step)


cdef inline Step ipnet(Frame *frame) noexcept nogil:
    """LINKTYPE_IPNET (Solaris, dlpi's dl_ipnetinfo_t): version, family, hook, length, interfaces and zones."""
    if frame.rest.captured < 24:
        return TRUNCATED
    cdef uint8_t version = u8(frame.rest, 0), family = u8(frame.rest, 1)
    cdef uint16_t hook = be16(frame.rest, 2)
    cdef uint32_t packet = be32(frame.rest, 4), header = 24
    if version not in (1, 2):
        return MALFORMED_HEADER
    if packet < frame.rest.size and 24 < frame.rest.size - packet <= frame.rest.captured:
        header = frame.rest.size - packet
    frame.message.direction = INBOUND if hook == 0 else OUTBOUND if hook == 1 else UNKNOWN  # 2: between zones
    frame.message.interface = -2 - <int64_t>be32(frame.rest, 8)
    frame.rest = behind(frame.rest, header)
    return IP if family in (2, 26) else unread(frame, family, UNREAD_FAMILY)


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
    return announced(frame, length, link_type)


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
