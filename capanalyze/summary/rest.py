"""Ports that have no finding of their own are joined: one cell for those of a mode, a zone and a transport."""

from typing import Any

from capanalyze.buffers import ints_of, longs_of
from capanalyze.exchanges.reach import REACHES
from capanalyze.summary.cells import add_reason, new_cell, place_of
from capanalyze.summary.layout import (
    ASKED_OCTETS,
    CAPTURES,
    CELL,
    CELL_COUNT,
    CELL_HEADS,
    CELL_ROOM,
    CELLS,
    CLASSES,
    COUNTS,
    DETAIL,
    FASTEST,
    FURTHER,
    JOINED,
    KEY,
    MODULE_CODE,
    OF_CELL_UNIT,
    OVER_IPV6,
    OVERFLOW,
    PLACES,
    REACHED,
    REASON,
    REASON_KEY,
    REASON_NUMBER,
    REASONS,
    RESENT,
    SLOWEST,
    STATE,
    TCP_CODE,
    TIMED,
    TOLD_FRAMES,
    TOLD_OCTETS,
    USUAL,
    USUAL_NUMBER,
    ZONE_UNIT,
)


def join_cells(b: Any, start: int, stop: int) -> int:
    """Join ports of cells from `start` to before `stop`, as far as there is room for what joins them."""
    cells = longs_of(b, CELLS)
    heads = ints_of(b, CELL_HEADS)
    state = longs_of(b, STATE)
    for cell in range(start, stop):
        key = cells[cell * CELL + KEY]
        code = key & (ZONE_UNIT - 1)
        if key == JOINED or cells[cell * CELL + DETAIL] or code >= MODULE_CODE:
            continue
        shared = key + OVERFLOW + code // TCP_CODE - code
        place = place_of(b, shared)
        if heads[place] == 0 and state[CELL_COUNT] == state[CELL_ROOM]:
            continue
        rest = heads[place] - 1 if heads[place] else new_cell(b, shared, place)
        join(cells, rest * CELL, cell * CELL)
        add_reason(b, rest, cells[cell * CELL + USUAL] - 1, cells[cell * CELL + USUAL_NUMBER])
        # In place of the key: where its reasons go.
        cells[cell * CELL + KEY] = JOINED
        cells[cell * CELL + DETAIL] = -1 - rest
    return stop


def join(cells: Any, rest: int, cell: int) -> None:
    """Add what a cell counted."""
    cells[rest + FURTHER] += 1
    for kind in range(CLASSES):
        cells[rest + COUNTS + kind] += cells[cell + COUNTS + kind]
        cells[rest + OVER_IPV6 + kind] += cells[cell + OVER_IPV6 + kind]
    cells[rest + RESENT] += cells[cell + RESENT]
    cells[rest + ASKED_OCTETS] += cells[cell + ASKED_OCTETS]
    cells[rest + TOLD_OCTETS] += cells[cell + TOLD_OCTETS]
    cells[rest + TOLD_FRAMES] += cells[cell + TOLD_FRAMES]
    for reach in range(REACHES):
        cells[rest + REACHED + reach] += cells[cell + REACHED + reach]
    cells[rest + PLACES] |= cells[cell + PLACES]
    cells[rest + CAPTURES] |= cells[cell + CAPTURES]
    if cells[cell + TIMED]:
        if cells[rest + TIMED] == 0 or cells[cell + FASTEST] < cells[rest + FASTEST]:
            cells[rest + FASTEST] = cells[cell + FASTEST]
        cells[rest + SLOWEST] = max(cells[rest + SLOWEST], cells[cell + SLOWEST])
        cells[rest + TIMED] += cells[cell + TIMED]


def join_reasons(b: Any, start: int, stop: int) -> int:
    """Add the reasons of cells that were joined."""
    cells = longs_of(b, CELLS)
    reasons = longs_of(b, REASONS)
    for number in range(start, stop):
        at = number * REASON
        cell = reasons[at + REASON_KEY] // OF_CELL_UNIT
        if cells[cell * CELL + KEY] == JOINED:
            rest = -1 - cells[cell * CELL + DETAIL]
            add_reason(b, rest, reasons[at + REASON_KEY] % OF_CELL_UNIT, reasons[at + REASON_NUMBER])
            reasons[at + REASON_NUMBER] = 0
    return stop
