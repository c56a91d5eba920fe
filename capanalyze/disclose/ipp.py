"""CUPS browse packets: the printer's URI, and what its owner wrote about it."""

import re
from collections.abc import Iterator

# type state uri "location" "information" "make and model" options
PACKET = re.compile(r'[0-9a-fA-F]+ [0-9a-fA-F]+ (\S+)(?: "([^"]*)")?(?: "([^"]*)")?(?: "([^"]*)")?')


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The fields that are there, in their order."""
    found = PACKET.match(reply.decode("utf-8", "replace"))
    if not found and reply:
        raise ValueError("not a browse packet")
    for kind, value in zip(
        ("location", "printer-location", "instance", "model"), found.groups() if found else (), strict=False
    ):
        if value:
            yield kind, value
