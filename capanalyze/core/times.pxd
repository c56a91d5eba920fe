"""Exchanges over time, round-trip times, and which replies are to be decoded."""

from libc.stdint cimport int64_t
from libc.string cimport memset

from capanalyze.core.cells cimport taken
from capanalyze.core.row cimport ECHOED
from capanalyze.core.sums cimport (
    CLASSES, FIRST_DECODED, LEAST_LEVEL, MAX_DECODED, MOST_BINS, OCTAVES, STEPS_OF_OCTAVE, Bins, Detail, Payload, Row,
    Spread, Sums,
)

cdef extern from *:
    """
    #define CORE_SECOND 1000000000LL
    #define CORE_MOST_SECONDS 9000000000LL  /* what nanoseconds can be counted for in 63 bits */
    """
    int64_t SECOND "CORE_SECOND"
    int64_t MOST_SECONDS "CORE_MOST_SECONDS"


cdef inline bint is_timed(Row row) noexcept nogil:
    """Whether a row has a time that can be counted in nanoseconds."""
    return -MOST_SECONDS <= row.wide.seconds <= MOST_SECONDS


cdef inline void add_time(Sums *s, Detail *detail, Row row, int kind) noexcept nogil:
    """Count a row in its bin of time."""
    if not is_timed(row):
        return
    if detail.bins == 0:
        detail.bins = taken(&s.bin)
        if detail.bins == 0:
            return
        memset(&s.bins[detail.bins], 0, sizeof(Bins))
    count_at(&s.bins[detail.bins], row.wide.seconds * SECOND + row.narrow.nanos, kind)


cdef inline void count_at(Bins *bins, int64_t time, int kind) noexcept nogil:
    """Count an exchange at a time. Bins double in width where they do not reach far enough."""
    if bins.number == 0:
        bins.level = LEAST_LEVEL
        bins.first = time >> LEAST_LEVEL
    bins.number += 1
    cdef int64_t wanted = time >> bins.level
    while wanted - bins.first >= MOST_BINS or reaches_back(bins, wanted):
        widen(bins)
        wanted = time >> bins.level
    if wanted < bins.first:
        shift(bins, wanted)
    bins.counts[wanted - bins.first][kind] += 1


cdef inline bint reaches_back(const Bins *bins, int64_t wanted) noexcept nogil:
    """Whether an earlier bin is too far from the last one."""
    return wanted < bins.first and last_bin(bins) - wanted >= MOST_BINS


cdef inline int64_t last_bin(const Bins *bins) noexcept nogil:
    """The number of the last bin that is not empty; of the first where all are."""
    cdef int number, kind
    for number in range(MOST_BINS - 1, 0, -1):
        for kind in range(CLASSES):
            if bins.counts[number][kind]:
                return bins.first + number
    return bins.first


cdef inline void widen(Bins *bins) noexcept nogil:
    """Join each two bins."""
    cdef int64_t first = bins.first, count
    cdef int number, to, kind
    bins.level += 1
    bins.first = first >> 1
    for number in range(MOST_BINS):
        to = <int>((first + number >> 1) - bins.first)
        for kind in range(CLASSES):
            count = bins.counts[number][kind]
            bins.counts[number][kind] = 0
            bins.counts[to][kind] += count


cdef inline void shift(Bins *bins, int64_t first) noexcept nogil:
    """Let bins begin earlier; those that fall off at the end are empty."""
    cdef int64_t by = bins.first - first
    cdef int number, kind
    bins.first = first
    for number in range(MOST_BINS - 1, -1, -1):
        for kind in range(CLASSES):
            bins.counts[number][kind] = bins.counts[number - by][kind] if number >= by else 0


# Replies


cdef inline void add_reply(Sums *s, Detail *detail, Row row) noexcept nogil:
    """Note a reply."""
    if detail.spread == 0:
        detail.spread = taken(&s.spread)
        if detail.spread == 0:
            return
        memset(&s.spreads[detail.spread], 0, sizeof(Spread))
    note_reply(&s.spreads[detail.spread], row)


cdef inline void note_reply(Spread *spread, Row row) noexcept nogil:
    """Note a reply's time, and where its payload is, if it is one of the first."""
    if row.wide.rtt >= 0:
        spread.times[step_of(row.wide.rtt)] += 1
    note_payload(spread, row)


cdef inline void note_payload(Spread *spread, Row row) noexcept nogil:
    """Note where the payload of a reply is, unless it repeats the request; of many replies those of a few."""
    if row.wide.reply_at < 0 or row.narrow.flags & ECHOED:
        return
    spread.told += 1
    if spread.told > FIRST_DECODED and (spread.told & (spread.told - 1) or spread.chosen == MAX_DECODED):
        return
    spread.payloads[spread.chosen] = Payload(
        row.wide.reply_frame, row.wide.reply_at, row.narrow.reply_captured, row.wide.request, row.wide.request_at,
        row.narrow.request_octets,
    )
    spread.chosen += 1


cdef inline int step_of(int64_t time) noexcept nogil:
    """The step of the histogram that a time is in: steps are a 32nd of an octave wide, single below 32 ns."""
    cdef int octave = 0
    while time >= 2 * STEPS_OF_OCTAVE and octave < OCTAVES - 2:
        time >>= 1
        octave += 1
    if time < STEPS_OF_OCTAVE:
        return <int>time
    return STEPS_OF_OCTAVE * octave + <int>min(time, 2 * STEPS_OF_OCTAVE - 1)
