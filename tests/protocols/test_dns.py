"""DNS: a response repeats the query's id and question, RFC 1035 section 4.1.1."""

from pathlib import Path

import pytest

from capanalyze.protocols import dns
from tests.build import PEER, TARGET, datagram, dns_message, question, record
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

DNS = 53
QUERY, RESPONSE, SERVER_FAILURE = 0x0100, 0x8180, 0x8182
NOTIFY, UPDATE = 0x2000, 0x2800
A, NS, AAAA = 1, 2, 28


def query(ident: int, name: str = "example.org", kind: int = A) -> bytes:
    return dns_message(ident, QUERY, [question(name, kind)])


def response(ident: int, name: str = "example.org", kind: int = A) -> bytes:
    return dns_message(ident, RESPONSE, [question(name, kind)], [record(b"\xc0\x0c", kind)])


SAMPLES = {
    "query": query(1),
    "response": response(1),
    "response with an error code": dns_message(1, SERVER_FAILURE, [question("example.org")]),
    "other operation": dns_message(1, UPDATE, [question("example.org", 6)], [], [record("www.example.org")]),
}


@pytest.mark.parametrize(
    ("reply", "answers"),
    [
        (response(1), True),
        (response(2), False),
        (response(1, "example.com"), False),
        (response(1, kind=AAAA), False),
        (response(1, "EXAMPLE.org"), True),
        (dns_message(1, SERVER_FAILURE), True),  # without question
        (dns_message(2, SERVER_FAILURE), False),
        (response(1)[:20], True),  # the question ends too soon
    ],
)
def test_id_and_question_decide(reply: bytes, answers: bool) -> None:
    assert hear(dns.PROTOCOL, reply).answers(hear(dns.PROTOCOL, query(1))) is answers


@pytest.mark.parametrize("other", range(1, 16))
@pytest.mark.parametrize("asked", [query(0x1230), dns_message(0x1230, QUERY), query(0x1230)[:20]])
def test_other_ids_share_no_key(asked: bytes, other: int) -> None:
    request = hear(dns.PROTOCOL, asked)
    for reply in (response(0x1230 ^ other), dns_message(0x1230 ^ other, SERVER_FAILURE), response(0x1230 ^ other)[:20]):
        assert not hear(dns.PROTOCOL, reply).answers(request)


@pytest.mark.parametrize("asked", [query(1), dns_message(1, QUERY), query(1)[:20]])
@pytest.mark.parametrize("reply", [dns_message(1, SERVER_FAILURE), response(1)[:20]])
def test_where_one_side_has_no_question_the_id_is_enough(asked: bytes, reply: bytes) -> None:
    assert hear(dns.PROTOCOL, reply).answers(hear(dns.PROTOCOL, asked))


def test_a_message_with_two_questions_is_malformed_and_pairs_by_its_id() -> None:
    """RFC 9619: a query holds one question at most."""
    two = hear(dns.PROTOCOL, dns_message(1, QUERY, [question("example.org"), question("example.com")]))
    assert (two.role, two.kind) == ("request", "malformed message")
    assert hear(dns.PROTOCOL, response(1)).answers(two)
    assert not hear(dns.PROTOCOL, response(2)).answers(two)


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (dns_message(1, QUERY), "request", "query"),
        (query(1)[:11], "malformed", "malformed message"),
        (query(1)[:15], "request", "malformed message"),
        (response(1)[:15], "reply", "malformed message"),
        (dns_message(1, QUERY, [question(b"\x40example\0")]), "request", "malformed message"),
        (dns_message(1, QUERY, [question(b"\xc0\x0c")]), "request", "malformed message"),  # points to itself
        (dns_message(1, NOTIFY, [question("example.org", 6)]), "request", "other operation"),
        (b"\1\0\0\0" + bytes([0xE1] * 144), "malformed", "malformed message"),  # WireGuard: 57,825 questions
        (b"\2\0\x80\0" + bytes([0x41] * 88), "malformed", "malformed message"),
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(dns.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


@pytest.mark.parametrize("payload", [query(1)[:15], response(1)[:15], dns_message(1, QUERY)])
def test_without_a_question_that_can_be_read_a_message_is_weak(payload: bytes) -> None:
    assert "weak" in hear(dns.PROTOCOL, payload).flags


TALKS = [
    Talk(
        "a response has the id and the question of its query",
        [(0, ask(DNS, query(1))), (0.001, answer(DNS, response(1)))],
        ["dns 1 > 2: replied, response, 1000 us"],
    ),
    Talk(
        "a response without question has the id",
        [(0, ask(DNS, query(1))), (0.001, answer(DNS, dns_message(1, SERVER_FAILURE)))],
        ["dns 1 > 2: replied, response with an error code, 1000 us"],
    ),
    Talk(
        "the case of letters plays no part",
        [(0, ask(DNS, query(1, "eXaMpLe.oRg"))), (0.001, answer(DNS, response(1, "example.org")))],
        ["dns 1 > 2: replied, response, 1000 us"],
    ),
    Talk(
        "another id is no answer",
        [(0, ask(DNS, query(1))), (0.001, answer(DNS, response(2)))],
        ["dns 1 > -: silent, query", "dns - > 2: indeterminate, request not captured"],
    ),
    Talk(
        "ids that follow each other keep their answers apart",
        [
            (0, ask(DNS, query(4, kind=A))),
            (0.1, ask(DNS, query(5, kind=AAAA))),
            (0.2, answer(DNS, response(4, kind=A))),
            (0.3, answer(DNS, response(5, kind=AAAA))),
        ],
        ["dns 1 > 3: replied, response, 200000 us", "dns 2 > 4: replied, response, 200000 us"],
    ),
    Talk(
        "one id for two questions",
        [
            (0, ask(DNS, query(1, kind=A))),
            (0.1, ask(DNS, query(1, kind=AAAA))),
            (0.2, answer(DNS, response(1, kind=A))),
            (0.3, answer(DNS, response(1, kind=AAAA))),
        ],
        ["dns 1 > 3: replied, response, 200000 us", "dns 2 > 4: replied, response, 200000 us"],
    ),
    Talk(
        "five seconds are waited",
        [
            (0, ask(DNS, query(1))),
            (4.9, answer(DNS, response(1))),
            (10, ask(DNS, query(2))),
            (15.1, answer(DNS, response(2))),
        ],
        [
            "dns 1 > 2: replied, response, 4900000 us",
            "dns 3 > 4: replied, response, late, 5100000 us",
        ],
    ),
    Talk(
        "the target asks too",
        [
            (0, datagram(TARGET, 40000, PEER, DNS, query(1))),
            (0.001, datagram(PEER, DNS, TARGET, 40000, response(1))),
        ],
        ["dns 1 > 2: replied, response, 1000 us"],
    ),
    Talk(
        "servers may ask each other between their own ports",
        [(0, ask(DNS, query(1), sport=DNS)), (0.001, answer(DNS, response(1), sport=DNS))],
        ["dns 1 > 2: replied, response, 1000 us"],
    ),
    Talk(
        "where the snap length cuts the id off, endpoints decide",
        [(0, ask(DNS, query(1))), (0.001, answer(DNS, response(2)))],
        ["dns 1 > 2: replied, cut message, weak, 1000 us"],
        snaplen=20 + 8 + 4,
    ),
    Talk(
        "where it cuts the question off, the id decides",
        [(0, ask(DNS, query(1))), (0.1, ask(DNS, query(2))), (0.2, answer(DNS, response(1)))],
        ["dns 1 > 3: replied, cut message, 200000 us", "dns 2 > -: silent, cut message"],
        snaplen=20 + 8 + 16,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
