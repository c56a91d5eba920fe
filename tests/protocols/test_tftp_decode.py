"""TFTP: octets to facts."""

import pytest

from . import Facts, told


@pytest.mark.parametrize(
    ("reply", "facts"),
    [
        (b"\0\3\0\1" + b"s3cret", [("file", "block 1, 6 octets")]),
        (b"\0\4\0\0", [("file", "may be written")]),
        (b"\0\5\0\1File not found\0", [("error", "1 File not found")]),
        (b"\0\5\0\1File not", [("malformed", "ends early, after 12 octets")]),
        (b"\0\6tsize\x0042\0blksize\x001024\0", [("option", "tsize=42"), ("option", "blksize=1024")]),
        (b"\0\6tsize\x0042", [("malformed", "ends early, after 10 octets")]),
        (b"\0", [("malformed", "ends early, after 1 octets")]),
        (b"\0\1file", []),
    ],
)
def test_reply_tells(reply: bytes, facts: Facts) -> None:
    assert told("tftp", reply) == facts
