"""SLP: a reply returns the XID."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import slp
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

SLP = 427
GROUP = "239.255.255.253"
SRV_RQST, SRV_RPLY, SRV_REG, SRV_DE_REG, SRV_ACK, ATTR_RQST, ATTR_RPLY, DA_ADVERT, TYPE_RQST, TYPE_RPLY, SA_ADVERT = (
    range(1, 12)
)


def text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def message(function: int, xid: int, body: bytes = b"", version: int = 2) -> bytes:
    """RFC 2608 section 8; version 1 has the XID in the same place (RFC 2165 section 18)."""
    if version == 1:
        return struct.pack(">BBHBB2sHH", 1, function, 12 + len(body), 0, 0, b"en", 3, xid) + body
    size = 14 + 2 + len(body)
    return struct.pack(">BBBHHBHH", 2, function, size >> 16, size & 0xFFFF, 0, 0, 0, xid) + text("en") + body


def services(*urls: str, error: int = 0) -> bytes:
    """RFC 2608 section 8.2."""
    entries = b"".join(struct.pack(">BH", 0, 65535) + text(url) + b"\0" for url in urls)
    return struct.pack(">HH", error, len(urls)) + entries


ASKED = text("") + text("service:printer") + text("DEFAULT") + text("") + text("")
SAMPLES = {
    "request": message(SRV_RQST, 1, ASKED),
    "registration": message(SRV_REG, 1, bytes(10)),
    "reply": message(SRV_RPLY, 1, services("service:printer:lpr://qf98e")),
    "acknowledgement": message(SRV_ACK, 1, bytes(2)),
    "advertisement": message(SA_ADVERT, 1, text("service:service-agent://192.0.2.10") + bytes(5)),
    "unsolicited advertisement": message(DA_ADVERT, 0, bytes(20)),
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (SRV_RQST, SRV_RPLY),
        (SRV_RQST, DA_ADVERT),
        (SRV_RQST, SA_ADVERT),
        (SRV_REG, SRV_ACK),
        (SRV_DE_REG, SRV_ACK),
        (ATTR_RQST, ATTR_RPLY),
        (TYPE_RQST, TYPE_RPLY),
    ],
)
def test_a_reply_returns_the_xid(asked: int, told: int, version: int) -> None:
    request = hear(slp.PROTOCOL, message(asked, 500, bytes(20), version))
    assert hear(slp.PROTOCOL, message(told, 500, bytes(20), version)).answers(request)
    assert not hear(slp.PROTOCOL, message(told, 501, bytes(20), version)).answers(request)


@pytest.mark.parametrize(
    "payload", [b"\2", b"\2\1" + bytes(9), b"\3\1" + bytes(20), b"\2\0" + bytes(20), b"\2\x0c" + bytes(20)]
)
def test_what_is_no_such_message(payload: bytes) -> None:
    assert hear(slp.PROTOCOL, payload).role == "malformed"


TALKS = [
    Talk(
        "the group is asked, and every agent replies",
        [
            (0, datagram(PEER, 50000, GROUP, SLP, SAMPLES["request"])),
            (1, datagram(PEER, 50000, GROUP, SLP, message(SRV_RQST, 2, ASKED))),
            (1.1, answer(SLP, SAMPLES["reply"])),
            (1.2, datagram("192.0.2.11", SLP, PEER, 50000, SAMPLES["advertisement"])),
        ],
        [
            "slp 1 > 3 at 192.0.2.10:427: replied, reply, 1100000 us",
            "slp 1 > 4 at 192.0.2.11:427: replied, advertisement, 1200000 us",
            "slp 2 > -: silent, request",
        ],
    ),
    Talk(
        "a registration is acknowledged",
        [(0, ask(SLP, SAMPLES["registration"])), (0.1, answer(SLP, SAMPLES["acknowledgement"]))],
        ["slp 1 > 2: replied, acknowledgement, 100000 us"],
    ),
    Talk(
        "a directory agent advertises itself unasked",
        [(0, datagram(TARGET, SLP, GROUP, SLP, SAMPLES["unsolicited advertisement"]))],
        ["slp - > 1: unsolicited, unsolicited advertisement"],
    ),
    Talk(
        "cut before its XID a message pairs weakly",
        [(0, ask(SLP, SAMPLES["request"])), (0.1, answer(SLP, SAMPLES["reply"]))],
        ["slp 1 > 2: replied, cut message, weak, 100000 us"],
        snaplen=20 + 8 + 8,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges
