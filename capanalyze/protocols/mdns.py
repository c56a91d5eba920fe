"""Multicast DNS, RFC 6762.

A question is answered by a record of its name and type in the answer section (section 6), from whichever
host, to the group or to the asker. One response may answer several questions of several askers; beyond a bound its
records are no longer told apart, and it pairs by its endpoints too. A query
from another port than 5353 (section 6.7) is answered by unicast that repeats its id and question.
Probes (section 8.1), announcements (8.3) and goodbyes (10.1) are no replies. What a query lists as known is not told
again (7.1): a response to the group that holds one such record alone does not answer it.

A response discloses services, their names, hosts, ports and attributes (RFC 6763). Additional and authority records
count as answers do: the peer reads them all.
"""

from collections.abc import Callable, Iterator

from capanalyze.protocols import _records
from capanalyze.protocols._names import name_at
from capanalyze.protocols._protocol import Protocol
from capanalyze.protocols._records import Record

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
    kinds=KINDS,
    answers_its_link=True,
    draws_none=(
        "queries by unicast from beyond the link (RFC 6762 section 5.5)",
        "queries of which all answers are known, or more of them follow (sections 7.1, 7.2)",
        "other opcodes and classes (section 18.3)",
    ),
    by_question=True,
    tells_unasked=True,
)
