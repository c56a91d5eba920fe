"""Trivial File Transfer Protocol, RFC 1350: the answer to a request comes from a port chosen for it (section 4)."""

from typing import Any

from capanalyze.packets.message import KIND, MALFORMED, REQUEST, WEAK
from capanalyze.packets.octets import be16
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

READ, WRITE = 1, 2

READ_REQUEST = 3 * KIND
WRITE_REQUEST = 4 * KIND
KINDS = ("read request", "write request")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Only requests go to port 69."""
    if end - start < 2:
        return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND
    opcode = be16(octets, start)
    if opcode == READ:
        return REQUEST + WEAK + READ_REQUEST
    if opcode == WRITE:
        return REQUEST + WEAK + WRITE_REQUEST
    return MALFORMED + GARBAGE * KIND


PROTOCOL = Protocol(
    name="tftp",
    title="TFTP",
    discloses="tftp",
    transport="udp",
    ports=(69,),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
    from_any_port=True,
)
