"""What all captures share, whatever their format: stdin, octets that are read again, errors of the system."""

import gzip
import hashlib
import io
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard

from capanalyze.capture import Capture, open_capture
from capanalyze.capture.hashed import BLOCK, HashedStream
from capanalyze.errors import CaptureError
from capanalyze.packets.messages import read_messages
from tests.build import PEER, START, TARGET, enhanced, interface, ipv4, pcap, read, section, udp

PAYLOADS = [b"payload %d" % number * number for number in range(1, 40)]
FRAMES = [ipv4(PEER, TARGET, 17, udp(50000, 40000, payload)) for payload in PAYLOADS]
PCAP = pcap([(START, frame) for frame in FRAMES])
PCAPNG = section() + interface(101) + b"".join(enhanced(0, START, frame) for frame in FRAMES)
PACKINGS = {
    "plain": PCAP,
    "pcapng": PCAPNG,
    "gzip": gzip.compress(PCAP),
    "zstd": zstandard.ZstdCompressor().compress(PCAP),
    "cut gzip": gzip.compress(PCAP + PCAP[24:] * 9)[:-20],
}


def from_stdin(monkeypatch: pytest.MonkeyPatch, octets: bytes) -> Capture:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(octets)))
    return open_capture("-")


@pytest.mark.parametrize("name", PACKINGS)
@pytest.mark.parametrize("stdin", [False, True])
def test_payloads_are_read_again_where_the_messages_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, stdin: bool
) -> None:
    path = tmp_path / name
    path.write_bytes(PACKINGS[name])
    capture = from_stdin(monkeypatch, PACKINGS[name]) if stdin else open_capture(str(path))
    found = list(read_messages(capture).messages())[:39]
    capture.finish()
    expected = {one.payload: payload for one, payload in zip(found, PAYLOADS, strict=True)}
    for chosen in (found, found[::-7], [found[-1], found[3], found[3]], []):
        again = dict(capture.pieces((one.payload, one.captured) for one in chosen))
        assert again == {(one.payload, one.captured): expected[one.payload] for one in chosen}
    capture.close()


def test_what_is_read_again_does_not_move_where_stdin_is_copied_to(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = from_stdin(monkeypatch, PCAP)
    some = len(PCAP) // 2
    read = PCAP[:24] + capture.read(some)  # the file's header is read by now
    while more := capture.read(700):
        for place, octets in capture.pieces([(0, 10), (some // 2, 100)]):
            assert octets == PCAP[place[0] :][: place[1]]
        read += more
    assert read == PCAP
    assert dict(capture.pieces([(0, len(PCAP))])) == {(0, len(PCAP)): PCAP}
    capture.close()


@pytest.mark.parametrize("name", PACKINGS)
def test_stdin_is_read_like_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    part, capture = read(tmp_path / name, PACKINGS[name])
    piped = from_stdin(monkeypatch, PACKINGS[name])
    assert read_messages(piped) == part
    assert (piped.name, piped.path, piped.format, piped.notes) == ("stdin", None, capture.format, capture.notes)
    assert piped.finish() == (hashlib.sha256(PACKINGS[name]).hexdigest(), len(PACKINGS[name]))
    piped.close()


@pytest.mark.parametrize("name", PACKINGS)
def test_the_digest_is_that_of_the_file_on_disk(tmp_path: Path, name: str) -> None:
    octets = PACKINGS[name] + bytes(10_000)
    path = tmp_path / name
    path.write_bytes(octets)
    unread = open_capture(str(path), "called otherwise")
    assert unread.name == "called otherwise"
    assert unread.finish() == (hashlib.sha256(octets).hexdigest(), len(octets))


def test_payloads_far_apart_are_found_in_packed_data(tmp_path: Path) -> None:
    octets = pcap([(START, bytes(60_000))] * 200 + [(START, FRAMES[-1])] * 2)
    assert len(octets) > 2 * BLOCK
    part, capture = read(tmp_path / "long.gz", gzip.compress(octets, 1))
    pieces = capture.pieces((one.payload, one.captured) for one in part.messages())
    assert {octets for _, octets in pieces} == {PAYLOADS[-1]}


def test_interfaces_that_frames_name_come_behind_those_described(tmp_path: Path) -> None:
    _, capture = read(tmp_path / "any", PCAP)
    numbers = [capture.named_interface(name) for name in ("en0", "ppp0", "en0")]
    assert numbers[0] == numbers[2] != numbers[1]
    assert [capture.interface_name(number) for number in (0, *numbers)] == [None, "en0", "ppp0", "en0"]
    assert list(capture.named) == ["en0", "ppp0"]


def test_payloads_of_a_file_that_has_shrunk_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "less.gz"
    part, capture = read(path, PACKINGS["gzip"])
    path.write_bytes(PACKINGS["gzip"][:40])
    last = list(part.messages())[-1]
    place = last.payload, last.captured
    assert dict(capture.pieces([place])) == {place: b""}


@pytest.mark.parametrize(("link", "one_sided"), [(1, False), (117, True), (239, True)])
def test_a_log_of_rules_shows_one_side(tmp_path: Path, link: int, one_sided: bool) -> None:
    _, capture = read(tmp_path / "log.pcap", pcap([], link))
    assert [interface.one_sided for interface in capture.interfaces] == [one_sided]


class Full(io.BytesIO):
    """A file on a disk that is full."""

    def write(self, _octets: object, /) -> int:
        raise OSError(28, "No space left on device")


def test_without_room_for_a_copy_of_stdin_reading_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", Full)
    with pytest.raises(CaptureError, match=r"^stdin: no room to keep a copy.*: No space left on device$"):
        from_stdin(monkeypatch, PCAP)


class Failing:
    """A stream that breaks behind some octets."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def read(self, _size: int, /) -> bytes:
        if not self._octets:
            raise OSError(5, "Input/output error")
        octets, self._octets = self._octets, b""
        return octets


def test_a_file_that_breaks_at_once_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Failing(b"")))
    with pytest.raises(CaptureError, match=r"^stdin: Input/output error$"):
        open_capture("-")


@pytest.mark.parametrize("octets", [PCAP + bytes(8000), gzip.compress(PCAP) + bytes(8000)])
def test_a_file_that_breaks_later_is_cut(monkeypatch: pytest.MonkeyPatch, octets: bytes) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Failing(octets)))
    capture = open_capture("-")
    assert read_messages(capture).frames >= len(FRAMES)
    assert "Input/output error" in capture.notes[0]
    with pytest.raises(CaptureError, match=r"^stdin: Input/output error$"):
        capture.finish()
    capture.close()


def test_what_was_looked_at_is_read_once_more() -> None:
    stream = HashedStream(io.BytesIO(bytes(range(100))))
    assert stream.peek(10) == stream.peek(5)[:10] == bytes(range(10))
    assert [stream.read(4), stream.read(100), stream.read(100)] == [
        bytes(range(4)),
        bytes(range(4, 10)),
        bytes(range(10, 100)),
    ]
    assert stream.drain() == hashlib.sha256(bytes(range(100))).hexdigest()
    unhashed = HashedStream(io.BytesIO(bytes(range(100))), hashed=False)
    assert (unhashed.drain(), unhashed.octets) == (None, 100)
    assert stream.octets == 100
