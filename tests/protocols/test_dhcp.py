"""DHCP: replies have the transaction id of the request, RFC 2131 section 2."""

import struct
from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.protocols import dhcp
from tests.build import MAC_PEER, MAC_TARGET, PEER, TARGET, datagram, ethernet, ntp, pcap
from tests.conversations import ETHERNET, Talk, each, heard
from tests.protocols import hear

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
CLIENT, SERVER = 68, 67
NOBODY, EVERYBODY, GATEWAY, LEASED = "0.0.0.0", "255.255.255.255", "192.0.2.1", "192.0.2.10"


def message(kind: int, xid: int = 1, *, options: bytes = b"", cookie: bytes = b"\x63\x82\x53\x63") -> bytes:
    """RFC 2131 figure 1; `options` stand before the message type."""
    operation = 2 if kind in (OFFER, ACK, NAK) else 1
    fixed = struct.pack(">4BI", operation, 1, 6, 0, xid) + bytes(228) + cookie
    return fixed + options + bytes([53, 1, kind, 255])


SAMPLES = {"request": message(DISCOVER), "reply": message(OFFER)}


@pytest.mark.parametrize(
    ("request_kind", "reply_kind", "answers"),
    [
        (DISCOVER, OFFER, True),
        (DISCOVER, ACK, True),  # rapid commit, RFC 4039
        (REQUEST, ACK, True),
        (REQUEST, NAK, True),
        (REQUEST, OFFER, False),
        (INFORM, ACK, True),
        (INFORM, OFFER, False),
    ],
)
def test_what_answers_what(request_kind: int, reply_kind: int, answers: bool) -> None:
    reply = hear(dhcp.PROTOCOL, message(reply_kind))
    assert reply.answers(hear(dhcp.PROTOCOL, message(request_kind))) is answers
    assert not hear(dhcp.PROTOCOL, message(reply_kind, 2)).answers(hear(dhcp.PROTOCOL, message(request_kind)))


@pytest.mark.parametrize("other", range(1, 16))
def test_other_transaction_ids_share_no_key(other: int) -> None:
    for request in (DISCOVER, REQUEST, INFORM):
        for reply in (OFFER, ACK, NAK):
            request_heard = hear(dhcp.PROTOCOL, message(request, 0x1230))
            assert not hear(dhcp.PROTOCOL, message(reply, 0x1230 ^ other)).answers(request_heard)


@pytest.mark.parametrize("options", [b"\0\0", b"\x37\x03\1\3\6", b"\x0c\0", b"\0\x3d\7\1abcdef"])
def test_the_message_type_is_found_behind_other_options(options: bytes) -> None:
    assert hear(dhcp.PROTOCOL, message(OFFER, options=options)) == hear(dhcp.PROTOCOL, message(OFFER))


def test_plain_bootp_has_no_message_type() -> None:
    request, reply = (bytes([operation]) + message(REQUEST)[1:236] for operation in (1, 2))
    assert hear(dhcp.PROTOCOL, reply).answers(hear(dhcp.PROTOCOL, request))


@pytest.mark.parametrize("kind", [DECLINE, RELEASE])
def test_what_gives_a_lease_up_is_not_answered(kind: int) -> None:
    assert "unanswerable" in hear(dhcp.PROTOCOL, message(kind)).flags


@pytest.mark.parametrize(
    ("payload", "draws_none"),
    [
        (message(REQUEST), True),  # RFC 2131 section 4.3.2: a server that does not know the lease stays silent
        (message(REQUEST, options=b"\x36\4\xc0\0\2\1"), False),  # it names the server
        (message(REQUEST)[:12] + bytes([192, 0, 2, 77]) + message(REQUEST)[16:], False),  # it has its address yet
        (message(DISCOVER), False),
        (message(INFORM), False),
    ],
)
def test_a_server_need_not_know_an_address_of_old(payload: bytes, draws_none: bool) -> None:
    assert ("unanswerable" in hear(dhcp.PROTOCOL, payload).flags) == draws_none


@pytest.mark.parametrize("payload", [message(DISCOVER)[:235], b"\3" + message(DISCOVER)[1:], b"\0" * 300])
def test_what_does_not_parse(payload: bytes) -> None:
    assert hear(dhcp.PROTOCOL, payload).role == "malformed"


@pytest.mark.parametrize(("kind", "role"), [(DISCOVER, "request"), (OFFER, "reply")])
def test_cut_before_its_id_a_message_keeps_its_role(kind: int, role: str) -> None:
    cut = hear(dhcp.PROTOCOL, message(kind)[:6], 300)
    assert (cut.role, cut.kind, cut.keys) == (role, "cut message", ())


def asked(kind: int, xid: int = 1, *, ident: int = 1) -> bytes:
    """By a client without an address."""
    return datagram(NOBODY, CLIENT, EVERYBODY, SERVER, message(kind, xid), ident=ident)


def told(kind: int, xid: int = 1, *, to: str = EVERYBODY, source: str = GATEWAY) -> bytes:
    return datagram(source, SERVER, to, CLIENT, message(kind, xid))


TALKS = [
    Talk(
        "a lease takes two exchanges",
        [(0, asked(DISCOVER)), (0.1, told(OFFER)), (0.2, asked(REQUEST)), (0.3, told(ACK))],
        [
            "dhcp 1 > 2 at 192.0.2.1:67: replied, reply, 100000 us",
            "dhcp 3 > 4 at 192.0.2.1:67: replied, reply, 100000 us",
        ],
    ),
    Talk(
        "a server may answer at the address that the client will get",
        [(0, asked(DISCOVER)), (0.1, told(OFFER, to=LEASED))],
        ["dhcp 1 > 2 at 192.0.2.1:67: replied, reply, 100000 us"],
    ),
    Talk(
        "a server may answer the first message for good",
        [(0, asked(DISCOVER)), (0.1, told(ACK))],
        ["dhcp 1 > 2 at 192.0.2.1:67: replied, reply, 100000 us"],
    ),
    Talk(
        "two servers that offer make two exchanges, and the other one says no",
        [
            (0, asked(DISCOVER)),
            (0.1, told(OFFER)),
            (0.2, told(OFFER, source="192.0.2.2")),
            (0.3, asked(REQUEST)),
            (0.4, told(ACK)),
            (0.5, told(NAK, source="192.0.2.2")),
        ],
        [
            "dhcp 1 > 2 at 192.0.2.1:67: replied, reply, 100000 us",
            "dhcp 1 > 3 at 192.0.2.2:67: replied, reply, 200000 us",
            "dhcp 4 > 5 at 192.0.2.1:67: replied, reply, 100000 us",
            "dhcp 4 > 6 at 192.0.2.2:67: replied, reply, 200000 us",
        ],
    ),
    Talk(
        "clients without an address are told apart by the transaction id",
        [(0, asked(DISCOVER, 7)), (0.1, asked(DISCOVER, 8)), (0.2, told(OFFER, 7)), (0.3, told(OFFER, 8))],
        [
            "dhcp 1 > 3 at 192.0.2.1:67: replied, reply, 200000 us",
            "dhcp 2 > 4 at 192.0.2.1:67: replied, reply, 200000 us",
        ],
    ),
    Talk(
        "another transaction id is no answer",
        [(0, asked(DISCOVER)), (0.1, told(OFFER, 2, to=LEASED))],
        ["dhcp 1 > -: silent, request", "dhcp - > 2: indeterminate, request not captured"],
    ),
    Talk(
        "a lease is renewed by unicast",
        [
            (0, datagram(LEASED, CLIENT, GATEWAY, SERVER, message(REQUEST))),
            (0.1, told(ACK, to=LEASED)),
        ],
        ["dhcp 1 > 2: replied, reply, 100000 us"],
    ),
    Talk(
        "a relay asks from the server's port",
        [
            (0, datagram("192.0.2.254", SERVER, GATEWAY, SERVER, message(DISCOVER))),
            (0.1, datagram(GATEWAY, SERVER, "192.0.2.254", SERVER, message(OFFER))),
        ],
        ["dhcp 1 > 2: replied, reply, 100000 us"],
    ),
    Talk(
        "sent again it is the same request",
        [(0, asked(DISCOVER)), (4, asked(DISCOVER, ident=2)), (4.1, told(OFFER))],
        ["dhcp 1,2 > 3 at 192.0.2.1:67: replied, reply, 4100000 us"],
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_what_the_target_asks_without_an_address_is_outbound(tmp_path: Path) -> None:
    """It is known by its MAC address, once it sends something from the address that it got."""
    frames = [
        (0.0, ethernet(asked(DISCOVER), source=MAC_TARGET, destination=bytes([255] * 6))),
        (0.1, ethernet(told(OFFER, to=TARGET))),
        (1.0, ethernet(datagram(PEER, 50000, TARGET, 123, ntp(3, transmit=1)))),
        (1.1, ethernet(datagram(TARGET, 123, PEER, 50000, ntp(4, origin=1)), source=MAC_TARGET, destination=MAC_PEER)),
        (20.0, ethernet(asked(DISCOVER, 2), source=MAC_TARGET, destination=bytes([255] * 6))),
        (40.0, ethernet(datagram(PEER, 50000, TARGET, 123, ntp(3, transmit=2)))),
    ]
    path = tmp_path / "block-all.en0.pcap"
    path.write_bytes(pcap(frames, ETHERNET))
    analysis = analyze(audit_of([str(path)], target=(TARGET,)))
    assert [one.service for one in analysis.findings] == ["ntp"]
    assert analysis.directions == {"inbound": 2, "outbound": 2}
