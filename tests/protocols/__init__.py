"""What the tests of the protocols share: a payload in, what the module makes of it out.

The match function of a protocol has its tests in `test_NAME.py`, the decoder in `test_NAME_decode.py`. Every one of the
former has `SAMPLES`: a payload for every kind of message that the module names.
"""

import struct
from dataclasses import dataclass

from capanalyze.core import core
from capanalyze.disclosures import MAX_FACTS, MAX_LENGTH, disclose
from capanalyze.packets.message import (
    ALSO_REPLY,
    ANNOUNCEMENT,
    ANNOUNCES,
    COMPARED,
    FLOW,
    INTERIM,
    KIND,
    MALFORMED,
    MAX_KEYS,
    OTHER,
    REPLY,
    REQUEST,
    RESET,
    ROLES,
    SPOKE,
    UNANSWERABLE,
    WEAK,
)
from capanalyze.protocols._protocol import Protocol

ROLE_NAMES = {
    OTHER: "other",
    REQUEST: "request",
    REPLY: "reply",
    ANNOUNCEMENT: "announcement",
    MALFORMED: "malformed",
    FLOW: "flow",
    SPOKE: "spoke",
    RESET: "reset",
}
FLAG_NAMES = {
    WEAK: "weak",
    UNANSWERABLE: "unanswerable",
    INTERIM: "interim",
    ANNOUNCES: "announces",
    ALSO_REPLY: "also reply",
    COMPARED: "compared",
}
BEFORE, BEHIND = b"\xff\xfe\xfd", b"\xfc\xfb"  # what lies around a payload in a capture


class Window:
    """Octets of a capture of which only one message may be read."""

    def __init__(self, payload: bytes) -> None:
        self._octets = BEFORE + payload + BEHIND
        self.start = len(BEFORE)
        self.end = self.start + len(payload)

    def __getitem__(self, at: int) -> int:
        assert self.start <= at < self.end, f"octet {at - self.start} of {self.end - self.start} was read"
        return self._octets[at]


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


def hear(protocol: Protocol, payload: bytes, size: int | None = None) -> Heard:
    """Let a module look at one message, of which `size` octets were sent; reading outside of it fails."""
    window = Window(payload)
    keys = [0] * (MAX_KEYS + 1)
    sent = len(payload) if size is None else size
    answer = protocol.match(window, window.start, window.end, sent, keys)
    flags = answer % KIND - answer % ROLES
    heard = Heard(
        role=ROLE_NAMES[answer % ROLES],
        kind=protocol.kind(answer // KIND),
        flags=frozenset(name for flag, name in FLAG_NAMES.items() if flags & flag),
        keys=tuple(keys[1 : keys[0] + 1]),
    )
    assert_core_says_the_same(protocol, payload, sent, heard)
    return heard


# Match keys are hashes, and the core's are others: but each of the one is always the same one of the other.
TWINS: dict[tuple[str, int], int] = {}
TWINS_BACK: dict[tuple[str, int], int] = {}


def assert_core_says_the_same(protocol: Protocol, payload: bytes, sent: int, heard: Heard) -> None:
    """The compiled match function says the same of a message."""
    role, kind, flags, keys = core.match(protocol.name, payload, sent)
    if protocol.name == "natpmp" and maps_any_udp_port(payload):
        return
    assert (role, protocol.kind(kind), flags) == (heard.role, heard.kind, heard.flags)
    if role == "other":  # whose keys nobody reads: ICMP and TCP in Python count one that they never set
        return
    assert len(keys) == len(heard.keys)
    for key, twin in zip(heard.keys, keys, strict=True):
        assert TWINS.setdefault((protocol.name, key), twin) == twin
        assert TWINS_BACK.setdefault((protocol.name, twin), key) == key


def maps_any_udp_port(payload: bytes) -> bool:
    """Whether the internal port of a mapping of UDP is 0 (NAT-PMP): in Python its key is 0, as if the port were cut."""
    return (payload[:2] == b"\0\1" and payload[4:6] == b"\0\0") or (
        payload[:2] == b"\0\x81" and payload[8:10] == b"\0\0"
    )


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
