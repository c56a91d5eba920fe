"""The timeline and its axis."""

# ruff: noqa: RUF001 (the marks of verdicts look like letters)

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from msgspec.structs import replace

from capanalyze.model import Analysis, Bin, Timeline
from capanalyze.report.graphs import axis, render
from capanalyze.report.graphs.axis import DAY, HOUR, SECOND
from capanalyze.report.graphs.lettering import clean
from capanalyze.report.graphs.timeline import draw
from capanalyze.report.headlines import of_timeline
from capanalyze.report.words import on_condition
from tests.report.graphs import sample

SAMPLES = dict(sample.samples())
START = sample.START

TIMES = st.integers(-(10**22), 10**22)
EVENTS = st.lists(st.tuples(TIMES, st.integers(0, 10**12)), min_size=1, max_size=30)


def drawn(analysis: Analysis) -> Figure:
    figure = draw(analysis)
    assert figure is not None
    return figure


@pytest.mark.parametrize("name", SAMPLES)
def test_no_text_runs_into_another_or_out_of_the_figure(name: str) -> None:
    assert sample.collisions(drawn(SAMPLES[name])) == []


def test_title_states_the_result() -> None:
    for analysis in SAMPLES.values():
        assert drawn(analysis).get_label() == clean(on_condition(analysis.target, of_timeline(analysis)))


def test_lanes_say_verdict_and_count() -> None:
    seen = sample.texts(drawn(SAMPLES["boot"]))
    assert {"ntp", "● LEAK 4/7", "⇅ 3 flips", "refuses", "answers", "03:54:05"} <= set(seen)


def test_legend_names_only_what_is_drawn() -> None:
    assert sample.texts(drawn(SAMPLES["one_exchange"]))[-3:-1] == ["request", "reply (leak)"]
    seen = set(sample.texts(drawn(SAMPLES["verdicts"])))
    assert {
        "unproven or indeterminate request",
        "rejection (shows the host)",
        "rejection",
        "reply (allowed)",
    } <= seen
    assert "flip" not in seen
    assert "flip" in sample.texts(drawn(SAMPLES["flipping"]))


def test_lanes_that_have_no_room_are_counted() -> None:
    seen = sample.texts(drawn(SAMPLES["article"]))
    assert seen.count("● LEAK 4/5") + seen.count("● LEAK 4/6") == 12
    assert "46 further lanes not drawn, none with a leak" in seen


def test_leaks_have_a_lane_each_or_are_named() -> None:
    leaking = [sample.finding(f"tcp/{port}", "+", transport="tcp", port=port) for port in range(34)]
    seen = sample.texts(drawn(sample.analysis(leaking[:32], [sample.mode("block-all")])))
    assert seen.count("● LEAK 1/1") == 32
    assert not any("not drawn" in text for text in seen)
    seen = sample.texts(drawn(sample.analysis(leaking, [sample.mode("block-all")])))
    assert seen.count("● LEAK 1/1") == 32
    assert any("2 further lanes not drawn, 2 of them with leaks" in text for text in seen)
    assert any("but leaks too: tcp/" in text for text in seen)


def test_of_many_lanes_only_leaks_and_flips_are_drawn() -> None:
    quiet = [sample.finding(f"tcp/{port}", "x", transport="tcp", port=port) for port in range(28)]
    modes = [sample.mode("block-all")]
    assert sample.texts(drawn(sample.analysis(quiet, modes))).count("× refused 1/1") == 24
    seen = sample.texts(drawn(sample.analysis([*quiet, sample.finding("ntp", "+")], modes)))
    assert "● LEAK 1/1" in seen
    assert "× refused 1/1" not in seen
    assert "28 further lanes not drawn, none with a leak" in seen


def test_without_leaks_the_lanes_that_the_title_names_are_drawn_first() -> None:
    quiet = [sample.finding(f"tcp/{port}", "x", transport="tcp", port=port) for port in range(28)]
    quiet.append(sample.finding("tcp/2222", "+", transport="tcp", port=2222, promise="allow"))
    seen = sample.texts(drawn(sample.analysis(quiet, [sample.mode("block-all")])))
    assert "tcp/2222 answered, and no promise was broken" in " ".join(seen)
    assert "○ allowed 1/1" in seen


def test_many_requests_are_densities() -> None:
    figure = drawn(SAMPLES["crowded"])
    assert "up to 40k in 7.2 s" in sample.texts(figure)
    assert "heights are logarithmic where there are many" in sample.texts(figure)
    assert len(render(figure, "svg")) < 300_000


def test_bins_without_requests_draw_nothing() -> None:
    found = sample.finding("ntp", "+")
    nothing = Bin(start=0, requests=0, replied=0, rejected=0, silent=0, indeterminate=0)
    found.timeline = Timeline(start=START, width=1, marks=[], bins=[nothing])
    assert drawn(sample.analysis([found], [sample.mode("block-all")])).get_label()


def test_states_end_where_flips_were_only_counted() -> None:
    found = sample.finding("ntp", "xxxx++++", changing=True)
    modes = [sample.mode("block-all")]
    assert "answers" in sample.texts(drawn(sample.analysis([found], modes)))
    found.more_changes = 1
    assert "answers" not in sample.texts(drawn(sample.analysis([found], modes)))


def test_flips_without_a_time_have_no_line() -> None:
    found = sample.finding("ntp", "x+++", changing=True)
    analysis = sample.analysis([found], [sample.mode("block-all")])
    timeless = replace(found.changes[0].last_before, time=None)
    found.changes[0] = replace(found.changes[0], last_before=timeless)
    assert "answers" in sample.texts(drawn(analysis))
    found.changes[0] = replace(found.changes[0], time=None, first_after=timeless)
    assert not {"answers", "flip"} & set(sample.texts(drawn(analysis)))


def test_flips_of_two_servers_have_lines_but_no_states() -> None:
    found = sample.finding("ntp", "x+x", changing=True)
    found.changes[1] = replace(found.changes[1], server="192.0.2.11")
    seen = sample.texts(drawn(sample.analysis([found], [sample.mode("block-all")])))
    assert "flip" in seen
    assert "answers" not in seen


def test_findings_without_a_timeline_have_no_lane() -> None:
    found = sample.finding("ntp", "+")
    found.timeline = Timeline(start=0, width=0, marks=[], bins=[])
    assert draw(sample.analysis([found], [sample.mode("block-all")])) is None


# -- the axis


def labels(made: axis.Axis) -> list[str]:
    return [tick.label for tick in made.ticks()]


def test_axis_leaves_out_pauses_between_recordings() -> None:
    first = [(START + second * SECOND, START + second * SECOND) for second in range(10)]
    later = [(start + 3 * DAY, end + 3 * DAY) for start, end in first]
    made = axis.make(first + later, 100, 400)
    assert len(made.stretches) == 2
    assert made.breaks() == [made.x(START + DAY)]
    assert made.stretches[0].right - made.stretches[0].left == pytest.approx(143)
    assert {tick.day for tick in made.ticks()} == {"2026-10-29", "2026-11-01"}


def test_axis_keeps_pauses_between_exchanges() -> None:
    assert len(axis.make([(START, START), (START + HOUR, START + HOUR)], 100, 400).stretches) == 1
    spaced = [(START + index * HOUR, START + index * HOUR) for index in range(20)]
    assert len(axis.make(spaced, 100, 400).stretches) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, ["03:53:59.996", "03:53:59.998", "03:54:00.000", "03:54:00.002", "03:54:00.004"]),
        (20.0, ["03:54:00", "03:54:05", "03:54:10", "03:54:15", "03:54:20"]),
        (3600.0, ["04:00", "04:10", "04:20", "04:30", "04:40", "04:50"]),
        (86400.0 * 9, ["2026-10-30", "2026-11-01", "2026-11-03", "2026-11-05", "2026-11-07"]),
    ],
)
def test_ticks_are_round(seconds: float, words: list[str]) -> None:
    end = START + int(seconds * SECOND)
    assert labels(axis.make([(START, START), (end, end)], 130, 440)) == words


def test_times_without_a_calendar_count_from_the_start() -> None:
    assert all(label.endswith(" s") for label in labels(axis.make([(10**22, 10**22 + SECOND)], 100, 400)))
    assert axis.clock(10**22, SECOND) == ""
    assert axis.parse(None) is None
    assert axis.parse("soon") is None
    assert axis.parse("1970-01-01T00:00:01.5Z") == 1_500_000_000


@given(EVENTS)
def test_axis_has_a_place_for_every_event(lengths: list[tuple[int, int]]) -> None:
    events = [(start, start + length) for start, length in lengths]
    made = axis.make(events, 100, 400)
    times = sorted(time for event in events for time in event)
    places = [made.x(time) for time in times]
    assert places == sorted(places)
    assert 100 <= places[0] <= places[-1] <= 400
    ticks = [tick.x for tick in made.ticks()]
    assert ticks == sorted(ticks)
    assert len(ticks) < 40
