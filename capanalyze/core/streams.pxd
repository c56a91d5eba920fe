"""Messages in TCP streams, of which one segment is seen at a time: those of DNS, RFC 7766 section 8."""

from libc.stdint cimport uint32_t, uint64_t

from capanalyze.core.message cimport REPLY, REQUEST, SPOKE, Match, Message, Role, begin, packed
from capanalyze.core.octets cimport Octets, be16, behind, digest, holds, mix, u8, within
from capanalyze.core.services cimport Services
from capanalyze.core.transport cimport hash63

cdef enum:
    DNS_PORT = 53
    LENGTH = 2  # octets before a message that say how long it is
    IN_SEGMENT = 16  # messages of one segment that are read


cdef inline bint may_hold_messages(const Message *segment) noexcept nogil:
    """Whether a TCP segment, quoted by no ICMP error, has data of a connection whose messages are read."""
    return segment.role == SPOKE and (segment.destination_port == DNS_PORT or segment.source_port == DNS_PORT)


cdef inline Octets data_of(Octets segment) noexcept nogil:
    """What stands behind a TCP header."""
    return behind(segment, u8(segment, 12) // 16 * 4)


cdef inline uint32_t next_message(
    Octets data, uint32_t at, const Services *services, const Message *segment, Message *into, Match *found
) noexcept nogil:
    """Describe the message that begins at an offset of a segment's data; where it ends, 0 where there is none.

    Its digest holds its place in the stream, so that only what is sent again is the same.
    """
    cdef Octets rest = behind(data, at)
    if not holds(rest, 0, LENGTH):
        return 0
    cdef Octets text = within(behind(rest, LENGTH), be16(rest, 0))
    begin(found)
    found.port = DNS_PORT
    cdef Role role = services.match[services.in_stream](text, found)
    if not (role == REQUEST and segment.destination_port == DNS_PORT):
        if not (role == REPLY and segment.source_port == DNS_PORT):
            return 0
    into.service, into.port, into.role = services.in_stream, DNS_PORT, packed(role, found)
    into.payload = segment.payload + at + LENGTH
    into.captured, into.size = text.captured, text.size
    into.detail = <uint32_t>(segment.detail + at)
    into.digest = hash63(mix(digest(text, 0, text.captured), <uint64_t>into.detail))
    return at + LENGTH + text.size
