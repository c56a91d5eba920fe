"""Summing up: adds judged exchanges to what they are summed up in."""

from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint32_t, uint64_t

from capanalyze.core.cells cimport add_reason, cell_at, fetch_cell, fetch_head, find_cell, find_further, join_cells
from capanalyze.core.details cimport detail_at, frames_back, new_detail
from capanalyze.core.hosts cimport note_host, settle_reach
from capanalyze.core.index cimport checked_place
from capanalyze.core.meeting cimport meet
from capanalyze.core.message cimport is_ipv4
from capanalyze.core.row cimport CAPTURE_SHIFT, INWARD, OUTWARD, PASSING, REJECTED, REPLIED, SILENT, UNSOLICITED, Narrow
from capanalyze.core.sent cimport note_sent, sent_by
from capanalyze.core.services cimport TCP_SERVICE
from capanalyze.core.sums cimport (
    MOST_BITS, SENT_ERROR, SENT_KISS, SENT_OWN, SERVICE, UNASKED, Cell, Row, Said, Sums, Which,
)
from capanalyze.core.waiting cimport class_of, first_frame, flush, show_waiting, take
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
        note(s, row, SENT_OWN, first_frame(row))
    if row.narrow.outcome == UNSOLICITED:
        if went == OUTWARD:
            add_unasked(s, row)
    elif went == INWARD:
        add_inbound(s, row)


cdef inline void add_inbound(Sums *s, Row row) noexcept nogil:
    """Add an inbound exchange."""
    cdef const Narrow *narrow = row.narrow
    cdef int kind = class_of(narrow)
    cdef Which which = which_of(narrow, SERVICE)
    cdef Said said = Said(kind, narrow.module, narrow.reason)
    cdef uint32_t detail, cell = find_cell(s, &which)
    if cell == 0:
        return
    count(s, cell, row, kind)
    add_reason(s, cell, &said, 1)
    detail = detail_of(s, cell, kind)
    if detail:
        take(s, detail, row)
    if kind == REJECTED:
        note(s, row, SENT_ERROR, row.wide.reply)
    elif kind == REPLIED and narrow.module == s.ntp and narrow.reason % REASONS == KISS:
        note(s, row, SENT_KISS, row.wide.reply)


cdef inline void note(Sums *s, Row row, int kind, int64_t frame) noexcept nogil:
    """Note what the target sent as a service."""
    if row.narrow.service > TCP_SERVICE:
        note_sent(sent_by(s, row.narrow.service, kind), row.wide.clock, frame)


cdef inline void count(Sums *s, uint32_t number, Row row, int kind) noexcept nogil:
    """Count an exchange of a cell."""
    cdef Cell *cell = cell_at(s, number)
    if cell.counts[0] + cell.counts[1] + cell.counts[2] + cell.counts[3] + cell.counts[4] == 0:
        cell.port_clock = INT64_MAX
    cell.counts[kind] += 1
    if not is_ipv4(&row.wide.client):
        cell.over_ipv6[kind] += 1
    cell.resent += row.narrow.retransmissions
    if row.wide.clock < cell.port_clock:
        cell.port_clock = row.wide.clock
        cell.port_seen = row.narrow.server_port
    note_origin(s, number, row)
    note_host(s, number, row, kind == REPLIED)
    if kind == REPLIED:
        count_reply(cell, row)


cdef inline void note_origin(Sums *s, uint32_t number, Row row) noexcept nogil:
    """Note where an exchange was seen."""
    cdef Cell *cell = cell_at(s, number)
    cdef int64_t place = row.narrow.place, capture = first_frame(row) >> CAPTURE_SHIFT
    if place >= MOST_BITS or not cell.places >> place & 1:
        meet(s, False, <uint32_t>row.narrow.zone, <int32_t>place)
    if capture >= MOST_BITS:
        meet(s, True, number, <int32_t>capture)
    if 0 <= place < MOST_BITS:
        cell.places |= <uint64_t>1 << place
    if 0 <= capture < MOST_BITS:
        cell.captures |= <uint64_t>1 << capture


cdef inline void count_reply(Cell *cell, Row row) noexcept nogil:
    """Count what a request drew."""
    cdef int64_t rtt = row.wide.rtt
    cell.asked_octets += row.narrow.request_octets
    cell.told_octets += row.wide.reply_octets
    cell.told_frames += frames_back(row)
    if rtt >= 0:
        if cell.timed == 0 or rtt < cell.fastest:
            cell.fastest = rtt
        cell.slowest = max(cell.slowest, rtt)
        cell.timed += 1


cdef inline uint32_t detail_of(Sums *s, uint32_t number, int kind) noexcept nogil:
    """The detail of a cell, 0 for none."""
    cdef Cell *cell = cell_at(s, number)
    if cell.detail:
        return cell.detail
    if cell.which.sort != SERVICE:  # further ports have nothing in common
        return 0
    if is_always(s, &cell.which):
        cell.detail = new_detail(s, number)
    else:
        cell.detail = detail_of_port(s, number, min(kind, <int>SILENT))
    return cell.detail


cdef inline uint32_t detail_of_port(Sums *s, uint32_t number, int drew) noexcept nogil:
    """The detail of a port, 0 for none: the first ones of a mode, a zone and a transport have one, by what they drew."""
    cdef Cell *cell = cell_at(s, number)
    cdef Cell *like
    cdef uint32_t detail = 0
    if cell.joined == 0:
        cell.joined = find_further(s, &cell.which)
    like = cell_at(s, cell.joined)
    if cell.joined == 0 or like.detailed[drew] == s.most_detailed[drew]:
        return 0
    if s.ports < s.port_room:
        detail = new_detail(s, number)
    if detail == 0:
        s.crowded = True
        return 0
    like.detailed[drew] += 1
    s.ports += 1
    return detail


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
        take(s, cell.detail, row)


cdef inline void finish(Sums *s, bint all_shown) noexcept nogil:
    """All is read: show what waits, tell where hosts are, and join the ports that have no finding of their own."""
    cdef uint32_t number
    for number in range(1, <uint32_t>s.detail.used):
        if not detail_at(s, number).is_full:
            show_waiting(s, number)
    flush(s)
    settle_reach(s, all_shown)
    join_cells(s)
