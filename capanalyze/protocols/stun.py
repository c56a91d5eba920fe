"""Session Traversal Utilities for NAT, RFC 8489, and TURN upon it, RFC 8656: a response has the transaction ID.

The 32 bits before the ID are the magic cookie, or part of the ID (RFC 3489): they are compared with it. Indications
are never answered (section 6.3.2). Channel data (RFC 8656 section 12.4), and the media and the encrypted data that
follow on the same ports (RFC 7983 section 7), are no messages of STUN.

A response discloses the software, the server's other addresses, its realm, and why it refused (section 14). dpkt walks
the attributes. The mapped address is the asker's own and tells nothing of the host.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from capanalyze.packets.message import KIND, MALFORMED, OTHER, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be16, digest
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

# Octet offsets, RFC 8489 figure 2.
LENGTH = 2
TRANSACTION = 4
HEADER_LEN = 20
CLASS = 0x0110
SUCCESS, FAILURE, INDICATION = 0x0100, 0x0110, 0x0010
CHANNEL = 0x4000
# RFC 7983 section 7, by the first octet: RTP and RTCP; RFC 9147 section 4: application data of DTLS.
MEDIA, MEDIA_END = 128, 192
ENCRYPTED = 23

ASK = 3 * KIND
ANSWER = 4 * KIND
REFUSED = 5 * KIND
KINDS = ("request", "success response", "error response")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role by the two bits of the class, which lie apart in the message type (figure 3)."""
    if end - start < 2:
        return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND
    kind = be16(octets, start)
    first = kind // 256
    if CHANNEL <= kind < 2 * CHANNEL or MEDIA <= first < MEDIA_END or first == ENCRYPTED:
        return OTHER
    if kind >= CHANNEL or size < HEADER_LEN:
        return MALFORMED + GARBAGE * KIND
    if end - start >= LENGTH + 2 and be16(octets, start + LENGTH) + HEADER_LEN != size:
        return MALFORMED + GARBAGE * KIND
    group = kind & CLASS
    if group == INDICATION:
        return OTHER
    if end - start < HEADER_LEN:
        return (REQUEST if group == 0 else REPLY) + WEAK + CUT * KIND
    keys[0] = 1
    keys[1] = digest(octets, start + TRANSACTION, start + HEADER_LEN)
    if group == 0:
        return REQUEST + ASK
    return REPLY + (ANSWER if group == SUCCESS else REFUSED)


SOFTWARE, REALM, ERROR_CODE = 0x8022, 0x0014, 0x0009
# CHANGED-ADDRESS is OTHER-ADDRESS in RFC 3489; RFC 5780 section 7.4, RFC 8489 section 14.15.
ADDRESSES = {0x0005: "other-address", 0x802C: "other-address", 0x8023: "other-address", 0x0016: "relayed-address"}
RELAYED = 0x0016


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The attributes that tell something of the server."""
    from dpkt.stun import STUN, parse_attrs

    message = STUN(reply)
    for kind, value in parse_attrs(message.data[: message.len]):
        if kind == SOFTWARE:
            yield "software", value.rstrip(b"\0").decode("utf-8", "replace")
        elif kind == REALM:
            yield "realm", value.decode("utf-8", "replace")
        elif kind == ERROR_CODE:
            group, number = value[2], value[3]
            yield "error", f"{(group & 7) * 100 + number} {value[4:].decode('utf-8', 'replace')}".strip()
        elif kind in ADDRESSES:
            yield ADDRESSES[kind], _endpoint(value, message.xid if kind == RELAYED else bytes(16))
    if len(message.data) < message.len:
        raise EOFError


def _endpoint(value: bytes, mask: bytes) -> str:
    """Address and port, section 14.1; XORed with cookie and ID in attributes of section 14.2."""
    _, family, port = struct.unpack_from("!BBH", value)
    octets = bytes(one ^ other for one, other in zip(value[4:], mask, strict=False))
    port ^= int.from_bytes(mask[:2])
    return f"{IPv4Address(octets)}:{port}" if family == 1 else f"[{IPv6Address(octets)}]:{port}"


PROTOCOL = Protocol(
    name="stun",
    title="STUN",
    decode=decode,
    transport="udp",
    ports=(3478,),
    match=match,
    kinds=KINDS,
    window=10 * SECOND,
)
