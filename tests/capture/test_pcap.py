"""The pcap format: byte orders, units, versions, and files that end or break."""

import struct
from pathlib import Path

import pytest

from capanalyze.buffers import longs
from capanalyze.capture import open_capture, records
from capanalyze.capture.pcap import FILE_HEADER, MAGICS
from capanalyze.capture.records import MAX_RECORD
from capanalyze.core import core
from capanalyze.errors import CaptureError
from capanalyze.packets import scan
from tests.build import PEER, START, TARGET, ethernet, ipv4, messages, pcap, read, scanned, udp

MICROSECONDS, NANOSECONDS, KUZNETZOV = MAGICS
FRAMES = [
    (START + number / 4, ipv4(PEER, TARGET, 17, udp(50000 + number, 40000, b"x" * number))) for number in range(5)
]
WHOLE = pcap(FRAMES)


def with_version(octets: bytes, major: int, minor: int, order: str = "<") -> bytes:
    return octets[:4] + struct.pack(order + "HH", major, minor) + octets[8:]


def with_lengths_swapped(octets: bytes) -> bytes:
    """The first record's two lengths change places."""
    return octets[:32] + octets[36:40] + octets[32:36] + octets[40:]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("magic", MAGICS)
def test_every_variant_gives_the_same_messages(tmp_path: Path, order: str, magic: int) -> None:
    found = messages(tmp_path / "any.pcap", pcap(FRAMES, order=order, magic=magic))
    assert [(one.frame, one.seconds, one.nanos, one.sport, one.captured) for one in found] == [
        (number + 1, START + number // 4, number % 4 * 250_000_000, 50000 + number, number) for number in range(5)
    ]


@pytest.mark.parametrize(
    ("magic", "fraction", "time"),
    [
        (MICROSECONDS, 999_999, (START, 999_999_000)),
        (NANOSECONDS, 999_999_999, (START, 999_999_999)),
        (MICROSECONDS, 1_500_000, (START + 1, 500_000_000)),  # some writers do not carry
        (NANOSECONDS, 0xFFFFFFFF, (START + 4, 294_967_295)),
    ],
)
def test_the_fraction_counts_in_the_units_of_the_magic(
    tmp_path: Path, magic: int, fraction: int, time: tuple[int, int]
) -> None:
    octets = pcap(FRAMES[:1], magic=magic)
    octets = octets[:28] + struct.pack("<I", fraction) + octets[32:]
    part = scanned(tmp_path / "any.pcap", octets)
    assert part.first == part.last == time


@pytest.mark.parametrize("order", "<>")
def test_seconds_have_32_bits_without_a_sign(tmp_path: Path, order: str) -> None:
    assert scanned(tmp_path / "any.pcap", pcap([(4_294_967_295, b"")], order=order)).first == (4_294_967_295, 0)


@pytest.mark.parametrize("version", [(2, 0), (2, 3), (2, 4), (2, 99), (543, 0)])
def test_versions_that_were_written_are_read(tmp_path: Path, version: tuple[int, int]) -> None:
    assert len(messages(tmp_path / "any.pcap", with_version(WHOLE, *version))) == 5


@pytest.mark.parametrize("version", [(0, 0), (1, 2), (3, 0), (543, 1)])
def test_a_version_that_nobody_wrote_is_an_error(tmp_path: Path, version: tuple[int, int]) -> None:
    path = tmp_path / "new.pcap"
    path.write_bytes(with_version(WHOLE, *version))
    with pytest.raises(CaptureError, match=rf"^new\.pcap: .*: pcap version {version[0]}\.{version[1]}$"):
        open_capture(str(path))


@pytest.mark.parametrize(
    ("version", "swapped", "lengths"),
    [
        ((2, 2), True, (30, 60)),  # the length stands first
        ((2, 3), True, (30, 60)),  # some wrote so: the greater one is the length
        ((2, 3), False, (30, 60)),
        ((543, 0), True, (30, 60)),
        ((2, 4), False, (30, 60)),
    ],
)
def test_lengths_stand_in_the_order_of_the_version(
    tmp_path: Path, version: tuple[int, int], swapped: bool, lengths: tuple[int, int]
) -> None:
    octets = pcap([(START, ipv4(PEER, TARGET, 17, udp(50000, 40000, b"x" * 60)))], snaplen=28 + 30)
    octets = with_version(with_lengths_swapped(octets) if swapped else octets, *version)
    (found,) = messages(tmp_path / "any.pcap", octets)
    assert (found.captured, found.size) == lengths


def test_a_captured_length_above_the_length_is_believed(tmp_path: Path) -> None:
    octets = WHOLE[:36] + struct.pack("<I", 1) + WHOLE[40:]
    assert len(messages(tmp_path / "any.pcap", octets)) == 5


@pytest.mark.parametrize(
    ("octets", "frames", "notes"),
    [
        (WHOLE, 5, []),
        (WHOLE[:-48], 4, []),
        (WHOLE[:-47], 4, ["cut: the capture ends inside the record at octet 206, behind frame 4"]),
        (WHOLE[:-33], 4, ["cut: the capture ends inside the record at octet 206, behind frame 4"]),
        (WHOLE[:-32], 4, ["cut: the capture ends inside the record at octet 206, behind frame 4"]),
        (WHOLE[:-1], 4, ["cut: the capture ends inside the record at octet 206, behind frame 4"]),
        (WHOLE[:30], 0, ["cut: the capture ends inside the record at octet 24, behind frame 0"]),
        (
            WHOLE + struct.pack("<4I", START, 0, MAX_RECORD + 1, 60) + bytes(100),
            5,
            ["cut: no record can be read at octet 254, behind frame 5; the rest was left out"],
        ),
        (
            WHOLE + b"\xff" * 16,
            5,
            ["cut: no record can be read at octet 254, behind frame 5; the rest was left out"],
        ),
    ],
)
def test_whole_frames_are_read_and_a_note_says_where_reading_ended(
    tmp_path: Path, octets: bytes, frames: int, notes: list[str]
) -> None:
    part, capture = read(tmp_path / "cut.pcap", octets)
    assert (part.frames, len(part), capture.notes) == (frames, frames, notes)


def test_the_longest_record_is_read(tmp_path: Path) -> None:
    frame = ipv4(PEER, TARGET, 17, udp(50000, 40000, b"x"))
    part = scanned(tmp_path / "long.pcap", pcap([(START, frame + bytes(MAX_RECORD - len(frame)))], snaplen=MAX_RECORD))
    assert (part.frames, len(part)) == (1, 1)


def test_a_header_without_frames_is_a_capture(tmp_path: Path) -> None:
    part, capture = read(tmp_path / "none.pcap", pcap([]))
    assert (part.frames, part.first, part.last, part.account(), capture.notes) == (0, None, None, {}, [])


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "not a capture: the file is empty"),
        (b"\x47\x40\x11\xff\r\n", "not a capture: neither pcap nor pcapng at octet 0"),
        (b"\xd4", "not a capture: neither pcap nor pcapng at octet 0"),
        (WHOLE[:4], "not a capture: the pcap header is cut after 4 of 24 octets"),
        (WHOLE[: FILE_HEADER - 1], "not a capture: the pcap header is cut after 23 of 24 octets"),
        (pcap([], 147), "link type 147 (USER0) is not one that is read"),
        (pcap([], 1000), "link type 1000 (LINKTYPE 1000) is not one that is read"),
    ],
)
def test_an_error_names_file_and_reason(tmp_path: Path, octets: bytes, reason: str) -> None:
    path = tmp_path / "broken.pcap"
    path.write_bytes(octets)
    with pytest.raises(CaptureError) as caught:
        open_capture(str(path))
    assert str(caught.value) == f"broken.pcap: {reason}"


def test_a_directory_is_not_a_capture(tmp_path: Path) -> None:
    with pytest.raises(CaptureError) as caught:
        open_capture(str(tmp_path))
    assert str(caught.value) == f"{tmp_path}: is a directory, not a capture"


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(CaptureError) as caught:
        open_capture(str(tmp_path / "missing.pcap"))
    assert str(caught.value) == f"{tmp_path / 'missing.pcap'}: No such file or directory"


def test_bits_above_the_link_type_say_that_a_check_sequence_follows_each_frame(tmp_path: Path) -> None:
    octets = pcap([(START, ethernet(FRAMES[1][1]) + b"\1\2\3\4")], link=1 | 1 << 26 | 4 << 28)
    (found,) = messages(tmp_path / "fcs.pcap", octets)
    assert (found.sport, found.captured) == (50001, 1)


def test_without_a_layout_nothing_is_a_record() -> None:
    """Else a reader that is told of no header would never come to an end."""
    state, layout, table = longs(scan.STATE_FIELDS), longs(records.LAYOUT_FIELDS), longs(records.INTERFACE_FIELDS)
    answer = core.read_record(bytes(100), state, layout, table, longs(records.RECORD_FIELDS))
    assert answer == records.DAMAGED
