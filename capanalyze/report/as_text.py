"""The report on a terminal: the result first, then who, what, and on which evidence.

Nothing from a capture reaches the terminal as it came: every piece passes `_text`, which spells out what
a terminal would obey, and rich's markup is never parsed.
"""

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capanalyze.disclosures import telling
from capanalyze.escape import printable
from capanalyze.model import Analysis, Evidence, Finding, Verdict
from capanalyze.report import (
    DASH,
    Section,
    answered,
    clock,
    counted,
    exhibit,
    factor,
    flip,
    frames,
    headline,
    letters,
    sections,
    shortened,
    totals,
    unprobed,
)
from capanalyze.report.graphs import style

# What the other columns of a finding take; where too little is left of the width for what it disclosed,
# that stands below the table.
TAKEN = 80
LEAST = 30

# Characters of one piece of text.
LONGEST = 2_000

# The rest is in report.html.
SHOWN_CAPTURES = 30
SHOWN_FLIPS = 5
SHOWN_ANNOUNCEMENTS = 20

# One loud colour, for leaks alone.
STYLES: dict[Verdict | None, str] = {
    "leaked": "bold red",
    "visible": "red",
    "refused": "yellow",
    "allowed": "cyan",
    "silent": "dim",
    "indeterminate": "dim",
    "unproven": "dim",
}

# For an output that is not UTF-8: one character for one, so that columns still line up.
_ASCII = str.maketrans("●◆○×·⋯→…“”µ–─", "*%ox.~>~''u--")  # noqa: RUF001 (the marks of `style`)


# A rule below the headings and nothing else. Called ASCII so that rich leaves it as it is.
_RULED = box.Box("    \n" * 2 + " ── \n" + "    \n" * 5, ascii=True)


def render_text(analysis: Analysis, console: Console) -> None:
    """Print the report: coloured and ruled for a terminal, plain for a pipe."""
    with console.capture() as printed:
        _print(analysis, console)
    text = "".join(line.rstrip(" ") + "\n" for line in printed.get().splitlines())
    if not console.encoding.lower().startswith("utf"):
        text = text.translate(_ASCII).encode(console.encoding, "backslashreplace").decode(console.encoding)
    console.file.write(text)


def _print(analysis: Analysis, console: Console) -> None:
    names = letters(analysis)
    leaks = any(found.verdict == "leaked" for found in analysis.findings)
    console.print(_text(headline(analysis) + ".", "bold red" if leaks else "bold"))
    room = console.width - TAKEN
    for block in _blocks(analysis, names, room if room >= LEAST else 0):
        console.print()
        for part in block:
            console.print(part)


def _blocks(analysis: Analysis, names: dict[str, str], room: int) -> Iterator[Iterable[RenderableType]]:
    yield [_grid(_about(analysis))]
    if analysis.inputs:
        yield _captures(analysis, names)
    for section in sections(analysis):
        yield _section(section, names, room)
    if modes := unprobed(analysis):
        yield [_text(f"No request to the target was captured under {style.listing(modes)}.")]
    if analysis.announcements:
        yield _announcements(analysis, names)
    yield [_grid(_account(analysis, names))]


def _text(text: str, look: str | None = None) -> Text:
    return Text(printable(text, LONGEST), look or "", overflow="fold")


def _about(analysis: Analysis) -> Iterator[tuple[str, str]]:
    target = analysis.target
    if analysis.title:
        yield "title", analysis.title
    yield "target", (", ".join(target.addresses) or "not known") + (" (assumed)" if target.assumed else "")
    yield "found by", target.how
    for warning in target.warnings:
        yield "warning", warning
    for note in analysis.notes:
        yield "note", note
    yield "version", f"capanalyze {analysis.capanalyze}; all times are UTC"


def _grid(rows: Iterable[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in rows:
        loud = "yellow" if label == "warning" else None
        grid.add_row(_text(label, loud or "dim"), _text(value, loud))
    return grid


def _more(left: Sequence[object]) -> Iterator[RenderableType]:
    if left:
        yield _indented(f"and {len(left):,} more")


def _indented(line: str) -> RenderableType:
    return Padding(_text(line), (0, 0, 0, 2))


def _table() -> Table:
    return Table(box=_RULED, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")


# -- Captures ----------------------------------------------------------------------------------------


def _captures(analysis: Analysis, names: dict[str, str]) -> Iterator[RenderableType]:
    table = _table()
    if names:
        table.add_column("", no_wrap=True)
    table.add_column("capture", overflow="fold")
    table.add_column("mode", overflow="fold", max_width=20)
    table.add_column("frames", justify="right", no_wrap=True)
    table.add_column("time")
    table.add_column("sha256", no_wrap=True)
    for one in analysis.inputs[:SHOWN_CAPTURES]:
        letter = [_text(names[one.name])] if names else []
        table.add_row(
            *letter,
            _text(shortened(one.name, 100)),
            _text(shortened(one.mode or DASH, 60)),
            _text(f"{one.frames:,}"),
            _text(style.period(one.first, one.last)),
            _text(one.sha256[:12], "dim"),
        )
    yield table
    yield from _more(analysis.inputs[SHOWN_CAPTURES:])


def _account(analysis: Analysis, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    frames_in_all = f"{sum(one.frames for one in analysis.inputs):,}"
    account = _counts(one.account for one in analysis.inputs)
    yield "frames", f"{frames_in_all}: {account}" if account else frames_in_all
    if malformed := _counts(one.malformed for one in analysis.inputs):
        yield "malformed", malformed
    if dropped := sum(interface.dropped or 0 for one in analysis.inputs for interface in one.interfaces):
        yield "dropped", f"{counted(dropped, 'frame')} by the kernel, before they were captured"
    if directions := _counts([analysis.directions]):
        yield "exchanges", directions
    for one in analysis.inputs:
        for note in one.notes:
            yield "note", f"{_named(one.name, names)}: {note}"


def _counts(counts: Iterable[dict[str, int]]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in totals(counts).items() if number)


def _named(capture: str, names: dict[str, str]) -> str:
    return f"{names.get(capture, '')} {shortened(capture, 60)}".strip()


# -- Findings ----------------------------------------------------------------------------------------


def _section(section: Section, names: dict[str, str], room: int) -> Iterator[RenderableType]:
    captures = section.captures
    names_here = names if len(captures) > 1 else {}
    yield _heading(section)
    yield _text(_subheading(section, [_named(name, names) for name in captures]), "dim")
    yield _findings(section, names_here, room)
    for line in _below(section, names_here, disclosed=not room):
        yield _indented(line)


def _heading(section: Section) -> Text:
    mode = style.NO_MODE if section.mode is None else shortened(section.mode, 80)
    line = _text(f"{mode}, from {shortened(style.zone_words(section.zone), 80)}", "bold")
    if section.interfaces and section.interfaces != [section.zone]:
        line.append_text(_text(f" ({', '.join(section.interfaces)})", "dim"))
    return line


def _subheading(section: Section, captures: list[str]) -> str:
    about = f"{style.mode_title(section.info)} ({style.promise(section.info)}); " if section.info else ""
    more = f" and {len(captures) - 4} more" if len(captures) > 4 else ""
    return f"{about}frames of {', '.join(captures[:4])}{more}"


def _findings(section: Section, names: dict[str, str], room: int) -> Table:
    table = _table()
    table.add_column("outcome" if section.mode is None else "verdict", no_wrap=True)
    table.add_column("service", overflow="fold", max_width=30)
    table.add_column("answered", justify="right", no_wrap=True)
    table.add_column("frames", overflow="fold", max_width=20)
    if room:
        table.add_column("disclosed", no_wrap=True, overflow="ellipsis")
    table.add_column("remarks")
    for found in section.findings:
        table.add_row(*_row(found, names, room))
    return table


def _row(found: Finding, names: dict[str, str], room: int) -> Iterator[Text]:
    look = style.look(found)
    yield _text(f"{look.mark} {look.word}", STYLES.get(found.verdict))
    yield _text(_service(found))
    yield _text(answered(found))
    yield _text(frames(exhibit(found), names))
    if room:
        yield _text(shortened(telling(found.disclosures), room))
    yield _text(_remarks(found), "dim")


def _service(found: Finding) -> str:
    """A service and its port; where the port is all its name, the name registered for that."""
    address = style.address(found)
    aside = address if address != found.service else found.name
    return found.service if aside in ("", found.service) else f"{found.service} {shortened(aside, 40)}"


def _remarks(found: Finding) -> str:
    flips = len(found.changes) + found.more_changes
    counts = (
        (flips, counted(flips, "flip")),
        (found.rejected if found.replied else 0, f"{found.rejected:,} rejected"),
        (found.indeterminate if found.provable else 0, f"{found.indeterminate:,} indeterminate"),
        (found.unproven if found.provable else 0, f"{found.unproven:,} unproven"),
        (found.retransmissions, f"{found.retransmissions:,} resent"),
    )
    remarks = [words for number, words in counts if number]
    if found.factor is not None and found.factor > 1:
        remarks.append(f"{factor(found)} octets")
    return ", ".join(remarks)


def _below(section: Section, names: dict[str, str], *, disclosed: bool) -> Iterator[str]:
    """What does not fit into the table, a line each."""
    for found in section.findings:
        name = found.service
        if disclosed and (told := telling(found.disclosures)):
            yield f"{name} disclosed {shortened(told, 66 - len(name))}"
        for change in found.changes[:SHOWN_FLIPS]:
            before, after = frames(change.last_before, names), frames(change.first_after, names)
            yield f"{name}: {flip(change)} at {clock(change.time)}, frames {before}, then {after}"
        if more := len(found.changes[SHOWN_FLIPS:]) + found.more_changes:
            yield f"{name}: {counted(more, 'more flip')}"
    yield from section.notes
    if section.not_probed:
        yield "not probed: " + ", ".join(section.not_probed)


# -- Announcements -----------------------------------------------------------------------------------


def _announcements(analysis: Analysis, names: dict[str, str]) -> Iterator[RenderableType]:
    yield _text("Sent without a request", "bold")
    table = _table()
    for heading in ("service", "mode", "to"):
        table.add_column(heading, overflow="fold", max_width=30)
    table.add_column("messages", justify="right", no_wrap=True)
    table.add_column("first frame", overflow="fold")
    for one in analysis.announcements[:SHOWN_ANNOUNCEMENTS]:
        service = " ".join(dict.fromkeys((one.service, one.name))).strip()
        cells = (service, one.mode or DASH, style.zone_words(one.zone), f"{one.messages:,}")
        table.add_row(*(_text(shortened(cell, 60)) for cell in cells), _text(_first_frame(one.first, names)))
    yield table
    yield from _more(analysis.announcements[SHOWN_ANNOUNCEMENTS:])


def _first_frame(evidence: Evidence, names: dict[str, str]) -> str:
    number = (evidence.replies or evidence.requests)[:1]
    return f"{names.get(evidence.capture, '')} {number[0] if number else DASH}".strip()
