"""Link layers: where IP begins, and what the link tells about direction, per link type.

Numbers are LINKTYPE_ values (https://www.tcpdump.org/linktypes.html). Each function reads the header at the beginning of
the rest of a frame, notes what it tells, and returns what follows.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from capanalyze.core.frame cimport (
    AGGREGATED, ATM_CLIP, AVS, C_HDLC, C_HDLC_WITH_DIR, DOCSIS, DSA, DSA_PREPENDED, ELSEWHERE, ENC, ENCRYPTED, EPON,
    ERF, ETHERNET, ETHERTYPE, FDDI, FIREWIRE, FRELAY, FRELAY_WITH_DIR, IEEE802_11, IEEE802_11_PADDED, INBOUND, IP,
    IPNET, IPOIB, IP_OVER_FC, LINUX_SLL, LINUX_SLL2, LLC, LOOP, MALFORMED_HEADER, MFR, MPACKET, MPLS, NETANALYZER,
    NETANALYZER_TRANSPARENT, NFLOG, NOT_IP, NSH, NULL_LINK, OUTBOUND, PFLOG, PKTAP, PPI, PPP, PPPOE, PPP_WITH_DIR,
    PRISM, RADIOTAP, SLIP, SUNATM, SYMANTEC, TOKEN_RING, TOO_DEEP, TRUNCATED, UNKNOWN, UNREAD_ETHERTYPE, UNREAD_FAMILY,
    UNREAD_INSIDE, UNREAD_LINK, UNREAD_PPP, Frame, Step, offset, skip, unread,
)
from capanalyze.core.octets cimport (
    Octets, be16, be24, be32, be48, behind, holds, le16, le32, u8, within,
)

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
    CISCO_ISL = 0x01000C00  # an address that frames between Cisco's switches begin with, and a 0
    BRIDGED = 0x0080C2  # IEEE 802.1's own identifier in SNAP
    RADIOTAP_MORE = 0x80000000U  # bits of a word of present fields
    RADIOTAP_TIME = 1
    RADIOTAP_FLAGS = 2
    RADIOTAP_PADS = 0x20
    RADIOTAP_WORDS = 32
    AVS_MAGIC = 0x80211
    MFR_BITS = 0xE0
    MFR_WHOLE = 0xC0
    MFR_CONTROL = 0x20
    MACSEC_VERSION = 0x80
    MACSEC_CHANNEL = 0x20
    MACSEC_CHANGED = 0x0C  # encrypted, or not the octets that were sent
    ETH_P_802_2 = 4


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


cdef inline Step ethernet(Frame *frame) noexcept nogil:
    """IEEE 802.3 clause 3: two addresses, then a type or a length."""
    if frame.rest.captured < 14:
        return TRUNCATED
    if be32(frame.rest, 0) == CISCO_ISL and u8(frame.rest, 4) == 0:
        return skip(frame, 26, ETHERNET)
    frame.message.destination_mac = be48(frame.rest, 0)
    frame.message.source_mac = be48(frame.rest, 6)
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


cdef inline Step symantec(Frame *frame) noexcept nogil:
    """LINKTYPE_SYMANTEC_FIREWALL: 44 octets, with an EtherType."""
    if frame.rest.captured < 44:
        return TRUNCATED
    cdef uint16_t kind = be16(frame.rest, 6)
    frame.rest = behind(frame.rest, 44)
    return by_ethertype(frame, kind)


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
    if tag: return tagged(frame, tag)
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


cdef inline Step radiotap(Frame *frame) noexcept nogil:
    """https://www.radiotap.org: version, pad, length."""
    if frame.rest.captured < 8:
        return TRUNCATED
    cdef uint32_t length = le16(frame.rest, 2)
    if u8(frame.rest, 0) != 0 or length < 8:
        return MALFORMED_HEADER
    if length > frame.rest.captured:
        return TRUNCATED
    return skip(frame, length, IEEE802_11_PADDED if pads(within(frame.rest, length)) else IEEE802_11)


cdef inline bint pads(Octets radiotap) noexcept nogil:
    """Whether there is a field of flags, and says that the header inside is padded to four octets.

    Fields stand in the order of their bits in the first word, behind all such words, each aligned to its own size.
    """
    cdef uint32_t present = le32(radiotap, 4), at = 8
    cdef bint is_last = not present & RADIOTAP_MORE
    for _ in range(RADIOTAP_WORDS):
        if is_last or not holds(radiotap, at, 4):
            break
        is_last = not le32(radiotap, at) & RADIOTAP_MORE
        at += 4
    if present & RADIOTAP_TIME:
        at = (at + 7) // 8 * 8 + 8
    return present & RADIOTAP_FLAGS and holds(radiotap, at, 1) and u8(radiotap, at) & RADIOTAP_PADS


cdef inline Step prism(Frame *frame) noexcept nogil:
    """LINKTYPE_IEEE802_11_PRISM: 144 octets, or an AVS header in their place."""
    if frame.rest.captured < 8:
        return TRUNCATED
    if be32(frame.rest, 0) >> 12 == AVS_MAGIC:
        return avs(frame)
    return TRUNCATED if frame.rest.captured < 144 else skip(frame, 144, IEEE802_11)


cdef inline Step avs(Frame *frame) noexcept nogil:
    """LINKTYPE_IEEE802_11_AVS: version and length."""
    if frame.rest.captured < 8:
        return TRUNCATED
    cdef uint32_t length = be32(frame.rest, 4)
    if length < 8:
        return MALFORMED_HEADER
    return TRUNCATED if length > frame.rest.captured else skip(frame, length, IEEE802_11)


cdef inline Step ppi(Frame *frame) noexcept nogil:
    """Per-Packet Information, CACE Technologies, section 3.1: version 0, flags, length, inner link type."""
    if frame.rest.captured < 8:
        return TRUNCATED
    cdef uint32_t length = le16(frame.rest, 2), link_type = le32(frame.rest, 4)
    if u8(frame.rest, 0) != 0 or length < 8:
        return MALFORMED_HEADER
    if length > frame.rest.captured:
        return TRUNCATED
    return announced(frame, length, link_type)


cdef inline Step announced(Frame *frame, uint32_t length, uint32_t link_type) noexcept nogil:
    """Go on behind a header that names the link type of what follows."""
    cdef Step step = inner_step(link_type)
    return unread(frame, link_type, UNREAD_LINK) if step == UNREAD_LINK else skip(frame, length, step)


cdef inline Step ieee802_11(Frame *frame, bint is_padded, bint is_swapped) noexcept nogil:
    """IEEE 802.11 clause 9.2.4: only data frames carry IP, behind LLC; aggregates (A-MSDU) are not read.

    The header may be padded to four octets, and some access points swap the octets of the frame control field.
    """
    if frame.rest.captured < 24:
        return NOT_IP
    cdef uint8_t control = u8(frame.rest, 1 if is_swapped else 0), flags = u8(frame.rest, 0 if is_swapped else 1)
    cdef uint8_t way = flags & 3
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
    return skip(frame, (length + 3) // 4 * 4 if is_padded else length, LLC)


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


cdef inline Step c_hdlc(Frame *frame) noexcept nogil:
    """Cisco HDLC: address, control, EtherType."""
    if frame.rest.captured < 4:
        return TRUNCATED
    if be16(frame.rest, 0) == 0xFF03:  # such devices speak PPP as well
        return PPP
    return skip(frame, 2, ETHERTYPE)
