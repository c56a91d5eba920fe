"""What the findings of a mode prove together.

Each is one sentence, and said only where it holds: that a mode did as much as no firewall would, whether it makes a
difference between networks, and that nothing shows the firewall to be on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capanalyze.model import Finding, ModeInfo

MOST_NAMED = 4
BY_A_FILTER = ("filter", "prohibited")  # words in the reason of a rejection that no closed port gives
AS_IF_OFF = "as if the firewall were off"


def conclude(findings: Sequence[Finding], modes: Sequence[ModeInfo], host: str | None = None) -> None:
    """Tell each mode what its findings on one host prove together; `host` is its name where there are several."""
    for mode in modes:
        here = [found for found in findings if found.mode == mode.name]
        said = [*_as_if_off(here, findings), *_between_networks(here), *_not_shown(here, mode)]
        mode.conclusions = [*mode.conclusions, *(one if host is None else f"{host}: {one}" for one in said)]


def shows_filter(found: Finding) -> bool:
    """Whether it shows that something filtered: a silence with a control, or a rejection that only a filter makes."""
    if found.verdict == "blocked" or any(counts.verdict == "blocked" for counts in found.families.values()):
        return True
    if _is_silent_at_times(found):
        return True
    return bool(found.rejected) and any(word in reason for reason in found.reasons for word in BY_A_FILTER)


def _is_silent_at_times(found: Finding) -> bool:
    """Whether a service answered some requests and others not, and a module knows that they had to draw a reply."""
    return bool(found.replied and found.silent) and found.promise == "block" and "/" not in found.service


def _as_if_off(here: Sequence[Finding], findings: Sequence[Finding]) -> Iterator[str]:
    """Whether every service that could answer did, whatever the mode promised."""
    forbidden = [found for found in here if found.promise == "block" and found.provable]
    leaked = {found.service for found in forbidden if found.verdict == "leaked"}
    anyway = _silent_anyway(findings)
    if not leaked or any(shows_filter(found) and (found.zone, found.service) not in anyway for found in here):
        return
    quiet = {(found.zone, found.service) for found in forbidden if found.verdict == "silent"}
    if quiet - anyway:
        return
    number = len(leaked)
    services = (
        "the one service that could answer did" if number == 1 else f"all {number} services that could answer did"
    )
    yield f"{AS_IF_OFF}: {services}; a capture that was taken under another mode would look the same"


def _silent_anyway(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    """Zone and service of what was silent too, at times at least, where a mode promised to let it answer."""
    return {(found.zone, found.service) for found in findings if found.promise == "allow" and found.silent}


def _between_networks(here: Sequence[Finding]) -> Iterator[str]:
    """Whether services that were asked from several networks did the same in each."""
    verdicts: dict[str, dict[str, str]] = {}
    for found in here:
        if found.promise == "block" and found.provable and found.verdict is not None:
            verdicts.setdefault(found.service, {})[found.zone] = found.verdict
    compared = {service: by_zone for service, by_zone in verdicts.items() if len(by_zone) > 1}
    if not compared:
        return
    differing = [service for service, by_zone in compared.items() if len(set(by_zone.values())) > 1]
    number = "the one service" if len(compared) == 1 else f"{len(compared)} services"
    if not differing:
        yield f"makes no difference between networks: {number} asked from several did the same in each"
    else:
        more = f" and {len(differing) - MOST_NAMED} more" if len(differing) > MOST_NAMED else ""
        yield f"makes a difference between networks: for {', '.join(differing[:MOST_NAMED])}{more}"


def _not_shown(here: Sequence[Finding], mode: ModeInfo) -> Iterator[str]:
    """Whether nothing in the captures shows that the firewall was on.

    A closed TCP port resets (RFC 9293, section 3.10.7.1): one that is silent is filtered.
    """
    filtered = any(shows_filter(found) or (found.transport == "tcp" and found.silent) for found in here)
    if mode.promise == "block" and any(found.provable for found in here) and not filtered:
        yield "nothing in the captures shows that the firewall was on"
