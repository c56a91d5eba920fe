"""Which host is the target: given, told by the capture, shown by frames, else assumed from who answers.

Who captured something is told by evidence, never by the shape of the conversations: the centre of a star is a scanner
as often as a target, and a client's only server answers everything. A weaker kind never overrules a stronger one.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, NoReturn

from capanalyze.errors import TargetError
from capanalyze.model import Certainty, Target
from capanalyze.target.addresses import is_group, network_of
from capanalyze.target.doubts import named, warnings_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.target.contacts import Contact, Contacts
    from capanalyze.target.hints import Told

NAME_IT = "name the host under test with --target"


@dataclass(frozen=True)
class Decision:
    """Some addresses of the target, how certain they are, and how they are known."""

    addresses: list[str]
    certainty: Certainty
    how: str


def find_target(contacts: Contacts, told: Told, given: tuple[str, ...], described: set[str]) -> Target:
    """The target of these exchanges.

    Args:
        contacts: of the exchanges.
        told: by the messages.
        given: addresses that the user names.
        described: addresses that the captures give their interfaces.

    Raises:
        TargetError: nobody can tell; the message names the candidates and the option.
    """
    decision = (
        _given(given)
        or _loopback(contacts)
        or _told(told, described)
        or _shown(contacts, told)
        or _assumed(contacts, told)
        or _give_up(contacts, told)
    )
    added = _added(decision.addresses, contacts, told)
    how = decision.how
    if added:
        how += f"; {', '.join(added)} added, as {'its' if len(added) == 1 else 'their'} frames show"
    addresses = decision.addresses + added
    warnings = warnings_on(addresses, decision.certainty, contacts, told)
    return Target(addresses=addresses, how=how, certainty=decision.certainty, warnings=warnings)


def unknown_target(how: str) -> Target:
    """A target that is not known, and why."""
    return Target(addresses=[], how=how, certainty=None, warnings=[])


# -- The kinds of evidence, the strongest first ------------------------------------------------------


def _given(given: tuple[str, ...]) -> Decision | None:
    return Decision(list(dict.fromkeys(given)), "given", "given") if given else None


def _loopback(contacts: Contacts) -> Decision | None:
    if not contacts.seen or not contacts.all_on_loopback:
        return None
    return Decision(["127.0.0.1"], "told", "all traffic is on the loopback interface")


def _told(told: Told, described: set[str]) -> Decision | None:
    addresses = sorted(told.own | {one for one in described if not is_group(one)})
    if not addresses:
        return None
    sources = {"packet directions": told.own, "interface addresses": described}
    which = " and ".join(name for name, found in sources.items() if found)
    return Decision(addresses, "told", f"told by the capture: {which}")


def _shown(contacts: Contacts, told: Told) -> Decision | None:
    """The one MAC address that takes part in all unicast traffic of an interface, answers, and forwards for nobody."""
    found: list[str] = []
    for interface, here in contacts.between_hosts().items():
        macs = told.macs_in_all(interface)
        if len(macs) != 1 or told.forwards(macs[0]) or not told.shares_network(macs[0]):
            return None
        addresses = {one for one in told.addresses_at(macs[0]) if not is_group(one)}
        if any(map(told.is_elsewhere, addresses)) or not any(one.answered and one.server in addresses for one in here):
            return None
        found += sorted(addresses - set(found))
    how = "shown by the frames: its MAC address takes part in every conversation, and forwards for nobody"
    return Decision(found, "shown", how) if found else None


def _assumed(contacts: Contacts, told: Told) -> Decision | None:
    """On each network the one host that answers, or, where nobody does, the one that is asked and never asks."""
    found: list[str] = []
    for here in _networks(contacts, told):
        if any(one.asked for one in here):
            addresses = _assumed_here(here, told)
            if not addresses:
                return None
            uses = contacts.uses(addresses)
            found += sorted(addresses - set(found), key=lambda one: (-uses[one], one))
    answers = any(one.answered for one in contacts if one.between_hosts)
    how = "it answers the requests" if answers else "it is the one that is asked"
    return Decision(found, "assumed", f"assumed: {how}") if found else None


def _networks(contacts: Contacts, told: Told) -> Iterable[list[Contact]]:
    """Exchanges in which a host has one address: by interface, where MAC addresses tell hosts apart, and else by scope.

    On a link without MAC addresses nothing shows that an IPv4 and an IPv6 address are of one host. Each is assumed for
    itself, and the condition that all is said on names both.
    """
    networks: dict[tuple[str, str], list[Contact]] = {}
    for interface, here in contacts.between_hosts().items():
        has_macs = told.has_macs(interface)
        for one in here:
            network = None if has_macs else network_of(one.server)
            networks.setdefault((interface, network.scope if network else ""), []).append(one)
    return networks.values()


def _assumed_here(contacts: Sequence[Contact], told: Told) -> frozenset[str]:
    """The addresses of the one host that it can be, none where that is undecided.

    Several peers asked it, or no other can be here and it is an end of every exchange.
    """
    asked = [one for one in contacts if one.asked]
    answered = [one for one in asked if one.answered]
    hosts = _hosts(contacts, told)
    peers: dict[frozenset[str], set[str]] = {}
    for one in answered or asked:
        peers.setdefault(hosts[one.server], set()).add(one.client)
    possible = [host for host in peers if not any(map(told.is_elsewhere, host))]
    chosen = [host for host in possible if len(peers[host]) > 1]
    if not chosen and len(possible) == 1 and all(possible[0] & one.ends for one in answered or asked):
        chosen = possible
    return chosen[0] if len(chosen) == 1 else frozenset()


def _hosts(contacts: Iterable[Contact], told: Told) -> dict[str, frozenset[str]]:
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


def _give_up(contacts: Contacts, told: Told) -> NoReturn:
    """Name who it may be: those who answered or were asked, then those who only asked.

    Raises:
        TargetError: always.
    """
    asked = [one for one in contacts.all() if one.asked and one.between_hosts]
    here = {end for one in asked for end in one.ends}
    uses = contacts.uses(end for end in here if not told.is_elsewhere(end))
    ends = sorted(uses, key=lambda one: (-uses[one], one))
    wanted = {end for one in asked for end in (one.server, one.wanted)}
    answered = {end for one in asked if one.answered for end in (one.server, one.wanted)}
    groups = {
        "answered" if answered else "asked in vain": [one for one in ends if one in (answered or wanted)],
        "only asked": [one for one in ends if one not in wanted],
    }
    candidates = [f"{named(hosts)} ({said})" for said, hosts in groups.items() if hosts]
    if not candidates:
        raise TargetError(f"the target cannot be told: no unicast request was captured; {NAME_IT} ADDRESS")
    example = next(host for hosts in groups.values() for host in hosts)
    raise TargetError(
        f"the target cannot be told; candidates are {' and '.join(candidates)}; {NAME_IT} {example}, "
        "once for each of its addresses"
    )


# -- Further addresses ---------------------------------------------------------------------------------


def _added(addresses: list[str], contacts: Contacts, told: Told) -> list[str]:
    """Further addresses that frames show to be the target's: at its MAC address, or at the near end as it is."""
    known = set(addresses)
    found = told.beside(known)
    if known & told.own:
        found |= told.own
    return sorted(
        one
        for one in found - known
        if not contacts.is_peer(one, known)
        and not told.is_elsewhere(one)
        and (not is_group(one) or _is_nameless(one, known, told))
    )


def _is_nameless(text: str, known: set[str], told: Told) -> bool:
    """Whether it is what a host without an address sends from (DHCP), and no MAC but the target's does so."""
    if not ip_address(text).is_unspecified:
        return False
    return all(any(told.sends_from(mac, one) for one in known) for mac in told.macs_from(text))
