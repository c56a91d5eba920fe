"""Who asked whom, and who answered: exchanges, as far as the search for the target looks at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from capanalyze.exchanges.batch import host_text
from capanalyze.exchanges.row import (
    CLIENT,
    CLIENT_LOW,
    FLAGS,
    GROUP,
    NARROW,
    OUTCOME,
    OUTCOMES,
    PLACE,
    REQUEST,
    RTT,
    SERVER,
    SERVER_LOW,
    WANTED,
    WANTED_LOW,
    WIDE,
)
from capanalyze.target.addresses import is_loopback, is_one_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.exchanges.batch import Batch
    from capanalyze.model import Outcome

Key = tuple[tuple[int, ...], int, int, bool, bool]  # ends, place, outcome, whether asked, whether it asked a group
ENDS = (CLIENT, CLIENT_LOW, SERVER, SERVER_LOW, WANTED, WANTED_LOW)
MAX_CONTACTS = 262_144  # exchanges that are looked at


@dataclass
class Contact:
    """Exchanges of one client with one server over one interface that ended alike.

    Attributes:
        asked: whether they began with a request that was captured.
        wanted: the address that was asked, where a single host was asked and another address answered; else None.
        between_hosts: whether both ends are single hosts: no group, no loopback.
        rtts: round-trip times in microseconds.
    """

    interface: str
    client: str
    server: str
    asked: bool
    outcome: Outcome
    wanted: str | None
    between_hosts: bool
    on_loopback: bool
    count: int = 0
    rtts: list[float] = field(default_factory=list)

    @property
    def ends(self) -> set[str]:
        """All addresses at either end."""
        return {self.client, self.server} | ({self.wanted} if self.wanted else set())

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

    def between_hosts(self) -> dict[str, list[Contact]]:
        """Those with a single host at either end, by interface."""
        found: dict[str, list[Contact]] = {}
        for one in self:
            if one.between_hosts:
                found.setdefault(one.interface, []).append(one)
        return found

    def strangers(self, addresses: Iterable[str]) -> set[str]:
        """Hosts that answered requests which none of these addresses sent or got."""
        own = set(addresses)
        others = (one for one in self if own.isdisjoint((one.client, one.server, one.wanted)))
        return {one.server for one in others if one.answered and one.between_hosts}

    def unmet(self, addresses: Iterable[str]) -> list[str]:
        """Those of some addresses that are no end of any exchange between hosts; none if there are no such."""
        ends = {end for one in self if one.between_hosts for end in one.ends}
        return [one for one in addresses if one not in ends] if ends else []

    def take(self, batch: Batch, places: Sequence[str], start: int, stop: int) -> None:
        """Look at rows from `start` to before `stop` of a batch; once enough were seen, no more."""
        stop = min(stop, start + MAX_CONTACTS - self.seen)
        ends = zip(*(column(batch.wide, WIDE, field, start, stop) for field in ENDS), strict=True)
        asked = [frame > 0 for frame in column(batch.wide, WIDE, REQUEST, start, stop)]
        where = column(batch.narrow, NARROW, PLACE, start, stop), column(batch.narrow, NARROW, OUTCOME, start, stop)
        flags = column(batch.narrow, NARROW, FLAGS, start, stop)
        times = column(batch.wide, WIDE, RTT, start, stop)
        to_group = [one & GROUP > 0 for one in flags]
        for key, rtt in zip(zip(ends, *where, asked, to_group, strict=True), times, strict=True):
            found = self._found.get(key) or self._meet(key, places)
            found.count += 1
            if rtt >= 0:
                found.rtts.append(rtt / 1000)
            self.seen += 1

    def _meet(self, key: Key, places: Sequence[str]) -> Contact:
        ends, place, outcome, asked, to_group = key
        client, server, wanted = ends[0:2], ends[2:4], ends[4:6]
        elsewhere = asked and not to_group and wanted != server and is_one_host(*wanted)
        found = self._found[key] = Contact(
            interface=places[place],
            client=host_text(*client),
            server=host_text(*server),
            asked=asked,
            outcome=OUTCOMES[outcome],
            wanted=host_text(*wanted) if elsewhere else None,
            between_hosts=is_one_host(*client) and is_one_host(*server),
            on_loopback=is_loopback(*client),
        )
        return found


def column(numbers: Any, words: int, field: int, start: int, stop: int) -> Any:
    """A field of rows from `start` to before `stop`, of so many words each."""
    return numbers[start * words + field : stop * words : words]
