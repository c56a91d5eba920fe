"""Rows in, judged rows out: says of every exchange direction, mode, zone and verdict, in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.exchanges.batch import words_of
from capanalyze.judging.controls import Controls
from capanalyze.judging.setting import WORD, Zones, core_judge
from capanalyze.verdicts import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capanalyze.audit import Audit
    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.verdicts import CaptureFacts

FARTHEST = (1 << 63) - 1  # nanoseconds either way


class Judge:
    """Judges the exchanges of an audit.

    Args:
        audit: modes, zones, captures.
        places: labels of interfaces; they may become more.

    Attributes:
        zones: what the zone of a row stands for.
    """

    def __init__(self, audit: Audit, places: Sequence[str]) -> None:
        self._audit = audit
        self._zones = Zones(audit, places)
        self._core = core_judge(audit, self._zones)
        self._modes = [mode.name for mode in audit.modes]
        self.zones = self._zones.names

    def target(self, addresses: Iterable[str]) -> None:
        """The target's addresses."""
        words = map(words_of, dict.fromkeys(addresses))
        self._core.target([(high & WORD, low & WORD) for high, low in words])

    def see(self, facts: dict[str, CaptureFacts]) -> None:
        """What is known of the captures by now."""
        captures = []
        for file in self._audit.captures:
            one = facts.get(file.name)
            last = -FARTHEST if one is None or one.last is None else one.last
            captures.append((_clock(last), one is not None and one.one_sided, one is not None and one.cut))
        cut, covered = [], []
        for number, name in enumerate([None, *self._modes], -1):
            spans, is_cut = span(name, facts, self._audit)
            cut.append(is_cut)
            covered += [(number, _clock(first), _clock(last)) for first, last in spans]
        self._core.see(captures, cut, covered)

    def judge(self, batch: Batch) -> int:
        """Judge rows, in place; how many wait for `settle`."""
        if self._zones.meet():
            self._core.places(self._zones.places)
        return self._core.judge(batch.wide, batch.narrow, batch.count)

    def note(self, batch: Batch, start: int, stop: int) -> None:
        """Note which requests were answered of rows `start` to before `stop`: earlier silence is then silence."""
        self._core.note(batch.wide, batch.narrow, start, stop)

    def conclude(self, batch: Batch) -> None:
        """Tell what was held back from mere silence in judged rows, by all controls that are known by now."""
        self._core.conclude(batch.wide, batch.narrow, batch.count)

    def learn(self, other: Judge) -> None:
        """Take over the controls that another judge of the same captures has noted."""
        self._core.learn(other._core)

    def controls(self, names: Names) -> Controls:
        """What shows by now that services listened; `names` are what the numbers in rows stand for."""
        return Controls(self._core.controls(), names)

    def settle(self, batch: Batch) -> None:
        """Tell silence from not knowing in rows that were judged."""
        self._core.settle(batch.wide, batch.narrow, batch.count)


def _clock(time: int) -> int:
    return min(max(time, -FARTHEST), FARTHEST)
