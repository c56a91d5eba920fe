"""Octets as `tshark -x` and `xxd` print them: 16 a row, in hexadecimal and as ASCII."""

from collections.abc import Iterator
from typing import NamedTuple

WIDTH = 16  # octets a row


class Row(NamedTuple):
    """One row: the offset of its first octet, its octets as hexadecimal digits and as characters, a dot for others."""

    offset: int
    digits: str
    characters: str


def hex_rows(octets: bytes) -> Iterator[Row]:
    """The rows of a dump."""
    for offset in range(0, len(octets), WIDTH):
        row = octets[offset : offset + WIDTH]
        yield Row(offset, row.hex(" "), "".join(chr(one) if 0x20 <= one < 0x7F else "." for one in row))


def hex_dump(octets: bytes) -> Iterator[str]:
    """The rows as lines: `0010  45 00 00 54 …   E..T…`."""
    return (f"{row.offset:04x}  {row.digits:{3 * WIDTH - 1}}   {row.characters}" for row in hex_rows(octets))
