"""Messages are dated by clocks that do not run back, and brought into their order."""

from array import array
from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capanalyze.buffers import longs
from capanalyze.capture.records import NO_TIME
from capanalyze.core import core
from capanalyze.exchanges.arrival import CLOCK, NAMED, Places, in_order, joined
from capanalyze.exchanges.row import CAPTURE
from capanalyze.packets.message import FRAME, KEY_COUNT, KEYS, MAX_WORDS, NANOS, SECONDS, WHEN, WORDS
from capanalyze.packets.messages import Rows
from capanalyze.protocols._protocol import SECOND

TIMES = [5, 6, 5.9, 6.1, 1, 2, 1.5, None, 9]
READ = [5, 6, 6, 6.1, 6.1, 7.1, 7.1, 7.1, 14.1]
STEP = SECOND // 2  # how far a clock may run back before it counts as set
MAX_SECONDS = 4_600_000_000


def stamped(times: Sequence[float | None]) -> Rows:
    """Messages of one interface with these time stamps; each has its number as a key."""
    rows = longs(len(times) * WORDS)
    for number, time in enumerate(times):
        at = number * WORDS
        rows[at + FRAME] = number + 1
        rows[at + SECONDS], rows[at + NANOS] = (NO_TIME, 0) if time is None else divmod(round(time * SECOND), SECOND)
        rows[at + KEYS], rows[at + KEY_COUNT] = number, 1
    return Rows(rows, array("q", range(len(times))), len(times))


def dated(*pieces: Rows, since: float | None = None, until: float | None = None) -> tuple[Rows, bool]:
    """Messages of one source, behind each other, dated; whether they are in order."""
    count = sum(piece.count for piece in pieces)
    out, pool, clocks = longs((count + 1) * WORDS), longs(count + MAX_WORDS), longs(CLOCK)
    ends = [None if time is None else (round(time), 0) for time in (since, until)]
    dater = core.Dater(*ends)
    for number, piece in enumerate(pieces):
        dater.begin(number, clocks)
        done = dater.date(piece.rows, piece.pool, 0, piece.count, longs(1), longs(NAMED), clocks, out, pool)
        assert done == piece.count
    return Rows(out, pool, dater.count), dater.is_ordered


def clocks_of(rows: Rows) -> list[float]:
    return [rows.rows[at + WHEN] / SECOND for at in range(0, rows.count * WORDS, WORDS)]


def test_a_clock_never_runs_back() -> None:
    assert clocks_of(dated(stamped(TIMES))[0]) == READ


def read_by_hand(times: Iterable[int | None]) -> Iterator[int]:
    """What a clock shows at these time stamps, nanoseconds; without one it stands still."""
    now, shift = None, 0
    for time in times:
        if time is not None:
            shifted = time + shift
            if now is not None and shifted < now - STEP:
                shift += now - shifted
            now = shifted if now is None else max(now, shifted)
        yield now or 0


@given(st.lists(st.none() | st.integers(0, 20_000).map(lambda time: time / 1000), max_size=30))
def test_small_jitter_is_absorbed_and_a_step_back_moves_the_origin(times: list[float | None]) -> None:
    wanted = list(read_by_hand(None if time is None else round(time * SECOND) for time in times))
    rows, is_ordered = dated(stamped(times))
    assert [rows.rows[at + WHEN] for at in range(0, rows.count * WORDS, WORDS)] == wanted
    assert is_ordered


@pytest.mark.parametrize("absurd", [MAX_SECONDS + 1, -MAX_SECONDS - 1])
def test_what_no_clock_can_count_does_not_move_it(absurd: int) -> None:
    assert clocks_of(dated(stamped([5, absurd, 6]))[0]) == [5, 5, 6]


def test_the_next_piece_may_begin_a_little_before_the_last_one_ended() -> None:
    rows, is_ordered = dated(stamped([5, 9]), stamped([8, 10]))
    assert clocks_of(rows) == [5, 9, 8, 10]
    assert not is_ordered
    rows, is_ordered = dated(stamped([5, 9]), stamped([3, 10]))
    assert clocks_of(rows) == [5, 9, 9, 16]
    assert is_ordered


@pytest.mark.parametrize(
    ("since", "until", "frames"),
    [(None, None, [1, 2, 3, 4]), (2, None, [2, 3]), (None, 2, [1]), (2, 3, [2]), (9, None, [])],
)
def test_a_span_of_time_holds_its_begin_but_not_its_end(
    since: float | None, until: float | None, frames: list[int]
) -> None:
    rows, _ = dated(stamped([1, 2, 3, None]), since=since, until=until)
    assert [rows.rows[at + FRAME] for at in range(0, rows.count * WORDS, WORDS)] == frames


@given(st.lists(st.none() | st.integers(0, 20_000).map(lambda time: time / 1000), max_size=30), st.integers(0, 30))
def test_messages_of_one_clock_may_stay_where_they_are(times: list[float | None], some: int) -> None:
    rows, clocks, dater = stamped(times), longs(CLOCK), core.Dater(None, None)
    dater.begin(7, clocks)
    for start, stop in ((0, min(some, rows.count)), (min(some, rows.count), rows.count)):
        dater.date_in_place(rows.rows, rows.pool, start, stop, longs(1), longs(NAMED), clocks)
    assert list(told(rows)) == [
        (clock, frame + 7 * CAPTURE, keys) for clock, frame, keys in told(dated(stamped(times))[0])
    ]
    assert dater.is_ordered


def test_no_message_is_dated_that_is_not_there() -> None:
    rows = stamped([1, 2])
    with pytest.raises(ValueError, match="are needed"):
        core.Dater(None, None).date_in_place(rows.rows, rows.pool, 0, 3, longs(1), longs(NAMED), longs(CLOCK))


def test_keys_that_are_not_in_the_pool_are_none() -> None:
    rows = stamped([1, 2])
    rows.rows[WORDS + KEYS] = 2
    core.Dater(None, None).date_in_place(rows.rows, rows.pool, 0, 2, longs(1), longs(NAMED), longs(CLOCK))
    assert [keys for _, _, keys in told(rows)] == [[0], []]


def with_clocks(clocks: Sequence[int], first: int) -> Rows:
    """Messages with these clocks, numbered from `first`."""
    rows = stamped([0] * len(clocks))
    for number, clock in enumerate(clocks):
        rows.rows[number * WORDS + WHEN] = clock
        rows.rows[number * WORDS + FRAME] = rows.pool[number] = first + number
    return rows


def told(rows: Rows) -> Iterator[tuple[int, int, list[int]]]:
    """Clock, frame and keys of each."""
    for at in range(0, rows.count * WORDS, WORDS):
        first = rows.rows[at + KEYS]
        yield rows.rows[at + WHEN], rows.rows[at + FRAME], list(rows.pool[first : first + rows.rows[at + KEY_COUNT]])


@given(st.lists(st.lists(st.integers(0, 20), max_size=8), max_size=4), st.integers(0, 20))
def test_rows_are_joined_and_put_in_order_with_their_keys(clocks: list[list[int]], until: int) -> None:
    parts = [with_clocks(sorted(one), 100 * number + 1) for number, one in enumerate(clocks)]
    whole = [one for part in parts for one in told(part)]
    ordered = in_order(joined((part, 0, part.count) for part in parts))
    assert list(told(ordered)) == sorted(whole, key=lambda one: one[0])
    assert ordered.bound(until) == sum(clock <= until for clock, _, _ in whole)


jitter = st.integers(0, 400).flatmap(lambda most: st.lists(st.integers(0, most), max_size=300))


@settings(deadline=None)
@given(jitter, st.integers(0, 3))
def test_any_clocks_are_put_in_order_and_equal_ones_stay(late: list[int], steps: int) -> None:
    rows = with_clocks([steps * number - by for number, by in enumerate(late)], 1)
    assert list(told(in_order(rows))) == sorted(told(rows), key=lambda one: one[0])


@given(st.lists(st.integers(0, 20), max_size=40), st.integers(0, 40), st.integers(-1, 21))
def test_the_first_row_behind_a_clock_is_sought_from_any_place(clocks: list[int], start: int, clock: int) -> None:
    rows = with_clocks(sorted(clocks), 1)
    start = min(start, rows.count)
    behind = [number for number, one in enumerate(sorted(clocks)) if number >= start and one > clock]
    assert rows.bound(clock, start) == (behind[0] if behind else rows.count)


def test_stretches_of_rows_bring_their_own_keys() -> None:
    first, second = with_clocks([1, 2, 3], 1), with_clocks([4, 5], 50)
    found = joined([(second, 1, 2), (first, 1, 3), (first, 0, 0)])
    assert list(told(found)) == [(5, 51, [51]), (2, 2, [2]), (3, 3, [3])]
    assert len(found.pool) == 3


def test_fewer_rows_than_are_named_are_refused() -> None:
    rows = with_clocks([1, 2], 1)
    with pytest.raises(ValueError, match="needed"):
        core.reorder(rows.rows, 3)
    with pytest.raises(ValueError, match="needed"):
        core.joined([(rows.rows, rows.pool, 0, 3)])
    with pytest.raises(ValueError, match="no room"):
        core.Dater(None, None).hold(rows.rows, rows.pool, 0, 2, longs(WORDS), longs(2))


def test_a_place_has_one_index() -> None:
    places = Places()
    assert [places.index(label) for label in ("en0", "ppp0", "en0", "if2")] == [0, 1, 0, 2]
    assert places.labels == ["en0", "ppp0", "if2"]
