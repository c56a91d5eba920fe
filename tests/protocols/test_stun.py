"""STUN: a response has the transaction ID."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import stun
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

STUN = 3478
COOKIE = 0x2112A442
REQUEST, INDICATION, SUCCESS, FAILURE = 0x0000, 0x0010, 0x0100, 0x0110
BINDING, SHARED_SECRET, ALLOCATE = 0x0001, 0x0002, 0x0003


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(group: int, ident: int, body: bytes = b"", method: int = BINDING, cookie: int = COOKIE) -> bytes:
    """RFC 8489 figure 2."""
    return struct.pack(">HHI", group | method, len(body), cookie) + ident.to_bytes(12) + body


SAMPLES = {
    "request": message(REQUEST, 1),
    "success response": message(SUCCESS, 1, attribute(0x8022, b"Coturn-4.6.1")),
    "error response": message(FAILURE, 1, attribute(9, b"\0\0\4\1Unauthorized")),
    "shared secret request": message(REQUEST, 1, method=SHARED_SECRET),
    "indication": message(INDICATION, 1),
    "channel data, media or encrypted data": b"\x40\0\0\4data",
}


@pytest.mark.parametrize("cookie", [COOKIE, 0x11223344])
@pytest.mark.parametrize("method", [BINDING, ALLOCATE])
@pytest.mark.parametrize("group", [SUCCESS, FAILURE])
def test_a_response_has_the_transaction_id(group: int, method: int, cookie: int) -> None:
    request = hear(stun.PROTOCOL, message(REQUEST, 500, b"", method, cookie))
    assert hear(stun.PROTOCOL, message(group, 500, b"", method, cookie)).answers(request)
    assert not hear(stun.PROTOCOL, message(group, 501, b"", method, cookie)).answers(request)
    assert not hear(stun.PROTOCOL, message(group, 500, b"", method, cookie + 1)).answers(request)


@pytest.mark.parametrize(
    ("payload", "role"),
    [
        (message(INDICATION, 1), "flow"),
        (b"\x40\0\0\4data", "flow"),  # channel data
        (b"\x80" + bytes(30), "flow"),  # media
        (b"\x17\xfe\xfd" + bytes(30), "flow"),  # encrypted data
        (b"\x16\xfe\xfd" + bytes(30), "malformed"),  # a handshake
        (b"\xc0" + bytes(30), "malformed"),
        (b"\0\1" + bytes(10), "malformed"),
        (message(REQUEST, 1) + bytes(4), "malformed"),  # its length says otherwise
        (b"\0", "malformed"),
    ],
)
def test_role(payload: bytes, role: str) -> None:
    assert hear(stun.PROTOCOL, payload).role == role


def test_a_shared_secret_request_has_the_transaction_id_too() -> None:
    """Its port decides whether it asks or answers."""
    one = hear(stun.PROTOCOL, message(REQUEST, 500, method=SHARED_SECRET))
    assert (one.role, one.flags) == ("flow", frozenset())
    assert one.keys == hear(stun.PROTOCOL, message(REQUEST, 500)).keys


def test_what_two_hosts_send_that_know_each_other_draws_no_reply() -> None:
    for payload in (message(INDICATION, 1), b"\x40\0\0\4data"):
        one = hear(stun.PROTOCOL, payload)
        assert not one.keys
        assert one.flags == {"weak", "unanswerable"}


TALKS = [
    Talk(
        "two requests from one port",
        [
            (0, ask(STUN, message(REQUEST, 1))),
            (0.1, ask(STUN, message(REQUEST, 2))),
            (0.2, answer(STUN, message(SUCCESS, 1))),
        ],
        ["stun 1 > 3: replied, success response, 200000 us", "stun 2 > -: silent, request"],
    ),
    Talk(
        "an error is a reply",
        [(0, ask(STUN, message(REQUEST, 1, b"", ALLOCATE))), (0.1, answer(STUN, message(FAILURE, 1, b"", ALLOCATE)))],
        ["stun 1 > 2: replied, error response, 100000 us"],
    ),
    Talk(
        "some servers answer by asking for a secret",
        [(0, ask(STUN, message(REQUEST, 1))), (0.1, answer(STUN, message(REQUEST, 1, method=SHARED_SECRET)))],
        ["stun 1 > 2: replied, shared secret request, 100000 us"],
    ),
    Talk("an indication draws nothing", [(0, ask(STUN, message(INDICATION, 1)))], ["stun 1 > -: silent, indication"]),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
