"""report.html: one page that needs nothing else."""

import base64
import dataclasses
import functools
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import resources

import pytest
from msgspec.structs import replace

from capanalyze.exhibits import Shown
from capanalyze.model import Analysis, Dissection
from capanalyze.report import Deep, Picture, Pictures, as_html
from capanalyze.report.graphs import GRAPHS
from capanalyze.report.headlines import headline

from . import sample

SAMPLES = (sample.article, sample.empty, sample.no_mode, sample.hostile)
DEEP_SAMPLES = (sample.deep, sample.undissected, sample.hostile_deep)
SCRIPT = resources.files("capanalyze.report").joinpath("templates", "frames.js").read_text("utf-8")

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


Make = Callable[[], Analysis] | Callable[[], tuple[Analysis, Deep]]


@functools.cache
def rendered(make: Make) -> bytes:
    made = make()
    analysis, deep = made if isinstance(made, tuple) else (made, None)
    return as_html.to_html(analysis, Pictures(analysis).svg, deep)


@pytest.fixture(scope="module", params=SAMPLES + DEEP_SAMPLES, ids=lambda make: make.__name__)
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
        assert tag not in {"link", "iframe", "object", "embed", "img", "image", "base", "form"}
        assert not {"src", "srcset", "action", "data"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    style = b"".join(re.findall(rb"<style.*?</style>", page, re.DOTALL))
    assert not re.search(rb"@import|https?:|url\((?!#)", style)
    # Names of XML namespaces are never fetched.
    assert not re.search(rb'https?://(?!www\.w3\.org/(2000/svg|1999/xlink)")', page)


def policy(page: bytes) -> str | None:
    return next(attributes["content"] for tag, attributes in Page(page).elements if "http-equiv" in attributes)


@pytest.mark.parametrize("make", SAMPLES)
def test_the_policy_forbids_all_but_inline_style(make: Make) -> None:
    expected = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert policy(rendered(make)) == expected
    assert b"<script" not in rendered(make)


@pytest.mark.parametrize("make", DEEP_SAMPLES)
def test_where_frames_are_shown_it_allows_their_script_and_no_other(make: Make) -> None:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert policy(rendered(make)) == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert re.findall(r"<script.*?</script>", rendered(make).decode(), re.DOTALL) == [f"<script>{SCRIPT}</script>"]


def test_what_a_capture_holds_is_text(page: bytes) -> None:
    shown = page.decode()
    assert all(character.isprintable() for character in shown.replace("\n", ""))
    assert "<script" not in shown.replace(f"<script>{SCRIPT}</script>", "", 1)
    assert "<img" not in shown


@pytest.mark.parametrize("make", [sample.hostile, sample.hostile_deep])
def test_hostile_text_can_be_read(make: Make) -> None:
    text = " ".join(Page(rendered(make)).text)
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
    inlined = as_html.inline_svg(Picture(0, "leaks", "Leaks", 'two\nlines "quoted"', svg))
    assert inlined == (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img"'
        ' aria-label="two lines &quot;quoted&quot;. The tables of findings say the same in words.">'
        '<defs><path id="leaks-p" /><clipPath id="leaks-c" /></defs>'
        '<g clip-path="url(#leaks-c)" style="fill: url(#leaks-c)"><use xlink:href="#leaks-p" />'
        '<text>id="p" url(#c) &lt;</text></g></svg>'
    )


def test_leaks_come_first_and_what_promises_nothing_last(article: bytes) -> None:
    page = article.decode()
    titles = [page.index(f"<h3>{mode.title}</h3>") for mode in sample.MODES]  # of the cards
    assert titles == [max(titles), min(titles), sorted(titles)[1]]
    places = [page.index(f'<tbody id="{mode}:lan:ntp"') for mode in ("specific", "block-all", "allow-all")]
    assert places == sorted(places)


def test_frames_inside_tunnels_are_counted_by_tunnel(article: bytes) -> None:
    assert "inside tunnels" not in article.decode()
    analysis = sample.article()
    analysis.inputs[0].tunnels = {"VXLAN": 1200, "GTP-U": 3}
    page = as_html.to_html(analysis, []).decode()
    assert " Read inside tunnels: VXLAN 1,200, GTP-U 3." in page
    assert "<dt>Inside tunnels</dt><dd>VXLAN 1,200, GTP-U 3</dd>" in page


def test_what_could_not_be_read_is_said_at_the_top(article: bytes) -> None:
    assert "Not read:" not in article.decode()
    analysis = sample.article()
    analysis.inputs[0].unread = {"EtherType 0x88b5 (local experimental 1), not read": 900}
    page = as_html.to_html(analysis, []).decode()
    assert "<strong>Not read:</strong> 900 of 7,689 frames could not be read, and may hide replies: EtherType" in page
    assert "ntp answer; 900 of 7,689 frames could not be read</title>" in page


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
        sample.article().inputs[0].sha256 or "a hash",
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


# -- Frames ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deep() -> str:
    return rendered(sample.deep).decode()


def text_of(page: str) -> str:
    return " ".join(" ".join(Page(page.encode()).text).split())


def unfolded(page: str, number: int) -> str:
    """The sheet of a frame, by its number in the file of evidence."""
    start = page.index(f'<details class="frame" id="frame-{number}">')
    return page[start : page.index("\n</details>\n", start)]


def test_each_frame_has_its_sheet(deep: str) -> None:
    numbers = [name for name in Page(deep.encode()).ids() if name.startswith("frame-")]
    assert sorted(numbers) == [f"frame-{number}" for number in range(1, 9)]
    assert deep.index("block-all:internet:ntp") < deep.index('id="frame-1"') < deep.index("block-all:internet:icmp")
    assert deep.index('id="evidence"') < deep.index('id="frame-8"')


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (3, "F 6 request 2026-11-23 03:56:45.102500 , 80 octets, ppp:ip:udp:ntp"),
        (4, "F 7 reply 2026"),
        (5, "F 10 request Error Warning 2026-11-23 03:56:45.102500 , 40 of 80 octets"),
        (5, "Error Malformed: Malformed Packet (Exception occurred) Warning Protocol: retransmission Chat Sequence"),
        (6, "01f0 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 fa fb fc fd fe ff ................ and 512 octets more"),
        (7, "0000 3c 26 3e <&>"),
        (7, "3 of 80 octets, not dissected Frame 11 of block-all.ppp0.dlt_ppp.pcap , by ppp0; frame 7 of evidence."),
        (8, "E 1328 the capture block-all.en0.pcap goes on to here"),
    ],
)
def test_a_sheet(deep: str, number: int, shown: str) -> None:
    text = " ".join(re.sub("<.*?>", " ", unfolded(deep, number)).replace("&lt;&amp;&gt;", "<&>").split())
    assert shown in text


def test_the_fields_say_which_octets_they_stand_in(deep: str) -> None:
    places = re.findall(r'<(\w+) data-at="(.*?)">(.*?)</', unfolded(deep, 3))
    assert ("summary", "32 48", "Network Time Protocol") in places
    assert ("li", "72 8", "Transmit Timestamp: Nov 25, 2026") in places
    assert "<li>Response In: 2</li>" in unfolded(deep, 3)
    assert "data-at" not in unfolded(deep, 7)


def test_display_filters(deep: str) -> None:
    filters = re.findall(r'<dt class="mono">(.*?)</dt><dd><code>(.*?)</code></dd>', deep)
    assert filters == [
        ("F block-all.ppp0.dlt_ppp.pcap", "frame.number in {3, 4, 6, 7, 10, 11}"),
        ("evidence.pcapng", "frame.number in {1..5, 7}"),
        ("F block-all.ppp0.dlt_ppp.pcap", "frame.number in {82}"),
        ("evidence.pcapng", "frame.number in {6}"),
    ]


def test_the_evidence_is_named(deep: str) -> None:
    analysis, _ = sample.deep()
    assert analysis.depth is not None
    text = text_of(deep)
    for shown in (
        f"evidence.pcapng, 8 frames , SHA-256 {analysis.depth.sha256[:12]}… ; tshark 4.2.0 confirms 7 frames, 2 links;",
        "; it differs 1 time Note:",
        "File evidence.pcapng, 8 frames, 1,467 octets",
        f"SHA-256 {analysis.depth.sha256}",
        "capanalyze report evidence.toml gives the same verdicts",
        "6 frames, octet by octet; tshark confirms 6 frames, 2 links; it differs 1 time",
        "tshark sees otherwise: ntp under block-all, from the internet : frame F 7 answers frame F 6 , and frame F 3",
        "udp/28524 (Wireshark: dns)",
    ):
        assert shown in text, shown


def test_a_difference_leads_to_its_frames(deep: str) -> None:
    said = 'frame <a href="#frame-4">F 7</a> answers frame <a href="#frame-3">F 6</a>'
    assert deep.count(said) == 2  # under the finding, and with the evidence


def test_without_tshark_the_page_says_how_to_get_it() -> None:
    page = rendered(sample.undissected).decode()
    assert text_of(page).count("tshark is not installed: install it with `apt`") == 2
    assert "confirms" not in page
    assert "data-at" not in page.replace(SCRIPT, "")
    assert "0020 e3 00" in " ".join(unfolded(page, 3).split())


def test_without_evidence_nothing_is_said_of_it(article: bytes) -> None:
    assert b"evidence.pcapng" not in article
    analysis, deep = sample.deep()
    assert analysis.depth is not None
    analysis.depth = replace(analysis.depth, exhibits=[])
    assert b"evidence.pcapng" not in as_html.to_html(analysis, [], deep)


def test_many_frames_do_not_make_a_large_page() -> None:
    """300 frames of 60 fields and 90 octets, as in a report of three modes."""
    analysis, known = sample.deep()
    assert analysis.depth is not None
    fields = [sample.line("Reference Timestamp: Nov 25, 2026 19:00:01.719420433 UTC", at, 1) for at in range(60)]
    layers = [sample.line("Network Time Protocol", 0, 60, *fields, name="ntp")]
    shown = [Shown(replace(known.bundle.shown[0].exhibit, number=number), bytes(90)) for number in range(1, 301)]
    analysis.depth = replace(analysis.depth, exhibits=[replace(one.exhibit, frame=one.exhibit.number) for one in shown])
    dissections = {number: Dissection(protocols=["ntp"], layers=layers) for number in range(1, 301)}
    page = as_html.to_html(analysis, [], Deep(dataclasses.replace(known.bundle, shown=shown), dissections))
    assert page.count(b"Reference Timestamp") == 300 * 60
    assert len(page) < 3_000_000
