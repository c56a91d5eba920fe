"""A frame while its headers are walked: which header comes next, or why the walk ends."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from capanalyze.core.message cimport Message
from capanalyze.core.octets cimport Octets, behind

cdef enum Direction:  # as the capture itself tells it
    UNKNOWN
    INBOUND
    OUTBOUND
    ELSEWHERE

cdef enum Step:
    # Headers.
    ETHERNET = 0
    ETHERTYPE
    IP
    PPP
    NULL_LINK
    LOOP
    LINUX_SLL
    LINUX_SLL2
    PKTAP
    PFLOG
    NFLOG
    IEEE802_11
    IEEE802_11_PADDED
    IEEE802_11_SWAPPED
    RADIOTAP
    PRISM
    AVS
    PPI
    FRELAY
    MFR
    C_HDLC
    PPP_WITH_DIR
    C_HDLC_WITH_DIR
    FRELAY_WITH_DIR
    SLIP
    ENC
    IPNET
    FIREWIRE
    TOKEN_RING
    FDDI
    IP_OVER_FC
    SUNATM
    ATM_CLIP
    IPOIB
    DOCSIS
    ERF
    SYMANTEC
    NETANALYZER
    NETANALYZER_TRANSPARENT
    EPON
    MPACKET
    DSA
    DSA_PREPENDED
    JUNIPER_ETHERNET
    JUNIPER_PPP
    JUNIPER_FRELAY
    JUNIPER_C_HDLC
    PPPOE
    MPLS
    LLC
    NSH
    GRE
    L2TPV3
    ETHERIP
    STEPS  # so many
    # Transports that hold messages.
    UDP = 60
    TCP
    ICMP
    # Where a frame ends otherwise; `packets.buckets` names each.
    MESSAGE = 64
    SEGMENT
    NOT_IP
    OTHER_ICMP
    LATER_FRAGMENT
    TRUNCATED
    MALFORMED_HEADER
    TOO_DEEP
    ENCRYPTED
    AGGREGATED
    UNREAD_INSIDE
    NO_INTERFACE
    NOT_A_PACKET
    LEFT_OUT
    # Of these, the number of what is not read is kept.
    UNREAD_LINK
    UNREAD_ETHERTYPE
    UNREAD_PROTOCOL
    UNREAD_PPP
    UNREAD_FAMILY
    REASONS_END

cdef enum Tunnel:  # `core.TUNNELS` names each
    NO_TUNNEL
    IN_IP
    IN_GRE
    IN_ETHERIP
    IN_L2TPV3
    IN_MPLS_IN_IP
    IN_ETHERNET_IN_IP
    IN_VXLAN
    IN_VXLAN_GPE
    IN_GENEVE
    IN_GTP_U
    IN_L2TP
    IN_TEREDO
    IN_MPLS_IN_UDP
    IN_GRE_IN_UDP
    IN_TZSP
    IN_AYIYA
    IN_CAPWAP
    TUNNELS_END


cdef struct Frame:
    Octets rest  # from the next header on
    const uint8_t *block  # where the octets at hand begin
    Message *message  # what the headers tell is noted there
    uint8_t depth  # IP headers so far
    uint32_t unread  # the number of what is not read
    uint32_t tunnels  # a bit for each kind around the innermost header
    bint is_early  # its signs are looked at, see `signs.pxd`
    int64_t trailing  # octets behind the outermost packet, less than 0 where that is not known
    bint is_shown  # it shows its sender on the link, whatever its hop count
    bint is_doubtful  # a tunnel's header that only IP inside it makes believable


cdef inline Step skip(Frame *frame, uint32_t octets, Step step) noexcept nogil:
    """Go on behind a header of so many octets."""
    frame.rest = behind(frame.rest, octets)
    return step


cdef inline Step enter(Frame *frame, Tunnel tunnel, uint32_t octets, Step step) noexcept nogil:
    """Go on inside a tunnel, behind a header of so many octets."""
    frame.tunnels |= 1U << <uint32_t>tunnel
    return skip(frame, octets, step)


cdef inline Step unread(Frame *frame, uint32_t number, Step reason) noexcept nogil:
    """The walk ends at what is not read."""
    frame.unread = number
    return reason


cdef inline int64_t offset(const Frame *frame) noexcept nogil:
    """Where the rest begins in the octets at hand."""
    return frame.rest.first - frame.block
