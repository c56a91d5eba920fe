"""Simple Network Management Protocol: request-id (RFC 3416 section 3), or msgID in version 3 (RFC 3412 section 6).

The id is behind a few nested BER headers whose lengths vary, so it is reached by skipping them.
"""

from typing import Any

from capanalyze.packets.message import ANNOUNCEMENT, FLOW, KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import mix
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

SEQUENCE, INTEGER, OCTET_STRING = 0x30, 0x02, 0x04
VERSION_3 = 3
GET, GET_NEXT, RESPONSE, SET, TRAP_1, GET_BULK, INFORM, TRAP_2, REPORT = range(0xA0, 0xA9)

GET_REQUEST = 3 * KIND
SET_REQUEST = 4 * KIND
ANSWER = 5 * KIND
TRAP = 6 * KIND
VERSION_3_MESSAGE = 7 * KIND
KINDS = ("get", "set", "response", "trap", "version 3 message")


def content(octets: Any, at: int, end: int, tag: int) -> int:
    """Offset of the content of the BER element with this tag at `at`; -1 if another stands there."""
    if at < 0 or at + 2 > end or octets[at] != tag:
        return -1
    length = octets[at + 1] * 1
    at += 2
    if length < 128:
        return at
    if length > 132:
        return -1
    return at + length - 128


def behind(octets: Any, at: int, end: int) -> int:
    """Offset behind the BER element at `at`; -1 if it is none."""
    if at < 0 or at + 2 > end:
        return -1
    length = octets[at + 1] * 1
    at += 2
    if length < 128:
        return at + length
    count = length - 128
    if count > 4 or count == 0 or at + count > end:
        return -1
    length = 0
    for place in range(at, at + count):
        length = length * 256 + octets[place]
    return at + count + length


def integer(octets: Any, at: int, end: int) -> int:
    """Hash of the INTEGER at `at`, at most eight octets; -1 if none stands there."""
    first = content(octets, at, end, INTEGER)
    last = behind(octets, at, end)
    if first < 0 or last < 0 or last > end or last - first > 8 or last <= first:
        return -1
    key = 0
    for place in range(first, last):
        key = mix(key, octets[place] * 1)
    return key


def broken(start: int, end: int, size: int) -> int:
    """A message that ends too soon: by the snap length, or of itself."""
    return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one SNMP message; version 3 hides its PDU, so its role follows from the port."""
    body = content(octets, start, end, SEQUENCE)
    version = content(octets, body, end, INTEGER)
    second = behind(octets, body, end)
    if version < 0 or second < 0 or second >= end or version >= end:
        return broken(start, end, size)
    if octets[version] == VERSION_3:
        ident = integer(octets, content(octets, second, end, SEQUENCE), end)
        if ident < 0:
            return broken(start, end, size)
        keys[0] = 1
        keys[1] = mix(VERSION_3, ident)
        return FLOW + VERSION_3_MESSAGE
    pdu = behind(octets, second, end)
    if pdu < 0 or pdu >= end:
        return broken(start, end, size)
    kind = octets[pdu] * 1
    if kind in (TRAP_1, TRAP_2):
        return ANNOUNCEMENT + TRAP
    ident = integer(octets, content(octets, pdu, end, kind), end)
    if ident < 0:
        if end - start < size:
            return (REPLY if kind == RESPONSE else REQUEST) + WEAK + CUT * KIND
        return MALFORMED + GARBAGE * KIND
    keys[0] = 1
    keys[1] = ident
    if kind in (RESPONSE, REPORT):
        return REPLY + ANSWER
    if kind == SET:
        return REQUEST + SET_REQUEST
    return REQUEST + GET_REQUEST


PROTOCOL = Protocol(
    name="snmp",
    title="SNMP",
    discloses="snmp",
    transport="udp",
    ports=(161,),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
)
