"""What shows that a service listened which stayed silent, and that rows say the same of it as findings."""

import json
import struct
from pathlib import Path

import pytest
from click.testing import CliRunner

from capanalyze import flow
from capanalyze.analysis import analyze
from capanalyze.audit import Audit, CaptureFile, Mode, Segment
from capanalyze.cli import main
from capanalyze.model import Finding
from tests.build import PEER, START, TARGET, ipv4, ipv6, ntp, pcap, tcp, udp

OTHER, PEER6, TARGET6 = "203.0.113.9", "2001:db8::7", "2001:db8::10"
BLOCK, OPEN = Mode("shut", "Shut", "block"), Mode("open", "Open", "allow")
FAR = (300.0, ipv4(PEER, OTHER, 6, tcp(1, 2, "A", payload=b"x")))
Timed = tuple[float, bytes]


def ask(at: float, port: int = 5000, source: int = 40000, peer: str = PEER) -> Timed:
    return at, ipv4(peer, TARGET, 17, udp(source, port, b"?"))


def tell(at: float, port: int = 5000, source: int = 40000, peer: str = PEER) -> Timed:
    return at, ipv4(TARGET, peer, 17, udp(port, source, b"!"))


def ask6(at: float, port: int = 5000) -> Timed:
    return at, ipv6(PEER6, TARGET6, 17, udp(40000, port, b"?"))


def tell6(at: float, port: int = 5000) -> Timed:
    return at, ipv6(TARGET6, PEER6, 17, udp(port, 40000, b"!"))


def syn(at: float, port: int) -> Timed:
    return at, ipv4(PEER, TARGET, 6, tcp(40000, port, "S", seq=7))


def time_of(at: float, mode: int, source: int, destination: int, *, leaves: bool) -> Timed:
    ends = (TARGET, PEER) if leaves else (PEER, TARGET)
    return at, ipv4(*ends, 17, udp(source, destination, ntp(mode, transmit=int(at * 10) + 1)))


ENCODED = b"\x20" + b"FEEFFDFE" + b"CA" * 12 + b"\0"  # "TEST" as RFC 1001, section 14.1 encodes it
NAME_FOUND = struct.pack(">6H", 7, 0x8500, 0, 1, 0, 0) + ENCODED + struct.pack(">2HIH", 0x20, 1, 60, 6)
NAME_FOUND += b"\0\0" + bytes((192, 0, 2, 10))


def names(number: int, kind: int) -> bytes:
    """A question to the name service."""
    question = struct.pack(">6H", number, 0, 1, 0, 0, 0) + ENCODED + struct.pack(">2H", kind, 1)
    return ipv4(PEER, TARGET, 17, udp(40000, 137, question))


def audited(folder: Path, **captures: list[Timed]) -> Audit:
    """Captures called MODE or MODE_INTERFACE, each of one mode."""
    files = []
    for name, frames in captures.items():
        mode, _, interface = name.partition("_")
        path = folder / f"{name}.pcap"
        path.write_bytes(pcap([(START + at, frame) for at, frame in sorted([*frames, FAR])]))
        files.append(CaptureFile(str(path), path.name, (Segment(mode),), interface or "ppp0"))
    return Audit(tuple(files), modes=(OPEN, BLOCK), target=(TARGET, TARGET6))


def shut(audit: Audit, service: str = "udp/5000", zone: str = "internet") -> Finding:
    """The finding of a service under the mode that promises to block it."""
    (found,) = [one for one in analyze(audit).findings if (one.mode, one.service, one.zone) == ("shut", service, zone)]
    return found


def test_silence_without_a_control_is_mere_silence(tmp_path: Path) -> None:
    found = shut(audited(tmp_path, shut=[ask(0)]))
    assert (found.verdict, found.control) == ("silent", None)


def test_an_answer_under_another_mode_is_a_control(tmp_path: Path) -> None:
    found = shut(audited(tmp_path, open=[ask(0), tell(0.1)], shut=[ask(0)]))
    assert found.verdict == "blocked"
    assert found.control is not None
    assert (found.control.mode, found.control.capture) == ("open", "open.pcap")
    assert (found.control.requests, found.control.replies) == ([1], [2])


@pytest.mark.parametrize(
    ("captures", "why"),
    [
        ({"open": [ask(0, 5001), tell(0.1, 5001)], "shut": [ask(0)]}, "another port"),
        ({"open_en0": [ask(0), tell(0.1)], "shut": [ask(0)]}, "another zone"),
        ({"open": [ask6(0), tell6(0.1)], "shut": [ask(0)]}, "another family"),
        ({"open": [ask(0)], "shut": [ask(0)]}, "silent there too"),
        ({"open": [ask(0, source=5000)], "shut": [ask(0)]}, "asked from the same port"),
    ],
)
def test_what_is_no_control(tmp_path: Path, captures: dict[str, list[Timed]], why: str) -> None:
    assert shut(audited(tmp_path, **captures)).verdict == "silent", why


def test_a_control_is_of_the_same_kind_of_request(tmp_path: Path) -> None:
    name, status = 0x20, 0x21
    asked = [(0.0, names(7, name)), (0.1, ipv4(TARGET, PEER, 17, udp(137, 40000, NAME_FOUND)))]
    assert shut(audited(tmp_path, open=asked, shut=[(0.0, names(7, name))]), "nbns").verdict == "blocked"
    assert shut(audited(tmp_path, open=asked, shut=[(0.0, names(7, status))]), "nbns").verdict == "silent"


def test_what_the_service_sends_from_its_port_shows_it_under_the_same_mode_only(tmp_path: Path) -> None:
    own = time_of(0, 3, 123, 123, leaves=True)
    silent = time_of(5, 3, 40000, 123, leaves=False)
    found = shut(audited(tmp_path, shut=[own, silent]), "ntp")
    assert found.verdict == "blocked"
    assert found.control is not None
    assert (found.control.mode, found.control.requests, found.control.replies) == ("shut", [1], [])
    assert shut(audited(tmp_path, open=[own], shut=[silent]), "ntp").verdict == "silent"
    client = time_of(0, 3, 50000, 123, leaves=True)
    assert shut(audited(tmp_path, shut=[client, silent]), "ntp").verdict == "silent"


def test_families_are_controlled_apart(tmp_path: Path) -> None:
    found = shut(audited(tmp_path, open=[ask6(0), tell6(0.1)], shut=[ask(0), ask6(1)]))
    assert {name: counts.verdict for name, counts in found.families.items()} == {"ipv4": "silent", "ipv6": "blocked"}
    assert found.verdict == "blocked"
    assert found.families["ipv4"].control is None


def rows_of(folder: Path, audit: Audit, monkeypatch: pytest.MonkeyPatch, *, many: bool) -> list[dict[str, object]]:
    """The rows of `exchanges`, as if there were few or many."""
    text = "".join(
        f'[modes.{mode.name}]\npromise = "{mode.promise}"\ncaptures = ["{mode.name}*.pcap"]\n' for mode in audit.modes
    )
    (folder / "audit.toml").write_text(f'[target]\naddresses = ["{TARGET}", "{TARGET6}"]\n{text}')
    if many:
        monkeypatch.setattr(flow, "FEW", 0)
    done = CliRunner().invoke(main, ["exchanges", "--format", "jsonl", str(folder / "audit.toml")])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("many", [False, True])
def test_rows_are_called_as_findings_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: bool) -> None:
    # The silence comes first: what shows that the service listened is read after it.
    captures = {"open": [ask(0), tell(0.1), ask(1, 5001)], "shut": [ask(0), ask(2, 5001), syn(3, 22)]}
    audit = audited(tmp_path, **dict(sorted(captures.items(), reverse=True)))
    findings = {(one.mode, one.service): one.verdict for one in analyze(audit).findings}
    rows = {(one["mode"], one["service"]): one["verdict"] for one in rows_of(tmp_path, audit, monkeypatch, many=many)}
    assert findings == {key: verdict for key, verdict in rows.items() if verdict is not None}
    assert (rows["shut", "udp/5000"], rows["shut", "udp/5001"]) == ("blocked", "silent")


def test_a_silent_request_beside_an_answered_one_is_held_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = [ask(10, source=40001, peer=OTHER), tell(10.1, 5000, 40001, OTHER)]
    audit = audited(tmp_path, open=[], shut=[ask(0), *other])
    verdicts = [one["verdict"] for one in rows_of(tmp_path, audit, monkeypatch, many=False)]
    assert verdicts == ["blocked", "leaked"]
