"""Summing up: adds judged exchanges to what they are summed up in."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from capanalyze.core.cells cimport add_reason, bit_of, cell_at, fetch_cell, fetch_head, find_cell
from capanalyze.core.details cimport add, detail_at, flush_detail, frames_back, new_detail
from capanalyze.core.index cimport checked_place
from capanalyze.core.reach cimport is_ipv4, reach_of
from capanalyze.core.row cimport (
    CAPTURE_SHIFT, INWARD, OUTWARD, PASSING, REJECTED, REPLIED, SILENT, UNPROVEN, UNSOLICITED, Narrow,
)
from capanalyze.core.services cimport MAX_SERVICES, TCP_SERVICE
from capanalyze.core.sums cimport (
    NOT_PROVEN, SENT_ERROR, SENT_KISS, SENT_OWN, SERVICE, UNASKED, Cell, Row, Said, Sent, Sums, Which,
)
from capanalyze.core.times cimport add_reply
from capanalyze.core.turns cimport add_turn, flush_turn
from capanalyze.protocols.ntp cimport KISS

cdef enum:
    PORTS = 65536
    FETCH_HEAD = 12  # rows before its turn that a row's index entry is fetched
    FETCH_CELL = 6  # and its cell
    REASONS = 1024  # the reasons are below, flags from here on


cdef inline void sum_up(Sums *s, Row first, int64_t count) noexcept nogil:
    """Add the rows of a batch, from the first one on."""
    cdef int64_t number
    cdef Row row = first
    for number in range(count):
        if number + FETCH_HEAD < count:
            fetch_ahead(s, &first.narrow[number + FETCH_CELL], &first.narrow[number + FETCH_HEAD])
        row.wide = &first.wide[number]
        row.narrow = &first.narrow[number]
        add_row(s, row)
    flush(s)


cdef inline void fetch_ahead(const Sums *s, const Narrow *soon, const Narrow *later) noexcept nogil:
    """Fetch the cells that further rows will be counted in: those of random ports lie far apart."""
    cdef Which which = which_of(later, SERVICE)
    fetch_head(s, &which)
    which = which_of(soon, SERVICE)
    fetch_cell(s, &which)


cdef inline Which which_of(const Narrow *narrow, int32_t sort) noexcept nogil:
    """Which cell a row is counted in."""
    cdef int32_t port = narrow.port & (PORTS - 1) if narrow.service <= TCP_SERVICE else 0
    return Which(narrow.mode, narrow.zone, narrow.service, port, sort)


cdef inline void add_row(Sums *s, Row row) noexcept nogil:
    """Add an exchange."""
    cdef int32_t went = row.narrow.direction
    s.directions[checked_place(went, PASSING + 1)] += 1
    if row.narrow.mode < 0:
        s.unplaced += 1
    if went == OUTWARD:
        note_sent(s, row, SENT_OWN, row.wide.request if row.wide.request else row.wide.reply)
    if row.narrow.outcome == UNSOLICITED:
        if went == OUTWARD:
            add_unasked(s, row)
    elif went == INWARD:
        add_inbound(s, row)


cdef inline void add_inbound(Sums *s, Row row) noexcept nogil:
    """Add an inbound exchange."""
    cdef const Narrow *narrow = row.narrow
    cdef int kind = NOT_PROVEN if narrow.flags & UNPROVEN else narrow.outcome
    cdef Which which = which_of(narrow, SERVICE)
    cdef Said said = Said(kind, narrow.module, narrow.reason)
    cdef int64_t known = s.cell.used
    cdef uint32_t detail, cell = find_cell(s, &which)
    if cell == 0:
        return
    if cell >= known:
        cell_at(s, cell).port_seen = narrow.server_port
    count(cell_at(s, cell), row, kind)
    add_reason(s, cell, &said, 1)
    detail = detail_of(s, cell, kind)
    if detail == 0:
        return
    add(s, detail, row, kind)
    if kind <= SILENT:
        add_turn(s, cell, detail, row, kind)
    # Behind its own turn: what lies between two exchanges is neither of them.
    if kind == REJECTED:
        note_sent(s, row, SENT_ERROR, row.wide.reply)
    elif kind == REPLIED and narrow.module == s.ntp and narrow.reason % REASONS == KISS:
        note_sent(s, row, SENT_KISS, row.wide.reply)


cdef inline void count(Cell *cell, Row row, int kind) noexcept nogil:
    """Count an exchange of a cell."""
    cdef int64_t frame = row.wide.request if row.wide.request else row.wide.reply
    cell.counts[kind] += 1
    if not is_ipv4(&row.wide.client):
        cell.over_ipv6[kind] += 1
    cell.resent += row.narrow.retransmissions
    cell.places |= bit_of(row.narrow.place)
    cell.captures |= bit_of(frame >> CAPTURE_SHIFT)
    if kind == REPLIED:
        count_reply(cell, row)


cdef inline void count_reply(Cell *cell, Row row) noexcept nogil:
    """Count what a request drew."""
    cdef int64_t rtt = row.wide.rtt
    cell.asked_octets += row.narrow.request_octets
    cell.told_octets += row.wide.reply_octets
    cell.told_frames += frames_back(row)
    cell.reached[<int>reach_of(row.wide, row.narrow)] += 1
    if rtt >= 0:
        if cell.timed == 0 or rtt < cell.fastest:
            cell.fastest = rtt
        cell.slowest = max(cell.slowest, rtt)
        cell.timed += 1


cdef inline uint32_t detail_of(Sums *s, uint32_t number, int kind) noexcept nogil:
    """The detail of a cell, 0 for none: ports have one if they are among the first ones, or answer."""
    cdef Cell *cell = cell_at(s, number)
    if cell.detail:
        return cell.detail
    if cell.which.sort != SERVICE:  # further ports have nothing in common
        return 0
    if is_always(s, &cell.which):
        cell.detail = new_detail(s, number)
    elif kind == REPLIED and s.answering < s.answering_room:
        s.answering += 1
        cell.detail = new_detail(s, number)
    elif kind != REPLIED and s.quiet < s.quiet_room:
        s.quiet += 1
        cell.detail = new_detail(s, number)
    return cell.detail


cdef inline bint is_always(const Sums *s, const Which *which) noexcept nogil:
    """Whether a service has a detail of its own, however many there are."""
    return which.service > TCP_SERVICE or s.always[(which.service & 1) * PORTS + which.port]


cdef inline void add_unasked(Sums *s, Row row) noexcept nogil:
    """Add what the target told unasked."""
    cdef Which which = which_of(row.narrow, UNASKED)
    cdef Said said = Said(0, row.narrow.module, row.narrow.reason)
    cdef uint32_t number = find_cell(s, &which)
    if number == 0:
        return
    cdef Cell *cell = cell_at(s, number)
    cell.counts[0] += 1
    cell.told_octets += row.wide.reply_octets
    add_reason(s, number, &said, 1)
    if cell.detail == 0:
        cell.detail = new_detail(s, number)
    if cell.detail:
        add(s, cell.detail, row, SILENT)
        add_reply(s, detail_at(s, cell.detail), row)


cdef inline void note_sent(Sums *s, Row row, int kind, int64_t frame) noexcept nogil:
    """Note what the target sent as a service: it may explain what it answers afterwards."""
    if row.narrow.service <= TCP_SERVICE:
        return
    cdef Sent *sent = &s.sent[checked_place(row.narrow.service, MAX_SERVICES)][kind]
    if row.wide.clock >= sent.clock:
        sent.clock = row.wide.clock
        sent.frame = frame


cdef inline void flush(Sums *s) noexcept nogil:
    """The batch ends: keep those of its rows that are the last of something."""
    cdef int64_t at
    cdef int32_t number
    for at in range(s.touched_count):
        number = s.touched[at]
        if number > 0:
            flush_detail(s, detail_at(s, number))
        else:
            flush_turn(s, &s.turns[-number])
    s.touched_count = 0
