"""QUIC: versions, each packet with tshark's summary above it."""

import struct

import pytest

from . import Facts, assert_cut_tells_less, told

IDS = b"\x08client's\x08server's"


def packet(version: int, *rest: int) -> bytes:
    return struct.pack(">BI", 0xC0, version) + IDS + struct.pack(f">{len(rest)}I", *rest)


REPLIES: dict[str, tuple[bytes, Facts]] = {
    # Version Negotiation
    "negotiation": (
        packet(0, 1, 0x6B3343CF, 0x3A1A2A0A, 0xFF00001D, 0x51303530, 0xABCD0000),
        [
            ("version", "QUIC v1"),
            ("version", "QUIC v2"),
            ("version", "QUIC draft 29"),
            ("version", "Google QUIC Q050"),
            ("version", "QUIC version 0xabcd0000"),
        ],
    ),
    # Initial
    "initial": (packet(1), [("version", "QUIC v1")]),
    # DNS
    "dns": (bytes.fromhex("c1a2818000010001000000000161076578616d706c6503636f6d0000010001"), []),
    # GQUIC, PKN: 1
    "first versions": (bytes.fromhex("00018fd0ba82412fe5db"), []),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_reply_tells(kind: str) -> None:
    reply, facts = REPLIES[kind]
    assert told("quic", reply) == facts


def test_cut_reply_tells_less() -> None:
    """Cut between two versions it reads as whole."""
    whole, facts = REPLIES["negotiation"]
    ends = range(5 + len(IDS), len(whole), 4)
    for length in range(len(whole)):
        found = told("quic", whole[:length])
        if length not in ends:
            assert found.pop() == ("malformed", f"ends early, after {length} octets")
        assert found == facts[: len(found)]


def test_cut_initial_tells_less() -> None:
    assert_cut_tells_less("quic", REPLIES["initial"][0])
