"""A settled exchange in words, what it is compared by, and where its reply is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.exchanges.batch import exchange_of
from capanalyze.exchanges.row import (
    CAPTURE,
    ECHOED,
    FLAGS,
    GROUP,
    KIND,
    MODULE,
    NARROW,
    OUTCOME,
    REPLIED,
    REPLY_AT,
    REPLY_CAPTURED,
    REPLY_FRAME,
    REPLY_OCTETS,
    REQUEST,
    REQUEST_AT,
    REQUEST_OCTETS,
    RETRANSMISSIONS,
    UNSOLICITED,
    WIDE,
)
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.model import Exchange


class Payload(NamedTuple):
    """Where a payload is: capture, frame, offset and length in it; of a reply, `asked` is where its request's is."""

    capture: str
    frame: int
    offset: int
    length: int
    asked: Payload | None = None


@dataclass(slots=True, eq=False)
class Pair:
    """An exchange in words.

    Attributes:
        retransmissions: further requests.
        told: where the payload is that the other side learnt something from; None for none.
    """

    exchange: Exchange
    retransmissions: int
    told: Payload | None


def pairs_of(batch: Batch, names: Names) -> Iterator[Pair]:
    """The rows of a batch in words."""
    for number in range(batch.count):
        retransmissions = batch.narrow[number * NARROW + RETRANSMISSIONS]
        yield Pair(exchange_of(batch, number, names), retransmissions, told_at(batch, number, names))


def told_at(batch: Batch, number: int, names: Names) -> Payload | None:
    """Where the reply's payload is that may tell something: one that repeats its request does not."""
    w, n = number * WIDE, number * NARROW
    is_told = batch.narrow[n + OUTCOME] in (REPLIED, UNSOLICITED) and not batch.narrow[n + FLAGS] & ECHOED
    if not is_told or batch.wide[w + REPLY_AT] < 0 or PROTOCOLS[batch.narrow[n + MODULE]].transport == "icmp":
        return None
    asked = payload_at(names, batch.wide[w + REQUEST], batch.wide[w + REQUEST_AT], batch.narrow[n + REQUEST_OCTETS])
    captured = batch.narrow[n + REPLY_CAPTURED]
    return payload_at(names, batch.wide[w + REPLY_FRAME], batch.wide[w + REPLY_AT], captured, asked)


def payload_at(names: Names, frame: int, offset: int, length: int, asked: Payload | None = None) -> Payload | None:
    """A payload in a frame (capture * CAPTURE + frame); None where the offset is -1, or the payload empty."""
    capture, number = divmod(frame, CAPTURE)
    return Payload(names.captures[capture], number, offset, length, asked) if offset >= 0 and length else None


def kind_at(batch: Batch, number: int) -> str:
    """What requests are compared by: their kind, or, where no module knows it, their length; and whether to a group."""
    w, n = number * WIDE, number * NARROW
    module = int(batch.narrow[n + MODULE])
    to_group = ", to a group" if batch.narrow[n + FLAGS] & GROUP else ""
    if module != GENERIC_UDP:
        return PROTOCOLS[module].kind(int(batch.narrow[n + KIND])) + to_group
    octets = batch.narrow[n + REQUEST_OCTETS] if batch.wide[w + REQUEST] else batch.wide[w + REPLY_OCTETS]
    return f"datagram of {octets} octets{to_group}"
