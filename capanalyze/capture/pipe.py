"""Standard input as a stream that can be told to end: a live capture is ended by who watches it."""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if sys.platform == "linux":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ROOM = 1024 * 1024  # octets of a pipe, where that can be set: who writes a live capture waits less
GRACE = 1.0  # seconds without an octet, after which a stream that was told to end does


class Pipe:
    """The octets of a file descriptor, until it ends or is told to.

    Once told to end, what is still coming is read: who writes the capture may be ending it just now.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._woken, self._waker = os.pipe()
        self._ending = False
        if sys.platform == "linux":
            with suppress(OSError):  # no pipe, or the user has too many
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, ROOM)

    def read(self, size: int, /) -> bytes:
        """At most `size` octets; none at the end."""
        return os.read(self._descriptor, size) if self._is_ready() else b""

    def readinto(self, room: memoryview) -> int:
        """Fill a room from its beginning, as far as octets are at hand; how many there were, 0 at the end."""
        if not self._is_ready():
            return 0
        count = more = os.readv(self._descriptor, [room])
        while more and count < len(room) and select.select([self._descriptor], [], [], 0)[0]:
            more = os.readv(self._descriptor, [room[count:]])
            count += more
        return count

    def end(self) -> None:
        """End soon."""
        os.write(self._waker, b"\0")

    def close(self) -> None:
        """Let go of all but the descriptor itself."""
        for one in (self._woken, self._waker):
            os.close(one)

    def _is_ready(self) -> bool:
        """Wait for octets; False once none will come."""
        while True:
            awaited = [self._descriptor] if self._ending else [self._descriptor, self._woken]
            ready, _, _ = select.select(awaited, [], [], GRACE if self._ending else None)
            if self._descriptor in ready:
                return True
            if self._ending:
                return False
            self._ending = True


_open: list[Pipe] = []


def standard_input() -> Pipe | object:
    """Standard input, to be read; unbuffered, as a thread may wait for it while the program ends."""
    raw = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    try:
        descriptor = raw.fileno()
    except (AttributeError, OSError):  # no file at all
        return raw
    if sys.platform == "win32":  # where pipes cannot be waited for
        return raw
    pipe = Pipe(descriptor)
    _open.append(pipe)
    return pipe


@contextmanager
def ended_by_interrupt() -> Iterator[None]:
    """Let the first interrupt from the keyboard end what is read from standard input, and the second the program."""

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        for pipe in _open:
            pipe.end()

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        while _open:
            _open.pop().close()
