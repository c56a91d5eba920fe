"""What a reader of bare rows should know of the captures that they are from; a report shows it with its account."""

from collections.abc import Iterable, Iterator, Mapping

from capanalyze.model import Input, Target
from capanalyze.packets.steps import (
    LATER_FRAGMENT,
    LEFT_OUT,
    MESSAGE,
    NOT_A_PACKET,
    NOT_IP,
    OTHER_ICMP,
    REASONS,
    SEGMENT,
)
from capanalyze.report.words import counted, counts, dropped, how_found, listing

# Frames that were read, or that no exchange can be in: they hide nothing.
UNDERSTOOD = frozenset(
    REASONS[reason] for reason in (MESSAGE, SEGMENT, NOT_IP, OTHER_ICMP, LATER_FRAGMENT, NOT_A_PACKET, LEFT_OUT)
)


def notes_on_captures(inputs: Iterable[Input]) -> Iterator[str]:
    """Where captures were cut or damaged, and how many frames nobody read, a line each; none of what is whole."""
    for one in inputs:
        for note in _notes(one):
            yield f"{one.name}: {note}"


def _notes(one: Input) -> Iterator[str]:
    yield from one.notes
    if kinds := unread(one.account):
        yield f"{counted(sum(kinds.values()), 'frame')} could not be read: {counts(kinds)}"
    if lost := dropped([one]):
        yield f"dropped: {lost}"


def unread(account: Mapping[str, int]) -> dict[str, int]:
    """The frames of an account that may hold exchanges which nobody saw, by kind."""
    return {kind: count for kind, count in account.items() if kind not in UNDERSTOOD}


def notes_on_target(target: Target, undecided: str) -> Iterator[str]:
    """What to know of the target, on which the directions and verdicts of rows depend, a line each.

    Args:
        target: as it was found.
        undecided: why it could not be told; empty where it could.
    """
    addresses = listing(target.addresses, len(target.addresses))
    if target.assumed:
        yield f"the target is {addresses} ({how_found(target)})"
    if undecided:
        yield f"no row has a direction or a verdict: {undecided}"
    for warning in target.warnings:
        yield f"warning: {warning}"
