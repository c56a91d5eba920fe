"""SIP: a response repeats Call-ID, CSeq and branch of the request, RFC 3261 section 8.2.6.2."""

from pathlib import Path

import pytest

from capanalyze.protocols import sip
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

SIP = 5060
CALL, SEQUENCE = "Call-ID: a84b4c76e66710@192.0.2.1", "CSeq: 314159 OPTIONS"


def request(method: str = "OPTIONS", *headers: str) -> bytes:
    return "\r\n".join(
        (f"{method} sip:a@192.0.2.10 SIP/2.0", "Max-Forwards: 70", *(headers or (CALL, SEQUENCE)), "", "")
    ).encode()


def response(status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join((f"SIP/2.0 {status}", "Content-Length: 0", *(headers or (CALL, SEQUENCE)), "", "")).encode()


SAMPLES = {"request": request(), "response": response(), "ACK": request("ACK", CALL, "CSeq: 314159 ACK")}
VIA = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77;rport"


@pytest.mark.parametrize(
    ("headers", "answers"),
    [
        ((CALL, SEQUENCE), True),
        ((SEQUENCE, CALL), True),
        (("call-id:a84b4c76e66710@192.0.2.1", "cseq :  314159   OPTIONS"), True),
        (("i: a84b4c76e66710@192.0.2.1", SEQUENCE), True),  # the short form
        (("Call-ID: b84b4c76e66710@192.0.2.1", SEQUENCE), False),
        ((CALL, "CSeq: 314160 OPTIONS"), False),
        ((CALL, "CSeq: 314159 INVITE"), False),
        ((CALL,), False),
        ((CALL, SEQUENCE, "Call-Info: <http://192.0.2.1/photo>"), True),
        (("Content-Type: a84b4c76e66710@192.0.2.1", SEQUENCE), False),
    ],
)
def test_call_and_sequence_decide(headers: tuple[str, ...], answers: bool) -> None:
    assert hear(sip.PROTOCOL, response("200 OK", *headers)).answers(hear(sip.PROTOCOL, request())) is answers


@pytest.mark.parametrize(
    ("headers", "answers"),
    [
        (("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77;rport=5060;received=192.0.2.1",), True),
        (("v: SIP / 2.0 / UDP 192.0.2.1:5060 ; received=192.0.2.1 ; Branch = z9hG4bK77",), True),
        ((VIA, "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK78"), True),
        ((VIA + ", SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK78",), True),
        (("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK78",), False),
        (("Via: SIP/2.0/UDP 192.0.2.1, SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK77",), False),
        (("Via: SIP/2.0/UDP 192.0.2.1;branches=z9hG4bK77",), False),
        ((), False),
    ],
)
def test_the_branch_of_the_topmost_via_decides(headers: tuple[str, ...], answers: bool) -> None:
    asked = hear(sip.PROTOCOL, request("OPTIONS", VIA, CALL, SEQUENCE))
    assert hear(sip.PROTOCOL, response("200 OK", *headers, CALL, SEQUENCE)).answers(asked) is answers


def test_without_branches_call_and_sequence_decide() -> None:
    via = "Via: SIP/2.0/UDP 192.0.2.1:5060"
    asked = hear(sip.PROTOCOL, request("OPTIONS", via, CALL, SEQUENCE))
    assert hear(sip.PROTOCOL, response("200 OK", via, CALL, SEQUENCE)).answers(asked)


@pytest.mark.parametrize(
    ("via", "number", "same"),
    [(VIA, 314159, True), (VIA, 314160, False), (VIA.replace("77", "78"), 314159, False)],
)
def test_an_ack_belongs_to_the_invite_that_was_refused(via: str, number: int, same: bool) -> None:
    invite = hear(sip.PROTOCOL, request("INVITE", VIA, CALL, "CSeq: 314159 INVITE"))
    ack = hear(sip.PROTOCOL, request("ACK", via, CALL, f"CSeq: {number} ACK"))
    assert ack.flags == {"unanswerable", "continues"}
    assert (ack.keys == invite.keys) is same


@pytest.mark.parametrize("cut", [b"\r\nCSeq: 314", b"\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;bran"])
def test_a_header_that_is_cut_makes_no_key(cut: bytes) -> None:
    whole = request("OPTIONS", CALL, SEQUENCE, VIA)
    one = hear(sip.PROTOCOL, whole[: whole.index(cut) + len(cut)], len(whole))
    assert not one.keys
    assert one.flags == {"weak"}


def test_headers_end_at_the_blank_line() -> None:
    body = request("OPTIONS", "Max-Forwards: 1") + f"{CALL}\r\n{SEQUENCE}\r\n".encode()
    assert hear(sip.PROTOCOL, body).keys == ()


def test_lines_may_end_without_a_carriage_return() -> None:
    assert hear(sip.PROTOCOL, response().replace(b"\r", b"")).answers(hear(sip.PROTOCOL, request()))


@pytest.mark.parametrize(("status", "interim"), [("100 Trying", True), ("180 Ringing", True), ("404 Not Found", False)])
def test_after_a_provisional_response_more_will_follow(status: str, interim: bool) -> None:
    assert ("interim" in hear(sip.PROTOCOL, response(status)).flags) is interim


@pytest.mark.parametrize(
    ("payload", "size", "role", "kind"),
    [
        (request("ACK"), 0, "request", "ACK"),
        (b"\r\n\r\n", 4, "malformed", "malformed message"),  # keeps a translation alive, RFC 5626
        (b"OPTIONS", 7, "malformed", "malformed message"),
        (b"OPTIONS", 300, "malformed", "cut message"),
        (b"options sip:", 12, "malformed", "malformed message"),
        (request()[:30], 300, "request", "request"),
    ],
)
def test_role_and_kind(payload: bytes, size: int, role: str, kind: str) -> None:
    one = hear(sip.PROTOCOL, payload, size or len(payload))
    assert (one.role, one.kind) == (role, kind)


TALKS = [
    Talk(
        "a response repeats call and sequence",
        [
            (0, ask(SIP, request("OPTIONS", CALL, "CSeq: 1 OPTIONS"))),
            (0.1, ask(SIP, request("OPTIONS", CALL, "CSeq: 2 OPTIONS"))),
            (0.2, answer(SIP, response("200 OK", CALL, "CSeq: 1 OPTIONS"))),
        ],
        ["sip 1 > 3: replied, response, 200000 us", "sip 2 > -: silent, request"],
    ),
    Talk(
        "a final response may take its time after a provisional one",
        [
            (0, ask(SIP, request(), sport=SIP)),
            (0.1, answer(SIP, response("100 Trying"), sport=SIP)),
            (4, answer(SIP, response("180 Ringing"), sport=SIP)),
            (8, answer(SIP, response("200 OK"), sport=SIP)),
        ],
        ["sip 1 > 2,3,4: replied, response, 100000 us"],
    ),
    Talk(
        "the same request is sent until it is answered",
        [
            (0, ask(SIP, request())),
            (0.5, ask(SIP, request(), ident=2)),
            (1.5, ask(SIP, request(), ident=3)),
            (1.6, answer(SIP, response())),
        ],
        ["sip 1,2,3 > 4: replied, response, 1600000 us"],
    ),
    Talk(
        "cut before its headers a message pairs weakly",
        [(0, ask(SIP, request())), (0.1, answer(SIP, response()))],
        ["sip 1 > 2: replied, response, weak, 100000 us"],
        snaplen=20 + 8 + 20,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
