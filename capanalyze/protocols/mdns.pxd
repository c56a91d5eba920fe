"""Multicast DNS's match function: see the neighbour `mdns.py` for the sources."""

from libc.stdint cimport UINT32_MAX, uint16_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    ANNOUNCEMENT, CUT, GARBAGE, MALFORMED, MAX_KEYS, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be16, be32, holds, is_cut, mix, u8
from capanalyze.protocols._names cimport MALFORMED_NAME, Name, name_at, skip_name
from capanalyze.protocols._questions cimport (
    ANSWERS, AUTHORITIES, FLAGS, HEADER_LEN, OPCODE, QUESTIONS, RESPONSE_BIT, without_header,
)

cdef enum:  # octet offsets behind a name, RFC 1035 sections 4.1.2 and 4.1.3
    TYPE = 0
    CLASS = 2
    QUESTION_LEN = 4
    TTL = 4
    DATA_LEN = 8
    RECORD_LEN = 10

cdef enum:  # types and classes, RFC 1035 sections 3.2.3, 3.2.4 and 3.2.5
    INTERNET = 1
    ANY = 255
    UNICAST_BIT = 0x8000  # of a question's class, RFC 6762 section 5.4

cdef enum:
    MAX_RECORDS = 64

cdef enum:  # kinds
    QUERY = 3
    UNICAST_QUERY
    PROBE
    RESPONSE
    GOODBYE
    NO_ANSWERS
    KNOWN
    STATUS
    OTHER_CLASS


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message; a key for every question asked, or for every record that answers."""
    if octets.captured < HEADER_LEN:
        return without_header(octets, found)
    if u8(octets, FLAGS) & OPCODE:  # section 18.3: messages with another opcode must be ignored
        found.unanswerable = 1
        return said_weakly(found, REQUEST, STATUS)
    if u8(octets, FLAGS) & RESPONSE_BIT:
        return match_response(octets, found)
    return match_query(octets, found)


cdef inline Role match_query(Octets octets, Match *found) noexcept nogil:
    """Questions; authority records make a probe, section 8.1."""
    cdef uint16_t questions = be16(octets, QUESTIONS)
    cdef uint32_t ours = 0, unicast = 0, at = HEADER_LEN
    cdef Name name
    cdef int number
    for number in range(min(questions, MAX_KEYS)):
        name = name_at(octets, at)
        at = name.end
        if name.hash == MALFORMED_NAME or not holds(octets, at, QUESTION_LEN):
            break
        add_key(found, mix(name.hash, be16(octets, at + TYPE)))
        unicast += be16(octets, at + CLASS) & UNICAST_BIT != 0
        ours += be16(octets, at + CLASS) % UNICAST_BIT in (INTERNET, ANY)
        at += QUESTION_LEN
    if found.count == 0:
        if questions and is_cut(octets):
            return said_weakly(found, REQUEST, CUT)
        return said(found, MALFORMED, GARBAGE)
    found.weak = questions > MAX_KEYS
    return said_query(octets, found, ours, unicast)


cdef inline Role said_query(Octets octets, Match *found, bint ours, bint unicast) noexcept nogil:
    """Kind of a query of which any question is `ours` to answer, or asks for a `unicast` answer."""
    if not ours:  # a responder has no records of another class (version.bind and the like)
        found.unanswerable = 1
        return said(found, REQUEST, OTHER_CLASS)
    if be16(octets, AUTHORITIES):
        found.announces = 1
        return said(found, REQUEST, PROBE)
    if be16(octets, ANSWERS):
        found.unanswerable = 1  # section 7.1: what is known is not told again
        return said(found, REQUEST, KNOWN)
    return said(found, REQUEST, UNICAST_QUERY if unicast else QUERY)


cdef inline Role match_response(Octets octets, Match *found) noexcept nogil:
    """Answer records; all of TTL 0 is a goodbye, section 10.1."""
    if be16(octets, ANSWERS) == 0:
        return said_weakly(found, REPLY, NO_ANSWERS)
    cdef uint32_t at = add_answers(octets, found, skip_questions(octets))
    if found.count:
        return said(found, REPLY, RESPONSE)
    found.weak = 0
    if at <= octets.captured:
        return said(found, ANNOUNCEMENT, GOODBYE)
    if is_cut(octets):
        return said_weakly(found, REPLY, CUT)
    return said(found, MALFORMED, GARBAGE)


cdef inline uint32_t skip_questions(Octets octets) noexcept nogil:
    """Offset behind the questions of a response; one that no message holds if they are not whole."""
    cdef uint32_t at = HEADER_LEN
    cdef int number
    for number in range(min(be16(octets, QUESTIONS), MAX_RECORDS)):
        at = skip_name(octets, at)
        if not holds(octets, at, QUESTION_LEN):
            return UINT32_MAX
        at += QUESTION_LEN
    return at


cdef inline uint32_t add_answers(Octets octets, Match *found, uint32_t at) noexcept nogil:
    """Keys of the answers, by their types, then as answers to type ANY; returns where they end, or UINT32_MAX.

    Where there is no room for all, or not all are whole, the message is weak: it may answer more than its keys tell.
    """
    cdef uint64_t[MAX_RECORDS] names
    cdef Name name
    cdef int number, living = 0
    found.weak = be16(octets, ANSWERS) > MAX_RECORDS
    for number in range(min(be16(octets, ANSWERS), MAX_RECORDS)):
        name = name_at(octets, at)
        at = name.end
        if name.hash == MALFORMED_NAME or not holds(octets, at, RECORD_LEN):
            found.weak = 1
            at = UINT32_MAX
            break
        if be32(octets, at + TTL):
            add_once(found, mix(name.hash, be16(octets, at + TYPE)))
            names[living] = name.hash
            living += 1
        at += RECORD_LEN + be16(octets, at + DATA_LEN)
    for number in range(living):
        add_once(found, mix(names[number], ANY))
    return at


cdef inline void add_once(Match *found, uint64_t key) noexcept nogil:
    """One more key, if it is a new one and there is room."""
    cdef int number
    for number in range(found.count):
        if found.keys[number] == key:
            return
    if found.count == MAX_KEYS:
        found.weak = 1
    add_key(found, key)
