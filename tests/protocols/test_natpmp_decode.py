"""NAT-PMP and PCP: octets to facts."""

import struct

import pytest

from tests.protocols.test_natpmp import ANNOUNCE, MAP, address, mapping, pcp

from . import Facts, assert_cut_tells_less, told

REPLIES: dict[str, tuple[bytes, Facts]] = {
    "address": (
        address(response=True),
        [("version", "NAT-PMP"), ("uptime", "7 s"), ("external-address", "203.0.113.10")],
    ),
    "mapping": (
        mapping(5353, response=True),
        [("version", "NAT-PMP"), ("uptime", "7 s"), ("mapping", "40000 to 5353, 3600 s")],
    ),
    "PCP mapping": (
        pcp(MAP, 1, response=True),
        [
            ("version", "PCP"),
            ("uptime", "7 s"),
            ("external-address", "203.0.113.10"),
            ("mapping", "40000 to 5353, 3600 s"),
        ],
    ),
    "announcement": (pcp(ANNOUNCE, response=True), [("version", "PCP"), ("uptime", "7 s")]),
}


@pytest.mark.parametrize("name", REPLIES)
def test_reply_tells(name: str) -> None:
    reply, facts = REPLIES[name]
    assert told("natpmp", reply) == facts


@pytest.mark.parametrize("name", ["mapping", "PCP mapping"])
def test_cut_reply_tells_less(name: str) -> None:
    assert_cut_tells_less("natpmp", REPLIES[name][0][:60] if name == "mapping" else REPLIES[name][0])


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (struct.pack(">BBHI", 0, 129, 1, 7), "unsupported version"),
        (struct.pack(">BBHI", 0, 129, 99, 7), "result 99"),
        (pcp(MAP, 1, response=True, result=2), "NOT_AUTHORIZED"),
        (pcp(MAP, 1, response=True, result=99), "result 99"),
    ],
)
def test_a_refusal_says_why(reply: bytes, error: str) -> None:
    assert ("error", error) in told("natpmp", reply)


def test_a_request_tells_nothing() -> None:
    assert told("natpmp", address()) == []
