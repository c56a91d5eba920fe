"""Ethernet padding: a frame is filled up to 60 octets behind the point where it is captured.

So a short frame that is captured without padding was sent here, and one with it has come over a wire. Only where both
are seen does either tell anything: between virtual interfaces nothing is padded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.exchanges.batch import words_of
from capanalyze.target.addresses import is_group
from capanalyze.target.ground import ENOUGH, MOST, Ground, first_frames
from capanalyze.target.hints import BARE, MAC, PADDED, PLACE, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capanalyze.target.hints import Mac, Told


def grounds(told: Told) -> Iterator[Ground]:
    """What speaks for the hosts whose short frames are not padded, beside others whose are."""
    for place, macs in told.bare_macs.items():
        padded = sum(count for mac, count in told.frames_by_mac(PADDED).items() if mac[0] == place)
        if padded < ENOUGH or len(macs) > MOST:
            continue
        for mac in (mac for mac in macs if not told.forwards(mac)):
            here = told.with_sign(BARE).where((PLACE, MAC), [mac])
            own = frozenset(one for one in told.senders_at(mac) | told.claimed_by(mac) if not is_group(one))
            if own:
                yield Ground("padding", "outgoing frames are not padded", own, first_frames(here), told.place(mac))


def against(told: Told, address: str) -> Ground | None:
    """What speaks against an address whose short frames are padded, beside others whose are not."""
    if not told.bare_macs:
        return None
    words = words_of(address)
    if told.signed(PADDED).get(words, 0) < ENOUGH or words in told.signed(BARE):
        return None
    here = told.with_words(told.with_sign(PADDED), SOURCE, [address])
    macs = {(row[PLACE], row[MAC]) for row in here}
    if not any(_stands_out(told, mac) for mac in macs):
        return None
    return Ground(
        "padding", "its frames are padded, those of another host are not", frozenset({address}), first_frames(here)
    )


def _stands_out(told: Told, mac: Mac) -> bool:
    """Whether another MAC address there sends short frames without padding, and it does not."""
    return mac not in told.frames_by_mac(BARE) and mac[0] in told.bare_macs
