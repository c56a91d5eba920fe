"""Flips: where the outcome changed between consecutive exchanges of one server and kind of request."""

from typing import Any

from capanalyze.buffers import ints_of, longs_of
from capanalyze.exchanges.row import (
    CLOCK,
    FLAGS,
    GROUP,
    KIND,
    MODULE,
    NARROW,
    REQUEST_OCTETS,
    SERVER,
    SERVER_LOW,
    SERVICE,
    WIDE,
)
from capanalyze.packets.octets import mix
from capanalyze.protocols import GENERIC_UDP
from capanalyze.summary.details import touch
from capanalyze.summary.kept import keep
from capanalyze.summary.layout import (
    AFTER,
    BEFORE,
    CELL,
    CELLS,
    CHANGE,
    CHANGE_CELL,
    CHANGE_COUNT,
    CHANGE_KEPT,
    CHANGE_ROOM,
    CHANGE_TURN,
    CHANGES,
    CHANGES_OF_CELL,
    LOST,
    MORE_CHANGES,
    NARROWS,
    OWN_FRAME,
    SENT,
    SENT_CLOCK,
    SENT_FIELDS,
    SENT_FRAME,
    STATE,
    TURN,
    TURN_BEFORE,
    TURN_CLASS,
    TURN_COUNT,
    TURN_DETAIL,
    TURN_HEADS,
    TURN_HIGH,
    TURN_KEPT,
    TURN_KIND,
    TURN_LOW,
    TURN_ROOM,
    TURN_ROW,
    TURN_SINCE,
    TURN_SLOTS,
    TURN_UNTIL,
    TURNS,
    UNCOMPARED,
    WIDES,
)

KIND_UNIT = 65536  # above any kind: what no module knows is compared by its length
GROUP_UNIT = 1 << 20  # above any of these


def add_turn(b: Any, cell: int, number: int, row: int, kind: int) -> None:
    """The next exchange of a class, of a cell with this detail."""
    turn = turn_of(b, number, row)
    if turn < 0:
        longs_of(b, STATE)[LOST] += 1
        return
    turns = longs_of(b, TURNS)
    at = turn * TURN
    clock = longs_of(b, WIDES)[row * WIDE + CLOCK]
    if turns[at + TURN_CLASS] and clock < turns[at + TURN_UNTIL]:
        add_late(b, cell, turn, row, kind)
        return
    if turns[at + TURN_CLASS] != kind + 1:
        begin_run(b, cell, turn, row, kind)
        turns[at + TURN_SINCE] = clock
    turns[at + TURN_UNTIL] = clock
    if turns[at + TURN_ROW] == 0:
        touch(b, -1 - turn)
    turns[at + TURN_ROW] = row + 1


def begin_run(b: Any, cell: int, turn: int, row: int, kind: int) -> None:
    """A row whose class differs from those before it, or the first of all."""
    turns = longs_of(b, TURNS)
    at = turn * TURN
    if turns[at + TURN_CLASS]:
        if turns[at + TURN_ROW]:
            change(b, cell, turn, (WIDES, turns[at + TURN_ROW] - 1), (WIDES, row), turns[at + TURN_CLASS] - 1, kind)
        else:
            last = turn * TURN_SLOTS
            change(b, cell, turn, (TURN_KEPT, last), (WIDES, row), turns[at + TURN_CLASS] - 1, kind)
    else:
        keep(b, WIDES, row, TURN_KEPT, turn * TURN_SLOTS + 1)
    turns[at + TURN_BEFORE] = turns[at + TURN_CLASS]
    turns[at + TURN_CLASS] = kind + 1


def add_late(b: Any, cell: int, turn: int, row: int, kind: int) -> None:
    """A row that began before the last one, but was open for longer: it is told where it belongs, or counted."""
    turns = longs_of(b, TURNS)
    at = turn * TURN
    early = longs_of(b, WIDES)[row * WIDE + CLOCK] < turns[at + TURN_SINCE]
    if early and turns[at + TURN_BEFORE] == 0:
        first = turn * TURN_SLOTS + 1
        if turns[at + TURN_CLASS] != kind + 1:
            change(b, cell, turn, (WIDES, row), (TURN_KEPT, first), kind, turns[at + TURN_CLASS] - 1)
            turns[at + TURN_BEFORE] = kind + 1
        else:
            turns[at + TURN_SINCE] = longs_of(b, WIDES)[row * WIDE + CLOCK]
            keep(b, WIDES, row, TURN_KEPT, first)
    elif (turns[at + TURN_BEFORE] if early else turns[at + TURN_CLASS]) != kind + 1:
        longs_of(b, CELLS)[cell * CELL + UNCOMPARED] += 1


def turn_of(b: Any, number: int, row: int) -> int:
    """The turn of a row's server and kind of request; a new one where there is none, -1 where there is no room."""
    wide = longs_of(b, WIDES)
    turns = longs_of(b, TURNS)
    heads = ints_of(b, TURN_HEADS)
    state = longs_of(b, STATE)
    high = wide[row * WIDE + SERVER]
    low = wide[row * WIDE + SERVER_LOW]
    kind = kind_of(b, row)
    mask = 2 * state[TURN_ROOM] - 1
    place = mix(mix(mix(number, kind), low), high) & mask
    while heads[place]:
        at = (heads[place] - 1) * TURN
        same = turns[at + TURN_DETAIL] == number and turns[at + TURN_KIND] == kind
        if same and turns[at + TURN_LOW] == low and turns[at + TURN_HIGH] == high:
            return heads[place] - 1
        place = (place + 1) & mask
    turn = state[TURN_COUNT]
    if turn >= state[TURN_ROOM]:
        return -1
    state[TURN_COUNT] = turn + 1
    heads[place] = turn + 1
    turns[turn * TURN + TURN_DETAIL] = number
    turns[turn * TURN + TURN_HIGH] = high
    turns[turn * TURN + TURN_LOW] = low
    turns[turn * TURN + TURN_KIND] = kind
    for field in range(TURN_CLASS, TURN):
        turns[turn * TURN + field] = 0
    return turn


def kind_of(b: Any, row: int) -> int:
    """What can be compared over time: requests of a kind, or datagrams of a length; those to a group by themselves."""
    narrow = ints_of(b, NARROWS)
    n = row * NARROW
    to_group = GROUP_UNIT if narrow[n + FLAGS] & GROUP else 0
    if narrow[n + MODULE] != GENERIC_UDP:
        return to_group + narrow[n + KIND]
    return to_group + KIND_UNIT + narrow[n + REQUEST_OCTETS]


def change(b: Any, cell: int, turn: int, last: Any, first: Any, before: int, after: int) -> None:
    """Keep the exchange before and that after a change, each given by its buffers and its row, if there is room."""
    state = longs_of(b, STATE)
    cells = longs_of(b, CELLS)
    changes = longs_of(b, CHANGES)
    number = state[CHANGE_COUNT]
    cells[cell * CELL + MORE_CHANGES] += 1  # all of them; those that are kept are taken off in the end
    if cells[cell * CELL + MORE_CHANGES] > CHANGES_OF_CELL:
        return
    if number >= state[CHANGE_ROOM]:
        state[LOST] += 1
        return
    state[CHANGE_COUNT] = number + 1
    changes[number * CHANGE + CHANGE_CELL] = cell
    changes[number * CHANGE + CHANGE_TURN] = turn
    changes[number * CHANGE + BEFORE] = before
    changes[number * CHANGE + AFTER] = after
    changes[number * CHANGE + OWN_FRAME] = own_frame(b, last, first)
    keep(b, last[0], last[1], CHANGE_KEPT, 2 * number)
    keep(b, first[0], first[1], CHANGE_KEPT, 2 * number + 1)


def own_frame(b: Any, last: Any, first: Any) -> int:
    """What the target sent as this service between two exchanges: the frame, 0 for none."""
    sent = longs_of(b, SENT)
    at = ints_of(b, first[0] + 1)[first[1] * NARROW + SERVICE] * SENT_FIELDS
    clock = sent[at + SENT_CLOCK]
    if longs_of(b, last[0])[last[1] * WIDE + CLOCK] <= clock <= longs_of(b, first[0])[first[1] * WIDE + CLOCK]:
        return sent[at + SENT_FRAME] * 1
    return 0


def flush_turn(b: Any, turn: int) -> None:
    """The batch ends: keep the turn's last row."""
    turns = longs_of(b, TURNS)
    keep(b, WIDES, turns[turn * TURN + TURN_ROW] - 1, TURN_KEPT, turn * TURN_SLOTS)
    turns[turn * TURN + TURN_ROW] = 0
