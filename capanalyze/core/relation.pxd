"""Relations: different rows of numbers, how often each was met, and in which frames first.

What floods a capture stays numbers.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from capanalyze.core.index cimport checked_place
from capanalyze.core.message cimport Address, Message, same
from capanalyze.core.octets cimport mix
from capanalyze.core.row cimport GROUP, Narrow, Wide

cdef enum:
    MOST_COLUMNS = 14
    MOST_FRAMES = 3
    COLUMNS_OF_MESSAGE = 13
    COLUMNS_OF_EXCHANGE = 10
    COLUMNS_OF_TIME = 6
    OUTBOUND = 2  # as the capture tells directions


cdef struct Picked:
    int count
    int[MOST_COLUMNS] at


cdef struct Relation:
    int width
    int frames  # that are kept of each row, the first ones
    int64_t used
    int64_t room
    int64_t *rows  # of `width` numbers, how often each row was met, and frames, 0 for none
    uint32_t *heads  # an index: hash of a row → its number + 1; NULL until it is needed
    uint64_t mask


cdef inline int64_t numbers_of(const Relation *r) noexcept nogil:
    """How many numbers are kept of a row."""
    return r.width + 1 + r.frames


cdef inline int64_t *row_of(const Relation *r, int64_t number) noexcept nogil:
    """A row."""
    return &r.rows[checked_place(number, r.room) * numbers_of(r)]


cdef inline uint32_t *find_row(const Relation *r, const int64_t *row) noexcept nogil:
    """Where the index leads to a row, or would."""
    cdef uint64_t place = 0
    cdef int at
    for at in range(r.width):
        place = mix(place, <uint64_t>row[at])
    while r.heads[place & r.mask] and not is_row(r, r.heads[place & r.mask] - 1, row):
        place += 1
    return &r.heads[place & r.mask]


cdef inline bint is_row(const Relation *r, int64_t number, const int64_t *row) noexcept nogil:
    """Whether it is this row."""
    return memcmp(row_of(r, number), row, r.width * sizeof(int64_t)) == 0


cdef inline int64_t note(Relation *r, const int64_t *row, int64_t times) noexcept nogil:
    """Count a row; its number, -1 where there is no room for one more."""
    cdef uint32_t *head = find_row(r, row)
    if head[0] == 0:
        if r.used == r.room:
            return -1
        memcpy(row_of(r, r.used), row, r.width * sizeof(int64_t))
        r.used += 1
        head[0] = <uint32_t>r.used
    row_of(r, head[0] - 1)[r.width] += times
    return head[0] - 1


cdef inline void keep(Relation *r, int64_t number, int64_t frame) noexcept nogil:
    """Keep a frame of a row, if it is one of the first."""
    cdef int64_t *frames
    cdef int at
    if number < 0 or frame == 0:
        return
    frames = row_of(r, number) + r.width + 1
    for at in range(r.frames):
        if frames[at] == frame:
            return
        if frames[at] == 0 or frame < frames[at]:
            frames[at], frame = frame, frames[at]
            if frame == 0:
                return


cdef inline void append(Relation *r, const int64_t *row) noexcept nogil:
    """Add a row that is not there yet, with how often it was met, to a relation that has no index yet."""
    if r.used < r.room:
        memcpy(row_of(r, r.used), row, numbers_of(r) * sizeof(int64_t))
        r.used += 1


cdef inline void fill_index(Relation *r) noexcept nogil:
    """Let the index lead to all rows."""
    cdef int64_t number
    for number in range(r.used):
        find_row(r, row_of(r, number))[0] = <uint32_t>(number + 1)


cdef inline void pick(int64_t *found, const int64_t *row, const Picked *columns) noexcept nogil:
    """Some columns of a row."""
    cdef int at
    for at in range(columns.count):
        found[at] = row[columns.at[at]]


cdef inline void add_columns(Relation *r, const Relation *other, const Picked *columns, bint each_once) noexcept nogil:
    """Count what some columns of another relation hold."""
    cdef int64_t[MOST_COLUMNS] found
    cdef int64_t number, place
    cdef const int64_t *row
    cdef int at
    for number in range(other.used):
        row = row_of(other, number)
        pick(found, row, columns)
        place = note(r, found, 1 if each_once else row[other.width])
        if r.frames:
            for at in range(other.frames):
                keep(r, place, row[other.width + 1 + at])


cdef inline void add_equal(
    Relation *r, const Relation *other, const Picked *columns, const int64_t *wanted, int64_t count, bint equal,
) noexcept nogil:
    """Add the rows of another relation that hold one of some values in some columns, or those that do not."""
    cdef int64_t[MOST_COLUMNS] found
    cdef int64_t number, which
    cdef bint holds
    for number in range(other.used):
        pick(found, row_of(other, number), columns)
        holds = False
        for which in range(count):
            if memcmp(found, &wanted[which * columns.count], columns.count * sizeof(int64_t)) == 0:
                holds = True
                break
        if holds == equal:
            append(r, row_of(other, number))


cdef inline void add_first(Relation *r, const Relation *other, Relation *alike, const Picked *columns,
                           int64_t most) noexcept nogil:
    """Add so many rows of another relation for each value of some columns; `alike` counts those."""
    cdef int64_t[MOST_COLUMNS] found
    cdef int64_t number, group
    for number in range(other.used):
        pick(found, row_of(other, number), columns)
        group = note(alike, found, 1)
        if row_of(alike, group)[alike.width] <= most:
            append(r, row_of(other, number))


# What rows are made of


cdef inline void note_message(Relation *r, const Message *message, bint on_loopback) noexcept nogil:
    """Count what a message tells of hosts, as `target.hints` reads it; a tunnel's or a quoted packet's tells nothing."""
    cdef int64_t[COLUMNS_OF_MESSAGE] found
    if message.tunnels or message.sender.high or message.sender.low:
        return
    found[0], found[1] = message.source.high, message.source.low
    found[2], found[3] = message.destination.high, message.destination.low
    found[4] = message.interface
    found[5], found[6] = message.source_mac, message.destination_mac
    found[7] = message.ttl
    # Linux has a source address of 0 for `lo` in a capture of `any`.
    found[8] = 0 if on_loopback or message.source_mac == 0 else message.direction
    found[9] = message.to_group
    found[10] = same(&message.source, &message.destination)
    found[11] = message.protocol
    found[12] = message.signs
    keep(r, note(r, found, 1), message.frame)


cdef inline void note_exchange(Relation *r, Relation *times, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Count who asked and answered whom, as `target.contacts` reads it, and in which time."""
    cdef int64_t[COLUMNS_OF_EXCHANGE] found
    cdef bint to_another = wide.request and not narrow.flags & GROUP and not same(&wide.wanted, &wide.server)
    cdef Address another = wide.wanted if to_another else Address(0, 0)
    found[0], found[1] = wide.client.high, wide.client.low
    found[2], found[3] = wide.server.high, wide.server.low
    found[4], found[5] = another.high, another.low
    found[6], found[7] = narrow.place, narrow.outcome
    found[8] = wide.request > 0
    found[9] = narrow.flags & GROUP
    keep(r, note(r, found, 1), wide.reply if wide.reply else wide.request)
    if wide.rtt >= 0:
        found[4], found[5] = narrow.outcome, wide.rtt
        note(times, found, 1)
