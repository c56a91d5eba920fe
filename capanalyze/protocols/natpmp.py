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
from typing import Any

from capanalyze.packets.message import KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be16, digest, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

# Octet offsets, RFC 6886 sections 3.2 and 3.3, RFC 6887 figures 1 to 3 and 9.
OPCODE = 1
REQUEST_PORT, RESPONSE_PORT = 4, 8
RESULT_CODE = 3  # of PCP; of NAT-PMP the low octet
NONCE, NONCE_END = 24, 36
PMP, PCP = 0, 2
UNSUPPORTED_VERSION = 1
RESPONSE = 128
PUBLIC_ADDRESS, MAP_UDP, MAP_TCP = range(3)
ANNOUNCE, MAP, PEER = range(3)
BY_PORT, BY_NONCE, BY_OPCODE, REFUSED = range(1, 5)

ADDRESS = 3 * KIND
MAPPING = 4 * KIND
PCP_REQUEST = 5 * KIND
RESPONDED = 6 * KIND
PCP_RESPONSE = 7 * KIND
ERROR = 8 * KIND
KINDS = (
    "external address request",
    "mapping request",
    "PCP request",
    "response",
    "PCP response",
    "refusal",
)


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message of either version."""
    if end - start < 2:
        return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND
    version = octets[start] * 1
    opcode = octets[start + OPCODE] * 1
    if version not in (PMP, PCP) or (version == PMP and opcode % RESPONSE > MAP_TCP):
        return MALFORMED + GARBAGE * KIND
    if opcode < RESPONSE:
        return request(version, opcode, octets, start, end, size, keys)
    return response(version, opcode - RESPONSE, octets, start, end, size, keys)


def request(version: int, opcode: int, octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Keys of a request: what its response returns, and that of a refusal in another version."""
    key = key_of(version, opcode, octets, start, end, REQUEST_PORT)
    if key == 0:
        return (REQUEST + WEAK + CUT * KIND) if end - start < size else MALFORMED + GARBAGE * KIND
    keys[0] = 2
    keys[1] = key
    keys[2] = mix(REFUSED, opcode)
    if version == PCP:
        return REQUEST + PCP_REQUEST
    return REQUEST + (ADDRESS if opcode == PUBLIC_ADDRESS else MAPPING)


def response(version: int, opcode: int, octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Key of a response; one that refuses the version may repeat no more than the opcode."""
    if end - start <= RESULT_CODE:
        return REPLY + WEAK + CUT * KIND if end - start < size else MALFORMED + GARBAGE * KIND
    result = octets[start + RESULT_CODE] * 1
    if result == UNSUPPORTED_VERSION:
        keys[0] = 1
        keys[1] = mix(REFUSED, opcode)
        return REPLY + ERROR
    key = key_of(version, opcode, octets, start, end, RESPONSE_PORT)
    if key == 0:
        return REPLY + WEAK + (CUT * KIND if end - start < size else ERROR)
    keys[0] = 1
    keys[1] = key
    if result:
        return REPLY + ERROR
    return REPLY + (PCP_RESPONSE if version == PCP else RESPONDED)


def key_of(version: int, opcode: int, octets: Any, start: int, end: int, port: int) -> int:
    """What tells one request from others: its nonce, the port to be mapped, or nothing but the opcode; 0 if cut."""
    if version == PCP and opcode in (MAP, PEER):
        if start + NONCE_END > end:
            return 0
        return mix(mix(BY_NONCE, opcode), digest(octets, start + NONCE, start + NONCE_END))
    if version == PMP and opcode != PUBLIC_ADDRESS:
        if start + port + 2 > end:
            return 0
        return mix(mix(BY_PORT, opcode), be16(octets, start + port))
    return mix(mix(BY_OPCODE, version), opcode)


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
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
    tells_unasked=True,
)
