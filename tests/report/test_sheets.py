"""The frames of a page: which stand where, and how much of them."""

from pathlib import Path

import msgspec
import pytest

from capanalyze.model import Dissection, Expert, Finding
from capanalyze.report import as_html, sheets
from tests.report import sample

GOLDEN = Path(__file__).parent.parent / "golden" / "frame.html"


def name(sheet: sheets.Sheet, found: Finding | None) -> str:
    return f"<{sheet.label} of {found.service if found else None}>"


def made(render: sheets.Render = name) -> sheets.Sheets:
    analysis, deep = sample.deep()
    return sheets.sheets(analysis, deep, {sample.INTERNET: "F", sample.LAN: "E"}, render)


def sheet(octets: bytes = b"", dissection: Dissection | None = None) -> sheets.Sheet:
    analysis, _ = sample.deep()
    assert analysis.depth is not None
    return sheets.Sheet(analysis.depth.exhibits[0], "F 3", octets, dissection)


def test_every_frame_has_one_sheet_in_the_order_of_the_page() -> None:
    assert list(made().rendered.values()) == [
        "<F 3 of ntp>",
        "<F 4 of ntp>",
        "<F 6 of ntp>",
        "<F 7 of ntp>",
        "<F 10 of ntp>",
        "<F 11 of ntp>",
        "<F 82 of udp/28524>",
        "<E 1328 of None>",
    ]
    assert [one.number for one in made().others] == [8]


def test_a_frame_of_two_findings_stands_under_the_first() -> None:
    analysis, deep = sample.deep()
    for found in analysis.findings:
        if (found.mode, found.zone) == ("block-all", "internet"):
            found.evidence = [*found.evidence, analysis.findings[0].evidence[0]]
            found.last = next(one for one in analysis.findings if one.changes).changes[0].last_before
    shown = sheets.sheets(analysis, deep, {}, name)
    named = [found for found in analysis.findings if any(one.frame == 3 for one in shown.of(found))]
    assert len(named) == 11
    assert [found.service for found in named if shown.here(shown.of(found)[0], found)] == ["mdns"]
    assert len(shown.rendered) == 8


def test_what_there_is_no_room_for_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made()
    monkeypatch.setattr(sheets, "ROOM", len("".join(list(whole.rendered.values())[:3])))
    assert list(made().rendered) == list(whole.rendered)[:3]
    assert made().homes.keys() == whole.homes.keys()
    assert made().others == whole.others


def test_a_page_without_room_says_where_the_frame_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "ROOM", 0)
    analysis, deep = sample.deep()
    page = as_html.to_html(analysis, [], deep).decode()
    assert "There is no room for its octets here: it is frame 4 of evidence.pcapng." in page
    assert page.count('id="frame-4"') == 1
    assert "<script" not in page


@pytest.mark.parametrize(
    ("octets", "rows", "left"), [(0, 0, 0), (1, 1, 0), (512, 32, 0), (513, 32, 1), (1500, 32, 988)]
)
def test_the_first_octets_are_shown(octets: int, rows: int, left: int) -> None:
    shown = sheet(bytes(octets))
    assert len(shown.dump.splitlines()) == rows
    assert shown.left == left


def test_every_line_has_its_columns() -> None:
    first, last = sheet(bytes(range(0x20, 0x32))).dump.splitlines()
    assert first.unescape() == "0000  20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f    !\"#$%&'()*+,-./"
    assert last == "0010  30 31                                             01"


def test_what_octets_spell_is_text() -> None:
    assert sheet(b"<b>&\"'\n").dump == (
        "0000  3c 62 3e 26 22 27 0a                              &lt;b&gt;&amp;&#34;&#39;."
    )


@pytest.mark.parametrize(
    ("layers", "opened"),
    [
        (["ppp", "ip", "udp", "ntp"], 3),
        (["eth", "ip", "udp", "nbdgm", "_ws.malformed"], 3),
        (["_ws.malformed"], -1),
        ([], -1),
        (["data"], 0),
    ],
)
def test_the_innermost_layer_is_unfolded(layers: list[str], opened: int) -> None:
    shown = [sample.line(layer, name=layer) for layer in layers]
    assert sheet(dissection=Dissection(protocols=layers, layers=shown)).opened == opened
    assert sheet().opened == -1


def test_the_gravest_remark_comes_first() -> None:
    words = ("Chat", "Unheard of", "Note", "Error", "Warning", "Error")
    experts = [Expert(severity=word, group=str(number), message="") for number, word in enumerate(words)]
    shown = sheet(dissection=Dissection(protocols=[], layers=[], experts=experts)).experts
    assert [(one.severity, one.group) for one in shown] == [
        ("Error", "3"),
        ("Error", "5"),
        ("Warning", "4"),
        ("Note", "2"),
        ("Chat", "0"),
        ("Unheard of", "1"),
    ]


def test_a_sheet_is_as_it_was(update_golden: bool) -> None:
    analysis, deep = sample.deep()
    assert analysis.depth is not None
    page = as_html.to_html(analysis, [], deep).decode()
    start = page.index('<details class="frame" id="frame-5">')
    shown = page[start : page.index('<details class="frame"', start + 1)]
    if update_golden:
        GOLDEN.write_text(shown, "utf-8")
    assert shown == GOLDEN.read_text("utf-8")


def test_without_evidence_there_is_none() -> None:
    analysis, deep = sample.deep()
    assert sheets.sheets(analysis, None, {}, name) == sheets.Sheets()
    assert sheets.sheets(msgspec.structs.replace(analysis, depth=None), deep, {}, name) == sheets.Sheets()
