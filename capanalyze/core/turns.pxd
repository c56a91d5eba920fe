"""Flips: where the outcome changed between consecutive exchanges of one server and kind of request."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

from capanalyze.core.cells cimport cell_at, taken
from capanalyze.core.details cimport detail_at, touch
from capanalyze.core.index cimport mix_address
from capanalyze.core.kept cimport keep, row_at
from capanalyze.core.message cimport same
from capanalyze.core.octets cimport mix
from capanalyze.core.row cimport GROUP, REPLIED, Narrow
from capanalyze.core.sent cimport sent_between, sent_by
from capanalyze.core.services cimport GENERIC_UDP, TCP_SERVICE
from capanalyze.core.sums cimport CHANGES_OF_CELL, CHANGES_OF_CLOSED, SENT_KINDS, Change, Detail, Row, Sums, Turn

cdef enum:
    KIND_UNIT = 65536  # above any kind: what no module knows is compared by its length
    GROUP_UNIT = 1 << 20  # above any of these
    VARIANT_UNIT = 1 << 21  # above that too


cdef inline void add_turn(Sums *s, uint32_t cell, uint32_t detail, Row row, int kind) noexcept nogil:
    """The next exchange of a class, of a cell with this detail."""
    cdef int64_t clock = row.wide.clock
    cdef uint32_t number = find_turn(s, detail, row)
    if number == 0:
        s.lost += 1
        return
    cdef Turn *turn = &s.turns[number]
    if turn.outcome >= 0 and clock < turn.until:
        add_late(s, cell, number, row, kind)
        return
    if turn.outcome == kind:
        lengthen(s, turn)
    else:
        begin_run(s, cell, number, row, kind)
        turn.since = clock
    turn.until = clock
    if turn.now.wide == NULL:
        touch(s, -<int>number)
    turn.now = row


cdef inline void begin_run(Sums *s, uint32_t cell, uint32_t number, Row row, int kind) noexcept nogil:
    """A row whose class differs from those before it, or the first of all."""
    cdef Turn *turn = &s.turns[number]
    cdef uint32_t change = 0
    if turn.outcome < 0:
        turn.first = keep(s, turn.first, row)
    else:
        change = new_change(s, cell, number, last_of(s, turn), row, turn.outcome, kind)
    note_lengths(s, change, turn.length, 1)
    turn.before = turn.outcome
    turn.outcome = kind
    turn.length = 1
    turn.change = change


cdef inline Row last_of(const Sums *s, const Turn *turn) noexcept nogil:
    """The last row of a turn."""
    return turn.now if turn.now.wide else row_at(&s.kept, turn.last)


cdef inline void lengthen(Sums *s, Turn *turn) noexcept nogil:
    """One exchange more of a turn's run."""
    turn.length += 1
    note_lengths(s, turn.change, 0, 1)


cdef inline void note_lengths(Sums *s, uint32_t change, int64_t before, int64_t after) noexcept nogil:
    """Add to the lengths of the runs that a change lies between."""
    if change:
        s.changes[change].length_before += before
        s.changes[change].length_after += after


cdef inline void add_late(Sums *s, uint32_t cell, uint32_t number, Row row, int kind) noexcept nogil:
    """A row that began before the last one, but was open for longer: it is told where it belongs, or counted."""
    cdef Turn *turn = &s.turns[number]
    cdef bint early = row.wide.clock < turn.since
    if early and turn.before < 0:
        put_first(s, cell, number, row, kind)
    elif (turn.before if early else turn.outcome) != kind:
        cell_at(s, cell).uncompared += 1
    elif early:
        note_lengths(s, turn.change, 1, 0)
    else:
        lengthen(s, turn)


cdef inline void put_first(Sums *s, uint32_t cell, uint32_t number, Row row, int kind) noexcept nogil:
    """A row that began before the only run of a turn."""
    cdef Turn *turn = &s.turns[number]
    if turn.outcome == kind:
        lengthen(s, turn)
        turn.since = row.wide.clock
        turn.first = keep(s, turn.first, row)
        return
    turn.change = new_change(s, cell, number, row, row_at(&s.kept, turn.first), kind, turn.outcome)
    note_lengths(s, turn.change, 1, turn.length)
    turn.before = kind


cdef inline uint32_t find_turn(Sums *s, uint32_t detail, Row row) noexcept nogil:
    """The turn of a row's server and kind of request, a new one where there is none; 0 where there is no room."""
    cdef int64_t kind = kind_of(row.narrow)
    cdef uint64_t place = mix_address(mix(detail, kind), &row.wide.server)
    cdef uint32_t number = s.turn_heads[place & s.turn_mask]
    cdef Turn *turn
    while number:
        turn = &s.turns[number]
        if turn.detail == detail and turn.kind == kind and same(&turn.server, &row.wide.server):
            return number
        place += 1
        number = s.turn_heads[place & s.turn_mask]
    number = taken(&s.turn)
    if number:
        s.turn_heads[place & s.turn_mask] = number
        turn = &s.turns[number]
        memset(turn, 0, sizeof(Turn))
        turn.detail = detail
        turn.server = row.wide.server
        turn.kind = kind
        turn.outcome = turn.before = -1
    return number


cdef inline int64_t kind_of(const Narrow *narrow) noexcept nogil:
    """What can be compared over time: requests of a kind, or datagrams of a length; those to a group by themselves."""
    cdef int64_t apart = <int64_t>narrow.variant * VARIANT_UNIT
    if narrow.flags & GROUP:
        apart += GROUP_UNIT
    if narrow.module != GENERIC_UDP:
        return apart + narrow.kind
    return apart + KIND_UNIT + narrow.request_octets


cdef inline int64_t most_changes(const Sums *s, const Turn *turn) noexcept nogil:
    """How many changes of a finding are kept: few of a port that rejects at times and never replies, as all may do."""
    cdef const Detail *detail = detail_at(s, turn.detail)
    if cell_at(s, detail.cell).which.service <= TCP_SERVICE and detail.worst != REPLIED:
        return CHANGES_OF_CLOSED
    return CHANGES_OF_CELL


cdef inline uint32_t new_change(
    Sums *s, uint32_t cell, uint32_t turn, Row last, Row first, int32_t before, int32_t after
) noexcept nogil:
    """Keep the exchange before and that after a change; the change's number, 0 where there is no room."""
    cdef uint32_t number
    cdef Change *change
    cdef int kind
    cell_at(s, cell).changes += 1
    if cell_at(s, cell).changes > most_changes(s, &s.turns[turn]):
        return 0
    cdef uint32_t kept_last = keep(s, 0, last) if s.change.used < s.change.room else 0
    cdef uint32_t kept_first = keep(s, 0, first) if kept_last else 0
    if kept_first == 0:
        s.lost += 1
        return 0
    number = taken(&s.change)
    change = &s.changes[number]
    memset(change, 0, sizeof(Change))
    change.cell = cell
    change.turn = turn
    change.before = before
    change.after = after
    for kind in range(SENT_KINDS):
        change.sent[kind] = sent_between(sent_by(s, first.narrow.service, kind), last.wide.clock, first.wide.clock)
    change.last = kept_last
    change.first = kept_first
    return number


cdef inline void flush_turn(Sums *s, Turn *turn) noexcept nogil:
    """The batch ends: keep the turn's last row."""
    turn.last = keep(s, turn.last, turn.now)
    turn.now.wide = NULL
