"""Time (RFC 868): seconds since 1900, four octets."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The clock. Seconds below 2^31 are those after 2036, as in NTP."""
    (seconds,) = struct.unpack("!I", reply[:4])
    if seconds < 1 << 31:
        seconds += 1 << 32
    time = datetime(1900, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    yield "time", time.isoformat().replace("+00:00", "Z")
