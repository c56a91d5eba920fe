"""LLMNR: asked of a group, answered by unicast with id and question, RFC 4795 section 2."""

from pathlib import Path

from capanalyze.protocols import llmnr
from tests.build import PEER, datagram, dns_message, question, record
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

LLMNR = 5355
GROUP, GROUP_V6 = "224.0.0.252", "ff02::1:3"
PEER_V6, TARGET_V6 = "fe80::7", "fe80::10"
CONFLICT = 0x0400


def query(ident: int, name: str = "host", flags: int = 0) -> bytes:
    return dns_message(ident, flags, [question(name)])


def response(ident: int, name: str = "host") -> bytes:
    return dns_message(ident, 0x8000, [question(name)], [record(b"\xc0\x0c")])


SAMPLES = {
    "query": query(1),
    "response": response(1),
    "response with an error code": dns_message(1, 0x8002, [question("host")]),
    "other operation": query(1, flags=0x2800),
}


def test_the_conflict_bit_plays_no_part() -> None:
    assert hear(llmnr.PROTOCOL, query(1, flags=CONFLICT)) == hear(llmnr.PROTOCOL, query(1))


TALKS = [
    Talk(
        "the group is asked, and its members answer on their own",
        [
            (0, datagram(PEER, 50000, GROUP, LLMNR, query(1))),
            (0.1, answer(LLMNR, response(1))),
            (0.2, datagram("192.0.2.11", LLMNR, PEER, 50000, response(1))),
        ],
        [
            "llmnr 1 > 2 at 192.0.2.10:5355: replied, response, 100000 us",
            "llmnr 1 > 3 at 192.0.2.11:5355: replied, response, 200000 us",
        ],
    ),
    Talk(
        "over IPv6 alike",
        [
            (0, datagram(PEER_V6, 50000, GROUP_V6, LLMNR, query(1))),
            (0.1, datagram(TARGET_V6, LLMNR, PEER_V6, 50000, response(1))),
        ],
        ["llmnr 1 > 2 at fe80::10:5355: replied, response, 100000 us"],
    ),
    Talk(
        "a query by unicast should not be answered, but where it is, that is a reply",
        [(0, ask(LLMNR, query(1))), (0.1, answer(LLMNR, response(1)))],
        ["llmnr 1 > 2: replied, response, 100000 us"],
    ),
    Talk(
        "another name is no answer",
        [(0, datagram(PEER, 50000, GROUP, LLMNR, query(1))), (0.1, answer(LLMNR, response(1, "other")))],
        ["llmnr 1 > -: silent, query", "llmnr - > 2: indeterminate, request not captured"],
    ),
    Talk(
        "sent again it is the same query",
        [
            (0, datagram(PEER, 50000, GROUP, LLMNR, query(1))),
            (0.1, datagram(PEER, 50000, GROUP, LLMNR, query(1), ident=2)),
        ],
        ["llmnr 1,2 > -: silent, query"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
