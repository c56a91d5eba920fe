"""Port mapper and rpcbind, RFC 1833 over ONC RPC, RFC 5531: a reply repeats the call's xid (section 9)."""

import struct
from collections.abc import Iterator

from capanalyze.protocols._protocol import SECOND, Protocol

KINDS = ("call", "dump call", "accepted reply", "reply with an error")

WORD = struct.Struct("!I")
HEADER = struct.Struct("!4I")  # RFC 5531 section 9: xid, type, reply_stat; the verifier's flavor, or reject_stat
MAPPING = struct.Struct("!4I")  # RFC 1833 section 3.1: program, version, protocol, port
MORE = WORD.pack(1)
TRANSPORTS = {6: "tcp", 17: "udp"}

# RFC 5531 section 9, accept_stat and auth_stat.
SUCCESS, PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL, GARBAGE_ARGS, SYSTEM_ERR = range(6)
MSG_DENIED, RPC_MISMATCH = 1, 0
REFUSALS = {
    PROG_UNAVAIL: "PROG_UNAVAIL (no such program)",
    PROG_MISMATCH: "PROG_MISMATCH (no such version)",
    PROC_UNAVAIL: "PROC_UNAVAIL (no such procedure)",
    GARBAGE_ARGS: "GARBAGE_ARGS (the arguments were not understood)",
    SYSTEM_ERR: "SYSTEM_ERR",
}

# A selection of IANA's RPC program numbers.
PROGRAMS = {
    100000: "portmapper",
    100001: "rstatd",
    100002: "rusersd",
    100003: "nfs",
    100004: "ypserv",
    100005: "mountd",
    100007: "ypbind",
    100008: "walld",
    100009: "yppasswdd",
    100011: "rquotad",
    100012: "sprayd",
    100020: "llockmgr",
    100021: "nlockmgr",
    100024: "status",
    100026: "bootparam",
    100069: "ypxfrd",
    100083: "ttdbserver",
    100227: "nfs_acl",
    150001: "pcnfsd",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The refusal, or the results.

    dpkt's reader of ONC RPC calls a cut reply invalid, so the header is read here. A reply does not say which procedure
    it answers, so that its results are told by their shape: a list, one port, or one address.
    """
    _, _, status, verifier = HEADER.unpack_from(reply)
    if status == MSG_DENIED:
        why, detail = verifier, WORD.unpack_from(reply, HEADER.size)[0]
        yield (
            "error",
            "RPC_MISMATCH (no such version of RPC)" if why == RPC_MISMATCH else f"AUTH_ERROR {detail}",
        )
        return
    at = HEADER.size + 4 + WORD.unpack_from(reply, HEADER.size)[0]
    (status,) = WORD.unpack_from(reply, at)
    if status == SUCCESS:
        yield from _results(reply[at + 4 :])
        return
    yield "error", REFUSALS.get(status, f"accept_stat {status}")
    if status == PROG_MISMATCH:
        low, high = struct.unpack_from("!2I", reply, at + 4)
        yield "version", f"versions {low} to {high}"


def _results(results: bytes) -> Iterator[tuple[str, str]]:
    """Of a list a word says each time whether more follows; four octets alone are a port, or an empty list."""
    if results == MORE:
        raise EOFError
    if len(results) == WORD.size:
        (port,) = WORD.unpack(results)
        yield "port", str(port) if port else "none (not registered, or an empty list)"
        return
    if results and results[:4] != MORE:
        yield "address", _string(results, 0)[0]
        return
    at = 0
    while results and WORD.unpack_from(results, at)[0]:
        if len(results) >= at + 16 and _is_mapping(results, at + 4):
            program, version, transport, port = MAPPING.unpack_from(results, at + 4)
            yield "program", f"{_program(program, version)} {TRANSPORTS.get(transport, transport)}/{port}"
            at += 4 + MAPPING.size
        else:
            program, version = struct.unpack_from("!2I", results, at + 4)
            netid, behind = _string(results, at + 12)
            address, behind = _string(results, behind)
            _, at = _string(results, behind)  # the owner
            yield "program", f"{_program(program, version)} {netid} {_universal(netid, address)}"


def _is_mapping(results: bytes, at: int) -> bool:
    """Whether protocol and port stand where version 3 has the length of a netid (`udp`, `ticlts`) and its letters."""
    _, _, transport, port = MAPPING.unpack_from(results, at)
    return transport in TRANSPORTS and port <= 0xFFFF


def _program(program: int, version: int) -> str:
    """`nfs (100003) version 3`."""
    return (
        f"{PROGRAMS[program]} ({program}) version {version}" if program in PROGRAMS else f"{program} version {version}"
    )


def _string(results: bytes, at: int) -> tuple[str, int]:
    """A string in XDR, RFC 4506 section 4.11, and where it ends."""
    (length,) = WORD.unpack_from(results, at)
    octets = results[at + 4 : at + 4 + length]
    if len(octets) < length:
        raise EOFError
    return octets.decode("utf-8", "replace"), at + 4 + (length + 3) // 4 * 4


def _universal(netid: str, address: str) -> str:
    """A universal address, RFC 5665 section 5.2.3.3: the port's two octets are its last numbers."""
    host, _, rest = address.rpartition(".")
    host, _, first = host.rpartition(".")
    if netid[:3] in ("udp", "tcp") and first.isdecimal() and rest.isdecimal():
        return f"{host} port {int(first) * 256 + int(rest)}"
    return address


PROTOCOL = Protocol(
    name="portmap",
    title="port mapper (rpcbind)",
    decode=decode,
    transport="udp",
    ports=(111,),
    dissectors=("rpc", "portmap"),
    kinds=KINDS,
    draws_none=("a call that is passed on, which is silent where it fails (RFC 1833 section 2.2.1)",),
    window=5 * SECOND,
    resends=64 * SECOND,  # a client sends its call again every few seconds, with the same xid
)
