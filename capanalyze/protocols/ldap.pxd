"""The match function of LDAP over UDP: see the neighbour `ldap.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.message cimport GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, broken, said
from capanalyze.core.octets cimport Octets, holds, mix, u8
from capanalyze.protocols._ber cimport OCTET_STRING, SEQUENCE, after, content, integer, is_integer

cdef enum:  # application tags of protocolOp, RFC 4511 sections 4.2 to 4.13
    BIND_REQUEST = 0x60
    BIND_RESPONSE = 0x61
    UNBIND_REQUEST = 0x42
    SEARCH_REQUEST = 0x63
    SEARCH_RESULT_ENTRY = 0x64
    SEARCH_RESULT_DONE = 0x65
    SEARCH_RESULT_REFERENCE = 0x73
    MODIFY_REQUEST = 0x66
    MODIFY_RESPONSE = 0x67
    ADD_REQUEST = 0x68
    ADD_RESPONSE = 0x69
    DELETE_REQUEST = 0x4A
    DELETE_RESPONSE = 0x6B
    MODIFY_DN_REQUEST = 0x6C
    MODIFY_DN_RESPONSE = 0x6D
    COMPARE_REQUEST = 0x6E
    COMPARE_RESPONSE = 0x6F
    ABANDON_REQUEST = 0x50
    EXTENDED_REQUEST = 0x77
    EXTENDED_RESPONSE = 0x78
    INTERMEDIATE_RESPONSE = 0x79

cdef enum:  # kinds
    SEARCH_ASK = 3
    OTHER_ASK
    NEVER_ANSWERED
    SEARCH_ENTRY
    SEARCH_DONE
    OTHER_ANSWER


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message: messageID, in RFC 1798 perhaps a user, protocolOp."""
    cdef uint32_t message_id = content(octets, 0, SEQUENCE)
    cdef uint32_t operation = after(octets, message_id)
    if holds(octets, operation, 1) and u8(octets, operation) == OCTET_STRING:
        operation = after(octets, operation)
    if not is_integer(octets, message_id) or not holds(octets, operation, 1):
        return broken(octets, found)
    cdef Role role = match_operation(found, u8(octets, operation))
    if role != MALFORMED:
        add_key(found, mix(SEQUENCE, integer(octets, message_id)))
    return role


cdef inline Role match_operation(Match *found, uint8_t operation) noexcept nogil:
    """What an operation is; of a search the entries come before the end."""
    if operation == SEARCH_REQUEST:
        return said(found, REQUEST, SEARCH_ASK)
    if operation == SEARCH_RESULT_DONE:
        return said(found, REPLY, SEARCH_DONE)
    if operation in (SEARCH_RESULT_ENTRY, SEARCH_RESULT_REFERENCE):
        found.interim = 1
        return said(found, REPLY, SEARCH_ENTRY)
    if operation in (UNBIND_REQUEST, ABANDON_REQUEST):
        found.unanswerable = 1
        return said(found, REQUEST, NEVER_ANSWERED)
    return match_other(found, operation)


cdef inline Role match_other(Match *found, uint8_t operation) noexcept nogil:
    """An operation that is no search, and not over with its request."""
    if operation in (
        BIND_REQUEST, MODIFY_REQUEST, ADD_REQUEST, DELETE_REQUEST, MODIFY_DN_REQUEST, COMPARE_REQUEST, EXTENDED_REQUEST,
    ):
        return said(found, REQUEST, OTHER_ASK)
    if operation in (
        BIND_RESPONSE, MODIFY_RESPONSE, ADD_RESPONSE, DELETE_RESPONSE, MODIFY_DN_RESPONSE, COMPARE_RESPONSE,
        EXTENDED_RESPONSE, INTERMEDIATE_RESPONSE,
    ):
        return said(found, REPLY, OTHER_ANSWER)
    return said(found, MALFORMED, GARBAGE)
