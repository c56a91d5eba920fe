"""report.html: one page that needs nothing else; no network, and no script but its own where it shows frames.

That script marks the octets of a field and the fields of an octet; without it the page says the same. The template
escapes what it shows, and `_shown` spells out before that what a browser would obey. The
colours of verdicts come from the one table in `looks`.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any
from xml.etree import ElementTree as ET

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from capanalyze.disclosures import telling
from capanalyze.escape import printable
from capanalyze.exhibits import display_filter
from capanalyze.model import VERDICTS, Analysis, Finding, ModeInfo
from capanalyze.report import Deep, Picture, looks
from capanalyze.report.by_host import parts
from capanalyze.report.headlines import headline, nobody_asked
from capanalyze.report.order import (
    Section,
    by_capture,
    differences,
    exhibit,
    explained,
    letters,
    ordered,
    ranked,
    sections,
    totals,
    unprobed,
)
from capanalyze.report.sheets import Sheet, sheets
from capanalyze.report.unread import unread_note
from capanalyze.report.words import (
    NOT_HASHED,
    answered,
    answered_kinds,
    around,
    confirmed,
    control,
    counted,
    counts,
    evidence_size,
    factor,
    finding_name,
    flip,
    frames,
    how_found,
    microseconds,
    mode_title,
    period,
    promise,
    proves,
    reach,
    reference_opinion,
    relabelled,
    second_opinion,
    seen_as,
    seen_in,
    service_name,
    times,
    zone_words,
)

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"

# Characters of one piece of text.
LONGEST = 20_000

# Longer lists are folded behind their first lines.
UNFOLDED = 12


def to_html(analysis: Analysis, pictures: Sequence[Picture], deep: Deep | None = None) -> bytes:
    """The report as one HTML page, with the graphs (as SVG) in it, and the frames that findings rest on."""
    environment = _environment()
    frame = environment.get_template("frame.html")
    names = letters(analysis)
    depth = analysis.depth if analysis.depth and analysis.depth.exhibits else None

    def render(sheet: Sheet, found: Finding | None) -> str:
        return frame.render(sheet=sheet, found=found, file=depth.file if depth else "")

    shown = sheets(analysis, deep, names, render)
    page = environment.get_template("report.html").render(
        analysis=analysis,
        depth=depth,
        differences=differences(analysis),
        explained=explained(analysis),
        headline=headline(analysis),
        css=Markup(_palette() + _own("report.css")),  # noqa: S704 (our own)
        script=Markup(_own("frames.js")) if shown.rendered else None,  # noqa: S704 (our own)
        sheets=shown,
        parts=[_part(part, host, pictures) for host, part in enumerate(parts(analysis))],
        unread_note=unread_note(analysis),
        unfolded=UNFOLDED,
        letters=names,
        labels=shown.labels,
        legend=[(verdict, looks.VERDICT_LOOKS[verdict]) for verdict in VERDICTS],
    )
    return page.encode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Part:
    """What the page shows of one host; `host` stands behind the ids of its headings, empty for the first."""

    host: str
    analysis: Analysis
    headline: str
    pictures: list[tuple[Picture, Markup]]
    sections: list[Section]
    modes: list[tuple[ModeInfo, list[tuple[looks.Look, str, int]]]]
    unprobed: list[str]
    nobody_asked: str


def _part(analysis: Analysis, host: int, pictures: Sequence[Picture]) -> Part:
    return Part(
        host=f"-{host + 1}" if host else "",
        analysis=analysis,
        headline=headline(analysis),
        pictures=[(picture, inline_svg(picture)) for picture in pictures if picture.host == host],
        sections=sections(analysis),
        modes=[(mode, _tally(analysis, mode.name)) for _, mode in ranked(analysis) if mode],
        unprobed=unprobed(analysis),
        nobody_asked=nobody_asked(analysis),
    )


def anchor(found: Finding) -> str:
    """The id of a finding on the page, to link to: `block-all:internet:udp.28524`. It never changes."""
    host = () if found.host is None else (found.host,)
    return ":".join(_slug(part) for part in (*host, found.mode or "", found.zone, found.service))


def inline_svg(picture: Picture) -> Markup:
    """A graph to stand in a page: it scales, has a text alternative, and shares no id with another."""
    root = ET.fromstring(picture.octets)  # noqa: S314 (drawn by ourselves)
    for metadata in root.findall(f"{{{SVG}}}metadata"):
        root.remove(metadata)
    for element in root.iter():
        for name, value in element.attrib.items():
            element.set(name, _own_ids(name, value, picture.name))
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    result = " ".join((picture.result or picture.title).split())
    root.set("aria-label", printable(f"{result}. The tables of findings say the same in words."))
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 (escaped by ElementTree)


def _own_ids(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    if name in ("href", f"{{{XLINK}}}href") and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    return re.sub(r"url\(#", f"url(#{prefix}-", value)


def _slug(part: str) -> str:
    # Injective, so that no two findings share an id whatever the names are.
    slug = re.sub(
        r"[^A-Za-z0-9/-]", lambda c: "".join(f"_{o:02x}" for o in c[0].encode("utf-8", "surrogatepass")), part
    )
    return slug.replace("/", ".")


def _tally(analysis: Analysis, mode: str) -> list[tuple[looks.Look, str, int]]:
    """How many services of a mode have which verdict, each counted by its worst."""
    worst = {found.service: looks.state(found) for found in reversed(ordered(analysis)) if found.mode == mode}
    states = list(worst.values())
    return [(looks.VERDICT_LOOKS[one], one, states.count(one)) for one in VERDICTS if one in states]


# -- The template ------------------------------------------------------------------------------------


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("capanalyze.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals.update(
        anchor=anchor,
        answered=answered,
        answered_kinds=answered_kinds,
        around=around,
        by_capture=by_capture,
        confirmed=confirmed,
        control=control,
        counts=counts,
        display_filter=display_filter,
        evidence_size=evidence_size,
        not_hashed=NOT_HASHED,
        exhibit=exhibit,
        factor=factor,
        finding_name=finding_name,
        flip=flip,
        frames=frames,
        how_found=how_found,
        seen_in=seen_in,
        look=looks.look,
        outcomes=_outcomes,
        promise=promise,
        proves=proves,
        reach=reach,
        reference_opinion=reference_opinion,
        second_opinion=second_opinion,
        seen_as=seen_as,
        service_name=service_name,
        state=looks.state,
        telling=telling,
        summary=_summary,
        totals=totals,
        zone_words=zone_words,
        mode_title=mode_title,
        period=period,
    )
    environment.filters.update(
        counted=counted,
        digest=_digest,
        times=times,
        duration=microseconds,
        glued=_glued,
        linked=_linked,
        number=_number,
        time=_time,
    )
    environment.tests["plain"] = _plain
    return environment


def _shown(value: Any) -> Any:
    return printable(value, LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value


def _own(name: str) -> str:
    return resources.files("capanalyze.report").joinpath("templates", name).read_text("utf-8")


def _digest(script: str) -> str:
    """A script as the page's policy names it."""
    return f"sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _linked(said: str, labels: Mapping[int, str]) -> Markup:
    """What is said of frames of the file of evidence, with links to those that are on the page."""
    link = Markup('<a href="#frame-{}">{}</a>')
    shown = {number: link.format(number, label) for number, label in labels.items()}
    return Markup(relabelled(str(escape(printable(said, LONGEST))), shown))  # noqa: S704 (escaped)


def _number(value: int) -> str:
    return f"{value:,}"


def _glued(text: str) -> Markup:
    """A sentence that is not broken within a name, at its hyphens."""
    words = [printable(word, LONGEST) for word in text.split(" ")]
    glued = Markup('<span class="whole">{}</span>')
    return Markup(" ").join(glued.format(word) if "-" in word and len(word) < 20 else word for word in words)


def _time(value: str | None) -> str:
    """ISO 8601 as it is easier to read: `2026-11-23 03:56:45.102500`."""
    return value.replace("T", " ").removesuffix("Z") if value else "time not known"


def _outcomes(found: Finding) -> str:
    """Every outcome of a finding that occurred, with its count."""
    outcomes = {
        "replied": found.replied,
        "rejected": found.rejected,
        "silent": found.silent,
        "indeterminate": found.indeterminate,
    }
    words = [f"{number:,} {outcome}" for outcome, number in outcomes.items() if number]
    if found.unproven:
        words.append(f"{found.unproven:,} unproven")
    return f"{counted(found.exchanges, 'exchange')}: {', '.join(words)}"


def _plain(found: Finding) -> bool:
    """Whether a finding has nothing to tell beyond its row."""
    return not (looks.look(found).loud or found.disclosures or found.changes or answered_kinds(found))


def _summary(found: Finding) -> str:
    """What the details of a finding hold, in a line."""
    flips = len(found.changes) + found.more_changes
    told = telling(found.disclosures)
    parts = [f"disclosed {told}" if told else "", counted(flips, "flip") if flips else ""]
    return "; ".join(part for part in parts if part) or "counts and evidence"


# -- Colours -----------------------------------------------------------------------------------------


def _palette() -> str:
    """The colours of the page and of verdicts, for light and dark."""
    tables = (looks.OUTCOME_LOOKS.items(), looks.VERDICT_LOOKS.items())
    shown = {str(state): look for table in tables for state, look in table}.items()
    light = _variables(looks.INK, looks.GREY, looks.RULE, looks.PAPER) + "".join(
        _badge(state, look.ink, look.fill, look.edge, dashed=look.dashed) for state, look in shown
    )
    dark = _variables(looks.DARK_INK, looks.DARK_GREY, looks.DARK_RULE, looks.DARK_PAPER) + "".join(
        _badge(state, look.dark_ink, look.dark_fill, look.dark_edge, dashed=look.dashed) for state, look in shown
    )
    return f"{light}@media screen and (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _variables(ink: str, grey: str, rule: str, paper: str) -> str:
    return f":root {{ --ink: {ink}; --grey: {grey}; --rule: {rule}; --paper: {paper}; }}\n"


def _badge(state: str, ink: str, fill: str | None, edge: str | None, *, dashed: bool) -> str:
    line = f"{'dashed' if dashed else 'solid'} {edge}" if edge else "solid transparent"
    return f".{state} {{ color: {ink}; background: {fill or 'none'}; border: 1px {line}; }}\n"
