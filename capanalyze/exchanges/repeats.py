"""The same packet once more, and the later pieces of a fragmented one: neither is a message of its own."""

from typing import Any

from capanalyze.buffers import longs_of
from capanalyze.exchanges.effects import source_of
from capanalyze.exchanges.ring import add_frame
from capanalyze.exchanges.table import (
    FIRST,
    FIRST_CAPTURE,
    FIRST_CLOCK,
    FIRST_HASH,
    FIRST_JOINED,
    FIRST_OLDER,
    FRAGMENT_HEADS,
    FRAGMENT_MASK,
    FRAGMENT_ROOM,
    FRAGMENT_TAIL,
    FRAGMENTS,
    PACKET,
    PACKET_CLOCK,
    PACKET_CUT,
    PACKET_DIGEST,
    PACKET_FRAME,
    PACKET_HASH,
    PACKET_JOINED,
    PACKET_OLDER,
    PACKET_TTL,
    RECENT,
    RECENT_HEAD,
    RECENT_HEADS,
    RECENT_MASK,
    RECENT_ROOM,
    RECENT_TAIL,
    ROWS,
    SAME_FIRST,
    SAME_SECOND,
    STATE,
    WHEN,
)
from capanalyze.packets.message import (
    CAPTURED,
    DIGEST,
    DPORT,
    DST,
    DST_LOW,
    FRAGMENTED,
    FRAME,
    GROUP,
    IDENTIFICATION,
    PROTOCOL,
    SIZE,
    SPORT,
    SRC,
    SRC_LOW,
    TTL,
)
from capanalyze.packets.octets import mix
from capanalyze.protocols._protocol import SECOND

MILLISECOND = SECOND // 1000
FRAGMENT_WAIT = 30 * SECOND  # RFC 791 section 3.2: reassembly gives up after a while
MAX_ALIKE = 256  # packets of a millisecond that differ in their payload alone
TO_CAPTURE = 1 << 40


def identity(b: Any, m: int) -> int:
    """Hash of what is equal in copies, but for the payload."""
    rows = longs_of(b, ROWS)
    hosts = mix(mix(rows[m + SRC_LOW], rows[m + DST_LOW]), mix(rows[m + SRC], rows[m + DST]))
    rest = mix(rows[m + SPORT] * 65536 + rows[m + DPORT], rows[m + IDENTIFICATION] * 256 + rows[m + PROTOCOL])
    return mix(mix(hosts, rest), rows[m + SIZE])


def copied(b: Any, m: int, same: int) -> int:
    """The packet of the last millisecond that a message is a copy of; -1 for none. `same` is its identity."""
    rows = longs_of(b, ROWS)
    recent = longs_of(b, RECENT)
    state = longs_of(b, STATE)
    packet = longs_of(b, RECENT_HEADS)[same & RECENT_MASK] - 1
    latest = -1
    for _ in range(MAX_ALIKE):
        if packet < state[RECENT_HEAD]:
            break
        at = packet % RECENT_ROOM * PACKET
        if rows[m + WHEN] - recent[at + PACKET_CLOCK] > MILLISECOND:
            break
        if recent[at + PACKET_HASH] == same:
            if recent[at + PACKET_DIGEST] == rows[m + DIGEST]:
                return packet
            if latest < 0:
                latest = packet
        packet = recent[at + PACKET_OLDER]
    if latest < 0 or rows[m + IDENTIFICATION] <= 0:
        return -1
    # One interface captured less of it than the other.
    if recent[latest % RECENT_ROOM * PACKET + PACKET_CUT] or rows[m + CAPTURED] < rows[m + SIZE]:
        return latest
    return -1


def is_copy(b: Any, m: int, same: int) -> int:
    """Whether this packet was seen before; its frame then joins that of the first."""
    packet = copied(b, m, same)
    if packet < 0:
        return 0
    rows = longs_of(b, ROWS)
    recent = longs_of(b, RECENT)
    at = packet % RECENT_ROOM * PACKET
    frame = recent[at + PACKET_FRAME]
    if source_of(b, frame) == source_of(b, rows[m + FRAME]):
        add_frame(b, recent[at + PACKET_JOINED], rows[m + FRAME])
    elif rows[m + GROUP] == 0 and recent[at + PACKET_TTL] == rows[m + TTL]:  # else a host forwarded it
        note_same(b, frame, rows[m + FRAME])
    return 1


def note_same(b: Any, first: int, second: int) -> None:
    """Two captures hold the same packet; the first two frames that show it are kept."""
    state = longs_of(b, STATE)
    if state[SAME_FIRST] == 0:
        state[SAME_FIRST] = first
        state[SAME_SECOND] = second


def remember(b: Any, m: int, same: int, joined: int) -> None:
    """Keep a packet in mind, and the list that its frame joined."""
    rows = longs_of(b, ROWS)
    recent = longs_of(b, RECENT)
    heads = longs_of(b, RECENT_HEADS)
    state = longs_of(b, STATE)
    packet = state[RECENT_TAIL]
    state[RECENT_TAIL] = packet + 1
    if packet - state[RECENT_HEAD] >= RECENT_ROOM:
        state[RECENT_HEAD] = packet - RECENT_ROOM + 1
    at = packet % RECENT_ROOM * PACKET
    recent[at + PACKET_CLOCK] = rows[m + WHEN]
    recent[at + PACKET_FRAME] = rows[m + FRAME]
    recent[at + PACKET_JOINED] = joined
    recent[at + PACKET_DIGEST] = rows[m + DIGEST]
    recent[at + PACKET_HASH] = same
    recent[at + PACKET_OLDER] = heads[same & RECENT_MASK] - 1
    recent[at + PACKET_TTL] = rows[m + TTL]
    recent[at + PACKET_CUT] = 1 if rows[m + CAPTURED] < rows[m + SIZE] else 0
    heads[same & RECENT_MASK] = packet + 1


def datagram(b: Any, m: int) -> int:
    """Hash of what the pieces of a datagram have in common."""
    rows = longs_of(b, ROWS)
    hosts = mix(mix(rows[m + SRC_LOW], rows[m + DST_LOW]), mix(rows[m + SRC], rows[m + DST]))
    return mix(hosts, rows[m + IDENTIFICATION] + 1)


def remember_first(b: Any, m: int, joined: int) -> None:
    """Keep a first fragment in mind, and the list that its frame joined."""
    rows = longs_of(b, ROWS)
    if rows[m + FRAGMENTED] == 0 or joined == 0:
        return
    fragments = longs_of(b, FRAGMENTS)
    heads = longs_of(b, FRAGMENT_HEADS)
    state = longs_of(b, STATE)
    number = state[FRAGMENT_TAIL]
    state[FRAGMENT_TAIL] = number + 1
    wanted = datagram(b, m)
    at = number % FRAGMENT_ROOM * FIRST
    fragments[at + FIRST_HASH] = wanted
    fragments[at + FIRST_CLOCK] = rows[m + WHEN]
    fragments[at + FIRST_CAPTURE] = rows[m + FRAME] // TO_CAPTURE
    fragments[at + FIRST_JOINED] = joined
    fragments[at + FIRST_OLDER] = heads[wanted & FRAGMENT_MASK] - 1
    heads[wanted & FRAGMENT_MASK] = number + 1


def join_first(b: Any, m: int) -> None:
    """Add a later fragment's frame to those of its first."""
    rows = longs_of(b, ROWS)
    fragments = longs_of(b, FRAGMENTS)
    state = longs_of(b, STATE)
    wanted = datagram(b, m)
    number = longs_of(b, FRAGMENT_HEADS)[wanted & FRAGMENT_MASK] - 1
    while number >= max(0, state[FRAGMENT_TAIL] - FRAGMENT_ROOM):
        at = number % FRAGMENT_ROOM * FIRST
        if fragments[at + FIRST_HASH] == wanted:
            mine = fragments[at + FIRST_CAPTURE] == rows[m + FRAME] // TO_CAPTURE
            if mine and rows[m + WHEN] - fragments[at + FIRST_CLOCK] <= FRAGMENT_WAIT:
                add_frame(b, fragments[at + FIRST_JOINED], rows[m + FRAME])
            return
        number = fragments[at + FIRST_OLDER]
