"""`python -m tests.bench generate|run`: see --help of each."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from tests.bench.generate import Wanted, generate, octets_of
from tests.bench.kinds import KINDS
from tests.bench.run import SECTIONS, Plan, folder_of, run

if TYPE_CHECKING:
    from collections.abc import Iterable


@click.group()
def main() -> None:
    """Make captures for benchmarks, and measure capanalyze and its peers on them."""


@main.command("generate")
@click.argument("kind", type=click.Choice(tuple(KINDS)))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--size", help="About so large before compression: 4GB, 300MB, … (powers of ten).")
@click.option("--count", type=int, help="So many conversations, instead of a size.")
@click.option("--seed", default=1, show_default=True)
@click.option("--rate", type=int, help="Frames a second. Default: by kind.")
@click.option("--truth", type=click.Path(path_type=Path), help="File for every exchange's frames: .npz or .jsonl.")
@click.option("--pcapng", is_flag=True, help="Write pcapng instead of pcap.")
def generate_command(
    kind: str,
    file: Path,
    size: str | None,
    count: int | None,
    seed: int,
    rate: int | None,
    truth: Path | None,
    pcapng: bool,
) -> None:
    """Write a capture of a KIND to FILE (compressed if it ends in .gz or .zst)."""
    if (size is None) == (count is None):
        raise click.UsageError("give --size or --count")
    wanted = Wanted(kind, octets_of(size) if size else 0, count or 0, seed, rate or 0, pcapng)
    start = perf_counter()
    made = generate(wanted, file, truth)
    taken = perf_counter() - start
    click.echo(
        json.dumps(dataclasses.asdict(made) | {"wall": round(taken, 2), "MB/s": round(made.octets / taken / 1e6)})
    )


@main.command("run")
@click.option("--size", default="1GB", show_default=True, help="Of the captures.")
@click.option("--slope", help="Two sizes to compare. Default: --size and four times as much.", metavar="SIZE,SIZE")
@click.option("--kinds", default="bulk,small,flood,echo-chamber", show_default=True)
@click.option("--repeat", default=5, show_default=True, help="Runs of which the median counts.")
@click.option("--sections", default=",".join(SECTIONS), show_default=True, help="What to measure.")
@click.option("--only", default="", help="Only programs with one of these words in their names: tcpdump,json,…")
@click.option("--folder", type=click.Path(path_type=Path), help="Where captures are kept; without it they are removed.")
@click.option("--json", "results", type=click.Path(path_type=Path), help="File for everything that was measured.")
@click.option("--markdown", is_flag=True, help="Tables in Markdown.")
@click.option("--limit", default=1800, show_default=True, help="Seconds after which a run is stopped.")
@click.option("--seed", default=1, show_default=True)
def run_command(
    size: str,
    slope: str | None,
    kinds: str,
    repeat: int,
    sections: str,
    only: str,
    folder: Path | None,
    results: Path | None,
    markdown: bool,
    limit: int,
    seed: int,
) -> None:
    """Measure whole processes side by side: medians, peak memory, and the ratio to each peer that is installed."""
    whole = octets_of(size)
    low, high = words(slope) if slope else (size, str(4 * whole))
    with folder_of(folder) as place:
        plan = Plan(
            size=whole,
            slope=(octets_of(low), octets_of(high)),
            kinds=words(kinds, KINDS),
            repeat=repeat,
            sections=words(sections, SECTIONS),
            only=words(only),
            folder=place,
            limit=limit,
            seed=seed,
            tell=functools.partial(click.echo, err=True),
        )
        tables, everything = run(plan)
    click.echo("\n".join(table.render(markdown=markdown) for table in tables))
    if results:
        results.write_text(json.dumps(everything, indent=1) + "\n")


def words(text: str, known: Iterable[str] = ()) -> tuple[str, ...]:
    """The words between commas; only known ones, if any are."""
    found = tuple(word for word in text.split(",") if word)
    for word in found:
        if known and word not in known:
            raise click.UsageError(f"{word!r} is none of {', '.join(known)}")
    return found


if __name__ == "__main__":
    main()
