"""QUIC: a reply goes to the connection ID that the request came from, RFC 9000 section 7.2."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import quic
from tests import recorded
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import Heard, dns_message, dns_name, dns_record, hear

QUIC = 443
V1, V2, DRAFT_29, UNKNOWN = 1, 0x6B3343CF, 0xFF00001D, 0x1A2A3A4A
INITIAL, EARLY, HANDSHAKE, RETRY = range(4)
RECORDED_ID = b"lab-from"
CLIENT, CHOSEN, SERVER = b"client's", b"chosen by it", b"server's"


def packet(kind: int, to: bytes, source: bytes, *, version: int = V1, body: bytes = b"") -> bytes:
    """A packet with a long header, RFC 9000 section 17.2; version 2 counts kinds from 1 (RFC 9369 section 3.2)."""
    bits = (kind + 1) % 4 if version == V2 else kind
    return struct.pack(">BI", 0xC0 | bits << 4, version) + bytes([len(to)]) + to + bytes([len(source)]) + source + body


def initial(
    to: bytes, source: bytes, *, version: int = V1, token: bytes = b"", rest: bytes = b"", size: int = 1200
) -> bytes:
    """An Initial packet in a datagram of this size, of which what follows is a part (sections 14.1, 17.2.2)."""
    head = packet(INITIAL, to, source, version=version, body=bytes([len(token)]) + token)
    length = max(0, size - len(head) - 2 - len(rest))
    return head + struct.pack(">H", 0x4000 | length) + bytes(length) + rest


def negotiation(to: bytes, source: bytes, *versions: int) -> bytes:
    """Section 17.2.1."""
    return packet(HANDSHAKE, to, source, version=0, body=struct.pack(f">{len(versions)}I", *versions))


def asked(one: Heard) -> tuple[int, ...]:
    """The keys of a packet as a request: all but the last are."""
    return one.keys[:-1] if "also reply" in one.flags else one.keys


QUESTION = dns_name("a0", "example", "com") + b"\0\1\0\1"
ADDRESS = dns_record(b"\xc0\x0c", 1, bytes(4))


def dns(ident: int, flags: int, *records: bytes, question: bytes = QUESTION) -> bytes:
    return struct.pack(">H", ident) + dns_message(flags, *records, questions=(question,))[2:]


REQUEST = initial(CHOSEN, CLIENT)
SECOND = initial(SERVER, CLIENT, rest=packet(HANDSHAKE, SERVER, CLIENT))

SAMPLES = {
    "Initial": REQUEST,
    "Initial and Handshake": initial(CLIENT, SERVER, rest=packet(HANDSHAKE, CLIENT, SERVER)),
    "Version Negotiation": negotiation(CLIENT, CHOSEN, V1),
    "Retry": packet(RETRY, CLIENT, SERVER, body=bytes(40)),
    "packet of another version": packet(INITIAL, CHOSEN, CLIENT, version=UNKNOWN).ljust(1200, b"\0"),
    "later packet": b"\x40" + bytes(30),
    "DNS query": dns(0xC1A2, 0x0100),
    "DNS response": dns(0xC1A2, 0x8180, ADDRESS),
}


@pytest.mark.parametrize("version", [V1, V2, DRAFT_29])
@pytest.mark.parametrize("kind", [INITIAL, RETRY])
def test_a_reply_goes_to_the_requests_source_id(kind: int, version: int) -> None:
    request = hear(quic.PROTOCOL, initial(CHOSEN, CLIENT, version=version))
    for to, answers in ((CLIENT, True), (b"another", False)):
        reply = packet(kind, to, SERVER, version=version, body=bytes(20))
        assert (hear(quic.PROTOCOL, reply).keys[-1] in asked(request)) == answers


@pytest.mark.parametrize(
    ("later", "continues"),
    [
        (initial(CHOSEN, CLIENT, size=1300), True),  # the rest of a ClientHello
        (initial(SERVER, CLIENT), True),  # an acknowledgement
        (SECOND, True),
        (initial(SERVER, b"another"), False),
        (initial(SERVER, CLIENT, token=b"to come back with"), False),
    ],
)
def test_initials_of_one_connection_continue_it(later: bytes, continues: bool) -> None:
    first, second = hear(quic.PROTOCOL, REQUEST), hear(quic.PROTOCOL, later)
    assert {"continues", "also reply"} <= first.flags & second.flags
    assert (asked(first) == asked(second)) == continues


def test_an_empty_id_is_no_key() -> None:
    first, with_token = (hear(quic.PROTOCOL, initial(CHOSEN, b"", token=token)) for token in (b"", b"token"))
    assert (asked(first), len(asked(with_token))) == ((), 1)
    reply = hear(quic.PROTOCOL, initial(b"", SERVER))
    assert reply.flags == {"weak", "continues"}


@pytest.mark.parametrize("ident", [0x7381, 0xC1A2, 0x2B07, 0xE00C, 0x7F47])
def test_dns_is_known_by_its_form(ident: int) -> None:
    """Whatever its id looks like."""
    request, reply = hear(quic.PROTOCOL, dns(ident, 0x0100)), hear(quic.PROTOCOL, dns(ident, 0x8180, ADDRESS))
    assert (request.kind, reply.kind) == ("DNS query", "DNS response")
    assert reply.answers(request)
    assert not hear(quic.PROTOCOL, dns(ident ^ 1, 0x8180, ADDRESS)).answers(request)


@pytest.mark.parametrize(
    "payload",
    [
        dns(0x2B07, 0x0100) + b"more",
        dns(0x2B07, 0x0900),  # another opcode
        dns(0x2B07, 0x0100, ADDRESS),  # a query that knows the answer
        dns(0x2B07, 0x0100, question=dns_name("a") + b"\0\1\1\0"),
        dns(0x2B07, 0x0100, question=dns_name("a") + b"\0\1"),
        dns(0x2B07, 0x0100, question=b"\x40a\0\0\1\0\1"),
        dns(0x2B07, 0x0100)[:11],
        dns(0x2B07, 0x8180)[:6] + b"\1\0" + dns(0x2B07, 0x8180)[8:],  # 256 answers
    ],
)
def test_what_is_no_plain_dns(payload: bytes) -> None:
    assert hear(quic.PROTOCOL, payload).role == "malformed"


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (REQUEST, "flow", "Initial"),
        (initial(CHOSEN, CLIENT, version=V2), "flow", "Initial"),
        (initial(CHOSEN, CLIENT, token=bytes(63)), "flow", "Initial"),
        (initial(CHOSEN, CLIENT, rest=packet(EARLY, CHOSEN, CLIENT)), "flow", "Initial"),
        (SECOND, "flow", "Initial and Handshake"),
        (
            initial(SERVER, CLIENT, version=V2, rest=packet(HANDSHAKE, b"", b"", version=V2)),
            "flow",
            "Initial and Handshake",
        ),
        (negotiation(CLIENT, CHOSEN, V1), "reply", "Version Negotiation"),
        (b"\x80" + negotiation(CLIENT, CHOSEN, V1)[1:], "reply", "Version Negotiation"),
        (packet(RETRY, CLIENT, SERVER, version=V2), "reply", "Retry"),
        (packet(HANDSHAKE, SERVER, CLIENT), "flow", "later packet"),
        (packet(EARLY, SERVER, CLIENT), "flow", "later packet"),
        (b"\x40" + bytes(30), "flow", "later packet"),  # a short header
        (b"r6fnvWj8" + bytes(30), "flow", "later packet"),  # DNSCrypt
        (packet(INITIAL, bytes(21), CLIENT, version=UNKNOWN).ljust(1200, b"\0"), "malformed", "malformed message"),
        (packet(INITIAL, CHOSEN, bytes(21)), "malformed", "malformed message"),
        (b"\x16\xfe\xfd" + bytes(30), "malformed", "malformed message"),  # DTLS (RFC 9443)
        (b"\x80" + REQUEST[1:], "malformed", "malformed message"),
        (b"\xc0\0\0\0", "malformed", "malformed message"),
        (b"\xc0\0\0\0\1\x14" + bytes(19), "malformed", "malformed message"),
        (b"\xc0\0\0\0\1\0\x14" + bytes(19), "malformed", "malformed message"),
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(quic.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


@pytest.mark.parametrize(
    ("payload", "flags"),
    [
        (REQUEST, {"continues", "also reply"}),
        (initial(CHOSEN, CLIENT, size=1199), {"continues", "also reply", "unanswerable"}),
        (packet(INITIAL, CHOSEN, CLIENT, version=UNKNOWN).ljust(100, b"\0"), {"unanswerable", "weak"}),
        (SECOND, {"continues", "also reply", "unanswerable"}),
        (initial(CHOSEN, b""), {"continues", "also reply", "weak"}),
        (negotiation(b"", CHOSEN, V1), {"weak"}),
        (negotiation(CLIENT, CHOSEN, V1), set()),
        (b"\x40" + bytes(30), {"unanswerable", "weak"}),
    ],
)
def test_what_draws_no_reply_and_what_no_key_tells(payload: bytes, flags: set[str]) -> None:
    assert hear(quic.PROTOCOL, payload).flags == flags


@pytest.mark.parametrize(
    "rest",
    [
        b"\xc0" + bytes(8),  # a token of more octets than a datagram has
        b"\x80\0\0",
        b"\x40",
        b"\0\xc0" + bytes(8),
        b"\0\x80\0\0\x04abcd" + packet(HANDSHAKE, SERVER, CLIENT)[:1],
    ],
)
def test_lengths_are_read_inside(rest: bytes) -> None:
    """A length of eight octets is not followed; one of four is."""
    one = hear(quic.PROTOCOL, packet(INITIAL, SERVER, CLIENT, body=rest))
    assert one.kind == ("Initial and Handshake" if b"abcd" in rest else "Initial")


GOOGLE = 0x51303436


def google(lengths: int, ident: bytes) -> bytes:
    """Q046, as Chrome sent it: one octet for both lengths."""
    return struct.pack(">BIB", 0xC3, GOOGLE, lengths) + ident + bytes(1200 - 14)


def test_of_google_quic_both_hosts_send_one_id() -> None:
    request, replied = (hear(quic.PROTOCOL, google(lengths, b"one of 8")) for lengths in (0x50, 0x05))
    other = hear(quic.PROTOCOL, google(0x05, b"other id"))
    assert (request.role, request.kind, request.flags) == (
        "flow",
        "packet of another version",
        frozenset({"continues"}),
    )
    assert request.keys == replied.keys
    assert request.keys != other.keys
    assert hear(quic.PROTOCOL, google(0x50, b"one of 8")[:13]).role == "malformed"


TALKS = [
    Talk(
        "a version that nobody speaks is answered by those that the server does",
        [
            (0, ask(QUIC, SAMPLES["packet of another version"])),
            (0.1, answer(QUIC, negotiation(CLIENT, CHOSEN, V1))),
        ],
        ["quic 1 > 2: replied, Version Negotiation, 100000 us"],
    ),
    Talk(
        "a connection: its first flight asks, the second continues it, the rest is its own",
        [
            (0, ask(QUIC, REQUEST)),
            (0.1, answer(QUIC, SAMPLES["Initial and Handshake"])),
            (0.2, ask(QUIC, SECOND)),
            (0.3, answer(QUIC, packet(HANDSHAKE, CLIENT, SERVER))),
            (0.4, ask(QUIC, b"\x40" + bytes(30))),
        ],
        ["quic 1,3 > 2: replied, Initial and Handshake, 100000 us"],
    ),
    Talk(
        "a Retry answers, and the token that comes back is another request",
        [
            (0, ask(QUIC, REQUEST)),
            (0.1, answer(QUIC, SAMPLES["Retry"])),
            (0.2, ask(QUIC, initial(SERVER, CLIENT, token=bytes(40)))),
            (0.3, answer(QUIC, initial(CLIENT, SERVER))),
        ],
        ["quic 1 > 2: replied, Retry, 100000 us", "quic 3 > 4: replied, Initial, 100000 us"],
    ),
    Talk(
        "two connections from one port",
        [
            (0, ask(QUIC, initial(CHOSEN, b"one"))),
            (0.1, ask(QUIC, initial(CHOSEN, b"two"))),
            (0.2, answer(QUIC, initial(b"one", SERVER))),
        ],
        ["quic 1 > 3: replied, Initial, 200000 us", "quic 2 > -: silent, Initial"],
    ),
    Talk(
        "a client without an ID of its own is told by its port",
        [(0, ask(QUIC, initial(CHOSEN, b""))), (0.1, answer(QUIC, initial(b"", SERVER)))],
        ["quic 1 > 2: replied, Initial, weak, 100000 us"],
    ),
    Talk(
        "what is no QUIC is still asked of the service",
        [(0, ask(QUIC, b"\x16\xfe\xfd" + bytes(30))), (0.1, answer(QUIC, b"\x16\xfe\xfd" + bytes(40)))],
        ["quic 1 > 2: replied, malformed message, weak, 100000 us"],
    ),
    Talk(
        "cut inside the IDs, messages pair weakly",
        [(0, ask(QUIC, REQUEST)), (0.1, answer(QUIC, initial(CLIENT, SERVER)))],
        ["quic 1 > 2: replied, cut message, weak, 100000 us"],
        snaplen=20 + 8 + 12,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_a_real_server_is_read_as_tshark_reads_it() -> None:
    seen = recorded.frames("quic", "quic.version", "quic.dcid", "quic.scid", "quic.supported_version")
    unknown, negotiated, _, asked, replied, *_ = seen.values()
    assert negotiated["quic.dcid"] == RECORDED_ID.hex()
    assert asked["quic.scid"] == replied["quic.dcid"].split(",")[0]
    assert recorded.paired("quic") == {int(negotiated["frame.number"]): 1, int(replied["frame.number"]): 4}
    assert unknown["udp.srcport"] == negotiated["udp.dstport"]
    offered = [int(version, 16) for version in negotiated["quic.supported_version"].split(",")]
    names = {V1: "QUIC v1", 0x709A50C4: "QUIC v2 (draft)", DRAFT_29: "QUIC draft 29"}
    assert recorded.told("quic", "version") == {
        int(negotiated["frame.number"]): [names[one] for one in offered if one & 0x0F0F0F0F != 0x0A0A0A0A],
        int(replied["frame.number"]): ["QUIC v1"],
    }
