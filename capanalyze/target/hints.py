"""What frames tell of hosts besides what they say, gathered for the kinds of evidence.

Addresses stay numbers until somebody asks: a flood comes from tens of thousands, and few matter.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from capanalyze.core import core
from capanalyze.exchanges.batch import host_text, words_of
from capanalyze.packets.message import ELSEWHERE, INBOUND, OUTBOUND
from capanalyze.target.addresses import are_of_several_networks, is_group, may_share_network, network_of
from capanalyze.target.ground import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.packets.messages import Rows

INITIAL_TTLS = (32, 60, 64, 128, 255)
FRAMES = 3  # that are kept of what is told alike
MAX_SEEN = 65_536  # messages that are looked at
HANDSHAKE_PLACE = 4  # column of `core.Handshakes`
LOOPBACK_INTERFACES = ("lo", "lo0")

# What the core tells messages apart by (`note_message` in relation.pxd); addresses are two words.
SOURCE, DESTINATION = (0, 1), (2, 3)
PLACE, MAC, TO_MAC, TTL, DIRECTION, TO_GROUP, TO_ITSELF, PROTOCOL, SIGNS = range(4, 13)
WIDTH = 13
ARP = -1  # in the place of a protocol
# Signs, as `signs.pxd` has them.
PADDED, BARE, UNFINISHED, FINISHED, NEIGHBOUR = (1 << bit for bit in range(5))
ALL_SIGNS = range(1 << 5)

Words = tuple[int, int]  # of an address
Mac = tuple[int, int]  # the number of an interface, and a MAC address there


class Hints:
    """Collects what messages tell of hosts besides what they say; of the first messages only."""

    def __init__(self) -> None:
        self._seen = 0
        self._alike = core.Alike(WIDTH, MAX_SEEN, FRAMES)
        self._handshakes = core.Handshakes()
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
        self._handshakes.take(messages.rows, count)
        self._seen += count
        self._places = places

    def told(self) -> Told:
        """What they tell by now."""
        if self._told is None:
            self._told = Told(self._alike, self._handshakes.done, self._places)
        return self._told


class Told:
    """What messages tell of hosts.

    Args:
        everything: the messages, those of ARP too.
        handshakes: of TCP, see `core.Handshakes`.
        places: labels of interfaces.
    """

    def __init__(self, everything: core.Alike, handshakes: core.Alike, places: Sequence[str]) -> None:
        self._everything = everything
        self.handshakes = handshakes
        self._places = places
        self._by_mac: dict[int, dict[Mac, int]] = {}
        self._by_sender: dict[int, dict[Words, int]] = {}
        self._in_handshakes: dict[tuple[int, int], dict[Words, list[int]]] = {}

    # What the messages tell, as relations

    @cached_property
    def _seen(self) -> core.Alike:
        """Messages over IP."""
        if not len(self._claims):
            return self._everything
        return self._everything.where((PROTOCOL,), [(ARP,)], equal=False)

    @cached_property
    def _claims(self) -> core.Alike:
        """Messages of ARP."""
        return self._everything.where((PROTOCOL,), [(ARP,)])

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
        return over(_not_leaving(self._to_one), (*SOURCE, TTL))

    @cached_property
    def hops_of(self) -> dict[Words, dict[int, int]]:
        """A sender's hop counts in messages that came from elsewhere, or may have, and how often each was seen."""
        found: dict[Words, dict[int, int]] = {}
        for high, low, ttl, count in self._hops:
            found.setdefault((high, low), {})[ttl] = count
        return found

    @cached_property
    def leaving(self) -> core.Alike:
        """Messages that leave, as the capture tells directions."""
        return self._to_others.where((DIRECTION,), [(OUTBOUND,)])

    @cached_property
    def coming(self) -> core.Alike:
        """Messages that come, to whomever."""
        return self._to_others.where((DIRECTION,), [(INBOUND,), (ELSEWHERE,)])

    @cached_property
    def _to_others(self) -> core.Alike:
        return self._seen.where((TO_ITSELF,), [(0,)])

    @cached_property
    def _far_ends(self) -> core.Alike:
        """Who sends what comes, and who gets what leaves."""
        found = core.Alike(2, len(self.leaving) + len(self.coming))
        found.add(self.leaving, DESTINATION)
        found.add(self.coming, SOURCE)
        return found

    # What is asked

    @cached_property
    def own(self) -> set[str]:
        """Addresses that directions tell to be the target's: what leaves is from them, what comes is to them.

        What is at the far end too is forwarded or translated for somebody else.
        """
        to_one = self.coming.where((DIRECTION, TO_GROUP), [(INBOUND, 0)])
        near = core.Alike(2, len(self.leaving) + len(to_one))
        near.add(self.leaving, SOURCE)
        near.add(to_one, DESTINATION)
        addresses = (host_text(*words) for *words, _ in near if not self._far_ends.times((words[0], words[1])))
        return {one for one in addresses if not is_group(one)}

    def is_far(self, address: str) -> bool:
        """Whether the capture's directions show that an address is at the other end."""
        return self._far_ends.times(words_of(address)) > 0

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
        counts = (self.hops_of.get(words_of(one)) for one in addresses) if len(addresses) > 1 else ()
        return any(all(map(hops_behind, ttls)) for ttls in counts if ttls)

    def senders_at(self, mac: Mac) -> set[str]:
        """All that sends from a MAC address."""
        return {host_text(*words) for _, _, *words, _ in self._senders.where((0, 1), [mac])}

    def sent_from(self, mac: Mac, *address: str) -> core.Alike:
        """Messages from a MAC address, and from an address there."""
        here = self._seen.where((PLACE, MAC), [mac])
        return self.with_words(here, SOURCE, address) if address else here

    def asked_from(self, mac: Mac, address: str) -> core.Alike:
        """Messages of ARP from a MAC address that name an address as its own."""
        return self.with_words(self._claims.where((PLACE, MAC), [mac]), SOURCE, [address])

    def claimed_by(self, mac: Mac) -> set[str]:
        """Addresses that a MAC address, and no other, names as its own in ARP, and that no other sends from."""
        here = {(row[0], row[1]) for row in over(self._claims.where((PLACE, MAC), [mac]), SOURCE)}
        others = self._claims.where((PLACE, MAC), [mac], equal=False)
        taken = {(row[0], row[1]) for row in over(others, SOURCE)}
        names = {host_text(*words) for words in here - taken if words[1] != 0xFFFF << 32}
        return {one for one in names if all(other == mac for other in self.macs_from(one))}

    def macs_of(self, addresses: Iterable[str], place: int) -> set[Mac]:
        """The MAC addresses that some addresses send from on an interface."""
        return {mac for one in addresses for mac in self.macs_from(one) if mac[0] == place}

    def place(self, mac: Mac) -> str:
        """The label of the interface that a MAC address was met on."""
        return self._places[mac[0]]

    def label(self, place: int) -> str:
        """The label of an interface."""
        return self._places[place]

    def with_sign(self, sign: int) -> core.Alike:
        """Messages that bear a sign."""
        return self._everything.where((SIGNS,), [(signs,) for signs in ALL_SIGNS if signs & sign])

    def hops_from(self, address: str) -> core.Alike:
        """Messages of an address to single hosts that came from elsewhere, or may have."""
        return _not_leaving(self.with_words(self._to_one, SOURCE, [address]))

    def frames_by_mac(self, sign: int) -> dict[Mac, int]:
        """How many messages with a sign each MAC address sent."""
        if sign not in self._by_mac:
            seen = over(_with_mac(self.with_sign(sign), MAC), (PLACE, MAC))
            self._by_mac[sign] = {(place, mac): count for place, mac, count in seen}
        return self._by_mac[sign]

    def signed(self, sign: int) -> dict[Words, int]:
        """How many messages with a sign each address sent."""
        if sign not in self._by_sender:
            self._by_sender[sign] = {(high, low): count for high, low, count in over(self.with_sign(sign), SOURCE)}
        return self._by_sender[sign]

    @cached_property
    def bare_macs(self) -> dict[int, list[Mac]]:
        """By interface, the MAC addresses that send short frames, ENOUGH of them, and all without padding."""
        found: dict[int, list[Mac]] = {}
        for mac, count in self.frames_by_mac(BARE).items():
            if count >= ENOUGH and mac not in self.frames_by_mac(PADDED):
                found.setdefault(mac[0], []).append(mac)
        return found

    def in_handshakes(self, end: tuple[int, int]) -> dict[Words, list[int]]:
        """Those at one end of ENOUGH handshakes on an interface, and the numbers of such interfaces."""
        if end not in self._in_handshakes:
            found = self._in_handshakes[end] = {}
            for high, low, place, count in over(self.handshakes, (*end, HANDSHAKE_PLACE)):
                if count >= ENOUGH:
                    found.setdefault((high, low), []).append(place)
        return self._in_handshakes[end]

    def with_words(
        self, found: core.Alike, columns: tuple[int, int], addresses: Iterable[str], *, equal: bool = True
    ) -> core.Alike:
        """Messages with one of some addresses at an end, or those without."""
        return found.where(columns, [words_of(one) for one in addresses], equal)

    def macs_in_all(self, place: str) -> list[Mac]:
        """MAC addresses that take part in all unicast frames on an interface, with two others or more."""
        here = self._everything.where((PLACE, TO_GROUP), [(self._numbers[place], 0)])
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


def _not_leaving(seen: core.Alike) -> core.Alike:
    """Messages that came from elsewhere, or may have."""
    return seen.where((DIRECTION,), [(OUTBOUND,)], equal=False)


def met(seen: core.Alike) -> int:
    """How many messages there are."""
    return sum(row[-1] for row in seen)


def _with_mac(seen: core.Alike, column: int) -> core.Alike:
    """Those with a MAC address: of links without one it is -1, of Linux's `lo` 0."""
    return seen.where((column,), [(-1,), (0,)], equal=False)


def hops_behind(ttl: int) -> int:
    """How far a hop count is below the next one that hosts begin with."""
    return min((initial - ttl for initial in INITIAL_TTLS if initial >= ttl), default=0)
