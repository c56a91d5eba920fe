"""Port mapper and rpcbind, RFC 1833 over ONC RPC, RFC 5531: a reply repeats the call's xid (section 9)."""

from typing import Any

from capanalyze.packets.message import KIND, MALFORMED, REPLY, REQUEST, WEAK
from capanalyze.packets.octets import be32, mix
from capanalyze.protocols._protocol import CUT, GARBAGE, SECOND, Protocol

# Octet offsets, RFC 5531 section 9: of any message, of a call, of a reply.
MESSAGE_TYPE = 4
RPC_VERSION = 8
PROCEDURE = 20
REPLY_STATUS = 8
VERIFIER_LEN = 16
ACCEPT_STATUS = 20  # behind an empty verifier
CALL_LEN, REPLY_LEN = 40, 20
CALL, ANSWER = 0, 1
VERSION_2 = 2
ABOVE = 4294967296  # above the 32 bits of the xid

# RFC 1833 sections 2.2.1 and 3.2: DUMP has this number in all versions.
DUMP = 4

CALLED = 3 * KIND
DUMP_CALLED = 4 * KIND
ACCEPTED = 5 * KIND
REFUSED = 6 * KIND
KINDS = ("call", "dump call", "accepted reply", "reply with an error")


def match(octets: Any, start: int, end: int, size: int, keys: Any) -> int:
    """Role of one message, by its type."""
    if end - start < MESSAGE_TYPE + 4:
        return MALFORMED + (CUT if end - start < size else GARBAGE) * KIND
    kind = be32(octets, start + MESSAGE_TYPE)
    if kind not in (CALL, ANSWER) or size < (CALL_LEN if kind == CALL else REPLY_LEN):
        return MALFORMED + GARBAGE * KIND
    if end - start < (PROCEDURE if kind == CALL else REPLY_STATUS) + 4:
        return (REQUEST if kind == CALL else REPLY) + WEAK + CUT * KIND
    if kind == CALL:
        if be32(octets, start + RPC_VERSION) != VERSION_2:
            return MALFORMED + GARBAGE * KIND
        keys[0] = 1
        keys[1] = mix(be32(octets, start), ABOVE)
        return REQUEST + (DUMP_CALLED if be32(octets, start + PROCEDURE) == DUMP else CALLED)
    keys[0] = 1
    keys[1] = mix(be32(octets, start), ABOVE)
    if be32(octets, start + REPLY_STATUS):
        return REPLY + REFUSED
    plain = end - start >= ACCEPT_STATUS + 4 and be32(octets, start + VERIFIER_LEN) == 0
    if plain and be32(octets, start + ACCEPT_STATUS):
        return REPLY + REFUSED
    return REPLY + ACCEPTED


PROTOCOL = Protocol(
    name="portmap",
    title="port mapper (rpcbind)",
    discloses="portmap",
    transport="udp",
    ports=(111,),
    match=match,
    kinds=KINDS,
    window=5 * SECOND,
    resends=64 * SECOND,  # a client sends its call again every few seconds, with the same xid
)
