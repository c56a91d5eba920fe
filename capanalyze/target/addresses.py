"""What an address tells by itself: whether it names one host, and of which network it is."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# How far addresses of one network agree. A host may have one address in each scope without forwarding for anybody.
PREFIXES = {"ipv4": 24, "ipv4 link-local": 16, "ipv6": 64, "ipv6 unique local": 64, "ipv6 link-local": 10}
UNIQUE_LOCAL = ip_network("fc00::/7")
KNOWN = 262_144  # addresses whose networks are remembered: a flood comes from many, and each is looked at again


class Network(NamedTuple):
    """The network that an address is of; its size is a guess, as packets do not tell it."""

    scope: str
    prefix: int


def is_loopback(high: int, low: int) -> bool:
    """Whether an address of two words is ::1 or in 127.0.0.0/8."""
    return high == 0 and (low == 1 or low >> 24 == 0xFFFF7F)


def is_one_host(high: int, low: int) -> bool:
    """Whether an address of two words can name one host on a network."""
    if is_loopback(high, low):
        return False
    if high == 0 and low >> 32 == 0xFFFF:
        first = low >> 24 & 0xFF
        return not (first & 0xF0 == 0xE0 or low & 0xFF == 0xFF or low & 0xFFFFFFFF == 0)
    return high >> 56 & 0xFF != 0xFF and (high, low) != (0, 0)


def is_group(text: str) -> bool:
    """Whether an address cannot name one host on a network."""
    return network_of(text) is None


@lru_cache(KNOWN)
def network_of(text: str) -> Network | None:
    """The network that an address is of; None where it cannot name one host on a network."""
    one = ip_address(text)
    if one.is_multicast or text.endswith(".255") or one.is_unspecified or one.is_loopback:
        return None
    scope = f"ipv{one.version}"
    if one.is_link_local:
        scope += " link-local"
    elif one.version == 6 and one in UNIQUE_LOCAL:
        scope += " unique local"
    return Network(scope, int(one) >> (one.max_prefixlen - PREFIXES[scope]))


def may_share_network(words: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    """Whether the addresses that these words hold may be of one network, looked at in passing: most are not."""
    return any(words[0] >> 54 == high >> 54 and (high or words[1] >> 16 == low >> 16) for high, low in others)


def are_of_several_networks(addresses: Iterable[str]) -> bool:
    """Whether addresses are of more than one network of a scope, as those behind a router's MAC address are."""
    known: dict[str, Network] = {}
    return any(known.setdefault(network.scope, network) != network for network in map(network_of, addresses) if network)
