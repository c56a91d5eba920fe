"""NetBIOS name service exchanges, RFC 1002: node status and name queries, and the positive responses to them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.bench.exchanges import begin
from tests.bench.frames import PAYLOAD, Layout, answered, asked

if TYPE_CHECKING:
    from tests.bench.dice import Dice, Numbers
    from tests.bench.frames import Group

PORT = 137
NAME, NODE_STATUS = 0x20, 0x21
HOSTS = 64
STATUS = 0.7  # of the requests; the others ask for a name
TABLES = (5, 6, 7, 8)  # names in a node status response
SUFFIXES = (0x00, 0x20, 0x00, 0x1C, 0x1E, 0x1D, 0x1B, 0x03)
PLACES = {"id": (PAYLOAD, ">u2")}


def encoded(name: bytes) -> bytes:
    """A name of sixteen octets, a letter for every half of an octet (RFC 1001 section 14.1)."""
    letters = bytes(65 + half for octet in name for half in divmod(octet, 16))
    return bytes([len(letters)]) + letters + b"\0"


def host(number: int) -> bytes:
    """A host's name, without its suffix."""
    return f"OFFICE-MAC-{number:02}".encode().ljust(15)


def query(name: bytes, kind: int) -> bytes:
    """A request, section 4.2.12 and 4.2.17."""
    return struct.pack(">6H", 0, 0, 1, 0, 0, 0) + encoded(name) + struct.pack(">2H", kind, 1)


def response(name: bytes, kind: int, data: bytes) -> bytes:
    """A positive response, section 4.2.13 and 4.2.18."""
    record = struct.pack(">2HIH", kind, 1, 0 if kind == NODE_STATUS else 300_000, len(data))
    return struct.pack(">6H", 0, 0x8400, 0, 1, 0, 0) + encoded(name) + record + data


def table(number: int, size: int) -> bytes:
    """The names that a host has, and its statistics (here: its MAC address and zeros)."""
    names = b"".join(host(number) + bytes([suffix]) + b"\x04\0" for suffix in SUFFIXES[:size])
    return bytes([size]) + names + bytes.fromhex("020000000001") + bytes(40)


ANY_NAME = b"*" + bytes(15)
REQUESTS = Layout(
    [asked(PORT, query(host(number) + b"\x20", NAME)) for number in range(HOSTS)]
    + [asked(PORT, query(ANY_NAME, NODE_STATUS))],
    PLACES,
)
ADDRESS = struct.pack(">H4B", 0, 192, 0, 2, 10)
NAMES = Layout([answered(PORT, response(host(number) + b"\x20", NAME, ADDRESS)) for number in range(HOSTS)], PLACES)
STATUSES = [
    Layout([answered(PORT, response(ANY_NAME, NODE_STATUS, table(number, size))) for number in range(HOSTS)], PLACES)
    for size in TABLES
]


def exchanges(dice: Dice, times: Numbers) -> list[Group]:
    """Exchanges that begin at these times; those of one client's port differ by their ids."""
    count = len(times)
    numbers = dice.numbers(count)
    client, port = dice.clients(numbers)
    batch = begin(dice, "nbns", times, numbers, client, port)
    ident = numbers * 40503 & 0xFFFF
    status = dice.chance(STATUS, count)
    named = dice.below(HOSTS, count)
    which = named.copy()
    which[status] = HOSTS
    groups = [batch.asking(dice, REQUESTS, batch.requests, which, id=ident)]
    replies = batch.replies
    of_status = status[replies.of]
    groups.append(batch.answering(dice, NAMES, replies.only(~of_status), named, id=ident))
    for number, layout in enumerate(STATUSES):
        chosen = replies.only(of_status & (named[replies.of] % len(TABLES) == number))
        groups.append(batch.answering(dice, layout, chosen, named, id=ident))
    return groups
