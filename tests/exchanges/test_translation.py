"""A datagram seen several times on its way: with other tags, and before and behind a translation of one endpoint."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from capanalyze.audit import Audit, CaptureFile
from capanalyze.opinion import verify
from tests.build import MAC_PEER, MAC_TARGET, PEER, TARGET, datagram, dns, ethernet, icmp, ntp, packet, segment
from tests.conversations import ETHERNET, Talk, each, heard, on_interfaces

DNS, NTP, WEB, PUBLISHED, PLAIN = 53, 123, 80, 8080, 9999
CLIENT_PORT, OTHER_PORT = 50000, 61000
INSIDE, REMOTE = "172.17.0.2", "198.51.100.53"
OUTER, INNER, BRIDGE = 0, 1, 2  # interfaces
STEP = 0.0001  # seconds between two sights

Frames = Sequence[tuple[int, float, bytes]]


def tagged(frame: bytes, *tags: int) -> bytes:
    """An IP packet in an Ethernet frame with these VLAN tags."""
    payload = b"".join(tag.to_bytes(2) + b"\x81\0" for tag in tags)[:-2] + b"\x08\0" if tags else b""
    return ethernet(payload + frame, 0x8100 if tags else 0x0800)


ASKED = datagram(PEER, CLIENT_PORT, TARGET, DNS, dns(1, "a.example"))
TAGS = [
    Talk(
        "with a tag and without it is one message",
        [(0, tagged(ASKED, 7)), (STEP, tagged(ASKED))],
        ["dns 1,2 > -: silent, query"],
        link=ETHERNET,
    ),
    Talk(
        "as with another one",
        [(0, tagged(ASKED, 7)), (STEP, tagged(ASKED, 8)), (2 * STEP, tagged(ASKED, 7, 8))],
        ["dns 1,2,3 > -: silent, query"],
        link=ETHERNET,
    ),
]


@each(*TAGS)
def test_other_tags(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_equal_datagrams_with_one_tag_are_two_messages(tmp_path: Path) -> None:
    frames = [(0, tagged(ASKED, 7)), (STEP, tagged(ASKED, 7)), (0.1, tagged(ASKED))]
    told = [(0.2, tagged(datagram(TARGET, DNS, PEER, CLIENT_PORT, dns(1, "a.example", response=True))))]
    talk = Talk("", [*frames, *told], ["dns 1,2,3 > 4: replied, response, 200000 us"], link=ETHERNET)
    assert heard(talk, tmp_path) == talk.exchanges  # a retransmission each, which copies are not
    query = there(PLAIN, b"once")
    talk = Talk(
        "", [(0, tagged(query, 7)), (STEP, tagged(query, 7))], ["udp/9999 1,2 > -: silent, datagram"], link=ETHERNET
    )
    assert heard(talk, tmp_path) == talk.exchanges


def there(port: int, payload: bytes, *, to: str = TARGET, ident: int = 5) -> bytes:
    """What the peer sends."""
    return datagram(PEER, CLIENT_PORT, to, port, payload, ident=ident)


def back(port: int, payload: bytes, *, by: str = TARGET, ident: int = 6) -> bytes:
    return datagram(by, port, PEER, CLIENT_PORT, payload, ident=ident)


def syn(source: str, port: int, to: str, service: int, *, ident: int = 5) -> bytes:
    return segment(source, port, to, service, "S", seq=100, ident=ident)


def accept(source: str, service: int, to: str, port: int, *, ident: int = 6) -> bytes:
    return segment(source, service, to, port, "SA", seq=900, ack=101, ident=ident)


def reset(source: str, service: int, to: str, port: int, *, ident: int = 6) -> bytes:
    return segment(source, service, to, port, "RA", ack=101, ident=ident)


CASES: dict[str, tuple[Frames, list[str]]] = {
    "a published port: the host asked answers": (
        [
            (OUTER, 0, syn(PEER, CLIENT_PORT, TARGET, PUBLISHED)),
            (INNER, STEP, syn(PEER, CLIENT_PORT, INSIDE, WEB)),
            (INNER, 2 * STEP, accept(INSIDE, WEB, PEER, CLIENT_PORT)),
            (OUTER, 3 * STEP, accept(TARGET, PUBLISHED, PEER, CLIENT_PORT)),
        ],
        ["tcp/8080 1,2 > 3,4: replied, SYN/ACK, 300 us"],
    ),
    "or refuses": (
        [
            (OUTER, 0, syn(PEER, CLIENT_PORT, TARGET, PUBLISHED)),
            (INNER, STEP, syn(PEER, CLIENT_PORT, INSIDE, WEB)),
            (INNER, 2 * STEP, reset(INSIDE, WEB, PEER, CLIENT_PORT)),
            (OUTER, 3 * STEP, reset(TARGET, PUBLISHED, PEER, CLIENT_PORT)),
        ],
        ["tcp/8080 1,2 > 3,4: rejected, RST, 300 us"],
    ),
    "or nobody does": (
        [
            (OUTER, 0, syn(PEER, CLIENT_PORT, TARGET, PUBLISHED)),
            (INNER, STEP, syn(PEER, CLIENT_PORT, INSIDE, WEB)),
        ],
        ["tcp/8080 1,2 > -: silent, SYN"],
    ),
    "over a bridge, each sight is seen twice": (
        [
            (OUTER, 0, syn(PEER, CLIENT_PORT, TARGET, PUBLISHED)),
            (INNER, STEP, syn(PEER, CLIENT_PORT, INSIDE, WEB)),
            (BRIDGE, 2 * STEP, syn(PEER, CLIENT_PORT, INSIDE, WEB)),
            (BRIDGE, 3 * STEP, accept(INSIDE, WEB, PEER, CLIENT_PORT)),
            (INNER, 4 * STEP, accept(INSIDE, WEB, PEER, CLIENT_PORT)),
            (OUTER, 5 * STEP, accept(TARGET, PUBLISHED, PEER, CLIENT_PORT)),
        ],
        ["tcp/8080 1,2,3 > 4,5,6: replied, SYN/ACK, 500 us"],
    ),
    "a service with a key, behind another port": (
        [
            (OUTER, 0, there(NTP, ntp(transmit=1))),
            (INNER, STEP, there(1123, ntp(transmit=1), to=INSIDE)),
            (INNER, 2 * STEP, back(1123, ntp(4, origin=1), by=INSIDE)),
            (OUTER, 3 * STEP, back(NTP, ntp(4, origin=1))),
        ],
        ["ntp 1,2 > 3,4: replied, server reply, 300 us"],
    ),
    "one without a key": (
        [
            (OUTER, 0, there(PLAIN, b"ping")),
            (INNER, STEP, there(PLAIN, b"ping", to=INSIDE)),
            (INNER, 2 * STEP, back(PLAIN, b"pong", by=INSIDE)),
            (OUTER, 3 * STEP, back(PLAIN, b"pong")),
        ],
        ["udp/9999 1,2 > 3,4: replied, datagram, weak, 300 us"],
    ),
    "one without a key, behind another port": (
        [
            (OUTER, 0, there(PLAIN, b"ping")),
            (INNER, STEP, there(28524, b"ping", to=INSIDE)),
            (INNER, 2 * STEP, back(28524, b"pong", by=INSIDE)),
            (OUTER, 3 * STEP, back(PLAIN, b"pong")),
        ],
        ["udp/9999 1,2 > 3,4: replied, datagram, weak, 300 us"],
    ),
    "what follows there is of the same conversation": (
        [
            (OUTER, 0, there(PLAIN, b"ping")),
            (INNER, STEP, there(28524, b"ping", to=INSIDE)),
            (INNER, 0.1, back(28524, b"pong", by=INSIDE)),
            (OUTER, 0.1 + STEP, back(PLAIN, b"pong")),
            (OUTER, 0.2, there(PLAIN, b"more", ident=7)),
            (INNER, 0.2 + STEP, there(28524, b"more", to=INSIDE, ident=7)),
            (INNER, 0.3, back(28524, b"less", by=INSIDE, ident=8)),
            (OUTER, 0.3 + STEP, back(PLAIN, b"less", ident=8)),
        ],
        ["udp/9999 1,2 > 3,4: replied, datagram, weak, 100100 us"],
    ),
    "masquerade: who asks first is who asked": (
        [
            (INNER, 0, syn(INSIDE, CLIENT_PORT, REMOTE, WEB)),
            (OUTER, STEP, syn(TARGET, OTHER_PORT, REMOTE, WEB)),
            (OUTER, 0.01, accept(REMOTE, WEB, TARGET, OTHER_PORT)),
            (INNER, 0.01 + STEP, accept(REMOTE, WEB, INSIDE, CLIENT_PORT)),
        ],
        ["tcp/80 1,2 > 3,4: replied, SYN/ACK, 10100 us"],
    ),
    "masquerade of a service with a key, over a bridge": (
        [
            (BRIDGE, 0, datagram(INSIDE, CLIENT_PORT, REMOTE, DNS, dns(1, "a.example"), ident=5)),
            (INNER, STEP, datagram(INSIDE, CLIENT_PORT, REMOTE, DNS, dns(1, "a.example"), ident=5)),
            (OUTER, 2 * STEP, datagram(TARGET, CLIENT_PORT, REMOTE, DNS, dns(1, "a.example"), ident=5)),
            (OUTER, 0.01, datagram(REMOTE, DNS, TARGET, CLIENT_PORT, dns(1, "a.example", response=True), ident=6)),
            (INNER, 0.0101, datagram(REMOTE, DNS, INSIDE, CLIENT_PORT, dns(1, "a.example", response=True), ident=6)),
            (BRIDGE, 0.0102, datagram(REMOTE, DNS, INSIDE, CLIENT_PORT, dns(1, "a.example", response=True), ident=6)),
        ],
        ["dns 1,2,3 > 4,5,6: replied, response, 10100 us"],
    ),
    "masquerade of an echo": (
        [
            (INNER, 0, packet(INSIDE, REMOTE, 1, icmp(8, rest=b"\0\1\0\1", payload=b"x"), ident=5)),
            (OUTER, STEP, packet(TARGET, REMOTE, 1, icmp(8, rest=b"\0\1\0\1", payload=b"x"), ident=5)),
            (OUTER, 0.01, packet(REMOTE, TARGET, 1, icmp(0, rest=b"\0\1\0\1", payload=b"x"), ident=6)),
            (INNER, 0.01 + STEP, packet(REMOTE, INSIDE, 1, icmp(0, rest=b"\0\1\0\1", payload=b"x"), ident=6)),
        ],
        ["icmp 1,2 > 3,4: replied, echo reply, 10100 us"],
    ),
    "another identification is another message": (
        [
            (OUTER, 0, there(NTP, ntp(transmit=1))),
            (INNER, STEP, there(NTP, ntp(transmit=1), to=INSIDE, ident=9)),
        ],
        ["ntp 1 > -: silent, client request", "ntp 2 > -: silent, client request"],
    ),
    "as is one on the same interface": (
        [
            (INNER, 0, there(PLAIN, b"another")),
            (OUTER, STEP, there(NTP, ntp(transmit=1))),
            (OUTER, 2 * STEP, there(NTP, ntp(transmit=1), to=INSIDE)),
        ],
        [
            "udp/9999 1 > -: silent, datagram",
            "ntp 2 > -: silent, client request",
            "ntp 3 > -: silent, client request",
        ],
    ),
    "or later": (
        [(OUTER, 0, there(NTP, ntp(transmit=1))), (INNER, 0.0011, there(NTP, ntp(transmit=1), to=INSIDE))],
        ["ntp 1 > -: silent, client request", "ntp 2 > -: silent, client request"],
    ),
    "or from and to others": (
        [
            (OUTER, 0, there(NTP, ntp(transmit=1))),
            (INNER, STEP, datagram(REMOTE, CLIENT_PORT, INSIDE, NTP, ntp(transmit=1), ident=5)),
        ],
        ["ntp 1 > -: silent, client request", "ntp 2 > -: silent, client request"],
    ),
    "or nothing at all": (
        [(OUTER, 0, there(PLAIN, b"")), (INNER, STEP, there(PLAIN, b"", to=INSIDE))],
        ["udp/9999 1 > -: silent, empty datagram", "udp/9999 2 > -: silent, empty datagram"],
    ),
    "or to a group, which nobody translates": (
        [
            (OUTER, 0, datagram(PEER, NTP, "224.0.1.1", NTP, ntp(transmit=1), ident=5)),
            (INNER, STEP, datagram(INSIDE, NTP, "224.0.1.1", NTP, ntp(transmit=1), ident=5)),
        ],
        ["ntp 1 > -: silent, client request", "ntp 2 > -: silent, client request"],
    ),
}


def forwarded(packet: bytes, hops: int) -> bytes:
    """An IPv4 packet that so many routers have passed on."""
    return packet[:8] + bytes([packet[8] - hops]) + packet[9:]


def on_their_way(frames: Frames) -> Frames:
    """What has another endpoint than the first sight with its identification is one hop on."""
    found, first = [], dict[bytes, bytes]()
    for number, time, frame in frames:
        ends = first.setdefault(frame[4:6], frame[12:24])
        found.append((number, time, forwarded(frame, int(frame[12:24] != ends))))
    return found


@pytest.mark.parametrize(("frames", "exchanges"), CASES.values(), ids=CASES)
def test_translation(tmp_path: Path, frames: Frames, exchanges: list[str]) -> None:
    frames = on_their_way(frames)
    assert on_interfaces(tmp_path, frames, [101] * 3) == exchanges
    path = tmp_path / "many.pcapng"  # to the reference, both sides of a translation are exchanges of their own
    assert verify(Audit((CaptureFile(str(path), path.name),))).differences == []


@pytest.mark.parametrize(
    ("sender", "exchanges"),
    [
        (MAC_TARGET, ["tcp/8080 1,2 > -: silent, SYN"]),  # who was asked passed it on
        (MAC_PEER, ["tcp/8080 1 > -: silent, SYN", "tcp/80 2 > -: silent, SYN"]),  # the same host sent two
    ],
)
def test_only_what_is_passed_on_is_translated(tmp_path: Path, sender: bytes, exchanges: list[str]) -> None:
    (_, _, asked), (_, _, behind) = CASES["or nobody does"][0]
    frames = [(OUTER, 0, ethernet(asked)), (INNER, STEP, ethernet(behind, source=sender, destination=bytes(6)))]
    assert on_interfaces(tmp_path, frames, [ETHERNET] * 2) == exchanges
