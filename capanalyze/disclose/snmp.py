"""SNMP (RFC 3416, RFC 3412): the version and the readable values of a response.

The community is a password in clear text, so only its length is told; the binary values are left alone.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import dpkt

VERSIONS = {0: "SNMPv1", 1: "SNMPv2c", 3: "SNMPv3"}
OCTET_STRING = 0x04

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

# RFC 3411 section 5, SnmpEngineID: the fifth octet says that a MAC address follows.
ENGINE_MAC = 3


class Value(NamedTuple):
    """A value in BER: its tag, and where its contents lie."""

    tag: int
    start: int
    end: int


def decode(reply: bytes) -> Iterator[tuple[str, str]]:
    """The facts of a message of any version."""
    fields = list(islice(_values(reply, _value(reply, 0)), 4))
    version = _integer(reply, fields[0])
    yield "version", VERSIONS.get(version, f"SNMP version {version}")
    if version in (0, 1):
        _, community, pdu = fields
        yield "community", f"{community.end - community.start} octets, not shown"
        yield from _response(reply, pdu)
    elif version == 3:
        yield from _engine(reply, fields[2])


def _response(reply: bytes, pdu: Value) -> Iterator[tuple[str, str]]:
    """The error and the readable bindings of a response, RFC 3416 section 3."""
    _, error, _, bindings = islice(_values(reply, pdu), 4)
    status = _integer(reply, error)
    if status:
        yield "error", ERRORS.get(status, f"error {status}")
    for binding in _values(reply, bindings):
        name, value = islice(_values(reply, binding), 2)
        if value.tag == OCTET_STRING:
            yield from _text(_contents(reply, name), _contents(reply, value))


def _text(name: bytes, octets: bytes) -> Iterator[tuple[str, str]]:
    """A value, if it reads as text."""
    text = " ".join(octets.decode("utf-8", "replace").split())
    if text.isprintable() and text and "\ufffd" not in text:
        yield SYSTEM.get(name, "text"), text


def _engine(reply: bytes, security: Value) -> Iterator[tuple[str, str]]:
    """The engine's identity, which may be a MAC address, RFC 3414 section 2.4."""
    parameters = _value(reply, security.start)
    identity, *_ = islice(_values(reply, parameters), 1)
    engine = _contents(reply, identity)
    if engine:
        yield "engine-id", engine.hex()
    if len(engine) == 11 and engine[4] == ENGINE_MAC:
        yield "mac-address", engine[5:].hex(":")


def _values(octets: bytes, parent: Value) -> Iterator[Value]:
    """The values within a value, none reaching out of it."""
    at = parent.start
    while at < parent.end:
        value = _value(octets, at)
        if value.end > parent.end:
            raise ValueError("a value longer than the one that holds it")
        yield value
        at = value.end


def _value(octets: bytes, at: int) -> Value:
    """The value at an offset, X.690 section 8.1: tag, length in the short or the long form, contents."""
    tag, length = octets[at], octets[at + 1]
    start = at + 2
    if length & 0x80:
        start += length & 0x7F
        if start > len(octets):
            raise dpkt.NeedData
        length = int.from_bytes(octets[at + 2 : start])
    return Value(tag, start, start + length)


def _contents(octets: bytes, value: Value) -> bytes:
    """A value's contents, whole."""
    if value.end > len(octets):
        raise dpkt.NeedData
    return octets[value.start : value.end]


def _integer(octets: bytes, value: Value) -> int:
    """A value's contents as a number, X.690 section 8.3."""
    return int.from_bytes(_contents(octets, value), signed=True)
