"""Signs of who sent a frame: whether it was padded, whether its checksum was finished, who asks for neighbours.

Only the first frames of a capture are looked at.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from capanalyze.core.frame cimport Frame
from capanalyze.core.message cimport OTHER, Address, is_ipv4
from capanalyze.core.octets cimport Octets, be16, be32, be48, u8

cdef enum:
    LOOKED_AT = 65536  # frames of a capture
    SHORTEST = 60  # octets of an Ethernet frame without its check sequence, IEEE 802.3 clause 3.2.7
    ARP_HEADER = 28
    ARP = -1  # in the place of an IP protocol number

cdef enum:  # signs, as `target.hints` reads them
    PADDED = 1  # filled up to the shortest frame that Ethernet carries
    BARE = 2  # shorter than that
    UNFINISHED = 4  # the checksum is that of the pseudo-header, as it is left for the network adapter
    FINISHED = 8  # it is another one
    NEIGHBOUR = 16  # ARP, or Neighbor Discovery


cdef inline void sign_padding(Frame *frame, int64_t size) noexcept nogil:
    """Whether a frame of Ethernet, of `size` octets on the wire, is padded; a longer one needs no padding."""
    if frame.trailing < 0 or size - frame.trailing >= SHORTEST:
        return
    if size < SHORTEST and frame.trailing == 0:
        frame.message.signs |= BARE
    elif size >= SHORTEST:
        frame.message.signs |= PADDED


cdef inline void sign_checksum(Frame *frame, Octets segment, uint16_t checksum) noexcept nogil:
    """Whether a checksum is that of the pseudo-header alone (RFC 9293 section 3.1, RFC 768).

    Of TCP, only segments without data tell: those with data may have been joined as they were received, which leaves
    the same.
    """
    cdef uint64_t total = <uint64_t>frame.message.protocol + segment.size
    total += words_of(&frame.message.source) + words_of(&frame.message.destination)
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    frame.message.signs |= UNFINISHED if checksum == total else FINISHED


cdef inline uint64_t words_of(const Address *address) noexcept nogil:
    """The sum of an address's words of 16 bits."""
    cdef uint64_t low = address.low, total
    if is_ipv4(address):
        return (low >> 16 & 0xFFFF) + (low & 0xFFFF)
    total = (low >> 48) + (low >> 32 & 0xFFFF) + (low >> 16 & 0xFFFF) + (low & 0xFFFF)
    low = address.high
    return total + (low >> 48) + (low >> 32 & 0xFFFF) + (low >> 16 & 0xFFFF) + (low & 0xFFFF)


cdef inline void sign_arp(Frame *frame) noexcept nogil:
    """RFC 826, for IPv4: a message from one address to another, which is of no concern to pairing."""
    cdef Octets octets = frame.rest
    if not frame.is_early or frame.depth or octets.captured < ARP_HEADER:
        return
    if be16(octets, 2) != 0x0800 or be16(octets, 4) != 0x0604 or not 1 <= be16(octets, 6) <= 2:
        return
    cdef int64_t to = frame.message.destination_mac
    frame.trailing = <int64_t>octets.size - ARP_HEADER
    frame.message.source_mac = be48(octets, 8)
    frame.message.source = Address(0, 0xFFFF00000000ULL | be32(octets, 14))
    frame.message.destination = Address(0, 0xFFFF00000000ULL | be32(octets, 24))
    frame.message.to_group = to < 0 or to >> 40 & 1
    frame.message.protocol = ARP
    frame.message.identification = frame.message.port = -1
    frame.message.source_port = frame.message.destination_port = -1
    frame.message.role = OTHER
    frame.message.ttl = frame.message.tunnels = frame.message.fragmented = 0
    frame.message.payload = octets.first - frame.block
    frame.message.captured = frame.message.size = 0
    frame.message.signs |= NEIGHBOUR


cdef inline void sign_neighbour(Frame *frame) noexcept nogil:
    """Neighbor Discovery, RFC 4861 section 4: no router passes it on."""
    if frame.message.ttl == 255 and 133 <= u8(frame.rest, 0) <= 137:
        frame.message.signs |= NEIGHBOUR
