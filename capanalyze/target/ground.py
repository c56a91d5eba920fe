"""A ground: what one kind of evidence says for or against an address, and the frames that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from capanalyze.core import core

ENOUGH = 3  # frames that a ground needs
MOST = 64  # addresses, or MAC addresses, that may each be of one host: a flood tells nothing
SHOWN = 3  # frames that are named of a ground


@dataclass(frozen=True)
class Ground:
    """Something that speaks for a host, or against it.

    Attributes:
        kind: of evidence, a word: `directions`, `padding`, …
        said: what was seen, as a sentence without its full stop.
        addresses: of the one host that it speaks of.
        frames: the first ones that show it, capture << 40 | frame.
        place: the interface that it was seen on; None for all.
    """

    kind: str
    said: str
    addresses: frozenset[str]
    frames: tuple[int, ...] = ()
    place: str | None = None


def first_frames(*found: core.Alike) -> tuple[int, ...]:
    """The first frames that some rows were met in."""
    frames = {frame for rows in found for number in range(len(rows)) for frame in rows.frames(number)}
    return tuple(sorted(frames)[:SHOWN])


def hosts_of(grounds: Iterable[Ground], joined: dict[str, frozenset[str]]) -> list[set[str]]:
    """The hosts that grounds speak of: addresses of one ground are of one host, and those that were joined before."""
    hosts: list[set[str]] = []
    for ground in grounds:
        here = set(ground.addresses).union(*(joined.get(one, frozenset()) for one in ground.addresses))
        for other in [one for one in hosts if one & here]:
            hosts.remove(other)
            here |= other
        hosts.append(here)
    return hosts
