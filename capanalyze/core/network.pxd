"""From the network header to the transport: IPv4, IPv6 and its extension headers, fragments, tunnels.

The innermost IP header counts: an outer one is overwritten by what it carries.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from capanalyze.core.frame cimport (
    ETHERIP, ETHERNET, GRE, ICMP, IN_ETHERIP, IN_ETHERNET_IN_IP, IN_GRE, IN_IP, IN_L2TPV3, IN_MPLS_IN_IP, IP, L2TPV3,
    LATER_FRAGMENT, MALFORMED_HEADER, MPLS, NOT_IP, TCP, TOO_DEEP, TRUNCATED, UDP, UNREAD_INSIDE, UNREAD_PROTOCOL,
    Frame, Step, enter, skip, unread,
)
from capanalyze.core.link_ethernet cimport by_ethertype
from capanalyze.core.message cimport Address
from capanalyze.core.octets cimport Octets, be16, be32, be64, behind, u8, within

cdef enum:
    MAX_TUNNELS = 8
    MAX_EXTENSIONS = 16
    IPV4_HEADER = 20
    IPV6_HEADER = 40
    # IP protocol numbers, https://www.iana.org/assignments/protocol-numbers
    HOP_BY_HOP = 0
    ICMPV4 = 1
    IPV4_IN_IP = 4
    TCP_IN_IP = 6
    UDP_IN_IP = 17
    IPV6_IN_IP = 41
    ROUTING = 43
    FRAGMENT_HEADER = 44
    GRE_IN_IP = 47
    AUTHENTICATION = 51
    ICMPV6 = 58
    DESTINATION_OPTIONS = 60
    ETHERIP_IN_IP = 97
    L2TPV3_IN_IP = 115
    MOBILITY = 135
    MPLS_IN_IP = 137
    HOST_IDENTITY = 139
    SHIM6 = 140
    ETHERNET_IN_IP = 143
    # RFC 791 section 3.1
    MORE_FRAGMENTS = 0x2000
    FRAGMENT_OFFSET = 0x1FFF
    # RFC 2784, RFC 2890, RFC 2637
    GRE_CHECKSUM_OR_ROUTING = 0xC000
    GRE_ROUTING = 0x4000
    GRE_KEY = 0x2000
    GRE_SEQUENCE = 0x1000
    GRE_ACKNOWLEDGMENT = 0x0080
    KEEPALIVE = 0
    WCCP = 0x883E
    ERSPAN = 0x88BE
    ERSPAN_TYPE_III = 0x22EB


cdef inline Step ip(Frame *frame) noexcept nogil:
    """IPv4 or IPv6, by the version field (RFC 791 section 3.1, RFC 8200 section 3)."""
    cdef Octets packet = frame.rest
    if packet.captured < 1:
        return TRUNCATED
    if frame.depth >= MAX_TUNNELS:
        return TOO_DEEP
    if frame.is_doubtful:
        if not holds_ip(packet):
            return MALFORMED_HEADER
        frame.is_doubtful = 0
    frame.message.tunnels = frame.depth
    frame.message.fragmented = 0
    frame.depth += 1
    cdef uint8_t version = u8(packet, 0) // 16
    if version == 4:
        return ipv4(frame, packet)
    return ipv6(frame, packet) if version == 6 else MALFORMED_HEADER


cdef inline bint holds_ip(Octets packet) noexcept nogil:
    """Whether an IP header stands here, and as much as it announces was sent."""
    if packet.captured < IPV4_HEADER:
        return False
    cdef uint8_t version = u8(packet, 0) // 16
    if version == 4:
        return IPV4_HEADER <= u8(packet, 0) % 16 * 4 <= be16(packet, 2) <= packet.size
    return version == 6 and packet.captured >= IPV6_HEADER and IPV6_HEADER + be16(packet, 4) <= packet.size


cdef inline Step ipv4(Frame *frame, Octets packet) noexcept nogil:
    """RFC 791 section 3.1. A total length of 0 is left by segmentation offload: the frame's end counts."""
    if packet.captured < IPV4_HEADER:
        return TRUNCATED
    cdef uint32_t header = u8(packet, 0) % 16 * 4, total = be16(packet, 2)
    cdef uint16_t fragment = be16(packet, 6)
    if header < IPV4_HEADER or 0 < total < header:
        return MALFORMED_HEADER
    frame.message.identification = be16(packet, 4)
    frame.message.ttl = u8(packet, 8)
    frame.message.protocol = u8(packet, 9)
    frame.message.source = mapped(be32(packet, 12))
    frame.message.destination = mapped(be32(packet, 16))
    frame.message.to_group = is_group(be32(packet, 16), frame.message.destination_mac)
    frame.message.fragmented = fragment & MORE_FRAGMENTS != 0
    if total:
        if frame.depth == 1:
            frame.trailing = <int64_t>packet.size - total
        packet = within(packet, total)
    frame.rest = behind(packet, header)
    if fragment & FRAGMENT_OFFSET:
        frame.message.fragmented = 0
        return LATER_FRAGMENT
    if header > packet.captured:
        return TRUNCATED
    if frame.message.protocol == AUTHENTICATION:
        return authentication(frame)
    return transport(frame)


cdef inline Step authentication(Frame *frame) noexcept nogil:
    """RFC 4302 section 2.2: its length counts words of 4 octets, less 2."""
    if frame.rest.captured < 8:
        return TRUNCATED
    cdef uint32_t length = (u8(frame.rest, 1) + 2) * 4
    frame.message.protocol = u8(frame.rest, 0)
    if length > frame.rest.captured:
        return TRUNCATED
    frame.rest = behind(frame.rest, length)
    return transport(frame)


cdef inline Address mapped(uint32_t address) noexcept nogil:
    """An IPv4 address as ::ffff:a.b.c.d."""
    return Address(0, 0xFFFF00000000ULL | address)


cdef inline bint is_group(uint32_t address, int64_t mac) noexcept nogil:
    """Multicast or broadcast. Without a MAC address to tell, an address that ends in 255 is a broadcast."""
    if address >> 28 == 0xE or address == 0xFFFFFFFFU:
        return True
    return mac >> 40 & 1 if mac >= 0 else address & 0xFF == 0xFF


cdef inline Step ipv6(Frame *frame, Octets packet) noexcept nogil:
    """RFC 8200 section 3. A payload length of 0 is left by segmentation offload."""
    if packet.captured < IPV6_HEADER:
        return TRUNCATED
    cdef uint32_t length = be16(packet, 4)
    frame.message.identification = -1
    frame.message.ttl = u8(packet, 7)
    frame.message.protocol = u8(packet, 6)
    frame.message.source = Address(be64(packet, 8), be64(packet, 16))
    frame.message.destination = Address(be64(packet, 24), be64(packet, 32))
    frame.message.to_group = u8(packet, 24) == 0xFF
    if length:
        if frame.depth == 1:
            frame.trailing = <int64_t>packet.size - IPV6_HEADER - length
        packet = within(packet, IPV6_HEADER + length)
    frame.rest = behind(packet, IPV6_HEADER)
    return extensions(frame)


cdef inline bint is_extension(int64_t kind) noexcept nogil:
    """Whether it is the number of an extension header, RFC 8200 section 4."""
    return kind in (
        HOP_BY_HOP, ROUTING, FRAGMENT_HEADER, AUTHENTICATION, DESTINATION_OPTIONS, MOBILITY, HOST_IDENTITY, SHIM6,
    )


cdef inline Step extensions(Frame *frame) noexcept nogil:
    """The extension headers up to the transport."""
    cdef int64_t kind = frame.message.protocol
    cdef uint32_t length
    for _ in range(MAX_EXTENSIONS):
        if not is_extension(kind):
            frame.message.protocol = kind
            return transport(frame)
        if frame.rest.captured < 8:
            return TRUNCATED
        length = (u8(frame.rest, 1) + 1) * 8
        if kind == FRAGMENT_HEADER:
            frame.message.identification = be32(frame.rest, 4)
            frame.message.protocol = u8(frame.rest, 0)
            if be16(frame.rest, 2) >= 8:
                return skip(frame, 8, LATER_FRAGMENT)
            frame.message.fragmented = be16(frame.rest, 2) & 1
            length = 8
        elif kind == AUTHENTICATION:
            length = (u8(frame.rest, 1) + 2) * 4
        kind = u8(frame.rest, 0)
        if length > frame.rest.captured:
            return TRUNCATED
        frame.rest = behind(frame.rest, length)
    return TOO_DEEP


cdef inline Step transport(Frame *frame) noexcept nogil:
    """What the IP protocol number announces."""
    cdef int64_t number = frame.message.protocol
    if number == UDP_IN_IP: return UDP
    if number == TCP_IN_IP: return TCP
    if number in (ICMPV4, ICMPV6): return ICMP
    if number in (IPV4_IN_IP, IPV6_IN_IP): return enter(frame, IN_IP, 0, IP)
    if number == GRE_IN_IP: return enter(frame, IN_GRE, 0, GRE)
    if number == ETHERIP_IN_IP: return enter(frame, IN_ETHERIP, 0, ETHERIP)
    if number == L2TPV3_IN_IP: return enter(frame, IN_L2TPV3, 0, L2TPV3)
    if number == MPLS_IN_IP: return enter(frame, IN_MPLS_IN_IP, 0, MPLS)  # RFC 4023 section 3
    if number == ETHERNET_IN_IP: return enter(frame, IN_ETHERNET_IN_IP, 0, ETHERNET)  # RFC 8986 section 4.9
    return unread(frame, <uint32_t>number, UNREAD_PROTOCOL)


cdef inline Step gre(Frame *frame) noexcept nogil:
    """RFC 2784, RFC 2890, and RFC 2637 (version 1, with PPP inside)."""
    if frame.rest.captured < 4:
        return TRUNCATED
    cdef uint16_t flags = be16(frame.rest, 0), kind = be16(frame.rest, 2)
    cdef uint8_t version = flags % 8
    cdef uint32_t length = 4
    length += 4 if flags & GRE_CHECKSUM_OR_ROUTING else 0
    length += 4 if flags & GRE_KEY else 0
    length += 4 if flags & GRE_SEQUENCE else 0
    length += 4 if version == 1 and flags & GRE_ACKNOWLEDGMENT else 0
    if flags & GRE_ROUTING:
        return UNREAD_INSIDE  # source routes are long gone
    if version == 1 and not flags & GRE_SEQUENCE:
        return NOT_IP  # it only acknowledges (RFC 2637 section 4.1)
    if length > frame.rest.captured:
        return TRUNCATED
    frame.rest = behind(frame.rest, length)
    if kind == ERSPAN:  # type II has a header of 8 octets where GRE carries a sequence number
        return skip(frame, 8 if flags & GRE_SEQUENCE else 0, ETHERNET)
    if kind == ERSPAN_TYPE_III:
        return erspan_type_iii(frame)
    if kind == WCCP:
        return wccp(frame)
    return NOT_IP if kind == KEEPALIVE else by_ethertype(frame, kind)


cdef inline Step wccp(Frame *frame) noexcept nogil:
    """draft-wilson-wrec-wccp-v2-01 section 4.12: four octets before IPv4; version 1 had none."""
    if frame.rest.captured < 1:
        return TRUNCATED
    return skip(frame, 0 if u8(frame.rest, 0) // 16 == 4 else 4, IP)


cdef inline Step erspan_type_iii(Frame *frame) noexcept nogil:
    """draft-foschiano-erspan-03 section 4.3: twelve octets, and a platform header where the last bit says so."""
    if frame.rest.captured < 12:
        return TRUNCATED
    cdef uint8_t kind = u8(frame.rest, 10) // 4 % 32
    return skip(frame, 12 + u8(frame.rest, 11) % 2 * 8, IP if kind == 2 else ETHERNET)


cdef inline Step etherip(Frame *frame) noexcept nogil:
    """RFC 3378 section 3: version 3 and twelve bits of 0, then an Ethernet frame."""
    if frame.rest.captured < 2:
        return TRUNCATED
    return skip(frame, 2, ETHERNET) if be16(frame.rest, 0) == 0x3000 else UNREAD_INSIDE


cdef inline Step l2tpv3(Frame *frame) noexcept nogil:
    """RFC 3931 section 4.1.1: a session, 0 for control messages, then its frames."""
    if frame.rest.captured < 4:
        return TRUNCATED
    if be32(frame.rest, 0) == 0:
        return NOT_IP
    frame.rest = behind(frame.rest, 4)
    return session(frame)


cdef inline Step session(Frame *frame) noexcept nogil:
    """Frames of an L2TPv3 session: what they begin with was agreed upon elsewhere.

    It is a cookie of 0, 4 or 8 octets, and 4 more where frames are numbered (RFC 3931 sections 4.1 and 4.6). So Ethernet
    is looked for behind each of these.
    """
    cdef uint32_t words
    for words in range(4):
        if begins_ethernet(behind(frame.rest, words * 4)):
            return skip(frame, words * 4, ETHERNET)
    return UNREAD_INSIDE


cdef inline bint begins_ethernet(Octets octets) noexcept nogil:
    """Whether what stands here looks like an Ethernet frame with IP, ARP or a VLAN tag."""
    if octets.captured < 15:
        return False
    cdef uint16_t kind = be16(octets, 12)
    cdef uint8_t version = u8(octets, 14) // 16
    return (kind == 0x0800 and version == 4) or (kind == 0x86DD and version == 6) or kind in (0x0806, 0x8100, 0x88A8)
