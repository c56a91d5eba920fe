"""Interfaces that the frames themselves name (PKTAP, pflog) or number (SLL2): rows get the interface's index."""

from typing import Any

from capanalyze.buffers import longs_of, octets_of
from capanalyze.packets.message import INTERFACE, PROCESS, WORDS
from capanalyze.packets.octets import le32

OCTETS, ROWS, STATE, NAMES = range(4)  # buffers
BASE, KNOWN = range(2)  # state: where the octets begin in the capture; how many names are known
STATE_FIELDS = 2
# A name that is known: its 16 octets in three words (or its number and -1), and the interface's index.
FIRST, SECOND, THIRD, INDEX = range(4)
NAME = 4
LENGTH = 16
MAX_NAMES = 256


def name(b: Any, start: int, stop: int) -> int:
    """Put an index where rows from `start` to before `stop` lack one; the row whose name is not known, else `stop`."""
    octets = octets_of(b, OCTETS)
    rows = longs_of(b, ROWS)
    base = longs_of(b, STATE)[BASE]
    for number in range(start, stop):
        m = number * WORDS
        if rows[m + INTERFACE] >= 0:
            continue
        if rows[m + INTERFACE] <= -2:
            index = known(b, -2 - rows[m + INTERFACE], -1, 0)
        else:
            at = name_at(octets, rows[m + PROCESS] - base)
            end = at
            while end < at + LENGTH and octets[end]:
                end += 1
            index = known(b, word(octets, at, end, 0), word(octets, at, end, 7), word(octets, at, end, 14))
        if index < 0:
            return number
        rows[m + INTERFACE] = index
    return stop


def name_at(octets: Any, at: int) -> int:
    """Where a name stands: PKTAP begins with its length, pflog with octets."""
    return at + 12 if le32(octets, at) < 512 else at + 4


def word(octets: Any, at: int, end: int, skip: int) -> int:
    """Seven octets of a name as a number; 0 stands behind its end."""
    found = 0
    for offset in range(skip, skip + 7):
        found = found * 256 + (octets[at + offset] if offset < LENGTH and at + offset < end else 0)
    return found


def known(b: Any, first: int, second: int, third: int) -> int:
    """The index of a known name, -1 for none."""
    names = longs_of(b, NAMES)
    for number in range(longs_of(b, STATE)[KNOWN]):
        at = number * NAME
        if names[at + FIRST] == first and names[at + SECOND] == second and names[at + THIRD] == third:
            return names[at + INDEX]
    return -1
