"""Trivial File Transfer Protocol, RFC 1350: the answer to a request comes from a port chosen for it (section 4).

Some servers answer from port 69 all the same. The first packet of a transfer is the answer: data or an acknowledgment
with the first number, one of options (RFC 2347), an error. The rest of it goes either way, and asks for nothing.

The answer discloses whether the file is there, and how it is sent (RFC 2347); never what it holds.
"""

import struct
from collections.abc import Iterator

from capanalyze.protocols._protocol import SECOND, Protocol

DATA, ACK, ERROR, OACK = range(3, 7)  # opcodes, section 5 and RFC 2347

KINDS = ("read request", "write request", "first packet", "error", "later packet")


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The first reply to a request."""
    (opcode,) = struct.unpack_from("!H", reply)
    if opcode == DATA:
        (block,) = struct.unpack_from("!H", reply, 2)
        yield "file", f"block {block}, {len(reply) - 4} octets"
    elif opcode == ACK:
        yield "file", "may be written"
    elif opcode == ERROR:
        (code,) = struct.unpack_from("!H", reply, 2)
        text, end, _ = reply[4:].partition(b"\0")
        if not end:
            raise EOFError
        yield "error", f"{code} {text.decode('utf-8', 'replace')}".strip()
    elif opcode == OACK:
        *words, rest = reply[2:].split(b"\0")
        for name, value in zip(words[::2], words[1::2], strict=False):
            yield "option", f"{name.decode('utf-8', 'replace')}={value.decode('utf-8', 'replace')}"
        if rest:
            raise EOFError


PROTOCOL = Protocol(
    name="tftp",
    title="TFTP",
    decode=decode,
    transport="udp",
    ports=(69,),
    kinds=KINDS,
    draws_none=("later blocks of a transfer (RFC 1350 section 4)",),
    window=5 * SECOND,
    converses=True,
)
