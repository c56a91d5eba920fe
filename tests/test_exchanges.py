"""Pairing: the rules that hold for every service. What holds for one alone is in `protocols/`."""

import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.errors import AuditError
from capanalyze.exchanges.engine import LATE
from tests.build import (
    PEER,
    START,
    TARGET,
    block,
    datagram,
    ethernet,
    interface,
    ipv4,
    ipv6,
    ntp,
    pcap,
    pcapng,
    section,
    segment,
    udp,
)
from tests.build import dns as dns_payload
from tests.conversations import (
    CLIENT_PORT,
    ETHERNET,
    Talk,
    answer,
    ask,
    captured,
    described,
    each,
    heard,
    on_interfaces,
    paired,
    refuse,
)
from tests.protocols import (
    test_dns,
    test_ike,
    test_kerberos,
    test_ldap,
    test_llmnr,
    test_mdns,
    test_nbns,
    test_ntp,
    test_portmap,
    test_quic,
    test_snmp,
    test_ssdp,
)

NTP, DNS, MDNS = 123, 53, 5353
SERVER = 4
OTHER_ADDRESS = "192.0.2.11"
SECOND = 1_000_000_000


def asked(stamp: int = 1, *, sport: int = CLIENT_PORT, ident: int = 1, stratum: int = 0) -> bytes:
    """An NTP request; its stratum is of no meaning but makes another payload with the same key."""
    return ask(NTP, ntp(transmit=stamp, stratum=stratum), sport=sport, ident=ident)


def told(stamp: int = 1, *, sport: int = CLIENT_PORT, ident: int = 1) -> bytes:
    """The reply to it."""
    return answer(NTP, ntp(SERVER, origin=stamp), sport=sport, ident=ident)


RETRANSMISSIONS = [
    Talk(
        "a request sent again belongs to the first's exchange, and times run from there",
        [(0, asked()), (1, asked(ident=2)), (2, asked(ident=3)), (2.5, told())],
        ["ntp 1,2,3 > 4: replied, server reply, 2500000 us"],
    ),
    Talk(
        "behind the window of the first it is a new request",
        [(0, asked()), (2, asked(ident=2)), (4, asked(ident=3)), (4.1, told())],
        ["ntp 1,2 > -: silent, client request", "ntp 3 > 4: replied, server reply, 100000 us"],
    ),
    Talk(
        "once answered it is a new request",
        [(0, asked()), (1, told()), (2, asked(ident=2)), (2.1, told(ident=2))],
        ["ntp 1 > 2: replied, server reply, 1000000 us", "ntp 3 > 4: replied, server reply, 100000 us"],
    ),
    Talk(
        "with another payload it is a new request",
        [(0, asked()), (1, asked(stratum=1))],
        ["ntp 1 > -: silent, client request", "ntp 2 > -: silent, client request"],
    ),
    Talk(
        "from another port it is a new request",
        [(0, asked()), (1, asked(sport=50001))],
        ["ntp 1 > -: silent, client request", "ntp 2 > -: silent, client request"],
    ),
    Talk(
        "two that wait at once are told apart",
        [
            (0, asked(1)),
            (0.5, asked(2)),
            (1, asked(1, ident=2)),
            (1.5, asked(2, ident=2)),
            (2, told(1)),
            (2.1, told(2)),
        ],
        ["ntp 1,3 > 5: replied, server reply, 2000000 us", "ntp 2,4 > 6: replied, server reply, 1600000 us"],
    ),
]

WINDOWS = [
    Talk(
        "within the window a reply is one",
        [(0, asked()), (2.999, told())],
        ["ntp 1 > 2: replied, server reply, 2999000 us"],
    ),
    Talk(
        "behind it a reply is late, but its key tells whose it is",
        [(0, asked()), (3.001, told()), (40, asked(2)), (69.9, told(2))],
        ["ntp 1 > 2: replied, server reply, late, 3001000 us", "ntp 3 > 4: replied, server reply, late, 29900000 us"],
    ),
    Talk(
        "the window is that of the last retransmission",
        [(0, asked()), (2.5, asked(ident=2)), (5, told())],
        ["ntp 1,2 > 3: replied, server reply, 5000000 us"],
    ),
    Talk(
        "after half a minute nobody knows any more",
        [(0, asked()), (30.1, told())],
        ["ntp 1 > -: silent, client request", "ntp - > 2: indeterminate, request not captured"],
    ),
    Talk(
        "a second reply within the window belongs to the exchange",
        [(0, asked()), (0.1, told()), (0.2, told(ident=2))],
        ["ntp 1 > 2,3: replied, server reply, 100000 us"],
    ),
    Talk(
        "of several requests with the key the oldest unanswered one is answered, weakly, and then the latest",
        [
            (0, asked(stratum=1)),
            (0.1, asked(stratum=2)),
            (0.2, told(ident=1)),
            (0.3, told(ident=2)),
            (0.4, told(ident=3)),
        ],
        ["ntp 1 > 3: replied, server reply, weak, 200000 us", "ntp 2 > 4,5: replied, server reply, 200000 us"],
    ),
    Talk(
        "of two at the same time the earlier in the file is the oldest",
        [(0, asked(stratum=1)), (0, asked(stratum=2)), (0.1, told())],
        ["ntp 1 > 3: replied, server reply, weak, 100000 us", "ntp 2 > -: silent, client request"],
    ),
]

COPIES = [
    Talk(
        "a frame seen again within a millisecond is one message",
        [(0, asked()), (0.001, asked()), (0.01, told()), (0.0101, told())],
        ["ntp 1,2 > 3,4: replied, server reply, 10000 us"],
    ),
    Talk(
        "on the other side of a bridge its MAC addresses may be others",
        [(0, ethernet(asked())), (0.0005, ethernet(asked(), source=bytes(6)))],
        ["ntp 1,2 > -: silent, client request"],
        link=ETHERNET,
    ),
]


CHANGED = [
    Talk(
        "a reply from another port belongs to the request that has its key",
        [(0, asked(sport=NTP)), (0.1, datagram(TARGET, 1024, PEER, NTP, ntp(SERVER, origin=1)))],
        ["ntp 1 > 2 at 192.0.2.10:1024: replied, server reply, port changed, 100000 us"],
    ),
    Talk(
        "as does one from another address",
        [(0, asked()), (0.1, datagram(OTHER_ADDRESS, NTP, PEER, CLIENT_PORT, ntp(SERVER, origin=1)))],
        ["ntp 1 > 2 at 192.0.2.11:123: replied, server reply, address changed, 100000 us"],
    ),
    Talk(
        "whatever else is open",
        [
            (0, asked(1)),
            (0.1, datagram(PEER, CLIENT_PORT, "192.0.2.12", NTP, ntp(transmit=2))),
            (0.2, ask(DNS, dns_payload(1, "example.org"))),
            (0.3, datagram(OTHER_ADDRESS, NTP, PEER, CLIENT_PORT, ntp(SERVER, origin=1))),
        ],
        [
            "ntp 1 > 4 at 192.0.2.11:123: replied, server reply, address changed, 300000 us",
            "ntp 2 > -: silent, client request",
            "dns 3 > -: silent, query",
        ],
    ),
    Talk(
        "or was answered",
        [
            (0, asked(1)),
            (0.1, told(1)),
            (0.2, asked(2)),
            (0.3, datagram(OTHER_ADDRESS, NTP, PEER, CLIENT_PORT, ntp(SERVER, origin=2))),
        ],
        [
            "ntp 1 > 2: replied, server reply, 100000 us",
            "ntp 3 > 4 at 192.0.2.11:123: replied, server reply, address changed, 100000 us",
        ],
    ),
    Talk(
        "unless the keys differ",
        [(0, asked(1)), (0.1, datagram(OTHER_ADDRESS, NTP, PEER, CLIENT_PORT, ntp(SERVER, origin=2)))],
        ["ntp 1 > -: silent, client request", "ntp - > 2: indeterminate, request not captured"],
    ),
    Talk(
        "unless it fits a request by its endpoints",
        [
            (0, datagram(PEER, CLIENT_PORT, OTHER_ADDRESS, NTP, ntp(transmit=1))),
            (0.1, datagram(OTHER_ADDRESS, NTP, PEER, CLIENT_PORT, ntp(SERVER, origin=1))),
            (0.2, asked(1)),
            (0.3, datagram(OTHER_ADDRESS, NTP, PEER, CLIENT_PORT, ntp(SERVER, origin=1), ident=2)),
        ],
        ["ntp 1 > 2,4: replied, server reply, 100000 us", "ntp 3 > -: silent, client request"],
    ),
    Talk(
        "it may go to another port of the client",
        [(0, asked(1)), (0.1, datagram(OTHER_ADDRESS, NTP, PEER, 50001, ntp(SERVER, origin=1)))],
        ["ntp 1 > 2 at 192.0.2.11:123: replied, server reply, address changed, 100000 us"],
    ),
    Talk(
        "without a key it makes the one request uncertain that it may answer",
        [(0, ask(9999, b"ping")), (0.1, datagram(OTHER_ADDRESS, 9999, PEER, CLIENT_PORT, b"pong"))],
        ["udp/9999 1 > 2: indeterminate, something came back from another address, weak, no rtt"],
    ),
]

EARLY = [
    Talk(
        "a reply may stand up to a millisecond before its request",
        [(0, told()), (0.001, asked())],
        ["ntp 2 > 1: replied, server reply, no rtt"],
    ),
    Talk(
        "a SYN/ACK too",
        [
            (0, segment(TARGET, 22, PEER, CLIENT_PORT, "SA", seq=9, ack=101)),
            (0.0005, segment(PEER, CLIENT_PORT, TARGET, 22, "S", seq=100)),
        ],
        ["tcp/22 2 > 1: replied, SYN/ACK, no rtt"],
    ),
    Talk(
        "a group's member too",
        [(0, told()), (0.0005, datagram(PEER, CLIENT_PORT, "224.0.1.1", NTP, ntp(transmit=1)))],
        ["ntp 2 > 1 at 192.0.2.10:123: replied, server reply, no rtt"],
    ),
    Talk(
        "but not earlier",
        [(0, told()), (0.0011, asked())],
        ["ntp - > 1: indeterminate, request not captured", "ntp 2 > -: silent, client request"],
    ),
    Talk(
        "nor with another key",
        [(0, told(2)), (0.0005, asked(1))],
        ["ntp - > 1: indeterminate, request not captured", "ntp 2 > -: silent, client request"],
    ),
    Talk(
        "nor from another host",
        [(0, datagram(OTHER_ADDRESS, NTP, PEER, CLIENT_PORT, ntp(SERVER, origin=1))), (0.0005, asked())],
        ["ntp - > 1: indeterminate, request not captured", "ntp 2 > -: silent, client request"],
    ),
    Talk(
        "a later reply belongs to it as well",
        [(0, told()), (0.0005, asked()), (0.1, told(ident=2))],
        ["ntp 2 > 1,3: replied, server reply, no rtt"],
    ),
]

CLOCKS = [
    Talk(
        "a clock that steps back hides the round trip, and pairing goes on",
        [(100, asked(1)), (50, told(1)), (50.1, asked(2)), (50.2, told(2))],
        ["ntp 1 > 2: replied, server reply, no rtt", "ntp 3 > 4: replied, server reply, 100000 us"],
    ),
    Talk(
        "the window goes on from where it stood",
        [(100, asked(1)), (102, asked(2)), (50, told(2)), (51.5, told(1)), (80.1, told(2, ident=2))],
        [
            "ntp 1 > 4: replied, server reply, late, no rtt",
            "ntp 2 > 3: replied, server reply, no rtt",
            "ntp - > 5: indeterminate, request not captured",
        ],
    ),
    Talk(
        "jitter is none",
        [(1, asked(1)), (0.9, asked(2)), (1.1, told(1)), (1.2, told(2))],
        ["ntp 1 > 3: replied, server reply, 100000 us", "ntp 2 > 4: replied, server reply, 300000 us"],
    ),
]

FRAGMENTS = [
    Talk(
        "later fragments join the frames of their datagram",
        [
            (0, asked()),
            (0.1, ipv4(TARGET, PEER, 17, udp(NTP, CLIENT_PORT, ntp(SERVER, origin=1) + bytes(24)), ident=7, more=True)),
            (0.2, ipv4(TARGET, PEER, 17, bytes(16), ident=7, offset=80, more=True)),
            (0.3, ipv4(TARGET, PEER, 17, bytes(16), ident=7, offset=96)),
        ],
        ["ntp 1 > 2,3,4: replied, server reply, 100000 us"],
    ),
    Talk(
        "requests' fragments too",
        [
            (0, ipv4(PEER, TARGET, 17, udp(CLIENT_PORT, NTP, ntp(transmit=1) + bytes(24)), ident=7, more=True)),
            (0.1, ipv4(PEER, TARGET, 17, bytes(16), ident=7, offset=80)),
            (0.2, told()),
        ],
        ["ntp 1,2 > 3: replied, server reply, 200000 us"],
    ),
    Talk(
        "those of another datagram do not",
        [
            (0, ipv4(PEER, TARGET, 17, udp(CLIENT_PORT, NTP, ntp(transmit=1) + bytes(24)), ident=7, more=True)),
            (0.1, ipv4(PEER, TARGET, 17, bytes(16), ident=8, offset=80)),
            (0.2, ipv4(PEER, OTHER_ADDRESS, 17, bytes(16), ident=7, offset=80)),
        ],
        ["ntp 1 > -: silent, client request"],
    ),
    Talk(
        "nor does one that comes much later",
        [
            (0, ipv4(PEER, TARGET, 17, udp(CLIENT_PORT, NTP, ntp(transmit=1) + bytes(24)), ident=7, more=True)),
            (31, ipv4(PEER, TARGET, 17, bytes(16), ident=7, offset=80)),
        ],
        ["ntp 1 > -: silent, client request"],
    ),
    Talk(
        "without its first fragment a datagram is nobody's",
        [(0, ipv4(PEER, TARGET, 17, bytes(16), ident=7, offset=80))],
        [],
    ),
]


@each(*RETRANSMISSIONS, *WINDOWS, *COPIES, *CHANGED, *EARLY, *CLOCKS, *FRAGMENTS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


# (what holds, (interface, seconds, frame)…, exchanges)
MULTICAST = "224.0.1.1"
ON_INTERFACES: list[tuple[str, list[tuple[int, float, bytes]], list[str]]] = [
    (
        "a request on the reply's own interface comes before a later one on another",
        [(0, 0, asked(stratum=1)), (1, 0.1, asked(stratum=2)), (0, 0.2, told())],
        ["ntp 1 > 3: replied, server reply, 200000 us", "ntp 2 > -: silent, client request"],
    ),
    (
        "even where that one was answered",
        [(0, 0, asked(stratum=1)), (1, 0.1, asked(stratum=2)), (0, 0.2, told()), (0, 0.3, told(ident=2))],
        ["ntp 1 > 3,4: replied, server reply, 200000 us", "ntp 2 > -: silent, client request"],
    ),
    (
        "a reply may leave by another interface",
        [(0, 0, asked()), (1, 0.1, told())],
        ["ntp 1 > 2: replied, server reply, 100000 us"],
    ),
    (
        "what went to a group is answered on its own interface",
        [
            (0, 0, datagram(PEER, CLIENT_PORT, MULTICAST, NTP, ntp(transmit=1))),
            (1, 0.1, told()),
        ],
        ["ntp 1 > -: silent, client request", "ntp - > 2: indeterminate, request not captured"],
    ),
    (
        "on each interface by itself",
        [
            (0, 0, datagram(PEER, CLIENT_PORT, MULTICAST, NTP, ntp(transmit=1))),
            (1, 0.1, datagram(PEER, CLIENT_PORT, MULTICAST, NTP, ntp(transmit=1), ident=2)),
            (1, 0.2, told()),
        ],
        ["ntp 1 > -: silent, client request", "ntp 2 > 3 at 192.0.2.10:123: replied, server reply, 100000 us"],
    ),
    (
        "a frame seen on two interfaces is one message",
        [(0, 0, asked()), (1, 0.0005, asked()), (1, 0.1, told()), (0, 0.1005, told())],
        ["ntp 1,2 > 3,4: replied, server reply, 100000 us"],
    ),
    (
        "time decides across interfaces, not the file",
        [(1, 0.1, told()), (0, 0, asked())],
        ["ntp 2 > 1: replied, server reply, 100000 us"],
    ),
    (
        "a clock that steps back on one interface does not touch the other",
        [
            (0, 100, asked(1)),
            (1, 100.1, asked(2, sport=50001)),
            (0, 40, told(1)),
            (1, 100.2, told(2, sport=50001)),
        ],
        ["ntp 1 > 3: replied, server reply, no rtt", "ntp 2 > 4: replied, server reply, 100000 us"],
    ),
]


@pytest.mark.parametrize(
    ("frames", "exchanges"), [row[1:] for row in ON_INTERFACES], ids=[row[0] for row in ON_INTERFACES]
)
def test_conversation_on_interfaces(
    frames: list[tuple[int, float, bytes]], exchanges: list[str], tmp_path: Path
) -> None:
    assert on_interfaces(tmp_path, frames) == exchanges


# (service, port, request, reply) as their own tests have them
SERVICES = [
    ("ntp", NTP, ntp(transmit=0xC8D3_1234_9ABC_DEF0), ntp(SERVER, origin=0xC8D3_1234_9ABC_DEF0)),
    ("ntp-control", NTP, test_ntp.SAMPLES["control request"], test_ntp.SAMPLES["control reply"]),
    ("ntp-private", NTP, test_ntp.SAMPLES["private request (mode 7)"], test_ntp.SAMPLES["private reply (mode 7)"]),
    ("dns", DNS, test_dns.SAMPLES["query"], test_dns.SAMPLES["response"]),
    ("nbns", 137, test_nbns.SAMPLES["name query"], test_nbns.SAMPLES["positive response"]),
    ("snmp", 161, test_snmp.SAMPLES["get"], test_snmp.SAMPLES["response"]),
    ("ssdp", 1900, test_ssdp.SAMPLES["search"], test_ssdp.SAMPLES["response"]),
    ("mdns", MDNS, test_mdns.SAMPLES["query"], test_mdns.SAMPLES["response"]),
    ("llmnr", 5355, test_llmnr.SAMPLES["query"], test_llmnr.SAMPLES["response"]),
    ("kerberos", 88, test_kerberos.SAMPLES["AS-REQ"], test_kerberos.SAMPLES["AS-REP"]),
    ("ldap", 389, test_ldap.SAMPLES["search request"], test_ldap.SAMPLES["search result done"]),
    ("ike", 500, test_ike.SAMPLES["IKE_SA_INIT request"], test_ike.SAMPLES["IKE_SA_INIT response"]),
    ("quic", 443, test_quic.SAMPLES["packet of another version"], test_quic.SAMPLES["Version Negotiation"]),
    ("portmap", 111, test_portmap.SAMPLES["dump call"], test_portmap.SAMPLES["accepted reply"]),
]


@pytest.mark.parametrize("sport", [20, 53, 67, 69, 88, 111, 123, 137, 161, 389, 443, 500, 1900, 4500, 5060, 5353, 5355])
@pytest.mark.parametrize(("service", "port", "request_payload", "reply"), SERVICES, ids=[row[0] for row in SERVICES])
def test_a_service_may_be_asked_from_another_services_port(
    sport: int, service: str, port: int, request_payload: bytes, reply: bytes, tmp_path: Path
) -> None:
    """Stateless filters let such ports pass, so scanners ask from there."""
    frames = [(0.0, ask(port, request_payload, sport=sport)), (0.1, answer(port, reply, sport=sport))]
    (pair,) = captured(tmp_path, frames)[0].done
    exchange = pair.exchange
    assert (exchange.service, exchange.server_port, exchange.requests, exchange.replies) == (service, port, [1], [2])


def source(folder: Path, name: str, frames: Sequence[tuple[float, bytes]]) -> Path:
    """A capture of one interface."""
    path = folder / name
    path.write_bytes(pcap([(START + time, frame) for time, frame in frames]))
    return path


def forwarded(frame: bytes) -> bytes:
    """An IPv4 packet behind one more router."""
    return frame[:8] + bytes([frame[8] - 1]) + frame[9:]


def test_a_copy_is_no_retransmission(tmp_path: Path) -> None:
    frames = [(0.0, asked()), (0.0005, forwarded(asked())), (0.0006, asked(ident=2)), (0.1, asked())]
    (pair,) = captured(tmp_path, frames)[0].done
    assert pair.exchange.requests == [1, 2, 3, 4]
    assert pair.retransmissions == 2


def test_equal_packets_of_one_interface_are_sent_twice(tmp_path: Path) -> None:
    (pair,) = captured(tmp_path, [(0.0, asked()), (0.0005, asked())])[0].done
    assert pair.exchange.requests == [1, 2]
    assert pair.retransmissions == 1


def test_a_reply_may_be_in_another_capture(tmp_path: Path) -> None:
    captures = [source(tmp_path, "en0.pcap", [(0, asked())]), source(tmp_path, "en1.pcap", [(0.1, told())])]
    (pair,) = paired(*captures).done
    exchange = pair.exchange
    assert (exchange.capture, exchange.requests) == ("en0.pcap", [1])
    assert (exchange.reply_capture, exchange.replies) == ("en1.pcap", [1])
    assert exchange.rtt_us == 100_000


def test_a_reply_in_the_same_capture_needs_no_mention(tmp_path: Path) -> None:
    (pair,) = captured(tmp_path, [(0, asked()), (0.1, told())])[0].done
    assert pair.exchange.reply_capture is None


def test_the_same_exchange_in_two_captures_is_noticed(tmp_path: Path) -> None:
    frames = [(0.5, asked(7)), (0.6, asked(1)), (0.7, told())]
    captures = source(tmp_path, "en0.pcap", frames), source(tmp_path, "any.pcap", frames[1:])
    with pytest.raises(AuditError, match=r"en0.pcap and any.pcap hold the same traffic \(frame 2 of one is frame 1 of"):
        paired(*captures)


def test_what_a_host_forwarded_is_another_sight_of_it(tmp_path: Path) -> None:
    """Captures of both sides of a router hold the same packets, with different times to live."""
    packet = asked()
    forwarded = packet[:8] + bytes([packet[8] - 1]) + packet[9:]
    captures = [source(tmp_path, "en0.pcap", [(0, packet)]), source(tmp_path, "en1.pcap", [(0.0001, forwarded)])]
    pairing = paired(*captures)
    assert [pair.exchange.requests for pair in pairing.done] == [[1]]


def test_what_went_to_a_group_may_be_in_two_captures(tmp_path: Path) -> None:
    frames = [(0.0, datagram(PEER, CLIENT_PORT, MULTICAST, NTP, ntp(transmit=1)))]
    pairing = paired(source(tmp_path, "en0.pcap", frames), source(tmp_path, "en1.pcap", frames))
    assert len(pairing.done) == 1


def test_one_clients_requests_in_two_captures_are_not_retransmissions(tmp_path: Path) -> None:
    captures = [source(tmp_path, "en0.pcap", [(0, asked())]), source(tmp_path, "en1.pcap", [(1, asked(ident=2))])]
    assert [pair.exchange.requests for pair in paired(*captures).done] == [[1], [1]]


def test_octets_are_those_of_the_first_request_and_of_all_replies(tmp_path: Path) -> None:
    frames = [
        (0.0, ask(DNS, dns_payload(1, "example.org"))),
        (0.1, ask(DNS, dns_payload(1, "example.org"), ident=2)),
        (0.2, answer(DNS, dns_payload(1, "example.org", response=True))),
        (0.3, answer(DNS, dns_payload(1, "example.org", response=True), ident=2)),
    ]
    (pair,) = captured(tmp_path, frames)[0].done
    asking, answering = len(dns_payload(1, "example.org")), len(dns_payload(1, "example.org", response=True))
    assert (pair.exchange.request_octets, pair.exchange.reply_octets) == (asking, 2 * answering)


def test_a_rejection_has_no_octets_of_a_reply(tmp_path: Path) -> None:
    (pair,) = captured(tmp_path, [(0, asked()), (0.1, refuse(asked()))])[0].done
    assert pair.exchange.reply_octets == 0


def test_an_exchange_says_who_asked_whom_and_when(tmp_path: Path) -> None:
    (pair,) = captured(tmp_path, [(0.000001, asked()), (0.000273, told())])[0].done
    exchange = pair.exchange
    assert (exchange.client, exchange.client_port, exchange.server, exchange.server_port) == (PEER, 50000, TARGET, NTP)
    assert (exchange.service, exchange.transport, exchange.capture) == ("ntp", "udp", "one.pcap")
    assert (exchange.time_ns, exchange.rtt_us) == (START * SECOND + 1000, 272.0)


def test_without_ports_there_are_none(tmp_path: Path) -> None:
    echo = struct.pack(">2B3H", 8, 0, 0, 7, 1)
    (pair,) = captured(tmp_path, [(0, ipv4(PEER, TARGET, 1, echo))])[0].done
    assert (pair.exchange.client_port, pair.exchange.server_port) == (None, None)


def test_a_frame_without_time_pairs_in_the_order_of_the_file(tmp_path: Path) -> None:
    simple = [block(3, struct.pack("<I", len(frame)) + frame) for frame in (asked(), told())]
    (tmp_path / "simple.pcapng").write_bytes(section() + interface(101) + b"".join(simple))
    (pair,) = paired(tmp_path / "simple.pcapng").done
    assert (pair.exchange.requests, pair.exchange.replies) == ([1], [2])
    assert (pair.exchange.time_ns, pair.exchange.rtt_us) == (None, None)


@pytest.mark.parametrize(
    ("since", "until", "requests"),
    [(None, None, [[1], [2], [3]]), (1, None, [[2], [3]]), (None, 1, [[1]]), (1, 2, [[2]]), (9, None, [])],
)
def test_a_span_of_time_holds_its_begin_but_not_its_end(
    since: int | None, until: int | None, requests: list[list[int]], tmp_path: Path
) -> None:
    capture = source(tmp_path, "en0.pcap", [(number, asked(number + 1)) for number in range(3)])
    begin, end = (None if limit is None else (START + limit) * SECOND for limit in (since, until))
    pairing = paired(capture, since=begin, until=end)
    assert sorted(pair.exchange.requests for pair in pairing.done) == requests


def test_what_does_not_parse_is_counted_by_service_and_kind(tmp_path: Path) -> None:
    frames = [
        (0.0, ask(NTP, b"garbage")),
        (1.0, ask(NTP, b"rubbish")),
        (2.0, answer(NTP, b"waste")),
        (3.0, ask(DNS, b"short")),
        (4.0, ask(NTP, b"")),
        (5.0, asked()),
        (6.0, ask(28524, b"garbage")),
    ]
    pairing, _ = captured(tmp_path, frames)
    assert pairing.malformed == {
        ("one.pcap", "ntp", "malformed message"): 3,
        ("one.pcap", "dns", "malformed message"): 1,
    }
    # What NTP cannot read on a five-tuple is one conversation, in which an empty datagram is no request of its own.
    found = sorted((pair.exchange.service, pair.exchange.requests, pair.exchange.replies) for pair in pairing.done)
    assert found == [("dns", [4], []), ("ntp", [1], [3]), ("ntp", [6], []), ("udp/28524", [7], [])]


def test_payloads_can_be_found_again(tmp_path: Path) -> None:
    (pair,) = captured(tmp_path, [(0, asked()), (0.1, told()), (0.2, told(ident=2))])[0].done
    octets = (tmp_path / "one.pcap").read_bytes()
    assert pair.told is not None
    name, frame, at, length, _ = pair.told
    assert (name, frame) == ("one.pcap", 2)
    assert octets[at : at + length] == ntp(SERVER, origin=1)


def test_families_do_not_mix(tmp_path: Path) -> None:
    """An address of IPv4 is not the same number in IPv6."""
    mapped = ipv6("::ffff:0:c000:20a", "::ffff:0:c633:6407", 17, udp(NTP, CLIENT_PORT, ntp(SERVER, origin=1)))
    pairing, part = captured(tmp_path, [(0, asked()), (0.1, mapped)])
    assert described(pairing, part) == [
        "ntp 1 > -: silent, client request",
        "ntp - > 2: indeterminate, request not captured",
    ]


# Streams of requests with keys of their own, their replies lost, doubled, late or out of order

Event = tuple[float, bytes, str]  # seconds, frame, what it is


def stream(requests: int, seed: int, client: str = PEER) -> list[Event]:
    chance = random.Random(seed)
    events: list[Event] = []
    for number in range(1, requests + 1):
        time = 10 + chance.choice([0, 0.2, 1, 4]) * number + number / 128
        sport = chance.choice([NTP, 50000, 50001])
        events.append((time, datagram(client, sport, TARGET, NTP, ntp(transmit=number)), f"{client} asks {number}"))
        for copy in range(chance.choice([0, 1, 1, 2])):
            delay = chance.choice([-0.9, 1, 100, 3500, 29000, 31000]) / 1000 + copy * 0.004
            reply = datagram(TARGET, NTP, client, sport, ntp(SERVER, origin=number), ident=copy)
            events.append((time + delay, reply, f"{client} gets {number}"))
    return sorted(events, key=lambda event: event[0])


def oracle(events: Sequence[Event]) -> dict[tuple[int, ...], list[int]]:
    """Request frames → reply frames, by a dictionary; replies to nothing under ()."""
    begun = {words: (time, number) for number, (time, _, words) in enumerate(events, 1) if " asks " in words}
    pairs: dict[tuple[int, ...], list[int]] = {(number,): [] for _, number in begun.values()}
    for number, (time, _, words) in enumerate(events, 1):
        if " gets " in words:
            asked_at, request = begun[words.replace("gets", "asks")]
            in_time = -0.001 < time - asked_at <= LATE / SECOND
            pairs.setdefault((request,) if in_time else (), []).append(number)
    return pairs


@settings(deadline=None)
@given(requests=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
def test_a_dictionary_agrees(requests: int, seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    events = stream(requests, seed)
    pairing, _ = captured(tmp_path_factory.getbasetemp(), [event[:2] for event in events])
    found: dict[tuple[int, ...], list[int]] = {}
    for pair in pairing.done:
        found.setdefault(tuple(pair.exchange.requests), []).extend(pair.exchange.replies)
    assert {key: sorted(replies) for key, replies in found.items()} == oracle(events)


@settings(deadline=None)
@given(seeds=st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=3), order=st.randoms(use_true_random=False))
def test_interfaces_that_share_no_endpoints_do_not_touch_each_other(
    seeds: list[int], order: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However their frames lie in the file, as long as each interface keeps its own order."""
    streams = [stream(4, seed, f"198.51.100.{number}") for number, seed in enumerate(seeds)]
    turns = [number for number, events in enumerate(streams) for _ in events]
    order.shuffle(turns)
    waiting = [iter(events) for events in streams]
    mixed = [(number, next(waiting[number])) for number in turns]
    alone = [one for events in streams for one in in_words(tmp_path_factory, [(0, event) for event in events])]
    assert in_words(tmp_path_factory, mixed) == sorted(alone)


def in_words(
    folder: pytest.TempPathFactory, events: Sequence[tuple[int, Event]]
) -> list[tuple[list[str], list[str], str]]:
    """The exchanges of events on interfaces, by what their frames are."""
    frames = [(number, time, frame) for number, (time, frame, _) in events]
    path = folder.getbasetemp() / "words.pcapng"
    path.write_bytes(pcapng(frames, [101] * 3))
    words = {number: what for number, (_, (_, _, what)) in enumerate(events, 1)}
    return sorted(
        ([words[frame] for frame in one.requests], [words[frame] for frame in one.replies], one.outcome)
        for one in (pair.exchange for pair in paired(path).done)
    )
