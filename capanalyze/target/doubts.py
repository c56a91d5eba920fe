"""What speaks against a target, or was left out with it: warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capanalyze.exchanges.batch import words_of
from capanalyze.target.hints import hops_behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capanalyze.model import Certainty
    from capanalyze.target.contacts import Contacts
    from capanalyze.target.hints import Told

MAX_NAMED = 6
SAY_SO = "if that is the target, say so with --target"
MIN_TIMES = 5  # round-trip times of either way, before they are compared
FAST = 2000.0  # microseconds in which a host answers


def warnings_on(addresses: Sequence[str], certainty: Certainty, contacts: Contacts, told: Told) -> list[str]:
    """What a reader should doubt where these are the target's addresses."""
    strangers = contacts.strangers(addresses)
    warnings = [*_from_elsewhere(addresses, told), *_slow(addresses, contacts), *not_judged(strangers, told, "too")]
    if certainty == "assumed" and not strangers and (asked := contacts.asked_beside(addresses)):
        warnings.append(f"not judged: {named(sorted(asked))} was asked too; {SAY_SO}")
    return warnings


def not_judged(strangers: set[str], told: Told, when: str) -> Iterator[str]:
    """Hosts that answered beside the target; not those that the packet directions show to be others."""
    if hosts := sorted(one for one in strangers if not told.is_far(one)):
        yield f"not judged: {named(hosts)} answered {when}; {SAY_SO}"


def named(addresses: Sequence[str]) -> str:
    """Some addresses, the first of them where they are many."""
    more = f" and {len(addresses) - MAX_NAMED} more" if len(addresses) > MAX_NAMED else ""
    return ", ".join(addresses[:MAX_NAMED]) + more


def _from_elsewhere(addresses: Sequence[str], told: Told) -> Iterator[str]:
    """Addresses that the capture's own directions contradict, or whose frames arrive as if from hops away."""
    for one in addresses:
        if told.is_far(one):
            yield f"{one} is no address of the host that captured this, as the packet directions show"
            continue
        ttls = told.hops_of.get(words_of(one), {})
        if ttls and all(hops_behind(ttl) and ttl > 1 for ttl in ttls):
            yield (
                f"frames from {one} arrive with TTL {max(ttls, key=lambda ttl: ttls[ttl])}, as if hops away: "
                "the capture looks taken elsewhere, and a reply that it lacks may still have left the target"
            )


def _slow(addresses: Sequence[str], contacts: Contacts) -> Iterator[str]:
    """Answers of the target that take longer than those that it gets."""
    outbound, inbound = contacts.times(clients=addresses), contacts.times(servers=addresses)
    if min(len(inbound), len(outbound)) < MIN_TIMES:
        return
    from statistics import median

    if median(inbound) > FAST and median(inbound) > 4 * median(outbound):
        yield (
            f"the target's answers took {median(inbound) / 1000:.1f} ms, those to its own requests "
            f"{median(outbound) / 1000:.1f} ms: the capture looks taken near the peers"
        )
