"""Apple Remote Desktop: the layout of a reply is not public, so what reads as text is told."""

import re
from collections.abc import Iterator

LEAST = 4  # letters that make a word
TEXT = re.compile(rb"[\x20-\x7e]{%d,}" % LEAST)


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The texts in their order."""
    for text in TEXT.findall(reply):
        if text.strip():
            yield "text", text.decode().strip()
