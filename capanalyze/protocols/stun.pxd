"""STUN's match function: see the neighbour `stun.py` for the sources."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from capanalyze.core.message cimport (
    CUT, FLOW, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be16, digest, holds, is_cut

cdef enum:  # octet offsets, RFC 8489 figure 2
    TYPE = 0
    LENGTH = 2
    TRANSACTION = 4  # the magic cookie is compared with it
    TRANSACTION_LEN = 16
    HEADER_LEN = 20

cdef enum:  # the two bits of the class within the message type, RFC 8489 figure 3
    CLASS = 0x0110
    ASKS = 0x0000
    INDICATION = 0x0010
    SUCCESS = 0x0100

cdef enum:
    SHARED_SECRET = 0x0002  # RFC 3489 section 11.1; no longer sent over UDP, but some servers answer with it
    CHANNEL = 0x4000  # channel data begin with this to 0x7FFF, RFC 8656 section 12.4
    MEDIA = 128  # RTP and RTCP, by their first octet, RFC 7983 section 7
    MEDIA_END = 192
    ENCRYPTED = 23  # application data of DTLS, RFC 9147 section 4

cdef enum:  # kinds
    ASK = 3
    ANSWER
    REFUSED
    SECRET_ASKED
    INDICATED
    RELAYED


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role by the two bits of the class, which lie apart in the message type (figure 3)."""
    if octets.captured < 2:
        return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)
    cdef uint16_t kind = be16(octets, TYPE)
    cdef uint16_t group = kind & CLASS
    if is_relayed(kind):
        return of_association(found, RELAYED)
    if kind >= CHANNEL or not has_its_length(octets):
        return said(found, MALFORMED, GARBAGE)
    if group == INDICATION:
        return of_association(found, INDICATED)
    if octets.captured < HEADER_LEN:
        return said_weakly(found, REQUEST if group == ASKS else REPLY, CUT)
    add_key(found, digest(octets, TRANSACTION, TRANSACTION_LEN))
    if kind == SHARED_SECRET:
        return said(found, FLOW, SECRET_ASKED)
    if group == ASKS:
        return said(found, REQUEST, ASK)
    return said(found, REPLY, ANSWER if group == SUCCESS else REFUSED)


cdef inline Role of_association(Match *found, uint8_t kind) noexcept nogil:
    """Nothing that is answered, between two hosts that know each other."""
    found.unanswerable = 1
    return said_weakly(found, FLOW, kind)


cdef inline bint is_relayed(uint16_t kind) noexcept nogil:
    """Whether it is no STUN but what follows on the same ports: channel data, media or encrypted data."""
    cdef uint8_t first = kind >> 8
    return CHANNEL <= kind < 2 * CHANNEL or MEDIA <= first < MEDIA_END or first == ENCRYPTED


cdef inline bint has_its_length(Octets octets) noexcept nogil:
    """Whether it is as long as its header says, RFC 8489 section 5."""
    if octets.size < HEADER_LEN:
        return 0
    return not holds(octets, LENGTH, 2) or <uint32_t>be16(octets, LENGTH) + HEADER_LEN == octets.size
