"""The NetBIOS name service's match function: see the neighbour `nbns.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly
from capanalyze.core.octets cimport Octets, be16, holds, is_cut, mix, u8
from capanalyze.protocols._names cimport MALFORMED_NAME, Name, name_at
from capanalyze.protocols._questions cimport CODE, FLAGS, HEADER_LEN, ID, QUESTIONS, RCODE, RESPONSE_BIT, without_header

cdef enum:  # opcodes, RFC 1002 section 4.2.1.1
    NAME_QUERY = 0
    WACK = 7

cdef enum:  # types, RFC 1002 section 4.2.1.3
    NBSTAT = 0x21

cdef enum:  # kinds
    QUERY = 3
    NODE_STATUS
    CLAIM
    POSITIVE
    NEGATIVE
    NODE_STATUS_RESPONSE
    WAIT


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one name service message: the first name and its type stand behind the header."""
    if octets.captured < HEADER_LEN:
        return without_header(octets, found)
    cdef Name name = name_at(octets, HEADER_LEN)
    if not holds(octets, name.end, 2):
        name.hash = MALFORMED_NAME
    cdef bint is_status = name.hash != MALFORMED_NAME and be16(octets, name.end) == NBSTAT
    if u8(octets, FLAGS) & RESPONSE_BIT:
        return match_response(octets, found, name.hash, is_status)
    return match_request(octets, found, name.hash, is_status)


cdef inline Role match_response(Octets octets, Match *found, uint64_t name, bint is_status) noexcept nogil:
    """A named answer belongs to the question with that name only; without a name, the id decides."""
    add_key(found, key_of(octets, name))
    if opcode(octets) == WACK:
        found.interim = 1
        return said(found, REPLY, WAIT)
    if u8(octets, CODE) & RCODE:
        return said(found, REPLY, NEGATIVE)
    return said(found, REPLY, NODE_STATUS_RESPONSE if is_status else POSITIVE)


cdef inline Role match_request(Octets octets, Match *found, uint64_t name, bint is_status) noexcept nogil:
    """One question; who claims a name brings its record along, and may only announce it."""
    if be16(octets, QUESTIONS) != 1:
        return said(found, MALFORMED, GARBAGE)
    add_key(found, key_of(octets, MALFORMED_NAME))
    if name != MALFORMED_NAME:
        add_key(found, key_of(octets, name))
    elif not is_cut(octets):
        return said_weakly(found, REQUEST, GARBAGE)
    if opcode(octets) != NAME_QUERY:
        found.announces = found.unanswerable = 1
        return said(found, REQUEST, CLAIM)
    return said(found, REQUEST, NODE_STATUS if is_status else QUERY)


cdef inline uint64_t key_of(Octets octets, uint64_t name) noexcept nogil:
    """A transaction id with the hash of a name; MALFORMED_NAME stands for no name."""
    return mix(mix(1, be16(octets, ID)), name)


cdef inline uint8_t opcode(Octets octets) noexcept nogil:
    """What is asked for, RFC 1002 section 4.2.1.1; the response bit is no part of it."""
    return u8(octets, FLAGS) // 8 % 16
