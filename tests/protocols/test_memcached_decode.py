"""memcached: octets to facts."""

import pytest

from tests.protocols.test_memcached import BINARY_REPLY, message

from . import Facts, told


@pytest.mark.parametrize(
    ("reply", "facts"),
    [
        (message(b"VERSION 1.6.18\r\n"), [("software", "memcached 1.6.18")]),
        (
            message(b"STAT pid 42\r\nSTAT version 1.6.18\r\nSTAT libevent 2.1\r\nEND\r\n"),
            [("statistic", "pid=42"), ("software", "memcached 1.6.18")],
        ),
        (message(b"VALUE session 0 6\r\ns3cret\r\nEND\r\n"), [("key", "session")]),
        (message(b"ERROR\r\n"), [("error", "ERROR")]),
        (message(b"VERSION 1.6"), [("malformed", "ends early, after 19 octets")]),
        (message(BINARY_REPLY), [("software", "memcached 1.6.18")]),
        (message(BINARY_REPLY[:-1]), [("malformed", "ends early, after 37 octets")]),
        (message(b"\x81\x0a" + bytes(22)), []),
    ],
)
def test_reply_tells(reply: bytes, facts: Facts) -> None:
    assert told("memcached", reply) == facts
