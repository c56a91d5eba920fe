"""TFTP's match function: see the neighbour `tftp.py` for the sources."""

from libc.stdint cimport uint16_t

from capanalyze.core.message cimport FLOW, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, broken, said, said_weakly
from capanalyze.core.octets cimport Octets, be16, holds

cdef enum:  # octet offsets, RFC 1350 section 5
    OPCODE = 0
    BLOCK = 2

cdef enum:  # opcodes; the last is of RFC 2347
    READ = 1
    WRITE
    DATA
    ACK
    ERROR
    OACK

cdef enum:  # kinds
    READ_REQUEST = 3
    WRITE_REQUEST
    ANSWER
    REFUSED
    LATER


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of what goes to port 69, or comes from there."""
    if not holds(octets, OPCODE, 2):
        return broken(octets, found)
    cdef uint16_t opcode = be16(octets, OPCODE)
    if opcode == READ:
        return said_weakly(found, REQUEST, READ_REQUEST)
    if opcode == WRITE:
        return said_weakly(found, REQUEST, WRITE_REQUEST)
    if opcode == ERROR:
        return said_weakly(found, REPLY, REFUSED)
    if opcode == OACK:
        return said_weakly(found, REPLY, ANSWER)
    if opcode == DATA:
        return match_block(octets, found, 1)
    if opcode == ACK:
        return match_block(octets, found, 0)
    return said(found, MALFORMED, GARBAGE)


cdef inline Role match_block(Octets octets, Match *found, uint16_t first) noexcept nogil:
    """Data or an acknowledgment: only the block with the first number answers the request, RFC 1350 section 4."""
    if not holds(octets, BLOCK, 2):
        return broken(octets, found)
    if be16(octets, BLOCK) == first:
        return said_weakly(found, REPLY, ANSWER)
    found.unanswerable = 1
    return said_weakly(found, FLOW, LATER)
