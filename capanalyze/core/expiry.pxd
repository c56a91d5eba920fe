"""How long exchanges wait, and how they leave the table: closed, let go of for want of room, handed on.

Exchanges that end after the same wait stand in one queue, in order of their ends. All are handed on in the order in
which they began.
"""

from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint32_t, uint8_t

from capanalyze.core.exchange cimport (
    ENDED, GONE, LINGER, LONG, MAX_WAITS, MOVES_AT_ONCE, NONE, OPEN, SECOND, Ends, Exchange, Out, Table, at, frame_at,
    give_back, leave_order, stand_last,
)
from capanalyze.core.hashes cimport unlink
from capanalyze.core.index cimport LINE, prefetch, prefetch_all
from capanalyze.core.message cimport same
from capanalyze.core.row cimport FORGOTTEN, GROUP, MAY_ANNOUNCE, SILENT, UNSOLICITED, Link, Narrow, Wide


cdef inline void wait(Table *t, uint32_t number, uint8_t queue) noexcept nogil:
    """Wait from now on, for as long as this queue does; it stands in none yet."""
    cdef Exchange *e = at(t, number)
    e.queue = queue
    e.deadline = t.now + t.waits[queue]
    t.next_end = min(t.next_end, e.deadline)
    e.earlier = t.queues[queue].last
    e.later = NONE
    if e.earlier:
        at(t, e.earlier).later = number
    else:
        t.queues[queue].first = number
    t.queues[queue].last = number


cdef inline void leave_queue(Table *t, uint32_t number) noexcept nogil:
    """Wait no longer."""
    cdef Exchange *e = at(t, number)
    if e.earlier:
        at(t, e.earlier).later = e.later
    else:
        t.queues[e.queue].first = e.later
    if e.later:
        at(t, e.later).earlier = e.earlier
    else:
        t.queues[e.queue].last = e.earlier


cdef inline void wait_anew(Table *t, uint32_t number, uint8_t queue) noexcept nogil:
    """Wait from now on, for as long as this queue does."""
    leave_queue(t, number)
    wait(t, number, queue)


cdef inline void wait_on(Table *t, uint32_t number, uint8_t queue) noexcept nogil:
    """The same, unless it waits longer than that anyway."""
    if t.now + t.waits[queue] > at(t, number).deadline:
        wait_anew(t, number, queue)


# Ends


cdef inline bint settle(Table *t, int64_t clock) noexcept nogil:
    """Close what no later message can affect, and hand it on; False where the room for that is used up."""
    cdef uint32_t number, moved = 0
    t.now = clock
    if t.next_end < clock:
        end_all(t, clock)
    number = t.order.first
    while number:
        if at(t, number).state != OPEN and at(t, number).deadline < clock - LINGER * <int64_t>SECOND:
            if not hand_on(t, number):
                return False
        elif moved < MOVES_AT_ONCE and clock - at(t, number).stood > LONG * <int64_t>SECOND:
            leave_order(t, number)
            stand_last(t, number)
            moved += 1
        else:
            return True
        number = t.order.first
        prefetch(at(t, at(t, number).after))
    return True


cdef inline void end_all(Table *t, int64_t clock) noexcept nogil:
    """Close all whose wait is over."""
    cdef uint32_t number
    cdef int queue
    t.next_end = INT64_MAX
    for queue in range(MAX_WAITS):
        number = t.queues[queue].first
        while number and at(t, number).deadline < clock:
            fetch_end(t, at(t, number).later)
            end(t, number)
            number = t.queues[queue].first
        if number:
            t.next_end = min(t.next_end, at(t, number).deadline)


cdef inline void end(Table *t, uint32_t number) noexcept nogil:
    """Nothing can be added any more but copies and fragments of what is there."""
    cdef Exchange *e = at(t, number)
    if e.state != OPEN:
        return
    e.state = ENDED
    unlink(t, number)
    leave_queue(t, number)
    if e.flags & MAY_ANNOUNCE and e.flags & GROUP and e.outcome == SILENT:
        turn(e)
        e.outcome = UNSOLICITED


cdef inline void drop(Table *t, uint32_t number) noexcept nogil:
    """It turned out to be none: nothing is handed on."""
    end(t, number)
    at(t, number).state = GONE


cdef inline void turn(Exchange *e) noexcept nogil:
    """What was taken for a request came back to the client, or the reverse."""
    e.request, e.reply = e.reply, e.request
    e.requests, e.replies = e.replies, e.requests
    e.requests_last, e.replies_last = e.replies_last, e.requests_last
    cdef int64_t octets = e.request_octets
    e.request_octets, e.reply_octets = <int32_t>e.reply_octets, octets
    e.client, e.server = e.server, e.client
    e.client_port, e.server_port = e.server_port, e.client_port


cdef inline bint evict(Table *t) noexcept nogil:
    """Let go of the oldest exchange before its time; False where the room for what is handed on is used up."""
    cdef uint32_t number = t.order.first
    cdef Exchange *e = at(t, number)
    if number == NONE:
        return True
    cdef bint is_open = e.state == OPEN
    if is_open and e.outcome == SILENT and e.asked + t.facts[e.module].window >= t.now:
        e.flags |= FORGOTTEN
        t.forgotten += 1
    end(t, number)
    t.evicted += is_open
    return hand_on(t, number)


cdef inline bint hand_on(Table *t, uint32_t number) noexcept nogil:
    """Write a settled exchange out and give its place back; False where there is no room."""
    cdef Exchange *e = at(t, number)
    cdef Out *out = &t.out
    if e.state != GONE:
        if out.count >= out.room or out.link_count + e.links > out.link_room:
            return False
        write(t, e, &out.wide[out.count], &out.narrow[out.count])
        out.count += 1
    fetch_next(t, e.after)
    give_back(t, number)
    return True


cdef inline void fetch_end(const Table *t, uint32_t number) noexcept nogil:
    """What ends next lies far away, and so does where its hashes lead; the exchange behind it is fetched before."""
    cdef const Exchange *e = at(t, number)
    cdef int place
    prefetch_all(at(t, e.later), 2 * LINE)
    for place in range(e.held):
        prefetch(&t.heads[e.own[place].hash & t.mask])


cdef inline void fetch_next(const Table *t, uint32_t number) noexcept nogil:
    """What is handed on next lies far away: the exchange behind the next one."""
    prefetch_all(at(t, at(t, number).after), sizeof(Exchange))


cdef inline void write(Table *t, const Exchange *e, Wide *wide, Narrow *narrow) noexcept nogil:
    """An exchange as a row."""
    wide[0] = Wide(
        clock=e.clock, asked=e.asked, seconds=e.seconds, client=e.client, server=e.server, wanted=e.wanted, mac=e.mac,
        request=e.request, reply=e.reply, rtt=e.rtt, reply_octets=e.reply_octets, reply_at=e.reply_at,
        reply_frame=e.reply_frame, reply_to=e.reply_to, request_at=e.request_at,
    )
    narrow[0] = Narrow(
        nanos=e.nanos, place=e.place, module=e.module, service=e.service, port=e.port, client_port=e.client_port,
        server_port=e.server_port, request_octets=e.request_octets, reply_captured=e.reply_captured,
        outcome=e.outcome, reason=e.reason, kind=e.kind, flags=<int32_t>e.flags, requests=0, requests_last=0,
        replies=0, replies_last=0, retransmissions=e.retransmissions, direction=0, mode=-1, zone=-1, verdict=0,
        ttl=e.ttl, variant=e.variant, reply_to_port=e.reply_to_port, reply_copies=<int32_t>e.reply_copies,
    )
    write_frames(t, e.requests, &narrow.requests, &narrow.requests_last)
    write_frames(t, e.replies, &narrow.replies, &narrow.replies_last)


cdef inline void write_frames(Table *t, uint32_t link, int32_t *first, int32_t *last) noexcept nogil:
    """A list of frames, as links of what is handed on."""
    cdef Out *out = &t.out
    while link:
        out.links[out.link_count] = Link(frame_at(t, link).number, 0)
        if first[0]:
            out.links[last[0]].next = out.link_count
        else:
            first[0] = <int32_t>out.link_count
        last[0] = <int32_t>out.link_count
        out.link_count += 1
        link = frame_at(t, link).next
