"""CoAP: token and message ID."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import coap
from tests.build import PEER, datagram
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

COAP = 5683
CON, NON, ACK, RST = range(4)
GET, CONTENT, NOT_FOUND = 0x01, 0x45, 0x84
DIRECTORY = b'</>;title="General Info";ct=0,</time>;if="clock";rt="ticks"'


def message(kind: int, code: int, ident: int, token: bytes = b"", rest: bytes = b"") -> bytes:
    """RFC 7252 figure 7."""
    return struct.pack(">BBH", 1 << 6 | kind << 4 | len(token), code, ident) + token + rest


SAMPLES = {
    "request": message(CON, GET, 1, b"t", b"\xbb.well-known\x04core"),
    "ping": message(CON, 0, 1),
    "response": message(ACK, CONTENT, 1, b"t", b"\xc1\x28\xff" + DIRECTORY),
    "error response": message(ACK, NOT_FOUND, 1, b"t"),
    "acknowledgement": message(ACK, 0, 1),
    "reset": message(RST, 0, 1),
}


@pytest.mark.parametrize(
    ("request_", "reply", "answers"),
    [
        (message(CON, GET, 1, b"t"), message(ACK, CONTENT, 1, b"t"), True),
        (message(CON, GET, 1, b"t"), message(ACK, CONTENT, 2, b"t"), False),
        (message(CON, GET, 1, b"t"), message(ACK, 0, 1), True),
        (message(CON, GET, 1, b"t"), message(RST, 0, 1), True),
        (message(CON, GET, 1, b"t"), message(CON, CONTENT, 9, b"t"), True),  # separate
        (message(NON, GET, 1, b"t"), message(NON, CONTENT, 9, b"t"), True),
        (message(NON, GET, 1, b"t"), message(NON, CONTENT, 1, b"u"), False),
        (message(NON, GET, 1, b"tt"), message(NON, NOT_FOUND, 9, b"tt"), True),
        (message(CON, 0, 1), message(RST, 0, 1), True),
        (message(CON, 0, 1), message(RST, 0, 2), False),
    ],
)
def test_what_answers(request_: bytes, reply: bytes, answers: bool) -> None:
    assert hear(coap.PROTOCOL, reply).answers(hear(coap.PROTOCOL, request_)) == answers


@pytest.mark.parametrize(
    "payload",
    [
        b"\x80\1\0\1",  # version 2
        b"\x49\1\0\1" + bytes(9),  # a token of nine octets
        b"\x44\1\0\1",  # without its token
        b"\x40\x20\0\1",  # class 1
        b"\x40\x08\0\1",  # a method that there is not
        b"\x50\0\0\1",  # a ping that needs no answer
        b"\x40\1\0",
        b"\x41\0\0\1x",
    ],
)
def test_what_is_no_such_message(payload: bytes) -> None:
    assert hear(coap.PROTOCOL, payload).role == "malformed"


TALKS = [
    Talk(
        "a response travels in the acknowledgement",
        [
            (0, ask(COAP, message(CON, GET, 1, b"t"))),
            (0.1, ask(COAP, message(CON, GET, 2, b"u"))),
            (0.2, answer(COAP, message(ACK, CONTENT, 1, b"t"))),
        ],
        ["coap 1 > 3: replied, response, 200000 us", "coap 2 > -: silent, request"],
    ),
    Talk(
        "or on its own, after an empty one",
        [
            (0, ask(COAP, message(CON, GET, 1, b"t"))),
            (0.1, answer(COAP, message(ACK, 0, 1))),
            (4, answer(COAP, message(CON, CONTENT, 77, b"t"))),
        ],
        ["coap 1 > 2,3: replied, acknowledgement, 100000 us"],
    ),
    Talk(
        "a ping is answered by a reset",
        [(0, ask(COAP, message(CON, 0, 1))), (0.1, answer(COAP, message(RST, 0, 1)))],
        ["coap 1 > 2: replied, reset, 100000 us"],
    ),
    Talk(
        "the group is asked, a server responds with the token",
        [
            (0, datagram(PEER, 50000, "224.0.1.187", COAP, message(NON, GET, 1, b"t"))),
            (0.1, answer(COAP, message(NON, CONTENT, 9, b"t"))),
        ],
        ["coap 1 > 2 at 192.0.2.10:5683: replied, response, 100000 us"],
    ),
    Talk(
        "a request is sent again, as it was",
        [
            (0, ask(COAP, message(CON, GET, 1, b"t"))),
            (2.5, ask(COAP, message(CON, GET, 1, b"t"), ident=2)),
            (2.6, answer(COAP, message(ACK, NOT_FOUND, 1, b"t"))),
        ],
        ["coap 1,2 > 3: replied, error response, 2600000 us"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
