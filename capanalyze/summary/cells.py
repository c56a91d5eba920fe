"""Cells: exchanges of a mode, zone and service counted; which of them have a detail."""

from typing import Any

from capanalyze.buffers import LINE, ints_of, longs_of, prefetch
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
    UNCOUNTED,
    USUAL,
    USUAL_NUMBER,
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
        return find_shared(b, key)
    return heads[place] - 1 if heads[place] else new_cell(b, key, place)


def find_shared(b: Any, key: int) -> int:
    """The cell of further ports that a port with this key may share; -1 for no room."""
    code = key & (ZONE_UNIT - 1)
    place = place_of(b, key + OVERFLOW + code // TCP_CODE - code)
    shared = ints_of(b, CELL_HEADS)[place] - 1
    if shared < 0:
        shared = new_cell(b, key + OVERFLOW + code // TCP_CODE - code, place)
    if shared >= 0:
        longs_of(b, CELLS)[shared * CELL + UNCOUNTED] = 1
    return shared


def place_of(b: Any, key: int) -> int:
    """Where in the index the cell with a key stands, or would."""
    cells = longs_of(b, CELLS)
    heads = ints_of(b, CELL_HEADS)
    mask = 2 * longs_of(b, STATE)[CELL_ROOM] - 1
    place = mix(key, key >> 20) & mask
    while heads[place] and cells[(heads[place] - 1) * CELL + KEY] != key:
        place = (place + 1) & mask
    return place


def fetch_head(b: Any, key: int) -> None:
    """Fetch where the index leads to for a key."""
    prefetch(ints_of(b, CELL_HEADS), mix(key, key >> 20) & (2 * longs_of(b, STATE)[CELL_ROOM] - 1))


def fetch_cell(b: Any, key: int) -> None:
    """Fetch the cell that the index leads to for a key."""
    mask = 2 * longs_of(b, STATE)[CELL_ROOM] - 1
    cell = ints_of(b, CELL_HEADS)[mix(key, key >> 20) & mask] * CELL - CELL
    if cell >= 0:
        for line in range(0, CELL, LINE):
            prefetch(longs_of(b, CELLS), cell + line)


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
    add_reason(b, cell, kind * CLASS_UNIT + module * REASON_UNIT + reason, 1)


def add_reason(b: Any, cell: int, said: int, count: int) -> None:
    """Add to how often a class, module and reason, as one number, were met in a cell: most cells have but one."""
    cells = longs_of(b, CELLS)
    if cells[cell * CELL + USUAL] == 0:
        cells[cell * CELL + USUAL] = said + 1
    if cells[cell * CELL + USUAL] == said + 1:
        cells[cell * CELL + USUAL_NUMBER] += count
    else:
        add_unusual(b, cell * OF_CELL_UNIT + said, count)


def add_unusual(b: Any, key: int, count: int) -> None:
    """Add to how often a reason was met that is not the first of its cell; the key names both."""
    reasons = longs_of(b, REASONS)
    heads = ints_of(b, REASON_HEADS)
    state = longs_of(b, STATE)
    mask = 2 * state[REASON_ROOM] - 1
    place = mix(key, key >> 20) & mask
    while heads[place]:
        at = (heads[place] - 1) * REASON
        if reasons[at + REASON_KEY] == key:
            reasons[at + REASON_NUMBER] += count
            return
        place = (place + 1) & mask
    number = state[REASON_COUNT]
    if number >= state[REASON_ROOM]:
        state[LOST] += 1
        return
    state[REASON_COUNT] = number + 1
    reasons[number * REASON + REASON_KEY] = key
    reasons[number * REASON + REASON_NUMBER] = count
    heads[place] = number + 1
