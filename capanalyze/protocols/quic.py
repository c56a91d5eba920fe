"""QUIC, RFC 9000 and, of whatever version, RFC 8999: a reply's destination connection ID is the request's source one.

An Initial may ask or answer: only the port tells, and of two servers that speak to each other from 443 not even that.
Where a client's ID is empty (section 5.1) endpoints alone decide. All Initials of a connection are one request: the
datagrams of a long ClientHello, and acknowledgements, which may come by themselves or before a Handshake packet; they
have the source ID in common, while the destination ID changes with the first reply (section 7.2). The token that comes
back after a Retry (section 8.1.2) makes another request. What begins with another packet (a short header, 0-RTT,
Handshake) shows no more than that two hosts speak to each other.

The ports are anyone's. A plain DNS message pairs as in `dns`; what is neither (DNSCrypt, DTLS, a VPN) is read as a
packet of a connection, or not at all, and endpoints decide.

A reply discloses the versions that a server offers, or speaks; what follows is encrypted.
"""

import struct
from collections.abc import Iterator

from capanalyze.protocols._protocol import Protocol

LONG = 0x80  # bit of the first octet, RFC 8999 section 5.1
DRAFTS = 0xFF0000  # and the number of the draft

KINDS = (
    "Initial",
    "Initial and Handshake",
    "Version Negotiation",
    "Retry",
    "packet of another version",
    "later packet",
    "DNS query",
    "DNS response",
)

HEAD = struct.Struct("!BI")
WORD = struct.Struct("!I")

# RFC 9000 section 15, RFC 9369 section 3.1; a selection of those in IANA's registry of QUIC versions.
VERSION_NAMES = {
    1: "QUIC v1",
    0x6B3343CF: "QUIC v2",
    0x709A50C4: "QUIC v2 (draft)",
    0x51303433: "Google QUIC Q043",
    0x51303436: "Google QUIC Q046",
    0x51303530: "Google QUIC Q050",
    0x54303531: "Google QUIC T051",
    0xFACEB001: "Facebook mvfst 1",
    0xFACEB002: "Facebook mvfst 2",
}
RESERVED, RESERVED_MASK = 0x0A0A0A0A, 0x0F0F0F0F  # section 15: offered to see that it is ignored


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The versions of a Version Negotiation packet, else the one that is spoken."""
    first, version = HEAD.unpack_from(reply)
    if not first & LONG:  # a short header, and those of Google's first versions, have no version there
        return
    if version:
        if _is_known(version):  # another service's reply may look like that of any other
            yield "version", _named(version)
        return
    at = HEAD.size
    for _ in range(2):
        at += 1 + reply[at]
    for place in range(at, len(reply) - 3, WORD.size):
        (offered,) = WORD.unpack_from(reply, place)
        if offered & RESERVED_MASK != RESERVED:
            yield "version", _named(offered)
    if len(reply) < at or (len(reply) - at) % WORD.size:
        raise EOFError


def _is_known(version: int) -> bool:
    """Whether a version has a name, or is a draft."""
    return version in VERSION_NAMES or version >> 8 == DRAFTS


def _named(version: int) -> str:
    """A version by its name, if it has one."""
    if version >> 8 == DRAFTS:
        return f"QUIC draft {version & 0xFF}"
    return VERSION_NAMES.get(version, f"QUIC version 0x{version:08x}")


PROTOCOL = Protocol(
    name="quic",
    converses=True,
    title="QUIC",
    decode=decode,
    transport="udp",
    ports=(443, 853, 8443),  # HTTP/3, DNS over QUIC (RFC 9250), and where the former is tried out
    kinds=KINDS,
    draws_none=(
        "what begins a connection in less than 1200 octets (RFC 9000 section 14.1)",
        "what follows in a connection (section 13.2)",
    ),
)
