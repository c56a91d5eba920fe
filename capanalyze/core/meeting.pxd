"""Which interfaces a zone has, and which captures further ones are that a cell has no bit for."""

from libc.stdint cimport int32_t, uint32_t, uint64_t

from capanalyze.core.cells cimport taken
from capanalyze.core.message cimport flag
from capanalyze.core.octets cimport mix
from capanalyze.core.sums cimport Met, Sums


cdef inline void meet(Sums *s, flag is_capture, uint32_t where, int32_t number) noexcept nogil:
    """An interface of a zone, or a capture of a cell, was met."""
    cdef uint64_t place = mix(<uint64_t>where << 1 | is_capture, number)
    cdef uint32_t head = s.met_heads[place & s.met_mask]
    while head:
        if is_met(&s.met[head], is_capture, where, number):
            return
        place += 1
        head = s.met_heads[place & s.met_mask]
    head = taken(&s.meeting)
    if head == 0:
        s.lost += 1
        return
    s.met[head] = Met(is_capture, where, number)
    s.met_heads[place & s.met_mask] = head


cdef inline bint is_met(const Met *met, flag is_capture, uint32_t where, int32_t number) noexcept nogil:
    """Whether it is this one."""
    return met.where == where and met.number == number and met.is_capture == is_capture
