"""Which replies leaked through each mode: services down, grouped by zone; modes across."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from capanalyze.model import Analysis, Finding, ModeInfo
from capanalyze.report.graphs import style
from capanalyze.report.graphs.page import (
    BODY,
    BOLD,
    MARGIN,
    RIGHT,
    SMALL,
    TEXT,
    Page,
    cell,
    cell_face,
    cell_size,
    fit,
    settings,
    width,
    wrap,
)
from capanalyze.report.graphs.style import FLIPS_MARK, FLIPS_WORDS, GREY, INK, NOT_PROBED

# So many modes stand side by side; further ones follow in a block of their own.
MOST_COLUMNS = 8
MOST_BLOCKS = 4
MOST_ZONES = 20
# A scan of every port makes a row for each; the figure says how many it leaves out.
MOST_ROWS = 160
FEWEST_ROWS = 4

ROW = 13.5
CELL = 10.8
GAP = 5.0
# Room for the services' names: as much as the cells leave, within these bounds.
NARROWEST_LABEL, WIDEST_LABEL = 108.0, 300.0
# A cell of this width holds "? proves nothing 12".
WORDY_CELL = 92.0
# A narrower one has no room for "not probed".
SPEAKING_CELL = 44.0
LEGEND_CELL = 78.0

Column = tuple[str | None, ModeInfo | None]


@dataclass(frozen=True)
class Band:
    """The rows of one zone: one finding for each service, and the services not probed there."""

    zone: str
    interfaces: list[str]
    rows: list[Finding]
    absent: list[str]


@dataclass(frozen=True)
class Table:
    """What is drawn: blocks of columns, bands of rows, the findings in the cells, and what is left out."""

    blocks: list[list[Column]]
    bands: list[Band]
    cells: dict[tuple[str | None, str, str], Finding]
    left_out: list[str]


@dataclass(frozen=True)
class Grid:
    """Where columns stand, and the looks whose words have room in them."""

    left: float
    pitch: float
    wordy: frozenset[str]

    @property
    def cell(self) -> float:
        """The width of a cell."""
        return self.pitch - GAP

    def edges(self, number: int) -> list[tuple[float, float]]:
        """The left and right edges of the columns."""
        starts = [self.left + self.pitch * index for index in range(number)]
        return [(start, start + self.cell) for start in starts]


def draw(analysis: Analysis) -> Figure | None:
    """The graph; None where nothing was asked of the target."""
    if not analysis.findings:
        return None
    with settings():
        page = Page()
        y = page.header(headline(analysis), _subtitle(analysis))
        table = _table(analysis)
        grid = _grid(table)
        for columns in table.blocks:
            y = _block(page, y, table, columns, grid)
        y = _legend(page, y + 5, table, grid)
        page.footer(y, _notes(analysis, table), style.source(analysis))
        return page.figure


def headline(analysis: Analysis) -> str:
    """The result in words."""
    judged = [found for found in analysis.findings if found.verdict is not None]
    if not judged:
        return _without_modes(analysis)
    leaking = {found.mode for found in analysis.leaks()}
    if not leaking:
        return _without_leaks(judged)
    name, mode = style.worst_mode(analysis)
    sentence = f"{style.mode_title(mode)} {_leaked(analysis, name)}"
    if len(leaking) == 1:
        return sentence
    return f"{len(leaking)} of {style.counted(len(analysis.modes), 'mode')} leaked; {sentence}"


def _subtitle(analysis: Analysis) -> str:
    rejecting = any(style.state(found) in ("visible", "refused", "rejected") for found in analysis.findings)
    rejections = "; where refused, rejections" if rejecting else ""
    return f"Replies that left the target / requests that could draw one{rejections}"


def _leaked(analysis: Analysis, mode: str | None) -> str:
    verdicts = {(found.service, found.verdict) for found in analysis.findings if found.mode == mode}
    order = [found.service for found in style.services(analysis)]
    answered = [service for service in order if (service, "leaked") in verdicts]
    if answered:
        if len(answered) == 1:
            return f"let {style.named(answered[0])} answer"
        return f"let {len(answered)} services answer: {style.listing(answered, 5)}"
    rejected = [service for service in order if (service, "visible") in verdicts]
    return f"gave the host away by rejecting requests to {style.listing(rejected, 5)}"


def _without_leaks(judged: Sequence[Finding]) -> str:
    forbidden = [found for found in judged if found.promise == "block"]
    if not forbidden:
        answered = {found.service for found in judged if found.replied}
        return f"Nothing could leak, as nothing was promised; {style.counted(len(answered), 'service')} answered"
    asked = {found.service for found in forbidden if found.provable}
    if not asked:
        return "Nothing is proved: no request could have drawn a reply that a mode forbids"
    requests = style.counted(sum(found.provable for found in forbidden), "request")
    services = style.counted(len(asked), "service")
    return f"No leak: {requests} to {services} that should be blocked drew no reply"


def _without_modes(analysis: Analysis) -> str:
    replied = {found.service for found in analysis.findings if found.replied}
    answered = [found.service for found in style.services(analysis) if found.service in replied]
    if answered:
        return f"{style.counted(len(answered), 'service')} answered: {style.listing(answered, 5)}"
    requests = style.counted(sum(found.exchanges for found in analysis.findings), "request")
    return f"No service answered: {requests} drew no reply"


def _table(analysis: Analysis) -> Table:
    columns, zones, services = style.modes(analysis), style.zones(analysis), style.services(analysis)
    drawn = columns[: MOST_COLUMNS * MOST_BLOCKS]
    blocks = _blocks(drawn)
    shown = zones[:MOST_ZONES]
    room = max(FEWEST_ROWS, MOST_ROWS // (len(shown) * len(blocks)))
    bands = [_band(analysis, zone, interfaces, services[:room]) for zone, interfaces in shown]
    left_out = [
        *_left_out(analysis, "mode", [name for name, _ in columns[len(drawn) :]]),
        *_left_out(analysis, "zone", [name for name, _ in zones[MOST_ZONES:]]),
        *_left_out(analysis, "service", [found.service for found in services[room:]]),
    ]
    cells = {(found.mode, found.zone, found.service): found for found in analysis.findings}
    return Table(blocks=blocks, bands=bands, cells=cells, left_out=left_out)


def _left_out(analysis: Analysis, noun: Literal["mode", "zone", "service"], names: Sequence[str | None]) -> list[str]:
    leaking = {getattr(found, noun) for found in analysis.leaks()}
    return style.left_out(len(names), noun, len(leaking.intersection(names)) if leaking else None)


def _blocks(columns: list[Column]) -> list[list[Column]]:
    # Blocks of even size, as nine modes in eight and one would look like two tables.
    number = -(-len(columns) // MOST_COLUMNS)
    size = -(-len(columns) // number)
    return [columns[start : start + size] for start in range(0, len(columns), size)]


def _band(analysis: Analysis, zone: str, interfaces: list[str], services: list[Finding]) -> Band:
    probed = {found.service for found in analysis.findings if found.zone == zone}
    return Band(
        zone=zone,
        interfaces=[name for name in interfaces if name != zone],
        rows=[found for found in services if found.service in probed],
        absent=[found.service for found in services if found.service not in probed],
    )


def _grid(table: Table) -> Grid:
    across = len(table.blocks[0])
    spare = BODY - across * (WORDY_CELL + GAP)
    label = max(NARROWEST_LABEL, min(WIDEST_LABEL, spare))
    pitch = (BODY - label + GAP) / across
    # A look shows its word in all cells or in none; without, the legend says it.
    cramped = {style.look(found).word for found in _drawn(table) if not _fits(found, pitch - GAP)}
    words = {look.word for look in style.LOOKS}
    return Grid(MARGIN + label, pitch, frozenset(words - cramped))


def _drawn(table: Table) -> list[Finding]:
    modes = [mode for columns in table.blocks for mode, _ in columns]
    keys = [(mode, band.zone, row.service) for band in table.bands for row in band.rows for mode in modes]
    return [table.cells[key] for key in keys if key in table.cells]


def _fits(found: Finding, room: float) -> bool:
    look = style.look(found)
    return width(_words(found, wordy=True), cell_size(room), cell_face(look)) <= room - 5


def _words(found: Finding, *, wordy: bool) -> str:
    look = style.look(found)
    flips = FLIPS_MARK if found.changes or found.more_changes else ""
    return " ".join(filter(None, (look.mark, look.word if wordy else "", style.count(found), flips)))


def _block(page: Page, y: float, table: Table, columns: list[Column], grid: Grid) -> float:
    y = _heads(page, y + 8, columns, grid)
    for band in table.bands:
        y = _zone(page, y + 19, band)
        for row in band.rows:
            cells = [table.cells.get((mode, band.zone, row.service)) for mode, _ in columns]
            _row(page, y, row, cells, grid)
            y += ROW
        y = _absent(page, y, band)
    return y


def _heads(page: Page, y: float, columns: list[Column], grid: Grid) -> float:
    size = TEXT + 0.5 if grid.cell > 80 else SMALL
    room = grid.cell + GAP - 3
    titles = [_title(mode, room, size) for _, mode in columns]
    promises = [wrap(style.promise(mode), room, 4, SMALL) for _, mode in columns]
    tallest = max(map(len, titles))
    ends = []
    for (left, right), title, promise in zip(grid.edges(len(columns)), titles, promises, strict=True):
        top = y + (tallest - len(title)) * size * 1.32
        top = page.lines((left + right) / 2, top, title, size=size, face=BOLD, align="center")
        ends.append(page.lines((left + right) / 2, top + 2, promise, size=SMALL, ink=GREY, align="center"))
    return max(ends)


def _title(mode: ModeInfo | None, room: float, size: float) -> list[str]:
    title = wrap(style.mode_title(mode), room, 4, size, BOLD)
    if mode and any(line.endswith("…") for line in title):
        return wrap(style.named(mode.name), room, 4, size, BOLD)
    return title


def _zone(page: Page, baseline: float, band: Band) -> float:
    size = TEXT + 0.5
    title = fit(f"from {style.zone_words(band.zone)}", RIGHT - MARGIN, size, BOLD)
    page.text(MARGIN, baseline, title, size=size, face=BOLD)
    end = MARGIN + width(title, size, BOLD) + 5
    if band.interfaces and end < RIGHT - 40:
        page.text(end, baseline, fit(f"({style.listing(band.interfaces)})", RIGHT - end), ink=GREY)
    page.rule(baseline + 4.5, INK)
    return baseline + 7


def _absent(page: Page, y: float, band: Band) -> float:
    if not band.absent:
        return y
    text = fit(f"not probed from here: {style.listing(band.absent, 12)}", BODY, SMALL)
    page.text(MARGIN, y + CELL - 2, text, size=SMALL, ink=NOT_PROBED.ink)
    return y + ROW


def _row(page: Page, y: float, row: Finding, cells: Sequence[Finding | None], grid: Grid) -> None:
    _label(page, y + CELL / 2 + 2.7, row, grid.left - GAP - 3)
    for found, (left, right) in zip(cells, grid.edges(len(cells)), strict=True):
        box = (left, y, right, y + CELL)
        if found is None:
            cell(page, box, NOT_PROBED, NOT_PROBED.word if grid.cell > SPEAKING_CELL else "")
        else:
            look = style.look(found)
            cell(page, box, look, _words(found, wordy=look.word in grid.wordy))


def _label(page: Page, baseline: float, row: Finding, right: float) -> None:
    port = style.address(row)
    if port != row.service:
        page.text(right, baseline, port, size=SMALL, ink=GREY, align="right")
        right -= width(port, SMALL) + 5
    service = fit(style.named(row.service), right - MARGIN)
    page.text(MARGIN, baseline, service)
    end = MARGIN + width(service, TEXT) + 5
    if row.name.casefold() != row.service.casefold() and right - end > 24:
        page.text(end, baseline, fit(row.name, right - end, SMALL), size=SMALL, ink=GREY)


def _legend(page: Page, y: float, table: Table, grid: Grid) -> float:
    """The words of the marks that stand in cells too narrow for them."""
    drawn = _drawn(table)
    wordless = {style.look(found).word for found in drawn} - grid.wordy
    cells = [(look, f"{look.mark} {look.word}") for look in style.LOOKS if look.word in wordless]
    rows = sum(len(band.rows) for band in table.bands)
    if grid.cell <= SPEAKING_CELL and len(drawn) < rows * sum(map(len, table.blocks)):
        cells.append((NOT_PROBED, f"blank: {NOT_PROBED.word}"))
    across = int(BODY // LEGEND_CELL)
    for place, (look, words) in enumerate(cells):
        row, column = divmod(place, across)
        left, top = MARGIN + column * LEGEND_CELL, y + 4 + row * ROW
        cell(page, (left, top, left + LEGEND_CELL - GAP, top + CELL), look, words)
    return y + 4 + ROW * -(-len(cells) // across) if cells else y


def _notes(analysis: Analysis, table: Table) -> list[str]:
    flips = any(found.changes or found.more_changes for found in analysis.findings)
    notes = [f"{FLIPS_MARK} {FLIPS_WORDS}"] if flips else []
    return [*notes, "; ".join(table.left_out)] if table.left_out else notes
