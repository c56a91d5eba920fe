"""Session Initiation Protocol, RFC 3261: a response repeats Call-ID, CSeq and the branch of the topmost Via.

(Sections 8.2.6.2 and 17.1.3.) Branches alone do not tell requests apart: some hosts use one for a whole dialogue. The
same request is sent again and again until a first answer comes (section 17.1). ACK is never answered; after a refusal
it has the INVITE's branch, and belongs to it (section 17.1.1.3). Where a response goes is the Via's to say (section
18.2.2), not the request's source port.

A response discloses its status, the software at either end, and the realm that asks for a password (section 20).
"""

import re
from collections.abc import Iterator

from capanalyze.protocols._protocol import SECOND, Protocol

KINDS = ("request", "response", "ACK")

STATUS = re.compile(rb"SIP/2\.0 (\d{3} [^\r\n]*)")
HEADERS = {"server": "server", "user-agent": "server", "contact": "endpoint", "m": "endpoint", "organization": "text"}
CHALLENGES = ("www-authenticate", "proxy-authenticate")
REALM = re.compile(r'realm="([^"]*)"')


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The headers in the order of the reply, whole lines only. What a challenge holds besides the realm is left out."""
    head, end, _ = reply.partition(b"\r\n\r\n")
    *lines, rest = (head + b"\r\n" if end else head).split(b"\n")
    for line in lines:
        if status := STATUS.match(line):
            yield "rcode", status[1].decode("utf-8", "replace").strip()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        kind = HEADERS.get(name.strip().lower())
        if kind and value.strip():
            yield kind, value.strip()
        elif name.strip().lower() in CHALLENGES and (realm := REALM.search(value)):
            yield "realm", realm[1]
    if rest:
        raise EOFError


PROTOCOL = Protocol(
    name="sip",
    title="SIP",
    decode=decode,
    transport="udp",
    ports=(5060,),
    kinds=KINDS,
    draws_none=("ACK (RFC 3261 section 17.1.1.3)",),
    window=5 * SECOND,
)
