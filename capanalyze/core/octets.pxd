"""Octets of a capture, and numbers out of them.

A `.pxd` file is a header to most; here it holds code, as only inline functions are called across modules without a
detour. Every read says where it reads and is checked: a number that is not wholly captured reads as 0. With
-DCORE_CHECKED such a read stops the program instead, and names the place: so the tests find what forgot to look. With
-DCORE_UNCHECKED nothing is checked, for AddressSanitizer to see it.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #if defined(_MSC_VER)
    #define CORE_UNLIKELY(x) (x)
    #define CORE_SWAP16 _byteswap_ushort
    #define CORE_SWAP32 _byteswap_ulong
    #define CORE_SWAP64 _byteswap_uint64
    #else
    #define CORE_UNLIKELY(x) __builtin_expect(x, 0)
    #define CORE_SWAP16 __builtin_bswap16
    #define CORE_SWAP32 __builtin_bswap32
    #define CORE_SWAP64 __builtin_bswap64
    #endif
    #if defined(CORE_CHECKED)
    #define outside(octets, at, count) \
        (((at) + (uint64_t)(count) > (octets).captured) && \
         (fprintf(stderr, "read of %u at %u of %u\\n", (unsigned)(count), (unsigned)(at), \
                  (unsigned)(octets).captured), abort(), 1))
    #elif defined(CORE_UNCHECKED)
    #define outside(octets, at, count) 0
    #else
    #define outside(octets, at, count) CORE_UNLIKELY((at) + (uint64_t)(count) > (octets).captured)
    #endif
    /* Network order; the machines that this is built for have the least significant octet first. */
    static inline uint16_t load16(const uint8_t *p) { uint16_t n; memcpy(&n, p, 2); return CORE_SWAP16(n); }
    static inline uint32_t load32(const uint8_t *p) { uint32_t n; memcpy(&n, p, 4); return CORE_SWAP32(n); }
    static inline uint64_t load64(const uint8_t *p) { uint64_t n; memcpy(&n, p, 8); return CORE_SWAP64(n); }
    """
    bint outside(Octets octets, uint32_t at, uint32_t count) noexcept nogil
    uint16_t load16(const uint8_t *place) noexcept nogil
    uint32_t load32(const uint8_t *place) noexcept nogil
    uint64_t load64(const uint8_t *place) noexcept nogil


cdef enum:
    NOWHERE = 0xFFFFFFFFU  # an offset at which nothing stands, and from which nothing is held
    DIGESTED = 256


cdef struct Octets:
    const uint8_t *first
    uint32_t captured  # so many are at hand
    uint32_t size  # so many were on the wire


cdef inline uint8_t u8(Octets octets, uint32_t at) noexcept nogil:
    return 0 if outside(octets, at, 1) else octets.first[at]


cdef inline uint16_t be16(Octets octets, uint32_t at) noexcept nogil:
    """Two octets, network order."""
    return 0 if outside(octets, at, 2) else load16(octets.first + at)


cdef inline uint32_t be24(Octets octets, uint32_t at) noexcept nogil:
    """Three octets, network order."""
    return 0 if outside(octets, at, 3) else <uint32_t>u8(octets, at) << 16 | be16(octets, at + 1)


cdef inline uint32_t be32(Octets octets, uint32_t at) noexcept nogil:
    """Four octets, network order."""
    return 0 if outside(octets, at, 4) else load32(octets.first + at)


cdef inline uint64_t be48(Octets octets, uint32_t at) noexcept nogil:
    """Six octets, network order: a MAC address."""
    return 0 if outside(octets, at, 6) else <uint64_t>be16(octets, at) << 32 | be32(octets, at + 2)


cdef inline uint64_t be64(Octets octets, uint32_t at) noexcept nogil:
    """Eight octets, network order."""
    return 0 if outside(octets, at, 8) else load64(octets.first + at)


cdef inline uint16_t le16(Octets octets, uint32_t at) noexcept nogil:
    """Two octets, the least significant first."""
    return 0 if outside(octets, at, 2) else <uint16_t>(u8(octets, at) | u8(octets, at + 1) << 8)


cdef inline uint32_t le32(Octets octets, uint32_t at) noexcept nogil:
    """Four octets, the least significant first."""
    return 0 if outside(octets, at, 4) else le16(octets, at) | <uint32_t>le16(octets, at + 2) << 16


cdef inline bint holds(Octets octets, uint32_t at, uint32_t count) noexcept nogil:
    """Whether so many octets were captured from `at` on."""
    return at + <uint64_t>count <= octets.captured


cdef inline bint is_cut(Octets octets) noexcept nogil:
    """Whether more was sent than was captured."""
    return octets.captured < octets.size


cdef inline Octets behind(Octets octets, uint32_t at) noexcept nogil:
    """What follows a header of `at` octets."""
    cdef uint32_t skipped = min(at, octets.captured)
    return Octets(octets.first + skipped, octets.captured - skipped, octets.size - min(at, octets.size))


cdef inline Octets within(Octets octets, uint32_t size) noexcept nogil:
    """Those of a layer whose header says that it has `size` octets."""
    return Octets(octets.first, min(octets.captured, size), size)


cdef inline uint64_t mix(uint64_t key, uint64_t value) noexcept nogil:
    """Fold `value` into the hash `key`.

    The rotation keeps two equal numbers from cancelling each other. A product carries upward only: the first shift lets
    the upper bits take part in it, or else what differs there could be undone by a few bits of the next value.
    """
    key = (key << 23 | key >> 41) + 0x632BE59BD9B4E019ULL ^ value
    key = (key ^ key >> 32) * 0x9E3779B97F4A7C15ULL
    return key ^ key >> 29


cdef inline uint64_t digest(Octets octets, uint32_t at, uint32_t count) noexcept nogil:
    """Hash of at most DIGESTED of `count` octets from `at` on, and of their number: enough to tell messages apart."""
    cdef uint64_t key = 0
    cdef uint32_t left = min(count, DIGESTED)
    while left >= 8:
        key = mix(key, be64(octets, at))
        at += 8
        left -= 8
    while left:
        key = mix(key, u8(octets, at))
        at += 1
        left -= 1
    return mix(key, count)
