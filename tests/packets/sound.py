"""Frames of every link type and service, whole, and damaged ones by chance: what the tests of the scan let it read."""

from importlib import import_module
from itertools import product

from hypothesis import strategies as st

from capanalyze.core import core
from capanalyze.packets.steps import UNREAD_LINK
from capanalyze.protocols import PROTOCOLS
from tests.build import (
    PEER,
    START,
    TARGET,
    dns,
    enhanced,
    icmp,
    interface,
    ipv4,
    ipv6,
    ntp,
    obsolete,
    option,
    section,
    simple,
    tcp,
    udp,
)
from tests.packets.test_link import FRAMES, WITHOUT_MESSAGE
from tests.packets.test_network import PACKETS
from tests.packets.test_tunnel import CLOSED, TUNNELS, over

LINKS = [link for link in range(512) if core.first_step(link) != UNREAD_LINK]
SERVED = sorted({0, 40000, *(port for protocol in PROTOCOLS for port in protocol.ports)})

# Services whose own samples are taken.
SERVICES = ("nbdgm", "ipp", "wsdiscovery", "slp", "dhcpv6", "natpmp", "stun", "coap", "memcached")

PAYLOADS = [
    *(ntp(mode, transmit=1 << 63, origin=5, receive=9) for mode in range(8)),
    *(dns(7, name, 255, response=response) for name in ("a", "www.example.net") for response in (False, True)),
    b"\0\7\0\0\0\1\0\0\0\0\0\0 CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\1",  # an NBNS node status request
    b"\0\7\x84\0\0\0\0\1\0\0\0\0 CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\1\0\0\0\0\0\1\0",
    bytes(4) + b"\0\2" + bytes(6) + b"\4name\5local\0\0\x0c\0\1\xc0\x0c\0\xff\x80\1",  # mDNS, two questions
    bytes.fromhex("302902010004067075626c6963a01c02040d3a1c5d020100020100300e300c06082b060102010101000500"),
    bytes.fromhex("303e020103301102042f3d1c5d020300ffe30401040201030410300e0400020100020100040004000400"),
    bytes.fromhex("308200290282000100048200067075626c6963a0840000000e02040d3a1c5d0201000201003000"),
    b'M-SEARCH * HTTP/1.1\r\nMAN: "ssdp:discover"\r\n\r\n',
    b"\1\1\6\0" + bytes(232) + b"\x63\x82\x53\x63\x35\1\1\xff",
    b"\0\1file\0octet\0",
    b"OPTIONS sip:a@example.net SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
    b"SIP/2.0 200 OK\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
    *(bytes.fromhex(tag + "0e300ca103020105a20302010aa300") for tag in ("6a", "6c", "7e")),  # Kerberos
    bytes.fromhex("7e0e300ca003020105a10302011ea400"),
    bytes.fromhex("300d02010163080400010100870178300c02010165070a010004000400"),  # LDAP
    bytes.fromhex("300c020101420004016165070a01000400"),
    b"initiateresponds\x21\x20\x22\x08\0\0\0\0\0\0\0\x1c",  # IKE, versions 2 and 1, and behind the marker
    b"initiateresponds\x01\x10\x02\0\0\0\0\0\0\0\0\x1c",
    b"\0\0\0\0initiateresponds\x0b\x10\x05\0\0\0\0\0\0\0\0\x1c",
    b"\xc0\0\0\0\1\4dest\4from\1t\x40\x05aaaaa\xe0\0\0\0\1\0\0",  # QUIC: Initial and Handshake, another version
    b"\xc0\x6b\x33\x43\xcf\0\4from\x80\0\0\1t\x05aaaaa\xf0",
    b"\xca\x1a\x2a\x3a\x4a\4dest\4from",
    b"\x80\0\0\0\0\4dest\4from\0\0\0\1",
    bytes(7) + b"\0\0\0\0\2\0\1\x86\xa0\0\0\0\2\0\0\0\4" + bytes(16),  # a port mapper's call, and a reply
    bytes(7) + b"\1" + bytes(16) + b"\0\0\0\1",
    *(payload for name in SERVICES for payload in import_module(f"tests.protocols.test_{name}").SAMPLES.values()),
]  # fmt: skip
DATAGRAMS = [ipv4(PEER, TARGET, 17, udp(port, 50000, payload)) for port, payload in product(SERVED, PAYLOADS)]
DATAGRAMS += [
    ipv4(PEER, TARGET, 6, tcp(50000, 22, "S")),
    ipv4(PEER, TARGET, 1, icmp(8)),
    *(ipv4(PEER, TARGET, 1, icmp(3, 3, payload=one)) for one in DATAGRAMS[::23]),
    *(ipv6("::1", "::2", 58, icmp(1, 4, payload=ipv6("::2", "::1", 17, udp(port, 9)))) for port in (40000, 123)),
    ipv4(PEER, TARGET, 1, icmp(3, 3, payload=ipv4(TARGET, PEER, 6, tcp(22, 50000, "SA", payload=b"data")))),
    ipv4(PEER, TARGET, 1, icmp(3, 3, payload=ipv4(TARGET, PEER, 1, icmp(8)))),
]
SOUND = [
    *((one.link, one.octets) for one in FRAMES.values()),
    *((link, one) for link, one, _ in WITHOUT_MESSAGE.values()),
    *((101, one.octets) for one in PACKETS.values()),
    *((101, over(one)) for one in (*TUNNELS.values(), *CLOSED.values())),
    *((101, one) for one in DATAGRAMS),
]

mutations = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6)
frames = st.one_of(
    st.tuples(st.sampled_from(LINKS), st.binary(max_size=120)),
    st.builds(
        lambda sound, changes, end: (sound[0], mutated(sound[1], changes)[:end]),
        st.sampled_from(SOUND),
        mutations,
        st.integers(0, 400),
    ),
)


def mutated(sound: bytes, changes: list[tuple[int, int]]) -> bytes:
    found = bytearray(sound)
    for at, value in changes:
        if found:
            found[at % len(found)] = value
    return bytes(found)


def records(order: str) -> bytes:
    whole = ipv4(PEER, TARGET, 17, udp(1, 2, b"x"))
    flags = option(1, b"comment", order) + option(2, b"\1\0\0\1", order)
    return (
        enhanced(0, START, whole, flags, order)
        + obsolete(0, START, whole, flags, order)
        + simple(whole, order)
        + interface(1, order=order)
        + section(order)
    )
