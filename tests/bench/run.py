"""The benchmark: makes its captures, measures capanalyze and its peers side by side, and shows tables."""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.bench import programs
from tests.bench.generate import Wanted, ensure
from tests.bench.measure import Case, Result, into_cache, measure
from tests.bench.programs import CAPANALYZE, REPORT
from tests.bench.table import Table, memory, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HUNDRED = 100
SIDES = 9  # repeats of the small starts
SUFFIXES = {"pcap": ".pcap", "pcapng": ".pcapng", "gzip": ".pcap.gz", "zstd": ".pcap.zst"}
WORST = 10_000_000  # requests that nobody answers, at a size of 1 GB and more
GB = 1_000_000_000


@dataclass(frozen=True)
class Plan:
    """What to measure, and how."""

    size: int
    slope: tuple[int, int]
    kinds: tuple[str, ...]
    repeat: int
    sections: tuple[str, ...]
    only: tuple[str, ...]
    folder: Path
    limit: int
    seed: int
    tell: Callable[[str], None]

    def capture(self, kind: str, size: int, container: str = "pcap", count: int = 0) -> tuple[Path, int]:
        """A capture in the page cache, and its frames."""
        wanted = Wanted(kind, size, count, self.seed, pcapng=container == "pcapng")
        path = self.folder / f"{kind}-{count or size}-{self.seed}{SUFFIXES[container]}"
        self.tell(f"capture {path.name}")
        frames = int(ensure(wanted, path)["frames"])
        into_cache(path)
        return path, frames

    def measure(self, cases: Sequence[Case], repeat: int = 0) -> tuple[list[Result], list[str]]:
        """Results of the cases that are wanted and here, and a line for each program that is not."""
        wanted = [case for case in cases if not self.only or any(word in case.name for word in self.only)]
        missing = [f"{case.name}: not installed, skipped" for case in wanted if not programs.installed(case)]
        here = [case for case in wanted if programs.installed(case)]
        return measure(here, repeat or self.repeat, self.limit, self.tell), missing


@contextmanager
def folder_of(given: Path | None) -> Iterator[Path]:
    """The folder for captures, or one that goes when all is done."""
    if given:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
    else:
        with TemporaryDirectory(prefix="capanalyze-bench-") as name:
            yield Path(name)


def run(plan: Plan) -> tuple[list[Table], dict[str, Any]]:
    """All sections; their tables, and everything for JSON."""
    began = dt.datetime.now(dt.UTC)
    load = os.getloadavg()
    tables, sections = [], {}
    for name in plan.sections:
        shown, data = SECTIONS[name](plan)
        tables += shown
        sections[name] = data
    about = {
        "date": began.isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": programs.versions(),
        "repeat": plan.repeat,
        "seed": plan.seed,
        "load_before": load,
    }
    return tables, about | {"sections": sections}


def machine() -> dict[str, Any]:
    """What this runs on."""
    facts: dict[str, Any] = {"system": platform.platform(), "kind": platform.machine(), "cores": os.cpu_count()}
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines() + Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return facts
    named = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return facts | {"processor": named.get("model name", ""), "memory": named.get("MemTotal", "")}


# The sections


def throughput(plan: Plan) -> tuple[list[Table], Any]:
    """Every program on a capture of each kind."""
    tables, data = [], []
    for kind in plan.kinds:
        capture, frames = plan.capture(kind, plan.size)
        cases = [*programs.capanalyze(capture, frames, plan.folder), *programs.peers(capture, frames, plan.folder)]
        results, missing = plan.measure(cases)
        octets = capture.stat().st_size
        tables.append(comparison(f"{kind}: {octets / GB:.2f} GB, {frames:,} frames", results, missing))
        about = {"kind": kind, "octets": octets, "frames": frames, "missing": missing}
        data.append(about | {"results": records(results)})
    return tables, data


def starts(plan: Plan) -> tuple[list[Table], Any]:
    """How long it takes to begin: a hundred frames."""
    capture, frames = plan.capture("flood", 0, count=HUNDRED)
    hundred, count = programs.first_frames(capture, min(frames, HUNDRED))
    output = plan.folder / "out"
    cases = [
        Case("capanalyze --help", (CAPANALYZE, "--help")),
        Case("capanalyze exchanges", (CAPANALYZE, "exchanges", str(hundred)), count),
        Case("capanalyze report", (CAPANALYZE, "report", str(hundred), "-o", str(output)), count, 0, output),
    ]
    results, missing = plan.measure(cases, max(SIDES, plan.repeat))
    rows = [[result.case.name, *short(result)] for result in results]
    return [Table(f"starts: {count} frames", ["program", *SHORT], rows, missing)], records(results)


def slope(plan: Plan) -> tuple[list[Table], Any]:
    """Whether the cost of a frame grows with the capture."""
    rows, data = [], []
    for kind in plan.kinds:
        cases = [next(iter(programs.capanalyze(*plan.capture(kind, size), plan.folder))) for size in sorted(plan.slope)]
        results, _ = plan.measure(cases)
        times = [result.per_million if result.runs else 0 for result in results]
        growth = f"{times[-1] / times[0]:.2f}" if times and all(times) else "-"
        rows.append([kind, *(seconds(time) if time else "-" for time in times), growth])
        data.append({"kind": kind, "results": records(results)})
    head = ["kind", *(f"{size / GB:g} GB" for size in sorted(plan.slope)), "growth"]
    return [Table("slope: seconds per million frames", head, rows)], data


def containers(plan: Plan) -> tuple[list[Table], Any]:
    """pcapng and compressed captures, and what unpacking costs by itself."""
    tables, data = [], []
    for kind in plan.kinds:
        cases = []
        for container, suffix in SUFFIXES.items():
            capture, frames = plan.capture(kind, plan.size, container)
            report = next(iter(programs.capanalyze(capture, frames, plan.folder)))
            cases.append(Case(f"{REPORT}, {suffix}", report.command, frames, report.octets, report.output))
            if container in ("gzip", "zstd"):
                cases += programs.unpackers(capture)
        results, missing = plan.measure(cases)
        plain = results[0].wall if results and results[0].runs else 0
        rows = [
            [result.case.name, f"{result.case.octets / 1e6:.0f}", *short(result), against(result, plain)]
            for result in results
        ]
        tables.append(Table(f"{kind}: containers", ["program", "MB", *SHORT, "of pcap's time"], rows, missing))
        data.append({"kind": kind, "missing": missing, "results": records(results)})
    return tables, data


def worst(plan: Plan) -> tuple[list[Table], Any]:
    """Requests that nobody answers, all of them open at once: ten million from a size of 1 GB on."""
    capture, frames = plan.capture("unanswered", 0, count=min(WORST, plan.size // 100))
    results, missing = plan.measure(list(programs.capanalyze(capture, frames, plan.folder))[:1])
    rows = [[result.case.name, *short(result)] for result in results]
    return [Table(f"worst case: {frames:,} open requests", ["program", *SHORT], rows, missing)], records(results)


SECTIONS: dict[str, Callable[[Plan], tuple[list[Table], Any]]] = {
    "throughput": throughput,
    "starts": starts,
    "slope": slope,
    "containers": containers,
    "worst": worst,
}


# How results are shown

SHORT = ("wall s", "min", "max", "cpu s", "peak MiB")


def short(result: Result) -> list[str]:
    """Times and memory of a case."""
    if not result.runs:
        return [result.failure, "", "", "", ""]
    walls = [run.wall for run in result.runs]
    return [
        seconds(result.wall),
        seconds(min(walls)),
        seconds(max(walls)),
        seconds(result.cpu),
        memory(result.peak, max(run.floor for run in result.runs)),
    ]


def against(result: Result, plain: float) -> str:
    """How often the time of the plain capture."""
    return f"{result.wall / plain:.2f}" if result.runs and plain else "-"


def comparison(title: str, results: Sequence[Result], missing: Sequence[str]) -> Table:
    """Every program's times, and how much of them the report takes, frame for frame."""
    head = ["program", *SHORT, "frames", "s per million", "rows/s", "report/this"]
    rows = []
    for result in results:
        row = [result.case.name, *short(result), f"{result.case.frames:,}"]
        rate = f"{result.rows / result.wall:,.0f}" if result.rows else ""
        row += [seconds(result.per_million), rate, ratio(results, result)] if result.runs else ["", "", ""]
        rows.append(row)
    remarks = [f"{result.case.name}: {result.failure}" for result in results if result.failure and result.runs]
    return Table(title, head, rows, [*missing, *remarks])


def ratio(results: Sequence[Result], other: Result) -> str:
    """The report's time per frame over that of another program."""
    share = ratios(results, other)["of_medians"]
    if share is None:
        return "-"
    return f"{share:.2f}" if share >= 0.1 else f"1/{1 / share:.0f}"


def ratios(results: Sequence[Result], other: Result) -> dict[str, float | None]:
    """The same from medians, and as the median of the rounds' ratios."""
    report = next((result for result in results if result.case.name == REPORT and result.runs), None)
    if not report or not other.runs or not other.case.frames:
        return {"of_medians": None, "of_rounds": None}
    scale = other.case.frames / report.case.frames
    rounds = [mine.wall / its.wall * scale for mine, its in zip(report.runs, other.runs, strict=False)]
    return {"of_medians": report.wall / other.wall * scale, "of_rounds": statistics.median(rounds)}


def records(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Results for JSON, every single run included."""
    return [record(results, result) for result in results]


def record(results: Sequence[Result], result: Result) -> dict[str, Any]:
    """One result for JSON."""
    case = result.case
    told = {
        "name": case.name,
        "command": list(case.command),
        "frames": case.frames,
        "octets": case.octets,
        "failure": result.failure or None,
        "runs": [one._asdict() for one in result.runs],
        "written": result.written,
        "rows": result.rows,
    }
    if not result.runs:
        return told
    medians = {"wall": result.wall, "cpu": result.cpu, "peak": result.peak}
    if case.frames:
        medians["per_million"] = result.per_million
    if result.rows:
        medians["rows_per_second"] = result.rows / result.wall
    return told | {"medians": medians, "report_over_this": ratios(results, result)}
