"""Whatever the split, the result is the same: pieces of a rotated capture, blocks of any size."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.capture import Capture
from capanalyze.exchanges import held as holding
from capanalyze.flow import find_exchanges
from capanalyze.model import Exchange
from capanalyze.packets import messages
from tests.bench.generate import Wanted, generate
from tests.build import PEER, START, TARGET, icmp, ipv4, ntp, pcap, udp

FAR = ipv4(PEER, "10.255.255.1", 89, b"ospf")
HEADER = 24


@pytest.fixture(scope="module")
def flood(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flood") / "flood.pcap"
    generate(Wanted("flood", 600_000), path)
    return path


def records(octets: bytes) -> list[bytes]:
    """The records of a little-endian pcap."""
    found, at = [], HEADER
    while at < len(octets):
        end = at + 16 + int.from_bytes(octets[at + 8 : at + 12], "little")
        found.append(octets[at:end])
        at = end
    return found


def joined(exchange: Exchange, starts: dict[str, int]) -> tuple[Any, ...]:
    """An exchange with frames as they are numbered in the whole; those in further pieces are left out."""
    first = exchange.capture
    requests = [starts[first] + frame for frame in exchange.requests][:1]
    replies = [starts[exchange.reply_capture or first] + frame for frame in exchange.replies][:1]
    told = exchange.service, exchange.client, exchange.client_port, exchange.outcome, exchange.reason, exchange.rtt_us
    return requests, replies, *told, exchange.time_ns, exchange.reply_octets


@settings(deadline=None, max_examples=8)
@given(cuts=st.lists(st.integers(0, 3000), min_size=1, max_size=4))
def test_pieces_of_a_rotated_capture_are_one(
    flood: Path, tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    octets = flood.read_bytes()
    frames = records(octets)
    folder = tmp_path_factory.mktemp("pieces")
    starts, paths = {}, []
    for number, (start, end) in enumerate(pairwise([0, *sorted(min(cut, len(frames)) for cut in cuts), len(frames)])):
        path = folder / f"flood.pcap{number}"
        path.write_bytes(octets[:HEADER] + b"".join(frames[start:end]))
        starts[path.name] = start
        paths.append(str(path))
    starts[flood.name] = 0
    whole = [joined(pair.exchange, starts) for pair in find_exchanges(audit_of([str(flood)]))]
    pieces = [joined(pair.exchange, starts) for pair in find_exchanges(audit_of(paths[::-1]))]
    assert sorted(map(repr, pieces)) == sorted(map(repr, whole))


@pytest.mark.parametrize("size", [1000, 7919, 1 << 20])
def test_blocks_of_any_size_give_the_same_report(flood: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    audit = audit_of([str(flood)], mode="block-all")
    whole = analyze(audit)
    monkeypatch.setattr(messages, "BLOCK", size)
    assert analyze(audit) == whole


def asked(number: int, *, ident: int = 1) -> bytes:
    return ipv4(PEER, TARGET, 17, udp(40000 + number, 123, ntp(transmit=number)), ident=ident)


def told(number: int) -> bytes:
    return ipv4(TARGET, PEER, 17, udp(123, 40000 + number, ntp(4, origin=number, transmit=9)))


def refused(number: int) -> bytes:
    return ipv4(TARGET, PEER, 1, icmp(3, 3, payload=asked(number)))


def pieces(folder: Path, *each: list[tuple[float, bytes]]) -> list[str]:
    paths = []
    for number, frames in enumerate(each):
        path = folder / f"cap.pcap{number}"
        path.write_bytes(pcap([(START + time, frame) for time, frame in frames]))
        paths.append(str(path))
    return paths


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ([(0.0, asked(1))], [(0.1, told(1)), (99.0, FAR)], [([1], [1], "cap.pcap1", "replied")]),
        ([(0.0, asked(1))], [(1.0, asked(1, ident=2)), (99.0, FAR)], [([1], [], None, "silent")]),
        ([(0.0, asked(1)), (1.0, FAR)], [(0.5, told(1)), (99.0, FAR)], [([1], [1], "cap.pcap1", "replied")]),
        ([(0.0, asked(1)), (0.1, told(1))], [(0.1, told(1)), (99.0, FAR)], [([1], [2], None, "replied")]),
        ([(0.0, asked(1)), (0.1, refused(1))], [(0.2, told(1)), (99.0, FAR)], [([1], [1], "cap.pcap1", "replied")]),
        ([(0.0, asked(1))], [(0.1, refused(1)), (0.2, told(1)), (99.0, FAR)], [([1], [1, 2], "cap.pcap1", "replied")]),
        ([(0.0, asked(1))], [(3.0, FAR), (99.0, FAR)], [([1], [], None, "silent")]),
        ([(0.0, asked(1))], [(99.0, FAR)], [([1], [], None, "silent")]),
    ],
    ids=[
        *("reply", "retransmission", "overlap", "the same frame in both"),
        *("error and reply", "both in the next", "silence", "a long pause"),
    ],
)
def test_an_exchange_goes_on_in_the_next_piece(
    tmp_path: Path, first: list[tuple[float, bytes]], second: list[tuple[float, bytes]], wanted: list[Any]
) -> None:
    found = [pair.exchange for pair in find_exchanges(audit_of(pieces(tmp_path, first, second)))]
    assert [(one.requests, one.replies, one.reply_capture, one.outcome) for one in found] == wanted


@pytest.mark.parametrize("held", [0, 500, 1 << 40])
def test_captures_that_are_paired_together_may_be_of_any_size(
    flood: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """What is held until all is known goes to a temporary file."""
    octets = flood.read_bytes()
    frames = records(octets)
    paths = []
    for number, name in enumerate(("block-all.en0.pcap", "block-all.ppp0.pcap")):
        path = tmp_path / name
        path.write_bytes(octets[:HEADER] + b"".join(frames[number::2]))
        paths.append(str(path))
    monkeypatch.setattr(holding, "IN_MEMORY", held)
    found = analyze(audit_of(paths))
    monkeypatch.setattr(holding, "IN_MEMORY", 1 << 40)
    assert found == analyze(audit_of(paths))
    assert sum(one.exchanges for one in found.findings) > 1500
    assert {one.zone for one in found.findings} == {"internet", "lan"}


def test_a_capture_that_grows_is_read_to_the_end_that_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "grows.pcap"
    path.write_bytes(pcap([(START, asked(1)), (START + 0.1, told(1)), (START + 99, FAR)]))
    before = analyze(audit_of([str(path)]))
    whole = Capture.read_into

    def read_into(capture: Capture, room: memoryview) -> int:
        with path.open("ab") as file:
            file.write(pcap([(START + 100, asked(2))])[HEADER:])
        return whole(capture, room)

    monkeypatch.setattr(Capture, "read_into", read_into)
    found = analyze(audit_of([str(path)]))
    (note,) = found.inputs[0].notes
    assert note.startswith("it grew while it was read: ")
    found.inputs[0].notes = []
    assert found == before


def test_pieces_may_be_given_in_any_order(tmp_path: Path) -> None:
    frames = [[(10.0 * number, asked(number)), (10 * number + 0.1, told(number))] for number in range(1, 12)]
    paths = pieces(tmp_path, *frames, [(400, FAR)])
    first, second = (msgspec.to_builtins(analyze(audit_of(given))) for given in (paths, sorted(paths)))
    assert paths != sorted(paths)
    assert first == second


def test_a_little_jitter_where_pieces_meet_changes_nothing(tmp_path: Path) -> None:
    frames = [(0.0, asked(1)), (1.0, asked(2)), (0.8, told(2)), (99.0, FAR)]
    whole = tmp_path / "whole.pcap"
    whole.write_bytes(pcap([(START + time, frame) for time, frame in frames]))
    outcomes = [
        [pair.exchange.outcome for pair in find_exchanges(audit_of(given))]
        for given in ([str(whole)], pieces(tmp_path, frames[:2], frames[2:]))
    ]
    assert outcomes[0] == outcomes[1] == ["silent", "replied"]
