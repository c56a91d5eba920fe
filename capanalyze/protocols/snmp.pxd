"""SNMP's match function: see the neighbour `snmp.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    ANNOUNCEMENT, CUT, FLOW, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, broken, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, digest, holds, is_cut, mix, u8
from capanalyze.protocols._ber cimport INTEGER, SEQUENCE, after, content, integer, is_integer

cdef enum:
    VERSION_3 = 3

cdef enum:  # PDUs, RFC 3416 section 3; the first of the traps is of version 1 (RFC 1157 section 4.1.6)
    GET = 0xA0
    GET_NEXT
    RESPONSE
    SET
    TRAP_1
    GET_BULK
    INFORM
    TRAP_2
    REPORT

cdef enum:  # kinds
    GET_REQUEST = 3
    SET_REQUEST
    ANSWER
    TRAP
    VERSION_3_MESSAGE
    REPORTED


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one SNMP message: a version, and what that has."""
    cdef uint32_t element = content(octets, 0, SEQUENCE)
    cdef uint32_t version = content(octets, element, INTEGER)
    cdef uint32_t second = after(octets, element)
    if not holds(octets, version, 1) or not holds(octets, second, 1):
        return broken(octets, found)
    if u8(octets, version) == VERSION_3:
        return match_version_3(octets, found, second)
    return match_community(octets, found, second)


cdef inline Role match_community(Octets octets, Match *found, uint32_t community) noexcept nogil:
    """Versions 1 and 2c: the community, then a PDU, of which the request-id comes first (RFC 3416 section 3)."""
    cdef uint32_t pdu = after(octets, community)
    if not holds(octets, pdu, 1):
        return broken(octets, found)
    cdef Role role = match_pdu(found, u8(octets, pdu))
    if role == ANNOUNCEMENT:
        return role
    cdef uint32_t request_id = content(octets, pdu, u8(octets, pdu))
    if not is_integer(octets, request_id):
        return said_weakly(found, role, CUT) if is_cut(octets) else said(found, MALFORMED, GARBAGE)
    add_key(found, id_key(octets, request_id))
    if role == REQUEST:
        add_key(found, digest(octets, community, pdu - community))
        found.compared = 1
    return role


cdef inline bint is_inform(Octets octets) noexcept nogil:
    """Whether it is an InformRequest in clear, which whoever is notified has to answer (RFC 3416 section 4.2.7)."""
    cdef uint32_t element = content(octets, 0, SEQUENCE)
    cdef uint32_t second = after(octets, element)
    cdef uint32_t version = content(octets, element, INTEGER)
    if not holds(octets, version, 1) or not holds(octets, second, 1):
        return False
    cdef uint32_t pdu = scoped_pdu(octets, after(octets, after(octets, second)))
    if u8(octets, version) != VERSION_3:
        pdu = after(octets, second)
    return holds(octets, pdu, 1) and u8(octets, pdu) == INFORM


cdef inline Role match_version_3(Octets octets, Match *found, uint32_t head) noexcept nogil:
    """Version 3, RFC 3412 section 6: where its PDU is encrypted or cut off, only the port tells who asks."""
    cdef uint32_t message_id = content(octets, head, SEQUENCE)
    if not is_integer(octets, message_id):
        return broken(octets, found)
    cdef uint32_t pdu = scoped_pdu(octets, after(octets, after(octets, head)))
    cdef bint clear = holds(octets, pdu, 1)
    cdef Role role = match_pdu(found, u8(octets, pdu)) if clear else said(found, FLOW, VERSION_3_MESSAGE)
    if role != ANNOUNCEMENT:
        add_key(found, mix(id_key(octets, message_id), VERSION_3))
    return role


cdef inline uint32_t scoped_pdu(Octets octets, uint32_t at) noexcept nogil:
    """Where the PDU of a ScopedPDU stands, behind the context's engine and name; nowhere if it is encrypted."""
    return after(octets, after(octets, content(octets, at, SEQUENCE)))


cdef inline Role match_pdu(Match *found, uint8_t pdu) noexcept nogil:
    """What a PDU of this type is, RFC 3416 section 3; a report answers what could not be processed."""
    if pdu in (TRAP_1, TRAP_2):
        return said(found, ANNOUNCEMENT, TRAP)
    if pdu == RESPONSE:
        return said(found, REPLY, ANSWER)
    if pdu == REPORT:
        return said(found, REPLY, REPORTED)
    found.unanswerable = pdu == INFORM
    return said(found, REQUEST, SET_REQUEST if pdu == SET else GET_REQUEST)


cdef inline uint64_t id_key(Octets octets, uint32_t at) noexcept nogil:
    """The INTEGER at an offset as a key."""
    return mix(INTEGER, integer(octets, at))
