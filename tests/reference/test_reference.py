"""The reference against right answers: the captures of faults, tshark's pairs; and what it promises of itself."""

import ast
import importlib.util
import json
import re
from collections import Counter
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from capanalyze import reference
from capanalyze.reference import Paired, keys, pair
from tests import test_pairs
from tests.build import PEER, TARGET, datagram, pcap
from tests.chance import chance
from tests.conftest import ROOT, SHARED
from tests.protocols import test_udp
from tests.reference.compare import compare, frames_in

CAPTURES = SHARED / "captures"
CASES = [
    path
    for path in sorted((CAPTURES / "faults").rglob("*.expect.json"))
    if {"pairs", "no_pairs", "counts"} & set(json.loads(path.read_text()))
]
LINES = 818
PACKAGE = Path(reference.__file__).parent

NOT_BY_DPKT = "dpkt does not read it, so the reference does not either"
# What the reference says that it does not read, by case.
NOT_READ = {
    "control-ike-on-4500-with-the-marker": "ike",
    "control-ip-in-ip": "IP protocol 4",
    "control-quic-one-answered-one-not": "quic",
    "dns-on-443-four-ids": "quic",
    "dnscrypt-certificate-query-on-443": "quic",
    "dnscrypt-on-443-answered": "quic",
    "domain-controller-netlogon-on-138": "nbdgm",
    "dtls-association-on-443": "quic",
    "ike-float-answered-to-the-first-port": "ike",
    "link-radiotap-pad": "link type 127",
    "sip-register-after-an-own-call": "sip",
    "sip-response-to-the-via-port": "sip",
    "sip-server-asks-first-then-answers": "sip",
    "snmp-from-an-ephemeral-port": "snmp",
    "snmp-from-another-address-and-port": "snmp",
    "stun-answer-of-type-0002": "stun",
}
# What the reference does not find, by kind. Controls of every kind hold.
KNOWN = {
    "layer-2 tags before IP": NOT_BY_DPKT,
    "link types with IP inside": NOT_BY_DPKT,
    "an empty piece of a ring": "the project's reader does not take an empty piece yet",
}
# What only judging knows.
JUDGED = {"verdict", "direction", "zone", "mode", "rtt_us_max"}


def name_of(path: Path) -> str:
    return path.name.removesuffix(".expect.json")


def fault_score() -> ModuleType:
    """The script that holds expectations against the program."""
    spec = importlib.util.spec_from_file_location("fault_score", CAPTURES / "fault_score.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def paired_of(*paths: Path) -> Paired:
    return pair([frame for path in paths for frame in frames_in(path)])


def rows_of(paired: Paired) -> list[dict[str, Any]]:
    """The reference's exchanges with the keys of the program's rows."""
    return [
        {
            "service": one.service,
            "client": str(one.client),
            "client_port": one.client.port,
            "server": str(one.server),
            "server_port": one.server.port,
            "requests": [number for _, number in one.requests],
            "replies": [number for _, number in one.replies],
            "outcome": one.outcome,
            "reason": one.reason,
            "pairing": one.pairing,
        }
        for one in paired.exchanges
    ]


@pytest.fixture
def expected(path: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The right answer; the test is expected to fail where its kind is known not to be read."""
    found: dict[str, Any] = json.loads(path.read_text())
    known = KNOWN.get(found["kind"])
    if known and not found.get("control") and name_of(path) not in NOT_READ:
        request.applymarker(pytest.mark.xfail(reason=f"{found['kind']}: {known}", strict=True))
    return found


@pytest.mark.skipif(not CASES, reason="the captures of faults are not at hand")
@pytest.mark.parametrize("path", CASES, ids=name_of)
def test_the_pairs_of_a_fault_are_found(path: Path, expected: dict[str, Any]) -> None:
    fits = fault_score().Case.row_fits
    paired_frames = paired_of(*[path.parent / name for name in expected["files"]])
    if name_of(path) in NOT_READ:
        assert NOT_READ[name_of(path)] in paired_frames.unread.values()
        return
    rows = rows_of(paired_frames)

    def paired(want: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in want.items() if key not in JUDGED | {"min", "max"}}

    for want in expected.get("pairs", []):
        assert any(fits(paired(want), row) for row in rows), want
    for want in expected.get("no_pairs", []):
        if not JUDGED & set(want):
            assert not any(fits(want, row) for row in rows), want
    for want in expected.get("counts", []):
        count = sum(fits(paired(want), row) for row in rows)
        assert want.get("min", 0) <= count <= want.get("max", count), want


FUZZED = test_pairs.FUZZED
# Pairs that neither the truth nor the engine has: (capture, request) → why.
MORE = {(FUZZED, request): "a damaged request is answered on its five-tuple" for request in (387, 491)}
# What no reader of dpkt's reaches.
UNREAD = {"arkime_nflog.pcap"}


class Found(NamedTuple):
    score: test_pairs.Score
    more: set[tuple[str, int]]
    unread: set[str]


@pytest.fixture(scope="module")
def score(shared: Path) -> Found:
    """Counts over all captures with their truth, which of the pairs above were met, and why others were not read."""
    total, met, reasons = test_pairs.Score(), set[tuple[str, int]](), set[str]()
    for path in test_pairs.captures(shared):
        if path.name in UNREAD:
            continue
        answers = json.loads((path.parent / f"{path.name}.truth.json").read_text())
        paired_frames = paired_of(path)
        rows = rows_of(paired_frames)
        unread = {number: why for (_, number), why in paired_frames.unread.items()}
        for truth in answers["exchanges"]:
            left_out = unread.keys() & {truth["request_frame"], truth["reply_frames"][0]}
            reasons.update(unread[number] for number in left_out)
            if not left_out and (path.name, truth["request_frame"], truth["reply_frames"][0]) not in test_pairs.WRONG:
                total.truths[truth["service"]] += 1
                total.found[truth["service"]] += test_pairs.is_listed(truth, rows)
        for row in rows:
            if row["requests"] and row["replies"] and not row["reason"].startswith(test_pairs.UNCERTAIN):
                key = (path.name, row["requests"][0])
                total.listed[test_pairs.filed(row["service"])] += 1
                lacked = (*key, row["replies"][0]) in test_pairs.MISSING
                if not test_pairs.is_true(row, answers) and not lacked:
                    met.add(key)
    return Found(total, met, reasons)


def test_all_answered_exchanges_are_found(score: Found) -> None:
    assert score.score.found == score.score.truths


def test_no_other_pairs_are_found(score: Found) -> None:
    assert score.more == set(MORE)


def test_what_is_not_read_of_the_truth_is_named(score: Found) -> None:
    services = {"ike", "ldap", "quic", "sip", "snmp"}
    assert score.unread == services | {"a fragment", "IP protocol 4", "IP protocol 47", "link type 105"}


SEEDS = 300
# Captures by chance in which a port of one service talks to a port of another one, so that what one of them cannot read
# may be of the other.
DIFFERENT = {6: "tftp and dns", 290: "tftp and dns"}


@pytest.fixture(scope="module", params=range(SEEDS))
def paired(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Paired:
    """The exchanges of a capture by chance."""
    path = tmp_path_factory.mktemp("chance") / "chance.pcapng"
    path.write_bytes(chance(request.param))
    return pair(frames_in(path))


def test_every_frame_that_is_read_belongs_to_few_exchanges(paired: Paired) -> None:
    assert set(paired.unread.values()) <= {"a fragment", "nbdgm", "sip", "snmp"}
    asked = Counter(key for one in paired.exchanges for key in one.requests)
    came = Counter(key for one in paired.exchanges for key in one.replies)
    answering = {key: {str(one.server) for one in paired.exchanges if key in one.requests} for key in asked}
    # A group's request has an exchange for each answering host, and none twice.
    assert all(count == len(answering[key]) for key, count in asked.items())
    # A reply answers one request, unless a group hears it.
    groups = {key for one in paired.exchanges for key in one.replies if one.service == "mdns"}
    assert all(count == 1 for key, count in came.items() if key not in groups)


def test_outcomes_agree_with_frames(paired: Paired) -> None:
    for one in paired.exchanges:
        assert one.requests or one.replies
        assert (one.outcome == "silent") <= (not one.replies)
        assert (one.outcome in ("replied", "rejected")) <= bool(one.requests and one.replies)
        assert (not one.requests) <= (one.outcome in ("unsolicited", "indeterminate"))
        assert [*one.requests] == sorted(set(one.requests))


def test_the_engine_agrees_on_captures_by_chance() -> None:
    assert {seed for seed in range(SEEDS) if compare(chance(seed))} == set(DIFFERENT)


@pytest.mark.parametrize("kind", test_udp.SAMPLES)
def test_the_engine_agrees_on_what_is_told_to_a_group(kind: str) -> None:
    port = test_udp.PORTS.get(kind, test_udp.PORT)
    payloads = [test_udp.SAMPLES[kind], b"\1" * 48, b""]
    frames = [
        (10.0 * number, datagram(TARGET, 40000 + number, to, port, payload))
        for number, (to, payload) in enumerate(product(["224.0.0.9", PEER], payloads))
        if kind != "datagram of a tunnel" or payload != test_udp.SAMPLES[kind]
    ]
    assert not any(compare(pcap(frames)))


def test_a_seed_gives_the_same_capture() -> None:
    assert chance(7) == chance(7)


def test_the_rules_are_short() -> None:
    assert sum(len(path.read_text().splitlines()) for path in PACKAGE.glob("*.py")) <= LINES


def test_it_shares_nothing_with_the_core_but_facts() -> None:
    shared = {
        "capanalyze.protocols",
        "capanalyze.protocols._protocol",
        "capanalyze.services",
    }
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("capanalyze"):
                assert node.module in shared or node.module.startswith("capanalyze.reference"), (path.name, node.module)
    assert ROOT in PACKAGE.parents


@pytest.mark.parametrize(
    ("port", "payload"),
    [
        (520, b"\x02\x02\0\0"),
        (5678, b"\0\0\0\x01\0\x01\0\x06" + bytes(6)),
        (319, b"\0\x02\0\x2c" + bytes(40)),
        (6454, b"Art-Net\0\0\x50" + bytes(8)),
        (9, b"\x80\xc8\0\x06" + bytes(24)),
    ],
)
def test_what_a_port_is_only_told_announces_itself(port: int, payload: bytes) -> None:
    rule = keys.TOLD_ON.get(port, keys.RTCP)
    assert re.match(rule, payload, re.DOTALL)
    assert not re.match(rule, b"\x01\x01\0\0" + bytes(20), re.DOTALL)
