"""SNMP: a response has the request-id, or in version 3 the message's id, of what it answers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from capanalyze.protocols import snmp
from tests import recorded
from tests.build import PEER, TARGET, datagram
from tests.conversations import Talk, answer, ask, each, heard
from tests.protocols import hear

SNMP = 161
V1, V2C, V3 = 0, 1, 3
GET, NEXT, RESPONSE, SET, TRAP, BULK, INFORM, TRAP_2, REPORT = range(0xA0, 0xA9)


def ber(tag: int, *contents: bytes, long: bool = False) -> bytes:
    """A BER element; `long`: its length in two octets although one would do."""
    content = b"".join(contents)
    if long:
        return bytes([tag, 0x82, len(content) >> 8, len(content) & 255]) + content
    if len(content) > 127:
        return bytes([tag, 0x81, len(content)]) + content
    return bytes([tag, len(content)]) + content


def integer(value: int) -> bytes:
    return ber(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def message(pdu: int, ident: int, version: int = V2C, community: bytes = b"public", *, long: bool = False) -> bytes:
    """Versions 1 and 2c, RFC 3416 section 3."""
    name = ber(0x30, ber(6, bytes.fromhex("2b06010201010500")), ber(5))
    body = ber(pdu, integer(ident), integer(0), integer(0), ber(0x30, name), long=long)
    return ber(0x30, integer(version), ber(4, community, long=long), body, long=long)


def version_3(ident: int, size: int = 1400) -> bytes:
    """Version 3, RFC 3412 section 6, the rest encrypted."""
    head = ber(0x30, integer(ident), integer(size), ber(4, b"\x03"), integer(3))
    return ber(0x30, integer(V3), head, ber(4, bytes(30)), ber(4, bytes(range(40))))


def clear_version_3(pdu: int, ident: int) -> bytes:
    """Version 3 without privacy, which shows its PDU; the PDU's own request-id is not the message's."""
    head = ber(0x30, integer(ident), integer(1400), ber(4, b"\x04"), integer(3))
    body = ber(pdu, integer(77), integer(0), integer(0), ber(0x30))
    return ber(0x30, integer(V3), head, ber(4, bytes(30)), ber(0x30, ber(4, b"engine"), ber(4), body))


SAMPLES = {
    "get": message(GET, 1),
    "set": message(SET, 1),
    "response": message(RESPONSE, 1),
    "trap": message(TRAP_2, 1),
    "version 3 message": version_3(1),
    "report": clear_version_3(REPORT, 1),
}


@pytest.mark.parametrize("pdu", [GET, SET, INFORM])
@pytest.mark.parametrize("make", [message, clear_version_3])
def test_an_agent_answers_no_inform(pdu: int, make: Callable[[int, int], bytes]) -> None:
    """RFC 3416 section 4.2.7: it is for who is notified, on another port."""
    heard = hear(snmp.PROTOCOL, make(pdu, 1))
    assert (heard.role, "unanswerable" in heard.flags) == ("request", pdu == INFORM)


@pytest.mark.parametrize("version", [V1, V2C])
@pytest.mark.parametrize("ident", [0, 1, 127, 128, 255, 256, 0x7FFFFFFF, -1])
@pytest.mark.parametrize("pdu", [GET, NEXT, SET, BULK, INFORM])
def test_a_response_has_the_request_id(pdu: int, ident: int, version: int) -> None:
    request = hear(snmp.PROTOCOL, message(pdu, ident, version))
    assert hear(snmp.PROTOCOL, message(RESPONSE, ident, version)).answers(request)
    assert not hear(snmp.PROTOCOL, message(RESPONSE, ident ^ 1, version)).answers(request)


def test_only_requests_of_one_community_are_compared() -> None:
    one, same, other = (
        hear(snmp.PROTOCOL, message(GET, ident, community=community))
        for ident, community in ((1, b"public"), (2, b"public"), (1, b"secret"))
    )
    assert "compared" in one.flags
    assert one.keys[-1] == same.keys[-1] != other.keys[-1]
    assert hear(snmp.PROTOCOL, message(RESPONSE, 1)).keys == one.keys[:-1]
    assert "compared" not in hear(snmp.PROTOCOL, message(RESPONSE, 1)).flags
    assert "compared" not in hear(snmp.PROTOCOL, clear_version_3(GET, 1)).flags  # an unknown user is told so


def test_lengths_may_be_written_the_long_way() -> None:
    request = hear(snmp.PROTOCOL, message(GET, 7, community=bytes(200)))
    assert hear(snmp.PROTOCOL, message(RESPONSE, 7, long=True)).answers(request)


@pytest.mark.parametrize(
    ("payload", "role", "kind"),
    [
        (message(TRAP, 1, V1), "announcement", "trap"),
        (message(REPORT, 1), "reply", "report"),
        (b"0", "malformed", "malformed message"),
        (b"1" + message(GET, 1)[1:], "malformed", "malformed message"),
        (message(GET, 1)[:12], "malformed", "malformed message"),
        (ber(0x30, integer(V2C), ber(4, b"public"), ber(GET, ber(4, b"x"))), "malformed", "malformed message"),
        (ber(0x30, integer(V2C), ber(4, b"public"), ber(GET, ber(2, bytes(9)))), "malformed", "malformed message"),
        (b"\x30\x80" + message(GET, 1)[2:], "request", "get"),  # a length left open
        (b"\x30\x86" + bytes(20), "malformed", "malformed message"),
        (clear_version_3(GET, 1), "request", "get"),
        (clear_version_3(SET, 1), "request", "set"),
        (clear_version_3(RESPONSE, 1), "reply", "response"),
        (clear_version_3(TRAP_2, 1), "announcement", "trap"),
        (version_3(1), "flow", "version 3 message"),
        (ber(0x30, integer(V3), ber(4, b"x"), ber(4, b"y")), "malformed", "malformed message"),
    ],
)
def test_role_and_kind(payload: bytes, role: str, kind: str) -> None:
    one = hear(snmp.PROTOCOL, payload)
    assert (one.role, one.kind) == (role, kind)


@pytest.mark.parametrize(("pdu", "role"), [(GET, "request"), (RESPONSE, "reply")])
def test_cut_behind_its_type_a_message_keeps_its_role(pdu: int, role: str) -> None:
    whole = message(pdu, 1)
    cut = hear(snmp.PROTOCOL, whole[: whole.index(bytes([pdu])) + 1], len(whole))
    assert (cut.role, cut.kind, cut.keys) == (role, "cut message", ())


TALKS = [
    *(
        Talk(
            f"version {name}: the response has the request's id",
            [
                (0, ask(SNMP, message(GET, 500, version))),
                (0.1, ask(SNMP, message(NEXT, 501, version))),
                (0.2, answer(SNMP, message(RESPONSE, 500, version))),
            ],
            ["snmp 1 > 3: replied, response, 200000 us", "snmp 2 > -: silent, get"],
        )
        for name, version in (("1", V1), ("2c", V2C))
    ),
    Talk(
        "version 3: the message's id, and the port tells who asks",
        [
            (0, ask(SNMP, version_3(500))),
            (0.1, ask(SNMP, version_3(501))),
            (0.2, answer(SNMP, version_3(500, 65507))),
        ],
        ["snmp 1 > 3: replied, version 3 message, 200000 us", "snmp 2 > -: silent, version 3 message"],
    ),
    Talk(
        "version 3 without privacy: a report has the message's id, not the PDU's",
        [
            (0, ask(SNMP, clear_version_3(GET, 500))),
            (0.1, ask(SNMP, clear_version_3(GET, 501))),
            (0.2, answer(SNMP, clear_version_3(REPORT, 500))),
        ],
        ["snmp 1 > 3: replied, report, 200000 us", "snmp 2 > -: silent, get"],
    ),
    Talk(
        "a trap is nobody's reply",
        [(0, datagram(TARGET, SNMP, PEER, 162, message(TRAP_2, 1)))],
        ["snmp - > 1: unsolicited, trap"],
    ),
    Talk(
        "another id is no answer",
        [(0, ask(SNMP, message(GET, 1))), (0.1, answer(SNMP, message(RESPONSE, 2)))],
        ["snmp 1 > -: silent, get", "snmp - > 2: indeterminate, request not captured"],
    ),
    Talk(
        "what is cut before its type pairs weakly",
        [(0, ask(SNMP, message(GET, 1))), (0.1, answer(SNMP, message(RESPONSE, 1)))],
        ["snmp 1 > 2: replied, cut message, weak, 100000 us"],
        snaplen=20 + 8 + 8,
    ),
    Talk(
        "what is cut behind it does too",
        [(0, ask(SNMP, message(GET, 1))), (0.1, answer(SNMP, message(RESPONSE, 1)))],
        ["snmp 1 > 2: replied, cut message, weak, 100000 us"],
        snaplen=20 + 8 + 15,
    ),
]


@each(*TALKS)
def test_conversation(talk: Talk, tmp_path: Path) -> None:
    assert heard(talk, tmp_path) == talk.exchanges


def test_a_real_agent_is_read_as_tshark_reads_it() -> None:
    """Of version 3 tshark shows the PDU of a report only; where it is encrypted, the port tells."""
    engine = "snmp.msgAuthoritativeEngineID", "snmp.msgAuthoritativeEngineBoots"
    seen = recorded.frames("snmp", "snmp.request_id", "snmp.msgID", "snmp.data", *engine)
    expected = recorded.answered(
        seen,
        lambda frame: frame["snmp.data"] in ("2", "8") or (not frame["snmp.data"] and frame["udp.srcport"] == "161"),
        lambda request, reply: (
            request["snmp.msgID"] == reply["snmp.msgID"]
            and (reply["snmp.msgID"] != "" or request["snmp.request_id"] == reply["snmp.request_id"])
        ),
    )
    assert recorded.paired("snmp") == expected
    assert len(expected) == 8
    version_3 = {number: frame for number, frame in seen.items() if frame["snmp.msgID"] and number in expected}
    for kind, field in zip(("engine-id", "engine-boots"), engine, strict=True):
        assert recorded.told("snmp", kind) == {number: [frame[field]] for number, frame in version_3.items()}
