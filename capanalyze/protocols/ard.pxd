"""The match function of Apple Remote Desktop: see the neighbour `ard.py`."""

from capanalyze.core.message cimport FLOW, Match, Role, said_weakly
from capanalyze.core.octets cimport Octets

cdef enum:  # kinds
    DATAGRAM = 3


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Only the endpoints tell."""
    return said_weakly(found, FLOW, DATAGRAM)
