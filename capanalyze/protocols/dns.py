"""Domain Name System over UDP, RFC 1035: a response repeats the query's id and question (section 4.1.1)."""

from capanalyze.protocols._protocol import SECOND, Protocol
from capanalyze.protocols._questions import match_question

KINDS = ("query", "response", "response with an error code", "other operation")
PROTOCOL = Protocol(
    name="dns",
    title="DNS",
    discloses="dns",
    transport="udp",
    ports=(53,),
    match=match_question,
    kinds=KINDS,
    window=5 * SECOND,
)
