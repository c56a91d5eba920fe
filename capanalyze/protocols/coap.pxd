"""CoAP's match function: see the neighbour `coap.py` for the sources."""

from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.message cimport (
    CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be16, digest, mix, u8

cdef enum:  # octet offsets, RFC 7252 figure 7
    HEAD = 0  # version, type and length of the token
    CODE = 1
    MESSAGE_ID = 2
    TOKEN = 4

cdef enum:
    VERSION = 1
    MAX_TOKEN = 8
    MAX_METHOD = 7  # iPATCH, RFC 8132 section 8

cdef enum:  # types, RFC 7252 section 3
    CONFIRMABLE = 0
    NON_CONFIRMABLE
    ACKNOWLEDGEMENT
    RESET

cdef enum:  # classes of codes, RFC 7252 section 12.1
    METHOD = 0
    SUCCESS = 2
    CLIENT_ERROR = 4
    SERVER_ERROR = 5

cdef enum:  # what a key is made of
    BY_TOKEN = 1
    BY_ID

cdef enum:  # kinds
    ASK = 3
    PING
    RESPONSE
    ERROR_RESPONSE
    ACKNOWLEDGED
    WAS_RESET


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one message, by the class of its code, and by its type where the code is 0.00."""
    cdef uint8_t kind = u8(octets, HEAD) // 16 % 4, token_len = u8(octets, HEAD) % 16
    cdef uint32_t token_end = TOKEN + token_len
    if u8(octets, HEAD) // 64 != VERSION or token_len > MAX_TOKEN or octets.size < token_end:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured <= CODE:
        return said(found, MALFORMED, CUT)
    cdef uint8_t code = u8(octets, CODE)
    if not is_known(code) or code == 0 and (kind == NON_CONFIRMABLE or token_len):
        return said(found, MALFORMED, GARBAGE)
    cdef bint asks = kind == CONFIRMABLE if code == 0 else code // 32 == METHOD
    if octets.captured < token_end:
        return said_weakly(found, REQUEST if asks else REPLY, CUT)
    if code == 0:
        return match_empty(octets, found, kind)
    if asks:
        return match_request(octets, found, token_len)
    return match_response(octets, found, kind, code, token_len)


cdef inline bint is_known(uint8_t code) noexcept nogil:
    """Whether there is such a method, or a response of that class."""
    return code <= MAX_METHOD or code // 32 in (SUCCESS, CLIENT_ERROR, SERVER_ERROR)


cdef inline Role match_empty(Octets octets, Match *found, uint8_t kind) noexcept nogil:
    """An empty message, RFC 7252 sections 4.2 and 4.3: a ping, an acknowledgement or a reset."""
    add_id(octets, found)
    if kind == CONFIRMABLE:
        return said(found, REQUEST, PING)
    if kind == ACKNOWLEDGEMENT:
        found.interim = 1
        return said(found, REPLY, ACKNOWLEDGED)
    return said(found, REPLY, WAS_RESET)


cdef inline Role match_request(Octets octets, Match *found, uint8_t token_len) noexcept nogil:
    """A request is answered by its message ID or by its token."""
    add_id(octets, found)
    add_token(octets, found, token_len)
    return said(found, REQUEST, ASK)


cdef inline Role match_response(
    Octets octets, Match *found, uint8_t kind, uint8_t code, uint8_t token_len
) noexcept nogil:
    """A response in an acknowledgement has the request's message ID (section 5.2.1), another one its token."""
    if kind == ACKNOWLEDGEMENT:
        add_id(octets, found)
    else:
        add_token(octets, found, token_len)
    return said(found, REPLY, RESPONSE if code // 32 == SUCCESS else ERROR_RESPONSE)


cdef inline void add_id(Octets octets, Match *found) noexcept nogil:
    """The message ID as a key."""
    add_key(found, mix(BY_ID, be16(octets, MESSAGE_ID)))


cdef inline void add_token(Octets octets, Match *found, uint8_t token_len) noexcept nogil:
    """The token as a key; an empty one is one too."""
    add_key(found, mix(BY_TOKEN, digest(octets, TOKEN, token_len)))
