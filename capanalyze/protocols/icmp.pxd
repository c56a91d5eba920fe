"""ICMP's match function: see the neighbour `icmp.py` for the sources."""

from libc.stdint cimport uint8_t, uint64_t

from capanalyze.core.message cimport OTHER, REPLY, REQUEST, Match, Role, add_key, said
from capanalyze.core.octets cimport Octets, be32, mix, u8

cdef enum:  # octet offsets, RFC 792, RFC 4443 section 4
    TYPE = 0
    IDENTIFIER = 4  # and the sequence number behind it
    HEADER_LEN = 8

cdef enum:  # types, RFC 792, RFC 950 appendix I, RFC 4443 section 4
    V4_ECHO_REPLY = 0
    V4_ECHO = 8
    TIMESTAMP = 13
    TIMESTAMP_REPLY = 14
    INFORMATION = 15
    INFORMATION_REPLY = 16
    MASK = 17
    MASK_REPLY = 18
    V6_ECHO = 128
    V6_ECHO_REPLY = 129

cdef enum:  # kinds
    ECHO = 3
    ECHO_REPLY
    QUERY
    QUERY_REPLY


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one ICMP or ICMPv6 message, from its header on; type numbers of the two do not overlap here."""
    if octets.captured < HEADER_LEN:
        return OTHER
    cdef uint8_t kind = u8(octets, TYPE)
    if kind in (V4_ECHO, V6_ECHO):
        add_key(found, key_of(octets, kind))
        return said(found, REQUEST, ECHO)
    if kind in (V4_ECHO_REPLY, V6_ECHO_REPLY):
        add_key(found, key_of(octets, V4_ECHO if kind == V4_ECHO_REPLY else V6_ECHO))
        return said(found, REPLY, ECHO_REPLY)
    if kind in (TIMESTAMP, INFORMATION, MASK):
        found.unanswerable = 1  # RFC 1122 sections 3.2.2.7 to 3.2.2.9: a host need not answer these
        add_key(found, key_of(octets, kind))
        return said(found, REQUEST, QUERY)
    if kind in (TIMESTAMP_REPLY, INFORMATION_REPLY, MASK_REPLY):
        add_key(found, key_of(octets, kind - 1))
        return said(found, REPLY, QUERY_REPLY)
    return OTHER


cdef inline uint64_t key_of(Octets octets, uint8_t asked) noexcept nogil:
    """The request's type with its identifier and sequence number, which a reply repeats."""
    return mix(mix(1, asked), be32(octets, IDENTIFIER))
