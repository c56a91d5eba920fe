"""STUN: octets to facts."""

import struct

import pytest

from tests.protocols.test_stun import FAILURE, SUCCESS, attribute, message

from . import Facts, told

MAPPED = attribute(0x0020, bytes.fromhex("0001a147e112a643"))
OTHER = attribute(0x802C, struct.pack(">BBH4s", 0, 1, 3479, bytes([192, 0, 2, 11])))
OTHER_6 = attribute(0x802C, struct.pack(">BBH", 0, 2, 3479) + bytes(15) + b"\1")
RELAYED = attribute(0x0016, struct.pack(">BBHI", 0, 1, 49160 ^ 0x2112, 0xC000020A ^ 0x2112A442))
SOFTWARE = attribute(0x8022, b"Coturn-4.6.1 'Gorst'")
REPLIES: dict[str, tuple[bytes, Facts]] = {
    "binding": (
        message(SUCCESS, 1, MAPPED + OTHER + SOFTWARE),
        [("other-address", "192.0.2.11:3479"), ("software", "Coturn-4.6.1 'Gorst'")],
    ),
    "over IPv6": (message(SUCCESS, 1, OTHER_6), [("other-address", "[::1]:3479")]),
    "relayed": (message(SUCCESS, 1, RELAYED), [("relayed-address", "192.0.2.10:49160")]),
    "unauthorized": (
        message(FAILURE, 1, attribute(9, b"\0\0\4\1Unauthorized") + attribute(0x14, b"example.org")),
        [("error", "401 Unauthorized"), ("realm", "example.org")],
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_reply_tells(name: str) -> None:
    reply, facts = REPLIES[name]
    assert told("stun", reply) == facts


@pytest.mark.parametrize("name", REPLIES)
def test_cut_reply_tells_less(name: str) -> None:
    reply, facts = REPLIES[name]
    for length in range(1, len(reply)):
        found = told("stun", reply[:length])
        assert found[-1][0] == "malformed" or found == facts, length
