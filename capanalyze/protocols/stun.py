"""Session Traversal Utilities for NAT, RFC 8489, and TURN upon it, RFC 8656: a response has the transaction ID.

The 32 bits before the ID are the magic cookie, or part of the ID (RFC 3489): they are compared with it. Indications
are never answered (section 6.3.2). Channel data (RFC 8656 section 12.4), and the media and the encrypted data that
follow on the same ports (RFC 7983 section 7), are no messages of STUN: like indications, they pair by their endpoints.
A Shared Secret Request (RFC 3489 section 9.3) has no business over UDP: to the server it asks, from there it answers.

A response discloses the software, the server's other addresses, its realm, and why it refused (section 14). dpkt walks
the attributes. The mapped address is the asker's own and tells nothing of the host.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from capanalyze.protocols._protocol import SECOND, Protocol

KINDS = (
    "request",
    "success response",
    "error response",
    "shared secret request",
    "indication",
    "channel data, media or encrypted data",
)

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
    dissectors=("stun", "classicstun"),
    kinds=KINDS,
    draws_none=(
        "indications (RFC 8489 section 6.3.2)",
        "channel data, media and encrypted data (RFC 8656 section 12.4, RFC 7983 section 7)",
    ),
    window=10 * SECOND,
)
