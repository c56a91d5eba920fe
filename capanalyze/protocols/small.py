"""The small servers: echo, discard, daytime, time, quote of the day, characters (RFC 862, 863, 867, 868, 865, 864).

Whatever datagram comes, an empty one too, draws one back (discard: none). There are no keys: endpoints decide, and
only the port tells who asks. An echo alone repeats what it answers.

Daytime, the quote and the characters disclose their words, and time the clock.

"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from capanalyze.protocols._protocol import Decoder, Protocol

KINDS = ("datagram",)


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The first line."""
    line = next(iter(reply.decode("utf-8", "replace").splitlines()), "").strip()
    if line:
        yield "text", line


def decode_time(reply: bytes) -> Iterator[tuple[str, str]]:
    """RFC 868: seconds since 1900, four octets; those below 2^31 are seconds after 2036, as in NTP."""
    (seconds,) = struct.unpack("!I", reply[:4])
    if seconds < 1 << 31:
        seconds += 1 << 32
    time = datetime(1900, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    yield "time", time.isoformat().replace("+00:00", "Z")


# Name, port, title, what reads its replies.
SERVERS: tuple[tuple[str, int, str, Decoder | None], ...] = (
    ("echo", 7, "Echo", None),
    ("discard", 9, "Discard", None),
    ("daytime", 13, "Daytime", decode),
    ("qotd", 17, "Quote of the day", decode),
    ("chargen", 19, "Character generator", decode),
    ("time", 37, "Time (RFC 868)", decode_time),
)
PROTOCOLS = tuple(
    Protocol(
        name=name,
        title=title,
        decode=decoder,
        transport="udp",
        ports=(port,),
        kinds=KINDS,
        silence_proves=name != "discard",
        draws_none=("any datagram (RFC 863)",) if name == "discard" else (),
        empty_asks=True,
        dissectors=() if name in ("discard", "qotd") else None,
    )
    for name, port, title, decoder in SERVERS
)
