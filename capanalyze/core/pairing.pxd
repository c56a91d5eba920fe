"""What every rule of pairing works on: the table, the message at hand, and what both have in common."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from capanalyze.core.exchange cimport ANY_SERVER, KINDS, NONE, Exchange, Facts, Table, at
from capanalyze.core.hashes cimport Walk, conversation_hash, endpoint, goes_to_next, has_hash, key_hash, walk
from capanalyze.core.message cimport CUT, MALFORMED, MAX_KEYS, Address, Message, same
from capanalyze.core.repeats cimport Repeats
from capanalyze.core.row cimport CONVERSATION, GROUP

cdef enum:
    ROLES = 16
    WEAK = 16  # flags of a message's role
    UNANSWERABLE = 32
    INTERIM = 64
    ANNOUNCES = 128
    ALSO_REPLY = 256
    COMPARED = 512
    CONTINUES = 1024
    KIND_SHIFT = 11
    QUOTED = 65536  # a role from here on is that of a datagram quoted by an ICMP error
    UDP_TRANSPORT = 0
    TCP_TRANSPORT = 1
    STREAM_TRANSPORT = 3  # messages in a TCP stream: a connection's segments are none of theirs
    MAX_FOUND = 256  # exchanges that one message answers
    MAX_PASSED = 1024  # and those that hold its question, but that a reply to a group cannot answer
    MAX_PLACES = 31  # interfaces that an exchange remembers apart
    SERVED_BY = 65536  # in the table of ports: from here on the service of each

cdef enum:  # facts about a port
    IS_REGISTERED = 2
    IS_ONE_WAY = 4

cdef enum:  # so many messages before its turn, what a message will look for is fetched from memory, step by step
    SOON_ROOM = 16
    FETCH_HEADS = 12
    FETCH_NODES = 8
    FETCH_EXCHANGES = 4
    CHAINS = 8

cdef enum:
    EARLY_ROOM = 128  # replies without a request, of the last millisecond
    MOST_BEHIND = 64  # endpoints that are known to be passed on


cdef struct Early:
    uint32_t exchange
    uint32_t generation
    int64_t clock
    Message message
    int64_t[MAX_KEYS] keys


cdef struct Soon:  # hashes of a message whose turn comes
    uint64_t source
    uint64_t destination
    uint64_t answers  # of the request that it may answer, 0 where it only asks
    uint64_t[CHAINS] chains  # all that will be walked, or added to
    int count


cdef struct Behind:  # an endpoint of the host, and the one that it passes requests on to
    Address asked
    Address passed_to
    int32_t asked_port
    int32_t passed_to_port


cdef struct Pairing:
    Table table
    Repeats repeats
    const Facts *facts
    const uint8_t *ports
    const uint8_t *services  # service and kind of message → the service that it is of
    int64_t *malformed  # messages that did not parse, by capture, service and kind
    int64_t service_count
    int64_t many_sources  # several captures are paired together
    int64_t something_else  # clock of the last segment that made a SYN uncertain
    Soon[SOON_ROOM] soon
    uint64_t early_first
    uint64_t early_last
    Early[EARLY_ROOM] early
    Behind[MOST_BEHIND] behind
    int64_t behind_count


cdef struct Given:  # the message at hand
    Message *m
    const int64_t *keys
    uint64_t source  # hashes of its endpoints
    uint64_t destination


cdef inline Given given(Message *m, const int64_t *pool) noexcept nogil:
    """A message and what is looked up by it."""
    return Given(
        m, &pool[m.first_key], endpoint(&m.source, m.source_port), endpoint(&m.destination, m.destination_port)
    )


cdef inline int64_t clock_of(const Message *m) noexcept nogil:
    """The clock of a message that was dated: nanoseconds, never running back."""
    return m.process


cdef inline int role_of(const Given *g) noexcept nogil:
    """The role alone."""
    return <int>(g.m.role % ROLES)


cdef inline int kind_of(const Given *g) noexcept nogil:
    """What kind of message its service calls it."""
    return <int>(g.m.role % QUOTED >> KIND_SHIFT) % KINDS


cdef inline bint is_read(const Given *g) noexcept nogil:
    """Whether its service has read all of a message that it needs."""
    return kind_of(g) > CUT


cdef inline uint8_t service_of(const Pairing *p, const Given *g) noexcept nogil:
    """The service that a message is of, by its kind."""
    return p.services[g.m.service * KINDS + kind_of(g)]


cdef inline const Facts *facts_of(const Pairing *p, const Exchange *e) noexcept nogil:
    """The facts about the service that pairs an exchange."""
    return &p.facts[e.module]


cdef inline const Facts *facts_for(const Pairing *p, const Given *g) noexcept nogil:
    """The facts about a message's service."""
    return &p.facts[g.m.service]


cdef inline bint is_of_service(const Pairing *p, const Exchange *e, const Given *g) noexcept nogil:
    """Whether a message may be of an exchange's service; what could not be read may be of any that shares its port."""
    if e.module != g.m.service:
        return False
    return role_of(g) == MALFORMED or e.service == service_of(p, g)


cdef inline uint64_t client_of(const Exchange *e) noexcept nogil:
    """Hash of the client's endpoint."""
    return endpoint(&e.client, e.client_port)


cdef inline uint64_t wanted_of(const Exchange *e) noexcept nogil:
    """Hash of the endpoint that was asked."""
    return endpoint(&e.wanted, e.wanted_port)


cdef inline bint goes_to_client(const Exchange *e, const Given *g) noexcept nogil:
    """Whether a message goes to the endpoint that asked."""
    return e.client_port == g.m.destination_port and same(&e.client, &g.m.destination)


cdef inline bint comes_from_wanted(const Exchange *e, const Given *g) noexcept nogil:
    """Whether a message comes from the endpoint that was asked."""
    return e.wanted_port == g.m.source_port and same(&e.wanted, &g.m.source)


cdef inline bint repeats_the_way(const Exchange *e, const Given *g) noexcept nogil:
    """Whether a message goes from the endpoint that asked to the one that was asked."""
    return (
        e.client_port == g.m.source_port and e.wanted_port == g.m.destination_port
        and same(&e.client, &g.m.source) and same(&e.wanted, &g.m.destination)
    )


cdef inline bint comes_from_server(const Exchange *e, const Given *g) noexcept nogil:
    """Whether a message comes from who was asked, or from where the first answer came from."""
    return comes_from_wanted(e, g) or (e.server_port == g.m.source_port and same(&e.server, &g.m.source))


cdef inline bint goes_on_to_server(const Exchange *e, const Given *g) noexcept nogil:
    """Whether a message goes from who asked to who was asked, or to where the first answer came from."""
    if e.client_port != g.m.source_port or not same(&e.client, &g.m.source):
        return False
    if e.wanted_port == g.m.destination_port and same(&e.wanted, &g.m.destination):
        return True
    return e.server_port == g.m.destination_port and same(&e.server, &g.m.destination)


cdef inline bint is_on(const Exchange *e, int64_t place) noexcept nogil:
    """Whether the request was seen on this interface."""
    return e.place == place or (0 <= place < MAX_PLACES and e.interfaces >> place & 1)


cdef inline bint is_late(const Pairing *p, const Exchange *e) noexcept nogil:
    """Whether the request's window (that of its last retransmission) is over by now."""
    return not e.flags & CONVERSATION and p.table.now > e.asked + facts_of(p, e).window


cdef inline bint shares_key(const Pairing *p, const Exchange *e, const int64_t *keys, int64_t count) noexcept nogil:
    """Whether an exchange has one of these keys."""
    cdef int64_t place
    if e.keys == 0:
        return False
    cdef uint64_t client = client_of(e), server = ANY_SERVER
    if not e.flags & GROUP and not facts_of(p, e).by_question:
        server = wanted_of(e)
    for place in range(count):
        if has_hash(&p.table, e, key_hash(e.module, client, server, keys[place])):
            return True
    return False


cdef inline Given given_soon(Message *m, const int64_t *pool, const Soon *soon) noexcept nogil:
    """The same, of a message whose hashes are known."""
    return Given(m, &pool[m.first_key], soon.source, soon.destination)


cdef inline uint32_t conversation_between(const Table *t, const Given *g, bint back) noexcept nogil:
    """The open conversation that a message belongs to, `back` to who began it or on from there; NONE for none."""
    cdef uint64_t client = g.destination if back else g.source, server = g.source if back else g.destination
    cdef Walk w = walk(t, conversation_hash(client, server))
    cdef const Exchange *e
    while goes_to_next(t, &w):
        e = at(t, w.exchange)
        if (goes_to_client(e, g) and comes_from_server(e, g)) if back else goes_on_to_server(e, g):
            return w.exchange
    return NONE


cdef inline bint reaches_client(const Exchange *e, const Given *g) noexcept nogil:
    """Whether the endpoint that asked gets to see a message: sent to it, or to a group on its port."""
    return goes_to_client(e, g) or (g.m.to_group and e.client_port == g.m.destination_port)


cdef inline bint is_unreadable(const Given *g) noexcept nogil:
    """Whether a message has no key that could disagree."""
    return g.m.keys == 0 or g.m.role & WEAK or role_of(g) == MALFORMED
