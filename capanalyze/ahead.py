"""Work ahead of whoever uses it: an iterator that runs in a thread of its own, a few items before its reader."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
WAITING = 2  # items that may wait for the reader


def from_here_on(items: Iterator[T], wanted: Callable[[], bool]) -> Iterator[T]:
    """The items, made ahead once `wanted` says so."""
    for item in items:
        yield item
        if wanted():
            break
    else:
        return
    yield from ahead(items)


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The items, made in a thread while the reader works on earlier ones; it ends when this is closed."""
    made: SimpleQueue[_Made[T]] = SimpleQueue()
    room: SimpleQueue[bool] = SimpleQueue()
    for _ in range(WAITING):
        room.put(True)
    thread = Thread(target=_make, args=(items, made, room), name="ahead", daemon=True)
    thread.start()
    try:
        while (one := made.get()).failure is None and not one.ended:
            yield from one.items
            room.put(True)
        if one.failure:
            raise one.failure
    finally:
        room.put(False)
        thread.join(PATIENCE)


PATIENCE = 1.0  # seconds that closing waits for the thread, which may wait for a silent pipe


class _Made(Generic[T]):
    """An item, the end, or why there are no more."""

    def __init__(self, items: tuple[T, ...] = (), *, ended: bool = False, failure: BaseException | None = None) -> None:
        self.items, self.ended, self.failure = items, ended, failure


def _make(items: Iterator[T], made: SimpleQueue[_Made[T]], room: SimpleQueue[bool]) -> None:
    """What the thread does."""
    try:
        for item in items:
            made.put(_Made((item,)))
            if not room.get():
                return
        made.put(_Made(ended=True))
    except BaseException as failure:  # noqa: BLE001 - the reader raises it
        made.put(_Made(failure=failure))
