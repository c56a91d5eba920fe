"""DHCPv6: server and client share the transaction-id."""

from ipaddress import IPv6Address
from pathlib import Path

import pytest

from capanalyze.protocols import dhcpv6
from tests.build import datagram
from tests.conversations import Talk, each, heard
from tests.protocols import hear

CLIENT, SERVER = 546, 547
(
    SOLICIT,
    ADVERTISE,
    REQUEST,
    CONFIRM,
    RENEW,
    REBIND,
    REPLY,
    DECLINE,
    RELEASE,
    RECONFIGURE,
    INFORMATION,
    FORWARD,
    BACK,
) = range(1, 14)
HOST, TARGET, GROUP = "fe80::20", "fe80::10", "ff02::1:2"


def message(kind: int, ident: int, options: bytes = b"") -> bytes:
    return bytes([kind]) + ident.to_bytes(3) + options


def option(code: int, value: bytes) -> bytes:
    return code.to_bytes(2) + len(value).to_bytes(2) + value


def relayed(kind: int, peer: str, inner: bytes) -> bytes:
    """RFC 8415 section 9."""
    return bytes([kind, 0]) + IPv6Address("2001:db8::1").packed + IPv6Address(peer).packed + option(9, inner)


SERVER_ID = option(2, bytes.fromhex("00030001") + bytes.fromhex("0017f2dfcdb3"))
SAMPLES = {
    "request": message(SOLICIT, 1),
    "reply": message(ADVERTISE, 1, SERVER_ID),
    "relayed request": relayed(FORWARD, HOST, message(SOLICIT, 1)),
    "relayed reply": relayed(BACK, HOST, message(ADVERTISE, 1, SERVER_ID)),
    "reconfigure": message(RECONFIGURE, 0),
}


@pytest.mark.parametrize("kind", range(1, 12))
def test_a_server_discards_some_messages_by_unicast(kind: int) -> None:
    """RFC 8415 section 16: SOLICIT, CONFIRM, REBIND and INFORMATION-REQUEST; to a group, silence proves nothing."""
    assert ("unanswerable" in hear(dhcpv6.PROTOCOL, message(kind, 1)).flags) == (kind in (1, 4, 6, 11))


@pytest.mark.parametrize("kind", [SOLICIT, REQUEST, CONFIRM, RENEW, REBIND, DECLINE, RELEASE, INFORMATION])
def test_a_reply_has_the_transaction_id(kind: int) -> None:
    request = hear(dhcpv6.PROTOCOL, message(kind, 500))
    assert hear(dhcpv6.PROTOCOL, message(REPLY, 500)).answers(request)
    assert not hear(dhcpv6.PROTOCOL, message(REPLY, 501)).answers(request)
    assert hear(dhcpv6.PROTOCOL, message(ADVERTISE, 500)).answers(request) == (kind == SOLICIT)


def test_what_is_relayed_back_has_the_peers_address() -> None:
    request = hear(dhcpv6.PROTOCOL, SAMPLES["relayed request"])
    assert hear(dhcpv6.PROTOCOL, SAMPLES["relayed reply"]).answers(request)
    assert not hear(dhcpv6.PROTOCOL, relayed(BACK, "fe80::21", b"")).answers(request)


@pytest.mark.parametrize("payload", [b"\0\0\0\1", b"\x0e\0\0\1", b"\1\0\1", bytes([FORWARD]) + bytes(20)])
def test_what_is_no_such_message(payload: bytes) -> None:
    assert hear(dhcpv6.PROTOCOL, payload).role == "malformed"


def asked(payload: bytes, to: str = GROUP) -> bytes:
    return datagram(HOST, CLIENT, to, SERVER, payload)


def told(payload: bytes, source: str = TARGET, sport: int = SERVER) -> bytes:
    return datagram(source, sport, HOST, CLIENT, payload)


TALKS = [
    Talk(
        "two servers advertise themselves, one replies",
        [
            (0, asked(message(SOLICIT, 1))),
            (0.1, told(message(ADVERTISE, 1))),
            (0.2, told(message(ADVERTISE, 1), "fe80::11")),
            (1, asked(message(REQUEST, 2))),
            (1.1, told(message(REPLY, 2))),
        ],
        [
            "dhcpv6 1 > 2 at fe80::10:547: replied, reply, 100000 us",
            "dhcpv6 1 > 3 at fe80::11:547: replied, reply, 200000 us",
            "dhcpv6 4 > 5 at fe80::10:547: replied, reply, 100000 us",
        ],
    ),
    Talk(
        "a solicitation may be answered at once",
        [(0, asked(message(SOLICIT, 1))), (0.1, told(message(REPLY, 1)))],
        ["dhcpv6 1 > 2 at fe80::10:547: replied, reply, 100000 us"],
    ),
    Talk(
        "another transaction's reply is none of it",
        [(0, asked(message(SOLICIT, 1))), (0.1, told(message(ADVERTISE, 2)))],
        ["dhcpv6 1 > -: silent, request", "dhcpv6 - > 2: indeterminate, request not captured"],
    ),
    Talk(
        "relay agents speak to servers from their port",
        [
            (0, datagram("2001:db8::1", SERVER, "2001:db8::10", SERVER, SAMPLES["relayed request"])),
            (0.1, datagram("2001:db8::10", SERVER, "2001:db8::1", SERVER, SAMPLES["relayed reply"])),
        ],
        ["dhcpv6 1 > 2: replied, relayed reply, 100000 us"],
    ),
    Talk(
        "to be reconfigured is nobody's reply",
        [(0, told(SAMPLES["reconfigure"]))],
        ["dhcpv6 - > 1: unsolicited, reconfigure"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
