"""MAC addresses: the one that takes part in every unicast frame of an interface, and forwards for nobody.

The centre of a star is a scanner as often as a target, so that it has to answer somebody too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.target.addresses import is_group
from capanalyze.target.ground import Ground, first_frames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capanalyze.target.contacts import Contacts
    from capanalyze.target.hints import Told


def grounds(told: Told, contacts: Contacts) -> Iterator[Ground]:
    """What speaks for the addresses at such a MAC address."""
    for interface, here in contacts.between_hosts().items():
        macs = told.macs_in_all(interface)
        if len(macs) != 1 or told.forwards(macs[0]) or not told.shares_network(macs[0]):
            continue
        addresses = frozenset(one for one in told.addresses_at(macs[0]) if not is_group(one))
        if any(one.answered and one.server in addresses for one in here):
            said = "its MAC address takes part in every conversation, and forwards for nobody"
            yield Ground("macs", said, addresses, first_frames(told.sent_from(macs[0])), interface)
