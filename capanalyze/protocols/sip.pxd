"""SIP's match function: see the neighbour `sip.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    CUT, EMPTY, GARBAGE, MALFORMED, OTHER, REPLY, REQUEST, Match, Role, add_key, said,
)
from capanalyze.core.octets cimport Octets, be32, holds, is_cut, mix, u8
from capanalyze.protocols._text cimport find

cdef enum:  # how a message begins, RFC 3261 sections 7.1 and 7.2
    SIP = 0x5349502F  # "SIP/": every response
    ACK = 0x41434B20  # "ACK "
    STATUS_CODE = 8  # octet offset in a response

cdef enum:  # how the name of a header begins, in small letters
    CALL = 0x63616C6C  # "call", of Call-ID
    CSEQ = 0x63736571  # "cseq"
    SMALL = 0x20202020  # what makes four letters small

cdef enum:
    MIN_LEN = 8
    MAX_HEADERS = 64
    MIN_HEADER_LEN = 5
    CALL_ID_LEN = 8  # with its colon

cdef enum:  # kinds
    ASK = 3
    ANSWER


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message: status line or request line, then the two headers that make its key."""
    if not holds(octets, 0, MIN_LEN):
        return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)
    if not c"A" <= u8(octets, 0) <= c"Z":
        return said(found, MALFORMED, GARBAGE)
    add_header_key(octets, found)
    if be32(octets, 0) == ACK:  # is never answered
        return said(found, OTHER, EMPTY)
    found.weak = found.count == 0
    if be32(octets, 0) != SIP:
        return said(found, REQUEST, ASK)
    found.interim = holds(octets, STATUS_CODE, 1) and u8(octets, STATUS_CODE) == c"1"  # a final one will follow
    return said(found, REPLY, ANSWER)


cdef inline void add_header_key(Octets octets, Match *found) noexcept nogil:
    """The key of Call-ID and CSeq; none unless both are there."""
    cdef uint64_t call = 0, sequence = 0
    cdef uint32_t end, at = find(octets, 0, c"\n") + 1
    cdef int number
    for number in range(MAX_HEADERS):
        end = find(octets, at, c"\n")
        if end < at + 2:  # the empty line that ends the headers
            break
        if end - at >= MIN_HEADER_LEN:
            if is_call_id(octets, at, end):
                call = value_hash(octets, at, end)
            elif is_cseq(octets, at):
                sequence = value_hash(octets, at, end)
        at = end + 1
    if call and sequence:
        add_key(found, mix(call, sequence))


cdef inline bint is_call_id(Octets octets, uint32_t at, uint32_t end) noexcept nogil:
    """Whether the line from `at` to `end` begins with Call-ID, or with its short form i, section 7.3.3."""
    if u8(octets, at) in (c"i", c"I"):
        return u8(octets, at + 1) in (c":", c" ")
    if end - at < CALL_ID_LEN or be32(octets, at) | SMALL != CALL or u8(octets, at + 4) != c"-":
        return False
    return u8(octets, at + 5) in (c"i", c"I") and u8(octets, at + 6) in (c"d", c"D")


cdef inline bint is_cseq(Octets octets, uint32_t at) noexcept nogil:
    """Whether a line begins with CSeq."""
    return be32(octets, at) | SMALL == CSEQ


cdef inline uint64_t value_hash(Octets octets, uint32_t at, uint32_t end) noexcept nogil:
    """Hash of a header's value: what follows the colon, blanks left out."""
    cdef uint64_t key = 1
    cdef bint is_value = False
    cdef uint32_t place
    cdef uint8_t octet
    for place in range(at, end):
        octet = u8(octets, place)
        if is_value and octet not in (c" ", c"\t", c"\r"):
            key = mix(key, octet)
        if octet == c":":
            is_value = True
    return key
