"""The report on a terminal: the result first, then who, what, and on which evidence."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from capanalyze.disclosures import telling
from capanalyze.model import Analysis, Announcement, Asked, Evidence, Finding, Input, ModeInfo, Verdict
from capanalyze.report.headlines import headline, held_back
from capanalyze.report.looks import LOUD, STYLES, VERDICT_LOOKS, look, state
from capanalyze.report.order import (
    Section,
    differences,
    exhibit,
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
from capanalyze.report.unread import unread_note
from capanalyze.report.words import (
    DASH,
    NO_MODE,
    NOT_HASHED,
    address,
    answered,
    answered_kinds,
    around,
    clock,
    counted,
    counts,
    dropped,
    evidence_size,
    factor,
    finding_name,
    flip,
    frames,
    how_found,
    kind,
    listing,
    mode_title,
    period,
    promise,
    reference_opinion,
    relabelled,
    second_opinion,
    seen_as,
    shortened,
    zone_words,
)

# What the other columns of a finding take; where too little is left of the width for what it disclosed,
# that stands below the table.
TAKEN = 80
LEAST = 30

# Digits of a capture's hash, as there is room; all of it is in report.json.
HASHES = (12, 8)

# The rest is in report.html.
SHOWN_CAPTURES = 30
SHOWN_SECTIONS = 200
SHOWN_FLIPS = 5
SHOWN_ANNOUNCEMENTS = 20
SHOWN_DIFFERENCES = 5


def render_text(analysis: Analysis, console: Console) -> None:
    """Print the report: coloured and ruled for a terminal, plain for a pipe."""
    write(console, _blocks(analysis, console.width))


def result(analysis: Analysis) -> Text:
    """The headline, loud where something leaked."""
    leaks = any(found.verdict == "leaked" for found in analysis.findings)
    return piece(headline(analysis) + ".", LOUD if leaks else "bold")


def _blocks(analysis: Analysis, width: int) -> Iterator[Iterable[RenderableType]]:
    names = letters(analysis)
    room = width - TAKEN
    yield [result(analysis)]
    if len(modes(analysis)) > 1:
        yield [_overview(analysis)]
    yield [grid(_about(analysis))]
    if analysis.inputs:
        yield _captures(analysis, names, width)
    shown = sections(analysis)
    explaining = next((section for section in shown if any(found.unproven for found in section.findings)), None)
    for section in shown[:SHOWN_SECTIONS]:
        explanation = [indented(f"unproven: {VERDICT_LOOKS['unproven'].meaning}")] if section is explaining else []
        yield [*_section(section, names, room if room >= LEAST else 0), *explanation]
    if (left := len(shown) - SHOWN_SECTIONS) > 0:
        yield [piece(f"{counted(left, 'more table')} of findings: see report.html.")]
    if analysis.findings and (silent := unprobed(analysis)):
        yield [piece(f"No request to the target was captured under {listing(silent)}.")]
    if analysis.announcements:
        yield _announcements(analysis, names)
    yield [grid([*_account(analysis, names), *_evidence(analysis, names), *_reference(analysis)])]


def _about(analysis: Analysis) -> Iterator[tuple[str, str]]:
    target = analysis.target
    if analysis.title:
        yield "title", analysis.title
    how = how_found(target)
    yield "target", (", ".join(target.addresses) or "not known") + (f" ({how})" if how else "")
    if analysis.findings and not any(analysis.modes):
        yield "mode", "not known: name it with --mode (`capanalyze modes` lists those built in) or in an audit file"
    for warning in target.warnings:
        yield "warning", warning
    if note := unread_note(analysis):
        yield "not read", note
    for note in analysis.notes:
        yield "note", note
    yield "version", f"capanalyze {analysis.capanalyze}; all times are UTC"


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
    if held := {found.service for found in held_back(findings)}:
        return f"none of {counted(len(held), 'service')}"
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
            yield "note", f"{_named(one.name, names)}: {note}"


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


def _named(capture: str, names: dict[str, str]) -> str:
    return f"{names.get(capture, '')} {shortened(capture, 60)}".strip()


# -- Findings ----------------------------------------------------------------------------------------


def _section(section: Section, names: dict[str, str], room: int) -> Iterator[RenderableType]:
    captures = section.captures
    names_here = names if len(captures) > 1 else {}
    yield _heading(section)
    # Where the table above has every letter, the letter will do.
    shown = [names.get(name, name) if len(names) <= SHOWN_CAPTURES else _named(name, names) for name in captures]
    if about := _subheading(section, shown if names else []):
        yield piece(about, "dim")
    yield _findings(section, names_here, room)
    for line in _below(section, names_here, disclosed=not room):
        yield indented(line)


def _heading(section: Section) -> Text:
    mode = NO_MODE if section.mode is None else shortened(section.mode, 80)
    line = piece(f"{mode}, from {shortened(zone_words(section.zone), 80)}", "bold")
    if section.interfaces and section.interfaces != [section.zone]:
        line.append_text(piece(f" ({', '.join(section.interfaces)})", "dim"))
    return line


def _subheading(section: Section, captures: list[str]) -> str:
    parts = [mode_title(section.info), promise(section.info)] if section.info else []
    if captures:
        more = f" and {len(captures) - 4} more" if len(captures) > 4 else ""
        parts.append(f"frames of {', '.join(captures[:4])}{more}")
    return "; ".join(parts)


def _findings(section: Section, names: dict[str, str], room: int) -> Table:
    rows = table()
    rows.add_column("outcome" if section.mode is None else "verdict", no_wrap=True)
    rows.add_column("service", overflow="fold", max_width=30)
    rows.add_column("answered", justify="right", no_wrap=True)
    rows.add_column("frames", overflow="fold", max_width=20)
    if room:
        rows.add_column("disclosed", no_wrap=True, overflow="ellipsis")
    rows.add_column("remarks")
    for found in section.findings:
        rows.add_row(*_row(found, names, room))
    return rows


def _row(found: Finding, names: dict[str, str], room: int) -> Iterator[Text]:
    shown = look(found)
    # The verdict as JSON has it; only a leak is spelled louder.
    word = shown.word if shown.loud else state(found)
    yield piece(f"{shown.mark} {word}", STYLES.get(found.verdict))
    yield piece(_service(found))
    yield piece(answered(found))
    yield piece(frames(exhibit(found), names, 2))
    if room:
        yield piece(shortened(telling(found.disclosures), room))
    yield piece(_remarks(found), "dim")


def _service(found: Finding) -> str:
    """A service and its port; where the port is all its name, the name registered for that."""
    aside = address(found)
    if aside == found.service:
        aside = found.name
    return found.service if aside in ("", found.service) else f"{found.service} {shortened(aside, 40)}"


def _remarks(found: Finding) -> str:
    flips = len(found.changes) + found.more_changes
    told = (
        (flips, counted(flips, "flip")),
        (found.rejected if found.replied else 0, f"{found.rejected:,} rejected"),
        (found.indeterminate if found.provable else 0, f"{found.indeterminate:,} indeterminate"),
        (found.unproven if found.provable else 0, f"{found.unproven:,} unproven"),
        (found.retransmissions, f"{found.retransmissions:,} resent"),
    )
    remarks = [words for number, words in told if number]
    if found.factor is not None and found.factor > 1:
        remarks.append(f"{factor(found)} octets")
    if seen := seen_as(found):
        remarks.append(seen)
    return ", ".join(remarks)


def _below(section: Section, names: dict[str, str], *, disclosed: bool) -> Iterator[str]:
    """What does not fit into the table, a line each."""
    for found in section.findings:
        name = found.service
        if disclosed and (told := telling(found.disclosures)):
            yield f"{name} disclosed {shortened(told, 66 - len(name))}"
        if kinds := answered_kinds(found):
            yield f"{name} answered {'; '.join(f'{kind(one)}{_frames_of(one, names)}' for one in kinds)}"
        for change in found.changes[:SHOWN_FLIPS]:
            before, after = frames(change.last_before, names), frames(change.first_after, names)
            said = "; ".join(["", *around(change)])
            yield f"{name}: {flip(change)} at {clock(change.time)}, frames {before}, then {after}{said}"
        if more := len(found.changes[SHOWN_FLIPS:]) + found.more_changes:
            yield f"{name}: {counted(more, 'more flip')}"
    for source, services in section.reached.items():
        yield f"answered {source}: {listing(services, 20)}"
    yield from section.notes
    if section.not_probed:
        yield "not probed: " + ", ".join(section.not_probed)


def _frames_of(asked: Asked, names: dict[str, str]) -> str:
    """Where the first answered request of a kind can be seen."""
    if asked.first is None or asked.first_reply is None:
        return ""
    request, reply = (f"{names.get(one.capture, '')} {one.frame}".strip() for one in (asked.first, asked.first_reply))
    return f", frames {request}→{reply}"


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
