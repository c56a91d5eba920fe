"""What frames tell of hosts besides what they say: directions, MAC addresses, hop counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.exchanges.batch import host_text
from capanalyze.packets.message import (
    DIRECTION,
    DST,
    DST_LOW,
    DST_MAC,
    ELSEWHERE,
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
from capanalyze.target.addresses import are_of_several_networks, is_group, network_of
from capanalyze.target.contacts import column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.packets.messages import Rows

LOOKED_AT = (
    *(SRC, SRC_LOW, DST, DST_LOW, INTERFACE, SRC_MAC, DST_MAC),
    *(TTL, DIRECTION, GROUP, TUNNELS, SENDER, SENDER_LOW),
)
INITIAL_TTLS = (32, 60, 64, 128, 255)
FEW_HOPS = 30
ENOUGH = 3  # frames that a ground needs
MAX_SEEN = 65_536  # messages that are looked at
LOOPBACK_INTERFACES = ("lo", "lo0")
UNTOLD = 0  # a direction

Mac = tuple[str, int]  # an interface, and a MAC address there


class Hints:
    """Collects what messages tell of hosts besides what they say; of the first messages only."""

    def __init__(self) -> None:
        self._seen = 0
        self._alike: Counter[tuple[int, ...]] = Counter()
        self._places: Sequence[str] = ()
        self._told: Told | None = None

    def take(self, messages: Rows, places: Sequence[str]) -> None:
        """Look at some messages; once enough were seen, no more."""
        stop = min(messages.count, MAX_SEEN - self._seen)
        if stop == 0:
            return
        self._told = None
        self._alike.update(zip(*(column(messages.rows, WORDS, field, 0, stop) for field in LOOKED_AT), strict=True))
        self._seen += stop
        self._places = places

    def told(self) -> Told:
        """What they tell by now."""
        if self._told is None:
            self._told = self._tell()
        return self._told

    def _tell(self) -> Told:
        told = Told()
        for row, count in self._alike.items():
            src, src_low, dst, dst_low, interface, mac, to_mac, ttl, direction, group, *from_elsewhere = row
            if any(from_elsewhere):
                continue
            place = self._places[interface]
            is_loopback = place in LOOPBACK_INTERFACES or mac == 0  # as Linux has it of lo in a capture of `any`
            told.add(
                Seen(
                    source=host_text(src, src_low),
                    destination=host_text(dst, dst_low),
                    mac=(place, mac) if mac > 0 else None,
                    to_mac=(place, to_mac) if to_mac > 0 else None,
                    ttl=ttl,
                    direction=UNTOLD if is_loopback else direction,
                    to_group=bool(group),
                ),
                count,
            )
        return told


class Seen(NamedTuple):
    """What some messages have in common. `direction` is the capture's own word, see `packets.message`."""

    source: str
    destination: str
    mac: Mac | None
    to_mac: Mac | None
    ttl: int
    direction: int
    to_group: bool


@dataclass
class Told:
    """What messages tell of hosts.

    Attributes:
        senders, receivers: addresses that send from a MAC address, and that are reached at one alone.
        conversations: messages to a single host on an interface, by the MAC addresses of both ends.
        macs_on: all MAC addresses on an interface.
        ttls: a sender's hop counts in messages that came from elsewhere, or may have, and how often each was seen.
        near_ends: who sends what leaves, and who gets what comes, as the capture tells directions.
        far_ends: who is at the other end of these.
    """

    senders: dict[Mac, set[str]] = field(default_factory=dict)
    receivers: dict[Mac, set[str]] = field(default_factory=dict)
    conversations: dict[str, Counter[tuple[Mac, Mac]]] = field(default_factory=dict)
    macs_on: dict[str, set[Mac]] = field(default_factory=dict)
    ttls: dict[str, Counter[int]] = field(default_factory=dict)
    near_ends: set[str] = field(default_factory=set)
    far_ends: set[str] = field(default_factory=set)

    def add(self, seen: Seen, count: int) -> None:
        """Take messages that are alike."""
        if seen.mac:
            self.senders.setdefault(seen.mac, set()).add(seen.source)
            self.macs_on.setdefault(seen.mac[0], set()).add(seen.mac)
        if seen.to_mac and not seen.to_group:
            self.receivers.setdefault(seen.to_mac, set()).add(seen.destination)
            self.macs_on.setdefault(seen.to_mac[0], set()).add(seen.to_mac)
        if seen.mac and seen.to_mac and not seen.to_group:
            self.conversations.setdefault(seen.mac[0], Counter())[seen.mac, seen.to_mac] += count
        if not seen.to_group and seen.direction != OUTBOUND:
            self.ttls.setdefault(seen.source, Counter())[seen.ttl] += count
        if seen.source == seen.destination:
            return
        if seen.direction == OUTBOUND:
            self.near_ends.add(seen.source)
            self.far_ends.add(seen.destination)
        elif seen.direction in (INBOUND, ELSEWHERE):
            self.far_ends.add(seen.source)
            if seen.direction == INBOUND and not seen.to_group:
                self.near_ends.add(seen.destination)

    @cached_property
    def own(self) -> set[str]:
        """Addresses that directions tell to be the target's: what leaves is from them, what comes is to them.

        What is at the far end too is forwarded or translated for somebody else.
        """
        return {one for one in self.near_ends - self.far_ends if not is_group(one)}

    def is_elsewhere(self, address: str) -> bool:
        """Whether frames show that an address is not here: by their directions, or all have come the same few hops."""
        if address in self.far_ends:
            return True
        ttls = self.ttls.get(address, Counter[int]())
        return ttls.total() >= ENOUGH and len(ttls) == 1 and 0 < hops_behind(*ttls) <= FEW_HOPS

    def addresses_at(self, mac: Mac) -> set[str]:
        """All that sends from a MAC address, or is reached at it."""
        return self.senders.get(mac, set()) | self.receivers.get(mac, set())

    def forwards(self, mac: Mac) -> bool:
        """Whether a MAC address is a router's or a NAT gateway's.

        Several networks lie behind it, or hosts whose frames arrive with fewer hops left.
        """
        addresses = self.addresses_at(mac)
        return are_of_several_networks(addresses) or (
            len(addresses) > 1 and any(all(map(hops_behind, ttls)) for one in addresses if (ttls := self.ttls.get(one)))
        )

    def beside(self, addresses: Iterable[str]) -> set[str]:
        """All that sends from the MAC addresses that some addresses send from, where those do not forward."""
        known = set(addresses)
        return {
            one for mac, here in self.senders.items() if here & known and not self.forwards(mac) for one in here - known
        }

    def macs_in_all(self, place: str) -> list[Mac]:
        """MAC addresses that take part in every conversation on an interface, with two others or more."""
        pairs = self.conversations.get(place, Counter[tuple[Mac, Mac]]())
        if pairs.total() < ENOUGH:
            return []
        shared = set.intersection(*map(set, pairs))
        return sorted(shared) if len({mac for pair in pairs for mac in pair}) > 2 else []

    def shares_network(self, mac: Mac) -> bool:
        """Whether an address of it is of the network of another MAC address there: it is on the link itself."""
        own = {network for one in self.addresses_at(mac) if (network := network_of(one))}
        others = self.macs_on[mac[0]] - {mac}
        return any(network_of(one) in own for other in others for one in self.addresses_at(other))


def hops_behind(ttl: int) -> int:
    """How far a hop count is below the next one that hosts begin with."""
    return min((initial - ttl for initial in INITIAL_TTLS if initial >= ttl), default=0)
