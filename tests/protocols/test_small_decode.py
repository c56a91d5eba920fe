"""The small servers: octets to facts."""

import pytest

from . import told


@pytest.mark.parametrize("service", ["daytime", "qotd", "chargen"])
def test_the_first_line_is_told(service: str) -> None:
    assert told(service, b"Sun Oct 28 10:13:06 2007\r\nmore") == [("text", "Sun Oct 28 10:13:06 2007")]
    assert told(service, b"\r\n") == []


@pytest.mark.parametrize("service", ["echo", "discard"])
def test_what_comes_back_as_it_was_tells_nothing(service: str) -> None:
    assert told(service, b"x") == []


def test_the_clock() -> None:
    # RFC 868: 2,208,988,800 is the first second of 1970.
    assert told("time", (2_208_988_800).to_bytes(4)) == [("time", "1970-01-01T00:00:00Z")]
    assert told("time", b"\0\0\0\1") == [("time", "2036-02-07T06:28:17Z")]
    assert told("time", b"\x83\xaa") == [("malformed", "ends early, after 2 octets")]
