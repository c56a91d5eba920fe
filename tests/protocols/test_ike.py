"""IKE: initiator SPI, exchange type and message ID (RFC 7296); in version 1 the initiator cookie (RFC 2408)."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import ike
from tests import recorded
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

IKE, NAT_T = 500, 4500
SA_1, KEY_1, NOTIFY_1, SA_2, ENCRYPTED_2 = 1, 4, 11, 33, 46
MAIN, INFORMATIONAL_1, AGGRESSIVE, QUICK = 2, 5, 4, 32
INIT, AUTH, CHILD, INFORMATIONAL = 34, 35, 36, 37
I, R = 0x08, 0x20
MARKER = bytes(4)
OURS, THEIRS = b"initiate", b"responds"


def message(
    exchange: int,
    flags: int = I,
    ident: int = 0,
    *,
    spi: bytes = OURS,
    peer: bytes = THEIRS,
    payload: int = SA_2,
    version: int = 0x20,
    body: bytes = bytes(20),
) -> bytes:
    """RFC 7296 figure 4."""
    return spi + peer + struct.pack(">4B2I", payload, version, exchange, flags, ident, 28 + len(body)) + body


def first(exchange: int, flags: int = 0, *, peer: bytes = bytes(8), payload: int = SA_1, spi: bytes = OURS) -> bytes:
    """Version 1, by default the first message of an exchange."""
    return message(exchange, flags, spi=spi, peer=peer, payload=payload, version=0x10)


ESP = bytes.fromhex("c3a1b2d400000007") + bytes(range(60))
SAMPLES = {
    "IKE_SA_INIT request": message(INIT, peer=bytes(8)),
    "IKE_SA_INIT response": message(INIT, R),
    "request": message(AUTH, I, 1),
    "response": message(AUTH, R, 1),
    "phase 1 request (version 1)": first(MAIN),
    "phase 1 response (version 1)": first(MAIN, peer=THEIRS),
    "notification (version 1)": first(INFORMATIONAL_1, peer=THEIRS, payload=NOTIFY_1),
    "later message (version 1)": first(QUICK, 1, peer=THEIRS),
    "ESP in UDP": ESP,
    "keep-alive": b"\xff",
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_only_what_begins_an_association_has_to_be_answered(kind: str) -> None:
    """RFC 7296 section 2.21.4: a message of an unknown SPI may be discarded without a word."""
    heard = hear(ike.PROTOCOL, SAMPLES[kind])
    begins = kind in ("IKE_SA_INIT request", "phase 1 request (version 1)")
    assert ("unanswerable" in heard.flags) == (heard.role in ("request", "flow") and not begins)


@pytest.mark.parametrize("marker", [b"", MARKER])
@pytest.mark.parametrize(
    ("reply", "answers"),
    [
        (message(AUTH, R, 1), True),
        (message(AUTH, R, 2), False),
        (message(CHILD, R, 1), False),
        (message(AUTH, R, 1, spi=b"another!"), False),
        (message(AUTH, R | I, 1), False),  # answers a request of the responder's
        (message(INFORMATIONAL, R, 1), True),  # section 1.5: it refuses
    ],
)
def test_version_2_pairs_by_spi_exchange_and_message_id(reply: bytes, answers: bool, marker: bytes) -> None:
    request = hear(ike.PROTOCOL, marker + message(AUTH, I, 1))
    assert hear(ike.PROTOCOL, marker + reply).answers(request) == answers


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (first(MAIN), first(MAIN, peer=THEIRS)),
        (first(AGGRESSIVE), first(AGGRESSIVE, peer=THEIRS)),
        (first(MAIN), first(INFORMATIONAL_1, peer=THEIRS, payload=NOTIFY_1)),
        (message(INIT, peer=bytes(8)), first(INFORMATIONAL_1, payload=NOTIFY_1)),  # a host of version 1 refuses
        (first(MAIN), message(INFORMATIONAL, R)),  # a host of version 2 refuses
    ],
)
def test_version_1_pairs_by_the_initiators_cookie(request_: bytes, reply: bytes) -> None:
    assert hear(ike.PROTOCOL, reply).answers(hear(ike.PROTOCOL, request_))
    assert not hear(ike.PROTOCOL, b"another!" + reply[8:]).answers(hear(ike.PROTOCOL, request_))


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (first(MAIN, peer=THEIRS, payload=KEY_1), "flow", "later message (version 1)"),
        (first(INFORMATIONAL_1, 1, peer=THEIRS, payload=NOTIFY_1), "flow", "later message (version 1)"),
        (first(MAIN, 1, peer=THEIRS), "flow", "later message (version 1)"),
        (first(6, peer=THEIRS), "flow", "later message (version 1)"),
        (b"\xff\xff", "malformed", "malformed message"),
        (MARKER + b"x" * 40, "malformed", "malformed message"),
        (message(INIT, version=0), "malformed", "malformed message"),
        (message(INIT)[:27], "malformed", "malformed message"),
        (message(INFORMATIONAL, 0, 3), "request", "request"),  # of the responder
        (message(INIT, version=0x30, peer=bytes(8)), "request", "IKE_SA_INIT request"),
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(ike.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


INIT_ASKED = message(INIT, peer=bytes(8))
ZEROS = message(INIT, peer=bytes(8), spi=bytes(4) + b"SPI2")


@pytest.mark.parametrize(
    ("payload", "port", "role", "kind"),
    [
        (INIT_ASKED, IKE, "request", "IKE_SA_INIT request"),
        (ZEROS, IKE, "request", "IKE_SA_INIT request"),  # these are no marker
        (b"x" * 40, IKE, "malformed", "malformed message"),
        (ESP, IKE, "malformed", "malformed message"),
        (MARKER + INIT_ASKED, NAT_T, "request", "IKE_SA_INIT request"),
        (MARKER + ZEROS, NAT_T, "request", "IKE_SA_INIT request"),
        (MARKER + ESP, NAT_T, "malformed", "malformed message"),
        (INIT_ASKED, NAT_T, "flow", "ESP in UDP"),  # without its marker
        (ESP, NAT_T, "flow", "ESP in UDP"),
        (ESP[:8], NAT_T, "flow", "ESP in UDP"),
        (ESP[:7], NAT_T, "malformed", "malformed message"),
        (b"\xff", NAT_T, "flow", "keep-alive"),
    ],
)
def test_the_port_decides_what_has_a_marker(payload: bytes, port: int, role: str, kind: str) -> None:
    """RFC 3948 section 2."""
    one = hear(ike.PROTOCOL, payload, port=port)
    assert (one.role, one.kind) == (role, kind)


@pytest.mark.parametrize("payload", [ESP, b"\xff", first(QUICK, 1, peer=THEIRS), first(MAIN, 1, peer=THEIRS)])
def test_datagrams_of_an_association_have_no_key_and_draw_no_reply(payload: bytes) -> None:
    one = hear(ike.PROTOCOL, payload)
    assert not one.keys
    assert one.flags == {"weak", "unanswerable"}


def test_what_follows_in_clear_continues_phase_1() -> None:
    one = hear(ike.PROTOCOL, first(MAIN, peer=THEIRS, payload=KEY_1))
    assert one.flags == {"continues", "unanswerable"}
    assert one.keys == hear(ike.PROTOCOL, first(MAIN)).keys


@pytest.mark.parametrize("flags", [I, R])
def test_a_cut_header_of_version_2_keeps_its_role(flags: int) -> None:
    whole = message(INIT, flags)
    cut = hear(ike.PROTOCOL, whole[:20], len(whole))
    assert (cut.role, cut.kind, cut.keys) == (hear(ike.PROTOCOL, whole).role, "cut message", ())


TALKS = [
    Talk(
        "sent again after seconds, it is one request still",
        [
            (0, ask(IKE, message(INIT, peer=bytes(8)))),
            (7, ask(IKE, message(INIT, peer=bytes(8)), ident=2)),
            (15, ask(IKE, message(INIT, peer=bytes(8)), ident=3)),
        ],
        ["ike 1,2,3 > -: silent, IKE_SA_INIT request"],
    ),
    Talk(
        "a cookie is asked for first, RFC 7296 section 2.6",
        [
            (0, ask(IKE, message(INIT, peer=bytes(8)), sport=IKE)),
            (0.1, answer(IKE, message(INIT, R, peer=bytes(8)), sport=IKE)),
            (0.2, ask(IKE, message(INIT, peer=bytes(8), body=bytes(40)), sport=IKE)),
            (0.3, answer(IKE, message(INIT, R), sport=IKE)),
        ],
        [
            "ike 1 > 2: replied, IKE_SA_INIT response, 100000 us",
            "ike 3 > 4: replied, IKE_SA_INIT response, 100000 us",
        ],
    ),
    Talk(
        "both hosts ask, between the same ports and with the same message ID",
        [
            (0, ask(IKE, message(INFORMATIONAL, I, 2), sport=IKE)),
            (0.1, answer(IKE, message(INFORMATIONAL, 0, 2), sport=IKE)),
            (0.2, ask(IKE, message(INFORMATIONAL, I | R, 2), sport=IKE)),
            (0.3, answer(IKE, message(INFORMATIONAL, R, 2), sport=IKE)),
        ],
        ["ike 1 > 4: replied, response, 300000 us", "ike 2 > 3: replied, response, 100000 us"],
    ),
    Talk(
        "version 1: what follows the first pair in clear is of its exchange",
        [
            (0, ask(IKE, first(MAIN), sport=IKE)),
            (0.1, answer(IKE, first(MAIN, peer=THEIRS), sport=IKE)),
            (0.2, ask(IKE, first(MAIN, peer=THEIRS, payload=KEY_1), sport=IKE)),
            (0.3, answer(IKE, first(MAIN, peer=THEIRS, payload=KEY_1), sport=IKE)),
        ],
        ["ike 1,3 > 2,4: replied, phase 1 response (version 1), 100000 us"],
    ),
    Talk(
        "behind a NAT, with the marker; what keeps it open and ESP are an association",
        [
            (0, ask(NAT_T, MARKER + message(AUTH, I, 1))),
            (0.1, answer(NAT_T, MARKER + message(AUTH, R, 1))),
            (0.2, ask(NAT_T, b"\xff")),
            (0.3, ask(NAT_T, ESP)),
            (0.4, answer(NAT_T, ESP)),
        ],
        ["ike 1 > 2: replied, response, 100000 us", "ike 3 > 5: replied, ESP in UDP, weak, 200000 us"],
    ),
    Talk(
        "cut inside the header, messages pair weakly",
        [(0, ask(IKE, message(INIT))), (0.1, answer(IKE, message(INIT, R)))],
        ["ike 1 > 2: replied, cut message, weak, 100000 us"],
        snaplen=20 + 8 + 24,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_a_real_server_is_read_as_tshark_reads_it() -> None:
    seen = recorded.frames("ike", "isakmp.ispi", "isakmp.rspi", "isakmp.flag_r", "isakmp.vid_bytes", "isakmp.tf.id.dh")
    expected = recorded.answered(
        seen,
        lambda frame: (
            frame["isakmp.flag_r"] == "1" if frame["isakmp.flag_r"] else frame["isakmp.rspi"].strip("0") != ""
        ),
        lambda request, reply: request["isakmp.ispi"] == reply["isakmp.ispi"],
    )
    assert recorded.paired("ike") == expected
    assert len(expected) == 8
    vendors = {
        number: frame["isakmp.vid_bytes"].count(",") + 1 for number, frame in seen.items() if frame["isakmp.vid_bytes"]
    }
    assert {number: len(values) for number, values in recorded.told("ike", "vendor-id").items()} == vendors
    groups = {number for number in expected if seen[number]["isakmp.tf.id.dh"] == "14"}
    transforms = recorded.told("ike", "transform")
    assert groups == {number for number in transforms if seen[number]["isakmp.flag_r"]}
    assert all("group MODP-2048" in values for values in transforms.values())
