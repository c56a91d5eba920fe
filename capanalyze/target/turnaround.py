"""Turnaround: a host answers itself in microseconds, and the other end takes a round trip.

Where a SYN/ACK follows its SYN at once and the ACK takes long, the server is here; where it is the other way round,
the client is.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from capanalyze.exchanges.batch import host_text, words_of
from capanalyze.target.ground import Ground, first_frames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capanalyze.target.hints import Told, Words

TIMES = 8  # as long, at least
CLIENT, SERVER = (0, 1), (2, 3)
PLACE, TO_ANSWER, TO_ACKNOWLEDGMENT = 4, 5, 6


def grounds(told: Told) -> Iterator[Ground]:
    """What speaks for servers that answer at once, and for clients that acknowledge at once."""
    for end in (SERVER, CLIENT):
        for words, place in [(words, place) for words, places in told.in_handshakes(end).items() for place in places]:
            answer, acknowledgment = _medians(told, end, words, place)
            if end == SERVER and TIMES * answer < acknowledgment:
                said = f"SYN/ACKs leave after {_time(answer)}, their ACKs come after {_time(acknowledgment)}"
                yield _ground(told, end, words, place, said)
            elif end == CLIENT and answer > TIMES * acknowledgment:
                said = f"SYN/ACKs come after {_time(answer)}, their ACKs leave after {_time(acknowledgment)}"
                yield _ground(told, end, words, place, said)


def against(told: Told, address: str) -> Ground | None:
    """What speaks against a server whose answers take a round trip, or a client whose acknowledgments do."""
    if not len(told.handshakes):
        return None
    words = words_of(address)
    for end in (SERVER, CLIENT):
        for place in told.in_handshakes(end).get(words, ()):
            answer, acknowledgment = _medians(told, end, words, place)
            slow, fast = (answer, acknowledgment) if end == SERVER else (acknowledgment, answer)
            if slow > TIMES * fast:
                said = f"what it sends in handshakes takes {_time(slow)}, what the other end sends {_time(fast)}"
                return _ground(told, end, words, place, said)
    return None


def _medians(told: Told, end: tuple[int, int], words: Words, place: int) -> tuple[float, float]:
    """Nanoseconds to the answer, and from there to its acknowledgment."""
    here = told.handshakes.where((*end, PLACE), [(*words, place)])
    rows = [row for row in here for _ in range(row[-1])]
    return median(row[TO_ANSWER] for row in rows), median(row[TO_ACKNOWLEDGMENT] for row in rows)


def _ground(told: Told, end: tuple[int, int], words: Words, place: int, said: str) -> Ground:
    here = told.handshakes.where((*end, PLACE), [(*words, place)])
    return Ground("turnaround", said, frozenset({host_text(*words)}), first_frames(here), told.label(place))


def _time(nanoseconds: float) -> str:
    """A time in a unit that suits it."""
    micros = nanoseconds / 1000
    return f"{micros:.0f} µs" if micros < 1000 else f"{micros / 1000:.1f} ms"
