"""Which zones inbound exchanges crossed, and by which places: a set that is exact however many there are."""

from libc.stdint cimport int64_t, uint64_t

from capanalyze.core.octets cimport mix
from capanalyze.core.row cimport INWARD, UNSOLICITED, Narrow


cdef struct Crossings:
    uint64_t *keys  # zone + 1 above 32 bits, place + 1 below; 0 for a free place
    uint64_t room  # a power of two
    uint64_t count


cdef inline int64_t cross(Crossings *met, const Narrow *rows, int64_t start, int64_t stop) noexcept nogil:
    """Take in rows from `start` to before `stop`; the one where a larger set is needed, else `stop`."""
    cdef int64_t number
    cdef uint64_t key, last = 0
    for number in range(start, stop):
        if rows[number].direction != INWARD or rows[number].outcome == UNSOLICITED:
            continue
        key = <uint64_t>(rows[number].zone + 1) << 32 | <uint64_t>(rows[number].place + 1)
        if key == last:
            continue
        if 2 * met.count >= met.room:
            return number
        add(met, key)
        last = key
    return stop


cdef inline void add(Crossings *met, uint64_t key) noexcept nogil:
    """Put a key into the set; there is room."""
    cdef uint64_t at = mix(0, key) & (met.room - 1)
    while met.keys[at] and met.keys[at] != key:
        at = (at + 1) & (met.room - 1)
    if met.keys[at] == 0:
        met.keys[at] = key
        met.count += 1
