"""Dating, beyond one clock alone: several places, spans to the nanosecond, room that ends, what no clock can count."""

from array import array
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.buffers import longs
from capanalyze.capture import FIRST_NAMED
from capanalyze.capture.records import NO_TIME
from capanalyze.core import core
from capanalyze.exchanges.arrival import CLOCK, MESSAGES, NAMED, PLACE
from capanalyze.exchanges.row import CAPTURE
from capanalyze.packets.message import (
    FRAME,
    INTERFACE,
    KEY_COUNT,
    KEYS,
    MAX_KEYS,
    MAX_WORDS,
    NANOS,
    SECONDS,
    WHEN,
    WORDS,
)
from capanalyze.protocols._protocol import SECOND

EVER = 1 << 61
MAX_SECONDS = 4_600_000_000
FARTHEST = MAX_SECONDS * SECOND

Time = tuple[int, int]
times = st.tuples(st.integers(0, 3), st.sampled_from([0, 1, SECOND - 1])) | st.just((NO_TIME, 0))


@dataclass(frozen=True)
class Stamp:
    """One message: its time stamp, its interface, and how many match keys it has."""

    seconds: int
    nanos: int = 0
    interface: int = 0
    keys: int = 1


class Dater:
    """The core's dater with its buffers; `found` are clock, frame, place and keys of what it wrote."""

    def __init__(self, stamps: list[Stamp], since: Time | None = None, until: Time | None = None) -> None:
        self._count = len(stamps)
        self._rows, self._pool = longs(len(stamps) * WORDS), array("q")
        for number, one in enumerate(stamps):
            at = number * WORDS
            self._rows[at + FRAME], self._rows[at + INTERFACE] = number + 1, one.interface
            self._rows[at + SECONDS], self._rows[at + NANOS] = one.seconds, one.nanos
            self._rows[at + KEYS], self._rows[at + KEY_COUNT] = len(self._pool), one.keys
            self._pool.extend(range(100 * number, 100 * number + one.keys))
        self.core = core.Dater(since, until)
        self.labels, self.named = array("q", [1, 0]), longs(NAMED)
        self._clocks = longs(2 * CLOCK)
        self.found: list[tuple[int, int, int, list[int]]] = []

    def run(self, room: int = 1000) -> "Dater":
        """Date all, so many messages at a time."""
        done = 0
        while True:
            out, pool = longs(room * WORDS), longs(room + MAX_WORDS)
            self.core.turn()
            tables = self.labels, self.named, self._clocks
            done = self.core.date(self._rows, self._pool, done, self._count, *tables, out, pool)
            count = self.core.count
            assert 0 < count <= room or done == self._count
            for at in range(0, count * WORDS, WORDS):
                keys = list(pool[out[at + KEYS] : out[at + KEYS] + out[at + KEY_COUNT]])
                self.found.append((out[at + WHEN], out[at + FRAME], out[at + INTERFACE], keys))
            if done == self._count:
                return self


def test_each_place_has_a_clock_of_its_own() -> None:
    stamps = [Stamp(9), Stamp(5, interface=1), Stamp(10), Stamp(6, interface=1), Stamp(4, interface=FIRST_NAMED)]
    dater = Dater(stamps)
    dater.named[PLACE] = 1
    found = [(clock // SECOND, place) for clock, _, place, _ in dater.run().found]
    assert found == [(9, 1), (5, 0), (10, 1), (6, 0), (10, 1)]
    assert dater.named[MESSAGES] == 1
    assert dater.core.clocks == (5 * SECOND, 10 * SECOND)
    assert not dater.core.is_ordered


@given(st.lists(times, max_size=8), st.none() | times, st.none() | times)
def test_a_span_is_exact_to_the_nanosecond(stamps: list[Time], since: Time | None, until: Time | None) -> None:
    wanted = [
        number
        for number, one in enumerate(stamps, 1)
        if not (since or until)
        or (one[0] != NO_TIME and (since is None or one >= since) and (until is None or one < until))
    ]
    dater = Dater([Stamp(*one) for one in stamps], since, until)
    assert [frame for _, frame, _, _ in dater.run().found] == wanted


@settings(deadline=None)
@given(
    st.lists(st.builds(Stamp, st.integers(0, 9), st.just(0), st.integers(0, 1), st.integers(0, MAX_KEYS)), max_size=20)
)
def test_room_that_ends_changes_nothing(stamps: list[Stamp]) -> None:
    whole = Dater(stamps).run().found
    assert [keys for _, _, _, keys in whole] == [
        list(range(100 * number, 100 * number + one.keys)) for number, one in enumerate(stamps)
    ]
    assert Dater(stamps).run(room=1).found == whole
    assert Dater(stamps).run(room=7).found == whole


def test_what_comes_too_late_counts_as_of_what_was_paired_last() -> None:
    dater = Dater([Stamp(5), Stamp(7)])
    dater.core.earliest = 6 * SECOND
    dater.core.begin(2, longs(CLOCK))
    assert [one[:2] for one in dater.run().found] == [(6 * SECOND, 2 * CAPTURE + 1), (7 * SECOND, 2 * CAPTURE + 2)]


@pytest.mark.parametrize("interface", [-1, 2, FIRST_NAMED - 1, FIRST_NAMED + 1, EVER])
def test_an_interface_that_nobody_knows_has_the_first_place(interface: int) -> None:
    dater = Dater([Stamp(5, interface=interface)])
    assert [place for _, _, place, _ in dater.run().found] == [0]


extremes = st.sampled_from([-EVER, -MAX_SECONDS - 1, -MAX_SECONDS, 0, MAX_SECONDS, NO_TIME, EVER])


@given(st.lists(extremes | st.integers(-MAX_SECONDS, MAX_SECONDS), max_size=12))
def test_any_times_give_a_clock_that_can_be_counted_and_does_not_run_back(stamps: list[int]) -> None:
    found = [clock for clock, _, _, _ in Dater([Stamp(one) for one in stamps]).run().found]
    # Before its first time a place has none: its clock stands at 0.
    began = next((number for number, one in enumerate(stamps) if abs(one) <= MAX_SECONDS), len(stamps))
    assert found[:began] == [0] * began
    assert all(before <= after for before, after in pairwise(found[began:]))
    assert all(abs(clock) <= FARTHEST for clock in found)
