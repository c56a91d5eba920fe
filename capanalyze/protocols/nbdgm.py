"""NetBIOS datagram service, RFC 1002 section 4.4: a datagram is delivered, not answered.

What answers all the same: DATAGRAM ERROR and the QUERY RESPONSEs return the DGM_ID (section 5.3), and a master
browser's list of backup browsers returns the token that asked for it ([MS-BRWS] section 2.2.4). Browser frames by
which a host or a workgroup makes itself known are announcements ([MS-BRWS] sections 2.2.1, 2.2.6 and 2.2.10).
"""

from typing import Any

from capanalyze.packets.message import ANNOUNCES, KIND, MALFORMED, REPLY, REQUEST, UNANSWERABLE, WEAK
from capanalyze.packets.octets import be16, be32, le16, mix
from capanalyze.protocols._names import skip_name
from capanalyze.protocols._protocol import CUT, GARBAGE, Protocol

# Octet offsets, RFC 1002 sections 4.4.1 and 4.4.2.
DGM_ID = 2
HEADER_LEN = 10
SOURCE_NAME = 14
DIRECT_UNIQUE, DIRECT_GROUP, BROADCAST, ERROR, QUERY_REQUEST, POSITIVE, NEGATIVE = range(0x10, 0x17)

# Octet offsets in the SMB transaction that carries a browser frame, [MS-CIFS] section 2.2.4.33.1.
SMB = 0xFF534D42
WORD_COUNT = 32
DATA_OFFSET = 57
MAILSLOT_NAME = 69
BROWSE_NAME = MAILSLOT_NAME + 10  # behind \MAILSLOT\
BROW = 0x42524F57  # "BROW"

# [MS-BRWS] section 2.2: the opcode of a browser frame.
HOST, BACKUP_REQUEST, BACKUP_RESPONSE, DOMAIN, LOCAL_MASTER = 1, 9, 10, 12, 15
TOKEN = 2

DELIVERED = 3 * KIND
QUERY = 4 * KIND
REFUSED = 5 * KIND
QUERY_RESPONSE = 6 * KIND
ANNOUNCED = 7 * KIND
BACKUP_ASKED = 8 * KIND
BACKUP_TOLD = 9 * KIND
KINDS = (
    "datagram",
    "query",
    "datagram error",
    "query response",
    "browser announcement",
    "request for backup browsers",
    "list of backup browsers",
)


def browser_frame(octets: Any, start: int, end: int) -> int:
    """Offset of the browser frame in a datagram; -1 where there is none, or it is cut."""
    at = skip_name(octets, start + SOURCE_NAME, end)
    if at < 0:
        return -1
    smb = skip_name(octets, at, end)
    if smb < 0 or smb + BROWSE_NAME + 4 > end:
        return -1
    if be32(octets, smb) != SMB or be32(octets, smb + BROWSE_NAME) != BROW:
        return -1
    frame = smb + le16(octets, smb + DATA_OFFSET)
    return frame if frame > smb + WORD_COUNT and frame < end else -1


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one datagram, by its type and, of those that carry one, by the browser frame."""
    kind = octets[start] * 1
    if size < HEADER_LEN or kind < DIRECT_UNIQUE or kind > NEGATIVE:
        return MALFORMED + GARBAGE * KIND
    if end - start < HEADER_LEN:
        return (REPLY + WEAK if kind in (ERROR, POSITIVE, NEGATIVE) else MALFORMED) + CUT * KIND
    keys[0] = 1
    keys[1] = mix(be16(octets, start + DGM_ID), 1)
    if kind == ERROR:
        return REPLY + REFUSED
    if kind in (POSITIVE, NEGATIVE):
        return REPLY + QUERY_RESPONSE
    if kind == QUERY_REQUEST:
        return REQUEST + QUERY
    frame = browser_frame(octets, start, end)
    if frame >= 0:
        opcode = octets[frame] * 1
        if opcode in (HOST, DOMAIN, LOCAL_MASTER):
            return REQUEST + UNANSWERABLE + ANNOUNCES + ANNOUNCED
        if opcode in (BACKUP_REQUEST, BACKUP_RESPONSE) and frame + TOKEN + 4 <= end:
            token = mix(be32(octets, frame + TOKEN), 2)
            if opcode == BACKUP_RESPONSE:
                keys[1] = token
                return REPLY + BACKUP_TOLD
            keys[0] = 2
            keys[2] = token
            return REQUEST + BACKUP_ASKED
        if opcode not in (BACKUP_REQUEST, BACKUP_RESPONSE):
            return REQUEST + ANNOUNCES + DELIVERED
    if end - start < size:  # what tells who asks may be out of sight
        keys[0] = 0
        return MALFORMED + CUT * KIND
    return REQUEST + ANNOUNCES + DELIVERED


PROTOCOL = Protocol(
    name="nbdgm",
    title="NetBIOS datagram service",
    discloses="nbdgm",
    transport="udp",
    ports=(138,),
    match=match,
    kinds=KINDS,
    silence_proves=False,
)
