"""A summary: the core's, with room for so many of each kind of record, and what it hands out as objects."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from capanalyze.core import core
from capanalyze.exchanges.batch import Batch
from capanalyze.exchanges.row import WIDE
from capanalyze.judging.setting import port_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from capanalyze.audit import Mode

# Classes of exchanges, worst first.
REPLIED, REJECTED, SILENT, INDETERMINATE, UNPROVEN = range(5)
CLASSES = 5
# What a cell counts: exchanges of a service, what the target told unasked, exchanges of further ports.
SERVICE, UNASKED, FURTHER = range(3)
MOST_BITS = 64  # captures that a cell has a bit for


@dataclass(frozen=True)
class Rooms:
    """How many records of each kind there may be.

    `quiet`, `rejecting` and `answering` are ports of a mode, a zone and a transport that have findings of their own, by
    what they drew: nothing, a rejection, a reply. `ports` are all of those, services have the other `details`. `full`
    are findings of more exchanges than are held. `rows` are exchanges that are kept, `waiting` those of them that are
    held until all is read, `links` further frames of theirs. `met` are places of zones, and captures of cells that they
    have no bit for. `hosts` are clients, `origins` how often each is counted. Ports may take half of `full` and
    `waiting`.
    """

    cells: int = 1 << 18
    reasons: int = 1 << 19
    details: int = 1 << 14
    quiet: int = 1 << 8
    rejecting: int = 1 << 8
    answering: int = 1 << 10
    ports: int = 1 << 13
    full: int = 1 << 11
    turns: int = 1 << 14
    changes: int = 1 << 13
    rows: int = 1 << 17
    waiting: int = 1 << 16
    links: int = 1 << 18
    met: int = 1 << 16
    hosts: int = 1 << 16
    origins: int = 1 << 16


ROOMS = Rooms()


@dataclass
class Cell:
    """Exchanges of a mode, zone and service counted, or of further ports of a transport together.

    `mode` and `zone` are numbers, -1 for none. Counts are by class, `reached` in the order of `exchanges.reach`.
    `fastest` and `slowest` are nanoseconds.
    `further` ports were joined; `uncounted`: and others that nobody counted. `detail` is 0 for none.
    """

    number: int
    mode: int
    zone: int
    service: int
    port: int
    sort: int
    counts: list[int]
    over_ipv6: list[int]
    resent: int
    asked_octets: int
    told_octets: int
    told_frames: int
    reached: list[int]
    timed: int
    fastest: int
    slowest: int
    captures: set[int]
    detail: int
    changes: int
    uncompared: int
    port_seen: int
    uncounted: bool
    further: int
    reasons: dict[tuple[int, int, int], int]  # class, module, reason → how often


@dataclass
class Asked:
    """What requests of a kind drew: `request` is the frame of the first that drew a reply, `reply` that reply.

    `silent` counts those that drew nothing over IPv4 and over IPv6.
    """

    exchanges: int
    replied: int
    silent: list[int]
    asked_octets: int
    told_octets: int
    told_frames: int
    request: int
    reply: int


@dataclass
class Detail:
    """What is shown of a finding besides its counts.

    `firsts`, `slowest` and `last` are rows that are kept, of the worst class; 0 for none. `exact` are all exchanges,
    while they are few: seconds, nanoseconds, round trip, class; `rows` are the same, as rows that are kept. Else `bins`
    are numbers of slices of time, 2 to the `level` nanoseconds wide, and the counts of each by class. `times` counts
    round trips by step.
    `payloads` are frame, offset and captured octets of replies, then of their requests.
    """

    firsts: list[int] = field(default_factory=list)
    slowest: int = 0
    last: int = 0
    exact: list[tuple[int, int, int, int]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    level: int = 0
    bins: list[tuple[int, list[int]]] = field(default_factory=list)
    kinds: dict[int, Asked] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    payloads: list[tuple[int, ...]] = field(default_factory=list)


@dataclass
class Change:
    """A change of outcome, between classes: the rows that show both, the lengths of the runs, what was sent between."""

    cell: int
    turn: int
    before: int
    after: int
    length_before: int
    length_after: int
    sent: list[int]  # frames, 0 for none
    last: int
    first: int


class Counts(NamedTuple):
    """Exchanges by direction; those outside of every mode's time; and what there was no room for.

    `lost` are reasons, rows and changes, `left_out` exchanges; `crowded` says whether it was ports. Of
    `untold` answered requests it is not known from where they came.
    """

    directions: list[int]
    unplaced: int
    lost: int
    left_out: int
    crowded: bool
    untold: int


class Summary:
    """Exchanges summed up.

    Args:
        modes: of the audit: what they name in their promises is told apart in any case.
    """

    def __init__(self, modes: Sequence[Mode]) -> None:
        named = port_table(service for mode in modes for service in mode.allow)
        self._core = core.Summary(named, **asdict(ROOMS))

    def add(self, batch: Batch) -> None:
        """Sum up a batch of judged rows."""
        self._core.add(batch.wide, batch.narrow, batch.links, batch.count)

    def finish(self, shown: Sequence[core.Neighbourhood] = ()) -> None:
        """All was added, of captures that showed these hosts on the link."""
        self._core.finish(list(shown))

    def counts(self) -> Counts:
        """What is counted of all exchanges."""
        return Counts(*self._core.counts())

    def rows(self) -> Batch:
        """The rows that are kept."""
        wide, narrow, links = self._core.kept()
        words = memoryview(wide).cast("q")
        return Batch(words, memoryview(narrow).cast("i"), memoryview(links).cast("q"), len(words) // WIDE)

    def cells(self) -> list[Cell]:
        """All cells, as they were met."""
        found = {number: cell_of(number, cell) for number, cell in self._core.cells()}
        for number, said, count in self._core.reasons():
            reasons = found[number].reasons
            key = said["kind"], said["module"], said["reason"]
            reasons[key] = reasons.get(key, 0) + count
        for number, capture in self._core.met()[1]:
            found[number].captures.add(capture)
        return list(found.values())

    def joined(self, services: Iterable[str]) -> dict[int, list[int]]:
        """Which ports of some services stayed silent and are joined in a cell of further ports, by its number."""
        found: dict[int, list[int]] = {}
        for number, port in self._core.joined(port_table(services)):
            found.setdefault(number, []).append(port)
        return found

    def places(self) -> dict[int, set[int]]:
        """The places of zones, by number."""
        found: dict[int, set[int]] = {}
        for zone, place in self._core.met()[0]:
            found.setdefault(zone, set()).add(place)
        return found

    def detail(self, cell: Cell) -> Detail:
        """What is shown of a cell besides its counts."""
        if not cell.detail:
            return Detail()
        told = self._core.detail(cell.detail)
        kinds = {number: asked_of(one) for number, one in told.pop("kinds").items()}
        return Detail(kinds=kinds, **told)

    def changes(self) -> list[Change]:
        """Changes of outcome, as they were met."""
        return [Change(**one) for one in self._core.changes()]


def cell_of(number: int, cell: Mapping[str, Any]) -> Cell:
    """A cell of the core."""
    usual = cell["usual"]
    reasons = {(usual["kind"], usual["module"], usual["reason"]): cell["usual_number"]}
    captures = {bit for bit in range(MOST_BITS) if cell["captures"] >> bit & 1}
    fields = {name: one for name, one in cell.items() if name in Cell.__dataclass_fields__}
    return Cell(number=number, **cell["which"], **fields | {"captures": captures}, reasons=reasons)


def asked_of(asked: Mapping[str, Any]) -> Asked:
    """A line of the core."""
    return Asked(**{name: one for name, one in asked.items() if name in Asked.__dataclass_fields__})
