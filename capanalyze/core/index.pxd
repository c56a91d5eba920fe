"""Places in tables: numbers that are checked before they lead anywhere, and what is fetched before it is needed.

A number beyond the room of its table leads to place 0. With -DCORE_CHECKED it stops the program instead, with
-DCORE_UNCHECKED nothing is checked, as in `octets.pxd`.
"""

from libc.stdint cimport uint64_t

from capanalyze.core.message cimport Address
from capanalyze.core.octets cimport mix

cdef extern from *:
    """
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    static inline uint64_t checked_place(uint64_t number, uint64_t room) {
    #if defined(CORE_CHECKED)
        if (number >= room) {
            fprintf(stderr, "place %llu of %llu\\n", (unsigned long long)number, (unsigned long long)room);
            abort();
        }
        return number;
    #elif defined(CORE_UNCHECKED)
        (void)room;
        return number;
    #else
        return number < room ? number : 0;
    #endif
    }
    /* gcc drops a call that only prefetches, unless something in it may not be dropped. */
    #if defined(_MSC_VER)
    #define prefetch(place) ((void)(place))
    #else
    #define prefetch(place) do { __builtin_prefetch(place); __asm__ volatile(""); } while (0)
    #endif
    """
    uint64_t checked_place(uint64_t number, uint64_t room) noexcept nogil
    void prefetch(const void *place) noexcept nogil


cdef enum:
    LINE = 64  # octets that memory hands out at once


cdef inline void prefetch_all(const void *first, size_t octets) noexcept nogil:
    """Fetch so many octets."""
    cdef size_t at = 0
    while at < octets:
        prefetch(<const char *>first + at)
        at += LINE


cdef inline uint64_t mix_address(uint64_t key, const Address *address) noexcept nogil:
    """Fold an address into a hash."""
    return mix(mix(key, address.low), address.high)
