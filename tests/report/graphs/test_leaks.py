"""The table of leaks, and what both graphs share: looks, octets, hostile names."""

# ruff: noqa: RUF001 (the marks of verdicts look like letters)

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from capanalyze.model import Analysis
from capanalyze.report.graphs import GRAPHS, Graph, render
from capanalyze.report.graphs.lettering import clean
from capanalyze.report.headlines import of_leaks
from capanalyze.report.order import services
from capanalyze.report.words import on_condition
from tests.report.graphs import sample

SAMPLES = dict(sample.samples())

FINGERPRINTS = """
import hashlib
from tests.report.graphs import sample
from capanalyze.report.graphs import GRAPHS, render
for make in (sample.article, sample.crowded):
    for graph in GRAPHS:
        figure = graph.draw(make())
        for form in ("svg", "png"):
            print(hashlib.sha256(render(figure, form)).hexdigest())
"""


def drawn(analysis: Analysis) -> Figure:
    return drawn_by(GRAPHS[0], analysis)


def drawn_by(graph: Graph, analysis: Analysis) -> Figure:
    figure = graph.draw(analysis)
    assert figure is not None
    return figure


@pytest.mark.parametrize("name", SAMPLES)
def test_no_text_runs_into_another_or_out_of_the_figure(name: str) -> None:
    assert sample.collisions(drawn(SAMPLES[name])) == []


def test_title_states_the_result() -> None:
    for analysis in SAMPLES.values():
        assert drawn(analysis).get_label() == clean(on_condition(analysis.target, of_leaks(analysis)))


def test_cells_say_mark_word_and_count() -> None:
    seen = sample.texts(drawn(SAMPLES["article"]))
    assert seen.count("● LEAK 4/5") == 8
    assert seen.count("○ allowed 4/6") == 2
    assert seen.count("– blocked 0/4") == 2
    assert seen.count("? unproven 3") == 6
    assert {"promises nothing", "promises: only", "tcp/22 in, and ping", "promises: nothing", "in but ping"} <= set(
        seen
    )
    assert {"from the internet", "(ppp0)", "from the LAN", "(en0)"} <= set(seen)


def test_every_verdict_has_its_cell() -> None:
    seen = sample.texts(drawn(SAMPLES["verdicts"]))
    for words in (
        "● LEAK 3/4",
        "◆ visible 2/3",
        "× refused 1/2",
        "○ allowed 2/2",
        "– blocked 0/3",
        "· silent 0/2",
        "⋯ indeterminate 2",
        "? unproven 3",
    ):
        assert words in seen


def test_without_a_mode_there_is_no_verdict() -> None:
    seen = sample.texts(drawn(SAMPLES["no_mode"]))
    assert {"no mode given", "○ replied 4/5", "× rejected 3/3", "· silent 0/3"} <= set(seen)
    assert not any("LEAK" in text or "allowed" in text for text in seen)


def test_what_unproven_means_is_said_once() -> None:
    meant = "? unproven: silence proves nothing here, as such requests need not draw a reply"
    assert sample.texts(drawn(SAMPLES["article"])).count(meant) == 1
    assert meant not in sample.texts(drawn(SAMPLES["boot"]))


def test_not_probed_is_not_blocked() -> None:
    seen = sample.texts(drawn(SAMPLES["verdicts"]))
    assert "not probed" in seen
    assert seen.count("– blocked 0/3") == 1
    assert any(text.startswith("not probed from here: tcp/8000") for text in seen)


def test_narrow_cells_are_explained() -> None:
    seen = sample.texts(drawn(SAMPLES["many_modes"]))
    assert "● 4/5" in seen
    assert {"● LEAK", "– blocked", "? unproven", "blank: not probed"} <= set(seen)
    assert "not probed" not in seen


def test_flips_are_marked() -> None:
    seen = sample.texts(drawn(SAMPLES["boot"]))
    assert "● LEAK 4/7 ⇅" in seen
    assert any(text.startswith("⇅ flips") for text in seen)


def test_leaks_come_first_and_the_order_is_that_of_all_zones() -> None:
    rows = [found.service for found in services(SAMPLES["article"])]
    assert rows[:3] == ["mdns", "nbns", "ntp"]
    assert rows[-2:] == ["udp/138", "udp/631"]
    seen = [text for text in sample.texts(drawn(SAMPLES["article"])) if text in rows]
    assert seen == rows * 2


def test_rows_that_have_no_room_are_counted() -> None:
    seen = sample.texts(drawn(SAMPLES["scan"]))
    assert "2,840 further services not drawn, 70 of them with leaks" in seen


def test_source_is_named() -> None:
    lines = " ".join(sample.texts(drawn(SAMPLES["article"]))[-2:])
    assert "and 2 more · 2026-10-29 03:54–04:17 UTC" in lines
    assert "target 192.0.2.10 and 203.0.113.10" in lines
    assert "capanalyze 0.1.0" in lines


def test_nothing_to_draw() -> None:
    for graph in GRAPHS:
        assert graph.draw(sample.nothing()) is None


def test_figure_is_a_column_wide() -> None:
    for analysis in SAMPLES.values():
        inches, tall = drawn(analysis).get_size_inches()
        assert inches * 2.54 == pytest.approx(16, abs=0.01)
        # More cannot be rendered.
        assert tall * 200 < 2**15


# -- what both graphs share


@pytest.mark.parametrize("form", ["svg", "png"])
@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.name)
def test_same_octets_twice_whatever_the_settings(graph: Graph, form: Literal["svg", "png"]) -> None:
    figure = drawn_by(graph, sample.article())
    first = render(figure, form)
    assert render(figure, form) == first
    before = dict(mpl.rcParams)
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "none", "figure.dpi": 50, "lines.markersize": 99}):
        assert render(drawn_by(graph, sample.article()), form) == first
    assert dict(mpl.rcParams) == before


def test_same_octets_in_another_process() -> None:
    root = Path(__file__).parents[3]

    def fingerprints(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "SOURCE_DATE_EPOCH": seed}
        ran = subprocess.run(
            [sys.executable, "-c", FINGERPRINTS], env=environment, capture_output=True, text=True, check=True
        )
        return ran.stdout

    first = fingerprints("1")
    assert first.count("\n") == 4 * len(GRAPHS)
    assert fingerprints("2") == first


def test_svg_is_well_formed_and_titled_and_png_carries_no_clock() -> None:
    for name, analysis in SAMPLES.items():
        for graph in GRAPHS:
            figure = drawn_by(graph, analysis)
            svg = render(figure, "svg")
            root = ET.parse(BytesIO(svg)).getroot()
            title = root.find("{http://www.w3.org/2000/svg}title")
            assert title is not None, name
            assert title.text == figure.get_label()
            assert b"<dc:date>" not in svg
    octets = render(drawn(SAMPLES["boot"]), "png")
    assert b"Software" not in octets
    assert b"tIME" not in octets


def test_hostile_names_are_plain_text() -> None:
    for graph in GRAPHS:
        figure = drawn_by(graph, SAMPLES["hostile"])
        seen = sample.texts(figure)
        assert any("$\\frac{1}{0}$" in text for text in seen)
        assert not any(ord(character) < 32 or character == "\u202e" for text in seen for character in text)
        assert b"<script>" not in render(figure, "svg")
