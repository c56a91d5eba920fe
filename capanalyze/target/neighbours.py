"""Neighbours: addresses that a host's MAC address speaks for in ARP (RFC 826), ND (RFC 4861), DHCP and other frames.

They tell further addresses of a host that is known, unless its MAC address forwards for others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.target.ground import Ground, first_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from capanalyze.core import core
    from capanalyze.target.hints import Told


def grounds(told: Told, known: Iterable[str], may_be: Callable[[str], bool]) -> Iterator[Ground]:
    """What speaks for further addresses at the MAC addresses that known ones send from, if they `may_be` the host's."""
    own = set(known)
    for mac in sorted({mac for one in own for mac in told.macs_from(one)}):
        if told.forwards(mac):
            continue
        senders = told.senders_at(mac)
        for address in sorted(filter(may_be, senders - own)):
            said = f"{address} sends from its MAC address"
            yield _ground("macs", said, address, told.sent_from(mac, address), told.place(mac))
        for address in sorted(filter(may_be, told.claimed_by(mac) - own - senders)):
            said = f"its MAC address speaks for {address} in ARP"
            yield _ground("neighbours", said, address, told.asked_from(mac, address), told.place(mac))


def _ground(kind: str, said: str, address: str, seen: core.Alike, place: str) -> Ground:
    return Ground(kind, said, frozenset({address}), first_frames(seen), place)
