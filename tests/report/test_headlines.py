"""The result in one sentence: of the report, and of each graph."""

import pytest
from msgspec.structs import replace

from capanalyze.model import Analysis, Finding, Promise, Verdict
from capanalyze.report.headlines import headline, nobody_asked, of_amplification, of_latency, of_leaks, of_timeline
from capanalyze.report.measures import amplified, timed
from tests.report import sample
from tests.report.graphs import sample as drawing

SAMPLES = dict(drawing.samples())

# -- The report


def test_the_report_names_leaks_by_mode() -> None:
    assert headline(sample.article()) == (
        "2 of 3 modes leaked: specific let 7 services answer, and block-all let mdns, nbns and ntp answer"
    )
    assert headline(drawing.boot()) == "“Block all incoming connections” let ntp answer"


def test_captures_without_a_mode_are_no_mode_that_could_leak() -> None:
    analysis = sample.article()
    analysis.findings += sample.no_mode().findings
    assert headline(analysis).startswith("2 of 3 modes leaked: ")
    assert of_leaks(analysis).startswith("2 of 3 modes leaked; ")


def test_the_report_without_a_leak() -> None:
    def said(*outcomes: str, promise: Promise = "block", verdict: Verdict | None = None) -> str:
        found = [
            drawing.finding(f"tcp/{place}", seen, promise=promise, verdict=verdict)
            for place, seen in enumerate(outcomes)
        ]
        return headline(drawing.analysis(found, [drawing.mode("block-all")]))

    none = "No leaks: none of 2 services that should be blocked answered under block-all"
    assert said("--", "x-") == f"{none}; 1 was held back and 1 refused"
    assert said("--", "x-", verdict="silent") == f"{none}; nothing shows that anything listened"
    one = "No leaks: tcp/0, which should be blocked, did not answer under block-all"
    assert said("--") == f"{one}; it was held back"
    assert said("--", verdict="silent") == f"{one}; nothing shows that it listened"
    assert said("??") == "Unproven: no request under block-all had to draw a reply"
    assert said("~") == "Indeterminate: the captures under block-all could not show an answer to any request"
    assert said("x-", verdict="visible") == "No leaks, but block-all let rejections show that there is a host"
    assert said("++", promise="allow") == (
        "1 of 1 service answered under block-all, which promised to block none of them"
    )


def test_only_services_that_should_be_blocked_and_gave_proof_are_counted() -> None:
    found = [
        drawing.finding("tcp/80", "-"),
        drawing.finding("tcp/81", "x"),
        drawing.finding("tcp/22", "+", promise="allow"),
        drawing.finding("icmp", "x", promise="allow"),
        drawing.finding("nbdgm", "??"),
        drawing.finding("udp/9", "~"),
    ]
    said = headline(drawing.analysis(found, [drawing.mode("block-all", allow=["tcp/22"])]))
    assert said == (
        "No leaks: none of 2 services that should be blocked answered under block-all; 1 was held back and 1 refused"
    )


def test_what_was_held_back_and_what_was_merely_silent_are_counted_apart() -> None:
    held = [drawing.finding(f"tcp/{port}", "-") for port in (80, 81)]
    silent = [drawing.finding(f"tcp/{port}", "-", verdict="silent") for port in (82, 83, 84)]
    said = headline(drawing.analysis([*held, *silent], [drawing.mode("block-all")]))
    assert said == (
        "No leaks: none of 5 services that should be blocked answered under block-all; "
        "2 were held back; 3 more stayed silent, and nothing shows that anything listened"
    )


# Zones and families


def judged(*found: Finding) -> Analysis:
    """Findings of one mode, of a target with addresses of both families."""
    analysis = drawing.analysis(list(found), [drawing.mode("block-all")])
    analysis.target = replace(analysis.target, addresses=["192.0.2.10", "2001:db8::10"])
    return analysis


def asked(service: str, zone: str = "internet", **families: str) -> Finding:
    """A finding of exchanges over each family."""
    return drawing.finding(service, "".join(families.values()), zone=zone, families=families)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([asked("ntp", "lan", ipv4="+"), asked("ntp", ipv4="-")], "let ntp answer from the LAN only"),
        ([asked("ntp", "lan", ipv4="+"), asked("ntp", ipv4="?")], "let ntp answer"),
        ([asked("ntp", "lan", ipv4="+")], "let ntp answer"),
        ([asked("ntp", "lan", ipv4="+"), asked("ntp", ipv4="+")], "let ntp answer"),
        (
            [asked("ntp", "lan", ipv4="+"), asked("ntp", ipv4="-"), asked("nbns", "lan", ipv4="+")],
            "let nbns and ntp answer",
        ),
        ([asked("ntp", ipv4="--", ipv6="+")], "let ntp answer over IPv6 only"),
        ([asked("ntp", ipv4="+", ipv6="-")], "let ntp answer over IPv4 only"),
        ([asked("ntp", ipv6="+")], "let ntp answer"),
        ([asked("ntp", ipv4="?", ipv6="+")], "let ntp answer"),
        ([asked("ntp", ipv4="-+", ipv6="+")], "let ntp answer"),
        ([asked("ntp", "lan", ipv6="+"), asked("ntp", ipv4="-")], "let ntp answer from the LAN and over IPv6 only"),
    ],
)
def test_zone_and_family_are_named_where_they_decide(found: list[Finding], words: str) -> None:
    analysis = judged(*found)
    assert headline(analysis) == of_leaks(analysis) == f"“block-all” {words}"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([asked("a", ipv4="-", ipv6="-"), asked("b", ipv4="-", ipv6="-")], ""),
        ([asked("a", ipv4="-", ipv6="-"), asked("b", ipv4="-")], "; 1 of them was asked over IPv4 only"),
        ([asked("a", ipv4="-", ipv6="-"), asked("b", ipv4="-", ipv6="?")], "; 1 of them was asked over IPv4 only"),
        (
            [asked("a", ipv4="-"), asked("b", ipv4="-"), asked("c", ipv6="-")],
            "; 2 of them were asked over IPv4 only and 1 of them was asked over IPv6 only",
        ),
        ([asked("a", ipv6="-"), asked("b", ipv6="x")], "; all asked over IPv6 only"),
        (
            [asked("a", ipv4="-"), asked("b", ipv6="-"), asked("b", "lan", ipv4="-")],
            "; 1 of them was asked over IPv4 only",
        ),
    ],
)
def test_what_was_asked_over_one_family_only_is_counted(found: list[Finding], words: str) -> None:
    number = len({one.service for one in found})
    assert headline(judged(*found)).startswith(
        f"No leaks: none of {number} services that should be blocked answered under block-all{words}; "
    )


def test_one_service_may_have_been_asked_over_one_family_only() -> None:
    assert headline(judged(asked("tcp/22", ipv4="-"))).endswith(
        "under block-all; it was asked over IPv4 only; it was held back"
    )


def test_a_target_with_addresses_of_one_family_is_asked_over_that() -> None:
    analysis = judged(asked("a", ipv4="-"), asked("b", ipv4="-"))
    analysis.target = replace(analysis.target, addresses=["192.0.2.10"])
    assert "IPv4" not in headline(analysis)


# Frames that were not read

NONE_OF_TWO = "none of 2 services that should be blocked answered under block-all"


def unread(analysis: Analysis, frames: int = 14, **buckets: int) -> Analysis:
    """The same, but some frames of the first capture could not be read."""
    analysis.inputs = [replace(one, frames=0) for one in analysis.inputs]
    analysis.inputs[0].frames = frames
    analysis.inputs[0].unread = buckets
    return analysis


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (["-", "-"], f"No leaks in what could be read: {NONE_OF_TWO}; all were held back"),
        (["?"], "Unproven: no request under block-all had to draw a reply"),
        ([], "No exchange was captured, so there is nothing to judge"),
    ],
)
def test_without_a_leak_the_result_speaks_of_what_was_read(found: list[str], words: str) -> None:
    services = [drawing.finding(f"tcp/{place}", seen) for place, seen in enumerate(found)]
    said = headline(unread(drawing.analysis(services, [drawing.mode("block-all")]), tunnels=12))
    assert said == f"{words}; 12 of 14 frames could not be read"


def test_the_graph_of_leaks_speaks_of_what_was_read() -> None:
    analysis = unread(drawing.analysis([drawing.finding("ntp", "-")], [drawing.mode("block-all")]), tunnels=1)
    assert of_leaks(analysis) == (
        "No leaks in what could be read: 1 request to 1 service that should be blocked drew no reply; "
        "it was held back; 1 of 14 frames could not be read"
    )


def test_the_timeline_speaks_of_what_was_read() -> None:
    silent, allowed = drawing.finding("a", "-"), drawing.finding("b", "+", promise="allow")
    for found, words in (
        ([silent], "No request drew a reply"),
        ([silent, allowed], "b answered, and no promise was broken"),
    ):
        said = of_timeline(unread(drawing.analysis(found, [drawing.mode("block-all")]), tunnels=2))
        assert said == f"{words}; 2 of 14 frames could not be read"


def test_rejections_in_what_was_read() -> None:
    found = drawing.finding("ntp", "x", verdict="visible")
    said = headline(unread(drawing.analysis([found], [drawing.mode("block-all", stealth=True)]), tunnels=1))
    assert said.startswith("No leaks in what could be read, but block-all let rejections show that there is a host; ")


@pytest.mark.parametrize(("number", "more"), [(9, ""), (10, "; 10 of 1,000 frames could not be read")])
def test_beside_leaks_few_frames_are_negligible(number: int, more: str) -> None:
    analysis = unread(drawing.boot(), 1000, tunnels=number)
    assert headline(analysis) == f"“Block all incoming connections” let ntp answer{more}"


def test_the_report_without_a_mode() -> None:
    silent = drawing.analysis([drawing.finding("ntp", "--", mode=None, promise=None)])
    assert headline(silent) == "None of 1 service answered; no firewall mode is known, so nothing is judged"


@pytest.mark.parametrize(
    ("directions", "words"),
    [
        ({}, "No exchange was captured"),
        ({"inbound": 0, "outbound": 0}, "No exchange was captured"),
        ({"outbound": 8}, "Nobody asked the target: all 8 exchanges are outbound"),
        ({"outbound": 1}, "Nobody asked the target: the only exchange is outbound"),
        (
            {"inbound": 2, "outbound": 7, "local": 3},
            "Nobody asked the target: of 12 exchanges, 2 sent to it without a request and 7 outbound and 3 local",
        ),
    ],
)
def test_where_nobody_asked_the_report_says_so(directions: dict[str, int], words: str) -> None:
    analysis = sample.empty()
    analysis.directions = directions
    assert nobody_asked(analysis) == words
    assert headline(analysis) == f"{words}, so there is nothing to judge"


# -- The graph of leaks


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("article", "2 of 3 modes leaked; “Block all incoming connections” let mdns, nbns and ntp answer"),
        ("one_mode", "“Block all incoming connections” let mdns, nbns and ntp answer"),
        ("boot", "“Block all incoming connections” let ntp answer"),
        (
            "sixty",
            "“Block all incoming connections” let 8 services answer: tcp/7, tcp/14, tcp/21, tcp/28 and 4 more",
        ),
        ("no_mode", "9 services answered: icmp-echo, mdns, nbns, ntp, tcp/22 and 4 more"),
    ],
)
def test_what_leaked(name: str, words: str) -> None:
    assert of_leaks(SAMPLES[name]) == words


def test_nothing_leaked() -> None:
    def titled(*outcomes: str, promise: Promise = "block", verdict: Verdict | None = None) -> str:
        found = [
            drawing.finding(f"tcp/{place}", seen, promise=promise, verdict=verdict)
            for place, seen in enumerate(outcomes)
        ]
        return of_leaks(drawing.analysis(found, [drawing.mode("block-all")]))

    none = "No leaks: 4 requests to 2 services that should be blocked drew no reply"
    assert titled("--", "x-") == f"{none}; 1 was held back and 1 refused"
    assert titled("-") == "No leaks: 1 request to 1 service that should be blocked drew no reply; it was held back"
    assert titled("??") == "Unproven: no request had to draw a reply that a mode forbids"
    assert titled("++", promise="allow") == "Nothing could leak, as nothing was promised; 1 service answered"
    assert titled("x-", verdict="visible") == "“block-all” gave the host away by rejecting requests to tcp/0"


def test_nothing_answered_and_no_mode_is_known() -> None:
    def titled(outcomes: str) -> str:
        return of_leaks(drawing.analysis([drawing.finding("ntp", outcomes, mode=None, promise=None)]))

    assert titled("--x??") == "No service answered: 3 requests drew no reply"
    assert titled("??") == "Unproven: no request had to draw a reply"
    assert titled("~?") == "Indeterminate: the captures could not show a reply"


# -- The timeline


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("article", "Under “Block all incoming connections”, mdns, nbns and ntp kept answering"),
        ("boot", "ntp refused, then answered, and flipped 2 more times, with no setting changed"),
        ("odd_times", "ntp refused, then answered, with no setting changed"),
        ("flipping", "ntp and nbns changed their answers, with no setting changed"),
        ("one_exchange", "Under “Block all incoming connections”, ntp answered"),
        ("no_mode", "icmp-echo, mdns, nbns, ntp, tcp/22 and 4 more answered"),
    ],
)
def test_what_happened_over_time(name: str, words: str) -> None:
    assert of_timeline(SAMPLES[name]) == words


def test_what_else_happened_over_time() -> None:
    def titled(*findings: Finding) -> str:
        return of_timeline(drawing.analysis(list(findings), [drawing.mode("block-all")]))

    silent, rejected = drawing.finding("a", "-"), drawing.finding("b", "x")
    assert titled(silent) == "No request drew a reply"
    assert titled(drawing.finding("a", "-", mode=None, promise=None)) == "No request drew a reply"
    assert titled(silent, rejected) == "No request drew a reply; requests to 1 service were rejected"
    allowed = drawing.finding("a", "+", promise="allow")
    assert titled(allowed) == "a answered"
    assert titled(allowed, drawing.finding("b", "-")) == "a answered, and no promise was broken"
    visible = drawing.finding("a", "x", verdict="visible")
    assert titled(visible) == "Under “block-all”, rejections by a showed the host"
    flips = drawing.finding("a", "-+-", mode=None, promise=None, changing=True)
    assert titled(flips) == "a was silent, then answered, and flipped once more"
    both = [drawing.finding("a", "+-", zone=zone, changing=True) for zone in ("internet", "lan")]
    assert titled(*both) == "a changed its answer, with no setting changed"


def test_what_different_clients_met_is_no_change_over_time() -> None:
    def titled(strangers: int) -> str:
        found = drawing.finding("ntp", "+-+-", changing=True)
        for place, change in enumerate(found.changes[:strangers]):
            stranger = replace(change.first_after, client="198.51.100.99")
            found.changes[place] = replace(change, first_after=stranger)
        return of_timeline(drawing.analysis([found], [drawing.mode("block-all")]))

    assert titled(0) == "ntp answered, then fell silent, and flipped 2 more times, with no setting changed"
    assert titled(1) == "ntp was silent, then answered, and flipped once more, with no setting changed"
    assert titled(3) == "Under “block-all”, ntp kept answering"


# -- Amplification and round-trip times


def test_the_greatest_factor_is_named() -> None:
    said = of_amplification(amplified(sample.article()))
    assert said == "ntp sent back 30.3 octets for each one received (symmetric request)"
    plain = [drawing.finding("udp/9000", "+")]
    plain[0].request_octets, plain[0].reply_octets = 10, 1234
    assert of_amplification(amplified(drawing.analysis(plain))) == "udp/9000 sent back 123 octets for each one received"
    plain[0].request_octets, plain[0].reply_octets = 1200, 1252
    assert of_amplification(amplified(drawing.analysis(plain))).startswith("udp/9000 sent back 1.04 octets for each")
    plain[0].reply_octets = 1200
    assert of_amplification(amplified(drawing.analysis(plain))) == "No service sent more octets than it was sent"


def test_replies_too_soon_for_their_link_tell_where_the_capture_was_made() -> None:
    said = of_latency(timed(sample.article()))
    assert said.endswith(" replies left for the internet within a millisecond: the capture was made on the target")


def test_on_a_quick_link_the_median_is_told() -> None:
    one = [drawing.finding("ntp", "+", zone="lan")]
    assert of_latency(timed(drawing.analysis(one))) == "ntp answered after 380 µs in the median"
    two = [*one, drawing.finding("mdns", "+++", zone="lan")]
    said = of_latency(timed(drawing.analysis(two)))
    assert said.startswith("2 services answered, in the median within ")
