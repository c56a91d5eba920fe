"""Hashes by which open exchanges are found, and the nodes that chain equal ones.

A hash only finds; fields decide. Nodes are doubly linked, so that what ends leaves its chains at once.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t, uint8_t

from capanalyze.core.exchange cimport (
    ANY_CLIENT, ANY_SERVER, BY_CLIENT, BY_CONVERSATION, BY_ENDS, NONE, Exchange, OWN_BITS, OWN_NODES, Node, Spare,
    Table, at, spare_at,
)
from capanalyze.core.message cimport Address
from capanalyze.core.octets cimport mix
from capanalyze.core.row cimport CONVERSATION, GROUP, KNOWING


cdef extern from *:  # odd numbers of 64 bits, of no meaning
    """
    #define CORE_SPREAD 0xD6E8FEB86659FD93ULL
    #define CORE_SPREAD_HIGH 0xCF1BBCDCB7A56463ULL
    """
    uint64_t SPREAD "CORE_SPREAD"
    uint64_t SPREAD_HIGH "CORE_SPREAD_HIGH"


cdef enum:
    MAX_WALK = 256  # exchanges that are looked at for one message


cdef inline uint64_t endpoint(const Address *address, int64_t port) noexcept nogil:
    """Hash of an endpoint."""
    return host_hash(BY_ENDS + <uint64_t>port, address)


cdef inline uint64_t host_hash(uint64_t salt, const Address *address) noexcept nogil:
    """Hash of a host, different for each salt."""
    return mix(salt * SPREAD + address.high * SPREAD_HIGH, address.low)


cdef inline uint64_t key_hash(uint8_t module, uint64_t client, uint64_t server, int64_t key) noexcept nogil:
    """Hash of a match key of requests of a client to a server; ANY_CLIENT and ANY_SERVER stand for whichever."""
    return mix(mix(client + (module + 1) * SPREAD, server), <uint64_t>key)


cdef inline uint64_t ends_hash(int64_t transport, uint64_t client, uint64_t server) noexcept nogil:
    """Hash of all requests of a client to a server."""
    return mix(client + <uint64_t>(transport + BY_ENDS) * SPREAD, server)


cdef inline uint64_t conversation_hash(uint64_t client, uint64_t server) noexcept nogil:
    """Hash of a conversation that a client began with a server."""
    return mix(client + BY_CONVERSATION * SPREAD, server)


cdef inline uint64_t client_hash(const Address *client) noexcept nogil:
    """Hash of a client, whichever its port."""
    return host_hash(BY_CLIENT, client)


cdef inline uint64_t keyless_hash(int64_t transport, uint64_t client) noexcept nogil:
    """Hash of all requests of a client that have no key."""
    return mix(client + <uint64_t>(transport + BY_CLIENT) * SPREAD, ANY_SERVER)


# Nodes: the first few of an exchange are its own, further ones are spare. Both are numbered in one series.


cdef inline Node *node_at(const Table *t, uint32_t node) noexcept nogil:
    """A node."""
    if node < t.first_spare:
        return &at(t, node >> OWN_BITS).own[min(node & (1 << OWN_BITS) - 1, <uint32_t>OWN_NODES - 1)]
    return &spare_at(t, node - t.first_spare).node


cdef inline uint32_t exchange_of(const Table *t, uint32_t node) noexcept nogil:
    """The exchange that a node leads to."""
    return node >> OWN_BITS if node < t.first_spare else spare_at(t, node - t.first_spare).exchange


cdef inline uint32_t node_with(const Table *t, uint32_t node, uint64_t hash) noexcept nogil:
    """The latest node with this hash, from `node` on."""
    while node and node_at(t, node).hash != hash:
        node = node_at(t, node).older
    return node


cdef inline uint32_t first_node(const Table *t, uint64_t hash) noexcept nogil:
    """The latest node with this hash."""
    return node_with(t, t.heads[hash & t.mask], hash)


cdef inline uint32_t next_node(const Table *t, uint32_t node) noexcept nogil:
    """The next older node with the hash of this one."""
    return node_with(t, node_at(t, node).older, node_at(t, node).hash)


cdef struct Walk:  # through the exchanges that one hash finds, the latest first
    uint32_t exchange
    uint32_t node  # of the next one
    uint32_t left  # exchanges that may still be looked at


cdef inline Walk walk(const Table *t, uint64_t hash) noexcept nogil:
    """Before the first exchange with this hash."""
    return Walk(NONE, first_node(t, hash), MAX_WALK)


cdef inline Walk walk_all(const Table *t, uint64_t hash) noexcept nogil:
    """The same, however many there are."""
    return Walk(NONE, first_node(t, hash), 0xFFFFFFFFU)


cdef inline bint goes_to_next(const Table *t, Walk *w) noexcept nogil:
    """Go to the next exchange, if there is one. The one before may leave its chains meanwhile."""
    if w.node == NONE or w.left == 0:
        return False
    w.left -= 1
    w.exchange = exchange_of(t, w.node)
    w.node = next_node(t, w.node)
    return True


cdef inline void link(Table *t, uint32_t number, uint64_t hash) noexcept nogil:
    """Let an exchange be found by this hash; `has_room` was asked."""
    cdef Exchange *e = at(t, number)
    if e.held < OWN_NODES:
        put_first(t, number << OWN_BITS | e.held, &e.own[e.held], hash)
        e.held += 1
    elif t.spares_taken < t.spare_room:
        e.spares = new_spare(t, number, e.spares)
        put_first(t, t.first_spare + e.spares, &spare_at(t, e.spares).node, hash)


cdef inline void put_first(Table *t, uint32_t number, Node *node, uint64_t hash) noexcept nogil:
    """Put a node at the beginning of its chain."""
    cdef uint32_t *head = &t.heads[hash & t.mask]
    node.hash, node.older, node.newer = hash, head[0], NONE
    if head[0]:
        node_at(t, head[0]).newer = number
    head[0] = number


cdef inline uint32_t new_spare(Table *t, uint32_t number, uint32_t sibling) noexcept nogil:
    """A spare node of an exchange."""
    cdef uint32_t spare = t.free_spare
    if spare:
        t.free_spare = spare_at(t, spare).sibling
    else:
        t.spares_used += 1
        spare = t.spares_used
    t.spares_taken += 1
    spare_at(t, spare).exchange, spare_at(t, spare).sibling = number, sibling
    return spare


cdef inline void unlink(Table *t, uint32_t number) noexcept nogil:
    """Let nothing find an exchange any more."""
    cdef Exchange *e = at(t, number)
    cdef uint32_t spare = e.spares, sibling
    cdef int place
    if e.held:
        count_rare(t, e, -1)
    for place in range(e.held):
        take_out(t, &e.own[place])
    e.held = 0
    while spare:
        take_out(t, &spare_at(t, spare).node)
        sibling = spare_at(t, spare).sibling
        spare_at(t, spare).sibling = t.free_spare
        t.free_spare = spare
        t.spares_taken -= 1
        spare = sibling
    e.spares = NONE


cdef inline void take_out(Table *t, const Node *node) noexcept nogil:
    """Take a node out of its chain."""
    if node.newer:
        node_at(t, node.newer).older = node.older
    else:
        t.heads[node.hash & t.mask] = node.older
    if node.older:
        node_at(t, node.older).newer = node.newer


cdef inline void count_rare(Table *t, const Exchange *e, int change) noexcept nogil:
    """Keep count of rare kinds of exchanges, so that nobody looks for them in vain."""
    t.conversations += change * (e.flags & CONVERSATION != 0)
    t.to_groups += change * (e.flags & GROUP != 0)
    t.knowing += change * (e.flags & KNOWING != 0)


cdef inline bint has_hash(const Table *t, const Exchange *e, uint64_t hash) noexcept nogil:
    """Whether an exchange is found by this hash."""
    cdef uint32_t spare = e.spares
    cdef int place
    for place in range(e.held):
        if e.own[place].hash == hash:
            return True
    while spare:
        if spare_at(t, spare).node.hash == hash:
            return True
        spare = spare_at(t, spare).sibling
    return False
