"""Long lines: PPP, HDLC, frame relay, ATM, cable, and what cards and devices put before them.

See `link.pxd`.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from capanalyze.core.frame cimport (
    C_HDLC, ENCRYPTED, ETHERNET, ETHERTYPE, FRELAY, INBOUND, IP, LLC, MALFORMED_HEADER, MPLS, NOT_IP, OUTBOUND, PPP,
    TOO_DEEP, TRUNCATED, UNREAD_INSIDE, UNREAD_PPP, Frame, Step, skip, unread,
)
from capanalyze.core.link_ethernet cimport by_ethertype, nlpid
from capanalyze.core.octets cimport Octets, be16, be24, behind, le32, u8, within

cdef enum:
    FIRST_PPP_CONTROL = 0x8000  # RFC 1661 section 2: from here on a PPP protocol controls a network layer or the link
    MFR_BITS = 0xE0
    MFR_WHOLE = 0xC0
    MFR_CONTROL = 0x20
    JUNIPER_MAGIC = 0x4D4743
    JUNIPER_RECEIVED = 0x01
    JUNIPER_WITHOUT_LINK = 0x02
    JUNIPER_EXTENDED = 0x80


cdef inline Step pppoe(Frame *frame) noexcept nogil:
    """RFC 2516 section 4: six octets, then PPP; of the discovery where the code is not 0."""
    if frame.rest.captured < 6:
        return TRUNCATED
    return NOT_IP if u8(frame.rest, 1) else skip(frame, 6, PPP)


cdef inline Step with_dir(Frame *frame, Step step) noexcept nogil:
    """One octet of direction: 0 received, otherwise sent."""
    if frame.rest.captured < 1:
        return TRUNCATED
    frame.message.direction = OUTBOUND if u8(frame.rest, 0) else INBOUND
    return skip(frame, 1, step)


cdef inline Step slip(Frame *frame) noexcept nogil:
    """LINKTYPE_SLIP: direction, 15 octets of the compressed header, and the whole packet."""
    if frame.rest.captured < 16:
        return TRUNCATED
    with_dir(frame, IP)
    return skip(frame, 15, IP)


cdef inline Step ppp_with_dir(Frame *frame) noexcept nogil:
    """One octet of direction before PPP. In LINKTYPE_PPP_PPPD likewise."""
    if frame.rest.captured > 0 and u8(frame.rest, 0) == 255:  # address and control: this writer left it out
        return PPP
    if with_dir(frame, PPP) == TRUNCATED:
        return TRUNCATED
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


cdef inline Step mfr(Frame *frame) noexcept nogil:
    """Multilink frame relay, FRF.16.1 section 2.1: bits B, E and C, and a number; whole frames are read."""
    if frame.rest.captured < 2:
        return TRUNCATED
    cdef uint8_t bits = u8(frame.rest, 0) & MFR_BITS
    if bits & MFR_CONTROL:
        return NOT_IP
    return skip(frame, 2, FRELAY) if bits == MFR_WHOLE else UNREAD_INSIDE


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
    return nlpid(frame)


cdef inline Step c_hdlc(Frame *frame) noexcept nogil:
    """Cisco HDLC: address, control, EtherType."""
    if frame.rest.captured < 4:
        return TRUNCATED
    if be16(frame.rest, 0) == 0xFF03:  # such devices speak PPP as well
        return PPP
    return skip(frame, 2, ETHERTYPE)


cdef inline Step sunatm(Frame *frame) noexcept nogil:
    """LINKTYPE_SUNATM: flags with the kind of traffic, path and channel; LLC, or LAN emulation with Ethernet."""
    if frame.rest.captured < 4:
        return TRUNCATED
    cdef uint8_t kind = u8(frame.rest, 0) % 16
    if kind == 2:
        return skip(frame, 4, LLC)
    return skip(frame, 6, ETHERNET) if kind == 1 else NOT_IP


cdef inline Step atm_clip(Frame *frame) noexcept nogil:
    """LINKTYPE_ATM_CLIP: IP behind LLC and SNAP, or alone."""
    return LLC if frame.rest.captured >= 2 and be16(frame.rest, 0) == 0xAAAA else IP


cdef inline Step ipoib(Frame *frame) noexcept nogil:
    """LINKTYPE_IPOIB: a header of 40 octets, then RFC 4391 section 6: EtherType and two reserved octets."""
    if frame.rest.captured < 44:
        return TRUNCATED
    cdef uint16_t kind = be16(frame.rest, 40)
    frame.rest = behind(frame.rest, 44)
    return by_ethertype(frame, kind)


cdef inline Step docsis(Frame *frame) noexcept nogil:
    """DOCSIS MAC and Upper Layer Protocols Interface, section 6.2: Ethernet behind a header that may be extended."""
    if frame.rest.captured < 6:
        return TRUNCATED
    cdef uint8_t control = u8(frame.rest, 0)
    cdef uint32_t extended = u8(frame.rest, 1) if control & 1 else 0
    if control >> 6 == 3:  # fragments and frames in one stand there with timing, management and requests
        return UNREAD_INSIDE if control >> 1 & 31 in (3, 0x1C) else NOT_IP
    if 6 + extended > frame.rest.captured:
        return TRUNCATED
    if hides_docsis(behind(within(frame.rest, 4 + extended), 4)):
        return ENCRYPTED
    return skip(frame, 6 + extended, ETHERNET)


cdef inline bint hides_docsis(Octets elements) noexcept nogil:
    """Whether one of the extended header's elements says that what follows is encrypted (section 6.2.5)."""
    cdef uint8_t kind
    for _ in range(16):
        if elements.captured < 3:
            return False
        kind = u8(elements, 0) // 16
        if kind in (3, 4, 7) and u8(elements, 2) & 0x80:
            return True
        elements = behind(elements, 1 + u8(elements, 0) % 16)
    return False


cdef inline Step erf(Frame *frame) noexcept nogil:
    """Endace ERF: 16 octets, extensions of 8 as long as their first bit says so, and two of padding before Ethernet."""
    if frame.rest.captured < 16:
        return TRUNCATED
    cdef uint8_t kind = u8(frame.rest, 8)
    cdef bint is_extended = kind & 0x80
    frame.rest = behind(frame.rest, 16)
    for _ in range(16):
        if not is_extended:
            return by_erf_type(frame, kind % 128)
        if frame.rest.captured < 8:
            return TRUNCATED
        is_extended = u8(frame.rest, 0) & 0x80
        frame.rest = behind(frame.rest, 8)
    return TOO_DEEP


cdef inline Step by_erf_type(Frame *frame, uint8_t kind) noexcept nogil:
    """What an ERF record's type announces: Ethernet, HDLC or IP, some of them with marks of the card."""
    if kind in (2, 11, 16, 20): return skip(frame, 2, ETHERNET)
    if kind in (1, 10, 15, 19): return C_HDLC
    if kind in (22, 23): return IP
    return NOT_IP if kind in (27, 48) else UNREAD_INSIDE  # metadata, padding


cdef inline Step juniper(Frame *frame, Step step) noexcept nogil:
    """Juniper's header before a link's own (tcpdump's print-juniper.c): magic number, flags, maybe extensions.

    Where the link's header is left out, four octets say what follows.
    """
    if frame.rest.captured < 4:
        return TRUNCATED
    cdef uint8_t flags = u8(frame.rest, 3)
    cdef uint32_t length = 4
    if be24(frame.rest, 0) != JUNIPER_MAGIC:
        return MALFORMED_HEADER
    if flags & JUNIPER_EXTENDED:
        if frame.rest.captured < 6:
            return TRUNCATED
        length = 6 + be16(frame.rest, 4)
    if length > frame.rest.captured:
        return TRUNCATED
    frame.message.direction = INBOUND if flags & JUNIPER_RECEIVED else OUTBOUND
    frame.rest = behind(frame.rest, length)
    return juniper_protocol(frame) if flags & JUNIPER_WITHOUT_LINK else step


cdef inline Step juniper_protocol(Frame *frame) noexcept nogil:
    """The number of a protocol inside of Junos (Wireshark's packet-juniper.h), and its packet."""
    if frame.rest.captured < 4:
        return TRUNCATED
    cdef uint32_t kind = le32(frame.rest, 0)
    frame.rest = behind(frame.rest, 4)
    if kind in (2, 3, 6, 7): return IP
    return MPLS if kind in (4, 5, 8) else UNREAD_INSIDE


cdef inline Step symantec(Frame *frame) noexcept nogil:
    """LINKTYPE_SYMANTEC_FIREWALL: 44 octets, with an EtherType."""
    if frame.rest.captured < 44:
        return TRUNCATED
    cdef uint16_t kind = be16(frame.rest, 6)
    frame.rest = behind(frame.rest, 44)
    return by_ethertype(frame, kind)
