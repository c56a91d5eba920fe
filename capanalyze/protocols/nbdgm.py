"""NetBIOS datagram service, RFC 1002 section 4.4: a datagram is delivered, not answered.

What answers all the same: DATAGRAM ERROR and the QUERY RESPONSEs return the DGM_ID (section 5.3), and a master
browser's list of backup browsers returns the token that asked for it ([MS-BRWS] section 2.2.4). Who looks for a domain
controller names the mailslot that the response is written to ([MS-ADTS] section 6.3.5). Browser frames by which a host
or a workgroup makes itself known are announcements ([MS-BRWS] sections 2.2.1, 2.2.6 and 2.2.10).

A datagram discloses who sent it, and what a browser frame or a domain controller's response in it says. dpkt decodes
the encoded names; the few fields behind them are read here.
"""

import struct
from collections.abc import Iterator

from capanalyze.protocols import _netlogon
from capanalyze.protocols._names import labels, name_at
from capanalyze.protocols._protocol import Protocol
from capanalyze.protocols.nbns import ENCODED_NAME

# Octet offsets, RFC 1002 sections 4.4.1 and 4.4.2.
SOURCE_NAME = 14
DIRECT_UNIQUE, DIRECT_GROUP, BROADCAST, ERROR = range(0x10, 0x14)

# Octet offsets in the SMB transaction that carries a browser frame, [MS-CIFS] section 2.2.4.33.1.
SMB = 0xFF534D42
DATA_OFFSET = 57
MAILSLOT_NAME = 69

# [MS-BRWS] section 2.2: the opcode of a browser frame.
HOST, BACKUP_RESPONSE, DOMAIN, LOCAL_MASTER = 1, 10, 12, 15

KINDS = (
    "datagram",
    "query",
    "datagram error",
    "query response",
    "browser announcement",
    "request for backup browsers",
    "list of backup browsers",
    "NETLOGON request",
    "NETLOGON response",
)

ERRORS = {0x82: "destination name not present", 0x83: "invalid source name", 0x84: "invalid destination name"}
ANSWERS = {0x15: "the name is known", 0x16: "the name is not known"}

# [MS-CIFS] section 2.2.4.33.1, [MS-BRWS] section 2.2.1: from the opcode on, little-endian.
MAILSLOT = b"\\MAILSLOT\\"
BROWSE = MAILSLOT + b"BROWSE"
LAN_MANAGER = MAILSLOT + b"LANMAN"
ANNOUNCEMENT = struct.Struct("<B5x16s2BI2BH")
TOKEN_END = 6
# [MS-BRWS] section 2.2.10: the comment of a workgroup names its master browser.
ROLES = {
    0x00000004: "SQL server",
    0x00000008: "domain controller",
    0x00000010: "backup domain controller",
    0x00000020: "time source",
    0x00000200: "print server",
    0x00020000: "backup browser",
    0x00040000: "master browser",
    0x00080000: "domain master browser",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a datagram: who sent it, to which name, and what the mailslot message in it says."""
    kind = reply[0]
    if kind == ERROR:
        yield "error", ERRORS.get(reply[10], f"error {reply[10]}")
    elif kind in ANSWERS:
        yield "text", ANSWERS[kind]
    elif kind in (DIRECT_UNIQUE, DIRECT_GROUP, BROADCAST):
        yield from _datagram(reply)


def _datagram(reply: bytes) -> Iterator[tuple[str, str]]:
    """Source name, then the message to a mailslot, if that is what it carries."""
    at = SOURCE_NAME
    name = _name(reply, at)
    yield "host-name", name
    at += _length(reply, at)
    group = _name(reply, at)
    smb = at + _length(reply, at)
    slot = reply[smb + MAILSLOT_NAME :]
    if int.from_bytes(reply[smb : smb + 4]) != SMB or not slot.startswith(MAILSLOT):
        return
    (offset,) = struct.unpack_from("<H", reply, smb + DATA_OFFSET)
    if slot.startswith(BROWSE):
        yield from _browser(reply[smb + offset :], group)
    elif not slot.startswith(LAN_MANAGER):
        yield from _netlogon.facts(reply[smb + offset :])


def _browser(frame: bytes, group: str) -> Iterator[tuple[str, str]]:
    """What a host, a workgroup or a master browser says, [MS-BRWS] section 2.2."""
    if frame[0] in (HOST, LOCAL_MASTER):
        yield "workgroup", group
        yield from _host(frame)
    elif frame[0] == DOMAIN:
        yield "workgroup", _text(ANNOUNCEMENT.unpack_from(frame)[1])
        yield "master-browser", _comment(frame)
    elif frame[0] == BACKUP_RESPONSE:
        *servers, _ = frame[TOKEN_END:].split(b"\0")
        yield from (("backup-browser", _text(server)) for server in servers[: frame[1]])
        if len(servers) < frame[1]:
            raise EOFError


def _host(frame: bytes) -> Iterator[tuple[str, str]]:
    """The version of the system, what the host serves as, and its comment."""
    _, _, major, minor, roles, *_ = ANNOUNCEMENT.unpack_from(frame)
    yield "os-version", f"{major}.{minor}"
    served = [words for bit, words in ROLES.items() if roles & bit]
    if served:
        yield "role", ", ".join(served)
    comment = _comment(frame)
    if comment:
        yield "comment", comment


def _comment(frame: bytes) -> str:
    """The text behind the fixed fields, ended by a zero."""
    text, end, _ = frame[ANNOUNCEMENT.size :].partition(b"\0")
    if not end:
        raise EOFError
    return _text(text)


def _name(reply: bytes, at: int) -> str:
    """A name without its suffix, RFC 1001 section 14.1."""
    from dpkt.netbios import decode_name

    encoded = name_at(reply, at).partition(".")[0]
    if not ENCODED_NAME.fullmatch(encoded):
        raise ValueError("a name that is not an encoded NetBIOS name")
    return _text(decode_name(encoded)[:15].encode("latin-1", "replace"))


def _length(reply: bytes, at: int) -> int:
    """The octets of a name, RFC 1001 section 14.1: labels, no pointers."""
    return sum(1 + len(label) for label in labels(reply, at)) + 1


def _text(octets: bytes) -> str:
    """A field of text without its padding."""
    return octets.partition(b"\0")[0].decode("latin-1").strip()


PROTOCOL = Protocol(
    name="nbdgm",
    title="NetBIOS datagram service",
    decode=decode,
    transport="udp",
    ports=(138,),
    kinds=KINDS,
    draws_none=(
        "what is delivered (RFC 1002 section 5.3)",
        "requests that only a browser or a domain controller answers ([MS-BRWS] section 2.2, [MS-ADTS] section 6.3.5)",
    ),
    silence_proves=False,
)
