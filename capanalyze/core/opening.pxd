"""How an exchange begins: with a request, or with what came back although nobody asked."""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t, uint8_t

from capanalyze.core.exchange cimport ANY_CLIENT, ANY_SERVER, EARLY_WAIT, IDLE_WAIT, Exchange, Table, at, take_place
from capanalyze.core.expiry cimport wait, wait_anew
from capanalyze.core.hashes cimport client_hash, conversation_hash, count_rare, ends_hash, key_hash, keyless_hash, link
from capanalyze.core.message cimport Message
from capanalyze.core.pairing cimport (
    ANNOUNCES, COMPARED, EARLY_ROOM, SERVED_BY, UNANSWERABLE, WEAK, Early, Given, Pairing, facts_for, facts_of, kind_of,
    service_of,
)
from capanalyze.core.row cimport (
    CONVERSATION, GROUP, INDETERMINATE, KEYLESS, KNOWING, MAY_ANNOUNCE, SAID_NOT_CAPTURED, SILENT, UNANSWERABLE_REQUEST,
    UNSOLICITED, WEAK_PAIRING,
)
from capanalyze.core.services cimport GENERIC_UDP


cdef inline int32_t ident_of(const Given *g) noexcept nogil:
    """The IP identification; -1 for none."""
    return <int32_t>(g.m.identification & 0x7FFFFFFF) if g.m.identification > 0 else <int32_t>g.m.identification


cdef inline uint32_t begin(Pairing *p, const Given *g, bint turned) noexcept nogil:
    """A new exchange that nothing finds yet; turned, the message came back from the one that was asked."""
    cdef Table *t = &p.table
    cdef uint32_t number = take_place(t)
    cdef Exchange *e = at(t, number)
    cdef const Message *m = g.m
    e.clock = e.asked = t.now
    e.seconds, e.nanos = m.seconds, <int32_t>m.nanos
    e.client = m.destination if turned else m.source
    e.server = e.wanted = m.source if turned else m.destination
    e.client_port = <int32_t>(m.destination_port if turned else m.source_port)
    e.server_port = e.wanted_port = <int32_t>(m.source_port if turned else m.destination_port)
    e.digest = m.digest
    e.mac, e.server_mac = m.source_mac, m.destination_mac
    e.rtt = e.reply_at = e.request_at = -1
    e.place = <int32_t>m.interface
    e.module, e.service, e.kind = <uint8_t>m.service, service_of(p, g), <uint8_t>kind_of(g)
    e.port = <int32_t>m.port
    e.outcome, e.reason = SILENT, e.kind
    e.ident = e.last_ident = ident_of(g)
    e.ttl = <uint8_t>m.ttl
    e.variant = <int32_t>(g.keys[m.keys] & 0x7FFFFFFF) if m.role & COMPARED else 0
    e.flags = (
        (WEAK_PAIRING | KEYLESS if m.role & WEAK or m.keys == 0 else 0)
        | (UNANSWERABLE_REQUEST if m.role & UNANSWERABLE else 0)
        | (MAY_ANNOUNCE if m.role & ANNOUNCES else 0) | (GROUP if m.to_group else 0)
    )
    if turned:
        e.reply, e.reply_octets = m.frame, m.size
    else:
        e.request, e.request_octets = m.frame, <int32_t>m.size
        e.request_at = m.payload if m.captured == m.size else -1
    if turned or m.to_group:  # what goes to a group may turn out to be an announcement
        e.reply_at, e.reply_frame, e.reply_captured = m.payload, m.frame, <int32_t>m.captured
    wait(t, number, <uint8_t>facts_of(p, e).patience_wait)
    return number


cdef inline void enter(Pairing *p, uint32_t number, const Given *g) noexcept nogil:
    """Let a new exchange be found, by all that identifies it."""
    cdef Table *t = &p.table
    cdef Exchange *e = at(t, number)
    cdef uint64_t client = g.source if e.request else g.destination
    cdef uint64_t asked = g.destination if e.request else g.source
    cdef bint by_question = facts_of(p, e).by_question
    cdef uint64_t server = ANY_SERVER if by_question or e.flags & GROUP else asked
    cdef uint64_t host = client_hash(&e.client)
    cdef int64_t place
    e.keys = <uint8_t>g.m.keys
    for place in range(g.m.keys):
        link(t, number, key_hash(e.module, client, server, g.keys[place]))
        if not e.flags & KEYLESS:
            link(t, number, key_hash(e.module, host, ANY_SERVER, g.keys[place]))
        if by_question or e.flags & GROUP or facts_of(p, e).by_key_alone:
            link(t, number, key_hash(e.module, ANY_CLIENT, ANY_SERVER, g.keys[place]))
    if g.m.readings and e.keys:
        enter_known(t, number, g)
    enter_ends(p, number, client, asked)
    if e.flags & CONVERSATION:
        wait_anew(t, number, IDLE_WAIT)


cdef inline void enter_known(Table *t, uint32_t number, const Given *g) noexcept nogil:
    """Let a query be found by the answers that it knows (RFC 6762 section 7.1)."""
    cdef Exchange *e = at(t, number)
    cdef int64_t place
    e.flags |= KNOWING
    for place in range(g.m.readings):
        link(t, number, key_hash(e.module, ANY_CLIENT, ANY_SERVER, g.keys[g.m.keys + place]))


cdef inline void enter_ends(Pairing *p, uint32_t number, uint64_t client, uint64_t server) noexcept nogil:
    """Let an exchange be found by its endpoints, of which these are the hashes."""
    cdef Table *t = &p.table
    cdef Exchange *e = at(t, number)
    cdef int64_t transport = facts_of(p, e).transport
    link(t, number, ends_hash(transport, client, server))
    if e.flags & GROUP:
        link(t, number, ends_hash(transport, client, mix_port(e.wanted_port)))
    if e.flags & CONVERSATION:
        link(t, number, conversation_hash(client, server))
    if e.flags & KEYLESS:
        link(t, number, keyless_hash(transport, client))
    count_rare(t, e, 1)


cdef inline uint64_t mix_port(int64_t port) noexcept nogil:
    """In place of a server's hash: whoever answers from this port."""
    return ANY_SERVER + <uint64_t>port


# Nobody asked


cdef inline uint32_t stray(Pairing *p, const Given *g, uint8_t outcome, uint16_t reason) noexcept nogil:
    """A message that belongs to no request: an announcement, or a reply to what was not captured."""
    cdef uint32_t number = begin(p, g, True)
    cdef Exchange *e = at(&p.table, number)
    if e.module == GENERIC_UDP:
        e.service = p.ports[SERVED_BY + g.m.source_port]
    e.port = <int32_t>g.m.source_port
    e.outcome = outcome
    if reason:
        e.reason = reason
    return number


cdef inline uint32_t told(Pairing *p, const Given *g) noexcept nogil:
    """Something that nobody asked for."""
    cdef uint32_t number = stray(p, g, UNSOLICITED, 0)
    wait_anew(&p.table, number, EARLY_WAIT)
    return number


cdef inline uint32_t orphan(Pairing *p, const Given *g) noexcept nogil:
    """A reply without its request, which may stand up to a millisecond behind it in the file."""
    cdef uint32_t number
    cdef int64_t place
    cdef Early *early
    if g.m.to_group and facts_for(p, g).tells_unasked:
        number = stray(p, g, UNSOLICITED, 0)
    else:
        number = stray(p, g, INDETERMINATE, SAID_NOT_CAPTURED)
    wait_anew(&p.table, number, EARLY_WAIT)
    if p.early_last - p.early_first == EARLY_ROOM:
        p.early_first += 1
    early = &p.early[p.early_last % EARLY_ROOM]
    p.early_last += 1
    early.exchange, early.generation = number, at(&p.table, number).generation
    early.clock = p.table.now
    early.message = g.m[0]
    early.message.first_key = 0
    for place in range(g.m.keys):
        early.keys[place] = g.keys[place]
    return number
