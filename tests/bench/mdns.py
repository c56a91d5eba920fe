"""mDNS exchanges, RFC 6762: questions for a unicast answer, and those of plain resolvers from another port."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tests.bench.exchanges import begin
from tests.bench.frames import PAYLOAD, Layout, answered, asked
from tests.build import dns_message, dns_name, question, record

if TYPE_CHECKING:
    from tests.bench.dice import Dice, Numbers
    from tests.bench.frames import Group

PORT = 5353
A, PTR, TXT, SRV = 1, 12, 16, 33
INTERNET, TOP_BIT = 1, 0x8000  # of the class: QU in a question, cache flush in a record (sections 5.4 and 10.2)
RESPONSE = 0x8400
FIRST_NAME = b"\xc0\x0c"  # points to the name behind the header
UNICAST = 0.4  # of the requests; the others come from a port that is not 5353 (section 6.7)
SHORTEST, STEP = 100, 20  # of a reply's payload, by service
INSTANCES = 16
SERVICES = (
    "_ipp._tcp",
    "_ssh._tcp",
    "_smb._tcp",
    "_http._tcp",
    "_raop._tcp",
    "_airplay._tcp",
    "_printer._tcp",
    "_sftp-ssh._tcp",
    "_afpovertcp._tcp",
    "_device-info._tcp",
    "_workstation._tcp",
    "_googlecast._tcp",
    "_companion-link._tcp",
    "_spotify-connect._tcp",
    "_sleep-proxy._udp",
    "_net-assistant._udp",
)
QUESTIONS = len(SERVICES) * INSTANCES  # a power of two, as Dice.askers wants it


@dataclass(frozen=True)
class Asked:
    """A question, and the data of its answer."""

    name: str
    kind: int
    data: bytes
    shared: bool = False


def strings(size: int) -> bytes:
    """A TXT record's data of this size."""
    text = b"note=second floor, by the window; paper=A4; duplex=T; color=T; " * 8
    parts = []
    while size:
        part = min(size, 200) - 1
        parts.append(bytes([part]) + text[:part])
        size -= part + 1
    return b"".join(parts)


def ask(service: int, instance: int) -> Asked:
    """One of the questions to a service; those with its other instances have the same length."""
    label = SERVICES[service]
    full = f"Office-{instance:02}.{label}.local"
    host = f"office-mac-{instance:02}-{service:02}.local"
    kinds = (
        Asked(f"_floor{instance:02}._sub.{label}.local", PTR, dns_name(full), shared=True),
        Asked(full, SRV, struct.pack(">3H", 0, 0, 631) + dns_name(host)),
        Asked(full, TXT, strings(30)),
        Asked(host, A, bytes([192, 0, 2, 10])),
    )
    return kinds[service % len(kinds)]


def request(one: Asked, *, unicast: bool) -> bytes:
    """The question alone."""
    return dns_message(0, 0, [question(one.name, one.kind, INTERNET | (TOP_BIT if unicast else 0))])


def reply(one: Asked, size: int, *, unicast: bool) -> bytes:
    """Its answer, and a TXT record that makes the reply so long if it is shorter by 13 octets and more."""
    if unicast:
        klass = INTERNET | (0 if one.shared else TOP_BIT)
        questions, ttl = [], 120
        answers = [record(one.name, one.kind, klass, ttl=ttl, data=one.data)]
    else:  # section 6.7: the question is repeated, no cache flush bit, at most ten seconds
        klass, ttl = INTERNET, 10
        questions = [question(one.name, one.kind)]
        answers = [record(FIRST_NAME, one.kind, klass, ttl=ttl, data=one.data)]
    room = size - len(dns_message(0, RESPONSE, questions, answers)) - len(record(FIRST_NAME, TXT, data=b""))
    more = [record(FIRST_NAME, TXT, klass, ttl=ttl, data=strings(room))] if room > 0 else []
    return dns_message(0, RESPONSE, questions, answers, [], more)


def layouts(service: int) -> tuple[Layout, Layout]:
    """Requests and replies of a service: for a unicast answer first, then those of plain resolvers."""
    asks = [ask(service, instance) for instance in range(INSTANCES)]
    both = [(one, unicast) for unicast in (True, False) for one in asks]
    size = max(SHORTEST + STEP * service, *(len(reply(one, 0, unicast=way)) + 13 for one, way in both))
    places = {"id": (PAYLOAD, ">u2")}
    return (
        Layout([asked(PORT, request(one, unicast=way)) for one, way in both], places),
        Layout([answered(PORT, reply(one, size, unicast=way)) for one, way in both], places),
    )


LAYOUTS = [layouts(service) for service in range(len(SERVICES))]


def exchanges(dice: Dice, times: Numbers) -> list[Group]:
    """Exchanges that begin at these times: no client's port has the same question open twice."""
    count = len(times)
    numbers = dice.numbers(count)
    client, port = dice.clients(numbers)
    asked_for = numbers * 77 % QUESTIONS
    ident = numbers * 40503 & 0xFFFF
    unicast = np.flatnonzero(dice.chance(UNICAST, count))
    client[unicast], asked_for[unicast] = dice.askers(len(unicast), QUESTIONS)
    port[unicast], ident[unicast] = PORT, 0
    batch = begin(dice, "mdns", times, numbers, client, port)
    service, which = np.divmod(asked_for, INSTANCES)
    which += np.where(port == PORT, 0, INSTANCES)
    groups = []
    of_request, of_reply = service[batch.requests.of], service[batch.replies.of]
    for number, (requests, replies) in enumerate(LAYOUTS):
        groups.append(batch.asking(dice, requests, batch.requests.only(of_request == number), which, id=ident))
        groups.append(batch.answering(dice, replies, batch.replies.only(of_reply == number), which, id=ident))
    return groups
