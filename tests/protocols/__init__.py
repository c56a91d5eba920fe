"""What the tests of the protocols share: a payload in, what the match function or the decoder makes of it out.

The match function of a protocol has its tests in `test_NAME.py`, the decoder in `test_NAME_decode.py`. Every one of the
former has `SAMPLES`: a payload for every kind of message that the module names.
"""

import struct
from dataclasses import dataclass

from capanalyze.core import core
from capanalyze.disclosures import MAX_FACTS, MAX_LENGTH, disclose
from capanalyze.protocols._protocol import Protocol


@dataclass(frozen=True)
class Heard:
    """What a match function says of one message."""

    role: str
    kind: str
    flags: frozenset[str]
    keys: tuple[int, ...]

    def answers(self, request: "Heard") -> bool:
        """Whether this is a reply with a key of that request."""
        return (self.role, request.role) == ("reply", "request") and bool(set(self.keys) & set(request.keys))


def hear(protocol: Protocol, payload: bytes, size: int | None = None, port: int = 0) -> Heard:
    """Let a match function look at one message, of which `size` octets were sent, to or from a port of the service."""
    role, kind, flags, keys = core.match(protocol.name, payload, size, port)
    return Heard(role, protocol.kind(kind), flags, keys)


Facts = list[tuple[str, str]]


def told(service: str, reply: bytes) -> Facts:
    """The facts of a reply as pairs."""
    return [(fact.kind, fact.value) for fact in disclose(service, reply)]


def assert_bounded(facts: Facts) -> None:
    """Few facts, each short and safe to print."""
    assert len(facts) <= MAX_FACTS
    for kind, value in facts:
        assert kind.isascii()
        assert 0 < len(value) <= MAX_LENGTH
        assert value.isprintable()


def assert_cut_tells_less(service: str, reply: bytes) -> None:
    """Cut at any length, a reply tells some of what it tells whole, that it is cut, and nothing else.

    Where only padding is cut off it tells all.
    """
    whole = told(service, reply)
    assert "malformed" not in dict(whole)
    for length in range(len(reply)):
        facts = told(service, reply[:length])
        if facts == whole:
            continue
        kind, reason = facts.pop()
        assert kind == "malformed", length
        assert reason == f"ends early, after {length} octets"
        assert set(facts) <= set(whole), length


def dns_name(*labels: str | bytes) -> bytes:
    """A name as on the wire, RFC 1035 section 3.1."""
    octets = [label.encode() if isinstance(label, str) else label for label in labels]
    return b"".join(bytes([len(label)]) + label for label in octets) + b"\0"


def dns_record(name: bytes, rrtype: int, rdata: bytes, *, rrclass: int = 1, ttl: int = 120) -> bytes:
    """A resource record, RFC 1035 section 4.1.3."""
    return name + struct.pack("!HHIH", rrtype, rrclass, ttl, len(rdata)) + rdata


def dns_message(flags: int, *records: bytes, questions: tuple[bytes, ...] = ()) -> bytes:
    """A message with all of its records in the answer section."""
    header = struct.pack("!6H", 0x1234, flags, len(questions), len(records), 0, 0)
    return header + b"".join(questions) + b"".join(records)
