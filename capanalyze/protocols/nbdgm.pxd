"""The NetBIOS datagram service's match function: see the neighbour `nbdgm.py` for the sources."""

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport Octets, be16, be32, holds, is_cut, le16, mix, u8
from capanalyze.protocols._names cimport skip_name

cdef enum:  # octet offsets, RFC 1002 sections 4.4.1 and 4.4.2
    MESSAGE_TYPE = 0
    DGM_ID = 2
    HEADER_LEN = 10
    SOURCE_NAME = 14

cdef enum:  # message types, RFC 1002 section 4.4.1
    DIRECT_UNIQUE = 0x10
    DIRECT_GROUP
    BROADCAST
    ERROR
    QUERY_REQUEST
    POSITIVE
    NEGATIVE

cdef enum:  # octet offsets in the SMB transaction that carries a browser frame, [MS-CIFS] section 2.2.4.33.1
    WORD_COUNT = 32
    DATA_OFFSET = 57
    BROWSE_NAME = 79  # behind \MAILSLOT\

cdef enum:  # opcodes of a browser frame, [MS-BRWS] section 2.2
    HOST = 1
    BACKUP_REQUEST = 9
    BACKUP_RESPONSE = 10
    DOMAIN = 12
    LOCAL_MASTER = 15

cdef enum:  # octet offsets in a browser frame that asks for backup browsers, or lists them
    OPCODE = 0
    TOKEN = 2
    TOKEN_END = 6

cdef enum:  # what a key is made of besides the id or token, above its 32 bits
    BY_ID = 1
    BY_TOKEN = 2

cdef enum:  # kinds
    DELIVERED = 3
    QUERY
    REFUSED
    QUERY_RESPONSE
    ANNOUNCED
    BACKUP_ASKED
    BACKUP_TOLD


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one datagram, by its type and, of those that carry one, by the browser frame."""
    if octets.size < HEADER_LEN:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured == 0:
        return said(found, MALFORMED, CUT)
    cdef uint8_t message_type = u8(octets, MESSAGE_TYPE)
    if not DIRECT_UNIQUE <= message_type <= NEGATIVE:
        return said(found, MALFORMED, GARBAGE)
    if octets.captured < HEADER_LEN:
        return without_header(found, message_type)
    if message_type in (DIRECT_UNIQUE, DIRECT_GROUP, BROADCAST):
        return match_datagram(octets, found)
    add_key(found, id_key(octets))
    if message_type == QUERY_REQUEST:
        return said(found, REQUEST, QUERY)
    return said(found, REPLY, REFUSED if message_type == ERROR else QUERY_RESPONSE)


cdef inline Role without_header(Match *found, uint8_t message_type) noexcept nogil:
    """Role of a message that was cut within its header."""
    if message_type in (ERROR, POSITIVE, NEGATIVE):
        return said_weakly(found, REPLY, CUT)
    return said(found, MALFORMED, CUT)


cdef inline Role match_datagram(Octets octets, Match *found) noexcept nogil:
    """What is delivered to a name or a group, by the browser frame in it."""
    cdef uint32_t frame = browser_frame(octets)
    if not holds(octets, frame, 1):
        return match_delivered(octets, found)
    cdef uint8_t opcode = u8(octets, frame + OPCODE)
    if opcode in (BACKUP_REQUEST, BACKUP_RESPONSE):
        return match_backup(octets, found, frame)
    if opcode not in (HOST, DOMAIN, LOCAL_MASTER):
        return delivered(octets, found)
    found.unanswerable = 1
    found.announces = 1
    add_key(found, id_key(octets))
    return said(found, REQUEST, ANNOUNCED)


cdef inline Role match_backup(Octets octets, Match *found, uint32_t frame) noexcept nogil:
    """Asks for backup browsers, or lists them: the token decides, [MS-BRWS] section 2.2.4."""
    if not holds(octets, frame, TOKEN_END):
        return match_delivered(octets, found)
    cdef uint64_t token = mix(<uint64_t>BY_TOKEN << 32, be32(octets, frame + TOKEN))
    if u8(octets, frame + OPCODE) == BACKUP_RESPONSE:
        add_key(found, token)
        return said(found, REPLY, BACKUP_TOLD)
    add_key(found, id_key(octets))
    add_key(found, token)
    return said(found, REQUEST, BACKUP_ASKED)


cdef inline Role match_delivered(Octets octets, Match *found) noexcept nogil:
    """Without a browser frame it is any datagram; where it is cut, what tells who asks may be out of sight."""
    return said(found, MALFORMED, CUT) if is_cut(octets) else delivered(octets, found)


cdef inline Role delivered(Octets octets, Match *found) noexcept nogil:
    """Any other datagram: nothing but an error answers it."""
    found.announces = 1
    add_key(found, id_key(octets))
    return said(found, REQUEST, DELIVERED)


cdef inline uint64_t id_key(Octets octets) noexcept nogil:
    """What answers returns the DGM_ID, RFC 1002 section 5.3."""
    return mix(<uint64_t>BY_ID << 32, be16(octets, DGM_ID))


cdef inline uint32_t browser_frame(Octets octets) noexcept nogil:
    """Offset of the browser frame in a datagram; one that it does not hold where there is none, or it is cut."""
    cdef uint32_t smb = skip_name(octets, skip_name(octets, SOURCE_NAME))
    if not holds(octets, smb, BROWSE_NAME + 4):
        return UINT32_MAX
    if be32(octets, smb) != 0xFF534D42U or be32(octets, smb + BROWSE_NAME) != 0x42524F57:  # "\xffSMB", "BROW"
        return UINT32_MAX
    cdef uint32_t offset = le16(octets, smb + DATA_OFFSET)
    return smb + offset if offset > WORD_COUNT else UINT32_MAX
