"""Judging: `judge` says all that a row tells by itself, `settle` tells silence from not knowing.

A row whose window was not over when its capture ended is flagged UNSETTLED by `judge`. `settle` takes it for
silent where the mode's captures cover the window or a later request was answered (`note_answers`), else for
indeterminate. `verdicts.py` has the tables.
"""

from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint64_t

from capanalyze.core.control cimport has_control, note_control, port_of_service
from capanalyze.core.index cimport checked_place, mix_address
from capanalyze.core.message cimport Address, same
from capanalyze.core.octets cimport mix
from capanalyze.core.reach cimport NEAR, reach_of
from capanalyze.core.record cimport NO_TIME
from capanalyze.core.row cimport (
    CAPTURE_SHIFT, FORGOTTEN, FROM_BEYOND, GROUP, INDETERMINATE, INWARD, LOCAL, NOWHERE, OUTWARD, PASSING, REJECTED,
    REPLIED, SAID_CUT, SAID_ENDED, SAID_FORGOTTEN, SAID_ONE_WAY, SILENT, TO_A_GROUP, TO_NO_REPLY, UNANSWERABLE_REQUEST,
    UNPROVEN, UNSETTLED, UNSOLICITED, Narrow, Wide,
)
from capanalyze.core.services cimport GENERIC_UDP, MAX_SERVICES, TCP_SERVICE
from capanalyze.core.setting cimport (
    ANSWER_ROOM, MAX_ANSWERS, PORTS, Answered, Capture, Judging, Mode, Module, Network, Place, Segment, Span,
)

cdef enum Verdict:
    NOT_JUDGED
    LEAKED
    VISIBLE
    REFUSED
    ALLOWED
    BLOCKED
    STAYED_SILENT
    UNDECIDED
    PROVES_NOTHING


cdef inline int64_t judge(Judging *j, Wide *wide, Narrow *narrow, int64_t count) noexcept nogil:
    """Judge rows; how many are not settled."""
    cdef int64_t row, unsettled = 0
    for row in range(count):
        unsettled += judge_row(j, &wide[row], &narrow[row])
    return unsettled


cdef inline bint judge_row(Judging *j, const Wide *wide, Narrow *narrow) noexcept nogil:
    """Judge a row; whether it is not settled."""
    cdef const Capture *capture = capture_of(j, wide)
    cdef bint unsettled = False
    narrow.direction = direction(j, wide, narrow)
    narrow.mode = mode_at(j, capture, wide.seconds, narrow.nanos)
    narrow.zone = zone_of(j, wide, narrow)
    if narrow.outcome == SILENT:
        unsettled = silence(j, wide, narrow, capture)
    narrow.verdict = verdict(j, wide, narrow, capture)
    note_control(j, wide, narrow)
    return unsettled


# What numbers in rows lead to


cdef inline const Capture *capture_of(const Judging *j, const Wide *wide) noexcept nogil:
    """The capture that an exchange begins in."""
    cdef int64_t frame = wide.request if wide.request else wide.reply
    return &j.captures[checked_place(frame >> CAPTURE_SHIFT, j.capture_count)]


cdef inline const Mode *mode_of(const Judging *j, const Narrow *narrow) noexcept nogil:
    """The mode of a row."""
    return &j.modes[checked_place(<int64_t>narrow.mode + 1, j.mode_count)]


cdef inline const Module *module_of(const Judging *j, const Narrow *narrow) noexcept nogil:
    """The module that paired a row."""
    return &j.modules[checked_place(narrow.module, j.module_count)]


cdef inline int64_t window_end(const Judging *j, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """The clock when a row's window is over."""
    cdef int64_t window = module_of(j, narrow).window
    return wide.asked + window if wide.asked <= INT64_MAX - window else INT64_MAX


# Direction


cdef inline int32_t direction(const Judging *j, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Which way an exchange went, seen from the target; loopback is always local. A group includes the target.

    A request to the target is inbound whichever address answered: another of its own, or of a host behind it.
    """
    cdef bint group = narrow.flags & GROUP != 0
    if is_loopback(&wide.client) and is_loopback(&wide.server):
        return LOCAL
    if j.own_count == 0:
        return NOWHERE
    cdef bint asks = is_own(j, &wide.client)
    cdef bint answers = is_own(j, &wide.server) or is_own(j, &wide.wanted)
    if narrow.outcome == UNSOLICITED:
        if answers:
            return OUTWARD
        return INWARD if asks or group else PASSING
    if asks:
        return LOCAL if answers else OUTWARD
    if answers or (group and wide.reply == 0):
        return INWARD
    return PASSING


cdef inline bint is_loopback(const Address *address) noexcept nogil:
    """Whether an address is ::1 or one of 127.0.0.0/8."""
    return address.high == 0 and (address.low == 1 or address.low >> 24 == 0xFFFF7F)


cdef inline bint is_own(const Judging *j, const Address *address) noexcept nogil:
    """Whether an address is the target's."""
    cdef int64_t number
    for number in range(j.own_count):
        if same(&j.own[number], address):
            return True
    return False


# Mode and zone


cdef inline int32_t mode_at(const Judging *j, const Capture *capture, int64_t seconds, int32_t nanos) noexcept nogil:
    """The mode of a capture at a time, -1 for none."""
    cdef int64_t number
    cdef const Segment *segment
    for number in range(capture.first_segment, capture.first_segment + capture.segments):
        segment = &j.segments[checked_place(number, j.segment_count)]
        if segment.since_seconds == -NO_TIME and segment.until_seconds == NO_TIME:
            return segment.mode
        if seconds >= NO_TIME or is_before(seconds, nanos, segment.since_seconds, segment.since_nanos):
            continue
        if is_before(seconds, nanos, segment.until_seconds, segment.until_nanos):
            return segment.mode
    return -1


cdef inline bint is_before(int64_t seconds, int32_t nanos, int64_t other, int32_t other_nanos) noexcept nogil:
    """Whether a time is before another one."""
    return seconds < other or (seconds == other and nanos < other_nanos)


cdef inline int32_t zone_of(const Judging *j, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """The zone: by interface, then by the peer's network, else the interface's own."""
    cdef const Place *place = &j.places[checked_place(narrow.place, j.place_count)]
    cdef const Network *network
    cdef int64_t number
    if place.given >= 0:
        return place.given
    for number in range(j.network_count):
        network = &j.networks[number]
        if narrow.direction != OUTWARD and is_within(network, &wide.client):
            return network.zone
        if narrow.direction != INWARD and is_within(network, &wide.server):
            return network.zone
    return place.own


cdef inline bint is_within(const Network *network, const Address *address) noexcept nogil:
    """Whether an address is in a network."""
    cdef bint is_ipv4 = address.high == 0 and address.low >> 32 == 0xFFFF
    if is_ipv4 != network.is_ipv4 or address.high & network.mask.high != network.address.high:
        return False
    return address.low & network.mask.low == network.address.low


# Silence


cdef inline bint silence(const Judging *j, const Wide *wide, Narrow *narrow, const Capture *capture) noexcept nogil:
    """Tell silence from not having waited long enough, or not having seen all; whether its own capture cannot tell."""
    cdef int32_t reason = why_nothing_had_to_answer(j, wide, narrow)
    narrow.flags &= ~(UNPROVEN | UNSETTLED)
    if reason:
        narrow.flags |= UNPROVEN
        narrow.reason = reason
    elif mode_of(j, narrow).is_cut or capture.cut:
        give_up(narrow, SAID_CUT)
    elif narrow.flags & FORGOTTEN:
        give_up(narrow, SAID_FORGOTTEN)
    elif window_end(j, wide, narrow) > capture.last:
        narrow.flags |= UNSETTLED
        return True
    return False


cdef inline int32_t why_nothing_had_to_answer(const Judging *j, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """The reason why silence to such a request proves nothing; 0 where it proves something."""
    cdef const Module *module = module_of(j, narrow)
    if narrow.service == GENERIC_UDP and j.one_way[narrow.port & (PORTS - 1)]:
        return SAID_ONE_WAY + j.one_way[narrow.port & (PORTS - 1)]
    if narrow.flags & UNANSWERABLE_REQUEST or not module.silence_proves:
        return TO_NO_REPLY + narrow.kind
    if narrow.flags & GROUP:
        return TO_A_GROUP + narrow.kind
    if module.answers_its_link and reach_of(wide, narrow) > NEAR:
        return FROM_BEYOND + narrow.kind
    return 0


cdef inline void give_up(Narrow *narrow, int32_t reason) noexcept nogil:
    """Nobody can tell whether nothing came back."""
    narrow.outcome = INDETERMINATE
    narrow.reason = reason


cdef inline void settle(const Judging *j, const Wide *wide, Narrow *narrow, int64_t count) noexcept nogil:
    """Settle what is not settled of some rows."""
    cdef int64_t row
    for row in range(count):
        if narrow[row].flags & UNSETTLED:
            narrow[row].flags &= ~UNSETTLED
            if not is_certain(j, &wide[row], &narrow[row]):
                give_up(&narrow[row], SAID_ENDED)
            narrow[row].verdict = verdict(j, &wide[row], &narrow[row], capture_of(j, &wide[row]))


cdef inline bint is_certain(const Judging *j, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Whether a silent request's window passed inside of the mode's captures, or a later request was answered."""
    cdef int64_t end = window_end(j, wide, narrow), number
    cdef const Span *span
    for number in range(j.covered_count):
        span = &j.covered[number]
        if span.mode == narrow.mode and span.first <= wide.clock and end <= span.last:
            return True
    cdef const Answered *answered = answers_of(j, wide, narrow)
    return answered.taken and answered.clock > wide.clock


# Answers


cdef inline void note_answers(Judging *j, const Wide *wide, Narrow *narrow, int64_t count) noexcept nogil:
    """Note which services answered requests, and when they were asked."""
    cdef int64_t row
    for row in range(count):
        if narrow[row].outcome == REPLIED:
            narrow[row].mode = mode_at(j, capture_of(j, &wide[row]), wide[row].seconds, narrow[row].nanos)
            note_answer(j, &wide[row], &narrow[row])


cdef inline void note_answer(Judging *j, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Note that a service answered a request, while there is room."""
    cdef Answered *answered = answers_of(j, wide, narrow)
    if answered.taken:
        answered.clock = max(answered.clock, wide.clock)
    elif j.answer_count < MAX_ANSWERS:
        j.answer_count += 1
        answered[0] = Answered(
            wide.server, wide.clock, narrow.mode, narrow.place, narrow.service, port_of_service(narrow), True
        )


cdef inline Answered *answers_of(const Judging *j, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Where the answers of a row's server and service are noted, or may be."""
    cdef uint64_t key = mix(mix(<uint64_t>narrow.mode << 32 ^ narrow.place, narrow.service), port_of_service(narrow))
    cdef uint64_t place = mix_address(key, &wide.server)
    cdef Answered *answered = &j.answers[place % ANSWER_ROOM]
    while answered.taken and not is_answer_of(answered, wide, narrow):
        place += 1
        answered = &j.answers[place % ANSWER_ROOM]
    return answered


cdef inline bint is_answer_of(const Answered *answered, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Whether answers are those of a row's server and service, where and when it was asked."""
    if answered.mode != narrow.mode or answered.place != narrow.place or answered.service != narrow.service:
        return False
    return answered.port == port_of_service(narrow) and same(&answered.server, &wide.server)


# Verdict


cdef inline void conclude(const Judging *j, const Wide *wide, Narrow *narrow, int64_t count) noexcept nogil:
    """Tell what was held back from mere silence in judged rows, by all controls that are known by now."""
    cdef int64_t row
    for row in range(count):
        if narrow[row].verdict == BLOCKED or narrow[row].verdict == STAYED_SILENT:
            narrow[row].verdict = verdict(j, &wide[row], &narrow[row], capture_of(j, &wide[row]))


cdef inline Verdict verdict(
    const Judging *j, const Wide *wide, Narrow *narrow, const Capture *capture
) noexcept nogil:
    """The verdict on an inbound exchange whose mode is known."""
    if narrow.direction != INWARD or narrow.mode < 0 or narrow.outcome == UNSOLICITED:
        return NOT_JUDGED
    if narrow.outcome == SILENT:
        if narrow.flags & UNSETTLED:
            return NOT_JUDGED
        if capture.one_sided:
            narrow.flags |= UNPROVEN
        if narrow.flags & UNPROVEN:
            return PROVES_NOTHING
    cdef const Mode *mode = mode_of(j, narrow)
    cdef bint promised = may_answer(mode, narrow)
    if narrow.outcome == SILENT:
        return STAYED_SILENT if promised or not has_control(j, wide, narrow) else BLOCKED
    return verdict_on(narrow.outcome, promised, mode.stealth)


cdef inline Verdict verdict_on(int32_t outcome, bint promised, bint stealth) noexcept nogil:
    """What an answer comes to where a mode lets a service answer, or promises to block it."""
    if outcome == REPLIED:
        return ALLOWED if promised else LEAKED
    if outcome == REJECTED:
        return VISIBLE if stealth else REFUSED
    return UNDECIDED


cdef inline bint may_answer(const Mode *mode, const Narrow *narrow) noexcept nogil:
    """Whether a mode's promise lets a service answer."""
    if narrow.service > TCP_SERVICE:
        return mode.answers[checked_place(narrow.service, MAX_SERVICES)]
    if mode.ports == NULL:
        return mode.opens
    return mode.ports[(narrow.service & 1) * PORTS + (narrow.port & (PORTS - 1))]
