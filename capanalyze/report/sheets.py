"""Sheets: the frames behind findings as the page shows them, with octets, fields and expert information.

Each frame has one sheet, under the first finding that names it, and links to it elsewhere. What does not fit into the
page's room is in the file of evidence alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from capanalyze.model import Analysis, Dissection, Exhibit, Expert, Finding
from capanalyze.report import Deep
from capanalyze.report.hexdump import WIDTH, hex_rows
from capanalyze.report.order import frames_behind, labels, places, sections

SHOWN_OCTETS = 512  # of a frame
ROOM = 10_000_000  # characters of all sheets: a page that still opens at once

# As Wireshark orders and calls them.
SEVERITIES = ("Error", "Warning", "Note", "Chat", "Comment")


@dataclass(frozen=True)
class Sheet:
    """One frame, what the report calls it, its octets, and what tshark made of them."""

    exhibit: Exhibit
    label: str
    octets: bytes
    dissection: Dissection | None

    @property
    def dump(self) -> Markup:
        """The first octets, a line a row: `0010  45 00 00 54 …   E..T…`; the page's script counts on its columns."""
        rows = hex_rows(self.octets[:SHOWN_OCTETS])
        return Markup("\n").join(f"{row.offset}  {row.octets:{3 * WIDTH - 1}}   {row.text}" for row in rows)

    @property
    def left(self) -> int:
        """How many octets are not shown."""
        return max(len(self.octets) - SHOWN_OCTETS, 0)

    @property
    def experts(self) -> list[Expert]:
        """Wireshark's remarks, the gravest first."""
        return sorted(self.dissection.experts, key=_gravity) if self.dissection else []

    @property
    def opened(self) -> int:
        """Which of its layers is unfolded: the innermost that is of a protocol; -1 for none."""
        layers = self.dissection.layers if self.dissection else []
        return max((number for number, layer in enumerate(layers) if not layer.name.startswith("_ws.")), default=-1)


def _gravity(expert: Expert) -> int:
    return SEVERITIES.index(expert.severity) if expert.severity in SEVERITIES else len(SEVERITIES)


Render = Callable[[Sheet, Finding | None], str]


@dataclass(frozen=True)
class Sheets:
    """The sheets of a page.

    Attributes:
        behind: the exhibits of each finding, by its identity.
        homes: of each frame the finding under which its sheet stands, by number in the file of evidence.
        rendered: the sheets that there is room for, by the same numbers.
        others: the frames that no finding names.
        labels: what the page calls each frame, by the same numbers.
    """

    behind: Mapping[int, list[Exhibit]] = field(default_factory=dict)
    homes: Mapping[int, int] = field(default_factory=dict)
    rendered: Mapping[int, Markup] = field(default_factory=dict)
    others: list[Exhibit] = field(default_factory=list)
    labels: Mapping[int, str] = field(default_factory=dict)

    def of(self, found: Finding) -> list[Exhibit]:
        """The exhibits of a finding."""
        return self.behind.get(id(found), [])

    def here(self, exhibit: Exhibit, found: Finding) -> bool:
        """Whether the sheet of a frame stands under this finding."""
        return self.homes.get(exhibit.number) == id(found)


def sheets(analysis: Analysis, deep: Deep | None, captures: Mapping[str, str], render: Render) -> Sheets:
    """Every sheet of a page, in its order, as long as there is room; `captures` are the captures' short names."""
    depth = analysis.depth
    if depth is None or deep is None:
        return Sheets()
    octets = {one.exhibit.number: one.octets for one in deep.bundle.shown}
    findings = {id(found): found for section in sections(analysis) for found in section.findings}
    called = labels(depth.exhibits, captures)
    known = places(depth.exhibits)
    behind = {key: frames_behind(found, known) for key, found in findings.items()}
    homes: dict[int, int] = {}
    for key, exhibits in behind.items():
        for one in exhibits:
            homes.setdefault(one.number, key)
    others = [one for one in depth.exhibits if one.number not in homes]
    drawn = {one.number: one for one in depth.exhibits}
    room = ROOM
    rendered = {}
    for number in (*homes, *(one.number for one in others)):  # as they stand on the page
        sheet = Sheet(drawn[number], called[number], octets.get(number, b""), deep.dissections.get(number))
        text = render(sheet, findings.get(homes.get(number, 0)))
        room -= len(text)
        if room < 0:
            break
        rendered[number] = Markup(text)  # noqa: S704 (the template's)
    return Sheets(behind, homes, rendered, others, called)
