"""The NetBIOS datagram service's match function: see the neighbour `nbdgm.py` for the sources."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from capanalyze.core.message cimport (
    CUT, GARBAGE, MALFORMED, REPLY, REQUEST, Match, Role, add_key, said, said_weakly,
)
from capanalyze.core.octets cimport DIGESTED, NOWHERE, Octets, be16, be32, find, holds, is_cut, le16, mix, u8
from capanalyze.protocols._names cimport mix_label, skip_name

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

cdef enum:  # octet offsets in the SMB transaction that writes to a mailslot, [MS-CIFS] section 2.2.4.33.1
    WORD_COUNT = 32
    DATA_OFFSET = 57
    MAILSLOT = 69  # its name
    SLOT = 79  # behind \MAILSLOT\ in it

cdef enum:
    SLOT_LEN = 4  # octets of a mailslot's name that are looked at

cdef enum:
    SMB = 0xFF534D42U  # "\xffSMB"
    BACKSLASH_MAI = 0x5C4D4149  # "\MAI"
    BROWSE = 0x42524F57  # "BROW"
    NET = 0x4E45545C  # "NET\"

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

cdef enum:  # opcodes of who looks for a domain controller, and of what answers, [MS-ADTS] section 6.3.1.3
    PRIMARY_QUERY = 7
    PRIMARY_RESPONSE = 12
    SAM_LOGON_REQUEST = 18
    SAM_LOGON_RESPONSE = 19
    SAM_UNKNOWN_EX = 25

cdef enum:  # octet offsets of the first name in such a request, [MS-ADTS] sections 6.3.1.4 and 6.3.1.6
    QUERY_NAMES = 2
    SAM_NAMES = 4

cdef enum:  # what a key is made of besides the id, token or name, above its 32 bits
    BY_ID = 1
    BY_TOKEN
    BY_SLOT

cdef enum:  # kinds
    DELIVERED = 3
    QUERY
    REFUSED
    QUERY_RESPONSE
    ANNOUNCED
    BACKUP_ASKED
    BACKUP_TOLD
    LOGON_ASKED
    LOGON_TOLD


cdef inline Role match(Octets octets, Match *found) noexcept nogil:
    """Role of one datagram, by its type and, of those that carry one, by the message to a mailslot."""
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
    """What is delivered to a name or a group, by the message to a mailslot in it."""
    cdef uint32_t smb = transaction(octets)
    if not holds(octets, smb, SLOT + SLOT_LEN):
        return match_delivered(octets, found)
    cdef uint32_t data = smb + le16(octets, smb + DATA_OFFSET)
    if data <= smb + WORD_COUNT or not holds(octets, data, 2):
        return match_delivered(octets, found)
    if be32(octets, smb + SLOT) == BROWSE:
        return match_browser(octets, found, data)
    return match_netlogon(octets, found, smb, data)


cdef inline Role match_browser(Octets octets, Match *found, uint32_t frame) noexcept nogil:
    """A browser frame, by its opcode."""
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


cdef inline Role match_netlogon(Octets octets, Match *found, uint32_t smb, uint32_t data) noexcept nogil:
    """Asks for a domain controller, or names one: the mailslot decides, [MS-ADTS] section 6.3.5."""
    cdef uint16_t opcode = le16(octets, data)
    if opcode == PRIMARY_RESPONSE or SAM_LOGON_RESPONSE <= opcode <= SAM_UNKNOWN_EX:
        add_key(found, slot_key(octets, smb + MAILSLOT, end_of_text(octets, smb + MAILSLOT)))
        return said(found, REPLY, LOGON_TOLD)
    if be32(octets, smb + SLOT) != NET or opcode not in (PRIMARY_QUERY, SAM_LOGON_REQUEST):
        return delivered(octets, found)
    cdef uint32_t slot = answered_in(octets, data, opcode)
    cdef uint32_t end = end_of_text(octets, slot)
    if end == NOWHERE:
        return match_delivered(octets, found)
    add_key(found, id_key(octets))
    add_key(found, slot_key(octets, slot, end))
    return said(found, REQUEST, LOGON_ASKED)


cdef inline uint32_t answered_in(Octets octets, uint32_t data, uint16_t opcode) noexcept nogil:
    """Where the name of the mailslot for the response stands, [MS-ADTS] sections 6.3.1.4 and 6.3.1.6; or NOWHERE."""
    if opcode == PRIMARY_QUERY:
        return behind_text(octets, data + QUERY_NAMES)
    return behind_wide_text(octets, behind_wide_text(octets, data + SAM_NAMES))


cdef inline uint32_t end_of_text(Octets octets, uint32_t at) noexcept nogil:
    """Where the zero that ends a text stands; NOWHERE if it has no end."""
    cdef uint32_t end = find(octets, at, 0)
    return end if end < octets.captured else NOWHERE


cdef inline uint32_t behind_text(Octets octets, uint32_t at) noexcept nogil:
    """Offset behind a text and the zero that ends it."""
    cdef uint32_t end = end_of_text(octets, at)
    return NOWHERE if end == NOWHERE else end + 1


cdef inline uint32_t behind_wide_text(Octets octets, uint32_t at) noexcept nogil:
    """Offset behind a text of two octets a letter."""
    while holds(octets, at, 2):
        at += 2
        if be16(octets, at - 2) == 0:
            return at
    return NOWHERE


cdef inline uint64_t slot_key(Octets octets, uint32_t at, uint32_t end) noexcept nogil:
    """A mailslot's name as a key, without regard to case."""
    return mix_label(<uint64_t>BY_SLOT << 32, octets, at, min(min(end, octets.captured) - at, DIGESTED))


cdef inline Role match_delivered(Octets octets, Match *found) noexcept nogil:
    """Without such a message it is any datagram; where it is cut, what tells who asks may be out of sight."""
    return said(found, MALFORMED, CUT) if is_cut(octets) else delivered(octets, found)


cdef inline Role delivered(Octets octets, Match *found) noexcept nogil:
    """Any other datagram: nothing but an error answers it."""
    found.announces = 1
    add_key(found, id_key(octets))
    return said(found, REQUEST, DELIVERED)


cdef inline uint64_t id_key(Octets octets) noexcept nogil:
    """What answers returns the DGM_ID, RFC 1002 section 5.3."""
    return mix(<uint64_t>BY_ID << 32, be16(octets, DGM_ID))


cdef inline uint32_t transaction(Octets octets) noexcept nogil:
    """Offset of the SMB transaction in a datagram; one that it does not hold where there is none, or it is cut."""
    cdef uint32_t smb = skip_name(octets, skip_name(octets, SOURCE_NAME))
    if not holds(octets, smb, SLOT) or be32(octets, smb) != SMB or be32(octets, smb + MAILSLOT) != BACKSLASH_MAI:
        return NOWHERE
    return smb
