"""Cells: exchanges of a mode, zone and service counted; which of them have a detail."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset

from capanalyze.core.index cimport checked_place, prefetch, prefetch_all
from capanalyze.core.octets cimport mix
from capanalyze.core.services cimport TCP_SERVICE
from capanalyze.core.sums cimport (
    CLASSES, FURTHER, JOINED, REACHES, SERVICE, Cell, Reason, Said, Sums, Table, Which,
)

cdef enum:
    PORTS = 65536


cdef inline Cell *cell_at(const Sums *s, uint32_t number) noexcept nogil:
    """The cell with a number."""
    return &s.cells[checked_place(number, s.cell.room)]


cdef inline uint32_t taken(Table *table) noexcept nogil:
    """The number of one more record, 0 where there is no room."""
    if table.used >= table.room:
        return 0
    table.used += 1
    return <uint32_t>(table.used - 1)


cdef inline uint64_t hash_of(const Which *which) noexcept nogil:
    """Where in the index to look for a cell."""
    cdef uint64_t key = mix(<uint64_t>which.mode << 32 ^ <uint64_t>which.zone, which.sort)
    return mix(key, <uint64_t>which.service << 32 ^ <uint64_t>which.port)


cdef inline bint is_of(const Which *one, const Which *other) noexcept nogil:
    """Whether two cells would be the same."""
    if one.mode != other.mode or one.zone != other.zone or one.sort != other.sort:
        return False
    return one.service == other.service and one.port == other.port


cdef inline uint32_t *head_of(const Sums *s, const Which *which) noexcept nogil:
    """Where the index leads to a cell, or would."""
    cdef uint64_t place = hash_of(which)
    while s.cell_heads[place & s.cell_mask] and not is_of(&s.cells[s.cell_heads[place & s.cell_mask]].which, which):
        place += 1
    return &s.cell_heads[place & s.cell_mask]


cdef inline uint32_t find_cell(Sums *s, const Which *which) noexcept nogil:
    """The cell of what is told apart, a new one where there is none; ports share one where they are too many."""
    cdef uint32_t *head = head_of(s, which)
    if head[0]:
        return head[0]
    if which.sort == SERVICE and which.service <= TCP_SERVICE and s.cell.used > s.cell.room // 2:
        return find_shared(s, which)
    return new_cell(s, which, head)


cdef inline uint32_t find_shared(Sums *s, const Which *which) noexcept nogil:
    """The cell of further ports that a port may share."""
    cdef uint32_t number = find_further(s, which)
    if number:
        s.cells[number].uncounted = True
    else:
        s.left_out += 1
    return number


cdef inline uint32_t find_further(Sums *s, const Which *which) noexcept nogil:
    """The cell of further ports like this one, a new one where there is none; 0 where there is no room."""
    cdef Which shared = further(which)
    cdef uint32_t *head = head_of(s, &shared)
    if head[0] == 0 and s.cell.used == s.cell.room:
        return 0
    return head[0] if head[0] else new_cell(s, &shared, head)


cdef inline Which further(const Which *which) noexcept nogil:
    """What tells the cell of further ports like this one."""
    return Which(which.mode, which.zone, which.service, 0, FURTHER)


cdef inline uint32_t new_cell(Sums *s, const Which *which, uint32_t *head) noexcept nogil:
    """A cell without exchanges, 0 where there is no room."""
    cdef uint32_t number = taken(&s.cell)
    if number == 0:
        s.left_out += 1
        return 0
    memset(&s.cells[number], 0, sizeof(Cell))
    s.cells[number].which = which[0]
    head[0] = number
    return number


cdef inline void fetch_head(const Sums *s, const Which *which) noexcept nogil:
    """Fetch where the index leads to for a cell."""
    prefetch(&s.cell_heads[hash_of(which) & s.cell_mask])


cdef inline void fetch_cell(const Sums *s, const Which *which) noexcept nogil:
    """Fetch the cell that the index leads to."""
    cdef uint32_t number = s.cell_heads[hash_of(which) & s.cell_mask]
    if number:
        prefetch_all(&s.cells[number], sizeof(Cell))


# Reasons


cdef inline bint is_said(const Said *one, const Said *other) noexcept nogil:
    """Whether two exchanges are what they are for the same reason."""
    return one.kind == other.kind and one.module == other.module and one.reason == other.reason


cdef inline void add_reason(Sums *s, uint32_t number, const Said *said, int64_t count) noexcept nogil:
    """Add to how often a reason was met in a cell: most cells have but one."""
    cdef Cell *cell = &s.cells[number]
    if cell.usual_number == 0:
        cell.usual = said[0]
    if is_said(&cell.usual, said):
        cell.usual_number += count
    else:
        add_unusual(s, number, said, count)


cdef inline void add_unusual(Sums *s, uint32_t cell, const Said *said, int64_t count) noexcept nogil:
    """Add to how often a reason was met that is not the first of its cell."""
    cdef uint64_t place = mix(mix(<uint64_t>cell << 32 ^ <uint64_t>said.kind, said.module), said.reason)
    cdef uint32_t number = s.reason_heads[place & s.reason_mask]
    while number:
        if s.reasons[number].cell == cell and is_said(&s.reasons[number].said, said):
            s.reasons[number].number += count
            return
        place += 1
        number = s.reason_heads[place & s.reason_mask]
    number = taken(&s.reason)
    if number == 0:
        s.lost += 1
        return
    s.reasons[number] = Reason(cell, said[0], count)
    s.reason_heads[place & s.reason_mask] = number


# Ports that have no finding of their own are joined: one cell for those of a mode, a zone and a transport


cdef inline void join_cells(Sums *s) noexcept nogil:
    """Join ports without a detail, as far as there is room for what joins them."""
    cdef uint32_t number, rest
    cdef uint32_t count = <uint32_t>s.cell.used
    cdef Cell *cell
    for number in range(1, count):
        cell = &s.cells[number]
        if cell.which.sort != SERVICE or cell.which.service > TCP_SERVICE or cell.detail:
            continue
        rest = find_further(s, &cell.which)
        if rest == 0:
            continue
        join(&s.cells[rest], cell)
        add_reason(s, rest, &cell.usual, cell.usual_number)
        cell.which.sort = JOINED
        cell.joined = rest
    join_reasons(s)


cdef inline bint counts_anything(const Cell *cell) noexcept nogil:
    """Whether a cell has exchanges, and those are not counted elsewhere."""
    cdef int64_t all = cell.counts[0] + cell.counts[1] + cell.counts[2] + cell.counts[3] + cell.counts[4]
    return cell.which.sort != JOINED and all > 0


cdef inline void join(Cell *rest, const Cell *cell) noexcept nogil:
    """Add what a cell counted."""
    cdef int number
    rest.further += 1
    for number in range(CLASSES):
        rest.counts[number] += cell.counts[number]
        rest.over_ipv6[number] += cell.over_ipv6[number]
    for number in range(REACHES):
        rest.reached[number] += cell.reached[number]
    rest.resent += cell.resent
    rest.asked_octets += cell.asked_octets
    rest.told_octets += cell.told_octets
    rest.told_frames += cell.told_frames
    rest.places |= cell.places
    rest.captures |= cell.captures
    if cell.timed:
        if rest.timed == 0 or cell.fastest < rest.fastest:
            rest.fastest = cell.fastest
        rest.slowest = max(rest.slowest, cell.slowest)
        rest.timed += cell.timed


cdef inline void join_reasons(Sums *s) noexcept nogil:
    """Add the reasons of cells that were joined."""
    cdef uint32_t number
    cdef uint32_t count = <uint32_t>s.reason.used
    cdef Reason *reason
    for number in range(1, count):
        reason = &s.reasons[number]
        if s.cells[reason.cell].which.sort == JOINED:
            add_reason(s, s.cells[reason.cell].joined, &reason.said, reason.number)
            reason.number = 0
