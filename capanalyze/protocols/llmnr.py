"""Link-Local Multicast Name Resolution, RFC 4795: like DNS, asked of a group and answered by unicast.

Queries by unicast must be discarded (section 2.4), and of a group only the name's owner answers: silence
proves nothing.
"""

from capanalyze.protocols._protocol import Protocol
from capanalyze.protocols.dns import decode

KINDS = ("query", "response", "response with an error code", "other operation")
PROTOCOL = Protocol(
    name="llmnr",
    title="LLMNR",
    decode=decode,
    transport="udp",
    ports=(5355,),
    kinds=KINDS,
    draws_none=(
        "queries by unicast (RFC 4795 section 2.4)",
        "queries of a group, which only the owner of the name answers (section 2.3)",
    ),
    silence_proves=False,
)
