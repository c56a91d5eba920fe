"""Messages in, exchanges out: which rule a message is for."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from capanalyze.core.answers cimport answer
from capanalyze.core.connections cimport reset, something_else, spoke
from capanalyze.core.exchange cimport (
    CAPTURE_SHIFT, KINDS, MILLISECOND, NONE, Exchange, Table, add_request, at, has_room,
)
from capanalyze.core.expiry cimport drop, end, evict, hand_on, settle
from capanalyze.core.fetch cimport fetch, fetch_first
from capanalyze.core.flows cimport conversation, converse, datagram, malformed
from capanalyze.core.hashes cimport Walk, goes_to_next, walk
from capanalyze.core.icmp_errors cimport reject
from capanalyze.core.message cimport (
    ACKNOWLEDGES, ANNOUNCEMENT, EMPTY, FLOW, FRAGMENT, GARBAGE, MALFORMED, OTHER, REPLY, REQUEST, RESET, SPOKE,
    Message,
)
from capanalyze.core.opening cimport orphan, told
from capanalyze.core.pairing cimport (
    CONTINUES, EARLY_ROOM, MAX_PLACES, QUOTED, SOON_ROOM, UDP_TRANSPORT, UNANSWERABLE, WEAK, Given, Pairing, Soon,
    clock_of, facts_for, given_soon, is_read, kind_of, repeats_the_way, role_of,
)
from capanalyze.core.repeats cimport (
    NO_LIST, REPLY_LIST, REQUEST_LIST, Joined, Sight, add_frame, identity, is_copy, is_there, join_first, joined_to,
    remember, translated,
)
from capanalyze.core.replies cimport Candidate, answer_by_ends, by_endpoints, by_key, by_question, elsewhere
from capanalyze.core.requests cimport alike_hash, request
from capanalyze.core.row cimport ANSWERED, GROUP, WEAK_PAIRING
from capanalyze.core.services cimport GENERIC_UDP, TCP_SERVICE
from capanalyze.core.translation cimport begins_with, come_back, pass_on, stand_before, take_over


cdef inline int64_t feed(
    Pairing *p, Message *messages, const int64_t *pool, int64_t start, int64_t stop
) noexcept nogil:
    """Take in messages from `start` to before `stop`; the one at which room for what is settled ended, else `stop`."""
    cdef int64_t number
    fetch_first(p, messages, pool, start, stop)
    for number in range(start, stop):
        fetch(p, messages, pool, number, stop)
        if not settle(&p.table, clock_of(&messages[number])):
            return number
        while not has_room(&p.table):
            if not evict(&p.table):
                return number
        message(p, &messages[number], pool, &p.soon[number % SOON_ROOM])
    return stop


cdef inline bint finish(Pairing *p) noexcept nogil:
    """Close all that is open; False where the room for it ended."""
    cdef Table *t = &p.table
    cdef uint32_t number = t.order.first
    p.early_first = p.early_last
    while number:
        end(t, number)
        if not hand_on(t, number):
            return False
        number = t.order.first
    return True


cdef inline void message(Pairing *p, Message *m, const int64_t *pool, const Soon *soon) noexcept nogil:
    """Take in one message."""
    cdef Given g = given_soon(m, pool, soon)
    cdef uint64_t same
    cdef uint32_t number
    cdef const Sight *sight
    p.table.fed += 1
    while p.early_first < p.early_last and p.table.now - p.early[p.early_first % EARLY_ROOM].clock > MILLISECOND:
        p.early_first += 1
    if role_of(&g) == OTHER:
        return
    if m.role == FRAGMENT:
        join_first(&p.table, &p.repeats, m)
    elif m.role >= QUOTED:
        reject(p, &g)
    elif role_of(&g) in (SPOKE, ACKNOWLEDGES):
        segment(p, &g)
    else:
        same = identity_of(&g)
        if is_copy(&p.table, &p.repeats, m, same):
            seen_also(p, &g)
            return
        count_malformed(p, &g)
        sight = translated(&p.repeats, m, g.source, g.destination, p.table.now)
        number = handle(p, &g) if sight == NULL else behind_translation(p, &g, sight)
        remember(&p.repeats, m, g.source, g.destination, same, p.table.now, list_of(p, number, m.frame))


cdef inline uint64_t identity_of(const Given *g) noexcept nogil:
    """Hash of what is equal in copies."""
    return identity(g.m, g.source, g.destination)


cdef inline void segment(Pairing *p, const Given *g) noexcept nogil:
    """Another segment of a connection. What may be a copy of one that made a SYN uncertain is looked up as such."""
    cdef uint32_t number
    if p.table.now - p.something_else <= MILLISECOND and is_copy(&p.table, &p.repeats, g.m, identity_of(g)):
        return
    number = spoke(p, g)
    if number:
        p.something_else = p.table.now
        remember(&p.repeats, g.m, g.source, g.destination, identity_of(g), p.table.now, list_of(p, number, g.m.frame))


cdef inline uint32_t handle(Pairing *p, Given *g) noexcept nogil:
    """What a message's role asks for; the exchange that it joined, NONE for none."""
    cdef int role = role_of(g)
    if g.m.service == GENERIC_UDP:
        return datagram(p, g)
    if role == REQUEST:
        return asks(p, g)
    if role == REPLY:
        return reply(p, g)
    if role == FLOW:
        return flow(p, g)
    if role == ANNOUNCEMENT:
        return told(p, g)
    if role == MALFORMED:
        return malformed(p, g)
    if role == RESET:
        return reset(p, g)
    return NONE


cdef inline uint32_t behind_translation(Pairing *p, Given *g, const Sight *sight) noexcept nogil:
    """Another sight of a message, one endpoint of which was translated in between."""
    cdef Table *t = &p.table
    cdef Joined joined = sight.joined
    cdef int64_t frame = sight.frame
    cdef uint32_t first = joined.exchange if is_there(t, &joined) else <uint32_t>NONE, number
    if first and joined.which == REQUEST_LIST:
        pass_on(p, at(t, first), g.m)
    if first and joined.which == REQUEST_LIST and role_of(g) == REQUEST:
        add_request(t, at(t, first), g.m.frame)
        return first
    if first and joined.which == REPLY_LIST and at(t, first).request:
        come_back(p, first, g, frame)
        return first
    number = handle(p, g)
    if number and not begins_with(at(t, number), g.m.frame):
        if first == NONE:
            stand_before(t, at(t, number), frame, g.m.frame)
        elif first != number:
            take_over(t, at(t, number), first, g.m.frame)
        return number
    if number:
        drop(t, number)
    if first:
        add_frame(t, &joined, g.m.frame)
    return first


cdef inline uint32_t asks(Pairing *p, Given *g) noexcept nogil:
    """A request; one that its service can hardly read belongs to an open conversation of its endpoints first."""
    cdef uint32_t number = NONE
    if p.table.conversations and facts_for(p, g).transport == UDP_TRANSPORT and g.m.role & WEAK and not is_read(g):
        number = converse(p, g, True)
    return number if number else request(p, g)


cdef inline uint32_t flow(Pairing *p, Given *g) noexcept nogil:
    """Only the port tells who asks; where both have it, who was asked before answers."""
    cdef bint asks = not g.m.role & (CONTINUES | UNANSWERABLE)
    cdef uint32_t number = converse(p, g, asks) if g.m.role & WEAK else <uint32_t>NONE
    if number:
        return number
    if g.m.destination_port != g.m.port or (g.m.source_port == g.m.port and is_awaited(p, g)):
        return reply(p, g)
    if g.m.keys == 0 and not asks:
        return conversation(p, g)
    return request(p, g)


cdef inline bint is_awaited(Pairing *p, const Given *g) noexcept nogil:
    """Whether there is a request that a message may answer."""
    return by_key(p, g, g.keys, g.m.keys).number != NONE or by_endpoints(p, g, False) != NONE


cdef inline uint32_t reply(Pairing *p, Given *g) noexcept nogil:
    """A reply: by its key, by endpoints where one side has none, elsewhere; else nobody asked."""
    cdef uint32_t number
    if g.m.to_group:
        number = by_question(p, g)
        if number:
            return number
    cdef Candidate asked = by_key(p, g, g.keys, g.m.keys)
    if asked.number:
        return answer_by_key(p, asked, g)
    number = NONE
    cdef uint32_t by_ends = by_endpoints(p, g, is_read(g))
    if by_ends == NONE:
        by_ends = by_endpoints(p, g, False)
    if p.table.conversations and facts_for(p, g).transport == UDP_TRANSPORT:
        if by_ends == NONE or at(&p.table, by_ends).flags & ANSWERED:
            number = converse(p, g, False)
        if number:
            return number
    if by_ends:
        return answer_by_ends(p, by_ends, g)
    number = something_else(p, g) if g.m.service == TCP_SERVICE else NONE
    if number == NONE:
        number = elsewhere(p, g)
    if number:
        return number
    return malformed(p, g) if kind_of(g) == GARBAGE else orphan(p, g)


cdef inline uint32_t answer_by_key(Pairing *p, Candidate asked, const Given *g) noexcept nogil:
    """Add a reply that its key tells, weakly where the key does not tell requests to one host apart."""
    cdef bint to_one = not at(&p.table, asked.number).flags & GROUP and not facts_for(p, g).by_key_alone
    cdef uint32_t number = answer(p, asked.number, g)
    if asked.is_one_of_several and to_one:
        at(&p.table, number).flags |= WEAK_PAIRING
    return number


cdef inline Joined list_of(const Pairing *p, uint32_t number, int64_t frame) noexcept nogil:
    """The list that a message's frame joined: that which ends with it."""
    cdef const Exchange *e = at(&p.table, number)
    if number == NONE:
        return Joined(NONE, 0, NO_LIST)
    if e.request == frame or (e.requests and p.table.frames[e.requests_last].number == frame):
        return joined_to(&p.table, number, REQUEST_LIST)
    if e.reply == frame or (e.replies and p.table.frames[e.replies_last].number == frame):
        return joined_to(&p.table, number, REPLY_LIST)
    return Joined(NONE, 0, NO_LIST)


cdef inline void count_malformed(Pairing *p, const Given *g) noexcept nogil:
    """Count a message that its service could not read, by capture, service and kind."""
    cdef int kind = kind_of(g)
    if kind == GARBAGE or (role_of(g) == MALFORMED and kind != EMPTY):
        p.malformed[((g.m.frame >> CAPTURE_SHIFT) * p.service_count + g.m.service) * KINDS + kind] += 1


cdef inline void seen_also(Pairing *p, const Given *g) noexcept nogil:
    """What went to a group is answered on any interface that showed it."""
    cdef Table *t = &p.table
    cdef Walk w = walk(t, alike_hash(p, g))
    cdef Exchange *e
    while goes_to_next(t, &w):
        e = at(t, w.exchange)
        if e.digest == g.m.digest and repeats_the_way(e, g) and 0 <= g.m.interface < MAX_PLACES:
            e.interfaces |= 1U << <uint32_t>g.m.interface
