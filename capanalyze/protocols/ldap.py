"""LDAP over UDP (CLDAP), RFC 1798 with RFC 4511's messages: a response has the request's messageID (section 4.1.1).

A search draws its entries and a SearchResultDone, together in one datagram or one by one; unbind and
abandon are never answered (sections 4.3, 4.11).

A response discloses attributes of the rootDSE, and what a domain controller tells who logs on (MS-ADTS 6.3.1.9).
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from capanalyze.packets.message import INTERIM, KIND, MALFORMED, REPLY, REQUEST, UNANSWERABLE
from capanalyze.packets.octets import mix
from capanalyze.protocols._ber import (
    OCTET_STRING,
    SEQUENCE,
    Value,
    behind,
    broken,
    content,
    contents,
    integer,
    integer_hash,
    text,
    time,
    value,
    values,
)
from capanalyze.protocols._names import after_name, name_at
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
    ident = integer_hash(octets, first, end)
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


# RFC 4512 section 5.1, RFC 3045, MS-ADTS 3.1.1.3.2: attributes of the rootDSE, without case.
ATTRIBUTES = {
    "defaultnamingcontext": "naming-context",
    "namingcontexts": "naming-context",
    "rootdomainnamingcontext": "naming-context",
    "dnshostname": "host-name",
    "servername": "server-name",
    "ldapservicename": "server-name",
    "vendorname": "software",
    "vendorversion": "software",
}
CLOCK = "currenttime"
NETLOGON = "netlogon"

# RFC 4511 appendix A.1.
RESULTS = {
    1: "operationsError",
    2: "protocolError",
    7: "authMethodNotSupported",
    8: "strongerAuthRequired",
    10: "referral",
    32: "noSuchObject",
    34: "invalidDNSyntax",
    48: "inappropriateAuthentication",
    50: "insufficientAccessRights",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
}

# MS-ADTS 6.3.1.9: opcode, reserved, flags, the domain's GUID, then names compressed as in DNS.
SAM_LOGON_EX = (23, 25)
LOGON = struct.Struct("<HHI16s")
NAMES = ("forest", "domain", "host-name", "netbios-domain", "netbios-name", "user", "site", "site")


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of all messages in a datagram."""
    at = 0
    while at != len(reply) or at == 0:
        message = value(reply, at)
        for op in values(reply, message):
            if op.tag == ENTRY:
                yield from _entry(reply, op)
            elif op.tag == DONE:
                yield from _result(reply, op)
        at = message.end


def _entry(reply: bytes, entry: Value) -> Iterator[tuple[str, str]]:
    """SearchResultEntry, RFC 4511 section 4.5.2: the object's name, then attributes with their values."""
    _, attributes = values(reply, entry)
    for attribute in values(reply, attributes):
        described, found = values(reply, attribute)
        name = text(reply, described)
        for one in values(reply, found):
            if name.lower() == NETLOGON:
                yield from _logon(contents(reply, one))
            elif name.lower() == CLOCK:
                yield "clock", f"{time(reply, one)}Z"
            elif name.lower() in ATTRIBUTES:
                yield ATTRIBUTES[name.lower()], text(reply, one)
            else:
                yield "attribute", f"{name}={text(reply, one)}"


def _result(reply: bytes, done: Value) -> Iterator[tuple[str, str]]:
    """LDAPResult, RFC 4511 section 4.1.9: why a search failed."""
    code, _, diagnostic = islice(values(reply, done), 3)
    if number := integer(reply, code):
        yield "error", RESULTS.get(number, f"result code {number}")
    if said := text(reply, diagnostic):
        yield "text", said


def _logon(octets: bytes) -> Iterator[tuple[str, str]]:
    """The answer of a domain controller to who looks for one."""
    opcode, _, _, domain = LOGON.unpack_from(octets)
    if opcode not in SAM_LOGON_EX:
        return
    yield "domain-guid", str(UUID(bytes_le=domain))
    at = LOGON.size
    for kind in NAMES:
        if name := name_at(octets, at):
            yield kind, name
        at = after_name(octets, at)


PROTOCOL = Protocol(
    name="ldap",
    title="LDAP over UDP (CLDAP)",
    decode=decode,
    transport="udp",
    ports=(389,),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
)
