"""The match function of CUPS browsing: see the neighbour `ipp.py`."""

from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.message cimport CUT, GARBAGE, MALFORMED, REQUEST, Match, Role, said, said_weakly
from capanalyze.core.octets cimport Octets, be32, holds, is_cut, u8

cdef enum:
    IPP = 0x6970703A  # "ipp:"
    SPACE = 32
    MAX_DIGITS = 8

cdef enum:  # kinds
    PRINTER = 3


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """A browse packet, or something that nobody reads."""
    cdef uint32_t state = after_number(octets, 0)
    cdef uint32_t uri = after_number(octets, state) if state else 0
    if uri and holds(octets, uri, 4) and be32(octets, uri) == IPP:
        found.unanswerable = found.announces = 1
        return said_weakly(found, REQUEST, PRINTER)
    return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)


cdef inline uint32_t after_number(Octets octets, uint32_t at) noexcept nogil:
    """Offset behind a hexadecimal number and the blank that ends it; 0 if none stands there."""
    cdef uint32_t place
    for place in range(at, min(at + MAX_DIGITS + 1, octets.captured)):
        if u8(octets, place) == SPACE and place > at:
            return place + 1
        if not is_hexadecimal(u8(octets, place)):
            return 0
    return 0


cdef inline bint is_hexadecimal(uint8_t octet) noexcept nogil:
    """Whether it is a digit of a hexadecimal number."""
    return c"0" <= octet <= c"9" or c"a" <= octet <= c"f" or c"A" <= octet <= c"F"
