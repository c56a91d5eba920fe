"""Buffers of numbers that the core reads and writes."""

from array import array


def longs(count: int) -> "array[int]":
    """A buffer of numbers of 64 bits, all 0."""
    return array("q", (0,)) * count


def ints(count: int) -> "array[int]":
    """A buffer of numbers of 32 bits, all 0."""
    return array("i", (0,)) * count
