"""Flips: the changes of outcome that a summary kept, as a report shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from capanalyze.circumstances import Between, Side, of_flip
from capanalyze.exchanges.batch import reason_of, time_ns
from capanalyze.exchanges.pair import kind_at
from capanalyze.exchanges.row import CAPTURE, CLOCK, MODULE, NANOS, NARROW, OUTCOME, OUTCOMES, REASON, SECONDS, WIDE
from capanalyze.findings import evidence_at
from capanalyze.model import Change, Frame
from capanalyze.summary.store import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.summary.store import Change as Turned


NOTHING_BETWEEN = Between()


class Step(NamedTuple):
    """A change of outcome: when, in which turn, from which class to which, and the rows that show both."""

    clock: int
    turn: int
    before: int
    after: int
    row_before: int
    row_after: int
    lengths: tuple[int, int]  # of the runs before and after
    sent: Sequence[int]  # what the target sent in between: frames, 0 for none


class Flips:
    """Puts changes into words.

    Args:
        changes: of all cells.
        kept: the rows that show them.
        names: what the numbers in rows stand for.
    """

    def __init__(self, changes: Iterable[Turned], kept: Batch, names: Names) -> None:
        self._kept = kept
        self._names = names
        self._of: dict[int, list[Turned]] = {}
        for one in changes:
            self._of.setdefault(one.cell, []).append(one)

    def of(self, cell: int, *, cut: bool) -> list[Change]:
        """The changes of a cell in the order of time; `cut`: silence means nothing."""
        steps = [self._step(one) for one in self._of.get(cell, ())]
        if cut:
            steps = across_silence(steps)
        steps.sort(key=lambda step: (step.clock, step.row_after))
        return with_silence([(step.turn, self._change(step)) for step in steps])

    def kept(self, cell: int) -> int:
        """How many changes of a cell there was room for."""
        return len(self._of.get(cell, ()))

    def frame(self, number: int) -> Frame | None:
        """A frame as one number, 0 for none."""
        if not number:
            return None
        return Frame(capture=self._names.captures[number // CAPTURE], frame=number % CAPTURE)

    def _step(self, one: Turned) -> Step:
        lengths = one.length_before, one.length_after
        clock = self._kept.wide[one.first * WIDE + CLOCK]
        return Step(clock, one.turn, one.before, one.after, one.last, one.first, lengths, one.sent)

    def _change(self, step: Step) -> Change:
        """The flip between two exchanges, with what the target sent in between."""
        before, after = self._side(step.row_before), self._side(step.row_after)
        between = Between(*map(self.frame, step.sent)) if any(step.sent) else NOTHING_BETWEEN
        alone = (step.before, step.lengths[0]) == (SILENT, 1) or (step.after, step.lengths[1]) == (SILENT, 1)
        known = before.time_ns is not None and after.time_ns is not None
        return Change(
            time=after.shown.time,
            server=after.shown.server,
            kind=kind_at(self._kept, step.row_after),
            before=OUTCOMES[step.before],
            after=OUTCOMES[step.after],
            last_before=before.shown,
            first_after=after.shown,
            seconds=((after.time_ns or 0) - (before.time_ns or 0)) / 1e9 if known else None,
            reason_before=before.reason,
            reason_after=after.reason,
            own_traffic=between.own,
            circumstances=of_flip(before, after, between, alone=alone),
        )

    def _side(self, row: int) -> Side:
        w, n = row * WIDE, row * NARROW
        narrow = self._kept.narrow
        return Side(
            shown=evidence_at(self._kept, row, self._names),
            time_ns=time_ns(self._kept.wide[w + SECONDS], narrow[n + NANOS]),
            outcome=OUTCOMES[narrow[n + OUTCOME]],
            reason=reason_of(narrow[n + MODULE], narrow[n + REASON]),
        )


def across_silence(steps: Sequence[Step]) -> list[Step]:
    """Changes where silence means nothing: what came before it is compared with what came after."""
    found = []
    spoke: dict[int, Step] = {}
    for step in sorted(steps, key=lambda step: (step.clock, step.row_after)):
        if step.before == SILENT:
            last = spoke.pop(step.turn, None)
            if last and last.before != step.after:
                sent = [one or other for one, other in zip(step.sent, last.sent, strict=True)]
                found.append(step._replace(before=last.before, row_before=last.row_before, sent=sent))
        elif step.after == SILENT:
            spoke[step.turn] = step
        else:
            found.append(step)
    return found


def with_silence(changes: Sequence[tuple[int, Change]]) -> list[Change]:
    """Changes in order of time, each that is one to replies with how long there was none; the numbers tell variants."""
    spoke: dict[tuple[str, str, int], str | None] = {}
    found = []
    for variant, one in changes:
        key = (one.server, one.kind, variant)
        if one.before == "replied":
            spoke[key] = one.last_before.time
        elif one.after == "replied" and (last := spoke.get(key)) and one.time:
            between = datetime.fromisoformat(one.time) - datetime.fromisoformat(last)
            one = replace(one, silence=between / timedelta(seconds=1))
        found.append(one)
    return found
