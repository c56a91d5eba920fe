"""From the transport header to a message: ports, payload, the service, its role and keys."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from capanalyze.core.frame cimport ICMP, TCP, UDP, Frame, Step, offset
from capanalyze.core.message cimport (
    CUT, FLOW, MALFORMED, OTHER, REPLY, REQUEST, Match, Message, Role, begin, packed, said,
)
from capanalyze.core.network cimport ICMPV4, ICMPV6
from capanalyze.core.octets cimport Octets, be16, be32, behind, digest, mix, u8, within
from capanalyze.core.services cimport GENERIC_UDP, ICMP_SERVICE, TCP_SERVICE, Services, service_of
from capanalyze.core.signs cimport sign_checksum

cdef enum:
    UDP_HEADER = 8
    TCP_HEADER = 20
    ICMP_HEADER = 8
    # How much of a header an ICMP error must quote (RFC 792: eight octets), and a frame must hold.
    QUOTED = 8
    TCP_FLAGS_READ = 14
    TCP_CHECKSUM = 16  # its offset, RFC 9293 section 3.1


cdef inline bint message(Frame *frame, Step transport, const Services *services, Match *found, bint is_quoted) noexcept nogil:
    """The message behind the transport header; False where the frame is cut before its ports."""
    begin(found)
    if transport == UDP:
        return udp(frame, services, found)
    if transport == TCP:
        return tcp(frame, services, found, is_quoted)
    return icmp(frame, services, found)


cdef inline bint udp(Frame *frame, const Services *services, Match *found) noexcept nogil:
    """RFC 768."""
    cdef Octets datagram = frame.rest
    if datagram.captured < UDP_HEADER:
        return False
    cdef uint16_t source = be16(datagram, 0), destination = be16(datagram, 2)
    if frame.is_early and be16(datagram, 6) and not frame.message.fragmented:
        sign_checksum(frame, datagram, be16(datagram, 6))
    frame.rest = payload_of(datagram, frame.message.fragmented)
    payload(frame, frame.rest)
    frame.message.source_port = source
    frame.message.destination_port = destination
    asked(frame, services, found, destination, source)
    return True


cdef inline Octets payload_of(Octets datagram, bint fragmented) noexcept nogil:
    """What stands behind a UDP header that was captured.

    The length field may count more than this frame holds: the datagram may be fragmented.
    """
    cdef int64_t room = <int64_t>datagram.size - UDP_HEADER, size = <int64_t>be16(datagram, 4) - UDP_HEADER
    if size < 0 or (size > room and not fragmented):
        size = room
    return within(behind(datagram, UDP_HEADER), <uint32_t>size)


cdef inline void asked(
    Frame *frame, const Services *services, Match *found, uint16_t destination, uint16_t source
) noexcept nogil:
    """Which service a datagram is of: that of the port asked, unless only the other end's makes sense of it."""
    cdef uint8_t here = service_of(services, destination), there = service_of(services, source)
    cdef Role role = MALFORMED
    if here == GENERIC_UDP and there == GENERIC_UDP:
        flow(frame, services, found, destination)
        return
    if here != GENERIC_UDP:
        role = service(services, here, destination, frame.rest, found)
        if here == there and source != destination and (found.weak or role == MALFORMED):
            role = service(services, here, source, frame.rest, found)
            if role == REPLY and not found.weak:  # a service of two ports, which read in different ways
                serve(frame, here, source, role, found)
                return
            role = service(services, here, destination, frame.rest, found)
        if there in (GENERIC_UDP, here) or is_sound_request(role, found):
            serve(frame, here, destination, role, found)
            return
    role = service(services, there, source, frame.rest, found)
    if role in (REPLY, FLOW) or (here == GENERIC_UDP and role != REQUEST):
        serve(frame, there, source, role, found)
    elif here == GENERIC_UDP:  # no service is asked by what leaves its port
        begin(found)
        flow(frame, services, found, destination)
    else:
        serve(frame, here, destination, service(services, here, destination, frame.rest, found), found)


cdef inline void flow(Frame *frame, const Services *services, Match *found, uint16_t port) noexcept nogil:
    """A datagram of no service with a module, to this port."""
    found.port = port
    cdef Role role = services.match[GENERIC_UDP](frame.rest, found)
    serve(frame, GENERIC_UDP, port, role, found)


cdef inline bint is_sound_request(Role role, const Match *found) noexcept nogil:
    """Whether a service is sure that it was asked something."""
    return role in (REQUEST, FLOW) and not found.weak and not found.unanswerable


cdef inline Role service(
    const Services *services, uint8_t number, uint16_t port, Octets octets, Match *found
) noexcept nogil:
    """What a service says; a datagram cut before its first octet says nothing, and few services are asked by none."""
    begin(found)
    found.port = port
    if octets.size == 0 and not services.empty_asks[number]:
        return MALFORMED
    if octets.captured == 0 and octets.size:
        return said(found, MALFORMED, CUT)
    return services.match[number](octets, found)


cdef inline void serve(Frame *frame, uint8_t service, int64_t port, Role role, const Match *found) noexcept nogil:
    """The message is of this service."""
    frame.message.service = service
    frame.message.port = port
    frame.message.role = packed(role, found)


cdef inline bint tcp(Frame *frame, const Services *services, Match *found, bint is_quoted) noexcept nogil:
    """RFC 9293 section 3.1."""
    cdef Octets segment = frame.rest
    cdef uint32_t needed = QUOTED if is_quoted else TCP_FLAGS_READ
    if segment.captured < needed:
        return False
    frame.message.source_port = be16(segment, 0)
    frame.message.destination_port = be16(segment, 2)
    frame.message.detail = be32(segment, 4)
    serve(frame, TCP_SERVICE, be16(segment, 2), services.match[TCP_SERVICE](segment, found), found)
    cdef uint32_t header = u8(segment, 12) // 16 * 4 if segment.captured >= TCP_FLAGS_READ else TCP_HEADER
    note_payload(frame, behind(segment, header))
    if frame.is_early and frame.message.size == 0 and segment.captured >= TCP_HEADER:
        sign_checksum(frame, segment, be16(segment, TCP_CHECKSUM))
    frame.message.digest = hash63(
        mix(mix(frame.message.role, frame.message.detail), found.keys[0] if found.count else 0)
    )
    return True


cdef inline bint icmp(Frame *frame, const Services *services, Match *found) noexcept nogil:
    """RFC 792, RFC 4443: messages that ask and answer."""
    cdef Octets octets = frame.rest
    if octets.captured < ICMP_HEADER:
        return False
    frame.message.source_port = frame.message.destination_port = -1
    if is_of_other_version(frame, u8(octets, 0)):
        serve(frame, ICMP_SERVICE, -1, OTHER, found)
        return True
    payload(frame, behind(octets, ICMP_HEADER))
    serve(frame, ICMP_SERVICE, -1, services.match[ICMP_SERVICE](octets, found), found)
    frame.message.digest = hash63(mix(mix(frame.message.digest, be32(octets, 4)), u8(octets, 0)))
    return True


cdef inline bint is_of_other_version(const Frame *frame, uint8_t kind) noexcept nogil:
    """ICMPv6's own messages begin at 128, ICMP's all lie below."""
    return (frame.message.protocol == ICMPV4 and kind >= 128) or (frame.message.protocol == ICMPV6 and kind < 128)


cdef inline void note_payload(Frame *frame, Octets octets) noexcept nogil:
    """Where the payload lies."""
    frame.message.payload = octets.first - frame.block
    frame.message.captured = octets.captured
    frame.message.size = octets.size


cdef inline void payload(Frame *frame, Octets octets) noexcept nogil:
    """Where the payload lies, and what it looks like."""
    note_payload(frame, octets)
    frame.message.digest = hash63(digest(octets, 0, octets.captured))


cdef inline int64_t hash63(uint64_t value) noexcept nogil:
    """A hash as a number that is not negative."""
    return value & 0x7FFFFFFFFFFFFFFFULL


cdef inline uint32_t rejects(const Frame *frame) noexcept nogil:
    """Type * 256 + code of an ICMP error that quotes a datagram; 0 for another message.

    Only some of them reject, but all of them are about an earlier datagram.
    """
    if frame.rest.captured < ICMP_HEADER:
        return 0
    cdef uint8_t kind = u8(frame.rest, 0)
    if frame.message.protocol == ICMPV4 and kind in (3, 11, 12):
        return kind * 256 + u8(frame.rest, 1)
    if frame.message.protocol == ICMPV6 and 1 <= kind <= 4:
        return kind * 256 + u8(frame.rest, 1)
    return 0
