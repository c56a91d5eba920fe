"""Apple Remote Desktop on the port of its forerunner, Network Assistant: not documented by Apple.

nmap asks with five octets, and whoever administers Macs finds them so. No field is known that tells one request from
another: endpoints decide, and the port tells who asks.

The layout of a reply is not public, so that it discloses what reads as text.
"""

import re
from collections.abc import Iterator

from capanalyze.protocols._protocol import Protocol

KINDS = ("datagram",)

LEAST = 4  # letters that make a word
TEXT = re.compile(rb"[\x20-\x7e]{%d,}" % LEAST)


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The texts in their order."""
    for text in TEXT.findall(reply):
        if text.strip():
            yield "text", text.decode().strip()


PROTOCOL = Protocol(
    name="ard",
    title="Apple Remote Desktop",
    decode=decode,
    transport="udp",
    ports=(3283,),
    dissectors=(),
    kinds=KINDS,
)
