"""The flow on one page: captures → messages → exchanges → target → verdicts."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import TYPE_CHECKING

from msgspec.structs import replace

from capanalyze.errors import TargetError
from capanalyze.exchanges.batch import in_order, numbered
from capanalyze.exchanges.held import Held
from capanalyze.exchanges.pair import pairs_of
from capanalyze.judging.judge import Judge
from capanalyze.stream import Stream
from capanalyze.target import Contacts, find_target, unknown_target
from capanalyze.target.doubts import not_judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from capanalyze.audit import Audit
    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.exchanges.pair import Pair
    from capanalyze.judging.controls import Controls
    from capanalyze.model import Target

FEW = 16_384  # messages, up to which all is held
TRIES = (4, 8, 16)  # units of messages after which the target of a large capture is looked for
SAMPLE = 128  # exchanges of each unit of messages that are looked at for further addresses once the target is known


class Flow:
    """One run of the flow: exchanges, judged, either all at once or as they come.

    Args:
        stream: the captures, ready to be read.
        needs_target: whether to give up where nobody can tell the target; else nothing is judged then.

    Attributes:
        names: what the numbers in rows stand for.
        target: the host under test, as far as it is known.
        undecided: why nobody can tell the target; empty where somebody can.

    Raises:
        TargetError: nobody can tell the target, and it is needed.
    """

    def __init__(self, stream: Stream, *, needs_target: bool) -> None:
        self._stream = stream
        self._needs_target = needs_target
        self._audit = stream.audit
        self._units = stream.units()
        self._held = Held()
        self._judge = Judge(self._audit, stream.places.labels)
        self.names: Names = replaced(
            stream.names, modes=[mode.name for mode in self._audit.modes], zones=self._judge.zones
        )
        self._contacts = Contacts()
        self.undecided = ""
        try:
            self.target = self._begin()
        except BaseException:
            self._held.close()
            raise
        self._strangers = self._contacts.strangers(self.target.addresses)
        self._judge.target(self.target.addresses)

    def close(self) -> None:
        """Let go of what is held: nothing more is wanted."""
        self._held.close()

    @property
    def are_few(self) -> bool:
        """Whether all exchanges can be held at once."""
        return self._stream.messages <= FEW

    def judged(self) -> Iterator[Batch]:
        """All exchanges, judged."""
        self._judge.see(self._stream.facts())
        with self._held as held:
            if self._stream.ended:
                # What a silent request's capture leaves open at its end, an answer in any other may tell.
                for batch in held:
                    self._judge.note(batch, 0, batch.count)
            yield from map(self._settled, held)
        if self._stream.ended:
            return
        self._held = Held()
        for unit in self._units:
            self._judge.see(self._stream.facts())
            if self._stream.ended and not unit:
                for batch, start, stop in self._stream.engine.remaining():
                    self._judge.note(batch, start, stop)
            self._look_at_some(unit)
            yield from map(self._settled, unit)

    def _look_at_some(self, unit: Iterable[Batch]) -> None:
        """Take in the first exchanges of a unit, into however many batches it fell."""
        left = SAMPLE
        for batch in unit:
            self._contacts.take(batch, self._stream.places.labels, 0, min(batch.count, left))
            left -= min(batch.count, left)
            if not left:
                return

    def controls(self) -> Controls:
        """What shows by now that services listened."""
        return self._judge.controls(self.names)

    def peers_of(self, addresses: set[str]) -> set[str]:
        """The hosts that had exchanges with some addresses, as far as the search for the target looked at them."""
        return {end for one in self._contacts if one.ends & addresses for end in one.ends} - addresses

    def target_in_the_end(self) -> Target:
        """The target, with warnings of what later exchanges show: addresses that none has, or that were not judged."""
        unmet = self._contacts.unmet(self._audit.target)
        warnings = [f"{one} was given as the target, but is in no exchange" for one in unmet] + self.target.warnings
        if later := self._contacts.strangers(self.target.addresses) - self._strangers:
            warnings += not_judged(later, self._stream.hints.told(), "later on")
        return replace(self.target, warnings=warnings)

    def in_order(self) -> Iterator[Batch]:
        """All exchanges, judged: few in order of file and frame, many as they began.

        What was answered anywhere decides what silence is called, so the captures are read once before where exchanges
        are many. Standard input cannot be: its silence is called by what was answered before.
        """
        if self.are_few:
            batch = in_order(list(self.judged()))
            self._judge.conclude(batch)
            yield batch
            return
        if self._may_hold_back and not self.reads_once:
            self._judge.learn(self._judge_of_all())
        yield from self.judged()

    @property
    def reads_once(self) -> bool:
        """Whether what was read cannot be read again."""
        return any(file.path == "-" for file in self._audit.captures)

    @property
    def may_miss_controls(self) -> bool:
        """Whether silence may have been called so as the service had not answered by then."""
        return self._may_hold_back and self.reads_once and not self.are_few

    @property
    def _may_hold_back(self) -> bool:
        """Whether a mode promises to block anything."""
        return any(mode.promise == "block" or mode.stealth for mode in self._audit.modes)

    def _judge_of_all(self) -> Judge:
        """The judge of another reading of the same captures, to their end."""
        with Stream(replaced(self._audit, hashed=False)) as stream:
            flow = Flow(stream, needs_target=False)
            for _ in flow.judged():
                pass
            return flow._judge

    def numbered(self) -> Iterator[Batch]:
        """All exchanges in order, with the numbers that `dissect --exchange` knows them by, where these are known.

        That reads one capture alone, all of it. Where others are read beside it, the order may be another once
        there are many exchanges.
        """
        audit = self._audit
        partly = audit.since is not None or audit.until is not None or any(one.interfaces for one in audit.captures)
        if partly or not (self.are_few or len(audit.captures) == 1):
            return self.in_order()
        return numbered(self.in_order())

    def _settled(self, batch: Batch) -> Batch:
        if self._judge.judge(batch):
            self._judge.settle(batch)
        return batch

    def _begin(self) -> Target:
        """Read on until the target is known: to the end, where there is not one large capture alone."""
        stream = self._stream
        for number, unit in enumerate(self._units, 1):
            self._hold(unit)
            if stream.ended:
                break
            if not stream.has_one_source or number not in TRIES:
                continue
            try:
                return self._target()
            except TargetError as error:
                if number == TRIES[-1]:
                    return self._without_target(error)
        for unit in self._units:
            self._hold(unit)
        try:
            return self._target()
        except TargetError as error:
            return self._without_target(error)

    def _without_target(self, error: TargetError) -> Target:
        if self._needs_target:
            raise error
        self.undecided = str(error)
        return unknown_target("not known")

    def _hold(self, unit: Iterable[Batch]) -> None:
        for batch in unit:
            self._held.add(batch)

    def _target(self) -> Target:
        stream, given = self._stream, self._audit.target
        contacts = self._contacts = Contacts()
        for batch in self._held:
            contacts.take(batch, stream.places.labels, 0, batch.count)
        for batch, start, stop in stream.engine.remaining():
            contacts.take(batch, stream.places.labels, start, stop)
        interfaces = [interface for reading in stream.readings for interface in reading.interfaces]
        described = {one for interface in interfaces for one in interface.addresses}
        if not contacts.any_asked and not given:
            return unknown_target("not looked for: no exchanges")
        return find_target(contacts, stream.hints.told(), given, described, stream.names.captures)


def find_exchanges(audit: Audit) -> list[Pair]:
    """All exchanges of some small captures in words, in order of file and frame."""
    with Stream(audit) as stream:
        flow = Flow(stream, needs_target=False)
        return [pair for batch in flow.in_order() for pair in pairs_of(batch, flow.names)]
