"""memcached's match function: see the neighbour `memcached.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.message cimport CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said
from capanalyze.core.octets cimport Octets, be16, be24, be32, find, holds, mix, u8

cdef enum:  # octet offsets of the frame header
    REQUEST_ID = 0
    SEQUENCE = 2
    TOTAL = 4
    HEADER_LEN = 8

cdef enum:  # the first octet of a binary packet
    BINARY_REQUEST = 0x80
    BINARY_RESPONSE = 0x81

cdef enum:  # opcodes of a binary request that is answered only where something is wrong or found: the quiet ones
    GET_QUIETLY = 0x09
    GET_KEY_QUIETLY = 0x0D
    FIRST_QUIET = 0x11
    LAST_QUIET = 0x1A

cdef enum:
    NO_REPLY_LEN = 8  # " noreply", which ends a command's line
    NORE = 0x6E6F7265  # "nore"
    PLY = 0x706C79  # "ply"

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
        found.unanswerable = is_quiet(octets, first)
        return said(found, REQUEST, ASK)
    return said(found, MALFORMED, GARBAGE)


cdef inline bint is_quiet(Octets octets, uint8_t first) noexcept nogil:
    """Whether a command wants no reply: by its opcode, or by the last word of its line."""
    cdef uint8_t opcode
    if first == BINARY_REQUEST:
        opcode = u8(octets, HEADER_LEN + 1)
        return opcode in (GET_QUIETLY, GET_KEY_QUIETLY) or FIRST_QUIET <= opcode <= LAST_QUIET
    cdef uint32_t end = find(octets, HEADER_LEN, c"\r")
    if end == octets.captured or end < HEADER_LEN + NO_REPLY_LEN:
        return False
    return u8(octets, end - 8) == c" " and be32(octets, end - 7) == NORE and be24(octets, end - 3) == PLY


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
