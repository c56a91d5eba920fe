"""The open requests, found by key, by endpoints or by client, and forgotten when their time is over."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, TypeVar

from capanalyze.protocols import GENERIC_UDP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.oracle.pair import Pair
    from tests.oracle.sighting import Endpoint

Key = TypeVar("Key")


class Book:
    """Open pairs and three ways to find them."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[int, Endpoint | None, int], list[Pair]] = {}
        self._by_ends: dict[tuple[int, Endpoint, Endpoint], list[Pair]] = {}
        self._by_client: dict[tuple[str, Endpoint], list[Pair]] = {}
        self._by_payload: dict[tuple[int, Endpoint, Endpoint, int], list[Pair]] = {}
        self._due: list[tuple[int, int, Pair]] = []
        self._entered = 0

    def __len__(self) -> int:
        return len(self._due)

    def enter(self, pair: Pair) -> None:
        """Keep a pair until its deadline, to be found by all that identifies it."""
        client = None if pair.protocol.by_question else pair.client
        for key in pair.keys:
            self._by_key.setdefault((pair.module, client, key), []).append(pair)
        self._by_ends.setdefault((pair.module, pair.client, pair.server), []).append(pair)
        self._by_client.setdefault((pair.protocol.transport, pair.client), []).append(pair)
        self._by_payload.setdefault((pair.module, pair.client, pair.server, pair.digest), []).append(pair)
        self.keep(pair)

    def keep(self, pair: Pair) -> None:
        """Keep a pair until its deadline, not to be found."""
        self._entered += 1
        heappush(self._due, (pair.deadline, self._entered, pair))

    def also_between(self, client: Endpoint, server: Endpoint, pair: Pair) -> None:
        """Let a pair be found by further endpoints: the port that its server changed to."""
        pair.changed_ends.append((client, server))
        self._by_ends.setdefault((GENERIC_UDP, client, server), []).append(pair)

    def by_key(self, module: int, client: Endpoint | None, key: int) -> Sequence[Pair]:
        """Pairs with this match key; of any client where the module pairs by question."""
        return self._by_key.get((module, client, key), ())

    def between(self, module: int, client: Endpoint, server: Endpoint) -> Iterator[Pair]:
        """Pairs with these endpoints, the latest first."""
        return reversed(self._by_ends.get((module, client, server), ()))

    def alike(self, module: int, client: Endpoint, server: Endpoint, digest: int) -> Iterator[Pair]:
        """Pairs with these endpoints and this payload, the latest first."""
        return reversed(self._by_payload.get((module, client, server, digest), ()))

    def of_client(self, transport: str, client: Endpoint) -> Sequence[Pair]:
        """All pairs of a client's endpoint."""
        return self._by_client.get((transport, client), ())

    def over(self, clock: int) -> Iterator[Pair]:
        """Take out the pairs whose deadline has passed."""
        while self._due and self._due[0][0] < clock:
            _, number, pair = heappop(self._due)
            if pair.deadline >= clock:
                heappush(self._due, (pair.deadline, number, pair))
                continue
            self._leave(pair)
            yield pair

    def rest(self) -> Iterator[Pair]:
        """Take out all pairs, in the order in which they came."""
        due, self._due = sorted(self._due, key=lambda entry: entry[1]), []
        for _, _, pair in due:
            self._leave(pair)
            yield pair

    def _leave(self, pair: Pair) -> None:
        client = None if pair.protocol.by_question else pair.client
        for key in pair.keys:
            _drop(self._by_key, (pair.module, client, key), pair)
        _drop(self._by_ends, (pair.module, pair.client, pair.server), pair)
        _drop(self._by_client, (pair.protocol.transport, pair.client), pair)
        _drop(self._by_payload, (pair.module, pair.client, pair.server, pair.digest), pair)
        for end in pair.changed_ends:
            _drop(self._by_ends, (GENERIC_UDP, *end), pair)


def _drop(table: dict[Key, list[Pair]], key: Key, pair: Pair) -> None:
    """Take a pair out of one list of an index."""
    pairs = table.get(key)
    if pairs and pair in pairs:
        pairs.remove(pair)
        if not pairs:
            del table[key]
