"""The kinds of captures: of what they are made, in which shares, at what pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tests.bench import chamber, mdns, nbns, ntp, others
from tests.bench.exchanges import FRAMES
from tests.bench.streams import ACKED, Connections, Datagrams, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.dice import Dice, Numbers
    from tests.bench.frames import Group

Maker: TypeAlias = "Callable[[Dice, Numbers], list[Group]]"


@dataclass(frozen=True)
class Part:
    """What makes conversations that begin at given times; its share of all frames, and frames of one conversation."""

    share: float
    frames: float
    make: Maker


@dataclass(frozen=True)
class Kind:
    """A kind of capture: frames a second, octets of a conversation (about), its parts for a capture of this size."""

    rate: int
    octets: int
    parts: Callable[[Dice, int], tuple[Part, ...]]


def flood(_dice: Dice, _size: int) -> tuple[Part, ...]:
    """Every frame a request or a reply of a service that the target serves."""
    return (
        Part(20, FRAMES, ntp.exchanges),
        Part(30, FRAMES, nbns.exchanges),
        Part(50, FRAMES, mdns.exchanges),
    )


def small(_dice: Dice, _size: int) -> tuple[Part, ...]:
    """Short packets, mixed."""
    return (
        Part(20, 1 + others.REFUSED, others.scan),
        Part(2, FRAMES, ntp.exchanges),
        Part(2, FRAMES, nbns.exchanges),
        Part(2, FRAMES, mdns.exchanges),
        Part(10, 2, others.lookups),
        Part(20, 2 - others.SILENT, others.syns),
        Part(30, 1, others.segments),
        Part(8, 2, others.echoes),
        Part(3, 2, others.arps),
        Part(3, 1, others.strange),
    )


def bulk(dice: Dice, size: int) -> tuple[Part, ...]:
    """Mostly full segments of long connections."""
    store = Store(dice)
    data = 1 + 1 / ACKED
    return (
        Part(75 * data, data, Connections(dice, store, size // 2000)),
        Part(10, 1, Datagrams(dice, store)),
        Part(0.6, FRAMES, ntp.exchanges),
        Part(0.6, FRAMES, nbns.exchanges),
        Part(0.6, FRAMES, mdns.exchanges),
        Part(1.2, 2, others.lookups),
        Part(1, 2, others.closed),
        Part(1, 2, others.echoes),
        Part(0.625, 2, others.arps),
    )


def unanswered(_dice: Dice, _size: int) -> tuple[Part, ...]:
    """Requests that nobody answers, so fast that all of them are open at once."""
    return (Part(1, 1, ntp.unanswered),)


def echo_chamber(_dice: Dice, _size: int) -> tuple[Part, ...]:
    """All hosts of a network ask one question, and some of what they ask is answered to all of them."""
    return (Part(1, chamber.FRAMES, chamber.questions),)


KINDS = {
    "bulk": Kind(100_000, 1350, bulk),
    "small": Kind(25_000, 170, small),
    "flood": Kind(20_000, 360, flood),
    "unanswered": Kind(4_000_000, 106, unanswered),
    "echo-chamber": Kind(140_000, 90, echo_chamber),
}
