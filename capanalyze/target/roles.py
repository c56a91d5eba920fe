"""Roles: who answers requests. The weakest evidence, by which a target is assumed and never more.

It tells something only where several peers asked one host, or where it alone can be here and answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.target.addresses import network_of
from capanalyze.target.ground import Ground

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from capanalyze.target.contacts import Contact, Contacts
    from capanalyze.target.hints import Told


def ground(
    here: Sequence[Contact], contacts: Contacts, hosts: dict[str, frozenset[str]], is_elsewhere: Callable[[str], bool]
) -> Ground | None:
    """What speaks for the one host of a network that answers, or, where nobody does, that is asked and never asks."""
    addresses = _assumed(here, hosts, is_elsewhere)
    if not addresses:
        return None
    answers = any(one.answered and one.server in addresses for one in here)
    said = "it answers the requests" if answers else "it is the one that is asked"
    return Ground("roles", said, addresses, contacts.frames_of(addresses))


def networks(contacts: Contacts, told: Told) -> list[list[Contact]]:
    """Exchanges in which a host has one address: by interface, where MAC addresses tell hosts apart, and else by scope.

    On a link without MAC addresses nothing shows that an IPv4 and an IPv6 address are of one host. Each is assumed for
    itself, and the condition that all is said on names both.
    """
    found: dict[tuple[str, str], list[Contact]] = {}
    for interface, here in contacts.between_hosts().items():
        has_macs = told.has_macs(interface)
        for one in here:
            network = None if has_macs else network_of(one.server)
            found.setdefault((interface, network.scope if network else ""), []).append(one)
    return list(found.values())


def joined(contacts: Iterable[Contact], told: Told) -> dict[str, frozenset[str]]:
    """The addresses of each host: those that share a MAC address which does not forward, or answer for each other."""
    first: dict[str, str] = {}  # of those that an address is joined with, itself where it is the first

    def first_of(address: str) -> str:
        while first.setdefault(address, address) != address:
            first[address] = first[first[address]]
            address = first[address]
        return address

    def join(addresses: Iterable[str]) -> None:
        one, *others = map(first_of, addresses)
        first.update(dict.fromkeys(others, one))

    for one in contacts:
        join([one.client])
        join([one.server, one.wanted or one.server])
    for mac in told.shared_macs():
        if told.forwards(mac):
            continue
        if len(here := told.addresses_at(mac) & first.keys()) > 1:
            join(here)
    hosts: dict[str, set[str]] = {}
    for address in first:
        hosts.setdefault(first_of(address), set()).add(address)
    return {address: host for host in map(frozenset, hosts.values()) for address in host}


def _assumed(
    contacts: Sequence[Contact], hosts: dict[str, frozenset[str]], is_elsewhere: Callable[[str], bool]
) -> frozenset[str]:
    """The addresses of the one host that it can be, none where that is undecided.

    Several peers asked it, or no other can be here and it is an end of every exchange.
    """
    asked = [one for one in contacts if one.asked]
    answered = [one for one in asked if one.answered]
    peers: dict[frozenset[str], set[str]] = {}
    for one in answered or asked:
        peers.setdefault(hosts[one.server], set()).add(one.client)
    possible = [host for host in peers if not any(map(is_elsewhere, host))]
    chosen = [host for host in possible if len(peers[host]) > 1]
    if not chosen and len(possible) == 1 and all(possible[0] & one.ends for one in answered or asked):
        chosen = possible
    return chosen[0] if len(chosen) == 1 else frozenset()
