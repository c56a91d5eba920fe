"""The rules of pairing once more, in plain Python over dpkt: what to read first, and the second opinion.

`pairing` has the rules: which request a datagram belongs to, and what comes of it. `reading` is what they stand on: a
frame read by dpkt, and what each service's message says. Nothing here is compiled or shared with the core but the facts
of protocols (ports, windows). It never decides: it confirms.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from capanalyze.capture.records import NO_TIME
from capanalyze.protocols._protocol import SECOND
from capanalyze.reference.pairing import Exchange, Pairing
from capanalyze.reference.reading.frames import Frame, UnreadError, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capanalyze.again import Frame as Captured
    from capanalyze.reading import Reading
    from capanalyze.reference.reading.frames import Datagram, Key

__all__ = [
    "Claim",
    "Confirmation",
    "Exchange",
    "Frame",
    "Paired",
    "compare",
    "confirm",
    "frame_of",
    "frames_of",
    "pair",
]

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


def frame_of(reading: Reading, frame: Captured) -> Frame:
    """A frame of a capture as the reference takes it."""
    time = frame.seconds * SECOND + frame.nanos if frame.seconds < NO_TIME else None
    label = reading.label(frame.interface, len(reading.capture.interfaces), len(reading.capture.named))
    link_type = reading.capture.interfaces[frame.interface].link_type
    return Frame((reading.file.name, frame.number), time, label, link_type, frame.octets)


def frames_of(reading: Reading) -> Iterator[Frame]:
    """All frames of a capture that was read to its end, by the interfaces that are asked for."""
    from capanalyze.again import read_again

    for start in count(1, CHUNK):
        _, found = read_again(reading.capture, (), range(start, start + CHUNK))
        if not found:
            break
        for _, frame in sorted(found.items()):
            if frame.interface >= 0 and frame.interface in (reading.file.interfaces or (frame.interface,)):
                yield frame_of(reading, frame)


class Claim(NamedTuple):
    """An exchange that a report shows; service and outcome are None where these are not told of it alone."""

    capture: str
    service: str | None
    client: str
    server: str
    requests: list[int]
    replies: list[int]
    reply_capture: str | None
    outcome: str | None

    def keys(self) -> tuple[list[Key], list[Key]]:
        """Its frames."""
        return [(self.capture, one) for one in self.requests], [
            (self.reply_capture or self.capture, one) for one in self.replies
        ]


class Confirmation(NamedTuple):
    """How many exchanges the reference finds too, of how many that it reads; the others, and frames not read."""

    confirmed: int
    of: int
    differences: list[str]
    unread: int


def confirm(frames: Sequence[Frame], claims: Sequence[Claim]) -> Confirmation:
    """Pair the frames of these exchanges alone; an exchange whose frames are not all at hand is left out."""
    at_hand = {frame.key for frame in frames}
    groups: dict[frozenset[str], list[Claim]] = {}
    for claim in claims:
        if at_hand.issuperset(claim.keys()[0] + claim.keys()[1]):
            groups.setdefault(frozenset({claim.capture, claim.reply_capture or claim.capture}), []).append(claim)
    said = []
    for group in groups.values():
        wanted = {key for claim in group for key in claim.keys()[0] + claim.keys()[1]}
        said.append(compare([frame for frame in frames if frame.key in wanted], group))
    return joined(said)


def joined(said: Sequence[Confirmation]) -> Confirmation:
    """Several confirmations as one."""
    return Confirmation(
        sum(one.confirmed for one in said),
        sum(one.of for one in said),
        [words for one in said for words in one.differences],
        sum(one.unread for one in said),
    )


def compare(frames: Iterable[Frame], claims: Sequence[Claim]) -> Confirmation:
    """Pair frames, and look for these exchanges among the result; one with a frame that is not read is left out."""
    paired = pair(frames)
    by_frame: dict[Key, list[Exchange]] = {}
    for one in paired.exchanges:
        for key in one.requests + one.replies:
            by_frame.setdefault(key, []).append(one)
    claimed = {key for claim in claims for key in claim.keys()[0] + claim.keys()[1]}
    read = [claim for claim in claims if paired.unread.keys().isdisjoint(claim.keys()[0] + claim.keys()[1])]
    differences = []
    for claim in read:
        found = [one for key in claim.keys()[0] + claim.keys()[1] for one in by_frame.get(key, ())]
        if not any(is_same(one, claim) for one in found):
            others = ", ".join(dict.fromkeys(map(words, found))) or "nothing"
            differences.append(f"{claim.capture}: {words(claim)}; dpkt reference: {others}")
    confirmed = len(read) - len(differences)
    unclaimed = [one for one in paired.exchanges if claimed.isdisjoint(one.requests + one.replies)]
    differences += [f"{(one.requests + one.replies)[0][0]}: dpkt reference alone: {words(one)}" for one in unclaimed]
    return Confirmation(confirmed, len(read), differences, len(claimed & paired.unread.keys()))


def is_same(one: Exchange, claim: Claim) -> bool:
    """Whether both say the same."""
    is_named = claim.service in (None, one.service) and claim.outcome in (None, one.outcome)
    return is_named and ((one.requests, one.replies), str(one.client), str(one.server)) == (claim.keys(), *claim[2:4])


def words(one: Exchange | Claim) -> str:
    """An exchange in short: service, frames of requests and replies, outcome."""
    frames = [[key if isinstance(key, int) else key[1] for key in keys] for keys in (one.requests, one.replies)]
    asked, back = (",".join(map(str, numbers)) or "-" for numbers in frames)
    return f"{one.service or 'exchange'} {asked} > {back}{f' ({one.outcome})' if one.outcome else ''}"
