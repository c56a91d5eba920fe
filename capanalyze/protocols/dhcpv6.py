"""Dynamic Host Configuration Protocol for IPv6, RFC 8415: server and client share the transaction-id (section 16.1).

Relay agents wrap messages: a Relay-reply has the link-address and peer-address of the Relay-forward (section 19.3).

A reply discloses what its options (section 21) say of the server and of the network.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv6Address

from capanalyze.protocols._names import name_at
from capanalyze.protocols._protocol import SECOND, Protocol

# RFC 8415 sections 8, 9 and 7.3.
HEADER_LEN = 4
RELAY_LEN = 34
RELAY_REPL = 13

KINDS = ("request", "reply", "relayed request", "relayed reply", "reconfigure")

OPTION = struct.Struct("!HH")
SERVERID, IA_NA, IAADDR, STATUS_CODE, RELAY_MSG, DNS_SERVERS, DOMAIN_LIST = 2, 3, 5, 13, 9, 23, 24
DUID_MACS = {1: 8, 3: 4}  # RFC 8415 section 11: where the link-layer address begins
STATUS = {1: "UnspecFail", 2: "NoAddrsAvail", 3: "NoBinding", 4: "NotOnLink", 5: "UseMulticast", 6: "NoPrefixAvail"}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a message, or of the one that a relay agent is to pass on."""
    yield from _options(reply, RELAY_LEN if reply[0] == RELAY_REPL else HEADER_LEN)


def _options(octets: bytes, at: int) -> Iterator[tuple[str, str]]:
    """Options one behind the other, some holding further ones."""
    while at < len(octets):
        code, length = OPTION.unpack_from(octets, at)
        at += OPTION.size
        value = octets[at : at + length]
        if len(value) < length:
            raise EOFError
        at += length
        if code == SERVERID:
            yield from _server(value)
        elif code == IA_NA:
            yield from _options(value, 12)
        elif code == IAADDR:
            yield "offered-address", str(IPv6Address(value[:16]))
        elif code == RELAY_MSG:
            yield from decode(value)
        elif code == DNS_SERVERS:
            for place in range(0, length, 16):
                yield "name-server", str(IPv6Address(value[place : place + 16]))
        elif code == DOMAIN_LIST:
            yield "domain", name_at(value, 0)
        elif code == STATUS_CODE:
            (status,) = struct.unpack_from("!H", value)
            if status:
                yield "error", STATUS.get(status, f"status {status}")


def _server(duid: bytes) -> Iterator[tuple[str, str]]:
    """The server's identity, which mostly holds its MAC address."""
    (kind,) = struct.unpack_from("!H", duid)
    mac = duid[DUID_MACS[kind] :] if kind in DUID_MACS else b""
    if len(mac) == 6:
        yield "mac-address", mac.hex(":")
    else:
        yield "server-id", duid.hex()


PROTOCOL = Protocol(
    name="dhcpv6",
    title="DHCPv6",
    decode=decode,
    transport="udp",
    ports=(547, 546),
    kinds=KINDS,
    draws_none=("SOLICIT, CONFIRM, REBIND and INFORMATION-REQUEST by unicast (RFC 8415 section 16)",),
    window=10 * SECOND,
)
