"""TFTP: the answer to a request comes from a port chosen for it, RFC 1350 section 4."""

from pathlib import Path

import pytest

from capanalyze.protocols import tftp
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, each, heard, refuse
from tests.protocols import hear

TFTP = 69
READ, WRITE = (bytes([0, opcode]) + b"boot\0octet\0" for opcode in (1, 2))
DATA, ACK, ERROR = b"\0\3\0\1" + bytes(512), b"\0\4\0\0", b"\0\5\0\1no such file\0"
NEXT, OPTIONS = b"\0\4\0\1", b"\0\6tsize\x0042\0"
TRANSFER = 40001  # the port that the server chose

LATER = b"\0\3\0\2" + b"data"
SAMPLES = {"read request": READ, "write request": WRITE, "first packet": DATA, "error": ERROR, "later packet": LATER}


@pytest.mark.parametrize(
    ("payload", "size", "kind"),
    [
        (b"\0", 1, "malformed message"),
        (b"\0", 20, "cut message"),
        (b"\0\7\0\0", 4, "malformed message"),
        (b"\0\3\0", 3, "malformed message"),
        (b"\0\3\0", 516, "cut message"),
    ],
)
def test_what_is_no_such_message(payload: bytes, size: int, kind: str) -> None:
    one = hear(tftp.PROTOCOL, payload, size)
    assert (one.role, one.kind) == ("malformed", kind)


def sent(payload: bytes, *, source: str = TARGET, sport: int = TRANSFER) -> bytes:
    return datagram(source, sport, PEER, 50000, payload)


TALKS = [
    *(
        Talk(
            f"{name} comes from a port of its own",
            [(0, ask(TFTP, request)), (0.1, sent(first))],
            [f"tftp 1 > 2 at 192.0.2.10:40001: replied, {kind}, port changed, weak, 100000 us"],
        )
        for name, request, first, kind in (
            ("data", READ, DATA, "first packet"),
            ("an acknowledgment", WRITE, ACK, "first packet"),
            ("an error", READ, ERROR, "error"),
        )
    ),
    Talk(
        "what follows on that port belongs to the transfer",
        [
            (0, ask(TFTP, READ)),
            (0.1, sent(DATA)),
            (0.2, datagram(PEER, 50000, TARGET, TRANSFER, NEXT)),
            (0.3, sent(DATA + b"x")),
        ],
        ["tftp 1 > 2 at 192.0.2.10:40001: replied, first packet, port changed, weak, 100000 us"],
    ),
    Talk(
        "the first packet of another host to the port that asked answers",
        [(0, ask(TFTP, READ)), (0.1, sent(DATA, source="192.0.2.11"))],
        ["tftp 1 > 2 at 192.0.2.11:40001: replied, first packet, address changed, weak, 100000 us"],
    ),
    Talk(
        "an answer from the port that was asked is one too",
        [(0, ask(TFTP, READ)), (0.1, answer(TFTP, ERROR))],
        ["tftp 1 > 2: replied, error, weak, 100000 us"],
    ),
    Talk(
        "a whole transfer may stay on that port",
        [
            (0, ask(TFTP, READ)),
            (0.1, answer(TFTP, DATA)),
            (0.2, ask(TFTP, NEXT)),
            (0.3, answer(TFTP, b"\0\3\0\2x")),
            (1, ask(TFTP, WRITE)),
            (1.1, answer(TFTP, OPTIONS)),
        ],
        [
            "tftp 1 > 2: replied, first packet, weak, 100000 us",
            "tftp 5 > 6: replied, first packet, weak, 100000 us",
        ],
    ),
    Talk(
        "a client that waits for two answers leaves open which one this is",
        [
            (0, ask(TFTP, READ)),
            (0.1, ask(TFTP, WRITE)),
            (0.2, sent(DATA)),
        ],
        [
            "tftp 1 > -: silent, read request",
            "tftp 2 > -: silent, write request",
            "udp/50000 3 > -: silent, datagram",
        ],
    ),
    Talk(
        "a transfer can be refused",
        [(0, ask(TFTP, READ)), (0.1, refuse(ask(TFTP, READ)))],
        ["tftp 1 > 2: rejected, port unreachable, weak, 100000 us"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
