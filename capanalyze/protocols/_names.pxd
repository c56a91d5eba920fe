"""Domain names in messages, RFC 1035 section 4.1.4, for the services whose messages look like those of DNS."""

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t, uint64_t

from capanalyze.core.octets cimport Octets, be16, be64, digest, holds, mix, u8

cdef enum:
    POINTER = 0xC0  # such an octet, or one above, begins a pointer
    MAX_LABEL = 63
    MAX_POINTERS = 16
    MAX_LABELS = 128
    MALFORMED_NAME = 0  # is no name's hash


cdef struct Name:
    uint64_t hash  # without regard to case, pointers followed; MALFORMED_NAME if it is none
    uint32_t end  # offset behind it; one that no message holds if the name has no end


cdef inline Name name_at(Octets message, uint32_t at) noexcept nogil:
    """The name that begins at `at`."""
    cdef Name name = Name(MALFORMED_NAME, UINT32_MAX)
    cdef uint64_t key = 0
    cdef uint8_t length
    cdef int step, pointers = 0
    for step in range(MAX_LABELS + MAX_POINTERS):
        if not holds(message, at, 1):
            return name
        length = u8(message, at)
        if length == 0:
            if pointers == 0 and step < MAX_LABELS:
                name.end = at + 1
            name.hash = key | 1  # thus never MALFORMED_NAME
            return name
        if length >= POINTER:
            if pointers == MAX_POINTERS or not holds(message, at, 2):
                return name
            if pointers == 0 and step < MAX_LABELS:
                name.end = at + 2
            pointers += 1
            at = be16(message, at) % 0x4000
            continue
        if length > MAX_LABEL or not holds(message, at + 1, length):
            return name
        key = mix_label(key, message, at + 1, length)
        at += 1 + length
    return name


cdef inline uint64_t mix_label(uint64_t key, Octets message, uint32_t at, uint32_t length) noexcept nogil:
    """Fold a label into a hash, eight octets at a time, and its length; a letter counts as its small one."""
    cdef uint32_t left = length
    while left >= 8:
        key = mix(key, small(be64(message, at)))
        at += 8
        left -= 8
    return mix(key, small(few(message, at, left)) | <uint64_t>length << 56)


cdef inline uint64_t few(Octets message, uint32_t at, uint32_t count) noexcept nogil:
    """Less than eight octets as a number."""
    cdef uint32_t place
    cdef uint64_t number = 0
    if at + count >= 8:  # all but those at a message's beginning: eight octets that end with these
        return be64(message, at + count - 8) & (1ULL << 8 * count) - 1
    for place in range(at, at + count):
        number = number << 8 | u8(message, place)
    return number


cdef inline uint64_t small(uint64_t octets) noexcept nogil:
    """Eight octets with each letter as its small one; no octet carries into the next."""
    cdef uint64_t rest = octets & 0x7F7F7F7F7F7F7F7FULL
    cdef uint64_t from_a = rest + 0x3F3F3F3F3F3F3F3FULL, behind_z = rest + 0x2525252525252525ULL  # in their top bits
    return octets | ((from_a ^ behind_z) & ~octets & 0x8080808080808080ULL) >> 2


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
