"""SLP's match function: see the neighbour `slp.py` for the sources."""

from libc.stdint cimport uint8_t, uint16_t

from capanalyze.core.message cimport (
    ANNOUNCEMENT, CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be16, mix, u8

cdef enum:  # octet offsets, RFC 2608 section 8; version 1 has these fields in the same places
    VERSION = 0
    FUNCTION_ID = 1
    XID = 10
    HEADER_LEN = 12

cdef enum:  # functions, RFC 2608 section 8
    SRV_RQST = 1
    SRV_RPLY
    SRV_REG
    SRV_DE_REG
    SRV_ACK
    ATTR_RQST
    ATTR_RPLY
    DA_ADVERT
    TYPE_RQST
    TYPE_RPLY
    SA_ADVERT

cdef enum:  # kinds
    ASK = 3
    REGISTER
    ANSWER
    ACKNOWLEDGED
    ADVERTISED
    UNASKED


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message, by its function."""
    if octets.size < HEADER_LEN:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured <= FUNCTION_ID:
        return said(found, MALFORMED, CUT)
    cdef uint8_t function = u8(octets, FUNCTION_ID)
    if u8(octets, VERSION) not in (1, 2) or not SRV_RQST <= function <= SA_ADVERT:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured < HEADER_LEN:
        return said_weakly(found, REQUEST if asks(function) else REPLY, CUT)
    return match_function(octets, found, function)


cdef inline bint asks(uint8_t function) noexcept nogil:
    """Whether a function is a request or a registration: the others reply."""
    return function in (SRV_RQST, SRV_REG, SRV_DE_REG, ATTR_RQST, TYPE_RQST)


cdef inline Role match_function(Octets octets, Match *found, uint8_t function) noexcept nogil:
    """A reply returns the XID; who advertises itself unasked has none to return, section 12.2."""
    cdef uint16_t ident = be16(octets, XID)
    if function == DA_ADVERT and ident == 0:
        return said(found, ANNOUNCEMENT, UNASKED)
    add_key(found, mix(1, ident))
    if function in (SRV_REG, SRV_DE_REG):
        return said(found, REQUEST, REGISTER)
    if asks(function):
        return said(found, REQUEST, ASK)
    if function == SRV_ACK:
        return said(found, REPLY, ACKNOWLEDGED)
    if function in (DA_ADVERT, SA_ADVERT):
        return said(found, REPLY, ADVERTISED)
    return said(found, REPLY, ANSWER)
