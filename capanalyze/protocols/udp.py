"""UDP without a module of its own: the first datagram of a five-tuple asks, the first one back answers.

An empty datagram draws no reply, nor do messages that are only told, such as routes or the time.

`silence.BY_PAYLOAD` has their sources.
"""

from capanalyze.packets.message import KIND
from capanalyze.protocols._protocol import SECOND, Protocol

DATAGRAM = 3 * KIND
KINDS = (
    "datagram",
    "datagram of a tunnel",
    "SNMP notification",
    "RIP response",
    "RTP or RTCP",
    "PTP message",
    "MNDP announcement",
    "Art-Net data",
)
IDLE = 60 * SECOND  # after so much silence a five-tuple begins anew

PROTOCOL = Protocol(name="udp", transport="udp", ports=(), kinds=KINDS)
