"""Resource records (RFC 1035 section 4.1.3), for the decoders of messages that look like DNS.

They are walked here, as dpkt 1.9.8 gives up at a record type that it does not know (every answer of Bonjour has one,
NSEC), takes a dot within a label for one between labels, and follows chains of pointers for as long as they go.
"""

import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from capanalyze.protocols._names import after_name, name_at

HEADER = struct.Struct("!6H")
RECORD = struct.Struct("!HHIH")
NO_RECORDS = bytes(8)
SECTIONS = ("answer", "authority", "additional")
A, NS, CNAME, SOA, PTR, HINFO, MX, TXT, AAAA, SRV = 1, 2, 5, 6, 12, 13, 15, 16, 28, 33


class Record(NamedTuple):
    """A resource record, RFC 1035 section 4.1.3: its section, and where in the message its parts lie.

    `end` may lie beyond the octets of a cut message.
    """

    section: str
    name: int
    rrtype: int
    rrclass: int
    ttl: int
    start: int
    end: int


def records(message: bytes) -> Iterator[Record]:
    """The records of a message, the one that is cut included; what lies beyond the cut raises."""
    _, _, questions, *counts = HEADER.unpack_from(message)
    at = HEADER.size
    for _ in range(questions):
        at = after_name(message, at) + 4
    for section, count in zip(SECTIONS, counts, strict=True):
        for _ in range(count):
            name, at = at, after_name(message, at)
            rrtype, rrclass, ttl, length = RECORD.unpack_from(message, at)
            at += RECORD.size + length
            yield Record(section, name, rrtype, rrclass, ttl, at - length, at)
            if at > len(message):
                raise EOFError


def strings(message: bytes, record: Record) -> list[str]:
    """The character strings of a record, RFC 1035 section 3.3."""
    found, at = [], record.start
    while at < record.end:
        length = message[at]
        string = message[at + 1 : min(at + 1 + length, record.end)]
        if len(string) < length:
            raise EOFError
        found.append(string.decode("utf-8", "replace"))
        at += 1 + length
    return found


def _whole(message: bytes, record: Record) -> bytes:
    """The data of a record that is not cut."""
    if record.end > len(message):
        raise EOFError
    return message[record.start : record.end]


def ipv4(message: bytes, record: Record) -> str:
    """An A record, RFC 1035 section 3.4.1."""
    return str(IPv4Address(_whole(message, record)))


def ipv6(message: bytes, record: Record) -> str:
    """An AAAA record, RFC 3596 section 2.2."""
    return str(IPv6Address(_whole(message, record)))


def target(message: bytes, record: Record) -> str:
    """The name that an NS, CNAME, PTR or SOA record begins with, RFC 1035 section 3.3."""
    return name_at(message, record.start)


def mail(message: bytes, record: Record) -> str:
    """An MX record, RFC 1035 section 3.3.9."""
    return name_at(message, record.start + 2)


def endpoint(message: bytes, record: Record) -> str:
    """Host and port of an SRV record, RFC 2782."""
    _, _, port = struct.unpack_from("!3H", message, record.start)
    return f"{name_at(message, record.start + 6)}:{port}"


def text(message: bytes, record: Record) -> str:
    """The strings of a TXT or HINFO record in one line."""
    return " ".join(strings(message, record))


RDATA: dict[int, tuple[str, Callable[[bytes, Record], str]]] = {
    A: ("A", ipv4),
    NS: ("NS", target),
    CNAME: ("CNAME", target),
    SOA: ("SOA", target),
    PTR: ("PTR", target),
    HINFO: ("HINFO", text),
    MX: ("MX", mail),
    TXT: ("TXT", text),
    AAAA: ("AAAA", ipv6),
    SRV: ("SRV", endpoint),
}
