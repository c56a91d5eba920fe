"""What a message does that asks: it begins an exchange, or repeats the request of an open one."""

from libc.stdint cimport int64_t, uint32_t, uint64_t, uint8_t

from capanalyze.core.answers cimport answer
from capanalyze.core.exchange cimport ANY_SERVER, IDLE_WAIT, NONE, OPEN, SECOND, Exchange, Table, add_request, at
from capanalyze.core.expiry cimport drop, wait_on
from capanalyze.core.hashes cimport Walk, ends_hash, goes_to_next, key_hash, walk
from capanalyze.core.message cimport Message, same
from capanalyze.core.opening cimport begin, enter, ident_of
from capanalyze.core.pairing cimport (
    ALSO_REPLY, COMPARED, CONTINUES, EARLY_ROOM, STREAM_TRANSPORT, WEAK, Early, Given, Pairing, facts_for, facts_of,
    given, is_on, repeats_the_way, shares_key,
)
from capanalyze.core.repeats cimport note_same, source_of
from capanalyze.core.replies cimport Candidate, by_key
from capanalyze.core.row cimport ANSWERED, CONVERSATION, GROUP

cdef enum:
    SLOT = 2  # seconds that two captures' stamps of one packet may differ


cdef inline uint32_t request(Pairing *p, Given *g) noexcept nogil:
    """A request; NTP's mode 1 may answer mode 1 as well: its last key is then the other's."""
    cdef Candidate answered
    if g.m.role & COMPARED:
        g.m.keys -= 1
    if g.m.role & ALSO_REPLY:
        g.m.keys -= 1
        answered = by_key(p, g, &g.keys[g.m.keys], 1)
        if answered.number:
            answer(p, answered.number, g)
    return asked(p, g)


cdef inline uint32_t asked(Pairing *p, Given *g) noexcept nogil:
    """The exchange of a request: that of the first, if it is a retransmission, else a new one."""
    cdef Table *t = &p.table
    cdef Walk w = walk(t, alike_hash(p, g))
    cdef Exchange *e
    while goes_to_next(t, &w):
        e = at(t, w.exchange)
        if not repeats_the_way(e, g):
            continue
        if goes_on(p, e, g):
            add_request(t, e, g.m.frame)
            wait_on(t, w.exchange, wait_of(p, e))
            return w.exchange
        if e.digest != g.m.digest or e.module != g.m.service:
            continue
        if is_retransmission(p, e, g):
            resend(p, w.exchange, g)
            return w.exchange
        compare_sources(p, e, g)
        if e.flags & ANSWERED and not p.many_sources and is_on(e, g.m.interface):
            break  # what is older was answered too, or its window is over
    return asked_anew(p, g)


cdef inline uint32_t asked_anew(Pairing *p, Given *g) noexcept nogil:
    """A new exchange that a request begins."""
    cdef Table *t = &p.table
    cdef uint32_t number = begin(p, g, False)
    if g.m.role & CONTINUES and facts_for(p, g).converses:
        at(t, number).flags |= CONVERSATION
    enter(p, number, g)
    answer_early(p, number, g)
    return number


cdef inline uint64_t alike_hash(const Pairing *p, const Given *g) noexcept nogil:
    """Hash by which earlier requests with a message's endpoints and key are found."""
    if g.m.keys == 0:
        return ends_hash(facts_for(p, g).transport, g.source, g.destination)
    if facts_for(p, g).by_question or g.m.to_group:
        return key_hash(<uint8_t>g.m.service, g.source, ANY_SERVER, g.keys[0])
    return key_hash(<uint8_t>g.m.service, g.source, g.destination, g.keys[0])


cdef inline bint goes_on(const Pairing *p, const Exchange *e, const Given *g) noexcept nogil:
    """Whether a message is more of one request: it says that it continues, and all of its keys are the request's."""
    cdef int64_t place
    if not g.m.role & CONTINUES or g.m.keys == 0 or e.module != g.m.service or e.keys != g.m.keys:
        return False
    for place in range(g.m.keys):
        if not shares_key(p, e, &g.keys[place], 1):
            return False
    return True


cdef inline bint is_retransmission(const Pairing *p, const Exchange *e, const Given *g) noexcept nogil:
    """Whether a message with the endpoints and the payload of a request is that request once more."""
    if e.request and facts_of(p, e).transport == STREAM_TRANSPORT:  # equal digests are of one place in the stream
        return source_of(&p.repeats, e.request) == source_of(&p.repeats, g.m.frame)
    if e.flags & ANSWERED or e.request == 0:
        return False
    if p.table.now > e.clock + max(facts_of(p, e).window, facts_of(p, e).resends):
        return False
    if source_of(&p.repeats, e.request) != source_of(&p.repeats, g.m.frame):
        return False
    return not e.flags & GROUP or is_on(e, g.m.interface)


cdef inline void resend(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """Add a retransmission of the request."""
    cdef Exchange *e = at(&p.table, number)
    add_request(&p.table, e, g.m.frame)
    e.retransmissions += 1
    e.last_ident = ident_of(g)
    e.asked = p.table.now
    wait_on(&p.table, number, wait_of(p, e))


cdef inline uint8_t wait_of(const Pairing *p, const Exchange *e) noexcept nogil:
    """How long more of a request may be added to."""
    return IDLE_WAIT if e.flags & CONVERSATION else <uint8_t>facts_of(p, e).patience_wait


cdef inline void compare_sources(Pairing *p, const Exchange *e, const Given *g) noexcept nogil:
    """The same request in two captures would count twice."""
    if not p.many_sources or g.m.to_group or g.m.identification <= 0 or e.request == 0:
        return
    cdef int64_t slot = SLOT * <int64_t>SECOND
    if p.table.now // slot - e.clock // slot > 1 or e.ident != ident_of(g):
        return
    if source_of(&p.repeats, e.request) != source_of(&p.repeats, g.m.frame):
        note_same(&p.repeats, e.request, g.m.frame)


# A reply may stand before its request


cdef inline void answer_early(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """Replies that stood up to a millisecond before their request in the file (two queues)."""
    cdef uint64_t place
    cdef Early *early
    for place in range(p.early_first, p.early_last):
        early = &p.early[place % EARLY_ROOM]
        if early.exchange and is_early_answer(p, early, at(&p.table, number), g):
            take_early(p, early, number)


cdef inline bint is_early_answer(
    const Pairing *p, const Early *early, const Exchange *e, const Given *g
) noexcept nogil:
    """Whether an early reply is one to this request."""
    cdef const Message *m = &early.message
    if m.service != g.m.service or m.role & WEAK:
        return False
    if m.destination_port != g.m.source_port or not same(&m.destination, &g.m.source):
        return False
    if not e.flags & GROUP and (m.source_port != g.m.destination_port or not same(&m.source, &g.m.destination)):
        return False
    return shares_key(p, e, early.keys, m.keys)


cdef inline void take_early(Pairing *p, Early *early, uint32_t number) noexcept nogil:
    """Add an early reply to its request; there is no time from the one to the other."""
    cdef uint32_t orphan = early.exchange
    if at(&p.table, orphan).generation == early.generation and at(&p.table, orphan).state == OPEN:
        drop(&p.table, orphan)
    early.exchange = NONE
    cdef Given g = given(&early.message, early.keys)
    at(&p.table, answer(p, number, &g)).rtt = -1
