"""The loop: every frame is accounted for, and its time is kept, on all captures there are."""

from functools import cache
from pathlib import Path

import pytest

from capanalyze.capture import Capture, open_capture
from capanalyze.packets.message import INBOUND, OUTBOUND
from capanalyze.packets.messages import Part, read_messages
from capanalyze.packets.scan import EARLIEST, LATEST
from tests.build import PEER, START, TARGET, enhanced, icmp, interface, ipv4, option, pcap, read, section, tcp, udp
from tests.conftest import PCAPS, SHARED

SUFFIXES = (".pcap", ".pcapng", ".pcap.gz")
FOLDERS = [PCAPS, *(SHARED / "captures" / name for name in ("pairs", "traps", "lab"))]
CAPTURES = sorted(path for folder in FOLDERS for path in folder.rglob("*") if path.name.endswith(SUFFIXES))
FRAME = ipv4(PEER, TARGET, 17, udp(50000, 40000, b"x"))


@cache
def plain(path: Path) -> tuple[Part, Capture]:
    """A capture as the plain loop reads it."""
    capture = open_capture(str(path))
    part = read_messages(capture, compiled=False)
    capture.finish()
    return part, capture


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_every_frame_is_accounted_for_once(path: Path) -> None:
    part, capture = plain(path)
    assert sum(part.account().values()) == part.frames
    assert sum(one.frames for one in capture.interfaces) <= part.frames
    numbers = [one.frame for one in part.messages()]
    assert numbers == sorted(set(numbers))
    assert not numbers or 1 <= numbers[0] <= numbers[-1] <= part.frames


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_messages_lie_inside_the_capture_and_its_times(path: Path) -> None:
    part, capture = plain(path)
    assert sum(one.key_count for one in part.messages()) == len(part.keys)
    for one in part.messages():
        assert 0 <= one.captured <= one.size or one.fragmented
        assert capture.interface_name(one.interface) is None or one.interface >= 0
        if EARLIEST <= one.seconds <= LATEST:
            assert part.first
            assert part.last
            assert part.first <= (one.seconds, one.nanos) <= part.last
    found = dict(capture.pieces((one.payload, one.captured) for one in part.messages()))
    assert all(len(found[one.payload, one.captured]) == one.captured for one in part.messages())


def test_reasons_are_counted_in_words(tmp_path: Path) -> None:
    frames = [FRAME, FRAME, b"", ipv4(PEER, TARGET, 6, tcp(1, 2, "A")), ipv4(PEER, TARGET, 1, icmp(5)), FRAME[:20]]
    part, _ = read(tmp_path / "mixed.pcap", pcap([(START, frame) for frame in frames]))
    assert part.account() == {
        "messages": 2,
        "TCP segments without data, inside connections": 1,
        "ICMP that neither asks nor rejects (neighbour discovery, redirects)": 1,
        "malformed headers": 2,
    }


def test_a_message_that_is_never_answered_is_still_a_message(tmp_path: Path) -> None:
    acknowledged = b"ACK sip:alice@example.net SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 ACK\r\n\r\n"
    part, _ = read(tmp_path / "sip.pcap", pcap([(START, ipv4(PEER, TARGET, 17, udp(5060, 5060, acknowledged)))]))
    assert (part.account(), len(part)) == ({"messages": 1}, 1)


def test_first_and_last_are_the_earliest_and_the_latest_of_all_frames(tmp_path: Path) -> None:
    times = [START + 5.5, START, START + 9.25, START + 0.5]
    part, _ = read(tmp_path / "times.pcap", pcap([(time, b"") for time in times]))
    assert (part.first, part.last) == ((START, 0), (START + 9, 250_000_000))


@pytest.mark.parametrize("seconds", [EARLIEST, LATEST])
def test_times_outside_of_the_years_1_to_9999_do_not_count(tmp_path: Path, seconds: int) -> None:
    away = -1 if seconds == EARLIEST else 1
    options = [option(9, b"\0") + option(14, (seconds + far).to_bytes(8, "little", signed=True)) for far in (0, away)]
    octets = section() + interface(101, options[0]) + interface(101, options[1])
    part, _ = read(tmp_path / "old.pcapng", octets + enhanced(0, 0, FRAME) + enhanced(1, 0, FRAME))
    assert part.first == part.last == (seconds, 0)
    assert [one.seconds for one in part.messages()] == [seconds, seconds + away]


def test_nothing_is_kept_from_frame_to_frame(tmp_path: Path) -> None:
    """What one frame tells must not stick to the next one, which tells less."""
    flags = [option(2, bytes([way, 0, 0, 0])) for way in (1, 2)]
    octets = section() + interface(101)
    for options in (flags[0], b"", flags[1], b""):
        octets += enhanced(0, START * 10**6, FRAME, options)
    part, _ = read(tmp_path / "ways.pcapng", octets)
    assert [one.direction for one in part.messages()] == [INBOUND, 0, OUTBOUND, 0]
    asked = ipv4(PEER, TARGET, 17, udp(1, 2), more=True)
    frames = [ipv4(TARGET, PEER, 1, icmp(3, 3, payload=asked)), asked, FRAME]
    part, _ = read(tmp_path / "quotes.pcap", pcap([(START, frame) for frame in frames]))
    assert [(one.sender_low > 0, one.detail > 0, one.fragmented) for one in part.messages()] == [
        (True, True, 1),
        (False, False, 1),
        (False, False, 0),
    ]
