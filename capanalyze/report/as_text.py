"""The report on a terminal: the result first, then who, what, and on which evidence."""

from collections.abc import Container, Iterable, Iterator, Sequence

from rich.console import Console, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from capanalyze.disclosures import telling
from capanalyze.model import Analysis, Announcement, Evidence, Finding, Input, ModeInfo, Target, Verdict
from capanalyze.report.by_host import COMFORTABLE, parts
from capanalyze.report.headlines import did_not_answer, headline, how_held
from capanalyze.report.looks import LOUD, STYLES, VERDICT_LOOKS
from capanalyze.report.order import (
    differences,
    labels,
    letters,
    modes,
    ordered,
    ranked,
    sections,
    totals,
    unprobed,
)
from capanalyze.report.terminal import grid, indented, more, piece, table, write
from capanalyze.report.text_sections import SHOWN_CAPTURES, in_text, lettered
from capanalyze.report.unread import unread_note
from capanalyze.report.words import (
    DASH,
    NO_MODE,
    NOT_HASHED,
    counted,
    counts,
    dropped,
    evidence_size,
    finding_name,
    how_found,
    listing,
    period,
    promise,
    reference_opinion,
    relabelled,
    second_opinion,
    seen_in,
    shortened,
    zone_words,
)

# What the other columns of a finding take; where too little is left of the width for what it disclosed,
# that stands below the table.
TAKEN = 80
LEAST = 30

# Digits of a capture's hash, as there is room; all of it is in report.json.
HASHES = (12, 8)

# The rest is in report.json.
SHOWN_SECTIONS = 200
SHOWN_ANNOUNCEMENTS = 20
SHOWN_DIFFERENCES = 5


def render_text(analysis: Analysis, console: Console, forms: Iterable[str] = ()) -> None:
    """Print the report: coloured and ruled for a terminal, plain for a pipe. `forms` are those written beside it."""
    write(console, _blocks(analysis, console.width, _where_all_is(set(forms))))


def _where_all_is(forms: Container[str]) -> str:
    """Where a reader finds what there is no room for."""
    written = next((form for form in ("json", "html") if form in forms), None)
    return f"see report.{written}" if written else "--format json writes all of them"


def result(analysis: Analysis) -> Text:
    """The headline, loud where something leaked."""
    return piece(headline(analysis) + ".", _loudness(analysis))


def _loudness(analysis: Analysis) -> str:
    return LOUD if any(found.verdict == "leaked" for found in analysis.findings) else "bold"


def _blocks(analysis: Analysis, width: int, rest: str) -> Iterator[Iterable[RenderableType]]:
    names = letters(analysis)
    room = width - TAKEN
    yield [result(analysis)]
    if analysis.hosts:
        yield [_hosts(analysis)]
    elif len(modes(analysis)) > 1:
        yield [_overview(analysis)]
    yield [grid(_about(analysis))]
    if analysis.inputs:
        yield _captures(analysis, names, width)
    for part in parts(analysis):
        if analysis.hosts:
            yield [piece(f"{shortened(part.title, 60)}: {headline(part)}.", _loudness(part)), grid(_about_host(part))]
        yield from _findings(part, names, room, rest)
    yield [grid([*_account(analysis, names), *_evidence(analysis, names), *_reference(analysis)])]


def _findings(analysis: Analysis, names: dict[str, str], room: int, rest: str) -> Iterator[Iterable[RenderableType]]:
    """The findings of one host."""
    shown = sections(analysis)
    explaining = next((section for section in shown if any(found.unproven for found in section.findings)), None)
    for section in shown[:SHOWN_SECTIONS]:
        explanation = [indented(f"unproven: {VERDICT_LOOKS['unproven'].meaning}")] if section is explaining else []
        yield [*in_text(section, names, room if room >= LEAST else 0, rest), *explanation]
    if (left := len(shown) - SHOWN_SECTIONS) > 0:
        yield [piece(f"{counted(left, 'more table')} of findings: {rest}.")]
    if analysis.findings and (silent := unprobed(analysis)):
        yield [piece(f"No request to the target was captured under {listing(silent)}.")]
    if analysis.announcements:
        yield _announcements(analysis, names)


def _about(analysis: Analysis) -> Iterator[tuple[str, str]]:
    target = analysis.target
    if analysis.title:
        yield "title", analysis.title
    if analysis.hosts:
        yield "hosts", f"{len(analysis.hosts)}: {target.how}, which an audit file or --target would say"
    else:
        yield from _who_it_is(target)
    if analysis.findings and not any(analysis.modes):
        yield "mode", "not known: name it with --mode (`capanalyze modes` lists those built in) or in an audit file"
    yield from _modes(analysis, analysis.modes if not analysis.hosts else [])
    if len(analysis.hosts) > COMFORTABLE:
        yield "note", f"{len(analysis.hosts)} hosts: a report for each of them is easier to read"
    for warning in target.warnings:
        yield "warning", warning
    if note := unread_note(analysis):
        yield "not read", note
    for reason in analysis.left_out:
        yield "left out", reason
    for note in analysis.notes:
        yield "note", note
    yield "version", f"capanalyze {analysis.capanalyze}; all times are UTC"


def _about_host(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """What there is to say of one of several hosts."""
    yield from _who_it_is(analysis.target)
    yield from _conclusions(analysis.modes)


def _who_it_is(target: Target) -> Iterator[tuple[str, str]]:
    """The addresses of a target, how they are known, and where that is seen."""
    how = how_found(target)
    yield "target", (", ".join(target.addresses) or "not known") + (f" ({how})" if how else "")
    if seen := seen_in(target):
        yield "seen in", seen


def _hosts(analysis: Analysis) -> Table:
    """What leaked on each host, before any detail."""
    rows = table()
    rows.add_column("host", overflow="fold", max_width=30)
    rows.add_column("target", overflow="fold", max_width=40)
    rows.add_column("leaks", justify="right", no_wrap=True)
    rows.add_column("services that leaked")
    for part in parts(analysis):
        leaked = _with_verdict(ordered(part), "leaked")
        number = piece(str(len(leaked)), LOUD if leaked else "dim")
        who = listing(part.target.addresses, 2) or "not known"
        rows.add_row(piece(shortened(part.title, 60)), piece(who), number, piece(listing(leaked, 20), LOUD))
    return rows


def _modes(analysis: Analysis, concluded: Iterable[ModeInfo]) -> Iterator[tuple[str, str]]:
    """Where the names of modes come from, and what the findings of each prove together."""
    named = {mode.named_by: None for mode in analysis.modes if mode.named_by}
    if analysis.findings and named:
        yield "modes", f"named by {' and '.join(named)}; nothing on the wire shows which one was set"
    yield from _conclusions(concluded)


def _conclusions(modes: Iterable[ModeInfo]) -> Iterator[tuple[str, str]]:
    for mode in modes:
        for said in mode.conclusions:
            yield "mode", f"{shortened(mode.name, 40)}: {said}"


# -- Modes -------------------------------------------------------------------------------------------


def _overview(analysis: Analysis) -> Table:
    """What leaked under each mode, before any detail."""
    rows = table()
    rows.add_column("mode", overflow="fold", max_width=30)
    rows.add_column("leaks", justify="right", no_wrap=True)
    rows.add_column("services that leaked")
    findings = ordered(analysis)
    for mode, info in ranked(analysis):
        here = [found for found in findings if found.mode == mode]
        leaked = _with_verdict(here, "leaked")
        number = piece(str(len(leaked)) if _forbidding(here) else DASH, LOUD if leaked else "dim")
        names = piece(listing(leaked, 20), LOUD) if leaked else piece(_no_leak(here, info), "dim")
        if leaked and (visible := _with_verdict(here, "visible")):
            names.append_text(piece(f"; visible by rejections: {listing(visible, 20)}", STYLES["visible"]))
        rows.add_row(piece(NO_MODE if mode is None else shortened(mode, 60)), number, names)
    return rows


def _with_verdict(findings: Iterable[Finding], verdict: Verdict) -> list[str]:
    return list(dict.fromkeys(found.service for found in findings if found.verdict == verdict))


def _forbidding(findings: Iterable[Finding]) -> bool:
    return any(found.promise == "block" for found in findings)


def _no_leak(findings: Sequence[Finding], info: ModeInfo | None) -> str:
    if not findings:
        return "no request was captured"
    if not _forbidding(findings):
        return promise(info)
    if visible := _with_verdict(findings, "visible"):
        return f"none, but rejections show the host: {listing(visible, 20)}"
    if quiet := did_not_answer(findings):
        return f"none of {counted(len({found.service for found in quiet}), 'service')}; {how_held(quiet)}"
    return "indeterminate" if any(found.verdict == "indeterminate" for found in findings) else "unproven"


# -- Captures ----------------------------------------------------------------------------------------


def _captures(analysis: Analysis, names: dict[str, str], width: int) -> Iterator[RenderableType]:
    shown = analysis.inputs[:SHOWN_CAPTURES]
    day = _common_day(shown)
    columns: list[tuple[str, JustifyMethod, list[str]]] = [
        ("capture", "left", [shortened(one.name, 100) for one in shown]),
        ("frames", "right", [f"{one.frames:,}" for one in shown]),
        (f"{day} UTC" if day else "time", "left", [_time(one, day) for one in shown]),
    ]
    if names:
        columns.insert(0, ("", "left", [names[one.name] for one in shown]))
    if not all(one.mode and one.name.startswith(one.mode) for one in shown) and any(one.mode for one in shown):
        columns.insert(-2, ("mode", "left", [shortened(one.mode or DASH, 60) for one in shown]))
    taken = sum(max(map(len, (heading, *cells))) + 2 for heading, _, cells in columns)
    lengths = HASHES if all(one.sha256 for one in shown) else (len(NOT_HASHED),)
    if room := [long for long in lengths if taken + long <= width]:
        columns.append(("sha256", "left", [(one.sha256 or NOT_HASHED)[: room[0]] for one in shown]))
    rows = table()
    for heading, justify, cells in columns:
        whole = heading != "mode" and max(map(len, cells)) <= width / 2
        rows.add_column(heading, justify=justify, overflow="fold", no_wrap=whole)
    for row in zip(*(cells for _, _, cells in columns), strict=True):
        rows.add_row(*map(piece, row))
    yield rows
    yield from more(analysis.inputs[SHOWN_CAPTURES:])


def _common_day(inputs: Iterable[Input]) -> str:
    """The one day of all captures; empty where they are of several."""
    days = {(time or "")[:10] for one in inputs for time in (one.first, one.last)}
    return days.pop() if len(days) == 1 else ""


def _time(one: Input, day: str) -> str:
    if not day or one.first is None or one.last is None:
        return period(one.first, one.last)
    return DASH.join(dict.fromkeys((one.first[11:19], one.last[11:19])))


def _account(analysis: Analysis, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    frames_in_all = f"{sum(one.frames for one in analysis.inputs):,}"
    account = counts(totals(one.account for one in analysis.inputs))
    yield "frames", f"{frames_in_all}: {account}" if account else frames_in_all
    if carried := counts(totals(one.tunnels for one in analysis.inputs)):
        yield "tunnels", f"{carried} (frames that were read inside)"
    if malformed := counts(totals(one.malformed for one in analysis.inputs)):
        yield "malformed", malformed
    if lost := dropped(analysis.inputs):
        yield "dropped", lost
    if directions := counts(analysis.directions):
        yield "exchanges", directions
    for one in analysis.inputs:
        for note in one.notes:
            yield "note", f"{lettered(one.name, names)}: {note}"


def _evidence(analysis: Analysis, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The file of evidence, whether tshark sees the same in it, and where it does not."""
    depth = analysis.depth
    if depth is None or not depth.exhibits:
        return
    yield "evidence", f"{evidence_size(depth)}, sha256 {depth.sha256[: HASHES[0]]}; {second_opinion(analysis)}"
    others = differences(analysis)
    shown = labels(depth.exhibits, names)
    for found, said in others[:SHOWN_DIFFERENCES]:
        yield "warning", f"tshark differs on {finding_name(found)}: {relabelled(said, shown)}"
    if (left := len(others) - SHOWN_DIFFERENCES) > 0:
        yield "warning", f"tshark differs {counted(left, 'more time')}"


def _reference(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """What the dpkt reference says of the exchanges, and the first that it sees otherwise."""
    if analysis.reference is None:
        return
    yield "reference", reference_opinion(analysis.reference)
    others = analysis.reference.differences
    for said in others[:SHOWN_DIFFERENCES]:
        yield "warning", f"dpkt reference differs: {said}"
    if (left := len(others) - SHOWN_DIFFERENCES) > 0:
        yield "warning", f"dpkt reference differs {counted(left, 'more time')}"


# -- Announcements -----------------------------------------------------------------------------------


def _announcements(analysis: Analysis, names: dict[str, str]) -> Iterator[RenderableType]:
    yield piece("Announces, without a request", "bold")
    rows = table()
    for heading in ("service", "mode", "to"):
        rows.add_column(heading, overflow="fold", max_width=30)
    rows.add_column("messages", justify="right", no_wrap=True)
    rows.add_column("first frame", overflow="fold")
    for one in analysis.announcements[:SHOWN_ANNOUNCEMENTS]:
        service = " ".join(dict.fromkeys((one.service, one.name))).strip()
        cells = (service, one.mode or DASH, zone_words(one.zone), f"{one.messages:,}")
        rows.add_row(*(piece(shortened(cell, 60)) for cell in cells), piece(_first_frame(one.first, names)))
    yield rows
    said = dict.fromkeys(line for one in analysis.announcements[:SHOWN_ANNOUNCEMENTS] for line in _announced(one))
    for line in said:
        yield indented(line)
    yield from more(analysis.announcements[SHOWN_ANNOUNCEMENTS:])


def _announced(one: Announcement) -> Iterator[str]:
    """Of what kinds an announcement is, and what it disclosed."""
    told = telling(one.disclosures)
    kinds = counts(one.kinds)
    if told or kinds:
        aside = f" ({kinds})" if told and kinds else kinds
        yield f"{one.service} announced {shortened(told, 66)}{aside}"


def _first_frame(evidence: Evidence, names: dict[str, str]) -> str:
    number = (evidence.replies or evidence.requests)[:1]
    return f"{names.get(evidence.capture, '')} {number[0] if number else DASH}".strip()
