"""The reference against the program's engine: which exchanges of a capture only one of them finds.

    python -m tests.reference.compare FILE…
    python -m tests.reference.compare --chance N --seed S

prints what differs, side by side, with a line for each of the frames. Exit status 1 where something does.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from capanalyze.audit import CaptureFile
from capanalyze.cli import main as program
from capanalyze.opinion import frames_of
from capanalyze.reading import open_reading
from capanalyze.reference import Frame, Paired, pair
from capanalyze.reference.frames import UnreadError, read
from capanalyze.reference.keys import tell
from tests.chance import chance

# What the rest of a capture or its mode says of silence; the reference looks at one exchange.
OF_THE_CAPTURE = {"the capture ended", "frames are cut", "too many requests were open at a time"}


class Row(NamedTuple):
    """What both have to agree in."""

    requests: tuple[int, ...]
    replies: tuple[int, ...]
    service: str
    client: str
    client_port: int | None
    server: str
    server_port: int | None
    outcome: str

    def __str__(self) -> str:
        frames = f"{','.join(map(str, self.requests)) or '-'} > {','.join(map(str, self.replies)) or '-'}"
        return (
            f"{frames:24} {self.service:12} {self.client} {self.client_port} > {self.server} {self.server_port}: "
            + (self.outcome)
        )


class Differences(NamedTuple):
    """Exchanges that only the engine finds, and those that only the reference does."""

    engine: list[Row]
    reference: list[Row]

    def __bool__(self) -> bool:
        return bool(self.engine or self.reference)


def frames_in(path: Path) -> list[Frame]:
    """All frames of a capture."""
    reading = open_reading(CaptureFile(str(path), path.name))
    for _ in reading.rows():
        pass
    return list(frames_of(reading))


def by_reference(paired: Paired) -> list[Row]:
    return [
        Row(
            tuple(frame for _, frame in one.requests),
            tuple(frame for _, frame in one.replies),
            one.service,
            str(one.client),
            one.client.port,
            str(one.server),
            one.server.port,
            one.outcome,
        )
        for one in paired.exchanges
    ]


def by_engine(path: Path) -> list[Row]:
    result = CliRunner().invoke(program, ["exchanges", "--format", "jsonl", str(path)])
    if result.exit_code:
        raise RuntimeError(f"{path.name}: {result.output}{result.exception!r}")
    rows = []
    for line in result.stdout.splitlines():
        row = json.loads(line)
        row["outcome"] = "silent" if row["reason"] in OF_THE_CAPTURE else row["outcome"]
        row["requests"], row["replies"] = tuple(row["requests"]), tuple(row["replies"])
        rows.append(Row(*[row[name] for name in Row._fields]))
    return rows


def compare_file(path: Path) -> Differences:
    """What only one of both finds; frames that the reference does not read, and their exchanges, are left out."""
    paired = pair(frames_in(path))
    left_out = {number for _, number in paired.unread}
    mine, theirs = by_reference(paired), by_engine(path)
    for row in theirs:
        if left_out.intersection(row.requests + row.replies):
            left_out.update(row.requests + row.replies)
    mine, theirs = ([row for row in rows if left_out.isdisjoint(row.requests + row.replies)] for rows in (mine, theirs))
    return Differences(without(theirs, mine), without(mine, theirs))


def compare(octets: bytes) -> Differences:
    """The same for a capture's octets."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "compared.pcapng"
        path.write_bytes(octets)
        return compare_file(path)


def without(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """Rows that the others lack; equal ones count."""
    left = list(others)
    found = []
    for row in rows:
        if row in left:
            left.remove(row)
        else:
            found.append(row)
    return sorted(found, key=lambda row: (row.requests or row.replies, row.replies))


def summary(frame: Frame, start: int) -> str:
    """One line: number, seconds, interface, endpoints, and what the message says."""
    head = f"{frame.key[1]:6} {'' if frame.time is None else (frame.time - start) / 1e9:>12} {frame.interface:8}"
    try:
        seen = read(frame)
        tell(seen)
    except UnreadError as error:
        return f"{head} not read: {error}"
    about, seen = (f"{seen.source} quotes ", seen.quoted) if seen.quoted else ("", seen)
    said = seen.said
    kind = " ".join(map(str, seen.tcp)) if seen.transport == "tcp" else said.role
    keys = " ".join(str(key) for key in sorted(map(str, said.asks | said.answers)))
    ends = f"{seen.source} {seen.source.port} > {seen.destination} {seen.destination.port}"
    return f"{head} {about}{seen.protocol.name} {ends} {kind} {keys}{' weak' if said.weak else ''}"[:220]


def told(frames: Sequence[Frame], differences: Differences) -> Iterator[str]:
    """What differs, as lines."""
    start = next((frame.time for frame in frames if frame.time is not None), 0)
    shown: set[int] = set()
    for name, rows in zip(Differences._fields, differences, strict=True):
        for row in rows:
            yield f"  {name:9} {row}"
            shown |= {*row.requests, *row.replies}
    yield from (f"  {summary(frame, start)}" for frame in frames if frame.key[1] in shown)


def show(path: Path, label: str) -> bool:
    """Print what differs in a capture; whether something does."""
    differences = compare_file(path)
    if differences:
        sys.stdout.write("\n".join([label, *told(frames_in(path), differences)]) + "\n")
    return bool(differences)


def main() -> int:
    """Compare captures, or such as chance makes."""
    parser = argparse.ArgumentParser(description="the reference against the engine")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--chance", type=int, default=0, metavar="N", help="so many captures made by chance")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="the first one's seed")
    parser.add_argument("--keep", type=Path, help="a folder for those that differ")
    given = parser.parse_args()
    differ = sum(show(path, str(path)) for path in given.files)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chance.pcapng"
        for seed in range(given.seed, given.seed + given.chance):
            path.write_bytes(chance(seed))
            if show(path, f"seed {seed}"):
                differ += 1
                if given.keep:
                    given.keep.mkdir(parents=True, exist_ok=True)
                    (given.keep / f"seed-{seed}.pcapng").write_bytes(path.read_bytes())
    sys.stdout.write(f"{differ} of {len(given.files) + given.chance} differ\n")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
