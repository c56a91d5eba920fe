"""Who asked whom, and who answered: exchanges, as far as the search for the target looks at them.

Addresses stay numbers until somebody asks: a flood comes from tens of thousands, and few matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capanalyze.core import core
from capanalyze.exchanges.batch import host_text, words_of
from capanalyze.exchanges.row import OUTCOMES, REJECTED, REPLIED
from capanalyze.target.addresses import is_loopback, is_one_host
from capanalyze.target.ground import first_frames
from capanalyze.target.hints import over

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.exchanges.batch import Batch
    from capanalyze.model import Outcome

MAX_CONTACTS = 262_144  # exchanges that are looked at
MAX_TIMES = 16_384  # different round-trip times of theirs
MAX_ALIKE = 256  # clients of a server that are told apart, where what they asked ended alike

# What the core tells exchanges apart by (`note_exchange` in relation.pxd); addresses are two words.
CLIENT, SERVER, WANTED = (0, 1), (2, 3), (4, 5)
PLACE, OUTCOME, ASKED, TO_GROUP = range(6, 10)
WIDTH = 10
TIMES = 6  # client, server, outcome, round trip in nanoseconds


@dataclass(slots=True)
class Contact:
    """Exchanges of one client with one server over one interface that ended alike.

    Attributes:
        asked: whether they began with a request that was captured.
        wanted: the address that was asked, where a single host was asked and another address answered; else None.
        between_hosts: whether both ends are single hosts: no group, no loopback.
    """

    interface: str
    client: str
    server: str
    asked: bool
    outcome: Outcome
    wanted: str | None
    between_hosts: bool

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
    """Who had exchanges with whom; of the first exchanges only.

    Iterating gives of each server the first clients, where many asked the same and it ended alike.
    """

    seen: int = 0
    _found: core.Alike = field(default_factory=lambda: core.Alike(WIDTH, MAX_CONTACTS, 1))
    _times: core.Alike = field(default_factory=lambda: core.Alike(TIMES, MAX_TIMES))
    _places: Sequence[str] = ()

    def __iter__(self) -> Iterator[Contact]:
        return self._told(self._found.first((*SERVER, *WANTED, PLACE, OUTCOME, ASKED, TO_GROUP), MAX_ALIKE))

    @property
    def any_asked(self) -> bool:
        """Whether there is a request that was captured."""
        return len(self._found.where((ASKED,), [(1,)])) > 0

    @property
    def all_on_loopback(self) -> bool:
        """Whether all exchanges are with a host itself; True where there are none."""
        return all(is_loopback(high, low) for high, low, _ in over(self._found, CLIENT))

    def between_hosts(self) -> dict[str, list[Contact]]:
        """Those with a single host at either end, by interface."""
        found: dict[str, list[Contact]] = {}
        for one in self:
            if one.between_hosts:
                found.setdefault(one.interface, []).append(one)
        return found

    def all(self) -> Iterator[Contact]:
        """Those of every client, however many a server has."""
        return self._told(self._found)

    def uses(self, addresses: Iterable[str]) -> dict[str, int]:
        """How many requests each of some addresses sent or got."""
        asked = self._found.where((ASKED,), [(1,)])
        ends = core.Alike(2, 3 * len(asked))
        for columns in (CLIENT, SERVER, WANTED):
            ends.add(asked, columns)
        return {one: ends.times(words_of(one)) for one in addresses}

    def frames_of(self, servers: Iterable[str]) -> tuple[int, ...]:
        """The first frames of what was asked of some servers: their answers, where they answered."""
        here = self._found.where(SERVER, [words_of(one) for one in servers]).where((ASKED,), [(1,)])
        return first_frames(here.where((OUTCOME,), [(REPLIED,), (REJECTED,)])) or first_frames(here)

    def strangers(self, addresses: Iterable[str]) -> set[str]:
        """Hosts that answered requests which none of these addresses sent or got."""
        answered = self._found.where((OUTCOME,), [(REPLIED,), (REJECTED,)])
        return _servers(_without(answered, addresses))

    def asked_beside(self, addresses: Iterable[str]) -> set[str]:
        """Hosts that were asked by others than these addresses."""
        return _servers(_without(self._found.where((ASKED,), [(1,)]), addresses))

    def unmet(self, addresses: Iterable[str]) -> list[str]:
        """Those of some addresses that are no end of any exchange between hosts; none if there are no such."""
        missing = [one for one in addresses if not any(one.between_hosts for one in self._with(one))]
        return missing if missing and any(one.between_hosts for one in self.all()) else []

    def is_peer(self, address: str, own: set[str]) -> bool:
        """Whether an address had exchanges with a host of these addresses."""
        return any(
            (one.client if one.server in own or one.wanted in own else one.server) == address
            for one in self._with(address)
            if one.between_hosts and one.ends & own
        )

    def times(self, clients: Iterable[str] = (), servers: Iterable[str] = ()) -> list[float]:
        """Round-trip times in microseconds: of requests of these clients, or of replies of these servers to others."""
        if clients:
            found = self._times.where(CLIENT, [words_of(one) for one in clients])
        else:
            own = [words_of(one) for one in servers]
            found = self._times.where(SERVER, own).where(CLIENT, own, equal=False).where((4,), [(REPLIED,)])
        return [rtt / 1000 for *_, rtt, count in found for _ in range(count)]

    def take(self, batch: Batch, places: Sequence[str], start: int, stop: int) -> None:
        """Look at rows from `start` to before `stop` of a batch; once enough were seen, no more."""
        stop = min(stop, start + MAX_CONTACTS - self.seen)
        if stop <= start:
            return
        self._found.take_exchanges(self._times, batch.wide, batch.narrow, start, stop)
        self._places = places
        self.seen += stop - start

    def _with(self, address: str) -> Iterator[Contact]:
        """Those that have an address at an end."""
        words = [words_of(address)]
        for columns in (CLIENT, SERVER, WANTED):
            yield from self._told(self._found.where(columns, words))

    def _told(self, found: core.Alike) -> Iterator[Contact]:
        for row in found:
            client, server, wanted = row[0:2], row[2:4], row[4:6]
            yield Contact(
                interface=self._places[row[PLACE]],
                client=host_text(*client),
                server=host_text(*server),
                asked=row[ASKED] == 1,
                outcome=OUTCOMES[row[OUTCOME]],
                wanted=host_text(*wanted) if is_one_host(*wanted) else None,
                between_hosts=is_one_host(*client) and is_one_host(*server),
            )


def _without(found: core.Alike, addresses: Iterable[str]) -> core.Alike:
    """Those that have none of these addresses at an end."""
    own = [words_of(one) for one in addresses]
    for columns in (CLIENT, SERVER, WANTED):
        found = found.where(columns, own, equal=False)
    return found


def _servers(found: core.Alike) -> set[str]:
    """The servers of exchanges between hosts."""
    known = over(found.first(SERVER, MAX_ALIKE), (*CLIENT, *SERVER))
    return {host_text(*row[2:4]) for row in known if is_one_host(*row[0:2]) and is_one_host(*row[2:4])}
