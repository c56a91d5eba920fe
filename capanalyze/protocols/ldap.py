"""LDAP over UDP (CLDAP), RFC 1798 with RFC 4511's messages: a response has the request's messageID (section 4.1.1).

A search draws its entries and a SearchResultDone, together in one datagram or one by one; unbind and
abandon are never answered (sections 4.3, 4.11).
"""

from typing import Any

from capanalyze.packets.message import INTERIM, KIND, MALFORMED, REPLY, REQUEST, UNANSWERABLE
from capanalyze.packets.octets import mix
from capanalyze.protocols._ber import OCTET_STRING, SEQUENCE, behind, broken, content, integer
from capanalyze.protocols._protocol import GARBAGE, SECOND, Protocol

# Application tags of protocolOp, RFC 4511 sections 4.2 to 4.13.
UNBIND, ABANDON = 0x42, 0x50
SEARCH, ENTRY, DONE, REFERENCE = 0x63, 0x64, 0x65, 0x73
OTHER_REQUESTS = (0x60, 0x66, 0x68, 0x4A, 0x6C, 0x6E, 0x77)
OTHER_RESPONSES = (0x61, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x78, 0x79)

SEARCH_ASK = 3 * KIND
OTHER_ASK = 4 * KIND
NEVER_ANSWERED = 5 * KIND
SEARCH_ENTRY = 6 * KIND
SEARCH_DONE = 7 * KIND
OTHER_ANSWER = 8 * KIND
KINDS = (
    "search request",
    "other request",
    "unbind or abandon",
    "search result entry",
    "search result done",
    "other response",
)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message: messageID, in RFC 1798 perhaps a user, protocolOp."""
    first = content(octets, start, end, SEQUENCE)
    ident = integer(octets, first, end)
    op = behind(octets, first, end)
    if op >= 0 and op < end and octets[op] == OCTET_STRING:
        op = behind(octets, op, end)
    if ident < 0 or op < 0 or op >= end:
        return broken(start, end, size)
    role = role_of(octets[op] * 1)
    if role:
        keys[0] = 1
        keys[1] = mix(SEQUENCE, ident)
        return role
    return MALFORMED + GARBAGE * KIND


def role_of(op: int) -> int:
    """What an operation is; 0 for none of the protocol."""
    if op == SEARCH:
        return REQUEST + SEARCH_ASK
    if op == DONE:
        return REPLY + SEARCH_DONE
    if op in (ENTRY, REFERENCE):
        return REPLY + INTERIM + SEARCH_ENTRY
    if op in (UNBIND, ABANDON):
        return REQUEST + UNANSWERABLE + NEVER_ANSWERED
    if op in OTHER_REQUESTS:
        return REQUEST + OTHER_ASK
    if op in OTHER_RESPONSES:
        return REPLY + OTHER_ANSWER
    return 0


PROTOCOL = Protocol(
    name="ldap",
    title="LDAP over UDP (CLDAP)",
    discloses="ldap",
    transport="udp",
    ports=(389,),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
)
