"""UDP of which only endpoints tell: who began asked, what comes back first answers, what follows is counted."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from capanalyze.core.answers cimport answer
from capanalyze.core.exchange cimport BY_PEER, IDLE_WAIT, NONE, Exchange, Table, add_request, at
from capanalyze.core.expiry cimport end, turn, wait_on
from capanalyze.core.hashes cimport Walk, goes_to_next, link, unlink, walk
from capanalyze.core.message cimport CUT, FLOW, Address
from capanalyze.core.octets cimport mix
from capanalyze.core.opening cimport begin, enter, enter_ends, stray
from capanalyze.core.pairing cimport (
    CONTINUES, IS_ONE_WAY, IS_REGISTERED, KIND_SHIFT, SERVED_BY, Given, Pairing, client_of, conversation_between,
    wanted_of,
)
from capanalyze.core.replies cimport answer_by_ends, by_endpoints, elsewhere
from capanalyze.core.requests cimport is_retransmission, request, resend
from capanalyze.core.row cimport (
    ANSWERED, CONVERSATION, INDETERMINATE, KEYLESS, MAY_ANNOUNCE, REJECTED, SAID_MID_FLOW, SILENT, SPOKEN,
    UNANSWERABLE_REQUEST, WEAK_PAIRING,
)
from capanalyze.core.services cimport GENERIC_UDP

cdef enum:
    FIRST_EPHEMERAL = 32768  # of Linux; IANA's range and that of the BSDs begin at 49152
    DATAGRAM = 3  # kind
    PROBED_PORTS = 3  # of a host: from so many on, what one peer sends first are probes


cdef inline uint32_t converse(Pairing *p, Given *g, bint asks) noexcept nogil:
    """A datagram of an open conversation, in either direction; NONE where there is none.

    What asks, although nothing tells it from others, is only of one that no service reads.
    """
    cdef uint32_t number = conversation_between(&p.table, g, True)
    if number:
        flow_back(p, number, g)
        return number
    number = conversation_between(&p.table, g, False)
    if number and asks and at(&p.table, number).module != GENERIC_UDP and at(&p.table, number).kind > CUT:
        return NONE
    if number and at(&p.table, number).request == 0:
        # Behind a reply without its request comes a request: from here on the five-tuple is whole.
        end(&p.table, number)
        return NONE
    if number:
        flow_on(p, number, g)
    return number


cdef inline void flow_back(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """A datagram to who began: the first one answers, of the others only the octets count."""
    cdef Exchange *e = at(&p.table, number)
    wait_on(&p.table, number, IDLE_WAIT)
    if e.outcome in (SILENT, REJECTED) or (e.outcome == INDETERMINATE and e.request):
        answer(p, number, g)
    else:
        e.reply_octets += g.m.size


cdef inline void flow_on(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """A further datagram of who began."""
    cdef Exchange *e = at(&p.table, number)
    wait_on(&p.table, number, IDLE_WAIT)
    if e.digest == g.m.digest and is_retransmission(p, e, g):
        resend(p, number, g)
        return
    e.flags |= SPOKEN
    if g.m.role & CONTINUES and not e.flags & ANSWERED:
        add_request(&p.table, e, g.m.frame)


cdef inline uint32_t datagram(Pairing *p, Given *g) noexcept nogil:
    """A datagram that no service reads: of an open conversation, an answer of sorts, or the first of its five-tuple."""
    cdef uint32_t number = awaited(p, g)
    return number if number else new_flow(p, g)


cdef inline uint32_t awaited(Pairing *p, Given *g) noexcept nogil:
    """The exchange that a datagram which no service reads belongs to; NONE where it begins one."""
    cdef uint32_t number = converse(p, g, False)
    if number:
        return number
    number = by_endpoints(p, g, False)
    return answer_by_ends(p, number, g) if number else elsewhere(p, g)


cdef inline uint32_t new_flow(Pairing *p, Given *g) noexcept nogil:
    """The first datagram of a five-tuple; from a registered port to an ephemeral one it looks like an answer."""
    cdef int64_t to = g.m.destination_port
    if is_mid_flow(p, g) and not is_probe(p, g):
        return mid_flow(p, g)
    cdef uint32_t number = conversation(p, g)
    if g.m.to_group and p.ports[to] & IS_ONE_WAY:
        at(&p.table, number).flags |= MAY_ANNOUNCE
    return number


cdef inline uint32_t conversation(Pairing *p, Given *g) noexcept nogil:
    """A new conversation."""
    cdef uint32_t number = begin(p, g, False)
    at(&p.table, number).flags |= CONVERSATION | WEAK_PAIRING | KEYLESS
    g.m.keys = 0
    enter(p, number, g)
    return number


cdef inline bint is_mid_flow(const Pairing *p, const Given *g) noexcept nogil:
    """Whether a first datagram goes from a registered port to an ephemeral one."""
    cdef int64_t to = g.m.destination_port
    return p.ports[g.m.source_port] & IS_REGISTERED and to >= FIRST_EPHEMERAL and not p.ports[to] & IS_REGISTERED


cdef inline uint32_t mid_flow(Pairing *p, Given *g) noexcept nogil:
    """What looks like an answer whose request was not captured."""
    cdef uint32_t number = stray(p, g, INDETERMINATE, SAID_MID_FLOW)
    at(&p.table, number).flags |= CONVERSATION
    g.m.keys = 0
    enter(p, number, g)
    link(&p.table, number, peer_hash(&g.m.source, &g.m.destination))
    return number


cdef inline uint64_t peer_hash(const Address *peer, const Address *host) noexcept nogil:
    """Hash of what one host sends to another."""
    return mix(mix(mix(mix(BY_PEER, peer.low), peer.high), host.low), host.high)


cdef inline bint is_probe(Pairing *p, const Given *g) noexcept nogil:
    """Whether a peer's first datagrams go to several ports of a host; those before are probes then too."""
    cdef Table *t = &p.table
    cdef uint64_t wanted = peer_hash(&g.m.source, &g.m.destination)
    cdef uint32_t ports = 1
    cdef int32_t last = <int32_t>g.m.destination_port
    cdef Walk w = walk(t, wanted)
    while goes_to_next(t, &w):
        if port_of(at(t, w.exchange)) != last:
            last = port_of(at(t, w.exchange))
            ports += 1
    if ports < PROBED_PORTS:
        return False
    w = walk(t, wanted)
    while goes_to_next(t, &w):
        ask(p, w.exchange)
    return True


cdef inline int32_t port_of(const Exchange *e) noexcept nogil:
    """The port that a first datagram went to, whichever it was taken for."""
    return e.wanted_port if e.request else e.client_port


cdef inline void ask(Pairing *p, uint32_t number) noexcept nogil:
    """What was taken for an answer asked."""
    cdef Exchange *e = at(&p.table, number)
    if e.request:
        return
    unlink(&p.table, number)
    turn(e)
    e.wanted, e.wanted_port = e.server, e.server_port
    e.port, e.service = e.wanted_port, p.ports[SERVED_BY + e.wanted_port]
    e.outcome, e.reason, e.reply_at = SILENT, e.kind, -1
    enter_ends(p, number, client_of(e), wanted_of(e))
    link(&p.table, number, peer_hash(&e.client, &e.wanted))


cdef inline void forget_service(Given *g) noexcept nogil:
    """From now on it is a datagram to the port that it went to."""
    g.m.service = GENERIC_UDP
    g.m.port = g.m.destination_port
    g.m.role = FLOW | DATAGRAM << KIND_SHIFT
    g.m.keys = g.m.readings = 0


cdef inline uint32_t malformed(Pairing *p, Given *g) noexcept nogil:
    """On a service's port, but not that service's: an answer where one is awaited, else a conversation of its own."""
    cdef uint32_t number = awaited(p, g)
    if number:
        return number
    if g.m.destination_port != g.m.port:
        forget_service(g)
        return new_flow(p, g)
    number = conversation(p, g)
    at(&p.table, number).flags |= UNANSWERABLE_REQUEST
    return number
