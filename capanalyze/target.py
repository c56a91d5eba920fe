"""Who the target is, and how we know: design section 5.

Given; told by the capture; the one address common to all unicast exchanges with two peers or more; else
who answers requests, which is only assumed. Addresses that the known target's own frames show are added.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address
from statistics import median
from typing import TYPE_CHECKING, NoReturn

from capanalyze.errors import TargetError
from capanalyze.model import Target
from capanalyze.packets.message import INBOUND, OUTBOUND, address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from capanalyze.exchanges import Pair, Sighting

Groups = dict[tuple[str, int, bool], "list[Pair]"]  # interface, IP version, link-local
INITIAL_TTLS = (32, 60, 64, 128, 255)
MAX_NAMED = 6
MIN_TIMES = 5  # round-trip times of either way, before they are compared
FAST = 2000.0  # microseconds in which a host answers


@dataclass
class Hints:
    """What messages tell of hosts besides what they say: directions, MAC addresses, hop counts."""

    sent: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    forwarded: set[tuple[str, str]] = field(default_factory=set)
    senders_of_mac: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    ttls: dict[str, Counter[int]] = field(default_factory=dict)

    def macs(self, interface: str) -> dict[str, int]:
        """The MAC address of each sender on an interface, where it has but one."""
        found: dict[str, set[int]] = {}
        for (name, mac), senders in self.senders_of_mac.items():
            for one in senders if name == interface else ():
                found.setdefault(one, set()).add(mac)
        return {one: macs.pop() for one, macs in found.items() if len(macs) == 1}


def collect_hints(sightings: Iterable[Sighting]) -> Hints:
    """One pass over the messages."""
    hints = Hints()
    inward: Counter[tuple[str, str]] = Counter()
    outward: Counter[tuple[str, str]] = Counter()
    for seen in sightings:
        message = seen.message
        if message.tunnels or message.sender or message.sender_low:
            continue
        source = str(address(message.src, message.src_low))
        destination = str(address(message.dst, message.dst_low))
        if message.src_mac > 0:
            hints.senders_of_mac.setdefault((seen.interface, message.src_mac), set()).add(source)
        if not message.group:
            hints.ttls.setdefault(source, Counter())[message.ttl] += 1
        if message.direction == OUTBOUND:
            outward[source, destination] += 1
        elif message.direction == INBOUND and not message.group:
            inward[source, destination] += 1
    hints.forwarded = {ends for ends in inward if ends in outward and ends[0] != ends[1]}
    for (source, _), count in _own(outward, hints.forwarded):
        hints.sent[source] += count
    for (_, destination), count in _own(inward, hints.forwarded):
        hints.received[destination] += count
    return hints


def _own(table: Counter[tuple[str, str]], forwarded: set[tuple[str, str]]) -> Iterable[tuple[tuple[str, str], int]]:
    return [(ends, count) for ends, count in table.items() if ends not in forwarded]


def find_target(pairs: list[Pair], hints: Hints, given: tuple[str, ...], described: set[str]) -> Target:
    """The target of these exchanges.

    Args:
        pairs: all exchanges.
        hints: of the messages.
        given: addresses that the user names.
        described: addresses that the captures give their interfaces.

    Raises:
        TargetError: nobody can tell; the message names the candidates and the option.
    """
    groups = _groups(pairs)
    if not given and pairs and all(ip_address(pair.exchange.client).is_loopback for pair in pairs):
        how = "all traffic is on the loopback interface"
        return Target(addresses=["127.0.0.1"], how=how, assumed=False, warnings=[])
    addresses, how = _known(hints, given, described)
    certain = bool(addresses)
    if not addresses:
        addresses = _common(groups, hints)
        how = "the one address common to all unicast exchanges, with several peers" if addresses else ""
    assumed = not addresses
    if assumed:
        addresses = _answerers(groups)
        how = "assumed: it answers the requests" if _any_answer(groups) else "assumed: it is the one that is asked"
    if not addresses:
        _give_up(groups)
    shown = _shown(addresses, groups, hints)
    if shown:
        how += f"; {', '.join(shown)} added, as {'its' if len(shown) == 1 else 'their'} frames show"
    guessed = [] if certain else _guessed(addresses + shown, groups, hints)
    if guessed and not assumed:
        how += f"; {', '.join(guessed)} assumed too, as nothing else of that network is known"
    addresses = addresses + shown + guessed
    warnings = _warnings(addresses, hints, pairs) + _unknown(given, addresses, groups)
    return Target(addresses=addresses, how=how, assumed=assumed, warnings=warnings)


def known_addresses(pairs: list[Pair], hints: Hints, given: tuple[str, ...], described: set[str]) -> list[str]:
    """The target's addresses as far as they are given or told by the captures; none are guessed."""
    addresses, _ = _known(hints, given, described)
    return addresses + _shown(addresses, _groups(pairs), hints)


def _known(hints: Hints, given: tuple[str, ...], described: set[str]) -> tuple[list[str], str]:
    """Addresses that need no inference, and how they are known."""
    if given:
        return list(dict.fromkeys(given)), "given"
    told = sorted(one for one in described | set(hints.sent) | set(hints.received) if not _is_group(one))
    return told, "told by the capture: packet directions or interface addresses"


def _is_group(text: str) -> bool:
    """Whether an address cannot name one host on a network."""
    one = ip_address(text)
    return one.is_multicast or text.endswith(".255") or one.is_unspecified or one.is_loopback


def _groups(pairs: list[Pair]) -> Groups:
    """Unicast exchanges by interface, IP version and scope: a host has an address of its own in each."""
    groups: Groups = {}
    for pair in pairs:
        if _is_group(pair.exchange.client) or _is_group(pair.exchange.server):
            continue
        client = ip_address(pair.exchange.client)
        groups.setdefault((pair.interface, client.version, client.is_link_local), []).append(pair)
    return groups


def _ends(pairs: Iterable[Pair]) -> list[set[str]]:
    """Both ends of each exchange."""
    return [{pair.exchange.client, pair.exchange.server} for pair in pairs]


def _common(groups: Groups, hints: Hints) -> list[str]:
    """The one address in every exchange of an interface, or of the one MAC address, with two peers or more."""
    found: list[str] = []
    for pairs in groups.values():
        shared = _shared(_ends(pairs))
        found += [one for one in shared if one not in found]
    if found:
        return found
    for interface in dict.fromkeys(interface for interface, _, _ in groups):
        mac_of = hints.macs(interface)
        ends = [end for key, pairs in groups.items() if key[0] == interface for end in _ends(pairs)]
        if all(one in mac_of for end in ends for one in end):
            shared_mac = _shared([{str(mac_of[one]) for one in end} for end in ends])
            found += sorted({one for end in ends for one in end if str(mac_of[one]) in shared_mac})
    return found


def _shared(ends: list[set[str]]) -> set[str]:
    """The one member of all sets, if there is one and the others have two peers or more."""
    shared = set.intersection(*ends) if ends else set()
    peers = set().union(*ends) - shared
    return shared if len(shared) == 1 and len(peers) > 1 else set()


def _answered(pair: Pair) -> bool:
    return pair.exchange.outcome in ("replied", "rejected")


def _any_answer(groups: Groups) -> bool:
    return any(_answered(pair) for pairs in groups.values() for pair in pairs)


def _answerers(groups: Groups) -> list[str]:
    """Per network the one host that answers, or, where none does, the one that is asked and never asks."""
    found: list[str] = []
    test: Callable[[Pair], bool] = _answered if _any_answer(groups) else (lambda _: True)
    for pairs in groups.values():
        servers = {pair.exchange.server for pair in pairs if pair.exchange.requests and test(pair)}
        asking = {pair.exchange.client for pair in pairs if pair.exchange.requests and test(pair)}
        only = servers - asking
        if len(servers) == 1 and len(only) == 1:
            found += [one for one in only if one not in found]
        elif servers:
            return []
    return found


def _shown(addresses: list[str], groups: Groups, hints: Hints) -> list[str]:
    """Further addresses that the target's own frames show: sent from its MAC address, or outbound as it is."""
    known = set(addresses)
    peers = set().union(*(end for pairs in groups.values() for end in _ends(pairs) if end & known))
    found: list[str] = []
    for senders in hints.senders_of_mac.values():
        if senders & known and not _router(senders, hints):
            found += sorted(senders - peers - known - set(found))
    if known & set(hints.sent):
        found += sorted(set(hints.sent) - peers - known - set(found))
    return [one for one in found if not _is_group(one)]


def _guessed(addresses: list[str], groups: Groups, hints: Hints) -> list[str]:
    """The target's address in networks where no address of it is known yet."""
    known = set(addresses)
    found: list[str] = []
    for key, pairs in groups.items():
        if not any(end & known for end in _ends(pairs)):
            found += [one for one in _common({key: pairs}, hints) or _answerers({key: pairs}) if one not in found]
    return found


def _unknown(given: tuple[str, ...], addresses: list[str], groups: Groups) -> list[str]:
    """Given addresses that no exchange has, and hosts that answer beside the target."""
    ends = set().union(*(end for pairs in groups.values() for end in _ends(pairs)))
    warnings = [f"{one} was given as the target, but is in no exchange" for one in given if ends and one not in ends]
    others = Counter(
        pair.exchange.server
        for pairs in groups.values()
        for pair in pairs
        if _answered(pair) and not {pair.exchange.client, pair.exchange.server} & set(addresses)
    )
    if others:
        named = ", ".join(sorted(others)[:MAX_NAMED])
        warnings.append(f"not judged: {named} answered too; if that is the target, say so with --target")
    return warnings


def _give_up(groups: Groups) -> NoReturn:
    counts: Counter[str] = Counter()
    for pairs in groups.values():
        for pair in pairs:
            if pair.exchange.requests:
                counts[pair.exchange.server] += 1 + 1000 * _answered(pair)
    named = sorted(counts, key=lambda one: (-counts[one], one))
    if not named:
        raise TargetError("the target cannot be told: no unicast request was captured; name it with --target ADDRESS")
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    candidates = ", ".join(named[:MAX_NAMED]) + more
    raise TargetError(f"the target cannot be told: candidates are {candidates}; name it with --target ADDRESS")


def _router(senders: set[str], hints: Hints) -> bool:
    """Whether a MAC address carries other hosts' packets: some of its senders arrive with fewer hops left."""
    return len(senders) > 1 and any(
        all(ttl not in INITIAL_TTLS for ttl in hints.ttls[one]) for one in senders if one in hints.ttls
    )


def _warnings(addresses: list[str], hints: Hints, pairs: list[Pair]) -> list[str]:
    warnings = []
    for one in addresses:
        ttls = hints.ttls.get(one)
        if ttls and all(ttl not in INITIAL_TTLS and ttl > 1 for ttl in ttls):
            warnings.append(
                f"frames from {one} arrive with TTL {ttls.most_common(1)[0][0]}, as if hops away: "
                "the capture looks taken elsewhere, and a reply that it lacks may still have left the target"
            )
    outbound = [
        pair.exchange.rtt_us for pair in pairs if pair.exchange.client in addresses and pair.exchange.rtt_us is not None
    ]
    inbound = [
        pair.exchange.rtt_us
        for pair in pairs
        if pair.exchange.server in addresses
        and pair.exchange.client not in addresses
        and pair.exchange.rtt_us is not None
        and pair.exchange.outcome == "replied"
    ]
    enough = min(len(inbound), len(outbound)) >= MIN_TIMES
    if enough and median(inbound) > FAST and median(inbound) > 4 * median(outbound):
        warnings.append(
            f"the target's answers took {median(inbound) / 1000:.1f} ms, those to its own requests "
            f"{median(outbound) / 1000:.1f} ms: the capture looks taken near the peers"
        )
    return warnings
