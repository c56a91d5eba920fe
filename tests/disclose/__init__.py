"""What the tests of the decoders share: facts as pairs, and what must hold of any reply however damaged."""

import struct

from capanalyze.disclosures import MAX_FACTS, MAX_LENGTH, disclose

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
