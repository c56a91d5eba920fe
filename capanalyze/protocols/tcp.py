"""TCP connection attempts, RFC 9293 section 3.5: who answers a SYN acknowledges its sequence number plus one.

Behind the handshake only a few things matter here: the first data or close of either side, and a reset.
"""

from typing import Any

from capanalyze.packets.message import KIND, OTHER, REPLY, REQUEST, RESET, SPOKE
from capanalyze.packets.octets import be32
from capanalyze.protocols._protocol import SECOND, Protocol

# Octet offsets, RFC 9293 section 3.1.
SEQUENCE = 4
ACKNOWLEDGMENT = 8
OFFSET = 12
FLAGS = 13
HEADER_LEN = 20
FIN, SYN, RST, ACK = 1, 2, 4, 16

OPEN = 3 * KIND
SYN_ACK = 4 * KIND
RESET_KIND = 5 * KIND
CLOSE = 6 * KIND
KINDS = ("SYN", "SYN/ACK", "RST", "FIN")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one segment, from its header on. Quoted by an ICMP error, it may end behind the sequence number."""
    if end - start <= FLAGS:
        keys[0] = 1
        keys[1] = (be32(octets, start + SEQUENCE) + 1) % 4294967296
        return REQUEST + OPEN
    flags = octets[start + FLAGS] * 1
    data = size - octets[start + OFFSET] // 16 * 4
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
        if data > 0:  # RFC 7413: with a cookie, what came along with the SYN is acknowledged too
            keys[0] = 2
            keys[2] = (keys[1] + data) % 4294967296
        return REQUEST + OPEN
    if data > 0:
        return SPOKE
    if flags & FIN:
        return SPOKE + CLOSE
    return OTHER


# A SYN is sent again after 1, 3, 7, 15, 31 and 63 seconds (RFC 6298 section 5, with six retries).
PROTOCOL = Protocol(
    name="tcp", discloses="tcp", transport="tcp", ports=(), match=match, kinds=KINDS, resends=64 * SECOND
)
