"""SSDP (UPnP Device Architecture 2.0, section 1.3.3): the headers that identify a device."""

from collections.abc import Iterator

import dpkt

# A notification (section 1.2.2) says NT where a search response says ST.
HEADERS = {
    "server": "server",
    "location": "location",
    "usn": "usn",
    "st": "search-target",
    "nt": "search-target",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The headers in the order of the reply, whole lines only."""
    *lines, rest = reply.split(b"\n")
    for line in lines:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        kind = HEADERS.get(name.strip().lower())
        if kind and value.strip():
            yield kind, value.strip()
    if rest:
        raise dpkt.NeedData
