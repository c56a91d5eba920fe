"""WS-Discovery: what a host calls itself, its types and the addresses of its services (XAddrs)."""

import re
from collections.abc import Iterator

import dpkt

ELEMENT = re.compile(rb"<(?:[\w.-]+:)?(Address|Types|Scopes|XAddrs)\b[^>]*>([^<]*)</")
KINDS = {b"Address": "usn", b"Types": "service", b"Scopes": "scope", b"XAddrs": "location"}
END = b"Envelope>"


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The words of the elements that identify a device; addresses of the anonymous asker are none."""
    for name, text in ELEMENT.findall(reply):
        for word in text.decode("utf-8", "replace").split():
            if not word.endswith(("/role/anonymous", "/addressing/anonymous")):
                yield KINDS[name], word
    if END not in reply:
        raise dpkt.NeedData
