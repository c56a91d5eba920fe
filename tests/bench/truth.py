"""What really happened in a generated capture: for every exchange its frames, as numpy columns or a line of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from tests.bench.dice import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.bench.dice import Numbers, Told
    from tests.bench.frames import Group


T = TypeVar("T", bound=np.generic)


class Exchange(NamedTuple):
    """One exchange; without requests, its reply is an orphan."""

    requests: list[int]
    replies: list[int]
    service: str
    client: str
    port: int


@dataclass(frozen=True)
class Truth:
    """Columns: `frame`, `exchange`, `reply` of every message, and `service`, `client`, `port` of every exchange.

    A message that belongs to several exchanges has an element for each.
    """

    frame: NDArray[np.uint32]
    exchange: NDArray[np.uint32]
    reply: NDArray[np.bool_]
    service: NDArray[np.uint8]
    client: NDArray[np.uint32]
    port: NDArray[np.uint16]

    def exchanges(self) -> Iterator[Exchange]:
        """All exchanges, in order of their first frames."""
        order = np.lexsort((self.frame, self.exchange))
        frames, owners, replies = self.frame[order], self.exchange[order], self.reply[order]
        bounds = np.append(np.flatnonzero(np.diff(owners, prepend=-1)), len(owners))
        for at in np.argsort(frames[bounds[:-1]]):
            start, end = bounds[at], bounds[at + 1]
            some, is_reply, owner = frames[start:end], replies[start:end], int(owners[start])
            yield Exchange(
                some[~is_reply].tolist(),
                some[is_reply].tolist(),
                SERVICES[self.service[owner]],
                str(IPv4Address(int(self.client[owner]))),
                int(self.port[owner]),
            )

    def write(self, path: Path) -> None:
        """To a file: .npz for the columns, .jsonl for an object a line."""
        if path.suffix == ".jsonl":
            with path.open("w") as lines:
                lines.writelines(json.dumps(exchange._asdict()) + "\n" for exchange in self.exchanges())
        else:
            with path.open("wb") as columns:
                np.savez(columns, **vars(self))


def read_truth(path: Path) -> Truth:
    """The truth from an .npz file."""
    with np.load(path) as columns:
        return Truth(**{name: columns[name] for name in columns})


class Ledger:
    """Collects the truth while the capture is written.

    That takes 9 octets for each message of an exchange and 7 for each exchange; twice that at the end.
    """

    def __init__(self) -> None:
        self._frames: list[NDArray[np.uint32]] = []
        self._exchanges: list[NDArray[np.uint32]] = []
        self._replies: list[NDArray[np.bool_]] = []

    def note(self, group: Group, frames: Numbers) -> None:
        """These are the frame numbers of a group."""
        if group.exchanges is None:
            return
        owners = group.exchanges.astype(np.uint32)
        owners = owners[:, np.newaxis] if owners.ndim == 1 else owners
        self._frames.append(frames.astype(np.uint32).repeat(owners.shape[1]))
        self._exchanges.append(owners.ravel())
        self._replies.append(np.full(owners.size, group.reply))

    def truth(self, told: Told) -> Truth:
        """All of it."""
        return Truth(
            joined(self._frames, np.uint32),
            joined(self._exchanges, np.uint32),
            joined(self._replies, np.bool_),
            joined(told.services, np.uint8),
            joined(told.clients, np.uint32),
            joined(told.ports, np.uint16),
        )


def joined(pieces: list[NDArray[T]], kind: type[T]) -> NDArray[T]:
    """One column of its pieces, which are given up."""
    column = np.concatenate([np.empty(0, kind), *pieces])
    pieces.clear()
    return column
