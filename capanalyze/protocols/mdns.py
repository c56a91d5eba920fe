"""Multicast DNS, RFC 6762.

A question is answered by a record of its name and type in the answer section (section 6), from whichever
host, to the group or to the asker. One response may answer several questions of several askers. A query
from another port than 5353 (section 6.7) is answered by unicast that repeats its id and question.
Probes (section 8.1), announcements (8.3) and goodbyes (10.1) are no replies.

A response discloses services, their names, hosts, ports and attributes (RFC 6763). Additional and authority records
count as answers do: the peer reads them all.
"""

from collections.abc import Callable, Iterator
from typing import Any

from capanalyze.packets.message import (
    ANNOUNCEMENT,
    ANNOUNCES,
    KIND,
    MALFORMED,
    MAX_KEYS,
    REPLY,
    REQUEST,
    UNANSWERABLE,
    WEAK,
)
from capanalyze.packets.octets import be16, be32, mix
from capanalyze.protocols import _records
from capanalyze.protocols._names import name_at, name_hash, skip_name
from capanalyze.protocols._protocol import CUT, GARBAGE, Protocol
from capanalyze.protocols._questions import ANSWERS, AUTHORITIES, FLAGS, HEADER_LEN, QUESTIONS, without_header
from capanalyze.protocols._records import Record

ANY = 255
INTERNET = 1
MAX_RECORDS = 64

QUERY = 3 * KIND
UNICAST_QUERY = 4 * KIND
PROBE = 5 * KIND
RESPONSE = 6 * KIND
GOODBYE = 7 * KIND
NO_ANSWERS = 8 * KIND
KNOWN = 9 * KIND
STATUS = 10 * KIND
OTHER_CLASS = 11 * KIND
KINDS = (
    "query",
    "query for a unicast answer",
    "probe",
    "response",
    "goodbye",
    "response without answers",
    "query with known answers",
    "server status request",
    "query of another class",
)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message; a key for every question asked, or for every record that answers."""
    if end - start < HEADER_LEN:
        return without_header(octets, start, end, size)
    if octets[start + FLAGS] & 0x78:  # section 18.3: messages with another opcode must be ignored
        return REQUEST + UNANSWERABLE + WEAK + STATUS
    if octets[start + FLAGS] & 0x80:
        return match_response(octets, start, end, size, keys)
    return match_query(octets, start, end, size, keys)


def match_query(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Questions, with the QU bit in the class (section 5.4); authority records make a probe."""
    total = be16(octets, start + QUESTIONS)
    if total == 0:
        return MALFORMED + GARBAGE * KIND
    at = start + HEADER_LEN
    unicast = 0
    ours = 0
    for _ in range(min(total, MAX_KEYS)):
        name = name_hash(octets, start, at, end)
        at = skip_name(octets, at, end)
        if name < 0 or at < 0 or at + 4 > end:
            break
        keys[0] += 1
        keys[keys[0]] = mix(name, be16(octets, at))
        if octets[at + 2] & 0x80:
            unicast = 1
        if be16(octets, at + 2) % 0x8000 in (INTERNET, ANY):
            ours += 1
        at += 4
    if keys[0] == 0:
        if end - start < size:
            return REQUEST + WEAK + CUT * KIND
        return MALFORMED + GARBAGE * KIND
    if ours == 0:  # a responder has no records of another class (version.bind and the like)
        return REQUEST + UNANSWERABLE + OTHER_CLASS
    if be16(octets, start + AUTHORITIES):
        return REQUEST + ANNOUNCES + PROBE
    if be16(octets, start + ANSWERS):
        return REQUEST + UNANSWERABLE + KNOWN  # section 7.1: what is known is not told again
    if unicast:
        return REQUEST + UNICAST_QUERY
    return REQUEST + QUERY


def match_response(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Answer records as keys, each by its type and as an answer to type ANY; all of TTL 0 is a goodbye."""
    at = start + HEADER_LEN
    total = be16(octets, start + ANSWERS)
    if total == 0:
        return REPLY + WEAK + NO_ANSWERS
    for _ in range(min(be16(octets, start + QUESTIONS), MAX_RECORDS)):
        at = skip_name(octets, at, end)
        if at < 0 or at + 4 > end:
            return broken(start, end, size)
        at += 4
    for _ in range(min(total, MAX_RECORDS)):
        name = name_hash(octets, start, at, end)
        at = skip_name(octets, at, end)
        if name < 0 or at < 0 or at + 10 > end:
            break
        if be32(octets, at + 4) and keys[0] + 2 <= MAX_KEYS:
            keys[keys[0] + 1] = mix(name, be16(octets, at))
            keys[keys[0] + 2] = mix(name, ANY)
            keys[0] += 2
        at += 10 + be16(octets, at + 8)
        if at > end:
            break
    if keys[0] == 0:
        if at < 0 or at > end:
            return broken(start, end, size)
        return ANNOUNCEMENT + GOODBYE
    return REPLY + RESPONSE


def broken(start: int, end: int, size: int) -> int:
    """A response that ends too soon: by the snap length, or of itself."""
    if end - start < size:
        return REPLY + WEAK + CUT * KIND
    return MALFORMED + GARBAGE * KIND


# RFC 6763 section 9: asks for the types of service, not for instances of one.
SERVICE_TYPES = "_services._dns-sd._udp."


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of every record that names something of the host."""
    for record in _records.records(reply):
        if record.rrtype in READERS:
            yield from READERS[record.rrtype](reply, record)


def _pointer(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """An instance of a service, a type of service, or the host of an address, RFC 6763 section 4.1."""
    owner = name_at(reply, record.name).lower()
    target = _records.target(reply, record)
    if owner.startswith(SERVICE_TYPES):
        yield "service", target
    elif owner.endswith(".arpa"):
        yield "host-name", target
    else:
        yield "instance", target


def _server(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """Where an instance is served, RFC 6763 section 5."""
    yield "instance", name_at(reply, record.name)
    yield "endpoint", _records.endpoint(reply, record)


def _attributes(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """The attributes of an instance, key=value, RFC 6763 section 6."""
    for attribute in _records.strings(reply, record):
        if attribute:
            yield "attribute", attribute


def _address(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """A host and its address."""
    _, address = _records.RDATA[record.rrtype]
    value = address(reply, record)
    yield "host-name", name_at(reply, record.name)
    yield "address", value


def _hardware(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """Processor and operating system, RFC 1035 section 3.3.2."""
    yield "host-info", _records.text(reply, record)


READERS: dict[int, Callable[[bytes, Record], Iterator[tuple[str, str]]]] = {
    _records.A: _address,
    _records.AAAA: _address,
    _records.PTR: _pointer,
    _records.SRV: _server,
    _records.TXT: _attributes,
    _records.HINFO: _hardware,
}


PROTOCOL = Protocol(
    name="mdns",
    title="mDNS (Bonjour)",
    decode=decode,
    transport="udp",
    ports=(5353,),
    match=match,
    kinds=KINDS,
    by_question=True,
    tells_unasked=True,
)
