"""From where a request came, by its own flags, TTL, sender and address, and by what is known of its host."""

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.buffers import ints, longs
from capanalyze.core import core
from capanalyze.exchanges.batch import words_of
from capanalyze.exchanges.row import CLIENT, FLAGS, GROUP, MAC, NARROW, TTL, WIDE
from capanalyze.model import Reach
from capanalyze.packets import messages
from capanalyze.summary import store
from tests.build import MAC_PEER, MAC_TARGET, PEER, START, TARGET, ethernet, ipv4, ipv6, ntp, pcap, udp

ON_LINK, NEAR, PRIVATE, PUBLIC = range(4)
CASES = [
    ("198.51.100.7", 57, -1, 0, PUBLIC),
    ("198.51.100.7", 64, -1, 0, PUBLIC),
    ("198.51.100.7", 64, 0x0217F2DFCDB3, 0, NEAR),
    ("198.51.100.7", 63, 0x0217F2DFCDB3, 0, PUBLIC),
    ("198.51.100.7", 255, -1, 0, ON_LINK),
    ("198.51.100.7", 57, -1, GROUP, ON_LINK),
    ("169.253.255.255", 57, -1, 0, PUBLIC),
    ("169.254.0.1", 57, -1, 0, ON_LINK),
    ("9.255.255.255", 57, -1, 0, PUBLIC),
    ("10.0.0.0", 57, -1, 0, PRIVATE),
    ("172.15.255.255", 57, -1, 0, PUBLIC),
    ("172.16.0.0", 57, -1, 0, PRIVATE),
    ("100.63.255.255", 57, -1, 0, PUBLIC),
    ("100.64.0.0", 57, -1, 0, PRIVATE),
    ("255.255.255.255", 57, -1, 0, PUBLIC),
    ("2001:db8::1", 57, -1, 0, PUBLIC),
    ("2001:db8::1", 64, 0x0217F2DFCDB3, 0, NEAR),
    ("fe80::1", 64, -1, 0, ON_LINK),
    ("febf:ffff::1", 64, -1, 0, ON_LINK),
    ("fec0::1", 64, -1, 0, PUBLIC),
    ("fbff::1", 57, -1, 0, PUBLIC),
    ("fc00::1", 57, -1, 0, PRIVATE),
    ("fdff::1", 57, -1, 0, PRIVATE),
]


@pytest.mark.parametrize(("client", "ttl", "sender", "flags", "reach"), CASES)
def test_reach(client: str, ttl: int, sender: int, flags: int, reach: int) -> None:
    wide, narrow = longs(WIDE), ints(NARROW)
    wide[CLIENT], wide[CLIENT + 1] = words_of(client)
    wide[MAC] = sender
    narrow[TTL], narrow[FLAGS] = ttl, flags
    assert core.reach_of(wide, narrow) == reach


# A host as a whole


def arp(source: bytes, sender: str, operation: int = 1) -> bytes:
    """An ARP request, or a reply, RFC 826."""
    head = bytes.fromhex("0001 0800 06 04") + operation.to_bytes(2)
    packet = head + source + ip_address(sender).packed + bytes(6) + ip_address(TARGET).packed
    return ethernet(packet, 0x0806, source=source)


def exchange(
    number: int, ttl: int, *, source: bytes = MAC_PEER, client: str = PEER, to_mac: bytes = MAC_TARGET
) -> list[bytes]:
    """An NTP request with a TTL, and its reply."""
    request = ipv4(client, TARGET, 17, udp(40000 + number, 123, ntp(transmit=number)), ident=number)
    reply = ipv4(TARGET, client, 17, udp(123, 40000 + number, ntp(4, origin=number, transmit=9)), ident=number)
    request = request[:8] + bytes([ttl]) + request[9:]
    return [ethernet(request, source=source, destination=to_mac), ethernet(reply, source=to_mac, destination=source)]


def reach_of_all(folder: Path, frames: list[bytes], monkeypatch: pytest.MonkeyPatch, **rooms: int) -> Reach:
    monkeypatch.setattr(store, "ROOMS", replace(store.ROOMS, **rooms))
    path = folder / "block-all.en0.pcap"
    path.write_bytes(pcap([(START + number, frame) for number, frame in enumerate(frames)], link=1))
    (found,) = analyze(audit_of([str(path)], target=(TARGET,))).findings
    assert isinstance(found.reach, Reach)
    return found.reach


def solicitation(source: bytes, sender: str) -> bytes:
    """A neighbour solicitation has a hop limit of 255, RFC 4861 section 4.3."""
    packet = ipv6(sender, "ff02::1:ff00:10", 58, bytes.fromhex("8700 0000 0000 0000") + bytes(16))
    return ethernet(packet[:7] + b"\xff" + packet[8:], 0x86DD, source=source)


@pytest.mark.parametrize("operation", [1, 2])
@pytest.mark.parametrize("first", [True, False])
def test_who_spoke_arp_is_on_the_link_whatever_its_ttls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: int, *, first: bool
) -> None:
    known, asked = [arp(MAC_PEER, PEER, operation)], [*exchange(1, 38), *exchange(2, 52)]
    frames = known + asked if first else asked + known
    assert reach_of_all(tmp_path, frames, monkeypatch) == Reach(on_link=2)


def test_arp_of_another_mac_address_tells_nothing_of_what_a_router_delivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = bytes.fromhex("02005e00aa01")
    frames = [arp(MAC_PEER, PEER), *exchange(1, 52, source=router), *exchange(2, 52)]
    assert reach_of_all(tmp_path, frames, monkeypatch) == Reach(on_link=1, public=1)


def test_a_host_is_as_near_as_the_nearest_of_its_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = exchange(3, 64)[:1]
    assert reach_of_all(tmp_path, [*exchange(1, 52), *silent], monkeypatch) == Reach(near=1)
    assert reach_of_all(tmp_path, [*exchange(1, 52), *exchange(2, 255)], monkeypatch) == Reach(on_link=2)
    assert reach_of_all(tmp_path, [*exchange(1, 52), *exchange(2, 51)], monkeypatch) == Reach(public=2)


def test_neighbour_discovery_shows_its_sender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = "2001:db8::7", "2001:db8::9"
    host, target = "2001:db8::7", "2001:db8::10"
    frames = [solicitation(MAC_PEER, one)]
    for number, client in ((1, host), (2, other)):
        query = ipv6(client, target, 17, udp(40000 + number, 123, ntp(transmit=number)))
        answer = ipv6(target, client, 17, udp(123, 40000 + number, ntp(4, origin=number, transmit=9)))
        frames.append(ethernet(query[:7] + b"\x34" + query[8:], 0x86DD))
        frames.append(ethernet(answer, 0x86DD, source=MAC_TARGET, destination=MAC_PEER))
    path = tmp_path / "block-all.en0.pcap"
    path.write_bytes(pcap([(START + number, frame) for number, frame in enumerate(frames)], link=1))
    (found,) = analyze(audit_of([str(path)], target=(target,))).findings
    assert found.reach == Reach(on_link=1, public=1)


def test_without_room_for_hosts_it_says_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [frame for number in range(1, 6) for frame in exchange(number, 52, client=f"198.51.100.{number}")]
    assert reach_of_all(tmp_path, frames, monkeypatch, hosts=2) == Reach(public=2)
    assert reach_of_all(tmp_path, frames, monkeypatch, hosts=9, origins=3) == Reach(public=3)


def test_where_not_all_on_the_link_are_known_nobody_is_called_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "MAX_NEIGHBOURS", 1)
    frames = [
        arp(MAC_PEER, PEER),
        arp(MAC_PEER, "192.0.2.77"),
        *exchange(1, 52),
        *exchange(2, 52, client="198.51.100.9"),
    ]
    assert reach_of_all(tmp_path, frames, monkeypatch) == Reach(on_link=1)
