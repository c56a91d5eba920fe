"""Outcomes against promises: the table of the design, counts, flips, the edges of captures."""

import dataclasses
from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import Audit, CaptureFile, Mode, Segment, audit_of, load_audit
from capanalyze.capture import Interface
from capanalyze.flow import find_exchanges
from capanalyze.model import Finding, Verdict
from capanalyze.summary import store
from capanalyze.summary.store import Rooms
from capanalyze.verdicts import promise_of
from tests.build import PEER, START, TARGET, dns, icmp, ipv4, ntp, pcap, udp

FAR = 100.0  # seconds after which every window is over
NAMES = ("block-all.ppp0.pcap", "other.pcap")


def request(number: int, payload: bytes | None = None, port: int = 123) -> bytes:
    return ipv4(PEER, TARGET, 17, udp(40000 + number, port, ntp(transmit=number) if payload is None else payload))


def reply(number: int, payload: bytes | None = None, port: int = 123) -> bytes:
    body = ntp(4, origin=number, transmit=9) if payload is None else payload
    return ipv4(TARGET, PEER, 17, udp(port, 40000 + number, body))


def rejection(number: int, port: int = 123) -> bytes:
    return ipv4(TARGET, PEER, 1, icmp(3, 3, payload=request(number, port=port)))


def echo(kind: int) -> bytes:
    source, destination = (PEER, TARGET) if kind == 8 else (TARGET, PEER)
    return ipv4(source, destination, 1, icmp(kind, rest=b"\0\1\0\1"))


LAST = ipv4(PEER, "10.255.255.1", 1, icmp(11))


def write(folder: Path, frames: list[tuple[float, bytes]], name: str = "block-all.ppp0.pcap", link: int = 101) -> str:
    path = folder / name
    path.write_bytes(pcap([(START + time, frame) for time, frame in frames], link))
    return str(path)


def finding(folder: Path, frames: list[tuple[float, bytes]], mode: str = "block-all", end: float = FAR) -> Finding:
    path = write(folder, [*frames, (end, LAST)], "x.pcap")
    (found,) = analyze(audit_of([path], mode=mode, target=(TARGET,))).findings
    return found


REPLIED = [(0.0, request(1)), (0.1, reply(1))]
REJECTED = [(0.0, request(1)), (0.1, rejection(1))]
SILENT = [(0.0, request(1))]
EMPTY = [(0.0, request(1, b""))]
LATE = [(FAR - 1, request(1))]


@pytest.mark.parametrize(
    ("frames", "mode", "wanted"),
    [
        (REPLIED, "block-all", "leaked"),
        (REJECTED, "block-all", "refused"),
        (SILENT, "block-all", "silent"),
        (EMPTY, "block-all", "unproven"),
        (LATE, "block-all", "indeterminate"),
        (REPLIED, "allow-all", "allowed"),
        (REJECTED, "allow-all", "refused"),
        (SILENT, "allow-all", "silent"),
        (EMPTY, "allow-all", "unproven"),
        (LATE, "allow-all", "indeterminate"),
        ([(0.0, echo(8)), (0.1, echo(0))], "block-all", "allowed"),
        ([(0.0, echo(8))], "block-all", "silent"),
        ([(0.0, request(1, b"x", 138))], "block-all", "unproven"),
        ([(0.0, request(1, b"x", 631))], "block-all", "unproven"),
    ],
)
def test_the_verdict_is_that_of_the_table(
    tmp_path: Path, frames: list[tuple[float, bytes]], mode: str, wanted: Verdict
) -> None:
    assert finding(tmp_path, frames, mode).verdict == wanted


STEALTH = Mode("m", "m", "block", stealth=True)
OPEN_STEALTH = Mode("m", "m", "allow", stealth=True)


@pytest.mark.parametrize(
    ("mode", "frames", "wanted"),
    [
        (STEALTH, REPLIED, "leaked"),
        (STEALTH, REJECTED, "visible"),
        (STEALTH, SILENT, "silent"),
        (STEALTH, EMPTY, "unproven"),
        (STEALTH, [(0.0, echo(8)), (0.1, echo(0))], "leaked"),
        (STEALTH, [(0.0, echo(8))], "silent"),
        (OPEN_STEALTH, REPLIED, "allowed"),
        (OPEN_STEALTH, REJECTED, "visible"),
        (OPEN_STEALTH, [(0.0, echo(8)), (0.1, echo(0))], "leaked"),
    ],
)
def test_stealth_promises_no_sign_of_the_host(
    tmp_path: Path, mode: Mode, frames: list[tuple[float, bytes]], wanted: Verdict
) -> None:
    assert judged(tmp_path, frames, mode) == wanted


def judged(folder: Path, frames: list[tuple[float, bytes]], mode: Mode) -> Verdict | None:
    path = write(folder, [*frames, (FAR, LAST)], "x.pcap")
    file = CaptureFile(path, "x.pcap", (Segment(mode.name),))
    (pair,) = find_exchanges(Audit((file,), modes=(mode,), target=(TARGET,)))
    return pair.exchange.verdict


@pytest.mark.parametrize(
    ("allow", "service", "promise"),
    [
        ((), "ntp", "block"),
        (("ntp",), "ntp", "allow"),
        (("udp/123",), "ntp", "allow"),
        (("tcp/123",), "ntp", "block"),
        (("ntp",), "ntp-control", "allow"),
        (("udp/123",), "ntp-private", "allow"),
        (("ntp-control",), "ntp", "allow"),
        (("nbns",), "ntp-control", "block"),
        (("tcp/22",), "ntp-control", "block"),
        (("tcp/22",), "tcp/22", "allow"),
        (("tcp/22",), "udp/22", "block"),
        ((), "icmp", "allow"),
    ],
)
def test_promises_name_services_by_module_or_by_port(allow: tuple[str, ...], service: str, promise: str) -> None:
    assert promise_of(Mode("m", "m", "block", allow), service) == promise


def test_a_log_of_what_rules_matched_never_proves_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(tmp_path, SILENT, STEALTH) == "silent"
    monkeypatch.setattr(Interface, "one_sided", True)
    assert judged(tmp_path, SILENT, STEALTH) == "unproven"


def test_a_later_answer_makes_silence_at_the_captures_end_certain(tmp_path: Path) -> None:
    frames = [(0.0, request(1)), (1.0, request(2)), (1.1, reply(2))]
    found = finding(tmp_path, frames, end=1.2)
    assert (found.replied, found.silent, found.indeterminate) == (1, 1, 0)


def test_captures_of_one_mode_end_together(tmp_path: Path) -> None:
    short = write(tmp_path, [(0.0, request(1))], "block-all.en0.pcap")
    long = write(tmp_path, [(50.0, LAST)], "block-all.ppp0.pcap")
    other = write(tmp_path, [(50.0, LAST)], "allow-all.ppp0.pcap")
    assert [pair.exchange.outcome for pair in find_exchanges(audit_of([short, long]))] == ["silent"]
    assert [pair.exchange.outcome for pair in find_exchanges(audit_of([short, other]))] == ["indeterminate"]


def test_frames_cut_before_their_ports_make_silence_uncertain(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    answer = pcap([(START + 1, reply(1))], snaplen=22)[24:]
    path.write_bytes(pcap([(START, request(1))]) + answer + pcap([(START + FAR, LAST)])[24:])
    (pair,) = find_exchanges(audit_of([str(path)]))
    assert (pair.exchange.outcome, pair.exchange.reason) == ("indeterminate", "frames are cut")


@pytest.mark.parametrize("waiting", [Rooms().waiting, 0])
def test_cut_frames_are_those_of_their_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=waiting))
    cut = pcap([(START + FAR + 1, reply(1))], snaplen=22)[24:]
    paths = [write(tmp_path, [(0.0, request(number)), (FAR, LAST)], name) for number, name in enumerate(NAMES)]
    with Path(paths[0]).open("ab") as file:
        file.write(cut)
    found = analyze(audit_of(paths, target=(TARGET,))).findings
    assert {one.mode: one.outcome for one in found} == {"block-all": "indeterminate", None: "silent"}


def test_a_finding_takes_the_verdict_of_its_worst_outcome_and_counts_what_could_answer(tmp_path: Path) -> None:
    frames = [
        *((0.0, request(1)), (1.0, request(2)), (1.1, reply(2)), (2.0, request(3)), (2.1, rejection(3))),
        *((3.0, request(4, b"")), (FAR - 1, request(5))),
    ]
    found = finding(tmp_path, frames)
    assert found.verdict == "leaked"
    assert (found.exchanges, found.replied, found.rejected, found.silent) == (5, 1, 1, 1)
    assert (found.indeterminate, found.unproven, found.provable) == (1, 1, 3)
    assert (found.first.requests, found.first.replies) == ([2], [3])
    assert found.rtt_us is not None
    assert found.rtt_us.median == 100_000.0
    assert found.factor == 1.0


def outcomes(folder: Path, frames: list[tuple[float, bytes]], until: int | None = None) -> list[tuple[str, str]]:
    audit = dataclasses.replace(audit_of([write(folder, frames, "x.pcap")], mode="block-all"), until=until)
    return [(pair.exchange.outcome, pair.exchange.reason) for pair in find_exchanges(audit)]


def test_what_is_left_out_behind_until_proves_no_silence(tmp_path: Path) -> None:
    until = START * 10**9 + 500_000_000
    frames = [(0.0, request(1)), (1.0, reply(1)), (FAR, LAST)]
    assert outcomes(tmp_path, frames, until=until) == [("indeterminate", "the capture ended")]


def test_the_captures_end_is_told_by_a_clock_that_does_not_run_back(tmp_path: Path) -> None:
    frames = [(950_400.0, LAST), (0.0, request(1)), (0.01, LAST)]
    assert outcomes(tmp_path, frames) == [("indeterminate", "the capture ended")]


def test_a_reply_from_another_port_is_told_by_its_key(tmp_path: Path) -> None:
    other = ipv4(TARGET, PEER, 17, udp(4123, 40001, ntp(4, origin=1, transmit=9)))
    found = outcomes(tmp_path, [(0.0, request(1)), (0.1, other), (FAR, LAST)])
    assert [(outcome, reason.rpartition(", ")[2]) for outcome, reason in found] == [("replied", "port changed")]


def test_a_datagram_from_another_port_makes_silence_without_a_key_uncertain(tmp_path: Path) -> None:
    asked = ipv4(PEER, TARGET, 17, udp(40001, 9999, b"who is there?"))
    other = ipv4(TARGET, PEER, 17, udp(41123, 40001, b"me"))
    found = outcomes(tmp_path, [(0.0, asked), (0.1, other), (FAR, LAST)])
    assert found == [("indeterminate", "something came back from another port")]


def test_a_late_reply_is_a_reply(tmp_path: Path) -> None:
    found = finding(tmp_path, [(0.0, request(1)), (4.0, reply(1))])
    assert (found.verdict, found.reasons) == ("leaked", {"server reply, late": 1})


def test_captures_of_a_mode_that_lie_hours_apart_do_not_end_together(tmp_path: Path) -> None:
    first = write(tmp_path, [(0.0, request(1))], "block-all.en0.pcap")
    second = write(tmp_path, [(9000.0, LAST)], "block-all.ppp0.pcap")
    assert [pair.exchange.outcome for pair in find_exchanges(audit_of([first, second]))] == ["indeterminate"]


def test_a_mode_ends_with_its_own_captures_only(tmp_path: Path) -> None:
    write(tmp_path, [(0.0, request(1))], "a.pcap")
    write(tmp_path, [(1.0, LAST), (500.0, LAST)], "both.pcap")
    (tmp_path / "audit.toml").write_text(
        '[modes.one]\npromise = "block"\n'
        'captures = ["a.pcap", { file = "both.pcap", until = 2007-10-29T10:13:08Z }]\n'
        '[modes.two]\npromise = "block"\ncaptures = [{ file = "both.pcap", since = 2007-10-29T10:13:08Z }]\n'
    )
    assert [pair.exchange.outcome for pair in find_exchanges(load_audit(tmp_path / "audit.toml"))] == ["indeterminate"]


@pytest.mark.parametrize(
    "payload",
    [
        bytes([0x03]) + ntp(3, transmit=1)[1:],
        bytes([0x33]) + ntp(3, transmit=1)[1:],
    ],
)
def test_a_version_of_ntp_that_never_was_proves_nothing(tmp_path: Path, payload: bytes) -> None:
    assert finding(tmp_path, [(0.0, request(1, payload))]).verdict == "unproven"


@pytest.mark.parametrize(("port", "payload"), [(5355, dns(7, "host")), (162, b"trap"), (514, b"<1>log"), (9, b"x")])
def test_services_that_need_not_answer_prove_nothing(tmp_path: Path, port: int, payload: bytes) -> None:
    assert finding(tmp_path, [(0.0, request(1, payload, port))]).verdict == "unproven"
