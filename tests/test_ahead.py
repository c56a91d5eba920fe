"""Items that are made in a thread, a few before their reader."""

import threading
import time
from collections.abc import Iterator

import pytest

from capanalyze.ahead import WAITING, ahead, from_here_on


def until(holds: object, seconds: float = 5.0) -> bool:
    """Wait until something holds, but not for ever."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(holds())


def test_items_come_in_order_from_another_thread() -> None:
    made_by: set[int] = set()

    def items() -> Iterator[int]:
        for number in range(100):
            made_by.add(threading.get_ident())
            yield number

    assert list(ahead(items())) == list(range(100))
    assert made_by
    assert threading.get_ident() not in made_by


def test_a_failure_comes_behind_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("spoilt")

    reader = ahead(items())
    assert [next(reader), next(reader)] == [1, 2]
    with pytest.raises(ValueError, match="spoilt"):
        next(reader)


def test_no_more_are_made_than_may_wait() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    reader = ahead(items())
    assert next(reader) == 0
    assert until(lambda: len(made) == WAITING + 1)
    time.sleep(0.05)
    assert len(made) == WAITING + 1
    assert next(reader) == 1
    assert until(lambda: len(made) == WAITING + 2)
    list(reader)


def test_who_stops_reading_stops_the_thread() -> None:
    before = threading.active_count()

    def endless() -> Iterator[int]:
        number = 0
        while True:
            yield (number := number + 1)

    reader = ahead(endless())
    next(reader)
    reader.close()  # type: ignore[attr-defined]
    assert until(lambda: threading.active_count() == before)


def test_from_some_item_on_a_thread_makes_them() -> None:
    threads: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            threads.append(threading.get_ident())
            yield number

    found = list(from_here_on(items(), lambda: len(threads) > 3))
    assert found == list(range(10))
    own = threading.get_ident()
    assert [one == own for one in threads] == [True] * 4 + [False] * 6
    threads.clear()
    assert list(from_here_on(items(), lambda: False)) == list(range(10))
    assert set(threads) == {own}
