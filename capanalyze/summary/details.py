"""What a finding shows beside its counts: exemplars of its worst class, round-trip times, time, what to decode."""

from typing import Any

from capanalyze.buffers import ints_of, longs_of
from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges.row import (
    CLOCK,
    ECHOED,
    FLAGS,
    KIND,
    LINK,
    LINK_NEXT,
    MODULE,
    NANOS,
    NARROW,
    REASON,
    REPLIES,
    REPLY,
    REPLY_AT,
    REPLY_CAPTURED,
    REPLY_FRAME,
    REPLY_OCTETS,
    REQUEST,
    REQUEST_OCTETS,
    RTT,
    SAID_CUT,
    SECONDS,
    WIDE,
)
from capanalyze.protocols import TCP
from capanalyze.summary.kept import keep
from capanalyze.summary.layout import (
    BINNED,
    BINS,
    CELL,
    CELLS,
    CLASSES,
    DECODABLE,
    DECODE,
    DETAIL,
    DETAIL_COUNT,
    DETAIL_ROOM,
    DETAIL_SIZE,
    DETAILS,
    DIRTY,
    FILLED,
    FIRST_BIN,
    FIRST_DECODED,
    FIRSTS,
    HISTOGRAM,
    INDETERMINATE,
    KEPT,
    KIND_ASKED_OCTETS,
    KIND_CLOCK,
    KIND_EXCHANGES,
    KIND_LINE,
    KIND_REPLIED,
    KIND_REPLY,
    KIND_REQUEST,
    KIND_TOLD_FRAMES,
    KIND_TOLD_OCTETS,
    LAST,
    LAST_CLOCK,
    LAST_ROW,
    LEAST_LEVEL,
    LEVEL,
    LINKS,
    MAX_DECODED,
    MOST_BINS,
    MOST_KINDS,
    NARROWS,
    OCTAVES,
    OF_CELL,
    OF_KINDS,
    PAYLOAD_AT,
    PAYLOAD_SIZE,
    RANK,
    REPLIED,
    SILENT,
    SLOTS,
    SLOW,
    SLOW_CLOCK,
    SLOW_ROW,
    SLOW_TIME,
    SPREAD,
    SPREAD_AT,
    SPREAD_COUNT,
    SPREAD_ROOM,
    SPREADS,
    STATE,
    STEPS_OF_OCTAVE,
    TO_DECODE,
    TOLD,
    TOLD_FRAME,
    TOUCHED,
    TOUCHED_COUNT,
    WIDES,
)

SECOND = 1_000_000_000
NEVER = -(1 << 62)  # before any clock
MAX_SECONDS = 9_000_000_000  # what nanoseconds can be counted for in 63 bits


def give_detail(b: Any, cell: int) -> None:
    """Give a cell a detail, if there is one left."""
    state = longs_of(b, STATE)
    details = longs_of(b, DETAILS)
    number = state[DETAIL_COUNT]
    if number >= state[DETAIL_ROOM]:
        return
    state[DETAIL_COUNT] = number + 1
    d = number * DETAIL_SIZE
    for field in range(DETAIL_SIZE):
        details[d + field] = 0
    details[d + OF_CELL] = cell
    details[d + RANK] = CLASSES
    details[d + SLOW_TIME] = -1
    longs_of(b, CELLS)[cell * CELL + DETAIL] = number + 1


def add(b: Any, number: int, row: int, kind: int) -> None:
    """Add a row of a class to a detail."""
    exemplify(b, number, row, kind)
    add_time(b, number, row, kind)
    add_kind(b, number, row, kind)
    if kind == REPLIED:
        spread(b, number, row)


# Kinds of requests


def add_kind(b: Any, number: int, row: int, kind: int) -> None:
    """Count a row for its kind of request, if a module of its own says which it is."""
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    details = longs_of(b, DETAILS)
    n = row * NARROW
    w = row * WIDE
    if narrow[n + MODULE] <= TCP or wide[w + REQUEST] == 0:
        return
    if narrow[n + KIND] >= MOST_KINDS:
        return
    line = number * DETAIL_SIZE + OF_KINDS + narrow[n + KIND] * KIND_LINE
    details[line + KIND_EXCHANGES] += 1
    if kind != REPLIED:
        return
    if details[line + KIND_REPLIED] == 0 or wide[w + CLOCK] < details[line + KIND_CLOCK]:
        details[line + KIND_CLOCK] = wide[w + CLOCK]
        details[line + KIND_REQUEST] = wide[w + REQUEST]
        details[line + KIND_REPLY] = wide[w + REPLY]
    details[line + KIND_REPLIED] += 1
    details[line + KIND_ASKED_OCTETS] += narrow[n + REQUEST_OCTETS]
    details[line + KIND_TOLD_OCTETS] += wide[w + REPLY_OCTETS]
    details[line + KIND_TOLD_FRAMES] += frames_back(b, row)


def frames_back(b: Any, row: int) -> int:
    """How many frames came back."""
    links = longs_of(b, LINKS)
    count = 1 if longs_of(b, WIDES)[row * WIDE + REPLY] else 0
    link = ints_of(b, NARROWS)[row * NARROW + REPLIES] * 1
    while link:
        count += 1
        link = links[link * LINK + LINK_NEXT]
    return count


# Exemplars


def exemplify(b: Any, number: int, row: int, kind: int) -> None:
    """Keep the row if it is one of the first of the worst class; the last and the slowest when the batch ends."""
    details = longs_of(b, DETAILS)
    d = number * DETAIL_SIZE
    if kind == INDETERMINATE and details[d + RANK] == SILENT and is_cut(b, row):
        details[d + RANK] = kind  # so is the silence of all before
    if kind > details[d + RANK]:
        return
    if kind < details[d + RANK]:
        details[d + RANK] = kind
        details[d + FILLED] = 0
        details[d + LAST_ROW] = 0
        details[d + LAST_CLOCK] = NEVER
        details[d + SLOW_ROW] = 0
        details[d + SLOW_TIME] = -1
    clock = longs_of(b, WIDES)[row * WIDE + CLOCK]
    keep_early(b, number, row, clock)
    if clock >= details[d + LAST_CLOCK]:
        details[d + LAST_CLOCK] = clock
        details[d + LAST_ROW] = row + 1
    rtt = longs_of(b, WIDES)[row * WIDE + RTT]
    if rtt > details[d + SLOW_TIME] or (rtt == details[d + SLOW_TIME] and clock < details[d + SLOW_CLOCK]):
        details[d + SLOW_TIME] = rtt
        details[d + SLOW_CLOCK] = clock
        details[d + SLOW_ROW] = row + 1
    if details[d + DIRTY] == 0:
        details[d + DIRTY] = 1
        touch(b, number)


def is_cut(b: Any, row: int) -> int:
    """Whether a row's silence means nothing as frames are cut."""
    return 1 if ints_of(b, NARROWS)[row * NARROW + REASON] == SAID_CUT else 0


def keep_early(b: Any, number: int, row: int, clock: int) -> None:
    """Keep a row if it is one of the first: mostly rows come in order, some are settled late."""
    details = longs_of(b, DETAILS)
    kept = longs_of(b, KEPT)
    d = number * DETAIL_SIZE
    slot = number * SLOTS
    at = details[d + FILLED] * 1
    while at > 0 and clock < kept[(slot + at - 1) * WIDE + CLOCK]:
        at -= 1
    if at == FIRSTS:
        return
    details[d + FILLED] = min(details[d + FILLED] + 1, FIRSTS)
    for later in range(details[d + FILLED] - 1, at, -1):
        keep(b, KEPT, slot + later - 1, KEPT, slot + later)
    keep(b, WIDES, row, KEPT, slot + at)


def touch(b: Any, number: int) -> None:
    """Come back when the batch ends; a turn has a number below 0."""
    state = longs_of(b, STATE)
    ints_of(b, TOUCHED)[state[TOUCHED_COUNT]] = number
    state[TOUCHED_COUNT] += 1


def flush_detail(b: Any, number: int) -> None:
    """The batch ends: keep its last and its slowest row."""
    details = longs_of(b, DETAILS)
    d = number * DETAIL_SIZE
    details[d + DIRTY] = 0
    if details[d + LAST_ROW]:
        keep(b, WIDES, details[d + LAST_ROW] - 1, KEPT, number * SLOTS + LAST)
        details[d + LAST_ROW] = 0
    if details[d + SLOW_ROW]:
        keep(b, WIDES, details[d + SLOW_ROW] - 1, KEPT, number * SLOTS + SLOW)
        details[d + SLOW_ROW] = 0


# Time


def add_time(b: Any, number: int, row: int, kind: int) -> None:
    """Count a row in its bin of time. Bins double in width where they do not reach far enough."""
    wide = longs_of(b, WIDES)
    details = longs_of(b, DETAILS)
    seconds = wide[row * WIDE + SECONDS]
    if seconds >= NO_TIME or seconds > MAX_SECONDS or seconds < -MAX_SECONDS:
        return
    time = seconds * SECOND + ints_of(b, NARROWS)[row * NARROW + NANOS]
    d = number * DETAIL_SIZE
    if details[d + BINNED] == 0:
        details[d + LEVEL] = LEAST_LEVEL
        details[d + FIRST_BIN] = time >> LEAST_LEVEL
    details[d + BINNED] += 1
    wanted = time >> details[d + LEVEL]
    while wanted - details[d + FIRST_BIN] >= MOST_BINS or reaches_back(details, d, wanted):
        widen(details, d)
        wanted = time >> details[d + LEVEL]
    if wanted < details[d + FIRST_BIN]:
        shift(details, d, wanted)
    details[d + BINS + (wanted - details[d + FIRST_BIN]) * CLASSES + kind] += 1


def reaches_back(details: Any, d: int, wanted: int) -> int:
    """Whether an earlier bin is too far from the last one."""
    if wanted >= details[d + FIRST_BIN]:
        return 0
    return 1 if last_bin(details, d) - wanted >= MOST_BINS else 0


def last_bin(details: Any, d: int) -> int:
    """The number of the last bin that is not empty; of the first where all are."""
    for number in range(MOST_BINS - 1, 0, -1):
        for kind in range(CLASSES):
            if details[d + BINS + number * CLASSES + kind]:
                return details[d + FIRST_BIN] + number
    return details[d + FIRST_BIN] * 1


def widen(details: Any, d: int) -> None:
    """Join each two bins."""
    first = details[d + FIRST_BIN]
    details[d + LEVEL] += 1
    details[d + FIRST_BIN] = first >> 1
    for number in range(MOST_BINS):
        to = ((first + number) >> 1) - (first >> 1)
        for kind in range(CLASSES):
            count = details[d + BINS + number * CLASSES + kind]
            details[d + BINS + number * CLASSES + kind] = 0
            details[d + BINS + to * CLASSES + kind] += count


def shift(details: Any, d: int, first: int) -> None:
    """Let bins begin earlier; those that fall off at the end are empty."""
    by = details[d + FIRST_BIN] - first
    details[d + FIRST_BIN] = first
    for number in range(MOST_BINS - 1, -1, -1):
        for kind in range(CLASSES):
            count = details[d + BINS + (number - by) * CLASSES + kind] if number >= by else 0
            details[d + BINS + number * CLASSES + kind] = count


# Replies


def spread(b: Any, number: int, row: int) -> None:
    """Note a reply's time, and where its payload is, if it is one of the first."""
    details = longs_of(b, DETAILS)
    state = longs_of(b, STATE)
    spreads = longs_of(b, SPREADS)
    d = number * DETAIL_SIZE
    if details[d + SPREAD_AT] == 0:
        if state[SPREAD_COUNT] >= state[SPREAD_ROOM]:
            return
        for field in range(SPREAD):
            spreads[state[SPREAD_COUNT] * SPREAD + field] = 0
        state[SPREAD_COUNT] += 1
        details[d + SPREAD_AT] = state[SPREAD_COUNT]
    s = (details[d + SPREAD_AT] - 1) * SPREAD
    rtt = longs_of(b, WIDES)[row * WIDE + RTT]
    if rtt >= 0:
        spreads[s + HISTOGRAM + step_of(rtt)] += 1
    note_payload(b, s, row)


def note_payload(b: Any, s: int, row: int) -> None:
    """Note where the payload of a reply is, unless it repeats the request; of many replies those of a few."""
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    spreads = longs_of(b, SPREADS)
    if wide[row * WIDE + REPLY_AT] < 0 or narrow[row * NARROW + FLAGS] & ECHOED:
        return
    spreads[s + TOLD] += 1
    number = spreads[s + TOLD]
    if number > FIRST_DECODED and (number & (number - 1) or spreads[s + DECODABLE] == MAX_DECODED):
        return
    at = s + TO_DECODE + spreads[s + DECODABLE] * DECODE
    spreads[s + DECODABLE] += 1
    spreads[at + TOLD_FRAME] = wide[row * WIDE + REPLY_FRAME]
    spreads[at + PAYLOAD_AT] = wide[row * WIDE + REPLY_AT]
    spreads[at + PAYLOAD_SIZE] = narrow[row * NARROW + REPLY_CAPTURED]


def step_of(time: int) -> int:
    """The step of the histogram that a time is in: steps are a 32nd of an octave wide, single below 32 ns."""
    octave = 0
    while time >= 2 * STEPS_OF_OCTAVE and octave < OCTAVES - 2:
        time >>= 1
        octave += 1
    if time < STEPS_OF_OCTAVE:
        return time
    return STEPS_OF_OCTAVE * (octave + 1) + min(time, 2 * STEPS_OF_OCTAVE - 1) - STEPS_OF_OCTAVE
