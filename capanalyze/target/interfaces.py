"""Interface addresses: what a pcapng capture says of its own interfaces (options if_IPv4addr and if_IPv6addr)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.target.addresses import is_group
from capanalyze.target.ground import Ground

if TYPE_CHECKING:
    from collections.abc import Iterable


def grounds(described: Iterable[str]) -> list[Ground]:
    """What speaks for the addresses that the captures give their interfaces."""
    own = frozenset(one for one in described if not is_group(one))
    return [Ground("interfaces", "interface addresses", own)] if own else []
