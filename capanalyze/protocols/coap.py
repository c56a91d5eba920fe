"""Constrained Application Protocol, RFC 7252: a response has the request's token (section 5.3.2).

What travels in an acknowledgement has the message ID besides (section 5.2.1); an empty acknowledgement promises a
response of its own (section 5.2.2). A ping is a confirmable message without anything, and a reset answers it
(section 4.3). A client too acknowledges: what it was sent by itself, as a reply without its request.

A response discloses its code, and what its payload says: a directory of resources (RFC 6690), or text.
"""

import re
from collections.abc import Iterator

from capanalyze.protocols._protocol import SECOND, Protocol

TOKEN = 4  # its offset, RFC 7252 figure 7

KINDS = ("request", "ping", "response", "error response", "acknowledgement", "reset")

PAYLOAD_MARKER = 0xFF
CONTENT_FORMAT, LINK_FORMAT = 12, 40
LINK = re.compile(r"<([^>]*)>((?:;[^,;=]+(?:=(?:\"[^\"]*\"|[^,;]*))?)*)")

# RFC 7252 section 12.1.2.
CODES = {
    65: "Created",
    66: "Deleted",
    67: "Valid",
    68: "Changed",
    69: "Content",
    95: "Continue",
    128: "Bad Request",
    129: "Unauthorized",
    130: "Bad Option",
    131: "Forbidden",
    132: "Not Found",
    133: "Method Not Allowed",
    134: "Not Acceptable",
    140: "Precondition Failed",
    141: "Request Entity Too Large",
    143: "Unsupported Content-Format",
    160: "Internal Server Error",
    161: "Not Implemented",
    162: "Bad Gateway",
    163: "Service Unavailable",
    164: "Gateway Timeout",
    165: "Proxying Not Supported",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a response; a message without a code tells nothing."""
    code = reply[1]
    if not code:
        return
    shown = f"{code >> 5}.{code & 31:02} {CODES.get(code, '')}".strip()
    yield "error" if code >> 5 > 2 else "rcode", shown
    form, payload = _payload(reply)
    text = payload.decode("utf-8", "replace")
    if form == LINK_FORMAT:
        for path, attributes in LINK.findall(text):
            yield "resource", path + attributes
    elif payload and text.isprintable() and "\ufffd" not in text:
        yield "text", text


def _payload(reply: bytes) -> tuple[int, bytes]:
    """Content format (-1: none) and payload, behind the options (section 3.1)."""
    at, number, form = TOKEN + (reply[0] & 15), 0, -1
    while at < len(reply) and reply[at] != PAYLOAD_MARKER:
        head = reply[at]
        delta, at_length = _extended(reply, head >> 4, at + 1)
        length, at = _extended(reply, head & 15, at_length)
        number += delta
        if number == CONTENT_FORMAT:
            form = int.from_bytes(reply[at : at + length])
        at += length
    if at > len(reply):
        raise EOFError
    return form, reply[at + 1 :]


def _extended(reply: bytes, nibble: int, at: int) -> tuple[int, int]:
    """A delta or length of one, two or three octets, and what follows."""
    if nibble == 13:
        return reply[at] + 13, at + 1
    if nibble == 14:
        return reply[at] * 256 + reply[at + 1] + 269, at + 2
    if nibble == 15:
        raise ValueError("an option of reserved length")
    return nibble, at


PROTOCOL = Protocol(
    name="coap",
    title="CoAP",
    decode=decode,
    transport="udp",
    ports=(5683,),
    kinds=KINDS,
    window=5 * SECOND,
)
