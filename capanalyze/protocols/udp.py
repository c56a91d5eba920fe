"""UDP without a module of its own: the first datagram of a five-tuple asks, the first one back answers."""

from typing import Any

from capanalyze.packets.message import FLOW, KIND
from capanalyze.protocols._protocol import SECOND, Protocol

DATAGRAM = 3 * KIND
KINDS = ("datagram",)
IDLE = 60 * SECOND  # after so much silence a five-tuple begins anew


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Only the endpoints tell."""
    return FLOW + DATAGRAM


PROTOCOL = Protocol(name="udp", transport="udp", ports=(), match=match, kinds=KINDS)
