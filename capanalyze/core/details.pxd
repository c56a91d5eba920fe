"""What a finding shows beside its counts: exemplars of its worst class, and what requests of each kind drew."""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from capanalyze.core.cells cimport taken
from capanalyze.core.index cimport checked_place
from capanalyze.core.kept cimport keep, link_at
from capanalyze.core.message cimport is_ipv4
from capanalyze.core.row cimport INDETERMINATE, REPLIED, SAID_CUT, SILENT
from capanalyze.core.services cimport TCP_SERVICE
from capanalyze.core.sums cimport (
    CLASSES, FIRSTS, LAST_ONE, MOST_KINDS, SLOWEST_ONE, Asked, Detail, Kinds, Row, Sums,
)

cdef extern from *:
    """
    #define CORE_BEFORE_ANY_CLOCK (-(1LL << 62))
    """
    int64_t BEFORE_ANY_CLOCK "CORE_BEFORE_ANY_CLOCK"


cdef inline Detail *detail_at(const Sums *s, uint32_t number) noexcept nogil:
    """The detail with a number."""
    return &s.details[checked_place(number, s.detail.room)]


cdef inline uint32_t new_detail(Sums *s, uint32_t cell) noexcept nogil:
    """A detail for a cell, 0 where there is none left."""
    cdef uint32_t number = taken(&s.detail)
    if number:
        memset(&s.details[number], 0, sizeof(Detail))
        s.details[number].cell = cell
        s.details[number].worst = CLASSES
        s.details[number].slow_time = -1
        s.details[number].last_clock = BEFORE_ANY_CLOCK
    return number


cdef inline void add(Sums *s, uint32_t number, Row row, int kind) noexcept nogil:
    """Add a row of a class to what is shown of it."""
    cdef Detail *detail = detail_at(s, number)
    exemplify(s, number, row, kind)
    add_kind(s, detail, row, kind)


# Kinds of requests


cdef inline void add_kind(Sums *s, Detail *detail, Row row, int kind) noexcept nogil:
    """Count a row for its kind of request, if a module of its own says which it is."""
    if row.narrow.module <= TCP_SERVICE or row.wide.request == 0 or not 0 <= row.narrow.kind < MOST_KINDS:
        return
    if detail.asked == 0:
        detail.asked = taken(&s.kind)
        if detail.asked == 0:
            return
        memset(&s.kinds[detail.asked], 0, sizeof(Kinds))
    cdef Asked *asked = &s.kinds[detail.asked].of_kind[row.narrow.kind]
    asked.exchanges += 1
    if kind == SILENT:
        asked.silent[<int>(not is_ipv4(&row.wide.client))] += 1
    if kind != REPLIED:
        return
    if asked.replied == 0 or row.wide.clock < asked.clock:
        asked.clock = row.wide.clock
        asked.request = row.wide.request
        asked.reply = row.wide.reply
    asked.replied += 1
    asked.asked_octets += row.narrow.request_octets
    asked.told_octets += row.wide.reply_octets
    asked.told_frames += frames_back(row)


cdef inline int64_t frames_back(Row row) noexcept nogil:
    """How many frames came back, further sights of them aside."""
    cdef int64_t count = (1 if row.wide.reply else 0) - row.narrow.reply_copies, link = row.narrow.replies
    while link:
        count += 1
        link = link_at(row, link).next
    return count


# Exemplars


cdef inline void exemplify(Sums *s, uint32_t number, Row row, int kind) noexcept nogil:
    """Keep the row if it is one of the first of the worst class; the last and the slowest when the batch ends."""
    cdef Detail *detail = detail_at(s, number)
    cdef int64_t clock = row.wide.clock, rtt = row.wide.rtt
    if kind == INDETERMINATE and detail.worst == SILENT and row.narrow.reason == SAID_CUT:
        detail.worst = kind  # so is the silence of all before
    if kind > detail.worst:
        return
    if kind < detail.worst:
        begin_class(detail, kind)
    keep_early(s, detail, row)
    if clock >= detail.last_clock:
        detail.last_clock = clock
        detail.last = row
    if rtt > detail.slow_time or (rtt == detail.slow_time and clock < detail.slow_clock):
        detail.slow_time = rtt
        detail.slow_clock = clock
        detail.slow = row
    if not detail.touched:
        detail.touched = True
        touch(s, <int>number)


cdef inline void begin_class(Detail *detail, int kind) noexcept nogil:
    """A class that is worse than all before: only its exemplars count."""
    detail.worst = kind
    detail.filled = 0
    detail.last.wide = detail.slow.wide = NULL
    detail.last_clock = BEFORE_ANY_CLOCK
    detail.slow_time = -1


cdef inline void keep_early(Sums *s, Detail *detail, Row row) noexcept nogil:
    """Keep a row if it is one of the first: mostly rows come in order, some are settled late."""
    cdef int at = detail.filled, later
    cdef uint32_t place
    while at > 0 and row.wide.clock < s.kept.wides[detail.kept[at - 1]].clock:
        at -= 1
    if at == FIRSTS:
        return
    if detail.filled < FIRSTS:
        detail.filled += 1
    place = detail.kept[detail.filled - 1]
    for later in range(detail.filled - 1, at, -1):
        detail.kept[later] = detail.kept[later - 1]
    detail.kept[at] = keep(s, place, row)


cdef inline void touch(Sums *s, int number) noexcept nogil:
    """Come back when the batch ends; a turn has a number below 0."""
    s.touched[s.touched_count] = number
    s.touched_count += 1


cdef inline void flush_detail(Sums *s, Detail *detail) noexcept nogil:
    """The batch ends: keep its last and its slowest row."""
    detail.touched = False
    if detail.last.wide:
        detail.kept[LAST_ONE] = keep(s, detail.kept[LAST_ONE], detail.last)
    if detail.slow.wide:
        detail.kept[SLOWEST_ONE] = keep(s, detail.kept[SLOWEST_ONE], detail.slow)
    detail.last.wide = detail.slow.wide = NULL
