"""Internet Key Exchange, RFC 7296 (version 2) and RFC 2408 (version 1), on port 4500 behind a marker (RFC 3948).

Version 2: a response has the initiator's SPI, exchange type and message ID of the request (sections 2.1, 2.2); one
that refuses a message outside of an SA is INFORMATIONAL whatever was asked (section 1.5). Version 1 marks no
response: an exchange begins with an empty responder cookie, and what the same initiator cookie brings first, an SA or a
notification, answers it (RFC 2408 sections 2.5.3, 3.1). What follows it in clear continues that exchange. What is
encrypted, ESP in UDP, and what keeps a NAT's mapping alive are told apart by endpoints alone: datagrams of an
association, which a stranger's need not be answered. On port 4500 whatever has no marker is ESP (RFC 3948 section 2).

A response discloses what was chosen, the software behind its vendor IDs, and why it refused. dpkt has no module for it.
Payloads are read as far as they are not encrypted.
"""

import struct
from collections.abc import Iterator

from capanalyze.protocols._protocol import SECOND, Protocol

ENCRYPTED = 0x01  # flag of version 1, RFC 2408 section 3.1

KINDS = (
    "IKE_SA_INIT request",
    "IKE_SA_INIT response",
    "request",
    "response",
    "phase 1 request (version 1)",
    "phase 1 response (version 1)",
    "notification (version 1)",
    "later message (version 1)",
    "ESP in UDP",
    "keep-alive",
)

HEADER = struct.Struct("!8s8s4B2I")
PAYLOAD = struct.Struct("!2BH")
MARKER = bytes(4)

VERSION_1 = 1
# RFC 2408 section 3.1, RFC 7296 section 3.2: the same payloads by both versions' numbers.
SA, VENDOR_ID, NOTIFY = (1, 33), (13, 43), (11, 41)
ENCRYPTED_PAYLOADS = (46, 53)

# MD5 of a sentence, mostly (the sentence stands here), or as the RFC says; the first octets decide.
VENDORS = {
    "afcad71368a1f1c96b8696fc7757": "Dead Peer Detection (RFC 3706)",
    "09002689dfd6b712": "XAUTH",
    "12f5f28c457168a9702d9fe274cc": "Cisco Unity",
    "4a131c81070358455c5728f20e95452f": "NAT traversal (RFC 3947)",
    "90cb80913ebb696e086381b5ec427b1f": "NAT traversal (draft 2)",
    "7d9419a65310ca6f2c179d9215529d56": "NAT traversal (draft 3)",
    "4485152d18b6bbcd0be8a8469579ddcc": "NAT traversal (draft 0)",
    "4048b7d56ebce88525e7de7f00d6c2d3": "fragmentation",
    "882fe56d6fd20dbc2251613b2ebe5beb": "strongSwan",
    "1e2b516905991c7d7c96fcbfb587e461": "Microsoft (MS NT5 ISAKMPOAKLEY)",
    "7003cbc1097dbe9c2600ba6983bc8b35": "racoon (KAME/racoon)",
    "45bda47952b7c722bbfd3198c5dc7dcd": "Cisco (CISCO-DELETE-REASON)",
    "fb1de3cdf341b7ea16b7e5be0855f120": "Microsoft (MS-Negotiation Discovery Capable)",
}

# RFC 7296 section 3.3.2 and IANA's registries: transforms by type, a selection of IDs.
KINDS_OF_TRANSFORM = {1: "encryption", 2: "PRF", 3: "integrity", 4: "group", 5: "ESN"}
GROUPS = {
    1: "MODP-768",
    2: "MODP-1024",
    5: "MODP-1536",
    14: "MODP-2048",
    15: "MODP-3072",
    16: "MODP-4096",
    19: "ECP-256",
    20: "ECP-384",
    21: "ECP-521",
    31: "Curve25519",
    32: "Curve448",
}
TRANSFORMS = {
    1: {
        2: "DES",
        3: "3DES",
        11: "NULL",
        12: "AES-CBC",
        13: "AES-CTR",
        18: "AES-GCM-8",
        19: "AES-GCM-12",
        20: "AES-GCM-16",
        28: "ChaCha20-Poly1305",
    },
    2: {
        1: "HMAC-MD5",
        2: "HMAC-SHA1",
        4: "AES128-XCBC",
        5: "HMAC-SHA2-256",
        6: "HMAC-SHA2-384",
        7: "HMAC-SHA2-512",
    },
    3: {
        1: "HMAC-MD5-96",
        2: "HMAC-SHA1-96",
        5: "AES-XCBC-96",
        12: "HMAC-SHA2-256-128",
        13: "HMAC-SHA2-384-192",
        14: "HMAC-SHA2-512-256",
    },
    4: GROUPS,
}
KEY_LENGTH = 14

# RFC 2409 appendix A: attributes of version 1's only transform.
ATTRIBUTES_1 = {
    1: ("encryption", {1: "DES-CBC", 5: "3DES-CBC", 7: "AES-CBC"}),
    2: ("hash", {1: "MD5", 2: "SHA1", 4: "SHA2-256", 5: "SHA2-384", 6: "SHA2-512"}),
    3: (
        "authentication",
        {1: "pre-shared key", 3: "RSA signatures", 64221: "hybrid", 65001: "XAUTH with a pre-shared key"},
    ),
    4: ("group", GROUPS),
    14: ("key length", {}),
}

# RFC 7296 section 3.10.1, RFC 2408 section 3.14.1: the errors, and what else tells something.
NOTIFICATIONS = {
    1: "UNSUPPORTED_CRITICAL_PAYLOAD",
    4: "INVALID_IKE_SPI",
    5: "INVALID_MAJOR_VERSION",
    7: "INVALID_SYNTAX",
    9: "INVALID_MESSAGE_ID",
    14: "NO_PROPOSAL_CHOSEN",
    17: "INVALID_KE_PAYLOAD",
    18: "INVALID_ID_INFORMATION",
    24: "AUTHENTICATION_FAILED",
}
NOTIFICATIONS_1 = NOTIFICATIONS | {
    1: "INVALID-PAYLOAD-TYPE",
    4: "INVALID-COOKIE",
    7: "INVALID-EXCHANGE-TYPE",
    14: "NO-PROPOSAL-CHOSEN",
    16: "PAYLOAD-MALFORMED",
    17: "INVALID-KEY-INFORMATION",
}
INVALID_KE = 17
STATUS = 16384
COOKIE = 16390
CAPABILITIES = {
    16404: "MULTIPLE_AUTH_SUPPORTED",
    16406: "REDIRECT_SUPPORTED",
    16418: "CHILDLESS_IKEV2_SUPPORTED",
    16430: "IKEV2_FRAGMENTATION_SUPPORTED",
    16431: "SIGNATURE_HASH_ALGORITHMS",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The version, then the payloads one after the other."""
    start = len(MARKER) if reply[: len(MARKER)] == MARKER else 0
    _, _, following, version, _, flags, _, length = HEADER.unpack_from(reply, start)
    if length < len(reply) - start:  # ESP
        return
    major = version >> 4
    yield "version", f"IKEv{major}"
    if major == VERSION_1 and flags & ENCRYPTED:
        return
    end, at = start + length, start + HEADER.size
    while following and following not in ENCRYPTED_PAYLOADS and at < end:
        kind = following
        following, _, size = PAYLOAD.unpack_from(reply, at)
        if size < PAYLOAD.size:
            raise ValueError("a payload shorter than its header")
        if at + size > len(reply):
            raise EOFError
        yield from _payload(major, kind, reply[at + PAYLOAD.size : at + size])
        at += size


def _payload(major: int, kind: int, body: bytes) -> Iterator[tuple[str, str]]:
    """One payload behind its generic header."""
    if kind in SA:
        yield from _proposal_1(body) if major == VERSION_1 else _proposal(body)
    elif kind in VENDOR_ID:
        yield "vendor-id", _vendor(body)
    elif kind in NOTIFY:
        yield from _notification_1(body) if major == VERSION_1 else _notification(body)


def _proposal(body: bytes) -> Iterator[tuple[str, str]]:
    """The proposal that was chosen, RFC 7296 sections 3.3.1 and 3.3.2: a transform of each type."""
    spi, count = body[6], body[7]
    at = 8 + spi
    for _ in range(count):
        size, kind, number = struct.unpack_from("!2xHBxH", body, at)
        yield "transform", _transform(kind, number, body[at + 8 : at + size])
        at += size


def _transform(kind: int, number: int, attributes: bytes) -> str:
    """`encryption AES-CBC 256`."""
    words = f"{KINDS_OF_TRANSFORM.get(kind, f'type {kind}')} {TRANSFORMS.get(kind, {}).get(number, number)}"
    if len(attributes) >= 4:
        attribute, bits = struct.unpack_from("!2H", attributes)
        if attribute & 0x7FFF == KEY_LENGTH:
            words += f" {bits}"
    return words


def _proposal_1(body: bytes) -> Iterator[tuple[str, str]]:
    """The transform that was chosen, RFC 2408 sections 3.4 to 3.6; an attribute has two octets, or says how many."""
    spi = body[14]
    size = struct.unpack_from("!H", body, 16 + spi + 2)[0]
    at, end = 24 + spi, 16 + spi + size
    while at < end:
        attribute, short = struct.unpack_from("!2H", body, at)
        at += 4 if attribute & 0x8000 else 4 + short
        if attribute & 0x7FFF in ATTRIBUTES_1 and attribute & 0x8000:
            words, names = ATTRIBUTES_1[attribute & 0x7FFF]
            yield "transform", f"{words} {names.get(short, short)}"


def _notification(body: bytes) -> Iterator[tuple[str, str]]:
    """RFC 7296 section 3.10: an error, or what the responder can do."""
    spi, number = struct.unpack_from("!xBH", body)
    if number < STATUS:
        words = NOTIFICATIONS.get(number, f"notification {number}")
        if number == INVALID_KE:
            (group,) = struct.unpack_from("!H", body, 4 + spi)
            words += f" (wants group {GROUPS.get(group, group)})"
        yield "error", words
    elif number == COOKIE:
        yield "capability", "COOKIE (asks the initiator to prove its address)"
    elif number in CAPABILITIES:
        yield "capability", CAPABILITIES[number]


def _notification_1(body: bytes) -> Iterator[tuple[str, str]]:
    """RFC 2408 section 3.14: an error, behind the domain of interpretation."""
    (number,) = struct.unpack_from("!6xH", body)
    if number < STATUS:
        yield "error", NOTIFICATIONS_1.get(number, f"notification {number}")


def _vendor(body: bytes) -> str:
    """A vendor ID by its name, as text, or in hexadecimal digits."""
    octets = body.hex()
    for known, name in VENDORS.items():
        if octets.startswith(known):
            return name
    if len(body) > 4 and body.isascii() and body.decode("ascii").isprintable():
        return body.decode("ascii")
    return octets


PROTOCOL = Protocol(
    name="ike",
    title="IKE",
    decode=decode,
    transport="udp",
    ports=(500, 4500),
    dissectors=("isakmp", "udpencap"),
    kinds=KINDS,
    draws_none=(
        "ESP, and whatever has no marker on port 4500 (RFC 3948 section 2.2)",
        "keep-alives (section 2.3)",
        "requests and messages within an association that the host may not know (RFC 7296 section 2.21.4)",
    ),
    window=5 * SECOND,
    resends=64 * SECOND,  # RFC 7296 section 2.1: the same octets, ever more seldom
)
