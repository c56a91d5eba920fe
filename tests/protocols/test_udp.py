"""UDP without a module: one exchange per five-tuple until it is idle for a minute."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import udp
from tests.ber import ber, integer
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, captured, each, heard, refuse
from tests.protocols import hear

PORT = 28524
PDU_TRAP, PDU_INFORM = 0xA7, 0xA6


def notification(pdu: int, *, version: int = 1) -> bytes:
    """An SNMP notification, RFC 3416 section 3; of version 3 in clear (RFC 3412 section 6)."""
    octets = ber(pdu, integer(7), integer(0), integer(0), ber(0x30))
    if version == 3:
        head = ber(0x30, integer(7), integer(65507), ber(4, b"\0"), integer(3))
        return ber(0x30, integer(3), head, ber(4, b""), ber(0x30, ber(4, b""), ber(4, b""), octets))
    return ber(0x30, integer(version), ber(4, b"public"), octets)


def clock(kind: int, *, version: int = 2) -> bytes:
    """A message of PTP, IEEE 1588-2008 section 13.3: of 44 octets."""
    return struct.pack(">2BH40x", kind, version, 44)


def report(packet: int, blocks: int, *, words: int = 0) -> bytes:
    """An RTCP report, RFC 3550 sections 6.4.1 and 6.4.2."""
    length = words or (6 if packet == 200 else 1) + 6 * blocks
    return struct.pack(">2BH", 0x80 | blocks, packet, length) + bytes(4 * length)


def lights(opcode: int) -> bytes:
    """Art-Net: name, opcode, version of the protocol, data."""
    return b"Art-Net\0" + struct.pack("<H", opcode) + b"\0\x0e" + bytes(6)


SAMPLES = {
    "datagram": b"anything",
    "datagram of a tunnel": b"\x08" + bytes(60),
    "SNMP notification": notification(PDU_TRAP),
    "RIP response": b"\2\2\0\0" + bytes(20),
    "RTP or RTCP": report(201, 1),
    "PTP message": clock(0),
    "MNDP announcement": b"\0\0\0\1\0\1\0\6\2\0\x5e\0\0\1",
    "Art-Net data": lights(0x5000),
}
PORTS = {
    "datagram of a tunnel": 4789,
    "SNMP notification": 162,
    "RIP response": 520,
    "PTP message": 319,
    "MNDP announcement": 5678,
    "Art-Net data": 6454,
}


@pytest.mark.parametrize(
    ("payload", "port", "draws_none"),
    [
        (b"\2\1\0\0" + bytes(20), 521, True),
        (b"\1\2\0\0" + bytes(20), 520, False),  # RFC 2453 section 3.9.1: a request
        (b"\2\2\0\0" + bytes(20), PORT, False),
        (b"\2\2\0", 520, False),
        (notification(0xA4), 162, True),
        (notification(PDU_TRAP, version=3), 162, True),
        (notification(PDU_INFORM), 162, False),
        (notification(PDU_INFORM, version=3), 162, False),
        (b"garbage", 162, True),
        (notification(PDU_TRAP), PORT, False),
        *((clock(kind), 320, kind in (0, 1, 3, 8, 9, 10, 11)) for kind in range(16)),
        (clock(0, version=1), 319, False),
        (clock(0)[:40], 319, False),
        (clock(0), PORT, False),
        (b"\x80\0" + bytes(10), 5004, True),
        (b"\x80\0" + bytes(9), 5004, False),
        (b"\x40\0" + bytes(10), 5004, False),
        (b"\x80\0" + bytes(170), PORT, False),  # RTP on another port looks like much else
        *((report(packet, blocks), PORT, True) for packet in (200, 201) for blocks in (0, 1, 31)),
        (report(201, 1) + bytes(14), PORT, True),  # encrypted: index and tag behind it
        (report(202, 1), PORT, False),
        (report(201, 2, words=7), PORT, False),
        (report(200, 1)[:-1], PORT, False),
        (bytes(4), 5678, False),
        (b"\0\0\0\1\0\1\0\6" + bytes(6), PORT, False),
        (lights(0x5100), 6454, True),
        (lights(0x5200), 6454, True),
        (lights(0x2000), 6454, False),  # a poll
        (lights(0x6000), 6454, False),  # what names a node
        (lights(0x5000), PORT, False),
        (b"", PORT, True),
        (b"x", PORT, False),
    ],
)
def test_the_payload_tells_what_draws_no_reply(payload: bytes, port: int, draws_none: bool) -> None:
    heard = hear(udp.PROTOCOL, payload, port=port)
    assert ("unanswerable" in heard.flags) == draws_none
    assert ("announces" in heard.flags) == (draws_none and payload != b"")


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_is_cut_is_told_no_more_often(kind: str) -> None:
    """Of what ends before the rule was read, silence is not held back: it draws a reply, for all that is known."""
    for length in range(1, 4):
        heard = hear(udp.PROTOCOL, SAMPLES[kind][:length], len(SAMPLES[kind]), PORTS.get(kind, PORT))
        assert heard.kind in ("datagram", "SNMP notification", "datagram of a tunnel")


@pytest.mark.parametrize("payload", [b"", b"x", bytes(2000)])
def test_only_the_endpoints_tell(payload: bytes) -> None:
    assert hear(udp.PROTOCOL, payload).role == "flow"


TALKS = [
    Talk(
        "the first datagram asks, the first one back answers",
        [(0, ask(PORT, b"1")), (0.001, answer(PORT, b"2"))],
        ["udp/28524 1 > 2: replied, datagram, weak, 1000 us"],
    ),
    Talk(
        "the same datagram back is an answer (echo)",
        [(0, ask(PORT, b"same")), (0.001, answer(PORT, b"same"))],
        ["udp/28524 1 > 2: replied, datagram, weak, 1000 us"],
    ),
    Talk(
        "what follows is counted, not listed",
        [
            (0, ask(PORT, b"1")),
            (0.001, answer(PORT, b"2")),
            (0.1, ask(PORT, b"3")),
            (0.2, answer(PORT, b"4")),
            (30, ask(PORT, b"5")),
        ],
        ["udp/28524 1 > 2: replied, datagram, weak, 1000 us"],
    ),
    Talk(
        "an answer may come late, as long as the five-tuple is not idle",
        [(0, ask(PORT, b"1")), (50, ask(PORT, b"2")), (100, answer(PORT, b"3"))],
        ["udp/28524 1 > 3: replied, datagram, weak, no rtt"],
    ),
    Talk(
        "after a minute of silence it begins anew",
        [
            (0, ask(PORT, b"1")),
            (0.001, answer(PORT, b"2")),
            (60.002, ask(PORT, b"3")),
            (60.003, answer(PORT, b"4")),
        ],
        [
            "udp/28524 1 > 2: replied, datagram, weak, 1000 us",
            "udp/28524 3 > 4: replied, datagram, weak, 1000 us",
        ],
    ),
    Talk(
        "either side keeps it alive",
        [(0, ask(PORT, b"1")), (0.001, answer(PORT, b"2")), (50, answer(PORT, b"3")), (100, ask(PORT, b"4"))],
        ["udp/28524 1 > 2: replied, datagram, weak, 1000 us"],
    ),
    Talk(
        "another port is another exchange",
        [(0, ask(PORT, b"1")), (0.1, ask(PORT, b"1", sport=50001)), (0.2, answer(PORT, b"2"))],
        ["udp/28524 1 > 3: replied, datagram, weak, 200000 us", "udp/28524 2 > -: silent, datagram"],
    ),
    Talk(
        "sent again within the window and unanswered it is a retransmission",
        [(0, ask(PORT, b"1")), (1, ask(PORT, b"1", ident=2)), (2, ask(PORT, b"2")), (2.1, answer(PORT, b"3"))],
        ["udp/28524 1,2 > 4: replied, datagram, weak, 2100000 us"],
    ),
    Talk(
        "from a registered port to an ephemeral one it is mid-flow, until the other end asks",
        [(0, answer(1194, b"1")), (0.1, ask(1194, b"2")), (0.2, answer(1194, b"3"))],
        ["udp/1194 - > 1: indeterminate, mid-flow", "udp/1194 2 > 3: replied, datagram, weak, 100000 us"],
    ),
    Talk(
        "from a registered port to one that is neither it is a request (a scanner's)",
        [(0, ask(PORT, b"1", sport=53)), (0.1, answer(PORT, b"2", sport=53))],
        ["udp/28524 1 > 2: replied, datagram, weak, 100000 us"],
    ),
    Talk(
        "between two registered ports it is a request",
        [(0, ask(1701, b"1", sport=1701)), (0.1, answer(1701, b"2", sport=1701))],
        ["udp/1701 1 > 2: replied, datagram of a tunnel, weak, 100000 us"],
    ),
    Talk(
        "what comes back behind the window of the first, when others were sent meanwhile, tells no round trip of it",
        [*((20 * n, ask(PORT, b"alive%d" % n, ident=n + 1)) for n in range(3)), (43.9, answer(PORT, b"2"))],
        ["udp/28524 1 > 4: replied, datagram, weak, no rtt"],
    ),
    Talk(
        "a slow answer to the one datagram does",
        [(0, ask(PORT, b"1")), (9, answer(PORT, b"2"))],
        ["udp/28524 1 > 2: replied, datagram, weak, 9000000 us"],
    ),
    Talk(
        "a closed port rejects it",
        [(0, ask(PORT, b"1")), (0.001, refuse(ask(PORT, b"1")))],
        ["udp/28524 1 > 2: rejected, port unreachable, weak, 1000 us"],
    ),
    Talk(
        "a reply outranks the rejection before it",
        [(0, ask(PORT, b"1")), (0.001, refuse(ask(PORT, b"1"))), (0.1, answer(PORT, b"2"))],
        ["udp/28524 1 > 2,3: replied, datagram, weak, 100000 us"],
    ),
    Talk(
        "an empty datagram asks and answers like any other",
        [(0, ask(PORT, b"")), (0.001, answer(PORT, b""))],
        ["udp/28524 1 > 2: replied, empty datagram, weak, 1000 us"],
    ),
    Talk(
        "routes that are told to a group are announced",
        [(0, datagram(TARGET, 520, "224.0.0.9", 520, SAMPLES["RIP response"]))],
        ["udp/520 - > 1: unsolicited, RIP response"],
    ),
    Talk(
        "routes that a group is asked for are not",
        [(0, datagram(PEER, 520, "224.0.0.9", 520, b"\1\2" + bytes(22)))],
        ["udp/520 1 > -: silent, datagram"],
    ),
    Talk(
        "a group is answered by whoever likes, from the port that was asked",
        [
            (0, datagram(PEER, 50000, "192.0.2.255", PORT, b"1")),
            (0.1, answer(PORT, b"2")),
            (0.2, datagram("192.0.2.11", PORT, PEER, 50000, b"3")),
        ],
        [
            "udp/28524 1 > 2 at 192.0.2.10:28524: replied, datagram, weak, 100000 us",
            "udp/28524 1 > 3 at 192.0.2.11:28524: replied, datagram, weak, 200000 us",
        ],
    ),
    Talk(
        "from another port something came back",
        [(0, ask(PORT, b"1")), (0.1, answer(PORT + 1, b"2"))],
        ["udp/28524 1 > 2: indeterminate, something came back from another port, weak, no rtt"],
    ),
    Talk(
        "a service that never answers announces to a group",
        [(0, datagram(TARGET, 514, "192.0.2.255", 514, b"browse"))],
        ["udp/514 - > 1: unsolicited, datagram"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_of_a_group_each_hosts_octets_are_counted_by_themselves(tmp_path: Path) -> None:
    frames = [
        (0.0, datagram(PEER, 50000, "192.0.2.255", PORT, b"1")),
        (0.1, answer(PORT, bytes(10))),
        (0.2, datagram("192.0.2.11", PORT, PEER, 50000, bytes(20))),
        (0.3, datagram("192.0.2.11", PORT, PEER, 50000, bytes(30))),
    ]
    pairing, _ = captured(tmp_path, frames)
    octets = {pair.exchange.server: pair.exchange.reply_octets for pair in pairing.done}
    assert octets == {TARGET: 10, "192.0.2.11": 50}


def test_octets_of_all_replies_are_counted(tmp_path: Path) -> None:
    frames = [
        (0.0, ask(PORT, b"12")),
        (0.1, answer(PORT, b"123")),
        (0.2, answer(PORT, b"1234")),
        (0.3, ask(PORT, b"12345")),
        (0.4, answer(PORT, b"123456")),
    ]
    (pair,) = captured(tmp_path, frames)[0].done
    assert (pair.exchange.request_octets, pair.exchange.reply_octets) == (2, 3 + 4 + 6)
