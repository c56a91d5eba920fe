"""The first exchanges of a finding: kept in the order of their clocks until they are too many, or all is read.

So what a finding shows does not depend on when its exchanges are settled, and their times are known exactly.
"""

from libc.stdint cimport int64_t, uint32_t

from capanalyze.core.cells cimport cell_at
from capanalyze.core.details cimport add, detail_at, flush_detail
from capanalyze.core.kept cimport drop, keep, row_at
from capanalyze.core.row cimport REPLIED, SILENT, UNPROVEN, Narrow
from capanalyze.core.services cimport TCP_SERVICE
from capanalyze.core.sums cimport MAX_WAITING, NOT_PROVEN, SERVICE, Detail, Kept, Row, Sums
from capanalyze.core.times cimport add_reply, add_time
from capanalyze.core.turns cimport add_turn, flush_turn


cdef inline int class_of(const Narrow *narrow) noexcept nogil:
    """The class of a row; what was told unasked is of the last one."""
    if narrow.flags & UNPROVEN:
        return NOT_PROVEN
    return min(narrow.outcome, <int>NOT_PROVEN)


cdef inline bint has_reply(const Sums *s, const Detail *detail, int kind) noexcept nogil:
    """Whether a row of a detail has something that the target told."""
    return kind == REPLIED or cell_at(s, detail.cell).which.sort != SERVICE


cdef inline bint has_room(const Sums *s, const Detail *detail, int64_t used, int64_t room) noexcept nogil:
    """Whether a detail may take more of something: ports, of which there are many, leave half of it to services."""
    return used < (room if cell_at(s, detail.cell).which.service > TCP_SERVICE else room // 2)


cdef inline void show(Sums *s, uint32_t number, Row row) noexcept nogil:
    """Add a row to a detail, behind those that began before."""
    cdef Detail *detail = detail_at(s, number)
    cdef int kind = class_of(row.narrow)
    add(s, number, row, kind)
    if kind <= SILENT and cell_at(s, detail.cell).which.sort == SERVICE:
        add_turn(s, detail.cell, number, row, kind)


cdef inline void take(Sums *s, uint32_t number, Row row) noexcept nogil:
    """Take a row in: it waits if it is one of the first."""
    cdef Detail *detail = detail_at(s, number)
    if not detail.is_full and not wait(s, detail, row):
        release(s, number)
    if detail.is_full:
        take_now(s, number, row)


cdef inline void take_now(Sums *s, uint32_t number, Row row) noexcept nogil:
    """Add a row to a detail, and to its sums."""
    cdef Detail *detail = detail_at(s, number)
    cdef int kind = class_of(row.narrow)
    show(s, number, row)
    if detail.bins or has_room(s, detail, s.bin.used, s.bin.room):
        add_time(s, detail, row, kind)
    if has_reply(s, detail, kind) and (detail.spread or has_room(s, detail, s.spread.used, s.spread.room)):
        add_reply(s, detail, row)


cdef inline bint wait(Sums *s, Detail *detail, Row row) noexcept nogil:
    """Keep a row in its place among those that wait; whether there is room for it."""
    cdef Kept *kept = &s.kept
    cdef uint32_t number, later = 0, earlier = detail.last_waiting
    if detail.waiting == MAX_WAITING or not has_room(s, detail, s.waiting, s.waiting_room):
        return False
    number = keep(s, 0, row)
    if number == 0:
        return False
    while earlier and begins_before(row, row_at(kept, earlier)):
        later = earlier
        earlier = kept.previous[later]
    kept.previous[number] = earlier
    kept.next[number] = later
    if later:
        kept.previous[later] = number
    else:
        detail.last_waiting = number
    if earlier:
        kept.next[earlier] = number
    else:
        detail.first_waiting = number
    detail.waiting += 1
    s.waiting += 1
    return True


cdef inline bint begins_before(Row one, Row other) noexcept nogil:
    """Whether an exchange comes before another one: by its clock, else by its first frame."""
    if one.wide.clock != other.wide.clock:
        return one.wide.clock < other.wide.clock
    return first_frame(one) < first_frame(other)


cdef inline int64_t first_frame(Row row) noexcept nogil:
    """The first frame of an exchange."""
    return row.wide.request if row.wide.request else row.wide.reply


cdef inline void release(Sums *s, uint32_t number) noexcept nogil:
    """They are too many: add those that wait, which are no longer kept."""
    cdef Detail *detail = detail_at(s, number)
    cdef uint32_t row = detail.first_waiting
    while row:
        take_now(s, number, row_at(&s.kept, row))
        row = s.kept.next[row]
    flush(s)  # before rows that may be the last of something go
    while detail.first_waiting:
        row = detail.first_waiting
        detail.first_waiting = s.kept.next[row]
        drop(&s.kept, row)
    s.waiting -= detail.waiting
    detail.waiting = detail.last_waiting = 0
    detail.is_full = True


cdef inline void show_waiting(Sums *s, uint32_t number) noexcept nogil:
    """All is read: add those that wait, which stay."""
    cdef Row row
    cdef uint32_t at = detail_at(s, number).first_waiting
    while at:
        row = row_at(&s.kept, at)
        row.number = at
        show(s, number, row)
        at = s.kept.next[at]


cdef inline void flush(Sums *s) noexcept nogil:
    """The batch ends: keep those of its rows that are the last of something."""
    cdef int64_t at
    cdef int number
    for at in range(s.touched_count):
        number = s.touched[at]
        if number > 0:
            flush_detail(s, detail_at(s, <uint32_t>number))
        else:
            flush_turn(s, &s.turns[-number])
    s.touched_count = 0
