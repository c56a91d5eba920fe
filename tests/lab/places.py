"""Who is where: zones, interfaces, addresses.

All addresses are from the documentation ranges (RFC 5737, RFC 3849), unique local (RFC 4193) or private (RFC 1918), and
exist in the lab's network namespaces only.
"""

from pathlib import Path
from typing import NamedTuple

# A file system of its own is mounted here, so that all that a lab writes is gone with it.
RUN = Path("/run")
HOME = RUN / "lab"
OUT = HOME / "out"
LOGS = HOME / "log"


class Zone(NamedTuple):
    """A network that the target is asked through: its own interface there, and the client's.

    `number` is what a capture of all interfaces has in place of the interface's name.
    """

    name: str
    interface: str
    link: str
    target: str
    target6: str
    client: str
    client6: str
    number: int = 0


LAN = Zone("lan", "en0", "en0", "198.51.100.10", "fd00:1ab::10", "198.51.100.20", "fd00:1ab::20", 2)
INTERNET = Zone("internet", "ppp0", "wan0", "203.0.113.10", "2001:db8:99::10", "203.0.113.66", "2001:db8:99::66", 3)
CLIENTS = (LAN, INTERNET)

TARGET_MAC, LAN_MAC = "00:17:f2:df:cd:b3", "00:16:3e:00:00:20"
LAN_BROADCAST = "198.51.100.255"
ROUTER = "203.0.113.1"
TIME_SERVER, NAME_SERVER = "203.0.113.123", "203.0.113.53"
HOST = "Qf98e"
# The target as the one that asks.
OUTBOUND = Zone("outbound", "ppp0", "ppp0", TIME_SERVER, "", INTERNET.target, "")
ZONES = {zone.name: zone for zone in (*CLIENTS, OUTBOUND)}

# Two hosts behind a router that translates their addresses into the internet client's.
HOMES = {"home1": "192.0.2.11", "home2": "192.0.2.12"}
HOME_ROUTER = "192.0.2.1"

# What stands behind a bridge of the target, and the target's own address there.
BRIDGE, BEHIND, CONTAINER = "docker0", "172.17.0.1", "172.17.0.2"
ANY = "any"
