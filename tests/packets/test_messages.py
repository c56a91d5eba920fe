"""Parts of a capture: how they are collected and joined, and whether tshark sees the same in every frame."""

import shutil
import subprocess
from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.capture import Capture, open_capture
from capanalyze.capture.records import NO_TIME
from capanalyze.core.core import MAX_NAMES
from capanalyze.errors import CaptureError
from capanalyze.packets.message import FRAGMENT, PAYLOAD, PROCESS, REJECTION, ROLES, WORDS, address
from capanalyze.packets.messages import ROOM, Message, Part, read_messages
from capanalyze.packets.steps import FIRST_REASON, NOT_A_PACKET
from capanalyze.target.hints import ARP
from tests.build import (
    PEER,
    START,
    TARGET,
    dissected,
    dns,
    enhanced,
    interface,
    ipv4,
    ntp,
    pcap,
    read,
    scanned,
    section,
    udp,
)
from tests.packets.test_link import FRAMES
from tests.packets.test_scan import CAPTURES, plain

SOURCES = [f"{net}.{host}" for net in ("198.51.100", "203.0.113") for host in range(1, 200)]


def question(count: int) -> bytes:
    """An mDNS query of so many names; each is a key."""
    names = b"".join(b"\4n%03d\5local\0\0\x0c\0\1" % number for number in range(count))
    return bytes(4) + count.to_bytes(2, "big") + bytes(6) + names


MIXED = [
    ipv4(PEER, TARGET, 17, udp(50000, 123, ntp(3, transmit=7))),
    ipv4(TARGET, PEER, 17, udp(123, 50000, ntp(4, origin=7))),
    ipv4(PEER, TARGET, 17, udp(50000, 5353, question(5))),
    ipv4(PEER, TARGET, 17, udp(50000, 53, dns(1, "example.net"))),
    ipv4(PEER, TARGET, 17, udp(50000, 40000)),
    ipv4(PEER, TARGET, 17, bytes(40), offset=8),
    ipv4(PEER, TARGET, 89, b""),
    b"",
]


def without_places(part: Part) -> Part:
    """A part without its offsets, which differ between captures."""
    rows = array("q", part.rows)
    for base in range(0, len(rows), WORDS):
        rows[base + PAYLOAD] = rows[base + PROCESS] = 0
    return replace(part, rows=rows)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**31), st.sampled_from(MIXED)), max_size=30),
    st.lists(st.integers(0, 30), min_size=2, max_size=4),
    st.data(),
)
def test_parts_join_to_the_whole_in_any_order_of_joining(
    tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[int, bytes]], cuts: list[int], data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "part.pcap"
    whole = without_places(scanned(path, pcap(frames)))
    borders = [0, *sorted(min(cut, len(frames)) for cut in cuts), len(frames)]
    parts = [without_places(scanned(path, pcap(frames[start:end]))) for start, end in pairwise(borders)]
    while len(parts) > 1:
        at = data.draw(st.integers(0, len(parts) - 2))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    assert parts == [whole]


def test_joining_leaves_its_parts_alone_and_nothing_changes_nothing(tmp_path: Path) -> None:
    part = scanned(tmp_path / "part.pcap", pcap([(START, frame) for frame in MIXED]))
    again = scanned(tmp_path / "part.pcap", pcap([(START, frame) for frame in MIXED]))
    joined = part + again
    assert part == again
    assert (len(joined), joined.frames, len(joined.keys)) == (2 * len(part), 2 * part.frames, 2 * len(part.keys))
    assert Part() + part == part + Part() == part


def test_keys_belong_to_their_message_wherever_it_stands(tmp_path: Path) -> None:
    part = scanned(tmp_path / "part.pcap", pcap([(START, frame) for frame in MIXED]))
    for joined in (part + part, part + part + part):
        keys = [list(joined.keys_of(one)) for one in joined.messages()]
        assert keys == [list(part.keys_of(one)) for one in part.messages()] * (joined.frames // part.frames)
    assert [one.key_count for one in part.messages()] == [1, 1, 5, 2, 0, 0]


@pytest.mark.parametrize("count", [ROOM - 1, ROOM, ROOM + 1, 2 * ROOM + 7])
def test_more_messages_than_there_is_room_for_are_taken_in_turns(tmp_path: Path, count: int) -> None:
    frames = [ipv4(SOURCES[number % 300], TARGET, 17, udp(number % 65536, 9)) for number in range(count)]
    part, _ = read(tmp_path / "many.pcap", pcap([(START, frame) for frame in frames]))
    assert part.frames == len(part) == count
    assert [(one.frame, one.sport) for one in part.messages()] == [(at + 1, at % 65536) for at in range(count)]


def test_more_keys_than_there_is_room_for_are_taken_in_turns(tmp_path: Path) -> None:
    count = 2 * ROOM + 3
    frames = [ipv4(PEER, TARGET, 17, udp(number, 5353, question(31 + number % 2))) for number in range(count)]
    part, _ = read(tmp_path / "keys.pcap", pcap([(START, frame) for frame in frames]))
    first = list(part.keys[:31])
    assert len(part) == count
    for one in part.messages():
        assert list(part.keys_of(one))[:31] == first
    assert len(part.keys) == sum(31 + number % 2 for number in range(count))


def in_blocks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = Capture.read_into
    monkeypatch.setattr(Capture, "read_into", lambda self, room: whole(self, room[:size]))


SAMPLES = [path for path in CAPTURES if path.stat().st_size < 4000][::4]


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_records_may_straddle_the_blocks_that_are_read(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    expected = [plain(path) for path in SAMPLES]
    in_blocks(monkeypatch, size)
    for path, (part, before) in zip(SAMPLES, expected, strict=True):
        capture = open_capture(str(path))
        assert read_messages(capture) == part
        capture.finish()
        assert (capture.notes, capture.interfaces) == (before.notes, before.interfaces)


@pytest.mark.parametrize("size", [1, 50])
def test_names_of_interfaces_are_read_wherever_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    in_blocks(monkeypatch, size)
    for link in (117, 258, 276):
        frames = [frame for frame in FRAMES.values() if frame.link == link] * 3
        part, capture = read(tmp_path / "named.pcap", pcap([(START, frame.octets) for frame in frames], link))
        names = [capture.interface_name(one.interface) for one in part.messages()]
        assert names == [frame.interface for frame in frames]


FIELDS = (
    "frame.time_epoch",
    "frame.protocols",
    *("ip.src", "ip.dst", "ipv6.src", "ipv6.dst"),
    *("udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport"),
)
UNFRAGMENTED = ("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE")

Ends = tuple[str, str, int, int] | None


def ends(row: list[str]) -> tuple[Ends, Ends]:
    """What tshark says of the innermost datagram, and of the innermost one that an ICMP error quotes."""
    sources, destinations, *rest = [iter(value.split(",")) if value else iter(()) for value in row[2:]]
    pairs: dict[str, tuple[Iterator[str], Iterator[str]]] = {
        "ip": (sources, destinations),
        "ipv6": (rest[0], rest[1]),
        "udp": (rest[2], rest[3]),
        "tcp": (rest[4], rest[5]),
    }
    found: list[Ends] = [None, None]
    quoted = 0
    for layer in row[1].split(":"):
        inner = found[quoted]
        if layer in ("icmp", "icmpv6"):
            if inner:
                found[quoted] = (*inner[:2], -1, -1)
            quoted = 1
        if layer not in pairs:
            continue
        source, destination = (next(values, "") for values in pairs[layer])
        if layer in ("ip", "ipv6"):
            found[quoted] = (source, destination, -2, -2)
        elif inner:
            found[quoted] = (*inner[:2], int(source), int(destination))
    return found[0], found[1]


def disagreements(path: Path, rows: list[list[str]]) -> Iterator[tuple[object, ...]]:
    """Where the messages of a capture differ from what tshark says of its frames."""
    part, _ = plain(path)
    if len(rows) != part.frames:
        yield path.name, "frames", part.frames, len(rows)
    found = {one.frame: one for one in part.messages() if one.protocol != ARP}
    unseen = 0
    for number, row in enumerate(rows, 1):
        outer, quoted = ends(row)
        one = found.get(number)
        if one is None:
            unseen += outer is not None and "udp" in row[1].split(":") and outer[2] >= 0
            continue
        if one.seconds != NO_TIME and f"{one.seconds}.{one.nanos:09}" != row[0]:
            yield path.name, number, "time", one.seconds, one.nanos, row[0]
        seen = quoted if one.role >> 16 == REJECTION else outer
        if one.role % ROLES == FRAGMENT and seen:
            seen = (*seen[:2], -1, -1)
        if seen != our_ends(one):
            yield path.name, number, our_ends(one), seen, row[1]
    if unseen:
        yield path.name, "UDP without a message", unseen


def our_ends(one: Message) -> Ends:
    return str(address(one.src, one.src_low)), str(address(one.dst, one.dst_low)), one.sport, one.dport


def test_tshark_sees_the_same_in_every_frame_of_every_capture(tmp_path: Path) -> None:
    if not shutil.which("mergecap"):
        pytest.skip("mergecap is not here")
    # Merging drops records without a packet.
    apart = [path for path in CAPTURES if plain(path)[0].tally[NOT_A_PACKET - FIRST_REASON]]
    together = [path for path in CAPTURES if path not in apart]
    merged = tmp_path / "all.pcapng"
    subprocess.run(["mergecap", "-a", "-w", merged, *together], check=True)
    rows = dissected(merged, *FIELDS, options=UNFRAGMENTED)
    found: list[tuple[object, ...]] = []
    for path in together:
        count = plain(path)[0].frames
        found += disagreements(path, rows[:count])
        rows = rows[count:]
    assert rows == []
    for path in apart:
        found += disagreements(path, dissected(path, *FIELDS, options=UNFRAGMENTED))
    assert found == []


def test_interfaces_that_were_not_asked_for_are_left_out(tmp_path: Path) -> None:
    frame = ipv4(PEER, TARGET, 17, udp(50000, 40000, b"?"))
    blocks = [enhanced(number, (START + second) * 1_000_000, frame) for second, number in enumerate((0, 1, 0, 2, 1, 0))]
    path = tmp_path / "three.pcapng"
    path.write_bytes(section() + interface(101) + interface(147) + interface(101) + b"".join(blocks))
    capture = open_capture(str(path), only=(1, 2))
    part = read_messages(capture)
    capture.finish()
    # A link type that is not read costs its frames; what is left out does not even count for the times.
    assert part.account() == {
        "messages": 1,
        "link type 147 (USER0), not read": 2,
        "of interfaces that were not asked for": 3,
    }
    assert (part.first, part.final) == ((START + 1, 0), (START + 4, 0))
    assert [(one.frame, one.interface) for one in part.messages()] == [(4, 2)]
    with pytest.raises(CaptureError, match="link type 147"):
        read_messages(open_capture(str(path), only=(1,)))


def test_more_names_than_are_told_apart_are_one_interface(tmp_path: Path) -> None:
    """Interfaces that SLL2 numbers, one a frame."""
    count = MAX_NAMES + 50
    header = b"\x08\0\0\0%b\0\1\0\6\2\0\0\0\0\1\0\0"
    frames = [
        header % number.to_bytes(4, "big") + ipv4(PEER, TARGET, 17, udp(5, number % 65536)) for number in range(count)
    ]
    part, capture = read(tmp_path / "names.pcap", pcap([(START, frame) for frame in frames * 2], 276))
    names = [capture.interface_name(one.interface) for one in part.messages()]
    expected = [f"if{number}" for number in range(MAX_NAMES)] + ["further interfaces"] * 50
    assert names == expected * 2
    assert capture.notes == ["frames name more than 4,096 interfaces: the rest count as one"]
