"""Graphs of an analysis, one file each: what leaked under which mode, when, how much came back, and how soon.

To add one, write its file with a `draw` and name it in `GRAPHS`. matplotlib is imported when something is
drawn, so that importing this package costs nothing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from capanalyze.model import Analysis

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Graph:
    """One graph: the stem of its files, its heading in the report, and how it is drawn.

    `draw` gives None where the analysis has nothing to show. A figure's label is its result in words.
    """

    name: str
    title: str
    draw: "Callable[[Analysis], Figure | None]"


def _leaks(analysis: Analysis) -> "Figure | None":
    from capanalyze.report.graphs import leaks

    return leaks.draw(analysis)


def _timeline(analysis: Analysis) -> "Figure | None":
    from capanalyze.report.graphs import timeline

    return timeline.draw(analysis)


def _amplification(analysis: Analysis) -> "Figure | None":
    from capanalyze.report.graphs import amplification

    return amplification.draw(analysis)


def _latency(analysis: Analysis) -> "Figure | None":
    from capanalyze.report.graphs import latency

    return latency.draw(analysis)


GRAPHS: tuple[Graph, ...] = (
    Graph("leaks", "Which services answered", _leaks),
    Graph("timeline", "Requests and replies over time", _timeline),
    Graph("amplification", "What came back for one that went in", _amplification),
    Graph("latency", "How soon replies left", _latency),
)


def render(figure: "Figure", form: Literal["svg", "png"]) -> bytes:
    """A figure as octets: the same figure gives the same ones."""
    from capanalyze.report.graphs.page import write

    return write(figure, form)
