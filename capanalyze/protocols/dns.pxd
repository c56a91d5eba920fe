"""DNS's match function: see the neighbour `dns.py` for the sources."""

from capanalyze.core.message cimport Match, Role
from capanalyze.core.octets cimport Octets
from capanalyze.protocols._questions cimport match_question


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one DNS message."""
    return match_question(octets, found)
