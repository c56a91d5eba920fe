"""The hash of the stages that are compiled by numba, and the one number that they read out of octets."""

from typing import Any

MASK = 0x7FFFFFFFFFFFFFFF
MULTIPLIER = 0x1E3779B97F4A7C15


def le32(octets: Any, at: int) -> int:
    """Four octets, least significant first."""
    return octets[at] + octets[at + 1] * 256 + octets[at + 2] * 65536 + octets[at + 3] * 16777216


def mix(key: int, value: int) -> int:
    """Fold `value` into the hash `key`, 63 bits. Compiled mode has a twin in unsigned arithmetic."""
    key = (key ^ value) * MULTIPLIER & MASK
    return key ^ key >> 29
