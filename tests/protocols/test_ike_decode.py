"""IKE responses: octets to facts, each with tshark's summary above it."""

import struct
from hashlib import md5

import pytest

from capanalyze.protocols.ike import VENDORS

from . import Facts, assert_cut_tells_less, told

SA_1, VENDOR_1, NOTIFY_1, HASH_1 = 1, 13, 11, 8
SA, KEY, NOTIFY, VENDOR, ENCRYPTED = 33, 34, 41, 43, 46
INIT, R = 34, 0x20


def message(*payloads: tuple[int, bytes], version: int = 0x20, flags: int = R, marker: bytes = b"") -> bytes:
    """Header and payloads, RFC 7296 sections 3.1 and 3.2."""
    kinds = [kind for kind, _ in payloads] + [0]
    body = b"".join(
        struct.pack(">2BH", following, 0, 4 + len(octets)) + octets
        for following, (_, octets) in zip(kinds[1:], payloads, strict=True)
    )
    head = b"initiateresponds" + struct.pack(">4B2I", kinds[0], version, INIT, flags, 0, 28 + len(body))
    return marker + head + body


def transform(kind: int, number: int, bits: int = 0, *, last: bool = False) -> bytes:
    """RFC 7296 section 3.3.2."""
    attributes = struct.pack(">2H", 0x800E, bits) if bits else b""
    return struct.pack(">2BH2BH", 0 if last else 3, 0, 8 + len(attributes), kind, 0, number) + attributes


def proposal(*transforms: bytes) -> bytes:
    """RFC 7296 section 3.3.1, as it was chosen."""
    body = b"".join(transforms)
    return struct.pack(">2BH4B", 0, 0, 8 + len(body), 1, 1, 0, len(transforms)) + body


def notify(number: int, data: bytes = b"") -> tuple[int, bytes]:
    """RFC 7296 section 3.10."""
    return NOTIFY, struct.pack(">2BH", 0, 0, number) + data


def chosen_1(*attributes: bytes) -> bytes:
    """RFC 2408 sections 3.4 to 3.6: DOI, situation, a proposal with one transform."""
    body = b"".join(attributes)
    inner = struct.pack(">2BH2BH", 0, 0, 8 + len(body), 1, 1, 0) + body
    return struct.pack(">2I2BH4B", 1, 1, 0, 0, 8 + len(inner), 1, 1, 0, 1) + inner


def short(attribute: int, value: int) -> bytes:
    """An attribute of two octets, RFC 2408 section 3.3."""
    return struct.pack(">2H", 0x8000 | attribute, value)


LONG = struct.pack(">2HI", 12, 4, 28800)  # a life duration
DPD = bytes.fromhex("afcad71368a1f1c96b8696fc77570100")

REPLIES: dict[str, tuple[bytes, Facts]] = {
    # ESP (SPI=0xc3a1b2d4)
    "ESP": (bytes.fromhex("c3a1b2d400000007") + bytes(60), []),
    # IKE_SA_INIT MID=00 Responder Response
    "version 2": (
        message(
            (SA, proposal(transform(1, 12, 256), transform(2, 5), transform(3, 12), transform(4, 14, last=True))),
            (KEY, bytes(4)),
            notify(16430),
            notify(16388),
            (VENDOR, bytes.fromhex("882fe56d6fd20dbc2251613b2ebe5beb")),
            (VENDOR, b"OE-Libreswan-4.10"),
            (VENDOR, b"\1\2"),
        ),
        [
            ("version", "IKEv2"),
            ("transform", "encryption AES-CBC 256"),
            ("transform", "PRF HMAC-SHA2-256"),
            ("transform", "integrity HMAC-SHA2-256-128"),
            ("transform", "group MODP-2048"),
            ("capability", "IKEV2_FRAGMENTATION_SUPPORTED"),
            ("vendor-id", "strongSwan"),
            ("vendor-id", "OE-Libreswan-4.10"),
            ("vendor-id", "0102"),
        ],
    ),
    # IKE_SA_INIT MID=00 Responder Response
    "another group is wanted": (
        message(notify(17, struct.pack(">H", 31))),
        [("version", "IKEv2"), ("error", "INVALID_KE_PAYLOAD (wants group Curve25519)")],
    ),
    # IKE_SA_INIT MID=00 Responder Response, behind the non-ESP marker
    "no proposal": (message(notify(14), marker=bytes(4)), [("version", "IKEv2"), ("error", "NO_PROPOSAL_CHOSEN")]),
    # IKE_SA_INIT MID=00 Responder Response
    "a cookie": (
        message(notify(16390, b"cookie")),
        [("version", "IKEv2"), ("capability", "COOKIE (asks the initiator to prove its address)")],
    ),
    # IKE_SA_INIT MID=00 Responder Response, numbers that are not known
    "unknown": (
        message((SA, proposal(transform(1, 999), transform(9, 1, last=True))), notify(99)),
        [
            ("version", "IKEv2"),
            ("transform", "encryption 999"),
            ("transform", "type 9 1"),
            ("error", "notification 99"),
        ],
    ),
    # IKE_AUTH MID=01 Responder Response
    "encrypted": (message((ENCRYPTED, bytes(40))), [("version", "IKEv2")]),
    # Identity Protection (Main Mode)
    "version 1": (
        message(
            (SA_1, chosen_1(short(1, 7), short(14, 256), short(2, 4), short(3, 1), short(4, 14), short(11, 1), LONG)),
            (VENDOR_1, DPD),
            version=0x10,
            flags=0,
        ),
        [
            ("version", "IKEv1"),
            ("transform", "encryption AES-CBC"),
            ("transform", "key length 256"),
            ("transform", "hash SHA2-256"),
            ("transform", "authentication pre-shared key"),
            ("transform", "group MODP-2048"),
            ("vendor-id", "Dead Peer Detection (RFC 3706)"),
        ],
    ),
    # Informational
    "version 1 refuses": (
        message((NOTIFY_1, struct.pack(">I2BH", 1, 1, 0, 14)), version=0x10, flags=0),
        [("version", "IKEv1"), ("error", "NO-PROPOSAL-CHOSEN")],
    ),
    # Identity Protection (Main Mode)
    "version 1, encrypted": (message((HASH_1, bytes(40)), version=0x10, flags=1), [("version", "IKEv1")]),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_reply_tells(kind: str) -> None:
    reply, facts = REPLIES[kind]
    assert told("ike", reply) == facts


@pytest.mark.parametrize("kind", sorted(set(REPLIES) - {"encrypted", "version 1, encrypted"}))
def test_cut_reply_tells_less(kind: str) -> None:
    assert_cut_tells_less("ike", REPLIES[kind][0])


def test_a_payload_without_length_ends_the_reading() -> None:
    reply = message((SA, b""))
    assert told("ike", reply[:30] + bytes(2))[-1] == ("malformed", "a payload shorter than its header")


@pytest.mark.parametrize(
    "sentence",
    [
        "RFC 3947",
        "draft-ietf-ipsec-nat-t-ike-02\n",
        "draft-ietf-ipsec-nat-t-ike-03",
        "draft-ietf-ipsec-nat-t-ike-00",
        "FRAGMENTATION",
        "strongSwan",
        "MS NT5 ISAKMPOAKLEY",
        "KAME/racoon",
        "CISCO-DELETE-REASON",
        "MS-Negotiation Discovery Capable",
    ],
)
def test_a_vendor_id_is_the_digest_of_its_sentence(sentence: str) -> None:
    assert md5(sentence.encode(), usedforsecurity=False).hexdigest() in VENDORS
