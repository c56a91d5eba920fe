"""What a reader of bare rows should know of the captures that they are from; a report shows it with its account."""

from collections.abc import Iterable, Iterator

from capanalyze.model import Input, Target
from capanalyze.report.words import counted, counts, dropped, how_found, listing


def notes_on_captures(inputs: Iterable[Input], left_out: Iterable[str]) -> Iterator[str]:
    """Where captures were cut or damaged, and how many frames nobody read, a line each; none of what is whole.

    Args:
        inputs: the captures that were read.
        left_out: why others could not be.
    """
    for reason in left_out:
        yield f"left out: {reason}"
    for one in inputs:
        for note in _notes(one):
            yield f"{one.name}: {note}"


def _notes(one: Input) -> Iterator[str]:
    yield from one.notes
    if one.unread:
        yield f"{counted(sum(one.unread.values()), 'frame')} could not be read: {counts(one.unread)}"
    if lost := dropped([one]):
        yield f"dropped: {lost}"


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
