"""The small servers: echo, discard, daytime, time, quote of the day, characters (RFC 862, 863, 867, 868, 865, 864).

Whatever datagram comes, an empty one too, draws one back (discard: none). There are no keys: endpoints decide, and
only the port tells who asks. An echo alone repeats what it answers.
"""

from typing import Any

from capanalyze.packets.message import FLOW, KIND, WEAK
from capanalyze.packets.octets import digest
from capanalyze.protocols._protocol import Protocol

DATAGRAM = 3 * KIND
KINDS = ("datagram",)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Nothing in it tells."""
    return FLOW + WEAK + DATAGRAM


def match_echo(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """RFC 862: the data come back as they were."""
    keys[0] = 1
    keys[1] = digest(octets, start, end)
    return FLOW + DATAGRAM


# Name, port, title, who reads its replies.
SERVERS = (
    ("echo", 7, "Echo", ""),
    ("discard", 9, "Discard", ""),
    ("daytime", 13, "Daytime", "small"),
    ("qotd", 17, "Quote of the day", "small"),
    ("chargen", 19, "Character generator", "small"),
    ("time", 37, "Time (RFC 868)", "clock"),
)
PROTOCOLS = tuple(
    Protocol(
        name=name,
        title=title,
        discloses=discloses,
        transport="udp",
        ports=(port,),
        match=match_echo if name == "echo" else match,
        kinds=KINDS,
        silence_proves=name != "discard",
        empty_asks=True,
    )
    for name, port, title, discloses in SERVERS
)
