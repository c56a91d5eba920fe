"""Text in messages, for the services that say in words what others say in numbers."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.octets cimport DIGESTED, Octets, mix, u8


cdef inline uint8_t small(uint8_t octet) noexcept nogil:
    """A letter as its small one, any other octet as it is."""
    return octet + 32 if c"A" <= octet <= c"Z" else octet


cdef inline bint is_blank(uint8_t octet) noexcept nogil:
    """Whether it may stand around a header's name and value."""
    return octet in (c" ", c"\t", c"\r")


cdef inline uint32_t behind_header(Octets octets, uint32_t at, uint32_t end, const char *name) noexcept nogil:
    """Offset behind the colon of the header in the line from `at` to `end`, or 0 if that is not its name."""
    while at < end and name[0] and small(u8(octets, at)) == name[0]:
        at += 1
        name += 1
    if name[0]:
        return 0
    while at < end and is_blank(u8(octets, at)):
        at += 1
    return at + 1 if at < end and u8(octets, at) == c":" else 0


cdef inline uint64_t text_hash(Octets octets, uint32_t at, uint32_t end) noexcept nogil:
    """Hash of a text, or of the first DIGESTED octets of it, blanks left out and without regard to case."""
    cdef uint64_t key = 1
    cdef uint32_t place
    for place in range(at, min(end, at + DIGESTED)):
        if not is_blank(u8(octets, place)):
            key = mix(key, small(u8(octets, place)))
    return key
