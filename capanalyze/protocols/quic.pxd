"""QUIC's match function: see the neighbour `quic.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport FLOW, GARBAGE, MALFORMED, OTHER, REPLY, Match, Role, add_key, broken, said
from capanalyze.core.octets cimport NOWHERE, Octets, be16, be32, be64, holds, mix, u8

cdef enum:  # octet offsets, RFC 8999 section 5.1
    VERSION = 1
    DESTINATION_LEN = 5

cdef enum:  # bits of the first octet, RFC 9000 section 17.2
    FIXED = 0x40
    LONG = 0x80

cdef enum:  # packet types, RFC 9000 table 5
    INITIAL
    EARLY
    HANDSHAKE
    RETRY
    UNTOLD  # only who knows the version knows the type

cdef enum:  # versions
    NEGOTIATION = 0
    VERSION_1 = 1
    VERSION_2 = 0x6B3343CF
    DRAFTS = 0xFF0000  # and the number of the draft
    GOOGLE = 0x513034  # "Q04" and a digit

cdef enum:
    GOOGLE_ID = 6  # offset of the one ID, of eight octets
    LEAST = 1200  # RFC 9000 sections 5.2.2 and 14.1: what begins a connection in a smaller datagram is discarded

cdef enum:  # the first octet of a number, RFC 9000 section 16: from here on it has two, four, eight octets
    TWO_OCTETS = 0x40
    FOUR_OCTETS = 0x80
    EIGHT_OCTETS = 0xC0

cdef enum:  # kinds
    FIRST = 3
    SECOND_FLIGHT
    VERSIONS
    AGAIN
    UNKNOWN


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one datagram, by its first packet; a short header belongs to a connection that stands."""
    cdef uint8_t first = u8(octets, 0)
    if first & LONG == 0:
        return OTHER if first & FIXED else said(found, MALFORMED, GARBAGE)
    if not holds(octets, VERSION, 4):
        return broken(octets, found)
    if be32(octets, VERSION) // 256 == GOOGLE:
        return match_google(octets, found)
    return match_long(octets, found, be32(octets, VERSION))


cdef inline Role match_long(Octets octets, Match *found, uint32_t version) noexcept nogil:
    """A long header, RFC 8999 section 5.1: both connection IDs, and what the type says where the version is known."""
    cdef uint8_t first = u8(octets, 0)
    cdef uint8_t packet = packet_type(version, first)
    cdef uint32_t source = behind_id(octets, DESTINATION_LEN)
    cdef uint32_t rest = behind_id(octets, source)
    if rest == NOWHERE or (version != NEGOTIATION and first & FIXED == 0):
        return broken(octets, found)
    if packet in (EARLY, HANDSHAKE):
        return OTHER
    add_key(found, id_key(octets, DESTINATION_LEN))
    add_key(found, id_key(octets, source))
    found.weak = u8(octets, DESTINATION_LEN) == 0 or u8(octets, source) == 0
    if version == NEGOTIATION:
        return said(found, REPLY, VERSIONS)
    if packet == RETRY:
        return said(found, REPLY, AGAIN)
    if packet == INITIAL and is_handshake(octets, behind_initial(octets, rest), version):
        found.unanswerable = 1
        return said(found, FLOW, SECOND_FLIGHT)
    found.unanswerable = octets.size < LEAST
    return said(found, FLOW, FIRST if packet == INITIAL else UNKNOWN)


cdef inline Role match_google(Octets octets, Match *found) noexcept nogil:
    """Q043 to Q049, before RFC 8999: one octet for both lengths, and one ID of eight octets that both hosts send."""
    if not holds(octets, GOOGLE_ID, 8):
        return broken(octets, found)
    add_key(found, mix(GOOGLE, be64(octets, GOOGLE_ID)))
    found.unanswerable = octets.size < LEAST
    return said(found, FLOW, UNKNOWN)


cdef inline uint8_t packet_type(uint32_t version, uint8_t first) noexcept nogil:
    """The type in the first octet of a long header, RFC 9000 section 17.2; RFC 9369 section 3.2 counts from 1."""
    if version == VERSION_2:
        return (first // 16 + 3) % 4
    if version == VERSION_1 or version // 256 == DRAFTS:
        return first // 16 % 4
    return UNTOLD


cdef inline uint32_t behind_id(Octets octets, uint32_t at) noexcept nogil:
    """Offset behind the connection ID whose length is at `at`; NOWHERE if it is not whole."""
    if not holds(octets, at, 1) or not holds(octets, at + 1, u8(octets, at)):
        return NOWHERE
    return at + 1 + u8(octets, at)


cdef inline uint64_t id_key(Octets octets, uint32_t at) noexcept nogil:
    """The connection ID whose length is at `at` as a key."""
    cdef uint64_t key = 1
    cdef uint32_t place
    for place in range(at, behind_id(octets, at)):
        key = mix(key, u8(octets, place))
    return key


cdef inline uint32_t behind_initial(Octets octets, uint32_t at) noexcept nogil:
    """Offset behind an Initial packet, RFC 9000 section 17.2.2: at `at` its token stands, then number and payload."""
    return behind_counted(octets, behind_counted(octets, at))


cdef inline uint32_t behind_counted(Octets octets, uint32_t at) noexcept nogil:
    """Offset behind a number and as many octets; NOWHERE for one of eight octets, which no datagram needs."""
    if not holds(octets, at, 1):
        return NOWHERE
    cdef uint8_t first = u8(octets, at)
    if first < TWO_OCTETS:
        return at + 1 + first
    if first < FOUR_OCTETS and holds(octets, at, 2):
        return at + 2 + be16(octets, at) % 0x4000
    if FOUR_OCTETS <= first < EIGHT_OCTETS and holds(octets, at, 4):
        return at + 4 + be32(octets, at) % 0x40000000
    return NOWHERE


cdef inline bint is_handshake(Octets octets, uint32_t at, uint32_t version) noexcept nogil:
    """Whether a Handshake packet stands there, as a further one of the datagram, RFC 9000 section 12.2."""
    if not holds(octets, at, 1):
        return False
    cdef uint8_t first = u8(octets, at)
    return first & LONG and first & FIXED and packet_type(version, first) == HANDSHAKE
