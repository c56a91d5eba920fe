"""Simple Network Management Protocol: request-id (RFC 3416 section 3), or msgID in version 3 (RFC 3412 section 6).

The id is behind a few nested BER headers whose lengths vary, so it is reached by skipping them. What has the wrong
community is not answered (RFC 1157 section 4.1), so that a change of answers says something only within one.
"""

from typing import Any

from capanalyze.packets.message import ANNOUNCEMENT, COMPARED, FLOW, KIND, MALFORMED, REPLY, REQUEST, ROLES, WEAK
from capanalyze.packets.octets import digest, mix
from capanalyze.protocols._ber import INTEGER, SEQUENCE, behind, broken, content, integer
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

VERSION_3 = 3
GET, GET_NEXT, RESPONSE, SET, TRAP_1, GET_BULK, INFORM, TRAP_2, REPORT = range(0xA0, 0xA9)

GET_REQUEST = 3 * KIND
SET_REQUEST = 4 * KIND
ANSWER = 5 * KIND
TRAP = 6 * KIND
VERSION_3_MESSAGE = 7 * KIND
REPORTED = 8 * KIND
KINDS = ("get", "set", "response", "trap", "version 3 message", "report")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one SNMP message."""
    body = content(octets, start, end, SEQUENCE)
    version = content(octets, body, end, INTEGER)
    second = behind(octets, body, end)
    if version < 0 or second < 0 or second >= end or version >= end:
        return broken(start, end, size)
    if octets[version] == VERSION_3:
        return match_version_3(octets, second, start, end, size, keys)
    pdu = behind(octets, second, end)
    if pdu < 0 or pdu >= end:
        return broken(start, end, size)
    role = role_of(octets[pdu] * 1)
    if role % ROLES == ANNOUNCEMENT:
        return role
    ident = integer(octets, content(octets, pdu, end, octets[pdu] * 1), end)
    if ident < 0:
        if end - start < size:
            return role % ROLES + WEAK + CUT * KIND
        return MALFORMED + GARBAGE * KIND
    keys[0] = 1
    keys[1] = ident
    if role % ROLES == REQUEST:
        keys[0] = 2
        keys[2] = digest(octets, second, pdu)
        role += COMPARED
    return role


def match_version_3(octets: Any, head: int, start: int, end: int, size: int, keys: Any) -> int:
    """Version 3, RFC 3412 section 6: where its PDU is encrypted or cut off, only the port tells who asks."""
    ident = integer(octets, content(octets, head, end, SEQUENCE), end)
    if ident < 0:
        return broken(start, end, size)
    keys[0] = 1
    keys[1] = mix(VERSION_3, ident)
    scoped = content(octets, behind(octets, behind(octets, head, end), end), end, SEQUENCE)
    pdu = behind(octets, behind(octets, scoped, end), end)
    if pdu < 0 or pdu >= end:
        return FLOW + VERSION_3_MESSAGE
    role = role_of(octets[pdu] * 1)
    if role % ROLES == ANNOUNCEMENT:
        keys[0] = 0
    return role


def role_of(pdu: int) -> int:
    """What a PDU of this type is, RFC 3416 section 3; a report answers what could not be processed."""
    if pdu in (TRAP_1, TRAP_2):
        return ANNOUNCEMENT + TRAP
    if pdu == RESPONSE:
        return REPLY + ANSWER
    if pdu == REPORT:
        return REPLY + REPORTED
    if pdu == SET:
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
