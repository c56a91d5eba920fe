"""Simple Service Discovery Protocol, UPnP Device Architecture 2.0 section 1.

M-SEARCH draws any number of `HTTP/1.1 200 OK` by unicast to the asker's port, within MX seconds; they carry
no id. NOTIFY is an announcement.

A response discloses the headers that identify a device (section 1.3.3).
"""

from collections.abc import Iterator
from typing import Any

from capanalyze.packets.message import ANNOUNCEMENT, KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be32
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

M_SEARCH = 0x4D2D5345  # "M-SE"
HTTP = 0x48545450  # "HTTP"
NOTIFY = 0x4E4F5449  # "NOTI"

SEARCH = 3 * KIND
RESPONSE = 4 * KIND
ANNOUNCED = 5 * KIND
KINDS = ("search", "response", "notify")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message, by its first word."""
    if end - start < 4:
        return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND
    word = be32(octets, start)
    if word == M_SEARCH:
        return REQUEST + WEAK + SEARCH
    if word == HTTP:
        return REPLY + WEAK + RESPONSE
    if word == NOTIFY:
        return ANNOUNCEMENT + ANNOUNCED
    return MALFORMED + GARBAGE * KIND


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
    match=match,
    kinds=KINDS,
    window=10 * SECOND,
    from_any_port=True,  # section 1.3.3 has the answer come from 1900, many devices use another port
)
