"""What messages will look for is fetched from memory before their turn: open exchanges lie far apart.

Nothing depends on it but speed: it looks only for what most messages look for first.
"""

from libc.stdint cimport int64_t, uint8_t

from capanalyze.core.exchange cimport ANY_CLIENT, ANY_SERVER, Exchange, Table, at
from capanalyze.core.hashes cimport endpoint, ends_hash, exchange_of, key_hash, node_at
from capanalyze.core.index cimport prefetch, prefetch_all
from capanalyze.core.message cimport Message
from capanalyze.core.pairing cimport FETCH_EXCHANGES, FETCH_HEADS, FETCH_NODES, SOON_ROOM, Pairing, Soon

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
    """Where the chains begin that a message will walk."""
    cdef Table *t = &p.table
    cdef uint8_t module = <uint8_t>m.service
    soon.source = endpoint(&m.source, m.source_port)
    soon.destination = endpoint(&m.destination, m.destination_port)
    if m.keys == 0:
        soon.asks = ends_hash(p.facts[module].transport, soon.source, soon.destination)
        soon.answers = ends_hash(p.facts[module].transport, soon.destination, soon.source)
    elif p.facts[module].by_question:
        soon.asks = key_hash(module, soon.source, ANY_SERVER, pool[m.first_key])
        soon.answers = key_hash(module, ANY_CLIENT, ANY_SERVER, pool[m.first_key])
    else:
        soon.asks = key_hash(module, soon.source, soon.destination, pool[m.first_key])
        soon.answers = key_hash(module, soon.destination, soon.source, pool[m.first_key])
    prefetch(&t.heads[soon.asks & t.mask])
    prefetch(&t.heads[soon.answers & t.mask])


cdef inline void fetch_nodes(const Table *t, const Soon *soon) noexcept nogil:
    """The first nodes of these chains."""
    prefetch(node_at(t, t.heads[soon.asks & t.mask]))
    prefetch(node_at(t, t.heads[soon.answers & t.mask]))


cdef inline void fetch_exchanges(const Table *t, const Soon *soon) noexcept nogil:
    """The exchange of the first node."""
    prefetch_all(at(t, exchange_of(t, t.heads[soon.answers & t.mask])), sizeof(Exchange))
