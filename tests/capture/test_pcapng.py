"""The pcapng format: sections, interfaces, the three kinds of packet blocks, and everything that is passed over."""

import struct
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capanalyze.capture import Capture, open_capture
from capanalyze.capture.records import NO_TIME
from capanalyze.errors import CaptureError
from capanalyze.packets.message import ELSEWHERE, INBOUND, OUTBOUND, UNKNOWN
from capanalyze.packets.messages import read_messages
from tests.build import (
    PEER,
    START,
    TARGET,
    block,
    dissected,
    enhanced,
    ethernet,
    interface,
    ipv4,
    messages,
    obsolete,
    option,
    read,
    section,
    simple,
    udp,
)

FRAME = ipv4(PEER, TARGET, 17, udp(50000, 40000, b"x"))
STAMP = START * 1_000_000 + 250_000
HEAD = section() + interface(101)
PACKET = enhanced(0, STAMP, FRAME)
RESOLUTION, TIME_OFFSET, NAME, IPV4, IPV6, DROPPED_BY_INTERFACE, DROPPED_BY_SYSTEM = 9, 14, 2, 4, 5, 5, 7
FLAGS = 2


def statistics(number: int, *options: bytes, order: str = "<") -> bytes:
    return block(5, struct.pack(order + "3I", number, 0, 0) + b"".join(options), order)


@pytest.mark.parametrize("order", "<>")
def test_the_three_packet_blocks_hold_frames(tmp_path: Path, order: str) -> None:
    octets = section(order) + interface(101, order=order)
    octets += enhanced(0, STAMP, FRAME, order=order) + obsolete(0, STAMP, FRAME, order=order) + simple(FRAME, order)
    found = messages(tmp_path / "three.pcapng", octets)
    assert [(one.frame, one.seconds, one.nanos, one.sport, one.captured) for one in found] == [
        (1, START, 250_000_000, 50000, 1),
        (2, START, 250_000_000, 50000, 1),
        (3, NO_TIME, 0, 50000, 1),
    ]


def test_a_simple_packet_ends_at_the_snap_length(tmp_path: Path) -> None:
    octets = (
        section() + interface(101, snaplen=28 + 5) + simple(ipv4(PEER, TARGET, 17, udp(1, 2, b"x" * 9))[:33], size=37)
    )
    (found,) = messages(tmp_path / "cut.pcapng", octets)
    assert (found.captured, found.size) == (5, 9)


def test_each_section_has_its_own_byte_order_and_interfaces(tmp_path: Path) -> None:
    octets = b"".join(
        section(order) + interface(link, option(NAME, name, order), order) + enhanced(0, STAMP, frame, order=order)
        for order, link, name, frame in [
            ("<", 101, b"one", FRAME),
            (">", 1, b"two", ethernet(FRAME)),
            ("<", 0, b"three", b"\2\0\0\0" + FRAME),
        ]
    )
    part, capture = read(tmp_path / "sections.pcapng", octets)
    assert [(one.interface, one.seconds, one.sport) for one in part.messages()] == [
        (number, START, 50000) for number in range(3)
    ]
    assert [(one.name, one.section, one.link_type, one.frames) for one in capture.interfaces] == [
        ("one", 1, 101, 1),
        ("two", 2, 1, 1),
        ("three", 3, 0, 1),
    ]


@pytest.mark.parametrize("order", "<>")
def test_each_interface_has_its_own_link_type_and_clock(tmp_path: Path, order: str) -> None:
    octets = section(order)
    octets += interface(1, option(RESOLUTION, b"\x03", order), order)
    octets += interface(
        101, option(RESOLUTION, b"\x09", order) + option(TIME_OFFSET, struct.pack(order + "q", -7), order), order
    )
    octets += enhanced(1, START * 10**9 + 7, FRAME, order=order)
    octets += enhanced(0, START * 1000 + 7, ethernet(FRAME), order=order)
    part, capture = read(tmp_path / "interfaces.pcapng", octets)
    assert [(one.interface, one.seconds, one.nanos) for one in part.messages()] == [
        (1, START - 7, 7),
        (0, START, 7_000_000),
    ]
    assert [one.frames for one in capture.interfaces] == [1, 1]


@pytest.mark.parametrize(
    ("resolution", "stamp", "time"),
    [
        (0, START, (START, 0)),
        (3, START * 10**3 + 1, (START, 1_000_000)),
        (6, START * 10**6 + 1, (START, 1000)),
        (9, START * 10**9 + 1, (START, 1)),
        (10, START * 10**8 * 10 + 10, (START // 10, START % 10 * 100_000_000 + 1)),
        (18, 5 * 10**18 + 999_999_999_999_999_999, (5, 999_999_999)),
        (0x80, START, (START, 0)),
        (0x80 | 10, START * 2**10 + 512, (START, 500_000_000)),
        (0x80 | 30, START * 2**30 + 2**29, (START, 500_000_000)),
        (0x80 | 62, 2**62 + 2**61, (1, 500_000_000)),
    ],
)
def test_times_count_in_the_units_of_the_interface(
    tmp_path: Path, resolution: int, stamp: int, time: tuple[int, int]
) -> None:
    octets = section() + interface(101, option(RESOLUTION, bytes([resolution]))) + enhanced(0, stamp, FRAME)
    (found,) = messages(tmp_path / "units.pcapng", octets)
    assert (found.seconds, found.nanos) == time


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 18) | st.integers(0x80, 0x80 + 62), st.integers(0, 2**63 - 1), st.integers(-(2**40), 2**40))
def test_times_are_exact_to_the_nanosecond(tmp_path: Path, resolution: int, stamp: int, offset: int) -> None:
    described = interface(101, option(RESOLUTION, bytes([resolution])) + option(TIME_OFFSET, struct.pack("<q", offset)))
    (found,) = messages(tmp_path / "exact.pcapng", section() + described + enhanced(0, stamp, FRAME))
    units = 2 ** (resolution - 0x80) if resolution & 0x80 else 10**resolution
    exact = Fraction(stamp, units) + offset
    if found.seconds == NO_TIME:
        assert exact > 2**50
    else:
        assert 0 <= exact - found.seconds - Fraction(found.nanos, 10**9) < Fraction(2, 10**9)
        assert 0 <= found.nanos < 10**9


@pytest.mark.parametrize("resolution", [19, 127, 0x80 | 63, 0xFF])
def test_frames_whose_time_is_too_fine_to_count_are_read_without_one(tmp_path: Path, resolution: int) -> None:
    octets = HEAD + enhanced(0, STAMP, FRAME) + interface(101, option(RESOLUTION, bytes([resolution])))
    part, capture = read(tmp_path / "units.pcapng", octets + enhanced(1, STAMP, FRAME) + enhanced(0, STAMP, FRAME))
    assert part.frames == 3
    assert [one.seconds for one in part.messages()] == [START, NO_TIME, START]
    assert capture.notes == ["one interface counts time in units too fine to be read: frames there have no times"]


@pytest.mark.parametrize("offset", [2**63 - 1, -(2**63), 2**60, 0])
def test_times_beyond_any_calendar_do_no_harm(tmp_path: Path, offset: int) -> None:
    options = option(RESOLUTION, b"\0") + option(TIME_OFFSET, struct.pack("<q", offset))
    octets = section() + interface(101, options) + interface(101)
    for stamp in (2**64 - 1, 2**63, 2**63 - 1, 2**62):
        octets += enhanced(0, stamp, FRAME)
    part, _ = read(tmp_path / "late.pcapng", octets + enhanced(1, STAMP, FRAME))
    assert part.frames == len(part) == 5
    assert part.first == part.last == (START, 250_000_000)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("flags", "direction"),
    [
        (0, UNKNOWN),
        (1, INBOUND),
        (1 | 1 << 2, INBOUND),  # to this host
        (1 | 2 << 2, INBOUND),  # to a group
        (1 | 4 << 2, ELSEWHERE),  # seen because the interface listens to all
        (2, OUTBOUND),
        (3, UNKNOWN),
        (0xFFFFFFFD, INBOUND),
    ],
)
def test_flags_tell_the_direction(tmp_path: Path, order: str, flags: int, direction: int) -> None:
    comment = option(1, b"a comment of 23 octets!", order)
    value = option(FLAGS, struct.pack(order + "I", flags), order)
    octets = section(order) + interface(101, order=order)
    octets += enhanced(0, STAMP, FRAME, comment + value, order) + obsolete(0, STAMP, FRAME, value + comment, order)
    assert [one.direction for one in messages(tmp_path / "flags.pcapng", octets)] == [direction] * 2


@pytest.mark.parametrize(
    "options",
    [
        option(0, b"") + option(FLAGS, b"\1\0\0\0"),  # the options end before it
        option(FLAGS, b"\1\0"),
        struct.pack("<HH", FLAGS, 4),
        option(1, b"") * 40 + option(FLAGS, b"\1\0\0\0"),  # nobody writes so many
        struct.pack("<HH", 1, 65535) + option(FLAGS, b"\1\0\0\0"),
    ],
)
def test_options_without_sound_flags_tell_nothing(tmp_path: Path, options: bytes) -> None:
    (found,) = messages(tmp_path / "flags.pcapng", HEAD + enhanced(0, STAMP, FRAME, options))
    assert found.direction == UNKNOWN


@pytest.mark.parametrize("order", "<>")
def test_names_addresses_and_drops_of_interfaces_are_kept(tmp_path: Path, order: str) -> None:
    octets = section(order)
    described = option(NAME, b"en0\0\0", order) + option(IPV4, bytes([192, 0, 2, 10, 255, 255, 255, 0]), order)
    octets += interface(1, described + option(IPV6, bytes(15) + b"\1\x40", order), order, 65535)
    octets += interface(9, option(NAME, b"\xffppp", order), order)
    octets += interface(9, order=order)
    octets += statistics(0, option(DROPPED_BY_INTERFACE, struct.pack(order + "Q", 3), order), order=order)
    octets += statistics(0, option(DROPPED_BY_SYSTEM, struct.pack(order + "Q", 5), order), order=order)
    octets += statistics(1, option(4, struct.pack(order + "Q", 9), order), order=order)
    octets += block(5, bytes(4), order)
    octets += statistics(7, option(DROPPED_BY_SYSTEM, struct.pack(order + "Q", 5), order), order=order)
    _, capture = read(tmp_path / "names.pcapng", octets)
    assert [(one.name, one.addresses, one.dropped, one.snaplen) for one in capture.interfaces] == [
        ("en0", ["192.0.2.10", "::1"], 5, 65535),
        ("\ufffdppp", [], None, 0),
        (None, [], None, 0),
    ]


PASSED_OVER = {
    "name resolution": block(4, struct.pack("<HH", 1, 9) + b"\xc0\0\2\nhost\0" + bytes(7)),
    "decryption secrets": block(10, struct.pack("<II", 0x544C534B, 4) + b"key\n"),
    "statistics": statistics(0),
    "process information (Apple)": block(0x80000001, struct.pack("<I", 4711) + option(2, b"ntpd") + option(0, b"")),
    "unknown": block(0x12345678, bytes(400)),
    "empty": block(0x7FFFFFFF, b""),
}
COUNTED = {
    "journal entry": block(9, b"__REALTIME_TIMESTAMP=1193652786250000\nMESSAGE=hello\n"),
    "custom": block(0xBAD, struct.pack("<I", 32473) + b"data"),
    "custom, not to be copied": block(0x40000BAD, struct.pack("<I", 32473) + b"data"),
    "Sysdig event": block(0x204, bytes(40)),
}


@pytest.mark.parametrize("name", PASSED_OVER)
def test_other_blocks_are_passed_over(tmp_path: Path, name: str) -> None:
    part, capture = read(tmp_path / "blocks.pcapng", HEAD + PACKET + PASSED_OVER[name] + PACKET)
    assert (part.frames, len(part), capture.notes) == (2, 2, [])


@pytest.mark.parametrize("name", COUNTED)
def test_records_without_a_packet_count_as_frames(tmp_path: Path, name: str) -> None:
    part, capture = read(tmp_path / "blocks.pcapng", HEAD + PACKET + COUNTED[name] + PACKET)
    assert ([one.frame for one in part.messages()], part.frames, capture.notes) == ([1, 3], 3, [])
    assert part.account() == {"messages": 2, "records without a packet (custom blocks, journal entries)": 1}


def test_frames_bear_the_numbers_that_tshark_gives_them(tmp_path: Path) -> None:
    octets = HEAD
    for number, other in enumerate([*PASSED_OVER.values(), *COUNTED.values()]):
        octets += other + enhanced(0, STAMP, ipv4(PEER, TARGET, 17, udp(50000 + number, 40000)))
    path = tmp_path / "blocks.pcapng"
    found = [(one.frame, one.sport) for one in messages(path, octets)]
    seen = dissected(path, "frame.number", "udp.srcport")
    assert found == [(int(frame), int(port)) for frame, port in seen if port]


@pytest.mark.parametrize("size", [1, 20, 1 << 20])
def test_a_run_of_other_blocks_is_passed_over_wherever_a_read_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    whole = Capture.read_into
    monkeypatch.setattr(Capture, "read_into", lambda self, room: whole(self, room[:size]))
    others = b"".join(PASSED_OVER.values())
    octets = HEAD + others + PACKET + others * 3 + section(">") + interface(101, order=">") + block(4, b"", ">")
    part, capture = read(tmp_path / "runs.pcapng", octets + enhanced(0, STAMP, FRAME, order=">") + block(4, b"", ">"))
    assert ([one.interface for one in part.messages()], part.frames, capture.notes) == ([0, 1], 2, [])


def test_frames_of_more_interfaces_than_anybody_has_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capanalyze.capture.pcapng.MAX_INTERFACES", 3)
    octets = section() + interface(101) * 3 + PACKET + interface(101) * 2
    later = section() + interface(101) + PACKET
    part, capture = read(tmp_path / "many.pcapng", octets + enhanced(3, STAMP, FRAME) + PACKET + later)
    assert part.account() == {"messages": 2, "of an interface that the capture does not describe": 2}
    assert capture.notes == ["more than 3 interfaces: frames of the rest are counted, not read"]


def test_options_of_apples_frames_are_passed_over(tmp_path: Path) -> None:
    process, service, effective = (option(code, struct.pack("<I", 0)) for code in (0x8001, 0x8002, 0x8003))
    options = process + service + option(FLAGS, b"\2\0\0\0") + effective + option(0, b"")
    (found,) = messages(
        tmp_path / "apple.pcapng",
        HEAD + PASSED_OVER["process information (Apple)"] + enhanced(0, STAMP, FRAME, options),
    )
    assert (found.sport, found.captured, found.direction) == (50000, 1, OUTBOUND)


@pytest.mark.parametrize("packet", [enhanced(1, STAMP, FRAME), obsolete(1, STAMP, FRAME)])
def test_a_frame_of_an_interface_that_is_not_described_is_counted(tmp_path: Path, packet: bytes) -> None:
    part, _ = read(tmp_path / "stray.pcapng", HEAD + packet + enhanced(0, STAMP, FRAME))
    assert [one.frame for one in part.messages()] == [2]
    assert part.account() == {"messages": 1, "of an interface that the capture does not describe": 1}


def test_a_simple_packet_before_any_interface_is_counted(tmp_path: Path) -> None:
    part, _ = read(tmp_path / "stray.pcapng", section() + simple(FRAME))
    assert part.account() == {"of an interface that the capture does not describe": 1}


def test_interfaces_of_an_earlier_section_are_gone(tmp_path: Path) -> None:
    part, _ = read(tmp_path / "stray.pcapng", HEAD + section() + enhanced(0, STAMP, FRAME))
    assert part.account() == {"of an interface that the capture does not describe": 1}


@pytest.mark.parametrize(
    "broken",
    [
        PACKET[:-4] + b"\1\2\3\4",  # the trailer contradicts the header
        PACKET[:4] + struct.pack("<I", 11) + PACKET[8:],
        PACKET[:4] + struct.pack("<I", len(PACKET) + 1) + PACKET[8:],
        PACKET[:4] + struct.pack("<I", 0xFFFFFFFC) + PACKET[8:],
        PACKET[:20] + struct.pack("<I", 10_000) + PACKET[24:],  # more captured than the block holds
        block(6, bytes(12)),
        block(2, bytes(12)),
        block(3, b""),
        block(1, b"\1\0"),
        statistics(0)[:-4] + bytes(4),
        section()[:-4] + bytes(4),
        section()[:12] + b"\2\0" + section()[14:],  # version 2
        section()[:8] + b"WHAT" + section()[12:],
        block(0x0A0D0D0A, struct.pack("<IHH", 0x1A2B3C4D, 1, 0)),
    ],
)
@pytest.mark.parametrize("before", [PACKET, PACKET + statistics(0) * 2])
def test_what_cannot_be_a_block_ends_reading_with_a_note(tmp_path: Path, before: bytes, broken: bytes) -> None:
    part, capture = read(tmp_path / "broken.pcapng", HEAD + before + broken + PACKET * 3)
    assert (part.frames, len(part)) == (1, 1)
    where = len(HEAD) + len(before)
    assert capture.notes[-1] == f"cut: no record can be read at octet {where}, behind frame 1; the rest was left out"


@pytest.mark.parametrize("before", [b"", statistics(0)])
def test_a_section_of_another_version_is_named_once(tmp_path: Path, before: bytes) -> None:
    _, capture = read(tmp_path / "new.pcapng", HEAD + before + section()[:12] + b"\2\0" + section()[14:])
    assert len(capture.notes) == 2
    assert capture.notes[0] == "section 2 has pcapng version 2, which is not read"


@pytest.mark.parametrize("order", "<>")
def test_a_first_section_of_another_version_cannot_be_read(tmp_path: Path, order: str) -> None:
    path = tmp_path / "new.pcapng"
    path.write_bytes(struct.pack(order + "IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 2, 1, -1, 28))
    with pytest.raises(CaptureError) as caught:
        open_capture(str(path))
    assert str(caught.value) == "new.pcapng: not a capture that can be read: pcapng version 2.1"


@pytest.mark.parametrize("last", [PACKET, section(), interface(1)])
@pytest.mark.parametrize("left", [1, 8, 11, 12, 13, -1])
def test_of_a_capture_cut_short_all_whole_frames_are_read(tmp_path: Path, last: bytes, left: int) -> None:
    part, capture = read(tmp_path / "cut.pcapng", HEAD + PACKET * 2 + last[:left])
    assert (part.frames, len(part)) == (2, 2)
    where = len(HEAD) + 2 * len(PACKET)
    assert capture.notes == [f"cut: the capture ends inside the record at octet {where}, behind frame 2"]


def test_a_section_header_alone_is_a_capture(tmp_path: Path) -> None:
    part, capture = read(tmp_path / "none.pcapng", section())
    assert (part.frames, capture.interfaces, capture.notes) == (0, [], [])


def test_a_link_type_that_is_not_read_is_an_error_where_there_is_no_other(tmp_path: Path) -> None:
    path = tmp_path / "usb.pcapng"
    path.write_bytes(section() + interface(189) + enhanced(0, 0, b"urb"))
    capture = open_capture(str(path))
    with pytest.raises(CaptureError) as caught:
        read_messages(capture)
    capture.close()
    assert str(caught.value) == "usb.pcapng: link type 189 (USB_LINUX) is not one that is read"


def test_frames_of_a_link_type_that_is_not_read_are_counted_beside_others(tmp_path: Path) -> None:
    part, capture = read(tmp_path / "mixed.pcapng", HEAD + PACKET + interface(189) + enhanced(1, 0, b"urb"))
    assert (part.frames, len(part)) == (2, 1)
    assert part.account()["link type 189 (USB_LINUX), not read"] == 1
    assert capture.notes == ["frames of link type 189 (USB_LINUX) are counted, not read"]
