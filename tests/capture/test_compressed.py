"""gzip and zstd: members and frames, and data that are damaged or cut."""

import gc
import gzip
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from io import BytesIO
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.capture import compressed, open_capture
from capanalyze.capture.compressed import AHEAD, BESIDE, BLOCK, CUT, PIECE, DamagedError, Unpacked, compression
from capanalyze.errors import CaptureError
from tests.build import PEER, START, TARGET, enhanced, interface, ipv4, pcap, read, section, udp

NOISE = random.Random(1)  # what cannot be compressed spreads over many blocks
FRAMES = [ipv4(PEER, TARGET, 17, udp(50000 + number, 40000, NOISE.randbytes(200))) for number in range(300)]
PCAP = pcap([(START, frame) for frame in FRAMES])
PCAPNG = section() + interface(101) + b"".join(enhanced(0, START * 10**6, frame) for frame in FRAMES)
ZSTD = zstandard.ZstdCompressor()
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": lambda octets: gzip.compress(octets, 6), "zstd": ZSTD.compress}
SKIPPABLE = struct.pack("<II", 0x184D2A50, 5) + b"skip!"
NOTHING_FOLLOWS = {"gzip": "what follows is not gzip", "zstd": "zstd decompressor error: Unknown frame descriptor"}


def unpack(octets: bytes, kind: str, size: int = 1000) -> tuple[bytes, str]:
    """What can be had, and why it is not more."""
    stream = Unpacked(BytesIO(octets), kind)
    found = b""
    try:
        while part := stream.read(size):
            assert len(part) <= size
            found += part
    except DamagedError as error:
        assert stream.read(size) == b""
        return found, str(error)
    return found, ""


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize(("name", "octets"), [("pcap", PCAP), ("pcapng", PCAPNG)])
def test_a_packed_capture_holds_what_the_plain_one_holds(tmp_path: Path, kind: str, name: str, octets: bytes) -> None:
    plain, _ = read(tmp_path / "plain", octets)
    packed, capture = read(tmp_path / "packed", PACKERS[kind](octets))
    assert packed == plain
    assert (capture.format, capture.notes) == (f"{name} ({kind})", [])


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("count", [2, 3, 50])
def test_members_follow_each_other_as_one(kind: str, count: int) -> None:
    length = len(PCAP) // count + 1
    parts = [PCAP[at : at + length] for at in range(0, len(PCAP), length)]
    assert unpack(b"".join(map(PACKERS[kind], parts)), kind) == (PCAP, "")


class Trickle:
    """A stream that gives an octet at a time, as a pipe may."""

    def __init__(self, octets: bytes) -> None:
        self._stream = BytesIO(octets)

    def read(self, _size: int, /) -> bytes:
        return self._stream.read(1)


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("removed", [0, 1, 8, 9])
def test_data_may_come_octet_by_octet(kind: str, removed: int) -> None:
    packed = PACKERS[kind](PCAP[:3000]) + PACKERS[kind](PCAP[3000:6000])
    end = len(packed) - removed
    stream = Unpacked(Trickle(packed[:end]), kind)
    found = b""
    with pytest.raises(DamagedError, match=CUT) if removed else nullcontext():
        while part := stream.read(1000):
            found += part
    if kind == "gzip" and removed <= 8:
        assert found == PCAP[:6000]
    assert PCAP.startswith(found)


def test_empty_members_and_skippable_frames_hold_nothing() -> None:
    assert unpack(gzip.compress(b"") + gzip.compress(PCAP) + gzip.compress(b""), "gzip") == (PCAP, "")
    assert unpack(SKIPPABLE + ZSTD.compress(PCAP) + SKIPPABLE + ZSTD.compress(b""), "zstd") == (PCAP, "")


@pytest.mark.parametrize("first", [b"\x1f\x8b\x08\0", ZSTD.compress(b"")[:4], SKIPPABLE[:4]])
def test_compression_is_told_by_the_first_octets(first: bytes) -> None:
    assert compression(first) == ("gzip" if first[0] == 0x1F else "zstd")
    assert compression(first[::-1]) is None


@pytest.mark.parametrize("flags", range(32))
def test_every_gzip_header_is_passed_over(flags: int) -> None:
    header = struct.pack("<2sBBIBB", b"\x1f\x8b", 8, flags, 0, 0, 255)
    header += struct.pack("<H", 300) + bytes(300) if flags & 4 else b""
    header += (b"name.pcap" * 1000 + b"\0") * (flags // 8 & 1) + b"comment\0" * (flags // 16 & 1)
    header += b"\1\2" if flags & 2 else b""
    assert unpack(header + gzip.compress(PCAP)[10:], "gzip") == (PCAP, "")


@pytest.mark.parametrize("kind", PACKERS)
def test_zeros_or_garbage_behind_the_data_cost_nothing(kind: str) -> None:
    assert unpack(PACKERS[kind](PCAP) + b"garbage", kind) == (PCAP, NOTHING_FOLLOWS[kind])
    if kind == "gzip":
        assert unpack(gzip.compress(PCAP) + bytes(9000), "gzip") == (PCAP, "")


def test_of_cut_gzip_data_all_is_had_up_to_the_cut() -> None:
    packed = gzip.compress(PCAP[:6000]) + gzip.compress(PCAP[6000:12000])
    first = len(gzip.compress(PCAP[:6000]))
    for end in [*range(10, len(packed), 97), first - 1, first + 1, first + 9, len(packed) - 1]:
        whole = zlib.decompressobj(31)
        expected = whole.decompress(packed[:end])
        expected += zlib.decompressobj(31).decompress(whole.unused_data) if whole.unused_data else b""
        assert unpack(packed[:end], "gzip") == (expected, CUT)
    assert unpack(packed[:first], "gzip") == (PCAP[:6000], "")


def test_of_cut_zstd_data_all_whole_blocks_are_had() -> None:
    octets = NOISE.randbytes(500_000)
    packed = ZSTD.compress(octets)
    for end in (10, 140_000, 300_000, len(packed) - 1):
        found, reason = unpack(packed[:end], "zstd")
        assert octets.startswith(found)
        assert len(found) >= end - 140_000
        assert reason == CUT


@pytest.mark.parametrize("at", [-8, -5, -4, -1])
def test_a_wrong_check_sum_costs_no_frames(tmp_path: Path, at: int) -> None:
    packed = bytearray(gzip.compress(PCAP))
    packed[at] ^= 0xFF
    part, capture = read(tmp_path / "sum.pcap.gz", bytes(packed))
    assert part.frames == len(FRAMES)
    assert capture.notes == ["cut: the pcap (gzip) data cannot be read further (its check sum is wrong)"]


@pytest.mark.parametrize("kind", PACKERS)
def test_of_a_cut_file_whole_frames_are_analysed_and_a_note_says_so(tmp_path: Path, kind: str) -> None:
    octets = PCAP + b"".join(PCAP[24:] for _ in range(9))
    part, capture = read(tmp_path / "cut", PACKERS[kind](octets)[:-300])
    assert 10 < part.frames == len(part) < 3000
    assert capture.notes[0] == f"cut: the pcap ({kind}) data cannot be read further ({CUT})"
    assert all(note.startswith("cut: ") for note in capture.notes)


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("octets", [b"", b"\0", PCAP[:3]])
def test_packed_octets_that_are_no_capture_are_an_error(tmp_path: Path, kind: str, octets: bytes) -> None:
    path = tmp_path / "none"
    path.write_bytes(PACKERS[kind](octets))
    with pytest.raises(CaptureError, match=r"^none: not a capture"):
        open_capture(str(path))


@pytest.mark.parametrize("octets", [b"\x1f\x8b", b"\x1f\x8b\x07" + bytes(40), ZSTD.compress(PCAP)[:5], SKIPPABLE[:7]])
def test_packed_data_without_content_are_an_error(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "none"
    path.write_bytes(octets)
    with pytest.raises(CaptureError, match=r"^none: not a capture: nothing can be read from the (gzip|zstd) data$"):
        open_capture(str(path))


@settings(deadline=None)
@given(st.sampled_from(sorted(PACKERS)), st.integers(0, 1 << 20), st.integers(1, 255), st.integers(0, 1 << 20))
def test_damaged_data_raise_nothing_else(kind: str, at: int, flip: int, end: int) -> None:
    packed = bytearray(PACKERS[kind](PCAP[:5000]) * 2)
    packed[at % len(packed)] ^= flip
    unpack(bytes(packed[: end % len(packed)]), kind)


def test_little_is_unpacked_ahead_of_what_is_read() -> None:
    packed = gzip.compress(bytes(50_000_000), 9)
    stream = BytesIO(packed)
    assert Unpacked(stream, "gzip").read(10) == bytes(10)
    assert stream.tell() <= 4096


def test_where_isal_is_missing_zlib_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(PCAP[:6000]) + gzip.compress(PCAP[6000:])
    monkeypatch.setitem(sys.modules, "isal", None)
    assert unpack(packed, "gzip") == (PCAP, "")
    assert unpack(packed[:-9], "gzip") == (PCAP, CUT)


LETTERS = bytes(NOISE.choices(b"abcdef", k=400_000))
UNSOUND = b"\x07" + bytes(20_000)  # a deflate block of a type that there is not


@pytest.mark.parametrize("octets", [NOISE.randbytes(400_000), PCAP * 6, LETTERS, bytes(400_000)])
def test_damaged_gzip_data_take_little_with_them(octets: bytes) -> None:
    for length in range(1000, len(octets), 29_989):
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        packed = packer.compress(octets[:length]) + packer.flush(zlib.Z_SYNC_FLUSH) + UNSOUND
        found, reason = unpack(packed, "gzip", BLOCK)
        assert octets.startswith(found)
        assert length - 2 * PIECE <= len(found) <= length
        assert "Invalid deflate block" in reason


def zstd_blocks(packed: bytes) -> list[int]:
    """Where the blocks of a frame begin that names its size in four octets."""
    assert packed[4] >> 6 == 2
    at = [10 - (packed[4] >> 5 & 1)]
    while not (header := int.from_bytes(packed[at[-1] : at[-1] + 3], "little")) & 1:
        at.append(at[-1] + 3 + (1 if header >> 1 & 3 == 1 else header >> 3))
    return at


@pytest.mark.parametrize("octets", [NOISE.randbytes(700_000), PCAP * 9, LETTERS + bytes(200_000) + LETTERS])
def test_damaged_zstd_data_take_nothing_with_them(octets: bytes) -> None:
    packed = ZSTD.compress(octets)
    blocks = zstd_blocks(packed)
    assert len(blocks) > 4
    for at in blocks:
        damaged = bytearray(packed)
        damaged[at] |= 6  # a block of a type that there is not
        whole = zstandard.ZstdDecompressor().decompressobj().decompress(packed[:at])
        assert unpack(bytes(damaged), "zstd", BLOCK) == (whole, "zstd decompressor error: Data corruption detected")


@contextmanager
def thread_from(start: int, block: int = 7000) -> Iterator[None]:
    """A thread behind so many octets, and little at a time."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"BESIDE": start, "BLOCK": block, "CHUNK": 3001, "STEP": 1000, "PIECE": 5000}.items():
            patch.setattr(compressed, name, value)
        yield


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "unpack"]


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.001)


READS = st.lists(st.tuples(st.booleans(), st.one_of(st.integers(0, 40), st.integers(0, 100_000))), max_size=20)
STARTS = [0, 5000, BESIDE]


@settings(deadline=None)
@given(st.sampled_from(sorted(PACKERS)), st.sampled_from(STARTS), READS)
def test_however_it_is_read_the_octets_are_the_same(kind: str, start: int, reads: list[tuple[bool, int]]) -> None:
    with thread_from(start):
        stream = Unpacked(BytesIO(PACKERS[kind](PCAP[:30_000]) + PACKERS[kind](PCAP[30_000:])), kind)
        at = 0
        for peek, size in reads:
            if peek:
                assert stream.peek(size) == PCAP[at : at + size]
            else:
                octets = stream.read(size)
                assert bool(octets) == (size > 0 and at < len(PCAP))
                assert PCAP[at : at + size].startswith(octets)
                at += len(octets)
        assert b"".join(iter(lambda: stream.read(7000), b"")) == PCAP[at:]
        assert stream.peek(1) == b""


@settings(deadline=None)
@given(st.sampled_from(sorted(PACKERS)), st.integers(0, 1 << 20), st.integers(0, 255), st.integers(1, 1 << 20))
def test_a_thread_meets_damage_and_cuts_where_the_reader_would(kind: str, at: int, flip: int, end: int) -> None:
    packed = bytearray(PACKERS[kind](PCAP[:40_000]) + PACKERS[kind](PCAP[40_000:]))
    packed[at % len(packed)] ^= flip
    del packed[end:]
    found = []
    for start in STARTS:
        with thread_from(start):
            found.append(unpack(bytes(packed), kind))
    assert found[1:] == found[:1] * 2


class Failing(Trickle):
    """A disk that fails at the end."""

    def read(self, size: int, /) -> bytes:
        if octets := super().read(size):
            return octets
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("removed", [0, 3])
@pytest.mark.parametrize("kind", PACKERS)
def test_an_error_comes_once_and_behind_all_octets(kind: str, start: int, removed: int) -> None:
    packed = PACKERS[kind](PCAP[:9000]) + PACKERS[kind](PCAP[9000:20_000])
    with thread_from(start):
        stream = Unpacked(Failing(packed[: len(packed) - removed]), kind)
        found = stream.peek(100_000)
        assert found == PCAP[: 20_000 if kind == "gzip" or not removed else 9000]
        assert b"".join(stream.read(9) for _ in range(0, len(found), 9)) == found
        with pytest.raises(OSError, match="Input/output error"):
            stream.read(1)
        assert stream.read(1) == b""


BOMBS = {"gzip": gzip.compress(bytes(40 * BLOCK), 1), "zstd": ZSTD.compress(bytes(40 * BLOCK))}


def started(kind: str) -> Unpacked:
    """What a thread unpacks by now."""
    stream = Unpacked(BytesIO(BOMBS[kind]), kind)
    while not threads():
        assert stream.read(BLOCK)
    return stream


def read_all(stream: Unpacked) -> None:
    while stream.read(4 * BLOCK):
        pass


@pytest.mark.parametrize("kind", PACKERS)
def test_only_so_much_is_unpacked_ahead_of_what_is_read(kind: str) -> None:
    tracemalloc.start()
    try:
        stream = Unpacked(BytesIO(BOMBS[kind]), kind)
        assert stream.peek(10) == bytes(10)
        assert tracemalloc.get_traced_memory()[1] < BLOCK
        read_all(stream)
        assert tracemalloc.get_traced_memory()[1] < (AHEAD + 5) * BLOCK
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", PACKERS)
def test_little_needs_no_thread(kind: str) -> None:
    stream = Unpacked(BytesIO(PACKERS[kind](bytes(BESIDE - 1))), kind)
    while stream.read(BLOCK):
        assert not threads()


def close(stream: Unpacked) -> None:
    stream.close()
    assert not threads()
    assert stream.read(1) == stream.peek(1) == b""
    stream.close()


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("wait", [0, 0.05])
@pytest.mark.parametrize("leave", [close, read_all, id])
def test_the_thread_ends_with_its_reader(kind: str, wait: float, leave: Callable[[Unpacked], object]) -> None:
    stream = started(kind)
    time.sleep(wait)
    leave(stream)
    del stream
    gc.collect()
    until(lambda: not threads())


def test_without_a_thread_there_is_nothing_to_wait_for() -> None:
    close(Unpacked(BytesIO(BOMBS["gzip"]), "gzip"))


READER = """
import sys
from capanalyze.capture.compressed import Unpacked
stream = Unpacked(open(0, "rb", buffering=0), "zstd")
count = 0
while count < int(sys.argv[1]) << 20:
    count += len(stream.read(1 << 20))
print("there", flush=True)
exec(sys.argv[2])
"""


@pytest.mark.parametrize(
    ("count", "ending", "code"),
    [
        (6, "", 0),  # the thread waits for room
        (39, "", 0),  # for the pipe, as it does below
        (39, "stream.close(0.01)", 0),
        (39, "del stream", 0),
        (39, "sys.exit(3)", 3),
        (39, "while stream.read(1 << 20): pass", -signal.SIGINT),
    ],
)
def test_a_program_ends_while_the_thread_waits(count: int, ending: str, code: int) -> None:
    if code < 0 and sys.platform == "win32":
        pytest.skip("no such signal")
    command = [sys.executable, "-c", READER, str(count), ending]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdin
        assert program.stdout
        assert program.stderr
        program.stdin.write(BOMBS["zstd"][:-1])
        program.stdin.flush()
        assert program.stdout.readline() == b"there\n"
        if code < 0:
            time.sleep(0.1)
            program.send_signal(signal.SIGINT)
        assert program.wait(10) == code
        errors = program.stderr.read()
        assert errors == b"" if code >= 0 else errors.endswith(b"\nKeyboardInterrupt\n")
        with suppress(BrokenPipeError):
            program.stdin.close()
