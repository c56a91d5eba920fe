"""Which open requests a message answers.

A message is looked up by its match key first. Where one side has no key, or the message cannot be read, its endpoints
decide. What fits no request by its endpoints may have gone to another endpoint of the client, or have come from another
address or port of the one that was asked: then only a key tells.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t, uint8_t

from capanalyze.core.answers cimport answer, sibling_of
from capanalyze.core.exchange cimport ANY_CLIENT, ANY_SERVER, IDLE_WAIT, NONE, Exchange, Table, add_reply_frame, at
from capanalyze.core.expiry cimport wait_on
from capanalyze.core.hashes cimport (
    Walk, client_hash, conversation_hash, ends_hash, goes_to_next, key_hash, keyless_hash, link, walk, walk_all,
)
from capanalyze.core.message cimport CUT, MALFORMED, REPLY, is_ipv4, same
from capanalyze.core.opening cimport mix_port
from capanalyze.core.pairing cimport (
    KIND_SHIFT, MAX_FOUND, MAX_PASSED, WEAK, Given, Pairing, comes_from_wanted, conversation_between, facts_for,
    facts_of, goes_to_client, is_late, is_of_service, is_on, is_unreadable, reaches_client, role_of, shares_key,
)
from capanalyze.core.row cimport (
    ANSWERED, CONVERSATION, GROUP, INDETERMINATE, KEYLESS, MULTICAST, REJECTED, SAID_OTHER_ADDRESS, SAID_OTHER_PORT,
    TAKEN,
)
from capanalyze.core.services cimport GENERIC_UDP


# By key


cdef struct Candidate:  # the request that a message belongs to, as far as is known; NONE for none
    uint32_t number
    bint is_one_of_several  # which their key does not tell apart


cdef inline Candidate by_key(Pairing *p, const Given *g, const int64_t *keys, int64_t count) noexcept nogil:
    """The request with one of these keys that a message answers by its endpoints."""
    cdef Candidate best = Candidate(NONE, False)
    cdef int64_t place
    cdef uint8_t module = <uint8_t>g.m.service
    for place in range(count):
        if facts_for(p, g).by_key_alone:
            weigh(p, g, key_hash(module, ANY_CLIENT, ANY_SERVER, keys[place]), &best)
            continue
        if not facts_for(p, g).by_question:
            weigh(p, g, key_hash(module, g.destination, g.source, keys[place]), &best)
        if p.table.to_groups or facts_for(p, g).by_question:
            weigh(p, g, key_hash(module, g.destination, ANY_SERVER, keys[place]), &best)
    return best


cdef inline void weigh(const Pairing *p, const Given *g, uint64_t wanted, Candidate *best) noexcept nogil:
    """Weigh the requests with this hash against the best one so far."""
    cdef const Table *t = &p.table
    cdef Walk w = walk(t, wanted)
    while goes_to_next(t, &w):
        if may_answer(p, at(t, w.exchange), g) and not is_too_late(p, at(t, w.exchange)):
            take_better(p, best, w.exchange, g)


cdef inline bint is_too_late(const Pairing *p, const Exchange *e) noexcept nogil:
    """Whether a key that does not tell requests apart no longer counts, as nothing has answered within the window."""
    return e.flags & KEYLESS and not e.flags & ANSWERED and is_late(p, e)


cdef inline bint may_answer(const Pairing *p, const Exchange *e, const Given *g) noexcept nogil:
    """Whether a message can be a reply to a request, as far as hosts and interface tell."""
    if facts_of(p, e).by_key_alone:
        return not same(&e.client, &g.m.source) and (e.wanted_port == g.m.source_port)
    if not reaches_client(e, g):
        return False
    if not e.flags & GROUP:
        return comes_from_wanted(e, g)
    if not is_on(e, g.m.interface) or same(&e.client, &g.m.source):
        return False
    if is_ipv4(&e.client) != is_ipv4(&g.m.source):
        return False
    if facts_of(p, e).by_question:
        return e.mac <= 0 or e.mac != g.m.source_mac
    return e.wanted_port == g.m.source_port


cdef inline void take_better(const Pairing *p, Candidate *best, uint32_t other, const Given *g) noexcept nogil:
    """Of two requests the one that a message belongs to."""
    if best.number == NONE or best.number == other:
        best.number = other
        return
    cdef const Exchange *first = at(&p.table, best.number)
    cdef const Exchange *second = at(&p.table, other)
    cdef int here = is_on(first, g.m.interface) - is_on(second, g.m.interface)
    if here == 0:
        here = is_waiting(p, best.number, g) - is_waiting(p, other, g)
    if here == 0 and second.clock <= first.clock and are_alike(first, second) and is_waiting(p, other, g):
        here = -1  # nothing tells them apart: in order
        best.is_one_of_several = True
    if here == 0:
        here = -1 if first.clock < second.clock else 1
    if here < 0:
        best.number = other


cdef inline bint are_alike(const Exchange *one, const Exchange *other) noexcept nogil:
    """Whether the key does not tell two requests of one endpoint apart: it is none, or was used again."""
    if one.flags & other.flags & KEYLESS:
        return True
    return one.digest != other.digest and one.client_port == other.client_port and same(&one.client, &other.client)


cdef inline bint is_waiting(const Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """Whether a request still lacks an answer of this message's host."""
    cdef const Exchange *e = at(&p.table, number)
    if not e.flags & ANSWERED:
        return True
    return e.flags & GROUP and sibling_of(p, number, &g.m.source) == NONE


cdef inline uint32_t by_question(Pairing *p, const Given *g) noexcept nogil:
    """A reply to a group answers every open request whose question it holds; NONE if there is none.

    The latest come first. Behind the first that this host has answered to the group before, all have their answer;
    what it repeats is noted there alone, if there is nothing newer to answer.
    """
    cdef Table *t = &p.table
    cdef uint32_t number, answered = NONE, siblings = 0, passed = 0
    cdef int64_t place
    cdef Walk w
    if t.knowing and g.m.readings:
        pass_knowing(t, g)
    for place in range(g.m.keys):
        w = walk_all(t, key_hash(<uint8_t>g.m.service, ANY_CLIENT, ANY_SERVER, g.keys[place]))
        while siblings < MAX_FOUND and passed < MAX_PASSED and goes_to_next(t, &w):
            number = w.exchange
            if at(t, number).met == t.fed or not may_answer(p, at(t, number), g):
                passed += 1
                continue
            at(t, number).met = t.fed
            siblings += at(t, number).flags & TAKEN != 0
            if at(t, number).flags & MULTICAST and not is_waiting(p, number, g):
                return answered if answered else answer(p, number, g)
            answered = answer(p, number, g)
            at(t, number).flags |= MULTICAST
    return answered


cdef inline void pass_knowing(Table *t, const Given *g) noexcept nogil:
    """A response of one record alone answers no query that knows it: RFC 6762 section 7.1."""
    cdef Walk w = walk_all(t, key_hash(<uint8_t>g.m.service, ANY_CLIENT, ANY_SERVER, g.keys[g.m.keys]))
    w.left = MAX_PASSED
    while goes_to_next(t, &w):
        at(t, w.exchange).met = t.fed


# By endpoints


cdef inline uint32_t by_endpoints(const Pairing *p, const Given *g, bint of_read) noexcept nogil:
    """Where one side has no key: of the reversed endpoints' requests the oldest unanswered one, else the latest.

    `of_read` leaves out what the service that was asked could not read.
    """
    cdef int64_t transport = facts_for(p, g).transport
    cdef uint32_t best = fitting(p, g, ends_hash(transport, g.destination, g.source), of_read, NONE)
    if p.table.to_groups:
        best = fitting(p, g, ends_hash(transport, g.destination, mix_port(g.m.source_port)), of_read, best)
    return best


cdef inline uint32_t fitting(
    const Pairing *p, const Given *g, uint64_t wanted, bint of_read, uint32_t best
) noexcept nogil:
    """The same, of `best` and those with this hash."""
    cdef const Table *t = &p.table
    cdef Walk w = walk(t, wanted)
    cdef const Exchange *e
    while goes_to_next(t, &w):
        e = at(t, w.exchange)
        if not (e.keys == 0 or is_unreadable(g)) or e.request == 0 or is_late(p, e) or not may_answer(p, e, g):
            continue
        if not is_of_service(p, e, g) and not is_of_any_service(e, g):
            continue
        if of_read and e.kind <= CUT:
            continue
        if best == NONE or is_waiting(p, w.exchange, g):
            best = w.exchange
    return best


cdef inline bint is_of_any_service(const Exchange *e, const Given *g) noexcept nogil:
    """Whether no service reads the one or the other, so that their endpoints tell enough."""
    return e.module == GENERIC_UDP or g.m.service == GENERIC_UDP or role_of(g) == MALFORMED


cdef inline uint32_t answer_by_ends(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """Add a reply that only endpoints tell; without a key, what follows is a conversation."""
    cdef uint32_t to_group = at(&p.table, number).flags & CONVERSATION and at(&p.table, number).flags & GROUP
    number = answer(p, number, g)
    if to_group or facts_of(p, at(&p.table, number)).converses:
        converse_from(p, number, g)
    return number


# Elsewhere


cdef inline uint32_t elsewhere(Pairing *p, Given *g) noexcept nogil:
    """A reply to another endpoint of the client, or from another address or port of the one that was asked.

    A key that agrees tells. Without one, a single request that could have drawn the message becomes uncertain.
    """
    cdef Table *t = &p.table
    cdef uint32_t only = NONE
    cdef Candidate best = Candidate(NONE, False)
    cdef int agreed = keyed_elsewhere(p, g, &best), keyless = 0
    cdef Walk w = walk(t, keyless_hash(facts_for(p, g).transport, g.destination))
    while goes_to_next(t, &w):
        if not goes_to_client(at(t, w.exchange), g) or at(t, w.exchange).request == 0:
            continue
        if agrees(p, at(t, w.exchange), g):
            take_better(p, &best, w.exchange, g)
            agreed += 1
        elif may_have_drawn(p, at(t, w.exchange), g):
            only = w.exchange
            keyless += 1
    if best.number and (at(t, best.number).keys or agreed == 1):
        read_as(at(t, best.number).module, g)
        return answer_by_ends(p, best.number, g)
    if agreed or keyless != 1:
        return NONE
    doubt(p, at(t, only), g)
    return only


cdef inline int keyed_elsewhere(Pairing *p, const Given *g, Candidate *best) noexcept nogil:
    """How many requests of a client have a key with which their service reads the message; the best of them."""
    cdef int agreed = 0
    cdef const int64_t *reading = g.keys + g.m.keys
    cdef const int64_t *stop = reading + g.m.readings
    if role_of(g) == REPLY:
        agreed = with_keys(p, g, <uint8_t>g.m.service, g.keys, g.m.keys, best)
    while reading < stop and g.m.keys == 0:
        agreed += with_keys(p, g, <uint8_t>(reading[0] & 0xFF), reading + 1, reading[0] >> 16, best)
        reading += 1 + (reading[0] >> 16)
    return agreed


cdef inline int with_keys(
    Pairing *p, const Given *g, uint8_t module, const int64_t *keys, int64_t count, Candidate *best
) noexcept nogil:
    """The same, of the requests of one service."""
    cdef const Table *t = &p.table
    cdef uint64_t client = client_hash(&g.m.destination)
    cdef int64_t place
    cdef int agreed = 0
    cdef Walk w
    for place in range(count):
        w = walk(t, key_hash(module, client, ANY_SERVER, keys[place]))
        while goes_to_next(t, &w):
            if not may_be_elsewhere(at(t, w.exchange), g) or not agrees(p, at(t, w.exchange), g):
                continue
            take_better(p, best, w.exchange, g)
            agreed += 1
    return agreed


cdef inline bint may_be_elsewhere(const Exchange *e, const Given *g) noexcept nogil:
    """Whether the host that asked gets a message, and its request was captured."""
    return same(&e.client, &g.m.destination) and e.request != 0


cdef inline void converse_from(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """What follows between these endpoints is of this exchange."""
    cdef Exchange *e = at(&p.table, number)
    if not e.flags & CONVERSATION:
        e.flags |= CONVERSATION
        p.table.conversations += 1
    if conversation_between(&p.table, g, True) != number:
        link(&p.table, number, conversation_hash(g.destination, g.source))
    wait_on(&p.table, number, IDLE_WAIT)


cdef inline bint agrees(const Pairing *p, const Exchange *e, const Given *g) noexcept nogil:
    """Whether a request's service reads the message as a reply with the request's key."""
    if e.flags & GROUP and not is_on(e, g.m.interface):
        return False
    if facts_of(p, e).by_endpoint and not goes_to_client(e, g):
        return False
    if e.module == g.m.service and role_of(g) == REPLY:
        return fits(p, e, g, g.keys, g.m.keys)
    if g.m.keys:
        return False
    cdef const int64_t *reading = g.keys + g.m.keys
    cdef const int64_t *stop = reading + g.m.readings
    while reading < stop:
        if reading[0] & 0xFF == e.module and fits(p, e, g, reading + 1, reading[0] >> 16):
            return True
        reading += 1 + (reading[0] >> 16)
    return False


cdef inline void read_as(uint8_t module, Given *g) noexcept nogil:
    """From now on a message is what this service makes of it."""
    cdef const int64_t *reading = g.keys + g.m.keys
    cdef const int64_t *stop = reading + g.m.readings
    if g.m.service == module:
        return
    while reading < stop and reading[0] & 0xFF != module:
        reading += 1 + (reading[0] >> 16)
    if reading >= stop:
        return
    g.m.service = module
    g.m.role = REPLY | (reading[0] >> 8 & 0xFF) << KIND_SHIFT
    g.keys = reading + 1
    g.m.keys, g.m.readings = reading[0] >> 16, 0


cdef inline bint fits(
    const Pairing *p, const Exchange *e, const Given *g, const int64_t *keys, int64_t count
) noexcept nogil:
    """Whether a reply with these keys is one to a request; without a key, it goes to the endpoint that asked."""
    if not e.flags & KEYLESS:
        return not g.m.role & WEAK and shares_key(p, e, keys, count)
    if not facts_of(p, e).converses or e.keys or count or e.flags & ANSWERED:
        return False
    return goes_to_client(e, g) and not is_late(p, e)


cdef inline bint may_have_drawn(const Pairing *p, const Exchange *e, const Given *g) noexcept nogil:
    """Whether a request without a key, still unanswered, may have drawn a message from another address or port."""
    if not e.flags & KEYLESS or e.flags & ANSWERED or e.outcome == REJECTED:
        return False
    if p.table.now > e.asked + facts_of(p, e).window or not goes_to_client(e, g) or comes_from_wanted(e, g):
        return False
    if e.flags & GROUP:
        return is_on(e, g.m.interface) and not same(&e.client, &g.m.source)
    return e.wanted_port == g.m.source_port or same(&e.wanted, &g.m.source)


cdef inline void doubt(Pairing *p, Exchange *e, const Given *g) noexcept nogil:
    """Something came back that may be the answer."""
    e.outcome = INDETERMINATE
    e.reason = SAID_OTHER_PORT if same(&e.wanted, &g.m.source) else SAID_OTHER_ADDRESS
    add_reply_frame(&p.table, e, g.m.frame)
