"""DNS, and LLMNR in the same form (RFC 1035, RFC 4795): answers, refusals, the server's own version.

dpkt reads the header. The records are walked here: dpkt 1.9.8 gives up at a record type that it does not
know (every answer of Bonjour has one, NSEC), takes a dot within a label for one between labels, and
follows chains of pointers for as long as they go.
"""

import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import dpkt

HEADER = struct.Struct("!6H")
RECORD = struct.Struct("!HHIH")
NO_RECORDS = bytes(8)
SECTIONS = ("answer", "authority", "additional")

# RFC 1035 sections 2.3.4 and 4.1.4. Every step is a label or a pointer, so that a chain of pointers ends.
POINTER = 0xC0
NAME_LEN = 255
NAME_STEPS = 128

CHAOS = 3
OWN_NAMES = {  # RFC 4892 section 2, and BIND's older forms
    "version.bind": "software",
    "version.server": "software",
    "hostname.bind": "host-name",
    "id.server": "host-name",
}

# RFC 1035 section 4.1.1, RFC 2136 section 2.2.
RCODES = {
    1: "FORMERR (the query is malformed)",
    2: "SERVFAIL (the server failed)",
    3: "NXDOMAIN (the name does not exist)",
    4: "NOTIMP (not implemented)",
    5: "REFUSED (refused by policy)",
    6: "YXDOMAIN (the name exists)",
    7: "YXRRSET (the record exists)",
    8: "NXRRSET (the record does not exist)",
    9: "NOTAUTH (not authoritative)",
    10: "NOTZONE (not in the zone)",
}


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


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The refusal if it is one, then every record of a known type.

    In the answer to an update the records are the asker's own (RFC 2136 section 3.8).
    """
    header = dpkt.dns.DNS(reply[:4] + NO_RECORDS)
    if header.rcode:
        yield "rcode", RCODES.get(header.rcode, f"RCODE {header.rcode}")
    if header.opcode != dpkt.dns.DNS_QUERY:
        return
    if header.ra:
        yield "recursion", "offered"
    for record in records(reply):
        if record.rrtype in RDATA:
            name = dotted(labels(reply, record.name))
            label, value = RDATA[record.rrtype]
            yield from _told(record, name, label, value(reply, record))


def _told(record: Record, name: str, label: str, value: str) -> Iterator[tuple[str, str]]:
    """One record as a fact: an answer, or what the server says of itself."""
    if record.rrclass == CHAOS and name.lower() in OWN_NAMES:
        yield OWN_NAMES[name.lower()], value
    else:
        yield record.section, f"{name or '.'} {label} {value}"


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
                raise dpkt.NeedData


def after_name(message: bytes, at: int) -> int:
    """Where a name ends, its pointer not followed."""
    while length := message[at]:
        if length >= POINTER:
            return at + 2
        at += 1 + length
    return at + 1


def labels(message: bytes, at: int) -> list[bytes]:
    """The labels of a name, RFC 1035 section 4.1.4: a pointer leads to a prior occurrence."""
    found: list[bytes] = []
    begin, size = at, 0
    for _ in range(NAME_STEPS):
        length = message[at]
        if length == 0:
            return found
        if length >= POINTER:
            at = (length - POINTER) * 256 + message[at + 1]
            if at >= begin:
                raise ValueError("a compression pointer that does not lead back")
            begin = at
            continue
        label = message[at + 1 : at + 1 + length]
        if len(label) < length:
            raise dpkt.NeedData
        found.append(label)
        at += 1 + length
        size += 1 + length
        if length > 63 or size > NAME_LEN:
            raise ValueError("a label or name longer than RFC 1035 allows")
    raise ValueError("a name of too many labels and pointers")


def dotted(parts: list[bytes]) -> str:
    """A name as text, a dot within a label escaped (RFC 1035 section 5.1, RFC 6763 section 4.3)."""
    texts = [part.decode("utf-8", "replace").replace("\\", "\\\\").replace(".", "\\.") for part in parts]
    return ".".join(texts)


def name_at(message: bytes, at: int) -> str:
    """The name that begins at an offset, as text."""
    return dotted(labels(message, at))


def strings(message: bytes, record: Record) -> list[str]:
    """The character strings of a record, RFC 1035 section 3.3."""
    found, at = [], record.start
    while at < record.end:
        length = message[at]
        string = message[at + 1 : min(at + 1 + length, record.end)]
        if len(string) < length:
            raise dpkt.NeedData
        found.append(string.decode("utf-8", "replace"))
        at += 1 + length
    return found


def _whole(message: bytes, record: Record) -> bytes:
    """The data of a record that is not cut."""
    if record.end > len(message):
        raise dpkt.NeedData
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
    dpkt.dns.DNS_A: ("A", ipv4),
    dpkt.dns.DNS_NS: ("NS", target),
    dpkt.dns.DNS_CNAME: ("CNAME", target),
    dpkt.dns.DNS_SOA: ("SOA", target),
    dpkt.dns.DNS_PTR: ("PTR", target),
    dpkt.dns.DNS_HINFO: ("HINFO", text),
    dpkt.dns.DNS_MX: ("MX", mail),
    dpkt.dns.DNS_TXT: ("TXT", text),
    dpkt.dns.DNS_AAAA: ("AAAA", ipv6),
    dpkt.dns.DNS_SRV: ("SRV", endpoint),
}
