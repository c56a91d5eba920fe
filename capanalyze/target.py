"""Who the target is, and how we know: design section 5.

Given; told by the capture; the one address common to all unicast exchanges with two peers or more; else
who answers requests, which is only assumed. Addresses that the known target's own frames show are added.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from operator import itemgetter
from statistics import median
from typing import TYPE_CHECKING, Any, NoReturn

from capanalyze.errors import TargetError
from capanalyze.exchanges.batch import host_text
from capanalyze.exchanges.row import (
    CLIENT,
    CLIENT_LOW,
    FLAGS,
    NARROW,
    OUTCOME,
    OUTCOMES,
    PLACE,
    REQUEST,
    RTT,
    SERVER,
    SERVER_LOW,
    VOID,
    WIDE,
)
from capanalyze.model import Target
from capanalyze.packets.message import (
    DIRECTION,
    DST,
    DST_LOW,
    GROUP,
    INBOUND,
    INTERFACE,
    OUTBOUND,
    SENDER,
    SENDER_LOW,
    SRC,
    SRC_LOW,
    SRC_MAC,
    TTL,
    TUNNELS,
    WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.exchanges.batch import Batch
    from capanalyze.model import Outcome
    from capanalyze.packets.messages import Rows

Groups = dict[tuple[str, int, bool], "list[Contact]"]  # interface, IP version, link-local
Key = tuple[tuple[int, ...], int, int, bool]  # ends, place, outcome, whether asked
ENDS = (CLIENT, CLIENT_LOW, SERVER, SERVER_LOW)
LOOKED_AT = (SRC, SRC_LOW, DST, DST_LOW, INTERFACE, SRC_MAC, TTL, DIRECTION, GROUP, TUNNELS, SENDER, SENDER_LOW)
INITIAL_TTLS = (32, 60, 64, 128, 255)
MAX_NAMED = 6
MIN_TIMES = 5  # round-trip times of either way, before they are compared
FAST = 2000.0  # microseconds in which a host answers
MAX_SEEN = 65536  # messages that are looked at
MAX_CONTACTS = 4 * MAX_SEEN  # and exchanges


@dataclass
class Contact:
    """Exchanges of one client with one server over one interface that ended alike.

    `asked`: they began with a request that was captured; `rtts` are round-trip times in microseconds.
    """

    interface: str
    client: str
    server: str
    asked: bool
    outcome: Outcome
    network: tuple[int, bool] | None  # IP version, whether link-local; None where an end is no single host
    on_loopback: bool
    count: int = 0
    rtts: list[float] = field(default_factory=list)

    @property
    def ends(self) -> set[str]:
        """Both ends."""
        return {self.client, self.server}

    @property
    def answered(self) -> bool:
        """Whether anything came back."""
        return self.outcome in ("replied", "rejected")


@dataclass
class Contacts:
    """Who had exchanges with whom; of the first exchanges only."""

    seen: int = 0
    _found: dict[Key, Contact] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._found.values())

    def strangers(self, addresses: Iterable[str]) -> set[str]:
        """Hosts that answered requests which none of these addresses sent or got."""
        own = set(addresses)
        return {one.server for one in self if one.answered and one.network and not one.ends & own}

    def unmet(self, addresses: Iterable[str]) -> list[str]:
        """Those of some addresses that are no end of any exchange with a single host; none if there are no such."""
        ends = {end for one in self if one.network for end in one.ends}
        return [one for one in addresses if one not in ends] if ends else []

    def take(self, batch: Batch, places: Sequence[str], start: int, stop: int) -> None:
        """Look at rows from `start` to before `stop` of a batch; once enough were seen, no more."""
        stop = min(stop, start + MAX_CONTACTS - self.seen)
        ends = zip(*(column(batch.wide, WIDE, field, start, stop) for field in ENDS), strict=True)
        asked = [frame > 0 for frame in column(batch.wide, WIDE, REQUEST, start, stop)]
        where = column(batch.narrow, NARROW, PLACE, start, stop), column(batch.narrow, NARROW, OUTCOME, start, stop)
        void = [flags & VOID for flags in column(batch.narrow, NARROW, FLAGS, start, stop)]
        times = column(batch.wide, WIDE, RTT, start, stop)
        for key, is_void, rtt in zip(zip(ends, *where, asked, strict=True), void, times, strict=True):
            if is_void:
                continue
            found = self._found.get(key) or self._meet(key, places)
            found.count += 1
            if rtt >= 0:
                found.rtts.append(rtt / 1000)
            self.seen += 1

    def _meet(self, key: Key, places: Sequence[str]) -> Contact:
        (client, client_low, server, server_low), place, outcome, asked = key
        found = self._found[key] = Contact(
            places[place],
            host_text(client, client_low),
            host_text(server, server_low),
            asked,
            OUTCOMES[outcome],
            network_of(client, client_low) if network_of(server, server_low) else None,
            is_loopback(client, client_low),
        )
        return found


def column(numbers: Any, words: int, field: int, start: int, stop: int) -> Any:
    """A field of rows from `start` to before `stop`, of so many words each."""
    return numbers[start * words + field : stop * words : words]


class Hints:
    """Collects what messages tell of hosts besides what they say; of the first messages only."""

    def __init__(self) -> None:
        self._seen = 0
        self._alike: Counter[tuple[int, ...]] = Counter()
        self._places: Sequence[str] = ()

    def take(self, messages: Rows, places: Sequence[str]) -> None:
        """Look at some messages; once enough were seen, no more."""
        stop = min(messages.count, MAX_SEEN - self._seen)
        self._alike.update(zip(*(column(messages.rows, WORDS, field, 0, stop) for field in LOOKED_AT), strict=True))
        self._seen += stop
        self._places = places

    def told(self) -> Told:
        """What they tell by now."""
        told = Told()
        for row, count in self._alike.items():
            src, src_low, dst, dst_low, interface, mac, ttl, direction, group, *from_elsewhere = row
            if any(from_elsewhere):
                continue
            source = host_text(src, src_low)
            if mac > 0:
                told.senders_of_mac.setdefault((self._places[interface], mac), set()).add(source)
            if not group:
                told.ttls.setdefault(source, []).append((ttl, count))
            if direction == OUTBOUND:
                told.outward[source, host_text(dst, dst_low)] += count
            elif direction == INBOUND and not group:
                told.inward[source, host_text(dst, dst_low)] += count
        return told


@dataclass
class Told:
    """What messages tell of hosts: who sends from which MAC address of an interface, directions, hop counts.

    `outward` and `inward` count by sender and receiver; `ttls` are a sender's hop counts and how often each was seen.
    """

    senders_of_mac: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    ttls: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    outward: Counter[tuple[str, str]] = field(default_factory=Counter)
    inward: Counter[tuple[str, str]] = field(default_factory=Counter)

    def macs(self, interface: str) -> dict[str, int]:
        """The MAC address of each sender on an interface, where it has but one."""
        found: dict[str, set[int]] = {}
        for (name, mac), senders in self.senders_of_mac.items():
            for one in senders if name == interface else ():
                found.setdefault(one, set()).add(mac)
        return {one: macs.pop() for one, macs in found.items() if len(macs) == 1}

    @cached_property
    def forwarded(self) -> set[tuple[str, str]]:
        """Ends of what went through the host: seen both ways."""
        return {ends for ends in self.inward if ends in self.outward and ends[0] != ends[1]}

    @cached_property
    def sent(self) -> Counter[str]:
        """Who sent what the capture calls outbound."""
        return self._own(self.outward, 0)

    @cached_property
    def received(self) -> Counter[str]:
        """Whom the capture calls the receiver."""
        return self._own(self.inward, 1)

    def _own(self, table: Counter[tuple[str, str]], end: int) -> Counter[str]:
        found: Counter[str] = Counter()
        for ends, count in table.items():
            if ends not in self.forwarded:
                found[ends[end]] += count
        return found


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
    groups = _groups(contacts)
    if not given and contacts.seen and all(one.on_loopback for one in contacts):
        how = "all traffic is on the loopback interface"
        return Target(addresses=["127.0.0.1"], how=how, assumed=False, warnings=[])
    addresses, how = _known(told, given, described)
    certain = bool(addresses)
    if not addresses:
        addresses = _common(groups, told)
        how = "the one address common to all unicast exchanges, with several peers" if addresses else ""
    assumed = not addresses
    if assumed:
        addresses = _answerers(groups)
        how = "assumed: it answers the requests" if _any_answer(groups) else "assumed: it is the one that is asked"
    if not addresses:
        _give_up(groups)
    shown = _shown(addresses, groups, told)
    if shown:
        how += f"; {', '.join(shown)} added, as {'its' if len(shown) == 1 else 'their'} frames show"
    guessed = [] if certain else _guessed(addresses + shown, groups, told)
    if guessed and not assumed:
        how += f"; {', '.join(guessed)} assumed too, as nothing else of that network is known"
    addresses = addresses + shown + guessed
    warnings = _warnings(addresses, told, contacts) + _not_judged(contacts, addresses)
    return Target(addresses=addresses, how=how, assumed=assumed, warnings=warnings)


def known_addresses(contacts: Contacts, told: Told, given: tuple[str, ...], described: set[str]) -> list[str]:
    """The target's addresses as far as they are given or told by the captures; none are guessed."""
    addresses, _ = _known(told, given, described)
    return addresses + _shown(addresses, _groups(contacts), told)


def _known(told: Told, given: tuple[str, ...], described: set[str]) -> tuple[list[str], str]:
    """Addresses that need no inference, and how they are known."""
    if given:
        return list(dict.fromkeys(given)), "given"
    addresses = sorted(one for one in described | set(told.sent) | set(told.received) if not _is_group(one))
    return addresses, "told by the capture: packet directions or interface addresses"


def _is_group(text: str) -> bool:
    """Whether an address cannot name one host on a network."""
    one = ip_address(text)
    return one.is_multicast or text.endswith(".255") or one.is_unspecified or one.is_loopback


def _groups(contacts: Contacts) -> Groups:
    """Unicast exchanges by interface, IP version and scope: a host has an address of its own in each."""
    groups: Groups = {}
    for one in contacts:
        if one.network:
            groups.setdefault((one.interface, *one.network), []).append(one)
    return groups


def is_loopback(high: int, low: int) -> bool:
    """Whether an address is ::1 or in 127.0.0.0/8."""
    return high == 0 and (low == 1 or low >> 24 == 0xFFFF7F)


def network_of(high: int, low: int) -> tuple[int, bool] | None:
    """IP version of an address and whether it is link-local; None where it cannot name one host on a network."""
    if is_loopback(high, low):
        return None
    if high == 0 and low >> 32 == 0xFFFF:
        first = low >> 24 & 0xFF
        no_host = first & 0xF0 == 0xE0 or low & 0xFF == 0xFF or low & 0xFFFFFFFF == 0
        return None if no_host else (4, low >> 16 & 0xFFFF == 0xA9FE)
    multicast = high >> 56 & 0xFF == 0xFF
    return None if multicast or high == low == 0 else (6, high >> 54 & 0x3FF == 0x3FA)


def _ends(contacts: Iterable[Contact]) -> list[set[str]]:
    """Both ends of each exchange."""
    return [one.ends for one in contacts]


def _common(groups: Groups, told: Told) -> list[str]:
    """The one address in every exchange of an interface, or of the one MAC address, with two peers or more."""
    found: list[str] = []
    for contacts in groups.values():
        shared = _shared(_ends(contacts))
        found += [one for one in shared if one not in found]
    if found:
        return found
    for interface in dict.fromkeys(interface for interface, _, _ in groups):
        mac_of = told.macs(interface)
        ends = [end for key, contacts in groups.items() if key[0] == interface for end in _ends(contacts)]
        if all(one in mac_of for end in ends for one in end):
            shared_mac = _shared([{str(mac_of[one]) for one in end} for end in ends])
            found += sorted({one for end in ends for one in end if str(mac_of[one]) in shared_mac})
    return found


def _shared(ends: list[set[str]]) -> set[str]:
    """The one member of all sets, if there is one and the others have two peers or more."""
    shared = set.intersection(*ends) if ends else set()
    peers = set().union(*ends) - shared
    return shared if len(shared) == 1 and len(peers) > 1 else set()


def _any_answer(groups: Groups) -> bool:
    return any(one.answered for contacts in groups.values() for one in contacts)


def _answerers(groups: Groups) -> list[str]:
    """Per network the one host that answers, or, where none does, the one that is asked and never asks."""
    found: list[str] = []
    any_answer = _any_answer(groups)
    for contacts in groups.values():
        asked = [one for one in contacts if one.asked and (one.answered or not any_answer)]
        servers = {one.server for one in asked}
        only = servers - {one.client for one in asked}
        if len(servers) == 1 and len(only) == 1:
            found += [one for one in only if one not in found]
        elif servers:
            return []
    return found


def _shown(addresses: list[str], groups: Groups, told: Told) -> list[str]:
    """Further addresses that the target's own frames show: sent from its MAC address, or outbound as it is."""
    known = set(addresses)
    peers = set().union(*(end for contacts in groups.values() for end in _ends(contacts) if end & known))
    found: list[str] = []
    for senders in told.senders_of_mac.values():
        if senders & known and not _router(senders, told):
            found += sorted(senders - peers - known - set(found))
    if known & set(told.sent):
        found += sorted(set(told.sent) - peers - known - set(found))
    return [one for one in found if not _is_group(one) or _is_nameless(one, known, told)]


def _is_nameless(text: str, known: set[str], told: Told) -> bool:
    """Whether it is what a host without an address sends from (DHCP), and no MAC but the target's does so."""
    if not ip_address(text).is_unspecified:
        return False
    return all(senders & known for senders in told.senders_of_mac.values() if text in senders)


def _guessed(addresses: list[str], groups: Groups, told: Told) -> list[str]:
    """The target's address in networks where no address of it is known yet."""
    known = set(addresses)
    found: list[str] = []
    for key, contacts in groups.items():
        if not any(end & known for end in _ends(contacts)):
            found += [one for one in _common({key: contacts}, told) or _answerers({key: contacts}) if one not in found]
    return found


def _not_judged(contacts: Contacts, addresses: list[str]) -> list[str]:
    """Hosts that answer beside the target."""
    if not (others := contacts.strangers(addresses)):
        return []
    named = ", ".join(sorted(others)[:MAX_NAMED])
    return [f"not judged: {named} answered too; if that is the target, say so with --target"]


def _give_up(groups: Groups) -> NoReturn:
    counts: Counter[str] = Counter()
    for contacts in groups.values():
        for one in contacts:
            if one.asked:
                counts[one.server] += one.count * (1 + 1000 * one.answered)
    named = sorted(counts, key=lambda one: (-counts[one], one))
    if not named:
        raise TargetError("the target cannot be told: no unicast request was captured; name it with --target ADDRESS")
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    candidates = ", ".join(named[:MAX_NAMED]) + more
    raise TargetError(f"the target cannot be told: candidates are {candidates}; name it with --target ADDRESS")


def _router(senders: set[str], told: Told) -> bool:
    """Whether a MAC address carries other hosts' packets: some of its senders arrive with fewer hops left."""
    return len(senders) > 1 and any(
        all(ttl not in INITIAL_TTLS for ttl, _ in ttls) for one in senders if (ttls := told.ttls.get(one))
    )


def _warnings(addresses: list[str], told: Told, contacts: Contacts) -> list[str]:
    warnings = []
    for one in addresses:
        ttls = told.ttls.get(one)
        if ttls and all(ttl not in INITIAL_TTLS and ttl > 1 for ttl, _ in ttls):
            warnings.append(
                f"frames from {one} arrive with TTL {max(ttls, key=itemgetter(1))[0]}, as if hops away: "
                "the capture looks taken elsewhere, and a reply that it lacks may still have left the target"
            )
    outbound = [time for one in contacts if one.client in addresses for time in one.rtts]
    inbound = [
        time
        for one in contacts
        if one.server in addresses and one.client not in addresses and one.outcome == "replied"
        for time in one.rtts
    ]
    enough = min(len(inbound), len(outbound)) >= MIN_TIMES
    if enough and median(inbound) > FAST and median(inbound) > 4 * median(outbound):
        warnings.append(
            f"the target's answers took {median(inbound) / 1000:.1f} ms, those to its own requests "
            f"{median(outbound) / 1000:.1f} ms: the capture looks taken near the peers"
        )
    return warnings
