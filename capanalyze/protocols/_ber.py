"""Elements in BER (X.690 section 8.1), for the modules whose messages are made of them."""

from typing import Any

from capanalyze.packets.message import KIND, MALFORMED
from capanalyze.packets.octets import mix
from capanalyze.protocols._protocol import CUT, GARBAGE

SEQUENCE, INTEGER, OCTET_STRING = 0x30, 0x02, 0x04


def content(octets: Any, at: int, end: int, tag: int) -> int:
    """Offset of the content of the BER element with this tag at `at`; -1 if another stands there."""
    if at < 0 or at + 2 > end or octets[at] != tag:
        return -1
    length = octets[at + 1] * 1
    at += 2
    if length < 128:
        return at
    if length > 132:
        return -1
    return at + length - 128


def behind(octets: Any, at: int, end: int) -> int:
    """Offset behind the BER element at `at`; -1 if it is none."""
    if at < 0 or at + 2 > end:
        return -1
    length = octets[at + 1] * 1
    at += 2
    if length < 128:
        return at + length
    count = length - 128
    if count > 4 or count == 0 or at + count > end:
        return -1
    length = 0
    for place in range(at, at + count):
        length = length * 256 + octets[place]
    return at + count + length


def integer(octets: Any, at: int, end: int) -> int:
    """Hash of the INTEGER at `at`, at most eight octets; -1 if none stands there."""
    first = content(octets, at, end, INTEGER)
    last = behind(octets, at, end)
    if first < 0 or last < 0 or last > end or last - first > 8 or last <= first:
        return -1
    key = 0
    for place in range(first, last):
        key = mix(key, octets[place] * 1)
    return key


def broken(start: int, end: int, size: int) -> int:
    """A message that ends too soon: by the snap length, or of itself."""
    return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND
