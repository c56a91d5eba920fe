"""What happens around a capture, in the recordings: daemons that start, ways in, clocks, clients behind one address."""

from collections import Counter
from collections.abc import Iterator

from capanalyze.analysis import analyze
from capanalyze.audit import load_audit
from tests.conftest import PCAPS
from tests.lab.truth import REPLIED, Row, read, service_of
from tests.test_lab import exchanges, seconds


def rows(folder: str, pattern: str) -> Iterator[Row]:
    for path in sorted((PCAPS / folder).glob(pattern)):
        yield from read(path)


def test_flips_come_between_the_phases_of_the_boot() -> None:
    starts: dict[str, float] = {}
    for line in (PCAPS / "boot" / "boot.phases.tsv").read_text().splitlines():
        time, phase = line.split("\t")
        starts.setdefault(phase, float(time))
    (ntp,) = analyze(load_audit(PCAPS / "boot" / "audit.toml")).findings
    flips = [("rejected", "replied"), ("replied", "silent"), ("silent", "replied")]
    assert [(change.before, change.after) for change in ntp.changes] == flips
    for change, phase in zip(ntp.changes, ("unsynchronised", "hole-shut", "served-after-flip"), strict=True):
        assert change.time is not None
        assert 0 <= seconds(change.time) - starts[phase] < 1


def test_a_target_that_asks_from_the_servers_own_port_is_the_client() -> None:
    found = exchanges(PCAPS / "client" / "client.ppp0.pcap")
    assert {one["direction"] for one in found} <= {"outbound", None}
    polls = [one for one in found if one["service"] == "ntp" and one["client_port"] == 123]
    assert len(polls) > 3
    assert {(one["client"], one["server"], one["outcome"]) for one in polls} == {
        ("203.0.113.10", "203.0.113.123", "replied")
    }


def test_who_was_asked_gets_in_and_a_stranger_does_not() -> None:
    found = exchanges(PCAPS / "pinhole" / "pinhole.ppp0.pcap")
    asked = {one["client"]: one["outcome"] for one in found if one["server"] == "203.0.113.10"}
    assert asked == {"203.0.113.123": "replied", "203.0.113.66": "silent"}


def test_replies_to_what_was_asked_before_the_capture_began_prove_nothing() -> None:
    late = [row for row in rows("midway", "*.late-*.truth.tsv") if row.verdict == REPLIED]
    assert len(late) == 4
    found = [one for name in ("en0", "ppp0") for one in exchanges(PCAPS / "midway" / f"midway.{name}.pcap")]
    orphans = [one for one in found if one["reason"] == "request not captured"]
    assert Counter(one["service"] for one in orphans) == Counter(service_of(row) for row in late)
    assert {one["outcome"] for one in orphans} == {"indeterminate"}
    # The connections that had begun are no exchange: each zone's only one with sshd is whole.
    assert [one["reason"] for one in found if one["service"] == "tcp/22"] == ["SYN/ACK", "SYN/ACK"]


def test_a_clock_that_steps_back_parts_no_reply_from_its_request() -> None:
    found = [one for name in ("en0", "ppp0") for one in exchanges(PCAPS / "clock-step" / f"clock-step.{name}.pcap")]
    across = [one for one in found if one["outcome"] == "replied" and one["rtt_us"] is None]
    late = list(rows("clock-step", "*.late-*.truth.tsv"))
    assert Counter(one["service"] for one in across) == Counter(service_of(row) for row in late)
    assert {(one["pairing"], len(one["requests"])) for one in across} == {("exact", 1)}


def test_each_of_two_clients_with_one_address_gets_its_own_replies() -> None:
    found = exchanges(PCAPS / "nat" / "nat.ppp0.pcap")
    assert {one["client"] for one in found if one["replies"]} == {"203.0.113.66"}
    replied = Counter(one["service"] for one in found if one["outcome"] == "replied")
    seen = Counter(service_of(row) for row in rows("nat", "nat.*.truth.tsv") if row.verdict == REPLIED)
    for service in ("icmp", "ntp", "ntp-control", "nbns"):
        assert replied[service] == seen[service] > 1


def test_a_filter_for_ipv4_leaks_over_ipv6_alone() -> None:
    for name in ("en0", "ppp0"):
        found = exchanges(PCAPS / "ipv6" / f"ipv4-only.{name}.pcap")
        assert {":" in one["client"] for one in found if one["outcome"] in {"replied", "rejected"}} == {True}
    answered = {service_of(row) for row in rows("ipv6", "ipv4-only.*.truth.tsv") if row.verdict == REPLIED}
    assert answered == {"icmp", "ntp", "ntp-control", "mdns", "tcp/22", "tcp/631", "tcp/88", "kerberos"}
