"""Session Initiation Protocol, RFC 3261: a response repeats the request's Call-ID and CSeq (section 8.2.6.2).

The same request is sent again and again until a first answer comes (section 17.1); ACK is never answered.

A response discloses its status, the software at either end, and the realm that asks for a password (section 20).
"""

import re
from collections.abc import Iterator
from typing import Any

from capanalyze.packets.message import INTERIM, KIND, MALFORMED, OTHER, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be32, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

SIP = 0x5349502F  # "SIP/", with which every response begins
ACK = 0x41434B20  # "ACK "
MAX_HEADERS = 64
COLON, SPACE, TAB, CR, LF = 58, 32, 9, 13, 10

ASK = 3 * KIND
ANSWER = 4 * KIND
KINDS = ("request", "response")


def lower(octet: int) -> int:
    """A letter without its case."""
    if 65 <= octet <= 90:
        return octet + 32
    return octet


def line_end(octets: Any, at: int, end: int) -> int:
    """Offset of the line feed that ends the line at `at`, or `end`."""
    for place in range(at, end):
        if octets[place] == LF:
            return place
    return end


def header_word(octets: Any, at: int, stop: int) -> int:
    """1 for Call-ID (or its short form i), 2 for CSeq, 0 for another header (section 7.3.3)."""
    if stop - at < 5:
        return 0
    first = lower(octets[at] * 1)
    second = lower(octets[at + 1] * 1)
    if first == 105 and (second in (COLON, SPACE)):
        return 1
    third = lower(octets[at + 2] * 1)
    if first == 99 and second == 97 and third == 108 and lower(octets[at + 3] * 1) == 108 and octets[at + 4] == 45:
        return 1
    if first == 99 and second == 115 and third == 101 and lower(octets[at + 3] * 1) == 113:
        return 2
    return 0


def value_hash(octets: Any, at: int, stop: int) -> int:
    """Hash of a header's value: what follows the colon, blanks left out."""
    key = 1
    seen = 0
    for place in range(at, stop):
        octet = octets[place] * 1
        if seen and octet not in (SPACE, TAB, CR):
            key = mix(key, octet)
        if octet == COLON:
            seen = 1
    return key


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message: status line or request line, then the two headers that make its key."""
    if end - start < 8:
        return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND
    if octets[start] < 65 or octets[start] > 90:
        return MALFORMED + GARBAGE * KIND
    call = 0
    sequence = 0
    at = line_end(octets, start, end) + 1
    for _ in range(MAX_HEADERS):
        stop = line_end(octets, at, end)
        if stop - at < 2:
            break
        word = header_word(octets, at, stop)
        if word == 1:
            call = value_hash(octets, at, stop)
        elif word == 2:
            sequence = value_hash(octets, at, stop)
        at = stop + 1
    weak = WEAK
    if call and sequence:
        weak = 0
        keys[0] = 1
        keys[1] = mix(call, sequence)
    first = be32(octets, start)
    if first == SIP:
        if end - start > 8 and octets[start + 8] == 49:  # 1xx: a final response is yet to come
            return REPLY + INTERIM + ANSWER + weak
        return REPLY + ANSWER + weak
    if first == ACK:
        return OTHER
    return REQUEST + ASK + weak


STATUS = re.compile(rb"SIP/2\.0 (\d{3} [^\r\n]*)")
HEADERS = {"server": "server", "user-agent": "server", "contact": "endpoint", "m": "endpoint", "organization": "text"}
CHALLENGES = ("www-authenticate", "proxy-authenticate")
REALM = re.compile(r'realm="([^"]*)"')


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The headers in the order of the reply, whole lines only. What a challenge holds besides the realm is left out."""
    head, end, _ = reply.partition(b"\r\n\r\n")
    *lines, rest = (head + b"\r\n" if end else head).split(b"\r\n")
    for line in lines:
        if status := STATUS.match(line):
            yield "rcode", status[1].decode("utf-8", "replace").strip()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        kind = HEADERS.get(name.strip().lower())
        if kind and value.strip():
            yield kind, value.strip()
        elif name.strip().lower() in CHALLENGES and (realm := REALM.search(value)):
            yield "realm", realm[1]
    if rest:
        raise EOFError


PROTOCOL = Protocol(
    name="sip",
    title="SIP",
    decode=decode,
    transport="udp",
    ports=(5060,),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
)
