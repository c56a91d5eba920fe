"""Apple Remote Desktop on the port of its forerunner, Network Assistant: not documented by Apple.

nmap asks with five octets, and whoever administers Macs finds them so. No field is known that tells one request from
another: endpoints decide, and the port tells who asks.
"""

from typing import Any

from capanalyze.packets.message import FLOW, KIND, WEAK
from capanalyze.protocols._protocol import Protocol

DATAGRAM = 3 * KIND
KINDS = ("datagram",)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Only the endpoints tell."""
    return FLOW + WEAK + DATAGRAM


PROTOCOL = Protocol(
    name="ard",
    title="Apple Remote Desktop",
    discloses="ard",
    transport="udp",
    ports=(3283,),
    match=match,
    kinds=KINDS,
)
