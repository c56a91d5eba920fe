"""Which replies leaked through each mode: services down, grouped by zone; modes across."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from capanalyze.model import Analysis, Finding, ModeInfo
from capanalyze.report.families import FAMILIES, differs, has_both, over_families
from capanalyze.report.graphs import footer
from capanalyze.report.graphs.lettering import BOLD, LEADING, SMALL, TEXT, balance, fit, width, wrap
from capanalyze.report.graphs.page import BODY, MARGIN, RIGHT, Page, cell, cell_face, cell_size, settings
from capanalyze.report.headlines import of_leaks
from capanalyze.report.looks import GREY, INK, LOOKS, NOT_PROBED, VERDICT_LOOKS, count, look, state
from capanalyze.report.order import modes, services, zones
from capanalyze.report.words import FLIPS_MARK, address, listing, mode_title, named, on_condition, promise, zone_words

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
# Between the parts of a label; between it and the cells.
APART = 5.0
BEFORE_CELLS = GAP + 3
# Room for the services' names: what they need and the cells leave, within these bounds.
NARROWEST_LABEL, WIDEST_LABEL = 108.0, 240.0
# Cells are as wide as the page allows, but no wider than reads well. The wordiest ("⋯ indeterminate 12") may
# ask for so much before names get more.
WORDY_CELL, WIDEST_CELL = 92.0, 150.0
LEAST_CELL = 81.0
# A narrower one has no room for "not probed".
SPEAKING_CELL = 44.0
LEGEND_CELL = 78.0

Column = tuple[str | None, ModeInfo | None]


@dataclass(frozen=True)
class Row:
    """A row: a service, and the family of addresses that it is about where findings differ over them."""

    found: Finding
    family: str = ""


@dataclass(frozen=True)
class Band:
    """The rows of one zone, and the services not probed there."""

    zone: str
    interfaces: list[str]
    rows: list[Row]
    absent: list[str]


@dataclass(frozen=True)
class Table:
    """What is drawn: blocks of columns, bands of rows, the findings in the cells, and what is left out."""

    blocks: list[list[Column]]
    bands: list[Band]
    cells: dict[tuple[str | None, str, str, str], Finding]
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
        y = page.header(on_condition(analysis.target, of_leaks(analysis)), _subtitle(analysis))
        table = _table(analysis)
        grid = _grid(table)
        for columns in table.blocks:
            y = _block(page, y, table, columns, grid)
        y = _legend(page, y + 5, table, grid)
        page.footer(y, _notes(analysis, table), footer.source(analysis))
        return page.figure


def _subtitle(analysis: Analysis) -> str:
    rejecting = any(state(found) in ("visible", "refused", "rejected") for found in analysis.findings)
    rejections = "; where refused, rejections" if rejecting else ""
    return f"Replies that left the target / requests that could draw one{rejections}"


def _table(analysis: Analysis) -> Table:
    columns, places, rows = modes(analysis), zones(analysis), services(analysis)
    drawn = columns[: MOST_COLUMNS * MOST_BLOCKS]
    blocks = _blocks(drawn)
    shown = places[:MOST_ZONES]
    room = max(FEWEST_ROWS, MOST_ROWS // (len(shown) * len(blocks)))
    bands = [_band(analysis, zone, interfaces, rows[:room]) for zone, interfaces in shown]
    left_out = [
        *_left_out(analysis, "mode", [name for name, _ in columns[len(drawn) :]]),
        *_left_out(analysis, "zone", [name for name, _ in places[MOST_ZONES:]]),
        *_left_out(analysis, "service", [found.service for found in rows[room:]]),
    ]
    cells = {(found.mode, found.zone, found.service, ""): found for found in analysis.findings}
    for band in bands:
        for row in band.rows:
            if row.family:
                cells.update(_cells_over(analysis, band.zone, row))
    return Table(blocks=blocks, bands=bands, cells=cells, left_out=left_out)


def _cells_over(analysis: Analysis, zone: str, row: Row) -> Iterator[tuple[tuple[str | None, str, str, str], Finding]]:
    """What each mode's cell shows over the family of a row."""
    for found in analysis.findings:
        if (found.zone, found.service) == (zone, row.found.service):
            for one in over_families(found):
                if row.family in one.families:
                    yield (found.mode, zone, found.service, row.family), one


def _left_out(analysis: Analysis, noun: Literal["mode", "zone", "service"], names: Sequence[str | None]) -> list[str]:
    leaking = {getattr(found, noun) for found in analysis.leaks()}
    return footer.left_out(len(names), noun, len(leaking.intersection(names)) if leaking else None)


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
        rows=[row for found in services if found.service in probed for row in _rows(analysis, zone, found)],
        absent=[found.service for found in services if found.service not in probed],
    )


def _rows(analysis: Analysis, zone: str, service: Finding) -> list[Row]:
    """A row for a service, or one for each family where a mode's finding differs over them."""
    here = [found for found in analysis.findings if (found.zone, found.service) == (zone, service.service)]
    if not any(map(differs, here)):
        return [Row(service)]
    return [Row(service, family) for family in FAMILIES if any(family in found.families for found in here)]


def _grid(table: Table) -> Grid:
    across, drawn = len(table.blocks[0]), _drawn(table)
    words = max((_cell_width(found, WORDY_CELL) for found in drawn), default=0)
    names = max((_label_width(row) for band in table.bands for row in band.rows), default=0)
    spare = BODY + GAP - across * (min(max(words, LEAST_CELL), WORDY_CELL) + GAP)
    label = max(NARROWEST_LABEL, min(names, spare, WIDEST_LABEL))
    pitch = min((BODY - label + GAP) / across, WIDEST_CELL + GAP)
    # A look shows its word in all cells or in none; without, the legend says it.
    cramped = {look(found).word for found in drawn if _cell_width(found, pitch - GAP) > pitch - GAP}
    return Grid(MARGIN + label, pitch, frozenset(each.word for each in LOOKS) - cramped)


def _drawn(table: Table) -> list[Finding]:
    names = [mode for columns in table.blocks for mode, _ in columns]
    keys = [
        (mode, band.zone, row.found.service, row.family) for band in table.bands for row in band.rows for mode in names
    ]
    return [table.cells[key] for key in keys if key in table.cells]


def _cell_width(found: Finding, room: float) -> float:
    """What a cell needs for all its words, in the size that it has in this room."""
    return width(_words(found, wordy=True), cell_size(room), cell_face(look(found))) + 5


def _words(found: Finding, *, wordy: bool) -> str:
    shown = look(found)
    flips = FLIPS_MARK if found.changes or found.more_changes else ""
    return " ".join(filter(None, (shown.mark, shown.word if wordy else "", count(found), flips)))


def _block(page: Page, y: float, table: Table, columns: list[Column], grid: Grid) -> float:
    y = _heads(page, y + 8, columns, grid)
    for band in table.bands:
        y = _zone(page, y + 19, band, grid.edges(len(columns))[-1][1])
        for row in band.rows:
            cells = [table.cells.get((mode, band.zone, row.found.service, row.family)) for mode, _ in columns]
            _row(page, y, row, cells, grid)
            y += ROW
        y = _absent(page, y, band)
    return y


def _heads(page: Page, y: float, columns: list[Column], grid: Grid) -> float:
    size = TEXT + 0.5 if grid.cell > 80 else SMALL
    room = grid.cell + GAP - 3
    titles = [_title(mode, room, size) for _, mode in columns]
    promises = [balance(promise(mode), room, 4, SMALL, "") for _, mode in columns]
    tallest = max(map(len, titles))
    ends = []
    for (left, right), title, promised in zip(grid.edges(len(columns)), titles, promises, strict=True):
        top = y + (tallest - len(title)) * size * LEADING
        top = page.lines((left + right) / 2, top, title, size=size, face=BOLD, align="center")
        ends.append(page.lines((left + right) / 2, top + 2, promised, size=SMALL, ink=GREY, align="center"))
    return max(ends)


def _title(mode: ModeInfo | None, room: float, size: float) -> list[str]:
    title = balance(mode_title(mode), room, 4, size, BOLD)
    if mode and any(line.endswith("…") for line in title):
        return wrap(named(mode.name), room, 4, size, BOLD)
    return title


def _zone(page: Page, baseline: float, band: Band, right: float) -> float:
    size = TEXT + 0.5
    title = fit(f"from {zone_words(band.zone)}", RIGHT - MARGIN, size, BOLD)
    page.text(MARGIN, baseline, title, size=size, face=BOLD)
    end = MARGIN + width(title, size, BOLD) + 5
    if band.interfaces and end < RIGHT - 40:
        page.text(end, baseline, fit(f"({listing(band.interfaces)})", RIGHT - end), ink=GREY)
    page.rule(baseline + 4.5, INK, right)
    return baseline + 7


def _absent(page: Page, y: float, band: Band) -> float:
    if not band.absent:
        return y
    text = fit(f"not probed from here: {listing(band.absent, 12)}", BODY, SMALL)
    page.text(MARGIN, y + CELL - 2, text, size=SMALL, ink=NOT_PROBED.ink)
    return y + ROW


def _row(page: Page, y: float, row: Row, cells: Sequence[Finding | None], grid: Grid) -> None:
    _label(page, y + CELL / 2 + 2.7, row, grid.left - BEFORE_CELLS)
    for found, (left, right) in zip(cells, grid.edges(len(cells)), strict=True):
        box = (left, y, right, y + CELL)
        if found is None:
            cell(page, box, NOT_PROBED, NOT_PROBED.word if grid.cell > SPEAKING_CELL else "")
        else:
            cell(page, box, look(found), _words(found, wordy=look(found).word in grid.wordy))


def _label(page: Page, baseline: float, row: Row, right: float) -> None:
    service, name, port = _label_words(row)
    if port:
        page.text(right, baseline, port, size=SMALL, ink=GREY, align="right")
        right -= width(port, SMALL) + APART
    service = fit(service, right - MARGIN)
    page.text(MARGIN, baseline, service)
    end = MARGIN + width(service, TEXT) + APART
    shown = fit(name, right - end, SMALL)
    # A stump of a name says less than none.
    if shown == name or (right - end > 24 and len(shown) > 0.7 * len(name)):
        page.text(end, baseline, shown, size=SMALL, ink=GREY)


def _label_words(row: Row) -> tuple[str, str, str]:
    """A service, its family or the name registered for it, and its port, as far as they differ."""
    found = row.found
    port = address(found)
    name = "" if found.name.casefold() == found.service.casefold() else found.name
    if row.family:
        name = f"over {FAMILIES[row.family]}"
    return named(found.service), name, "" if port == found.service else port


def _label_width(row: Row) -> float:
    service, name, port = _label_words(row)
    asides = [APART + width(aside, SMALL) for aside in (name, port) if aside]
    return width(service, TEXT) + sum(asides) + BEFORE_CELLS


def _legend(page: Page, y: float, table: Table, grid: Grid) -> float:
    """The words of the marks that stand in cells too narrow for them."""
    drawn = _drawn(table)
    wordless = {look(found).word for found in drawn} - grid.wordy
    cells = [(each, f"{each.mark} {each.word}") for each in LOOKS if each.word in wordless]
    rows = sum(len(band.rows) for band in table.bands)
    if grid.cell <= SPEAKING_CELL and len(drawn) < rows * sum(map(len, table.blocks)):
        cells.append((NOT_PROBED, f"blank: {NOT_PROBED.word}"))
    across = int(BODY // LEGEND_CELL)
    for place, (each, words) in enumerate(cells):
        row, column = divmod(place, across)
        left, top = MARGIN + column * LEGEND_CELL, y + 4 + row * ROW
        cell(page, (left, top, left + LEGEND_CELL - GAP, top + CELL), each, words)
    return y + 4 + ROW * -(-len(cells) // across) if cells else y


def _notes(analysis: Analysis, table: Table) -> list[str]:
    flipping = [found for found in analysis.findings if found.changes or found.more_changes]
    while_set = " while the setting stayed" if all(found.mode is not None for found in flipping) else ""
    notes = [f"{FLIPS_MARK} flips: the outcome changed{while_set}"] if flipping else []
    if any(state(found) == "unproven" for found in _drawn(table)):
        unproven = VERDICT_LOOKS["unproven"]
        notes.append(f"{unproven.mark} {unproven.word}: {unproven.meaning}")
    if only := _over_one(analysis):
        notes.append(only)
    return [*notes, "; ".join(table.left_out)] if table.left_out else notes


def _over_one(analysis: Analysis) -> str:
    """What was asked over one family only, where the target has addresses of both."""
    if not has_both(analysis):
        return ""
    asked: dict[str, set[str]] = {}
    for found in analysis.findings:
        asked.setdefault(found.service, set()).update(found.families)
    only = {words: [one for one, names in asked.items() if names == {name}] for name, words in FAMILIES.items()}
    said = [f"asked over {words} only: {listing(names, 12)}" for words, names in only.items() if names]
    return "; ".join(said)
