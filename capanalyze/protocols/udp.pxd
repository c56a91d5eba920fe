"""The match function of UDP without a module of its own: see the neighbour `udp.py`."""

from capanalyze.core.message cimport FLOW, Match, Role, said
from capanalyze.core.octets cimport Octets

cdef enum:  # kinds
    DATAGRAM = 3


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Only the endpoints tell."""
    return said(found, FLOW, DATAGRAM)
