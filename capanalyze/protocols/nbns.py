"""NetBIOS Name Service, RFC 1002 section 4.2.

A response returns the request's transaction id and names the same name; its question section is empty
(section 4.2.1.1), so the name stands in the answer. A WACK asks for patience: the answer is yet to come.

A response discloses the table of a host's names, its MAC address and its addresses. Names are shown as Samba's
nmblookup shows them: what is not a printable character of ASCII is a dot.
"""

import re
import struct
from collections.abc import Iterator

from capanalyze.protocols import _records
from capanalyze.protocols._names import name_at
from capanalyze.protocols._protocol import SECOND, Protocol
from capanalyze.protocols._records import Record

NB, NBSTAT = 0x20, 0x21
WACK = 7

KINDS = (
    "name query",
    "node status request",
    "registration, refresh or release",
    "positive response",
    "negative response",
    "node status response",
    "wait for acknowledgement",
)

# RFC 1001 section 14.1: a letter for each half octet.
ENCODED_NAME = re.compile("[A-P]{32}")

# RFC 1002 sections 4.2.1.1 and 4.2.18.
NODE_NAME = struct.Struct("!15sBH")
GROUP = 0x8000
BEING_RELEASED = 0x1000
IN_CONFLICT = 0x0800

# RFC 1002 sections 4.2.6, 4.2.11 and 4.2.14.
RCODES = {
    1: "FMT_ERR (the request is malformed)",
    2: "SRV_ERR (the server failed)",
    3: "NAM_ERR (the name does not exist)",
    4: "IMP_ERR (not implemented)",
    5: "RFS_ERR (refused by policy)",
    6: "ACT_ERR (another node owns the name)",
    7: "CFT_ERR (the name is in conflict)",
}

BROWSER = "..__MSBROWSE__."

# (suffix, group): [MS-BRWS] section 2.1.1.1 for the browser's, dpkt's nbstat_svcs for the others.
SERVICES = {
    (0x00, False): "workstation",
    (0x00, True): "workgroup",
    (0x01, True): "master browser",
    (0x03, False): "messenger",
    (0x06, False): "remote access server",
    (0x1B, False): "domain master browser",
    (0x1C, True): "domain controller",
    (0x1D, False): "master browser",
    (0x1E, True): "browser elections",
    (0x1F, False): "NetDDE",
    (0x20, False): "file server",
    (0x21, False): "remote access client",
    (0xBE, False): "network monitor agent",
    (0xBF, False): "network monitor",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a reply to a query, a registration or a release."""
    from dpkt.netbios import NS

    header = NS(reply[:4] + _records.NO_RECORDS)
    if header.qr and header.rcode:
        yield "rcode", RCODES.get(header.rcode, f"RCODE {header.rcode}")
    for record in _records.records(reply):
        if header.opcode == WACK:
            yield "wait", f"{record.ttl} s"
        elif record.rrtype == NBSTAT:
            yield from _node_status(reply, record)
        elif record.rrtype == NB:
            yield from _owners(reply, record)
        elif record.rrtype == _records.A:
            yield "address", _records.ipv4(reply, record)


def _node_status(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """A node's names, and its MAC address where the statistics begin, RFC 1002 section 4.2.18."""
    table = reply[record.start : record.end]
    end = 1 + table[0] * NODE_NAME.size
    for at in range(1, end, NODE_NAME.size):
        name, suffix, flags = NODE_NAME.unpack_from(table, at)
        yield "name", _described(name.decode("latin-1"), suffix, flags)
    unit = table[end : end + 6]
    if len(unit) < 6:
        raise EOFError
    # Samba sends zeros.
    if any(unit):
        yield "mac-address", unit.hex(":")


def _owners(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """A name and who owns it, RFC 1002 section 4.2.13: flags and address, once for each owner."""
    from dpkt.netbios import decode_name

    encoded = name_at(reply, record.name).partition(".")[0]
    if not ENCODED_NAME.fullmatch(encoded):
        raise ValueError("a name that is not an encoded NetBIOS name")
    suffix = (ord(encoded[30]) - ord("A")) * 16 + ord(encoded[31]) - ord("A")
    for at in range(record.start, record.end, 6):
        flags, address = struct.unpack_from("!H4s", reply, at)
        yield "name", _described(decode_name(encoded)[:15], suffix, flags)
        yield "address", ".".join(map(str, address))


def _described(name: str, suffix: int, flags: int) -> str:
    """`QF98E<20> unique: file server`; the flags are those of RFC 1002 section 4.2.18."""
    group = bool(flags & GROUP)
    shown = "".join(c if c.isascii() and c.isprintable() else "." for c in name.rstrip(" \0"))
    words = "group" if group else "unique"
    # <01> means the browser only on its own name.
    if (suffix, group) in SERVICES and (suffix != 1 or shown == BROWSER):
        words += f": {SERVICES[suffix, group]}"
    if flags & BEING_RELEASED:
        words += ", being released"
    if flags & IN_CONFLICT:
        words += ", in conflict"
    return f"{shown}<{suffix:02x}> {words}"


PROTOCOL = Protocol(
    name="nbns",
    title="NetBIOS name service",
    decode=decode,
    transport="udp",
    ports=(137,),
    kinds=KINDS,
    draws_none=("claims to a name: only its owner objects, and a name server answers (RFC 1002 section 5.1)",),
    window=5 * SECOND,
)
