"""Rows as columns: what Parquet's writer takes.

Words go as codes: the index that the row has, or for services and reasons one given when it is first met in the group
of rows. Hosts and times go as text, one behind the other, with the offset where each ends; lists of frames likewise,
but only frames of the capture that the list begins in. -1 stands for nothing.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memset

from capanalyze.core.message cimport Address
from capanalyze.core.row cimport WEAK_PAIRING, Narrow, Wide
from capanalyze.core.rows cimport (
    FRAME_MASK, REASON_SPAN, TCP, UDP, Rows, came_from_elsewhere, capture_of, first_frame, has_date, is_outside,
    list_length, put_endpoint, put_host, put_time, reply_place, went_elsewhere,
)

cdef enum Why:  # a row was not added
    GOOD
    FULL
    ODD  # it is no exchange

cdef enum:
    PORT_SPAN = 65537  # of a service that is told apart by its port: none, and each port
    FIRST_OTHER = 131074  # key of the first service behind these two, less 2
    HOST_ROOM = 39  # octets of text that one takes at most
    ENDPOINT_ROOM = 47
    TIME_ROOM = 30


cdef struct Vocable:  # words that are given a code when they are first met
    int32_t *codes  # by key: 1 + the code, 0 for none yet
    int64_t *keys  # by code
    int64_t count


cdef struct Text:
    int32_t *ends  # of each row, behind a 0
    uint8_t *octets


cdef struct Lists:
    int32_t *ends
    int64_t *frames
    int64_t room


cdef struct Columns:
    int64_t rows  # in use
    int64_t room
    int64_t modules  # how many services there are
    bint zoned  # indices of zones mean any
    Vocable services
    Vocable reasons
    int32_t *capture
    int32_t *service
    int32_t *transport
    int32_t *outcome
    int32_t *reason
    int32_t *pairing
    int32_t *direction
    int32_t *mode
    int32_t *zone
    int32_t *verdict
    int32_t *reply_capture
    int32_t *client_port
    int32_t *server_port
    int64_t *rtt
    int64_t *request_octets
    int64_t *reply_octets
    Text client
    Text server
    Text time
    Text reply_to
    Text reply_from
    Lists requests
    Lists replies


cdef inline int64_t fill(Columns *c, const Rows *rows, int64_t start, int64_t stop, Why *why) noexcept nogil:
    """Add rows from `start` to before `stop` to the columns; the first that was not, and why."""
    cdef int64_t number
    cdef const Wide *wide
    cdef const Narrow *narrow
    for number in range(start, stop):
        wide, narrow = &rows.wide[number], &rows.narrow[number]
        why[0] = obstacle(c, rows, wide, narrow)
        if why[0] != GOOD:
            return number
        add_words(c, wide, narrow)
        add_numbers(c, wide, narrow)
        add_host(&c.client, c.rows, &wide.client)
        add_host(&c.server, c.rows, &wide.server)
        add_time(&c.time, c.rows, wide.seconds, narrow.nanos)
        add_way(&c.reply_to, c.rows, went_elsewhere(wide), &wide.reply_to, narrow.reply_to_port)
        add_way(&c.reply_from, c.rows, came_from_elsewhere(wide, narrow), &wide.server, narrow.server_port)
        add_list(&c.requests, c.rows, rows, wide.request, narrow.requests)
        add_list(&c.replies, c.rows, rows, wide.reply, narrow.replies)
        c.rows += 1
    why[0] = GOOD
    return stop


cdef inline Why obstacle(const Columns *c, const Rows *rows, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """What keeps a row from being added."""
    cdef int64_t requests, replies
    if is_outside(narrow.module, c.modules) or is_outside(narrow.service, c.modules):
        return ODD
    if is_outside(narrow.reason, REASON_SPAN) or is_outside(narrow.port + 1, PORT_SPAN):
        return ODD
    requests = list_length(rows, wide.request, narrow.requests)
    replies = list_length(rows, wide.reply, narrow.replies)
    if requests < 0 or replies < 0 or requests + replies == 0:
        return ODD
    if c.rows == c.room or c.requests.ends[c.rows] + requests > c.requests.room:
        return FULL
    return FULL if c.replies.ends[c.rows] + replies > c.replies.room else GOOD


cdef inline void add_words(Columns *c, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """The fields that are words."""
    cdef int64_t row = c.rows
    c.capture[row] = <int32_t>capture_of(first_frame(wide))
    c.service[row] = code_of(&c.services, service_key(narrow.service, narrow.port))
    c.transport[row] = narrow.module
    c.outcome[row] = narrow.outcome
    c.reason[row] = code_of(&c.reasons, narrow.module * REASON_SPAN + narrow.reason)
    c.pairing[row] = narrow.flags & WEAK_PAIRING
    c.direction[row] = narrow.direction
    c.mode[row] = narrow.mode
    c.zone[row] = narrow.zone if c.zoned else -1
    c.verdict[row] = narrow.verdict
    c.reply_capture[row] = <int32_t>reply_place(wide) - 1


cdef inline int64_t service_key(int32_t service, int32_t port) noexcept nogil:
    """A service as one number, with its port where that tells it apart."""
    if service == UDP or service == TCP:
        return service * <int64_t>PORT_SPAN + port + 1
    return FIRST_OTHER + service


cdef inline int32_t code_of(Vocable *met, int64_t key) noexcept nogil:
    """The code of a word in this group of rows."""
    if met.codes[key] == 0:
        met.keys[met.count] = key
        met.count += 1
        met.codes[key] = <int32_t>met.count
    return met.codes[key] - 1


cdef inline void forget(Vocable *met) noexcept nogil:
    """Give codes anew from now on."""
    for number in range(met.count):
        met.codes[met.keys[number]] = 0
    met.count = 0


cdef inline void add_numbers(Columns *c, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """The fields that are numbers."""
    c.client_port[c.rows] = narrow.client_port
    c.server_port[c.rows] = narrow.server_port
    c.rtt[c.rows] = wide.rtt
    c.request_octets[c.rows] = narrow.request_octets
    c.reply_octets[c.rows] = wide.reply_octets


cdef inline void add_host(Text *text, int64_t row, const Address *host) noexcept nogil:
    """An address."""
    text.ends[row + 1] = <int32_t>(put_host(text.octets + text.ends[row], host) - text.octets)


cdef inline void add_time(Text *text, int64_t row, int64_t seconds, int64_t nanos) noexcept nogil:
    """A time; one that has no date takes no octets."""
    text.ends[row + 1] = text.ends[row]
    if has_date(seconds, nanos):
        text.ends[row + 1] = <int32_t>(put_time(text.octets + text.ends[row], seconds, nanos) - text.octets)


cdef inline void add_way(Text *text, int64_t row, bint is_told, const Address *host, int32_t port) noexcept nogil:
    """An endpoint; one that is not to be told takes no octets."""
    text.ends[row + 1] = text.ends[row]
    if is_told:
        text.ends[row + 1] = <int32_t>(put_endpoint(text.octets + text.ends[row], host, port) - text.octets)


cdef inline void add_list(Lists *lists, int64_t row, const Rows *rows, int64_t first, int64_t link) noexcept nogil:
    """A list of frames."""
    cdef int32_t at = lists.ends[row]
    if first:
        lists.frames[at] = first & FRAME_MASK
        at += 1
    while link:
        if capture_of(rows.links[link].frame) == capture_of(first):
            lists.frames[at] = rows.links[link].frame & FRAME_MASK
            at += 1
        link = rows.links[link].next
    lists.ends[row + 1] = at


# Columns as they are written: a bit for each field that is there, and how many are not


cdef inline void begin_bits(uint8_t *bits, int64_t count) noexcept nogil:
    memset(bits, 0, (count + 7) // 8)


cdef inline int64_t note_bit(uint8_t *bits, int64_t row, bint is_there) noexcept nogil:
    """Note whether a field is there; 1 where it is not."""
    bits[row // 8] |= <uint8_t>(is_there << (row % 8))
    return not is_there


cdef inline int64_t recode(
    const int32_t *codes, int64_t count, const int32_t *meaning, int64_t meanings, int32_t *into, uint8_t *bits
) noexcept nogil:
    """Put another code in the place of each; -1 or a code without a meaning is nothing."""
    cdef int64_t row, nulls = 0
    begin_bits(bits, count)
    for row in range(count):
        into[row] = -1 if is_outside(codes[row], meanings) else meaning[codes[row]]
        nulls += note_bit(bits, row, into[row] >= 0)
    return nulls


cdef inline int64_t note_ports(const int32_t *ports, int64_t count, uint8_t *bits) noexcept nogil:
    """Note which ports there are."""
    cdef int64_t row, nulls = 0
    begin_bits(bits, count)
    for row in range(count):
        nulls += note_bit(bits, row, ports[row] >= 0)
    return nulls


cdef inline int64_t note_text(const int32_t *ends, int64_t count, uint8_t *bits) noexcept nogil:
    """Note which texts take octets."""
    cdef int64_t row, nulls = 0
    begin_bits(bits, count)
    for row in range(count):
        nulls += note_bit(bits, row, ends[row + 1] > ends[row])
    return nulls


cdef inline int64_t micros_of(
    const int64_t *nanos, int64_t count, double *into, uint8_t *bits, int64_t *most
) noexcept nogil:
    """Nanoseconds as microseconds, of which those below 0 are nothing; `most` becomes the greatest."""
    cdef int64_t row, nulls = 0
    begin_bits(bits, count)
    for row in range(count):
        into[row] = <double>nanos[row] / 1000.0
        most[0] = max(most[0], nanos[row])
        nulls += note_bit(bits, row, nanos[row] >= 0)
    return nulls
