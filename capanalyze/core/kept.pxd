"""Rows that are kept: copied from a batch, with their lists of frames."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from capanalyze.core.index cimport checked_place
from capanalyze.core.row cimport Link, Narrow
from capanalyze.core.sums cimport LISTED, Kept, Row, Sums


cdef inline Row row_at(const Kept *kept, uint32_t number) noexcept nogil:
    """A row that is kept; none for 0."""
    if number == 0:
        return Row(NULL, NULL, NULL, 0, 0)
    cdef int64_t place = checked_place(number, kept.row_room)
    return Row(&kept.wides[place], &kept.narrows[place], kept.links, kept.link_room, 0)


cdef inline const Link *link_at(Row row, int64_t number) noexcept nogil:
    """A link of a row's lists."""
    return &row.links[checked_place(number, row.link_count)]


cdef inline uint32_t keep(Sums *s, uint32_t number, Row row) noexcept nogil:
    """Copy a row in the place of the one with this number, or to a new one for 0; its number, 0 for no room."""
    cdef Kept *kept = &s.kept
    if row.wide == NULL or row.number:
        return row.number
    if number:
        drop_lists(kept, number)
    else:
        number = new_row(s)
        if number == 0:
            return 0
    cdef Narrow *narrow = &kept.narrows[number]
    kept.wides[number] = row.wide[0]
    narrow[0] = row.narrow[0]
    keep_list(s, row, &narrow.requests, &narrow.requests_last)
    keep_list(s, row, &narrow.replies, &narrow.replies_last)
    return number


cdef inline uint32_t new_row(Sums *s) noexcept nogil:
    """A row that is free, 0 for none."""
    cdef Kept *kept = &s.kept
    cdef uint32_t number = kept.free_row
    if number:
        kept.free_row = kept.next[number]
    elif kept.rows < kept.row_room:
        number = <uint32_t>kept.rows
        kept.rows += 1
    else:
        s.lost += 1
    return number


cdef inline void drop(Kept *kept, uint32_t number) noexcept nogil:
    """Let a row be used again."""
    drop_lists(kept, number)
    kept.next[number] = kept.free_row
    kept.free_row = number


cdef inline void drop_lists(Kept *kept, uint32_t number) noexcept nogil:
    """Let the links of a row's lists be used again."""
    drop_list(kept, kept.narrows[number].requests, kept.narrows[number].requests_last)
    drop_list(kept, kept.narrows[number].replies, kept.narrows[number].replies_last)


cdef inline void keep_list(Sums *s, Row row, int32_t *first, int32_t *last) noexcept nogil:
    """Copy a list of frames, as many as are kept: from now on, `first` and `last` are links of the copy."""
    cdef int32_t link = first[0], here
    cdef int number
    first[0] = last[0] = 0
    for number in range(LISTED):
        if link == 0:
            return
        here = new_link(s)
        if here == 0:
            return
        s.kept.links[here] = Link(link_at(row, link).frame, 0)
        if last[0]:
            s.kept.links[last[0]].next = here
        else:
            first[0] = here
        last[0] = here
        link = <int32_t>link_at(row, link).next


cdef inline int32_t new_link(Sums *s) noexcept nogil:
    """A link that is free, 0 for none."""
    cdef Kept *kept = &s.kept
    cdef int64_t number = kept.free_link
    if number:
        kept.free_link = kept.links[number].next
    elif kept.link_count < kept.link_room:
        number = kept.link_count
        kept.link_count += 1
    else:
        s.lost += 1
    return <int32_t>number


cdef inline void drop_list(Kept *kept, int32_t first, int32_t last) noexcept nogil:
    """Let the links of a list be used again."""
    if first:
        kept.links[last].next = kept.free_link
        kept.free_link = first
