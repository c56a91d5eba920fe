"""SIP's match function: see the neighbour `sip.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said
from capanalyze.core.octets cimport DIGESTED, Octets, be32, find, holds, is_cut, mix, u8
from capanalyze.protocols._text cimport behind_header, is_blank, small, text_hash

cdef enum:  # how a message begins, RFC 3261 sections 7.1 and 7.2
    SIP = 0x5349502F  # "SIP/": every response
    ACK = 0x41434B20  # "ACK "
    STATUS_CODE = 8  # octet offset in a response

cdef enum:
    MIN_LEN = 8
    MAX_HEADERS = 64

cdef enum:  # kinds
    ASK = 3
    ANSWER
    ACKNOWLEDGED


cdef struct Headers:  # of a message, as hashes; 0 where it does not say
    uint64_t call
    uint64_t sequence
    uint64_t branch


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message: status line or request line, then the headers that make its key."""
    if not holds(octets, 0, MIN_LEN):
        return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)
    if not c"A" <= u8(octets, 0) <= c"Z":
        return said(found, MALFORMED, GARBAGE)
    cdef bint is_ack = be32(octets, 0) == ACK
    add_header_key(octets, found, is_ack)
    found.weak = found.count == 0
    if is_ack:
        found.unanswerable = found.continues = 1
        return said(found, REQUEST, ACKNOWLEDGED)
    if be32(octets, 0) != SIP:
        return said(found, REQUEST, ASK)
    found.interim = holds(octets, STATUS_CODE, 1) and u8(octets, STATUS_CODE) == c"1"  # a final one will follow
    return said(found, REPLY, ANSWER)


cdef inline void add_header_key(Octets octets, Match *found, bint is_ack) noexcept nogil:
    """The key of Call-ID, CSeq and branch; none unless the first two are there, and the last one not out of sight."""
    cdef Headers headers = Headers(0, 0, 0)
    cdef uint32_t end, at = find(octets, 0, c"\n") + 1
    cdef int number
    for number in range(MAX_HEADERS):
        end = find(octets, at, c"\n")
        if end < at + 2 or (end == octets.captured and is_cut(octets)):  # the empty line that ends the headers, or a cut
            break
        read_header(octets, &headers, at, end, is_ack)
        at = end + 1
    if headers.call and headers.sequence and (headers.branch or not is_cut(octets)):
        add_key(found, mix(mix(headers.call, headers.sequence), headers.branch))


cdef inline void read_header(
    Octets octets, Headers *headers, uint32_t at, uint32_t end, bint is_ack
) noexcept nogil:
    """Note what a line says, if it is the first of one of the three, or of their short forms (section 7.3.3)."""
    cdef uint32_t value = behind_header(octets, at, end, b"call-id") or behind_header(octets, at, end, b"i")
    if value and headers.call == 0:
        headers.call = text_hash(octets, value, end)
    if value:
        return
    value = behind_header(octets, at, end, b"cseq")
    if value and headers.sequence == 0:
        headers.sequence = sequence_hash(octets, value, min(end, value + DIGESTED), is_ack)
    if value:
        return
    value = behind_header(octets, at, end, b"via") or behind_header(octets, at, end, b"v")
    if value and headers.branch == 0:  # the topmost one
        headers.branch = branch_hash(octets, value, end)


cdef inline uint64_t sequence_hash(Octets octets, uint32_t at, uint32_t end, bint is_ack) noexcept nogil:
    """Hash of number and method; an ACK has those of the INVITE that it is about (sections 13.2.2.4 and 17.1.1.3)."""
    cdef uint64_t key = 1
    cdef const char *method = b"invite"
    for at in range(at, end):
        if is_ack and not is_blank(u8(octets, at)) and not c"0" <= u8(octets, at) <= c"9":
            break
        if not is_blank(u8(octets, at)):
            key = mix(key, small(u8(octets, at)))
    while is_ack and method[0]:
        key = mix(key, <uint8_t>method[0])
        method += 1
    return key


cdef inline uint64_t branch_hash(Octets octets, uint32_t at, uint32_t end) noexcept nogil:
    """Hash of the parameter branch in the first value of a Via, section 20.42; 1 if it has none."""
    cdef uint32_t stop = find_in(octets, at, end, c",")
    cdef uint32_t value
    at = find_in(octets, at, stop, c";")
    while at < stop:
        value = behind_parameter(octets, at + 1, stop, b"branch")
        at = find_in(octets, at + 1, stop, c";")
        if value:
            return text_hash(octets, value, at)
    return 1


cdef inline uint32_t behind_parameter(Octets octets, uint32_t at, uint32_t end, const char *name) noexcept nogil:
    """Offset behind the name and the equals sign of the parameter at `at`, or 0 if it is another one."""
    while at < end and is_blank(u8(octets, at)):
        at += 1
    while at < end and name[0] and small(u8(octets, at)) == name[0]:
        at += 1
        name += 1
    while at < end and is_blank(u8(octets, at)):
        at += 1
    return at + 1 if name[0] == 0 and at < end and u8(octets, at) == c"=" else 0


cdef inline uint32_t find_in(Octets octets, uint32_t at, uint32_t end, uint8_t octet) noexcept nogil:
    """Offset of the next octet of this value before `end`, or `end`."""
    for at in range(at, end):
        if u8(octets, at) == octet:
            return at
    return end
