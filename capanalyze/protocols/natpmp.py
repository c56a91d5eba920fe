"""NAT-PMP and its successor PCP, one port (RFC 6886, RFC 6887).

A NAT-PMP response has the request's opcode plus 128 (section 3.1), and of a mapping the internal port. A PCP response
has the request's opcode and, of a mapping or a peer, its nonce (RFC 6887 sections 7.2, 11.1 and 12.1). A server that
lacks the version that was asked says so in its own (RFC 6886 section 3.5, RFC 6887 section 9). New addresses are
announced to 224.0.0.1 (RFC 6886 section 3.2.1, RFC 6887 section 14.1).

A response discloses the external address, what is mapped, and for how long the server has been up.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from capanalyze.protocols._protocol import SECOND, Protocol

# Versions and opcodes, RFC 6886 sections 3.2 and 3.3, RFC 6887 sections 7.2 and 19.2.
PMP, PCP = 0, 2
RESPONSE = 128
PUBLIC_ADDRESS = 0  # of NAT-PMP
MAP, PEER = 1, 2  # of PCP

KINDS = (
    "external address request",
    "mapping request",
    "PCP request",
    "response",
    "PCP response",
    "refusal",
)

PMP_HEADER = struct.Struct("!BBHI")
PCP_HEADER = struct.Struct("!BBBBII12x")
PMP_MAPPING = struct.Struct("!HHI")
PCP_MAPPING = struct.Struct("!12xB3xHH16s")

# RFC 6886 section 3.5, RFC 6887 section 7.4.
PMP_RESULTS = {
    1: "unsupported version",
    2: "not authorized or refused",
    3: "network failure",
    4: "out of resources",
    5: "unsupported opcode",
}
PCP_RESULTS = {
    1: "UNSUPP_VERSION",
    2: "NOT_AUTHORIZED",
    3: "MALFORMED_REQUEST",
    4: "UNSUPP_OPCODE",
    5: "UNSUPP_OPTION",
    6: "MALFORMED_OPTION",
    7: "NETWORK_FAILURE",
    8: "NO_RESOURCES",
    9: "UNSUPP_PROTOCOL",
    10: "USER_EX_QUOTA",
    11: "CANNOT_PROVIDE_EXTERNAL",
    12: "ADDRESS_MISMATCH",
    13: "EXCESSIVE_REMOTE_PEERS",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a response of either version."""
    if reply[1] < RESPONSE:
        return
    if reply[0] == PCP:
        yield from _pcp(reply)
    else:
        yield from _pmp(reply)


def _pmp(reply: bytes) -> Iterator[tuple[str, str]]:
    """RFC 6886 sections 3.2 and 3.3."""
    yield "version", "NAT-PMP"
    _, opcode, result, epoch = PMP_HEADER.unpack_from(reply)
    if result:
        yield "error", PMP_RESULTS.get(result, f"result {result}")
    yield "uptime", f"{epoch} s"
    if result:
        return
    if opcode - RESPONSE == PUBLIC_ADDRESS:
        yield "external-address", str(IPv4Address(reply[8:12]))
    else:
        internal, external, lifetime = PMP_MAPPING.unpack_from(reply, PMP_HEADER.size)
        yield "mapping", f"{external} to {internal}, {lifetime} s"


def _pcp(reply: bytes) -> Iterator[tuple[str, str]]:
    """RFC 6887: header, then the data of MAP and PEER."""
    yield "version", "PCP"
    _, opcode, _, result, lifetime, epoch = PCP_HEADER.unpack_from(reply)
    if result:
        yield "error", PCP_RESULTS.get(result, f"result {result}")
    yield "uptime", f"{epoch} s"
    if not result and opcode - RESPONSE in (MAP, PEER):
        _, internal, external, address = PCP_MAPPING.unpack_from(reply, PCP_HEADER.size)
        mapped = IPv6Address(address)
        yield "external-address", str(mapped.ipv4_mapped or mapped)
        yield "mapping", f"{external} to {internal}, {lifetime} s"


PROTOCOL = Protocol(
    name="natpmp",
    title="NAT-PMP, PCP",
    decode=decode,
    transport="udp",
    ports=(5351,),
    dissectors=("nat-pmp", "portcontrol"),
    kinds=KINDS,
    window=5 * SECOND,
    tells_unasked=True,
)
