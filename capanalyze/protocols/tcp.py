"""TCP connection attempts, RFC 9293 section 3.5: who answers a SYN acknowledges its sequence number plus one.

Behind the handshake only three things matter here: the client's first data or close, and a reset.
"""

from typing import Any

from capanalyze.packets.message import KIND, OTHER, REPLY, REQUEST, RESET, SPOKE
from capanalyze.packets.octets import be32
from capanalyze.protocols._protocol import Protocol

# Octet offsets, RFC 9293 section 3.1.
SEQUENCE = 4
ACKNOWLEDGMENT = 8
FLAGS = 13
HEADER_LEN = 20
FIN, SYN, RST, ACK = 1, 2, 4, 16

OPEN = 3 * KIND
SYN_ACK = 4 * KIND
RESET_KIND = 5 * KIND
KINDS = ("SYN", "SYN/ACK", "RST")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one segment, from its header on. Quoted by an ICMP error, it may end behind the sequence number."""
    if end - start <= FLAGS:
        keys[0] = 1
        keys[1] = (be32(octets, start + SEQUENCE) + 1) % 4294967296
        return REQUEST + OPEN
    flags = octets[start + FLAGS] * 1
    if flags & RST:
        if flags & ACK:
            keys[0] = 1
            keys[1] = be32(octets, start + ACKNOWLEDGMENT)
        return RESET + RESET_KIND
    if flags & SYN:
        keys[0] = 1
        if flags & ACK:
            keys[1] = be32(octets, start + ACKNOWLEDGMENT)
            return REPLY + SYN_ACK
        if flags & FIN:
            return OTHER
        keys[1] = (be32(octets, start + SEQUENCE) + 1) % 4294967296
        return REQUEST + OPEN
    if flags & FIN or size > octets[start + 12] // 16 * 4:
        return SPOKE
    return OTHER


PROTOCOL = Protocol(name="tcp", transport="tcp", ports=(), match=match, kinds=KINDS)
