"""The times of flips: each in a place of its own, and none across a line."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.report.graphs import flips
from capanalyze.report.graphs.flips import Place, arrange
from capanalyze.report.graphs.lane import LEFT
from capanalyze.report.graphs.page import RIGHT
from capanalyze.report.graphs.timeline import draw
from tests.report.graphs import sample

WIDE = 37.0
XS = st.lists(st.floats(LEFT, RIGHT), max_size=40).map(sorted)
TIMES = st.lists(st.floats(0, 100), min_size=2, max_size=flips.FEW + 1, unique=True).map(sorted)


def span(x: float, place: Place) -> tuple[float, float]:
    return (x, x + WIDE) if place.side == "right" else (x - WIDE, x)


@settings(deadline=None)
@given(XS, st.integers(1, 6))
def test_no_time_runs_into_another_or_across_a_line(xs: list[float], rows: int) -> None:
    places = arrange([(x, WIDE) for x in xs], rows)
    shown = [(x, place) for x, place in zip(xs, places, strict=True) if place is not None]
    assert all(0 <= place.row < rows for _, place in shown)
    for x, place in shown:
        left, right = span(x, place)
        assert left >= LEFT
        assert right <= RIGHT
        # Only lines to times in this row or below it come so far down.
        assert not [other for other, its in shown if its.row >= place.row and left < other < right]
    for (x, place), (other, its) in combinations(shown, 2):
        if place.row == its.row:
            (left, right), (start, end) = span(x, place), span(other, its)
            assert right <= start or end <= left


@settings(deadline=None)
@given(XS, st.integers(1, 5))
def test_what_fits_into_some_rows_fits_into_more(xs: list[float], rows: int) -> None:
    spans = [(x, WIDE) for x in xs]
    assert None in arrange(spans, rows) or None not in arrange(spans, rows + 1)


def test_times_stand_right_of_their_lines_where_there_is_room() -> None:
    assert arrange([(150, WIDE), (250, WIDE)], 1) == [Place(0, "right"), Place(0, "right")]
    assert arrange([(150, WIDE), (RIGHT - 1, WIDE)], 1) == [Place(0, "right"), Place(0, "left")]
    assert arrange([(250, WIDE), (260, WIDE)], 1) == [Place(0, "left"), Place(0, "right")]
    assert arrange([(LEFT, WIDE), (LEFT + 1, WIDE)], 1).count(None) == 1
    assert arrange([(LEFT, WIDE), (LEFT + 1, WIDE)], 2) == [Place(1, "right"), Place(0, "right")]


@settings(deadline=None, max_examples=40)
@given(TIMES)
def test_every_one_of_a_few_flips_shows_its_time(times: list[float]) -> None:
    outcomes = "".join("+-"[place % 2] for place in range(len(times)))
    found = sample.finding("ntp", outcomes, times=times, changing=True)
    figure = draw(sample.analysis([found], [sample.mode("block-all")]))
    assert figure is not None
    shown = [text for text in sample.texts(figure) if text.startswith("03:5") and text.count(":") == 2]
    # The ticks of the axis have times too.
    labels = {change.time[11:19] for change in found.changes if change.time}
    assert {text[:8] for text in shown} >= labels
    assert len(shown) >= len(found.changes)
    assert sample.collisions(figure) == []


@pytest.mark.parametrize("times", [[1.7, 2.8, 5.4, 6.5, 13.13, 13.25, 14.35]])
def test_the_last_flip_has_room_at_the_right_end(times: list[float]) -> None:
    found = sample.finding("ntp", "xx+++-+", times=times, changing=True)
    figure = draw(sample.analysis([found], [sample.mode("block-all")]))
    assert figure is not None
    assert {"03:54:05", "03:54:13", "03:54:14"} <= set(sample.texts(figure))


def test_flips_in_one_second_show_more_digits() -> None:
    found = sample.finding("ntp", "+-+-", times=[0, 1.1, 1.3, 9], changing=True)
    figure = draw(sample.analysis([found], [sample.mode("block-all")]))
    assert figure is not None
    assert {"03:54:01.100", "03:54:01.300", "03:54:09"} <= set(sample.texts(figure))


def test_of_many_flips_as_many_show_their_time_as_fit_and_all_are_counted() -> None:
    found = sample.finding("ntp", "+-" * 46, times=[6.0 * index for index in range(92)], changing=True)
    figure = draw(sample.analysis([found], [sample.mode("block-all")]))
    assert figure is not None
    seen = sample.texts(figure)
    assert any(text.endswith("91 flips") for text in seen)
    assert sum(text.count(":") == 2 for text in seen) >= 12
    assert sample.collisions(figure) == []
