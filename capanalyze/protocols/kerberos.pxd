"""Kerberos's match function: see the neighbour `kerberos.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.message cimport CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly
from capanalyze.core.octets cimport Octets, holds, is_cut, u8
from capanalyze.protocols._ber cimport INTEGER, SEQUENCE, content

cdef enum:  # application tags, RFC 4120 section 5.10
    AS_REQ = 0x6A
    AS_REP = 0x6B
    TGS_REQ = 0x6C
    TGS_REP = 0x6D
    KRB_ERROR = 0x7E

cdef enum:  # pvno is [1] in a request, [0] in what answers, RFC 4120 section 5.4.1
    PVNO_ASKED = 0xA1
    PVNO_ANSWERED = 0xA0
    VERSION_5 = 5

cdef enum:  # keys: they tell no more than the two exchanges apart
    AUTHENTICATION = 1
    TICKET

cdef enum:  # kinds
    AS_ASK = 3
    TGS_ASK
    AS_ANSWER
    TGS_ANSWER
    ERROR


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message, by its application tag."""
    cdef uint8_t tag = u8(octets, 0)
    if tag in (AS_REQ, TGS_REQ):
        return match_request(octets, found, tag)
    if tag in (AS_REP, TGS_REP, KRB_ERROR):
        return match_reply(octets, found, tag)
    return said(found, MALFORMED, GARBAGE)


cdef inline Role match_request(Octets octets, Match *found, uint8_t tag) noexcept nogil:
    """KDC-REQ, RFC 4120 section 5.4.1."""
    cdef uint32_t version = pvno(octets, tag, PVNO_ASKED)
    if not holds(octets, version, 1) and is_cut(octets):
        return said_weakly(found, REQUEST, CUT)
    if not is_version_5(octets, version):
        return said(found, MALFORMED, GARBAGE)
    add_key(found, AUTHENTICATION if tag == AS_REQ else TICKET)
    return said(found, REQUEST, AS_ASK if tag == AS_REQ else TGS_ASK)


cdef inline Role match_reply(Octets octets, Match *found, uint8_t tag) noexcept nogil:
    """KDC-REP or KRB-ERROR, RFC 4120 sections 5.4.2 and 5.9.1: neither says which request it answers."""
    cdef uint32_t version = pvno(octets, tag, PVNO_ANSWERED)
    if not holds(octets, version, 1) and is_cut(octets):
        return said_weakly(found, REPLY, CUT)
    if not is_version_5(octets, version):
        return said(found, MALFORMED, GARBAGE)
    if tag != TGS_REP:
        add_key(found, AUTHENTICATION)
    if tag != AS_REP:
        add_key(found, TICKET)
    if tag == KRB_ERROR:
        return said_weakly(found, REPLY, ERROR)
    return said_weakly(found, REPLY, AS_ANSWER if tag == AS_REP else TGS_ANSWER)


cdef inline uint32_t pvno(Octets octets, uint8_t tag, uint8_t member) noexcept nogil:
    """Where the protocol's version stands: in a member of the sequence that the application tag is of."""
    cdef uint32_t members = content(octets, content(octets, 0, tag), SEQUENCE)
    return content(octets, content(octets, members, member), INTEGER)


cdef inline bint is_version_5(Octets octets, uint32_t version) noexcept nogil:
    """Whether Kerberos 5 stands there."""
    return holds(octets, version, 1) and u8(octets, version) == VERSION_5
