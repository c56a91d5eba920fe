"""Exchanges on their way out of the pairing: rows in batches, and one row as an `Exchange` in words."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges.row import (
    ADDRESS_CHANGED,
    CAPTURE,
    CLIENT,
    CLIENT_LOW,
    CLIENT_PORT,
    DIRECTION,
    DIRECTIONS,
    FIRST_WORDS,
    FLAGS,
    GROUP,
    LATE,
    LINK,
    LINK_FRAME,
    LINK_NEXT,
    MODE,
    MODULE,
    NANOS,
    NARROW,
    OUTCOME,
    OUTCOMES,
    PORT,
    PORT_CHANGED,
    REASON,
    REASON_FLAGS,
    REPLIES,
    REPLIES_LAST,
    REPLY,
    REPLY_OCTETS,
    REPLY_TO,
    REPLY_TO_LOW,
    REPLY_TO_PORT,
    REQUEST,
    REQUEST_OCTETS,
    REQUESTS,
    REQUESTS_LAST,
    RTT,
    SAID_ACCEPTED_THEN_CLOSED,
    SAID_ACCEPTED_THEN_RESET,
    SAID_CUT,
    SAID_DATAGRAM,
    SAID_ENDED,
    SAID_FORGOTTEN,
    SAID_ICMPV4,
    SAID_ICMPV6,
    SAID_MID_FLOW,
    SAID_NOT_CAPTURED,
    SAID_ONE_WAY,
    SAID_OTHER_ADDRESS,
    SAID_OTHER_PORT,
    SAID_RESET,
    SAID_SOMETHING_ELSE,
    SECONDS,
    SERVER,
    SERVER_LOW,
    SERVER_PORT,
    SERVICE,
    VERDICT,
    VERDICTS_OF,
    WANTED,
    WANTED_LOW,
    WEAK_PAIRING,
    WIDE,
    ZONE,
)
from capanalyze.model import Exchange
from capanalyze.packets.message import address
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.protocols._protocol import KINDS, SECOND
from capanalyze.silence import ONE_WAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# What the codes of a destination unreachable mean: RFC 792, RFC 1812 section 5.2.7.1; RFC 4443 section 3.1.
UNREACHABLE_V4 = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    9: "network administratively prohibited",
    10: "host administratively prohibited",
    13: "communication administratively prohibited",
}
UNREACHABLE_V6 = {
    0: "no route",
    1: "administratively prohibited",
    3: "address unreachable",
    4: "port unreachable",
    5: "failed ingress/egress policy",
    6: "reject route",
}
# Why a request draws no reply, by KINDS above its kind.
DRAWS_NONE = ("", ", which need not be answered", ", to a group", ", from beyond the link")
# What only a filter says: that it is prohibited (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1). That a port is
# unreachable is said of UDP's alone: an echo asks none, and TCP has its RST (RFC 1122 section 3.2.2.1).
PROHIBITED = {*(SAID_ICMPV4 + code for code in (9, 10, 13)), *(SAID_ICMPV6 + code for code in (1, 5, 6))}
NO_PORT = {SAID_ICMPV4 + 3, SAID_ICMPV6 + 4}
WORDS = {
    SAID_DATAGRAM: "datagram",
    SAID_RESET: "RST",
    SAID_ACCEPTED_THEN_RESET: "accepted, then reset",
    SAID_ACCEPTED_THEN_CLOSED: "accepted, then closed without a word",
    SAID_NOT_CAPTURED: "request not captured",
    SAID_MID_FLOW: "mid-flow",
    SAID_CUT: "frames are cut",
    SAID_OTHER_PORT: "something came back from another port",
    SAID_OTHER_ADDRESS: "something came back from another address",
    SAID_SOMETHING_ELSE: "something else answered",
    SAID_ENDED: "the capture ended",
    SAID_FORGOTTEN: "too many requests were open at a time",
}


@dataclass
class Batch:
    """Some exchanges: `count` rows in `wide` and `narrow`, and the `links` that their lists of frames are in.

    `numbers` are what a reader knows the rows by; there are none unless `numbered` gave them.
    """

    wide: Any
    narrow: Any
    links: Any
    count: int
    numbers: Sequence[int] = ()

    def first_frame(self, number: int) -> int:
        """The first frame of row `number`, be it of a request or of a reply."""
        return int(self.wide[number * WIDE + REQUEST] or self.wide[number * WIDE + REPLY])

    def frames(self, first: int, link: int) -> list[int]:
        """A list of frames (capture * CAPTURE + frame): the first, and those from a link on."""
        found = [first] if first else []
        while link:
            found.append(int(self.links[link * LINK + LINK_FRAME]))
            link = int(self.links[link * LINK + LINK_NEXT])
        return found

    def requests(self, number: int) -> list[int]:
        """Frames of the requests of row `number`."""
        return self.frames(int(self.wide[number * WIDE + REQUEST]), int(self.narrow[number * NARROW + REQUESTS]))

    def replies(self, number: int) -> list[int]:
        """Frames that came back."""
        return self.frames(int(self.wide[number * WIDE + REPLY]), int(self.narrow[number * NARROW + REPLIES]))

    def places(self, number: int) -> tuple[int, list[int], int, list[int]]:
        """The capture that row `number` is of, its requests' frames there; the capture of its replies, their frames."""
        requests, replies = self.requests(number), self.replies(number)
        capture = (requests or replies)[0] // CAPTURE
        reply_capture = replies[0] // CAPTURE if replies else capture
        own = [frame % CAPTURE for frame in requests if frame // CAPTURE == capture]
        back = [frame % CAPTURE for frame in replies if frame // CAPTURE == reply_capture]
        return capture, own, reply_capture, back


def chosen(batches: Sequence[Batch], rows: Iterable[tuple[int, int]]) -> Batch:
    """Some rows of some batches (which batch, which row), as a batch of their own."""
    wide, narrow, links = array("q"), array("i"), array("q", (0,) * LINK)
    numbers: list[int] = []
    count = 0
    for which, number in rows:
        batch = batches[which]
        numbers += batch.numbers[number : number + 1]
        wide.extend(batch.wide[number * WIDE : (number + 1) * WIDE])
        narrow.extend(batch.narrow[number * NARROW : (number + 1) * NARROW])
        n = count * NARROW
        for first, last in ((REQUESTS, REQUESTS_LAST), (REPLIES, REPLIES_LAST)):
            further = batch.frames(0, narrow[n + first])
            here = len(links) // LINK
            narrow[n + first], narrow[n + last] = (here, here + len(further) - 1) if further else (0, 0)
            for at, frame in enumerate(further, here + 1):
                links.extend((frame, at if at < here + len(further) else 0))
        count += 1
    return Batch(wide, narrow, links, count, numbers)


def in_order(batches: Sequence[Batch]) -> Batch:
    """All rows of some batches, in order of capture and first frame."""
    rows = [
        (batch.first_frame(number), which, number)
        for which, batch in enumerate(batches)
        for number in range(batch.count)
    ]
    return chosen(batches, ((which, number) for _, which, number in sorted(rows)))


def numbered(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The same batches with numbers: the rows of each capture are counted from 1."""
    counts: Counter[int] = Counter()
    for batch in batches:
        numbers = []
        for number in range(batch.count):
            capture = batch.first_frame(number) // CAPTURE
            counts[capture] += 1
            numbers.append(counts[capture])
        yield replace(batch, numbers=numbers)


@dataclass
class Names:
    """What the indices in rows stand for. `places` are interface labels; `modes`, `zones` grow as they are met."""

    captures: Sequence[str]
    places: Sequence[str]
    modes: Sequence[str] = ()
    zones: Sequence[str] = field(default_factory=list)


@lru_cache(4096)
def reason_of(module: int, reason: int) -> str:
    """The words for a reason of an exchange of this module."""
    base = reason % REASON_FLAGS
    if base < FIRST_WORDS:
        text = PROTOCOLS[module].kind(base % KINDS) + DRAWS_NONE[base // KINDS]
    elif base >= SAID_ICMPV6:
        text = unreachable(UNREACHABLE_V6, base - SAID_ICMPV6)
    elif base >= SAID_ICMPV4:
        text = unreachable(UNREACHABLE_V4, base - SAID_ICMPV4)
    elif base > SAID_ONE_WAY:
        text = f"one-way service ({ONE_WAY[base - SAID_ONE_WAY - 1].name})"
    else:
        text = WORDS[base]
    text += ", by a filter" if is_by_filter(module, base) else ""
    text += ", late" if reason & LATE else ""
    text += ", port changed" if reason & PORT_CHANGED else ""
    return text + (", address changed" if reason & ADDRESS_CHANGED else "")


def is_by_filter(module: int, reason: int) -> bool:
    """Whether only a packet filter rejects a request of this module so, and no host by itself."""
    base = reason % REASON_FLAGS
    return base in PROHIBITED or (base in NO_PORT and PROTOCOLS[module].transport != "udp")


def unreachable(words: dict[int, str], code: int) -> str:
    """The words for the code of a destination unreachable."""
    return words.get(code, f"destination unreachable, code {code}")


def service_name(service: int, port: int) -> str:
    """What exchanges call a service: a module's name, or transport/port where the module serves any port."""
    one = PROTOCOLS[service]
    return f"{one.name}/{port}" if service in (GENERIC_UDP, TCP) else one.called or one.name


def finding_name(service: int, port: int) -> str:
    """What findings call a service: by transport too, where exchanges have that beside its name."""
    return PROTOCOLS[service].name if PROTOCOLS[service].called else service_name(service, port)


def service_at(batch: Batch, number: int) -> str:
    """The service of row `number` of a batch, as findings call it."""
    return finding_name(batch.narrow[number * NARROW + SERVICE], batch.narrow[number * NARROW + PORT])


@lru_cache(65536)
def host_text(high: int, low: int) -> str:
    """An address of two words as text."""
    if high == 0 and low >> 32 == 0xFFFF:
        return f"{low >> 24 & 255}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
    return str(address(high, low))


def endpoint(address: str, port: int | None) -> str:
    """Address and port as one word."""
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def port_of(number: int) -> int | None:
    """A port; None where the transport has none."""
    return None if number < 0 else number


def reply_to(wide: Sequence[int], narrow: Sequence[int]) -> str | None:
    """Where the first reply went, if not to the endpoint that asked."""
    if not wide[REPLY_TO] and not wide[REPLY_TO_LOW]:
        return None
    return endpoint(host_text(wide[REPLY_TO], wide[REPLY_TO_LOW]), port_of(narrow[REPLY_TO_PORT]))


def reply_from(wide: Sequence[int], narrow: Sequence[int]) -> str | None:
    """Where it came from, if not from the endpoint that was asked; a group's hosts are asked on its port."""
    if not wide[REQUEST] or not wide[REPLY]:
        return None
    is_asked = wide[SERVER : SERVER_LOW + 1] == wide[WANTED : WANTED_LOW + 1] or narrow[FLAGS] & GROUP
    if is_asked and narrow[SERVER_PORT] == narrow[PORT]:
        return None
    return endpoint(host_text(wide[SERVER], wide[SERVER_LOW]), port_of(narrow[SERVER_PORT]))


def words_of(host: str) -> tuple[int, int]:
    """The two words of an address; IPv4 as ::ffff:a.b.c.d."""
    one = ip_address(host)
    number = int(one) + ((0xFFFF << 32) if one.version == 4 else 0)
    words = array("q", (number).to_bytes(16, sys.byteorder))
    return (words[1], words[0]) if sys.byteorder == "little" else (words[0], words[1])


def time_ns(seconds: int, nanos: int) -> int | None:
    """Nanoseconds since 1970, None where the frame has no time."""
    return None if seconds >= NO_TIME else seconds * SECOND + nanos


def exchange_of(batch: Batch, number: int, names: Names) -> Exchange:
    """Row `number` of a batch in words."""
    at, small = number * WIDE, number * NARROW
    wide, narrow = batch.wide[at : at + WIDE].tolist(), batch.narrow[small : small + NARROW].tolist()
    capture, requests, reply_capture, replies = batch.places(number)
    mode = narrow[MODE]
    return Exchange(
        capture=names.captures[capture],
        service=service_name(narrow[SERVICE], narrow[PORT]),
        transport=PROTOCOLS[narrow[MODULE]].transport,
        client=host_text(wide[CLIENT], wide[CLIENT_LOW]),
        client_port=port_of(narrow[CLIENT_PORT]),
        server=host_text(wide[SERVER], wide[SERVER_LOW]),
        server_port=port_of(narrow[SERVER_PORT]),
        requests=requests,
        replies=replies,
        time_ns=time_ns(wide[SECONDS], narrow[NANOS]),
        rtt_us=None if wide[RTT] < 0 else wide[RTT] / 1000,
        request_octets=narrow[REQUEST_OCTETS],
        reply_octets=wide[REPLY_OCTETS],
        outcome=OUTCOMES[narrow[OUTCOME]],
        reason=reason_of(narrow[MODULE], narrow[REASON]),
        pairing="weak" if narrow[FLAGS] & WEAK_PAIRING else "exact",
        direction=DIRECTIONS[narrow[DIRECTION]],
        mode=None if mode < 0 else names.modes[mode],
        zone=names.zones[narrow[ZONE]] if names.zones and narrow[ZONE] >= 0 else None,
        verdict=VERDICTS_OF[narrow[VERDICT]],
        reply_capture=names.captures[reply_capture] if reply_capture != capture else None,
        reply_to=reply_to(wide, narrow),
        reply_from=reply_from(wide, narrow),
    )
