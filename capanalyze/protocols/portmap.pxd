"""The match function of the port mapper and rpcbind: see the neighbour `portmap.py` for the sources."""

from libc.stdint cimport uint64_t

from capanalyze.core.message cimport (
    CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, broken, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be32, holds, mix

cdef enum:  # octet offsets, RFC 5531 section 9
    XID = 0
    MESSAGE_TYPE = 4
    RPC_VERSION = 8  # of a call
    PROCEDURE = 20
    CALL_LEN = 40
    REPLY_STATUS = 8  # of a reply
    VERIFIER_LEN = 16
    ACCEPT_STATUS = 20  # behind an empty verifier
    REPLY_LEN = 20

cdef enum:  # message types
    CALL = 0
    ANSWER = 1

cdef enum:
    VERSION_2 = 2
    CALL_IT = 5
    DUMP = 4  # both in all versions, RFC 1833 sections 2.2.1 and 3.2

cdef enum:  # kinds
    CALLED = 3
    DUMP_CALLED
    ACCEPTED
    REFUSED


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message, by its type."""
    if not holds(octets, MESSAGE_TYPE, 4):
        return broken(octets, found)
    if be32(octets, MESSAGE_TYPE) == CALL:
        return match_call(octets, found)
    if be32(octets, MESSAGE_TYPE) == ANSWER:
        return match_reply(octets, found)
    return said(found, MALFORMED, GARBAGE)


cdef inline Role match_call(Octets octets, Match *found) noexcept nogil:
    """A call: version of RPC, program and its version, procedure."""
    if octets.size < CALL_LEN:
        return said(found, MALFORMED, GARBAGE)
    if not holds(octets, PROCEDURE, 4):
        return said_weakly(found, REQUEST, CUT)
    if be32(octets, RPC_VERSION) != VERSION_2:
        return said(found, MALFORMED, GARBAGE)
    add_key(found, xid_key(octets))
    found.unanswerable = be32(octets, PROCEDURE) == CALL_IT  # section 2.2.1: silent where the call fails
    return said(found, REQUEST, DUMP_CALLED if be32(octets, PROCEDURE) == DUMP else CALLED)


cdef inline Role match_reply(Octets octets, Match *found) noexcept nogil:
    """A reply: whether the call was accepted, and then how it went."""
    if octets.size < REPLY_LEN:
        return said(found, MALFORMED, GARBAGE)
    if not holds(octets, REPLY_STATUS, 4):
        return said_weakly(found, REPLY, CUT)
    add_key(found, xid_key(octets))
    if be32(octets, REPLY_STATUS) != 0 or is_error(octets):
        return said(found, REPLY, REFUSED)
    return said(found, REPLY, ACCEPTED)


cdef inline bint is_error(Octets octets) noexcept nogil:
    """Whether an accepted reply brings an error instead of results, as far as its verifier is empty."""
    return holds(octets, ACCEPT_STATUS, 4) and be32(octets, VERIFIER_LEN) == 0 and be32(octets, ACCEPT_STATUS) != 0


cdef inline uint64_t xid_key(Octets octets) noexcept nogil:
    """The transaction's number as a key."""
    return mix(1, be32(octets, XID))
