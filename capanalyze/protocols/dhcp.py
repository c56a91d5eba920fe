"""Dynamic Host Configuration Protocol, RFC 2131: reply and request share the transaction id xid (section 2).

The client has no address yet, and is answered by broadcast or at the address it is about to get: the
key alone finds the request.

A reply discloses what its options (RFC 2132) say of the server and of the network. dpkt walks them.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address
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


# RFC 2132 sections 3.5, 3.8, 3.17, 8.3, 8.5, 9.7; the host name of section 3.14 is the client's own.
ADDRESSES = {3: "router", 6: "name-server", 42: "time-server", 44: "netbios-name-server", 54: "server-id"}
TEXTS = {15: "domain", 66: "tftp-server", 67: "boot-file", 56: "error"}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The address that is offered, then the options that speak of the network."""
    from dpkt.dhcp import DHCP

    message = DHCP(reply)
    if message.yiaddr:
        yield "offered-address", str(IPv4Address(message.yiaddr))
    for field, kind in ((message.sname, "host-name"), (message.file, "boot-file")):
        text = field.partition(b"\0")[0].decode("latin-1")
        if text.isprintable() and text:
            yield kind, text
    for code, value in message.opts:
        if code in ADDRESSES:
            for at in range(0, len(value), 4):
                yield ADDRESSES[code], str(IPv4Address(value[at : at + 4]))
        elif code in TEXTS and value:
            yield TEXTS[code], value.rstrip(b"\0").decode("utf-8", "replace")
        elif code == MESSAGE_TYPE and value[:1] == bytes([NAK]):
            yield "error", "NAK"


PROTOCOL = Protocol(
    name="dhcp",
    title="DHCP",
    decode=decode,
    transport="udp",
    ports=(67, 68),
    match=match,
    kinds=KINDS,
    window=10 * SECOND,
    by_question=True,
)
