"""Web Services Dynamic Discovery (WS-Discovery 2005/04 and OASIS 1.1): SOAP over UDP.

ProbeMatches and ResolveMatches name in RelatesTo the MessageID of the Probe or Resolve that they answer (sections 5.3
and 6.3 of the OASIS text), by unicast and perhaps from a port of their own. Hello and Bye are announcements.

What a host sends discloses what it calls itself, its types and the addresses of its services (XAddrs).
"""

import re
from collections.abc import Iterator

from capanalyze.protocols._protocol import SECOND, Protocol

KINDS = ("probe", "probe matches", "resolve", "resolve matches", "hello", "bye")

ELEMENT = re.compile(rb"<(?:[\w.-]+:)?(Address|Types|Scopes|XAddrs)\b[^>]*>([^<]*)</")
DISCLOSED = {b"Address": "usn", b"Types": "service", b"Scopes": "scope", b"XAddrs": "location"}
END = b"Envelope>"


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The words of the elements that identify a device; addresses of the anonymous asker are none."""
    for name, text in ELEMENT.findall(reply):
        for word in text.decode("utf-8", "replace").split():
            if not word.endswith(("/role/anonymous", "/addressing/anonymous")):
                yield DISCLOSED[name], word
    if END not in reply:
        raise EOFError


PROTOCOL = Protocol(
    name="wsdiscovery",
    title="WS-Discovery",
    decode=decode,
    transport="udp",
    ports=(3702,),
    dissectors=("xml",),
    kinds=KINDS,
    window=10 * SECOND,
)
