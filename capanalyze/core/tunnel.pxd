"""Tunnels over UDP: what their headers look like, and what stands behind.

A datagram on a tunnel's port is opened only if its header is valid, and if what seems to be inside is there: otherwise
it is an ordinary datagram. Each function reads the header at the beginning of the datagram's payload, and returns what
follows; MALFORMED_HEADER where it is none. Where a header could as well be anything, the frame is marked as doubtful:
then only an IP header inside makes it a tunnel.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from capanalyze.core.frame cimport (
    ETHERNET, GRE, IEEE802_11, IEEE802_11_SWAPPED, IN_AYIYA, IN_CAPWAP, IN_GENEVE, IN_GRE_IN_UDP, IN_GTP_U, IN_L2TP,
    IN_L2TPV3, IN_MPLS_IN_UDP, IN_TEREDO, IN_TZSP, IN_VXLAN, IN_VXLAN_GPE, IP, MALFORMED_HEADER, MPLS, NO_TUNNEL, PPP,
    STEPS, Frame, Step, Tunnel, enter,
)
from capanalyze.core.link_ethernet cimport by_ethertype, by_next_protocol
from capanalyze.core.network cimport holds_ip, session
from capanalyze.core.octets cimport Octets, be16, be32, behind, holds, is_cut, u8, within

cdef enum:
    TEREDO_PREFIX = 0x20010000  # 2001::/32, RFC 4380 section 2.6
    MAX_GTP_EXTENSIONS = 16
    MAX_TAGS = 64
    # VXLAN, RFC 7348 section 5; with a group policy, draft-smith-vxlan-group-policy-05 section 2.1
    VXLAN_HEADER = 8
    VXLAN_GROUP = 0x80
    VXLAN_IDENTIFIED = 0x08
    VXLAN_UNUSED = 0xF7FFFFFFU
    VXLAN_UNUSED_WITH_GROUP = 0x77B70000
    # VXLAN-GPE, draft-ietf-nvo3-vxlan-gpe-13 section 3
    GPE_VERSION_OR_MANAGES = 0x31
    GPE_NAMES_PROTOCOL = 0x04
    # GTP-U, 3GPP TS 29.281 section 5.1
    GTP_VERSION_AND_TYPE = 0xF0
    GTP_ECHO_REQUEST = 1
    GTP_PACKET = 255
    # L2TP, RFC 2661 section 3.1
    L2TP_CONTROL = 0x8000
    L2TP_LENGTH = 0x4000
    L2TP_SEQUENCE = 0x0800
    L2TP_OFFSET = 0x0200
    L2TP_UNUSED = 0x34F0
    # CAPWAP, RFC 5415 section 4.3
    CAPWAP_NATIVE = 0x100
    CAPWAP_KEEPALIVE = 0x08
    CAPWAP_UNUSED = 0x07


cdef inline Tunnel tunnel_of(uint16_t port) noexcept nogil:
    """Which tunnel uses a port, by IANA's registry; 8472 and 37008 by use (Linux' VXLAN, TZSP)."""
    if port in (4789, 8472): return IN_VXLAN
    if port == 4790: return IN_VXLAN_GPE
    if port == 6081: return IN_GENEVE
    if port == 2152: return IN_GTP_U
    if port == 1701: return IN_L2TP
    if port == 3544: return IN_TEREDO
    if port == 6635: return IN_MPLS_IN_UDP
    if port == 4754: return IN_GRE_IN_UDP
    if port == 37008: return IN_TZSP
    if port == 5072: return IN_AYIYA
    if port == 5247: return IN_CAPWAP
    return NO_TUNNEL


cdef inline Tunnel tunnel_between(uint16_t source, uint16_t destination, Octets payload) noexcept nogil:
    """Which tunnel a datagram may belong to. Teredo's clients use any port: there its addresses tell."""
    cdef Tunnel found = tunnel_of(destination)
    if found == NO_TUNNEL:
        found = tunnel_of(source)
    if found == NO_TUNNEL and has_teredo_address(packet_of_teredo(payload)):
        return IN_TEREDO
    return found


cdef inline bint draws_no_reply(uint16_t port, Octets payload) noexcept nogil:
    """Whether a datagram to this port is a tunnel's, which answers none but an echo of GTP-U."""
    cdef Tunnel tunnel = tunnel_of(port)
    if tunnel == IN_GTP_U and holds(payload, 0, 2):
        return u8(payload, 0) & GTP_VERSION_AND_TYPE != 0x30 or u8(payload, 1) != GTP_ECHO_REQUEST
    return tunnel != NO_TUNNEL


cdef inline Step opened(Frame *frame, Tunnel tunnel) noexcept nogil:
    """Read the header of a tunnel over UDP."""
    if tunnel == IN_VXLAN: return vxlan(frame)
    if tunnel == IN_VXLAN_GPE: return vxlan_gpe(frame)
    if tunnel == IN_GENEVE: return geneve(frame)
    if tunnel == IN_GTP_U: return gtp_u(frame)
    if tunnel == IN_L2TP: return l2tp(frame)
    if tunnel == IN_TEREDO: return teredo(frame)
    if tunnel == IN_MPLS_IN_UDP: return doubtful(frame, IN_MPLS_IN_UDP, 0, MPLS)  # RFC 7510 section 3
    if tunnel == IN_GRE_IN_UDP: return gre_in_udp(frame)
    if tunnel == IN_TZSP: return tzsp(frame)
    if tunnel == IN_AYIYA: return ayiya(frame)
    return capwap(frame)


cdef inline Step doubtful(Frame *frame, Tunnel tunnel, uint32_t octets, Step step) noexcept nogil:
    """Go on inside a tunnel if there is IP inside."""
    frame.is_doubtful = 1
    return enter(frame, tunnel, octets, step)


cdef inline Step vxlan(Frame *frame) noexcept nogil:
    """RFC 7348 section 5. A receiver ignores what is reserved, but nobody sends it."""
    cdef Octets octets = frame.rest
    if octets.captured < VXLAN_HEADER or not u8(octets, 0) & VXLAN_IDENTIFIED:
        return MALFORMED_HEADER
    cdef uint32_t unused = VXLAN_UNUSED_WITH_GROUP if u8(octets, 0) & VXLAN_GROUP else VXLAN_UNUSED
    frame.is_doubtful = be32(octets, 0) & unused or u8(octets, 7)
    return enter(frame, IN_VXLAN, VXLAN_HEADER, ETHERNET)


cdef inline Step vxlan_gpe(Frame *frame) noexcept nogil:
    """draft-ietf-nvo3-vxlan-gpe-13 section 3: as VXLAN, with a version, and a next protocol where a bit says so."""
    cdef Octets octets = frame.rest
    if octets.captured < VXLAN_HEADER:
        return MALFORMED_HEADER
    cdef uint8_t flags = u8(octets, 0)
    if not flags & VXLAN_IDENTIFIED or flags & GPE_VERSION_OR_MANAGES:
        return MALFORMED_HEADER
    cdef Step step = by_next_protocol(u8(octets, 3)) if flags & GPE_NAMES_PROTOCOL else ETHERNET
    return doubtful(frame, IN_VXLAN_GPE, VXLAN_HEADER, step) if step < STEPS else MALFORMED_HEADER


cdef inline Step geneve(Frame *frame) noexcept nogil:
    """RFC 8926 section 3.4: version 0, the length of options, an EtherType; then the options."""
    cdef Octets octets = frame.rest
    if octets.captured < 8:
        return MALFORMED_HEADER
    cdef uint32_t length = 8 + u8(octets, 0) % 64 * 4
    if u8(octets, 0) // 64 or length > octets.captured:
        return MALFORMED_HEADER
    enter(frame, IN_GENEVE, length, ETHERNET)
    cdef Step step = by_ethertype(frame, be16(octets, 2))
    return step if step < STEPS else MALFORMED_HEADER


cdef inline Step gtp_u(Frame *frame) noexcept nogil:
    """3GPP TS 29.281 section 5: a packet of version 1 with its length; then what its flags announce."""
    cdef Octets octets = frame.rest
    cdef uint32_t at = 8
    if octets.captured < 8 or u8(octets, 0) & GTP_VERSION_AND_TYPE != 0x30 or u8(octets, 1) != GTP_PACKET:
        return MALFORMED_HEADER
    if be16(octets, 2) + <uint32_t>8 > octets.size:
        return MALFORMED_HEADER
    if u8(octets, 0) & 7:  # sequence number, N-PDU number and the kind of the first extension stand there together
        at = behind_gtp_extensions(octets)
    if at >= octets.captured:
        return MALFORMED_HEADER
    frame.rest = within(octets, be16(octets, 2) + 8)
    if holds_ip(behind(frame.rest, at)) or (u8(octets, at) // 16 in (4, 6) and is_cut(frame.rest)):
        return enter(frame, IN_GTP_U, at, IP)
    return doubtful(frame, IN_GTP_U, at, PPP if u8(octets, at) == 0xFF else ETHERNET)


cdef inline uint32_t behind_gtp_extensions(Octets octets) noexcept nogil:
    """Where the packet begins behind the optional fields: each extension counts its words of 4 octets (section 5.2)."""
    cdef uint32_t at = 12, length
    if octets.captured < 12:
        return octets.captured
    cdef uint8_t kind = u8(octets, 11) if u8(octets, 0) & 4 else 0
    for _ in range(MAX_GTP_EXTENSIONS):
        if kind == 0:
            return at
        length = u8(octets, at) * 4 if at < octets.captured else 0
        if length == 0 or not holds(octets, at, length):
            return octets.captured
        kind = u8(octets, at + length - 1)
        at += length
    return octets.captured


cdef inline Step l2tp(Frame *frame) noexcept nogil:
    """RFC 2661 section 3.1: data messages; length, sequence numbers and an offset are there where flags say so."""
    cdef Octets octets = frame.rest
    if octets.captured < 8 or be16(octets, 0) & L2TP_CONTROL:
        return MALFORMED_HEADER
    cdef uint16_t flags = be16(octets, 0)
    cdef uint32_t at = 8 if flags & L2TP_LENGTH else 6, length = octets.size
    if flags % 16 == 3:
        return l2tpv3_in_udp(frame)
    if flags % 16 != 2:
        return MALFORMED_HEADER
    if flags & L2TP_LENGTH:
        length = be16(octets, 2)
    at += 4 if flags & L2TP_SEQUENCE else 0
    if flags & L2TP_OFFSET and holds(octets, at, 2):
        at += 2 + be16(octets, at)
    if at > octets.captured or not at <= length <= octets.size:
        return MALFORMED_HEADER
    frame.rest = within(octets, length)
    frame.is_doubtful = flags & L2TP_UNUSED
    return enter(frame, IN_L2TP, at, PPP)


cdef inline Step l2tpv3_in_udp(Frame *frame) noexcept nogil:
    """RFC 3931 section 4.1.2: flags, two reserved octets, and a session that is not 0."""
    if be16(frame.rest, 2) or be32(frame.rest, 4) == 0:
        return MALFORMED_HEADER
    doubtful(frame, IN_L2TPV3, 8, ETHERNET)
    cdef Step step = session(frame)
    return step if step < STEPS else MALFORMED_HEADER


cdef inline Octets packet_of_teredo(Octets payload) noexcept nogil:
    """The IPv6 packet behind authentication and origin indications, RFC 4380 section 5.1.1."""
    if holds(payload, 0, 4) and be16(payload, 0) == 1:
        payload = behind(payload, 13 + u8(payload, 2) + u8(payload, 3))
    if holds(payload, 0, 8) and be16(payload, 0) == 0:
        payload = behind(payload, 8)
    return payload


cdef inline bint is_ipv6(Octets packet) noexcept nogil:
    """Whether a whole IPv6 packet stands here; more may follow (RFC 6081 section 3)."""
    return packet.captured > 0 and u8(packet, 0) // 16 == 6 and holds_ip(packet)


cdef inline bint has_teredo_address(Octets packet) noexcept nogil:
    """Whether it is an IPv6 packet from or to a Teredo client."""
    return is_ipv6(packet) and TEREDO_PREFIX in (be32(packet, 8), be32(packet, 24))


cdef inline Step teredo(Frame *frame) noexcept nogil:
    """RFC 4380 section 5.2.3."""
    frame.rest = packet_of_teredo(frame.rest)
    return doubtful(frame, IN_TEREDO, 0, IP) if is_ipv6(frame.rest) else MALFORMED_HEADER


cdef inline Step gre_in_udp(Frame *frame) noexcept nogil:
    """RFC 8086 section 3: GRE of version 0, nothing reserved."""
    if frame.rest.captured < 4 or be16(frame.rest, 0) & 0x4FFF:
        return MALFORMED_HEADER
    return doubtful(frame, IN_GRE_IN_UDP, 0, GRE)


cdef inline Step tzsp(Frame *frame) noexcept nogil:
    """TaZmen Sniffer Protocol, as Wireshark reads it: version 1, type, what is inside; tags up to that of kind 1."""
    cdef Octets octets = frame.rest
    cdef uint32_t at = 4
    if octets.captured < 5 or u8(octets, 0) != 1 or u8(octets, 1) > 1:
        return MALFORMED_HEADER
    cdef uint16_t inside = be16(octets, 2)
    if inside not in (0x01, 0x12):
        return MALFORMED_HEADER
    for _ in range(MAX_TAGS):
        if not holds(octets, at, 2):
            return MALFORMED_HEADER
        if u8(octets, at) == 1:
            return enter(frame, IN_TZSP, at + 1, ETHERNET if inside == 1 else IEEE802_11)
        at += 1 if u8(octets, at) == 0 else 2 + u8(octets, at + 1)
    return MALFORMED_HEADER


cdef inline Step ayiya(Frame *frame) noexcept nogil:
    """draft-massar-v6ops-ayiya-02 section 3: lengths of identity and signature, forwards, IPv4 or IPv6."""
    cdef Octets octets = frame.rest
    if octets.captured < 8 or u8(octets, 2) % 16 != 1 or u8(octets, 3) not in (4, 41):
        return MALFORMED_HEADER
    cdef uint32_t length = 8 + (1U << u8(octets, 0) // 16) + u8(octets, 1) // 16 * 4
    return doubtful(frame, IN_AYIYA, length, IP)


cdef inline Step capwap(Frame *frame) noexcept nogil:
    """RFC 5415 section 4.3: a header without DTLS before it; Ethernet or 802.11 inside. Later fragments stay closed."""
    cdef Octets octets = frame.rest
    if octets.captured < 8 or be16(octets, 6) >> 3:
        return MALFORMED_HEADER
    cdef uint32_t head = be32(octets, 0), length = (head >> 19) % 32 * 4
    if head >> 24 or head & (CAPWAP_KEEPALIVE | CAPWAP_UNUSED) or length < 8:
        return MALFORMED_HEADER
    if not head & CAPWAP_NATIVE:
        return doubtful(frame, IN_CAPWAP, length, ETHERNET)
    return doubtful(frame, IN_CAPWAP, length, IEEE802_11_SWAPPED if swaps(behind(octets, length)) else IEEE802_11)


cdef inline bint swaps(Octets octets) noexcept nogil:
    """Whether the octets of an 802.11 data frame's control field are swapped, as Cisco's access points do."""
    return octets.captured >= 2 and u8(octets, 0) % 16 != 8 and u8(octets, 1) % 16 == 8
