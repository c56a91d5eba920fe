"""Rows as lines of text, JSON and CSV alike.

The two differ only in the pieces between the numbers, which `report.row_pieces` prepares; words are pieces too. A row
that takes more than pieces and numbers is left to the caller.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy

from capanalyze.core.message cimport Address
from capanalyze.core.row cimport WEAK_PAIRING, Narrow, Wide
from capanalyze.core.rows cimport (
    FRAME_MASK, REASON_SPAN, TCP, UDP, Rows, came_from_elsewhere, capture_of, first_frame, has_date, is_in_one_capture,
    is_outside, list_length, put_endpoint, put_host, put_micros, put_number, put_time, reply_place, went_elsewhere,
)

cdef enum Why:  # a row was not written
    GOOD
    FULL  # the output is
    UNHEARD  # its reason has no piece yet
    ODD  # it takes more than pieces and numbers

cdef enum:  # pieces that stand between fields; those for words follow
    NULL_WORD
    QUOTE
    SEPARATOR  # between frames
    BEFORE_CLIENT_PORT
    BEFORE_SERVER
    BEFORE_SERVER_PORT
    BEFORE_REQUESTS
    BEFORE_REPLIES
    BEFORE_TIME
    BEFORE_RTT
    BEFORE_REQUEST_OCTETS
    BEFORE_REPLY_OCTETS
    BEFORE_REPLY_TO
    BEFORE_REPLY_FROM
    NO_ENDPOINT
    LINE_END

cdef enum:
    FRAME_ROOM = 14  # a frame's number and what separates it from the next

cdef extern from *:
    """
    /* nanoseconds: microseconds with more digits than a float is sure of */
    #define CORE_LONG_RTT 1000000000000000LL
    """
    int64_t LONG_RTT "CORE_LONG_RTT"


cdef struct Words:  # the pieces of a field's words: the number of the first, and how many words there are
    int64_t first
    int64_t count


cdef struct Vocabulary:  # in words of 64 bits, as `report.row_pieces` numbers them
    int64_t line_room  # the most that a line takes but for its lists of frames
    Words services
    Words transports
    Words outcomes
    Words pairings  # exact with each direction, then weak
    Words verdicts
    Words captures
    Words elsewhere  # a further key, of which the first piece stands for none: the capture that replies are in
    Words modes  # the first piece is that of none
    Words zones


cdef struct Page:
    Rows rows
    const Vocabulary *words
    const uint8_t *text  # all pieces, one behind the other
    const int64_t *ends  # piece n lies from ends[n] to ends[n + 1]
    const int32_t *reasons  # by service * REASON_SPAN + reason: the number of its piece, 0 where it has none yet
    uint8_t *begin
    uint8_t *at
    uint8_t *end


cdef inline int64_t write_lines(Page *p, int64_t start, int64_t stop, Why *why) noexcept nogil:
    """Write rows from `start` to before `stop`; the first that was not, and why."""
    cdef int64_t number
    for number in range(start, stop):
        why[0] = obstacle(p, &p.rows.wide[number], &p.rows.narrow[number])
        if why[0] != GOOD:
            return number
        put_ends(p, &p.rows.wide[number], &p.rows.narrow[number])
        put_course(p, &p.rows.wide[number], &p.rows.narrow[number])
        put_outcome(p, &p.rows.wide[number], &p.rows.narrow[number])
    why[0] = GOOD
    return stop


cdef inline Why obstacle(const Page *p, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """What keeps a row from being written."""
    cdef int64_t requests, replies
    if is_strange(p.words, narrow) or wide.rtt >= LONG_RTT:
        return ODD
    requests = list_length(&p.rows, wide.request, narrow.requests)
    replies = list_length(&p.rows, wide.reply, narrow.replies)
    if requests < 0 or replies < 0 or requests + replies == 0:
        return ODD
    if not is_in_one_capture(&p.rows, wide.request, narrow.requests):
        return ODD
    if not is_in_one_capture(&p.rows, wide.reply, narrow.replies):
        return ODD
    if capture_of(wide.request) >= p.words.captures.count or capture_of(wide.reply) >= p.words.captures.count:
        return ODD
    if p.words.line_room + (requests + replies) * FRAME_ROOM > p.end - p.at:
        return ODD if p.at == p.begin else FULL
    return GOOD if p.reasons[narrow.module * REASON_SPAN + narrow.reason] else UNHEARD


cdef inline bint is_strange(const Vocabulary *words, const Narrow *narrow) noexcept nogil:
    """Whether a row holds an index that no piece belongs to."""
    if is_outside(narrow.module, words.transports.count) or is_outside(narrow.service, words.services.count):
        return True
    if is_outside(narrow.outcome, words.outcomes.count) or is_outside(narrow.reason, REASON_SPAN):
        return True
    if is_outside(narrow.direction, words.pairings.count // 2) or is_outside(narrow.verdict, words.verdicts.count):
        return True
    return narrow.mode >= words.modes.count or narrow.zone >= words.zones.count > 0


cdef inline void put_ends(Page *p, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Capture, service and both endpoints."""
    put_piece(p, p.words.captures.first + capture_of(first_frame(wide)))
    put_piece(p, p.words.services.first + narrow.service)
    if narrow.service == UDP or narrow.service == TCP:
        p.at = put_number(p.at, narrow.port)
    put_piece(p, p.words.transports.first + narrow.module)
    p.at = put_host(p.at, &wide.client)
    put_piece(p, BEFORE_CLIENT_PORT)
    put_port(p, narrow.client_port)
    put_piece(p, BEFORE_SERVER)
    p.at = put_host(p.at, &wide.server)
    put_piece(p, BEFORE_SERVER_PORT)
    put_port(p, narrow.server_port)


cdef inline void put_course(Page *p, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Frames, time and octets."""
    put_piece(p, BEFORE_REQUESTS)
    put_frames(p, wide.request, narrow.requests)
    put_piece(p, BEFORE_REPLIES)
    put_frames(p, wide.reply, narrow.replies)
    put_piece(p, BEFORE_TIME)
    if has_date(wide.seconds, narrow.nanos):
        put_piece(p, QUOTE)
        p.at = put_time(p.at, wide.seconds, narrow.nanos)
        put_piece(p, QUOTE)
    else:
        put_piece(p, NULL_WORD)
    put_piece(p, BEFORE_RTT)
    if wide.rtt >= 0:
        p.at = put_micros(p.at, wide.rtt)
    else:
        put_piece(p, NULL_WORD)
    put_piece(p, BEFORE_REQUEST_OCTETS)
    p.at = put_number(p.at, narrow.request_octets)
    put_piece(p, BEFORE_REPLY_OCTETS)
    p.at = put_number(p.at, wide.reply_octets)


cdef inline void put_outcome(Page *p, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """All from the outcome to the end of the line, in words."""
    cdef const Vocabulary *words = p.words
    cdef int64_t weak = words.pairings.count // 2 if narrow.flags & WEAK_PAIRING else 0
    put_piece(p, words.outcomes.first + narrow.outcome)
    put_piece(p, p.reasons[narrow.module * REASON_SPAN + narrow.reason])
    put_piece(p, words.pairings.first + weak + narrow.direction)
    put_piece(p, words.modes.first + 1 + max(narrow.mode, -1))
    put_piece(p, words.zones.first + 1 + (max(narrow.zone, -1) if words.zones.count else -1))
    put_piece(p, words.verdicts.first + narrow.verdict)
    put_piece(p, words.elsewhere.first + reply_place(wide))
    put_way(p, BEFORE_REPLY_TO, went_elsewhere(wide), &wide.reply_to, narrow.reply_to_port)
    put_way(p, BEFORE_REPLY_FROM, came_from_elsewhere(wide, narrow), &wide.server, narrow.server_port)
    put_piece(p, LINE_END)


cdef inline void put_way(Page *p, int64_t before, bint is_told, const Address *host, int32_t port) noexcept nogil:
    """An endpoint, where it is to be told."""
    if not is_told:
        put_piece(p, NO_ENDPOINT)
        return
    put_piece(p, before)
    p.at = put_endpoint(p.at, host, port)
    put_piece(p, QUOTE)


cdef inline void put_piece(Page *p, int64_t number) noexcept nogil:
    """A piece of text."""
    cdef int64_t length = p.ends[number + 1] - p.ends[number]
    memcpy(p.at, p.text + p.ends[number], length)
    p.at += length


cdef inline void put_port(Page *p, int32_t port) noexcept nogil:
    """A port, or null."""
    if port < 0:
        put_piece(p, NULL_WORD)
    else:
        p.at = put_number(p.at, port)


cdef inline void put_frames(Page *p, int64_t frame, int64_t link) noexcept nogil:
    """Frame numbers: the first, and those from a link on."""
    if frame == 0:
        return
    p.at = put_number(p.at, frame & FRAME_MASK)
    while link:
        put_piece(p, SEPARATOR)
        p.at = put_number(p.at, p.rows.links[link].frame & FRAME_MASK)
        link = p.rows.links[link].next
