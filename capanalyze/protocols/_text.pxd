"""Text in messages, for the services that say in words what others say in numbers."""

from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.octets cimport Octets, u8


cdef inline uint32_t find(Octets octets, uint32_t at, uint8_t octet) noexcept nogil:
    """Offset of the next octet of this value from `at` on, or where the captured octets end."""
    cdef uint32_t place
    for place in range(at, octets.captured):
        if u8(octets, place) == octet:
            return place
    return octets.captured
