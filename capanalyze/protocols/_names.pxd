"""Domain names in messages, RFC 1035 section 4.1.4, for the services whose messages look like those of DNS."""

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t, uint64_t

from capanalyze.core.octets cimport Octets, be16, digest, holds, mix, u8

cdef enum:
    POINTER = 0xC0  # such an octet, or one above, begins a pointer
    MAX_LABEL = 63
    MAX_POINTERS = 16
    MAX_LABELS = 128
    MALFORMED_NAME = 0  # is no name's hash


cdef inline uint64_t name_hash(Octets message, uint32_t at) noexcept nogil:
    """Hash of the name at `at` without regard to case, pointers followed; MALFORMED_NAME if it is none."""
    cdef uint64_t key = 0
    cdef uint8_t length
    cdef int step, pointers = 0
    for step in range(MAX_LABELS + MAX_POINTERS):
        if not holds(message, at, 1):
            return MALFORMED_NAME
        length = u8(message, at)
        if length == 0:
            return key | 1  # thus never MALFORMED_NAME
        if length >= POINTER:
            if pointers == MAX_POINTERS or not holds(message, at, 2):
                return MALFORMED_NAME
            pointers += 1
            at = be16(message, at) % 0x4000
            continue
        if length > MAX_LABEL or not holds(message, at + 1, length):
            return MALFORMED_NAME
        key = mix_label(mix(key, length), message, at + 1, length)
        at += 1 + length
    return MALFORMED_NAME


cdef inline uint64_t mix_label(uint64_t key, Octets message, uint32_t at, uint32_t length) noexcept nogil:
    """Fold a label into a hash; a letter counts as its small one."""
    cdef uint32_t place
    cdef uint8_t octet
    for place in range(at, at + length):
        octet = u8(message, place)
        key = mix(key, octet + 32 if c"A" <= octet <= c"Z" else octet)
    return key


cdef inline uint64_t first_label_hash(Octets message, uint32_t at) noexcept nogil:
    """Hash of the first label of the name at `at`, as it stands; MALFORMED_NAME if there is none."""
    cdef int step
    for step in range(MAX_POINTERS):
        if not holds(message, at, 1) or not holds(message, at, 1 + (u8(message, at) & MAX_LABEL)):
            return MALFORMED_NAME
        if u8(message, at) <= MAX_LABEL:
            return digest(message, at, 1 + u8(message, at))
        at = be16(message, at) % 0x4000
    return MALFORMED_NAME


cdef inline uint32_t skip_name(Octets message, uint32_t at) noexcept nogil:
    """Offset behind the name at `at`; one that no message holds if the name has no end."""
    cdef uint8_t length
    cdef int step
    for step in range(MAX_LABELS):
        if not holds(message, at, 1):
            return UINT32_MAX
        length = u8(message, at)
        if length == 0:
            return at + 1
        if length >= POINTER:
            return at + 2 if holds(message, at, 2) else UINT32_MAX
        if length > MAX_LABEL:
            return UINT32_MAX
        at += 1 + length
    return UINT32_MAX
