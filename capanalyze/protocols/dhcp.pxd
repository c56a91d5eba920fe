"""DHCP's match function: see the neighbour `dhcp.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly
from capanalyze.core.octets cimport Octets, be32, holds, mix, u8

cdef enum:  # octet offsets, RFC 2131 figure 1
    OP = 0
    XID = 4
    CLIENT_ADDRESS = 12
    COOKIE = 236
    OPTIONS = 240

cdef enum:  # values of op
    BOOTREQUEST = 1
    BOOTREPLY = 2

cdef enum:
    MAGIC = 0x63825363  # RFC 2131 section 3
    MOST_OPTIONS = 64  # that are looked at

cdef enum:  # options, RFC 2132 sections 3.1, 3.2, 9.6 and 9.7
    PAD = 0
    MESSAGE_TYPE = 53
    SERVER_IDENTIFIER = 54
    END = 255

cdef enum:  # message types, RFC 2132 section 9.6
    NO_TYPE  # plain BOOTP has none
    DISCOVER
    OFFER
    REQUESTED
    DECLINE
    ACK
    NAK
    RELEASE
    INFORM

cdef enum:  # kinds
    ASK = 3
    ANSWER


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message, by its op."""
    cdef uint8_t op = u8(octets, OP)
    if octets.size < COOKIE or op not in (BOOTREQUEST, BOOTREPLY):
        return said(found, MALFORMED, GARBAGE)
    if not holds(octets, XID, 4):
        return said_weakly(found, REQUEST if op == BOOTREQUEST else REPLY, CUT)
    return match_request(octets, found) if op == BOOTREQUEST else match_reply(octets, found)


cdef inline Role match_request(Octets octets, Match *found) noexcept nogil:
    """An ACK answers a REQUEST, an INFORM, and (rapid commit) a DISCOVER, which an OFFER answers too."""
    cdef uint8_t kind = message_type(octets)
    add_key(found, answer_key(octets, ACK))
    if kind == DISCOVER:
        add_key(found, answer_key(octets, OFFER))
    found.unanswerable = kind in (DECLINE, RELEASE) or kind == REQUESTED and begins_anew(octets)
    return said(found, REQUEST, ASK)


cdef inline bint begins_anew(Octets octets) noexcept nogil:
    """Whether a REQUEST is for an address of old: a server that does not know it stays silent, section 4.3.2."""
    return be32(octets, CLIENT_ADDRESS) == 0 and not option(octets, SERVER_IDENTIFIER)


cdef inline Role match_reply(Octets octets, Match *found) noexcept nogil:
    """An OFFER, or what ends the exchange: an ACK, a NAK, a reply of plain BOOTP."""
    add_key(found, answer_key(octets, OFFER if message_type(octets) == OFFER else ACK))
    return said(found, REPLY, ANSWER)


cdef inline uint64_t answer_key(Octets octets, uint8_t kind) noexcept nogil:
    """The transaction id and what kind of message answers, as a key."""
    return mix(mix(1, be32(octets, XID)), kind)


cdef inline uint8_t message_type(Octets octets) noexcept nogil:
    """What option 53 says, if it is among the first ones."""
    cdef uint32_t at = option(octets, MESSAGE_TYPE)
    return u8(octets, at + 2) if at else NO_TYPE


cdef inline uint32_t option(Octets octets, uint8_t code) noexcept nogil:
    """Offset of an option that has data, if it is among the first ones; else 0."""
    cdef uint32_t at = OPTIONS
    cdef int turn
    if not holds(octets, COOKIE, 4) or be32(octets, COOKIE) != MAGIC:
        return 0
    for turn in range(MOST_OPTIONS):
        if not holds(octets, at, 3) or u8(octets, at) == END:
            return 0
        if u8(octets, at) == code:
            return at
        at += 1 if u8(octets, at) == PAD else 2 + u8(octets, at + 1)
    return 0
