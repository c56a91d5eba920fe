"""Writes captures of a wanted kind and size, the same octets for the same seed, fast and in bounded memory."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.bench.containers import Pcap, Pcapng, assemble, compressed
from tests.bench.dice import Dice
from tests.bench.kinds import KINDS, Part
from tests.bench.truth import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from tests.bench.containers import Writable
    from tests.bench.frames import Group

VERSION = 1  # of the octets that a seed makes
BATCH = 16_000_000  # octets that are made at once
GIGA = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True)
class Wanted:
    """A capture as asked for. `size`: octets before compression, about; `count`: conversations, instead of a size."""

    kind: str
    size: int = 0
    count: int = 0
    seed: int = 1
    rate: int = 0
    pcapng: bool = False

    @property
    def pace(self) -> int:
        """Frames a second."""
        return self.rate or KINDS[self.kind].rate


@dataclass
class Made:
    """What was written."""

    frames: int = 0
    octets: int = 0
    seconds: float = 0.0
    exchanges: dict[str, int] = dataclasses.field(default_factory=dict)
    answered: int = 0
    unanswered: int = 0
    orphans: int = 0
    resent: int = 0
    twice: int = 0


def octets_of(text: str) -> int:
    """A size such as 4GB, 300MB or 1000: powers of ten."""
    number = text.upper().removesuffix("B")
    unit = number[-1:] if number[-1:] in GIGA else ""
    return round(float(number.removesuffix(unit)) * GIGA[unit])


def generate(wanted: Wanted, path: Path, truth: Path | None = None) -> Made:
    """Write a capture, and beside it FILE.json with what was asked and what was made; truth on request."""
    dice = Dice(wanted.seed, kept=truth is not None)
    ledger = Ledger()
    made = Made()
    partial = path.with_name(path.name + ".part")
    try:
        with compressed(partial, path.suffix) as out, ThreadPoolExecutor(1) as writer:
            write(wanted, dice, out, writer, made, ledger if truth else None)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    for name in ("exchanges", "answered", "unanswered", "orphans", "resent", "twice"):
        setattr(made, name, getattr(dice.told, name))
    if truth:
        ledger.truth(dice.told).write(truth)
    beside(path).write_text(json.dumps(manifest(wanted, path) | dataclasses.asdict(made), indent=1) + "\n")
    return made


def write(
    wanted: Wanted, dice: Dice, out: Writable, writer: ThreadPoolExecutor, made: Made, ledger: Ledger | None
) -> None:
    """Write batch after batch; the next one is made while one is written."""
    container = Pcapng if wanted.pcapng else Pcap
    out.write(container.head)
    made.octets = len(container.head)
    pending: Future[Any] | None = None
    for groups in batches(wanted, dice, made):
        piece = assemble(groups, container)
        if ledger:
            for group, place in zip(groups, piece.places, strict=True):
                ledger.note(group, place + made.frames + 1)
        made.frames += sum(len(group.times) for group in groups)
        made.octets += len(piece.octets)
        made.seconds = max([made.seconds, *(int(np.max(group.times)) / 1e6 for group in groups if len(group.times))])
        if pending:
            pending.result()
        pending = writer.submit(out.write, piece.octets.data)
    if pending:
        pending.result()


def batches(wanted: Wanted, dice: Dice, made: Made) -> Iterator[list[Group]]:
    """Groups of frames, each batch later than the one before it; `made` is told of a batch before the next is asked.

    A conversation that goes on behind the end of its batch leaves frames for the next ones.
    """
    kind = KINDS[wanted.kind]
    parts = kind.parts(dice, wanted.size)
    pace = spacing(parts, wanted.pace)
    started = 0
    left: list[Group] = []
    while count := next_count(wanted, started, made):
        times = ((started + np.arange(count) + dice.random.random(count)) * pace).astype(np.int64)
        started += count
        end = int(started * pace)
        groups = left + conversations(parts, dice, times)
        left = [group.only(group.times >= end) for group in groups]
        left = [group for group in left if len(group.times)]
        yield [group.only(group.times < end) for group in groups]
    if left:
        yield left


def next_count(wanted: Wanted, started: int, made: Made) -> int:
    """How many conversations the next batch has; none if there is enough."""
    mean = made.octets / started if started else KINDS[wanted.kind].octets
    most = round(BATCH / mean)
    if wanted.count:
        return min(most, wanted.count - started)
    return min(most, int((wanted.size - made.octets) / mean)) if made.octets < wanted.size else 0


def spacing(parts: tuple[Part, ...], rate: int) -> float:
    """Microseconds between the beginnings of conversations, at so many frames a second."""
    conversations_per_frame = sum(part.share / part.frames for part in parts) / sum(part.share for part in parts)
    return 1e6 / (rate * conversations_per_frame)


def conversations(
    parts: tuple[Part, ...], dice: Dice, times: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> list[Group]:
    """Conversations that begin at these times, each of a part by chance."""
    chosen = dice.choose([part.share / part.frames for part in parts], len(times))
    return [group for number, part in enumerate(parts) for group in part.make(dice, times[chosen == number])]


def beside(path: Path) -> Path:
    """The file that says what a capture is."""
    return path.with_name(path.name + ".json")


def manifest(wanted: Wanted, path: Path) -> dict[str, Any]:
    """What a capture was asked to be, and how large its file is."""
    return {"version": VERSION, **dataclasses.asdict(wanted), "pace": wanted.pace, "file": path.stat().st_size}


def ensure(wanted: Wanted, path: Path) -> dict[str, Any]:
    """The capture is there: kept if it is what is wanted, else written; what FILE.json says of it."""
    if path.exists() and beside(path).exists():
        known = json.loads(beside(path).read_text())
        if manifest(wanted, path).items() <= known.items():
            return dict(known)
    generate(wanted, path)
    return dict(json.loads(beside(path).read_text()))
