"""Pairing against answers that nobody here wrote: tshark's dissection of real captures (truth files)."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from capanalyze.cli import main

# What the truth calls by a name of its own; all else of UDP is filed under `udp`.
NAMED = {"dns", "icmp", "kerberos", "llmnr", "mdns", "nbns", "ntp", "snmp", "ssdp", "tcp"}
APPLICATIONS = {"dhcp", "dhcpv6", "tftp", "sip"}
SHARE = 0.99
MAX_FALSE = 0.01

FUZZED = "ndpi_fuzz-2006-06-26-2594.pcap"
# Pairs of the truth that are none, or that the protocol's key does not make: (capture, request, reply) → why.
WRONG = {
    (
        "ppp_many_interfaces-1.pcapng",
        13,
        16,
    ): "13 comes from 443 to an ephemeral port: mid-flow, the host behind 16 asked",
    (FUZZED, 617, 621): "Call-ID and CSeq are equal, but the branch is damaged in both",
}
# Pairs that the truth lacks: (capture, request, first reply) → why. Each was looked up in its frames.
MISSING: dict[tuple[str, int, int], str] = {
    ("ndpi_fuzz-2006-06-26-2594.pcap", 263, 326): "a conversation that SIP cannot read; 326 has a damaged Call-ID",
    **{
        ("tcpdump_ikev2four.pcap", request, reply): "one SPI and message ID; the truth pairs IKE once a five-tuple"
        for request, reply in ((3, 4), (5, 6), (7, 9), (8, 10), (11, 13), (12, 14), (15, 17), (16, 18), (19, 20))
    },
    # A host asks by each of its interfaces, and hears itself answer; the truth names one asker for each reply.
    **{
        ("nfstream_mdns.pcap", request, reply): f"{reply} has the record that {request} asked for too: {name}.local"
        for name, pairs in (
            ("skynet", ((94, 121), (94, 123), (95, 120), (95, 122))),
            ("skynet._udisks-ssh._tcp", ((126, 153), (126, 155), (127, 152), (127, 154))),
        )
        for request, reply in pairs
    },
    ("gopacket_be_test202.pcapng", 8, 9): "8 is a simple packet without a time: tshark takes it for 1970",
    **{
        ("nfstream_mdns.pcap", 35, reply): f"{reply} has a record of {name}, which 35 asked for two seconds before"
        for name, replies in (("_afpovertcp._tcp.local", (53, 62)), ("_airport._tcp.local", (55, 57, 61)))
        for reply in replies
    },
    ("suricata_ntp-keywords.pcap", 1, 2): "a server's packet back on the five-tuple, origin 0: no key, so weakly",
    ("suricata_ntp-keywords.pcap", 3, 4): "a server's packet back on the five-tuple, origin 0: no key, so weakly",
    (FUZZED, 6, 9): "one id and question, the reply's address is damaged",
    (FUZZED, 28, 29): "one id and question, both ports of the reply are damaged",
    (FUZZED, 247, 252): "nothing of 252 is left but its status: it pairs weakly with the first CANCEL that is open",
    (FUZZED, 107, 108): "REGISTER and its 401: one CSeq, the name of the request's Call-ID is damaged",
    (FUZZED, 154, 155): "REGISTER and its 401: one Call-ID, the CSeq is damaged",
    (FUZZED, 180, 181): "REGISTER and its reply: Call-ID damaged in both",
    (FUZZED, 558, 560): "REGISTER and its 401: one Call-ID, the request's CSeq is damaged",
    (FUZZED, 602, 603): "INVITE and its 407: Call-ID damaged in both",
    (FUZZED, 648, 650): "REGISTER and its 200: the request's headers are damaged",
    **{
        ("tcpflow_udp.pcap", frame, frame + 1): "the truth pairs a five-tuple once; each datagram of it is answered"
        for frame in (21, 23, 25, 27)
    },
    (FUZZED, 346, 348): "INVITE and its 403: the request's headers are damaged",
    (FUZZED, 430, 432): "REGISTER and its 401: the request's headers are damaged",
    (FUZZED, 453, 454): "REGISTER and its 401: one CSeq, the request's Call-ID is damaged",
    # Five octets that are no SIP keep a conversation open, which takes what names no request of its own.
    (FUZZED, 570, 580): "the 100 of the INVITE in 578, whose port is damaged",
    (FUZZED, 617, 620): "a 183 while the INVITE in 617 is open: of its headers only a damaged Call-ID is left",
    (FUZZED, 191, 192): "one id and question, the reply's address is damaged",
    (FUZZED, 221, 222): "one id and question, the address that was asked is damaged",
    (FUZZED, 287, 288): "one id, the reply's question is damaged",
    (FUZZED, 535, 536): "one id, the reply's question is damaged",
}


# What came back may be the answer: such a row claims no pair.
UNCERTAIN = ("something came back from another ", "something else answered")


def captures(shared: Path) -> list[Path]:
    return [path for path in sorted((shared / "captures" / "pairs").iterdir()) if path.suffix != ".json"]


def listed(path: Path) -> list[dict[str, Any]]:
    """What `exchanges --format jsonl` lists."""
    result = CliRunner().invoke(main, ["exchanges", "--format", "jsonl", str(path)])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def filed(service: str) -> str:
    name = service.partition("/")[0].removesuffix("-control").removesuffix("-private")
    return name if name in NAMED else "udp"


def asked_in(truth: dict[str, Any]) -> set[int]:
    """Frames that may be named as the request: any of the retransmissions, any of its fragments."""
    return {truth["request_frame"], *truth.get("candidates", []), *truth.get("request_fragments", [])}


def answered_in(truth: dict[str, Any], frame: int) -> set[int]:
    return {frame, *truth.get("reply_fragments", {}).get(str(frame), [])}


def is_named(service: str, truth: dict[str, Any]) -> bool:
    """Whether it is the truth's service, and where that says which application it was, that one's own module."""
    if truth.get("app") in APPLICATIONS:
        return service == truth["app"]
    return filed(service) == truth["service"]


def is_listed(truth: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Whether a truth's exchange is listed with its request and its first reply."""
    requests, replies = asked_in(truth), answered_in(truth, truth["reply_frames"][0])
    return any(
        is_named(row["service"], truth) and requests & set(row["requests"]) and replies & set(row["replies"])
        for row in rows
    )


def is_true(row: dict[str, Any], answers: dict[str, Any]) -> bool:
    """Whether a listed pair is in the truth, as an exchange or as an ICMP error with what it quotes."""
    for truth in answers["exchanges"]:
        replies = {frame for reply in truth["reply_frames"] for frame in answered_in(truth, reply)}
        if (
            truth["service"] == filed(row["service"])
            and asked_in(truth) & set(row["requests"])
            and replies & set(row["replies"])
        ):
            return True
    return any(
        error["frame"] in row["replies"] and error["for_frame"] in row["requests"] for error in answers["icmp_errors"]
    )


class Score:
    """Counts per service over all captures."""

    def __init__(self) -> None:
        self.truths: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.listed: Counter[str] = Counter()
        self.false: Counter[str] = Counter()
        self.wrong: set[tuple[str, int, int]] = set()
        self.missing: set[tuple[str, int, int]] = set()

    def add(self, path: Path) -> None:
        answers = json.loads((path.parent / f"{path.name}.truth.json").read_text())
        rows = listed(path)
        for truth in answers["exchanges"]:
            key = (path.name, truth["request_frame"], truth["reply_frames"][0])
            if key in WRONG:
                self.wrong.add(key)
                continue
            self.truths[truth["service"]] += 1
            self.found[truth["service"]] += is_listed(truth, rows)
        for row in rows:
            if not row["requests"] or not row["replies"] or row["reason"].startswith(UNCERTAIN):
                continue
            self.listed[filed(row["service"])] += 1
            if not is_true(row, answers):
                key = (path.name, row["requests"][0], row["replies"][0])
                if key in MISSING:
                    self.missing.add(key)
                else:
                    self.false[filed(row["service"])] += 1

    def lines(self) -> Iterator[str]:
        yield f"{'service':10} {'truth':>6} {'found':>6} {'share':>7} {'listed':>7} {'false':>6}"
        for service in sorted(self.truths | self.listed):
            truths, found = self.truths[service], self.found[service]
            share = f"{found / truths:.1%}" if truths else "-"
            yield f"{service:10} {truths:6} {found:6} {share:>7} {self.listed[service]:7} {self.false[service]:6}"
        yield f"left out: {len(self.wrong)} pairs of the truth that are wrong, {len(self.missing)} that it lacks"


@pytest.fixture(scope="module")
def score(shared: Path) -> Score:
    total = Score()
    for path in captures(shared):
        total.add(path)
    return total


def test_answered_exchanges_are_listed_with_the_right_frames(score: Score, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(score.lines()) + "\n")
    shares = {service: score.found[service] / score.truths[service] for service in score.truths}
    assert {service for service, share in shares.items() if share < SHARE} == set()


def test_hardly_a_listed_pair_is_not_in_the_truth(score: Score) -> None:
    shares = {service: score.false[service] / score.listed[service] for service in score.listed}
    assert {service for service, share in shares.items() if share > MAX_FALSE} == set()


def test_every_fault_that_is_claimed_of_the_truth_is_met(score: Score) -> None:
    assert score.wrong == set(WRONG)
    assert score.missing == set(MISSING)
