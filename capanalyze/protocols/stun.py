"""Session Traversal Utilities for NAT, RFC 8489, and TURN upon it, RFC 8656: a response has the transaction ID.

The 32 bits before the ID are the magic cookie, or part of the ID (RFC 3489): they are compared with it. Indications
are never answered (section 6.3.2). Channel data (RFC 8656 section 12.4), and the media and the encrypted data that
follow on the same ports (RFC 7983 section 7), are no messages of STUN.
"""

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


PROTOCOL = Protocol(
    name="stun",
    title="STUN",
    discloses="stun",
    transport="udp",
    ports=(3478,),
    match=match,
    kinds=KINDS,
    window=10 * SECOND,
)
