"""The rules over rows of numbers find what the same rules over objects find, and what a flood was made of."""

from pathlib import Path

import pytest

from capanalyze.audit import Audit, CaptureFile
from capanalyze.exchanges.batch import exchange_of
from capanalyze.model import Exchange
from capanalyze.protocols._protocol import SECOND
from capanalyze.stream import Stream
from tests.bench.generate import Wanted, generate
from tests.bench.truth import read_truth
from tests.oracle import collect, pair_messages, source
from tests.packets.test_scan import CAPTURES

FARTHEST = 4_600_000_000 * SECOND  # what a clock counts
modes = pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])


def by_rules(path: Path, *, compiled: bool) -> list[Exchange]:
    """The exchanges that the rules find."""
    with Stream(Audit((CaptureFile(str(path), path.name),)), compiled=compiled) as stream:
        return [exchange_of(batch, number, stream.names) for batch in stream.batches() for number in range(batch.count)]


def by_objects(path: Path) -> list[Exchange]:
    """Those of the oracle."""
    sightings = collect([source(path)])
    if any(abs(seen.clock) > FARTHEST for seen in sightings):
        pytest.skip("its times do not fit")
    return [pair.exchange for pair in pair_messages(sightings).done]


@modes
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_rows_and_objects_agree(path: Path, compiled: bool) -> None:
    assert sorted(map(repr, by_rules(path, compiled=compiled))) == sorted(map(repr, by_objects(path)))


@modes
def test_every_exchange_of_a_flood_is_found(tmp_path: Path, compiled: bool) -> None:
    path, truth = tmp_path / "flood.pcap", tmp_path / "truth.npz"
    generate(Wanted("flood", 3_000_000), path, truth)
    told = [
        (list(one.requests), list(one.replies), one.service, one.client, one.port)
        for one in read_truth(truth).exchanges()
    ]
    found = [
        (one.requests, one.replies, one.service, one.client, one.client_port)
        for one in by_rules(path, compiled=compiled)
    ]
    assert sorted(map(repr, found)) == sorted(map(repr, told))
