"""memcached: a reply's datagrams repeat the request ID."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import memcached
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

MEMCACHED = 11211


def message(text: bytes, ident: int = 1, sequence: int = 0, total: int = 1) -> bytes:
    return struct.pack(">4H", ident, sequence, total, 0) + text


BINARY_VERSION = struct.pack(">BBHBBHIIQ", 0x80, 0x0B, 0, 0, 0, 0, 0, 0, 0)
BINARY_REPLY = struct.pack(">BBHBBHIIQ", 0x81, 0x0B, 0, 0, 0, 0, 6, 0, 0) + b"1.6.18"
SAMPLES = {
    "command": message(b"version\r\n"),
    "reply": message(b"VERSION 1.6.18\r\n"),
    "error": message(b"ERROR\r\n"),
}


@pytest.mark.parametrize(
    ("text", "draws_none"),
    [
        (b"set key 0 0 1 noreply\r\n1\r\n", True),
        (b"delete key noreply\r\n", True),
        (b"set key 0 0 1\r\n1\r\n", False),
        (b"get noreply2\r\n", False),
        (b"get xnoreply\r\n", False),
        (b" noreply", False),
        (b"version\r\n", False),
        *((bytes([0x80, opcode]) + bytes(22), opcode in (9, 13, *range(0x11, 0x1B))) for opcode in range(0x1E)),
    ],
)
def test_quiet_commands_draw_no_reply(text: bytes, draws_none: bool) -> None:
    """protocol.txt: the parameter noreply; protocol-binary.txt: opcodes that end with Q."""
    assert ("unanswerable" in hear(memcached.PROTOCOL, message(text)).flags) == draws_none


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (message(b"get key\r\n"), "request", "command"),
        (message(BINARY_VERSION), "request", "command"),
        (message(BINARY_REPLY), "reply", "reply"),
        (message(b"42\r\n"), "reply", "reply"),
        (message(b"CLIENT_ERROR bad data chunk\r\n"), "reply", "error"),
        (message(b"SERVER_ERROR\r\n"), "reply", "error"),
        (message(b"OK"), "reply", "reply"),
        (message(b"stored in lower case", sequence=1, total=2), "reply", "reply"),
        (message(b"\x07"), "malformed", "malformed message"),
        (message(b""), "malformed", "malformed message"),
        (message(b"version\r\n", total=0), "malformed", "malformed message"),
        (message(b"version\r\n", sequence=1), "malformed", "malformed message"),
        (b"version\r\n", "malformed", "malformed message"),
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(memcached.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


TALKS = [
    Talk(
        "a reply has the request ID, and perhaps several datagrams",
        [
            (0, ask(MEMCACHED, message(b"stats\r\n", 1))),
            (0.1, ask(MEMCACHED, message(b"version\r\n", 2))),
            (0.2, answer(MEMCACHED, message(b"STAT pid 1\r\n", 1, 0, 2))),
            (0.3, answer(MEMCACHED, message(b"STAT uptime 1\r\nEND\r\n", 1, 1, 2))),
        ],
        ["memcached 1 > 3,4: replied, reply, 200000 us", "memcached 2 > -: silent, command"],
    ),
    Talk(
        "a command without the header is none",
        [(0, ask(MEMCACHED, b"version\r\n"))],
        ["memcached 1 > -: silent, malformed message"],
    ),
    Talk(
        "cut before what tells who asks, endpoints decide",
        [(0, ask(MEMCACHED, SAMPLES["command"])), (0.1, answer(MEMCACHED, SAMPLES["reply"]))],
        ["memcached 1 > 2: replied, cut message, weak, 100000 us"],
        snaplen=20 + 8 + 8,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
