"""Match function of DNS over TCP: see the neighbour `dnstcp.py` for the sources."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from capanalyze.core.message cimport OTHER, Match, Role
from capanalyze.core.octets cimport Octets, be16, be64, holds, u8
from capanalyze.protocols._names cimport MALFORMED_NAME, Name, name_at
from capanalyze.protocols._questions cimport (
    ADDITIONALS, ANSWERS, AUTHORITIES, CODE, FLAGS, HEADER_LEN, MAX_CLASS, MAX_EXTENSIONS, MAX_RECORDS, OPCODE,
    QUESTIONS, RCODE, RESPONSE_BIT, match_question,
)

cdef enum:
    RESERVED = 0x40  # of the octet at CODE, RFC 6895 section 2.1

cdef enum:  # opcodes where they stand in the octet at FLAGS, RFC 6895 section 2.2
    QUERY_CODE = 0
    NOTIFY_CODE = 4 << 3
    UPDATE_CODE = 5 << 3


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message. As a segment may begin with anything, what is no message beyond doubt is none."""
    if not holds(octets, 0, HEADER_LEN) or not (has_question(octets) or is_bare_error(octets)):
        return OTHER
    return match_question(octets, found)


cdef inline bint has_question(Octets octets) noexcept nogil:
    """Whether header and question are whole, and each may be one."""
    cdef Name name = name_at(octets, HEADER_LEN)
    cdef uint32_t at = name.end
    if be16(octets, QUESTIONS) != 1 or u8(octets, CODE) & RESERVED or not holds(octets, at, 4):
        return False
    if name.hash == MALFORMED_NAME or not 1 <= be16(octets, at + 2) <= MAX_CLASS:
        return False
    cdef uint8_t opcode = u8(octets, FLAGS) & OPCODE
    if opcode not in (QUERY_CODE, NOTIFY_CODE, UPDATE_CODE):
        return False
    cdef uint16_t authorities = be16(octets, AUTHORITIES), additionals = be16(octets, ADDITIONALS)
    if u8(octets, FLAGS) & RESPONSE_BIT or opcode != QUERY_CODE:
        return max(authorities, additionals) <= MAX_RECORDS
    # RFC 1995 section 3: an incremental transfer is asked for with the version that is known.
    return be16(octets, ANSWERS) == 0 and authorities <= 1 and additionals <= MAX_EXTENSIONS


cdef inline bint is_bare_error(Octets octets) noexcept nogil:
    """Whether it is a header that says what went wrong, and nothing else."""
    if octets.size != HEADER_LEN or not u8(octets, FLAGS) & RESPONSE_BIT or not u8(octets, CODE) & RCODE:
        return False
    return not be64(octets, QUESTIONS)  # nor any of the other counts
