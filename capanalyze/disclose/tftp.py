"""TFTP (RFC 1350 section 5, RFC 2347): whether the file is there, and how it is sent; never what it holds."""

import struct
from collections.abc import Iterator

import dpkt

DATA, ACK, ERROR, OACK = 3, 4, 5, 6


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
            raise dpkt.NeedData
        yield "error", f"{code} {text.decode('utf-8', 'replace')}".strip()
    elif opcode == OACK:
        *words, rest = reply[2:].split(b"\0")
        for name, value in zip(words[::2], words[1::2], strict=False):
            yield "option", f"{name.decode('utf-8', 'replace')}={value.decode('utf-8', 'replace')}"
        if rest:
            raise dpkt.NeedData
