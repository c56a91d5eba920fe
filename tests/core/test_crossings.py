"""The set of zones and places that inbound exchanges crossed."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from capanalyze.core import core
from capanalyze.exchanges.row import (
    DIRECTION,
    DIRECTIONS,
    INWARD,
    NARROW,
    OUTCOME,
    OUTCOMES,
    PLACE,
    UNSOLICITED,
    ZONE,
)

rows = st.tuples(
    st.integers(-1, 5) | st.integers(0, 100_000),
    st.integers(0, 5) | st.integers(0, 100_000),
    st.integers(0, len(DIRECTIONS) - 1),
    st.integers(0, len(OUTCOMES) - 1),
)


@given(st.lists(st.lists(rows, max_size=150), max_size=3))
def test_each_pair_is_told_once(batches: list[list[tuple[int, int, int, int]]]) -> None:
    met = core.Crossings()
    for batch in batches:
        narrow = array("i", bytes(4 * NARROW * len(batch)))
        for number, found in enumerate(batch):
            for field, value in zip((ZONE, PLACE, DIRECTION, OUTCOME), found, strict=True):
                narrow[number * NARROW + field] = value
        met.add(narrow, len(batch))
    expected = {
        (zone, place)
        for batch in batches
        for zone, place, direction, outcome in batch
        if direction == INWARD and outcome != UNSOLICITED
    }
    assert sorted(met.pairs()) == sorted(expected)
