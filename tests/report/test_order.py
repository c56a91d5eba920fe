"""Which frames stand behind a finding, and what they are called."""

import pytest
from msgspec.structs import replace

from capanalyze.model import Exhibit, Finding, Frame, Verdict
from capanalyze.report import order
from tests.report import sample


def block_all(service: str, zone: str = "internet") -> Finding:
    found = sample.article().findings
    return next(one for one in found if (one.mode, one.zone, one.service) == ("block-all", zone, service))


def exhibits(*frames: tuple[str, int]) -> list[Exhibit]:
    """Exhibits whose numbers run against their order here."""
    return [
        Exhibit(
            number=len(frames) - place,
            capture=capture,
            frame=frame,
            time=None,
            interface=None,
            captured=0,
            octets=0,
            proves=[],
        )
        for place, (capture, frame) in enumerate(frames)
    ]


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (3, "the first exchange, and before the flip"),
        (4, "its rejection"),
        (5, "the target's own traffic within the flip"),
        (6, "the evidence, and after the flip"),
        (7, "its reply"),
        (14, "the second evidence"),
        (16, "its retransmission"),
        (19, "the last reply of that, and the last exchange"),
        (10, "the first of a kind"),
        (11, "its reply"),
        (13, "a reply that disclosed something"),
    ],
)
def test_a_frame_that_a_finding_names(frame: int, why: str) -> None:
    known = order.places(exhibits((sample.INTERNET, frame)))
    assert [one.frame for one in order.frames_behind(block_all("ntp"), known)] == [frame], why


@pytest.mark.parametrize("place", [(sample.INTERNET, 2), (sample.INTERNET, 8), (sample.LAN, 6), ("other.pcap", 3)])
def test_a_frame_of_another(place: tuple[str, int]) -> None:
    assert order.frames_behind(block_all("ntp"), order.places(exhibits(place))) == []


def test_they_come_once_and_in_the_order_of_their_file() -> None:
    known = order.places(exhibits(*((sample.INTERNET, frame) for frame in (11, 10, 7, 6, 4, 3))))
    behind = order.frames_behind(block_all("ntp"), known)
    assert [(one.number, one.frame) for one in behind] == [(1, 3), (2, 4), (3, 6), (4, 7), (5, 10), (6, 11)]


def test_a_reply_in_another_capture() -> None:
    found = block_all("nbns")
    found.evidence = [sample.elsewhere(found.evidence[0], sample.LAN)]
    found.first = found.last = found.evidence[0]
    found.disclosures = []
    (number,) = found.evidence[0].replies
    known = order.places(exhibits((sample.LAN, number), (sample.INTERNET, number)))
    assert [one.capture for one in order.frames_behind(found, known)] == [sample.LAN]


def test_a_kind_in_another_capture() -> None:
    found = block_all("ntp")
    found.kinds = [replace(found.kinds[0], first=Frame(capture=sample.LAN, frame=90), first_reply=None)]
    assert len(order.frames_behind(found, order.places(exhibits((sample.LAN, 90))))) == 1


def test_frames_by_capture() -> None:
    shown = exhibits(("b", 9), ("a", 4), ("b", 2))
    assert order.by_capture(shown) == {"b": [2, 9], "a": [4]}
    assert order.by_capture([]) == {}


def test_what_frames_are_called() -> None:
    shown = exhibits(("b", 9), ("a", 4))
    assert order.labels(shown, {"a": "A", "b": "B"}) == {2: "B 9", 1: "A 4"}
    assert order.labels(shown, {}) == {2: "9", 1: "4"}


def test_differences_name_their_finding() -> None:
    analysis, _ = sample.deep()
    ((found, said),) = order.differences(analysis)
    assert (found.mode, found.zone, found.service) == ("block-all", "internet", "ntp")
    assert said == "frame 4 answers frame 3, and frame 1 for tshark"
    assert [said for _, said in order.explained(analysis)] == ["frame 5 is cut by the snap length"]
    assert order.differences(sample.article()) == order.explained(sample.article()) == []


def test_leaks_come_first_and_what_promises_nothing_last() -> None:
    article = sample.article()
    assert [name for name, _ in order.modes(article)] == ["allow-all", "specific", "block-all"]
    assert [name for name, _ in order.ranked(article)] == ["specific", "block-all", "allow-all"]
    verdicts: dict[tuple[str, str], Verdict] = {
        ("specific", "internet"): "blocked",
        ("specific", "lan"): "visible",
        ("block-all", "internet"): "blocked",
    }
    for found in article.findings:
        if found.verdict == "leaked":
            found.verdict = verdicts.get((found.mode or "", found.zone), "leaked")
    assert [name for name, _ in order.ranked(article)] == ["block-all", "specific", "allow-all"]
    assert [(one.mode, one.zone) for one in order.sections(article)] == [
        ("block-all", "lan"),
        ("specific", "lan"),
        ("specific", "internet"),
        ("block-all", "internet"),
        ("allow-all", "internet"),
        ("allow-all", "lan"),
    ]


def test_the_captures_of_a_section_are_named_as_they_were_given() -> None:
    article = sample.article()
    article.findings = [replace(found, zone="internet") for found in (block_all("ntp", "lan"), block_all("ntp"))]
    given = [one.name for one in article.inputs if one.name in {sample.LAN, sample.INTERNET}]
    assert len(given) == 2
    assert [section.captures for section in order.sections(article)] == [given]
    article.inputs = article.inputs[::-1]
    assert [section.captures for section in order.sections(article)] == [given[::-1]]
