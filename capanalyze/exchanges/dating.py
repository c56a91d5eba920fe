"""Messages get their clock and their place: the last that is done before they are paired.

Time stamps may run back, as clocks are set; windows are measured by a clock for each place that does not: small
jitter is absorbed, a step back moves the origin. Rows are copied to where they can be brought into order.
"""

from typing import Any

from capanalyze.buffers import longs_of
from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges.row import CAPTURE
from capanalyze.packets.message import WHEN
from capanalyze.packets.message import FRAME, INTERFACE, KEY_COUNT, KEYS, MAX_WORDS, NANOS, READINGS, SECONDS, WORDS

(
    ROWS,  # messages as the loop wrote them
    POOL,
    OUT,  # dated ones
    OUT_POOL,
    STATE,
    LABELS,  # interface → place
    NAMED,  # interface that frames name → place, and how many messages it has
    CLOCKS,  # of each place
) = range(8)

(
    NUMBER,  # of the capture
    SINCE_SECONDS,  # messages before are left out …
    SINCE_NANOS,
    UNTIL_SECONDS,  # … and those from here on
    UNTIL_NANOS,
    LIMITED,  # 1: one of both is given, so that what has no time is left out
    COUNT,  # rows written
    KEYS_WRITTEN,
    ROOM,
    POOL_ROOM,
    FIRST_NAMED,  # index of the first interface that frames name
    FIRST,  # clock of the capture's first message
    LAST,  # the latest clock of the capture
    ANY,  # 1: there are a first and a last
    NEWEST,  # clock of the row before
    UNORDERED,  # 1: some row's clock is before that of the row before
    EARLIEST,  # what is behind is paired already: a message that comes too late counts as of then
) = range(17)
STATE_FIELDS = 17

PLACE, MESSAGES = range(2)  # of an interface that frames name
NAME = 2
NOW, SHIFT, BEGAN, FRESH = range(4)  # of a place
CLOCK = 4

SECOND = 1_000_000_000
STEP = SECOND // 2  # how far a clock may run back before it counts as set
OVERLAP = 2 * SECOND  # and a file before the one that it follows
MAX_SECONDS = 4_600_000_000  # two of them, in nanoseconds, can be added in 63 bits
FARTHEST = MAX_SECONDS * SECOND  # nanoseconds
BEFORE_ALL = -(1 << 62)


def date(b: Any, start: int, stop: int) -> int:
    """Date rows from `start` to before `stop`; the row where the room ended, else `stop`."""
    rows = longs_of(b, ROWS)
    out = longs_of(b, OUT)
    state = longs_of(b, STATE)
    for number in range(start, stop):
        if state[COUNT] >= state[ROOM] or state[KEYS_WRITTEN] + MAX_WORDS > state[POOL_ROOM]:
            return number
        m = number * WORDS
        place = place_of(b, rows[m + INTERFACE])
        if is_wanted(state, rows[m + SECONDS], rows[m + NANOS]) == 0:
            continue
        clock = read_clock(b, place, rows[m + SECONDS], rows[m + NANOS])
        note(state, clock)
        to = state[COUNT] * WORDS
        state[COUNT] += 1
        for field in range(WORDS):
            out[to + field] = rows[m + field]
        out[to + FRAME] += state[NUMBER] * CAPTURE
        out[to + INTERFACE] = place
        out[to + WHEN] = max(clock, state[EARLIEST])
        out[to + KEYS] = state[KEYS_WRITTEN]
        copy_keys(b, rows[m + KEYS], rows[m + KEY_COUNT] + rows[m + READINGS])
    return stop


def place_of(b: Any, interface: int) -> int:
    """The place of an interface."""
    named = longs_of(b, NAMED)
    first = longs_of(b, STATE)[FIRST_NAMED]
    if interface < first:
        return longs_of(b, LABELS)[interface]
    at = (interface - first) * NAME
    named[at + MESSAGES] += 1
    return named[at + PLACE]


def is_wanted(state: Any, seconds: int, nanos: int) -> int:
    """Whether a time lies in the span that is asked for; without a time only in an open one."""
    if state[LIMITED] == 0:
        return 1
    if seconds >= NO_TIME:
        return 0
    if seconds < state[SINCE_SECONDS] or (seconds == state[SINCE_SECONDS] and nanos < state[SINCE_NANOS]):
        return 0
    if seconds > state[UNTIL_SECONDS] or (seconds == state[UNTIL_SECONDS] and nanos >= state[UNTIL_NANOS]):
        return 0
    return 1


def read_clock(b: Any, place: int, seconds: int, nanos: int) -> int:
    """The clock of a place at a frame; a time that cannot be counted is none."""
    clocks = longs_of(b, CLOCKS)
    c = place * CLOCK
    if seconds > MAX_SECONDS or seconds < -MAX_SECONDS:
        return clocks[c + NOW]
    time = seconds * SECOND + nanos
    if clocks[c + BEGAN] == 0:
        clocks[c + BEGAN] = 1
        clocks[c + FRESH] = 0
        clocks[c + NOW] = time
        return time
    time += clocks[c + SHIFT]
    if time > FARTHEST or clocks[c + NOW] - time > FARTHEST - clocks[c + SHIFT]:
        return clocks[c + NOW]
    if clocks[c + FRESH]:
        clocks[c + FRESH] = 0
        if clocks[c + NOW] - OVERLAP < time < clocks[c + NOW] - STEP:
            clocks[c + NOW] = time
    if time < clocks[c + NOW] - STEP:
        clocks[c + SHIFT] += clocks[c + NOW] - time
    elif time > clocks[c + NOW]:
        clocks[c + NOW] = time
    return clocks[c + NOW]


def note(state: Any, clock: int) -> None:
    """Keep the capture's first and latest clock, and whether rows come in order."""
    if state[ANY] == 0:
        state[ANY] = 1
        state[FIRST] = clock
        state[LAST] = clock
    state[FIRST] = min(state[FIRST], clock)
    state[LAST] = max(state[LAST], clock)
    if clock < state[NEWEST]:
        state[UNORDERED] = 1
    state[NEWEST] = clock


def copy_keys(b: Any, first: int, count: int) -> None:
    """Copy the match keys of a row."""
    pool = longs_of(b, POOL)
    out = longs_of(b, OUT_POOL)
    state = longs_of(b, STATE)
    for number in range(first, first + count):
        out[state[KEYS_WRITTEN]] = pool[number]
        state[KEYS_WRITTEN] += 1
