"""The match function of UDP without a module of its own: see the neighbour `udp.py` for the sources."""

from libc.stdint cimport uint8_t, uint16_t

from capanalyze.core.message cimport EMPTY, FLOW, Match, Role, said
from capanalyze.core.octets cimport Octets, be16, be32, be64, holds, le16, u8
from capanalyze.core.tunnel cimport draws_no_reply
from capanalyze.protocols.snmp cimport is_inform

cdef enum:  # ports where the payload tells whether it asks
    NOTIFICATIONS = 162
    PTP_EVENT = 319
    PTP_GENERAL = 320
    RIP = 520
    RIPNG = 521
    RTP = 5004
    NEIGHBOURS = 5678
    ART_NET = 6454

cdef enum:  # RIP, RFC 2453 section 4 and RFC 2080 section 2.1
    RIP_RESPONSE = 2
    RIP_HEADER = 4

cdef enum:  # RTP and RTCP, RFC 3550 sections 5.1, 6.4.1 and 6.4.2
    RTP_VERSION = 2
    RTP_HEADER = 12
    SENDER_REPORT = 200
    RECEIVER_REPORT = 201
    SENDER_WORDS = 6  # behind the first word, and as many for each block
    RECEIVER_WORDS = 1
    BLOCK_WORDS = 6
    REPORT_HEADER = 8

cdef enum:  # PTP, IEEE 1588-2008 section 13.3.2.2: messageType; all others ask, or may
    PTP_VERSION = 2
    SYNC = 0
    DELAY_REQUEST = 1
    DELAY_RESPONSE_OF_PEER = 3
    FOLLOW_UP = 8
    DELAY_RESPONSE = 9
    FOLLOW_UP_OF_PEER = 10
    ANNOUNCE = 11

cdef enum:  # MNDP: behind four octets the first field is a MAC address, its type and length
    FIELDS = 4
    MAC_FIELD = 0x00010006

cdef enum:  # Art-Net 4: the opcode behind the name; channels of two kinds, and when to show them
    ART_NET_OPCODE = 8
    DMX = 0x5000
    NON_ZERO = 0x5100
    SHOWN = 0x5200

cdef enum:  # kinds
    DATAGRAM = 3
    TUNNELLED
    NOTIFIED
    ROUTES
    MEDIA
    CLOCK
    NEIGHBOUR
    LIGHTS


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Only the endpoints tell what belongs together; the payload may tell that it draws no reply."""
    if octets.size == 0:
        found.unanswerable = 1
        return said(found, FLOW, EMPTY)
    if draws_no_reply(found.port, octets):
        found.unanswerable = 1
        return said(found, FLOW, TUNNELLED)
    cdef uint8_t kind = told(octets, found.port)
    found.unanswerable = found.announces = kind != DATAGRAM
    return said(found, FLOW, kind)


cdef inline uint8_t told(Octets octets, uint16_t port) noexcept nogil:
    """The kind of a datagram, DATAGRAM if it may ask something."""
    if is_report(octets):
        return MEDIA
    if port == NOTIFICATIONS:
        return DATAGRAM if is_inform(octets) else NOTIFIED
    if port in (RIP, RIPNG):
        return ROUTES if holds(octets, 0, RIP_HEADER) and u8(octets, 0) == RIP_RESPONSE else DATAGRAM
    if port == RTP:
        return MEDIA if holds(octets, 0, RTP_HEADER) and u8(octets, 0) // 64 == RTP_VERSION else DATAGRAM
    if port in (PTP_EVENT, PTP_GENERAL):
        return CLOCK if is_clock(octets) else DATAGRAM
    if port == NEIGHBOURS:
        return NEIGHBOUR if holds(octets, FIELDS, 4) and be32(octets, FIELDS) == MAC_FIELD else DATAGRAM
    if port == ART_NET:
        return LIGHTS if is_lights(octets) else DATAGRAM
    return DATAGRAM


cdef inline bint is_report(Octets octets) noexcept nogil:
    """Whether it begins with an RTCP report, as all RTCP does, on whatever port: its length is that of its blocks."""
    if not holds(octets, 0, REPORT_HEADER) or u8(octets, 0) // 32 != RTP_VERSION * 2:
        return False
    cdef uint8_t packet = u8(octets, 1)
    if packet not in (SENDER_REPORT, RECEIVER_REPORT):
        return False
    cdef uint16_t words = be16(octets, 2)
    if words * 4 + 4 > octets.size:
        return False
    return words == u8(octets, 0) % 32 * BLOCK_WORDS + (SENDER_WORDS if packet == SENDER_REPORT else RECEIVER_WORDS)


cdef inline bint is_clock(Octets octets) noexcept nogil:
    """Whether it is a message of PTP that is only told, or answered by the master clock alone."""
    if not holds(octets, 0, 4) or u8(octets, 1) % 16 != PTP_VERSION or be16(octets, 2) > octets.size:
        return False
    return u8(octets, 0) % 16 in (
        SYNC, DELAY_REQUEST, DELAY_RESPONSE_OF_PEER, FOLLOW_UP, DELAY_RESPONSE, FOLLOW_UP_OF_PEER, ANNOUNCE,
    )


cdef inline bint is_lights(Octets octets) noexcept nogil:
    """Whether it is Art-Net's data, behind its name and a zero; a poll, and what sets a node up, is answered."""
    if not holds(octets, 0, ART_NET_OPCODE + 2) or be64(octets, 0) != 0x4172742D4E657400ULL:
        return False
    return le16(octets, ART_NET_OPCODE) in (DMX, NON_ZERO, SHOWN)
