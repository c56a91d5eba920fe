"""Multicast DNS's match function: see the neighbour `mdns.py` for the sources."""

from libc.stdint cimport UINT32_MAX, uint16_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    ANNOUNCEMENT, CUT, GARBAGE, MALFORMED, MAX_KEYS, REPLY, REQUEST, Match, Role, add_key, add_record, said,
    said_weakly,
)
from capanalyze.core.octets cimport Octets, be16, be32, digest, holds, is_cut, mix, u8
from capanalyze.protocols._names cimport MALFORMED_NAME, Name, first_label_hash, name_at, skip_name
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

cdef enum:  # types whose data is a name, or ends with one, which may be compressed in several ways
    NS = 2
    CNAME = 5
    POINTER = 12
    SERVER = 33  # RFC 2782
    SERVER_LEN = 6  # octets before the name

cdef enum:
    MAX_RECORDS = 64
    TRUNCATED = 2  # of the octet at FLAGS

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
    cdef uint32_t ours = 0, unicast = 0, at = HEADER_LEN  # ours: a bit for each question
    cdef Name name
    cdef int number
    for number in range(min(questions, MAX_KEYS)):
        name = name_at(octets, at)
        at = name.end
        if name.hash == MALFORMED_NAME or not holds(octets, at, QUESTION_LEN):
            break
        add_key(found, mix(name.hash, be16(octets, at + TYPE)))
        unicast += be16(octets, at + CLASS) & UNICAST_BIT != 0
        if be16(octets, at + CLASS) % UNICAST_BIT in (INTERNET, ANY):
            ours |= 1U << number
        at += QUESTION_LEN
    if found.count == 0:
        if questions and is_cut(octets):
            return said_weakly(found, REQUEST, CUT)
        return said(found, MALFORMED, GARBAGE)
    found.weak = questions > MAX_KEYS
    return said_query(octets, found, at, ours, unicast)


cdef inline Role said_query(
    Octets octets, Match *found, uint32_t at, uint32_t ours, bint unicast
) noexcept nogil:
    """Kind of a query: which of its questions, that end at `at`, are `ours` to answer; any asks for `unicast`."""
    if not ours:  # a responder has no records of another class (version.bind and the like)
        found.unanswerable = 1
        return said(found, REQUEST, OTHER_CLASS)
    if be16(octets, AUTHORITIES):
        found.announces = 1
        return said(found, REQUEST, PROBE)
    if u8(octets, FLAGS) & TRUNCATED:
        found.unanswerable = 1  # section 7.2: more that is known follows
    if be16(octets, ANSWERS):
        if add_known(octets, found, at, ours):
            found.unanswerable = 1  # section 7.1: what is known is not told again
        return said(found, REQUEST, KNOWN)
    return said(found, REQUEST, UNICAST_QUERY if unicast else QUERY)


cdef inline bint add_known(Octets octets, Match *found, uint32_t at, uint32_t open) noexcept nogil:
    """Hashes of the answers that a query knows; whether each of its open questions may have no other."""
    cdef Name name
    cdef uint16_t kind
    cdef int number, place
    for number in range(be16(octets, ANSWERS)):
        name = name_at(octets, at)
        at = name.end
        if number == MAX_RECORDS or name.hash == MALFORMED_NAME or not is_whole(octets, at):
            return True
        kind = be16(octets, at + TYPE)
        for place in range(found.count):
            if found.keys[place] in (mix(name.hash, kind), mix(name.hash, ANY)):
                open &= ~(1U << place)
        add_record(found, record_hash(octets, name.hash, at))
        at += RECORD_LEN + be16(octets, at + DATA_LEN)
    return open == 0


cdef inline bint is_whole(Octets octets, uint32_t at) noexcept nogil:
    """Whether a record was captured from behind its name to its end."""
    return holds(octets, at, RECORD_LEN) and holds(octets, at + RECORD_LEN, be16(octets, at + DATA_LEN))


cdef inline uint64_t record_hash(Octets octets, uint64_t name, uint32_t at) noexcept nogil:
    """Hash of a record that is whole, from behind its name on; of a name in its data the first label tells enough."""
    cdef uint16_t kind = be16(octets, at + TYPE), length = be16(octets, at + DATA_LEN)
    cdef uint64_t key = mix(mix(name, kind), RECORD_LEN)
    at += RECORD_LEN
    if kind == SERVER and length > SERVER_LEN:
        return mix(mix(key, digest(octets, at, SERVER_LEN)), first_label_hash(octets, at + SERVER_LEN))
    if kind in (NS, CNAME, POINTER):
        return mix(key, first_label_hash(octets, at))
    return mix(key, digest(octets, at, length))


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
    cdef uint32_t last = 0
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
            last = at
        at += RECORD_LEN + be16(octets, at + DATA_LEN)
    for number in range(living):
        add_once(found, mix(names[number], ANY))
    if living == 1 and not found.weak and is_whole(octets, last):
        add_record(found, record_hash(octets, names[0], last))
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
