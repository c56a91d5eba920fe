"""From the network header to the transport: IPv4, IPv6 and its extension headers, fragments, tunnels.

Every function here and in `link` reads one header: it notes in the row what the header tells, puts the
next header's offset into `row[AT]`, and returns what follows (a step, a transport, or why it stops).
The innermost IP header counts: an outer one is overwritten by what it carries.
"""

from typing import Any

from capanalyze.packets.link import other_ethertype
from capanalyze.packets.message import (
    AT,
    DEPTH,
    DST,
    DST_LOW,
    DST_MAC,
    END,
    FRAGMENTED,
    GROUP,
    IDENTIFICATION,
    MAPPED,
    PROTOCOL,
    SRC,
    SRC_LOW,
    TTL,
    TUNNELS,
    UNREAD,
    VERSION,
    WIRE,
)
from capanalyze.packets.octets import be16, be32, be64
from capanalyze.packets.steps import (
    ETHERNET,
    GRE,
    ICMP,
    IP,
    LATER_FRAGMENT,
    MALFORMED_HEADER,
    MPLS,
    NOT_IP,
    PPP,
    TCP,
    TOO_DEEP,
    TRUNCATED,
    UDP,
    UNREAD_INSIDE,
    UNREAD_PROTOCOL,
)

MAX_TUNNELS = 8
MAX_EXTENSIONS = 16
EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140)  # IANA: IPv6 extension header types
FRAGMENT_HEADER = 44
AUTHENTICATION = 51  # RFC 4302 section 2.2: its length counts words of 4 octets, less 2


def ip(octets: Any, at: int, end: int, row: Any) -> int:
    """IPv4 or IPv6, by the version field (RFC 791 section 3.1, RFC 8200 section 3)."""
    if end - at < 1:
        return TRUNCATED
    if row[DEPTH] >= MAX_TUNNELS:
        return TOO_DEEP
    row[DEPTH] += 1
    row[TUNNELS] = row[DEPTH] - 1
    version = octets[at] // 16
    row[VERSION] = version
    row[FRAGMENTED] = 0
    if version == 4:
        return ipv4(octets, at, end, row)
    if version == 6:
        return ipv6(octets, at, end, row)
    return MALFORMED_HEADER


def ipv4(octets: Any, at: int, end: int, row: Any) -> int:
    """RFC 791 section 3.1. A total length of 0 is left by segmentation offload: the frame's end counts."""
    if end - at < 20:
        return TRUNCATED
    header = octets[at] % 16 * 4
    total = be16(octets, at + 2)
    if header < 20 or (total and total < header):
        return MALFORMED_HEADER
    if total:
        row[WIRE] = at + total
    row[END] = min(end, row[WIRE])
    row[IDENTIFICATION] = be16(octets, at + 4)
    row[TTL] = octets[at + 8] * 1
    row[SRC] = 0
    row[SRC_LOW] = MAPPED + be32(octets, at + 12)
    row[DST] = 0
    row[DST_LOW] = MAPPED + be32(octets, at + 16)
    row[GROUP] = group_ipv4(octets, at + 16, row[DST_MAC])
    kind = octets[at + 9] * 1
    row[PROTOCOL] = kind
    row[AT] = at + header
    if be16(octets, at + 6) % 8192:
        return LATER_FRAGMENT
    if be16(octets, at + 6) & 8192:
        row[FRAGMENTED] = 1
    at += header
    if kind == AUTHENTICATION:
        if end - at < 8:
            return TRUNCATED
        kind = octets[at] * 1
        row[PROTOCOL] = kind
        at += (octets[at + 1] + 2) * 4
        row[AT] = at
    if at > end:
        return TRUNCATED
    return transport(kind, row)


def group_ipv4(octets: Any, at: int, mac: int) -> int:
    """1 for multicast and broadcast. Without a MAC address to tell, an address that ends in 255 is a broadcast."""
    first = octets[at] * 1
    if 224 <= first < 240 or be32(octets, at) == 4294967295:
        return 1
    if mac >= 0:
        return mac // 1099511627776 % 2
    if octets[at + 3] == 255:
        return 1
    return 0


def ipv6(octets: Any, at: int, end: int, row: Any) -> int:
    """RFC 8200 section 3, then the extension headers of section 4 up to the transport."""
    if end - at < 40:
        return TRUNCATED
    payload = be16(octets, at + 4)
    if payload:
        row[WIRE] = at + 40 + payload
    end = min(end, row[WIRE])
    row[END] = end
    row[IDENTIFICATION] = -1
    row[TTL] = octets[at + 7] * 1
    row[SRC] = be64(octets, at + 8)
    row[SRC_LOW] = be64(octets, at + 16)
    row[DST] = be64(octets, at + 24)
    row[DST_LOW] = be64(octets, at + 32)
    row[GROUP] = 0
    if octets[at + 24] == 255:
        row[GROUP] = 1
    kind = octets[at + 6] * 1
    at += 40
    for _ in range(MAX_EXTENSIONS):
        if kind not in EXTENSIONS:
            row[AT] = at
            row[PROTOCOL] = kind
            return transport(kind, row)
        if end - at < 8:
            return TRUNCATED
        if kind == FRAGMENT_HEADER:
            row[IDENTIFICATION] = be32(octets, at + 4)
            row[PROTOCOL] = octets[at] * 1
            if be16(octets, at + 2) >= 8:
                row[AT] = at + 8
                return LATER_FRAGMENT
            row[FRAGMENTED] = be16(octets, at + 2) & 1
            length = 8
        elif kind == AUTHENTICATION:
            length = (octets[at + 1] + 2) * 4
        else:
            length = (octets[at + 1] + 1) * 8
        kind = octets[at] * 1
        at += length
        if at > end:
            return TRUNCATED
    return TOO_DEEP


def transport(number: int, row: Any) -> int:
    """What an IP protocol number announces."""
    if number == 17:
        return UDP
    if number == 6:
        return TCP
    if number in (1, 58):
        return ICMP
    if number == 47:
        return GRE
    if number in (4, 41):
        return IP
    row[UNREAD] = number
    return UNREAD_PROTOCOL


def gre(octets: Any, at: int, end: int, row: Any) -> int:
    """RFC 2784, RFC 2890, and RFC 2637 (version 1, with PPP inside)."""
    if end - at < 4:
        return TRUNCATED
    flags = be16(octets, at)
    kind = be16(octets, at + 2)
    version = flags % 8
    length = 4
    if flags & 0xC000:  # checksum or routing: both bring checksum and offset
        length += 4
    if flags & 0x2000:
        length += 4
    if flags & 0x1000:
        length += 4
    if version == 1 and flags & 0x80:
        length += 4
    if flags & 0x4000:
        return UNREAD_INSIDE  # source routes are long gone
    if version == 1 and flags & 0x1000 == 0:
        return NOT_IP  # without a sequence number it only acknowledges (RFC 2637 section 4.1)
    if at + length > end:
        return TRUNCATED
    row[AT] = at + length
    if kind == 0x880B:
        return PPP
    if kind == 0x6558:
        return ETHERNET
    if kind == 0x88BE:  # ERSPAN: type II has a header of 8 octets where GRE carries a sequence number
        if flags & 0x1000:
            row[AT] += 8
        return ETHERNET
    if kind == 0x22EB:  # ERSPAN type III, with a platform header where the last bit says so
        if at + length + 12 > end:
            return TRUNCATED
        row[AT] += 12 + octets[at + length + 11] % 2 * 8
        return ETHERNET
    if kind in (0x0800, 0x86DD):
        return IP
    if kind in (0x8847, 0x8848):
        return MPLS
    if kind == 0:  # a keepalive
        return NOT_IP
    return other_ethertype(kind, row)
