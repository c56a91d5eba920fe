"""A figure as a page of text, boxes and lines, laid out in points from its top left corner."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from capanalyze.report.graphs.lettering import (
    BOLD,
    LEADING,
    OBLIQUE,
    POINTS_PER_INCH,
    SMALL,
    TEXT,
    TITLE,
    Face,
    balance,
    clean,
    fit,
    font_file,
    pack,
    wrap,
)
from capanalyze.report.looks import GREY, INK, PAPER, RULE, Look

WIDTH = 6.3 * POINTS_PER_INCH  # 16 cm
MARGIN = 11.0
RIGHT = WIDTH - MARGIN
BODY = RIGHT - MARGIN
DPI = 200

Align = Literal["left", "center", "right"]
Form = Literal["svg", "png"]
Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


def settings() -> AbstractContextManager[None]:
    """Matplotlib's own defaults and reproducible output, whatever the user's matplotlibrc says."""
    rc: dict[Any, Any] = {k: value for k, value in mpl.rcParamsDefault.items() if not k.startswith("backend")}
    rc["svg.fonttype"] = "path"
    rc["svg.hashsalt"] = "capanalyze"
    rc["path.simplify"] = False
    # Hinted letters are wider than measured ones.
    rc["text.hinting"] = "none"
    return mpl.rc_context(rc)


def write(figure: Figure, form: Form) -> bytes:
    """A figure as octets, the same ones each time."""
    octets = BytesIO()
    metadata = {"Title": figure.get_label()}
    with settings():
        if form == "svg":
            figure.savefig(octets, format="svg", metadata=metadata | {"Date": None, "Creator": None})
        else:
            # More compression takes a third of the time and saves three percent.
            lightly = {"compress_level": 1}
            metadata |= {"Software": None}
            figure.savefig(octets, format="png", dpi=DPI, metadata=metadata, pil_kwargs=lightly)
    return octets.getvalue()


class Page:
    """A page that is filled from the top; `finish` cuts it where the last line ends."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / POINTS_PER_INCH, 1), dpi=DPI, facecolor=PAPER)
        self._down = Affine2D()
        self._points = self._down + self.figure.dpi_scale_trans

    def text(
        self,
        x: float,
        baseline: float,
        text: str,
        *,
        size: float = TEXT,
        face: Face = "",
        ink: str = INK,
        align: Align = "left",
    ) -> None:
        """One line of text."""
        text = clean(text)
        if not text:
            return
        self.figure.add_artist(
            Text(
                x,
                baseline,
                text,
                color=ink,
                fontproperties=FontProperties(fname=font_file(face), size=size),
                horizontalalignment=align,
                verticalalignment="baseline",
                parse_math=False,
                transform=self._points,
            )
        )

    def lines(
        self,
        x: float,
        top: float,
        lines: Sequence[str],
        *,
        size: float = TEXT,
        face: Face = "",
        ink: str = INK,
        align: Align = "left",
    ) -> float:
        """Lines of text below each other; where they end."""
        for line in lines:
            top += size * LEADING
            self.text(x, top, line, size=size, face=face, ink=ink, align=align)
        return top

    def box(self, box: Box, *, fill: str | None = None, edge: str | None = None, dashed: bool = False) -> None:
        """A rectangle."""
        left, top, right, bottom = box
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        self.figure.add_artist(
            PathPatch(
                Path(corners, closed=True),
                facecolor=fill or "none",
                edgecolor=edge or "none",
                linewidth=0.6,
                linestyle=(0, (2.5, 2)) if dashed else "solid",
                transform=self._points,
            )
        )

    def strokes(
        self, strokes: Iterable[tuple[Point, Point]], *, ink: str, wide: float = 0.8, dashed: bool = False
    ) -> None:
        """Straight lines, as one shape."""
        ends = [end for stroke in strokes for end in stroke]
        if not ends:
            return
        self.figure.add_artist(
            PathPatch(
                Path(ends, [Path.MOVETO, Path.LINETO] * (len(ends) // 2)),
                facecolor="none",
                edgecolor=ink,
                linewidth=wide,
                linestyle=(0, (3, 2)) if dashed else "solid",
                capstyle="butt",
                transform=self._points,
            )
        )

    def bars(self, bars: Iterable[Box], fill: str) -> bool:
        """Rectangles as one shape, those without height left out; whether there were any."""
        corners: list[Point] = []
        for left, one, right, other in bars:
            if one != other:
                one, other = round(one, 1), round(other, 1)
                corners += [(left, one), (left, other), (right, other), (right, one), (left, one)]
        if not corners:
            return False
        codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * (len(corners) // 5)
        self.figure.add_artist(
            PathPatch(Path(corners, codes), facecolor=fill, edgecolor="none", transform=self._points)
        )
        return True

    def heads(self, points: Sequence[Point], shape: str, ink: str, *, hollow: bool = False, size: float = 4.6) -> None:
        """The marks at the ends of stems: `shape` is matplotlib's code of a marker."""
        if not points:
            return
        self.figure.add_artist(
            Line2D(
                [x for x, _ in points],
                [y for _, y in points],
                linestyle="none",
                marker=shape,
                markersize=size,
                markerfacecolor=PAPER if hollow else ink,
                markeredgecolor=ink,
                markeredgewidth=1.3 if shape == "x" else 0.9,
                transform=self._points,
            )
        )

    def rule(self, y: float, ink: str = RULE, right: float = RIGHT) -> None:
        """A horizontal line from the left margin."""
        self.strokes([((MARGIN, y), (right, y))], ink=ink, wide=0.6)

    def header(self, title: str, subtitle: str) -> float:
        """The result in words, and what the numbers are; where they end."""
        self.figure.set_label(clean(title))
        y = self.lines(MARGIN, 7, balance(title, BODY, 3, TITLE, BOLD), size=TITLE, face=BOLD)
        return self.lines(MARGIN, y + 4, wrap(subtitle, BODY, 2, TEXT), ink=GREY) + 3

    def footer(self, y: float, notes: Sequence[str], source: Sequence[str]) -> None:
        """What the reader needs to know besides, and where the figure comes from; ends the page."""
        for note in notes:
            y = self.lines(MARGIN, y + 1, wrap(note, BODY, 2, SMALL), size=SMALL, ink=GREY)
        y += 8
        self.rule(y)
        y = self.lines(MARGIN, y + 2, pack(source, " · ", BODY, 4, SMALL), size=SMALL, ink=GREY)
        self.finish(y + 8)

    def finish(self, height: float) -> None:
        """Cuts the page at `height`."""
        height = round(height)
        self.figure.set_size_inches(WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH)
        self._down.clear().scale(1 / POINTS_PER_INCH, -1 / POINTS_PER_INCH)
        self._down.translate(0, height / POINTS_PER_INCH)


def cell_size(room: float) -> float:
    """The size of the text in a cell of this width."""
    return TEXT if room > 80 else SMALL


def cell_face(look: Look) -> Face:
    """The face of the text in a cell."""
    return BOLD if look.loud else OBLIQUE if look.dashed else ""


def cell(page: Page, box: Box, look: Look, text: str) -> None:
    """A box that says a verdict."""
    if look.fill or look.edge:
        page.box(box, fill=look.fill, edge=look.edge, dashed=look.dashed)
    left, top, right, bottom = box
    size, face = cell_size(right - left), cell_face(look)
    text = fit(text, right - left, size, face)
    baseline = (top + bottom) / 2 + 0.36 * size
    page.text((left + right) / 2, baseline, text, size=size, face=face, ink=look.ink, align="center")
