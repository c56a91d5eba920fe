"""Messages on their way into the pairing: whose they are, when they came, and in what order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capanalyze.capture.records import NO_TIME
from capanalyze.packets.message import KIND, ROLES
from capanalyze.protocols import PROTOCOLS
from capanalyze.protocols._protocol import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capanalyze.packets.messages import Message, Part
    from capanalyze.protocols._protocol import Protocol

QUOTED = 65536  # a role from here on is that of a datagram quoted by an ICMP error

Host = tuple[int, ...]  # two words of a row
Endpoint = tuple[int, int, int]  # host and port
Place = tuple[str, str]  # capture, interface


@dataclass(slots=True)
class Sighting:
    """One message as it arrives: the row, its keys, where and when. `clock` never runs back, `time` may."""

    message: Message
    keys: Sequence[int]
    capture: str
    interface: str
    time: int | None
    clock: int

    @property
    def role(self) -> int:
        """REQUEST, REPLY, …, without flags and kind."""
        return self.message.role % ROLES

    @property
    def protocol(self) -> Protocol:
        """The module whose message it is."""
        return PROTOCOLS[self.message.module]

    @property
    def kind(self) -> int:
        """What kind of message the module calls it."""
        return self.message.role % QUOTED // KIND

    @property
    def service(self) -> int:
        """The service that it is of: a module may serve several, told apart by the kind of message."""
        apart = (index for index, one in enumerate(PROTOCOLS) if self.kind in one.apart)
        return next((index for index in apart if PROTOCOLS[index].ports == self.protocol.ports), self.message.module)

    @property
    def source(self) -> Endpoint:
        """Who sent it."""
        return self.message.src, self.message.src_low, self.message.sport

    @property
    def destination(self) -> Endpoint:
        """Whom it was sent to."""
        return self.message.dst, self.message.dst_low, self.message.dport


@dataclass(frozen=True)
class Source:
    """The messages of one capture, and what its interfaces are called."""

    name: str
    part: Part
    labels: dict[int, str]


class Clock:
    """Time that never runs back, per interface: small jitter is absorbed, a step back moves the origin."""

    STEP = SECOND // 2

    def __init__(self) -> None:
        self._now: dict[Place, int] = {}
        self._shift: dict[Place, int] = {}

    def read(self, place: Place, time: int | None) -> int:
        """The clock at a frame of this interface with this time stamp, nanoseconds; None has no time of its own."""
        now = self._now.get(place)
        if time is None:
            return now or 0
        if now is None:
            self._now[place] = time
            return time
        time += self._shift.get(place, 0)
        if time < now - self.STEP:
            self._shift[place] = self._shift.get(place, 0) + now - time
        elif time > now:
            now = time
        self._now[place] = now
        return now


def collect(sources: Sequence[Source], since: int | None = None, until: int | None = None) -> list[Sighting]:
    """All messages from `since` to before `until`, in the order in which the pairing wants them.

    File order decides within an interface; across interfaces (and captures) their clocks do.
    """
    clock = Clock()
    found: list[Sighting] = []
    for capture in sources:
        for message in capture.part.messages():
            label = capture.labels[message.interface]
            time = None if message.seconds >= NO_TIME else message.seconds * SECOND + message.nanos
            if not _within(time, since, until):
                continue
            now = clock.read((capture.name, label), time)
            found.append(Sighting(message, capture.part.keys_of(message), capture.name, label, time, now))
    found.sort(key=lambda seen: seen.clock)
    return found


def _within(time: int | None, since: int | None, until: int | None) -> bool:
    """Whether a time lies in the span; a frame without a time only in an open one."""
    if time is None:
        return since is None and until is None
    return (since is None or time >= since) and (until is None or time < until)
