"""The words that all forms share."""
# ruff: noqa: RUF001 (the marks of a report, not letters)

import pytest
from msgspec.structs import replace

from capanalyze.model import Agreement, Because, Certainty, Finding, Frame, Reach, Target
from capanalyze.report import words
from tests.report import sample
from tests.report.graphs import sample as drawing


@pytest.mark.parametrize(
    ("factor", "shown"),
    [
        (0.0, "×0"),
        (0.0325, "×0.03"),
        (0.54, "×0.5"),
        (1.0, "×1.0"),
        (1.0433, "×1.04"),
        (1.05, "×1.1"),
        (99.94, "×99.9"),
        (1234.5, "×1,234"),
    ],
)
def test_no_factor_is_rounded_to_nothing(factor: float, shown: str) -> None:
    assert words.times(factor) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (9999, "9999"),
        (10_000, "10k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (7_640_000, "7.6M"),
        (10**13, "1e+13"),
    ],
)
def test_counts_stay_short(number: int, shown: str) -> None:
    assert words.brief(number) == shown


def test_words_of_modes() -> None:
    assert words.promise(drawing.mode("a")) == "promises: nothing in but ping"
    assert words.promise(drawing.mode("a", stealth=True)) == "promises: nothing in, and no sign of the host (stealth)"
    assert words.promise(drawing.mode("a", allow=["tcp/22"])) == "promises: only tcp/22 in, and ping"
    assert words.promise(drawing.mode("a", allow=["icmp"])) == "promises: nothing in but ping"
    assert words.promise(drawing.mode("a", allow=["icmp"], stealth=True)) == (
        "promises: only icmp in, and no other sign of the host (stealth)"
    )
    assert words.promise(drawing.mode("a", promise="allow")) == "promises nothing"
    assert words.promise(drawing.mode("a", promise="allow", stealth=True)) == (
        "promises: no sign of the host but replies (stealth)"
    )
    assert words.promise(drawing.mode("a", promise=None)) == "no promise known"
    assert words.promise(None) == "no promise known"
    assert words.listing(["a", "b", "c", "d", "e"]) == "a, b, c, d and e"
    assert words.listing("abcdef") == "a, b, c, d and 2 more"
    assert words.listing([]) == ""
    assert words.mode_title(None) == "no mode given"


def test_period_is_brief() -> None:
    morning, later, tomorrow = "2026-10-29T03:54:01Z", "2026-10-29T03:54:09Z", "2026-10-30T00:00:00Z"
    assert words.period(morning, morning) == "2026-10-29 03:54:01 UTC"
    assert words.period(morning, later) == "2026-10-29 03:54:01–03:54:09 UTC"
    assert words.period(morning, tomorrow) == "2026-10-29 03:54 – 2026-10-30 00:00 UTC"
    assert words.period(None, later) == "time unknown"


def test_counts_with_commas_in_their_names_are_told_apart() -> None:
    assert words.counts({"replied": 4, "silent": 0, "rejected": 1_204}) == "replied 4, rejected 1,204"
    assert words.counts({"server reply, unsynchronised": 2, "no reply": 1}) == (
        "server reply, unsynchronised 2; no reply 1"
    )
    assert words.counts({"silent": 0}) == ""


ASSUMED = "assumed: it answers the requests; to confirm it, add --target 192.0.2.1"


@pytest.mark.parametrize(
    ("how", "certainty", "shown"),
    [
        ("given; 10.0.0.5 added, as its frames show", "given", "given; 10.0.0.5 added, as its frames show"),
        ("assumed: it answers the requests", "assumed", ASSUMED),
        ("it answers the requests", "assumed", ASSUMED),
        ("", "assumed", "assumed; to confirm it, add --target 192.0.2.1"),
        ("", None, ""),
    ],
)
def test_what_is_assumed_says_so(how: str, certainty: Certainty | None, shown: str) -> None:
    assert words.how_found(target(["192.0.2.1"], certainty, how)) == shown


def target(addresses: list[str], certainty: Certainty | None, how: str = "") -> Target:
    return Target(addresses=addresses, how=how, certainty=certainty, warnings=[])


def test_the_frames_that_show_a_target_are_told_by_kind_and_capture() -> None:
    first, *others = [Frame(capture=name, frame=frame) for name, frame in (("a.pcap", 3), ("a.pcap", 5), ("b.pcap", 1))]
    grounds = [
        Because(kind="given", said="given", frames=[]),
        Because(kind="padding", said="outgoing frames are not padded", frames=[first, *others]),
        Because(kind="roles", said="it answers the requests", frames=[first]),
    ]
    target = Target(addresses=["192.0.2.10"], how="given", certainty="given", warnings=[], because=grounds)
    assert words.seen_in(target) == "padding: frames 3 and 5 of a.pcap, frame 1 of b.pcap; roles: frame 3 of a.pcap"


def test_what_is_said_of_an_assumed_target_is_said_on_condition() -> None:
    said = "No leaks"
    assert words.on_condition(target(["192.0.2.1"], "shown"), said) == said
    assert words.on_condition(target(["192.0.2.1"], "assumed"), said) == (
        "If 192.0.2.1 is the host under test: no leaks"
    )
    assert words.on_condition(target(["192.0.2.1", "fe80::1"], "assumed"), said) == (
        "If 192.0.2.1 and fe80::1 are addresses of the host under test: no leaks"
    )


def test_frames() -> None:
    shown = drawing.evidence()
    assert words.frames(shown) == "1→2"
    assert words.frames(shown, {"a.pcap": "B"}) == "B 1→2"
    assert words.frames(replace(shown, requests=[7, 9], replies=[])) == "7,9→–"
    many = replace(shown, requests=[1, 2, 3, 4, 9, 11, 13], replies=[14, 16, 18, 20, 22])
    assert words.frames(many) == "1–4,9,11,13→14,16,18,20,…"
    assert words.frames(many, most=2) == "1–4,9,…→14,16,…"


def test_a_name_is_not_said_twice() -> None:
    found = sample.article().findings[0]
    assert words.service_name(found) == ("ntp", "udp/123")
    found.name = "NTP"
    assert words.service_name(found) == ("ntp", "udp/123")
    found.name = "Network Time Protocol"
    assert words.service_name(found) == ("ntp", "Network Time Protocol udp/123")


def test_a_flip_between_two_clients_says_so() -> None:
    (change,) = drawing.finding("ntp", "+-", changing=True).changes
    assert words.flip(change) == "replied → silent (client request)"
    other = replace(change, first_after=replace(change.first_after, client="198.51.100.99"))
    assert words.flip(other) == "replied → silent (client request, another client)"
    assert words.flip(replace(other, kind="")) == "replied → silent (another client)"


def test_kinds_are_told_where_the_usual_one_is_not_all_that_was_answered() -> None:
    def told(*counts: tuple[int, int]) -> list[str]:
        found = drawing.finding("ntp", "+")
        found.kinds = [
            replace(drawing.kind(f"kind {number}", replied, 2.0), exchanges=exchanges)
            for number, (replied, exchanges) in enumerate(counts)
        ]
        return [words.kind(one) for one in words.answered_kinds(found)]

    times = "\N{MULTIPLICATION SIGN}2.0"
    assert told((1, 2), (1, 1)) == [f"kind 0 1/2 {times}", f"kind 1 1/1 {times}"]
    assert told((0, 9), (1, 1)) == [f"kind 1 1/1 {times}"]
    assert told((3, 9), (0, 1)) == []
    assert told() == []


def test_where_answered_requests_came_from() -> None:
    found = drawing.finding("ntp", "+")
    found.reach = Reach(on_link=1, near=2, private=3, public=1200)
    assert words.reach(found) == (
        "public addresses (1,200), private addresses (3), hosts that seem on the link (2) and hosts on the link (1)"
    )
    found.reach = Reach()
    assert words.reach(found) == ""


def test_durations() -> None:
    assert [words.duration(seconds) for seconds in (-1, 0.0123, 90, 600, 9000)] == [
        "0 µs",
        "12.3 ms",
        "90.0 s",
        "10 min",
        "2 h",
    ]


def test_a_finding_in_a_sentence() -> None:
    found = sample.article().findings[0]
    assert words.finding_name(found) == "ntp under allow-all, from the internet"
    found.mode = None
    assert words.finding_name(found) == "ntp, from the internet"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("frame 4 answers frame 3, and frame 12 for tshark", "frame B 9 answers frame A 1, and frame 12 for tshark"),
        ("frames 4", "frames 4"),
        ("a frame 44", "a frame 44"),
        ("frame 99999999999999999999", "frame 99999999999999999999"),
        ("", ""),
    ],
)
def test_frames_are_called_as_the_report_calls_them(said: str, shown: str) -> None:
    assert words.relabelled(said, {4: "B 9", 3: "A 1"}) == shown


def agreeing(service: str, *protocols: str, confirmed: int = 0, links: int = 0) -> Finding:
    found = sample.article().findings[0]
    found.service = service
    found.agreement = Agreement(
        protocols=list(protocols), confirmed=confirmed, links=links, differences=[], explained=[]
    )
    return found


@pytest.mark.parametrize(
    ("service", "protocols", "shown"),
    [
        ("udp/28524", ["dns"], "Wireshark: dns"),
        ("udp/28524", ["tls", "_ws.malformed"], "Wireshark: tls"),
        ("tcp/8080", ["a", "b", "c", "d", "e"], "Wireshark: a, b, c and 2 more"),
        ("udp/28524", [], ""),
        ("ntp", ["ntp"], ""),
    ],
)
def test_what_wireshark_sees_in_services_of_no_module(service: str, protocols: list[str], shown: str) -> None:
    assert words.seen_as(agreeing(service, *protocols)) == shown


def test_how_much_is_confirmed() -> None:
    known = [agreeing("ntp", confirmed=1), sample.article().findings[0]]
    assert words.confirmed(known) == "tshark confirms 1 frame"
    assert words.confirmed([*known, agreeing("dns", confirmed=5, links=1)]) == "tshark confirms 6 frames, 1 link"


def test_the_second_opinion_and_why_it_says_less() -> None:
    analysis, _ = sample.deep()
    assert analysis.depth is not None
    assert words.second_opinion(analysis) == "tshark 4.2.0 confirms 7 frames, 2 links"
    analysis.depth = replace(analysis.depth, note="tshark ended early: 2 of 8 frames were not dissected")
    assert words.second_opinion(analysis) == (
        "tshark 4.2.0 confirms 7 frames, 2 links; tshark ended early: 2 of 8 frames were not dissected"
    )
    assert words.second_opinion(sample.undissected()[0]) == "tshark is not installed: install it with `apt`"
    assert words.second_opinion(sample.article()) == ""


def test_what_a_frame_proves() -> None:
    found = sample.article().findings[0]
    exhibit = sample.deep()[1].bundle.shown[0].exhibit
    own, flip = "ntp leaked under x, from internet: reply", "ntp leaked under x, from internet: a, then b: after: reply"
    other = "mdns leaked under x, from internet: reply"
    shown = replace(exhibit, proves=[own, f"{own} (client request)", flip, other])
    assert words.proves(shown) == [f"{own} (client request)", flip, other]
    assert words.proves(shown, found) == ["reply (client request)", "a, then b: after: reply", other]
    assert words.proves(replace(exhibit, proves=[]), found) == []
