"""Outcomes and promises: which verdict follows from both, and what of a capture counts for it.

`judging` applies the tables below, row by row; the README tells what each verdict means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capanalyze.audit import Segment
from capanalyze.protocols import PROTOCOLS

if TYPE_CHECKING:
    from capanalyze.audit import Audit, Mode
    from capanalyze.model import Outcome, Promise, Verdict

# outcome and promise → verdict; silence that a control shows to be the filter's work is `blocked`
BLOCK: dict[Outcome, Verdict] = {"replied": "leaked", "rejected": "refused", "silent": "silent"}
STEALTH: dict[Outcome, Verdict] = {"replied": "leaked", "rejected": "visible", "silent": "silent"}
ALLOW: dict[Outcome, Verdict] = {"replied": "allowed", "rejected": "refused", "silent": "silent"}
ALLOW_STEALTH: dict[Outcome, Verdict] = {"replied": "allowed", "rejected": "visible", "silent": "silent"}

PORTS = {protocol.name: protocol.ports for protocol in PROTOCOLS if protocol.ports}
PLACES = {protocol.name: {f"{protocol.transport}/{port}" for port in protocol.ports} for protocol in PROTOCOLS}
CALLED = {protocol.name: protocol.called for protocol in PROTOCOLS if protocol.called}
MAX_GAP = 60_000_000_000  # nanoseconds without a frame, between captures that still ran together


@dataclass(frozen=True)
class CaptureFacts:
    """What judging needs to know of a capture.

    `first` and `last` are those of its frames by a clock that does not run back, nanoseconds; `cut`: replies
    may be hidden by the snap length; `one_sided`: it holds what rules logged, not all that passed.
    """

    first: int | None
    last: int | None
    cut: bool = False
    one_sided: bool = False


def span(mode: str | None, facts: dict[str, CaptureFacts], audit: Audit) -> tuple[list[tuple[int, int]], bool]:
    """When a mode's captures ran, joined where one follows the other, and whether one of them is cut.

    `facts` has those of each capture that was read.
    """
    found: list[tuple[int, int]] = []
    cut = False
    for file in audit.captures:
        one = facts.get(file.name)
        if one is None or one.first is None or one.last is None or mode not in file.modes:
            continue
        cut = cut or one.cut
        for segment in [segment for segment in file.segments if segment.mode == mode] or [Segment("")]:
            since = one.first if segment.since is None else segment.since
            until = one.last if segment.until is None else segment.until
            found.append((max(since, one.first), min(until, one.last)))
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1] + MAX_GAP:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined, cut


def allows(mode: Mode, service: str) -> bool:
    """Whether a mode lets this service answer: its name, its port, or another service on that port is allowed."""
    if mode.promise == "allow" or service in mode.allow or CALLED.get(service) in mode.allow:
        return True
    named = {place for name in mode.allow for place in PLACES.get(name, ())}
    return not named.union(mode.allow).isdisjoint(PLACES.get(service, ()))


def promise_of(mode: Mode, service: str) -> Promise:
    """What a mode promises of a service. Only stealth speaks of ICMP."""
    if service == "icmp" and mode.stealth and service not in mode.allow:
        return "block"
    if service == "icmp":
        return "allow"
    return "allow" if allows(mode, service) else "block"


def verdict_of(
    outcome: Outcome, mode: Mode, service: str, *, unproven: bool = False, controlled: bool = False
) -> Verdict:
    """What the promise of a mode makes of an outcome.

    `unproven`: the silence proves nothing. `controlled`: something shows that the service listened.
    """
    if unproven:
        return "unproven"
    if controlled and outcome == "silent" and promise_of(mode, service) == "block":
        return "blocked"
    if promise_of(mode, service) == "allow":
        table = ALLOW_STEALTH if mode.stealth else ALLOW
    else:
        table = STEALTH if mode.stealth else BLOCK
    return table.get(outcome, "indeterminate")
