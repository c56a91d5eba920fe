"""Network Time Protocol, RFC 5905 (modes 6 and 7: RFC 9327 and ntpd's ntp_request.h).

A reply's origin timestamp is the request's transmit timestamp (section 8), or its receive timestamp in
interleaved mode (RFC 9769). Control messages pair by opcode and sequence, mode 7 by implementation and
request code; both may draw several replies.

What asks for the time is one service, what asks about the daemon is another, for each of the two modes.
"""

from dataclasses import replace
from typing import Any

from capanalyze.packets.message import (
    ALSO_REPLY,
    ANNOUNCEMENT,
    INTERIM,
    KIND,
    MALFORMED,
    REPLY,
    REQUEST,
    UNANSWERABLE,
    WEAK,
)
from capanalyze.packets.octets import be16, be32, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, Protocol

# Octet offsets, RFC 5905 figure 8.
STRATUM = 1
REFERENCE_ID = 12
ORIGIN = 24
RECEIVE = 32
TRANSMIT = 40
HEADER_LEN = 48
CONTROL_LEN = 12
VERSIONS = (1, 2, 3, 4)
PRIVATE_LEN = 8

# RFC 5905 section 7.4: the codes that refuse service; others (INIT, STEP) only say why there is no time.
KISS_CODES = (0x44454E59, 0x52535452, 0x52415445)  # DENY, RSTR, RATE

SYMMETRIC_ACTIVE, SYMMETRIC_PASSIVE, CLIENT, SERVER, BROADCAST, CONTROL, PRIVATE = range(1, 8)

CLIENT_REQUEST = 3 * KIND
SERVER_REPLY = 4 * KIND
KISS = 5 * KIND
SYMMETRIC_REQUEST = 6 * KIND
SYMMETRIC_REPLY = 7 * KIND
CONTROL_REQUEST = 8 * KIND
CONTROL_REPLY = 9 * KIND
PRIVATE_REQUEST = 10 * KIND
PRIVATE_REPLY = 11 * KIND
BROADCAST_TIME = 12 * KIND
UNSYNCHRONISED = 13 * KIND
KINDS = (
    "client request",
    "server reply",
    "kiss-o'-death",
    "symmetric request",
    "symmetric reply",
    "control request",
    "control reply",
    "private request (mode 7)",
    "private reply (mode 7)",
    "broadcast",
    "server reply, unsynchronised",
)


def time_key(octets: Any, at: int) -> int:
    """A 64-bit timestamp as a key; 0 stands for no timestamp, which tells no request from another."""
    seconds = be32(octets, at)
    fraction = be32(octets, at + 4)
    if seconds == 0 and fraction == 0:
        return 0
    return mix(mix(1, seconds), fraction)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one NTP message."""
    mode = octets[start] % 8
    if mode == CONTROL:
        return match_control(octets, start, end, size, keys)
    if mode == PRIVATE:
        return match_private(octets, start, end, size, keys)
    if mode == 0 or size < HEADER_LEN:
        return MALFORMED + GARBAGE * KIND
    if mode == BROADCAST:
        return ANNOUNCEMENT + BROADCAST_TIME
    if end - start < HEADER_LEN:
        if mode in (CLIENT, SYMMETRIC_ACTIVE):
            return REQUEST + WEAK + CUT * KIND
        return REPLY + WEAK + CUT * KIND
    if mode == CLIENT:
        role = request(octets, start, keys) + CLIENT_REQUEST
        if octets[start] // 8 % 8 not in VERSIONS:  # nothing answers a version that was never there
            role += UNANSWERABLE
        return role
    if mode == SYMMETRIC_ACTIVE:
        role = request(octets, start, keys) + SYMMETRIC_REQUEST
        if time_key(octets, start + ORIGIN) and role & WEAK == 0:
            keys[0] += 1
            keys[keys[0]] = time_key(octets, start + ORIGIN)
            role += ALSO_REPLY
        return role
    origin = time_key(octets, start + ORIGIN)
    keys[0] = 1
    keys[1] = origin
    if octets[start + STRATUM] == 0 and be32(octets, start + REFERENCE_ID) in KISS_CODES:
        role = REPLY + KISS
    elif mode == SYMMETRIC_PASSIVE:
        role = REPLY + SYMMETRIC_REPLY
    elif octets[start] // 64 == 3 or octets[start + STRATUM] in (0, 16):
        role = REPLY + UNSYNCHRONISED
    else:
        role = REPLY + SERVER_REPLY
    if origin == 0:
        role += WEAK
    return role


def request(octets: Any, start: int, keys: Any) -> int:
    """Keys of a request: its transmit timestamp and, for interleaved mode, its receive timestamp."""
    transmit = time_key(octets, start + TRANSMIT)
    receive = time_key(octets, start + RECEIVE)
    keys[0] = 1
    keys[1] = transmit
    if transmit == 0:
        return REQUEST + WEAK
    if receive:
        keys[0] = 2
        keys[2] = receive
    return REQUEST


def match_control(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Mode 6, RFC 9327 section 2: response bit, opcode, sequence; the M bit says that more follows."""
    if size < CONTROL_LEN:
        return MALFORMED + GARBAGE * KIND
    if end - start < 4:
        if end - start > 1 and octets[start + 1] & 0x80:
            return REPLY + WEAK + CONTROL_REPLY
        return REQUEST + WEAK + CONTROL_REQUEST
    keys[0] = 1
    keys[1] = mix(mix(CONTROL * 256, octets[start + 1] % 32), be16(octets, start + 2))
    if octets[start + 1] & 0x80:
        return REPLY + INTERIM + CONTROL_REPLY
    return REQUEST + CONTROL_REQUEST


def match_private(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Mode 7: response bit, implementation, request code; the sequence numbers the reply's packets."""
    if size < PRIVATE_LEN:
        return MALFORMED + GARBAGE * KIND
    if end - start < 4:
        return WEAK + (REPLY + PRIVATE_REPLY if octets[start] & 0x80 else REQUEST + PRIVATE_REQUEST)
    keys[0] = 1
    keys[1] = mix(mix(PRIVATE * 256, octets[start + 2] * 1), octets[start + 3] * 1)
    if octets[start] & 0x80:
        return REPLY + INTERIM + PRIVATE_REPLY
    return REQUEST + PRIVATE_REQUEST


PROTOCOL = Protocol(name="ntp", title="NTP", discloses="ntp", transport="udp", ports=(123,), match=match, kinds=KINDS)
CONTROL_PROTOCOL = replace(
    PROTOCOL, name="ntp-control", title="NTP mode 6", apart=(CONTROL_REQUEST // KIND, CONTROL_REPLY // KIND)
)
PRIVATE_PROTOCOL = replace(
    PROTOCOL, name="ntp-private", title="NTP mode 7", apart=(PRIVATE_REQUEST // KIND, PRIVATE_REPLY // KIND)
)
PROTOCOLS = (PROTOCOL, CONTROL_PROTOCOL, PRIVATE_PROTOCOL)
