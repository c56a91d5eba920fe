"""Port mapper replies: octets to facts, each with tshark's summary above it."""

import struct

import pytest

from . import Facts, told

HEADER_LEN = 24
MORE, NO_MORE = struct.pack(">I", 1), struct.pack(">I", 0)


def reply(results: bytes, stat: int = 0) -> bytes:
    """An accepted reply, RFC 5531 section 9."""
    return struct.pack(">6I", 7, 1, 0, 0, 0, stat) + results


def string(text: str) -> bytes:
    """RFC 4506 section 4.11."""
    return struct.pack(">I", len(text)) + text.encode() + bytes(-len(text) % 4)


def mapping(*numbers: int) -> bytes:
    """An entry of version 2, RFC 1833 section 3.1."""
    return MORE + struct.pack(">4I", *numbers)


def binding(program: int, version: int, *words: str) -> bytes:
    """An entry of versions 3 and 4, RFC 1833 section 2.1."""
    return MORE + struct.pack(">2I", program, version) + b"".join(map(string, words))


REPLIES: dict[str, tuple[bytes, Facts]] = {
    # V2 DUMP Reply
    "dump": (
        reply(mapping(100000, 2, 17, 111) + mapping(100003, 3, 6, 2049) + mapping(399999, 1, 17, 799) + NO_MORE),
        [
            ("program", "portmapper (100000) version 2 udp/111"),
            ("program", "nfs (100003) version 3 tcp/2049"),
            ("program", "399999 version 1 udp/799"),
        ],
    ),
    # V3 DUMP Reply
    "dump of version 3": (
        reply(
            binding(100000, 3, "udp6", "::.0.111", "superuser")
            + binding(100005, 3, "tcp", "0.0.0.0.8.1", "root")
            + binding(100000, 4, "ticlts", "qf98e.rpc", "superuser")
            + NO_MORE
        ),
        [
            ("program", "portmapper (100000) version 3 udp6 :: port 111"),
            ("program", "mountd (100005) version 3 tcp 0.0.0.0 port 2049"),
            ("program", "portmapper (100000) version 4 ticlts qf98e.rpc"),
        ],
    ),
    # V2 GETPORT Reply Port:2049
    "port": (reply(struct.pack(">I", 2049)), [("port", "2049")]),
    # V2 GETPORT Reply PROGRAM_NOT_AVAILABLE
    "no port": (reply(NO_MORE), [("port", "none (not registered, or an empty list)")]),
    # V3 GETADDR Reply 198.51.100.10.8.1
    "address": (reply(string("198.51.100.10.8.1")), [("address", "198.51.100.10.8.1")]),
    # V2 NULL Reply
    "nothing": (reply(b""), []),
    # Portmap V9 proc-4 Reply: PROG_MISMATCH
    "version": (
        reply(struct.pack(">2I", 2, 4), 2),
        [("error", "PROG_MISMATCH (no such version)"), ("version", "versions 2 to 4")],
    ),
    # V2 proc-99 Reply: PROC_UNAVAIL
    "procedure": (reply(b"", 3), [("error", "PROC_UNAVAIL (no such procedure)")]),
    # Reply: unknown accept_stat
    "unknown": (reply(b"", 9), [("error", "accept_stat 9")]),
    # Reply: denied, AUTH_ERROR, AUTH_TOOWEAK
    "denied": (struct.pack(">5I", 7, 1, 1, 1, 5), [("error", "AUTH_ERROR 5")]),
    # Reply: denied, RPC_MISMATCH
    "other RPC": (struct.pack(">6I", 7, 1, 1, 0, 2, 2), [("error", "RPC_MISMATCH (no such version of RPC)")]),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_reply_tells(kind: str) -> None:
    reply, facts = REPLIES[kind]
    assert told("portmap", reply) == facts


@pytest.mark.parametrize("kind", ["dump", "dump of version 3", "version", "denied"])
def test_cut_reply_tells_less(kind: str) -> None:
    """Cut right behind its header, a reply reads as one without results."""
    whole = REPLIES[kind][0]
    for length in set(range(len(whole))) - {HEADER_LEN}:
        *facts, (fault, reason) = told("portmap", whole[:length])
        assert (fault, reason) == ("malformed", f"ends early, after {length} octets")
        assert set(facts) <= set(REPLIES[kind][1])
