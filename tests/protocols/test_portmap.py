"""Port mapper: a reply repeats the call's xid, RFC 5531 section 9."""

import struct
from pathlib import Path

import pytest

from capanalyze.protocols import portmap
from tests import recorded
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

SUNRPC = 111
NULL, GETPORT, DUMP = 0, 3, 4


def call(xid: int, procedure: int = DUMP, *, rpc: int = 2) -> bytes:
    return struct.pack(">10I", xid, 0, rpc, 100000, 2, procedure, 0, 0, 0, 0)


def reply(xid: int, stat: int = 0, results: bytes = bytes(4), *, verifier: bytes = b"") -> bytes:
    """An accepted reply."""
    return struct.pack(">5I", xid, 1, 0, 0, len(verifier)) + verifier + struct.pack(">I", stat) + results


def denied(xid: int) -> bytes:
    """A denied reply: AUTH_ERROR, AUTH_TOOWEAK."""
    return struct.pack(">5I", xid, 1, 1, 1, 5)


SAMPLES = {
    "call": call(7, GETPORT),
    "dump call": call(7),
    "accepted reply": reply(7),
    "reply with an error": reply(7, 1, b""),
}


@pytest.mark.parametrize(("procedure", "draws_none"), [(NULL, False), (GETPORT, False), (DUMP, False), (5, True)])
def test_a_call_that_is_passed_on_is_silent_where_it_fails(procedure: int, draws_none: bool) -> None:
    """RFC 1833 section 2.2.1."""
    assert ("unanswerable" in hear(portmap.PROTOCOL, call(1, procedure)).flags) == draws_none


@pytest.mark.parametrize("xid", [0, 1, 1 << 31, 0xFFFFFFFF])
def test_a_reply_has_the_xid(xid: int) -> None:
    request = hear(portmap.PROTOCOL, call(xid))
    for one in (reply(xid), denied(xid)):
        assert hear(portmap.PROTOCOL, one).answers(request)
    assert not hear(portmap.PROTOCOL, reply(xid ^ 1)).answers(request)


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (call(1, NULL), "request", "call"),
        (call(1, rpc=3), "malformed", "malformed message"),
        (call(1)[:39], "malformed", "malformed message"),
        (reply(1)[:19], "malformed", "malformed message"),
        (struct.pack(">10I", 1, 2, *[0] * 8), "malformed", "malformed message"),
        (b"garbage", "malformed", "malformed message"),
        (denied(1), "reply", "reply with an error"),
        (reply(1, 3, verifier=bytes(4)), "reply", "accepted reply"),  # its status is not looked for behind a verifier
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(portmap.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


TALKS = [
    Talk(
        "sent again after seconds, it is one request still",
        [(0, ask(SUNRPC, call(1))), (7, ask(SUNRPC, call(1), ident=2)), (15, ask(SUNRPC, call(1), ident=3))],
        ["portmap 1,2,3 > -: silent, dump call"],
    ),
    Talk(
        "of two calls between the same ports the xid tells which was answered",
        [(0, ask(SUNRPC, call(1))), (0.1, ask(SUNRPC, call(2))), (0.2, answer(SUNRPC, reply(1)))],
        ["portmap 1 > 3: replied, accepted reply, 200000 us", "portmap 2 > -: silent, dump call"],
    ),
    Talk(
        "a refusal is a reply",
        [(0, ask(SUNRPC, call(1))), (0.1, answer(SUNRPC, denied(1)))],
        ["portmap 1 > 2: replied, reply with an error, 100000 us"],
    ),
    Talk(
        "what is cut before its status pairs weakly",
        [(0, ask(SUNRPC, call(1))), (0.1, answer(SUNRPC, reply(1)))],
        ["portmap 1 > 2: replied, cut message, weak, 100000 us"],
        snaplen=20 + 8 + 8,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_a_real_server_is_read_as_tshark_reads_it() -> None:
    seen = recorded.frames("portmap", "rpc.xid", "rpc.msgtyp", "rpc.state_accept", "portmap.prog", "portmap.version")
    expected = recorded.answered(
        seen,
        lambda frame: frame["rpc.msgtyp"] == "1",
        lambda request, reply: request["rpc.xid"] == reply["rpc.xid"],
    )
    assert recorded.paired("portmap") == expected
    assert len(expected) == 7
    refused = {number for number in expected if seen[number]["rpc.state_accept"] not in ("", "0")}
    assert set(recorded.told("portmap", "error")) == refused
    (dump,) = (number for number in expected if seen[number]["portmap.prog"])
    mappings = zip(seen[dump]["portmap.prog"].split(","), seen[dump]["portmap.version"].split(","), strict=True)
    assert [value.partition(" version ") for value in recorded.told("portmap", "program")[dump]] == [
        (f"portmapper ({program})", " version ", f"{version} {transport}/111")
        for (program, version), transport in zip(mappings, ["tcp"] * 3 + ["udp"] * 3, strict=True)
    ]
