"""The rules over rows of numbers give the exchanges that `exchanges` gives, and those that a flood was made of."""

from array import array
from pathlib import Path

import pytest

from capanalyze.audit import CaptureFile
from capanalyze.exchanges import Source, collect, pair_messages
from capanalyze.model import Exchange
from capanalyze.packets.message import INTERFACE, KEYS
from capanalyze.reading import read
from capanalyze.rules.batch import Names, exchange_of
from capanalyze.rules.engine import Engine
from capanalyze.rules.table import WHEN
from tests.bench.generate import Wanted, generate
from tests.bench.truth import read_truth
from tests.packets.test_scan import CAPTURES

FARTHEST = 1 << 61  # nanoseconds that the rows hold; one capture has times beyond

modes = pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])


def source(path: Path) -> Source:
    """The messages of a capture."""
    reading = read(CaptureFile(str(path), path.name))
    reading.capture.close()
    return Source(path.name, reading.part, reading.labels())


def by_rules(one: Source, *, compiled: bool) -> list[Exchange]:
    """The exchanges that the rules find."""
    places = sorted(set(one.labels.values()))
    rows, pool, count = array("q"), array("q", [0]), 0
    for seen in collect([one]):
        row = list(seen.message)
        row[INTERFACE], row[WHEN], row[KEYS] = places.index(seen.interface), seen.clock, len(pool)
        if abs(seen.clock) > FARTHEST:
            pytest.skip("its times do not fit")
        pool.extend(seen.keys)
        rows.extend(row)
        count += 1
    engine, names = Engine([0], compiled=compiled), Names([one.name], places)
    batches = engine.feed(rows, pool, count) + engine.finish()
    return [exchange_of(batch, number, names) for batch in batches for number in range(batch.count)]


@modes
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_rows_and_objects_agree(path: Path, compiled: bool) -> None:
    one = source(path)
    wanted = [pair.exchange for pair in pair_messages(collect([one])).done]
    assert sorted(map(repr, by_rules(one, compiled=compiled))) == sorted(map(repr, wanted))


@modes
def test_every_exchange_of_a_flood_is_found(tmp_path: Path, compiled: bool) -> None:
    path, truth = tmp_path / "flood.pcap", tmp_path / "truth.npz"
    generate(Wanted("flood", 3_000_000), path, truth)
    told = [
        (list(one.requests), list(one.replies), one.service, one.client, one.port)
        for one in read_truth(truth).exchanges()
    ]
    one = source(path)
    by_objects = [pair.exchange for pair in pair_messages(collect([one])).done]
    for exchanges in (by_rules(one, compiled=compiled), by_objects):
        found = [
            (exchange.requests, exchange.replies, exchange.service, exchange.client, exchange.client_port)
            for exchange in exchanges
        ]
        assert sorted(map(repr, found)) == sorted(map(repr, told))
