"""Simple Service Discovery Protocol, UPnP Device Architecture 2.0 section 1.

M-SEARCH draws any number of `HTTP/1.1 200 OK` by unicast to the asker's port, within MX seconds. They have no id, but
the search target (ST) that was asked for (section 1.3.3); a search for `ssdp:all` is answered by any. Targets are
compared without regard to case, as devices do that answer searches in small letters. NOTIFY is an announcement.

A response discloses the headers that identify a device (section 1.3.3).
"""

from collections.abc import Iterator

from capanalyze.protocols._protocol import SECOND, Protocol

KINDS = ("search", "response", "notify")

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
        raise EOFError


PROTOCOL = Protocol(
    name="ssdp",
    title="SSDP (UPnP)",
    decode=decode,
    transport="udp",
    ports=(1900,),
    kinds=KINDS,
    window=10 * SECOND,
)
