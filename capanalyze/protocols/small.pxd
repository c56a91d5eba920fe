"""The match functions of the small servers: see the neighbour `small.py` for the sources."""

from capanalyze.core.message cimport FLOW, Match, Role, add_key, said, said_weakly
from capanalyze.core.octets cimport Octets, digest

cdef enum:  # kinds
    DATAGRAM = 3


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Nothing in it tells."""
    return said_weakly(found, FLOW, DATAGRAM)


cdef inline Role match_echo(Octets octets, Match *found) noexcept nogil:
    """RFC 862: the data come back as they were."""
    add_key(found, digest(octets, 0, octets.captured))
    return said(found, FLOW, DATAGRAM)
