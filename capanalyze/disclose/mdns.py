"""mDNS and DNS service discovery (RFC 6762, RFC 6763): services, their names, hosts, ports and attributes.

Additional and authority records count as answers do: the peer reads them all.
"""

from collections.abc import Callable, Iterator

import dpkt

from capanalyze.disclose import dns
from capanalyze.disclose.dns import Record

# RFC 6763 section 9: asks for the types of service, not for instances of one.
SERVICE_TYPES = "_services._dns-sd._udp."


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of every record that names something of the host."""
    for record in dns.records(reply):
        if record.rrtype in READERS:
            yield from READERS[record.rrtype](reply, record)


def _pointer(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """An instance of a service, a type of service, or the host of an address, RFC 6763 section 4.1."""
    owner = dns.name_at(reply, record.name).lower()
    target = dns.target(reply, record)
    if owner.startswith(SERVICE_TYPES):
        yield "service", target
    elif owner.endswith(".arpa"):
        yield "host-name", target
    else:
        yield "instance", target


def _server(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """Where an instance is served, RFC 6763 section 5."""
    yield "instance", dns.name_at(reply, record.name)
    yield "endpoint", dns.endpoint(reply, record)


def _attributes(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """The attributes of an instance, key=value, RFC 6763 section 6."""
    for attribute in dns.strings(reply, record):
        if attribute:
            yield "attribute", attribute


def _address(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """A host and its address."""
    _, address = dns.RDATA[record.rrtype]
    value = address(reply, record)
    yield "host-name", dns.name_at(reply, record.name)
    yield "address", value


def _hardware(reply: bytes, record: Record) -> Iterator[tuple[str, str]]:
    """Processor and operating system, RFC 1035 section 3.3.2."""
    yield "host-info", dns.text(reply, record)


READERS: dict[int, Callable[[bytes, Record], Iterator[tuple[str, str]]]] = {
    dpkt.dns.DNS_A: _address,
    dpkt.dns.DNS_AAAA: _address,
    dpkt.dns.DNS_PTR: _pointer,
    dpkt.dns.DNS_SRV: _server,
    dpkt.dns.DNS_TXT: _attributes,
    dpkt.dns.DNS_HINFO: _hardware,
}
