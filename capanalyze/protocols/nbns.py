"""NetBIOS Name Service, RFC 1002 section 4.2.

A response returns the request's transaction id and names the same name; its question section is empty
(section 4.2.1.1), so the name stands in the answer. A WACK asks for patience: the answer is yet to come.
"""

from typing import Any

from capanalyze.packets.message import ANNOUNCES, INTERIM, KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be16, mix
from capanalyze.protocols._names import name_hash, skip_name
from capanalyze.protocols._protocol import GARBAGE, SECOND, Protocol
from capanalyze.protocols._questions import FLAGS, HEADER_LEN, QUESTIONS, without_header

# Octet offset, RFC 1002 section 4.2.1.1; the others are those of DNS.
CODE = 3

NO_NAME = 1
NBSTAT = 0x21
NAME_QUERY, WACK = 0, 7

QUERY = 3 * KIND
NODE_STATUS = 4 * KIND
CLAIM = 5 * KIND
POSITIVE = 6 * KIND
NEGATIVE = 7 * KIND
NODE_STATUS_RESPONSE = 8 * KIND
WAIT = 9 * KIND
KINDS = (
    "name query",
    "node status request",
    "registration, refresh or release",
    "positive response",
    "negative response",
    "node status response",
    "wait for acknowledgement",
)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one name service message."""
    if end - start < HEADER_LEN:
        return without_header(octets, start, end, size)
    ident = be16(octets, start)
    keys[0] = 1
    keys[1] = mix(ident, NO_NAME)
    kind = 0
    name = name_hash(octets, start, start + HEADER_LEN, end)
    at = skip_name(octets, start + HEADER_LEN, end)
    if name >= 0 and at >= 0 and at + 2 <= end:
        kind = be16(octets, at)
        keys[0] = 2
        keys[2] = mix(mix(ident, 2), name)
    opcode = octets[start + FLAGS] // 8 % 16
    if octets[start + FLAGS] & 0x80:
        if keys[0] == 2:  # a named answer belongs to the question with that name only
            keys[0] = 1
            keys[1] = keys[2]
        if opcode == WACK:
            return REPLY + INTERIM + WAIT
        if octets[start + CODE] % 16:
            return REPLY + NEGATIVE
        if kind == NBSTAT:
            return REPLY + NODE_STATUS_RESPONSE
        return REPLY + POSITIVE
    if be16(octets, start + QUESTIONS) != 1:
        keys[0] = 0
        return MALFORMED + GARBAGE * KIND
    if keys[0] == 1 and end - start >= size:
        return REQUEST + WEAK + GARBAGE * KIND
    if opcode != NAME_QUERY:
        return REQUEST + ANNOUNCES + CLAIM
    if kind == NBSTAT:
        return REQUEST + NODE_STATUS
    return REQUEST + QUERY


PROTOCOL = Protocol(
    name="nbns",
    title="NetBIOS name service",
    discloses="nbns",
    transport="udp",
    ports=(137,),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
)
