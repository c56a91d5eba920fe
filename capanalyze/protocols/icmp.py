"""ICMP that asks and answers: RFC 792 (echo, timestamp, information), RFC 950 (mask), RFC 4443 section 4.

A reply carries the request's identifier and sequence number. Errors are not matched: they quote the datagram that they
reject, which is read as a message of its own service.
"""

from capanalyze.protocols._protocol import Protocol

KINDS = ("echo request", "echo reply", "timestamp, information or mask request", "timestamp, information or mask reply")

PROTOCOL = Protocol(
    name="icmp",
    title="ICMP echo",
    transport="icmp",
    ports=(),
    dissectors=("icmp", "icmpv6"),
    kinds=KINDS,
    draws_none=("requests of time, information or address mask (RFC 1122 sections 3.2.2.7 to 3.2.2.9)",),
)
