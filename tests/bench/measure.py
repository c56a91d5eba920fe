"""Measures whole processes: each case once a round, round after round, so that all of them see the same machine."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LAUNCHER = Path(__file__).with_name("launcher.py")
ROOT = LAUNCHER.parents[2]
PIECE = 1 << 24


class Taken(TypedDict):
    """What the launcher says, and the last line on stderr."""

    wall: float
    cpu: float
    peak: float
    floor: float
    status: int
    stopped: bool
    error: str


class Run(NamedTuple):
    """One run: seconds on the clock and of processors, peak memory in MiB (and what it could not go below)."""

    wall: float
    cpu: float
    peak: float
    floor: float


@dataclass(frozen=True)
class Case:
    """A command to measure, and how many frames it works through.

    `output` is removed after each run. `rows` counts what it holds.
    """

    name: str
    command: tuple[str, ...]
    frames: int = 0
    octets: int = 0
    output: Path | None = None
    rows: Callable[[Path], int] | None = None


@dataclass
class Result:
    """All runs of a case; `failure` says why there are no more of them."""

    case: Case
    runs: list[Run] = field(default_factory=list)
    failure: str = ""
    rows: int = 0
    written: int = 0

    @property
    def wall(self) -> float:
        """Median of the seconds on the clock."""
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        """Median of the seconds of processors."""
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        """The highest peak of memory."""
        return max(run.peak for run in self.runs)

    @property
    def per_million(self) -> float:
        """Seconds per million frames."""
        return self.wall / self.case.frames * 1e6


def measure(cases: Sequence[Case], repeat: int, limit: int, tell: Callable[[str], None]) -> list[Result]:
    """So many runs of each case, taking turns; a case that fails or takes longer than the limit is not tried again."""
    results = [Result(case) for case in cases]
    for number in range(repeat):
        for result in results:
            if result.failure:
                continue
            run = once(result, limit)
            if run:
                result.runs.append(run)
                tell(f"{result.case.name}: {number + 1} of {repeat}: {run.wall:.3f} s")
            else:
                tell(f"{result.case.name}: {result.failure}")
    return results


def once(result: Result, limit: int) -> Run | None:
    """One run, and what it wrote; None if it failed."""
    case = result.case
    try:
        with TemporaryDirectory() as folder:
            taken = launch(case.command, Path(folder), limit)
        if taken["stopped"]:
            result.failure = f"not done within {limit} s"
            return None
        if taken["status"]:
            result.failure = f"status {taken['status']}: {taken['error']}"
            return None
        if case.output and not result.written:
            result.written = size_of(case.output)
            result.rows = case.rows(case.output) if case.rows else 0
        return Run(taken["wall"], taken["cpu"], taken["peak"], taken["floor"])
    finally:
        if case.output:
            remove(case.output)


def launch(command: Sequence[str], folder: Path, limit: int) -> Taken:
    """What the launcher says of a command whose output nobody reads; `error` is the last line on stderr."""
    said, errors = folder / "said", folder / "errors"
    with errors.open("wb") as stderr:
        subprocess.run(
            [sys.executable, "-I", "-S", LAUNCHER, said, str(limit), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd=ROOT,
            check=True,
        )
    taken: Taken = json.loads(said.read_text())
    lines = errors.read_text(errors="replace").strip().splitlines()
    taken["error"] = lines[-1] if lines else ""
    return taken


def size_of(path: Path) -> int:
    """Octets of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def remove(path: Path) -> None:
    """A file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def into_cache(path: Path) -> None:
    """Read a file once, so that no run waits for the disk."""
    with path.open("rb", buffering=0) as file:
        while file.read(PIECE):
            pass
