"""Rows in, cells out: adds judged exchanges to what they are summed up in."""

from typing import Any

from capanalyze.buffers import ints_of, longs_of
from capanalyze.exchanges.reach import MAPPED, reach_of
from capanalyze.exchanges.row import (
    CAPTURE,
    CLIENT,
    CLIENT_LOW,
    CLOCK,
    DIRECTION,
    FLAGS,
    INWARD,
    MODE,
    MODULE,
    NARROW,
    OUTCOME,
    OUTWARD,
    PLACE,
    PORT,
    REASON,
    REASON_FLAGS,
    REPLY,
    REPLY_OCTETS,
    REQUEST,
    REQUEST_OCTETS,
    RETRANSMISSIONS,
    RTT,
    SERVER_PORT,
    SERVICE,
    UNSOLICITED,
    WIDE,
    ZONE,
)
from capanalyze.exchanges.row import UNPROVEN as IS_UNPROVEN
from capanalyze.packets.message import KIND
from capanalyze.protocols import PROTOCOLS, TCP, ntp
from capanalyze.summary.cells import bit_of, code_of, count_reason, fetch_cell, fetch_head, find_cell, is_always
from capanalyze.summary.details import add, flush_detail, frames_back, give_detail, spread
from capanalyze.summary.layout import (
    ANSWERING,
    ASKED_OCTETS,
    CAPTURES,
    CELL,
    CELL_COUNT,
    CELLS,
    COUNTS,
    DETAIL,
    DIRECTIONS,
    FASTEST,
    KINDS,
    MAX_ANSWERING,
    MAX_CELLS,
    MAX_CHANGES,
    MAX_DETAILS,
    MAX_PLAIN,
    MAX_REASONS,
    MAX_SPREADS,
    MAX_TURNS,
    MODE_UNIT,
    NARROWS,
    OVER_IPV6,
    PLACES,
    PLAIN,
    PORT_SEEN,
    REACHED,
    REJECTED,
    REPLIED,
    RESENT,
    SENT,
    SENT_CLOCK,
    SENT_ERROR,
    SENT_FIELDS,
    SENT_FRAME,
    SENT_KINDS,
    SENT_KISS,
    SENT_OWN,
    SILENT,
    SLOWEST,
    STATE,
    TIMED,
    TOLD_FRAMES,
    TOLD_OCTETS,
    TOUCHED,
    TOUCHED_COUNT,
    UNASKED,
    UNPLACED,
    UNPROVEN,
    WIDES,
    ZONE_UNIT,
)
from capanalyze.summary.turns import add_turn, flush_turn

FETCH_HEAD, FETCH_CELL = 12, 6  # rows before its turn that a row's index entry and cell are fetched
NTP = PROTOCOLS.index(ntp.PROTOCOL)
KISS_KIND = ntp.KISS // KIND
MOST = (MAX_CELLS, MAX_REASONS, MAX_DETAILS, MAX_SPREADS, MAX_TURNS, MAX_CHANGES)


def fold(b: Any, start: int, stop: int) -> int:
    """Add rows from `start` to before `stop`; the row where there is no room, else `stop`: then the batch ends."""
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    state = longs_of(b, STATE)
    for row in range(start, stop):
        if has_room(state) == 0:
            flush(b)
            return row
        fetch(b, row, stop)
        n = row * NARROW
        went = narrow[n + DIRECTION] * 1
        state[DIRECTIONS + went] += 1
        if narrow[n + MODE] < 0:
            state[UNPLACED] += 1
        if went == OUTWARD:
            note_sent(b, row, SENT_OWN, wide[row * WIDE + REQUEST] or wide[row * WIDE + REPLY])
        if narrow[n + OUTCOME] == UNSOLICITED:
            if went == OUTWARD:
                add_unasked(b, row)
        elif went == INWARD:
            add_row(b, wide, narrow, row)
    flush(b)
    return stop


def fetch(b: Any, row: int, stop: int) -> None:
    """Fetch the cells that the rows behind this one will be counted in: those of random ports lie far apart."""
    narrow = ints_of(b, NARROWS)
    if row + FETCH_HEAD < stop:
        fetch_head(b, key_of(narrow, (row + FETCH_HEAD) * NARROW))
    if row + FETCH_CELL < stop:
        fetch_cell(b, key_of(narrow, (row + FETCH_CELL) * NARROW))


def has_room(state: Any) -> int:
    """Whether one more of each kind of record fits, or none may be added."""
    for kind in range(KINDS):
        room = state[2 * kind + 1]
        if state[2 * kind] + 2 > room and room < MOST[kind]:
            return 0
    return 1


def key_of(narrow: Any, n: int) -> int:
    """The key of a row's cell."""
    code = code_of(narrow[n + SERVICE] * 1, narrow[n + PORT] * 1)
    return (narrow[n + MODE] + 1) * MODE_UNIT + (narrow[n + ZONE] + 1) * ZONE_UNIT + code


def class_of(narrow: Any, n: int) -> int:
    """The class of a row."""
    if narrow[n + FLAGS] & IS_UNPROVEN:
        return UNPROVEN
    return narrow[n + OUTCOME] * 1


def add_row(b: Any, wide: Any, narrow: Any, row: int) -> None:
    """Add an inbound exchange."""
    n = row * NARROW
    kind = class_of(narrow, n)
    key = key_of(narrow, n)
    known = longs_of(b, STATE)[CELL_COUNT]
    cell = find_cell(b, key)
    if cell < 0:
        return
    if cell >= known:
        longs_of(b, CELLS)[cell * CELL + PORT_SEEN] = narrow[n + SERVER_PORT]
    count(b, cell, wide, narrow, row, kind)
    count_reason(b, cell, kind, narrow[n + MODULE] * 1, narrow[n + REASON] * 1)
    detail = detail_of(b, cell, key, kind)
    if detail < 0:
        return
    add(b, detail, row, kind)
    if kind <= SILENT:
        add_turn(b, cell, detail, row, kind)
    # Behind its own turn: what lies between two exchanges is neither of them.
    if kind == REJECTED:
        note_sent(b, row, SENT_ERROR, wide[row * WIDE + REPLY])
    elif kind == REPLIED and narrow[n + MODULE] == NTP and narrow[n + REASON] % REASON_FLAGS == KISS_KIND:
        note_sent(b, row, SENT_KISS, wide[row * WIDE + REPLY])


def count(b: Any, cell: int, wide: Any, narrow: Any, row: int, kind: int) -> None:
    """Count an exchange of a cell."""
    cells = longs_of(b, CELLS)
    c = cell * CELL
    w = row * WIDE
    n = row * NARROW
    cells[c + COUNTS + kind] += 1
    if wide[w + CLIENT] or wide[w + CLIENT_LOW] >> 32 != MAPPED:
        cells[c + OVER_IPV6 + kind] += 1
    cells[c + RESENT] += narrow[n + RETRANSMISSIONS]
    note_origin(cells, c, wide, w, narrow[n + PLACE] * 1)
    if kind != REPLIED:
        return
    cells[c + ASKED_OCTETS] += narrow[n + REQUEST_OCTETS]
    cells[c + TOLD_OCTETS] += wide[w + REPLY_OCTETS]
    cells[c + TOLD_FRAMES] += frames_back(b, row)
    cells[c + REACHED + reach_of(wide, narrow, w, n)] += 1
    if wide[w + RTT] >= 0:
        if cells[c + TIMED] == 0 or wide[w + RTT] < cells[c + FASTEST]:
            cells[c + FASTEST] = wide[w + RTT]
        cells[c + SLOWEST] = max(cells[c + SLOWEST], wide[w + RTT])
        cells[c + TIMED] += 1


def note_origin(cells: Any, c: int, wide: Any, w: int, place: int) -> None:
    """Note where an exchange was seen."""
    frame = wide[w + REQUEST]
    if frame == 0:
        frame = wide[w + REPLY]
    cells[c + PLACES] |= bit_of(place)
    cells[c + CAPTURES] |= bit_of(frame // CAPTURE)


def detail_of(b: Any, cell: int, key: int, kind: int) -> int:
    """The detail of a cell, -1 for none: ports have one if they are among the first ones, or answer."""
    cells = longs_of(b, CELLS)
    state = longs_of(b, STATE)
    if cells[cell * CELL + DETAIL]:
        return cells[cell * CELL + DETAIL] - 1
    if is_always(b, key):
        give_detail(b, cell)
    elif kind == REPLIED and state[ANSWERING] < MAX_ANSWERING:
        state[ANSWERING] += 1
        give_detail(b, cell)
    elif kind != REPLIED and state[PLAIN] < MAX_PLAIN:
        state[PLAIN] += 1
        give_detail(b, cell)
    return cells[cell * CELL + DETAIL] - 1


def add_unasked(b: Any, row: int) -> None:
    """Add what the target told unasked."""
    narrow = ints_of(b, NARROWS)
    n = row * NARROW
    cell = find_cell(b, key_of(narrow, n) + UNASKED)
    if cell < 0:
        return
    cells = longs_of(b, CELLS)
    cells[cell * CELL + COUNTS] += 1
    cells[cell * CELL + TOLD_OCTETS] += longs_of(b, WIDES)[row * WIDE + REPLY_OCTETS]
    count_reason(b, cell, 0, narrow[n + MODULE] * 1, narrow[n + REASON] * 1)
    if cells[cell * CELL + DETAIL] == 0:
        give_detail(b, cell)
    if cells[cell * CELL + DETAIL]:
        add(b, cells[cell * CELL + DETAIL] - 1, row, SILENT)
        spread(b, cells[cell * CELL + DETAIL] - 1, row)


def note_sent(b: Any, row: int, kind: int, frame: int) -> None:
    """Note what the target sent as a service: it may explain what it answers afterwards."""
    service = ints_of(b, NARROWS)[row * NARROW + SERVICE] * 1
    if service <= TCP:
        return
    clock = longs_of(b, WIDES)[row * WIDE + CLOCK]
    sent = longs_of(b, SENT)
    at = (service * SENT_KINDS + kind) * SENT_FIELDS
    if clock >= sent[at + SENT_CLOCK]:
        sent[at + SENT_CLOCK] = clock
        sent[at + SENT_FRAME] = frame


def flush(b: Any) -> None:
    """The batch ends: keep those of its rows that are the last of something."""
    state = longs_of(b, STATE)
    touched = ints_of(b, TOUCHED)
    for number in range(state[TOUCHED_COUNT]):
        if touched[number] >= 0:
            flush_detail(b, touched[number] * 1)
        else:
            flush_turn(b, -1 - touched[number])
    state[TOUCHED_COUNT] = 0
