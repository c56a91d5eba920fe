"""SNMP responses: octets to facts, each with tshark's summary above it."""

import pytest

from . import Facts, assert_cut_tells_less, told

INTEGER, STRING, NULL, OID, SEQUENCE, COUNTER, TIME_TICKS, RESPONSE, REPORT = 2, 4, 5, 6, 0x30, 0x41, 0x43, 0xA2, 0xA8


def ber(tag: int, *parts: bytes) -> bytes:
    """A value in BER, the length in the short or the long form (X.690 section 8.1)."""
    contents = b"".join(parts)
    if len(contents) < 128:
        return bytes([tag, len(contents)]) + contents
    return bytes([tag, 0x82]) + len(contents).to_bytes(2) + contents


def binding(name: str, tag: int, value: bytes) -> bytes:
    """A variable of the mib-2 subtree, 1.3.6.1.2.1, with its value."""
    return ber(SEQUENCE, ber(OID, bytes.fromhex("2b06010201" + name)), ber(tag, value))


def response(version: int, *bindings: bytes, error: int = 0, community: bytes = b"public") -> bytes:
    """A response of SNMPv1 or SNMPv2c, RFC 3416 section 3."""
    numbers = [ber(INTEGER, bytes([number])) for number in (77, error, 0)]
    pdu = ber(RESPONSE, *numbers, ber(SEQUENCE, *bindings))
    return ber(SEQUENCE, ber(INTEGER, bytes([version])), ber(STRING, community), pdu)


def report(engine: bytes, counter: int = 4, boots: int = 0, uptime: int = 0) -> bytes:
    """A report of SNMPv3, RFC 3412 section 6, that counts one of usmStats (RFC 3414 section 5)."""
    head = ber(SEQUENCE, ber(INTEGER, b"\1"), ber(INTEGER, b"\5\xdc"), ber(STRING, b"\0"), ber(INTEGER, b"\3"))
    times = ber(INTEGER, boots.to_bytes(2)), ber(INTEGER, uptime.to_bytes(4))
    security = ber(SEQUENCE, ber(STRING, engine), *times, *[ber(STRING)] * 3)
    name = ber(OID, bytes.fromhex("2b060106030f0101") + bytes([counter, 0]))
    counts = ber(SEQUENCE, ber(SEQUENCE, name, ber(COUNTER, b"\1")))
    scoped = ber(SEQUENCE, ber(STRING, engine), ber(STRING), ber(REPORT, *[ber(INTEGER, b"\0")] * 3, counts))
    return ber(SEQUENCE, ber(INTEGER, b"\3"), head, ber(STRING, security), scoped)


DARWIN = b"Darwin Qf98e.local 9.0.0\r\nDarwin Kernel Version 9.0.0: root:xnu-1228~1/RELEASE_I386 i386"

REPLIES: dict[str, tuple[bytes, Facts]] = {
    # get-response 1.3.6.1.2.1.1.1.0 1.3.6.1.2.1.1.3.0 1.3.6.1.2.1.1.5.0 1.3.6.1.2.1.1.6.0 1.3.6.1.2.1.1.4.0
    "system": (
        response(
            1,
            binding("010100", STRING, DARWIN),
            binding("010200", OID, bytes.fromhex("2b06010401bf0803020a")),
            binding("010300", TIME_TICKS, b"\1\2\3"),
            binding("010500", STRING, "Jürgens Mac".encode()),
            binding("010600", STRING, b"Hannover"),
            binding("010400", STRING, b"root@example.org"),
        ),
        [
            ("version", "SNMPv2c"),
            ("community", "6 octets, not shown"),
            ("system-description", DARWIN.decode().replace("\r\n", " ")),
            ("vendor", "Net-SNMP (enterprise 8072)"),
            ("uptime", "660 s"),
            ("system-name", "Jürgens Mac"),
            ("system-location", "Hannover"),
            ("system-contact", "root@example.org"),
        ],
    ),
    # get-response 1.3.6.1.2.1.2.2.1.2.1 1.3.6.1.2.1.2.2.1.6.1 1.3.6.1.2.1.2.2.1.2.2 1.3.6.1.2.1.2.2.1.2.3
    # (an interface's name, its MAC address, an empty name, no value)
    "interface": (
        response(
            0,
            binding("0202010201", STRING, b"en0"),
            binding("0202010601", STRING, bytes.fromhex("0017f2dfcdb3")),
            binding("0202010202", STRING, b""),
            binding("0202010203", NULL, b""),
        ),
        [("version", "SNMPv1"), ("community", "6 octets, not shown"), ("text", "en0")],
    ),
    # get-response 1.3.6.1.2.1.1.9.0
    "refusal": (
        response(0, binding("010900", NULL, b""), error=2, community=b""),
        [("version", "SNMPv1"), ("community", "0 octets, not shown"), ("error", "noSuchName")],
    ),
    # report 1.3.6.1.6.3.15.1.1.4.0
    "engine": (
        report(bytes.fromhex("8000003f03 0017f2dfcdb3"), boots=5, uptime=1234),
        [
            ("version", "SNMPv3"),
            ("engine-id", "8000003f030017f2dfcdb3"),
            ("vendor", "Apple (enterprise 63)"),
            ("mac-address", "00:17:f2:df:cd:b3"),
            ("engine-boots", "5"),
            ("uptime", "1234 s"),
            ("error", "usmStatsUnknownEngineIDs (the engine was asked for its identity)"),
        ],
    ),
    # report 1.3.6.1.6.3.15.1.1.3.0
    "engine with text": (
        report(bytes.fromhex("80001f8804") + b"Qf98e", counter=3),
        [
            ("version", "SNMPv3"),
            ("engine-id", "80001f8804" + b"Qf98e".hex()),
            ("vendor", "Net-SNMP (enterprise 8072)"),
            ("text", "Qf98e"),
            ("error", "usmStatsUnknownUserNames (the user does not exist)"),
        ],
    ),
    # report 1.3.6.1.6.3.15.1.1.5.0
    "engine with an address": (
        report(bytes.fromhex("8000303901c000020a"), counter=5),
        [
            ("version", "SNMPv3"),
            ("engine-id", "8000303901c000020a"),
            ("vendor", "enterprise 12345"),
            ("address", "192.0.2.10"),
            ("error", "usmStatsWrongDigests (the user exists, the key is wrong)"),
        ],
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_reply_tells(name: str) -> None:
    reply, facts = REPLIES[name]
    assert told("snmp", reply) == facts


@pytest.mark.parametrize("name", REPLIES)
def test_cut_reply_tells_less(name: str) -> None:
    assert_cut_tells_less("snmp", REPLIES[name][0])


def test_a_community_of_the_agents_own_table_is_never_shown() -> None:
    column = ber(OID, bytes.fromhex("2b06010603120101010201"))
    facts = told("snmp", response(1, ber(SEQUENCE, column, ber(STRING, b"s3cret"))))
    assert facts == [("version", "SNMPv2c"), ("community", "6 octets, not shown")]


def test_community_is_never_shown() -> None:
    reply = response(1, binding("010100", STRING, b"router"), community=b"s3cret-community")
    assert not any("s3cret" in value for _, value in told("snmp", reply))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (ber(SEQUENCE, ber(INTEGER, b"\1")), "not enough values"),
        (ber(SEQUENCE, ber(INTEGER, b"\1"), *[ber(STRING)] * 3), "too many values"),
        (ber(SEQUENCE, bytes([INTEGER, 9, 1])), "longer than the one that holds it"),
        (ber(SEQUENCE, ber(INTEGER, b"\1"), ber(STRING), ber(RESPONSE)), "not enough values"),
        (ber(SEQUENCE), "not enough values"),
        (b"\x30\xff", "ends early"),
    ],
)
def test_value_that_breaks_the_rules(reply: bytes, reason: str) -> None:
    kind, value = told("snmp", reply)[-1]
    assert kind == "malformed"
    assert reason in value


def test_engine_without_identity() -> None:
    assert [kind for kind, _ in told("snmp", report(b""))] == ["version", "error"]


def test_an_encrypted_version_3_tells_its_engine() -> None:
    encrypted = ber(SEQUENCE, *plain_parts(report(bytes.fromhex("8000003f05aa"))), ber(STRING, bytes(40)))
    assert [kind for kind, _ in told("snmp", encrypted)] == ["version", "engine-id", "vendor"]


def test_a_trap_of_version_1_tells_whose_it_is() -> None:
    enterprise, agent = ber(OID, bytes.fromhex("2b06010401bf080302")), ber(0x40, bytes([192, 0, 2, 10]))
    numbers = ber(INTEGER, b"\6"), ber(INTEGER, b"\1"), ber(TIME_TICKS, b"\1\2\3")
    pdu = ber(0xA4, enterprise, agent, *numbers, ber(SEQUENCE, binding("010500", STRING, b"Qf98e")))
    assert told("snmp", ber(SEQUENCE, ber(INTEGER, b"\0"), ber(STRING, b"public"), pdu))[2:] == [
        ("vendor", "Net-SNMP (enterprise 8072)"),
        ("address", "192.0.2.10"),
        ("uptime", "660 s"),
        ("system-name", "Qf98e"),
    ]


def plain_parts(message: bytes) -> list[bytes]:
    """Version, header and security parameters of a short message."""
    parts, at = [], message[1] - 0x80 + 2 if message[1] & 0x80 else 2
    for _ in range(3):
        parts.append(message[at : at + 2 + message[at + 1]])
        at += 2 + message[at + 1]
    return parts


def test_unknown_version() -> None:
    assert told("snmp", ber(SEQUENCE, ber(INTEGER, b"\7"))) == [("version", "SNMP version 7")]
