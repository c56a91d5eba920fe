"""From the transport header on: ports, payloads and sizes, the service's module, and what ICMP errors quote."""

import struct
from pathlib import Path

import pytest

from capanalyze.packets.message import (
    ACKNOWLEDGES,
    FLOW,
    KIND,
    MALFORMED,
    REJECTION,
    REPLY,
    REQUEST,
    RESET,
    ROLES,
    SPOKE,
    address,
)
from capanalyze.packets.messages import Message, Part
from capanalyze.protocols import GENERIC_UDP, ICMP, PROTOCOLS, TCP
from tests.build import PEER, START, TARGET, dns, icmp, ipv4, ipv6, ntp, pcap, scanned, tcp, udp

PEER6, TARGET6 = "2001:db8::20", "2001:db8::10"
ROUTER, ROUTER6 = "203.0.113.1", "2001:db8:1::1"
QUOTED = 65536  # the role of an ICMP error itself stands above that of the datagram it quotes


def scan(path: Path, *packets: bytes, snaplen: int = 65535) -> Part:
    return scanned(path / "any.pcap", pcap([(START, packet) for packet in packets], snaplen=snaplen))


def one(path: Path, packet: bytes, snaplen: int = 65535) -> Message:
    (found,) = scan(path, packet, snaplen=snaplen).messages()
    return found


def datagram(length: int, payload: bytes) -> bytes:
    return ipv4(PEER, TARGET, 17, struct.pack(">4H", 50000, 40000, length, 0) + payload)


def service(found: Message) -> str:
    return PROTOCOLS[found.module].name


@pytest.mark.parametrize(
    ("length", "payload", "sizes"),
    [
        (8, b"", (0, 0)),
        (12, b"four", (4, 4)),
        (10, b"four", (2, 2)),  # what follows the datagram belongs to nothing
        (0, b"four", (4, 4)),  # a jumbogram (RFC 2675 section 4), or nonsense
        (7, b"four", (4, 4)),
        (65535, b"four", (4, 4)),
    ],
)
def test_a_udp_payload_is_as_long_as_header_and_frame_agree(
    tmp_path: Path, length: int, payload: bytes, sizes: tuple[int, int]
) -> None:
    found = one(tmp_path, datagram(length, payload))
    assert (found.captured, found.size) == sizes


@pytest.mark.parametrize(("snaplen", "captured"), [(28, 0), (29, 1), (31, 3), (32, 4)])
def test_a_cut_udp_payload_keeps_its_size(tmp_path: Path, snaplen: int, captured: int) -> None:
    found = one(tmp_path, datagram(12, b"four"), snaplen)
    assert (found.captured, found.size) == (captured, 4)


@pytest.mark.parametrize(
    ("number", "needed"),
    [(17, 8), (6, 14), (1, 8)],
)
def test_a_frame_cut_before_the_ports_is_told_from_a_malformed_one(tmp_path: Path, number: int, needed: int) -> None:
    whole = ipv4(PEER, TARGET, number, tcp(40000, 50000, "S") if number == 6 else b"\x08" + bytes(19))
    assert len(scan(tmp_path, whole, snaplen=20 + needed)) == 1
    assert scan(tmp_path, whole, snaplen=20 + needed - 1).account() == {"cut by the snap length before the ports": 1}
    short = ipv4(PEER, TARGET, number, whole[20 : 20 + needed - 1])
    assert scan(tmp_path, short).account() == {"malformed headers": 1}


@pytest.mark.parametrize(
    ("sport", "dport", "payload", "name", "port", "role"),
    [
        (50000, 40000, b"any", "udp", 40000, FLOW),
        (50000, 123, ntp(3, transmit=1), "ntp", 123, REQUEST),
        (123, 50000, ntp(4, origin=1), "ntp", 123, REPLY),
        (123, 123, ntp(3, transmit=1), "ntp", 123, REQUEST),
        (123, 123, ntp(4, origin=1), "ntp", 123, REPLY),
        (53, 123, dns(1, "example.net", response=True), "dns", 53, REPLY),
        (123, 53, dns(1, "example.net"), "dns", 53, REQUEST),
        (53, 5353, dns(1, "example.net", response=True), "dns", 53, REPLY),
        (123, 40000, ntp(3, transmit=1), "udp", 40000, FLOW),  # a service's port asks for something else
        (50000, 123, b"", "ntp", 123, MALFORMED),
        (50000, 123, b"\x1b", "ntp", 123, MALFORMED),
        (123, 50000, b"", "ntp", 123, MALFORMED),
    ],
)
def test_the_port_names_the_service(
    tmp_path: Path, sport: int, dport: int, payload: bytes, name: str, port: int, role: int
) -> None:
    found = one(tmp_path, ipv4(PEER, TARGET, 17, udp(sport, dport, payload)))
    assert (service(found), found.port, found.role % ROLES) == (name, port, role)


def test_an_empty_message_and_one_that_was_cut_away_are_told_apart(tmp_path: Path) -> None:
    empty = one(tmp_path, ipv4(PEER, TARGET, 17, udp(50000, 123)))
    cut = one(tmp_path, ipv4(PEER, TARGET, 17, udp(50000, 123, ntp())), 28)
    names = [PROTOCOLS[found.module].kind(found.role // KIND) for found in (empty, cut)]
    assert names == ["empty datagram", "cut message"]


@pytest.mark.parametrize(
    ("flags", "payload", "role"),
    [
        ("S", b"", REQUEST),
        ("S", b"early", REQUEST),
        ("SA", b"", REPLY),
        ("R", b"", RESET),
        ("RA", b"", RESET),
        ("PA", b"data", SPOKE),
        ("FA", b"", SPOKE),
        ("A", b"data", SPOKE),
    ],
)
def test_tcp_segments_that_matter_are_messages(tmp_path: Path, flags: str, payload: bytes, role: int) -> None:
    found = one(tmp_path, ipv4(PEER, TARGET, 6, tcp(50000, 22, flags, 0xFFFFFFFF, 7, payload)))
    assert (found.module, found.port, found.role % ROLES, found.detail) == (TCP, 22, role, 0xFFFFFFFF)
    assert (found.captured, found.size) == (len(payload), len(payload))


@pytest.mark.parametrize("flags", ["A", "", "SF"])
def test_other_tcp_segments_are_only_counted(tmp_path: Path, flags: str) -> None:
    part = scan(tmp_path, ipv4(PEER, TARGET, 6, tcp(50000, 22, flags)))
    assert part.account() == {"TCP segments without data, inside connections": 1}
    assert [message.role for message in part.messages()] == [ACKNOWLEDGES] * (flags == "A")


def test_tcp_options_are_no_payload(tmp_path: Path) -> None:
    segment = bytearray(tcp(50000, 22, "S", payload=bytes(12)))
    segment[12] = 8 << 4
    assert one(tmp_path, ipv4(PEER, TARGET, 6, bytes(segment))).size == 0


@pytest.mark.parametrize("offset", [0, 4, 15])
def test_a_wrong_tcp_offset_leads_nowhere_outside(tmp_path: Path, offset: int) -> None:
    segment = bytearray(tcp(50000, 22, "S"))
    segment[12] = offset << 4
    found = one(tmp_path, ipv4(PEER, TARGET, 6, bytes(segment)))
    assert 0 <= found.captured <= found.size <= 20


@pytest.mark.parametrize(
    ("packet", "role"),
    [
        (ipv4(PEER, TARGET, 1, icmp(8, payload=b"ping")), REQUEST),
        (ipv4(TARGET, PEER, 1, icmp(0, payload=b"ping")), REPLY),
        (ipv4(PEER, TARGET, 1, icmp(13, payload=bytes(12))), REQUEST),
        (ipv6(PEER6, TARGET6, 58, icmp(128, payload=b"ping")), REQUEST),
        (ipv6(TARGET6, PEER6, 58, icmp(129, payload=b"ping")), REPLY),
    ],
)
def test_icmp_that_asks_and_answers_is_a_message(tmp_path: Path, packet: bytes, role: int) -> None:
    found = one(tmp_path, packet)
    assert (found.module, found.port, found.sport, found.dport, found.role % ROLES) == (ICMP, -1, -1, -1, role)
    assert found.size in (4, 12)


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(PEER, TARGET, 1, icmp(5)),
        ipv4(PEER, TARGET, 1, icmp(128)),  # ICMPv6's echo, over IPv4
        ipv6(PEER6, TARGET6, 58, icmp(8)),
        ipv6(PEER6, TARGET6, 58, icmp(135, payload=bytes(16))),
        ipv4(PEER, TARGET, 1, icmp(3)),  # an error that quotes nothing
        ipv4(PEER, TARGET, 1, icmp(3, payload=ipv4(TARGET, PEER, 89, bytes(8)))),
        ipv4(PEER, TARGET, 1, icmp(3, payload=ipv4(TARGET, PEER, 17, bytes(8), offset=8))),
        ipv4(PEER, TARGET, 1, icmp(3, payload=ipv4(TARGET, PEER, 6, tcp(22, 50000, "A")))),
        ipv4(
            PEER, TARGET, 1, icmp(3, payload=ipv4(TARGET, PEER, 1, icmp(3, payload=ipv4(PEER, TARGET, 17, udp(1, 2)))))
        ),
    ],
)
def test_other_icmp_is_only_counted(tmp_path: Path, packet: bytes) -> None:
    part = scan(tmp_path, packet)
    assert part.account() == {"ICMP that neither asks nor rejects (neighbour discovery, redirects)": 1}
    assert len(part) == 0


REQUESTS = {
    "udp": (17, udp(50000, 40000, b"any")),
    "ntp": (17, udp(50000, 123, ntp(3, transmit=1))),
    "tcp": (6, tcp(50000, 22, "S", 4711)),
    "icmp": (1, icmp(8, rest=b"\1\2\3\4", payload=b"ping")),
}
REQUESTS6 = {**REQUESTS, "icmp": (58, icmp(128, rest=b"\1\2\3\4", payload=b"ping"))}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize(("kind", "code"), [(3, 3), (3, 13), (11, 0), (12, 0)])
def test_an_error_is_the_datagram_that_it_quotes_with_the_sender_beside_it(
    tmp_path: Path, name: str, kind: int, code: int
) -> None:
    number, segment = REQUESTS[name]
    asked = ipv4(PEER, TARGET, number, segment)
    error = ipv4(ROUTER, PEER, 1, icmp(kind, code, payload=asked))
    request, rejection = scan(tmp_path, asked, error).messages()
    assert rejection.role == REJECTION * QUOTED + request.role
    assert rejection.detail == kind * 256 + code
    assert str(address(rejection.sender, rejection.sender_low)) == ROUTER
    same = ("src", "src_low", "dst", "dst_low", "sport", "dport", "module", "port", "size", "key_count", "protocol")
    assert [getattr(rejection, field) for field in same] == [getattr(request, field) for field in same]


@pytest.mark.parametrize("name", REQUESTS6)
@pytest.mark.parametrize(("kind", "code"), [(1, 4), (2, 0), (3, 0), (4, 1)])
def test_an_icmpv6_error_does_the_same(tmp_path: Path, name: str, kind: int, code: int) -> None:
    number, segment = REQUESTS6[name]
    asked = ipv6(PEER6, TARGET6, number, segment)
    request, rejection = scan(tmp_path, asked, ipv6(ROUTER6, PEER6, 58, icmp(kind, code, payload=asked))).messages()
    assert rejection.role == REJECTION * QUOTED + request.role
    assert (rejection.detail, str(address(rejection.sender, rejection.sender_low))) == (kind * 256 + code, ROUTER6)
    assert rejection[8:14] == request[8:14]


@pytest.mark.parametrize("name", REQUESTS)
def test_an_error_need_quote_no_more_than_eight_octets(tmp_path: Path, name: str) -> None:
    number, segment = REQUESTS[name]
    asked = ipv4(PEER, TARGET, number, segment)
    request, rejection = scan(tmp_path, asked, ipv4(TARGET, PEER, 1, icmp(3, 3, payload=asked[:28]))).messages()
    assert rejection[8:14] == request[8:14]
    assert rejection.role // QUOTED == REJECTION
    assert (rejection.module, rejection.port) == (request.module, request.port)
    if name in ("tcp", "icmp"):
        assert rejection.role % ROLES == REQUEST
        assert rejection.key_count == request.key_count


def test_the_keys_of_a_quoted_request_are_its_own(tmp_path: Path) -> None:
    for number, segment in REQUESTS.values():
        asked = ipv4(PEER, TARGET, number, segment)
        part = scan(tmp_path, asked, ipv4(TARGET, PEER, 1, icmp(3, 3, payload=asked)))
        request, rejection = part.messages()
        assert part.keys_of(request) == part.keys_of(rejection)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_retransmission_has_the_same_digest_and_another_message_has_not(tmp_path: Path, name: str) -> None:
    number, segment = REQUESTS[name]
    changed = segment[:7] + bytes([segment[7] ^ 1]) + segment[8:] if name in ("tcp", "icmp") else segment + b"!"
    changed = changed[:4] + struct.pack(">H", len(changed)) + changed[6:] if number == 17 else changed
    packets = [ipv4(PEER, TARGET, number, one, ident=ident) for ident, one in enumerate([segment, segment, changed])]
    first, again, other = scan(tmp_path, *packets).messages()
    assert first.digest == again.digest != other.digest
    assert first.identification != again.identification


def test_modules_reached_by_transport_stand_first() -> None:
    assert [PROTOCOLS[index].name for index in (GENERIC_UDP, TCP, ICMP)] == ["udp", "tcp", "icmp"]
