"""A little of everything else: DNS, scans of UDP and TCP ports, short segments, ICMP echo, ARP, other protocols."""

from __future__ import annotations

import itertools
import random
import struct
from typing import TYPE_CHECKING

import numpy as np

from tests.bench.dice import ADDRESSES, PORTS
from tests.bench.frames import (
    ANYONE,
    MAC_ROUTER,
    MAC_TARGET,
    PAYLOAD,
    SPORT,
    TARGET,
    Group,
    Layout,
    asked,
    checksum,
    from_anyone,
    inbound,
    outbound,
    to_anyone,
    word_sum,
)
from tests.build import datagram, dns_message, ethernet, icmp, ipv4, question, record, udp

if TYPE_CHECKING:
    from tests.bench.dice import Dice, Numbers
    from tests.bench.frames import Octets

TCP, UDP, ICMP = 6, 17, 1
UNREACHABLE, PORT_UNREACHABLE, ECHO, ECHO_REPLY = 3, 3, 8, 0
HTTPS = 443
SERVED = (22, 80, HTTPS)
SCANNED = np.setdiff1d(np.arange(1, 65536, dtype=np.int64), (123, 137, 5353))
SYN_FLAG, RST_FLAG, PUSH_FLAG, ACK_FLAG = 0x02, 0x04, 0x08, 0x10
OPTIONS = bytes.fromhex("020405b40402080a00000001000000000103030a")  # MSS, SACK, timestamps, window scale
STAMP = bytes.fromhex("0101080a") + bytes(8)

SEQ, ACK = SPORT + 4, SPORT + 8
TCP_PLACES = {"seq": (SEQ, ">u4"), "ack": (ACK, ">u4"), "stamp": (SPORT + 24, ">u4")}
REFUSED = 0.02  # of the scanned UDP ports; the target's kernel limits how often it says so
SILENT, OPEN = 0.3, 0.4  # of the scanned TCP ports; the others are closed

_octets = random.Random(1).randbytes  # what stands in payloads that no one reads


def segment(flags: int, options: bytes = b"", payload: bytes = b"", *, sport: int = 0, dport: int = 0) -> bytes:
    """A TCP segment with these flags; sequence numbers are filled in later."""
    size = (5 + len(options) // 4) << 4
    return struct.pack(">2H2I2B3H", sport, dport, 0, 0, size, flags, 65535, 0, 0) + options + payload


def strangers(dice: Dice, count: int) -> tuple[Numbers, Numbers]:
    """Clients by chance."""
    return ADDRESSES[dice.below(len(ADDRESSES), count)], PORTS[dice.below(len(PORTS), count)]


def idents(dice: Dice, times: Numbers) -> Numbers:
    """An IP identification for each."""
    return dice.below(65536, len(times))


# UDP to ports where nothing listens

SCAN_SIZES = (18, 24, 32, 44, 60, 84, 116, 158)
SCANS = [Layout([asked(0, _octets(size)) for _ in range(16)]) for size in SCAN_SIZES]
QUOTE = PAYLOAD  # behind the ICMP header stands the IP header of what is refused
QUOTED = ipv4(ANYONE, TARGET, UDP, udp(0, 0), ident=0)
QUOTED_SUM = word_sum(QUOTED[:20]) - len(QUOTED)
UNREACHABLES = Layout(
    [to_anyone(ICMP, icmp(UNREACHABLE, PORT_UNREACHABLE, payload=QUOTED))],
    {
        "sum": (SPORT + 2, ">u2"),
        "quoted_checksum": (QUOTE + 10, ">u2"),
        "quoted_size": (QUOTE + 2, ">u2"),
        "quoted_source": (QUOTE + 12, ">u4"),
        "quoted_ident": (QUOTE + 4, ">u2"),
        "quoted_sport": (QUOTE + 20, ">u2"),
        "quoted_dport": (QUOTE + 22, ">u2"),
        "quoted_length": (QUOTE + 24, ">u2"),
    },
)


def scan(dice: Dice, times: Numbers) -> list[Group]:
    """Datagrams to any port of the target; a few are refused."""
    size = dice.below(len(SCANS), len(times))
    groups = []
    for number, layout in enumerate(SCANS):
        when = times[size == number]
        client, port = strangers(dice, len(when))
        to, ident = SCANNED[dice.below(len(SCANNED), len(when))], idents(dice, when)
        rows = layout.frames(len(when), dice.below(16, len(when)), source=client, sport=port, dport=to, ident=ident)
        groups.append(Group(when, rows))
        refused = dice.chance(REFUSED, len(when))
        late = when[refused] + dice.between(20, 200, int(np.count_nonzero(refused)))
        quoted = (client[refused], ident[refused], port[refused], to[refused])
        groups.append(Group(late, unreachable(dice, SCAN_SIZES[number], *quoted)))
    return groups


def unreachable(dice: Dice, size: int, client: Numbers, ident: Numbers, port: Numbers, to: Numbers) -> Octets:
    """Refusals of datagrams of this payload's size, all checksums right (a header with its own sums up to nothing)."""
    quoted = QUOTED_SUM + 28 + size + ident + (client >> 16) + (client & 0xFFFF)
    return UNREACHABLES.frames(
        len(client),
        destination=client,
        ident=dice.below(65536, len(client)),
        sum=checksum((UNREACHABLE << 8) + PORT_UNREACHABLE + port + to + 8 + size),
        quoted_checksum=checksum(quoted),
        quoted_source=client,
        quoted_ident=ident,
        quoted_sport=port,
        quoted_dport=to,
        quoted_size=28 + size,
        quoted_length=8 + size,
    )


# TCP without data

SYNS = Layout([from_anyone(TCP, segment(SYN_FLAG, OPTIONS))], TCP_PLACES)
ACCEPTS = Layout([to_anyone(TCP, segment(SYN_FLAG | ACK_FLAG, OPTIONS))], TCP_PLACES)
RESETS = Layout([to_anyone(TCP, segment(RST_FLAG | ACK_FLAG))], TCP_PLACES)


def syns(dice: Dice, times: Numbers) -> list[Group]:
    """Attempts to connect: accepted on open ports, refused on closed ones, or met with silence."""
    count = len(times)
    outcome = dice.choose((SILENT, OPEN, 1 - SILENT - OPEN), count)
    client, port = strangers(dice, count)
    to = np.where(outcome == 1, np.array(SERVED)[dice.below(len(SERVED), count)], dice.between(1024, 9999, count))
    seq = dice.below(1 << 32, count)
    rows = SYNS.frames(count, source=client, sport=port, dport=to, seq=seq, ident=idents(dice, times))
    groups = [Group(times, rows)]
    for number, layout in ((1, ACCEPTS), (2, RESETS)):
        chosen = outcome == number
        late = times[chosen] + dice.between(20, 300, int(np.count_nonzero(chosen)))
        rows = layout.frames(
            len(late),
            destination=client[chosen],
            dport=port[chosen],
            sport=to[chosen],
            seq=dice.below(1 << 32, len(late)) if number == 1 else 0,
            ack=(seq[chosen] + 1) & 0xFFFFFFFF,
            ident=idents(dice, late),
        )
        groups.append(Group(late, rows))
    return groups


def closed(dice: Dice, times: Numbers) -> list[Group]:
    """Attempts to connect to closed ports, all of them refused."""
    client, port = strangers(dice, len(times))
    to, seq = dice.between(1024, 9999, len(times)), dice.below(1 << 32, len(times))
    late = times + dice.between(20, 300, len(times))
    asks = SYNS.frames(len(times), source=client, sport=port, dport=to, seq=seq, ident=idents(dice, times))
    refusals = RESETS.frames(
        len(times),
        destination=client,
        dport=port,
        sport=to,
        ack=(seq + 1) & 0xFFFFFFFF,
        ident=idents(dice, times),
    )
    return [Group(times, asks), Group(late, refusals)]


SEGMENT_SIZES = (0, 0, 8, 32, 64, 120)
SEGMENTS = [segment(ACK_FLAG | (PUSH_FLAG if size else 0), STAMP, _octets(size)) for size in SEGMENT_SIZES]
SEGMENTS_IN = [Layout([from_anyone(TCP, one)], TCP_PLACES) for one in SEGMENTS]
SEGMENTS_OUT = [Layout([to_anyone(TCP, one)], TCP_PLACES) for one in SEGMENTS]


def segments(dice: Dice, times: Numbers) -> list[Group]:
    """Acknowledgements and short data of connections that began before the capture."""
    kind = dice.below(2 * len(SEGMENTS), len(times))
    groups = []
    for number, layout in enumerate((*SEGMENTS_IN, *SEGMENTS_OUT)):
        when = times[kind == number]
        client, port = strangers(dice, len(when))
        fields = {"seq": dice.below(1 << 32, len(when)), "ack": dice.below(1 << 32, len(when)), "stamp": when // 1000}
        if number < len(SEGMENTS):
            fields |= {"source": client, "sport": port, "dport": np.full(len(when), HTTPS)}
        else:
            fields |= {"destination": client, "dport": port, "sport": np.full(len(when), HTTPS)}
        groups.append(Group(when, layout.frames(len(when), ident=idents(dice, when), **fields)))
    return groups


# ICMP echo

ECHO_DATA = _octets(56)
ECHO_PLACES = {"sum": (SPORT + 2, ">u2"), "id": (SPORT + 4, ">u2"), "sequence": (SPORT + 6, ">u2")}
ECHOES = Layout([from_anyone(ICMP, icmp(ECHO, payload=ECHO_DATA))], ECHO_PLACES)
ECHO_REPLIES = Layout([to_anyone(ICMP, icmp(ECHO_REPLY, payload=ECHO_DATA))], ECHO_PLACES)


def echoes(dice: Dice, times: Numbers) -> list[Group]:
    """Echo requests, all of them answered."""
    count = len(times)
    client, _ = strangers(dice, count)
    ident, sequence = dice.below(65536, count), dice.below(1000, count)
    late = times + dice.between(20, 500, count)
    total = ident + sequence + word_sum(ECHO_DATA)
    fields = {"id": ident, "sequence": sequence}
    return [
        Group(
            times,
            ECHOES.frames(count, source=client, ident=idents(dice, times), sum=checksum(total + (ECHO << 8)), **fields),
        ),
        Group(
            late,
            ECHO_REPLIES.frames(count, destination=client, ident=idents(dice, late), sum=checksum(total), **fields),
        ),
    ]


# The target's own questions

RESOLVER = "203.0.113.53"
NAMES = [f"www{number:02}.example.com" for number in range(50)]
DNS_PLACES = {"id": (PAYLOAD, ">u2")}
QUERIES = Layout(
    [outbound(datagram(TARGET, 0, RESOLVER, 53, dns_message(0, 0x0100, [question(name)]))) for name in NAMES],
    DNS_PLACES,
)
ANSWERS = Layout(
    [
        inbound(datagram(RESOLVER, 53, TARGET, 0, dns_message(0, 0x8180, [question(name)], [record(b"\xc0\x0c")])))
        for name in NAMES
    ],
    DNS_PLACES,
)


def lookups(dice: Dice, times: Numbers) -> list[Group]:
    """The target asks its resolver, and is answered."""
    count = len(times)
    port, ident, name = PORTS[dice.below(len(PORTS), count)], dice.below(65536, count), dice.below(len(NAMES), count)
    late = times + dice.between(200, 20_000, count)
    return [
        Group(times, QUERIES.frames(count, name, sport=port, id=ident, ident=idents(dice, times))),
        Group(late, ANSWERS.frames(count, name, dport=port, id=ident, ident=idents(dice, late))),
    ]


# What is no datagram and no segment

ARP_BODY = (
    struct.pack(">2H2BH", 1, 0x0800, 6, 4, 1) + MAC_ROUTER + bytes([192, 0, 2, 1]) + bytes(6) + bytes([192, 0, 2, 10])
)
ARP_REPLY = (
    struct.pack(">2H2BH", 1, 0x0800, 6, 4, 2) + MAC_TARGET + bytes([192, 0, 2, 10]) + MAC_ROUTER + bytes([192, 0, 2, 1])
)
ARPS = [
    Layout([ethernet(ARP_BODY + bytes(18), 0x0806, MAC_ROUTER, b"\xff" * 6)]),
    Layout([ethernet(ARP_REPLY + bytes(18), 0x0806, MAC_TARGET, MAC_ROUTER)]),
]


def arps(_dice: Dice, times: Numbers) -> list[Group]:
    """The router asks who has the target's address."""
    return [Group(when, layout.frames(len(when))) for layout, when in zip(ARPS, (times, times + 60), strict=True)]


FOREIGN = (50, 115, 253, 254)  # ESP, L2TP and those for experiments (RFC 3692)
STRANGE = [
    Layout([wrap(protocol, _octets(size)) for protocol in FOREIGN])
    for wrap, size in itertools.product((from_anyone, to_anyone), (40, 88, 136))
]


def strange(dice: Dice, times: Numbers) -> list[Group]:
    """Packets of other IP protocols, to the target and from it."""
    kind = dice.below(len(STRANGE), len(times))
    groups = []
    for number, layout in enumerate(STRANGE):
        when = times[kind == number]
        client, _ = strangers(dice, len(when))
        end = {"source" if number < len(STRANGE) // 2 else "destination": client}
        rows = layout.frames(len(when), dice.below(len(FOREIGN), len(when)), ident=idents(dice, when), **end)
        groups.append(Group(when, rows))
    return groups
