"""Turns: threads take the next piece of work in turn and do it side by side; the pieces come out in their order.

Who reads the pieces takes turns too, while the first one is not done.
"""

from __future__ import annotations

import os
from collections import deque
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
MOST_THREADS = 4  # by default
WORTH_THREADS = 2  # pieces that the reader does alone
PATIENCE = 1.0  # seconds that closing waits for a thread, which may wait for a silent pipe


def default_threads() -> int:
    """The cores that this process may use, at most MOST_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MOST_THREADS)


class Turns(Generic[T]):
    """Pieces of work, each taken and done by one of several threads; to be iterated over once.

    Args:
        take: gives the next piece, None behind the last; called by one thread at a time.
        do: works on a piece; called side by side.
        done_with: is told of each piece once its reader has come back for the next one.
        threads: how many threads work, that of the reader included.
        waits: whether `take` may wait for others, so that the reader is to leave it to the other threads.

    Iterating raises what `take` or `do` raised, in the place of that piece.
    """

    def __init__(
        self,
        take: Callable[[], T | None],
        do: Callable[[T], None],
        done_with: Callable[[T], None],
        *,
        threads: int,
        waits: bool = False,
    ) -> None:
        self._take, self._do, self._done_with = take, do, done_with
        self._helpers_wanted, self._waits = threads - 1, waits
        self._room = threads + 1 if threads > 1 else 1
        self._taking = Lock()
        self._changed = Condition()  # guards all that follows
        self._begun = 0  # turns that have begun, and whose pieces were not given back
        self._turns: deque[_Turn[T]] = deque()
        self._ended = False
        self._helpers: list[Thread] = []

    def __iter__(self) -> Iterator[T]:
        return self._beside_others() if self._helpers_wanted else self._alone()

    def _alone(self) -> Iterator[T]:
        while not self._ended and (piece := self._take()) is not None:
            self._do(piece)
            yield piece
            self._done_with(piece)

    def _beside_others(self) -> Iterator[T]:
        pieces = 0
        try:
            while (turn := self._first()).piece is not None and turn.failure is None:
                yield turn.piece
                self._done_with(turn.piece)
                with self._changed:
                    self._begun -= 1
                    self._changed.notify_all()
                pieces += 1
                if self._helpers_wanted and pieces == WORTH_THREADS:
                    self._start_helpers()
            if turn.failure:
                raise turn.failure
        finally:
            self.close()

    def close(self) -> None:
        """Take no more, and wait for the other threads; for one that waits for others itself, not for long."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        while self._helpers:
            self._helpers.pop().join(PATIENCE)

    def _start_helpers(self) -> None:
        self._helpers = [
            Thread(target=self._help, name=f"turns {number}", daemon=True) for number in range(self._helpers_wanted)
        ]
        for helper in self._helpers:
            helper.start()

    def _help(self) -> None:
        """What the other threads do."""
        while self._begin(wait=True):
            self._have_a_turn()

    def _first(self) -> _Turn[T]:
        """The first turn, once it is over."""
        while True:
            with self._changed:
                if self._turns and self._turns[0].over:
                    return self._turns.popleft()
            if (self._helpers and self._waits) or not self._begin(wait=False):
                with self._changed:
                    self._changed.wait_for(lambda: self._turns and self._turns[0].over)
            else:
                self._have_a_turn()

    def _begin(self, *, wait: bool) -> bool:
        """Whether a further turn may begin; `wait` until then, or until there are no more."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._ended or self._begun < self._room)
            if self._ended or self._begun == self._room:
                return False
            self._begun += 1
            return True

    def _have_a_turn(self) -> None:
        """Take a piece and work on it; the last turn has none."""
        turn: _Turn[T] = _Turn()
        with self._taking:
            if self._ended:
                return
            try:
                turn.piece = self._take()
            except Exception as failure:  # noqa: BLE001 - the reader raises it
                turn.failure = failure
            with self._changed:
                self._ended = self._ended or turn.piece is None
                self._turns.append(turn)
        if turn.piece is not None:
            try:
                self._do(turn.piece)
            except Exception as failure:  # noqa: BLE001 - the reader raises it
                turn.failure = failure
        with self._changed:
            turn.over = True
            self._changed.notify_all()


class _Turn(Generic[T]):
    """A piece, None at the end; what went wrong with it; whether it is done."""

    def __init__(self) -> None:
        self.piece: T | None = None
        self.failure: Exception | None = None
        self.over = False
