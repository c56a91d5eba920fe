"""Dating, beyond one clock alone: several places, spans to the nanosecond, room that ends, what no clock can count."""

from array import array
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.buffers import longs
from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges import dating
from capanalyze.exchanges.row import CAPTURE
from capanalyze.packets.message import WHEN
from capanalyze.gear import Gear
from capanalyze.packets.message import FRAME, INTERFACE, KEY_COUNT, KEYS, MAX_KEYS, NANOS, SECONDS, WORDS
from capanalyze.protocols._protocol import SECOND

PLAIN, COMPILED = Gear(compiled=False), Gear(compiled=True)
FIRST_NAMED = 1 << 20
EVER = 1 << 61

gears = pytest.mark.parametrize("gear", [PLAIN, COMPILED], ids=["plain", "compiled"])
times = st.tuples(st.integers(0, 3), st.sampled_from([0, 1, SECOND - 1])) | st.just((NO_TIME, 0))


@dataclass(frozen=True)
class Stamp:
    """One message: its time stamp, its interface, and how many match keys it has."""

    seconds: int
    nanos: int = 0
    interface: int = 0
    keys: int = 1


class Dater:
    """The stage with its buffers; `found` are clock, frame, place and keys of what it wrote."""

    def __init__(self, stamps: list[Stamp], gear: Gear) -> None:
        self._gear, self._count = gear, len(stamps)
        self._rows, self._pool = longs(len(stamps) * WORDS), array("q")
        for number, one in enumerate(stamps):
            at = number * WORDS
            self._rows[at + FRAME], self._rows[at + INTERFACE] = number + 1, one.interface
            self._rows[at + SECONDS], self._rows[at + NANOS] = one.seconds, one.nanos
            self._rows[at + KEYS], self._rows[at + KEY_COUNT] = len(self._pool), one.keys
            self._pool.extend(range(100 * number, 100 * number + one.keys))
        self.state = longs(dating.STATE_FIELDS)
        self.state[dating.FIRST_NAMED] = FIRST_NAMED
        self.state[dating.SINCE_SECONDS], self.state[dating.UNTIL_SECONDS] = -EVER, EVER
        self.state[dating.NEWEST] = self.state[dating.EARLIEST] = dating.BEFORE_ALL
        self.labels, self.named = array("q", [1, 0]), longs(dating.NAME)
        self._clocks = longs(2 * dating.CLOCK)
        self.found: list[tuple[int, int, int, list[int]]] = []

    def run(self, room: int = 1000) -> "Dater":
        """Date all, so many messages at a time."""
        done, pool_room = 0, room + MAX_KEYS
        while True:
            out, pool = longs(room * WORDS), longs(pool_room)
            self.state[dating.ROOM], self.state[dating.POOL_ROOM] = room, pool_room
            self.state[dating.COUNT] = self.state[dating.KEYS_WRITTEN] = 0
            buffers: list[Any] = [self._rows, self._pool, out, pool, self.state, self.labels, self.named, self._clocks]
            done = self._gear(dating.date)(buffers, done, self._count)
            assert 0 < self.state[dating.COUNT] <= room or done == self._count
            for at in range(0, self.state[dating.COUNT] * WORDS, WORDS):
                keys = list(pool[out[at + KEYS] : out[at + KEYS] + out[at + KEY_COUNT]])
                self.found.append((out[at + WHEN], out[at + FRAME], out[at + INTERFACE], keys))
            if done == self._count:
                return self


@gears
def test_each_place_has_a_clock_of_its_own(gear: Gear) -> None:
    stamps = [Stamp(9), Stamp(5, interface=1), Stamp(10), Stamp(6, interface=1), Stamp(4, interface=FIRST_NAMED)]
    dater = Dater(stamps, gear)
    dater.named[dating.PLACE] = 1
    found = [(clock // SECOND, place) for clock, _, place, _ in dater.run().found]
    assert found == [(9, 1), (5, 0), (10, 1), (6, 0), (10, 1)]
    assert dater.named[dating.MESSAGES] == 1
    assert (dater.state[dating.FIRST], dater.state[dating.LAST]) == (5 * SECOND, 10 * SECOND)
    assert dater.state[dating.UNORDERED]


@settings(deadline=None)
@given(st.lists(times, max_size=8), st.none() | times, st.none() | times)
def test_a_span_is_exact_to_the_nanosecond(
    stamps: list[tuple[int, int]], since: tuple[int, int] | None, until: tuple[int, int] | None
) -> None:
    dater = Dater([Stamp(*one) for one in stamps], PLAIN)
    if since:
        dater.state[dating.SINCE_SECONDS], dater.state[dating.SINCE_NANOS] = since
    if until:
        dater.state[dating.UNTIL_SECONDS], dater.state[dating.UNTIL_NANOS] = until
    dater.state[dating.LIMITED] = int(bool(since or until))
    wanted = [
        number
        for number, one in enumerate(stamps, 1)
        if not (since or until)
        or (one[0] != NO_TIME and (since is None or one >= since) and (until is None or one < until))
    ]
    assert [frame for _, frame, _, _ in dater.run().found] == wanted


@settings(deadline=None)
@given(
    st.lists(st.builds(Stamp, st.integers(0, 9), st.just(0), st.integers(0, 1), st.integers(0, MAX_KEYS)), max_size=20)
)
def test_room_that_ends_changes_nothing(stamps: list[Stamp]) -> None:
    whole = Dater(stamps, PLAIN).run().found
    assert [keys for _, _, _, keys in whole] == [
        list(range(100 * number, 100 * number + one.keys)) for number, one in enumerate(stamps)
    ]
    for gear in (PLAIN, COMPILED):
        assert Dater(stamps, gear).run(room=1).found == whole
        assert Dater(stamps, gear).run(room=7).found == whole


@gears
def test_what_comes_too_late_counts_as_of_what_was_paired_last(gear: Gear) -> None:
    dater = Dater([Stamp(5), Stamp(7)], gear)
    dater.state[dating.EARLIEST] = 6 * SECOND
    dater.state[dating.NUMBER] = 2
    assert [one[:2] for one in dater.run().found] == [(6 * SECOND, 2 * CAPTURE + 1), (7 * SECOND, 2 * CAPTURE + 2)]


extremes = st.sampled_from([-EVER, -dating.MAX_SECONDS - 1, -dating.MAX_SECONDS, 0, dating.MAX_SECONDS, NO_TIME, EVER])


@settings(deadline=None)
@given(st.lists(extremes | st.integers(-dating.MAX_SECONDS, dating.MAX_SECONDS), max_size=12))
def test_any_times_give_a_clock_that_can_be_counted_and_does_not_run_back(stamps: list[int]) -> None:
    found = [clock for clock, _, _, _ in Dater([Stamp(one) for one in stamps], PLAIN).run().found]
    # Before its first time a place has none: its clock stands at 0.
    began = next((number for number, one in enumerate(stamps) if abs(one) <= dating.MAX_SECONDS), len(stamps))
    assert found[:began] == [0] * began
    assert all(before <= after for before, after in pairwise(found[began:]))
    assert all(abs(clock) <= dating.FARTHEST for clock in found)
    assert [one[0] for one in Dater([Stamp(one) for one in stamps], COMPILED).run().found] == found
