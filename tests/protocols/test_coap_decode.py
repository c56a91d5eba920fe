"""CoAP: octets to facts."""

import pytest

from tests.protocols.test_coap import ACK, CONTENT, NON, NOT_FOUND, SAMPLES, message

from . import Facts, told

LONG = b"\xd1\x00\x2a" + b"\xe1\x00\x00\x2a"  # options 13 and 282, a value of one octet each


@pytest.mark.parametrize(
    ("reply", "facts"),
    [
        (
            SAMPLES["response"],
            [
                ("rcode", "2.05 Content"),
                ("resource", '/;title="General Info";ct=0'),
                ("resource", '/time;if="clock";rt="ticks"'),
            ],
        ),
        (
            message(ACK, CONTENT, 1, b"t", LONG + b"\xffcoap-server"),
            [("rcode", "2.05 Content"), ("text", "coap-server")],
        ),
        (message(ACK, CONTENT, 1, b"t", b"\xff\0\1\2"), [("rcode", "2.05 Content")]),
        (message(NON, NOT_FOUND, 1), [("error", "4.04 Not Found")]),
        (message(NON, 0xBF, 1), [("error", "5.31")]),
        (message(ACK, 0, 1), []),
        (
            message(ACK, CONTENT, 1, b"", b"\xf0"),
            [("rcode", "2.05 Content"), ("malformed", "an option of reserved length")],
        ),
        (
            message(ACK, CONTENT, 1, b"", b"\x14x"),
            [("rcode", "2.05 Content"), ("malformed", "ends early, after 6 octets")],
        ),
    ],
)
def test_reply_tells(reply: bytes, facts: Facts) -> None:
    assert told("coap", reply) == facts
