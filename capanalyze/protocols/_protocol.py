"""What a protocol module provides: a match function for the loop, a decoder of replies, and a few facts.

A match function sees the payload of one message, `octets[start:end]`, of which `size` octets were sent. It
returns role + flags + kind * KIND (see `packets.message`) and leaves match keys in `keys`: their number in
`keys[0]`, then keys of 63 bits. A request and the replies that it draws share a key. It reads nothing
outside `start` to `end`, keeps no state, and is written in the Python that numba compiles: plain
arithmetic on numbers, no objects (`compiler` lists the pitfalls).

A decoder takes the octets of one reply, perhaps cut by the snap length, and yields facts as (kind, value), the reply's
own words unescaped. It yields what it can read and raises where it cannot go on: EOFError, LookupError or struct.error
where the reply ends early, ValueError where it is wrong. The one guard is in `disclosures`. Decoders that use dpkt
import it themselves: it loads all of its protocols at once, and only who decodes waits for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SECOND = 1_000_000_000

Match = Callable[[Any, int, int, int, Any], int]
Decoder = Callable[[bytes], Iterator[tuple[str, str]]]

# Kinds that every module has.
EMPTY, GARBAGE, CUT = range(3)
COMMON_KINDS = ("empty datagram", "malformed message", "cut message")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How one protocol asks and answers.

    `kinds` names what `match` returns, from kind 3 on. After `window` nanoseconds without an answer a
    request is silent, and what is sent again is a new request unless within `resends`. `by_question`: a
    reply to the group answers every host that asked, so the key alone finds the requests.
    `from_any_port`: the answer may come from a port of its own. `silence_proves`: whether a listener has
    to answer at all. `tells_unasked`: a reply to the group that no request drew is an announcement.
    `empty_asks`: an empty datagram asks too, and is shown to `match`. `apart`: the kinds that are messages of
    this service, where several share ports and `match`; all others are of the first of them. `title` is what a
    report calls it; `decode` reads what its replies disclose.
    """

    name: str
    transport: str
    ports: tuple[int, ...]
    match: Match
    kinds: tuple[str, ...]
    window: int = 3 * SECOND
    by_question: bool = False
    from_any_port: bool = False
    silence_proves: bool = True
    tells_unasked: bool = False
    resends: int = 0
    empty_asks: bool = False
    apart: tuple[int, ...] = ()
    title: str = ""
    decode: Decoder | None = None

    def kind(self, number: int) -> str:
        """The words for a kind number."""
        names = COMMON_KINDS + self.kinds
        return names[number]
