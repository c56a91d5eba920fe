"""Kerberos: no transaction id, so that kind and order decide between two endpoints, RFC 4120."""

from pathlib import Path

import pytest

from capanalyze.protocols import kerberos
from tests import recorded
from tests.ber import GENERAL_STRING, GENERALIZED_TIME, SEQUENCE, ber, integer, numbered
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

KERBEROS = 88
AS_REQ, AS_REP, TGS_REQ, TGS_REP, AP_REQ, KRB_ERROR = 10, 11, 12, 13, 14, 30


def message(kind: int, *members: bytes, version: int = 5) -> bytes:
    """A message, RFC 4120 section 5: pvno and msg-type, in a request from [1] on, then the rest."""
    first = 1 if kind in (AS_REQ, TGS_REQ) else 0
    head = numbered(first, integer(version)), numbered(first + 1, integer(kind))
    return ber(0x60 + kind, ber(SEQUENCE, *head, *members))


def realm(name: str, number: int = 9) -> bytes:
    return numbered(number, ber(GENERAL_STRING, name.encode()))


def error(code: int) -> bytes:
    stamp = numbered(4, ber(GENERALIZED_TIME, b"20071029101306Z")), numbered(5, integer(944735))
    return message(KRB_ERROR, *stamp, numbered(6, integer(code)), realm("LKDC.LAB"))


SAMPLES = {
    "AS-REQ": message(AS_REQ, realm("LKDC.LAB", 4)),
    "TGS-REQ": message(TGS_REQ, realm("LKDC.LAB", 4)),
    "AS-REP": message(AS_REP, realm("LKDC.LAB", 3)),
    "TGS-REP": message(TGS_REP, realm("LKDC.LAB", 3)),
    "KRB-ERROR": error(25),
}


@pytest.mark.parametrize(
    ("request_kind", "reply_kind", "answers"),
    [
        ("AS-REQ", "AS-REP", True),
        ("AS-REQ", "KRB-ERROR", True),
        ("AS-REQ", "TGS-REP", False),
        ("TGS-REQ", "TGS-REP", True),
        ("TGS-REQ", "KRB-ERROR", True),
        ("TGS-REQ", "AS-REP", False),
    ],
)
def test_a_reply_is_of_the_requests_kind_or_an_error(request_kind: str, reply_kind: str, answers: bool) -> None:
    request = hear(kerberos.PROTOCOL, SAMPLES[request_kind])
    assert hear(kerberos.PROTOCOL, SAMPLES[reply_kind]).answers(request) == answers


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (b"?", "malformed", "malformed message"),
        (b"\x6a", "malformed", "malformed message"),
        (message(AS_REQ, version=4), "malformed", "malformed message"),
        (message(AP_REQ), "malformed", "malformed message"),
        (ber(0x60 + AS_REQ, integer(5)), "malformed", "malformed message"),
        (message(AS_REQ, bytes(300)), "request", "AS-REQ"),  # lengths of two octets
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(kerberos.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


@pytest.mark.parametrize("kind", SAMPLES)
def test_cut_behind_its_tag_a_message_keeps_its_role(kind: str) -> None:
    cut = hear(kerberos.PROTOCOL, SAMPLES[kind][:1], len(SAMPLES[kind]))
    assert (cut.role, cut.kind, cut.keys) == (hear(kerberos.PROTOCOL, SAMPLES[kind]).role, "cut message", ())


TALKS = [
    Talk(
        "sent again after seconds, it is one request still",
        [
            (0, ask(KERBEROS, SAMPLES["AS-REQ"])),
            (7, ask(KERBEROS, SAMPLES["AS-REQ"], ident=2)),
            (15, ask(KERBEROS, SAMPLES["AS-REQ"], ident=3)),
        ],
        ["kerberos 1,2,3 > -: silent, AS-REQ"],
    ),
    Talk(
        "an error answers: the daemon spoke",
        [(0, ask(KERBEROS, SAMPLES["AS-REQ"])), (0.001, answer(KERBEROS, error(6)))],
        ["kerberos 1 > 2: replied, KRB-ERROR, weak, 1000 us"],
    ),
    Talk(
        "a request that is sent again is one request",
        [
            (0, ask(KERBEROS, SAMPLES["AS-REQ"])),
            (1, ask(KERBEROS, SAMPLES["AS-REQ"], ident=2)),
            (1.5, answer(KERBEROS, SAMPLES["AS-REP"])),
        ],
        ["kerberos 1,2 > 3: replied, AS-REP, weak, 1500000 us"],
    ),
    Talk(
        "from one port both kinds find their own",
        [
            (0, ask(KERBEROS, SAMPLES["AS-REQ"])),
            (0.1, ask(KERBEROS, SAMPLES["TGS-REQ"])),
            (0.2, answer(KERBEROS, SAMPLES["AS-REP"])),
            (0.3, answer(KERBEROS, SAMPLES["TGS-REP"])),
        ],
        [
            "kerberos 1 > 3: replied, AS-REP, weak, 200000 us",
            "kerberos 2 > 4: replied, TGS-REP, weak, 200000 us",
        ],
    ),
    Talk(
        "a datagram that is no Kerberos is still asked of the service",
        [(0, ask(KERBEROS, b"?"))],
        ["kerberos 1 > -: silent, malformed message"],
    ),
    Talk(
        "a reply to nobody",
        [(0, answer(KERBEROS, error(6)))],
        ["kerberos - > 1: indeterminate, request not captured"],
    ),
    Talk(
        "cut behind the tag, messages still pair",
        [(0, ask(KERBEROS, SAMPLES["AS-REQ"])), (0.001, answer(KERBEROS, error(6)))],
        ["kerberos 1 > 2: replied, cut message, weak, 1000 us"],
        snaplen=20 + 8 + 2,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_a_real_server_is_read_as_tshark_reads_it() -> None:
    seen = recorded.frames("kerberos", "kerberos.msg_type", "kerberos.error_code", "kerberos.CNameString")
    answers = {"10": ("11", "30"), "12": ("13", "30")}

    def kind(frame: recorded.Frame) -> str:
        return frame["kerberos.msg_type"].split(",")[0]

    expected = recorded.answered(
        seen,
        lambda frame: kind(frame) in ("11", "13", "30"),
        lambda request, reply: kind(reply) in answers[kind(request)],
    )
    assert recorded.paired("kerberos") == expected
    assert len(expected) == 7
    told = recorded.told("kerberos", "error")
    codes = {6: "C_PRINCIPAL_UNKNOWN", 7: "S_PRINCIPAL_UNKNOWN", 24: "PREAUTH_FAILED", 25: "PREAUTH_REQUIRED"}
    errors = {number: frame["kerberos.error_code"] for number, frame in seen.items() if frame["kerberos.error_code"]}
    assert {number: f"KDC_ERR_{codes[int(code)]}" for number, code in errors.items()} == {
        number: values[0].split()[0] for number, values in told.items()
    }
    said = {"6": " (does not exist)", "24": " (exists, has another password)", "25": " (exists)"}
    assert recorded.told("kerberos", "principal") == {
        number: [frame["kerberos.CNameString"] + said.get(frame["kerberos.error_code"], "")]
        for number, frame in seen.items()
        if number in expected
    }
