"""mDNS: a question is answered by a record of its name and type, RFC 6762 section 6."""

from pathlib import Path

import pytest

from capanalyze.packets.message import MAX_KEYS
from capanalyze.protocols import mdns
from tests.build import MAC_PEER, MAC_TARGET, PEER, TARGET, datagram, dns_message, dns_name, ethernet, question, record
from tests.conversations import ETHERNET, Talk, answer, ask, each, heard
from tests.protocols import hear

MDNS = 5353
GROUP, GROUP_V6 = "224.0.0.251", "ff02::fb"
GROUP_MAC, GROUP_MAC_V6 = bytes.fromhex("01005e0000fb"), bytes.fromhex("3333000000fb")
PEER_V6, TARGET_V6 = "fe80::7", "fe80::10"
OTHER_PEER = "198.51.100.8"
ANSWER = 0x8400
A, PTR, TXT, AAAA, SRV, ANY = 1, 12, 16, 28, 33, 255
UNICAST = FLUSH = 0x8000  # the top bit of the class, in a question and in a record
HOST, SERVICE = "host.local", "_ssh._tcp.local"


def query(*questions: bytes, known: tuple[bytes, ...] = (), proposed: tuple[bytes, ...] = (), ident: int = 0) -> bytes:
    return dns_message(ident, 0, questions, known, proposed)


def response(*answers: bytes, additionals: tuple[bytes, ...] = ()) -> bytes:
    return dns_message(0, ANSWER, (), answers, (), additionals)


SAMPLES = {
    "query": query(question(HOST)),
    "query for a unicast answer": query(question(HOST, A, UNICAST | 1)),
    "probe": query(question(HOST, ANY), proposed=(record(HOST),)),
    "response": response(record(HOST)),
    "goodbye": response(record(HOST, ttl=0)),
    "response without answers": dns_message(0, ANSWER),
    "query with known answers": query(question(SERVICE, PTR), known=(record(SERVICE, PTR, data=b"\1a\xc0\x0c"),)),
    "server status request": dns_message(0, 0x1000),
    "query of another class": query(question("version.bind", TXT, 3)),
}


@pytest.mark.parametrize(
    ("reply", "answers"),
    [
        (response(record(HOST)), True),
        (response(record(HOST, A, FLUSH | 1)), True),
        (response(record("HOST.Local")), True),
        (response(record(HOST, AAAA)), False),
        (response(record("other.local")), False),
        (response(record(SERVICE, PTR), record(HOST)), True),
        (response(record(SERVICE, PTR), additionals=(record(HOST),)), False),  # an additional record is no proof
        (response(record("a.local"), record(b"\xc0\x0c", AAAA)), False),
        (response(record(SERVICE, PTR, data=b"\4host\xc0\x17"), record(b"\xc0\x2b")), False),
        (response(record(HOST, ttl=0)), False),
        (dns_message(0, ANSWER, [question(HOST)], [record(b"\xc0\x0c")]), True),  # legacy: repeats the question
        (dns_message(0, ANSWER, [question(HOST)], [record("other.local")]), False),
        (dns_message(0, ANSWER, [question(HOST)]), False),
    ],
)
def test_a_record_of_name_and_type_answers(reply: bytes, answers: bool) -> None:
    assert hear(mdns.PROTOCOL, reply).answers(hear(mdns.PROTOCOL, query(question(HOST)))) is answers


def test_names_may_be_compressed() -> None:
    request = hear(mdns.PROTOCOL, query(question(SERVICE, PTR), question(b"\4host\xc0\x16")))
    assert hear(mdns.PROTOCOL, response(record(HOST))).answers(request)
    reply = hear(mdns.PROTOCOL, response(record(SERVICE, PTR, data=b"\1a\xc0\x0c"), record(b"\4host\xc0\x16")))
    assert reply.answers(hear(mdns.PROTOCOL, query(question(HOST))))


def test_any_record_of_the_name_answers_type_any() -> None:
    request = hear(mdns.PROTOCOL, query(question(HOST, ANY)))
    assert hear(mdns.PROTOCOL, response(record(HOST, TXT))).answers(request)
    assert not hear(mdns.PROTOCOL, response(record("other.local", TXT))).answers(request)


@pytest.mark.parametrize("qu", [0, 1])
def test_one_question_with_the_unicast_bit_is_enough(qu: int) -> None:
    questions = [question(HOST, A), question(HOST, AAAA)]
    questions[qu] = question(HOST, (A, AAAA)[qu], UNICAST | 1)
    assert hear(mdns.PROTOCOL, query(*questions)).kind == "query for a unicast answer"


def test_no_more_keys_than_there_is_room_for() -> None:
    names = [f"host-{number}.local" for number in range(MAX_KEYS + 8)]
    for payload in (query(*map(question, names)), response(*map(record, names))):
        one = hear(mdns.PROTOCOL, payload)
        assert len(one.keys) == MAX_KEYS
        assert one.flags == {"weak"}


@pytest.mark.parametrize(
    ("answers", "weak"),
    [
        ([record(f"host-{number}.local") for number in range(16)], False),
        ([record(f"host-{number}.local") for number in range(17)], True),
        ([record(HOST, kind) for kind in range(1, 32)], False),  # each also answers type ANY
        ([record(HOST, kind) for kind in range(1, 33)], True),
        ([record(SERVICE, PTR)] * 64, False),
        ([record(SERVICE, PTR)] * 65, True),
        ([record(HOST), record(HOST, AAAA)[:-5]], True),
    ],
)
def test_a_response_that_may_answer_more_than_its_keys_tell_is_weak(answers: list[bytes], weak: bool) -> None:
    one = hear(mdns.PROTOCOL, response(*answers))
    assert (one.role, "weak" in one.flags) == ("reply", weak)


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (query(question(HOST))[:11], "malformed", "malformed message"),
        (query(), "malformed", "malformed message"),
        (query(question(HOST))[:16], "malformed", "malformed message"),
        (query(question(b"\xc0\x0c")), "malformed", "malformed message"),
        (response(record(HOST))[:20], "malformed", "malformed message"),
        (response(record(HOST))[:30], "malformed", "malformed message"),  # behind its name
        (response(record(b"\xc0\x0c")), "malformed", "malformed message"),
        (dns_message(0, ANSWER, [question(HOST)], [record(HOST)])[:20], "malformed", "malformed message"),
        (response(record(HOST), record(HOST, AAAA))[:-2], "reply", "response"),  # the first record is whole
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(mdns.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


KNOWN = record(SERVICE, PTR, data=b"\1a\xc0\x0c")


@pytest.mark.parametrize(
    "payload",
    [
        query(question("version.bind", TXT, 3)),
        dns_message(0, 0x1000),
        query(question(SERVICE, PTR), known=(KNOWN,)),
        query(question(SERVICE, ANY), known=(KNOWN,)),
        query(question(SERVICE, PTR), question(HOST), known=(record(HOST), KNOWN)),
        query(question(SERVICE, PTR), question("version.bind", TXT, 3), known=(KNOWN,)),
        query(question(SERVICE, PTR), question(HOST), known=(KNOWN,))[:-1],  # what else is known was not captured
        query(question(SERVICE, PTR), known=(record(HOST),) * 65),  # or is not read
        dns_message(0, 0x0200, [question(HOST)]),  # truncated: what is known follows, section 7.2
    ],
)
def test_what_no_responder_has_to_answer(payload: bytes) -> None:
    assert "unanswerable" in hear(mdns.PROTOCOL, payload).flags


@pytest.mark.parametrize(
    "payload",
    [
        query(question(SERVICE, PTR)),
        query(question(HOST), known=(KNOWN,)),
        query(question(SERVICE, PTR), question(HOST), known=(KNOWN,)),
        query(question(HOST, AAAA), known=(record(HOST),)),
    ],
)
def test_what_has_a_question_without_a_known_answer_is_to_be_answered(payload: bytes) -> None:
    assert "unanswerable" not in hear(mdns.PROTOCOL, payload).flags


def test_cut_within_its_first_record_a_response_is_no_goodbye() -> None:
    whole = response(record(HOST))
    assert {hear(mdns.PROTOCOL, whole[:length], len(whole)).kind for length in range(12, 34)} == {"cut message"}


def multicast(source: str, payload: bytes, *, sport: int = MDNS, ident: int = 1) -> bytes:
    """To everybody."""
    return datagram(source, sport, GROUP_V6 if ":" in source else GROUP, MDNS, payload, ident=ident)


def framed(source: bytes, packet: bytes) -> bytes:
    """In an Ethernet frame to the group."""
    six = packet[0] >> 4 == 6
    return ethernet(packet, 0x86DD if six else 0x0800, source, GROUP_MAC_V6 if six else GROUP_MAC)


INSTANCE_A, INSTANCE_B, INSTANCE_C = (record(SERVICE, PTR, data=dns_name(f"{one}.{SERVICE}")) for one in "abc")
PLACE = b"\0\0\0\0\0\x16"  # priority, weight and port of a server
AT_TARGET = "at 192.0.2.10:5353"
TALKS = [
    Talk(
        "the group is asked and answered",
        [(0, multicast(PEER, query(question(HOST)))), (0.02, multicast(TARGET, response(record(HOST))))],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
    Talk(
        "who asks for a unicast answer gets one",
        [
            (0, multicast(PEER, query(question(HOST, A, UNICAST | 1)))),
            (0.02, answer(MDNS, response(record(HOST)), sport=MDNS)),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
    Talk(
        "or sees the answer go to the group",
        [
            (0, multicast(PEER, query(question(HOST, A, UNICAST | 1)))),
            (0.02, multicast(TARGET, response(record(HOST)))),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
    Talk(
        "a query from another port is answered by unicast, with id and question",
        [
            (0, multicast(PEER, query(question(HOST), ident=7), sport=50000)),
            (0.02, answer(MDNS, dns_message(7, ANSWER, [question(HOST)], [record(b"\xc0\x0c", ttl=10)]))),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
    Talk(
        "an answer to the group is none to a query from another port",
        [
            (0, multicast(PEER, query(question(HOST), ident=7), sport=50000)),
            (0.02, multicast(TARGET, response(record(HOST)))),
        ],
        ["mdns 1 > -: silent, query", "mdns - > 2: unsolicited, response"],
    ),
    Talk(
        "a host asked by unicast answers by unicast",
        [(0, ask(MDNS, query(question(HOST)))), (0.02, answer(MDNS, response(record(HOST))))],
        ["mdns 1 > 2: replied, response, 20000 us"],
    ),
    Talk(
        "or to the group",
        [
            (0, ask(MDNS, query(question(HOST)), sport=MDNS)),
            (0.02, multicast(TARGET, response(record(HOST)))),
        ],
        ["mdns 1 > 2: replied, response, 20000 us"],
    ),
    Talk(
        "but no other host answers for it",
        [
            (0, ask(MDNS, query(question(HOST)), sport=MDNS)),
            (0.02, multicast("192.0.2.11", response(record(HOST)))),
        ],
        ["mdns 1 > -: silent, query", "mdns - > 2: unsolicited, response"],
    ),
    Talk(
        "two hosts that answer make two exchanges",
        [
            (0, multicast(PEER, query(question(SERVICE, PTR)))),
            (0.02, multicast(TARGET, response(record(SERVICE, PTR, data=b"\1a\xc0\x0c")))),
            (0.03, multicast("192.0.2.11", response(record(SERVICE, PTR, data=b"\1b\xc0\x0c")))),
        ],
        [
            f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us",
            "mdns 1 > 3 at 192.0.2.11:5353: replied, response, 30000 us",
        ],
    ),
    Talk(
        "an announcement is nobody's reply",
        [
            (0, multicast(TARGET, response(record(HOST, A, FLUSH | 1)))),
            (0.01, multicast(PEER, query(question(SERVICE, PTR)))),
        ],
        ["mdns - > 1: unsolicited, response", "mdns 2 > -: silent, query"],
    ),
    Talk(
        "a goodbye is no reply even to the question for its record",
        [(0, multicast(PEER, query(question(HOST)))), (0.01, multicast(TARGET, response(record(HOST, ttl=0))))],
        ["mdns 1 > -: silent, query", "mdns - > 2: unsolicited, goodbye"],
    ),
    Talk(
        "a probe that nobody contradicts is an announcement, sent again the same one",
        [
            (0.25 * number, multicast(TARGET, query(question(HOST, ANY), proposed=(record(HOST),)), ident=number))
            for number in range(3)
        ],
        ["mdns - > 1,2,3: unsolicited, probe"],
    ),
    Talk(
        "a probe does not answer a question",
        [
            (0, multicast(PEER, query(question(HOST)))),
            (0.02, multicast(TARGET, query(question(HOST, ANY), proposed=(record(HOST),)))),
        ],
        ["mdns 1 > -: silent, query", "mdns - > 2: unsolicited, probe"],
    ),
    Talk(
        "a probe for a name in use is answered by its owner",
        [
            (0, multicast(PEER, query(question(HOST, ANY), proposed=(record(HOST),)))),
            (0.02, multicast(TARGET, response(record(HOST, A, FLUSH | 1)))),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
    Talk(
        "of several questions in a message one answered is enough",
        [
            (0, multicast(PEER, query(question(SERVICE, PTR), question("other.local"), question(HOST)))),
            (0.02, multicast(TARGET, response(record(HOST)))),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
    Talk(
        "one response answers everybody who asked",
        [
            (0, multicast(PEER, query(question(HOST)))),
            (0.01, multicast(OTHER_PEER, query(question(HOST, AAAA)))),
            (0.02, multicast(TARGET, response(record(HOST), record(HOST, AAAA)))),
        ],
        [
            f"mdns 1 > 3 {AT_TARGET}: replied, response, 20000 us",
            f"mdns 2 > 3 {AT_TARGET}: replied, response, 10000 us",
        ],
    ),
    Talk(
        "by unicast it answers its addressee only",
        [
            (0, multicast(PEER, query(question(HOST, A, UNICAST | 1)))),
            (0.01, multicast(OTHER_PEER, query(question(HOST, A, UNICAST | 1)))),
            (0.02, answer(MDNS, response(record(HOST)), sport=MDNS)),
        ],
        [f"mdns 1 > 3 {AT_TARGET}: replied, response, 20000 us", "mdns 2 > -: silent, query for a unicast answer"],
    ),
    Talk(
        "a query with known answers may be answered with others",
        [
            (0, multicast(PEER, query(question(SERVICE, PTR), known=(record(SERVICE, PTR, data=b"\1a\xc0\x0c"),)))),
            (0.02, multicast(TARGET, response(record(SERVICE, PTR, data=b"\1b\xc0\x0c")))),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
    Talk(
        "but not with those alone: whoever sees them was told by somebody else's",
        [
            (0, multicast(PEER, query(question(SERVICE, PTR), known=(INSTANCE_A, INSTANCE_C)))),
            (0.01, multicast(OTHER_PEER, query(question(SERVICE, PTR)))),
            (0.02, multicast(TARGET, response(INSTANCE_A))),
        ],
        [
            "mdns 1 > -: silent, query with known answers",
            f"mdns 2 > 3 {AT_TARGET}: replied, response, 10000 us",
        ],
    ),
    Talk(
        "however their names are compressed",
        [
            (0, multicast(PEER, query(question(SERVICE, PTR), known=(record(b"\xc0\x0c", PTR, data=b"\1a\xc0\x0c"),)))),
            (0.02, multicast(TARGET, response(record(SERVICE, PTR, data=dns_name(f"a.{SERVICE}"))))),
        ],
        ["mdns 1 > -: silent, query with known answers", "mdns - > 2: unsolicited, response"],
    ),
    Talk(
        "another that comes along answers",
        [
            (0, multicast(PEER, query(question(SERVICE, PTR), known=(INSTANCE_A,)))),
            (0.02, multicast(TARGET, response(INSTANCE_A, INSTANCE_B))),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
    Talk(
        "as does one behind it",
        [
            (0, multicast(PEER, query(question(SERVICE, PTR), known=(INSTANCE_A,)))),
            (0.02, multicast(TARGET, response(INSTANCE_A))),
            (0.03, multicast(TARGET, response(INSTANCE_B))),
        ],
        ["mdns 1 > 3 at 192.0.2.10:5353: replied, response, 30000 us", "mdns - > 2: unsolicited, response"],
    ),
    Talk(
        "what goes to the asker alone was for it",
        [
            (0, ask(MDNS, query(question(SERVICE, PTR), known=(INSTANCE_A,)))),
            (0.02, answer(MDNS, response(INSTANCE_A))),
        ],
        ["mdns 1 > 2: replied, response, 20000 us"],
    ),
    Talk(
        "a record of the same name with other data is not known",
        [
            (0, multicast(PEER, query(question(HOST), known=(record(HOST),)))),
            (0.02, multicast(TARGET, response(record(HOST, data=b"\1\2\3\4")))),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
    Talk(
        "of a server, its host tells",
        [
            (0, multicast(PEER, query(question(SERVICE, SRV), known=(record(SERVICE, SRV, data=PLACE + b"\1a\0"),)))),
            (0.02, multicast(TARGET, response(record(SERVICE, SRV, data=PLACE + b"\1b\0")))),
            (0.03, multicast(TARGET, response(record(SERVICE, SRV, data=PLACE + b"\1a\0")))),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us", "mdns - > 3: unsolicited, response"],
    ),
    Talk(
        "known answers in a query answer nobody's question",
        [
            (0, multicast(PEER, query(question(SERVICE, PTR)))),
            (
                0.02,
                multicast(TARGET, query(question(SERVICE, PTR), known=(record(SERVICE, PTR, data=b"\1a\xc0\x0c"),))),
            ),
        ],
        ["mdns 1 > -: silent, query", "mdns 2 > -: silent, query with known answers"],
    ),
    Talk(
        "what the asker says over the other version of IP does not answer itself",
        [
            (0, framed(MAC_TARGET, multicast(TARGET, query(question(SERVICE, PTR))))),
            (0.01, framed(MAC_TARGET, multicast(TARGET_V6, response(record(SERVICE, PTR, data=b"\1a\xc0\x0c"))))),
        ],
        ["mdns 1 > -: silent, query", "mdns - > 2: unsolicited, response"],
        link=ETHERNET,
    ),
    Talk(
        "nor under another address of the same version",
        [
            (0, framed(MAC_TARGET, multicast(TARGET, query(question(SERVICE, PTR))))),
            (0.01, framed(MAC_TARGET, multicast("192.0.2.99", response(record(SERVICE, PTR, data=b"\1a\xc0\x0c"))))),
        ],
        ["mdns 1 > -: silent, query", "mdns - > 2: unsolicited, response"],
        link=ETHERNET,
    ),
    Talk(
        "an answer over the other version of IP is none",
        [
            (0, framed(MAC_PEER, multicast(PEER, query(question(SERVICE, PTR))))),
            (0.01, framed(MAC_TARGET, multicast(TARGET_V6, response(record(SERVICE, PTR, data=b"\1a\xc0\x0c"))))),
        ],
        ["mdns 1 > -: silent, query", "mdns - > 2: unsolicited, response"],
        link=ETHERNET,
    ),
    Talk(
        "IPv6 is asked and answered alike",
        [
            (0, framed(MAC_PEER, multicast(PEER_V6, query(question(SERVICE, PTR))))),
            (0.01, framed(MAC_TARGET, multicast(TARGET_V6, response(record(SERVICE, PTR, data=b"\1a\xc0\x0c"))))),
        ],
        ["mdns 1 > 2 at fe80::10:5353: replied, response, 10000 us"],
        link=ETHERNET,
    ),
    Talk(
        "an answer from another port than the service's must be ignored (RFC 6762 section 6), but it left",
        [
            (0, multicast(PEER, query(question(HOST)))),
            (0.02, multicast(TARGET, response(record(HOST)), sport=6000)),
        ],
        ["mdns 1 > 2 at 192.0.2.10:6000: replied, response, 20000 us"],
    ),
    Talk(
        "three seconds are waited",
        [(0, multicast(PEER, query(question(HOST)))), (3.1, multicast(TARGET, response(record(HOST))))],
        ["mdns 1 > -: silent, query", "mdns - > 2: unsolicited, response"],
    ),
    Talk(
        "any record answers a question for any type",
        [
            (0, multicast(PEER, query(question("HOST.local", ANY)))),
            (0.02, multicast(TARGET, response(record("host.LOCAL", TXT)))),
        ],
        [f"mdns 1 > 2 {AT_TARGET}: replied, response, 20000 us"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
