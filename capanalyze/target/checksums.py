"""Unfinished checksums: left for the network adapter, which computes them behind the point where frames are captured.

What is left is the sum of the pseudo-header. Only datagrams and segments without data are looked at, and segments
that are larger than any frame tell nothing: receiving joins segments too, and leaves the same. Between
virtual machines and containers nothing is computed at either end, so that it tells only where one host does it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.exchanges.batch import host_text
from capanalyze.target.addresses import is_group
from capanalyze.target.ground import ENOUGH, MOST, Ground, first_frames, hosts_of
from capanalyze.target.hints import FINISHED, PLACE, SOURCE, UNFINISHED, met, over
from capanalyze.target.roles import joined

if TYPE_CHECKING:
    from capanalyze.core import core
    from capanalyze.target.contacts import Contacts
    from capanalyze.target.hints import Told

ONE_IN = 16  # checksums of a host that leaves them; of 65,536 that are right one looks unfinished


def grounds(told: Told, contacts: Contacts) -> list[Ground]:
    """What speaks for the one host on an interface that leaves its checksums unfinished."""
    found = []
    unfinished = told.with_sign(UNFINISHED)
    for place, _ in over(unfinished, (PLACE,)):
        if met(here := unfinished.where((PLACE,), [(place,)])) < ENOUGH:
            continue
        finished = told.with_sign(FINISHED).where((PLACE,), [(place,)])
        senders = _senders(here, finished)
        if not 0 < len(senders) <= MOST:
            continue
        others = told.with_words(finished, SOURCE, senders, equal=False)
        if met(others) < ENOUGH or any(map(told.forwards, told.macs_of(senders, place))):
            continue
        mine = [_ground(told, here, one, place) for one in senders]
        if len(mine) == 1 or len(hosts_of(mine, joined(contacts, told))) == 1:
            found += mine
    return found


def _ground(told: Told, unfinished: core.Alike, address: str, place: int) -> Ground:
    frames = first_frames(told.with_words(unfinished, SOURCE, [address]))
    said = "checksums of outgoing frames are not finished"
    return Ground("checksums", said, frozenset({address}), frames, told.label(place))


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
