"""Octets as rows of a hex dump, as tshark prints them."""

from collections.abc import Iterator
from typing import NamedTuple

WIDTH = 16  # octets a row


class HexRow(NamedTuple):
    """One row: offset of its first octet, the octets in hexadecimal, and as ASCII where that shows something."""

    offset: str
    octets: str
    text: str


def hex_rows(octets: bytes, width: int = WIDTH) -> Iterator[HexRow]:
    """The rows of a dump, `width` octets each; the last one may have fewer."""
    digits = max(4, len(f"{max(0, len(octets) - 1):x}"))
    for start in range(0, len(octets), width):
        row = octets[start : start + width]
        text = "".join(chr(octet) if 0x20 <= octet < 0x7F else "." for octet in row)
        yield HexRow(f"{start:0{digits}x}", row.hex(" "), text)
