"""The second opinion of the dpkt reference in a report: what it confirms, where it differs, what it does not read."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from capanalyze import opinion
from capanalyze.audit import Audit, CaptureFile
from capanalyze.cli import main
from capanalyze.model import Reference
from capanalyze.opinion import Claim, confirm
from capanalyze.report.words import reference_opinion
from tests.build import START, ethernet, ntp, pcap
from tests.conversations import answer, ask
from tests.reference.compare import frames_in

FRAMES = [
    (START + 0.0, ask(123, ntp(transmit=7))),
    (START + 0.001, answer(123, ntp(4, origin=7))),
    (START + 1.0, ask(7777, b"anyone?", sport=50001)),
    (START + 90.0, ask(7778, b"later", sport=50001)),
]
PEER, TARGET = "198.51.100.7", "192.0.2.10"


def claim(requests: list[int], replies: list[int], service: str = "ntp", outcome: str | None = None) -> Claim:
    return Claim("one.pcap", service, PEER, TARGET, requests, replies, None, outcome)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(FRAMES))
    return path


def test_exchanges_whose_frames_are_at_hand_are_confirmed(capture: Path) -> None:
    frames = frames_in(capture)
    claims = [claim([1], [2], outcome="replied"), claim([3], [], "udp/7777")]
    assert confirm(frames, claims) == (2, 2, [], {})
    assert confirm(frames[:2], claims) == (1, 1, [], {})


def test_a_difference_is_named_by_its_frames(capture: Path) -> None:
    said = confirm(frames_in(capture), [claim([1], []), claim([3], [2], "udp/7777")])
    assert (said.confirmed, said.of) == (0, 2)
    assert said.differences == [
        "one.pcap: ntp 1 > -; dpkt reference: ntp 1 > 2 (replied)",
        "one.pcap: udp/7777 3 > 2; dpkt reference: udp/7777 3 > - (silent), ntp 1 > 2 (replied)",
    ]


def test_an_exchange_that_dpkt_does_not_read_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap([(START, ethernet(ask(123, ntp(transmit=7)), 0x88B5))], 1))
    assert confirm(frames_in(path), [claim([1], [])]) == (0, 0, [], {"EtherType 0x88b5": 1})


def test_a_report_says_what_the_reference_confirms(capture: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["report", "--target", TARGET, "--mode", "block-all", "-o", str(tmp_path / "out"), str(capture)]
    )
    assert result.exit_code == 0, result.output
    assert "dpkt reference confirms 3 of 3 exchanges" in " ".join(result.stdout.split())
    told = json.loads((tmp_path / "out" / "report.json").read_text())["reference"]
    assert (told["confirmed"], told["of"], told["differences"]) == (3, 3, [])
    assert "dpkt reference confirms 3 of 3 exchanges" in (tmp_path / "out" / "report.html").read_text()


def test_verify_pairs_all_frames_once_more(capture: Path, tmp_path: Path) -> None:
    command = [
        "report",
        "--verify",
        "--depth",
        "off",
        "--format",
        "json",
        "--target",
        TARGET,
        "-o",
        str(tmp_path / "out"),
    ]
    result = CliRunner().invoke(main, [*command, str(capture)])
    assert result.exit_code == 0, result.output
    assert "dpkt reference agrees on all 3 exchanges" in " ".join(result.stdout.split())


def test_verify_keeps_to_the_time_that_is_asked_for(capture: Path) -> None:
    audit = Audit((CaptureFile(str(capture), capture.name),), until=(START + 60) * 1_000_000_000)
    assert opinion.verify(audit) == Reference(confirmed=2, of=2, differences=[], whole=True)


def test_verify_needs_files() -> None:
    result = CliRunner().invoke(main, ["report", "--verify", "-"], input=pcap(FRAMES))
    assert result.exit_code == 2
    assert "--verify: reads captures twice" in result.stderr


def test_a_reference_that_fails_fails_no_report(capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(opinion, "confirm", fail)
    result = CliRunner().invoke(main, ["report", "--target", TARGET, "-o", str(tmp_path / "out"), str(capture)])
    assert result.exit_code == 0, result.output
    assert "dpkt reference could not be asked (RuntimeError)" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Reference(confirmed=21, of=21, differences=[]), "dpkt reference confirms 21 of 21 exchanges"),
        (
            Reference(confirmed=1, of=1, differences=[], unread=2),
            "dpkt reference confirms 1 of 1 exchange, does not read 2 frames",
        ),
        (
            Reference(confirmed=1, of=1, differences=[], unread=3, unread_because={"snmp": 2, "a fragment": 1}),
            "dpkt reference confirms 1 of 1 exchange, does not read 3 frames (snmp 2, a fragment 1)",
        ),
        (Reference(confirmed=9, of=10, differences=["x"], whole=True), "dpkt reference agrees on 9 of 10 exchanges"),
        (Reference(confirmed=9, of=9, differences=["x"], whole=True), "dpkt reference agrees on 9 of 9 exchanges"),
    ],
)
def test_words(told: Reference, words: str) -> None:
    assert reference_opinion(told) == words
