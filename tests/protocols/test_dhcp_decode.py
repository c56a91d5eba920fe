"""DHCP: octets to facts."""

import struct

from . import Facts, told

COOKIE = b"\x63\x82\x53\x63"


def reply(kind: int, offered: bytes, options: bytes, name: bytes = b"", file: bytes = b"") -> bytes:
    """RFC 2131 figure 1."""
    head = struct.pack(">4BIHH", 2, 1, 6, 0, 7, 0, 0) + bytes(4) + offered + bytes(8) + bytes(16)
    return head + name.ljust(64, b"\0") + file.ljust(128, b"\0") + COOKIE + bytes([53, 1, kind]) + options + b"\xff"


NETWORK = b"\x36\4\xc0\0\2\x0a" + b"\3\4\xc0\0\2\1" + b"\6\x08\xc0\0\2\x35\xc0\0\2\x36" + b"\x0f\x0blab.example"
OFFER = reply(2, bytes([192, 0, 2, 20]), NETWORK, b"qf98e", b"boot.bin")
FACTS: Facts = [
    ("offered-address", "192.0.2.20"),
    ("host-name", "qf98e"),
    ("boot-file", "boot.bin"),
    ("server-id", "192.0.2.10"),
    ("router", "192.0.2.1"),
    ("name-server", "192.0.2.53"),
    ("name-server", "192.0.2.54"),
    ("domain", "lab.example"),
]


def test_reply_tells() -> None:
    assert told("dhcp", OFFER) == FACTS


def test_a_refusal() -> None:
    assert told("dhcp", reply(6, bytes(4), b"\x38\4busy")) == [("error", "NAK"), ("error", "busy")]


def test_cut_reply_tells_no_more() -> None:
    for length in range(1, len(OFFER)):
        facts = told("dhcp", OFFER[:length])
        assert set(facts) - set(FACTS) <= {("malformed", f"ends early, after {length} octets")} or length > 230
