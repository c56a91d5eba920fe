"""What shows that a filter did it: modes without one, hosts without daemons, ports that are published past it."""

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from capanalyze.analysis import analyze
from capanalyze.audit import load_audit
from capanalyze.cli import main
from capanalyze.conclusions import AS_IF_OFF
from tests.conftest import PCAPS
from tests.lab.truth import NOT_TOLD, REJECTED, REPLIED, SILENT, Row, read, service_of
from tests.test_lab import ZONES, exchanges, seconds

ANSWERING = {
    "icmp",
    "ntp",
    "ntp-control",
    "nbns",
    "mdns",
    "kerberos",
    "tcp/22",
    "tcp/88",
    "tcp/631",
    "tcp/37200",
    "udp/28524",
}
FILTERED = {"ufw": "ufw", "firewalld": "public", "strict": "strict", "stealth": "stealth", "reject": "reject"}
PUBLISHED = {"tcp/8080", "udp/8053"}
OWN = {"lan": "198.51.100.10", "internet": "203.0.113.10"}
CONTAINER = "172.17.0.2"


def seen(folder: str, mode: str, zone: str) -> dict[str, set[str]]:
    """Service → what the clients of a zone got."""
    found = defaultdict[str, set[str]](set)
    for row in read(PCAPS / folder / f"{mode}.{zone}.truth.tsv"):
        if row.port != NOT_TOLD:
            found[service_of(row)].add(row.verdict)
    return found


def answered(folder: str, mode: str, zone: str) -> set[str]:
    return {service for service, verdicts in seen(folder, mode, zone).items() if REPLIED in verdicts}


def outcomes(folder: str, mode: str, zone: str) -> dict[str, set[str]]:
    """Service → the outcomes of its exchanges, in the capture of a zone."""
    found = defaultdict[str, set[str]](set)
    for row in exchanges(PCAPS / folder / f"{mode}.{ZONES[zone]}.pcap"):
        if row["requests"] and row["outcome"] != "indeterminate":
            found[row["service"]].add(row["outcome"])
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("folder", [*FILTERED, "ipv6"])
def test_the_same_host_answers_without_a_filter(folder: str, zone: str) -> None:
    assert answered(folder, "off", zone) == ANSWERING
    found = outcomes(folder, "off", zone)
    assert {service for service, results in found.items() if "replied" in results} == ANSWERING


@pytest.mark.parametrize("folder", FILTERED)
def test_both_modes_are_of_one_host_that_was_asked_the_same(folder: str) -> None:
    for zone in ZONES:
        off, on = (
            [
                (row.family, row.service, row.port, row.probe)
                for row in read(PCAPS / folder / f"{mode}.{zone}.truth.tsv")
                if row.probe != "udp-connected"  # a second question, asked where the first drew nothing
            ]
            for mode in ("off", FILTERED[folder])
        )
        assert off == on
    addresses = [
        {row["server"] for row in exchanges(PCAPS / folder / f"{mode}.en0.pcap") if row["service"] == "icmp"}
        for mode in ("off", FILTERED[folder])
    ]
    assert addresses[0] == addresses[1] == {"198.51.100.10", "fd00:1ab::10"}


@pytest.mark.parametrize("zone", ZONES)
def test_without_daemons_only_the_kernel_answers(zone: str) -> None:
    assert answered("no-daemons", "off", zone) == {"icmp"}
    found = outcomes("no-daemons", "off", zone)
    assert {service for service, results in found.items() if "replied" in results} == {"icmp"}
    assert {service for service, results in found.items() if "rejected" in results} == set(found) - {"icmp"}


@pytest.mark.parametrize("zone", ZONES)
def test_without_daemons_a_strict_filter_is_as_silent_as_with_them(zone: str) -> None:
    assert set().union(*seen("no-daemons", "strict", zone).values()) == {SILENT}
    without, with_them = (outcomes(folder, "strict", zone) for folder in ("no-daemons", "strict"))
    assert set().union(*without.values()) == {"silent"}
    assert without == with_them


@pytest.mark.parametrize("zone", ZONES)
def test_a_filter_that_is_not_loaded_lets_everything_answer(zone: str) -> None:
    assert (PCAPS / "mislabelled" / "deny-all.ruleset.txt").read_text() == ""
    assert answered("mislabelled", "deny-all", zone) == ANSWERING
    found = outcomes("mislabelled", "deny-all", zone)
    assert {service for service, results in found.items() if "replied" in results} == ANSWERING


def test_what_a_wrong_label_promised_is_all_leaked() -> None:
    found = analyze(load_audit(PCAPS / "mislabelled" / "audit.toml")).findings
    for zone in ZONES:
        leaked = {one.service for one in found if one.zone == zone and one.verdict == "leaked"}
        assert leaked == ANSWERING - {"icmp"}


def at(rows: list[dict[str, Any]], probe: Row, address: str) -> list[dict[str, Any]]:
    """The exchanges that a probe drew at an address of the target."""
    start, end = probe.epoch - 0.05, probe.epoch + probe.seconds + 0.05
    return [
        row
        for row in rows
        if (row["service"], row["server"]) == (service_of(probe), address) and start <= seconds(row["time"]) <= end
    ]


OUTCOMES = {REPLIED: "replied", REJECTED: "rejected", SILENT: "silent"}


@pytest.mark.parametrize("mode", ["off", "ufw", "ufw-forward"])
def test_each_probe_of_a_published_port_is_one_exchange_of_the_host(mode: str) -> None:
    rows = exchanges(PCAPS / "published" / f"{mode}.any.pcap")
    inbound = [row for row in rows if row["direction"] == "inbound"]
    probes = [row for zone in OWN for row in read(PCAPS / "published" / f"{mode}.{zone}.truth.tsv")]
    for probe in probes:
        (row,) = at(inbound, probe, OWN[probe.zone])
        assert row["outcome"] == OUTCOMES[probe.verdict], probe
    assert len(inbound) == len(probes) == 14


@pytest.mark.parametrize("mode", ["off", "ufw", "ufw-forward"])
def test_what_a_container_asks_is_passing(mode: str) -> None:
    rows = exchanges(PCAPS / "published" / f"{mode}.any.pcap")
    probes = read(PCAPS / "published" / f"{mode}.container.truth.tsv")
    assert [probe.verdict for probe in probes] == [REPLIED] * 3
    passing = [row for row in rows if row["direction"] == "passing"]
    assert [(row["client"], row["service"]) for row in passing] == [
        (CONTAINER, service) for service in ("ntp", "dns", "tcp/80")
    ]
    assert {row["direction"] for row in rows if CONTAINER in (row["client"], row["server"])} == {"passing"}


@pytest.mark.parametrize(("mode", "verdict"), [("off", "allowed"), ("ufw", "leaked")])
def test_a_published_port_passes_by_the_rules_for_what_comes_in(mode: str, verdict: str) -> None:
    found = analyze(load_audit(PCAPS / "published" / "audit.toml")).findings
    for zone in OWN:
        cells = {one.service: one for one in found if (one.mode, one.zone) == (mode, zone)}
        assert {cells[service].verdict for service in PUBLISHED} == {verdict}
        assert {(cells[service].exchanges, cells[service].replied) for service in PUBLISHED} == {(1, 1)}
        assert all(f"answered by {CONTAINER} port" in cells[service].notes[0] for service in PUBLISHED)
        # Three sights of one reply are one frame that came back.
        assert {(cells[service].reply_frames, cells[service].frame_factor) for service in PUBLISHED} == {(1, 1.0)}


def test_a_rule_for_what_is_forwarded_stops_it() -> None:
    for zone in OWN:
        assert answered("published", "ufw", zone) == {"icmp", *PUBLISHED}
        assert answered("published", "ufw-forward", zone) == {"icmp"}


# What a host without daemons proves, and a mode without a filter


def said_of(folder: str, out: Path) -> str:
    """All that the report of an audit says, on the terminal, on the page and in JSON."""
    done = CliRunner().invoke(main, ["report", str(PCAPS / folder / "audit.toml"), "--depth", "off", "-o", str(out)])
    assert done.exit_code == 0, done.output
    page = re.sub(
        r"(?s)<style>.*?</style>|<table class=\"narrow\">.*?</table>|<svg.*?</svg>",
        "",
        (out / "report.html").read_text(),
    )
    return "\n".join((done.stdout, page, (out / "report.json").read_text()))


def test_a_host_without_daemons_never_looks_protected(tmp_path: Path) -> None:
    said = said_of("no-daemons", tmp_path / "out")
    assert not re.search(r'"blocked"|– blocked|held back', said)  # noqa: RUF001
    findings = analyze(load_audit(PCAPS / "no-daemons" / "audit.toml")).findings
    assert {found.verdict for found in findings if found.mode == "strict" and found.silent} == {"silent"}
    assert "nothing shows that anything listened" in " ".join(said.split())


def test_a_mode_without_a_filter_is_as_if_the_firewall_were_off(tmp_path: Path) -> None:
    assert AS_IF_OFF in " ".join(said_of("mislabelled", tmp_path / "out").split())
    (mode,) = [one for one in analyze(load_audit(PCAPS / "mislabelled" / "audit.toml")).modes if one.promise == "block"]
    assert mode.conclusions[0].startswith(AS_IF_OFF)


def test_only_a_mode_that_filters_nothing_is_called_so() -> None:
    """Of all recordings: the one without a filter, and the article's setting that stopped none of those asked."""
    called = {
        (audit.parent.name, mode.name)
        for audit in PCAPS.glob("*/audit.toml")
        for mode in analyze(load_audit(audit)).modes
        if any(said.startswith(AS_IF_OFF) for said in mode.conclusions)
    }
    assert called == {("mislabelled", "deny-all"), ("leopard", "specific-services"), ("midway", "midway")}


def test_nearly_all_silence_of_what_should_be_blocked_has_a_control() -> None:
    """But for a port that nothing listens on, and the host whose daemons are off."""
    verdicts: Counter[str | None] = Counter()
    for audit in PCAPS.glob("*/audit.toml"):
        if audit.parent.name != "no-daemons":
            for found in analyze(load_audit(audit)).findings:
                if found.promise == "block" and found.verdict in ("blocked", "silent") and found.service != "tcp/9":
                    verdicts[found.verdict] += 1
    assert verdicts["blocked"] > 90
    assert verdicts["blocked"] / verdicts.total() >= 0.95
