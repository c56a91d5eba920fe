"""LDAP over UDP (CLDAP), RFC 1798 with RFC 4511's messages: a response has the request's messageID (section 4.1.1).

A search draws its entries and a SearchResultDone, together in one datagram or one by one; unbind and
abandon are never answered (sections 4.3, 4.11).

A response discloses attributes of the rootDSE, and what a domain controller tells who logs on (MS-ADTS 6.3.1.9).
"""

from collections.abc import Iterator
from itertools import islice

from capanalyze.protocols import _netlogon
from capanalyze.protocols._ber import Value, contents, integer, text, time, value, values
from capanalyze.protocols._protocol import SECOND, Protocol

ENTRY, DONE = 0x64, 0x65  # application tags of protocolOp, RFC 4511 section 4.5.2

KINDS = (
    "search request",
    "other request",
    "unbind or abandon",
    "search result entry",
    "search result done",
    "other response",
)

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
                yield from _netlogon.facts(contents(reply, one))
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


PROTOCOL = Protocol(
    name="ldap",
    title="LDAP over UDP (CLDAP)",
    decode=decode,
    transport="udp",
    ports=(389,),
    dissectors=("cldap", "ldap"),
    kinds=KINDS,
    draws_none=("unbind and abandon (RFC 4511 sections 4.3, 4.11)",),
    window=5 * SECOND,
)
