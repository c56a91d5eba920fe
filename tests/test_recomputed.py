"""Every number of a report, computed again from the rows of `exchanges`: for all recorded audits, figures included."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from click.testing import CliRunner
from matplotlib.text import Text

from capanalyze.analysis import analyze
from capanalyze.audit import load_audit
from capanalyze.cli import main
from capanalyze.model import VERDICTS, Analysis, Counts, Evidence, Finding
from capanalyze.report.graphs import amplification, latency, leaks
from tests.conftest import PCAPS

AUDITS = sorted(path.parent.name for path in PCAPS.glob("*/audit.toml"))
Row = dict[str, Any]
Key = tuple[str, str, str]  # mode, zone, service
EXACT = 512  # exchanges of a finding, up to which every time is known
FAMILIES = ("ipv4", "ipv6")


@cache
def rows_of(name: str) -> list[Row]:
    done = CliRunner().invoke(main, ["exchanges", "--format", "jsonl", str(PCAPS / name / "audit.toml")])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@cache
def analysis_of(name: str) -> Analysis:
    return analyze(load_audit(PCAPS / name / "audit.toml"))


def service_of(row: Row) -> str:
    """What findings call a service: DNS over TCP is one of its own."""
    return "dns-tcp" if (row["service"], row["transport"]) == ("dns", "tcp") else str(row["service"])


def judged(name: str) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows_of(name):
        if row["verdict"] is not None:
            found[row["mode"], row["zone"], service_of(row)].append(row)
    return found


def each_finding() -> Iterator[tuple[str, Finding, list[Row]]]:
    for name in AUDITS:
        rows = judged(name)
        for found in analysis_of(name).findings:
            yield name, found, rows.pop((str(found.mode), found.zone, found.service))
        assert not rows, f"{name}: rows that are in no finding"


def family(row: Row) -> str:
    return FAMILIES[":" in row["client"]]


def counted(rows: list[Row]) -> dict[str, int]:
    outcomes = Counter("unproven" if row["verdict"] == "unproven" else row["outcome"] for row in rows)
    names = ("replied", "rejected", "silent", "indeterminate", "unproven")
    provable = sum(outcomes[name] for name in names[:3])
    return {name: outcomes[name] for name in names} | {"exchanges": len(rows), "provable": provable}


def counts_of(told: Finding | Counts) -> dict[str, int]:
    names = ("replied", "rejected", "silent", "indeterminate", "unproven", "exchanges", "provable")
    return {name: getattr(told, name) for name in names}


def worst(rows: list[Row]) -> str:
    """The verdict on the worst outcome; of silence, what was held back comes before what was merely silent."""
    named = [row["verdict"] for row in rows if row["verdict"] != "unproven" and row["outcome"] == most(rows)]
    return min(named, key=VERDICTS.index, default="unproven")


def most(rows: list[Row]) -> str:
    """The worst outcome."""
    order = ("replied", "rejected", "silent", "indeterminate")
    return next((name for name in order if counted(rows)[name]), "silent")


def test_counts_and_verdicts() -> None:
    compared = 0
    for name, found, rows in each_finding():
        assert counts_of(found) == counted(rows), (name, found.id)
        assert found.verdict == worst(rows), (name, found.id)
        over = {one: [row for row in rows if family(row) == one] for one in FAMILIES}
        assert {one: counts_of(told) for one, told in found.families.items()} == {
            one: counted(rows) for one, rows in over.items() if rows
        }
        assert {one: told.verdict for one, told in found.families.items()} == {
            one: worst(rows) for one, rows in over.items() if rows
        }
        compared += len(rows)
    assert compared > 1000


def test_times_octets_and_frames() -> None:
    timed = 0
    for name, found, rows in each_finding():
        replied = [row for row in rows if row["outcome"] == "replied"]
        asked = sum(row["request_octets"] for row in replied)
        told = sum(row["reply_octets"] for row in replied)
        assert (found.request_octets, found.reply_octets) == (asked, told), (name, found.id)
        assert found.factor == (told / asked if asked and replied else None)
        # Rows list all frames, further sights of one message among them.
        assert found.retransmissions <= sum(max(len(row["requests"]) - 1, 0) for row in rows)
        assert len(replied) <= found.reply_frames <= sum(len(row["replies"]) for row in replied)
        times = [row["rtt_us"] for row in replied if row["rtt_us"] is not None]
        assert (found.rtt_us is None) == (not times)
        if found.rtt_us:
            assert len(rows) <= EXACT
            shown = found.rtt_us
            assert shown.count == len(times)
            assert (shown.minimum, shown.maximum) == pytest.approx((min(times), max(times)))
            assert shown.median == pytest.approx(median(times)), (name, found.id)
            timed += 1
    assert timed > 50


def pointed(shown: Evidence) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    return shown.capture, tuple(shown.requests), tuple(shown.replies)


def test_every_exchange_that_is_pointed_to_is_a_row_of_the_finding() -> None:
    for name, found, rows in each_finding():
        known = {(row["capture"], tuple(row["requests"]), tuple(row["replies"])): row for row in rows}
        for shown in (*found.shown(), *found.flipped()):
            assert pointed(shown) in known, (name, found.id)
        assert known[pointed(found.evidence[0])]["verdict"] == found.verdict
        for change in found.changes:
            assert known[pointed(change.last_before)]["outcome"] == change.before
            assert known[pointed(change.first_after)]["outcome"] == change.after


def test_every_control_is_an_answer_of_the_same_service() -> None:
    """Or a message that the service itself sent."""
    held = 0
    for name, found, _ in each_finding():
        both: tuple[Finding | Counts, ...] = (found, *found.families.values())
        for told in both:
            assert (told.control is not None) == (told.verdict == "blocked"), (name, found.id)
            if told.control is None:
                continue
            (row,) = [
                row
                for row in rows_of(name)
                if row["capture"] == told.control.capture
                and row["requests"][:1] == told.control.requests
                and row["replies"][:1] == told.control.replies
            ]
            assert (row["zone"], service_of(row), row["mode"]) == (found.zone, found.service, told.control.mode)
            assert row["outcome"] == "replied" if row["direction"] == "inbound" else row["direction"] == "outbound"
            held += 1
    assert held > 10


def test_directions() -> None:
    for name in AUDITS:
        counts = Counter(row["direction"] or "unknown" for row in rows_of(name))
        assert analysis_of(name).directions == dict(sorted(counts.items()))


def words_in(figure: Any) -> list[str]:
    return [one.get_text() for one in figure.findobj(Text) if one.get_text()]


def label(rows: list[Row]) -> str:
    """What a cell counts."""
    verdict, counts = worst(rows), counted(rows)
    shown = {"leaked": "replied", "allowed": "replied", "visible": "rejected", "refused": "rejected"}
    if verdict in ("unproven", "indeterminate"):
        return str(counts[verdict])
    return f"{counts[shown[verdict]] if verdict in shown else 0}/{counts['provable']}"


def cells(rows: dict[Key, list[Row]]) -> Counter[str]:
    """The cells of a figure: one for each service, or for each family where any mode differs over them."""
    differing = {
        key[1:]
        for key, each in rows.items()
        if len({worst(over) for over in parted(each)}) > 1 or len({most(over) for over in parted(each)}) > 1
    }
    shown: Counter[str] = Counter()
    for key, each in rows.items():
        for over in parted(each) if key[1:] in differing else [each]:
            shown[label(over)] += 1
    return shown


def parted(rows: list[Row]) -> list[list[Row]]:
    return [over for one in FAMILIES if (over := [row for row in rows if family(row) == one])]


@pytest.mark.parametrize("name", AUDITS)
def test_the_cells_of_the_figure_of_leaks(name: str) -> None:
    rows = judged(name)
    figure = leaks.draw(analysis_of(name))
    if figure is None:
        assert not rows
        return
    marks = tuple("●◆×○–·⋯?")  # noqa: RUF001
    drawn = [words for words in words_in(figure) if words.startswith(marks) and words[-1:].isdigit()]
    drawn += [words.removesuffix(" ⇅") for words in words_in(figure) if words.endswith("⇅") and words.startswith(marks)]
    assert Counter(words.split()[-1] for words in drawn) == cells(rows)


@pytest.mark.parametrize("name", AUDITS)
def test_the_labels_of_times_and_factors(name: str) -> None:
    """Medians are of all dots in a row: of one service from one zone, whatever the mode."""
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (_, zone, service), rows in judged(name).items():
        times[zone, service] += [row["rtt_us"] for row in rows if row["outcome"] == "replied" and row["rtt_us"]]
    figure = latency.draw(analysis_of(name))
    wanted = sorted(microseconds(median(each)) for each in times.values() if each)
    if figure is None:
        assert not wanted
        return
    words = Counter(words_in(figure))
    missing = [one for one in wanted if not any(one in text for text in words)]
    assert missing == []
    assert (amplification.draw(analysis_of(name)) is None) or words_in(amplification.draw(analysis_of(name)))


def microseconds(duration: float) -> str:
    """A duration with three digits and its unit."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if duration >= size:
            scaled = duration / size
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f} {unit}"
    return f"{duration:.0f} µs"


def test_every_audit_is_compared() -> None:
    assert len(AUDITS) >= 14
    assert all((Path(PCAPS) / name / "audit.toml").exists() for name in AUDITS)
