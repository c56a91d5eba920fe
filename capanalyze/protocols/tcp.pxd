"""TCP's match function: see the neighbour `tcp.py` for the sources."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from capanalyze.core.message cimport (
    ACKNOWLEDGES, OTHER, REPLY, REQUEST, RESET, SPOKE, Match, Role, add_key, said,
)
from capanalyze.core.octets cimport Octets, be32, holds, u8

cdef enum:  # octet offsets, RFC 9293 section 3.1
    SEQUENCE = 4
    ACKNOWLEDGMENT = 8
    OFFSET = 12
    FLAGS = 13

cdef enum:  # control bits, RFC 9293 section 3.1
    FIN = 1
    SYN = 2
    RST = 4
    ACK = 16

cdef enum:  # kinds
    OPEN = 3
    SYN_ACK
    RESET_KIND
    CLOSE


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one segment, from its header on. Quoted by an ICMP error, it may end behind the sequence number."""
    if not holds(octets, SEQUENCE, 4):
        return OTHER
    if not holds(octets, FLAGS, 1):
        return match_syn(octets, found, 0)
    cdef uint8_t flags = u8(octets, FLAGS)
    if flags & RST:
        return match_reset(octets, found, flags)
    if flags & SYN and flags & ACK:
        return match_syn_ack(octets, found)
    if flags & SYN and flags & FIN:
        return OTHER
    if flags & SYN:
        return match_syn(octets, found, data_len(octets))
    if data_len(octets) > 0:
        return SPOKE
    if flags & FIN:
        return said(found, SPOKE, CLOSE)
    return ACKNOWLEDGES if flags & ACK else OTHER


cdef inline Role match_syn(Octets octets, Match *found, int64_t data) noexcept nogil:
    """A request to connect: its answer acknowledges the sequence number plus one, RFC 9293 section 3.5."""
    cdef uint32_t expected = be32(octets, SEQUENCE) + 1
    add_key(found, expected)
    if data > 0:  # RFC 7413: with a cookie, what came along with the SYN is acknowledged too
        add_key(found, <uint32_t>(expected + data))
    return said(found, REQUEST, OPEN)


cdef inline Role match_syn_ack(Octets octets, Match *found) noexcept nogil:
    """The server accepts, and acknowledges the SYN."""
    add_key(found, be32(octets, ACKNOWLEDGMENT))
    return said(found, REPLY, SYN_ACK)


cdef inline Role match_reset(Octets octets, Match *found, uint8_t flags) noexcept nogil:
    """A reset tells by its acknowledgment number what it rejects, if it has one (RFC 9293 section 3.10.7.1)."""
    if flags & ACK:
        add_key(found, be32(octets, ACKNOWLEDGMENT))
    return said(found, RESET, RESET_KIND)


cdef inline int64_t data_len(Octets octets) noexcept nogil:
    """How many octets of data were sent; negative where the header claims to be longer than the segment."""
    return <int64_t>octets.size - u8(octets, OFFSET) // 16 * 4
