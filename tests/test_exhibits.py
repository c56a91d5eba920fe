"""The file of evidence: the frames that findings rest on, as they were captured, and the same verdicts from them."""

import gzip
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from capanalyze.agreement import deepen
from capanalyze.analysis import Examined, analyze, examine
from capanalyze.audit import Audit, audit_of, load_audit
from capanalyze.depth import Opinion
from capanalyze.errors import TargetError
from capanalyze.escape import printable
from capanalyze.exhibits import LIMITS, Bundle, Limit, without_exhibit
from capanalyze.model import EVIDENCE, EVIDENCE_AUDIT, Finding
from tests.build import PEER, START, TARGET, dissected, ipv4, ntp, pcap, tcp, udp
from tests.conftest import PCAPS, SHARED
from tests.packets.test_scan import CAPTURES

AUDITS = sorted(PCAPS.glob("*/audit.toml"))
LAB = sorted((SHARED / "captures" / "lab").glob("*.pcap*"))
ALL = LIMITS["all"]


def of(path: Path) -> Audit:
    return load_audit(path) if path.suffix == ".toml" else audit_of([str(path)], mode="block-all")


def written(bundle: Bundle, folder: Path) -> Path:
    """The evidence on disk; what is to be given to `report`."""
    (folder / EVIDENCE).write_bytes(bundle.octets)
    if bundle.audit is None:
        return folder / EVIDENCE
    (folder / EVIDENCE_AUDIT).write_text(bundle.audit)
    return folder / EVIDENCE_AUDIT


def verdicts(findings: list[Finding]) -> dict[tuple[str | None, str, str], tuple[object, ...]]:
    return {(one.mode, one.zone, one.service): (one.verdict, one.outcome) for one in findings}


def examined(audit: Audit, limit: Limit | None = LIMITS["auto"]) -> Examined:
    """Where the target cannot be told, it is the first candidate."""
    try:
        return examine(audit, limit=limit)
    except TargetError as error:
        named = re.search(r"--target ([0-9a-f.:]+)", str(error))
        return examine(replace(audit, target=(named[1] if named else TARGET,)), limit=limit)


@pytest.mark.parametrize("path", [*AUDITS, *CAPTURES, *LAB], ids=lambda path: "/".join(path.parts[-2:]))
def test_the_evidence_gives_the_same_verdicts(tmp_path: Path, path: Path) -> None:
    analysis, bundle = examined(of(path))
    assert bundle is not None
    assert not bundle.missing
    shown = {(one.exhibit.capture, one.exhibit.frame) for one in bundle.shown}
    if not shown:
        assert not [one for one in analysis.findings if one.replied or one.rejected]
        return
    again = examine(of(written(bundle, tmp_path))).analysis
    expected = verdicts([one for one in analysis.findings if not without_exhibit([one], shown)])
    assert verdicts(again.findings) == expected
    if without_exhibit(analysis.findings, shown):
        assert len(shown) == LIMITS["auto"].in_all
    assert {(one.mode, one.zone, one.service) for one in again.announcements} == {
        (one.mode, one.zone, one.service) for one in analysis.announcements
    }


@pytest.mark.parametrize("path", [*AUDITS, *LAB[:3]], ids=lambda path: "/".join(path.parts[-2:]))
def test_tshark_sees_the_named_frames_as_they_were_captured(tmp_path: Path, path: Path) -> None:
    audit = of(path)
    _, bundle = examined(audit)
    assert bundle is not None
    if not bundle.shown:
        return
    written(bundle, tmp_path)
    fields = ("frame.time_epoch", "frame.len", "frame.cap_len", "frame.md5_hash", "frame.interface_name")
    options = ("-o", "frame.generate_md5_hash:TRUE")
    copies = dissected(tmp_path / EVIDENCE, *fields, options=options)
    originals = {
        file.name: dissected(Path(file.path), *fields, options=options)
        for file in audit.captures
        if any(one.exhibit.capture == file.name for one in bundle.shown)
    }
    opened = subprocess.run(["tshark", "-n", "-r", tmp_path / EVIDENCE], capture_output=True, text=True, check=True)
    assert [line for line in opened.stderr.splitlines() if "Running as user" not in line] == []
    assert len(copies) == len(bundle.shown)
    for copy, (exhibit, octets) in zip(copies, bundle.shown, strict=True):
        original = originals[exhibit.capture][exhibit.frame - 1]
        assert copy[:4] == original[:4]
        assert copy[4] == (exhibit.interface or exhibit.capture)
        assert (exhibit.octets, exhibit.captured) == (int(copy[1]), len(octets))


def test_each_frame_says_what_it_proves(leopard: Path, tmp_path: Path) -> None:
    analysis, bundle = examined(of(leopard / "audit.toml"))
    assert bundle is not None
    written(bundle, tmp_path)
    comments = [" ".join(row[0].split()) for row in dissected(tmp_path / EVIDENCE, "frame.comment")]
    for comment, (exhibit, _) in zip(comments, bundle.shown, strict=True):
        assert comment.startswith(f"{exhibit.capture}, frame {exhibit.frame}")
        assert exhibit.proves
        assert all(words in comment for words in exhibit.proves)
    for found in analysis.findings:
        if found.verdict == "leaked":
            first = next(one for one, _ in bundle.shown if one.frame == found.first.replies[0])
            mine = [one for one, _ in bundle.shown if (one.capture, one.frame) == (found.first.capture, first.frame)]
            words = f"{found.service} leaked under {found.mode}, from {found.zone}: reply"
            assert any(words in proof for one in mine for proof in one.proves)


REQUEST = ipv4(PEER, TARGET, 17, udp(50000, 123, ntp(transmit=7)))
REPLY = ipv4(TARGET, PEER, 17, udp(123, 50000, ntp(4, origin=7)))


def made(
    tmp_path: Path, frames: list[tuple[float, bytes]], name: str = "block-all.ppp0.pcap", noise: bytes = b""
) -> Audit:
    """An audit of a capture of these frames, each behind the same records of no concern."""
    path = tmp_path / name
    whole = pcap(frames)
    octets = whole[:24] + b"".join(noise + pcap([frame])[24:] for frame in frames)
    path.write_bytes(gzip.compress(octets) if name.endswith(".gz") else octets)
    return audit_of([str(path)], target=(TARGET,))


@pytest.mark.parametrize("name", ["block-all.ppp0.pcap", "block-all.ppp0.pcap.gz"])
@pytest.mark.parametrize("times", [4, 200_000])
def test_frames_are_found_again_however_far_in(tmp_path: Path, name: str, times: int) -> None:
    noise = pcap([(START, ipv4(PEER, TARGET, 6, tcp(1, 2, "A", payload=b"x")))])[24:] * times
    _, bundle = examine(made(tmp_path, [(START, REQUEST), (START + 0.5, REPLY)], name, noise), limit=ALL)
    assert bundle is not None
    assert [(one.frame, octets) for one, octets in bundle.shown] == [(times + 1, REQUEST), (2 * times + 2, REPLY)]


def test_silence_comes_with_the_frame_that_ends_the_capture(tmp_path: Path) -> None:
    later = ipv4(PEER, TARGET, 6, tcp(1, 2, "A", payload=b"x"))
    analysis, bundle = examine(made(tmp_path, [(START, REQUEST), (START + 2, later), (START + 60, later)]), limit=ALL)
    assert bundle is not None
    assert [one.verdict for one in analysis.findings] == ["silent"]
    assert [one.exhibit.frame for one in bundle.shown] == [1, 3]
    assert "goes on to here" in bundle.shown[1].exhibit.proves[0]


def test_the_counts_of_a_leak_can_be_counted_in_the_evidence(tmp_path: Path) -> None:
    asked = [(START + 20 * number, ipv4(PEER, TARGET, 17, udp(50000 + number, 5000, b"?"))) for number in range(6)]
    told = [(START + 20 * number + 0.1, ipv4(TARGET, PEER, 17, udp(5000, 50000 + number, b"!"))) for number in (1, 4)]
    frames = sorted([*asked, *told, (START + 400, asked[0][1])])
    analysis, bundle = examine(made(tmp_path, frames), limit=LIMITS["auto"])
    assert bundle is not None
    assert [(one.replied, one.provable) for one in analysis.findings] == [(2, 6)]
    evidence = tmp_path / "block-all.ppp0.pcapng"
    evidence.write_bytes(bundle.octets)
    (again,) = analyze(audit_of([str(evidence)], target=(TARGET,))).findings
    assert (again.replied, again.provable, again.verdict) == (2, 6, "leaked")


def test_where_there_is_no_room_leaks_come_first_and_it_is_said(tmp_path: Path) -> None:
    ports = range(1000, 1020)
    asked = [(START + port / 1000, ipv4(PEER, TARGET, 6, tcp(50000, port, "S", seq=port))) for port in ports]
    audit = made(tmp_path, [*asked, (START + 5, REQUEST), (START + 5.1, REPLY), (START + 60, asked[0][1])])
    analysis, bundle = examine(audit, limit=replace(ALL, in_all=6))
    assert bundle is not None
    assert len(bundle.shown) == 6
    assert {one.octets for one in bundle.shown} >= {REQUEST, REPLY}
    deepen(analysis, bundle, Opinion())
    assert analysis.depth is not None
    assert analysis.depth.note is not None
    assert analysis.depth.note.startswith("findings without a frame in the evidence, for want of room: 16 ")


def test_a_capture_that_is_gone_costs_the_evidence_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [(START, REQUEST), (START + 0.1, REPLY)]
    audit = made(tmp_path, frames)
    expected = examine(audit).analysis.findings[0].verdict

    def nothing(*_: object) -> tuple[dict[object, object], dict[object, object]]:
        return {}, {}

    monkeypatch.setattr("capanalyze.analysis.again", nothing)
    analysis, bundle = examine(audit, limit=ALL)
    assert bundle is not None
    assert bundle.shown == []
    assert bundle.missing == {("block-all.ppp0.pcap", 1), ("block-all.ppp0.pcap", 2)}
    assert [one.verdict for one in analysis.findings] == [expected]
    deepen(analysis, bundle, Opinion())
    assert analysis.depth is not None
    assert analysis.depth.note == "frames that could not be read again, and are not in the evidence: 2"


def test_without_exhibits_nothing_is_read_for_them(leopard: Path) -> None:
    assert examine(of(leopard / "audit.toml")).bundle is None


def test_names_of_all_kinds_stand_in_its_audit(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap([(START, REQUEST), (START + 0.1, REPLY)]))
    text = """
title = "a \\"quoted\\" \\\\ title\\u007f\\u001b\\u009b\\u202e\\u200b\\U000e0041\\U0001f512"
[zones]
ppp0 = "the \\u00fc zone"
[modes."a mode = 'x'"]
promise = "block"
allow = ["tcp/22"]
stealth = true
captures = ["x.pcap"]
"""
    (tmp_path / "audit.toml").write_text(text)
    given = load_audit(tmp_path / "audit.toml")
    _, bundle = examine(given, limit=ALL)
    assert bundle is not None
    again = load_audit(written(bundle, tmp_path))
    assert (again.title, again.modes[0].name, again.modes[0].allow, again.modes[0].stealth, again.zones) == (
        given.title,
        given.modes[0].name,
        ("tcp/22",),
        True,
        given.zones,
    )
    assert all(printable(line) == line for line in (bundle.audit or "").splitlines())


def test_a_zone_of_no_utf_8_stands_in_its_audit(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap([(START, REQUEST), (START + 0.1, REPLY)]))
    _, bundle = examine(audit_of([str(path)], mode="block-all", zones=("\udcff=lan\udcfe",)), limit=ALL)
    assert bundle is not None
    assert load_audit(written(bundle, tmp_path)).zones == {r"\udcff": r"lan\udcfe"}


def test_of_standard_input_what_is_not_kept_is_not_in_the_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdicts stand; what is missing is said, with the reason."""
    noise = pcap([(START, ipv4(PEER, TARGET, 6, tcp(1, 2, "A", payload=b"x")))])[24:] * 20_000
    made(tmp_path, [(START, REQUEST), (START + 0.5, REPLY)], "x.pcap", noise)
    monkeypatch.setattr("capanalyze.capture.hashed.MAX_COPY", 1_200_000)
    with (tmp_path / "x.pcap").open("rb") as stream:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stream))
        analysis, bundle = examine(audit_of(["-"], mode="block-all", target=(TARGET,)), limit=ALL)
    assert bundle is not None
    assert [one.verdict for one in analysis.findings] == ["leaked"]
    assert [octets for _, octets in bundle.shown] == [REQUEST]
    deepen(analysis, bundle, Opinion())
    assert analysis.depth is not None
    assert analysis.depth.note is not None
    expected = "frames that could not be read again, and are not in the evidence: 1 (of standard input the first "
    assert analysis.depth.note.startswith(expected)


@pytest.mark.parametrize("path", AUDITS, ids=lambda path: path.parent.name)
def test_all_is_every_frame_of_every_exchange_that_a_finding_points_to(path: Path) -> None:
    analysis, bundle = examined(of(path), ALL)
    assert bundle is not None
    held = {(one.exhibit.capture, one.exhibit.frame) for one in bundle.shown}
    for found in analysis.findings:
        for one in (*found.shown(), *found.flipped()):
            assert {(one.capture, frame) for frame in one.requests} <= held
            assert {(one.reply_capture or one.capture, frame) for frame in one.replies} <= held
