"""What came back for one that went in, and how soon: rows, numbers, places on the axis."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from msgspec.structs import replace

from capanalyze.model import Analysis, Step
from capanalyze.report.graphs import amplification, latency, logarithmic
from capanalyze.report.graphs.lettering import clean
from capanalyze.report.headlines import of_amplification, of_latency
from capanalyze.report.looks import VERDICT_LOOKS
from capanalyze.report.measures import amplified, timed
from tests.report.graphs import sample

SAMPLES = dict(sample.samples())
DRAWS: tuple[Callable[[Analysis], Figure | None], ...] = (amplification.draw, latency.draw)


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("name", SAMPLES)
def test_no_text_runs_into_another_or_out_of_the_figure(name: str, draw: Callable[[Analysis], Figure | None]) -> None:
    figure = draw(SAMPLES[name])
    if figure is not None:
        assert sample.collisions(figure) == []


@pytest.mark.parametrize("draw", DRAWS)
def test_nothing_measured_is_nothing_drawn(draw: Callable[[Analysis], Figure | None]) -> None:
    assert draw(sample.nothing()) is None
    assert draw(sample.analysis([sample.finding("ntp", "--")])) is None


def drawn(draw: Callable[[Analysis], Figure | None], analysis: Analysis) -> Figure:
    figure = draw(analysis)
    assert figure is not None
    return figure


# What came back for one that went in


def test_a_bar_for_each_kind_of_request_that_was_answered_with_its_factor() -> None:
    analysis = sample.article()
    figure = drawn(amplification.draw, analysis)
    measured = amplified(analysis)
    assert figure.get_label() == clean(of_amplification(measured))
    seen = sample.texts(figure)
    assert seen.count("ntp") == 3
    assert "symmetric request" in seen
    for row in measured:
        assert f"×{row.octets:.1f}" in seen or f"×{row.octets:,.0f}" in seen  # noqa: RUF001 (the sign, no letter)


def test_the_greatest_factor_comes_first_and_one_has_its_line() -> None:
    factors = [row.octets for row in amplified(sample.article())]
    assert factors == sorted(factors, reverse=True)
    assert "×1" in sample.texts(drawn(amplification.draw, sample.article()))  # noqa: RUF001


def test_a_service_with_one_kind_of_request_has_one_bar_over_all_modes() -> None:
    found = [sample.finding("mdns", "++", mode=mode) for mode in ("allow-all", "block-all")]
    (row,) = amplified(sample.analysis(found))
    assert (row.kind, row.requests, row.frames) == ("", 4, 2.0)


def test_rows_beyond_the_page_are_counted() -> None:
    found = [sample.finding(f"udp/{port}", "+", port=port) for port in range(1, 60)]
    assert any("19 further rows" in text for text in sample.texts(drawn(amplification.draw, sample.analysis(found))))


# How soon


def test_every_reply_is_a_dot_in_the_colour_of_its_verdict() -> None:
    found = [sample.finding("ntp", "+++"), sample.finding("ntp", "++++", mode="allow-all", promise="allow")]
    figure = drawn(
        latency.draw, sample.analysis(found, [sample.mode("block-all"), sample.mode("allow-all", "", "allow")])
    )
    dots: Counter[str] = Counter()
    for line in figure.findobj(Line2D):
        assert isinstance(line, Line2D)
        dots[str(line.get_markeredgecolor())] += np.size(line.get_xdata())
    # One of each colour stands in the legend.
    assert dots == {VERDICT_LOOKS["leaked"].line: 3 + 1, VERDICT_LOOKS["allowed"].line: 4 + 1}
    rows = [row for *_, rows in timed(sample.analysis(found)) for row in rows]
    assert [(row.count, sum(step.count for step in row.spread)) for row in rows] == [(7, 7)]


def test_what_is_too_soon_for_the_link_is_shaded_and_said() -> None:
    slow, quick = (sample.analysis([sample.finding("ntp", "+", zone=zone)]) for zone in ("internet", "lan"))
    assert latency.ON_TARGET in sample.texts(drawn(latency.draw, slow))
    assert latency.ON_TARGET not in sample.texts(drawn(latency.draw, quick))
    assert drawn(latency.draw, quick).get_label() == clean(of_latency(timed(quick)))


def test_many_replies_are_a_density() -> None:
    found = sample.finding("ntp", "+")
    assert found.rtt_us is not None
    found.rtt_us = replace(found.rtt_us, count=5001, spread=[Step(us=100.0, count=5000), Step(us=2e6, count=1)])
    seen = sample.texts(drawn(latency.draw, sample.analysis([found])))
    assert "many replies: heights are logarithmic" in seen
    assert "of 5001" in seen


def test_the_median_of_several_modes_is_that_of_all_their_replies() -> None:
    found = [sample.finding("ntp", "+", mode=mode) for mode in ("a", "b", "c")]
    for one, us in zip(found, (10.0, 20.0, 90.0), strict=True):
        assert one.rtt_us is not None
        one.rtt_us = replace(one.rtt_us, median=us, spread=[Step(us=us, count=1)])
    ((_, _, (row,)),) = timed(sample.analysis(found))
    assert (row.median, row.count) == (20.0, 3)


# The axis


def test_an_axis_has_room_for_all_and_a_place_for_nothing() -> None:
    scale = logarithmic.scale([0.0, 5.0, 2000.0], (0.0, 1.0), 100.0, 200.0)
    assert scale.x(0) == scale.left
    assert scale.left < scale.x(5) < scale.x(2000) < scale.right
    assert [power for _, power in scale.decades()] == [0, 1, 2, 3]
    assert all(scale.left <= x <= scale.right for x in scale.between())
