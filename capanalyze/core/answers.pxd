"""What an answer does to an exchange; another host's answer to a group makes an exchange of its own."""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t, uint8_t

from capanalyze.core.exchange cimport (
    BY_PEER, ESTABLISHED_WAIT, IDLE_WAIT, NONE, SECOND, Exchange, Table, add_reply_frame, append, at, frame_at,
    is_of_capture, take_place,
)
from capanalyze.core.expiry cimport wait, wait_anew, wait_on
from capanalyze.core.hashes cimport count_rare, exchange_of, first_node, link
from capanalyze.core.message cimport Address, Message, same
from capanalyze.core.octets cimport mix
from capanalyze.core.pairing cimport (
    INTERIM, Given, Pairing, comes_from_wanted, facts_of, goes_to_client, is_late, is_unreadable, kind_of,
    reaches_client,
)
from capanalyze.core.record cimport NO_TIME
from capanalyze.core.row cimport (
    ADDRESS_CHANGED, ANSWERED, CONVERSATION, ECHOED, GROUP, KNOWING, LATE, MAY_ANNOUNCE, MULTICAST, PORT_CHANGED, REPLIED,
    SAID_DATAGRAM, SILENT, SPOKEN, TAKEN, UNANSWERABLE_REQUEST, WEAK_PAIRING,
)
from capanalyze.core.services cimport TCP_SERVICE

cdef extern from *:  # more than an enum holds everywhere
    """
    #define CORE_COUNTABLE 9000000000LL  /* seconds that can be counted in nanoseconds in 63 bits */
    """
    int64_t COUNTABLE "CORE_COUNTABLE"


cdef inline uint32_t answer(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """Add a reply; another host's reply to a group makes an exchange of its own. The exchange that it joined."""
    if at(&p.table, number).flags & GROUP:
        number = sibling(p, number, g)
    add_reply(p, number, g)
    return number


cdef inline void add_reply(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """The first reply decides outcome, reason and round-trip time."""
    cdef Table *t = &p.table
    cdef Exchange *e = at(t, number)
    if e.outcome != REPLIED:
        e.outcome = REPLIED
        first_reply(p, e, g)
    if is_unreadable(g) or e.module != g.m.service:
        e.flags |= WEAK_PAIRING
    e.reply_octets += g.m.size
    e.flags |= ANSWERED
    add_reply_frame(t, e, g.m.frame)
    if e.module == TCP_SERVICE:
        wait_anew(t, number, ESTABLISHED_WAIT)
    elif e.flags & CONVERSATION:
        wait_on(t, number, IDLE_WAIT)
    elif g.m.role & INTERIM:
        wait_on(t, number, <uint8_t>facts_of(p, e).window_wait)


cdef inline void first_reply(Pairing *p, Exchange *e, const Given *g) noexcept nogil:
    """What the first reply tells of an exchange."""
    cdef const Message *m = g.m
    e.rtt = -1 if answers_later_one(p, e) else round_trip(e, m)
    e.reason = <uint16_t>kind_of(g) if m.service == e.module else SAID_DATAGRAM
    if is_late(p, e):
        e.reason |= LATE
    if e.reply and not is_of_capture(e.reply, m.frame):
        # An exchange shows what came back in one capture: that of the reply, not of an ICMP error before it.
        append(&p.table, e, &e.replies, &e.replies_last, e.reply)
        e.reply = 0
    e.reply_at = m.payload if m.size else -1
    e.reply_frame, e.reply_captured = m.frame, <int32_t>m.captured
    if m.digest == e.digest and m.size == e.request_octets:
        e.flags |= ECHOED
    if not goes_to_client(e, g):
        e.reply_to, e.reply_to_port = m.destination, <int32_t>m.destination_port
    if e.flags & GROUP or (comes_from_wanted(e, g) and (reaches_client(e, g) or facts_of(p, e).by_key_alone)):
        return
    e.reason |= PORT_CHANGED if same(&e.wanted, &m.source) else ADDRESS_CHANGED
    e.server, e.server_port = m.source, <int32_t>m.source_port


cdef inline bint answers_later_one(const Pairing *p, const Exchange *e) noexcept nogil:
    """Whether a reply comes so late that it answers what the client sent meanwhile, of which no key tells."""
    return e.flags & CONVERSATION and e.flags & SPOKEN and p.table.now > e.asked + facts_of(p, e).window


cdef inline int64_t round_trip(const Exchange *e, const Message *m) noexcept nogil:
    """Nanoseconds from the first request to a message; -1 where there is no time, or it stepped back."""
    if e.seconds >= NO_TIME or m.seconds >= NO_TIME or m.seconds < e.seconds:
        return -1
    if m.seconds - e.seconds > COUNTABLE:
        return -1
    return max(-1, (m.seconds - e.seconds) * SECOND + m.nanos - e.nanos)


# What went to a group


cdef inline uint64_t sibling_hash(const Exchange *e, uint32_t number, const Address *host) noexcept nogil:
    """Hash of the exchange of one request to a group with a host that answered."""
    return mix(mix(mix(<uint64_t>e.generation << 32 | number, BY_PEER), host.low), host.high)


cdef inline uint32_t sibling_of(const Pairing *p, uint32_t number, const Address *host) noexcept nogil:
    """The exchange of a group's request with a host; NONE where it has not answered yet."""
    cdef const Table *t = &p.table
    cdef const Exchange *e = at(t, number)
    if not e.flags & TAKEN:
        return NONE
    if same(&e.server, host):
        return number
    cdef uint32_t node = first_node(t, sibling_hash(e, number, host))
    return exchange_of(t, node) if node else <uint32_t>NONE


cdef inline uint32_t sibling(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """The exchange of a group's request with the host that answers now: the request's own for the first one."""
    cdef uint32_t known = sibling_of(p, number, &g.m.source)
    if known:
        return known
    cdef Exchange *e = at(&p.table, number)
    if not e.flags & TAKEN:
        e.flags |= TAKEN
        e.server, e.server_port = g.m.source, <int32_t>g.m.source_port
        return number
    return another(p, number, g)


cdef inline uint32_t another(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """A further exchange with a request that some host has answered already."""
    cdef Table *t = &p.table
    cdef uint32_t new = take_place(t), link_of
    cdef Exchange *e = at(t, new)
    cdef const Exchange *first = at(t, number)
    e.clock, e.asked, e.seconds, e.nanos = first.clock, first.asked, first.seconds, first.nanos
    e.client, e.client_port = first.client, first.client_port
    e.server = e.wanted = g.m.source
    e.server_port = e.wanted_port = <int32_t>g.m.source_port
    e.digest, e.mac, e.server_mac = first.digest, first.mac, first.server_mac
    e.place, e.port, e.interfaces = first.place, first.port, first.interfaces
    e.module, e.service, e.kind, e.variant, e.ttl = first.module, first.service, first.kind, first.variant, first.ttl
    e.request, e.request_octets, e.retransmissions = first.request, first.request_octets, first.retransmissions
    e.request_at = first.request_at
    e.rtt = e.reply_at = e.ident = e.last_ident = -1
    e.outcome, e.reason = SILENT, first.kind
    e.flags = first.flags & ~<uint32_t>(
        UNANSWERABLE_REQUEST | MAY_ANNOUNCE | ANSWERED | TAKEN | MULTICAST | CONVERSATION | KNOWING
    )
    link_of = first.requests
    while link_of:
        append(t, e, &e.requests, &e.requests_last, frame_at(t, link_of).number)
        link_of = frame_at(t, link_of).next
    wait(t, new, <uint8_t>facts_of(p, e).patience_wait)
    link(t, new, sibling_hash(first, number, &g.m.source))
    count_rare(t, e, 1)
    return new
