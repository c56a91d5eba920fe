"""From the transport header to a message: ports, payload, the service's module, its role and keys."""

from typing import Any

from capanalyze.packets.dispatch import EMPTY_ASKS, match
from capanalyze.packets.message import (
    AT,
    CAPTURED,
    DETAIL,
    DIGEST,
    DPORT,
    END,
    FLOW,
    FRAGMENTED,
    KIND,
    MALFORMED,
    MODULE,
    OTHER,
    PAYLOAD,
    PORT,
    PROTOCOL,
    REPLY,
    REQUEST,
    ROLES,
    SIZE,
    SPORT,
    UNANSWERABLE,
    WEAK,
    WIRE,
)
from capanalyze.packets.octets import be16, be32, digest, mix
from capanalyze.packets.steps import TCP, UDP

GENERIC_UDP, TCP_MODULE, ICMP_MODULE = range(3)  # as in PROTOCOLS
UDP_HEADER = 8
TCP_HEADER = 20
ICMP_HEADER = 8
# How much of a header an ICMP error must quote (RFC 792: eight octets), and a frame must hold.
QUOTED = 8
TCP_FLAGS_READ = 14
CUT_BEFORE_PORTS = -1


def message(transport: int, octets: Any, row: Any, ports: Any, keys: Any, quoted: int) -> int:
    """Role, flags and kind of the message behind the transport header at row[AT]; CUT_BEFORE_PORTS if there is none."""
    at = row[AT]
    keys[0] = 0
    if transport == UDP:
        return udp(octets, at, row, ports, keys)
    if transport == TCP:
        return tcp(octets, at, row, keys, quoted)
    return icmp(octets, at, row, keys)


def udp(octets: Any, at: int, row: Any, ports: Any, keys: Any) -> int:
    """RFC 768. The length field may count more than this frame holds: the datagram may be fragmented."""
    end = row[END]
    if end - at < UDP_HEADER:
        return CUT_BEFORE_PORTS
    source = be16(octets, at)
    destination = be16(octets, at + 2)
    size = be16(octets, at + 4) - UDP_HEADER
    room = row[WIRE] - at - UDP_HEADER
    if size < 0 or (size > room and row[FRAGMENTED] == 0):
        size = room
    start = at + UDP_HEADER
    end = min(end, start + size)
    payload(octets, start, end, size, row)
    row[SPORT] = source
    row[DPORT] = destination
    here = ports[destination] * 1
    there = ports[source] * 1
    if here == GENERIC_UDP and there == GENERIC_UDP:
        row[MODULE] = GENERIC_UDP
        row[PORT] = destination
        return match(GENERIC_UDP, octets, start, end, size, keys)
    # The port that was asked names the service, unless only the other end's module makes sense of the message.
    row[MODULE] = here
    row[PORT] = destination
    role = MALFORMED
    if here != GENERIC_UDP:
        role = service(here, octets, start, end, size, keys)
        if there in (GENERIC_UDP, here) or is_sound_request(role):
            return role
    answer = service(there, octets, start, end, size, keys)
    if answer % ROLES in (REPLY, FLOW) or (here == GENERIC_UDP and answer % ROLES != REQUEST):
        row[MODULE] = there
        row[PORT] = source
        return answer
    if here == GENERIC_UDP:  # no service is asked by what leaves its port
        keys[0] = 0
        return match(GENERIC_UDP, octets, start, end, size, keys)
    return service(here, octets, start, end, size, keys)


def is_sound_request(role: int) -> bool:
    """Whether a module is sure that it was asked something."""
    return role % ROLES in (REQUEST, FLOW) and role & (WEAK | UNANSWERABLE) == 0


def service(module: int, octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """What the module says; a datagram cut before its first octet says nothing, and few modules are asked by none."""
    keys[0] = 0
    if size == 0 and module not in EMPTY_ASKS:
        return MALFORMED
    if start >= end and size:
        return MALFORMED + 2 * KIND
    return match(module, octets, start, end, size, keys)


def tcp(octets: Any, at: int, row: Any, keys: Any, quoted: int) -> int:
    """RFC 9293 section 3.1."""
    end = row[END]
    if end - at < QUOTED or (quoted == 0 and end - at < TCP_FLAGS_READ):
        return CUT_BEFORE_PORTS
    row[SPORT] = be16(octets, at)
    row[DPORT] = be16(octets, at + 2)
    row[MODULE] = TCP_MODULE
    row[PORT] = row[DPORT]
    row[DETAIL] = be32(octets, at + 4)
    size = row[WIRE] - at
    role = match(TCP_MODULE, octets, at, end, size, keys)
    if role % ROLES == OTHER:
        return role
    header = TCP_HEADER
    if end - at >= TCP_FLAGS_READ:
        header = octets[at + 12] // 16 * 4
    row[PAYLOAD] = at + header
    row[CAPTURED] = max(0, end - at - header)
    row[SIZE] = max(0, size - header)
    row[DIGEST] = mix(mix(role, row[DETAIL]), keys[1] if keys[0] else 0)
    return role


def icmp(octets: Any, at: int, row: Any, keys: Any) -> int:
    """RFC 792, RFC 4443: messages that ask and answer."""
    end = row[END]
    if end - at < ICMP_HEADER:
        return CUT_BEFORE_PORTS
    row[SPORT] = -1
    row[DPORT] = -1
    row[PORT] = -1
    row[MODULE] = ICMP_MODULE
    if (row[PROTOCOL] == 1 and octets[at] >= 128) or (row[PROTOCOL] == 58 and octets[at] < 128):
        return OTHER
    payload(octets, at + ICMP_HEADER, end, row[WIRE] - at - ICMP_HEADER, row)
    role = match(ICMP_MODULE, octets, at, end, row[WIRE] - at, keys)
    row[DIGEST] = mix(mix(row[DIGEST], be32(octets, at + 4)), octets[at] * 1)
    return role


def payload(octets: Any, start: int, end: int, size: int, row: Any) -> None:
    """Note where the payload lies and what it looks like."""
    row[PAYLOAD] = start
    row[CAPTURED] = max(0, end - start)
    row[SIZE] = max(0, size)
    row[DIGEST] = digest(octets, start, max(start, end))


def rejects(octets: Any, row: Any) -> int:
    """Type * 256 + code of an ICMP error that quotes a datagram; 0 for another message.

    Only some of them reject (`exchanges.REJECTING`), but all of them are about an earlier datagram.
    """
    at = row[AT]
    if row[END] - at < ICMP_HEADER:
        return 0
    kind = octets[at] * 1
    if row[PROTOCOL] == 1 and kind in (3, 11, 12):
        return kind * 256 + octets[at + 1]
    if row[PROTOCOL] == 58 and kind in (1, 2, 3, 4):
        return kind * 256 + octets[at + 1]
    return 0
