"""Turns: the same report and rows, to the octet, whatever the number of threads and the size of pieces."""

import gzip
import json
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from click.testing import CliRunner

from capanalyze.audit import audit_of
from capanalyze.cli import main
from capanalyze.exchanges import arrival
from capanalyze.packets import messages
from capanalyze.reading import open_reading
from capanalyze.turns import Turns, default_threads
from tests.build import PEER, START, TARGET, block, enhanced, interface, ipv4, ntp, pcap, section, udp
from tests.chance import chance
from tests.conftest import PCAPS, SHARED

CUTS = (25, 101, 1000)  # where files are cut, or damaged
BLOCKS = 3000  # octets that are read at once
Output = tuple[str, str, bytes]


# -- Threads and pieces ------------------------------------------------------------------------------


class Counting:
    """Gives the numbers below `count`, and notes which threads do what."""

    def __init__(self, count: int, *, fails_at: int | None = None, spoilt: int | None = None) -> None:
        self.count, self.fails_at, self.spoilt = count, fails_at, spoilt
        self.taken = 0
        self.done: list[int] = []
        self.given_back: list[int] = []
        self.threads: set[int] = set()

    def take(self) -> int | None:
        if self.taken == self.fails_at:
            raise OSError("unreadable")
        self.taken += 1
        return self.taken - 1 if self.taken <= self.count else None

    def do(self, piece: int) -> None:
        if piece == self.spoilt:
            raise ValueError("spoilt")
        time.sleep(0.001)
        self.threads.add(threading.get_ident())
        self.done.append(piece)

    def turns(self, threads: int, *, waits: bool = False) -> Turns[int]:
        return Turns(self.take, self.do, self.given_back.append, threads=threads, waits=waits)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_pieces_come_in_order_from_all_threads(threads: int, waits: bool) -> None:
    counting = Counting(60)
    assert list(counting.turns(threads, waits=waits)) == list(range(60))
    assert sorted(counting.done) == counting.given_back == list(range(60))
    assert len(counting.threads) == threads
    assert counting.taken == 61


def test_one_thread_does_a_piece_when_it_is_wanted() -> None:
    counting = Counting(10)
    for number in counting.turns(1):
        assert counting.done == list(range(number + 1))
    assert counting.threads == {threading.get_ident()}


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize(
    ("fails_at", "spoilt", "why"), [(7, None, "unreadable"), (None, 7, "spoilt"), (0, None, "unr")]
)
def test_a_failure_comes_behind_the_pieces_before_it(
    threads: int, fails_at: int | None, spoilt: int | None, why: str
) -> None:
    found: deque[int] = deque()
    with pytest.raises((OSError, ValueError), match=why):
        found.extend(Counting(20, fails_at=fails_at, spoilt=spoilt).turns(threads))
    assert list(found) == list(range(0 if fails_at == 0 else 7))


def test_no_more_pieces_are_taken_than_there_is_room_for() -> None:
    counting = Counting(100)
    pieces = iter(counting.turns(3))
    assert [next(pieces) for _ in range(3)] == [0, 1, 2]
    end = time.monotonic() + 5
    while len(counting.done) < 6 and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.05)
    assert sorted(counting.done) == [0, 1, 2, 3, 4, 5]
    pieces.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("wanted", [1, 5])
def test_who_stops_reading_stops_the_threads(wanted: int) -> None:
    pieces = iter(Counting(1000).turns(4))
    for _ in range(wanted):
        next(pieces)
    pieces.close()  # type: ignore[attr-defined]


def test_by_default_there_is_a_thread_for_each_core_up_to_four() -> None:
    assert 1 <= default_threads() <= 4


# -- Captures ----------------------------------------------------------------------------------------


def told(folder: Path, captures: list[Path], *options: str, octets: bytes | None = None) -> Output:
    """What the program prints and writes: rows, and a report."""
    given = [str(path) for path in captures] if octets is None else ["-"]
    rows = CliRunner().invoke(main, ["exchanges", *given, "--format", "jsonl", *options], input=octets)
    shape = ["--format", "json", "--depth", "off", "-o", str(folder)]
    written = folder / "report.json"
    written.unlink(missing_ok=True)
    said = CliRunner().invoke(main, ["report", *given, *shape, *options], input=octets)
    assert rows.exception is None or isinstance(rows.exception, SystemExit)
    assert said.exception is None or isinstance(said.exception, SystemExit)
    return rows.output, said.output, written.read_bytes() if written.exists() else b""


def check(folder: Path, captures: list[Path], *options: str, octets: bytes | None = None) -> Output:
    """The same with any number of threads, in pieces of any size: what is told."""
    alone = told(folder, captures, "--threads", "1", *options, octets=octets)
    for threads, frames, size in ((2, 1, BLOCKS), (3, 2, BLOCKS), (4, 3, 700), (2, 4096, 1 << 20), (1, 1, 100)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(messages, "ROOM", frames)
            patch.setattr(messages, "BLOCK", size)
            found = told(folder, captures, "--threads", str(threads), *options, octets=octets)
        assert found == alone, (captures, threads, frames, size)
    return alone


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Captures are large ones: what is known of them by then matters."""
    monkeypatch.setattr(arrival, "UNIT", 16)
    monkeypatch.setattr(arrival, "ROOM_AT_FIRST", 4)
    monkeypatch.setattr(arrival, "ROOM", 64)
    monkeypatch.setattr(arrival, "AT_LEAST", 16)
    monkeypatch.setattr("capanalyze.flow.FEW", 40)


OURS = sorted(path for path in PCAPS.rglob("*.pcap*") if path.is_file() and path.stat().st_size < 12_000)
FAULTS = sorted(path for path in (SHARED / "captures" / "faults").rglob("*.pcap*") if path.stat().st_size < 12_000)


def some(paths: list[Path], number: int) -> list[Path]:
    """So many of them, from everywhere."""
    return paths[:: max(1, len(paths) // number)]


@pytest.mark.parametrize("path", some(OURS, 8), ids=lambda path: path.name)
def test_captures_of_this_project(tmp_path: Path, path: Path) -> None:
    rows, _, report = check(tmp_path, [path], "--mode", "block-all")
    assert rows
    assert report or "target" in rows


@pytest.mark.parametrize("path", some(FAULTS, 12), ids=lambda path: path.name)
def test_captures_of_faults(tmp_path: Path, path: Path) -> None:
    check(tmp_path, [path])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.usefixtures("small_units")
def test_captures_by_chance(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "by-chance.pcapng"
    path.write_bytes(chance(seed, 300))
    rows, _, _ = check(tmp_path, [path], "--target", "192.0.2.10", "--mode", "block-all")
    assert rows


@pytest.mark.parametrize("path", some(OURS, 4), ids=lambda path: path.name)
@pytest.mark.usefixtures("small_units")
def test_large_captures_of_one_interface(tmp_path: Path, path: Path) -> None:
    check(tmp_path, [path], "--mode", "block-all")


@pytest.mark.usefixtures("small_units")
def test_packed_captures_standard_input_and_some_time(tmp_path: Path) -> None:
    octets = chance(7, 300)
    path = tmp_path / "by-chance.pcapng"
    given = ("--target", "192.0.2.10", "--mode", "block-all")
    path.write_bytes(octets)
    times = [json.loads(line)["time"] for line in check(tmp_path, [path], *given)[0].splitlines() if line[0] == "{"]
    check(tmp_path, [path], *given, "--since", times[len(times) // 3], "--until", times[len(times) // 2])
    check(tmp_path, [], *given, octets=octets)
    check(tmp_path, [], *given, octets=gzip.compress(octets))
    for suffix, packed in (("gz", gzip.compress(octets)), ("zst", zstandard.compress(octets))):
        packed_path = path.with_name(f"{path.name}.{suffix}")
        packed_path.write_bytes(packed)
        check(tmp_path, [packed_path], *given)
        packed_path.write_bytes(packed[: len(packed) // 2])
        check(tmp_path, [packed_path], *given)


@pytest.mark.usefixtures("small_units")
def test_rotated_captures_and_captures_side_by_side(tmp_path: Path) -> None:
    frames = [
        (START + number / 10, ipv4(PEER, TARGET, 17, udp(40000 + number // 2, 123, ntp(3, transmit=number // 2))))
        if number % 2 == 0
        else (START + number / 10, ipv4(TARGET, PEER, 17, udp(123, 40000 + number // 2, ntp(4, origin=number // 2))))
        for number in range(200)
    ]
    pieces = []
    for number in range(4):
        pieces.append(tmp_path / f"cap.pcap{number}")
        pieces[-1].write_bytes(pcap(frames[number * 50 : number * 50 + 50]))
    check(tmp_path, pieces, "--target", TARGET, "--mode", "block-all")
    sides = []
    for number, side in enumerate(("en0", "ppp0")):
        sides.append(tmp_path / f"block-all.{side}.pcap")
        sides[-1].write_bytes(pcap(frames[number::2]))
    check(tmp_path, sides, "--target", TARGET)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.usefixtures("small_units")
def test_cut_and_damaged_captures(tmp_path: Path, cut: int) -> None:
    octets = chance(8, 100)
    path = tmp_path / "bad.pcapng"
    for bad in (octets[:cut], octets[:cut] + b"\xff" * 40 + octets[cut:], octets[:cut] + octets[cut + 4 :]):
        path.write_bytes(bad)
        check(tmp_path, [path], "--target", "192.0.2.10")


@pytest.mark.usefixtures("small_units")
def test_sections_and_interfaces_between_the_frames(tmp_path: Path) -> None:
    """The table of interfaces changes all the time; one of them is of the link type of a log."""
    asked = [ipv4(PEER, TARGET, 17, udp(40000 + number, 123, ntp(transmit=number))) for number in range(60)]
    octets = b""
    for number, frame in enumerate(asked):
        if number % 20 == 0:
            octets += section()
        if number % 5 == 0:
            octets += interface(101)
        if number == 45:
            octets += interface(117)
        octets += enhanced(min(number % 7, 2), (START + number * 7) * 1_000_000, frame) + block(4, bytes(4))
    path = tmp_path / "sections.pcapng"
    path.write_bytes(octets)
    rows, _, _ = check(tmp_path, [path], "--target", TARGET, "--mode", "block-all")
    assert rows


@pytest.mark.usefixtures("small_units")
def test_more_that_is_not_read_than_is_told_apart(tmp_path: Path) -> None:
    frames = [bytes(12) + (0x8000 + number * 37 % 90).to_bytes(2, "big") + bytes(50) for number in range(400)]
    path = tmp_path / "unread.pcap"
    path.write_bytes(pcap([(START, frame) for frame in frames], 1))
    check(tmp_path, [path], "--target", TARGET)


def test_no_thread_is_left_where_reading_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "ROOM", 1)
    path = tmp_path / "by-chance.pcapng"
    path.write_bytes(chance(9, 200))
    alone = threading.active_count()
    reading = open_reading(audit_of([str(path)]).captures[0], threads=4)
    rows = reading.rows()
    assert [next(rows).part.frames for _ in range(4)] == [2, 4, 6, 8]
    assert threading.active_count() > alone
    reading.close()


@pytest.mark.usefixtures("small_units")
def test_what_is_known_of_a_capture_by_then(tmp_path: Path) -> None:
    """In its middle a frame is cut before its ports, and the clock of one runs ahead."""
    asked = [ipv4(PEER, TARGET, 17, udp(40000 + number, 123, ntp(transmit=number))) for number in range(300)]
    frames = [pcap([(START + number * 7, frame)])[24:] for number, frame in enumerate(asked)]
    frames[203:203] = [pcap([(START + 203 * 7 + 30, ipv4(PEER, TARGET, 89, b"ospf"))])[24:]]
    frames[200:200] = [struct.pack("<4I", START + 1400, 0, 21, 60) + asked[0][:21]]
    path = tmp_path / "cut.pcap"
    path.write_bytes(pcap([]) + b"".join(frames))
    rows, _, _ = check(tmp_path, [path], "--target", TARGET, "--mode", "block-all")
    assert "silent" in rows
