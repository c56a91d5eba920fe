"""TCP: who answers a SYN acknowledges its sequence number plus one, RFC 9293 section 3.5."""

from pathlib import Path

import pytest

from capanalyze.protocols import tcp
from tests.build import PEER, TARGET, icmp_error, segment
from tests.build import tcp as header
from tests.conversations import Talk, each, heard, refuse
from tests.protocols import hear

SSH = 22
LAST = 0xFFFFFFFF
ECE, CWR = 0x40, 0x80

SAMPLES = {
    "SYN": header(50000, SSH, "S", seq=100),
    "SYN/ACK": header(SSH, 50000, "SA", seq=900, ack=101),
    "RST": header(SSH, 50000, "RA", ack=101),
    "FIN": header(SSH, 50000, "FA", seq=901, ack=101),
}


def with_flags(octets: bytes, more: int) -> bytes:
    return octets[:13] + bytes([octets[13] | more]) + octets[14:]


@pytest.mark.parametrize("sequence", [0, 1, 0x7FFFFFFF, LAST])
@pytest.mark.parametrize("flags", ["SA", "RA"])
def test_the_answer_acknowledges_the_sequence_number_plus_one(sequence: int, flags: str) -> None:
    request = hear(tcp.PROTOCOL, header(50000, SSH, "S", seq=sequence))
    assert hear(tcp.PROTOCOL, header(SSH, 50000, flags, ack=(sequence + 1) & LAST)).keys == request.keys
    assert hear(tcp.PROTOCOL, header(SSH, 50000, flags, ack=sequence)).keys != request.keys


@pytest.mark.parametrize(
    ("octets", "role"),
    [
        (header(1, 2, "S"), "request"),
        (with_flags(header(1, 2, "S"), ECE | CWR), "request"),
        (with_flags(header(1, 2, "SA"), ECE), "reply"),
        (header(1, 2, "SF"), "other"),
        (header(1, 2, "SR"), "reset"),
        (header(1, 2, "R"), "reset"),
        (header(1, 2, "RA"), "reset"),
        (header(1, 2, "A"), "acknowledgment"),
        (header(1, 2, ""), "other"),
        (header(1, 2, "A", payload=b"x"), "spoke"),
        (header(1, 2, "FA"), "spoke"),
        (header(1, 2, "F"), "spoke"),
        (header(1, 2, "S", payload=b"fast open"), "request"),
    ],
)
def test_the_flags_tell(octets: bytes, role: str) -> None:
    assert hear(tcp.PROTOCOL, octets).role == role


def test_options_are_no_data() -> None:
    acknowledgment = header(1, 2, "A", payload=bytes(12))
    with_options = acknowledgment[:12] + bytes([8 << 4]) + acknowledgment[13:]
    assert hear(tcp.PROTOCOL, with_options).role == "acknowledgment"
    assert hear(tcp.PROTOCOL, with_options + b"x").role == "spoke"


@pytest.mark.parametrize(("ack", "answers"), [(101, True), (104, True), (103, False), (100, False)])
def test_data_that_came_with_a_syn_may_be_acknowledged_too(ack: int, answers: bool) -> None:
    """TCP Fast Open, RFC 7413."""
    request = hear(tcp.PROTOCOL, header(50000, SSH, "S", seq=100, payload=b"abc"))
    assert hear(tcp.PROTOCOL, header(SSH, 50000, "SA", ack=ack)).answers(request) is answers


def test_a_quote_may_end_behind_the_sequence_number() -> None:
    whole = header(50000, SSH, "S", seq=100)
    assert hear(tcp.PROTOCOL, whole[:8], len(whole)) == hear(tcp.PROTOCOL, whole)


def client(
    flags: str, *, seq: int = 101, ack: int = 901, data: bytes = b"", sport: int = 50000, ident: int = 1
) -> bytes:
    return segment(PEER, sport, TARGET, SSH, flags, seq=seq, ack=ack, payload=data, ident=ident)


def server(
    flags: str, *, seq: int = 901, ack: int = 101, data: bytes = b"", source: str = TARGET, ident: int = 1
) -> bytes:
    return segment(source, SSH, PEER, 50000, flags, seq=seq, ack=ack, payload=data, ident=ident)


SYN = client("S", seq=100, ack=0)
SYN_ACK = server("SA", seq=900)
RESET = server("RA", seq=0)
HANDSHAKE = [(0.0, SYN), (0.001, SYN_ACK), (0.002, client("A"))]
ACCEPTED = "tcp/22 1 > 2: replied, SYN/ACK, 1000 us"

TALKS = [
    Talk("SYN/ACK is a reply", HANDSHAKE, [ACCEPTED]),
    Talk("RST rejects", [(0, SYN), (0.001, RESET)], ["tcp/22 1 > 2: rejected, RST, 1000 us"]),
    Talk(
        "RST without an acknowledgment rejects too",
        [(0, SYN), (0.001, server("R"))],
        ["tcp/22 1 > 2: rejected, RST, 1000 us"],
    ),
    Talk(
        "a SYN is sent again for about a minute",
        [(time, client("S", seq=100, ack=0, ident=number)) for number, time in enumerate((0, 1, 3, 7, 15, 31, 63))],
        ["tcp/22 1,2,3,4,5,6,7 > -: silent, SYN"],
    ),
    Talk("nothing at all is silence", [(0, SYN)], ["tcp/22 1 > -: silent, SYN"]),
    Talk(
        "a SYN sent again is the same attempt",
        [
            (0, SYN),
            (1, client("S", seq=100, ack=0, ident=2)),
            (3, client("S", seq=100, ack=0, ident=3)),
            (3.1, SYN_ACK),
        ],
        ["tcp/22 1,2,3 > 4: replied, SYN/ACK, 3100000 us"],
    ),
    Talk(
        "another sequence number is another attempt",
        [(0, SYN), (1, client("S", seq=500, ack=0)), (1.1, server("SA", ack=501))],
        ["tcp/22 1 > -: silent, SYN", "tcp/22 2 > 3: replied, SYN/ACK, 100000 us"],
    ),
    Talk(
        "an answer to another sequence number is none, but something answered",
        [(0, SYN), (0.001, server("SA", ack=777))],
        ["tcp/22 1 > 2: indeterminate, something else answered, 1000 us"],
    ),
    Talk(
        "nor does a RST for another one reject",
        [(0, SYN), (0.001, server("RA", ack=777))],
        ["tcp/22 1 > 2: indeterminate, something else answered, 1000 us"],
    ),
    Talk(
        "SYN/ACK without SYN: the request was not captured",
        [(0, SYN_ACK), (0.001, client("A"))],
        ["tcp/22 - > 1: indeterminate, request not captured"],
    ),
    Talk(
        "explicit congestion notification changes nothing",
        [
            (0, SYN[:20] + with_flags(SYN[20:], ECE | CWR)),
            (0.001, SYN_ACK[:20] + with_flags(SYN_ACK[20:], ECE)),
        ],
        [ACCEPTED],
    ),
    Talk(
        "accepted, then reset",
        [*HANDSHAKE, (0.003, server("R"))],
        ["tcp/22 1 > 2,4: rejected, accepted, then reset, 3000 us"],
    ),
    Talk(
        "accepted, then reset later, without a word in between",
        [*HANDSHAKE, (20, server("RA"))],
        ["tcp/22 1 > 2,4: rejected, accepted, then reset, 20000000 us"],
    ),
    Talk(
        "accepted, then closed without a word",
        [*HANDSHAKE, (0.5, server("FA"))],
        ["tcp/22 1 > 2,4: rejected, accepted, then closed without a word, 500000 us"],
    ),
    Talk("a server may close what nobody uses", [*HANDSHAKE, (20, server("FA"))], [ACCEPTED]),
    Talk(
        "or what it or the client has used",
        [*HANDSHAKE, (0.1, server("PA", data=b"220 ")), (0.2, server("FA", seq=905))],
        [ACCEPTED],
    ),
    Talk("and what the client closes", [*HANDSHAKE, (0.1, client("FA")), (0.2, server("FA"))], [ACCEPTED]),
    Talk(
        "a server that said something before its reset did reply",
        [*HANDSHAKE, (0.003, server("PA", data=b"SSH-2.0")), (0.004, server("R"))],
        [ACCEPTED],
    ),
    Talk(
        "a reset behind the client's data ends a connection that was accepted",
        [*HANDSHAKE, (0.003, client("PA", data=b"SSH-2.0")), (0.004, server("R"))],
        [ACCEPTED],
    ),
    Talk(
        "as does one behind the client's close",
        [*HANDSHAKE, (0.003, client("FA")), (0.004, server("R"))],
        [ACCEPTED],
    ),
    Talk(
        "a client's reset after SYN/ACK is a scanner's, and changes nothing",
        [(0, SYN), (0.001, SYN_ACK), (0.002, client("R"))],
        [ACCEPTED],
    ),
    Talk(
        "what the server resets behind that changes nothing either",
        [(0, SYN), (0.001, SYN_ACK), (0.002, client("R")), (0.003, server("R"))],
        [ACCEPTED],
    ),
    Talk(
        "a client that gives up before an answer was still not answered",
        [(0, SYN), (0.001, client("R", seq=101, ack=0))],
        ["tcp/22 1 > -: silent, SYN"],
    ),
    Talk(
        "SYN/ACK sent again belongs to the attempt",
        [(0, SYN), (0.001, SYN_ACK), (1, server("SA", seq=900, ident=2))],
        ["tcp/22 1 > 2,3: replied, SYN/ACK, 1000 us"],
    ),
    Talk(
        "an ICMP error rejects a SYN, even where it quotes but eight octets",
        [(0, SYN), (0.001, refuse(SYN, code=13, octets=8))],
        ["tcp/22 1 > 2: rejected, communication administratively prohibited, by a filter, 1000 us"],
    ),
    Talk(
        "the quoted sequence number tells which",
        [(0, SYN), (0.1, client("S", seq=500, ack=0)), (0.2, refuse(SYN, octets=8))],
        ["tcp/22 1 > 3: rejected, port unreachable, by a filter, 200000 us", "tcp/22 2 > -: silent, SYN"],
    ),
    Talk(
        "an error about a SYN/ACK rejects nothing",
        [(0, SYN), (0.001, SYN_ACK), (0.002, icmp_error(SYN_ACK, 3, 3))],
        [ACCEPTED],
    ),
    Talk(
        "a SYN/ACK from another address of the host names it",
        [(0, SYN), (0.001, server("SA", seq=900, source="192.0.2.11"))],
        ["tcp/22 1 > 2 at 192.0.2.11:22: replied, SYN/ACK, address changed, 1000 us"],
    ),
    Talk(
        "both sides may connect to each other's port",
        [
            (0, segment(PEER, SSH, TARGET, SSH, "S", seq=100)),
            (0.001, segment(TARGET, SSH, PEER, SSH, "S", seq=900)),
            (0.002, segment(TARGET, SSH, PEER, SSH, "SA", seq=900, ack=101)),
            (0.003, segment(PEER, SSH, TARGET, SSH, "SA", seq=100, ack=901)),
        ],
        ["tcp/22 1 > 3: replied, SYN/ACK, 2000 us", "tcp/22 2 > 4: replied, SYN/ACK, 2000 us"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
