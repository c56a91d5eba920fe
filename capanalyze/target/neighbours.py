"""Neighbours: addresses that a host's MAC address speaks for in ARP (RFC 826), ND (RFC 4861), DHCP and other frames.

They tell further addresses of a host that is known, unless its MAC address forwards for others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.target.ground import Ground, first_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from capanalyze.target.hints import Told


def grounds(told: Told, known: Iterable[str]) -> Iterator[Ground]:
    """What speaks for further addresses at the MAC addresses that known ones send from, one by one."""
    own = set(known)
    macs = {mac for one in own for mac in told.macs_from(one) if not told.forwards(mac)}
    for mac in sorted(macs):
        for address in sorted(told.senders_at(mac) - own):
            frames = first_frames(told.sent_from(mac, address))
            yield Ground("macs", f"{address} sends from its MAC address", frozenset({address}), frames, told.place(mac))
        for address in sorted(told.claimed_by(mac) - own - told.senders_at(mac)):
            frames = first_frames(told.asked_from(mac, address))
            said = f"its MAC address speaks for {address} in ARP"
            yield Ground("neighbours", said, frozenset({address}), frames, told.place(mac))
