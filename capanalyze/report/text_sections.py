"""The findings of a mode and a zone on a terminal: a table, and below it what does not fit into one."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from capanalyze.disclosures import telling
from capanalyze.model import Asked, Finding
from capanalyze.report.looks import STYLES, look, state
from capanalyze.report.order import Section, exhibit
from capanalyze.report.terminal import below, piece, table
from capanalyze.report.words import (
    NO_MODE,
    address,
    answered,
    answered_kinds,
    around,
    clock,
    control,
    counted,
    factor,
    flip,
    frames,
    kind,
    listing,
    mode_title,
    promise,
    seen_as,
    shortened,
    zone_words,
)

# The rest is in report.json.
SHOWN_CAPTURES = 30
SHOWN_PORTS = 30
SHOWN_NOT_PROBED = 30
SHOWN_FLIPS = 5


def lettered(capture: str, names: dict[str, str]) -> str:
    """A capture behind its letter."""
    return f"{names.get(capture, '')} {shortened(capture, 60)}".strip()


def in_text(section: Section, names: dict[str, str], room: int, rest: str) -> Iterator[RenderableType]:
    """The findings of a section.

    Args:
        section: the findings, in order.
        names: letters of captures.
        room: columns for what a finding disclosed; 0 for lines below the table.
        rest: where all findings are.
    """
    captures = section.captures
    names_here = names if len(captures) > 1 else {}
    yield _heading(section)
    # Where the table above has every letter, the letter will do.
    letters = [names.get(name, name) if len(names) <= SHOWN_CAPTURES else lettered(name, names) for name in captures]
    if about := _subheading(section, letters if names else []):
        yield piece(about, "dim")
    shown, left = _chosen(section.findings)
    yield _findings(section, shown, names_here, room)
    lines = _below(section, shown, names_here, disclosed=not room)
    yield from below([f"and {left:,} more that did not answer: {rest}", *lines] if left else lines)


def _chosen(findings: Sequence[Finding]) -> tuple[list[Finding], int]:
    """The findings that have a row: all but further ports that did not answer; and how many have none."""
    closed = [found for found in findings if _is_closed_port(found)]
    hidden = {id(found) for found in closed[SHOWN_PORTS:]}
    return [found for found in findings if id(found) not in hidden], len(hidden)


def _is_closed_port(found: Finding) -> bool:
    """Whether it is a port of no module that neither leaked nor answered."""
    return "/" in found.service and found.port is not None and not found.replied and not look(found).loud


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


def _findings(section: Section, shown: Sequence[Finding], names: dict[str, str], room: int) -> Table:
    rows = table()
    rows.add_column("outcome" if section.mode is None else "verdict", no_wrap=True)
    rows.add_column("service", overflow="fold", max_width=30)
    rows.add_column("answered", justify="right", no_wrap=True)
    rows.add_column("frames", overflow="fold", max_width=20)
    if room:
        rows.add_column("disclosed", no_wrap=True, overflow="ellipsis")
    rows.add_column("remarks")
    for found in shown:
        for row, family in section.rows(found):
            rows.add_row(*_row(row, names, room, family))
    return rows


def _row(found: Finding, names: dict[str, str], room: int, family: str) -> Iterator[Text]:
    shown = look(found)
    # The verdict as JSON has it; only a leak is spelled louder.
    word = shown.word if shown.loud else state(found)
    yield piece(f"{shown.mark} {word}", STYLES.get(found.verdict))
    yield piece(_service(found))
    yield piece(answered(found))
    yield piece(frames(exhibit(found), names, 2))
    if room:
        yield piece(shortened(telling(found.disclosures), room))
    yield piece(", ".join(filter(None, (family, _remarks(found)))), "dim")


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


def _controls(findings: Sequence[Finding], names: dict[str, str]) -> Iterator[str]:
    """What shows that services listened which stayed silent, a line each."""
    for found in findings:
        if found.control:
            yield f"{found.service} listens: {control(found.control, names)}"
    silent = [found.service for found in findings if found.verdict == "silent" and found.promise == "block"]
    if silent:
        yield f"nothing shows that anything listened: {listing(silent, 20)}"


def _below(section: Section, shown: Sequence[Finding], names: dict[str, str], *, disclosed: bool) -> Iterator[str]:
    """What does not fit into the table, a line each."""
    for found in shown:
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
    yield from _controls(shown, names)
    for source, services in section.reached.items():
        yield f"answered {source}: {listing(services, 20)}"
    yield from section.notes
    if section.not_probed:
        yield f"not probed: {listing(section.not_probed, SHOWN_NOT_PROBED)}"


def _frames_of(asked: Asked, names: dict[str, str]) -> str:
    """Where the first answered request of a kind can be seen."""
    if asked.first is None or asked.first_reply is None:
        return ""
    request, reply = (f"{names.get(one.capture, '')} {one.frame}".strip() for one in (asked.first, asked.first_reply))
    return f", frames {request}→{reply}"
