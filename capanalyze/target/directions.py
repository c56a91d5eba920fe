"""Packet directions: what leaves is from the host that captured it, what comes is to it.

An address at the far end (the source of what comes, the destination of what leaves) is another's, whose traffic is
forwarded or translated here. Packet types of Linux's cooked captures, flags of pcapng, PKTAP and others tell them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.target.ground import MOST, Ground, first_frames
from capanalyze.target.hints import DESTINATION, SOURCE

if TYPE_CHECKING:
    from capanalyze.target.hints import Told


def grounds(told: Told) -> list[Ground]:
    """What speaks for the addresses at the near end."""
    if not told.own:
        return []
    some = sorted(told.own)[:MOST]
    frames = first_frames(told.with_words(told.leaving, SOURCE, some), told.with_words(told.coming, DESTINATION, some))
    return [Ground("directions", "packet directions", frozenset(told.own), frames)]


def against(told: Told, address: str) -> Ground | None:
    """What speaks against an address at the far end."""
    if not told.is_far(address):
        return None
    frames = first_frames(
        told.with_words(told.coming, SOURCE, [address]), told.with_words(told.leaving, DESTINATION, [address])
    )
    return Ground("directions", "the packet directions show it at the other end", frozenset({address}), frames)
