"""CUPS browsing on the port of IPP: a server broadcasts its printers, one datagram each (CUPS Browse Protocol).

Nothing answers there: IPP itself, RFC 8011, speaks TCP. A browse packet is text: type and state of the printer as
hexadecimal numbers, its URI, and perhaps location, information and model in quotes.

A packet discloses the printer's URI, and what its owner wrote about it.
"""

import re
from collections.abc import Iterator

from capanalyze.protocols._protocol import Protocol

KINDS = ("browse packet",)

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


PROTOCOL = Protocol(
    name="ipp",
    title="CUPS browsing",
    decode=decode,
    transport="udp",
    ports=(631,),
    dissectors=("cups", "ipp"),
    kinds=KINDS,
    draws_none=("any browse packet (CUPS Browse Protocol)",),
    silence_proves=False,
)
