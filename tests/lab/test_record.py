"""The experiment from end to end: recorded anew, it gives the verdicts of what the clients saw."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import load_audit
from tests.lab import firewall_log, needs
from tests.lab.captures import corrected, words
from tests.lab.expect import expected
from tests.lab.jail import ROOT, ordinary
from tests.lab.record import record
from tests.lab.settings import chosen
from tests.test_lab import BLOCKED, LEAKERS, MODES, ZONES, agree_probe_by_probe

SECONDS = 240


@pytest.fixture(scope="module")
def able() -> None:
    """Root, on a machine with the daemons."""
    if ordinary():
        pytest.skip("recording needs root")
    if reason := needs.lacking():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def fresh(able: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lab")
    began = time.monotonic()
    record(chosen(("leopard",)), out, tell=lambda _: None)
    assert time.monotonic() - began < SECONDS
    return out / "leopard"


def test_a_fresh_recording_gives_the_verdicts_of_the_clients(fresh: Path) -> None:
    wanted = expected(fresh)
    found = analyze(load_audit(fresh / "audit.toml")).findings
    assert {(one.mode, one.zone, one.service): one.verdict for one in found} == wanted
    for zone in ZONES:
        cells = {
            service: verdict
            for (mode, where, service), verdict in wanted.items()
            if (mode, where) == ("block-all", zone)
        }
        assert {service for service, verdict in cells.items() if verdict == "leaked"} == LEAKERS
        assert {service for service, verdict in cells.items() if verdict == "blocked"} == BLOCKED
    assert len(wanted) == 90


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("zone", ZONES)
def test_a_fresh_recording_agrees_with_the_client_probe_by_probe(fresh: Path, mode: str, zone: str) -> None:
    agree_probe_by_probe(fresh, mode, zone)


def test_what_is_kept_beside_the_captures_is_the_articles(fresh: Path) -> None:
    def text(name: str) -> str:
        return (fresh / f"block-all.{name}").read_text()

    for service in (
        "123/udp   open|filtered ntp",
        "137/udp   open|filtered netbios-ns",
        "5353/udp  open|filtered zeroconf",
    ):
        assert service in text("lan.nmap-udp-nopayload.txt")
    assert '<address addr="00:17:F2:DF:CD:B3" addrtype="mac" vendor="Apple"/>' in text("lan.nmap-udp-nopayload.xml")
    for line in ("ntpd", "nmbd", "avahi-dae"):
        assert line in text("lsof-udp.txt")
    assert "UDP *:netbios-ns" in text("lsof-udp.txt")
    assert "Qf98e Firewall[44]: Deny nc data in from 203.0.113.66:28524 uid = 0 proto=17\n" in text("appfirewall.log")
    assert "__MSBROWSE__" in text("internet.probes.txt")
    assert "NTPv4, Server, length 48" in text("ppp0.tcpdump.txt")
    listening = (fresh / "specific-services.appfirewall.log").read_text()
    assert "Qf98e Firewall[44]: Allow nc listening from uid = 501 proto=6\n" in listening


def namespaces(parent: int) -> set[str]:
    """The PID namespaces below a process."""
    children = defaultdict[int, set[int]](set)
    for line in statuses():
        children[int(line.split()[3])].add(int(line.split()[0]))
    found, waiting = set(), [parent]
    while waiting:
        one = waiting.pop()
        waiting += children.get(one, ())
        found.add(namespace(one))
    return found - {namespace(os.getpid()), ""}


def statuses() -> list[str]:
    """`/proc/*/stat` without the names, which may hold blanks."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        found.append(f"{text.split()[0]} x {text.rpartition(')')[2]}")
    return found


def namespace(process: int) -> str:
    """The PID namespace of a process; empty if it is gone."""
    try:
        return str(Path(f"/proc/{process}/ns/pid").readlink())
    except OSError:
        return ""


def occupied() -> set[str]:
    """The PID namespaces in which anything runs."""
    return {namespace(int(line.split()[0])) for line in statuses()}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_it_is_killed(able: None, tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.lab", "record", "--out", str(tmp_path), "--modes", "block-all"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as recording:
        end = time.monotonic() + 20
        while not (labs := namespaces(recording.pid)):
            assert time.monotonic() < end
            time.sleep(0.1)
        time.sleep(2)
        assert labs <= occupied()
        recording.send_signal(number)
        recording.wait(10)
    end = time.monotonic() + 10
    while labs & occupied():
        assert time.monotonic() < end
        time.sleep(0.1)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_is_missing_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program, path: None if program in {"ntpd", "ntpq", "ufw"} else "/x")
    assert needs.missing() == ["ntpsec"]
    assert needs.missing(["ufw", "strict"]) == ["ntpsec", "ufw"]
    assert needs.lacking(["ufw"]) == "missing packages: ntpsec ufw"


def test_the_log_names_who_listens() -> None:
    known = firewall_log.listeners("p7\ncnc\nu501\nf3\nPUDP\nn*:28524\nf4\nPTCP\nn10.0.0.1:22->10.0.0.2:9\n")
    assert known == [firewall_log.Listener("nc", 501, 17, 28524)]
    owners = {(17, 28524): "nc"}
    entry = firewall_log.Entry(0.0, "Deny", "192.0.2.1", 17, 28524)
    assert firewall_log.words(entry, owners) == "Deny nc data in from 192.0.2.1:28524 uid = 0 proto=17"
    other = entry._replace(port=9)
    assert firewall_log.words(other, owners) == "Stealth Mode connection attempt to UDP port 9 from 192.0.2.1"


def test_a_checksum_is_right_after_a_change() -> None:
    head = bytes.fromhex("45000021000000004011000c00000201cb00710a")
    pseudo = head[12:20] + b"\0\x11\0\x0d"
    datagram = bytearray(b"\0\x7b\x10\0\0\x0d\0\0" + b"6.1-a")
    datagram[6:8] = (~words(pseudo + bytes(datagram)) & 0xFFFF).to_bytes(2, "big")
    old = head + bytes(datagram)
    new = corrected(old, old.replace(b"6.1-a", b"x.x-x"), 0)
    assert new.endswith(b"x.x-x")
    assert words(pseudo + new[20:]) == 0xFFFF
