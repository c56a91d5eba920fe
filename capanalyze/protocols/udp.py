"""UDP without a module of its own: the first datagram of a five-tuple asks, the first one back answers."""

from capanalyze.packets.message import KIND
from capanalyze.protocols._protocol import SECOND, Protocol

DATAGRAM = 3 * KIND
KINDS = ("datagram",)
IDLE = 60 * SECOND  # after so much silence a five-tuple begins anew

PROTOCOL = Protocol(name="udp", transport="udp", ports=(), kinds=KINDS)
