"""A report: one `Analysis` in several forms.

A form only reads the analysis: its words are in `words` and `headlines`, its order in `order`, its colours in
`looks`. This module decides what stands in the folder; `output` writes it, whole or not at all. What needs
matplotlib or jinja2 is imported when a form asks for it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from capanalyze.errors import OutputError
from capanalyze.model import EVIDENCE, EVIDENCE_AUDIT, Analysis, Dissection
from capanalyze.report.output import make_folder, remove, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from capanalyze.exhibits import Bundle
    from capanalyze.report.graphs import Graph


@dataclass(frozen=True)
class Picture:
    """One graph of a host, the first being 0, rendered, and what it shows in words."""

    host: int
    name: str
    title: str
    result: str
    octets: bytes


class Pictures:
    """The graphs of one analysis: each drawn once and rendered once per format, when a form asks for it."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    @cached_property
    def svg(self) -> list[Picture]:
        """Every graph that there is something to draw for, as SVG."""
        return self._rendered("svg")

    @cached_property
    def png(self) -> list[Picture]:
        """The same graphs as PNG."""
        return self._rendered("png")

    @cached_property
    def _drawn(self) -> "list[tuple[int, Graph, Figure]]":
        from capanalyze.report.by_host import parts
        from capanalyze.report.graphs import GRAPHS

        drawn = ((host, graph, graph.draw(part)) for host, part in enumerate(parts(self._analysis)) for graph in GRAPHS)
        return [(host, graph, figure) for host, graph, figure in drawn if figure is not None]

    def _rendered(self, form: Literal["svg", "png"]) -> list[Picture]:
        from capanalyze.report.graphs import render

        return [
            Picture(host, _page(graph.name, host), graph.title, str(figure.get_label()), render(figure, form))
            for host, graph, figure in self._drawn
        ]


def _page(name: str, host: int) -> str:
    """The stem of a graph's files: `leaks`, `leaks-2` for the second host."""
    return f"{name}-{host + 1}" if host else name


@dataclass(frozen=True)
class Deep:
    """The frames that findings rest on, and what tshark said of them, by their numbers in the file of evidence."""

    bundle: "Bundle"
    dissections: Mapping[int, Dissection]


@dataclass(frozen=True)
class Material:
    """What forms of report are made from."""

    analysis: Analysis
    pictures: Pictures
    deep: Deep | None


def write_report(analysis: Analysis, folder: Path, forms: Iterable[str], deep: Deep | None = None) -> list[Path]:
    """Write the report into a folder, in the forms named (see `REPORTERS`), and its evidence; returns the files."""
    asked = set(forms)
    if unknown := asked - REPORTERS.keys():
        raise OutputError(f"{', '.join(sorted(unknown))}: no such form of report")
    make_folder(folder)
    material = Material(analysis, Pictures(analysis), deep)
    written = [path for form, write in REPORTERS.items() if form in asked for path in write(material, folder)]
    return written + _write_evidence(folder, deep)


def _write_evidence(folder: Path, deep: Deep | None) -> list[Path]:
    """The file of evidence and its audit; an earlier report's must not stand beside this report's."""
    bundle = deep.bundle if deep else None
    octets = bundle.octets if bundle and bundle.shown else None
    audit = bundle.audit.encode() if bundle and bundle.shown and bundle.audit else None
    written = []
    for path, content in ((folder / EVIDENCE, octets), (folder / EVIDENCE_AUDIT, audit)):
        if content is None:
            remove(path)
        else:
            written.append(write_whole(path, content))
    return written


def _write_html(material: Material, folder: Path) -> list[Path]:
    from capanalyze.report.as_html import to_html

    return [write_whole(folder / "report.html", to_html(material.analysis, material.pictures.svg, material.deep))]


def _write_json(material: Material, folder: Path) -> list[Path]:
    from capanalyze.report.as_json import to_json

    return [write_whole(folder / "report.json", to_json(material.analysis))]


def _write_graphs(material: Material, folder: Path) -> list[Path]:
    from capanalyze.report.graphs import GRAPHS

    pictures = material.pictures
    graphs = folder / "graphs"
    if pictures.svg:
        make_folder(graphs)
    written = [
        write_whole(graphs / f"{picture.name}.{form}", picture.octets)
        for form, rendered in (("svg", pictures.svg), ("png", pictures.png))
        for picture in rendered
    ]
    # An earlier report's graph must not stand beside this report's.
    for graph in GRAPHS:
        for path in (*graphs.glob(f"{graph.name}.*"), *graphs.glob(f"{graph.name}-[0-9]*.*")):
            if path not in written and path.suffix in (".svg", ".png"):
                remove(path)
    return sorted(written)


Reporter = Callable[[Material, Path], list[Path]]

REPORTERS: dict[str, Reporter] = {
    "html": _write_html,
    "json": _write_json,
    "graphs": _write_graphs,
}
