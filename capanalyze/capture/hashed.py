"""A stream of octets that counts and hashes what goes through it, beside whoever reads it where there is much."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from capanalyze.capture.compressed import Readable
    from capanalyze.spool import Spool

BLOCK = 4 * 1024 * 1024
WORTH_A_THREAD = 256 * 1024  # octets
HASHED_LATER = 2  # rooms that were filled and may still be hashed
MAX_COPY = 64 * 1024 * 1024  # octets of stdin that are kept, to decode replies


class HashedStream:
    """A stream that knows what went through it: how many octets, and their SHA-256.

    Args:
        stream: what is read.
        copy: where all that is read is written to, if anywhere.
        limit: octets after which it ends, whatever follows; None for no such end.
        hashed: whether the SHA-256 is wanted.
        beside: whether it may be worked out in a thread of its own.
    """

    def __init__(
        self,
        stream: Readable,
        copy: Spool | None = None,
        limit: int | None = None,
        *,
        hashed: bool = True,
        beside: bool = True,
    ) -> None:
        self._stream = stream
        self._copy = copy
        self._limit = limit
        self._may_beside = beside
        self._hash = None
        if hashed:
            import hashlib  # loads OpenSSL

            self._hash = hashlib.sha256()
        self._pushed = b""
        self._beside: ThreadPoolExecutor | None = None
        self._hashing: deque[Future[None]] = deque()
        self.octets = 0

    def read(self, size: int = BLOCK, /) -> bytes:
        """At most `size` octets."""
        if self._pushed:
            octets, self._pushed = self._pushed[:size], self._pushed[size:]
            return octets
        octets = self._stream.read(self._within_limit(size))
        self._wait()
        if self._hash:
            self._hash.update(octets)
        self._take(octets)
        return octets

    def read_into(self, room: memoryview) -> int:
        """Put what is at hand into `room`; how many octets. Many are hashed beside whoever reads them.

        What a room held is done with once HASHED_LATER further ones were filled.
        """
        if self._pushed:
            return put(self.read(len(room)), room)
        room = room[: self._within_limit(len(room))]
        count = read_into(self._stream, room)
        if self._hash and self._may_beside and count >= WORTH_A_THREAD:
            self._wait(HASHED_LATER - 1)
            from concurrent.futures import ThreadPoolExecutor

            self._beside = self._beside or ThreadPoolExecutor(1, "hash")
            self._hashing.append(self._beside.submit(self._hash.update, room[:count]))
        elif self._hash:
            self._wait()
            self._hash.update(room[:count])
        self._take(room[:count])
        return count

    def peek(self, size: int) -> bytes:
        """The first octets, which `read` will return again."""
        while len(self._pushed) < size:
            pushed, self._pushed = self._pushed, b""
            more = self.read(size - len(pushed))
            self._pushed = pushed + more
            if not more:
                break
        return self._pushed

    def drain(self) -> str | None:
        """Read what is left, and return the SHA-256 of all in hexadecimal; None where it is not wanted."""
        while self.read(BLOCK):
            pass
        self.close()
        return self._hash.hexdigest() if self._hash else None

    def close(self) -> None:
        """Hash no more beside others."""
        self._wait()
        if self._beside:
            self._beside.shutdown()
            self._beside = None

    def _within_limit(self, size: int) -> int:
        return size if self._limit is None else min(size, self._limit - self.octets)

    def _wait(self, left: int = 0) -> None:
        """Wait until no more than so many pieces are still to be hashed."""
        while len(self._hashing) > left:
            self._hashing.popleft().result()

    def _take(self, octets: bytes | memoryview) -> None:
        """Count what was read, and keep the first of it if it cannot be read again."""
        self.octets += len(octets)
        if self._copy is not None and self.octets - len(octets) < MAX_COPY:
            self._copy.add(octets)


def put(octets: bytes, room: memoryview) -> int:
    """Put octets at the beginning of a room; how many."""
    room[: len(octets)] = octets
    return len(octets)


def read_into(stream: Readable, room: memoryview) -> int:
    """Put the next octets of a stream at the beginning of a room; how many, 0 at the end."""
    into = getattr(stream, "readinto", None)
    return into(room) if into else put(stream.read(len(room)), room)
