"""TCP: what comes back to a SYN, and whether an accepted connection is taken back. RFC 9293."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uint8_t

from capanalyze.core.answers cimport round_trip
from capanalyze.core.exchange cimport NONE, SECOND, Exchange, Table, add_reply_frame, at
from capanalyze.core.expiry cimport wait, wait_anew
from capanalyze.core.hashes cimport Walk, ends_hash, goes_to_next, walk
from capanalyze.core.message cimport ACKNOWLEDGES, SPOKE
from capanalyze.core.pairing cimport (
    STREAM_TRANSPORT, TCP_TRANSPORT, Given, Pairing, comes_from_wanted, goes_to_client, is_late, kind_of,
    repeats_the_way, role_of, shares_key,
)
from capanalyze.core.row cimport (
    ANSWERED, INDETERMINATE, REJECTED, REPLIED, SAID_ACCEPTED_THEN_CLOSED, SAID_ACCEPTED_THEN_RESET, SAID_RESET,
    SAID_SOMETHING_ELSE, SILENT, SPOKEN,
)
from capanalyze.core.services cimport TCP_SERVICE
from capanalyze.core.streams cimport DNS_PORT

cdef enum:
    CLOSE = 6  # kind
    SOON_CLOSED = 1  # seconds after the accept: servers wait longer for a client that says nothing


cdef inline uint32_t reset(Pairing *p, const Given *g) noexcept nogil:
    """A RST answers a SYN, takes back a connection that nobody has used, or ends one."""
    cdef Table *t = &p.table
    cdef Walk w = walk(t, ends_hash(TCP_TRANSPORT, g.destination, g.source))
    cdef Exchange *e
    if g.m.source_port == DNS_PORT:
        break_off(p, g)
    while goes_to_next(t, &w):
        e = at(t, w.exchange)
        if not goes_to_client(e, g) or not comes_from_wanted(e, g):
            continue
        if not e.flags & ANSWERED and (g.m.keys == 0 or shares_key(p, e, g.keys, g.m.keys)):
            e.flags |= ANSWERED
            refuse(p, e, g, SAID_RESET)
            return w.exchange
        if e.flags & ANSWERED and not e.flags & SPOKEN and e.outcome == REPLIED:
            e.flags |= SPOKEN
            refuse(p, e, g, SAID_ACCEPTED_THEN_RESET)
            return w.exchange
    return spoke(p, g)


cdef inline void break_off(Pairing *p, const Given *g) noexcept nogil:
    """What was asked in a connection, and not answered, a RST rejects."""
    cdef Table *t = &p.table
    cdef Walk w = walk(t, ends_hash(STREAM_TRANSPORT, g.destination, g.source))
    cdef Exchange *e
    while goes_to_next(t, &w):
        e = at(t, w.exchange)
        if e.outcome == SILENT and e.request and goes_to_client(e, g) and comes_from_wanted(e, g):
            refuse(p, e, g, SAID_RESET)


cdef inline uint32_t spoke(Pairing *p, const Given *g) noexcept nogil:
    """Another segment of a connection: data or a close use it, and any of the server's answers a SYN somehow."""
    cdef Table *t = &p.table
    if role_of(g) != ACKNOWLEDGES:
        use(p, g, ends_hash(TCP_TRANSPORT, g.source, g.destination), False)
        use(p, g, ends_hash(TCP_TRANSPORT, g.destination, g.source), True)
    return something_else(p, g)


cdef inline void use(Pairing *p, const Given *g, uint64_t wanted, bint by_server) noexcept nogil:
    """The accepted connections with this hash are used, by the side that was asked or by the other one."""
    cdef Table *t = &p.table
    cdef Walk w = walk(t, wanted)
    cdef Exchange *e
    while goes_to_next(t, &w):
        e = at(t, w.exchange)
        if not e.flags & ANSWERED:
            continue
        if not ((goes_to_client(e, g) and comes_from_wanted(e, g)) if by_server else repeats_the_way(e, g)):
            continue
        if by_server:
            hear(p, e, g)
        if not e.flags & SPOKEN:
            e.flags |= SPOKEN
            wait_anew(t, w.exchange, <uint8_t>p.facts[TCP_SERVICE].window_wait)


cdef inline void hear(Pairing *p, Exchange *e, const Given *g) noexcept nogil:
    """The server's first words are the reply's payload; a close soon, before anybody's first, takes the accept back."""
    if role_of(g) == SPOKE and kind_of(g) != CLOSE:
        if e.reply_at < 0:
            e.reply_at, e.reply_frame, e.reply_captured = g.m.payload, g.m.frame, <int32_t>g.m.captured
    elif role_of(g) == SPOKE and not e.flags & SPOKEN:
        if p.table.now - e.clock - e.rtt <= SOON_CLOSED * <int64_t>SECOND:
            refuse(p, e, g, SAID_ACCEPTED_THEN_CLOSED)


cdef inline uint32_t something_else(Pairing *p, const Given *g) noexcept nogil:
    """A segment back that neither accepts nor refuses a SYN (RFC 5961 section 4.2): something answered."""
    cdef Table *t = &p.table
    cdef Walk w = walk(t, ends_hash(TCP_TRANSPORT, g.destination, g.source))
    cdef Exchange *e
    while goes_to_next(t, &w):
        e = at(t, w.exchange)
        if e.outcome == SILENT and goes_to_client(e, g) and comes_from_wanted(e, g) and not is_late(p, e):
            e.outcome, e.reason = INDETERMINATE, SAID_SOMETHING_ELSE
            e.rtt = round_trip(e, g.m)
            add_reply_frame(t, e, g.m.frame)
            return w.exchange
    return NONE


cdef inline void refuse(Pairing *p, Exchange *e, const Given *g, int reason) noexcept nogil:
    """Add a frame that rejects: a RST, or an ICMP error."""
    if e.outcome != REJECTED:
        e.rtt = round_trip(e, g.m)
    e.outcome, e.reason = REJECTED, reason
    add_reply_frame(&p.table, e, g.m.frame)
