"""Messages are dated by clocks that do not run back, and brought into their order."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.buffers import longs
from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges import dating
from capanalyze.exchanges.arrival import bound, in_order, joined
from capanalyze.packets.message import WHEN
from capanalyze.gear import Gear
from capanalyze.packets.message import FRAME, KEY_COUNT, KEYS, NANOS, SECONDS, WORDS
from capanalyze.packets.messages import Rows
from capanalyze.protocols._protocol import SECOND
from tests.oracle.sighting import Clock

TIMES = [5, 6, 5.9, 6.1, 1, 2, 1.5, None, 9]
READ = [5, 6, 6, 6.1, 6.1, 7.1, 7.1, 7.1, 14.1]

gears = pytest.mark.parametrize("gear", [Gear(compiled=False), Gear(compiled=True)], ids=["plain", "compiled"])


def stamped(times: Sequence[float | None]) -> Rows:
    """Messages of one interface with these time stamps; each has its number as a key."""
    rows = longs(len(times) * WORDS)
    for number, time in enumerate(times):
        at = number * WORDS
        rows[at + FRAME] = number + 1
        rows[at + SECONDS], rows[at + NANOS] = (NO_TIME, 0) if time is None else divmod(round(time * SECOND), SECOND)
        rows[at + KEYS], rows[at + KEY_COUNT] = number, 1
    return Rows(rows, array("q", range(len(times))), len(times))


def dated(gear: Gear, *pieces: Rows, since: float | None = None, until: float | None = None) -> tuple[Rows, Any]:
    """Messages of one source, behind each other, dated."""
    count = sum(piece.count for piece in pieces)
    state, clocks = longs(dating.STATE_FIELDS), longs(dating.CLOCK)
    out, pool = longs((count + 1) * WORDS), longs(count + 64)
    state[dating.ROOM], state[dating.POOL_ROOM] = count + 1, len(pool)
    state[dating.FIRST_NAMED] = 1 << 20
    state[dating.NEWEST] = state[dating.EARLIEST] = dating.BEFORE_ALL
    state[dating.LIMITED] = int(since is not None or until is not None)
    state[dating.SINCE_SECONDS] = -(1 << 61) if since is None else round(since)
    state[dating.UNTIL_SECONDS] = 1 << 61 if until is None else round(until)
    for number, piece in enumerate(pieces):
        state[dating.NUMBER] = number
        clocks[dating.FRESH] = 1
        buffers = (piece.rows, piece.pool, out, pool, state, longs(1), longs(0), clocks)
        assert gear(dating.date)(buffers, 0, piece.count) == piece.count
    return Rows(out, pool, state[dating.COUNT]), state


def clocks_of(rows: Rows) -> list[float]:
    return [rows.rows[at + WHEN] / SECOND for at in range(0, rows.count * WORDS, WORDS)]


@gears
def test_a_clock_never_runs_back(gear: Gear) -> None:
    assert clocks_of(dated(gear, stamped(TIMES))[0]) == READ


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(0, 20_000).map(lambda time: time / 1000), max_size=30))
def test_the_clock_is_that_of_the_oracle(times: list[float | None]) -> None:
    clock = Clock()
    wanted = [clock.read(("", ""), None if time is None else round(time * SECOND)) for time in times]
    rows, state = dated(Gear(compiled=False), stamped(times))
    assert [rows.rows[at + WHEN] for at in range(0, rows.count * WORDS, WORDS)] == wanted
    assert not state[dating.UNORDERED]


@gears
@pytest.mark.parametrize("absurd", [dating.MAX_SECONDS + 1, -dating.MAX_SECONDS - 1])
def test_what_no_clock_can_count_does_not_move_it(gear: Gear, absurd: int) -> None:
    assert clocks_of(dated(gear, stamped([5, absurd, 6]))[0]) == [5, 5, 6]


@gears
def test_the_next_piece_may_begin_a_little_before_the_last_one_ended(gear: Gear) -> None:
    rows, state = dated(gear, stamped([5, 9]), stamped([8, 10]))
    assert clocks_of(rows) == [5, 9, 8, 10]
    assert state[dating.UNORDERED]
    rows, state = dated(gear, stamped([5, 9]), stamped([3, 10]))
    assert clocks_of(rows) == [5, 9, 9, 16]
    assert not state[dating.UNORDERED]


@gears
@pytest.mark.parametrize(
    ("since", "until", "frames"),
    [(None, None, [1, 2, 3]), (2, None, [2, 3]), (None, 2, [1]), (2, 3, [2]), (9, None, [])],
)
def test_a_span_of_time_holds_its_begin_but_not_its_end(
    gear: Gear, since: float | None, until: float | None, frames: list[int]
) -> None:
    rows, _ = dated(gear, stamped([1, 2, 3, None]), since=since, until=until)
    found = [rows.rows[at + FRAME] for at in range(0, rows.count * WORDS, WORDS)]
    assert found == (frames if since or until else [*frames, 4])


def with_clocks(clocks: Sequence[int], first: int) -> Rows:
    """Messages with these clocks, numbered from `first`, in order."""
    rows = stamped([0] * len(clocks))
    for number, clock in enumerate(sorted(clocks)):
        rows.rows[number * WORDS + WHEN] = clock
        rows.rows[number * WORDS + FRAME] = rows.pool[number] = first + number
    return rows


def told(rows: Rows) -> Iterator[tuple[int, int, list[int]]]:
    """Clock, frame and keys of each."""
    for at in range(0, rows.count * WORDS, WORDS):
        first = rows.rows[at + KEYS]
        yield rows.rows[at + WHEN], rows.rows[at + FRAME], list(rows.pool[first : first + rows.rows[at + KEY_COUNT]])


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 20), max_size=8), max_size=4), st.integers(0, 20))
def test_rows_are_joined_and_put_in_order_with_their_keys(clocks: list[list[int]], until: int) -> None:
    parts = [with_clocks(one, 100 * number + 1) for number, one in enumerate(clocks)]
    whole = [one for part in parts for one in told(part)]
    for gear in (Gear(compiled=False), Gear(compiled=True)):
        ordered = in_order([joined([(part, 0, part.count) for part in parts])], gear)
        assert list(told(ordered)) == sorted(whole, key=lambda one: one[0])
        assert bound(ordered, until) == sum(clock <= until for clock, _, _ in whole)
