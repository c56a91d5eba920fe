"""The match function of NAT-PMP and PCP: see the neighbour `natpmp.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be16, digest, holds, is_cut, mix, u8

cdef enum:  # octet offsets, RFC 6886 sections 3.2 and 3.3, RFC 6887 figures 1 to 3 and 9
    VERSION = 0
    OPCODE = 1
    RESULT_CODE = 3  # of PCP; of NAT-PMP the low octet
    REQUEST_PORT = 4
    RESPONSE_PORT = 8
    NONCE = 24
    NONCE_LEN = 12

cdef enum:  # versions
    PMP = 0
    PCP = 2

cdef enum:
    RESPONSE = 128  # is added to the opcode, RFC 6886 section 3.1, RFC 6887 section 7.2
    UNSUPPORTED_VERSION = 1  # result code, RFC 6886 section 3.5, RFC 6887 section 7.4

cdef enum:  # opcodes of NAT-PMP, RFC 6886 sections 3.2 and 3.3
    PUBLIC_ADDRESS = 0
    MAP_TCP = 2

cdef enum:  # opcodes of PCP, RFC 6887 section 19.2
    MAP = 1
    PEER = 2

cdef enum:  # what a key is made of
    BY_PORT = 1
    BY_NONCE
    BY_OPCODE
    REFUSED

cdef enum:  # kinds
    ADDRESS = 3
    MAPPING
    PCP_REQUEST
    RESPONDED
    PCP_RESPONSE
    ERROR


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message of either version."""
    if octets.captured < 2:
        return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)
    cdef uint8_t version = u8(octets, VERSION), opcode = u8(octets, OPCODE) % RESPONSE
    if version != PMP and version != PCP or version == PMP and opcode > MAP_TCP:
        return said(found, MALFORMED, GARBAGE)
    if u8(octets, OPCODE) < RESPONSE:
        return match_request(octets, found, version, opcode)
    return match_response(octets, found, version, opcode)


cdef inline Role match_request(Octets octets, Match *found, uint8_t version, uint8_t opcode) noexcept nogil:
    """Keys of a request: what its response returns, and that of a refusal in another version."""
    if not has_key(octets, version, opcode, REQUEST_PORT):
        return said_weakly(found, REQUEST, CUT) if is_cut(octets) else said(found, MALFORMED, GARBAGE)
    add_key(found, key_of(octets, version, opcode, REQUEST_PORT))
    add_key(found, mix(REFUSED, opcode))
    if version == PCP:
        return said(found, REQUEST, PCP_REQUEST)
    return said(found, REQUEST, ADDRESS if opcode == PUBLIC_ADDRESS else MAPPING)


cdef inline Role match_response(Octets octets, Match *found, uint8_t version, uint8_t opcode) noexcept nogil:
    """Key of a response; one that refuses the version may repeat no more than the opcode."""
    if not holds(octets, RESULT_CODE, 1):
        return said_weakly(found, REPLY, CUT) if is_cut(octets) else said(found, MALFORMED, GARBAGE)
    if u8(octets, RESULT_CODE) == UNSUPPORTED_VERSION:
        add_key(found, mix(REFUSED, opcode))
        return said(found, REPLY, ERROR)
    if not has_key(octets, version, opcode, RESPONSE_PORT):
        return said_weakly(found, REPLY, CUT if is_cut(octets) else ERROR)
    add_key(found, key_of(octets, version, opcode, RESPONSE_PORT))
    if u8(octets, RESULT_CODE):
        return said(found, REPLY, ERROR)
    return said(found, REPLY, PCP_RESPONSE if version == PCP else RESPONDED)


cdef inline bint has_nonce(uint8_t version, uint8_t opcode) noexcept nogil:
    """Whether messages of this opcode have a nonce, RFC 6887 sections 11.1 and 12.1."""
    return version == PCP and (opcode == MAP or opcode == PEER)


cdef inline bint has_port(uint8_t version, uint8_t opcode) noexcept nogil:
    """Whether messages of this opcode have the port to be mapped, RFC 6886 section 3.3."""
    return version == PMP and opcode != PUBLIC_ADDRESS


cdef inline bint has_key(Octets octets, uint8_t version, uint8_t opcode, uint32_t port) noexcept nogil:
    """Whether what tells a message from others is there."""
    if has_nonce(version, opcode):
        return holds(octets, NONCE, NONCE_LEN)
    return not has_port(version, opcode) or holds(octets, port, 2)


cdef inline uint64_t key_of(Octets octets, uint8_t version, uint8_t opcode, uint32_t port) noexcept nogil:
    """What tells one request from others: its nonce, the port to be mapped, or nothing but the opcode."""
    if has_nonce(version, opcode):
        return mix(mix(BY_NONCE, opcode), digest(octets, NONCE, NONCE_LEN))
    if has_port(version, opcode):
        return mix(mix(BY_PORT, opcode), be16(octets, port))
    return mix(mix(BY_OPCODE, version), opcode)
