"""A settled exchange in words, and what judging needs to know of it besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.exchanges.batch import exchange_of
from capanalyze.exchanges.reach import reach_of
from capanalyze.exchanges.row import (
    CAPTURE,
    CLOCK,
    ECHOED,
    FLAGS,
    GROUP,
    KIND,
    MODULE,
    NARROW,
    PLACE,
    REPLY_AT,
    REPLY_CAPTURED,
    REPLY_FRAME,
    REPLY_OCTETS,
    REQUEST,
    REQUEST_OCTETS,
    RETRANSMISSIONS,
    UNPROVEN,
    VARIANT,
    WIDE,
)
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.model import Exchange


class Payload(NamedTuple):
    """Where a reply's payload is: capture, frame, offset and length in it."""

    capture: str
    frame: int
    offset: int
    length: int


@dataclass(slots=True, eq=False)
class Pair:
    """An exchange, and what pairing knows of it besides.

    Attributes:
        interface: label of the interface that it came by.
        clock: that of the first request, nanoseconds.
        kind: what is alike enough to be compared over time.
        unproven: whether it is silent, and that proves nothing.
        reply_payload: where the first reply's payload is.
        echoed: whether that repeats the request.
        asked: the kind of request, where the service's own module says it: its number and its words.
        reach: where it came from, see `exchanges.reach`.
        variant: what requests of a kind must agree in to be compared, a hash.
    """

    exchange: Exchange
    interface: str
    clock: int
    kind: str
    unproven: bool
    retransmissions: int
    reply_payload: Payload | None
    echoed: bool
    asked: tuple[int, str] | None = None
    reach: int = 0
    variant: int = 0


def pairs_of(batch: Batch, names: Names) -> Iterator[Pair]:
    """The rows of a batch in words."""
    for number in range(batch.count):
        yield pair_of(batch, number, names)


def pair_of(batch: Batch, number: int, names: Names) -> Pair:
    """Row `number` of a batch in words."""
    w, n = number * WIDE, number * NARROW
    wide, narrow = batch.wide, batch.narrow
    flags = narrow[n + FLAGS]
    payload = None
    if wide[w + REPLY_AT] >= 0:
        number_of, frame = divmod(wide[w + REPLY_FRAME], CAPTURE)
        payload = Payload(names.captures[number_of], frame, wide[w + REPLY_AT], narrow[n + REPLY_CAPTURED])
    return Pair(
        exchange=exchange_of(batch, number, names),
        interface=names.places[narrow[n + PLACE]],
        clock=wide[w + CLOCK],
        kind=kind_at(batch, number),
        unproven=bool(flags & UNPROVEN),
        retransmissions=narrow[n + RETRANSMISSIONS],
        reply_payload=payload,
        echoed=bool(flags & ECHOED),
        asked=asked_at(batch, number),
        reach=reach_of(wide, narrow, w, n),
        variant=narrow[n + VARIANT],
    )


def asked_at(batch: Batch, number: int) -> tuple[int, str] | None:
    """The kind of a request, where a module of its own says which it is."""
    w, n = number * WIDE, number * NARROW
    module = batch.narrow[n + MODULE]
    if module <= TCP or not batch.wide[w + REQUEST]:
        return None
    kind = batch.narrow[n + KIND]
    return kind, PROTOCOLS[module].kind(kind)


def kind_at(batch: Batch, number: int) -> str:
    """What requests are compared by: their kind, or, where no module knows it, their length; and whether to a group."""
    w, n = number * WIDE, number * NARROW
    module = batch.narrow[n + MODULE]
    to_group = ", to a group" if batch.narrow[n + FLAGS] & GROUP else ""
    if module != GENERIC_UDP:
        return PROTOCOLS[module].kind(batch.narrow[n + KIND]) + to_group
    octets = batch.narrow[n + REQUEST_OCTETS] if batch.wide[w + REQUEST] else batch.wide[w + REPLY_OCTETS]
    return f"datagram of {octets} octets{to_group}"
