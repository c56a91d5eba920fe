"""Rows in, judged rows out: says of every exchange direction, mode, zone and verdict, in place."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from capanalyze.buffers import longs
from capanalyze.exchanges.batch import words_of
from capanalyze.judging import decide
from capanalyze.judging import layout as t
from capanalyze.judging.setting import Zones, buffers_of
from capanalyze.verdicts import span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from capanalyze.audit import Audit
    from capanalyze.exchanges.batch import Batch
    from capanalyze.gear import Gear
    from capanalyze.verdicts import CaptureFacts

FIRST_CLOCK, LAST_CLOCK = t.NO_CLOCK + 1, -t.NO_CLOCK


class Judge:
    """Judges the exchanges of an audit.

    Args:
        audit: modes, zones, captures.
        places: labels of interfaces; they may become more.
        gear: plain or compiled.

    Attributes:
        zones: what the zone of a row stands for.
    """

    def __init__(self, audit: Audit, places: Sequence[str], gear: Gear) -> None:
        self._audit = audit
        self._gear = gear
        self._zones = Zones(audit, places)
        self._buffers = buffers_of(audit, self._zones)
        self._modes = {mode.name: number for number, mode in enumerate(audit.modes)}
        self.zones = self._zones.names

    def target(self, addresses: Iterable[str]) -> None:
        """The target's addresses."""
        own = [word for one in dict.fromkeys(addresses) for word in words_of(one)]
        self._buffers[t.OWN] = array("q", own)
        self._buffers[t.STATE][t.OWN_COUNT] = len(own) // 2

    def see(self, facts: dict[str, CaptureFacts]) -> None:
        """What is known of the captures by now."""
        captures = self._buffers[t.CAPTURES]
        for number, file in enumerate(self._audit.captures):
            one = facts.get(file.name)
            row = number * t.CAPTURE_FIELDS
            captures[row + t.LAST_CLOCK] = t.NO_CLOCK if one is None or one.last is None else _clock(one.last)
            captures[row + t.ONE_SIDED] = int(one is not None and one.one_sided)
            captures[row + t.CAPTURE_CUT] = int(one is not None and one.cut)
        covered: list[int] = []
        for name in [None, *self._modes]:
            number = -1 if name is None else self._modes[name]
            spans, cut = span(name, facts, self._audit)
            self._buffers[t.MODES][(number + 1) * t.MODE_FIELDS + t.IS_CUT] = int(cut)
            for first, last in spans:
                covered += [number, _clock(first), _clock(last)]
        self._buffers[t.COVERED] = array("q", covered)
        self._buffers[t.STATE][t.COVERED_COUNT] = len(covered) // t.COVERED_FIELDS

    def judge(self, batch: Batch) -> int:
        """Judge rows, in place; how many wait for `settle`."""
        self._buffers[t.PLACES] = self._zones.places()
        return self._run(decide.judge, batch, 0, batch.count)

    def note(self, batch: Batch, start: int, stop: int) -> None:
        """Note which requests were answered of rows `start` to before `stop`: earlier silence is then silence."""
        if not self._buffers[t.ANSWERS]:
            self._buffers[t.ANSWERS] = longs(t.ANSWER_ROOM * t.ANSWER_FIELDS)
        self._run(decide.note_answers, batch, start, stop)

    def settle(self, batch: Batch) -> None:
        """Tell silence from not knowing in rows that were judged."""
        if not self._buffers[t.ANSWERS]:
            self._buffers[t.ANSWERS] = longs(t.ANSWER_ROOM * t.ANSWER_FIELDS)
        self._run(decide.settle, batch, 0, batch.count)

    def _run(self, stage: Callable[..., int], batch: Batch, start: int, stop: int) -> int:
        self._buffers[t.ROWS], self._buffers[t.NARROWS] = batch.wide, batch.narrow
        return self._gear(stage)(self._buffers, start, stop)


def _clock(time: int) -> int:
    return min(max(time, FIRST_CLOCK), LAST_CLOCK)
