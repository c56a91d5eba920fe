"""CUPS browsing on the port of IPP: a server broadcasts its printers, one datagram each (CUPS Browse Protocol).

Nothing answers there: IPP itself, RFC 8011, speaks TCP. A browse packet is text: type and state of the printer as
hexadecimal numbers, its URI, and perhaps location, information and model in quotes.

A packet discloses the printer's URI, and what its owner wrote about it.
"""

import re
from collections.abc import Iterator
from typing import Any

from capanalyze.packets.message import ANNOUNCES, KIND, MALFORMED, REQUEST, UNANSWERABLE, WEAK
from capanalyze.packets.octets import be32
from capanalyze.protocols._protocol import CUT, GARBAGE, Protocol

IPP = 0x6970703A  # "ipp:"
SPACE = 32
MAX_DIGITS = 8

PRINTER = 3 * KIND
KINDS = ("browse packet",)


def after_number(octets: Any, at: int, end: int) -> int:
    """Offset behind a hexadecimal number and the blank that ends it; -1 if none stands there."""
    for place in range(at, min(at + MAX_DIGITS + 1, end)):
        octet = octets[place] * 1
        if octet == SPACE and place > at:
            return place + 1
        if not (48 <= octet <= 57 or 97 <= octet <= 102 or 65 <= octet <= 70):
            return -1
    return -1


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """A browse packet, or something that nobody reads."""
    at = after_number(octets, start, end)
    if at >= 0:
        at = after_number(octets, at, end)
    if at >= 0 and at + 4 <= end and be32(octets, at) == IPP:
        return REQUEST + WEAK + UNANSWERABLE + ANNOUNCES + PRINTER
    return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND


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
    match=match,
    kinds=KINDS,
    silence_proves=False,
)
