"""Batches held until all is known: the first ones in memory, the others in a temporary file."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Self

from capanalyze.exchanges.batch import Batch
from capanalyze.exchanges.row import LINK, NARROW, WIDE
from capanalyze.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY = 131_072  # exchanges


class Held:
    """Batches that may be gone through more than once, in order; to be used in a `with` statement."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._spool: Spool | None = None
        self._sizes: list[tuple[int, int]] = []  # of batches in the file: rows, links
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._spool:
            self._spool.close()

    def add(self, batch: Batch) -> None:
        """Hold one more.

        Raises:
            CaptureError: there is no room for it.
        """
        self._count += batch.count
        if self._count <= IN_MEMORY:
            self._batches.append(batch)
            return
        if self._spool is None:
            self._spool = Spool("no room to hold exchanges")
        self._spool.add(batch.wide[: batch.count * WIDE], batch.narrow[: batch.count * NARROW], batch.links)
        self._sizes.append((batch.count, len(batch.links) // LINK))

    def __iter__(self) -> Iterator[Batch]:
        yield from self._batches
        if self._spool is None:
            return
        file = self._spool.reader()
        for count, links in self._sizes:
            batch = Batch(array("q"), array("i"), array("q"), count)
            for part, size in ((batch.wide, count * WIDE), (batch.narrow, count * NARROW), (batch.links, links * LINK)):
                part.frombytes(file.read(size * part.itemsize))
            yield batch
