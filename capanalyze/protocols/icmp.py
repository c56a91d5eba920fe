"""ICMP that asks and answers: RFC 792 (echo, timestamp, information), RFC 950 (mask), RFC 4443 section 4.

A reply carries the request's identifier and sequence number. Errors are not matched here: they quote the
datagram that they reject, and `packets.transport` reads that as a message of its own service.
"""

from typing import Any

from capanalyze.packets.message import KIND, OTHER, REPLY, REQUEST
from capanalyze.packets.octets import be32, mix
from capanalyze.protocols._protocol import Protocol

HEADER_LEN = 8
ABOVE = 4294967296  # above the 32 bits of identifier and sequence number

ECHO = 3 * KIND
ECHO_REPLY = 4 * KIND
QUERY = 5 * KIND
QUERY_REPLY = 6 * KIND
KINDS = ("echo request", "echo reply", "timestamp, information or mask request", "timestamp, information or mask reply")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one ICMP or ICMPv6 message, from its header on; type numbers of the two do not overlap here."""
    if end - start < HEADER_LEN:
        return OTHER
    kind = octets[start] * 1
    ident = be32(octets, start + 4)
    keys[0] = 1
    if kind in (8, 128):
        keys[1] = mix(ident, kind * ABOVE)
        return REQUEST + ECHO
    if kind in (0, 129):
        keys[1] = mix(ident, (8 if kind == 0 else 128) * ABOVE)
        return REPLY + ECHO_REPLY
    if kind in (13, 15, 17):
        keys[1] = mix(ident, kind * ABOVE)
        return REQUEST + QUERY
    if kind in (14, 16, 18):
        keys[1] = mix(ident, (kind - 1) * ABOVE)
        return REPLY + QUERY_REPLY
    return OTHER


PROTOCOL = Protocol(
    name="icmp", title="ICMP echo", transport="icmp", ports=(), match=match, dissectors=("icmp", "icmpv6"), kinds=KINDS
)
