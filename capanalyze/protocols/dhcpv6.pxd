"""DHCPv6's match function: see the neighbour `dhcpv6.py` for the sources."""

from libc.stdint cimport uint8_t, uint64_t

from capanalyze.core.message cimport (
    ANNOUNCEMENT, CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be24, digest, mix, u8

cdef enum:  # octet offsets, RFC 8415 sections 8 and 9
    TRANSACTION_ID = 1
    HEADER_LEN = 4
    LINK_ADDRESS = 2  # of a relayed message, and behind it the peer-address
    RELAY_LEN = 34

cdef enum:  # message types, RFC 8415 section 7.3
    SOLICIT = 1
    ADVERTISE
    REQUESTED
    CONFIRM
    RENEW
    REBIND
    REPLIED
    RELEASE
    DECLINE
    RECONFIGURE
    INFORMATION_REQUEST
    RELAY_FORW
    RELAY_REPL

cdef enum:  # kinds
    ASK = 3
    ANSWER
    RELAYED
    RELAYED_BACK
    RECONFIGURED


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message, by its type."""
    cdef uint8_t kind = u8(octets, 0)
    if octets.size < HEADER_LEN or not SOLICIT <= kind <= RELAY_REPL:
        return said(found, MALFORMED, GARBAGE)
    if kind == RECONFIGURE:
        return said(found, ANNOUNCEMENT, RECONFIGURED)
    if kind in (RELAY_FORW, RELAY_REPL):
        return match_relayed(octets, found, kind)
    if kind in (ADVERTISE, REPLIED):
        return match_reply(octets, found, kind)
    return match_request(octets, found, kind)


cdef inline Role match_request(Octets octets, Match *found, uint8_t kind) noexcept nogil:
    """A REPLY answers all requests; a SOLICIT draws an ADVERTISE or (rapid commit, RFC 8415 section 18.3.1) that."""
    if octets.captured < HEADER_LEN:
        return said_weakly(found, REQUEST, CUT)
    add_key(found, answer_key(octets, REPLIED))
    if kind == SOLICIT:
        add_key(found, answer_key(octets, ADVERTISE))
    found.unanswerable = kind in (SOLICIT, CONFIRM, REBIND, INFORMATION_REQUEST)  # by unicast, section 16
    return said(found, REQUEST, ASK)


cdef inline Role match_reply(Octets octets, Match *found, uint8_t kind) noexcept nogil:
    """An ADVERTISE or a REPLY has the transaction-id of the request, RFC 8415 section 16.1."""
    if octets.captured < HEADER_LEN:
        return said_weakly(found, REPLY, CUT)
    add_key(found, answer_key(octets, kind))
    return said(found, REPLY, ANSWER)


cdef inline uint64_t answer_key(Octets octets, uint8_t kind) noexcept nogil:
    """The transaction-id and what kind of message answers, as a key."""
    return mix(mix(1, be24(octets, TRANSACTION_ID)), kind)


cdef inline Role match_relayed(Octets octets, Match *found, uint8_t kind) noexcept nogil:
    """What a relay agent passes on: both addresses come back in the answer, RFC 8415 section 19.3."""
    cdef Role role = REQUEST if kind == RELAY_FORW else REPLY
    if octets.size < RELAY_LEN:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured < RELAY_LEN:
        return said_weakly(found, role, CUT)
    add_key(found, digest(octets, LINK_ADDRESS, RELAY_LEN - LINK_ADDRESS))
    return said(found, role, RELAYED if kind == RELAY_FORW else RELAYED_BACK)
