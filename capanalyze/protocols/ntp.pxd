"""NTP's match function: see the neighbour `ntp.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    ANNOUNCEMENT, CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be16, be32, be64, mix, u8

cdef enum:  # octet offsets, RFC 5905 figure 8
    STRATUM = 1
    REFERENCE_ID = 12
    ORIGIN = 24
    RECEIVE = 32
    TRANSMIT = 40
    HEADER_LEN = 48
    CONTROL_LEN = 12
    PRIVATE_LEN = 8

cdef enum:  # modes, RFC 5905 figure 10
    SYMMETRIC_ACTIVE = 1
    SYMMETRIC_PASSIVE = 2
    CLIENT = 3
    SERVER = 4
    BROADCAST = 5
    CONTROL = 6
    PRIVATE = 7

cdef enum:  # version 5, draft-ietf-ntp-ntpv5: its octet offset, and what such a key is made of besides
    VERSION_5 = 5
    CLIENT_COOKIE = 24
    BY_COOKIE = 5

cdef enum:  # kinds
    CLIENT_REQUEST = 3
    SERVER_REPLY
    KISS
    SYMMETRIC_REQUEST
    SYMMETRIC_REPLY
    CONTROL_REQUEST
    CONTROL_REPLY
    PRIVATE_REQUEST
    PRIVATE_REPLY
    BROADCAST_TIME
    UNSYNCHRONISED
    REQUEST_5
    REPLY_5


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one NTP message."""
    cdef uint8_t mode = u8(octets, 0) % 8
    if mode == CONTROL:
        return match_control(octets, found)
    if mode == PRIVATE:
        return match_private(octets, found)
    if mode == 0 or octets.size < HEADER_LEN:
        return said(found, MALFORMED, GARBAGE)
    if u8(octets, 0) // 8 % 8 == VERSION_5:
        return match_version_5(octets, found, mode)
    if mode == BROADCAST:
        return said(found, ANNOUNCEMENT, BROADCAST_TIME)
    if octets.captured < HEADER_LEN:
        return said_weakly(found, REQUEST if mode == CLIENT or mode == SYMMETRIC_ACTIVE else REPLY, CUT)
    if mode == CLIENT:
        return match_client(octets, found)
    if mode == SYMMETRIC_ACTIVE:
        return match_symmetric(octets, found)
    return match_reply(octets, found, mode)


cdef inline Role match_client(Octets octets, Match *found) noexcept nogil:
    """A request of the time; nothing answers a version that was never there."""
    cdef uint8_t version = u8(octets, 0) // 8 % 8
    found.unanswerable = not 1 <= version <= 4
    asks(octets, found)
    return said(found, REQUEST, CLIENT_REQUEST)


cdef inline Role match_symmetric(Octets octets, Match *found) noexcept nogil:
    """A symmetric peer asks, and may answer with the same message; a stranger need not be answered (section 9.2)."""
    asks(octets, found)
    found.unanswerable = 1
    if be64(octets, ORIGIN) and not found.weak:
        add_key(found, time_key(octets, ORIGIN))
        found.also_reply = 1
    return said(found, REQUEST, SYMMETRIC_REQUEST)


cdef inline Role match_version_5(Octets octets, Match *found, uint8_t mode) noexcept nogil:
    """Client and server are the only modes; the server returns the client's cookie."""
    if mode not in (CLIENT, SERVER):
        return said(found, MALFORMED, GARBAGE)
    cdef Role role = REQUEST if mode == CLIENT else REPLY
    if octets.captured < CLIENT_COOKIE + 8:
        return said_weakly(found, role, CUT)
    found.weak = be64(octets, CLIENT_COOKIE) == 0
    add_key(found, mix(BY_COOKIE, be64(octets, CLIENT_COOKIE)))
    return said(found, role, REQUEST_5 if mode == CLIENT else REPLY_5)


cdef inline void asks(Octets octets, Match *found) noexcept nogil:
    """Keys of a request: its transmit timestamp and, for interleaved mode (RFC 9769), its receive timestamp."""
    add_key(found, time_key(octets, TRANSMIT))
    if be64(octets, TRANSMIT) == 0:
        found.weak = 1
    elif be64(octets, RECEIVE):
        add_key(found, time_key(octets, RECEIVE))


cdef inline Role match_reply(Octets octets, Match *found, uint8_t mode) noexcept nogil:
    """A reply returns the request's timestamp as its origin, RFC 5905 section 8."""
    add_key(found, time_key(octets, ORIGIN))
    found.weak = be64(octets, ORIGIN) == 0
    if u8(octets, STRATUM) == 0 and refuses(be32(octets, REFERENCE_ID)):
        return said(found, REPLY, KISS)
    if mode == SYMMETRIC_PASSIVE:
        return said(found, REPLY, SYMMETRIC_REPLY)
    if u8(octets, 0) // 64 == 3 or u8(octets, STRATUM) == 0 or u8(octets, STRATUM) == 16:
        return said(found, REPLY, UNSYNCHRONISED)
    return said(found, REPLY, SERVER_REPLY)


cdef inline bint refuses(uint32_t code) noexcept nogil:
    """Whether a kiss code refuses service, RFC 5905 section 7.4: others (INIT, STEP) only say why there is no time."""
    return code == 0x44454E59 or code == 0x52535452 or code == 0x52415445  # DENY, RSTR, RATE


cdef inline uint64_t time_key(Octets octets, uint32_t at) noexcept nogil:
    """A timestamp as a key; 0 stands for no timestamp, which tells no request from another."""
    cdef uint64_t timestamp = be64(octets, at)
    return mix(1, timestamp) if timestamp else 0


cdef inline Role match_control(Octets octets, Match *found) noexcept nogil:
    """Mode 6, RFC 9327 section 2: response bit, opcode, sequence; the M bit says that more follows."""
    if octets.size < CONTROL_LEN:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured < 4:
        if octets.captured > 1 and u8(octets, 1) & 0x80:
            return said_weakly(found, REPLY, CONTROL_REPLY)
        return said_weakly(found, REQUEST, CONTROL_REQUEST)
    add_key(found, mix(mix(CONTROL * 256, u8(octets, 1) % 32), be16(octets, 2)))
    if u8(octets, 1) & 0x80:
        found.interim = 1
        return said(found, REPLY, CONTROL_REPLY)
    return said(found, REQUEST, CONTROL_REQUEST)


cdef inline Role match_private(Octets octets, Match *found) noexcept nogil:
    """Mode 7: response bit, implementation, request code; the sequence numbers the reply's packets."""
    cdef bint response = u8(octets, 0) & 0x80 != 0
    if octets.size < PRIVATE_LEN:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured < 4:
        return said_weakly(found, REPLY if response else REQUEST, PRIVATE_REPLY if response else PRIVATE_REQUEST)
    add_key(found, mix(mix(PRIVATE * 256, u8(octets, 2)), u8(octets, 3)))
    if response:
        found.interim = 1
        return said(found, REPLY, PRIVATE_REPLY)
    return said(found, REQUEST, PRIVATE_REQUEST)
