"""Hashes by which open exchanges are found, and the nodes that chain equal ones.

A hash only finds; fields decide. Nodes are doubly linked, so that what ends leaves its chains at once.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t, uint8_t

from capanalyze.core.exchange cimport (
    ANY_CLIENT, ANY_SERVER, BY_CLIENT, BY_CONVERSATION, BY_ENDS, NONE, Exchange, Node, Table, at, has_room, node_at,
)
from capanalyze.core.message cimport Address
from capanalyze.core.octets cimport mix
from capanalyze.core.row cimport CONVERSATION, GROUP, KNOWING


cdef enum:
    MAX_WALK = 256  # exchanges that are looked at for one message


cdef inline uint64_t endpoint(const Address *address, int64_t port) noexcept nogil:
    """Hash of an endpoint."""
    return mix(mix(mix(BY_ENDS, address.low), address.high), <uint64_t>(port + 1))


cdef inline uint64_t key_hash(uint8_t module, uint64_t client, uint64_t server, int64_t key) noexcept nogil:
    """Hash of a match key of requests of a client to a server; ANY_CLIENT and ANY_SERVER stand for whichever."""
    return mix(mix(mix(client, module + 1), server), <uint64_t>key)


cdef inline uint64_t ends_hash(int64_t transport, uint64_t client, uint64_t server) noexcept nogil:
    """Hash of all requests of a client to a server."""
    return mix(mix(client, <uint64_t>transport + BY_ENDS), server)


cdef inline uint64_t conversation_hash(uint64_t client, uint64_t server) noexcept nogil:
    """Hash of a conversation that a client began with a server."""
    return mix(mix(client, BY_CONVERSATION), server)


cdef inline uint64_t client_hash(int64_t transport, const Address *client) noexcept nogil:
    """Hash of all requests of a host, whichever its port."""
    return mix(mix(<uint64_t>transport + BY_CLIENT, client.low), client.high)


# Nodes


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
    w.exchange = node_at(t, w.node).exchange
    w.node = next_node(t, w.node)
    return True


cdef inline void link(Table *t, uint32_t number, uint64_t hash) noexcept nogil:
    """Let an exchange be found by this hash; `has_room` was asked."""
    if t.nodes_taken >= t.node_room:
        return
    cdef uint32_t node = t.free_node
    cdef uint32_t *head = &t.heads[hash & t.mask]
    if node:
        t.free_node = node_at(t, node).sibling
    else:
        t.nodes_used += 1
        node = t.nodes_used
    t.nodes_taken += 1
    node_at(t, node)[0] = Node(hash, number, head[0], NONE, at(t, number).nodes)
    if head[0]:
        node_at(t, head[0]).newer = node
    head[0] = node
    at(t, number).nodes = node


cdef inline void unlink(Table *t, uint32_t number) noexcept nogil:
    """Let nothing find an exchange any more."""
    cdef Exchange *e = at(t, number)
    cdef uint32_t node = e.nodes, sibling
    cdef Node *one
    while node:
        one = node_at(t, node)
        if one.newer:
            node_at(t, one.newer).older = one.older
        else:
            t.heads[one.hash & t.mask] = one.older
        if one.older:
            node_at(t, one.older).newer = one.newer
        sibling = one.sibling
        one.sibling = t.free_node
        t.free_node = node
        t.nodes_taken -= 1
        node = sibling
    if e.nodes:
        count_rare(t, e, -1)
    e.nodes = NONE


cdef inline void count_rare(Table *t, const Exchange *e, int change) noexcept nogil:
    """Keep count of rare kinds of exchanges, so that nobody looks for them in vain."""
    t.conversations += change * (e.flags & CONVERSATION != 0)
    t.to_groups += change * (e.flags & GROUP != 0)
    t.knowing += change * (e.flags & KNOWING != 0)


cdef inline bint has_hash(const Table *t, const Exchange *e, uint64_t hash) noexcept nogil:
    """Whether an exchange is found by this hash."""
    cdef uint32_t node = e.nodes
    while node:
        if node_at(t, node).hash == hash:
            return True
        node = node_at(t, node).sibling
    return False
