"""Rows keep the number that they were given, whichever of them are chosen."""

from array import array

from capanalyze.exchanges.batch import Batch, chosen, numbered
from capanalyze.exchanges.row import CAPTURE, NARROW, REPLY, REQUEST, WIDE


def batch(*frames: int, field: int = REQUEST) -> Batch:
    """Exchanges that begin with these frames."""
    rows = Batch(
        array("q", bytes(8 * WIDE * len(frames))),
        array("i", bytes(4 * NARROW * len(frames))),
        array("q", (0, 0)),
        len(frames),
    )
    for number, frame in enumerate(frames):
        rows.wide[number * WIDE + field] = frame
    return rows


def test_each_capture_is_counted_from_one() -> None:
    found = numbered([batch(1, 3, CAPTURE + 1), batch(), batch(CAPTURE + 2, 2 * CAPTURE + 9, field=REPLY), batch(2)])
    assert [list(one.numbers) for one in found] == [[1, 2, 1], [], [2, 1], [3]]


def test_rows_that_are_chosen_keep_their_numbers() -> None:
    one, other = numbered([batch(1, 3, 5), batch(7, 9)])
    some = chosen([one, other], [(1, 1), (0, 2)])
    assert (some.count, some.numbers) == (2, [5, 3])
    assert list(chosen([some], [(0, 1)]).numbers) == [3]


def test_rows_without_numbers_stay_so() -> None:
    assert not chosen([batch(1, 3)], [(0, 1)]).numbers
