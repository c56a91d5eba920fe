"""SSDP's match function: see the neighbour `ssdp.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.message cimport (
    ANNOUNCEMENT, CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be32, find, holds, is_cut, mix, u8
from capanalyze.protocols._text cimport behind_header, is_blank, small, text_hash

cdef enum:  # first words, UPnP Device Architecture 2.0 sections 1.2 and 1.3
    M_SEARCH = 0x4D2D5345  # "M-SE"
    HTTP = 0x48545450  # "HTTP"
    NOTIFY = 0x4E4F5449  # "NOTI"

cdef enum:
    MAX_HEADERS = 64
    ANYTHING = 1  # the key of a search for all that there is

cdef enum:  # kinds
    SEARCH = 3
    RESPONSE
    ANNOUNCED


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message, by its first word."""
    if not holds(octets, 0, 4):
        return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)
    cdef uint32_t word = be32(octets, 0)
    if word == M_SEARCH:
        return match_search(octets, found, REQUEST, SEARCH)
    if word == HTTP:
        return match_search(octets, found, REPLY, RESPONSE)
    if word == NOTIFY:
        return said(found, ANNOUNCEMENT, ANNOUNCED)
    return said(found, MALFORMED, GARBAGE)


cdef inline Role match_search(Octets octets, Match *found, Role role, uint8_t kind) noexcept nogil:
    """A response repeats what was searched for, or says what it is where that was everything, section 1.3.3."""
    cdef uint32_t start = 0, end = 0
    if not find_target(octets, &start, &end):
        return said_weakly(found, role, kind)
    cdef bint is_all = is_everything(octets, start, end)
    if role == REPLY or not is_all:
        add_key(found, mix(ANYTHING, text_hash(octets, start, end)))
    if role == REPLY or is_all:
        add_key(found, ANYTHING)
    return said(found, role, kind)


cdef inline bint find_target(Octets octets, uint32_t *start, uint32_t *end) noexcept nogil:
    """Find the value of the header ST, which was captured whole; whether it is there."""
    cdef uint32_t at = find(octets, 0, c"\n") + 1
    cdef int number
    for number in range(MAX_HEADERS):
        end[0] = find(octets, at, c"\n")
        if end[0] >= octets.captured or end[0] < at + 2:  # cut, or the empty line that ends the headers
            return False
        start[0] = behind_header(octets, at, end[0], b"st")
        if start[0]:
            return True
        at = end[0] + 1
    return False


cdef inline bint is_everything(Octets octets, uint32_t at, uint32_t end) noexcept nogil:
    """Whether the search target is ssdp:all."""
    cdef const char *word = b"ssdp:all"
    for at in range(at, end):
        if is_blank(u8(octets, at)):
            continue
        if word[0] == 0 or small(u8(octets, at)) != word[0]:
            return False
        word += 1
    return word[0] == 0
