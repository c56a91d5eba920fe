"""Buffers of numbers that a stage of the flow works on, in plain Python and compiled.

A stage is a function `stage(buffers, start, stop) -> int` over a tuple of buffers: `octets_of` and its like
name one of them, which compiled code sees as a pointer (`compiled` has the twins). Plain stages get `bytes`
and `array`, compiled ones any buffer.
"""

from array import array
from typing import Any

LINE = 8  # words of 64 bits that memory hands out at once


def octets_of(buffers: Any, index: int) -> Any:
    """The buffer with this index, unsigned octets."""
    return buffers[index]


def longs_of(buffers: Any, index: int) -> Any:
    """The buffer with this index, signed numbers of 64 bits."""
    return buffers[index]


def ints_of(buffers: Any, index: int) -> Any:
    """The buffer with this index, signed numbers of 32 bits."""
    return buffers[index]


def prefetch(_buffer: Any, _index: int) -> int:
    """Compiled: begin to load what stands there, for it will be needed soon."""
    return 0


def longs(count: int) -> "array[int]":
    """A buffer of numbers of 64 bits, all 0."""
    return array("q", (0,)) * count


def ints(count: int) -> "array[int]":
    """A buffer of numbers of 32 bits, all 0."""
    return array("i", (0,)) * count
