"""Link layers: the first header of a frame, by link type.

Numbers are LINKTYPE_ values (https://www.tcpdump.org/linktypes.html). The functions that read these headers are in
`link_ethernet.pxd`, `link_wan.pxd`, `link_host.pxd` and `link_wireless.pxd`. Each reads the header at the beginning of
the rest of a frame, notes what it tells, and returns what follows.
"""

from libc.stdint cimport uint32_t

from capanalyze.core.frame cimport (
    ATM_CLIP, AVS, C_HDLC, C_HDLC_WITH_DIR, DOCSIS, DSA, DSA_PREPENDED, ENC, EPON, ERF, ETHERNET, FDDI, FIREWIRE,
    FRELAY, FRELAY_WITH_DIR, IEEE802_11, IP, IPNET, IPOIB, IP_OVER_FC, JUNIPER_C_HDLC, JUNIPER_ETHERNET,
    JUNIPER_FRELAY, JUNIPER_PPP, LINUX_SLL, LINUX_SLL2, LLC, LOOP, MFR, MPACKET, NETANALYZER,
    NETANALYZER_TRANSPARENT, NFLOG, NULL_LINK, PFLOG, PKTAP, PPI, PPP, PPPOE, PPP_WITH_DIR, PRISM, RADIOTAP, SLIP,
    SUNATM, SYMANTEC, TOKEN_RING, UNREAD_LINK, Frame, Step, skip, unread,
)


cdef inline Step first_step(uint32_t link_type) noexcept nogil:
    """The first header of frames of a link type; UNREAD_LINK where it is not read."""
    if link_type == 6: return TOKEN_RING
    if link_type == 8: return SLIP
    if link_type == 10: return FDDI
    if link_type == 51: return PPPOE
    if link_type == 99: return SYMANTEC
    if link_type == 100: return LLC  # RFC 2684 section 5
    if link_type == 104: return C_HDLC
    if link_type == 106: return ATM_CLIP
    if link_type == 107: return FRELAY
    if link_type == 109: return ENC
    if link_type == 113: return LINUX_SLL
    if link_type == 117: return PFLOG
    if link_type == 119: return PRISM
    if link_type == 122: return IP_OVER_FC
    if link_type == 123: return SUNATM
    if link_type == 138: return FIREWIRE
    if link_type == 143: return DOCSIS
    if link_type in (149, 258): return PKTAP
    if link_type == 163: return AVS
    if link_type in (166, 204): return PPP_WITH_DIR
    if link_type == 178: return JUNIPER_ETHERNET
    if link_type == 179: return JUNIPER_PPP
    if link_type == 180: return JUNIPER_FRELAY
    if link_type == 181: return JUNIPER_C_HDLC
    if link_type == 182: return MFR
    if link_type == 192: return PPI
    if link_type == 197: return ERF
    if link_type == 205: return C_HDLC_WITH_DIR
    if link_type == 206: return FRELAY_WITH_DIR
    if link_type == 226: return IPNET
    if link_type == 239: return NFLOG
    if link_type == 240: return NETANALYZER
    if link_type == 241: return NETANALYZER_TRANSPARENT
    if link_type == 242: return IPOIB
    if link_type == 259: return EPON
    if link_type == 274: return MPACKET
    if link_type == 276: return LINUX_SLL2
    if link_type in (281, 284): return DSA
    if link_type == 282: return DSA_PREPENDED
    if link_type == 285: return ETHERNET  # its tag has an EtherType
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


cdef inline Step announced(Frame *frame, uint32_t length, uint32_t link_type) noexcept nogil:
    """Go on behind a header that names the link type of what follows."""
    cdef Step step = inner_step(link_type)
    return unread(frame, link_type, UNREAD_LINK) if step == UNREAD_LINK else skip(frame, length, step)
