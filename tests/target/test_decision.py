"""Who the target is: every kind of evidence, in order, and when nobody can tell."""

from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.errors import TargetError
from capanalyze.exchanges import arrival
from capanalyze.model import Target
from capanalyze.packets import messages
from tests.build import MAC_PEER, MAC_TARGET, START, dns, ethernet, ipv4, ipv6, pcap, tcp, udp

OTHER, THIRD = "203.0.113.66", "203.0.113.99"
HOST, LATER_HOST, PEER = "192.0.2.10", "192.0.2.77", "198.51.100.7"
SIX_HOST, SIX_PEER = "2001:db8::10", "2001:db8::7"
ROUTER = bytes.fromhex("00005e000101")
INCOMING, TO_OTHERS, OUTGOING = 0, 3, 4


def packet(source: str, destination: str, payload: bytes, ttl: int = 64) -> bytes:
    octets = bytearray((ipv6 if ":" in source else ipv4)(source, destination, 17, payload))
    octets[7 if ":" in source else 8] = ttl
    return bytes(octets)


def asked(client: str, server: str, number: int = 1, ttl: int = 64) -> bytes:
    return packet(client, server, udp(40000 + number, 9999, b"hello"), ttl)


def answered(client: str, server: str, number: int = 1, ttl: int = 64) -> bytes:
    return packet(server, client, udp(9999, 40000 + number, b"there"), ttl)


def talk(client: str, server: str, number: int = 1) -> list[bytes]:
    return [asked(client, server, number), answered(client, server, number)]


def on_link(client: str, server: str, macs: tuple[bytes, bytes], number: int = 1, ttl: int = 64) -> list[bytes]:
    """A request and its reply as Ethernet frames; `macs` are the client's and the server's, `ttl` the reply's."""
    kind = 0x86DD if ":" in client else 0x0800
    there, here = macs
    return [
        ethernet(asked(client, server, number), kind, source=there, destination=here),
        ethernet(answered(client, server, number, ttl), kind, source=here, destination=there),
    ]


def target(folder: Path, frames: list[bytes], link: int = 101, given: tuple[str, ...] = ()) -> Target:
    path = folder / "x.pcap"
    path.write_bytes(pcap([(START + number / 10, frame) for number, frame in enumerate(frames)], link))
    return analyze(audit_of([str(path)], target=given)).target


def sll(direction: int, packet: bytes, mac: bytes = MAC_PEER) -> bytes:
    return bytes([0, direction, 0, 1, 0, 6]) + mac + b"\0\0\x08\x00" + packet


def mac(number: int) -> bytes:
    return bytes([2, 0, 0, 0, 0, number])


# -- Given and told ----------------------------------------------------------------------------------


def test_a_given_address_is_taken(tmp_path: Path) -> None:
    found = target(tmp_path, talk(PEER, HOST), given=(PEER,))
    assert (found.addresses, found.how, found.certainty, found.assumed) == ([PEER], "given", "given", False)


def test_packet_directions_tell(tmp_path: Path) -> None:
    found = target(tmp_path, [sll(INCOMING, asked(PEER, HOST)), sll(OUTGOING, answered(PEER, HOST))], link=113)
    assert (found.addresses, found.certainty) == ([HOST], "told")
    assert found.how == "told by the capture: packet directions"


def test_what_a_router_forwards_is_not_its_own(tmp_path: Path) -> None:
    passing = asked(PEER, OTHER)
    frames = [sll(INCOMING, passing), sll(OUTGOING, passing), *(sll(INCOMING, one) for one in [asked(PEER, HOST)])]
    assert target(tmp_path, frames, link=113).addresses == [HOST]


def test_a_translated_request_makes_neither_the_client_nor_the_host_behind_a_target(tmp_path: Path) -> None:
    behind = "172.17.0.2"
    frames = [
        sll(INCOMING, asked(PEER, HOST)),
        sll(OUTGOING, asked(PEER, behind)),
        sll(INCOMING, answered(PEER, behind)),
        sll(OUTGOING, answered(PEER, HOST)),
    ]
    found = target(tmp_path, frames, link=113)
    assert found.addresses == [HOST]
    assert found.warnings == []


def test_frames_of_the_loopback_interface_do_not_count_against_an_address(tmp_path: Path) -> None:
    frames = [sll(INCOMING, one, bytes(6)) for one in talk(HOST, OTHER)]
    frames += [sll(INCOMING, asked(PEER, HOST)), sll(OUTGOING, answered(PEER, HOST))]
    assert target(tmp_path, frames, link=113).addresses == [HOST]


def test_what_directions_tell_to_be_elsewhere_is_not_even_assumed(tmp_path: Path) -> None:
    """Only frames of others were captured: whoever answers there is not the host that captured this."""
    frames = [sll(TO_OTHERS, one) for one in talk(PEER, HOST)]
    with pytest.raises(TargetError):
        target(tmp_path, frames, link=113)


def test_a_given_address_that_directions_contradict_is_warned_of(tmp_path: Path) -> None:
    frames = [sll(INCOMING, asked(PEER, HOST)), sll(OUTGOING, answered(PEER, HOST))]
    found = target(tmp_path, frames, link=113, given=(PEER,))
    assert f"{PEER} is no address of the host that captured this, as the packet directions show" in found.warnings


def test_outgoing_frames_with_a_lowered_ttl_are_forwarded_and_no_sign_of_another_place(tmp_path: Path) -> None:
    frames = [sll(INCOMING, asked(PEER, HOST)), sll(OUTGOING, answered(PEER, HOST, ttl=63))]
    assert target(tmp_path, frames, link=113).warnings == []


# -- Shown by frames ---------------------------------------------------------------------------------


def test_the_mac_address_that_takes_part_in_every_conversation_is_shown(tmp_path: Path) -> None:
    frames = on_link("192.0.2.50", HOST, (mac(1), MAC_TARGET)) + on_link("192.0.2.51", HOST, (mac(2), MAC_TARGET))
    found = target(tmp_path, frames, link=1)
    assert (found.addresses, found.certainty, found.assumed) == ([HOST], "shown", False)


def test_a_mac_address_that_speaks_with_one_other_alone_shows_nothing(tmp_path: Path) -> None:
    frames = on_link("192.0.2.50", HOST, (mac(1), MAC_TARGET)) + on_link("192.0.2.51", HOST, (mac(1), MAC_TARGET))
    assert target(tmp_path, frames, link=1).certainty == "assumed"


@pytest.mark.parametrize(
    ("servers", "ttl"),
    [
        pytest.param(["198.51.100.50", "203.0.113.101"], 64, id="several networks"),
        pytest.param(["198.51.100.50", "198.51.100.51"], 58, id="lowered TTLs"),
        pytest.param(["198.51.100.50", "198.51.100.50"], 64, id="no network of its neighbours"),
    ],
)
def test_a_routers_mac_address_shows_no_target(tmp_path: Path, servers: list[str], ttl: int) -> None:
    frames = [
        frame
        for number, server in enumerate(servers * 2)
        for frame in on_link(f"192.0.2.{50 + number}", server, (mac(number), ROUTER), number, ttl)
    ]
    try:
        found = target(tmp_path, frames, link=1)
    except TargetError:
        return
    assert found.certainty == "assumed"


def test_further_addresses_of_the_same_mac_are_added(tmp_path: Path) -> None:
    frames = on_link(PEER, HOST, (MAC_PEER, MAC_TARGET)) + on_link("192.0.2.11", PEER, (MAC_TARGET, MAC_PEER), 2)
    found = target(tmp_path, frames, link=1, given=(HOST,))
    assert found.addresses == [HOST, "192.0.2.11"]
    assert found.how == "given; 192.0.2.11 added, as its frames show"


def test_what_is_behind_a_routers_mac_address_is_not_added(tmp_path: Path) -> None:
    frames = on_link(PEER, HOST, (MAC_PEER, MAC_TARGET)) + on_link("10.0.0.5", PEER, (MAC_TARGET, MAC_PEER), 2)
    assert target(tmp_path, frames, link=1, given=(HOST,)).addresses == [HOST]


def test_a_peer_behind_the_targets_mac_is_not_added(tmp_path: Path) -> None:
    frames = [
        ethernet(asked("192.0.2.7", HOST), source=MAC_TARGET, destination=ROUTER),
        ethernet(answered("192.0.2.7", HOST), source=MAC_TARGET, destination=ROUTER),
    ]
    assert target(tmp_path, frames, link=1, given=(HOST,)).addresses == [HOST]


# -- Assumed -----------------------------------------------------------------------------------------


def test_one_address_that_answers_several_peers_is_assumed(tmp_path: Path) -> None:
    found = target(tmp_path, talk(PEER, HOST) + talk(OTHER, HOST, 2) + talk(HOST, THIRD, 3))
    assert (found.addresses, found.certainty, found.assumed) == ([HOST], "assumed", True)


def test_with_one_peer_who_answers_is_assumed(tmp_path: Path) -> None:
    found = target(tmp_path, talk(PEER, HOST))
    assert (found.addresses, found.assumed) == ([HOST], True)
    assert found.how == "assumed: it answers the requests"


def test_where_nobody_answers_who_is_asked_is_assumed(tmp_path: Path) -> None:
    found = target(tmp_path, [asked(PEER, HOST), asked(OTHER, HOST, 2), asked(HOST, THIRD, 3)])
    assert (found.addresses, found.how) == ([HOST], "assumed: it is the one that is asked")


def test_a_scanner_that_asks_several_hosts_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(TargetError) as caught:
        target(tmp_path, talk(PEER, HOST) + talk(PEER, LATER_HOST, 2))
    assert str(caught.value) == (
        f"the target cannot be told; candidates are {HOST}, {LATER_HOST} (answered) and {PEER} (only asked); "
        f"name the host under test with --target {HOST}, once for each of its addresses"
    )


def test_a_clients_only_server_whose_frames_come_from_afar_is_no_target(tmp_path: Path) -> None:
    frames = [asked(HOST, OTHER), *(answered(HOST, OTHER, ttl=54) for _ in range(3))]
    with pytest.raises(TargetError, match=rf"are {HOST} \(only asked\); name the host under test with --target {HOST}"):
        target(tmp_path, frames)


def test_hop_counts_that_vary_are_no_ground_against_an_address(tmp_path: Path) -> None:
    frames = [asked(PEER, HOST), *(answered(PEER, HOST, ttl=ttl) for ttl in (37, 44, 59))]
    assert target(tmp_path, frames).addresses == [HOST]


def test_a_peer_on_a_second_interface_is_not_joined_to_what_is_undecided(tmp_path: Path) -> None:
    frames = talk(HOST, PEER) + talk(HOST, OTHER, 2)
    captures = [tmp_path / "block-all.en0.pcap", tmp_path / "block-all.ppp0.pcap"]
    captures[0].write_bytes(pcap([(START + number, frame) for number, frame in enumerate(frames)]))
    captures[1].write_bytes(pcap([(START + number, frame) for number, frame in enumerate(talk(HOST, THIRD, 3))]))
    with pytest.raises(TargetError):
        analyze(audit_of([str(path) for path in captures]))


def test_a_host_is_assumed_on_each_interface(tmp_path: Path) -> None:
    captures = [tmp_path / "block-all.en0.pcap", tmp_path / "block-all.ppp0.pcap"]
    for path, host in zip(captures, (HOST, OTHER), strict=True):
        path.write_bytes(pcap([(START + number, frame) for number, frame in enumerate(talk(PEER, host))]))
    assert analyze(audit_of([str(path) for path in captures])).target.addresses == [HOST, OTHER]


def test_a_reply_from_another_address_makes_both_one_host(tmp_path: Path) -> None:
    name = "www.example.com"
    frames = [
        packet(PEER, HOST, udp(40000, 53, dns(0x4444, name))),
        packet(LATER_HOST, PEER, udp(53, 40000, dns(0x4444, name, response=True))),
    ]
    found = target(tmp_path, frames)
    assert (sorted(found.addresses), found.certainty) == ([HOST, LATER_HOST], "assumed")


def test_two_hosts_that_answer_each_other_are_undecidable(tmp_path: Path) -> None:
    with pytest.raises(
        TargetError, match=rf"{HOST}, {PEER} \(answered\); name the host under test with --target {HOST},"
    ):
        target(tmp_path, talk(PEER, HOST) + talk(HOST, PEER, 2))


def test_only_group_traffic_names_no_candidate(tmp_path: Path) -> None:
    query = ipv4(PEER, "224.0.0.251", 17, udp(5353, 5353, dns(0, "a.local")))
    with pytest.raises(TargetError, match="no unicast request was captured"):
        target(tmp_path, [query])


def test_the_other_ip_version_of_an_assumed_target_is_joined_by_its_mac_address(tmp_path: Path) -> None:
    macs = (MAC_PEER, MAC_TARGET)
    found = target(tmp_path, on_link(PEER, HOST, macs) + on_link(SIX_PEER, SIX_HOST, macs, 2), link=1)
    assert (sorted(found.addresses), found.certainty) == ([HOST, SIX_HOST], "assumed")


def test_on_a_link_without_mac_addresses_one_host_is_assumed_for_each_ip_version(tmp_path: Path) -> None:
    found = target(tmp_path, talk(PEER, HOST) + talk(SIX_PEER, SIX_HOST, 2) + talk("fe80::7", "fe80::10", 3))
    assert (found.addresses, found.certainty) == ([HOST, SIX_HOST, "fe80::10"], "assumed")


def test_two_hosts_that_answer_on_one_link_are_undecidable_whatever_their_ip_versions(tmp_path: Path) -> None:
    frames = on_link(PEER, HOST, (MAC_PEER, mac(1))) + on_link(SIX_PEER, SIX_HOST, (MAC_PEER, mac(2)), 2)
    with pytest.raises(TargetError, match=rf"{HOST}, {SIX_HOST} \(answered\)"):
        target(tmp_path, frames, link=1)


def test_another_host_that_was_asked_beside_an_assumed_target_is_named(tmp_path: Path) -> None:
    silent, _ = on_link(SIX_PEER, SIX_HOST, (MAC_PEER, mac(2)), 2)
    found = target(tmp_path, [*on_link(PEER, HOST, (MAC_PEER, mac(1))), silent], link=1)
    assert found.addresses == [HOST]
    assert found.warnings == [f"not judged: {SIX_HOST} was asked too; if that is the target, say so with --target"]


# -- Doubts ------------------------------------------------------------------------------------------


def test_a_target_that_looks_hops_away_is_warned_of(tmp_path: Path) -> None:
    found = target(tmp_path, [asked(PEER, HOST), answered(PEER, HOST, ttl=57)])
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
    (warning,) = analyze(audit_of([str(path)], target=(HOST,))).target.warnings
    assert "50.0 ms" in warning
    assert "taken near the peers" in warning


def test_loopback_alone_is_a_target(tmp_path: Path) -> None:
    found = target(tmp_path, [asked("127.0.0.1", "127.0.0.1"), answered("127.0.0.1", "127.0.0.1")])
    assert found.addresses == ["127.0.0.1"]


def test_with_a_given_target_nobody_else_is_guessed(tmp_path: Path) -> None:
    found = target(tmp_path, talk(PEER, HOST) + talk(SIX_PEER, "2001:db8::53", 2), given=(HOST,))
    assert (found.addresses, found.how) == ([HOST], "given")
    assert found.warnings == ["not judged: 2001:db8::53 answered too; if that is the target, say so with --target"]


def test_a_given_address_that_is_nowhere_is_warned_of(tmp_path: Path) -> None:
    found = target(tmp_path, [asked(PEER, HOST), answered(PEER, HOST)], given=("10.9.9.9",))
    assert found.addresses == ["10.9.9.9"]
    assert found.warnings[0] == "10.9.9.9 was given as the target, but is in no exchange"


def test_an_address_that_a_large_capture_shows_later_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capanalyze.flow.TRIES", (1, 2, 4))
    monkeypatch.setattr(messages, "BLOCK", 200)
    for name in ("UNIT", "ROOM_AT_FIRST"):
        monkeypatch.setattr(arrival, name, 8)
    peers = [f"203.0.113.{number}" for number in range(1, 40)]
    before = [frame for peer in peers for frame in (asked(peer, HOST), answered(peer, HOST))]
    after = [frame for peer in peers for frame in (asked(peer, LATER_HOST), answered(peer, LATER_HOST))]
    found = target(tmp_path, before + after)
    assert found.addresses == [HOST]
    assert found.warnings == [
        f"not judged: {LATER_HOST} answered later on; if that is the target, say so with --target"
    ]
    assert target(tmp_path, before).warnings == []
    assert target(tmp_path, before + after, given=(HOST, LATER_HOST)).warnings == []


# -- Floods ------------------------------------------------------------------------------------------


def flood(count: int) -> list[bytes]:
    """Requests from as many addresses, none of which is answered."""
    return [asked(f"10.{number >> 8}.{number & 255}.1", HOST, number) for number in range(count)]


def test_who_answers_is_found_behind_a_flood(tmp_path: Path) -> None:
    found = target(tmp_path, [*flood(600), *talk(PEER, HOST, 1001), *talk(OTHER, HOST, 1002)])
    assert (found.addresses, found.certainty) == ([HOST], "assumed")


def test_a_peer_behind_a_flood_was_met(tmp_path: Path) -> None:
    found = target(tmp_path, [*flood(600), asked(PEER, HOST, 1001)], given=(HOST, PEER, OTHER))
    assert found.warnings[0] == f"{OTHER} was given as the target, but is in no exchange"
    assert not any(PEER in warning and "in no exchange" in warning for warning in found.warnings)


def test_candidates_behind_a_flood_are_named_by_use(tmp_path: Path) -> None:
    frames = [*flood(600), *(frame for number in range(3) for frame in talk(HOST, PEER, number + 1001))]
    frames += [one for number in range(4) for one in talk(PEER, OTHER, number + 2001)]
    said = rf"candidates are {PEER}, {OTHER} \(answered\) and 10\.0\.0\.1, .* and 594 more \(only asked\)"
    with pytest.raises(TargetError, match=said):
        target(tmp_path, frames)
