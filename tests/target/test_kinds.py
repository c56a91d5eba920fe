"""Kinds of evidence that frames themselves show: what each needs, what it says, and the frames that it names."""

import struct
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.errors import TargetError
from capanalyze.model import Target
from tests.build import MAC_PEER, MAC_TARGET, START, ethernet, ipv4, pcap, tcp, udp

HOST, PEER, THIRD = "192.0.2.10", "192.0.2.50", "192.0.2.51"
MACS = {HOST: MAC_TARGET, PEER: MAC_PEER, THIRD: bytes.fromhex("00163e000021")}
Timed = tuple[float, bytes]


def target(folder: Path, frames: Sequence[Timed], link: int = 1, given: tuple[str, ...] = ()) -> Target:
    path = folder / "x.pcap"
    path.write_bytes(pcap([(START + time, frame) for time, frame in frames], link))
    return analyze(audit_of([str(path)], target=given)).target


def frames_of(found: Target) -> dict[str, list[int]]:
    return {one.kind: [frame.frame for frame in one.frames] for one in found.because}


def on_wire(source: str, destination: str, packet: bytes, *, padded: bool) -> bytes:
    frame = ethernet(packet, source=MACS[source], destination=MACS[destination])
    return frame + bytes(60 - len(frame)) if padded else frame


def asks(client: str, server: str, number: int, *, bare: str = "") -> list[Timed]:
    """A request and its reply, short ones; those of the host that is `bare` without padding."""
    request = ipv4(client, server, 17, udp(40000 + number, 9999, b"hello"))
    reply = ipv4(server, client, 17, udp(9999, 40000 + number, b"there"))
    return [
        (number, on_wire(client, server, request, padded=client != bare)),
        (number + 0.01, on_wire(server, client, reply, padded=server != bare)),
    ]


# -- Padding -----------------------------------------------------------------------------------------


def test_a_host_whose_frames_are_not_padded_beside_others_whose_are_sent_them_here(tmp_path: Path) -> None:
    found = target(tmp_path, [one for number in range(4) for one in asks(HOST, PEER, number, bare=HOST)])
    assert (found.addresses, found.certainty) == ([HOST], "shown")
    assert found.how == "shown by the frames: outgoing frames are not padded"
    assert frames_of(found) == {"padding": [1, 3, 5]}


@pytest.mark.parametrize("count", [1, 2])
def test_padding_needs_three_frames(tmp_path: Path, count: int) -> None:
    found = target(tmp_path, [one for number in range(count) for one in asks(HOST, PEER, number, bare=HOST)])
    assert (found.addresses, found.certainty) == ([PEER], "assumed")


def test_where_nothing_is_padded_that_tells_nothing(tmp_path: Path) -> None:
    frames = [(time, frame[:47]) for number in range(4) for time, frame in asks(HOST, PEER, number)]
    assert target(tmp_path, frames).certainty == "assumed"


def test_two_hosts_without_padding_are_undecided(tmp_path: Path) -> None:
    frames = [one for number in range(4) for one in asks(HOST, PEER, number, bare=HOST)]
    frames += [one for number in range(4, 8) for one in asks(THIRD, PEER, number, bare=THIRD)]
    with pytest.raises(TargetError, match="the target cannot be told"):
        target(tmp_path, frames)


def test_padding_that_contradicts_a_given_target_is_a_warning(tmp_path: Path) -> None:
    frames = [one for number in range(4) for one in asks(HOST, PEER, number, bare=HOST)]
    found = target(tmp_path, frames, given=(PEER,))
    assert (found.addresses, found.certainty) == ([PEER], "given")
    assert found.warnings == [
        f"{PEER}: its frames are padded, those of another host are not, as if the capture was taken elsewhere",
        f"{HOST} may have captured this: outgoing frames are not padded",
    ]


# -- Checksums ---------------------------------------------------------------------------------------


def checksum_of_pseudo_header(source: str, destination: str, length: int) -> int:
    words = struct.unpack(">4H", ip_address(source).packed + ip_address(destination).packed)
    total = sum(words) + 17 + length
    return (total & 0xFFFF) + (total >> 16)


def summed(source: str, destination: str, ports: tuple[int, int], *, finished: bool) -> bytes:
    """A datagram with a checksum, right or wrong but not that of the pseudo-header where it is finished."""
    octets = bytearray(udp(*ports, b"hello"))
    checksum = checksum_of_pseudo_header(source, destination, len(octets)) ^ (0x1234 if finished else 0)
    octets[6:8] = struct.pack(">H", checksum)
    return ipv4(source, destination, 17, bytes(octets))


def checked(client: str, server: str, number: int, unfinished: Sequence[str]) -> list[Timed]:
    ports = 40000 + number, 9999
    return [
        (number, summed(client, server, ports, finished=client not in unfinished)),
        (number + 0.01, summed(server, client, ports[::-1], finished=server not in unfinished)),
    ]


def test_a_host_that_alone_leaves_checksums_unfinished_sent_them_here(tmp_path: Path) -> None:
    found = target(tmp_path, [one for number in range(4) for one in checked(HOST, PEER, number, [HOST])], link=101)
    assert (found.addresses, found.certainty) == ([HOST], "shown")
    assert found.how == "shown by the frames: checksums of outgoing frames are not finished"
    assert frames_of(found) == {"checksums": [1, 3, 5]}


def test_checksums_that_both_ends_leave_unfinished_tell_nothing(tmp_path: Path) -> None:
    frames = [one for number in range(4) for one in checked(HOST, PEER, number, [HOST, PEER])]
    assert target(tmp_path, frames, link=101).certainty == "assumed"


def test_one_unfinished_checksum_among_many_is_chance(tmp_path: Path) -> None:
    frames = [one for number in range(2) for one in checked(HOST, PEER, number, [HOST])]
    frames += [one for number in range(2, 9) for one in checked(HOST, PEER, number, [])]
    assert target(tmp_path, frames, link=101).certainty == "assumed"


def test_segments_with_data_tell_nothing_as_receiving_joins_them(tmp_path: Path) -> None:
    frames = handshakes(PEER, HOST, 0.001, 0.001)
    for number in range(4):
        octets = bytearray(tcp(80, 5000 + number, "PA", seq=1, ack=2, payload=b"x" * 100))
        words = struct.unpack(">4H", ip_address(HOST).packed + ip_address(PEER).packed)
        total = sum(words) + 6 + len(octets)
        octets[16:18] = struct.pack(">H", (total & 0xFFFF) + (total >> 16))
        frames.append((50 + number, ipv4(HOST, PEER, 6, bytes(octets))))
    assert target(tmp_path, frames, link=101).certainty == "assumed"


# -- Turnaround --------------------------------------------------------------------------------------


def handshakes(client: str, server: str, answer: float, acknowledgment: float, count: int = 3) -> list[Timed]:
    """As many handshakes, with seconds from SYN to SYN/ACK and from there to ACK."""
    frames = []
    for number in range(count):
        port, start = 5000 + number, float(number)
        frames += [
            (start, ipv4(client, server, 6, tcp(port, 80, "S", seq=1))),
            (start + answer, ipv4(server, client, 6, tcp(80, port, "SA", seq=9, ack=2))),
            (start + answer + acknowledgment, ipv4(client, server, 6, tcp(port, 80, "A", seq=2, ack=10))),
        ]
    return frames


@pytest.mark.parametrize(
    ("times", "host", "said"),
    [
        ((0.00002, 0.03), HOST, "SYN/ACKs leave after 20 µs, their ACKs come after 30.0 ms"),
        ((0.03, 0.00002), PEER, "SYN/ACKs come after 30.0 ms, their ACKs leave after 20 µs"),
    ],
)
def test_who_takes_no_time_is_here(tmp_path: Path, times: tuple[float, float], host: str, said: str) -> None:
    found = target(tmp_path, handshakes(PEER, HOST, *times), link=101)
    assert (found.addresses, found.certainty, found.how) == ([host], "shown", f"shown by the frames: {said}")
    assert frames_of(found) == {"turnaround": [2, 5, 8]}


@pytest.mark.parametrize(
    ("times", "count"),
    [((0.00002, 0.03), 2), ((0.01, 0.07), 3), ((0.07, 0.01), 3)],
    ids=["two", "not fast", "not slow"],
)
def test_turnaround_needs_three_handshakes_and_an_eighth(
    tmp_path: Path, times: tuple[float, float], count: int
) -> None:
    assert target(tmp_path, handshakes(PEER, HOST, *times, count), link=101).certainty == "assumed"


def test_a_handshake_with_a_segment_sent_again_does_not_count(tmp_path: Path) -> None:
    frames = handshakes(PEER, HOST, 0.00002, 0.03)
    frames.insert(1, (0.00001, frames[0][1]))
    assert target(tmp_path, frames, link=101).certainty == "assumed"


# -- Hop counts --------------------------------------------------------------------------------------


def with_ttl(packet: bytes, ttl: int) -> bytes:
    return packet[:8] + bytes([ttl]) + packet[9:]


@pytest.mark.parametrize(("ttls", "is_told"), [((54, 245), True), ((54, 64), False), ((54, 55), False)])
def test_each_protocol_may_begin_with_another_hop_count(tmp_path: Path, ttls: tuple[int, int], is_told: bool) -> None:
    """The first is of UDP, the second of ICMP but where it varies within UDP."""
    second = 17 if ttls[1] == 55 else 1
    frames = [(0.0, ipv4(HOST, PEER, 17, udp(40000, 9999, b"hello")))]
    frames += [(1.0 + n, with_ttl(ipv4(PEER, HOST, 17, udp(9999, 40000, b"there")), ttls[0])) for n in range(3)]
    echo = struct.pack(">2B3H", 0, 0, 0, 7, 1)
    other = ipv4(PEER, HOST, second, echo if second == 1 else udp(9999, 40001, b"there"))
    frames.append((9.0, with_ttl(other, ttls[1])))
    if is_told:
        with pytest.raises(TargetError):
            target(tmp_path, frames, link=101)
    else:
        assert target(tmp_path, frames, link=101).addresses == [PEER]


# -- Neighbours --------------------------------------------------------------------------------------


def arp(source: str, destination: str, mac: bytes, to: bytes = b"\xff" * 6, *, kind: int = 1) -> bytes:
    octets = struct.pack(">HHBBH", 1, 0x0800, 6, 4, kind) + mac + ip_address(source).packed
    return ethernet(octets + bytes(6) + ip_address(destination).packed, 0x0806, source=mac, destination=to)


def test_an_address_that_the_targets_mac_speaks_for_in_arp_is_added(tmp_path: Path) -> None:
    frames = [*asks(PEER, HOST, 0), (5.0, arp("192.0.2.99", PEER, MAC_TARGET))]
    found = target(tmp_path, frames, given=(HOST,))
    assert found.addresses == [HOST, "192.0.2.99"]
    assert frames_of(found) == {"given": [], "neighbours": [3]}


def test_an_address_that_two_macs_speak_for_is_not_added(tmp_path: Path) -> None:
    frames = [
        *asks(PEER, HOST, 0),
        (5.0, arp("192.0.2.99", PEER, MAC_TARGET)),
        (6.0, arp("192.0.2.99", PEER, MACS[THIRD])),
    ]
    assert target(tmp_path, frames, given=(HOST,)).addresses == [HOST]


def test_arp_without_padding_tells_who_sent_it(tmp_path: Path) -> None:
    """Its frames are short, whatever else a host sends."""
    frames = [*asks(PEER, HOST, 0), *((float(n), arp(HOST, PEER, MAC_TARGET)) for n in range(2, 5))]
    frames += [(float(n), arp(PEER, HOST, MAC_PEER, MAC_TARGET, kind=2) + bytes(18)) for n in range(5, 8)]
    frames = [one for one in frames if len(one[1]) != 60 or one[1][6:12] != MAC_TARGET]
    found = target(tmp_path, frames)
    assert (found.addresses, found.certainty) == ([HOST], "shown")
    assert frames_of(found)["padding"] == [2, 3, 4]


def test_arp_is_counted_as_no_message_that_was_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    frames = [*asks(PEER, HOST, 0), (5.0, arp(PEER, HOST, MAC_PEER))]
    path.write_bytes(pcap([(START + time, frame) for time, frame in frames], 1))
    (found,) = analyze(audit_of([str(path)])).inputs
    assert (sum(found.account.values()), found.account["messages"]) == (3, 2)
