"""DHCPv6: octets to facts."""

from ipaddress import IPv6Address

import pytest

from tests.protocols.test_dhcpv6 import ADVERTISE, BACK, HOST, REPLY, SERVER_ID, message, option, relayed

from . import Facts, dns_name, told

OFFER = option(5, IPv6Address("2001:db8::20").packed + bytes(8))
NETWORK = option(23, IPv6Address("2001:db8::53").packed) + option(24, dns_name("lab", "example"))
ADVERTISED = message(ADVERTISE, 1, SERVER_ID + option(3, bytes(12) + OFFER) + NETWORK)
FACTS: Facts = [
    ("mac-address", "00:17:f2:df:cd:b3"),
    ("offered-address", "2001:db8::20"),
    ("name-server", "2001:db8::53"),
    ("domain", "lab.example"),
]


@pytest.mark.parametrize(
    ("reply", "facts"),
    [
        (ADVERTISED, FACTS),
        (relayed(BACK, HOST, ADVERTISED), FACTS),
        (message(REPLY, 1, option(2, b"\0\2abc")), [("server-id", "0002616263")]),
        (message(REPLY, 1, option(13, b"\0\2none")), [("error", "NoAddrsAvail")]),
        (message(REPLY, 1, option(13, b"\0\x63")), [("error", "status 99")]),
        (message(REPLY, 1, option(13, b"\0\0") + option(99, b"x")), []),
    ],
)
def test_reply_tells(reply: bytes, facts: Facts) -> None:
    assert told("dhcpv6", reply) == facts


def test_cut_reply_tells_less() -> None:
    for length in range(1, len(ADVERTISED)):
        facts = told("dhcpv6", ADVERTISED[:length])
        assert set(facts) - set(FACTS) <= {("malformed", f"ends early, after {length} octets")}
