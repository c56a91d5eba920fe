"""Dynamic Host Configuration Protocol for IPv6, RFC 8415: server and client share the transaction-id (section 16.1).

Relay agents wrap messages: a Relay-reply has the link-address and peer-address of the Relay-forward (section 19.3).

A reply discloses what its options (section 21) say of the server and of the network.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import Any

from capanalyze.packets.message import ANNOUNCEMENT, KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be32, digest, mix
from capanalyze.protocols._names import name_at
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

# Octet offsets, RFC 8415 sections 8 and 9.
HEADER_LEN = 4
LINK_ADDRESS = 2
RELAY_LEN = 34
ID = 16777216  # above the transaction-id
(
    SOLICIT,
    ADVERTISE,
    REQUESTED,
    CONFIRM,
    RENEW,
    REBIND,
    REPLIED,
    DECLINE,
    RELEASE,
    RECONFIGURE,
    INFORMATION_REQUEST,
    RELAY_FORW,
    RELAY_REPL,
) = range(1, 14)

ASK = 3 * KIND
ANSWER = 4 * KIND
RELAYED = 5 * KIND
RELAYED_BACK = 6 * KIND
RECONFIGURED = 7 * KIND
KINDS = ("request", "reply", "relayed request", "relayed reply", "reconfigure")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """ADVERTISE answers SOLICIT, REPLY answers all of them (SOLICIT too: rapid commit, section 18.3.1)."""
    kind = octets[start] * 1
    if size < HEADER_LEN or kind == 0 or kind > RELAY_REPL:
        return MALFORMED + GARBAGE * KIND
    if kind == RECONFIGURE:
        return ANNOUNCEMENT + RECONFIGURED
    role = REPLY if kind in (ADVERTISE, REPLIED, RELAY_REPL) else REQUEST
    if kind in (RELAY_FORW, RELAY_REPL):
        if size < RELAY_LEN:
            return MALFORMED + GARBAGE * KIND
        if end - start < RELAY_LEN:
            return role + WEAK + CUT * KIND
        keys[0] = 1
        keys[1] = digest(octets, start + LINK_ADDRESS, start + RELAY_LEN)
        return role + (RELAYED if kind == RELAY_FORW else RELAYED_BACK)
    if end - start < HEADER_LEN:
        return role + WEAK + CUT * KIND
    ident = be32(octets, start) % ID
    keys[0] = 1
    keys[1] = mix(ident, (ADVERTISE if kind == ADVERTISE else REPLIED) * ID)
    if kind == SOLICIT:
        keys[0] = 2
        keys[2] = mix(ident, ADVERTISE * ID)
    return role + (ASK if role == REQUEST else ANSWER)


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
    match=match,
    kinds=KINDS,
    window=10 * SECOND,
)
