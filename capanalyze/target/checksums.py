"""Unfinished checksums: left for the network adapter, which computes them behind the point where frames are captured.

What is left is the sum of the pseudo-header. Only datagrams and segments without data are looked at, and segments
that are larger than any frame tell nothing: receiving joins segments too, and leaves the same. Between
virtual machines and containers nothing is computed at either end, so that it tells only where one host does it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.exchanges.batch import host_text
from capanalyze.target.addresses import is_group
from capanalyze.target.ground import ENOUGH, Ground, first_frames, hosts_of
from capanalyze.target.hints import FINISHED, PLACE, SOURCE, UNFINISHED, met, over

if TYPE_CHECKING:
    from capanalyze.core import core
    from capanalyze.target.hints import Told

ONE_IN = 16  # checksums of a host that leaves them; of 65,536 that are right one looks unfinished


def grounds(told: Told, joined: dict[str, frozenset[str]]) -> list[Ground]:
    """What speaks for the one host on an interface that leaves its checksums unfinished."""
    unfinished, finished = told.with_sign(UNFINISHED), told.with_sign(FINISHED)
    found = []
    for (place,) in sorted({row[:1] for row in over(unfinished, (PLACE,))}):
        here = unfinished.where((PLACE,), [(place,)])
        others = finished.where((PLACE,), [(place,)])
        leaving = _senders(here, others)
        if not leaving or met(told.with_words(others, SOURCE, leaving, equal=False)) < ENOUGH:
            continue
        mine = [
            Ground(
                "checksums",
                "checksums of outgoing frames are not finished",
                frozenset({one}),
                first_frames(told.with_words(here, SOURCE, [one])),
                told.label(place),
            )
            for one in leaving
        ]
        if len(hosts_of(mine, joined)) == 1 and not any(map(told.forwards, told.macs_of(leaving, place))):
            found += mine
    return found


def _senders(unfinished: core.Alike, finished: core.Alike) -> list[str]:
    """Who leaves checksums unfinished more often than chance does."""
    rest = over(finished, SOURCE)
    return sorted(
        address
        for high, low, count in over(unfinished, SOURCE)
        if count >= ENOUGH
        and count * ONE_IN >= count + rest.times((high, low))
        and not is_group(address := host_text(high, low))
    )
