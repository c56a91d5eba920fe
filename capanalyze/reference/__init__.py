"""The rules of pairing once more, in plain Python over dpkt: what to read first.

`pairing` has the rules: which request a message belongs to, and what comes of it. They stand on `frames`, which reads a
frame, and on `keys`: what each service's message says. Nothing here is compiled or shared with the core but the facts
of protocols (ports, windows). It never decides: `opinion` asks it to confirm. What is rare or long-winded it does not
read, and says so: tunnels, fragments, DNS over TCP, some link types, and services that `keys` does not know.
"""

from collections.abc import Iterable
from typing import NamedTuple

from capanalyze.reference.frames import Frame, Key, Message, UnreadError, read
from capanalyze.reference.keys import tell
from capanalyze.reference.pairing import Exchange, Pairing

__all__ = ["Exchange", "Frame", "Key", "Paired", "pair"]

JITTER, DNS = 500_000_000, 53  # nanoseconds, a port


class Paired(NamedTuple):
    """The exchanges of some frames, and the frames that were not read, each with the reason."""

    exchanges: list[Exchange]
    unread: dict[Key, str]


def pair(frames: Iterable[Frame]) -> Paired:
    """Pair frames, in the order of their captures. On each interface, time never runs back: jitter is absorbed."""
    clocks, messages, unread = dict[str, tuple[int, int]](), list[Message](), dict[Key, str]()
    for frame in frames:
        try:
            tell(message := read(frame))
        except Exception as error:  # noqa: BLE001 - dpkt raises what comes
            unread[frame.key] = str(error) if isinstance(error, UnreadError) else type(error).__name__
            continue
        now, shift = clocks.get(message.interface, (0, 0))
        time = now if frame.time is None else frame.time + shift
        if time < now - JITTER:  # it was set back
            shift += now - time
        message.clock, _ = clocks[message.interface] = max(now, time), shift
        if message.transport == "tcp" and message.size > 0 and DNS in {end.port for end in message.ends}:
            unread[frame.key] = "DNS over TCP"  # a segment of its connection all the same
        messages.append(message)
    pairing = Pairing()
    for message in sorted(messages, key=lambda one: one.clock):
        pairing.feed(message)
    pairing.settle(pairing.open)
    return Paired(sorted(pairing.done, key=lambda one: one.requests[:1] or one.replies[:1]), unread)
