"""What exchanges of all services share: who asks, who is answered, how often and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tests.bench.frames import Group

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from tests.bench.dice import Dice, Numbers
    from tests.bench.frames import Layout

UNANSWERED, RESENT, TWICE, ORPHAN = 0.10, 0.01, 0.01, 0.001
FRAMES = (1 - ORPHAN) * (1 + RESENT) + (1 - UNANSWERED) * (1 + TWICE)  # of an exchange, on the average
# Microseconds. A second reply stays a millisecond behind the first: what is nearer is a copy.
PATIENCE, TURNAROUND, AGAIN = (200_000, 900_000), (50, 20_000), (1_100, 20_000)


@dataclass(frozen=True)
class Events:
    """Messages: the place of each one's exchange in the batch, and its time."""

    of: Numbers
    times: Numbers

    def only(self, chosen: NDArray[np.bool_]) -> Events:
        """Some of them."""
        return Events(self.of[chosen], self.times[chosen])


@dataclass(frozen=True)
class Exchanges:
    """A batch of exchanges of one service, an element of each column for each exchange."""

    numbers: Numbers
    client: Numbers
    port: Numbers
    requests: Events
    replies: Events

    def asking(self, dice: Dice, layout: Layout, events: Events, which: Numbers | None, **values: Any) -> Group:
        """The requests among events as frames of this layout; every value has an element for each exchange."""
        of = events.of
        fields = {name: value[of] for name, value in values.items()}
        fields |= {"source": self.client[of], "sport": self.port[of], "ident": dice.below(65536, len(of))}
        rows = layout.frames(len(of), None if which is None else which[of], **fields)
        return Group(events.times, rows, self.numbers[of])

    def answering(self, dice: Dice, layout: Layout, events: Events, which: Numbers | None, **values: Any) -> Group:
        """The replies among events, as `asking` does."""
        of = events.of
        fields = {name: value[of] for name, value in values.items()}
        fields |= {"destination": self.client[of], "dport": self.port[of], "ident": dice.below(65536, len(of))}
        rows = layout.frames(len(of), None if which is None else which[of], **fields)
        return Group(events.times, rows, self.numbers[of], reply=True)


def begin(dice: Dice, service: str, times: Numbers, numbers: Numbers, client: Numbers, port: Numbers) -> Exchanges:
    """Exchanges that begin at these times: a few are not answered, sent again, answered twice, or lack the request."""
    count = len(times)
    orphan = dice.chance(ORPHAN, count)
    resent = dice.chance(RESENT, count) & ~orphan
    answered = ~dice.chance(UNANSWERED, count) | orphan
    twice = dice.chance(TWICE, count) & answered
    again = times + resent * dice.between(*PATIENCE, count)
    first = again + dice.between(*TURNAROUND, count)
    second = first + dice.between(*AGAIN, count)
    every = np.arange(count, dtype=np.int64)
    requests = Events(np.concatenate((every[~orphan], every[resent])), np.concatenate((times[~orphan], again[resent])))
    replies = Events(np.concatenate((every[answered], every[twice])), np.concatenate((first[answered], second[twice])))
    dice.tell(service, client, port)
    told = dice.told
    told.answered += int(np.count_nonzero(answered & ~orphan))
    told.unanswered += int(np.count_nonzero(~answered))
    told.orphans += int(np.count_nonzero(orphan))
    told.resent += int(np.count_nonzero(resent))
    told.twice += int(np.count_nonzero(twice))
    return Exchanges(numbers, client, port, requests, replies)
