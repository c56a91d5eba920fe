"""Elements in BER (X.690 section 8.1), for the modules whose messages are made of them.

Decoders walk values; match functions ask for offsets, in `_ber.pxd`. dpkt's reader of ASN.1 takes a message as a
whole, so that a cut one would tell nothing, and loses where values lie.
"""

from collections.abc import Iterator
from typing import NamedTuple

SEQUENCE, OCTET_STRING = 0x30, 0x04


class Value(NamedTuple):
    """A value in BER: its tag, and where its contents lie."""

    tag: int
    start: int
    end: int


def values(octets: bytes, parent: Value) -> Iterator[Value]:
    """The values within a value, none reaching out of it."""
    at = parent.start
    while at < parent.end:
        found = value(octets, at)
        if found.end > parent.end:
            raise ValueError("a value longer than the one that holds it")
        yield found
        at = found.end


def value(octets: bytes, at: int) -> Value:
    """The value at an offset, X.690 section 8.1: tag, length in the short or the long form, contents."""
    tag, length = octets[at], octets[at + 1]
    start = at + 2
    if length & 0x80:
        start += length & 0x7F
        if start > len(octets):
            raise EOFError
        length = int.from_bytes(octets[at + 2 : start])
    return Value(tag, start, start + length)


def contents(octets: bytes, found: Value) -> bytes:
    """A value's contents, whole."""
    if found.end > len(octets):
        raise EOFError
    return octets[found.start : found.end]


def integer(octets: bytes, found: Value) -> int:
    """A value's contents as a number, X.690 section 8.3."""
    return int.from_bytes(contents(octets, found), signed=True)


def text(octets: bytes, found: Value) -> str:
    """A value's contents as text."""
    return contents(octets, found).decode("utf-8", "replace")


def time(octets: bytes, found: Value) -> str:
    """A GeneralizedTime, RFC 5280 section 4.1.2.5.2 (20071029101306Z; LDAP has a fraction), without the zone."""
    stamp = text(octets, found)
    if len(stamp) < 15 or not stamp[:14].isdecimal() or stamp[-1] != "Z":
        raise ValueError("a time that is not a GeneralizedTime")
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[8:10]}:{stamp[10:12]}:{stamp[12:14]}"


def fields(octets: bytes, parent: Value) -> Iterator[tuple[int, Value]]:
    """The fields of a sequence whose members are tagged [0], [1], … explicitly: number and value."""
    for field in values(octets, parent):
        yield field.tag & 0x1F, value(octets, field.start)
