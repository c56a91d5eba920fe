"""What was measured of services over all modes: octets and frames out for one in, and round-trip times."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from capanalyze.model import Analysis, Asked, Finding, Step
from capanalyze.report.looks import OUTCOME_LOOKS, VERDICT_LOOKS, Look, look
from capanalyze.report.order import services, zones
from capanalyze.summary.steps import median

# Replies that leave so soon tell where the capture was made, if their link takes longer, microseconds.
SOON = 1000.0


@dataclass(frozen=True)
class Amplified:
    """Answered requests to a service, of one kind or (`kind` empty) of all, and what they drew."""

    found: Finding
    kind: str
    requests: int
    request_octets: int
    reply_octets: int
    reply_frames: int

    @property
    def octets(self) -> float:
        """Payload octets out for one in."""
        return self.reply_octets / self.request_octets

    @property
    def frames(self) -> float:
        """Frames out for one in."""
        return self.reply_frames / self.requests


def amplified(analysis: Analysis) -> list[Amplified]:
    """What was measured of each service, and of each kind of request where it answered several; the most first."""
    measured = [each for found in services(analysis) for each in _amplified(loudest(analysis, found.service))]
    return sorted((each for each in measured if each.request_octets), key=lambda each: -each.octets)


def loudest(analysis: Analysis, service: str) -> list[Finding]:
    """All findings of a service, those that break a promise first."""
    found = [one for one in analysis.findings if one.service == service]
    return sorted(found, key=lambda one: not look(one).loud)


def _amplified(findings: Sequence[Finding]) -> list[Amplified]:
    drew = [found for found in findings if found.replied]
    by_kind: dict[str, list[tuple[Finding, Asked]]] = {}
    for found in drew:
        for asked in found.kinds:
            if asked.replied and asked.request_octets:
                by_kind.setdefault(asked.kind, []).append((found, asked))
    if len(by_kind) > 1:
        return [_of_kind(kind, measured) for kind, measured in by_kind.items()]
    if not drew:
        return []
    return [
        Amplified(
            found=drew[0],
            kind="",
            requests=sum(found.replied for found in drew),
            request_octets=sum(found.request_octets for found in drew),
            reply_octets=sum(found.reply_octets for found in drew),
            reply_frames=sum(found.reply_frames for found in drew),
        )
    ]


def _of_kind(kind: str, measured: Sequence[tuple[Finding, Asked]]) -> Amplified:
    return Amplified(
        found=measured[0][0],
        kind=kind,
        requests=sum(asked.replied for _, asked in measured),
        request_octets=sum(asked.request_octets for _, asked in measured),
        reply_octets=sum(asked.reply_octets for _, asked in measured),
        reply_frames=sum(asked.reply_frames for _, asked in measured),
    )


@dataclass(frozen=True)
class Timed:
    """The round-trip times of a service in one zone, over all modes, microseconds.

    `found` is the loudest of its findings; `parts` are their times, each with the look of its replies.
    """

    found: Finding
    count: int
    median: float
    spread: list[Step]
    parts: list[tuple[Look, list[Step]]]


def timed(analysis: Analysis) -> list[tuple[str, list[str], list[Timed]]]:
    """The zones in which replies were timed, their interfaces and services."""
    shown = []
    for zone, interfaces in zones(analysis):
        each = [
            _timed([one for one in loudest(analysis, found.service) if one.zone == zone])
            for found in services(analysis)
        ]
        if rows := [one for one in each if one is not None]:
            shown.append((zone, interfaces, rows))
    return shown


def _timed(findings: Sequence[Finding]) -> Timed | None:
    drew = [(found, found.rtt_us) for found in findings if found.rtt_us is not None and found.rtt_us.spread]
    if not drew:
        return None
    spread = _joined(step for _, times in drew for step in times.spread)
    return Timed(
        found=drew[0][0],
        count=sum(times.count for _, times in drew),
        median=median(spread),
        spread=spread,
        parts=[(reply_look(found), times.spread) for found, times in drew],
    )


def reply_look(found: Finding) -> Look:
    """How the replies of a finding are shown."""
    shown = look(found)
    return shown if shown in (VERDICT_LOOKS["leaked"], VERDICT_LOOKS["allowed"]) else OUTCOME_LOOKS["replied"]


def _joined(steps: Iterable[Step]) -> list[Step]:
    counts: dict[float, int] = {}
    for step in steps:
        counts[step.us] = counts.get(step.us, 0) + step.count
    return [Step(us=us, count=count) for us, count in sorted(counts.items())]


def is_slow(zone: str, interfaces: Iterable[str]) -> bool:
    """Whether no reply can come over the links of a zone within a millisecond, as far as their names tell."""
    return zone == "internet" or any(name.startswith("ppp") for name in interfaces)


def soon(row: Timed) -> int:
    """How many replies left sooner than a slow link would let them."""
    return sum(step.count for step in row.spread if step.us < SOON)
