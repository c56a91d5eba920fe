"""Constrained Application Protocol, RFC 7252: a response has the request's token (section 5.3.2).

What travels in an acknowledgement has the message ID besides (section 5.2.1); an empty acknowledgement promises a
response of its own (section 5.2.2). A ping is a confirmable message without anything, and a reset answers it
(section 4.3). A client too acknowledges: what it was sent by itself, as a reply without its request.

A response discloses its code, and what its payload says: a directory of resources (RFC 6690), or text.
"""

import re
from collections.abc import Iterator
from typing import Any

from capanalyze.packets.message import INTERIM, KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be16, digest, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

# Octet offsets, RFC 7252 figure 7; the first octet has version, type and token length.
CODE = 1
MESSAGE_ID = 2
TOKEN = 4
MAX_TOKEN = 8
MAX_METHOD = 7  # iPATCH, RFC 8132 section 8
VERSION = 1
CONFIRMABLE, NON_CONFIRMABLE, ACKNOWLEDGEMENT, RESET = range(4)
BY_TOKEN, BY_ID = 1, 2

ASK = 3 * KIND
PING = 4 * KIND
RESPONSE = 5 * KIND
ERROR_RESPONSE = 6 * KIND
ACKNOWLEDGED = 7 * KIND
WAS_RESET = 8 * KIND
KINDS = ("request", "ping", "response", "error response", "acknowledgement", "reset")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message, by the class of its code, and by its type where the code is 0.00."""
    kind = octets[start] // 16 % 4
    length = octets[start] % 16
    if octets[start] // 64 != VERSION or length > MAX_TOKEN or size < TOKEN + length:
        return MALFORMED + GARBAGE * KIND
    if end - start < 2:
        return MALFORMED + CUT * KIND
    code = octets[start + CODE] * 1
    group = code // 32
    if (
        group not in (0, 2, 4, 5)
        or (group == 0 and code > MAX_METHOD)
        or (code == 0 and (kind == NON_CONFIRMABLE or length))
    ):
        return MALFORMED + GARBAGE * KIND
    asks = kind == CONFIRMABLE if code == 0 else group == 0
    if end - start < TOKEN + length:
        return (REQUEST if asks else REPLY) + WEAK + CUT * KIND
    ident = mix(BY_ID, be16(octets, start + MESSAGE_ID))
    token = mix(BY_TOKEN, digest(octets, start + TOKEN, start + TOKEN + length))
    keys[0] = 1
    keys[1] = ident
    if code == 0:
        if kind == CONFIRMABLE:
            return REQUEST + PING
        return REPLY + (INTERIM + ACKNOWLEDGED if kind == ACKNOWLEDGEMENT else WAS_RESET)
    if asks:
        keys[0] = 2
        keys[2] = token
        return REQUEST + ASK
    if kind != ACKNOWLEDGEMENT:
        keys[1] = token
    return REPLY + (RESPONSE if group == 2 else ERROR_RESPONSE)


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
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
)
