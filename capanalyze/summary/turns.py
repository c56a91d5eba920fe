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
    VARIANT,
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
    LENGTH_AFTER,
    LENGTH_BEFORE,
    LOST,
    MORE_CHANGES,
    NARROWS,
    SENT,
    SENT_BETWEEN,
    SENT_CLOCK,
    SENT_FIELDS,
    SENT_FRAME,
    SENT_KINDS,
    STATE,
    TURN,
    TURN_BEFORE,
    TURN_CHANGE,
    TURN_CLASS,
    TURN_COUNT,
    TURN_DETAIL,
    TURN_HEADS,
    TURN_HIGH,
    TURN_KEPT,
    TURN_KIND,
    TURN_LENGTH,
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
VARIANT_UNIT = 1 << 21  # above that too


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
    if turns[at + TURN_CLASS] == kind + 1:
        lengthen(b, turn)
    else:
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
    before = turns[at + TURN_CLASS] - 1
    number = 0
    if before < 0:
        keep(b, WIDES, row, TURN_KEPT, turn * TURN_SLOTS + 1)
    elif turns[at + TURN_ROW]:
        number = change(b, cell, turn, (WIDES, turns[at + TURN_ROW] - 1), (WIDES, row), before, kind)
    else:
        number = change(b, cell, turn, (TURN_KEPT, turn * TURN_SLOTS), (WIDES, row), before, kind)
    note_lengths(b, number, turns[at + TURN_LENGTH], 1)
    turns[at + TURN_BEFORE] = turns[at + TURN_CLASS]
    turns[at + TURN_CLASS] = kind + 1
    turns[at + TURN_LENGTH] = 1
    turns[at + TURN_CHANGE] = number


def lengthen(b: Any, turn: int) -> None:
    """One exchange more of a turn's run."""
    turns = longs_of(b, TURNS)
    at = turn * TURN
    turns[at + TURN_LENGTH] += 1
    note_lengths(b, turns[at + TURN_CHANGE], 0, 1)


def note_lengths(b: Any, number: int, before: int, after: int) -> None:
    """Add to the lengths of the runs that a change lies between; its number plus 1, 0 for none."""
    if number:
        changes = longs_of(b, CHANGES)
        changes[(number - 1) * CHANGE + LENGTH_BEFORE] += before
        changes[(number - 1) * CHANGE + LENGTH_AFTER] += after


def add_late(b: Any, cell: int, turn: int, row: int, kind: int) -> None:
    """A row that began before the last one, but was open for longer: it is told where it belongs, or counted."""
    turns = longs_of(b, TURNS)
    at = turn * TURN
    early = longs_of(b, WIDES)[row * WIDE + CLOCK] < turns[at + TURN_SINCE]
    if early and turns[at + TURN_BEFORE] == 0:
        first = turn * TURN_SLOTS + 1
        if turns[at + TURN_CLASS] != kind + 1:
            number = change(b, cell, turn, (WIDES, row), (TURN_KEPT, first), kind, turns[at + TURN_CLASS] - 1)
            note_lengths(b, number, 1, turns[at + TURN_LENGTH])
            turns[at + TURN_CHANGE] = number
            turns[at + TURN_BEFORE] = kind + 1
        else:
            lengthen(b, turn)
            turns[at + TURN_SINCE] = longs_of(b, WIDES)[row * WIDE + CLOCK]
            keep(b, WIDES, row, TURN_KEPT, first)
    elif (turns[at + TURN_BEFORE] if early else turns[at + TURN_CLASS]) != kind + 1:
        longs_of(b, CELLS)[cell * CELL + UNCOMPARED] += 1
    elif early:
        note_lengths(b, turns[at + TURN_CHANGE], 1, 0)
    else:
        lengthen(b, turn)


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
    apart = narrow[n + VARIANT] * VARIANT_UNIT
    if narrow[n + FLAGS] & GROUP:
        apart += GROUP_UNIT
    if narrow[n + MODULE] != GENERIC_UDP:
        return apart + narrow[n + KIND]
    return apart + KIND_UNIT + narrow[n + REQUEST_OCTETS]


def change(b: Any, cell: int, turn: int, last: Any, first: Any, before: int, after: int) -> int:
    """Keep the exchange before and that after a change, each given by its buffers and its row.

    The change's number plus 1; 0 where there is no room.
    """
    state = longs_of(b, STATE)
    cells = longs_of(b, CELLS)
    changes = longs_of(b, CHANGES)
    number = state[CHANGE_COUNT]
    cells[cell * CELL + MORE_CHANGES] += 1  # all of them; those that are kept are taken off in the end
    if cells[cell * CELL + MORE_CHANGES] > CHANGES_OF_CELL:
        return 0
    if number >= state[CHANGE_ROOM]:
        state[LOST] += 1
        return 0
    state[CHANGE_COUNT] = number + 1
    changes[number * CHANGE + CHANGE_CELL] = cell
    changes[number * CHANGE + CHANGE_TURN] = turn
    changes[number * CHANGE + BEFORE] = before
    changes[number * CHANGE + AFTER] = after
    changes[number * CHANGE + LENGTH_BEFORE] = 0
    changes[number * CHANGE + LENGTH_AFTER] = 0
    for kind in range(SENT_KINDS):
        changes[number * CHANGE + SENT_BETWEEN + kind] = sent_between(b, kind, last, first)
    keep(b, last[0], last[1], CHANGE_KEPT, 2 * number)
    keep(b, first[0], first[1], CHANGE_KEPT, 2 * number + 1)
    return number + 1


def sent_between(b: Any, kind: int, last: Any, first: Any) -> int:
    """What the target sent as this service between two exchanges, of one kind: the frame, 0 for none."""
    sent = longs_of(b, SENT)
    at = (ints_of(b, first[0] + 1)[first[1] * NARROW + SERVICE] * SENT_KINDS + kind) * SENT_FIELDS
    clock = sent[at + SENT_CLOCK]
    if longs_of(b, last[0])[last[1] * WIDE + CLOCK] < clock < longs_of(b, first[0])[first[1] * WIDE + CLOCK]:
        return sent[at + SENT_FRAME] * 1
    return 0


def flush_turn(b: Any, turn: int) -> None:
    """The batch ends: keep the turn's last row."""
    turns = longs_of(b, TURNS)
    keep(b, WIDES, turns[turn * TURN + TURN_ROW] - 1, TURN_KEPT, turn * TURN_SLOTS)
    turns[turn * TURN + TURN_ROW] = 0
