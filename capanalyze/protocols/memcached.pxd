"""memcached's match function: see the neighbour `memcached.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.message cimport CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said
from capanalyze.core.octets cimport Octets, be16, be32, holds, mix, u8

cdef enum:  # octet offsets of the frame header
    REQUEST_ID = 0
    SEQUENCE = 2
    TOTAL = 4
    HEADER_LEN = 8

cdef enum:  # the first octet of a binary packet
    BINARY_REQUEST = 0x80
    BINARY_RESPONSE = 0x81

cdef enum:  # the first words of an error
    ERRO = 0x4552524F  # ERROR
    CLIE = 0x434C4945  # CLIENT_ERROR
    SERV = 0x53455256  # SERVER_ERROR

cdef enum:  # kinds
    ASK = 3
    ANSWER
    ERROR


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one datagram."""
    if octets.size <= HEADER_LEN:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured <= HEADER_LEN:
        return said(found, MALFORMED, CUT)
    if be16(octets, SEQUENCE) >= be16(octets, TOTAL):
        return said(found, MALFORMED, GARBAGE)
    cdef uint8_t first = u8(octets, HEADER_LEN)
    if be16(octets, SEQUENCE) or answers(first):
        return match_reply(octets, found)
    if first == BINARY_REQUEST or c"a" <= first <= c"z":
        add_id(octets, found)
        return said(found, REQUEST, ASK)
    return said(found, MALFORMED, GARBAGE)


cdef inline Role match_reply(Octets octets, Match *found) noexcept nogil:
    """A datagram of a reply, which may take several; only the first one begins with what it is."""
    add_id(octets, found)
    found.interim = be16(octets, TOTAL) > 1
    return said(found, REPLY, ERROR if be16(octets, SEQUENCE) == 0 and is_error(octets) else ANSWER)


cdef inline void add_id(Octets octets, Match *found) noexcept nogil:
    """The request ID as a key."""
    add_key(found, mix(1, be16(octets, REQUEST_ID)))


cdef inline bint answers(uint8_t first) noexcept nogil:
    """Whether a reply begins like that: a binary one, a number, or a word in upper case."""
    return first == BINARY_RESPONSE or c"0" <= first <= c"9" or c"A" <= first <= c"Z"


cdef inline bint is_error(Octets octets) noexcept nogil:
    """Whether the reply begins with ERROR, CLIENT_ERROR or SERVER_ERROR."""
    cdef uint32_t word
    if not holds(octets, HEADER_LEN, 4):
        return 0
    word = be32(octets, HEADER_LEN)
    return word == ERRO or word == CLIE or word == SERV
