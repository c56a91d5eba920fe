"""The rules of pairing once more, in plain Python over dpkt: what to read first, and the second opinion.

`frames` reads a frame, `keys` says what a message is, `pairing` which request it belongs to. Nothing here is compiled
or shared with the core but the facts of protocols (ports, windows). It never decides: it confirms.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from capanalyze.capture.records import NO_TIME
from capanalyze.protocols._protocol import SECOND
from capanalyze.reference.frames import Frame, UnreadError, read
from capanalyze.reference.pairing import Exchange, Pairing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from capanalyze.reading import Reading
    from capanalyze.reference.frames import Datagram

__all__ = ["Exchange", "Frame", "Paired", "frames_of", "pair"]

STEP = SECOND // 2  # how far a clock may run back before it counts as set
CHUNK = 65536  # frames that are held at a time


@dataclass(frozen=True)
class Paired:
    """The exchanges of some frames, and the frames that were not read, each with the reason."""

    exchanges: list[Exchange]
    unread: dict[tuple[str, int], str]


def pair(frames: Iterable[Frame]) -> Paired:
    """Pair frames, given in the order of their captures."""
    clock, seen, unread = Clock(), [], {}
    for frame in frames:
        try:
            datagram = read(frame)
        except UnreadError as error:
            unread[frame.key] = str(error)
            continue
        datagram.clock = clock.at(datagram)
        seen.append(datagram)
    pairing = Pairing()
    for datagram in sorted(seen, key=lambda one: one.clock):
        pairing.feed(datagram)
    pairing.settle(pairing.open)
    return Paired(sorted(pairing.done, key=lambda one: one.requests[:1] or one.replies[:1]), unread)


class Clock:
    """Time that never runs back, for each interface: jitter is absorbed, where a clock was set it goes on."""

    def __init__(self) -> None:
        self.now: dict[str, int] = {}
        self.shift: dict[str, int] = {}

    def at(self, seen: Datagram) -> int:
        """The clock at a datagram, nanoseconds; one without a time comes with the one before."""
        place, time = seen.place, seen.frame.time
        now = self.now.get(place, time or 0)
        if time is None:
            return now
        time += self.shift.get(place, 0)
        if time < now - STEP:
            self.shift[place] = self.shift.get(place, 0) + now - time
        self.now[place] = max(now, time)
        return self.now[place]


def frames_of(reading: Reading) -> Iterator[Frame]:
    """All frames of a capture that was read to its end."""
    from capanalyze.again import read_again

    capture, labels = reading.capture, reading.labels()
    for start in count(1, CHUNK):
        _, found = read_again(capture, reading.gear, (), range(start, start + CHUNK))
        if not found:
            break
        for number, frame in sorted(found.items()):
            if frame.interface in labels:
                time = frame.seconds * SECOND + frame.nanos if frame.seconds < NO_TIME else None
                link_type = capture.interfaces[frame.interface].link_type
                yield Frame((reading.file.name, number), time, labels[frame.interface], link_type, frame.octets)
