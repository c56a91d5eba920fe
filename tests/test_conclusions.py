"""What the findings of a mode prove together, and when it is not said."""

import pytest

from capanalyze.conclusions import AS_IF_OFF, conclude
from capanalyze.model import Finding
from tests.report.graphs.sample import finding, mode


def concluded(*findings: Finding) -> list[str]:
    """What is said of block-all."""
    shut = mode("block-all")
    conclude(findings, [shut])
    return [said.partition(":")[0] for said in shut.conclusions]


def allowed(service: str, outcomes: str) -> Finding:
    return finding(service, outcomes, mode="allow-all", promise="allow")


NOTHING_SHOWS = "nothing in the captures shows that the firewall was on"


@pytest.mark.parametrize(
    ("findings", "as_if_off"),
    [
        ([finding("ntp", "+")], True),
        ([finding("ntp", "+"), finding("nbns", "?")], True),
        ([finding("ntp", "+"), finding("tcp/9", "x")], True),
        ([finding("ntp", "+"), finding("udp/9", "-", verdict="silent"), allowed("udp/9", "-")], True),
        ([finding("ntp", "+"), finding("udp/9", "-", verdict="silent"), allowed("udp/9", "+")], False),
        ([finding("ntp", "+"), finding("udp/9", "-", verdict="silent")], False),
        ([finding("ntp", "+"), finding("tcp/22", "-")], False),
        ([finding("ntp", "+-")], False),
        ([finding("ntp", "+-"), allowed("ntp", "+-")], True),
        ([finding("udp/28524", "+-")], True),
        ([finding("tcp/9", "x")], False),
        ([finding("tcp/22", "+", promise="allow")], False),
    ],
)
def test_as_if_the_firewall_were_off(findings: list[Finding], as_if_off: bool) -> None:
    assert (AS_IF_OFF in concluded(*findings)) == as_if_off


def test_a_rejection_that_only_a_filter_makes_shows_it() -> None:
    rejected = finding("tcp/9", "x")
    rejected.reasons = {"host administratively prohibited": 1}
    said = concluded(finding("ntp", "+"), rejected)
    assert AS_IF_OFF not in said
    assert NOTHING_SHOWS not in said


@pytest.mark.parametrize(
    ("lan", "words"),
    [
        ([finding("ntp", "+", zone="lan")], "makes no difference between networks"),
        ([finding("ntp", "-", zone="lan")], "makes a difference between networks"),
        ([finding("nbns", "-", zone="lan")], None),
        ([finding("ntp", "?", zone="lan")], None),
    ],
)
def test_networks_are_compared_by_what_was_asked_from_several(lan: list[Finding], words: str | None) -> None:
    said = [one for one in concluded(finding("ntp", "+"), *lan) if "networks" in one]
    assert said == ([words] if words else [])


@pytest.mark.parametrize(
    ("findings", "shown"),
    [
        ([finding("ntp", "-", verdict="silent")], False),
        ([finding("ntp", "-")], True),
        ([finding("tcp/22", "-", verdict="silent", transport="tcp")], True),
        ([finding("tcp/22", "x", transport="tcp")], False),
    ],
)
def test_whether_anything_shows_that_the_firewall_was_on(findings: list[Finding], shown: bool) -> None:
    assert (NOTHING_SHOWS not in concluded(*findings)) == shown
