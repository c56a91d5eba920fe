"""NAT-PMP and PCP: opcode and port, or nonce."""

import struct
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from capanalyze.protocols import natpmp
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

PMP = 5351
ANNOUNCE, MAP, PEER_OPCODE = range(3)
EXTERNAL = IPv6Address("::ffff:203.0.113.10").packed


def address(*, response: bool = False, result: int = 0, epoch: int = 7) -> bytes:
    """RFC 6886 section 3.2."""
    if not response:
        return b"\0\0"
    return struct.pack(">BBHI4s", 0, 128, result, epoch, bytes([203, 0, 113, 10]))


def mapping(port: int, *, opcode: int = 1, response: bool = False, result: int = 0) -> bytes:
    """RFC 6886 section 3.3."""
    if not response:
        return struct.pack(">BBHHHI", 0, opcode, 0, port, 0, 3600)
    return struct.pack(">BBHIHHI", 0, 128 + opcode, result, 7, port, 40000, 3600)


def pcp(opcode: int, nonce: int = 0, *, response: bool = False, result: int = 0, size: int = 36) -> bytes:
    """RFC 6887 sections 7.1, 7.2 and 11.1."""
    if response:
        head = struct.pack(">BBBBII12x", 2, 128 + opcode, 0, result, 3600, 7)
    else:
        head = struct.pack(">BBHI16s", 2, opcode, 0, 3600, IPv6Address("::ffff:198.51.100.7").packed)
    data = struct.pack(">12sB3xHH16s", nonce.to_bytes(12), 17, 5353, 40000, EXTERNAL)
    return head + (data[:size] if opcode else b"")


SAMPLES = {
    "external address request": address(),
    "mapping request": mapping(5353),
    "PCP request": pcp(MAP, 1),
    "response": address(response=True),
    "PCP response": pcp(MAP, 1, response=True),
    "refusal": mapping(5353, response=True, result=2),
}


@pytest.mark.parametrize(
    ("request_", "reply", "other"),
    [
        (address(), address(response=True), mapping(1, response=True)),
        (mapping(1), mapping(1, response=True), mapping(2, response=True)),
        (mapping(1), mapping(1, response=True, result=2), mapping(1, opcode=2, response=True)),
        (mapping(1, opcode=2), mapping(1, opcode=2, response=True), address(response=True)),
        (pcp(MAP, 1), pcp(MAP, 1, response=True), pcp(MAP, 2, response=True)),
        (pcp(MAP, 1), pcp(MAP, 1, response=True, result=2), pcp(PEER_OPCODE, 1, response=True)),
        (pcp(PEER_OPCODE, 1), pcp(PEER_OPCODE, 1, response=True), pcp(ANNOUNCE, response=True)),
        (pcp(ANNOUNCE), pcp(ANNOUNCE, response=True), address(response=True)),
        # who lacks the version answers in its own
        (pcp(MAP, 1), struct.pack(">BBHI", 0, 129, 1, 7), struct.pack(">BBHI", 0, 130, 1, 7)),
        (mapping(1), struct.pack(">BBBBII12x", 2, 129, 0, 1, 0, 7), pcp(MAP, response=True)),
    ],
)
def test_a_response_has_what_was_asked(request_: bytes, reply: bytes, other: bytes) -> None:
    request = hear(natpmp.PROTOCOL, request_)
    assert hear(natpmp.PROTOCOL, reply).answers(request)
    assert not hear(natpmp.PROTOCOL, other).answers(request)


@pytest.mark.parametrize("payload", [b"\0", b"\1\0", b"\0\3", b"\0\1\0\0", b"\2\1" + bytes(22), b"\0\x80\0"])
def test_what_is_no_such_message(payload: bytes) -> None:
    assert hear(natpmp.PROTOCOL, payload).role == "malformed"


def test_a_refusal_that_repeats_nothing_is_weak() -> None:
    one = hear(natpmp.PROTOCOL, pcp(MAP, response=True, result=4, size=0))
    assert (one.role, one.kind, one.flags) == ("reply", "refusal", frozenset({"weak"}))


TALKS = [
    Talk(
        "a mapping is answered with its port",
        [
            (0, ask(PMP, mapping(1))),
            (0.1, ask(PMP, mapping(2))),
            (0.2, answer(PMP, mapping(1, response=True))),
        ],
        ["natpmp 1 > 3: replied, response, 200000 us", "natpmp 2 > -: silent, mapping request"],
    ),
    Talk(
        "the request is sent again, as it was",
        [(0, ask(PMP, address())), (0.25, ask(PMP, address(), ident=2)), (0.3, answer(PMP, address(response=True)))],
        ["natpmp 1,2 > 3: replied, response, 300000 us"],
    ),
    Talk(
        "a refusal is a reply",
        [(0, ask(PMP, pcp(MAP, 1))), (0.1, answer(PMP, struct.pack(">BBHI", 0, 129, 1, 7)))],
        ["natpmp 1 > 2: replied, refusal, 100000 us"],
    ),
    Talk(
        "a new address is told the group",
        [
            (0, datagram(TARGET, PMP, "224.0.0.1", 5350, address(response=True))),
            (1, datagram(TARGET, PMP, "224.0.0.1", 5350, pcp(ANNOUNCE, response=True))),
        ],
        ["natpmp - > 1: unsolicited, response", "natpmp - > 2: unsolicited, PCP response"],
    ),
    Talk(
        "what nobody asked was not captured",
        [(0, datagram(TARGET, PMP, PEER, 50000, address(response=True)))],
        ["natpmp - > 1: indeterminate, request not captured"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
