"""From where a request came, by flags, TTL, sender and address."""

import pytest

from capanalyze.buffers import ints, longs
from capanalyze.core import core
from capanalyze.exchanges.batch import words_of
from capanalyze.exchanges.row import CLIENT, FLAGS, GROUP, MAC, NARROW, TTL, WIDE

ON_LINK, NEAR, PRIVATE, PUBLIC = range(4)
CASES = [
    ("198.51.100.7", 57, -1, 0, PUBLIC),
    ("198.51.100.7", 64, -1, 0, PUBLIC),
    ("198.51.100.7", 64, 0x0217F2DFCDB3, 0, NEAR),
    ("198.51.100.7", 63, 0x0217F2DFCDB3, 0, PUBLIC),
    ("198.51.100.7", 255, -1, 0, ON_LINK),
    ("198.51.100.7", 57, -1, GROUP, ON_LINK),
    ("169.253.255.255", 57, -1, 0, PUBLIC),
    ("169.254.0.1", 57, -1, 0, ON_LINK),
    ("9.255.255.255", 57, -1, 0, PUBLIC),
    ("10.0.0.0", 57, -1, 0, PRIVATE),
    ("172.15.255.255", 57, -1, 0, PUBLIC),
    ("172.16.0.0", 57, -1, 0, PRIVATE),
    ("100.63.255.255", 57, -1, 0, PUBLIC),
    ("100.64.0.0", 57, -1, 0, PRIVATE),
    ("255.255.255.255", 57, -1, 0, PUBLIC),
    ("2001:db8::1", 57, -1, 0, PUBLIC),
    ("2001:db8::1", 64, 0x0217F2DFCDB3, 0, NEAR),
    ("fe80::1", 64, -1, 0, ON_LINK),
    ("febf:ffff::1", 64, -1, 0, ON_LINK),
    ("fec0::1", 64, -1, 0, PUBLIC),
    ("fbff::1", 57, -1, 0, PUBLIC),
    ("fc00::1", 57, -1, 0, PRIVATE),
    ("fdff::1", 57, -1, 0, PRIVATE),
]


@pytest.mark.parametrize(("client", "ttl", "sender", "flags", "reach"), CASES)
def test_reach(client: str, ttl: int, sender: int, flags: int, reach: int) -> None:
    wide, narrow = longs(WIDE), ints(NARROW)
    wide[CLIENT], wide[CLIENT + 1] = words_of(client)
    wide[MAC] = sender
    narrow[TTL], narrow[FLAGS] = ttl, flags
    assert core.reach_of(wide, narrow) == reach
