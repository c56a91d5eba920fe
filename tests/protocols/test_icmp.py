"""ICMP that asks and answers, RFC 792 and RFC 4443; and the errors that reject requests of other services."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import icmp
from tests.build import PEER, TARGET, icmp_error, packet
from tests.build import icmp as message
from tests.build import ntp as ntp_message
from tests.conversations import Talk, answer, ask, each, heard, refuse
from tests.protocols import hear

ECHO, ECHO_REPLY, TIMESTAMP, TIMESTAMP_REPLY = 8, 0, 13, 14
ECHO_V6, ECHO_REPLY_V6 = 128, 129
UNREACHABLE, UNREACHABLE_V6 = 3, 1
PEER_V6, TARGET_V6 = "2001:db8::7", "2001:db8::10"
NTP = 123


def ident(number: int, sequence: int) -> bytes:
    return struct.pack(">2H", number, sequence)


def echo(kind: int = ECHO, number: int = 7, sequence: int = 1) -> bytes:
    return message(kind, 0, ident(number, sequence), b"abcdefgh")


SAMPLES = {
    "echo request": echo(),
    "echo reply": echo(ECHO_REPLY),
    "timestamp, information or mask request": message(TIMESTAMP, 0, ident(7, 1), bytes(12)),
    "timestamp, information or mask reply": message(TIMESTAMP_REPLY, 0, ident(7, 1), bytes(12)),
}
REPLY_TO = {8: 0, 13: 14, 15: 16, 17: 18, 128: 129}


@pytest.mark.parametrize(("asked", "replied"), REPLY_TO.items())
def test_each_request_has_its_own_reply(asked: int, replied: int) -> None:
    for kind, reply_kind in REPLY_TO.items():
        reply = hear(icmp.PROTOCOL, echo(reply_kind))
        assert reply.answers(hear(icmp.PROTOCOL, echo(asked))) is (reply_kind == replied), kind


@pytest.mark.parametrize(("number", "sequence"), [(7, 2), (8, 1), (1, 7), (2, 1), (7, 1 ^ 8 ^ 13)])
def test_identifier_and_sequence_number_decide(number: int, sequence: int) -> None:
    for asked, replied in REPLY_TO.items():
        for kind in REPLY_TO.values():
            if (kind, number, sequence) != (replied, 7, 1):
                reply = hear(icmp.PROTOCOL, echo(kind, number, sequence))
                assert not reply.answers(hear(icmp.PROTOCOL, echo(asked)))


@pytest.mark.parametrize("kind", [3, 4, 5, 9, 10, 11, 12, 133, 134, 135, 136, 137])
def test_other_types_neither_ask_nor_answer(kind: int) -> None:
    assert hear(icmp.PROTOCOL, echo(kind)).role == "other"


@pytest.mark.parametrize("kind", [TIMESTAMP, 15, 17, ECHO])
def test_a_host_need_not_answer_but_an_echo(kind: int) -> None:
    """RFC 1122 sections 3.2.2.6 to 3.2.2.9."""
    heard = hear(icmp.PROTOCOL, message(kind, 0, ident(7, 1), bytes(12)))
    assert ("unanswerable" in heard.flags) == (kind != ECHO)


def ping(payload: bytes) -> bytes:
    return packet(PEER, TARGET, 1, payload)


def pong(payload: bytes, source: str = TARGET) -> bytes:
    return packet(source, PEER, 1, payload)


ECHOES = [
    Talk(
        "an echo reply has identifier and sequence number of its request",
        [
            (0, ping(echo(sequence=1))),
            (0.1, ping(echo(sequence=2))),
            (0.2, pong(echo(ECHO_REPLY, sequence=1))),
        ],
        ["icmp 1 > 3: replied, echo reply, 200000 us", "icmp 2 > -: silent, echo request"],
    ),
    Talk(
        "over IPv6 alike",
        [
            (0, packet(PEER_V6, TARGET_V6, 58, echo(ECHO_V6))),
            (0.1, packet(TARGET_V6, PEER_V6, 58, echo(ECHO_REPLY_V6))),
        ],
        ["icmp 1 > 2: replied, echo reply, 100000 us"],
    ),
    Talk(
        "one version's types mean nothing in the other",
        [(0, packet(PEER_V6, TARGET_V6, 58, echo())), (0.1, ping(echo(ECHO_V6)))],
        [],
    ),
    Talk(
        "a timestamp is asked and told",
        [
            (0, ping(message(TIMESTAMP, 0, ident(7, 1), bytes(12)))),
            (0.1, pong(message(TIMESTAMP_REPLY, 0, ident(7, 1), bytes(12)))),
        ],
        ["icmp 1 > 2: replied, timestamp, information or mask reply, 100000 us"],
    ),
    Talk(
        "a broadcast is answered by whoever likes",
        [
            (0, packet(PEER, "192.0.2.255", 1, echo())),
            (0.1, pong(echo(ECHO_REPLY))),
            (0.2, pong(echo(ECHO_REPLY), "192.0.2.11")),
        ],
        [
            "icmp 1 > 2 at 192.0.2.10: replied, echo reply, 100000 us",
            "icmp 1 > 3 at 192.0.2.11: replied, echo reply, 200000 us",
        ],
    ),
    Talk(
        "a second reply belongs to the first's exchange",
        [(0, ping(echo())), (0.1, pong(echo(ECHO_REPLY))), (0.2, pong(echo(ECHO_REPLY)))],
        ["icmp 1 > 2,3: replied, echo reply, 100000 us"],
    ),
    Talk(
        "a reply without request is none",
        [(0, pong(echo(ECHO_REPLY)))],
        ["icmp - > 1: indeterminate, request not captured"],
    ),
    Talk(
        "an echo request can be refused",
        [(0, ping(echo())), (0.1, refuse(ping(echo()), code=10))],
        ["icmp 1 > 2: rejected, host administratively prohibited, by a filter, 100000 us"],
    ),
]

REQUEST = ask(NTP, ntp_message(transmit=1))
REPLY = answer(NTP, ntp_message(4, origin=1))
REQUEST_V6 = packet(PEER_V6, TARGET_V6, 17, REQUEST[20:])
REPLY_V6 = packet(TARGET_V6, PEER_V6, 17, REPLY[20:])
SILENT = ["ntp 1 > -: silent, client request"]
WORDS = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    5: "destination unreachable, code 5",
    9: "network administratively prohibited, by a filter",
    10: "host administratively prohibited, by a filter",
    13: "communication administratively prohibited, by a filter",
}
WORDS_V6 = {
    0: "no route",
    1: "administratively prohibited, by a filter",
    2: "destination unreachable, code 2",
    3: "address unreachable",
    4: "port unreachable",
    5: "failed ingress/egress policy, by a filter",
    6: "reject route, by a filter",
}

ERRORS = [
    *(
        Talk(
            f"type 3 code {code} rejects",
            [(0, REQUEST), (0.001, icmp_error(REQUEST, UNREACHABLE, code))],
            [f"ntp 1 > 2: rejected, {words}, 1000 us"],
        )
        for code, words in WORDS.items()
    ),
    *(
        Talk(
            f"ICMPv6 type 1 code {code} rejects",
            [(0, REQUEST_V6), (0.001, icmp_error(REQUEST_V6, UNREACHABLE_V6, code))],
            [f"ntp 1 > 2: rejected, {words}, 1000 us"],
        )
        for code, words in WORDS_V6.items()
    ),
    Talk(
        "fragmentation needed does not reject",
        [(0, REQUEST), (0.001, icmp_error(REQUEST, UNREACHABLE, 4))],
        SILENT,
    ),
    *(
        Talk(f"type {kind} does not reject", [(0, REQUEST), (0.001, icmp_error(REQUEST, kind, 0))], SILENT)
        for kind in (4, 11, 12)
    ),
    *(
        Talk(f"ICMPv6 type {kind} does not reject", [(0, REQUEST_V6), (0.001, icmp_error(REQUEST_V6, kind, 0))], SILENT)
        for kind in (2, 3, 4)
    ),
    *(
        Talk(
            f"a quote of {octets} octets is enough",
            [(0, REQUEST), (0.001, refuse(REQUEST, octets=octets))],
            ["ntp 1 > 2: rejected, port unreachable, 1000 us"],
        )
        for octets in (8, 9, 30, 55, 56)
    ),
    Talk(
        "where the quote holds the key, it tells which request was rejected",
        [
            (0, REQUEST),
            (0.1, ask(NTP, ntp_message(transmit=2))),
            (0.2, refuse(REQUEST)),
        ],
        ["ntp 1 > 3: rejected, port unreachable, 200000 us", "ntp 2 > -: silent, client request"],
    ),
    Talk(
        "where it does not, the identification of the packet tells",
        [
            (0, ask(NTP, ntp_message(transmit=1), ident=7)),
            (0.1, ask(NTP, ntp_message(transmit=2), ident=8)),
            (0.2, refuse(ask(NTP, ntp_message(transmit=2), ident=8), octets=8)),
        ],
        ["ntp 1 > -: silent, client request", "ntp 2 > 3: rejected, port unreachable, 100000 us"],
    ),
    Talk(
        "where the packet has none, the order does",
        [
            (0, ask(NTP, ntp_message(transmit=1), ident=0)),
            (0.1, ask(NTP, ntp_message(transmit=2), ident=0)),
            (0.2, refuse(ask(NTP, ntp_message(transmit=1), ident=0), octets=8)),
            (0.3, refuse(ask(NTP, ntp_message(transmit=2), ident=0), octets=8)),
        ],
        ["ntp 1 > 3: rejected, port unreachable, 200000 us", "ntp 2 > 4: rejected, port unreachable, 200000 us"],
    ),
    Talk(
        "an error about a reply is no rejection",
        [
            (0, REQUEST),
            (0.1, REPLY),
            (0.2, icmp_error(REPLY, UNREACHABLE, 3)),
        ],
        ["ntp 1 > 2: replied, server reply, 100000 us"],
    ),
    Talk(
        "the target's error about a late reply to its own request is none either",
        [
            (0, answer(NTP, ntp_message(transmit=1), sport=NTP)),
            (1, ask(NTP, ntp_message(4, origin=1), sport=NTP)),
            (1.1, refuse(ask(NTP, ntp_message(4, origin=1), sport=NTP))),
        ],
        ["ntp 1 > 2: replied, server reply, 1000000 us"],
    ),
    Talk(
        "a router's error does not reject",
        [(0, REQUEST), (0.001, icmp_error(REQUEST, UNREACHABLE, 1, sender="192.0.2.1"))],
        SILENT,
    ),
    Talk(
        "an error about a request that was not captured is none of another's",
        [(0, REQUEST), (0.001, refuse(ask(NTP, ntp_message(transmit=1), sport=50001)))],
        SILENT,
    ),
    Talk(
        "a reply outranks a rejection before it",
        [(0, REQUEST), (0.1, refuse(REQUEST)), (0.2, REPLY)],
        ["ntp 1 > 2,3: replied, server reply, 200000 us"],
    ),
    Talk(
        "and a rejection behind it",
        [(0, REQUEST), (0.1, REPLY), (0.2, refuse(REQUEST))],
        ["ntp 1 > 2: replied, server reply, 100000 us"],
    ),
    Talk(
        "a rejection may be late, but not as late as that",
        [(0, REQUEST), (3.1, refuse(REQUEST)), (40, REQUEST), (70.1, refuse(REQUEST))],
        ["ntp 1 > 2: rejected, port unreachable, 3100000 us", "ntp 3 > -: silent, client request"],
    ),
    Talk(
        "an empty datagram can be refused",
        [(0, ask(NTP, b"")), (0.1, refuse(ask(NTP, b"")))],
        ["ntp 1 > 2: rejected, port unreachable, weak, 100000 us"],
    ),
    Talk(
        "an error about an error is nothing",
        [(0, REQUEST), (0.1, refuse(refuse(REQUEST)))],
        SILENT,
    ),
]


@each(*ECHOES, *ERRORS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
