"""Ports without a module: which of them have findings of their own, and what the others share."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from capanalyze.audit import Audit, audit_of
from capanalyze.model import Analysis
from capanalyze.summary import store
from capanalyze.summary.store import Rooms
from tests.build import PEER, START, TARGET, icmp_error, ipv4, pcap, tcp, udp
from tests.summary.test_summary import FAR, datagram, summed, told


def test_ports_beyond_the_first_ones_are_summed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = range(20000, 20000 + 50)
    frames = [(START + port / 1e5, ipv4(PEER, TARGET, 17, udp(40000, port, b"x"))) for port in ports]
    answers = [(START + 1 + port / 1e5, ipv4(TARGET, PEER, 17, udp(port, 40000, b"y"))) for port in ports[-3:]]
    path = tmp_path / "block-all.pcap"
    path.write_bytes(pcap([*frames, *answers, (START + 200, FAR)]))
    found = summed(audit_of([str(path)], target=(TARGET,)), monkeypatch, quiet=10)
    assert isinstance(found, Analysis)
    assert found.notes == []
    by_service = {one.service: one for one in found.findings}
    leaked = [one for one in found.findings if one.verdict == "leaked"]
    assert [one.port for one in leaked] == list(ports[-3:])
    assert (by_service["udp/other"].exchanges, by_service["udp/other"].verdict) == (37, "silent")
    assert by_service["udp/other"].name == "37 further ports"
    assert sum(one.exchanges for one in found.findings) == len(ports)
    assert len(found.findings) == 10 + 3 + 1


def scanned(folder: Path, names: Sequence[str] = ("block-all.pcap",)) -> Audit:
    """Of 30 UDP ports, 10 draw nothing, 10 reject, 10 reply; 10 TCP ports draw nothing."""
    frames = []
    for port in range(20_000, 20_030):
        asks = ipv4(PEER, TARGET, 17, udp(40000, port, b"x"))
        drew = (b"", icmp_error(asks, 3, 3), ipv4(TARGET, PEER, 17, udp(port, 40000, b"y")))[port % 3]
        frames += [(port / 1e3, one) for one in (asks, drew) if one]
    frames += [(port / 1e3, ipv4(PEER, TARGET, 6, tcp(40000, port, "S"))) for port in range(20_030, 20_040)]
    for number, name in enumerate(names):
        start = START + 1000 * number
        (folder / name).write_bytes(pcap([*((start + time, frame) for time, frame in frames), (start + 200, FAR)]))
    return audit_of([str(folder / name) for name in names], target=(TARGET,))


def of_their_own(found: Analysis | str) -> Counter[tuple[str | None, str, str]]:
    """How many ports have a finding of their own, by mode, transport and outcome."""
    assert isinstance(found, Analysis)
    return Counter((one.mode, one.transport, one.outcome) for one in found.findings if one.port is not None)


def test_each_mode_and_transport_has_first_ports_by_what_they_drew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = scanned(tmp_path, ["block-all.pcap", "allow-all.pcap"])
    found = summed(audit, monkeypatch, quiet=4, rejecting=5, answering=6)
    expected = {("udp", "silent"): 4, ("udp", "rejected"): 5, ("udp", "replied"): 6, ("tcp", "silent"): 4}
    assert of_their_own(found) == {
        (mode, *drew): count for mode in ("block-all", "allow-all") for drew, count in expected.items()
    }
    assert isinstance(found, Analysis)
    rest = {(one.mode, one.service): one.name for one in found.findings if one.port is None}
    assert rest == {
        (mode, service): name
        for mode in ("block-all", "allow-all")
        for service, name in (("udp/other", "15 further ports"), ("tcp/other", "6 further ports"))
    }
    assert sum(one.exchanges for one in found.findings) == found.directions["inbound"]


def test_a_port_that_answers_later_has_a_finding_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [(number / 100, datagram(40000, b"x", 3000 + number)) for number in range(10)]
    frames += [(9.0, datagram(40001, b"x", 3009)), (9.1, ipv4(TARGET, PEER, 17, udp(3009, 40001, b"y")))]
    monkeypatch.setattr(store, "ROOMS", Rooms(quiet=0, rejecting=0))
    found = told(tmp_path, [*frames, (200, FAR)], service="udp/3009")
    assert (found.exchanges, found.replied, found.silent) == (2, 1, 1)


def test_that_there_is_no_room_for_more_ports_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["too many ports in all modes and zones: some share a finding that would have one of their own"]
    found = summed(scanned(tmp_path), monkeypatch, ports=7)
    assert isinstance(found, Analysis)
    assert sum(of_their_own(found).values()) == 7
    assert found.notes == said
    whole = summed(scanned(tmp_path), monkeypatch, ports=40)
    assert isinstance(whole, Analysis)
    assert sum(of_their_own(whole).values()) == 40
    assert whole.notes == []


def test_where_no_port_is_left_nothing_is_said_of_further_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = summed(scanned(tmp_path), monkeypatch)
    assert isinstance(found, Analysis)
    assert len(found.findings) == 40
    assert not any("other" in one.service for one in found.findings)


def flipping(first: bytes, second: bytes) -> list[tuple[float, bytes]]:
    """60 requests to a port every ten seconds, that draw one thing and then the other."""
    frames = []
    for number in range(60):
        asks = datagram(40000 + number, b"x", 3000)
        drew = (first, second)[number % 2]
        answer = (
            icmp_error(asks, 3, 3) if drew == b"rejected" else ipv4(TARGET, PEER, 17, udp(3000, 40000 + number, drew))
        )
        frames += [(10.0 * number, asks), *([(10.0 * number + 0.1, answer)] if drew else [])]
    return frames


@pytest.mark.parametrize("waiting", [Rooms().waiting, 0])
def test_of_a_port_that_never_replies_few_flips_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    monkeypatch.setattr(store, "ROOMS", Rooms(waiting=waiting))
    found = told(tmp_path, [*flipping(b"rejected", b""), (900.0, FAR)], service="udp/3000")
    assert (len(found.changes), found.more_changes) == (10, 49)
    found = told(tmp_path, [*flipping(b"reply", b""), (900.0, FAR)], service="udp/3000")
    assert (len(found.changes), found.more_changes) == (59, 0)
    found = told(tmp_path, [*flipping(b"rejected", b"reply"), (900.0, FAR)], service="udp/3000")
    assert (len(found.changes), found.more_changes) == (59, 0)
