"""NAT-PMP (RFC 6886 section 3) and PCP (RFC 6887 sections 7.2, 11.1): the external address, what is mapped, uptime."""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

PCP = 2
RESPONSE = 128
PUBLIC_ADDRESS = 0
MAP, PEER = 1, 2
PMP_HEADER = struct.Struct("!BBHI")
PCP_HEADER = struct.Struct("!BBBBII12x")
MAPPING = struct.Struct("!HHI")
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
        internal, external, lifetime = MAPPING.unpack_from(reply, PMP_HEADER.size)
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
