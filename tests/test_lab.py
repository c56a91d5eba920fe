"""The article's experiment, recorded: verdicts against what the clients saw, and one recording against another."""

import json
from collections.abc import Container
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from capanalyze.analysis import analyze
from capanalyze.audit import Audit, audit_of, load_audit
from capanalyze.cli import main
from capanalyze.model import Analysis, Finding
from tests.conftest import PCAPS
from tests.lab.expect import expected
from tests.lab.settings import SETTINGS
from tests.lab.truth import BESIDE, NOT_TOLD, REPLIED, Row, read, service_of

MODES = ("allow-all", "specific-services", "block-all")
ZONES = {"lan": "en0", "internet": "ppp0"}
LEAKERS = {"ntp", "ntp-control", "nbns", "mdns"}
BLOCKED = {"tcp/22", "tcp/37200", "udp/28524", "tcp/631", "tcp/88", "kerberos"}
NEVER_PROVEN = {"nbdgm", "ipp"}
# The client heard nothing, yet a reply left: by multicast (the README of the recording says so).
SEES_MORE = {("internet", "udp/5353", "mdns-unicast-5353")}

# The lab's own table of what each rule set must show, the same on both links.
MATRIX = {
    "ntp 123/udp": "ntp",
    "nbns 137/udp": "nbns",
    "nbdgm 138/udp": "nbdgm",
    "ipp 631/udp": "ipp",
    "mdns 5353/udp": "mdns",
    "kdc 88/udp": "kerberos",
    "nc 28524/udp": "udp/28524",
    "ssh 22/tcp": "tcp/22",
    "nc 37200/tcp": "tcp/37200",
    "ipp 631/tcp": "tcp/631",
    "kdc 88/tcp": "tcp/88",
    "closed 9/udp": "discard",
    "closed 9/tcp": "tcp/9",
    "ping": "icmp",
}


@pytest.fixture(scope="module")
def article(request: pytest.FixtureRequest) -> Analysis:
    return analyze(load_audit(PCAPS / "leopard" / "audit.toml"))


def verdicts(analysis: Analysis, mode: str, zone: str) -> dict[str, str | None]:
    return {found.service: found.verdict for found in analysis.findings if (found.mode, found.zone) == (mode, zone)}


@pytest.mark.parametrize("zone", ZONES)
def test_block_all_leaked_what_the_article_says(article: Analysis, zone: str) -> None:
    found = verdicts(article, "block-all", zone)
    assert {service for service, verdict in found.items() if verdict == "leaked"} == LEAKERS
    assert {service for service, verdict in found.items() if verdict == "blocked"} == BLOCKED
    assert {service for service, verdict in found.items() if verdict == "unproven"} == NEVER_PROVEN
    assert found["icmp"] == "allowed"


def test_nothing_leaks_where_all_is_allowed(article: Analysis) -> None:
    assert [found.service for found in article.leaks() if found.mode == "allow-all"] == []


def test_echo_replies_leak_where_stealth_is_promised(leopard: Path, tmp_path: Path) -> None:
    text = (leopard / "audit.toml").read_text()
    captures = '"block-all.en0.pcap", "block-all.ppp0.pcap"'
    assert captures in text
    elsewhere = ", ".join(f'"{(leopard / name).as_posix()}"' for name in ("block-all.en0.pcap", "block-all.ppp0.pcap"))
    stealth = f'[modes.stealth]\npromise = "block"\nstealth = true\ncaptures = [{elsewhere}]\n'
    (tmp_path / "audit.toml").write_text(text[: text.index("[modes.")] + stealth)
    analysis = analyze(load_audit(tmp_path / "audit.toml"))
    for zone in ZONES:
        found = verdicts(analysis, "stealth", zone)
        assert found["icmp"] == "leaked"
        assert found["tcp/9"] == found["discard"] == "visible"


def truth_rows(leopard: Path, mode: str, zone: str) -> list[Row]:
    return [row for row in read(leopard / f"{mode}.{zone}.truth.tsv") if row.port != NOT_TOLD]


def exchanges(path: Path) -> list[dict[str, Any]]:
    result = CliRunner().invoke(main, ["exchanges", "--format", "jsonl", str(path)])
    return [json.loads(line) for line in result.stdout.splitlines()]


def seconds(time: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(time).timestamp()


def agree_probe_by_probe(
    folder: Path, mode: str, zone: str, sees_more: Container[tuple[str, str, str]] = SEES_MORE
) -> None:
    """Whether a capture holds a reply to each probe that was replied to, and to no other."""
    rows = exchanges(folder / f"{mode}.{ZONES[zone]}.pcap")
    compared = 0
    for probe in truth_rows(folder, mode, zone):
        start, end = probe.epoch - 0.05, probe.epoch + probe.seconds + 0.05
        drawn = [
            row
            for row in rows
            if row["service"] == service_of(probe)
            and (":" in row["client"]) == (probe.family == 6)
            and start <= seconds(row["time"]) <= end
        ]
        assert drawn, probe
        replied = any(row["outcome"] == "replied" for row in drawn)
        unseen = (zone, probe.port, probe.probe) in sees_more
        assert replied == (probe.verdict == REPLIED or unseen), (probe, drawn)
        compared += 1
    assert compared > 15


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("zone", ZONES)
def test_the_capture_agrees_with_the_client_probe_by_probe(leopard: Path, mode: str, zone: str) -> None:
    agree_probe_by_probe(leopard, mode, zone)


# All daemons run and no packet filter is loaded, whatever the mode is called.
UNFILTERED = [
    *((one.folder, one.name) for one in SETTINGS if one.name == "off" and one.scenario in {"probe", "both-families"}),
    ("mislabelled", "deny-all"),
]


@pytest.mark.parametrize(("folder", "mode"), UNFILTERED)
@pytest.mark.parametrize("zone", ZONES)
def test_without_a_filter_a_capture_agrees_with_the_client_probe_by_probe(folder: str, mode: str, zone: str) -> None:
    agree_probe_by_probe(PCAPS / folder, mode, zone)


@pytest.mark.parametrize("mode", ["off", "strict"])
@pytest.mark.parametrize("zone", ZONES)
def test_without_daemons_a_capture_agrees_with_the_client_probe_by_probe(mode: str, zone: str) -> None:
    agree_probe_by_probe(PCAPS / "no-daemons", mode, zone, ())


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in PCAPS.glob("*/audit.toml")))
def test_verdicts_are_those_of_the_clients(folder: str) -> None:
    found = analyze(load_audit(PCAPS / folder / "audit.toml")).findings
    assert {(one.mode, one.zone, one.service): one.verdict for one in found} == expected(PCAPS / folder)


def test_one_capture_alone_needs_no_option(leopard: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["report", str(leopard / "block-all.ppp0.pcap"), "-o", str(tmp_path)])
    assert result.exit_code == 0
    assert "203.0.113.10, 2001:db8:99::10" in result.stdout
    assert "assumed: it answers the requests" in " ".join(result.stdout.split())
    analysis = json.loads((tmp_path / "report.json").read_text())
    assert {(one["mode"], one["zone"]) for one in analysis["findings"]} == {("block-all", "internet")}
    assert {one["service"] for one in analysis["findings"] if one["verdict"] == "leaked"} == LEAKERS


@pytest.fixture(scope="module")
def lab(shared: Path) -> Path:
    return shared / "captures" / "lab"


def summary(found: Finding) -> tuple[object, ...]:
    return found.verdict, found.exchanges, found.replied, found.rejected, found.silent, found.unproven, found.reasons


def cells(audit: Audit) -> dict[tuple[str, str], tuple[object, ...]]:
    return {(found.zone, found.service): summary(found) for found in analyze(audit).findings}


def presented(lab: Path, names: list[str], **options: Any) -> dict[tuple[str, str], tuple[object, ...]]:
    zones = options.pop("zones", ("en0=lan", "ppp0=internet", "if2=lan", "if15=internet"))
    return cells(audit_of([str(lab / name) for name in names], mode="block-all", zones=zones, **options))


@pytest.mark.parametrize("mode", ["block-all", "allow-all", "specific-services"])
def test_every_form_of_one_recording_gives_the_same_findings(lab: Path, mode: str) -> None:
    forms = {
        form: presented(lab, [f"{mode}.{suffix}" for suffix in suffixes])
        for form, suffixes in {
            "two files": ["en0.pcap", "ppp0.pcap"],
            "PPP": ["en0.pcap", "ppp0.dlt_ppp.pcap"],
            "PPP, compressed fields": ["en0.pcap", "ppp0.dlt_ppp_bare.pcap"],
            "SLL2": ["any.pcap"],
            "pcapng": ["both.pcapng"],
        }.items()
    }
    assert len(forms["two files"]) > 20
    for form, found in forms.items():
        assert found == forms["two files"], form


@pytest.mark.parametrize("mode", ["allow-all", "specific-services", "block-all", "strict-block", "reject"])
def test_outcomes_are_those_of_the_labs_table(lab: Path, mode: str) -> None:
    head, _, *lines = [
        [cell.strip() for cell in line.strip("| \n").split("|")]
        for line in (lab / "matrix.md").read_text().splitlines()
    ]
    column = head.index(mode)
    wanted = {MATRIX[line[0]]: line[column] for line in lines}
    findings = analyze(audit_of([str(lab / f"{mode}.both.pcapng")], mode="block-all")).findings
    for zone in ZONES:
        found = {one.service: one.outcome for one in findings if one.zone == zone and one.outcome != "indeterminate"}
        assert found == {service: wanted[BESIDE.get(service, service)] for service in found}
        assert len(found) >= 13


@pytest.mark.parametrize("form", ["ppp0.pcap", "ppp0.dlt_ppp.pcap", "any.pcap", "both.pcapng"])
def test_a_target_that_only_asks_has_no_leak(lab: Path, form: str) -> None:
    assert presented(lab, [f"client.{form}"], target=("203.0.113.10",)) == {}


@pytest.mark.parametrize("form", ["ppp0.pcap", "ppp0.dlt_ppp.pcap", "any.pcap", "both.pcapng"])
def test_a_server_once_polled_gets_through_the_pinhole(lab: Path, form: str) -> None:
    (found,) = presented(lab, [f"pinhole.{form}"]).values()
    assert found[0] == "leaked"


def test_loopback_traffic_is_local(lab: Path) -> None:
    result = CliRunner().invoke(main, ["exchanges", "--format", "jsonl", str(lab / "boot.any.pcap")])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    loopback = [row for row in rows if row["client"].startswith("127.")]
    assert len(loopback) > 10
    assert {row["direction"] for row in loopback} == {"local"}


@pytest.mark.parametrize("form", ["ppp0.pcap", "ppp0.dlt_ppp.pcap", "any.pcap", "both.pcapng"])
def test_flips_come_between_the_phases_of_the_boot(lab: Path, form: str) -> None:
    phases = [line.split("\t") for line in (lab / "boot.phases.tsv").read_text().splitlines()]
    starts: dict[str, float] = {}
    for time, phase, _ in phases:
        starts.setdefault(phase, float(time))
    audit = audit_of([str(lab / f"boot.{form}")], mode="block-all", zones=("if0=internet", "if15=internet"))
    (ntp,) = [found for found in analyze(audit).findings if found.service == "ntp"]
    assert [(change.before, change.after) for change in ntp.changes] == [
        ("rejected", "replied"),
        ("replied", "silent"),
        ("silent", "replied"),
    ]
    for change, phase in zip(ntp.changes, ("unsynchronised", "hole-shut", "served-after-flip"), strict=True):
        assert change.time is not None
        assert 0 <= seconds(change.time) - starts[phase] < 0.3
