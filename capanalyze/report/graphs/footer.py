"""What stands below a graph: what it has no room for, and where it comes from."""

from capanalyze.model import Analysis
from capanalyze.report.words import counted, listing, period


def left_out(number: int, noun: str, leaks: int | None) -> list[str]:
    """What a figure has no room for and how much of it leaked, None where nothing did; [] if it has room for all."""
    if not number:
        return []
    remark = "" if leaks is None else f", {leaks:,} of them with leaks" if leaks else ", none with a leak"
    return [f"{counted(number, f'further {noun}')} not drawn{remark}"]


def source(analysis: Analysis) -> list[str]:
    """Where a graph comes from: captures, time, target, version."""
    captures = listing(capture.name for capture in analysis.inputs) or "no capture"
    target = listing(analysis.target.addresses, 3) or "unknown"
    assumed = " (assumed)" if analysis.target.assumed else ""
    return [
        captures,
        period(analysis.first, analysis.last),
        f"target {target}{assumed}",
        f"capanalyze {analysis.capanalyze}",
    ]
