"""IKE's match function: see the neighbour `ike.py` for the sources."""

from libc.stdint cimport uint8_t, uint64_t

from capanalyze.core.message cimport (
    CUT, FLOW, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be32, be64, behind, holds, mix, u8

cdef enum:  # octet offsets, RFC 7296 figure 4
    INITIATOR_SPI = 0
    RESPONDER_SPI = 8
    NEXT_PAYLOAD = 16
    VERSION = 17
    EXCHANGE_TYPE = 18
    FLAGS = 19
    MESSAGE_ID = 20
    LENGTH = 24
    HEADER_LEN = 28

cdef enum:  # ports, RFC 3948 sections 2 and 3: on the second one IKE has a marker, ESP (RFC 4303 section 2) has none
    IN_CLEAR = 500
    BEHIND_NAT = 4500

cdef enum:
    MARKER_LEN = 4
    KEEPALIVE = 0xFF
    LEAST_ESP = 8

cdef enum:  # version 2: flags and exchange types, RFC 7296 section 3.1
    INITIATOR = 0x08
    RESPONSE = 0x20
    IKE_SA_INIT = 34
    INFORMATIONAL = 37
    ANY_EXCHANGE = 256

cdef enum:  # version 1: exchange types, payloads and a flag, RFC 2408 section 3.1
    BASE = 1
    MAIN = 2  # identity protection
    AUTHENTICATION_ONLY = 3
    AGGRESSIVE = 4
    INFORMATIONAL_1 = 5
    SA_1 = 1
    NOTIFICATION_1 = 11
    ENCRYPTED = 0x01

cdef enum:  # kinds
    INIT_REQUEST = 3
    INIT_RESPONSE
    LATER_REQUEST
    LATER_RESPONSE
    FIRST_MESSAGE
    SECOND_MESSAGE
    NOTIFICATION
    LATER_MESSAGE
    ENCAPSULATED
    KEPT_ALIVE


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message, with the marker or without."""
    if octets.size == 1 and u8(octets, 0) == KEEPALIVE:
        return of_association(found, KEPT_ALIVE)
    cdef bint is_marked = holds(octets, 0, MARKER_LEN) and be32(octets, 0) == 0
    if is_marked and found.port != IN_CLEAR:
        return match_message(behind(octets, MARKER_LEN), found)
    if found.port == BEHIND_NAT or (found.port != IN_CLEAR and not has_its_length(octets)):
        return match_encapsulated(octets, found)
    return match_message(octets, found)


cdef inline bint has_its_length(Octets octets) noexcept nogil:
    """Whether it is as long as its header says, as far as that was captured."""
    return octets.captured < HEADER_LEN or be32(octets, LENGTH) == octets.size


cdef inline Role of_association(Match *found, uint8_t kind) noexcept nogil:
    """Two hosts that know each other speak; a stranger need not be answered."""
    found.unanswerable = 1
    return said_weakly(found, FLOW, kind)


cdef inline Role match_encapsulated(Octets octets, Match *found) noexcept nogil:
    """Whatever it looks like, it is ESP."""
    if octets.size < LEAST_ESP:
        return said(found, MALFORMED, GARBAGE)
    return of_association(found, ENCAPSULATED)


cdef inline Role match_message(Octets octets, Match *found) noexcept nogil:
    """Role of one message, from its header on."""
    if octets.size < HEADER_LEN:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured < HEADER_LEN:
        return match_cut(octets, found)
    if not has_its_length(octets) or u8(octets, VERSION) // 16 == 0:
        return said(found, MALFORMED, GARBAGE)
    if u8(octets, VERSION) // 16 == 1:
        return match_version_1(octets, found)
    return match_version_2(octets, found)


cdef inline Role match_cut(Octets octets, Match *found) noexcept nogil:
    """A header that the snap length cut: version 2 has its direction in the flags."""
    if not holds(octets, FLAGS, 1) or u8(octets, VERSION) // 16 < 2:
        return said(found, MALFORMED, CUT)
    return said_weakly(found, REPLY if u8(octets, FLAGS) & RESPONSE else REQUEST, CUT)


cdef inline Role match_version_2(Octets octets, Match *found) noexcept nogil:
    """Version 2, RFC 7296 sections 2.1 and 2.2."""
    cdef uint8_t exchange = u8(octets, EXCHANGE_TYPE)
    cdef bint response = u8(octets, FLAGS) & RESPONSE != 0
    cdef uint64_t key = message_key(octets)
    add_key(found, mix(key, exchange))
    if not response or exchange == INFORMATIONAL:
        add_key(found, mix(key, ANY_EXCHANGE))
    if exchange == (INFORMATIONAL if response else IKE_SA_INIT):
        add_key(found, spi_key(octets))  # a host that speaks the other version only refuses in that one
    if exchange == IKE_SA_INIT:
        return said(found, REPLY, INIT_RESPONSE) if response else said(found, REQUEST, INIT_REQUEST)
    found.unanswerable = not response  # section 2.21.4: of an unknown SPI it need not be
    return said(found, REPLY, LATER_RESPONSE) if response else said(found, REQUEST, LATER_REQUEST)


cdef inline uint64_t message_key(Octets octets) noexcept nogil:
    """SPI, message ID, and which host asked: both number their requests from 0, RFC 7296 section 2.2."""
    cdef bint by_initiator = u8(octets, FLAGS) & INITIATOR != 0
    cdef bint response = u8(octets, FLAGS) & RESPONSE != 0
    return mix(mix(spi_key(octets), be32(octets, MESSAGE_ID)), by_initiator != response)


cdef inline Role match_version_1(Octets octets, Match *found) noexcept nogil:
    """Version 1: the first message of an exchange, what answers it, and the rest, RFC 2408 sections 2.5.3 and 3.1."""
    cdef uint8_t exchange = u8(octets, EXCHANGE_TYPE)
    cdef uint8_t payload = u8(octets, NEXT_PAYLOAD)
    if u8(octets, FLAGS) & ENCRYPTED:
        return of_association(found, LATER_MESSAGE)
    if exchange == INFORMATIONAL_1 and payload == NOTIFICATION_1:
        add_key(found, spi_key(octets))
        return said(found, REPLY, NOTIFICATION)
    if exchange not in (BASE, MAIN, AUTHENTICATION_ONLY, AGGRESSIVE):
        return of_association(found, LATER_MESSAGE)
    add_key(found, spi_key(octets))
    if payload != SA_1:
        found.unanswerable = found.continues = 1
        return said(found, FLOW, LATER_MESSAGE)
    if be64(octets, RESPONDER_SPI) == 0:
        return said(found, REQUEST, FIRST_MESSAGE)
    return said(found, REPLY, SECOND_MESSAGE)


cdef inline uint64_t spi_key(Octets octets) noexcept nogil:
    """The initiator's SPI or cookie as a key."""
    return mix(1, be64(octets, INITIATOR_SPI))
