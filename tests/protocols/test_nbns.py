"""NetBIOS name service: which response answers which request, RFC 1002 section 4.2."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import nbns
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

NBNS = 137
NB, NULL, NS, NBSTAT = 0x20, 0x0A, 0x02, 0x21
QUERY, REGISTRATION, RELEASE, WACK, REFRESH = 0, 5, 6, 7, 8
NAME_ERROR = 3
BROADCAST = "192.0.2.255"
ADDRESS = struct.pack(">H4B", 0, 192, 0, 2, 10)  # flags and address of an NB record


def encoded(name: bytes, suffix: int = 0x20) -> bytes:
    """First-level encoding, RFC 1001 section 14.1: a letter for every four bits."""
    padded = b"*".ljust(16, b"\0") if name == b"*" else name.ljust(15) + bytes([suffix])
    letters = bytes(65 + half for octet in padded for half in (octet >> 4, octet & 15))
    return bytes([len(letters)]) + letters + b"\0"


def request(
    ident: int, name: bytes = b"QF98E", kind: int = NB, *, opcode: int = QUERY, broadcast: bool = False
) -> bytes:
    """A question; a claim to a name (opcode 5 and above) brings its record along."""
    claims = opcode != QUERY
    head = struct.pack(">6H", ident, opcode << 11 | broadcast << 4 | 0x100, 1, 0, 0, claims)
    record = b"\xc0\x0c" + struct.pack(">2HIH", NB, 1, 300000, 6) + ADDRESS if claims else b""
    return head + encoded(name) + struct.pack(">2H", kind, 1) + record


def response(
    ident: int, name: bytes = b"QF98E", kind: int = NB, *, opcode: int = QUERY, code: int = 0, data: bytes = ADDRESS
) -> bytes:
    """A record of the name that was asked; the question section is empty."""
    head = struct.pack(">6H", ident, 0x8400 | opcode << 11 | code, 0, 1, 0, 0)
    return head + encoded(name) + struct.pack(">2HIH", kind, 1, 0 if code else 300000, len(data)) + data


def redirect(ident: int, name: bytes = b"QF98E") -> bytes:
    """RFC 1002 section 4.2.15: ask that name server, it stands in the authority section."""
    head = struct.pack(">6H", ident, 0x8000, 0, 0, 1, 0)
    return head + encoded(name) + struct.pack(">2HIH", NS, 1, 0, 2) + b"\xc0\x0c"


SAMPLES = {
    "name query": request(1),
    "node status request": request(1, b"*", NBSTAT),
    "registration, refresh or release": request(1, opcode=REGISTRATION),
    "positive response": response(1),
    "negative response": response(1, kind=NULL, code=NAME_ERROR, data=b""),
    "node status response": response(1, b"*", NBSTAT, data=b"\1" + bytes(64)),
    "wait for acknowledgement": response(1, opcode=WACK),
}


def test_names_are_encoded_as_the_rfc_does() -> None:
    assert encoded(b"QF98E")[1:-1] == b"FBEGDJDIEFCACACACACACACACACACACA"
    assert encoded(b"*")[1:-1] == b"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.mark.parametrize(
    ("reply", "answers"),
    [
        (response(1), True),
        (response(2), False),
        (response(1, b"OTHER"), False),
        (response(1, kind=NULL, code=NAME_ERROR, data=b""), True),
        (redirect(1), True),
        (response(1)[:12], True),  # no name that could differ
        (struct.pack(">6H", 1, 0x8483, 0, 0, 0, 0), True),
    ],
)
def test_id_and_name_decide(reply: bytes, answers: bool) -> None:
    assert hear(nbns.PROTOCOL, reply).answers(hear(nbns.PROTOCOL, request(1))) is answers


@pytest.mark.parametrize("opcode", [REGISTRATION, RELEASE, REFRESH, 9, 15])
def test_who_claims_a_name_may_only_announce_it(opcode: int) -> None:
    claim = hear(nbns.PROTOCOL, request(1, opcode=opcode))
    assert (claim.kind, claim.flags) == ("registration, refresh or release", frozenset({"announces", "unanswerable"}))


@pytest.mark.parametrize(
    ("payload", "size", "role", "kind"),
    [
        (request(1)[:11], 11, "malformed", "malformed message"),
        (struct.pack(">6H", 1, 0x0110, 0, 0, 0, 0) + encoded(b"QF98E"), 46, "malformed", "malformed message"),
        (request(1)[:5] + b"\2" + request(1)[6:], 50, "malformed", "malformed message"),  # two questions
        (request(1)[:20], 20, "request", "malformed message"),
        (request(1)[:20], 50, "request", "name query"),
    ],
)
def test_what_does_not_parse(payload: bytes, size: int, role: str, kind: str) -> None:
    one = hear(nbns.PROTOCOL, payload, size)
    assert (one.role, one.kind) == (role, kind)


def test_a_malformed_message_has_no_key() -> None:
    assert hear(nbns.PROTOCOL, struct.pack(">6H", 1, 0x0110, 0, 0, 0, 0) + encoded(b"QF98E")).keys == ()


TALKS = [
    Talk(
        "a positive response has the id and the name of the query",
        [(0, ask(NBNS, request(1))), (0.001, answer(NBNS, response(1)))],
        ["nbns 1 > 2: replied, positive response, 1000 us"],
    ),
    Talk(
        "a negative response is a reply",
        [(0, ask(NBNS, request(1))), (0.001, answer(NBNS, response(1, kind=NULL, code=NAME_ERROR, data=b"")))],
        ["nbns 1 > 2: replied, negative response, 1000 us"],
    ),
    Talk(
        "a redirect is a reply",
        [(0, ask(NBNS, request(1))), (0.001, answer(NBNS, redirect(1)))],
        ["nbns 1 > 2: replied, positive response, 1000 us"],
    ),
    Talk(
        "a node status response answers a node status request",
        [
            (0, ask(NBNS, request(1, b"*", NBSTAT), sport=NBNS)),
            (0.001, answer(NBNS, response(1, b"*", NBSTAT, data=b"\1" + bytes(64)), sport=NBNS)),
        ],
        ["nbns 1 > 2: replied, node status response, 1000 us"],
    ),
    Talk(
        "another name under the same id is no answer",
        [(0, ask(NBNS, request(1))), (0.001, answer(NBNS, response(1, b"OTHER")))],
        ["nbns 1 > -: silent, name query", "nbns - > 2: indeterminate, request not captured"],
    ),
    Talk(
        "of two names asked under one id each gets its own answer",
        [
            (0, ask(NBNS, request(1))),
            (0.1, ask(NBNS, request(1, b"OTHER"))),
            (0.2, answer(NBNS, response(1))),
            (0.3, answer(NBNS, response(1, b"OTHER"))),
        ],
        ["nbns 1 > 3: replied, positive response, 200000 us", "nbns 2 > 4: replied, positive response, 200000 us"],
    ),
    Talk(
        "a scanner repeats its id: the oldest unanswered request comes first, and the pairing is weak",
        [
            (0, ask(NBNS, request(0x80F0, b"*", NBSTAT))),
            (1, ask(NBNS, request(0x80F0, b"*", NBSTAT, broadcast=True))),
            (1.1, answer(NBNS, response(0x80F0, b"*", NBSTAT))),
            (1.2, answer(NBNS, response(0x80F0, b"*", NBSTAT), ident=2)),
        ],
        [
            "nbns 1 > 3: replied, node status response, weak, 1100000 us",
            "nbns 2 > 4: replied, node status response, 200000 us",
        ],
    ),
    Talk(
        "the same id of another client is another request",
        [
            (0, ask(NBNS, request(1), sport=1000)),
            (0.1, ask(NBNS, request(1), sport=1001)),
            (0.2, answer(NBNS, response(1), sport=1000)),
        ],
        ["nbns 1 > 3: replied, positive response, 200000 us", "nbns 2 > -: silent, name query"],
    ),
    Talk(
        "who is told to wait gets the answer later than others",
        [
            (0, ask(NBNS, request(1, opcode=REGISTRATION))),
            (4, answer(NBNS, response(1, opcode=WACK))),
            (8, answer(NBNS, response(1, opcode=REGISTRATION))),
        ],
        ["nbns 1 > 2,3: replied, wait for acknowledgement, 4000000 us"],
    ),
    Talk(
        "without that, an answer after five seconds is late",
        [(0, ask(NBNS, request(1))), (5.1, answer(NBNS, response(1)))],
        ["nbns 1 > 2: replied, positive response, late, 5100000 us"],
    ),
    Talk(
        "a registration by broadcast that nobody defends against is an announcement",
        [(0, datagram(TARGET, NBNS, BROADCAST, NBNS, request(1, opcode=REGISTRATION, broadcast=True)))],
        ["nbns - > 1: unsolicited, registration, refresh or release"],
    ),
    Talk(
        "sent again, it is the same announcement",
        [
            (0.25 * number, datagram(TARGET, NBNS, BROADCAST, NBNS, request(1, opcode=REGISTRATION, broadcast=True)))
            for number in range(3)
        ],
        ["nbns - > 1,2,3: unsolicited, registration, refresh or release"],
    ),
    Talk(
        "a registration that is defended against is a request",
        [
            (0, datagram(PEER, NBNS, BROADCAST, NBNS, request(1, opcode=REGISTRATION, broadcast=True))),
            (0.001, answer(NBNS, response(1, opcode=REGISTRATION, code=6), sport=NBNS)),
        ],
        ["nbns 1 > 2 at 192.0.2.10:137: replied, negative response, 1000 us"],
    ),
    Talk(
        "an unanswered registration at a name server is a request",
        [(0, ask(NBNS, request(1, opcode=REGISTRATION)))],
        ["nbns 1 > -: silent, registration, refresh or release"],
    ),
    Talk(
        "two hosts that answer a broadcast make two exchanges",
        [
            (0, datagram(PEER, NBNS, BROADCAST, NBNS, request(1, broadcast=True))),
            (0.001, answer(NBNS, response(1), sport=NBNS)),
            (0.002, datagram("192.0.2.11", NBNS, PEER, NBNS, response(1))),
            (0.003, datagram("192.0.2.11", NBNS, PEER, NBNS, response(1, data=ADDRESS + ADDRESS))),
        ],
        [
            "nbns 1 > 2 at 192.0.2.10:137: replied, positive response, 1000 us",
            "nbns 1 > 3,4 at 192.0.2.11:137: replied, positive response, 2000 us",
        ],
    ),
    Talk(
        "an unanswered broadcast is silent at the address asked",
        [(0, datagram(PEER, NBNS, BROADCAST, NBNS, request(1, broadcast=True)))],
        ["nbns 1 > -: silent, name query"],
    ),
    Talk(
        "where the snap length cuts the id off, endpoints decide",
        [(0, ask(NBNS, request(1))), (0.001, answer(NBNS, response(2)))],
        ["nbns 1 > 2: replied, cut message, weak, 1000 us"],
        snaplen=20 + 8 + 4,
    ),
    Talk(
        "where it cuts the name off, the id is enough",
        [(0, ask(NBNS, request(1))), (1, ask(NBNS, request(2))), (1.001, answer(NBNS, response(1)))],
        ["nbns 1 > 3: replied, positive response, 1001000 us", "nbns 2 > -: silent, name query"],
        snaplen=20 + 8 + 20,
    ),
    Talk(
        "a reply that is malformed pairs weakly",
        [(0, ask(NBNS, request(1))), (0.001, answer(NBNS, struct.pack(">6H", 1, 0, 0, 0, 0, 0) + encoded(b"A")))],
        ["nbns 1 > 2: replied, malformed message, weak, 1000 us"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
