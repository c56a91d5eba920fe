"""Octets of a capture, and numbers out of them.

A `.pxd` file is a header to most; here it holds code, as only inline functions are called across modules without a
detour. Every read says where it reads and is checked: a number that is not wholly captured reads as 0. With
-DCORE_CHECKED such a read stops the program instead, and names the place: so the tests find what forgot to look. With
-DCORE_UNCHECKED nothing is checked, for AddressSanitizer to see it.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr

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
    static inline uint16_t little16(const uint8_t *p) { uint16_t n; memcpy(&n, p, 2); return n; }
    static inline uint32_t little32(const uint8_t *p) { uint32_t n; memcpy(&n, p, 4); return n; }
    /* The product's halves over each other: each bit of it depends on nearly all of both factors. */
    static inline uint64_t fold(uint64_t one, uint64_t other) {
    #if defined(__SIZEOF_INT128__)
        unsigned __int128 product = (unsigned __int128)one * other;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    #else
        uint64_t low = one & 0xFFFFFFFF, high = one >> 32, least = other & 0xFFFFFFFF, most = other >> 32;
        uint64_t middle = high * least + (low * least >> 32), rest = low * most + (middle & 0xFFFFFFFF);
        return one * other ^ (high * most + (middle >> 32) + (rest >> 32));
    #endif
    }
    """
    bint outside(Octets octets, uint32_t at, uint32_t count) noexcept nogil
    uint16_t load16(const uint8_t *place) noexcept nogil
    uint32_t load32(const uint8_t *place) noexcept nogil
    uint64_t load64(const uint8_t *place) noexcept nogil
    uint16_t little16(const uint8_t *place) noexcept nogil
    uint32_t little32(const uint8_t *place) noexcept nogil
    uint64_t fold(uint64_t one, uint64_t other) noexcept nogil


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
    return 0 if outside(octets, at, 3) else <uint32_t>load16(octets.first + at) << 8 | octets.first[at + 2]


cdef inline uint32_t be32(Octets octets, uint32_t at) noexcept nogil:
    """Four octets, network order."""
    return 0 if outside(octets, at, 4) else load32(octets.first + at)


cdef inline uint64_t be48(Octets octets, uint32_t at) noexcept nogil:
    """Six octets, network order: a MAC address."""
    return 0 if outside(octets, at, 6) else <uint64_t>load16(octets.first + at) << 32 | load32(octets.first + at + 2)


cdef inline uint64_t be64(Octets octets, uint32_t at) noexcept nogil:
    """Eight octets, network order."""
    return 0 if outside(octets, at, 8) else load64(octets.first + at)


cdef inline uint16_t le16(Octets octets, uint32_t at) noexcept nogil:
    """Two octets, the least significant first."""
    return 0 if outside(octets, at, 2) else little16(octets.first + at)


cdef inline uint32_t le32(Octets octets, uint32_t at) noexcept nogil:
    """Four octets, the least significant first."""
    return 0 if outside(octets, at, 4) else little32(octets.first + at)


cdef inline bint holds(Octets octets, uint32_t at, uint32_t count) noexcept nogil:
    """Whether so many octets were captured from `at` on."""
    return at + <uint64_t>count <= octets.captured


cdef inline bint is_cut(Octets octets) noexcept nogil:
    """Whether more was sent than was captured."""
    return octets.captured < octets.size


cdef inline uint32_t find(Octets octets, uint32_t at, uint8_t octet) noexcept nogil:
    """Offset of the next octet of this value from `at` on, or where the captured octets end."""
    if at >= octets.captured:
        return octets.captured
    cdef const uint8_t *place = <const uint8_t *>memchr(octets.first + at, octet, octets.captured - at)
    return octets.captured if place == NULL else <uint32_t>(place - octets.first)


cdef inline Octets behind(Octets octets, uint32_t at) noexcept nogil:
    """What follows a header of `at` octets."""
    cdef uint32_t skipped = min(at, octets.captured)
    return Octets(octets.first + skipped, octets.captured - skipped, octets.size - min(at, octets.size))


cdef inline Octets within(Octets octets, uint32_t size) noexcept nogil:
    """Those of a layer whose header says that it has `size` octets."""
    return Octets(octets.first, min(octets.captured, size), size)


cdef inline uint64_t mix(uint64_t key, uint64_t value) noexcept nogil:
    """Fold `value` into the hash `key`, which stays in it even where `value` makes the product 0."""
    key ^= 0x9E3779B97F4A7C15ULL
    return fold(key, value ^ 0xE7037ED1A0B428DBULL) ^ key


cdef inline uint64_t mix_two(uint64_t key, uint64_t first, uint64_t second) noexcept nogil:
    """Fold two values into the hash `key`, for little more than one."""
    return fold(first ^ 0x8EBC6AF09C88C6E3ULL, second ^ key) ^ key


cdef inline uint64_t digest(Octets octets, uint32_t at, uint32_t count) noexcept nogil:
    """Hash of at most DIGESTED of `count` octets from `at` on, and of their number: enough to tell messages apart."""
    cdef uint64_t key = mix(0, count)
    cdef uint32_t left = min(count, DIGESTED)
    if outside(octets, at, left):
        return key
    cdef const uint8_t *place = octets.first + at
    cdef uint64_t other = key
    while left >= 32:  # two hashes that do not wait for each other
        key = mix_two(key, load64(place), load64(place + 8))
        other = mix_two(other, load64(place + 16), load64(place + 24))
        place += 32
        left -= 32
    key = mix(key, other)
    if left >= 16:
        key = mix_two(key, load64(place), load64(place + 8))
        place += 16
        left -= 16
    if left >= 8:
        return mix_two(key, load64(place), load64(place + left - 8))
    return mix(key, few(place, left))


cdef inline uint64_t few(const uint8_t *place, uint32_t count) noexcept nogil:
    """Less than eight octets as a number, some of them in it more than once."""
    if count >= 4:
        return <uint64_t>load32(place) << 32 | load32(place + count - 4)
    if count >= 2:
        return <uint32_t>load16(place) << 16 | load16(place + count - 2)
    return place[0] if count else 0
