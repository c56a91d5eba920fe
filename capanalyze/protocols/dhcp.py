"""Dynamic Host Configuration Protocol, RFC 2131: reply and request share the transaction id xid (section 2).

The client has no address yet, and is answered by broadcast or at the address it is about to get: the
key alone finds the request.
"""

from typing import Any

from capanalyze.packets.message import KIND, MALFORMED, REPLY, REQUEST, UNANSWERABLE, WEAK
from capanalyze.packets.octets import be32, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

# Octet offsets, RFC 2131 figure 1, and RFC 2132 section 9.6.
XID = 4
OPTIONS = 240
ABOVE = 4294967296  # above the 32 bits of the transaction id
COOKIE = 0x63825363
MESSAGE_TYPE = 53
BOOTREQUEST, BOOTREPLY = 1, 2
DISCOVER, OFFER, REQUESTED, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)

ASK = 3 * KIND
ANSWER = 4 * KIND
KINDS = ("request", "reply")


def message_type(octets: Any, start: int, end: int) -> int:
    """Option 53; 0 where there is none (plain BOOTP)."""
    if end - start < OPTIONS or be32(octets, start + OPTIONS - 4) != COOKIE:
        return 0
    at = start + OPTIONS
    for _ in range(64):
        if at + 3 > end or octets[at] == 255:
            return 0
        if octets[at] == MESSAGE_TYPE:
            return octets[at + 2] * 1
        at += 1 if octets[at] == 0 else 2 + octets[at + 1]
    return 0


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """OFFER answers DISCOVER, ACK and NAK answer REQUEST, an ACK also INFORM and (rapid commit) DISCOVER."""
    if size < OPTIONS - 4 or octets[start] not in (BOOTREQUEST, BOOTREPLY):
        return MALFORMED + GARBAGE * KIND
    if end - start < XID + 4:
        return (REQUEST if octets[start] == BOOTREQUEST else REPLY) + WEAK + CUT * KIND
    ident = be32(octets, start + XID)
    kind = message_type(octets, start, end)
    keys[0] = 1
    if octets[start] == BOOTREPLY:
        keys[1] = mix(ident, (OFFER if kind == OFFER else ACK) * ABOVE)
        return REPLY + ANSWER
    keys[1] = mix(ident, ACK * ABOVE)
    if kind in (DECLINE, RELEASE):
        return REQUEST + UNANSWERABLE + ASK
    if kind == DISCOVER:
        keys[0] = 2
        keys[2] = mix(ident, OFFER * ABOVE)
    return REQUEST + ASK


PROTOCOL = Protocol(
    name="dhcp",
    title="DHCP",
    discloses="dhcp",
    transport="udp",
    ports=(67, 68),
    match=match,
    kinds=KINDS,
    window=10 * SECOND,
    by_question=True,
)
