"""SSDP's match function: see the neighbour `ssdp.py` for the sources."""

from libc.stdint cimport uint32_t

from capanalyze.core.message cimport (
    ANNOUNCEMENT, CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be32, holds, is_cut

cdef enum:  # first words, UPnP Device Architecture 2.0 sections 1.2 and 1.3
    M_SEARCH = 0x4D2D5345  # "M-SE"
    HTTP = 0x48545450  # "HTTP"
    NOTIFY = 0x4E4F5449  # "NOTI"

cdef enum:  # kinds
    SEARCH = 3
    RESPONSE
    ANNOUNCED


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message, by its first word."""
    if not holds(octets, 0, 4):
        return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)
    cdef uint32_t word = be32(octets, 0)
    if word == M_SEARCH:
        return said_weakly(found, REQUEST, SEARCH)
    if word == HTTP:
        return said_weakly(found, REPLY, RESPONSE)
    if word == NOTIFY:
        return said(found, ANNOUNCEMENT, ANNOUNCED)
    return said(found, MALFORMED, GARBAGE)
