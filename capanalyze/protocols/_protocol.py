"""What a service provides: a decoder of replies, a few facts, and in its `.pxd` neighbour a match function.

A match function is `cdef inline Role match(Octets octets, Match *found) noexcept nogil`. It sees the payload of one
message: the octets of it that were captured, and how many were sent; `found.port` is the service's port. It returns the
role, and notes in `found` the kind, the flags and the match keys (see `core/message.pxd`); a request and the replies
that it draws share a key. It reads by the functions of `core/octets.pxd` alone, and only what was captured: it asks
before it reads. It keeps no state: what it says of a message depends on this message.

A decoder takes the octets of one reply, perhaps cut by the snap length, and yields facts as (kind, value), the reply's
own words unescaped. It yields what it can read and raises where it cannot go on: EOFError, LookupError or struct.error
where the reply ends early, ValueError where it is wrong. The one guard is in `disclosures`. Decoders that use dpkt
import it themselves: it loads all of its protocols at once, and only who decodes waits for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

SECOND = 1_000_000_000

Decoder = Callable[[bytes], Iterator[tuple[str, str]]]

# Kinds that every module has.
EMPTY, GARBAGE, CUT = range(3)
KINDS = 16  # kinds of message that are told apart, at most
COMMON_KINDS = ("empty datagram", "malformed message", "cut message")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How one protocol asks and answers.

    Attributes:
        name: what rows and audit files call it.
        transport: `udp`, `tcp` or `icmp`.
        ports: those of its servers.
        kinds: the names of its match function's kinds, from kind 3 on.
        window: nanoseconds after which a request without an answer is silent.
        resends: nanoseconds during which the same request is a retransmission, if longer than the window.
        by_question: a reply to the group answers every host that asked, so that the key alone finds the requests.
        by_key_alone: the key alone finds the request, wherever the reply goes.
        by_endpoint: many clients ask with the same key, so that a reply belongs to the endpoint that it goes to.
        converses: what follows a request's first answer is of the same exchange.
        silence_proves: whether a listener has to answer at all.
        answers_its_link: a listener need not answer whom a router separates from it.
        draws_none: messages that draw no reply, in words, each with its source; see `silence` for those without a
            module.
        tells_unasked: a reply to the group that no request drew is an announcement.
        empty_asks: an empty datagram asks too, and is shown to the match function.
        apart: where several services share ports and match function, the kinds that are messages of this one; all
            others are of the first of them.
        in_stream: its messages are read out of TCP streams.
        called: what exchanges call it, where that is not its name; `transport` tells them apart.
        title: what a report calls it.
        decode: reads what its replies disclose.
        dissectors: what tshark calls it, where that is not its name; none where tshark does not know it.
    """

    name: str
    transport: str
    ports: tuple[int, ...]
    kinds: tuple[str, ...]
    window: int = 3 * SECOND
    by_question: bool = False
    by_key_alone: bool = False
    by_endpoint: bool = False
    converses: bool = False
    silence_proves: bool = True
    answers_its_link: bool = False
    draws_none: tuple[str, ...] = ()
    tells_unasked: bool = False
    resends: int = 0
    empty_asks: bool = False
    apart: tuple[int, ...] = ()
    in_stream: bool = False
    called: str = ""
    title: str = ""
    decode: Decoder | None = None
    dissectors: tuple[str, ...] | None = None

    def kind(self, number: int) -> str:
        """The words for a kind number."""
        names = COMMON_KINDS + self.kinds
        return names[number]
