"""A report: one `Analysis` in several forms, and the words and the order that all forms share.

A form only reads the analysis. This module decides what stands in the folder; `output` writes it, whole
or not at all. What needs matplotlib or jinja2 is imported when a form asks for it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from capanalyze.errors import OutputError
from capanalyze.model import Analysis, Change, Evidence, Finding, ModeInfo
from capanalyze.report.graphs import style
from capanalyze.report.output import make_folder, remove, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from capanalyze.report.graphs import Graph

DASH = "–"  # noqa: RUF001 (nothing, or from … to)
TIMES = "×"  # noqa: RUF001 (the sign, and no letter)
NOT_NAMED: Mapping[str, str] = MappingProxyType({})

# -- The words ---------------------------------------------------------------------------------------


def headline(analysis: Analysis) -> str:
    """The result in one sentence, without its full stop."""
    if leaked := [found for found in ordered(analysis) if found.verdict == "leaked"]:
        return _leaks_in_words(analysis, leaked)
    if visible := [found for found in analysis.findings if found.verdict == "visible"]:
        return f"No leaks, but {_modes(visible)} let rejections show that there is a host"
    if blocked := [found for found in analysis.findings if found.promise == "block"]:
        return _none_in_words(blocked)
    if promised := [found for found in analysis.findings if found.mode is not None]:
        return f"{_answered(promised)} under {_modes(promised)}, which promised to block none of them"
    if analysis.findings:
        return f"{_answered(analysis.findings)}; no firewall mode is known, so nothing is judged"
    return "No request to the target was captured, so there is nothing to judge"


def _leaks_in_words(analysis: Analysis, leaked: list[Finding]) -> str:
    titles = {name: style.mode_title(mode) for name, mode in style.modes(analysis)}
    modes = [name for name in titles if name in {found.mode for found in leaked}]
    if len(modes) == 1:
        return f"“{shortened(titles[modes[0]], 80)}” let {_services(leaked)} answer"
    clauses = [
        f"{shortened(mode or '', 40)} let {_services(found for found in leaked if found.mode == mode)} answer"
        for mode in modes
    ]
    *most, last = clauses
    return f"{len(modes)} of {len(titles)} modes leaked: {', '.join(most)}, and {last}"


def _none_in_words(blocked: list[Finding]) -> str:
    held = [found for found in blocked if found.verdict in ("blocked", "refused")]
    if not held:
        return f"Nothing is proven: no request under {_modes(blocked)} had to draw a reply"
    return f"No leaks: {_modes(held)} let {_services(held, 'none of ')} answer"


def _answered(findings: list[Finding]) -> str:
    services = {found.service for found in findings}
    replied = {found.service for found in findings if found.replied}
    return f"{len(replied)} of {counted(len(services), 'service')} answered"


def _modes(findings: Iterable[Finding]) -> str:
    return style.listing(dict.fromkeys(shortened(found.mode or "", 40) for found in findings))


def _services(findings: Iterable[Finding], none_of: str = "") -> str:
    names = list(dict.fromkeys(found.service for found in findings))
    if none_of or len(names) > 4:
        return none_of + counted(len(names), "service")
    return style.listing(names)


def counted(number: int, noun: str) -> str:
    """A number and its noun: `1 flip`, `1,204 frames`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def shortened(text: str, length: int) -> str:
    """Text cut to a length, with an ellipsis where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def service_name(found: Finding) -> tuple[str, str]:
    """A service, and what stands beside it: its registered name, its port, as far as they say more."""
    aside = dict.fromkeys((found.name, style.address(found)))
    return found.service, " ".join(word for word in aside if word not in ("", found.service))


def answered(found: Finding) -> str:
    """How many of the requests that could be answered were: `4/5`; a dash where none could."""
    return f"{found.replied}/{found.provable}" if found.provable else DASH


def frames(shown: Evidence, captures: Mapping[str, str] = NOT_NAMED) -> str:
    """Frame numbers of an exchange: `12→13`, with a retransmission `12,14→15`; a dash stands for none.

    `captures` are the captures' short names, to stand before the numbers where there are several.
    """
    requests = f"{captures.get(shown.capture, '')} {_runs(shown.requests) or DASH}"
    replies = f"{captures.get(shown.reply_capture or '', '')} {_runs(shown.replies) or DASH}"
    return f"{requests.strip()}→{replies.strip()}"


def exhibit(found: Finding) -> Evidence:
    """The one exchange that shows best what a finding says."""
    return found.evidence[0] if found.evidence else found.first


def evidence(found: Finding) -> list[Evidence]:
    """The exchanges that a finding points to, each once; those of its flips come with the flips."""
    shown: list[Evidence] = []
    for one in (*found.evidence, found.first, found.last):
        if one not in shown:
            shown.append(one)
    return shown


def _runs(numbers: list[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [_run(run) for run in runs]
    return ",".join([*words[:4], "…"] if len(words) > 4 else words)


def _run(run: list[int]) -> str:
    return f"{run[0]}{DASH}{run[-1]}" if len(run) > 2 else ",".join(map(str, run))


def clock(time: str | None) -> str:
    """The time of day of an ISO 8601 time, to the second."""
    return f"{time[11:19]} UTC" if time else "a time not known"


def microseconds(duration: float) -> str:
    """A duration with three digits and its unit: `272 µs`, `1.35 ms`, `2.50 s`."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if duration >= size:
            scaled = duration / size
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f} {unit}"
    return f"{duration:.0f} µs"


def factor(found: Finding) -> str:
    """How many octets came back for one; empty where none did."""
    if found.factor is None:
        return ""
    return f"{TIMES}{found.factor:.1f}" if found.factor < 100 else f"{TIMES}{found.factor:,.0f}"


def flip(change: Change) -> str:
    """What changed in a flip: `rejected → replied (client)`."""
    return f"{change.before} → {change.after}" + (f" ({change.kind})" if change.kind else "")


# -- The order ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """The findings of one mode in one zone, what a reader looks at first in front."""

    mode: str | None
    info: ModeInfo | None
    zone: str
    interfaces: list[str]
    findings: list[Finding]
    not_probed: list[str]

    @property
    def captures(self) -> list[str]:
        """The captures that its evidence is in."""
        shown = [one for found in self.findings for one in evidence(found)]
        changes = [change for found in self.findings for change in found.changes]
        shown += [one for change in changes for one in (change.last_before, change.first_after)]
        return list({name: None for one in shown for name in (one.capture, one.reply_capture) if name})

    @property
    def notes(self) -> list[str]:
        """The notes on its findings, each once, with the services it is about unless that is all of them."""
        about: dict[str, list[str]] = {}
        for found in self.findings:
            for note in found.notes:
                about.setdefault(note, []).append(found.service)
        return [
            note if len(services) == len(self.findings) else f"{style.listing(services)}: {note}"
            for note, services in about.items()
        ]


def letters(analysis: Analysis) -> dict[str, str]:
    """A short name for each capture, to stand before frame numbers; none where there is only one."""
    if len(analysis.inputs) < 2:
        return {}
    return {one.name: _letter(index) for index, one in enumerate(analysis.inputs)}


def _letter(index: int) -> str:
    more, last = divmod(index, 26)
    return (_letter(more - 1) if more else "") + chr(ord("A") + last)


def ordered(analysis: Analysis) -> list[Finding]:
    """All findings in a reader's order: what is urgent first, then the services as in the graphs."""
    rows = {found.service: row for row, found in enumerate(style.services(analysis))}
    return sorted(analysis.findings, key=lambda found: (style.urgency(found), rows[found.service]))


def sections(analysis: Analysis) -> list[Section]:
    """Every mode and zone that has findings, in the order of the analysis."""
    names = {found.service: " ".join(service_name(found)).strip() for found in style.services(analysis)}
    cells: dict[tuple[str | None, str], list[Finding]] = {}
    for found in ordered(analysis):
        cells.setdefault((found.mode, found.zone), []).append(found)
    return [
        Section(mode, info, zone, interfaces, findings, _left(names, findings))
        for mode, info in style.modes(analysis)
        for zone, interfaces in style.zones(analysis)
        if (findings := cells.get((mode, zone)))
    ]


def _left(names: dict[str, str], findings: list[Finding]) -> list[str]:
    probed = {found.service for found in findings}
    return [name for service, name in names.items() if service not in probed]


def unprobed(analysis: Analysis) -> list[str]:
    """The modes that no request was captured under."""
    seen = {found.mode for found in analysis.findings}
    return [mode.name for mode in analysis.modes if mode.name not in seen]


def totals(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Several counts by name added up, in order of first appearance."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)


# -- The forms ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """One graph, rendered, and what it shows in words."""

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
    def _drawn(self) -> "list[tuple[Graph, Figure]]":
        from capanalyze.report.graphs import GRAPHS

        drawn = ((graph, graph.draw(self._analysis)) for graph in GRAPHS)
        return [(graph, figure) for graph, figure in drawn if figure is not None]

    def _rendered(self, form: Literal["svg", "png"]) -> list[Picture]:
        from capanalyze.report.graphs import render

        return [
            Picture(graph.name, graph.title, str(figure.get_label()), render(figure, form))
            for graph, figure in self._drawn
        ]


def write_report(analysis: Analysis, folder: Path, forms: Iterable[str]) -> list[Path]:
    """Write the report into a folder, in the forms named (see `REPORTERS`); returns the files written."""
    asked = set(forms)
    if unknown := asked - REPORTERS.keys():
        raise OutputError(f"{', '.join(sorted(unknown))}: no such form of report")
    make_folder(folder)
    pictures = Pictures(analysis)
    return [path for form, write in REPORTERS.items() if form in asked for path in write(analysis, folder, pictures)]


def _write_html(analysis: Analysis, folder: Path, pictures: Pictures) -> list[Path]:
    from capanalyze.report.as_html import to_html

    return [write_whole(folder / "report.html", to_html(analysis, pictures.svg))]


def _write_json(analysis: Analysis, folder: Path, _pictures: Pictures) -> list[Path]:
    from capanalyze.report.as_json import to_json

    return [write_whole(folder / "report.json", to_json(analysis))]


def _write_graphs(_analysis: Analysis, folder: Path, pictures: Pictures) -> list[Path]:
    from capanalyze.report.graphs import GRAPHS

    graphs = folder / "graphs"
    if pictures.svg:
        make_folder(graphs)
    written = [
        write_whole(graphs / f"{picture.name}.{form}", picture.octets)
        for form, rendered in (("svg", pictures.svg), ("png", pictures.png))
        for picture in rendered
    ]
    # An earlier report's graph must not stand beside this report's.
    for path in (graphs / f"{graph.name}.{form}" for graph in GRAPHS for form in ("svg", "png")):
        if path not in written:
            remove(path)
    return sorted(written)


Reporter = Callable[[Analysis, Path, Pictures], list[Path]]

REPORTERS: dict[str, Reporter] = {
    "html": _write_html,
    "json": _write_json,
    "graphs": _write_graphs,
}
