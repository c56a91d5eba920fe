"""Messages are brought into the order of their clocks; of equal clocks, what came first stays first.

What comes is in order but for few: stretches that are in order already are found and merged, and of two stretches only
the part in which they overlap is touched.
"""

from libc.stdint cimport int64_t
from libc.string cimport memcpy

from capanalyze.core.dating cimport clock_of
from capanalyze.core.message cimport Message

cdef enum:
    SHORT = 32  # a stretch is at least so long


cdef struct Stamp:
    int64_t clock
    int64_t number  # of the message


cdef inline void reorder(Stamp *stamps, int64_t count, Stamp *scratch, int64_t *ends) noexcept nogil:
    """Sort stamps by their clocks, stably.

    `scratch` has room for as many, `ends` for one in SHORT of them and one more.
    """
    cdef int64_t stretches = find_stretches(stamps, count, ends)
    while stretches > 1:
        stretches = merge_pairs(stamps, scratch, ends, stretches)


cdef inline int64_t find_stretches(Stamp *stamps, int64_t count, int64_t *ends) noexcept nogil:
    """Note where stretches in order end, short ones being made longer; how many there are."""
    cdef int64_t found = 0, start = 0, end
    while start < count:
        end = start + 1
        while end < count and stamps[end - 1].clock <= stamps[end].clock:
            end += 1
        while end < count and end < start + SHORT:
            insert(stamps + start, end - start)
            end += 1
        ends[found] = start = end
        found += 1
    return found


cdef inline void insert(Stamp *stamps, int64_t at) noexcept nogil:
    """Move a stamp back to its place among those before it."""
    cdef Stamp one = stamps[at]
    while at > 0 and stamps[at - 1].clock > one.clock:
        stamps[at] = stamps[at - 1]
        at -= 1
    stamps[at] = one


cdef inline int64_t merge_pairs(Stamp *stamps, Stamp *scratch, int64_t *ends, int64_t stretches) noexcept nogil:
    """Merge every two neighbouring stretches; how many are left."""
    cdef int64_t start = 0, left = 0, number = 0
    while number < stretches:
        if number + 1 < stretches:
            merge(stamps + start, ends[number] - start, ends[number + 1] - start, scratch)
            number += 1
        ends[left] = start = ends[number]
        left += 1
        number += 1
    return left


cdef inline void merge(Stamp *stamps, int64_t middle, int64_t count, Stamp *scratch) noexcept nogil:
    """Merge two stretches that lie behind each other."""
    cdef int64_t to = behind(stamps, middle, stamps[middle].clock), at = 0, held = middle - to, right = middle
    memcpy(scratch, stamps + to, held * sizeof(Stamp))
    while at < held:
        if right < count and stamps[right].clock < scratch[at].clock:
            stamps[to] = stamps[right]
            right += 1
        else:
            stamps[to] = scratch[at]
            at += 1
        to += 1


cdef inline int64_t behind(const Stamp *stamps, int64_t count, int64_t clock) noexcept nogil:
    """How many of some stamps in order are not behind a clock."""
    cdef int64_t low = 0, high = count, middle
    while low < high:
        middle = (low + high) // 2
        if stamps[middle].clock <= clock:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline int64_t up_to(const Message *messages, int64_t start, int64_t count, int64_t clock) noexcept nogil:
    """The first of some messages in order, from `start` on, that is behind a clock."""
    cdef int64_t low = start, high = count, middle
    while low < high:
        middle = (low + high) // 2
        if clock_of(&messages[middle]) <= clock:
            low = middle + 1
        else:
            high = middle
    return low
