"""Who the target is: every way to know, in order, and when nobody can."""

from pathlib import Path

import pytest

from capanalyze import analysis
from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.errors import TargetError
from capanalyze.exchanges import arrival
from capanalyze.model import Target
from capanalyze.packets import messages
from tests.build import MAC_PEER, MAC_TARGET, START, dns, ethernet, ipv4, ipv6, pcap, tcp, udp

OTHER, THIRD = "203.0.113.66", "203.0.113.99"
HOST, LATER_HOST, PEER = "192.0.2.10", "192.0.2.77", "198.51.100.7"
ROUTER = bytes.fromhex("00005e000101")


def asked(client: str, server: str, number: int = 1) -> bytes:
    return ipv4(client, server, 17, udp(40000 + number, 9999, b"hello"))


def answered(client: str, server: str, number: int = 1) -> bytes:
    return ipv4(server, client, 17, udp(9999, 40000 + number, b"there"))


def target(folder: Path, frames: list[bytes], link: int = 101, given: tuple[str, ...] = ()) -> Target:
    path = folder / "x.pcap"
    path.write_bytes(pcap([(START + number / 10, frame) for number, frame in enumerate(frames)], link))
    return analyze(audit_of([str(path)], target=given)).target


def sll(direction: int, packet: bytes) -> bytes:
    return bytes([0, direction, 0, 1, 0, 6]) + MAC_PEER + b"\0\0\x08\x00" + packet


def test_a_given_address_is_taken(tmp_path: Path) -> None:
    found = target(tmp_path, [asked(PEER, HOST), answered(PEER, HOST)], given=(PEER,))
    assert (found.addresses, found.how, found.assumed) == ([PEER], "given", False)


def test_packet_directions_tell(tmp_path: Path) -> None:
    found = target(tmp_path, [sll(0, asked(PEER, HOST)), sll(4, answered(PEER, HOST))], link=113)
    assert found.addresses == [HOST]
    assert found.how.startswith("told by the capture")


def test_what_a_router_forwards_is_not_its_own(tmp_path: Path) -> None:
    passing = asked(PEER, OTHER)
    frames = [sll(0, passing), sll(4, passing), sll(0, asked(PEER, HOST)), sll(4, answered(PEER, HOST))]
    assert target(tmp_path, frames, link=113).addresses == [HOST]


def test_the_address_common_to_all_exchanges_with_several_peers(tmp_path: Path) -> None:
    found = target(tmp_path, [asked(PEER, HOST), asked(OTHER, HOST, 2), asked(HOST, THIRD, 3)])
    assert found.addresses == [HOST]
    assert "common to all unicast exchanges" in found.how
    assert not found.assumed


def test_with_one_peer_who_answers_is_assumed(tmp_path: Path) -> None:
    found = target(tmp_path, [asked(PEER, HOST), answered(PEER, HOST)])
    assert (found.addresses, found.assumed) == ([HOST], True)
    assert found.how == "assumed: it answers the requests"


def test_where_nobody_answers_who_is_asked_is_assumed(tmp_path: Path) -> None:
    found = target(tmp_path, [asked(PEER, HOST), asked(PEER, HOST, 2)])
    assert (found.addresses, found.how) == ([HOST], "assumed: it is the one that is asked")


def test_two_hosts_that_answer_each_other_are_undecidable(tmp_path: Path) -> None:
    frames = [asked(PEER, HOST), answered(PEER, HOST), asked(HOST, PEER, 2), answered(HOST, PEER, 2)]
    with pytest.raises(TargetError, match=f"candidates are {HOST}, {PEER}; name it with --target ADDRESS"):
        target(tmp_path, frames)


def test_only_group_traffic_names_no_candidate(tmp_path: Path) -> None:
    query = ipv4(PEER, "224.0.0.251", 17, udp(5353, 5353, dns(0, "a.local")))
    with pytest.raises(TargetError, match="no unicast request was captured"):
        target(tmp_path, [query])


def test_further_addresses_of_the_same_mac_are_added(tmp_path: Path) -> None:
    frames = [
        ethernet(asked(PEER, HOST), source=MAC_PEER, destination=MAC_TARGET),
        ethernet(answered(PEER, HOST), source=MAC_TARGET, destination=MAC_PEER),
        ethernet(asked("10.0.0.5", PEER, 2), source=MAC_TARGET, destination=MAC_PEER),
    ]
    found = target(tmp_path, frames, link=1, given=(HOST,))
    assert found.addresses == [HOST, "10.0.0.5"]
    assert found.how == "given; 10.0.0.5 added, as its frames show"


def test_a_peer_behind_the_targets_mac_is_not_added(tmp_path: Path) -> None:
    frames = [
        ethernet(asked(PEER, HOST), source=MAC_TARGET, destination=ROUTER),
        ethernet(answered(PEER, HOST), source=MAC_TARGET, destination=ROUTER),
    ]
    assert target(tmp_path, frames, link=1, given=(HOST,)).addresses == [HOST]


def test_the_other_ip_version_of_an_assumed_target_is_found_too(tmp_path: Path) -> None:
    six = [
        ipv6("2001:db8::7", "2001:db8::10", 17, udp(40009, 9999, b"hello")),
        ipv6("2001:db8::10", "2001:db8::7", 17, udp(9999, 40009, b"there")),
    ]
    found = target(tmp_path, [asked(PEER, HOST), answered(PEER, HOST), *six])
    assert found.addresses == [HOST, "2001:db8::10"]


def test_a_target_that_looks_hops_away_is_warned_of(tmp_path: Path) -> None:
    answer = bytearray(answered(PEER, HOST))
    answer[8] = 57
    found = target(tmp_path, [asked(PEER, HOST), bytes(answer)])
    assert len(found.warnings) == 1
    assert "TTL 57" in found.warnings[0]


def test_answers_slower_than_those_to_the_target_warn_of_the_place(tmp_path: Path) -> None:
    frames = []
    for number in range(6):
        start = number * 2.0
        frames += [
            (START + start, ipv4(PEER, HOST, 6, tcp(5000 + number, 80, "S", seq=1))),
            (START + start + 0.05, ipv4(HOST, PEER, 6, tcp(80, 5000 + number, "SA", ack=2))),
            (START + start + 1, ipv4(HOST, OTHER, 6, tcp(6000 + number, 80, "S", seq=1))),
            (START + start + 1.001, ipv4(OTHER, HOST, 6, tcp(80, 6000 + number, "SA", ack=2))),
        ]
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(frames))
    (warning,) = analyze(audit_of([str(path)])).target.warnings
    assert "50.0 ms" in warning
    assert "taken near the peers" in warning


def test_loopback_alone_is_a_target(tmp_path: Path) -> None:
    found = target(tmp_path, [asked("127.0.0.1", "127.0.0.1"), answered("127.0.0.1", "127.0.0.1")])
    assert found.addresses == ["127.0.0.1"]


def test_with_a_given_target_nobody_else_is_guessed(tmp_path: Path) -> None:
    abroad = [
        ipv6("2001:db8::7", "2001:db8::53", 17, udp(40009, 9999, b"hello")),
        ipv6("2001:db8::53", "2001:db8::7", 17, udp(9999, 40009, b"there")),
    ]
    found = target(tmp_path, [asked(PEER, HOST), answered(PEER, HOST), *abroad], given=(HOST,))
    assert (found.addresses, found.how) == ([HOST], "given")
    assert found.warnings == ["not judged: 2001:db8::53 answered too; if that is the target, say so with --target"]


def test_a_given_address_that_is_nowhere_is_warned_of(tmp_path: Path) -> None:
    found = target(tmp_path, [asked(PEER, HOST), answered(PEER, HOST)], given=("10.9.9.9",))
    assert found.addresses == ["10.9.9.9"]
    assert found.warnings[0] == "10.9.9.9 was given as the target, but is in no exchange"


def test_the_mac_address_common_to_all_exchanges_with_several_peers(tmp_path: Path) -> None:
    second = "192.0.2.11"
    frames = []
    for number, (host, peer, mac) in enumerate([(HOST, PEER, MAC_PEER), (second, OTHER, ROUTER)]):
        frames += [
            ethernet(asked(peer, host, number), source=mac, destination=MAC_TARGET),
            ethernet(answered(peer, host, number), source=MAC_TARGET, destination=mac),
        ]
    assert target(tmp_path, frames, link=1).addresses == [HOST, second]


def test_link_local_addresses_are_a_network_of_their_own(tmp_path: Path) -> None:
    frames = []
    for number, (host, peer) in enumerate([("fe80::10", "fe80::7"), ("2001:db8::10", "2001:db8::7")]):
        frames += [
            ipv6(peer, host, 17, udp(40000 + number, 9999, b"hello")),
            ipv6(host, peer, 17, udp(9999, 40000 + number, b"there")),
        ]
    assert target(tmp_path, frames).addresses == ["fe80::10", "2001:db8::10"]


def test_an_address_that_a_large_capture_shows_later_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "FEW", -1)
    monkeypatch.setattr(analysis, "TRIES", (1, 2, 4))
    monkeypatch.setattr(messages, "PLAIN_BLOCK", 200)
    for name in ("UNIT", "ROOM_AT_FIRST"):
        monkeypatch.setattr(arrival, name, 8)
    peers = [f"203.0.113.{number}" for number in range(1, 40)]
    before = [frame for peer in peers for frame in (asked(peer, HOST), answered(peer, HOST))]
    after = [frame for peer in peers for frame in (asked(peer, LATER_HOST), answered(peer, LATER_HOST))]
    found = target(tmp_path, before + after)
    assert found.addresses == [HOST]
    assert found.warnings == [
        f"not judged: {LATER_HOST} answered later on; if that is the target too, say so with --target"
    ]
    assert target(tmp_path, before).warnings == []
    assert target(tmp_path, before + after, given=(HOST, LATER_HOST)).warnings == []
