"""IEEE 802.11, and the headers that radios put before it.

See `link.pxd`.
"""

from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.frame cimport (
    AGGREGATED, ENCRYPTED, IEEE802_11, IEEE802_11_PADDED, LLC, MALFORMED_HEADER, NOT_IP, TRUNCATED, Frame, Step, skip,
)
from capanalyze.core.link cimport announced
from capanalyze.core.octets cimport Octets, be32, be48, holds, le16, le32, u8, within

cdef enum:
    RADIOTAP_MORE = 0x80000000U  # bits of a word of present fields
    RADIOTAP_TIME = 1
    RADIOTAP_FLAGS = 2
    RADIOTAP_PADS = 0x20
    RADIOTAP_WORDS = 32
    AVS_MAGIC = 0x80211


cdef inline Step radiotap(Frame *frame) noexcept nogil:
    """https://www.radiotap.org: version, pad, length."""
    if frame.rest.captured < 8:
        return TRUNCATED
    cdef uint32_t length = le16(frame.rest, 2)
    if u8(frame.rest, 0) != 0 or length < 8:
        return MALFORMED_HEADER
    if length > frame.rest.captured:
        return TRUNCATED
    return skip(frame, length, IEEE802_11_PADDED if pads(within(frame.rest, length)) else IEEE802_11)


cdef inline bint pads(Octets radiotap) noexcept nogil:
    """Whether there is a field of flags, and says that the header inside is padded to four octets.

    Fields stand in the order of their bits in the first word, behind all such words, each aligned to its own size.
    """
    cdef uint32_t present = le32(radiotap, 4), at = 8
    cdef bint is_last = not present & RADIOTAP_MORE
    for _ in range(RADIOTAP_WORDS):
        if is_last or not holds(radiotap, at, 4):
            break
        is_last = not le32(radiotap, at) & RADIOTAP_MORE
        at += 4
    if present & RADIOTAP_TIME:
        at = (at + 7) // 8 * 8 + 8
    return present & RADIOTAP_FLAGS and holds(radiotap, at, 1) and u8(radiotap, at) & RADIOTAP_PADS


cdef inline Step prism(Frame *frame) noexcept nogil:
    """LINKTYPE_IEEE802_11_PRISM: 144 octets, or an AVS header in their place."""
    if frame.rest.captured < 8:
        return TRUNCATED
    if be32(frame.rest, 0) >> 12 == AVS_MAGIC:
        return avs(frame)
    return TRUNCATED if frame.rest.captured < 144 else skip(frame, 144, IEEE802_11)


cdef inline Step avs(Frame *frame) noexcept nogil:
    """LINKTYPE_IEEE802_11_AVS: version and length."""
    if frame.rest.captured < 8:
        return TRUNCATED
    cdef uint32_t length = be32(frame.rest, 4)
    if length < 8:
        return MALFORMED_HEADER
    return TRUNCATED if length > frame.rest.captured else skip(frame, length, IEEE802_11)


cdef inline Step ppi(Frame *frame) noexcept nogil:
    """Per-Packet Information, CACE Technologies, section 3.1: version 0, flags, length, inner link type."""
    if frame.rest.captured < 8:
        return TRUNCATED
    cdef uint32_t length = le16(frame.rest, 2), link_type = le32(frame.rest, 4)
    if u8(frame.rest, 0) != 0 or length < 8:
        return MALFORMED_HEADER
    if length > frame.rest.captured:
        return TRUNCATED
    return announced(frame, length, link_type)


cdef inline Step ieee802_11(Frame *frame, bint is_padded, bint is_swapped) noexcept nogil:
    """IEEE 802.11 clause 9.2.4: only data frames carry IP, behind LLC; aggregates (A-MSDU) are not read.

    The header may be padded to four octets, and some access points swap the octets of the frame control field.
    """
    if frame.rest.captured < 24:
        return NOT_IP
    cdef uint8_t control = u8(frame.rest, 1 if is_swapped else 0), flags = u8(frame.rest, 0 if is_swapped else 1)
    cdef uint8_t way = flags & 3
    if control % 16 // 4 != 2 or control & 0x40:  # no data frame, or one without data
        return NOT_IP
    if flags & 0x40:
        return ENCRYPTED
    cdef uint32_t quality = 30 if way == 3 else 24  # where that field stands, if there is one
    cdef bint has_quality = control & 0x80 != 0
    cdef uint32_t length = quality + (2 if has_quality else 0) + (4 if has_quality and flags & 0x80 else 0)
    if way != 3:
        frame.message.destination_mac = be48(frame.rest, 16 if way == 1 else 4)
        frame.message.source_mac = be48(frame.rest, 16 if way == 2 else 10)
    if length > frame.rest.captured:
        return TRUNCATED
    if has_quality and u8(frame.rest, quality) & 0x80:
        return AGGREGATED
    return skip(frame, (length + 3) // 4 * 4 if is_padded else length, LLC)
