"""Cells: exchanges of a mode, zone and service counted; which of them have a detail."""

from typing import Any

from capanalyze.buffers import ints_of, longs_of
from capanalyze.packets.octets import mix
from capanalyze.protocols import TCP
from capanalyze.summary.layout import (
    ALWAYS,
    ALWAYS_COUNT,
    BITS,
    CELL,
    CELL_COUNT,
    CELL_HEADS,
    CELL_ROOM,
    CELLS,
    CLASS_UNIT,
    KEY,
    LEFT_OUT,
    LOST,
    MAX_CELLS,
    MODULE_CODE,
    OF_CELL_UNIT,
    OVERFLOW,
    REASON,
    REASON_COUNT,
    REASON_HEADS,
    REASON_KEY,
    REASON_NUMBER,
    REASON_ROOM,
    REASON_UNIT,
    REASONS,
    STATE,
    TCP_CODE,
    ZONE_UNIT,
)

PORT_MASK = 65535


def code_of(service: int, port: int) -> int:
    """A service as one number."""
    if service > TCP:
        return MODULE_CODE + service
    return service * TCP_CODE + (port & PORT_MASK)


def find_cell(b: Any, key: int) -> int:
    """The cell with a key, a new one where there is none; ports share one where they are too many; -1 for no room."""
    heads = ints_of(b, CELL_HEADS)
    place = place_of(b, key)
    code = key & (ZONE_UNIT - 1)
    if heads[place] == 0 and longs_of(b, STATE)[CELL_COUNT] >= MAX_CELLS // 2 and code < MODULE_CODE:
        key += OVERFLOW + code // TCP_CODE - code
        place = place_of(b, key)
    return heads[place] - 1 if heads[place] else new_cell(b, key, place)


def place_of(b: Any, key: int) -> int:
    """Where in the index the cell with a key stands, or would."""
    cells = longs_of(b, CELLS)
    heads = ints_of(b, CELL_HEADS)
    mask = 2 * longs_of(b, STATE)[CELL_ROOM] - 1
    place = mix(key, key >> 20) & mask
    while heads[place] and cells[(heads[place] - 1) * CELL + KEY] != key:
        place = (place + 1) & mask
    return place


def new_cell(b: Any, key: int, place: int) -> int:
    """A cell without exchanges, -1 where there is no room."""
    cells = longs_of(b, CELLS)
    state = longs_of(b, STATE)
    cell = state[CELL_COUNT]
    if cell >= state[CELL_ROOM]:
        state[LEFT_OUT] += 1
        return -1
    state[CELL_COUNT] = cell + 1
    for field in range(CELL):
        cells[cell * CELL + field] = 0
    cells[cell * CELL + KEY] = key
    ints_of(b, CELL_HEADS)[place] = cell + 1
    return cell


def is_always(b: Any, key: int) -> int:
    """Whether a service has a detail of its own, however many there are."""
    code = key & (ZONE_UNIT - 1)
    if code >= MODULE_CODE:
        return 1
    always = longs_of(b, ALWAYS)
    for number in range(longs_of(b, STATE)[ALWAYS_COUNT]):
        if always[number] == code:
            return 1
    return 0


def bit_of(number: int) -> int:
    """The bit for a place or a capture."""
    return 1 << min(number, BITS)


def count_reason(b: Any, cell: int, kind: int, module: int, reason: int) -> None:
    """Count a reason of a cell."""
    reasons = longs_of(b, REASONS)
    heads = ints_of(b, REASON_HEADS)
    state = longs_of(b, STATE)
    key = cell * OF_CELL_UNIT + kind * CLASS_UNIT + module * REASON_UNIT + reason
    mask = 2 * state[REASON_ROOM] - 1
    place = mix(key, key >> 20) & mask
    while heads[place]:
        at = (heads[place] - 1) * REASON
        if reasons[at + REASON_KEY] == key:
            reasons[at + REASON_NUMBER] += 1
            return
        place = (place + 1) & mask
    number = state[REASON_COUNT]
    if number >= state[REASON_ROOM]:
        state[LOST] += 1
        return
    state[REASON_COUNT] = number + 1
    reasons[number * REASON + REASON_KEY] = key
    reasons[number * REASON + REASON_NUMBER] = 1
    heads[place] = number + 1
