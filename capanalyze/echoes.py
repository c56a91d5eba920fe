"""What a reply tells beyond its request: facts that the request did not already hold.

A name that the request asked for, and that the reply owns up to, is confirmed and no more. What a reply repeats
whatever the answer is (a version, a realm) tells nothing.
"""

from __future__ import annotations

import re

from capanalyze.disclosures import disclose
from capanalyze.escape import printable
from capanalyze.model import Disclosure

MAX_LENGTH = 200
ENDS_EARLY = "ends early"

# Fields that a service copies from the request: RFC 5905 section 9.2 (fast_xmit), RFC 9327 section 2, RFC 3416
# section 4.2.1, RFC 6886 section 3.5.
COPIED = {"ntp": "version", "ntp-control": "ntp-control", "snmp": "version", "natpmp": "version"}
# And one that is right where it comes back.
PROVED = {"snmp": "community"}
# Texts that ask for something; what answers to them is there.
ASKED_FOR = {
    "attribute", "answer", "domain", "endpoint", "forest", "host-name", "instance", "key", "name", "netbios-domain",
    "netbios-name", "option", "principal", "resource", "search-target", "service",
}  # fmt: skip
# Texts that a server repeats in a refusal too.
REPEATED = {"realm", "server-name"}
NETBIOS_NAME = re.compile(r"(.{1,15})<([0-9a-f]{2})>")


def told_beyond(service: str, reply: bytes, request: bytes | None) -> list[Disclosure]:
    """The facts in a reply's payload that its request did not hold; all of them where the request is not known."""
    facts = [one for one in disclose(service, reply) if not is_cut(one)]
    if request is None:
        return facts
    return [one for fact in facts if fact.kind != COPIED.get(service) for one in beyond(service, fact, request)]


def beyond(service: str, fact: Disclosure, request: bytes) -> list[Disclosure]:
    """A fact as far as it is one: none where the request's own words come back."""
    if fact.kind in REPEATED:
        return [] if all(holds(request, part) for part in fact.value.split("/")) else [fact]
    is_known = fact.kind == PROVED.get(service) or (fact.kind in ASKED_FOR and holds(request, fact.value))
    return [confirmed(fact)] if is_known else [fact]


def confirmed(fact: Disclosure) -> Disclosure:
    """What a fact says that the asker had named."""
    return Disclosure(kind="confirmed", value=printable(f"{fact.kind} {fact.value}", MAX_LENGTH))


def is_cut(fact: Disclosure) -> bool:
    """Whether it only says that a reply ends early: that is told of the capture, and nobody learnt anything."""
    return fact.kind == "malformed" and fact.value.startswith(ENDS_EARLY)


def holds(request: bytes, value: str) -> bool:
    """Whether a request's payload has a text: as it is, as labels (RFC 1035 section 3.1), as a NetBIOS name."""
    lower, text = request.lower(), value.lower()
    labels = b"".join(bytes([len(label) & 255]) + label.encode() for label in text.rstrip(".").split("."))
    if text.encode() in lower or text.replace("=", "\0").encode() in lower or labels in lower:
        return True
    name = NETBIOS_NAME.match(value)
    return name is not None and encoded(name[1], int(name[2], 16)) in request.upper()


def encoded(name: str, suffix: int) -> bytes:
    """A NetBIOS name and its suffix in half octets, RFC 1001 section 14.1."""
    octets = name.upper().ljust(15).encode("latin-1", "replace") + bytes([suffix])
    return b"".join(bytes([65 + octet // 16, 65 + octet % 16]) for octet in octets)
