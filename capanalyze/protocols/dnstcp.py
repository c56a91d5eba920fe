"""Domain Name System over TCP, RFC 7766: within a connection, a response repeats the query's id and question.

Two octets before each message say how long it is (section 8). A segment may begin with one message or several: the
first sixteen are read. One that spans segments is read as far as the segment that it begins in goes; what is not whole
up to the end of its question, or does not begin where a segment's octets do, is not read. The connection is an exchange
of its own, `tcp/53`.
"""

from capanalyze.protocols import dns
from capanalyze.protocols._protocol import SECOND, Protocol

KINDS = dns.KINDS

PROTOCOL = Protocol(
    name="dns-tcp",
    called="dns",
    title="DNS over TCP",
    decode=dns.decode,
    transport="tcp",
    ports=(53,),
    kinds=KINDS,
    window=5 * SECOND,
    by_endpoint=True,
    in_stream=True,
    dissectors=("dns",),
)
