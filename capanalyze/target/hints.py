"""What frames tell of hosts besides what they say: directions, MAC addresses, hop counts.

Addresses stay numbers until somebody asks: a flood comes from tens of thousands, and few matter.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from capanalyze.core import core
from capanalyze.exchanges.batch import host_text, words_of
from capanalyze.packets.message import ELSEWHERE, INBOUND, OUTBOUND
from capanalyze.target.addresses import are_of_several_networks, is_group, may_share_network, network_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.packets.messages import Rows

INITIAL_TTLS = (32, 60, 64, 128, 255)
FEW_HOPS = 30
ENOUGH = 3  # frames that a ground needs
MAX_SEEN = 65_536  # messages that are looked at
LOOPBACK_INTERFACES = ("lo", "lo0")

# What the core tells messages apart by (`note_message` in relation.pxd); addresses are two words.
SOURCE, DESTINATION = (0, 1), (2, 3)
PLACE, MAC, TO_MAC, TTL, DIRECTION, TO_GROUP, TO_ITSELF = range(4, 11)
WIDTH = 11

Words = tuple[int, int]  # of an address
Mac = tuple[int, int]  # the number of an interface, and a MAC address there


class Hints:
    """Collects what messages tell of hosts besides what they say; of the first messages only."""

    def __init__(self) -> None:
        self._seen = 0
        self._alike = core.Alike(WIDTH, MAX_SEEN)
        self._places: Sequence[str] = ()
        self._told: Told | None = None

    def take(self, messages: Rows, places: Sequence[str]) -> None:
        """Look at some messages; once enough were seen, no more."""
        count = min(messages.count, MAX_SEEN - self._seen)
        if count == 0:
            return
        self._told = None
        loopback = bytes(place in LOOPBACK_INTERFACES for place in places)
        self._alike.take_messages(messages.rows, count, loopback)
        self._seen += count
        self._places = places

    def told(self) -> Told:
        """What they tell by now."""
        if self._told is None:
            self._told = Told(self._alike, self._places)
        return self._told


class Told:
    """What messages tell of hosts.

    Args:
        seen: the messages.
        places: labels of interfaces.
    """

    def __init__(self, seen: core.Alike, places: Sequence[str]) -> None:
        self._seen = seen
        self._places = places

    # What the messages tell, as relations

    @cached_property
    def _to_one(self) -> core.Alike:
        """Messages to a single host."""
        return self._seen.where((TO_GROUP,), [(0,)])

    @cached_property
    def _senders(self) -> core.Alike:
        """MAC addresses, and the addresses that send from them."""
        return over(_with_mac(self._seen, MAC), (PLACE, MAC, *SOURCE))

    @cached_property
    def _receivers(self) -> core.Alike:
        """MAC addresses, and the addresses that are reached at them alone."""
        return over(_with_mac(self._to_one, TO_MAC), (PLACE, TO_MAC, *DESTINATION))

    @cached_property
    def _all_macs(self) -> core.Alike:
        """MAC addresses, and how many addresses each has."""
        here = core.Alike(4, len(self._senders) + len(self._receivers))
        here.add(self._senders, (0, 1, 2, 3))
        here.add(self._receivers, (0, 1, 2, 3))
        return over(here, (0, 1), each_once=True)

    @cached_property
    def _places_with_macs(self) -> set[int]:
        return {place for place, *_ in over(self._all_macs, (0,))}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The numbers of interfaces."""
        return {place: number for number, place in enumerate(self._places)}

    @cached_property
    def _hops(self) -> core.Alike:
        """Senders, and their hop counts in messages that came from elsewhere, or may have."""
        return over(self._to_one.where((DIRECTION,), [(OUTBOUND,)], equal=False), (*SOURCE, TTL))

    @cached_property
    def _hops_of(self) -> dict[Words, dict[int, int]]:
        """The same by sender: how often each hop count was seen."""
        found: dict[Words, dict[int, int]] = {}
        for high, low, ttl, count in self._hops:
            found.setdefault((high, low), {})[ttl] = count
        return found

    @cached_property
    def _leaving(self) -> core.Alike:
        """Messages that leave, as the capture tells directions."""
        return self._to_others.where((DIRECTION,), [(OUTBOUND,)])

    @cached_property
    def _coming(self) -> core.Alike:
        """Messages that come, to whomever."""
        return self._to_others.where((DIRECTION,), [(INBOUND,), (ELSEWHERE,)])

    @cached_property
    def _to_others(self) -> core.Alike:
        return self._seen.where((TO_ITSELF,), [(0,)])

    @cached_property
    def _far_ends(self) -> core.Alike:
        """Who sends what comes, and who gets what leaves."""
        found = core.Alike(2, len(self._leaving) + len(self._coming))
        found.add(self._leaving, DESTINATION)
        found.add(self._coming, SOURCE)
        return found

    # What is asked

    @cached_property
    def own(self) -> set[str]:
        """Addresses that directions tell to be the target's: what leaves is from them, what comes is to them.

        What is at the far end too is forwarded or translated for somebody else.
        """
        to_one = self._coming.where((DIRECTION, TO_GROUP), [(INBOUND, 0)])
        near = core.Alike(2, len(self._leaving) + len(to_one))
        near.add(self._leaving, SOURCE)
        near.add(to_one, DESTINATION)
        addresses = (host_text(*words) for *words, _ in near if not self._far_ends.times((words[0], words[1])))
        return {one for one in addresses if not is_group(one)}

    def is_far(self, address: str) -> bool:
        """Whether the capture's directions show that an address is at the other end."""
        return self._far_ends.times(words_of(address)) > 0

    def is_elsewhere(self, address: str) -> bool:
        """Whether frames show that an address is not here: by their directions, or all have come the same few hops."""
        if self.is_far(address):
            return True
        ttls = self._hops_of.get(words_of(address), {})
        return sum(ttls.values()) >= ENOUGH and len(ttls) == 1 and 0 < hops_behind(*ttls) <= FEW_HOPS

    def ttls(self, address: str) -> dict[int, int]:
        """A sender's hop counts in messages that came from elsewhere, or may have, and how often each was seen."""
        return {ttl: count for *_, ttl, count in self._hops.where((0, 1), [words_of(address)])}

    def ttls_of(self, addresses: Iterable[str]) -> set[int]:
        """The hop counts of what some hosts sent to single others."""
        sent = self._to_one.where(SOURCE, [words_of(one) for one in addresses])
        return {ttl for ttl, _ in over(sent, (TTL,))}

    def has_macs(self, place: str) -> bool:
        """Whether there are MAC addresses on an interface."""
        return self._numbers.get(place) in self._places_with_macs

    def macs_from(self, address: str) -> list[Mac]:
        """The MAC addresses that an address sends from."""
        return [(place, mac) for place, mac, *_ in self._senders.where((2, 3), [words_of(address)])]

    def shared_macs(self) -> list[Mac]:
        """MAC addresses that several addresses send from, or are reached at."""
        return [(place, mac) for place, mac, count in self._all_macs if count > 1]

    def sends_from(self, mac: Mac, address: str) -> bool:
        """Whether an address sends from a MAC address."""
        return self._senders.times((*mac, *words_of(address))) > 0

    def addresses_at(self, mac: Mac) -> set[str]:
        """All that sends from a MAC address, or is reached at it."""
        return set(self._at(mac))

    def forwards(self, mac: Mac) -> bool:
        """Whether a MAC address is a router's or a NAT gateway's.

        Several networks lie behind it, or hosts whose frames arrive with fewer hops left.
        """
        if are_of_several_networks(self._at(mac)):
            return True
        addresses = self.addresses_at(mac)
        counts = (self._hops_of.get(words_of(one)) for one in addresses) if len(addresses) > 1 else ()
        return any(all(map(hops_behind, ttls)) for ttls in counts if ttls)

    def beside(self, addresses: Iterable[str]) -> set[str]:
        """All that sends from the MAC addresses that some addresses send from, where those do not forward."""
        known = set(addresses)
        macs = {mac for one in known for mac in self.macs_from(one)}
        here = self._senders.where((0, 1), [mac for mac in macs if not self.forwards(mac)])
        return {host_text(*words) for _, _, *words, _ in here} - known

    def macs_in_all(self, place: str) -> list[Mac]:
        """MAC addresses that take part in every conversation on an interface, with two others or more."""
        here = self._to_one.where((PLACE,), [(self._numbers[place],)])
        pairs = over(_with_mac(_with_mac(here, MAC), TO_MAC), (PLACE, MAC, TO_MAC))
        if sum(count for *_, count in pairs) < ENOUGH:
            return []
        ends = [{(where, mac), (where, to_mac)} for where, mac, to_mac, _ in pairs]
        shared = set.intersection(*ends)
        return sorted(shared) if len(set.union(*ends)) > 2 else []

    def shares_network(self, mac: Mac) -> bool:
        """Whether an address of it is of the network of another MAC address there: it is on the link itself."""
        mine = {words_of(one) for one in self.addresses_at(mac)}
        own = {network for words in mine if (network := network_of(host_text(*words)))}
        others = (
            (high, low)
            for known in (self._senders, self._receivers)
            for _, _, high, low, _ in known.where((0,), [mac[:1]]).where((1,), [mac[1:]], equal=False)
        )
        return any(network_of(host_text(*words)) in own for words in others if may_share_network(words, mine))

    def _at(self, mac: Mac) -> Iterator[str]:
        for known in (self._senders, self._receivers):
            for _, _, high, low, _ in known.where((0, 1), [mac]):
                yield host_text(high, low)


def over(seen: core.Alike, columns: tuple[int, ...], *, each_once: bool = False) -> core.Alike:
    """What some columns hold."""
    found = core.Alike(len(columns), len(seen))
    found.add(seen, columns, each_once)
    return found


def _with_mac(seen: core.Alike, column: int) -> core.Alike:
    """Those with a MAC address: of links without one it is -1, of Linux's `lo` 0."""
    return seen.where((column,), [(-1,), (0,)], equal=False)


def hops_behind(ttl: int) -> int:
    """How far a hop count is below the next one that hosts begin with."""
    return min((initial - ttl for initial in INITIAL_TTLS if initial >= ttl), default=0)
