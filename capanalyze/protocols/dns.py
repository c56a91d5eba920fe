"""Domain Name System over UDP, RFC 1035: a response repeats the query's id and question (section 4.1.1)."""

from collections.abc import Iterator

from capanalyze.protocols._names import dotted, labels
from capanalyze.protocols._protocol import SECOND, Protocol
from capanalyze.protocols._records import NO_RECORDS, RDATA, Record, records

KINDS = ("query", "response", "response with an error code", "other operation")

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


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The refusal if it is one, then every record of a known type.

    In the answer to an update the records are the asker's own (RFC 2136 section 3.8).
    """
    from dpkt.dns import DNS, DNS_QUERY

    header = DNS(reply[:4] + NO_RECORDS)
    if header.rcode:
        yield "rcode", RCODES.get(header.rcode, f"RCODE {header.rcode}")
    if header.opcode != DNS_QUERY:
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


PROTOCOL = Protocol(
    name="dns",
    title="DNS",
    decode=decode,
    transport="udp",
    ports=(53,),
    kinds=KINDS,
    window=5 * SECOND,
)
