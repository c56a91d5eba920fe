"""The rules over rows of numbers give the exchanges that `exchanges` gives, on every capture there is."""

from array import array
from pathlib import Path

import pytest

from capanalyze.audit import CaptureFile
from capanalyze.exchanges import Source, collect, pair_messages
from capanalyze.packets.message import INTERFACE, KEYS
from capanalyze.reading import read
from capanalyze.rules.batch import Names, exchange_of
from capanalyze.rules.engine import Engine
from capanalyze.rules.table import WHEN
from tests.packets.test_scan import CAPTURES

FARTHEST = 1 << 61  # nanoseconds that the rows hold; one capture has times beyond


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_rows_and_objects_agree(path: Path, compiled: bool) -> None:
    reading = read(CaptureFile(str(path), path.name))
    reading.capture.close()
    source = Source(path.name, reading.part, reading.labels())
    places = sorted(set(source.labels.values()))
    rows, pool, count = array("q"), array("q", [0]), 0
    for seen in collect([source]):
        row = list(seen.message)
        row[INTERFACE], row[WHEN], row[KEYS] = places.index(seen.interface), seen.clock, len(pool)
        if abs(seen.clock) > FARTHEST:
            pytest.skip("its times do not fit")
        pool.extend(seen.keys)
        rows.extend(row)
        count += 1
    engine, names = Engine([0], compiled=compiled), Names([path.name], places)
    batches = engine.feed(rows, pool, count) + engine.finish()
    found = [exchange_of(batch, number, names) for batch in batches for number in range(batch.count)]
    wanted = [pair.exchange for pair in pair_messages(collect([source])).done]
    assert sorted(map(repr, found)) == sorted(map(repr, wanted))
