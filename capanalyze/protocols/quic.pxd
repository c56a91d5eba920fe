"""QUIC's match function: see the neighbour `quic.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    FLOW, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, broken, said, said_weakly,
)
from capanalyze.core.octets cimport NOWHERE, Octets, be16, be32, be64, digest, holds, mix, u8
from capanalyze.protocols._questions cimport FLAGS, RESPONSE_BIT, add_keys, is_plain

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
    MAX_ID = 20  # RFC 9000 section 17.2; of a version to come it may be longer, what is longer today is no QUIC
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
    LATER
    DNS_QUERY
    DNS_RESPONSE


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one datagram, by its first packet; a short header belongs to a connection that stands."""
    cdef uint8_t first = u8(octets, 0)
    if is_plain(octets):
        return match_dns(octets, found)
    if first & LONG == 0:
        return later(found) if first & FIXED else said(found, MALFORMED, GARBAGE)
    if not holds(octets, VERSION, 4):
        return broken(octets, found)
    if be32(octets, VERSION) // 256 == GOOGLE:
        return match_google(octets, found)
    return match_long(octets, found, be32(octets, VERSION))


cdef inline Role match_dns(Octets octets, Match *found) noexcept nogil:
    """Resolvers answer here too, where other ports are blocked."""
    cdef bint is_response = u8(octets, FLAGS) & RESPONSE_BIT != 0
    add_keys(octets, found, is_response)
    return said(found, REPLY, DNS_RESPONSE) if is_response else said(found, REQUEST, DNS_QUERY)


cdef inline Role later(Match *found) noexcept nogil:
    """A packet of a connection that stands: nothing tells which, and it need not be answered."""
    found.unanswerable = 1
    return said_weakly(found, FLOW, LATER)


cdef inline Role match_long(Octets octets, Match *found, uint32_t version) noexcept nogil:
    """A long header, RFC 8999 section 5.1: both connection IDs, and what the type says where the version is known."""
    cdef uint8_t first = u8(octets, 0)
    cdef uint8_t packet = packet_type(version, first)
    cdef uint32_t source = behind_id(octets, DESTINATION_LEN)
    cdef uint32_t rest = behind_id(octets, source)
    if rest == NOWHERE or (version != NEGOTIATION and first & FIXED == 0):
        return broken(octets, found)
    if max(u8(octets, DESTINATION_LEN), u8(octets, source)) > MAX_ID:
        return said(found, MALFORMED, GARBAGE)
    if packet in (EARLY, HANDSHAKE):
        return later(found)
    if version == NEGOTIATION or packet == RETRY:
        return match_reply(octets, found, VERSIONS if version == NEGOTIATION else AGAIN)
    if packet == INITIAL:
        return match_initial(octets, found, source, rest, version)
    if octets.size < LEAST:  # anything may look like this
        found.unanswerable = 1
        return said_weakly(found, FLOW, UNKNOWN)
    add_ids(octets, found, source, 0)
    return said(found, FLOW, UNKNOWN)


cdef inline Role match_reply(Octets octets, Match *found, uint8_t kind) noexcept nogil:
    """Sent by a server alone, to the ID that the client chose for itself."""
    if u8(octets, DESTINATION_LEN) == 0:
        return said_weakly(found, REPLY, kind)
    add_key(found, id_key(octets, DESTINATION_LEN))
    return said(found, REPLY, kind)


cdef inline Role match_initial(
    Octets octets, Match *found, uint32_t source, uint32_t token, uint32_t version
) noexcept nogil:
    """An Initial; what follows it in the datagram tells whether it is of the first flight."""
    add_ids(octets, found, source, token_digest(octets, token))
    if is_handshake(octets, behind_initial(octets, token), version):
        found.unanswerable = 1
        return said(found, FLOW, SECOND_FLIGHT)
    found.unanswerable = octets.size < LEAST
    return said(found, FLOW, FIRST)


cdef inline void add_ids(Octets octets, Match *found, uint32_t source, uint64_t token) noexcept nogil:
    """Keys of a packet that asks or answers: as a request its source ID, and that with the token; the last is a reply's.

    The destination ID changes with the first reply (RFC 9000 section 7.2), the token after a Retry (section 8.1.2).
    """
    cdef bint names_source = u8(octets, source) != 0
    cdef bint names_destination = u8(octets, DESTINATION_LEN) != 0
    if names_source:
        add_key(found, id_key(octets, source))
    if names_source or token:
        add_key(found, mix(id_key(octets, source), token))
    if names_destination:
        add_key(found, id_key(octets, DESTINATION_LEN))
    found.also_reply = names_destination
    found.weak = not (names_source and names_destination)
    found.continues = 1


cdef inline uint64_t token_digest(Octets octets, uint32_t at) noexcept nogil:
    """Digest of the token whose length is at `at`, RFC 9000 section 17.2.2; 0 for none, or one that is not whole."""
    cdef uint32_t end = behind_counted(octets, at)
    if not holds(octets, at, end - at) or u8(octets, at) == 0:
        return 0
    return digest(octets, at, end - at)


cdef inline Role match_google(Octets octets, Match *found) noexcept nogil:
    """Q043 to Q049, before RFC 8999: one octet for both lengths, and one ID of eight octets that both hosts send."""
    if not holds(octets, GOOGLE_ID, 8):
        return broken(octets, found)
    add_key(found, mix(GOOGLE, be64(octets, GOOGLE_ID)))
    found.unanswerable = octets.size < LEAST
    found.continues = 1
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
