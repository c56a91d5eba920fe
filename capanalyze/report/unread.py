"""Frames and captures that could not be read and may hide a reply: whether a result must say so, and how it does."""

from capanalyze.model import Analysis
from capanalyze.report.order import totals
from capanalyze.report.words import counted, counts

# Beside leaks, unread frames matter from one in so many on. Where nothing leaked each does: it may be the one leak.
ONE_IN = 100
MOST_NAMED = 6


def unread(analysis: Analysis) -> dict[str, int]:
    """Frames that may hide a reply, by bucket; none where they are negligible."""
    buckets = totals(one.unread for one in analysis.inputs)
    leaked = any(found.verdict == "leaked" for found in analysis.findings)
    if leaked and sum(buckets.values()) * ONE_IN < _frames(analysis):
        return {}
    return buckets


def unread_clause(analysis: Analysis) -> str:
    """What could not be read: `12 of 14 frames and 1 of 6 captures could not be read`; empty where that is negligible.

    A capture that was left out is never negligible.
    """
    left_out = len(analysis.left_out)
    captures = f"{left_out:,} of {counted(left_out + len(analysis.inputs), 'capture')}" if left_out else ""
    parts = [part for part in (_part_of_frames(analysis), captures) if part]
    return f"{' and '.join(parts)} could not be read" if parts else ""


def unread_note(analysis: Analysis) -> str:
    """How many frames could not be read, with the buckets that these are in, the fullest first."""
    part = _part_of_frames(analysis)
    if not part:
        return ""
    buckets = sorted(unread(analysis).items(), key=lambda one: -one[1])
    named = counts({name.removesuffix(", not read"): number for name, number in buckets[:MOST_NAMED]})
    left = len(buckets) - MOST_NAMED
    more = f" and {counted(left, 'more kind')}" if left > 0 else ""
    return f"{part} could not be read, and may hide replies: {named}{more}"


def _part_of_frames(analysis: Analysis) -> str:
    number = sum(unread(analysis).values())
    return f"{number:,} of {counted(_frames(analysis), 'frame')}" if number else ""


def _frames(analysis: Analysis) -> int:
    return sum(one.frames for one in analysis.inputs)
