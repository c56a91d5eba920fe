"""WS-Discovery's match function: see the neighbour `wsdiscovery.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    ANNOUNCEMENT, CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, find, is_cut, mix, u8

cdef enum:
    MAX_ELEMENTS = 64

cdef enum Action:
    UNKNOWN
    PROBE
    MATCHES
    RESOLVE
    RESOLUTIONS
    HELLO
    BYE

cdef enum:  # kinds
    PROBED = 3
    PROBE_MATCHES
    RESOLVED
    RESOLVE_MATCHES
    SAID_HELLO
    SAID_BYE


cdef struct Header:  # of a SOAP message; 0 where it does not say
    Action action
    uint64_t message  # hash of its MessageID
    uint64_t related  # hash of its RelatesTo


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role by the action; the SOAP header has it, MessageID and RelatesTo in any order."""
    cdef Header header = read_header(octets)
    if header.action == HELLO:
        return said(found, ANNOUNCEMENT, SAID_HELLO)
    if header.action == BYE:
        return said(found, ANNOUNCEMENT, SAID_BYE)
    if header.action == PROBE:
        return said_with(found, header.message, REQUEST, PROBED)
    if header.action == RESOLVE:
        return said_with(found, header.message, REQUEST, RESOLVED)
    if header.action == MATCHES:
        return said_with(found, header.related, REPLY, PROBE_MATCHES)
    if header.action == RESOLUTIONS:
        return said_with(found, header.related, REPLY, RESOLVE_MATCHES)
    return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)


cdef inline Role said_with(Match *found, uint64_t key, Role role, uint8_t kind) noexcept nogil:
    """It is a message of this kind, with this key, or without one if that is 0; returns the role."""
    if key == 0:
        return said_weakly(found, role, kind)
    add_key(found, key)
    return said(found, role, kind)


cdef inline Header read_header(Octets octets) noexcept nogil:
    """What the elements say: of each the tag, then its text up to the next tag."""
    cdef Header header = Header(UNKNOWN, 0, 0)
    cdef uint32_t tag_end, text_end, at = find(octets, 0, c"<") + 1
    cdef int number
    for number in range(MAX_ELEMENTS):
        tag_end = find(octets, at, c">")
        text_end = find(octets, tag_end, c"<")
        if text_end == octets.captured:
            break
        read_element(octets, &header, at, tag_end, text_end)
        at = text_end + 1
    return header


cdef inline void read_element(
    Octets octets, Header *header, uint32_t tag, uint32_t tag_end, uint32_t text_end
) noexcept nogil:
    """Note what one element says, if it is one of the three; the last of its kind counts."""
    cdef uint32_t name_end = end_of_name(octets, tag, tag_end)
    cdef uint32_t name = behind_last(octets, tag, name_end, c":")
    if is_word(octets, name, name_end, b"Action"):
        header.action = action_of(octets, behind_last(octets, tag_end + 1, text_end, c"/"), text_end)
    elif is_word(octets, name, name_end, b"MessageID"):
        header.message = word_hash(octets, tag_end + 1, text_end)
    elif is_word(octets, name, name_end, b"RelatesTo"):
        header.related = word_hash(octets, tag_end + 1, text_end)


cdef inline Action action_of(Octets octets, uint32_t at, uint32_t end) noexcept nogil:
    """The action that the last part of its address names."""
    if is_word(octets, at, end, b"Probe"):
        return PROBE
    if is_word(octets, at, end, b"ProbeMatches"):
        return MATCHES
    if is_word(octets, at, end, b"Resolve"):
        return RESOLVE
    if is_word(octets, at, end, b"ResolveMatches"):
        return RESOLUTIONS
    if is_word(octets, at, end, b"Hello"):
        return HELLO
    return BYE if is_word(octets, at, end, b"Bye") else UNKNOWN


cdef inline uint32_t end_of_name(Octets octets, uint32_t at, uint32_t end) noexcept nogil:
    """Offset of the blank or slash that ends the name in a tag, or `end`."""
    cdef uint32_t place
    for place in range(at, end):
        if u8(octets, place) <= c" " or u8(octets, place) == c"/":
            return place
    return end


cdef inline uint32_t behind_last(Octets octets, uint32_t at, uint32_t end, uint8_t octet) noexcept nogil:
    """Offset behind the last octet of this value between `at` and `end`, or `at`."""
    cdef uint32_t place, behind = at
    for place in range(at, end):
        if u8(octets, place) == octet:
            behind = place + 1
    return behind


cdef inline bint is_word(Octets octets, uint32_t at, uint32_t end, const char *word) noexcept nogil:
    """Whether this word lies between `at` and `end`, blanks left out."""
    cdef uint32_t place
    for place in range(at, end):
        if u8(octets, place) > c" ":
            if u8(octets, place) != word[0]:
                return False
            word += 1
    return word[0] == 0


cdef inline uint64_t word_hash(Octets octets, uint32_t at, uint32_t end) noexcept nogil:
    """Hash of a word, blanks left out."""
    cdef uint64_t key = 1
    cdef uint32_t place
    for place in range(at, end):
        if u8(octets, place) > c" ":
            key = mix(key, u8(octets, place))
    return key
