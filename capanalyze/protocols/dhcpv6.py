"""Dynamic Host Configuration Protocol for IPv6, RFC 8415: server and client share the transaction-id (section 16.1).

Relay agents wrap messages: a Relay-reply has the link-address and peer-address of the Relay-forward (section 19.3).
"""

from typing import Any

from capanalyze.packets.message import ANNOUNCEMENT, KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be32, digest, mix
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


PROTOCOL = Protocol(
    name="dhcpv6",
    title="DHCPv6",
    discloses="dhcpv6",
    transport="udp",
    ports=(547, 546),
    match=match,
    kinds=KINDS,
    window=10 * SECOND,
)
