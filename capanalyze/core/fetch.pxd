"""What messages will look for is fetched from memory before their turn: open exchanges lie far apart.

Nothing depends on it but speed: it looks only for what most messages look for first.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from capanalyze.core.exchange cimport ANY_CLIENT, ANY_SERVER, Exchange, Table, at
from capanalyze.core.hashes cimport (
    client_hash, conversation_hash, endpoint, ends_hash, exchange_of, key_hash, keyless_hash, node_at,
)
from capanalyze.core.index cimport prefetch, prefetch_all
from capanalyze.core.message cimport FLOW, REQUEST, Message
from capanalyze.core.pairing cimport FETCH_EXCHANGES, FETCH_HEADS, FETCH_NODES, ROLES, SOON_ROOM, Pairing, Soon

cdef inline void fetch_first(
    Pairing *p, const Message *messages, const int64_t *pool, int64_t start, int64_t stop
) noexcept nogil:
    """Before the first message: its like and the next ones."""
    cdef int64_t number
    for number in range(start, min(start + FETCH_HEADS, stop)):
        fetch_heads(p, &messages[number], pool, &p.soon[number % SOON_ROOM])


cdef inline void fetch(
    Pairing *p, const Message *messages, const int64_t *pool, int64_t number, int64_t stop
) noexcept nogil:
    """Before a message's turn: one step for each of some later ones."""
    if number + FETCH_HEADS < stop:
        fetch_heads(p, &messages[number + FETCH_HEADS], pool, &p.soon[(number + FETCH_HEADS) % SOON_ROOM])
    if number + FETCH_NODES < stop:
        fetch_nodes(&p.table, &p.soon[(number + FETCH_NODES) % SOON_ROOM])
    if number + FETCH_EXCHANGES < stop:
        fetch_exchanges(&p.table, &p.soon[(number + FETCH_EXCHANGES) % SOON_ROOM])


cdef inline void fetch_heads(Pairing *p, const Message *m, const int64_t *pool, Soon *soon) noexcept nogil:
    """Where the chains begin that a message will walk, or be added to."""
    cdef int64_t transport = p.facts[m.service].transport
    cdef int role = <int>(m.role % ROLES)
    soon.source = endpoint(&m.source, m.source_port)
    soon.destination = endpoint(&m.destination, m.destination_port)
    soon.answers, soon.count = 0, 0
    if role != REQUEST:
        soon.answers = answers_hash(p, m, pool, soon)
        fetch_head(p, soon, soon.answers)
    if role == FLOW and p.table.conversations:
        fetch_head(p, soon, conversation_hash(soon.destination, soon.source))
        fetch_head(p, soon, conversation_hash(soon.source, soon.destination))
    if role in (REQUEST, FLOW):
        fetch_head(p, soon, ends_hash(transport, soon.source, soon.destination))
        if m.keys:
            fetch_head(p, soon, asks_hash(p, m, pool, soon))
            fetch_head(p, soon, key_hash(<uint8_t>m.service, client_hash(&m.source), ANY_SERVER, pool[m.first_key]))
        else:
            fetch_head(p, soon, keyless_hash(transport, soon.source))
            fetch_head(p, soon, keyless_hash(transport, soon.destination))


cdef inline uint64_t asks_hash(const Pairing *p, const Message *m, const int64_t *pool, const Soon *soon) noexcept nogil:
    """The hash by which requests like a message are found."""
    cdef uint64_t server = ANY_SERVER if p.facts[m.service].by_question else soon.destination
    return key_hash(<uint8_t>m.service, soon.source, server, pool[m.first_key])


cdef inline uint64_t answers_hash(
    const Pairing *p, const Message *m, const int64_t *pool, const Soon *soon
) noexcept nogil:
    """The hash by which a request that a message may answer is found."""
    if m.keys == 0:
        return ends_hash(p.facts[m.service].transport, soon.destination, soon.source)
    if p.facts[m.service].by_question:
        return key_hash(<uint8_t>m.service, ANY_CLIENT, ANY_SERVER, pool[m.first_key])
    return key_hash(<uint8_t>m.service, soon.destination, soon.source, pool[m.first_key])


cdef inline void fetch_head(const Pairing *p, Soon *soon, uint64_t chain) noexcept nogil:
    """Where a chain begins."""
    soon.chains[soon.count] = chain
    soon.count += 1
    prefetch(&p.table.heads[chain & p.table.mask])


cdef inline void fetch_nodes(const Table *t, const Soon *soon) noexcept nogil:
    """The first nodes of these chains."""
    cdef int place
    for place in range(soon.count):
        prefetch(node_at(t, t.heads[soon.chains[place] & t.mask]))


cdef inline void fetch_exchanges(const Table *t, const Soon *soon) noexcept nogil:
    """The exchange that a message may answer."""
    if soon.answers:
        prefetch_all(at(t, exchange_of(t, t.heads[soon.answers & t.mask])), sizeof(Exchange))
