"""memcached over UDP: the frame header of its protocol.txt has a request ID that the reply's datagrams repeat.

Behind the header stands a command in lower case or what answers it in upper case, or a binary packet, which says by
its first octet what it is. A reply may take several datagrams, numbered.

A reply discloses version, statistics and the keys of values, never the values.
"""

from collections.abc import Iterator
from typing import Any

from capanalyze.packets.message import INTERIM, KIND, MALFORMED, REPLY, REQUEST
from capanalyze.packets.octets import be16, be32, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, Protocol

# Octet offsets of the frame header.
REQUEST_ID = 0
SEQUENCE = 2
TOTAL = 4
HEADER_LEN = 8
BINARY_REQUEST, BINARY_RESPONSE = 0x80, 0x81

ASK = 3 * KIND
ANSWER = 4 * KIND
ERROR = 5 * KIND
KINDS = ("command", "reply", "error")
# "ERRO", "CLIE", "SERV"
ERRORS = (0x4552524F, 0x434C4945, 0x53455256)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one datagram."""
    if size <= HEADER_LEN or end - start <= HEADER_LEN:
        return MALFORMED + (CUT if size > HEADER_LEN else GARBAGE) * KIND
    if be16(octets, start + TOTAL) == 0 or be16(octets, start + SEQUENCE) >= be16(octets, start + TOTAL):
        return MALFORMED + GARBAGE * KIND
    first = octets[start + HEADER_LEN] * 1
    keys[0] = 1
    keys[1] = mix(1, be16(octets, start + REQUEST_ID))
    if be16(octets, start + SEQUENCE) or first == BINARY_RESPONSE or 48 <= first <= 57 or 65 <= first <= 90:
        role = REPLY
        if be16(octets, start + TOTAL) > 1:
            role += INTERIM
        if end - start >= HEADER_LEN + 4 and be16(octets, start + SEQUENCE) == 0 and is_error(octets, start):
            return role + ERROR
        return role + ANSWER
    if first == BINARY_REQUEST or 97 <= first <= 122:
        return REQUEST + ASK
    keys[0] = 0
    return MALFORMED + GARBAGE * KIND


def is_error(octets: Any, start: int) -> int:
    """Whether the reply begins with ERROR, CLIENT_ERROR or SERVER_ERROR."""
    return 1 if be32(octets, start + HEADER_LEN) in ERRORS else 0


BINARY_HEADER_LEN = 24
VERSION_OPCODE = 0x0B
STATISTICS = ("version", "pid", "uptime", "time", "pointer_size", "curr_connections", "curr_items", "bytes")


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of one datagram of a reply."""
    body = reply[HEADER_LEN:]
    if body[0] == BINARY_RESPONSE:
        yield from _binary(body)
        return
    *lines, rest = body.decode("utf-8", "replace").split("\r\n")
    for line in lines:
        word, _, value = line.partition(" ")
        if word == "VERSION":
            yield "software", f"memcached {value}"
        elif word == "STAT":
            name, _, number = value.partition(" ")
            if name == "version":
                yield "software", f"memcached {number}"
            elif name in STATISTICS:
                yield "statistic", f"{name}={number}"
        elif word == "VALUE":
            yield "key", value.partition(" ")[0]
        elif word in ("ERROR", "CLIENT_ERROR", "SERVER_ERROR"):
            yield "error", line
    if rest:
        raise EOFError


def _binary(body: bytes) -> Iterator[tuple[str, str]]:
    """The version, if that is what was asked for."""
    if body[1] == VERSION_OPCODE:
        length = int.from_bytes(body[8:12])
        version = body[BINARY_HEADER_LEN : BINARY_HEADER_LEN + length]
        if len(version) < length:
            raise EOFError
        yield "software", f"memcached {version.decode('utf-8', 'replace')}"


PROTOCOL = Protocol(
    name="memcached",
    title="memcached",
    decode=decode,
    transport="udp",
    ports=(11211,),
    match=match,
    kinds=KINDS,
)
