"""Simple Network Management Protocol: request-id (RFC 3416 section 3), or msgID in version 3 (RFC 3412 section 6).

The id is behind a few nested BER headers whose lengths vary, so it is reached by skipping them. What has the wrong
community is not answered (RFC 1157 section 4.1), so that a change of answers says something only within one.

A response discloses the version, its readable values, and the engine behind version 3. The community is a password in
clear text, so only its length is told; the binary values are left alone.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from itertools import islice

from capanalyze.protocols._ber import OCTET_STRING, SEQUENCE, Value, contents, integer, value, values
from capanalyze.protocols._protocol import SECOND, Protocol

TRAP_1 = 0xA4  # RFC 1157 section 4.1.6

KINDS = ("get", "set", "response", "trap", "version 3 message", "report")

VERSIONS = {0: "SNMPv1", 1: "SNMPv2c", 3: "SNMPv3"}
OBJECT_IDENTIFIER, TIME_TICKS = 0x06, 0x43

# RFC 3416 section 3, error-status.
ERRORS = {
    1: "tooBig",
    2: "noSuchName",
    3: "badValue",
    4: "readOnly",
    5: "genErr",
    6: "noAccess",
    16: "authorizationError",
}

# RFC 3418 section 2, the system group, as encoded: 1.3.6.1.2.1.1.x.0.
SYSTEM = {
    bytes.fromhex("2b06010201010100"): "system-description",
    bytes.fromhex("2b06010201010400"): "system-contact",
    bytes.fromhex("2b06010201010500"): "system-name",
    bytes.fromhex("2b06010201010600"): "system-location",
}
SYSTEM_OBJECT = bytes.fromhex("2b06010201010200")
SYSTEM_UPTIME = bytes.fromhex("2b06010201010300")
COMMUNITIES = bytes.fromhex("2b06010603120101")  # RFC 3584 section 5, snmpCommunityTable
ENTERPRISES = bytes.fromhex("2b06010401")

# RFC 3414 section 5, usmStats: what a report counts is why the request was refused. 1.3.6.1.6.3.15.1.1.x.0.
REPORTS = {
    bytes.fromhex("2b060106030f01010100"): "usmStatsUnsupportedSecLevels (the security level is not offered)",
    bytes.fromhex("2b060106030f01010200"): "usmStatsNotInTimeWindows (the engine's boots and time were not known)",
    bytes.fromhex("2b060106030f01010300"): "usmStatsUnknownUserNames (the user does not exist)",
    bytes.fromhex("2b060106030f01010400"): "usmStatsUnknownEngineIDs (the engine was asked for its identity)",
    bytes.fromhex("2b060106030f01010500"): "usmStatsWrongDigests (the user exists, the key is wrong)",
    bytes.fromhex("2b060106030f01010600"): "usmStatsDecryptionErrors (the privacy key is wrong)",
}

# RFC 3411 section 5, SnmpEngineID: the first four octets name an enterprise, the fifth says what follows.
ENGINE_IPV4, ENGINE_IPV6, ENGINE_MAC, ENGINE_TEXT = 1, 2, 3, 4
CISCO_ENGINE = bytes.fromhex("800000090300")  # Cisco has one octet more before the MAC address

# A selection of IANA's Private Enterprise Numbers.
VENDORS = {
    9: "Cisco",
    11: "Hewlett-Packard",
    63: "Apple",
    171: "D-Link",
    311: "Microsoft",
    318: "APC",
    674: "Dell",
    890: "Zyxel",
    2011: "Huawei",
    2021: "UCD-SNMP",
    2636: "Juniper",
    4526: "Netgear",
    6574: "Synology",
    8072: "Net-SNMP",
    12325: "FOKUS (bsnmpd of FreeBSD)",
    12356: "Fortinet",
    14988: "MikroTik",
    24681: "QNAP",
    30065: "Arista",
    41112: "Ubiquiti",
}


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a message of any version."""
    fields = values(reply, value(reply, 0))
    (first,) = islice(fields, 1)
    version = integer(reply, first)
    yield "version", VERSIONS.get(version, f"SNMP version {version}")
    if version in (0, 1):
        (community,) = islice(fields, 1)
        yield "community", f"{community.end - community.start} octets, not shown"
        (pdu,) = fields
        yield from _trap(reply, pdu) if pdu.tag == TRAP_1 else _response(reply, pdu)
    elif version == 3:
        _, security = islice(fields, 2)
        yield from _engine(reply, security)
        (scoped,) = fields
        if scoped.tag == SEQUENCE:
            _, _, pdu = values(reply, scoped)
            yield from _response(reply, pdu)


def _response(reply: bytes, pdu: Value) -> Iterator[tuple[str, str]]:
    """The error and the readable bindings of a response, RFC 3416 section 3."""
    _, error, _, bindings = islice(values(reply, pdu), 4)
    status = integer(reply, error)
    if status:
        yield "error", ERRORS.get(status, f"error {status}")
    yield from _bindings(reply, bindings)


def _bindings(reply: bytes, bindings: Value) -> Iterator[tuple[str, str]]:
    """What the variables of a PDU say of the host."""
    for binding in values(reply, bindings):
        name, found = islice(values(reply, binding), 2)
        yield from _told(contents(reply, name), found.tag, contents(reply, found))


def _told(name: bytes, tag: int, octets: bytes) -> Iterator[tuple[str, str]]:
    """One variable, if it says something of the host."""
    if name in REPORTS:
        yield "error", REPORTS[name]
    elif name.startswith(COMMUNITIES):
        yield "community", f"{len(octets)} octets, not shown"
    elif tag == OCTET_STRING:
        yield from _text(SYSTEM.get(name, "text"), octets)
    elif name == SYSTEM_UPTIME and tag == TIME_TICKS:
        yield "uptime", f"{int.from_bytes(octets) // 100} s"
    elif name == SYSTEM_OBJECT and tag == OBJECT_IDENTIFIER:
        yield from _enterprise(octets)


def _trap(reply: bytes, pdu: Value) -> Iterator[tuple[str, str]]:
    """A trap of version 1, RFC 1157 section 4.1.6: enterprise, agent-addr, two numbers, time-stamp, bindings."""
    enterprise, agent, _, _, uptime, bindings = values(reply, pdu)
    yield from _enterprise(contents(reply, enterprise))
    yield "address", ".".join(map(str, contents(reply, agent)))
    yield "uptime", f"{int.from_bytes(contents(reply, uptime)) // 100} s"
    yield from _bindings(reply, bindings)


def _enterprise(octets: bytes) -> Iterator[tuple[str, str]]:
    """Whose an object identifier is, if it lies below 1.3.6.1.4.1."""
    if octets.startswith(ENTERPRISES):
        number = 0
        for octet in octets[len(ENTERPRISES) :]:  # X.690 section 8.19.2: seven bits an octet
            number = number << 7 | octet & 0x7F
            if octet < 0x80:
                break
        yield "vendor", _vendor(number)


def _text(kind: str, octets: bytes) -> Iterator[tuple[str, str]]:
    """A value, if it reads as text."""
    text = " ".join(octets.decode("utf-8", "replace").split())
    if text.isprintable() and text and "\ufffd" not in text:
        yield kind, text


def _engine(reply: bytes, security: Value) -> Iterator[tuple[str, str]]:
    """The engine's identity, how often it was started and when last, RFC 3414 section 2.4."""
    parameters = values(reply, value(reply, security.start))
    (identity,) = islice(parameters, 1)
    engine = contents(reply, identity)
    if engine:
        yield "engine-id", engine.hex()
        yield from _identity(engine)
    boots, uptime = (integer(reply, one) for one in islice(parameters, 2))
    if boots:
        yield "engine-boots", str(boots)
        yield "uptime", f"{uptime} s"


def _identity(engine: bytes) -> Iterator[tuple[str, str]]:
    """Vendor, and address or name, where the identity is of the form that has them."""
    if len(engine) < 5 or engine[0] < 0x80:
        return
    yield "vendor", _vendor(int.from_bytes(engine[:4]) & 0x7FFFFFFF)
    kind, rest = engine[4], engine[5:]
    if (kind, len(rest)) in ((ENGINE_IPV4, 4), (ENGINE_IPV6, 16)):
        yield "address", str(ip_address(rest))
    elif kind == ENGINE_MAC and (len(rest) == 6 or (len(rest) == 7 and engine.startswith(CISCO_ENGINE))):
        yield "mac-address", rest[-6:].hex(":")
    elif kind == ENGINE_TEXT:
        yield from _text("text", rest)


def _vendor(number: int) -> str:
    """Who has a private enterprise number."""
    return f"{VENDORS[number]} (enterprise {number})" if number in VENDORS else f"enterprise {number}"


PROTOCOL = Protocol(
    name="snmp",
    title="SNMP",
    decode=decode,
    transport="udp",
    ports=(161,),
    kinds=KINDS,
    draws_none=("an InformRequest, which is for who is notified (RFC 3416 section 4.2.7)",),
    window=5 * SECOND,
)
