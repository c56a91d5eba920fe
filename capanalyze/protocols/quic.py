"""QUIC, RFC 9000 and, of whatever version, RFC 8999: a reply's destination connection ID is the request's source one.

A Version Negotiation packet has both IDs swapped (RFC 9000 section 17.2.1). An Initial may ask or answer: only the port
tells, and of two servers that speak to each other from 443 not even that. Where a client's ID is empty (section 5.1)
endpoints alone decide. Of a connection that stands only its Initials show; one that comes together with a Handshake
packet acknowledges, and needs no reply.

A reply discloses the versions that a server offers, or speaks; what follows is encrypted.
"""

import struct
from collections.abc import Iterator
from typing import Any

from capanalyze.packets.message import FLOW, KIND, MALFORMED, OTHER, REPLY, UNANSWERABLE, WEAK
from capanalyze.packets.octets import be16, be32, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, Protocol

# Octet offsets, RFC 8999 section 5.1; bits of the first octet, RFC 9000 section 17.2.
VERSION = 1
DESTINATION_LEN = 5
LONG, FIXED = 0x80, 0x40
INITIAL, EARLY, HANDSHAKE, RETRY = range(4)
NEGOTIATION = 0
VERSION_1, VERSION_2 = 1, 0x6B3343CF
DRAFTS = 0xFF0000  # and the number of the draft
GOOGLE = 0x513034  # "Q04" and a digit
GOOGLE_ID = 6

# RFC 9000 section 14.1: a server discards an Initial in a smaller datagram, and negotiates about none (section 5.2.2).
LEAST = 1200

FIRST = 3 * KIND
SECOND_FLIGHT = 4 * KIND
VERSIONS = 5 * KIND
AGAIN = 6 * KIND
UNKNOWN = 7 * KIND
KINDS = ("Initial", "Initial and Handshake", "Version Negotiation", "Retry", "packet of another version")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one datagram, by its first packet; a short header belongs to a connection that stands."""
    first = octets[start] * 1
    if first & LONG == 0:
        return OTHER if first & FIXED else MALFORMED + GARBAGE * KIND
    if end - start < DESTINATION_LEN:
        return broken(start, end, size)
    version = be32(octets, start + VERSION)
    if version // 256 == GOOGLE:
        return match_google(octets, start, end, size, keys)
    source = behind_id(octets, start + DESTINATION_LEN, end)
    at = behind_id(octets, source, end)
    if at < 0 or (version and first & FIXED == 0):
        return broken(start, end, size)
    keys[0] = 2
    keys[1] = id_key(octets, start + DESTINATION_LEN)
    keys[2] = id_key(octets, source)
    weak = WEAK if octets[start + DESTINATION_LEN] == 0 or octets[source] == 0 else 0
    if version == NEGOTIATION:
        return REPLY + VERSIONS + weak
    small = UNANSWERABLE if size < LEAST else 0
    kind = packet_type(version, first)
    if kind < 0:
        return FLOW + UNKNOWN + weak + small
    if kind == RETRY:
        return REPLY + AGAIN + weak
    if kind != INITIAL:
        keys[0] = 0
        return OTHER
    if is_handshake(octets, behind_initial(octets, at, end), end, version):
        return FLOW + UNANSWERABLE + SECOND_FLIGHT + weak
    return FLOW + FIRST + weak + small


def match_google(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Q043 to Q049, before RFC 8999: one octet for both lengths, and one ID of eight octets that both hosts send."""
    if end - start < GOOGLE_ID + 8:
        return broken(start, end, size)
    keys[0] = 1
    keys[1] = mix(mix(GOOGLE, be32(octets, start + GOOGLE_ID)), be32(octets, start + GOOGLE_ID + 4))
    return FLOW + UNKNOWN + (UNANSWERABLE if size < LEAST else 0)


def broken(start: int, end: int, size: int) -> int:
    """A header that ends too soon: by the snap length, or of itself."""
    return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND


def packet_type(version: int, first: int) -> int:
    """The type of a long header, RFC 9000 section 17.2, RFC 9369 section 3.2; -1 where the version is not known."""
    if version == VERSION_2:
        return (first // 16 + 3) % 4
    if version == VERSION_1 or version // 256 == DRAFTS:
        return first // 16 % 4
    return -1


def behind_id(octets: Any, at: int, end: int) -> int:
    """Offset behind the connection ID whose length is at `at`; -1 if it is not whole."""
    if at < 0 or at >= end or at + 1 + octets[at] > end:
        return -1
    return at + 1 + octets[at]


def id_key(octets: Any, at: int) -> int:
    """The connection ID whose length is at `at` as a key."""
    key = 1
    for place in range(at, at + 1 + octets[at]):
        key = mix(key, octets[place] * 1)
    return key


def behind_initial(octets: Any, at: int, end: int) -> int:
    """Offset behind the Initial packet whose token's length is at `at` (section 17.2.2); -1 if it is cut before."""
    length = varint(octets, at, end)
    if length < 0:
        return -1
    at = behind_varint(octets, at) + length
    length = varint(octets, at, end)
    if length < 0:
        return -1
    return behind_varint(octets, at) + length


def varint(octets: Any, at: int, end: int) -> int:
    """A number of one, two or four octets (section 16); -1 for a longer one, which no datagram needs."""
    if at >= end or octets[at] >= 0xC0 or behind_varint(octets, at) > end:
        return -1
    if octets[at] < 0x40:
        return octets[at] * 1
    if octets[at] < 0x80:
        return be16(octets, at) - 0x4000
    return be32(octets, at) - 0x80000000


def behind_varint(octets: Any, at: int) -> int:
    """Offset behind a number that is whole."""
    if octets[at] < 0x40:
        return at + 1
    return at + 2 if octets[at] < 0x80 else at + 4


def is_handshake(octets: Any, at: int, end: int, version: int) -> bool:
    """Whether a further packet of the datagram (section 12.2) is a Handshake packet."""
    return at >= 0 and at < end and octets[at] >= LONG + FIXED and packet_type(version, octets[at] * 1) == HANDSHAKE


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
    _, version = HEAD.unpack_from(reply)
    if version:
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


def _named(version: int) -> str:
    """A version by its name, if it has one."""
    if version >> 8 == DRAFTS:
        return f"QUIC draft {version & 0xFF}"
    return VERSION_NAMES.get(version, f"QUIC version 0x{version:08x}")


PROTOCOL = Protocol(
    name="quic",
    title="QUIC",
    decode=decode,
    transport="udp",
    ports=(443, 853, 8443),  # HTTP/3, DNS over QUIC (RFC 9250), and where the former is tried out
    match=match,
    kinds=KINDS,
)
