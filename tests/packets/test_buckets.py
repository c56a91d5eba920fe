"""The account of frames: a bucket of its own for what is not read, and whether a reply may hide there."""

from pathlib import Path

import pytest

from capanalyze.packets.buckets import BUCKETS, NUMBERS, numbered
from capanalyze.packets.messages import Part
from capanalyze.packets.scan import MAX_UNREAD, UNREAD_UNIT
from capanalyze.packets.steps import (
    FIRST_REASON,
    FIRST_UNREAD,
    REASONS,
    UNREAD_ETHERTYPE,
    UNREAD_LINK,
    UNREAD_PROTOCOL,
)
from tests.build import PEER, START, TARGET, enhanced, ethernet, interface, ipv4, ipv6, pcap, read, section, udp

INNER = ipv4(PEER, TARGET, 17, udp(50000, 40000, b"x"))
OTHERS = "other EtherTypes, not read"


def test_every_reason_has_a_bucket_of_its_own() -> None:
    assert sorted(BUCKETS) == list(range(FIRST_REASON, FIRST_REASON + REASONS))
    assert len({bucket.words for bucket in BUCKETS.values()}) == REASONS
    assert sorted(NUMBERS) == list(range(FIRST_UNREAD, FIRST_REASON + REASONS))


@pytest.mark.parametrize(
    ("reason", "number", "words", "hides"),
    [
        (UNREAD_ETHERTYPE, 0x88B5, "EtherType 0x88b5 (local experimental 1), not read", True),
        (UNREAD_ETHERTYPE, 0x88F7, "EtherType 0x88f7 (PTP), not read", False),
        (UNREAD_ETHERTYPE, 0xFFFF, "EtherType 0xffff, not read", True),
        (UNREAD_PROTOCOL, 89, "IP protocol 89 (OSPF), not read", False),
        (UNREAD_PROTOCOL, 132, "IP protocol 132 (SCTP), not read", True),
        (UNREAD_LINK, 150, "link type 150 (USER3), not read", True),
        (UNREAD_LINK, 231, "link type 231 (DBUS), not read", False),
        (UNREAD_LINK, 1 << 31, "link type 2147483648, not read", True),
    ],
)
def test_a_number_is_named_where_it_is_known(reason: int, number: int, words: str, hides: bool) -> None:
    assert numbered(reason, number) == (words, hides)


def test_no_number_both_may_hide_a_reply_and_cannot() -> None:
    for reason, sort in NUMBERS.items():
        if reason != UNREAD_LINK:  # its names are those of all link types
            assert not sort.may_hide.keys() & sort.cannot.keys()
        names = [numbered(reason, number).words for number in (*sort.may_hide, *sort.cannot)]
        assert len(set(names)) == len({*sort.may_hide, *sort.cannot})


def test_what_is_not_read_is_counted_by_its_number(tmp_path: Path) -> None:
    octets = section() + interface(1) + interface(150)
    frames = [
        *((0, ethernet(INNER, 0x88B5)) for _ in range(3)),
        (0, ethernet(INNER, 0x88B6)),
        (0, ethernet(bytes(28), 0x0806)),
        (0, ethernet(ipv4(PEER, TARGET, 89, bytes(40)))),
        (0, ethernet(ipv4(PEER, TARGET, 132, bytes(40)))),
        (0, ethernet(INNER)),
        *((1, INNER) for _ in range(2)),
    ]
    blocks = b"".join(enhanced(number, START * 10**6, frame) for number, frame in frames)
    part, _ = read(tmp_path / "mixed.pcapng", octets + blocks)
    assert part.account() == {
        "messages": 1,
        "not IP (ARP, link control, management)": 1,
        "link type 150 (USER3), not read": 2,
        "EtherType 0x88b5 (local experimental 1), not read": 3,
        "EtherType 0x88b6 (local experimental 2), not read": 1,
        "IP protocol 89 (OSPF), not read": 1,
        "IP protocol 132 (SCTP), not read": 1,
    }
    assert sum(part.account().values()) == part.frames == len(frames)
    assert sum(part.hiding().values()) == 7
    assert "IP protocol 89 (OSPF), not read" not in part.hiding()


def test_numbers_beyond_the_first_ones_share_a_bucket(tmp_path: Path) -> None:
    kinds = [0x7000 + number for number in range(MAX_UNREAD + 9)]
    frames = [(START, ethernet(INNER, kind)) for kind in (*kinds, *kinds)]
    part, _ = read(tmp_path / "many.pcap", pcap(frames, 1))
    assert len(part.account()) == MAX_UNREAD + 1
    assert part.account()[OTHERS] == part.hiding()[OTHERS] == 18
    assert part.account()["EtherType 0x7000, not read"] == 2
    assert sum(part.account().values()) == part.frames


def test_joined_parts_tell_no_more_numbers_apart_than_one() -> None:
    first = FIRST_REASON + REASONS - 1
    one, other = (Part(unread={(first, number + shift): 1 for number in range(60)}) for shift in (0, 50))
    unread = (one + other).unread
    assert len(unread) == MAX_UNREAD
    assert (unread[first, 0], unread[first, 50], unread[first, 60]) == (1, 2, 1)


def test_the_greatest_number_has_room_in_a_key() -> None:
    assert (FIRST_REASON + REASONS) * UNREAD_UNIT < 1 << 62
    assert UNREAD_UNIT > 0xFFFFFFFF


BPDU = ethernet(b"\x42\x42\3" + bytes(35), 38)
HARMLESS = {
    "ARP": ethernet(bytes(28), 0x0806),
    "RARP": ethernet(bytes(28), 0x8035),
    "LLDP": ethernet(bytes(28), 0x88CC),
    "EAPOL": ethernet(bytes(28), 0x888E),
    "spanning tree": BPDU,
    "spanning tree in a VLAN": ethernet(b"\0\5" + BPDU[12:], 0x8100),
    "LACP": ethernet(bytes(110), 0x8809),
    "PPPoE discovery": ethernet(bytes(28), 0x8863),
    "IGMP": ethernet(ipv4(PEER, "224.0.0.22", 2, bytes(8))),
    "OSPF": ethernet(ipv4(PEER, "224.0.0.5", 89, bytes(44))),
    "VRRP": ethernet(ipv4(PEER, "224.0.0.18", 112, bytes(20))),
    "PIM": ethernet(ipv4(PEER, "224.0.0.13", 103, bytes(20))),
    "multicast listener report": ethernet(ipv6("fe80::1", "ff02::16", 58, b"\x8f" + bytes(19)), 0x86DD),
    "MOP": ethernet(bytes(46), 0x6002),
    "PTP": ethernet(bytes(44), 0x88F7),
}
HIDING = {
    "ESP": (ethernet(ipv4(PEER, TARGET, 50, bytes(40))), "IP protocol 50 (ESP), not read"),
    "ESP over IPv6": (
        ethernet(ipv6("2001:db8::1", "2001:db8::2", 50, bytes(40)), 0x86DD),
        "IP protocol 50 (ESP), not read",
    ),
    "ESP behind AH": (
        ethernet(ipv4(PEER, TARGET, 51, b"\x32\4" + bytes(22) + bytes(40))),
        "IP protocol 50 (ESP), not read",
    ),
    "encrypted MACsec": (ethernet(b"\x0c" + bytes(60), 0x88E5), "encrypted frames (Wi-Fi, MACsec, DOCSIS)"),
    "unknown in GRE": (ethernet(ipv4(PEER, TARGET, 47, b"\0\0\x70\1" + INNER)), "EtherType 0x7001, not read"),
    "unknown in IP in IP": (
        ethernet(ipv4(PEER, TARGET, 4, ipv4(PEER, TARGET, 77, INNER))),
        "IP protocol 77, not read",
    ),
    "unknown in VXLAN": (
        ethernet(ipv4(PEER, TARGET, 17, udp(50000, 4789, b"\x08" + bytes(7) + ethernet(INNER, 0x7001)))),
        "EtherType 0x7001, not read",
    ),
    "EtherIP of another version": (
        ethernet(ipv4(PEER, TARGET, 97, b"\x20\0" + ethernet(INNER))),
        "tunnels and labels around something that is not read",
    ),
    "L2TPv3 with something else": (
        ethernet(ipv4(PEER, TARGET, 115, b"\0\0\0\1" + bytes(60))),
        "tunnels and labels around something that is not read",
    ),
    "compressed PPP": (ethernet(b"\x11\0\0\1\0\6\0\xfd\1\2\3\4", 0x8864), "PPP protocol 0x00fd (compressed), not read"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_carries_no_service_hides_no_reply(tmp_path: Path, name: str) -> None:
    part, _ = read(tmp_path / "one.pcap", pcap([(START, HARMLESS[name])], 1))
    assert sum(part.account().values()) == 1
    assert "malformed headers" not in part.account()
    assert part.hiding() == {}


@pytest.mark.parametrize("name", HIDING)
def test_what_may_carry_a_service_may_hide_a_reply(tmp_path: Path, name: str) -> None:
    frame, bucket = HIDING[name]
    part, _ = read(tmp_path / "one.pcap", pcap([(START, frame)], 1))
    assert part.account() == part.hiding() == {bucket: 1}
