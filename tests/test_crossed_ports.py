"""Conversations across ports that other modules serve, and others that once went wrong."""

from pathlib import Path

from tests.build import (
    PEER,
    TARGET,
    datagram,
    dns,
    dns_message,
    ntp,
    question,
    record,
)
from tests.conversations import Talk, answer, ask, each, heard, on_interfaces, refuse
from tests.protocols import test_dhcp, test_nbns, test_snmp

NTP, DNS, MDNS, SNMP = 123, 53, 5353, 161
GROUP, HOST = "224.0.0.251", "host.local"
IKE = bytes.fromhex("d1a2b3c4e5f60718000000000000000001100200000000000000005c") + bytes(64)
IKE_REPLY = bytes.fromhex("d1a2b3c4e5f607181122334455667788011002000000000000000054") + bytes(56)
RPC = bytes.fromhex("72fe1d130000000000000002000186a00001977c0000000000000000000000000000000000000000")
RPC_REPLY = bytes.fromhex("72fe1d130000000100000000000000000000000000000000")


def q(*questions: bytes, source: str = PEER) -> bytes:
    return datagram(source, MDNS, GROUP, MDNS, dns_message(0, 0, questions))


def r(*records: bytes) -> bytes:
    return datagram(TARGET, MDNS, GROUP, MDNS, dns_message(0, 0x8400, (), records))


IKE_1 = ["ike 1 > 2: replied, phase 1 response (version 1), 100000 us"]
PORTMAP = ["portmap 1 > 2: replied, accepted reply, 100000 us"]
SNMP_3 = ["snmp 1 > 2: replied, version 3 message, 100000 us"]
TALKS = [
    *(
        Talk(
            f"IKE asked from port {sport}",
            [(0, ask(500, IKE, sport=sport)), (0.1, answer(500, IKE_REPLY, sport=sport))],
            IKE_1,
        )
        for sport in (67, 68, 69, 123, 161, 1900, 5060, 5353)
    ),
    *(
        Talk(
            f"RPC asked from port {sport}",
            [(0, ask(111, RPC, sport=sport)), (0.1, answer(111, RPC_REPLY, sport=sport))],
            PORTMAP,
        )
        for sport in (53, 67, 123, 137, 161, 1900, 5060, 5353, 5355)
    ),
    *(
        Talk(
            f"SNMP version 3 asked from port {sport}",
            [
                (0, ask(SNMP, test_snmp.version_3(500), sport=sport)),
                (0.1, answer(SNMP, test_snmp.version_3(500, 65507), sport=sport)),
            ],
            SNMP_3,
        )
        for sport in (53, 67, 123, 137, 1900, 5060, 5353, 5355)
    ),
    Talk(
        "NBNS asked from port 5353, refused (a record of TTL 0 is no goodbye here)",
        [
            (0, ask(137, test_nbns.SAMPLES["name query"], sport=MDNS)),
            (0.1, answer(137, test_nbns.SAMPLES["negative response"], sport=MDNS)),
        ],
        ["nbns 1 > 2: replied, negative response, 100000 us"],
    ),
    Talk(
        "one response answers two questions that one host asked in two messages",
        [(0, q(question(HOST, 1))), (0.01, q(question(HOST, 28))), (0.02, r(record(HOST, 1), record(HOST, 28)))],
        [
            "mdns 1 > 3 at 192.0.2.10:5353: replied, response, 20000 us",
            "mdns 2 > 3 at 192.0.2.10:5353: replied, response, 10000 us",
        ],
    ),
    Talk(
        "two errors that quote eight octets reject two requests",
        [
            (0, ask(NTP, ntp(transmit=1))),
            (0.1, ask(NTP, ntp(transmit=2), ident=2)),
            (0.2, refuse(ask(NTP, ntp(transmit=2), ident=2), octets=8)),
            (0.3, refuse(ask(NTP, ntp(transmit=1)), octets=8)),
        ],
        [
            "ntp 1 > 4: rejected, port unreachable, 300000 us",
            "ntp 2 > 3: rejected, port unreachable, 100000 us",
        ],
    ),
    Talk(
        "a service is called by its module's name mid-flow too",
        [(0, answer(NTP, b"garbage"))],
        ["ntp - > 1: indeterminate, mid-flow"],
    ),
    *(
        Talk(
            f"a client may ask from port {port}, whatever answers there",
            [(0, ask(DNS, dns(7, "a"), sport=port)), (0.1, answer(DNS, dns(7, "a", response=True), sport=port))],
            ["dns 1 > 2: replied, response, 100000 us"],
        )
        for port in (3283, 3478, 3702, 5351, 5683, 11211)
    ),
    Talk(
        "however many modules there are",
        [(0, answer(11211, b"rubbish"))],
        ["memcached - > 1: indeterminate, mid-flow"],
    ),
    Talk(
        "two replies stand before their request",
        [
            (0, answer(NTP, ntp(4, origin=1))),
            (0.0001, answer(NTP, ntp(4, origin=1), ident=2)),
            (0.0005, ask(NTP, ntp(transmit=1))),
        ],
        ["ntp 3 > 1,2: replied, server reply, no rtt"],
    ),
    Talk(
        "an OFFER by broadcast without its DISCOVER is no announcement",
        [(0, test_dhcp.told(test_dhcp.OFFER))],
        ["dhcp - > 1: indeterminate, request not captured"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_group_traffic_over_a_bridge_is_answered_on_either_side(tmp_path: Path) -> None:
    """A host with a bridge, captured on `any`: in by eth0, br0; out by br0, eth0."""
    request = datagram(PEER, 50000, "224.0.1.1", NTP, ntp(transmit=1))
    reply = answer(NTP, ntp(4, origin=1))
    frames = [(0, 0.0, request), (1, 0.0002, request), (1, 0.1, reply), (0, 0.1002, reply)]
    assert on_interfaces(tmp_path, frames) == ["ntp 1,2 > 3,4 at 192.0.2.10:123: replied, server reply, 100000 us"]
