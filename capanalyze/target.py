"""Who the target is, and how we know: design section 5.

Given; told by the capture; the one address common to all unicast exchanges with two peers or more; else
who answers requests, which is only assumed. Addresses that the known target's own frames show are added.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address
from statistics import median
from typing import TYPE_CHECKING

from capanalyze.errors import TargetError
from capanalyze.model import Target
from capanalyze.packets.message import INBOUND, OUTBOUND, address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from capanalyze.exchanges import Pair, Sighting

Ends = tuple[str, str]  # client, server
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
    addresses = list(dict.fromkeys(given))
    how = "given" if given else ""
    told = sorted(described | {one for one in set(hints.sent) | set(hints.received) if not _is_group(one)})
    if not addresses and told:
        addresses, how = told, "told by the capture (packet directions or interface addresses)"
    if not addresses:
        addresses = _common(groups)
        how = "the one address common to all unicast exchanges, with several peers" if addresses else ""
    assumed = not addresses
    if assumed:
        addresses = _answerers(groups)
        how = "assumed: it answers the requests" if _any_answer(groups) else "assumed: it is the one that is asked"
    if not addresses:
        _give_up(groups)
    first = list(addresses)
    addresses = _extend(addresses, groups, hints)
    added = [one for one in addresses if one not in first]
    if added:
        how += f"; {', '.join(added)} added, as {'its' if len(added) == 1 else 'their'} frames show"
    return Target(addresses=addresses, how=how, assumed=assumed, warnings=_warnings(addresses, hints, pairs))


def _is_group(text: str) -> bool:
    """Whether an address cannot name one host on a network."""
    one = ip_address(text)
    return one.is_multicast or text.endswith(".255") or one.is_unspecified or one.is_loopback


def _groups(pairs: list[Pair]) -> dict[tuple[str, int], list[Pair]]:
    """Unicast exchanges by interface and IP version."""
    groups: dict[tuple[str, int], list[Pair]] = {}
    for pair in pairs:
        exchange = pair.exchange
        if _is_group(exchange.client) or _is_group(exchange.server):
            continue
        version = ip_address(exchange.client).version
        groups.setdefault((pair.interface, version), []).append(pair)
    return groups


def _common(groups: dict[tuple[str, int], list[Pair]]) -> list[str]:
    """The one address in every exchange of an interface, where there are two peers or more."""
    found: list[str] = []
    for pairs in groups.values():
        shared = set.intersection(*({pair.exchange.client, pair.exchange.server} for pair in pairs))
        peers = {end for pair in pairs for end in (pair.exchange.client, pair.exchange.server)} - shared
        if len(shared) == 1 and len(peers) > 1:
            found += [one for one in shared if one not in found]
    return found


def _answered(pair: Pair) -> bool:
    return pair.exchange.outcome in ("replied", "rejected")


def _any_answer(groups: dict[tuple[str, int], list[Pair]]) -> bool:
    return any(_answered(pair) for pairs in groups.values() for pair in pairs)


def _answerers(groups: dict[tuple[str, int], list[Pair]]) -> list[str]:
    """Per interface the one host that answers, or, where none does, the one that is asked and never asks."""
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


def _give_up(groups: dict[tuple[str, int], list[Pair]]) -> None:
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


def _extend(addresses: list[str], groups: dict[tuple[str, int], list[Pair]], hints: Hints) -> list[str]:
    """Addresses that share the target's MAC address on an interface, or speak for it where none is known."""
    known = list(addresses)
    peers = {
        end
        for pairs in groups.values()
        for pair in pairs
        for end in (pair.exchange.client, pair.exchange.server)
        if {pair.exchange.client, pair.exchange.server} & set(addresses)
    }
    for senders in hints.senders_of_mac.values():
        if senders & set(addresses) and not _router(senders, hints):
            known += sorted(one for one in senders - peers if one not in known and not _is_group(one))
    for one in sorted(hints.sent):
        if one not in known and not _is_group(one) and set(hints.sent) & set(addresses):
            known.append(one)
    strangers = {
        key: pairs
        for key, pairs in groups.items()
        if not any({pair.exchange.client, pair.exchange.server} & set(known) for pair in pairs)
    }
    for key, pairs in strangers.items():
        known += [one for one in _common({key: pairs}) or _answerers({key: pairs}) if one not in known]
    return known


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
