"""Constrained Application Protocol, RFC 7252: a response has the request's token (section 5.3.2).

What travels in an acknowledgement has the message ID besides (section 5.2.1); an empty acknowledgement promises a
response of its own (section 5.2.2). A ping is a confirmable message without anything, and a reset answers it
(section 4.3). A client too acknowledges: what it was sent by itself, as a reply without its request.
"""

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


PROTOCOL = Protocol(
    name="coap",
    title="CoAP",
    discloses="coap",
    transport="udp",
    ports=(5683,),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
)
