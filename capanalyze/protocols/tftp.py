"""Trivial File Transfer Protocol, RFC 1350: the answer to a request comes from a port chosen for it (section 4).

Some servers answer from port 69 all the same. The first packet of a transfer is the answer: data or an acknowledgment
with the first number, one of options (RFC 2347), an error. The rest of it goes either way and answers nothing.
"""

from typing import Any

from capanalyze.packets.message import KIND, MALFORMED, OTHER, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be16
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

READ, WRITE, DATA, ACK, ERROR, OACK = range(1, 7)
BLOCK = 2

READ_REQUEST = 3 * KIND
WRITE_REQUEST = 4 * KIND
ANSWER = 5 * KIND
REFUSED = 6 * KIND
KINDS = ("read request", "write request", "first packet", "error")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of what goes to port 69, or comes from there."""
    if end - start < 2:
        return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND
    opcode = be16(octets, start)
    if opcode == READ:
        return REQUEST + WEAK + READ_REQUEST
    if opcode == WRITE:
        return REQUEST + WEAK + WRITE_REQUEST
    if opcode == ERROR:
        return REPLY + WEAK + REFUSED
    if opcode == OACK:
        return REPLY + WEAK + ANSWER
    if opcode in (DATA, ACK):
        if end - start < BLOCK + 2:
            return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND
        if be16(octets, start + BLOCK) == (1 if opcode == DATA else 0):
            return REPLY + WEAK + ANSWER
        return OTHER
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
