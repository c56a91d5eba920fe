"""report.html: one page that needs nothing else."""

import functools
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from capanalyze.model import Analysis
from capanalyze.report import Picture, Pictures, as_html
from capanalyze.report.graphs import GRAPHS
from capanalyze.report.headlines import headline

from . import sample

SAMPLES = (sample.article, sample.empty, sample.no_mode, sample.hostile)

VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """The elements of a page, and whether they are nested well."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]


@functools.cache
def rendered(make: Callable[[], Analysis]) -> bytes:
    return as_html.to_html(make(), Pictures(make()).svg)


@pytest.fixture(scope="module", params=SAMPLES, ids=lambda make: make.__name__)
def page(request: pytest.FixtureRequest) -> bytes:
    return rendered(request.param)


@pytest.fixture(scope="module")
def article() -> bytes:
    return rendered(sample.article)


def test_elements_are_nested_well(page: bytes) -> None:
    assert Page(page).open == []


def test_no_id_occurs_twice(page: bytes) -> None:
    assert [name for name, count in Counter(Page(page).ids()).items() if count > 1] == []


def test_every_reference_within_the_page_leads_somewhere(page: bytes) -> None:
    shown = Page(page)
    ids = set(shown.ids())
    for _, attributes in shown.elements:
        for name, value in attributes.items():
            if name in ("href", "xlink:href") and value:
                assert value.startswith("#")
                assert value[1:] in ids
            if name == "aria-labelledby":
                assert value in ids
            for target in re.findall(r"url\(#(.*?)\)", value or ""):
                assert target in ids


def test_nothing_is_loaded_from_elsewhere(page: bytes) -> None:
    for tag, attributes in Page(page).elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "img", "image", "base", "form"}
        assert not {"src", "srcset", "action", "data"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    style = b"".join(re.findall(rb"<style.*?</style>", page, re.DOTALL))
    assert not re.search(rb"@import|https?:|url\((?!#)", style)
    # Names of XML namespaces are never fetched.
    assert not re.search(rb'https?://(?!www\.w3\.org/(2000/svg|1999/xlink)")', page)


def test_the_policy_forbids_all_but_inline_style(page: bytes) -> None:
    policy = next(attributes["content"] for tag, attributes in Page(page).elements if "http-equiv" in attributes)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def test_what_a_capture_holds_is_text(page: bytes) -> None:
    shown = page.decode()
    assert all(character.isprintable() for character in shown.replace("\n", ""))
    assert "<script" not in shown
    assert "<img" not in shown


def test_hostile_text_can_be_read() -> None:
    text = " ".join(Page(as_html.to_html(sample.hostile(), [])).text)
    for seen in (
        "<script>alert(1)</script>",
        r"\x1b[31mred\x1b]0;title\x07",
        r"abc\u202egpj.exe\u2066",
        "=cmd|' /C calc'!A0",
        r"two\x0alines\x0d\x0aand\x85more\u2028",
        r"\udcff not UTF-8",
    ):
        assert seen in text


def test_the_result_is_title_and_heading(article: bytes) -> None:
    result = headline(sample.article())
    assert f"<title>{result}</title>".encode() in article
    heading = re.search(r"<h1>(.*?)</h1>", article.decode())
    assert heading is not None
    assert re.sub("<.*?>", "", heading[1]) == result + "."


def test_every_finding_can_be_linked_to(article: bytes) -> None:
    ids = Page(article).ids()
    assert {as_html.anchor(found) for found in sample.article().findings} <= set(ids)
    assert "block-all:internet:udp.28524" in ids


def test_anchors_differ_where_names_do() -> None:
    found = sample.article().findings[0]
    anchors = set()
    names = ("a b", "a-b", "a_b", "a:b", "a.b", "a/b", "ä", "\udcff", "", "a_20b")
    for found.mode in names:
        for found.zone in names:
            anchors.add(as_html.anchor(found))
    assert len(anchors) == len(names) ** 2
    assert all(re.fullmatch(r"[A-Za-z0-9_.:-]+", anchor) for anchor in anchors)


def test_graphs_have_a_text_alternative(article: bytes) -> None:
    labels = [
        attributes["aria-label"] or ""
        for tag, attributes in Page(article).elements
        if tag == "svg" and attributes.get("role") == "img"
    ]
    assert len(labels) == len(GRAPHS)
    assert all(label.endswith("say the same in words.") for label in labels)


def test_graphs_share_no_ids() -> None:
    svg = (
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt"'
        b' xmlns:xlink="http://www.w3.org/1999/xlink"><metadata><x/></metadata><defs><path id="p"/>'
        b'<clipPath id="c"/></defs><g clip-path="url(#c)" style="fill: url(#c)">'
        b'<use xlink:href="#p"/><text>id="p" url(#c) &lt;</text></g></svg>'
    )
    inlined = as_html.inline_svg(Picture("leaks", "Leaks", 'two\nlines "quoted"', svg))
    assert inlined == (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img"'
        ' aria-label="two lines &quot;quoted&quot;. The tables of findings say the same in words.">'
        '<defs><path id="leaks-p" /><clipPath id="leaks-c" /></defs>'
        '<g clip-path="url(#leaks-c)" style="fill: url(#leaks-c)"><use xlink:href="#leaks-p" />'
        '<text>id="p" url(#c) &lt;</text></g></svg>'
    )


def test_the_evidence_is_shown(article: bytes) -> None:
    text = " ".join(" ".join(Page(article).text).split())
    for shown in (
        "10→11 : 198.51.100.7:50000 asked 203.0.113.10:123, 2026-11-23 03:55:10.250000",
        "rejected → replied (client) at 2026-11-23 03:56:45.102500 , 203.0.113.10: frames 3→4 , then 6→7",
        "7 exchanges: 4 replied, 2 rejected, 1 silent.",
        "Round trip 212 µs to 1.84 ms, median 272 µs, of 4 replies.",
        "reference-id: 131.188.3.220 frame 12",
        "240 → 412",
        "Not probed: kerberos udp/88.",
        "Note: 3 frames dropped by the kernel in this capture, at times not known",
        "7,689 frames in all: analysed 7,605, fragment 48, link type 30, truncated 6.",
        "Malformed messages: ntp: shorter than its header 6.",
        "ppp0, PPP (9): 1,297 frames, 3 dropped by the kernel",
        "en0, Ethernet (1): 1,204 frames, drops not known",
        sample.article().inputs[0].sha256,
        "all times in this report are UTC",
        "Made by capanalyze 0.1.0: capanalyze report leopard.toml -o leopard-report",
    ):
        assert shown in text, shown


def test_frames_are_named_with_their_capture_where_there_are_several() -> None:
    analysis = sample.article()
    found = analysis.findings[0]
    found.evidence[0] = sample.elsewhere(found.evidence[0], "specific.en0.pcap")
    page = as_html.to_html(analysis, []).decode()
    assert '<span class="num">B 10→C 11</span>' in page


def test_many_facts_are_folded() -> None:
    analysis = sample.article()
    found = analysis.findings[0]
    found.disclosures = found.disclosures * 10
    assert "<summary>and 18 more</summary>" in as_html.to_html(analysis, []).decode()


def test_it_is_the_same_every_time(article: bytes) -> None:
    assert as_html.to_html(sample.article(), Pictures(sample.article()).svg) == article
