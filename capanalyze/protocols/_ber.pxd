"""Elements in BER (X.690 section 8.1) for match functions, which ask where things stand.

An offset is NOWHERE if the element is not what it has to be. What is asked of NOWHERE is NOWHERE again, so that steps
into a message can be nested.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.octets cimport NOWHERE, Octets, holds, u8

cdef enum:  # tags
    INTEGER = 0x02
    OCTET_STRING = 0x04
    SEQUENCE = 0x30

cdef enum:  # the octet behind the tag, X.690 section 8.1.3: a length, or how many octets of length follow
    INDEFINITE = 0x80
    LONGEST_FORM = 0x84

cdef enum:
    INTEGER_LEN = 8  # of those that are read


cdef inline uint32_t content(Octets octets, uint32_t at, uint8_t tag) noexcept nogil:
    """Where the contents of the element at an offset begin, if it has this tag."""
    return behind_header(octets, at) if holds(octets, at, 1) and u8(octets, at) == tag else NOWHERE


cdef inline uint32_t behind_header(Octets octets, uint32_t at) noexcept nogil:
    """Offset behind the tag and the length of an element."""
    if not holds(octets, at, 2) or u8(octets, at + 1) > LONGEST_FORM:
        return NOWHERE
    if u8(octets, at + 1) < INDEFINITE:
        return at + 2
    return at + 2 + u8(octets, at + 1) - INDEFINITE


cdef inline uint32_t after(Octets octets, uint32_t at) noexcept nogil:
    """Offset behind an element that was captured whole and says how long it is."""
    cdef uint32_t start = behind_header(octets, at)
    if not holds(octets, start, 0) or u8(octets, at + 1) == INDEFINITE:
        return NOWHERE
    cdef uint32_t length = length_of(octets, at, start)
    return start + length if holds(octets, start, length) else NOWHERE


cdef inline uint32_t length_of(Octets octets, uint32_t at, uint32_t start) noexcept nogil:
    """How long the contents are, which begin at `start`."""
    cdef uint32_t place, length = 0
    if u8(octets, at + 1) < INDEFINITE:
        return u8(octets, at + 1)
    for place in range(at + 2, start):
        length = length << 8 | u8(octets, place)
    return length


cdef inline bint is_integer(Octets octets, uint32_t at) noexcept nogil:
    """Whether an INTEGER of at most eight octets stands there."""
    cdef uint32_t start = content(octets, at, INTEGER)
    cdef uint32_t end = after(octets, at)
    return end != NOWHERE and start < end and end - start <= INTEGER_LEN


cdef inline uint64_t integer(Octets octets, uint32_t at) noexcept nogil:
    """An INTEGER as an unsigned number, which is enough to tell that it was repeated."""
    cdef uint64_t value = 0
    cdef uint32_t place
    for place in range(content(octets, at, INTEGER), after(octets, at)):
        value = value << 8 | u8(octets, place)
    return value
