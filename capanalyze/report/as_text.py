"""The report on a terminal: the result first, then who, what, and on which evidence.

Nothing from a capture reaches the terminal as it came: every piece passes `_text`, which spells out what
a terminal would obey, and rich's markup is never parsed.
"""

from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from capanalyze.model import Analysis, Evidence, Finding, Verdict
from capanalyze.report import (
    DASH,
    Section,
    answered,
    facts,
    factor,
    flip,
    frames,
    headline,
    printable,
    sections,
    service_name,
    shortened,
    totals,
    unprobed,
)
from capanalyze.report.graphs import style

# From this width on what a finding disclosed and its remarks have a column each.
WIDE = 110

# The rest is in report.html.
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
_ASCII = str.maketrans("●◆○×·⋯→…“”µ–", "*%ox..>.\"\"u-")  # noqa: RUF001 (the marks of `style`)


def render_text(analysis: Analysis, console: Console) -> None:
    """Print the report: coloured and ruled for a terminal, plain for a pipe."""
    if console.encoding.lower().startswith("utf"):
        _print(analysis, console)
        return
    with console.capture() as printed:
        _print(analysis, console)
    text = printed.get().translate(_ASCII)
    console.file.write(text.encode(console.encoding, "backslashreplace").decode(console.encoding))


def _print(analysis: Analysis, console: Console) -> None:
    letters = _letters(analysis)
    leaks = any(found.verdict == "leaked" for found in analysis.findings)
    console.print(_text(headline(analysis) + ".", "bold red" if leaks else "bold"))
    for block in _blocks(analysis, letters, wide=console.width >= WIDE):
        console.print()
        for part in block:
            console.print(part)


def _blocks(
    analysis: Analysis, letters: dict[str, str], *, wide: bool
) -> Iterator[Iterable[RenderableType]]:
    yield [_grid(_about(analysis))]
    if analysis.inputs:
        yield [_captures(analysis, letters)]
    for section in sections(analysis):
        yield _section(section, letters, wide=wide)
    if names := unprobed(analysis):
        yield [_text(f"No request to the target was captured under {style.listing(names)}.")]
    if analysis.announcements:
        yield _announcements(analysis, letters)
    yield [_grid(_account(analysis, letters))]


def _text(text: str, look: str | None = None) -> Text:
    return Text(printable(text), look or "", overflow="fold")


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


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="dim")


# -- Captures ----------------------------------------------------------------------------------------


def _letters(analysis: Analysis) -> dict[str, str]:
    """A short name for each capture, to stand before frame numbers; none where there is only one."""
    if len(analysis.inputs) < 2:
        return {}
    return {one.name: _letter(index) for index, one in enumerate(analysis.inputs)}


def _letter(index: int) -> str:
    more, last = divmod(index, 26)
    return (_letter(more - 1) if more else "") + chr(ord("A") + last)


def _captures(analysis: Analysis, letters: dict[str, str]) -> Table:
    table = _table()
    if letters:
        table.add_column("", no_wrap=True)
    table.add_column("capture", overflow="fold")
    table.add_column("mode", overflow="fold", max_width=20)
    table.add_column("frames", justify="right", no_wrap=True)
    table.add_column("time")
    table.add_column("sha256", no_wrap=True)
    for one in analysis.inputs:
        letter = [_text(letters[one.name])] if letters else []
        table.add_row(
            *letter,
            _text(shortened(one.name, 100)),
            _text(shortened(one.mode or DASH, 60)),
            _text(f"{one.frames:,}"),
            _text(style.period(one.first, one.last)),
            _text(one.sha256[:12], "dim"),
        )
    return table


def _account(analysis: Analysis, letters: dict[str, str]) -> Iterator[tuple[str, str]]:
    captured = style.counted(sum(one.frames for one in analysis.inputs), "frame")
    account = _counts(one.account for one in analysis.inputs)
    yield "frames", f"{captured}: {account}" if account else captured
    if malformed := _counts(one.malformed for one in analysis.inputs):
        yield "malformed", malformed
    if dropped := sum(interface.dropped or 0 for one in analysis.inputs for interface in one.interfaces):
        yield "dropped", f"{style.counted(dropped, 'frame')} by the kernel, before they were captured"
    if directions := _counts([analysis.directions]):
        yield "exchanges", directions
    for one in analysis.inputs:
        for note in one.notes:
            yield "note", f"{_named(one.name, letters)}: {note}"


def _counts(counts: Iterable[dict[str, int]]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in totals(counts).items() if number)


def _named(capture: str, letters: dict[str, str]) -> str:
    return f"{letters.get(capture, '')} {shortened(capture, 60)}".strip()


# -- Findings ----------------------------------------------------------------------------------------


def _section(section: Section, letters: dict[str, str], *, wide: bool) -> Iterator[RenderableType]:
    captures = _captures_of(section)
    letters_here = letters if len(captures) > 1 else {}
    yield _mode_line(section)
    yield _zone_line(section, [_named(name, letters) for name in captures])
    yield _findings(section, letters_here, wide=wide)
    for line in _remarks_below(section, letters_here):
        yield Padding(_text(line), (0, 0, 0, 2))


def _captures_of(section: Section) -> list[str]:
    evidence = [shown for found in section.findings for shown in (found.first, *found.evidence)]
    captures = {name: None for shown in evidence for name in (shown.capture, shown.reply_capture) if name}
    return list(captures)


def _mode_line(section: Section) -> Text:
    if section.mode is None:
        return _text(style.NO_MODE, "bold")
    line = _text(section.mode, "bold")
    if section.info:
        line.append_text(_text(f"  {section.info.title}"))
        line.append_text(_text(f" ({style.promise(section.info)})", "dim"))
    return line


def _zone_line(section: Section, captures: list[str]) -> Text:
    line = _text(f"from {style.zone_words(section.zone)}", "bold")
    if section.interfaces and section.interfaces != [section.zone]:
        line.append_text(_text(f" ({', '.join(section.interfaces)})"))
    return line.append_text(_text(f"  frames of {style.listing(captures)}", "dim"))


def _findings(section: Section, letters: dict[str, str], *, wide: bool) -> Table:
    table = _table()
    table.add_column("outcome" if section.mode is None else "verdict", no_wrap=True)
    table.add_column("service", overflow="fold", max_width=30)
    table.add_column("answered", justify="right", no_wrap=True)
    table.add_column("frames", overflow="fold", max_width=24)
    table.add_column("disclosed" if wide else "disclosed, remarks")
    if wide:
        table.add_column("remarks")
    for found in section.findings:
        table.add_row(*_row(found, letters, wide=wide))
    return table


def _row(found: Finding, letters: dict[str, str], *, wide: bool) -> list[Text]:
    look, (name, address) = style.look(found), service_name(found)
    shown = (found.evidence or [found.first])[: 2 if wide else 1]
    cells = [
        _text(f"{look.mark} {look.word}", STYLES.get(found.verdict)),
        _text(f"{shortened(name, 40)} {address}".strip()),
        _text(answered(found)),
        _text(", ".join(frames(one, letters) for one in shown)),
    ]
    disclosed, remarks = _text(_disclosed(found, 64 if wide else 40)), _text(_remarks(found), "dim")
    if wide:
        return [*cells, disclosed, remarks]
    return [*cells, Text("\n").join(cell for cell in (disclosed, remarks) if cell)]


def _disclosed(found: Finding, length: int) -> str:
    """The first facts that fit into one line, and how many more there are."""
    told = [f"{fact.kind} {printable(fact.value)}" for fact in facts(found)]
    shown: list[str] = []
    while told and len(", ".join([*shown, told[0]])) <= length:
        shown.append(told.pop(0))
    if told and not shown:
        shown.append(shortened(told.pop(0), length))
    return ", ".join(shown) + (f" +{len(told)}" if told else "")


def _remarks(found: Finding) -> str:
    flips = len(found.changes) + found.more_changes
    counts = (
        (flips, style.counted(flips, "flip")),
        (found.rejected if found.replied else 0, f"{found.rejected:,} rejected"),
        (found.indeterminate if found.provable else 0, f"{found.indeterminate:,} indeterminate"),
        (found.unproven if found.provable else 0, f"{found.unproven:,} unproven"),
        (found.retransmissions, f"{found.retransmissions:,} resent"),
    )
    remarks = [words for number, words in counts if number]
    if found.factor is not None and found.factor > 1:
        remarks.append(f"{factor(found)} octets")
    return ", ".join(remarks)


def _remarks_below(section: Section, letters: dict[str, str]) -> Iterator[str]:
    notes: dict[str, list[str]] = {}
    for found in section.findings:
        name = shortened(service_name(found)[0], 40)
        for change in found.changes[:SHOWN_FLIPS]:
            before, after = frames(change.last_before, letters), frames(change.first_after, letters)
            yield f"{name}: {flip(change)}, frames {before}, then {after}"
        if more := len(found.changes[SHOWN_FLIPS:]) + found.more_changes:
            yield f"{name}: {style.counted(more, 'more flip')}"
        for note in found.notes:
            notes.setdefault(note, []).append(name)
    for note, names in notes.items():
        yield note if len(names) == len(section.findings) else f"{style.listing(names)}: {note}"
    if section.not_probed:
        yield "not probed: " + ", ".join(section.not_probed)


# -- Announcements -----------------------------------------------------------------------------------


def _announcements(analysis: Analysis, letters: dict[str, str]) -> Iterator[RenderableType]:
    yield _text("Sent without a request", "bold")
    table = _table()
    for heading in ("service", "mode", "to"):
        table.add_column(heading, overflow="fold", max_width=30)
    table.add_column("messages", justify="right", no_wrap=True)
    table.add_column("first frame", overflow="fold")
    for one in analysis.announcements[:SHOWN_ANNOUNCEMENTS]:
        mode = DASH if one.mode is None else one.mode
        cells = (one.name or one.service, mode, style.zone_words(one.zone), f"{one.messages:,}")
        table.add_row(*(_text(shortened(cell, 60)) for cell in cells), _text(_first_frame(one.first, letters)))
    yield table
    if more := len(analysis.announcements[SHOWN_ANNOUNCEMENTS:]):
        yield Padding(_text(f"and {more:,} more"), (0, 0, 0, 2))


def _first_frame(evidence: Evidence, letters: dict[str, str]) -> str:
    number = (evidence.replies or evidence.requests)[:1]
    return f"{letters.get(evidence.capture, '')} {number[0] if number else DASH}".strip()
