"""Hop counts: hosts begin with 32, 60, 64, 128 or 255, and each router on the way takes one away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.exchanges.batch import words_of
from capanalyze.target.ground import ENOUGH, Ground, first_frames
from capanalyze.target.hints import PROTOCOL, TTL, hops_behind

if TYPE_CHECKING:
    from capanalyze.target.hints import Told

FEW_HOPS = 30


def against(told: Told, address: str) -> Ground | None:
    """What speaks against an address all of whose frames have come the same few hops.

    Protocols may begin with different counts. Where one varies (scanners draw theirs), nothing is told.
    """
    known = told.hops_of.get(words_of(address))
    if not known or not all(0 < hops_behind(ttl) <= FEW_HOPS for ttl in known):
        return None
    here = told.hops_from(address)
    kinds: dict[int, set[int]] = {}
    total = 0
    for row in here:
        kinds.setdefault(row[PROTOCOL], set()).add(row[TTL])
        total += row[-1]
    if total < ENOUGH or any(len(ttls) > 1 for ttls in kinds.values()):
        return None
    ttls = sorted({ttl for one in kinds.values() for ttl in one})
    said = f"its frames have come some hops, with TTL {' and '.join(map(str, ttls))}"
    return Ground("hops", said, frozenset({address}), first_frames(here))
