"""Captures in, settled exchanges out as they come: opens, reads and pairs what an audit names.

Captures that share a mode are paired together, so that a reply may be in another file than its request; pieces
of a rotated capture are read behind each other as one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from capanalyze.errors import AuditError, CaptureError
from capanalyze.exchanges.arrival import Arrival, Places, merged
from capanalyze.exchanges.batch import Names
from capanalyze.exchanges.engine import Engine
from capanalyze.exchanges.row import CAPTURE
from capanalyze.protocols import PROTOCOLS
from capanalyze.reading import open_reading
from capanalyze.rotation import rotations
from capanalyze.target import Hints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capanalyze.audit import Audit, CaptureFile
    from capanalyze.exchanges.arrival import Unit
    from capanalyze.exchanges.batch import Batch
    from capanalyze.reading import Reading
    from capanalyze.verdicts import CaptureFacts


class Stream:
    """The exchanges of an audit, batch by batch; to be used in a `with` statement.

    Attributes:
        total: octets of all captures, None where nobody can tell.
        places: labels of the interfaces met so far.
        names: what the numbers in rows stand for.
        hints: what messages tell of hosts; of the first ones only.
        messages: how many were paired so far.
        malformed: messages that did not parse, by (capture, service, kind).
        engine: what pairs the captures at hand.
        ended: whether all was read, and only what was open then is to come.
        left_out: why captures could not be read, by name, where reading goes on without them.
        evicted: exchanges that were let go before their time, for want of room.
        forgotten: those of them whose window was not over.
        behind: endpoints of the host, and the ones that it passes their requests on to.
    """

    def __init__(self, audit: Audit) -> None:
        series = rotations(audit.captures)
        # Pieces count in the order in which they were written, however they were given.
        self.audit = audit = replace(audit, captures=tuple(file for pieces in series for file in pieces))
        sizes = [size_of(file) for file in audit.captures]
        self.total = sum(sizes) if all(sizes) else None
        self.places = Places()
        self.names = Names([file.name for file in audit.captures], self.places.labels)
        self.hints = Hints()
        self.messages = 0
        self.malformed: dict[tuple[str, str, str], int] = {}
        self.left_out: dict[str, str] = {}
        self._groups = [[pieces for pieces in series if pieces[0].name in names] for names in together(audit.captures)]
        self._readings: dict[str, Reading] = {}
        self._sources = self._sources_of()
        self.engine: Engine
        self.ended = False
        self.evicted = self.forgotten = 0
        self.behind: dict[tuple[str, int], tuple[str, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the captures."""
        for reading in self._readings.values():
            reading.close()

    @property
    def has_one_source(self) -> bool:
        """Whether all is one capture, be it in pieces."""
        return sum(map(len, self._groups)) == 1

    @property
    def readings(self) -> list[Reading]:
        """The captures read so far, in the order of the audit."""
        return [self._readings[file.name] for file in self.audit.captures if file.name in self._readings]

    def octets_read(self) -> int:
        """How many octets were read by now."""
        return sum(reading.capture.octets_read for reading in list(self._readings.values()))

    def facts(self) -> dict[str, CaptureFacts]:
        """What judging needs to know of the captures, as far as they were read; pieces of one end together."""
        facts = {one.file.name: one.facts(self.audit) for one in self.readings}
        for pieces in (pieces for group in self._groups for pieces in group if len(pieces) > 1):
            lasts = [facts[file.name].last for file in pieces if file.name in facts]
            last = max((one for one in lasts if one is not None), default=None)
            for file in pieces:
                if file.name in facts and facts[file.name].last is not None:
                    facts[file.name] = replace(facts[file.name], last=last)
        return facts

    def cut_modes(self) -> set[str | None]:
        """Modes whose silence means nothing as frames are cut; None for no mode."""
        found: set[str | None] = set()
        for reading in self.readings:
            if reading.is_cut:
                found |= reading.file.modes
        return found

    def batches(self) -> Iterator[Batch]:
        """Read and pair all.

        Raises:
            CaptureError: a capture cannot be read; where captures may be left out, none can.
            AuditError: two captures of a mode hold the same traffic.
        """
        for unit in self.units():
            yield from unit

    def units(self) -> Iterator[list[Batch]]:
        """Read and pair all; what was settled by each so many messages, then what was open at the end.

        Raises: see `batches`.
        """
        for group in self._groups:
            self.engine = Engine(self._sources)
            yield from self._paired(group)
            self.ended = group is self._groups[-1]
            yield []
            yield from ([batch] for batch in self.engine.finish())
            self._count()
        if not self._readings:
            first, *others = self.left_out.values()
            more = f"; nor could {len(others)} more" if others else ""
            raise CaptureError(f"nothing could be read: {first}{more}")

    def _sources_of(self) -> list[int]:
        """For each capture the number of its source among those that it is paired with."""
        found = {file.name: source for group in self._groups for source, pieces in enumerate(group) for file in pieces}
        return [found[file.name] for file in self.audit.captures]

    def _paired(self, group: Sequence[Sequence[CaptureFile]]) -> Iterator[list[Batch]]:
        # Several captures are read by turns, a piece of each.
        settled: list[Batch] = []
        before = self.messages
        for rows in merged([self._arriving(pieces, is_alone=len(group) == 1) for pieces in group]):
            if rows.count:
                self.hints.take(rows, self.places.labels)
                self.messages += rows.count
                settled += self.engine.feed(rows.rows, rows.pool, rows.count)
            if self.messages > before and not rows.goes_on:
                yield settled
                self._refuse(self.engine.same_packet())
                settled, before = [], self.messages

    def _count(self) -> None:
        """What was counted while a group was paired."""
        evicted, forgotten = self.engine.evicted
        self.evicted += evicted
        self.forgotten += forgotten
        self.behind = self.engine.behind() | self.behind
        for (capture, module, kind), count in self.engine.malformed().items():
            key = self.names.captures[capture], PROTOCOLS[module].name, PROTOCOLS[module].kind(kind)
            self.malformed[key] = self.malformed.get(key, 0) + count

    def _arriving(self, pieces: Sequence[CaptureFile], *, is_alone: bool) -> Iterator[Unit]:
        """The messages of one source, in order."""
        alone = is_alone and len(pieces) == 1
        arrival = Arrival(self.places, self.audit.since, self.audit.until, alone=alone)
        threads = self.audit.threads if is_alone else 1
        return arrival.units(self._opened(pieces, threads), self._leave_out)

    def _opened(self, pieces: Sequence[CaptureFile], threads: int) -> Iterator[tuple[int, Reading]]:
        """The captures of one source, each with its number in the audit."""
        is_series = any(map(size_of, pieces))  # nothing is a piece of nothing
        for file in pieces:
            try:
                reading = open_reading(file, hashed=self.audit.hashed, threads=threads, is_piece=is_series)
            except CaptureError as error:
                self._leave_out(file, error)
                continue
            self._readings[file.name] = reading
            yield self.audit.captures.index(file), reading

    def _leave_out(self, file: CaptureFile, error: CaptureError) -> None:
        """Go on without a capture, where that is asked for; what was paired of it before stays."""
        if not self.audit.keep_going:
            way_out = " (--keep-going leaves it out)" if len(self.audit.captures) > 1 else ""
            raise CaptureError(f"{error}{way_out}") from error
        self.left_out[file.name] = str(error)
        reading = self._readings.get(file.name)
        if reading and not reading.part.frames:
            reading.close()
            del self._readings[file.name]

    def _refuse(self, same: tuple[int, int] | None) -> None:
        """The same packet in two captures of one mode would count twice."""
        if same is None:
            return
        (first, frame), (second, other) = (divmod(one, CAPTURE) for one in same)
        names = self.names.captures
        raise AuditError(
            f"{names[first]} and {names[second]} hold the same traffic (frame {frame} of one is frame {other} of the "
            "other): give one of them, or put them under different modes"
        )


def size_of(file: CaptureFile) -> int:
    """Octets of a file, 0 where nobody can tell."""
    path = Path(file.path)
    return path.stat().st_size if path.is_file() else 0


def together(files: Sequence[CaptureFile]) -> list[tuple[str, ...]]:
    """Names of captures that share a mode, group by group; those without a mode are one group."""
    groups: list[tuple[set[str], list[str]]] = []
    for file in files:
        modes = {segment.mode for segment in file.segments} or {""}
        names = [file.name]
        for group in [group for group in groups if group[0] & modes]:
            modes |= group[0]
            names = group[1] + names
            groups.remove(group)
        groups.append((modes, names))
    return [tuple(names) for _, names in groups]
