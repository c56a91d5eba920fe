"""Findings: the order they come in, and what they say in words and values, whatever their exchanges were summed up in.

A finding takes the verdict of its worst outcome. Counts leave out what could not have been answered.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.exchanges.batch import host_text, reply_to, time_ns
from capanalyze.exchanges.row import (
    CLIENT,
    CLIENT_LOW,
    NANOS,
    NARROW,
    REQUEST,
    SECONDS,
    SERVER,
    SERVER_LOW,
    WANTED,
    WANTED_LOW,
    WIDE,
)
from capanalyze.model import VERDICTS, Announcement, Control, Counts, Evidence, Finding, Reach, Zone
from capanalyze.verdicts import verdict_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capanalyze.audit import Mode
    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.exchanges.pair import Payload
    from capanalyze.model import Outcome

WORST: tuple[Outcome, ...] = ("replied", "rejected", "silent", "indeterminate")


def utc(time: int | None) -> str | None:
    """A time as ISO 8601 in UTC, microseconds (nanoseconds where there are any); None outside years 1 to 9999."""
    if time is None:
        return None
    seconds, nanos = divmod(time, 1_000_000_000)
    second = _utc_second(seconds)
    if second is None:
        return None
    return f"{second}.{nanos // 1000:06}Z" if nanos % 1000 == 0 else f"{second}.{nanos:09}Z"


@lru_cache(1024)
def _utc_second(seconds: int) -> str | None:
    """A time as `utc` has it, to the second."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def evidence_at(batch: Batch, number: int, names: Names) -> Evidence:
    """Where row `number` of a batch can be looked up."""
    w, n = number * WIDE, number * NARROW
    wide = batch.wide
    capture, requests, reply_capture, replies = batch.places(number)
    return Evidence(
        capture=names.captures[capture],
        requests=requests,
        replies=replies,
        time=utc(time_ns(wide[w + SECONDS], batch.narrow[n + NANOS])),
        client=host_text(wide[w + CLIENT], wide[w + CLIENT_LOW]),
        server=host_text(wide[w + SERVER], wide[w + SERVER_LOW]),
        reply_capture=names.captures[reply_capture] if reply_capture != capture else None,
        asked=asked_at(wide, w),
        reply_to=reply_to(wide[w : w + WIDE], batch.narrow[number * NARROW : (number + 1) * NARROW]),
    )


def asked_at(wide: Sequence[int], row: int) -> str | None:
    """The address that was asked in the exchange whose words begin at `row`, where another one answered."""
    words = wide[row + WANTED], wide[row + WANTED_LOW]
    if not wide[row + REQUEST] or words == (wide[row + SERVER], wide[row + SERVER_LOW]):
        return None
    return host_text(*words)


class Unasked(NamedTuple):
    """An announcement without its disclosures, and where those come from."""

    announcement: Announcement
    payloads: list[Payload]


class Summed(NamedTuple):
    """A finding without its disclosures, where those come from, and the captures that it is about.

    `counted` are all exchanges that its counts rest on, while they are few and where it breaks a promise.
    """

    finding: Finding
    payloads: list[Payload]
    captures: set[str]
    counted: list[Evidence]


def in_order(findings: list[Summed], modes: Sequence[Mode]) -> list[Summed]:
    """By mode as defined, zone, then worst verdict first."""
    order: dict[str | None, int] = {mode.name: index for index, mode in enumerate(modes)}

    def place(one: Summed) -> tuple[int, str, int, str]:
        found = one.finding
        rank = VERDICTS.index(found.verdict) if found.verdict else WORST.index(found.outcome)
        return order.get(found.mode, len(order)), found.zone, rank, found.service

    return sorted(findings, key=place)


def id_of(found: Finding) -> str:
    """What names a finding in all reports of the same captures: MODE/ZONE/SERVICE, behind HOST of several hosts."""
    host = "" if found.host is None else f"{found.host}/"
    return f"{host}{found.mode or '-'}/{found.zone}/{found.service}"


def reached(counts: Sequence[int]) -> Reach:
    """Counts in the order of `core.reach_of`."""
    on_link, near, private, public = counts
    return Reach(on_link=on_link, near=near, private=private, public=public)


def over_family(counts: Sequence[int], mode: Mode | None, service: str, control: Control | None) -> Counts:
    """Counts by outcome in the order of WORST, then of what is unproven; `control` is that of what stayed silent."""
    replied, rejected, silent, indeterminate, unproven = counts
    outcome: Outcome = next((outcome for outcome, count in zip(WORST, counts, strict=False) if count), "silent")
    proves_nothing = unproven == sum(counts)
    verdict = (
        verdict_of(outcome, mode, service, unproven=proves_nothing, controlled=control is not None) if mode else None
    )
    return Counts(
        exchanges=sum(counts),
        replied=replied,
        rejected=rejected,
        silent=silent,
        indeterminate=indeterminate,
        unproven=unproven,
        provable=replied + rejected + silent,
        verdict=verdict,
        control=control if verdict == "blocked" else None,
    )


def zones_in_order(met: dict[str, set[str]]) -> list[Zone]:
    """Zones, the internet first."""
    order = sorted(met, key=lambda name: ({"internet": 0}.get(name, 1), name))
    return [Zone(name=name, interfaces=sorted(met[name])) for name in order]
