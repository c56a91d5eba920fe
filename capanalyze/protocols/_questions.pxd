"""Messages in the format of DNS that pair by id and question: DNS and LLMNR share this rule."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be16, holds, is_cut, mix, u8
from capanalyze.protocols._names cimport MALFORMED_NAME, Name, name_at

cdef enum:  # octet offsets, RFC 1035 section 4.1.1
    ID = 0
    FLAGS = 2
    CODE = 3
    QUESTIONS = 4
    ANSWERS = 6
    AUTHORITIES = 8
    ADDITIONALS = 10
    HEADER_LEN = 12

cdef enum:
    LEAST_QUESTION = 5  # octets: the root's name, type, class

cdef enum:  # of the octets at FLAGS and CODE
    RESPONSE_BIT = 0x80
    OPCODE = 0x78
    RCODE = 0x0F

cdef enum:  # what a key is made of besides the id, above its 16 bits
    BY_QUESTION = 1 << 16
    BY_ID = 2 << 16
    ASKED_WITHOUT = 3 << 16

cdef enum:  # bounds of what is called plain
    MAX_CLASS = 255  # the special ones are 254 and 255, RFC 6895 section 3.2
    MAX_RECORDS = 255
    MAX_EXTENSIONS = 2  # of a query: EDNS (RFC 6891) and a signature (RFC 8945)

cdef enum:  # kinds
    QUERY = 3
    RESPONSE
    ERROR_RESPONSE
    UPDATE


cdef inline Role without_header(Octets octets, Match *found) noexcept nogil:
    """Role of a message whose header is not whole: cut by the snap length, or not such a message at all."""
    if octets.size < HEADER_LEN:
        return said(found, MALFORMED, GARBAGE)
    if holds(octets, FLAGS, 1) and u8(octets, FLAGS) & RESPONSE_BIT:
        return said_weakly(found, REPLY, CUT)
    return said_weakly(found, REQUEST, CUT)


cdef inline Role match_question(Octets octets, Match *found) noexcept nogil:
    """A response repeats id and question; where one side has no question that can be read, the id decides."""
    if octets.captured < HEADER_LEN:
        return without_header(octets, found)
    if be16(octets, QUESTIONS) * LEAST_QUESTION > octets.size:  # a VPN on this port, for one
        return said(found, MALFORMED, GARBAGE)
    cdef bint is_response = u8(octets, FLAGS) & RESPONSE_BIT != 0
    cdef bint has_question = add_keys(octets, found, is_response)
    if be16(octets, QUESTIONS) and not has_question:
        found.weak = not is_cut(octets)
        return said(found, REPLY if is_response else REQUEST, CUT if is_cut(octets) else GARBAGE)
    if is_response:
        return said(found, REPLY, ERROR_RESPONSE if u8(octets, CODE) & RCODE else RESPONSE)
    found.weak = not has_question
    return said(found, REQUEST, UPDATE if u8(octets, FLAGS) & OPCODE else QUERY)


cdef inline bint is_plain(Octets octets) noexcept nogil:
    """Whether it is, beyond doubt, an ordinary query or its response: for ports that are another service's."""
    if octets.captured < HEADER_LEN or be16(octets, QUESTIONS) != 1 or u8(octets, FLAGS) & OPCODE:
        return False
    cdef Name name = name_at(octets, HEADER_LEN)
    cdef uint32_t at = name.end
    if name.hash == MALFORMED_NAME or not holds(octets, at, 4):
        return False
    if not 1 <= be16(octets, at + 2) <= MAX_CLASS:
        return False
    if u8(octets, FLAGS) & RESPONSE_BIT:
        return max(be16(octets, ANSWERS), be16(octets, AUTHORITIES), be16(octets, ADDITIONALS)) <= MAX_RECORDS
    if be16(octets, ANSWERS) or be16(octets, AUTHORITIES) or be16(octets, ADDITIONALS) > MAX_EXTENSIONS:
        return False
    return be16(octets, ADDITIONALS) or octets.size == at + 4


cdef inline bint add_keys(Octets octets, Match *found, bint is_response) noexcept nogil:
    """Keys by question and by id; returns whether there is one question that can be read, RFC 9619: one at most."""
    cdef uint16_t ident = be16(octets, ID)
    cdef Name name = name_at(octets, HEADER_LEN)
    if be16(octets, QUESTIONS) == 1 and name.hash != MALFORMED_NAME and holds(octets, name.end, 4):
        add_key(found, mix(mix(mix(BY_QUESTION, ident), name.hash), be16(octets, name.end)))
        add_key(found, mix(ASKED_WITHOUT if is_response else BY_ID, ident))
        return True
    add_key(found, mix(BY_ID, ident))
    if not is_response:
        add_key(found, mix(ASKED_WITHOUT, ident))
    return False
