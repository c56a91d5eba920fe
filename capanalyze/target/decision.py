"""Which host is the target: given, told by the capture, shown by frames, else assumed from who answers.

Who captured something is told by evidence, never by the shape of the conversations: the centre of a star is a scanner
as often as a target, and a client's only server answers everything. A weaker kind never overrules a stronger one.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, NoReturn

from capanalyze.errors import TargetError
from capanalyze.exchanges.row import CAPTURE
from capanalyze.model import Because, Certainty, Frame, Target
from capanalyze.target import checksums, directions, hops, interfaces, macs, neighbours, padding, roles, turnaround
from capanalyze.target.addresses import is_group
from capanalyze.target.doubts import named, warnings_on
from capanalyze.target.ground import Ground, hosts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capanalyze.target.contacts import Contact, Contacts
    from capanalyze.target.hints import Told

NAME_IT = "name the host under test with --target"
AGAINST = (directions.against, padding.against, hops.against, turnaround.against)
HOW = {"given": "given", "told": "told by the capture: ", "shown": "shown by the frames: ", "assumed": "assumed: "}


@dataclass(frozen=True)
class Decision:
    """Some addresses of the target, how certain they are, and what that rests on."""

    addresses: list[str]
    certainty: Certainty
    grounds: list[Ground]

    @property
    def how(self) -> str:
        """It in words: each kind of evidence once."""
        if self.certainty == "given":
            return HOW["given"]
        parted = " and " if self.certainty == "told" else "; "
        return HOW[self.certainty] + parted.join({ground.kind: ground.said for ground in self.grounds}.values())


def find_target(
    contacts: Contacts, told: Told, given: tuple[str, ...], described: set[str], captures: Sequence[str]
) -> Target:
    """The target of these exchanges.

    Args:
        contacts: of the exchanges.
        told: by the messages.
        given: addresses that the user names.
        described: addresses that the captures give their interfaces.
        captures: their names.

    Raises:
        TargetError: nobody can tell; the message names the candidates and the option.
    """
    decision = _given(given) or _loopback(contacts) or _told(told, described) or _shown_or_assumed(contacts, told)
    further = _further(decision.addresses, contacts, told)
    added = sorted({one for ground in further for one in ground.addresses})
    how = decision.how
    if added:
        how += f"; {', '.join(added)} added, as {'its' if len(added) == 1 else 'their'} frames show"
    addresses = decision.addresses + added
    overruled = [] if decision.certainty == "assumed" else _overruled(addresses, contacts, told)
    return Target(
        addresses=addresses,
        how=how,
        certainty=decision.certainty,
        warnings=[*warnings_on(addresses, decision.certainty, contacts, told), *overruled],
        because=[_because(ground, captures) for ground in [*decision.grounds, *further]],
    )


def unknown_target(how: str) -> Target:
    """A target that is not known, and why."""
    return Target(addresses=[], how=how, certainty=None, warnings=[])


# -- The kinds of evidence, the strongest first ------------------------------------------------------


def _given(given: tuple[str, ...]) -> Decision | None:
    addresses = list(dict.fromkeys(given))
    return Decision(addresses, "given", [Ground("given", "given", frozenset(given))]) if given else None


def _loopback(contacts: Contacts) -> Decision | None:
    if not contacts.seen or not contacts.all_on_loopback:
        return None
    said = "all traffic is on the loopback interface"
    return Decision(["127.0.0.1"], "told", [Ground("interfaces", said, frozenset({"127.0.0.1"}))])


def _told(told: Told, described: set[str]) -> Decision | None:
    grounds = [*directions.grounds(told), *interfaces.grounds(described)]
    return (
        Decision(sorted({one for ground in grounds for one in ground.addresses}), "told", grounds) if grounds else None
    )


def _shown_or_assumed(contacts: Contacts, told: Told) -> Decision:
    """On each network the one host that something speaks for and nothing against, else the one that answers."""
    shown = [*_speaking(contacts, told), *macs.grounds(told, contacts)]
    found: list[str] = []
    grounds: list[Ground] = []
    for here in roles.networks(contacts, told):
        mine = _of_network(here, contacts, told, shown)
        if any(one.asked for one in here) and not mine:
            _give_up(contacts, told)
        uses = contacts.uses(one for ground in mine for one in ground.addresses)
        found += sorted(uses.keys() - set(found), key=lambda one: (-uses[one], one))
        grounds += mine
    if not found or any(contacts.is_peer(one, set(found) - {one}) for one in found):
        _give_up(contacts, told)
    certainty: Certainty = "assumed" if any(ground.kind == "roles" for ground in grounds) else "shown"
    return Decision(found, certainty, grounds)


def _of_network(here: Sequence[Contact], contacts: Contacts, told: Told, shown: Sequence[Ground]) -> list[Ground]:
    """What speaks for the one host of a network; nothing where that is undecided."""
    ends = {end for one in here for end in one.ends}
    hosts = roles.joined(here, told)
    speaking = [one for one in shown if one.place == here[0].interface and one.addresses & ends]
    speaking = [one for one in speaking if not any(is_elsewhere(told, address) for address in one.addresses)]
    if speaking:
        return speaking if len(hosts_of(speaking, hosts)) == 1 else []
    if not any(one.asked for one in here):
        return []
    assumed = roles.ground(here, contacts, hosts, lambda address: is_elsewhere(told, address))
    return [assumed] if assumed else []


def _speaking(contacts: Contacts, told: Told) -> list[Ground]:
    """What frames themselves show of who sent them here."""
    return [*padding.grounds(told), *checksums.grounds(told, contacts), *turnaround.grounds(told)]


def is_elsewhere(told: Told, address: str) -> bool:
    """Whether something speaks against an address."""
    return any(against(told, address) for against in AGAINST)


def _overruled(addresses: Sequence[str], contacts: Contacts, told: Told) -> Iterator[str]:
    """What weaker evidence says against a target, or for another host."""
    for one in addresses:
        for ground in (padding.against(told, one), turnaround.against(told, one)):
            if ground:
                yield f"{one}: {ground.said}, as if the capture was taken elsewhere"
    for ground in _speaking(contacts, told):
        others = {one for one in ground.addresses if not told.is_far(one)}
        if others and not others & set(addresses):
            yield f"{named(sorted(others))} may have captured this: {ground.said}"


def _because(ground: Ground, captures: Sequence[str]) -> Because:
    """A ground as a report shows it."""
    places = (divmod(frame, CAPTURE) for frame in ground.frames)
    frames = [Frame(capture=captures[capture], frame=frame) for capture, frame in places]
    return Because(kind=ground.kind, said=ground.said, frames=frames)


def _give_up(contacts: Contacts, told: Told) -> NoReturn:
    """Name who it may be: those who answered or were asked, then those who only asked.

    Raises:
        TargetError: always.
    """
    asked = [one for one in contacts.all() if one.asked and one.between_hosts]
    here = {end for one in asked for end in one.ends}
    uses = contacts.uses(end for end in here if not is_elsewhere(told, end))
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


def _further(addresses: list[str], contacts: Contacts, told: Told) -> list[Ground]:
    """What shows further addresses to be the target's: its MAC address, or directions, and nothing against them."""
    known = set(addresses)

    def may_be(address: str) -> bool:
        if contacts.is_peer(address, known) or is_elsewhere(told, address):
            return False
        return not is_group(address) or _is_nameless(address, known, told)

    found = list(neighbours.grounds(told, known, may_be))
    if known & told.own:
        said = "the packet directions show it at the near end too"
        others = filter(may_be, sorted(told.own - known))
        found += [Ground("directions", said, frozenset({one})) for one in others]
    return found


def _is_nameless(text: str, known: set[str], told: Told) -> bool:
    """Whether it is what a host without an address sends from (DHCP), and no MAC but the target's does so."""
    if not ip_address(text).is_unspecified:
        return False
    return all(any(told.sends_from(mac, one) for one in known) for mac in told.macs_from(text))
