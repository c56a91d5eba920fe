"""Numbers out of octets, the same in plain and in compiled mode.

Plain mode hands in `bytes`, compiled mode a pointer. Every number is an int that fits 64 signed bits.
Sums and products, not shifts: numba types `uint8 << int` as uint64, and uint64 with int64 as float64.
"""

from typing import Any

MASK = 0x7FFFFFFFFFFFFFFF
MULTIPLIER = 0x1E3779B97F4A7C15


def be16(octets: Any, at: int) -> int:
    """Two octets, network order."""
    return octets[at] * 256 + octets[at + 1]


def be32(octets: Any, at: int) -> int:
    """Four octets, network order."""
    return octets[at] * 16777216 + octets[at + 1] * 65536 + octets[at + 2] * 256 + octets[at + 3]


def be48(octets: Any, at: int) -> int:
    """Six octets, network order: a MAC address."""
    return be16(octets, at) * 4294967296 + be32(octets, at + 2)


def be64(octets: Any, at: int) -> int:
    """Eight octets, network order, read as a signed number so that it fits."""
    high = be32(octets, at)
    if high >= 2147483648:
        high -= 4294967296
    return high * 4294967296 + be32(octets, at + 4)


def le16(octets: Any, at: int) -> int:
    """Two octets, least significant first."""
    return octets[at] + octets[at + 1] * 256


def le32(octets: Any, at: int) -> int:
    """Four octets, least significant first."""
    return octets[at] + octets[at + 1] * 256 + octets[at + 2] * 65536 + octets[at + 3] * 16777216


def u16(octets: Any, at: int, big: int) -> int:
    """Two octets in the order of the capture's writer."""
    if big:
        return be16(octets, at)
    return le16(octets, at)


def u32(octets: Any, at: int, big: int) -> int:
    """Four octets in the order of the capture's writer."""
    if big:
        return be32(octets, at)
    return le32(octets, at)


def mix(key: int, value: int) -> int:
    """Fold `value` into the hash `key`, 63 bits. Compiled mode has a twin in unsigned arithmetic."""
    key = (key ^ value) * MULTIPLIER & MASK
    return key ^ key >> 29


def digest(octets: Any, start: int, end: int) -> int:
    """Hash of at most 256 octets and their number: enough to tell a retransmission from a new message."""
    key = end - start
    stop = start + min(key, 256)
    at = start
    while at + 8 <= stop:
        key = mix(key, be64(octets, at))
        at += 8
    while at < stop:
        key = mix(key, octets[at] * 1)
        at += 1
    return key
