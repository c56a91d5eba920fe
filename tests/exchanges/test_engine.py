"""The table of open exchanges: what goes on for long does not hold others up, and what has no room is let go."""

from pathlib import Path
from typing import Any

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.exchanges import engine
from capanalyze.exchanges.batch import Batch
from capanalyze.exchanges.engine import LATE, Engine
from capanalyze.flow import find_exchanges
from capanalyze.protocols._protocol import SECOND
from tests.build import PEER, START, TARGET, ipv4, ntp, pcap, udp

FAR = ipv4(PEER, "10.255.255.1", 89, b"ospf")
SMALL = 1024  # exchanges
AT_ONCE = 300  # so many places are kept free, as one message may take as many


def asked(number: int) -> bytes:
    return ipv4(PEER, TARGET, 17, udp(1024 + number % 60000, 123, ntp(transmit=number + 1)), ident=number % 65536)


def written(folder: Path, frames: list[tuple[float, bytes]]) -> Path:
    path = folder / "block-all.pcap"
    path.write_bytes(pcap([(START + time, frame) for time, frame in [*frames, (frames[-1][0] + 999, FAR)]]))
    return path


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many exchanges were in the table after each unit of messages."""
    found: list[int] = []
    feed = Engine.feed

    def spy(one: Engine, rows: Any, pool: Any, count: int) -> list[Batch]:
        batches = feed(one, rows, pool, count)
        found.append(one._pairs.taken[0])  # noqa: SLF001 - nobody else knows
        return batches

    monkeypatch.setattr(Engine, "feed", spy)
    return found


def test_state_is_bounded_by_what_may_still_be_answered_not_by_the_run(tmp_path: Path, taken: list[int]) -> None:
    rate, seconds = 200, 180
    path = written(tmp_path, [(number / rate, asked(number)) for number in range(rate * seconds)])
    assert len(find_exchanges(audit_of([str(path)]))) == rate * seconds
    open_at_most = rate * (LATE // SECOND + 1)
    assert len(taken) > 1
    assert open_at_most - rate < max(taken) <= open_at_most + 1


def test_what_there_is_no_room_for_is_let_go_and_counted(
    tmp_path: Path, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LARGEST", SMALL)
    path = written(tmp_path, [(number / 10_000, asked(number)) for number in range(5000)])
    analysis = analyze(audit_of([str(path)], target=(TARGET,)))
    (finding,) = analysis.findings
    assert SMALL - AT_ONCE <= max(taken) <= SMALL
    assert (finding.exchanges, finding.replied) == (5000, 0)
    assert finding.reasons["too many requests were open at a time"] == finding.indeterminate > 3000
    assert finding.silent == 5000 - finding.indeterminate > 500  # those that were open at the end
    (note,) = analysis.notes
    assert f"{finding.indeterminate:,} it is not known whether they were answered" in note


def test_of_what_is_let_go_behind_its_window_silence_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LARGEST", SMALL)
    path = written(tmp_path, [(number / 100, asked(number)) for number in range(5000)])
    analysis = analyze(audit_of([str(path)], target=(TARGET,)))
    (finding,) = analysis.findings
    assert (finding.silent, finding.indeterminate) == (5000, 0)
    assert "of 0 it is not known" in analysis.notes[0]


def test_a_flow_that_goes_on_for_long_holds_nobody_up(tmp_path: Path, taken: list[int]) -> None:
    """What is handed on in order of beginning would wait for it."""
    frames = [(number / 20, asked(number)) for number in range(40_000)]
    for number in range(201):
        frames.append((number * 10.0, ipv4(PEER, TARGET, 17, udp(50000, 4433, b"on %d" % number))))
        frames.append((number * 10.0 + 0.1, ipv4(TARGET, PEER, 17, udp(4433, 50000, b"and on %d" % number))))
    path = written(tmp_path, sorted(frames, key=lambda frame: frame[0]))
    found = [pair.exchange for pair in find_exchanges(audit_of([str(path)]))]
    assert len(taken) > 2
    assert max(taken) < 20 * 100
    (flow,) = (one for one in found if one.service == "udp/4433")
    octets = sum(len(b"and on %d" % number) for number in range(201))
    assert (flow.outcome, len(flow.replies), flow.reply_octets) == ("replied", 1, octets)
    assert len(found) == 40_001
    assert sorted(one.requests[0] for one in found if one.service == "ntp") == sorted(
        number for number, (_, frame) in enumerate(sorted(frames, key=lambda frame: frame[0]), 1) if b"on " not in frame
    )
