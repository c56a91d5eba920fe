"""NTP exchanges, RFC 5905: a client's request in mode 3, the server's reply in mode 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.bench.dice import PORTS
from tests.bench.exchanges import begin
from tests.bench.frames import PAYLOAD, Group, Layout, answered, asked
from tests.build import START, ntp

if TYPE_CHECKING:
    from tests.bench.dice import Dice, Numbers

PORT = 123
ERA = START + 2_208_988_800  # seconds since 1900
SPREAD = 0x9E3779B1  # odd: no two numbers below 2^32 get the same fraction

PLACES = {
    "reference": (PAYLOAD + 16, ">u8"),
    "origin": (PAYLOAD + 24, ">u8"),
    "receive": (PAYLOAD + 32, ">u8"),
    "transmit": (PAYLOAD + 40, ">u8"),
}
# A client says little of itself (the first three) or what its last exchange left it with, as ntpd does.
SIMPLE = 3
REQUESTS = Layout(
    [
        asked(PORT, ntp(3, stratum=0, leap=0)),
        asked(PORT, ntp(3, stratum=0, leap=3)),
        asked(PORT, b"\x23" + bytes(47)),
        asked(PORT, ntp(3, stratum=3)),
    ],
    PLACES,
)
REPLIES = Layout([answered(PORT, ntp(4, stratum=stratum)) for stratum in (1, 2, 2, 3)], PLACES)


def stamps(times: Numbers, numbers: Numbers) -> Numbers:
    """Timestamps of these seconds, each with a fraction of its own (as int64 that numpy reads as uint64)."""
    return (times // 1_000_000 + ERA) << 32 | (numbers * SPREAD & 0xFFFFFFFF)


def clock(times: Numbers) -> Numbers:
    """Timestamps of these microseconds."""
    return (times // 1_000_000 + ERA) << 32 | (times % 1_000_000 * 4295 & 0xFFFFFFFF)


def exchanges(dice: Dice, times: Numbers) -> list[Group]:
    """Exchanges that begin at these times, each with a transmit timestamp of its own."""
    numbers = dice.numbers(len(times))
    client, port = dice.clients(numbers)
    batch = begin(dice, "ntp", times, numbers, client, port)
    which = dice.below(4, len(times))
    transmit = stamps(times, numbers)
    known = which >= SIMPLE
    origin = np.where(known, transmit - (64 << 32), 0)
    receive = np.where(known, stamps(times, ~numbers) - (64 << 32), 0)
    asking = batch.asking(dice, REQUESTS, batch.requests, which, origin=origin, receive=receive, transmit=transmit)
    heard = clock(times)
    answering = batch.answering(
        dice,
        REPLIES,
        batch.replies,
        which,
        reference=heard - (17 << 32),
        origin=transmit,
        receive=heard,
        transmit=heard + (20 << 12),
    )
    return [asking, answering]


def unanswered(dice: Dice, times: Numbers) -> list[Group]:
    """Requests that nobody answers, each from another address (of 10.0.0.0/8) and port."""
    count = len(times)
    numbers = dice.numbers(count)
    client = (10 << 24) + numbers * SPREAD % (1 << 24)
    port = PORTS[numbers * 7919 % len(PORTS)]
    dice.tell("ntp", client, port)
    dice.told.unanswered += count
    rows = REQUESTS.frames(
        count, source=client, sport=port, ident=dice.below(65536, count), transmit=stamps(times, numbers)
    )
    return [Group(times, rows, numbers)]
