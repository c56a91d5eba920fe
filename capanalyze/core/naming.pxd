"""Interfaces that the frames themselves name (PKTAP, pflog) or number (SLL2): messages get the interface's index."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from capanalyze.core.message cimport Message
from capanalyze.core.octets cimport Octets, le32, mix, u8

cdef enum:
    MAX_NAMES = 4096  # that are told apart in one capture
    NAME_ROOM = 8192  # places for them, a power of two
    LENGTH = 16  # octets of a name


cdef struct Name:
    uint64_t high  # its octets, 0 behind its end; or nothing and its number
    uint64_t low
    bint is_number
    int64_t index  # of the interface, 0 for a free place


cdef struct Names:
    Name[NAME_ROOM] places
    int64_t count
    int64_t further  # index of all interfaces that there is no room for


cdef inline int64_t name(Names *names, Octets octets, int64_t base, Message *messages, int64_t count) noexcept nogil:
    """Give messages the index of their interface where they lack one; the one whose name is not known, else `count`."""
    cdef int64_t number
    cdef Name wanted
    cdef Name *found
    for number in range(count):
        if messages[number].interface >= 0:
            continue
        read_name(&wanted, octets, base, &messages[number])
        found = find(names, &wanted)
        if found.index:
            messages[number].interface = found.index
        elif names.further:
            messages[number].interface = names.further
        else:
            return number
    return count


cdef inline void read_name(Name *name, Octets octets, int64_t base, const Message *message) noexcept nogil:
    """What a frame calls its interface; `octets` begin at `base` in the capture."""
    cdef uint32_t at, number
    name.high = name.low = 0
    name.is_number = message.interface <= -2
    if name.is_number:
        name.low = <uint64_t>(-2 - message.interface)
        return
    at = name_at(octets, <uint32_t>(message.process - base))
    for number in range(LENGTH):
        if u8(octets, at + number) == 0:
            return
        if number < 8:
            name.high |= <uint64_t>u8(octets, at + number) << (56 - 8 * number)
        else:
            name.low |= <uint64_t>u8(octets, at + number) << (120 - 8 * number)


cdef inline uint32_t name_at(Octets octets, uint32_t at) noexcept nogil:
    """Where a name stands: PKTAP begins with its length, pflog with octets."""
    return at + 12 if le32(octets, at) < 512 else at + 4


cdef inline Name *find(Names *names, const Name *wanted) noexcept nogil:
    """The place of a name, a free one where it is not known."""
    cdef uint64_t at = mix(mix(wanted.is_number, wanted.high), wanted.low) % NAME_ROOM
    cdef Name *place = &names.places[at]
    while place.index and not is_same(place, wanted):
        at = (at + 1) % NAME_ROOM
        place = &names.places[at]
    return place


cdef inline bint is_same(const Name *one, const Name *other) noexcept nogil:
    return one.high == other.high and one.low == other.low and one.is_number == other.is_number
