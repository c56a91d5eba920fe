"""Dates, orders and writes with a library in the place of the installed core; run by `test_rows`.

Its argument is the library; it prints what came out of it.
"""

import hashlib
import io
import sys
from array import array
from typing import Any

from tests.core.read_captures import put_in_place


def seen() -> list[str]:
    """All that was written, in a few lines."""
    return [hashlib.sha256(octets).hexdigest() for octets in (*lines(), *columns(), ordered())]


def lines() -> list[bytes]:
    """Rows as text, through rooms of any size."""
    from capanalyze.report import row_pieces
    from capanalyze.report.rows import CsvRows, JsonRows
    from tests.report.test_rows import NAMES, batch_of, made

    batch = batch_of(made(300))
    found = []
    for room in (3000, 8191, row_pieces.OUT_ROOM):
        row_pieces.OUT_ROOM = room
        for kind in (JsonRows, CsvRows):
            file = io.BytesIO()
            kind(file).write(batch, NAMES)
            found.append(file.getvalue())
    return found


def columns() -> list[bytes]:
    """Rows as columns, in groups of any size."""
    from capanalyze.core import core
    from capanalyze.protocols import PROTOCOLS
    from tests.report.test_rows import batch_of, made

    batch = batch_of(made(300))
    found = []
    for room in (300, 7):
        group = core.Group(len(PROTOCOLS), room, 2 * room)
        start = 0
        while start < batch.count:
            start = group.add(batch.wide, batch.narrow, batch.links, start, batch.count, True)
            rows = group.rows
            found.append(repr([group.services, group.reasons, rows]).encode())
            for name in ("client", "server", "time"):
                ends = group.octets(f"{name} ends").cast("i")
                found.append(bytes(group.octets(name)[: ends[rows]]))
                core.text_column(ends, rows, bytearray((rows + 7) // 8))
            core.micros_column(group.octets("rtt_us"), rows, array("d", bytes(8 * rows)), bytearray((rows + 7) // 8))
            group.clear()
    return found


def ordered() -> bytes:
    """Messages that are dated and put in order."""
    from capanalyze.exchanges.arrival import in_order, joined
    from tests.exchanges.test_arrival import dated, stamped, told

    late: list[Any] = [number / 10 - number * 7919 % 13 / 10 for number in range(3000)]
    first, _ = dated(stamped(late))
    second, _ = dated(stamped(late[::-1]), since=3, until=200)
    rows = in_order(joined([(first, 0, first.count), (second, 0, second.count), (first, 5, 9)]))
    return repr(list(told(rows))).encode()


if __name__ == "__main__":
    put_in_place(sys.argv[1])
    for line in seen():
        print(line)  # noqa: T201 - the parent reads it
