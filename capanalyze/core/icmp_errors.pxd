"""ICMP errors: the datagram that one quotes tells which request it rejects. RFC 792, RFC 1122, RFC 4443."""

from libc.stdint cimport uint32_t

from capanalyze.core.connections cimport refuse
from capanalyze.core.exchange cimport NONE, Exchange, Table, at
from capanalyze.core.flows cimport ask
from capanalyze.core.hashes cimport Walk, ends_hash, goes_to_next, walk
from capanalyze.core.message cimport REPLY, Address, is_ipv4, same
from capanalyze.core.opening cimport ident_of
from capanalyze.core.pairing cimport Given, Pairing, facts_for, is_of_service, repeats_the_way, role_of, shares_key
from capanalyze.core.row cimport GROUP, REJECTED, SAID_ICMPV4, SAID_ICMPV6, SAID_MID_FLOW, SILENT

cdef enum:
    OUTBOUND = 2  # a direction that the capture itself tells
    UNREACHABLE = 3  # type of ICMP
    UNREACHABLE_V6 = 1
    FRAGMENTATION_NEEDED = 4  # code of ICMP type 3 that speaks of size, not of refusal


cdef struct Quoted:  # requests that an error may quote
    uint32_t by_ident
    uint32_t silent
    uint32_t latest


cdef inline void reject(Pairing *p, const Given *g) noexcept nogil:
    """An ICMP error rejects the request that it quotes, if the host that was asked sent it."""
    cdef Table *t = &p.table
    cdef int reason = rejection(g)
    if reason == 0 or role_of(g) == REPLY:
        return
    ask_quoted(p, g)
    # Where the quote is too short for a key, the identification tells, else the order.
    cdef Quoted quoted = Quoted(NONE, NONE, NONE)
    cdef Walk w = walk(t, ends_hash(facts_for(p, g).transport, g.source, g.destination))
    while goes_to_next(t, &w):
        note_quoted(p, w.exchange, g, &quoted)
    cdef uint32_t number = quoted.by_ident or quoted.silent or quoted.latest
    if number:
        refuse(p, at(t, number), g, reason)


cdef inline void ask_quoted(Pairing *p, const Given *g) noexcept nogil:
    """What was taken for an answer without its request asked after all, as an error rejects it."""
    cdef Table *t = &p.table
    cdef Exchange *e
    cdef Walk w = walk(t, ends_hash(facts_for(p, g).transport, g.destination, g.source))
    while goes_to_next(t, &w):
        e = at(t, w.exchange)
        if e.request == 0 and e.reason == SAID_MID_FLOW and is_sent_by_host(g, e, &e.client):
            ask(p, w.exchange)
            return


cdef inline void note_quoted(Pairing *p, uint32_t number, const Given *g, Quoted *quoted) noexcept nogil:
    """Keep a request that may be quoted: the latest with the identification, the first in silence, the latest."""
    cdef const Exchange *e = at(&p.table, number)
    if not is_quoted(p, e, g):
        return
    if not quoted.by_ident and g.m.identification > 0 and ident_of(g) in (e.ident, e.last_ident):
        quoted.by_ident = number
    if e.outcome == SILENT:
        quoted.silent = number
    if not quoted.latest:
        quoted.latest = number


cdef inline bint is_quoted(const Pairing *p, const Exchange *e, const Given *g) noexcept nogil:
    """Whether an ICMP error may quote a request of this exchange."""
    if e.outcome not in (SILENT, REJECTED) or e.flags & GROUP or e.request == 0 or not repeats_the_way(e, g):
        return False
    if not is_sent_by_host(g, e, &e.wanted):
        return False
    if e.module != g.m.service:
        return g.m.keys == 0 or e.keys == 0
    return is_of_service(p, e, g) and (g.m.keys == 0 or e.keys == 0 or shares_key(p, e, g.keys, g.m.keys))


cdef inline bint is_sent_by_host(const Given *g, const Exchange *e, const Address *host) noexcept nogil:
    """Whether the host that was asked sent the error, from whichever of its addresses: RFC 1812 section 4.3.2.4."""
    if same(&g.m.sender, host):
        return True
    if e.server_mac < 0 or g.m.source_mac < 0:
        return g.m.direction == OUTBOUND
    return e.server_mac == g.m.source_mac


cdef inline int rejection(const Given *g) noexcept nogil:
    """Why an ICMP error rejects, as a reason; 0 if it does not: type 3 (not code 4) and ICMPv6 type 1 do."""
    cdef int kind = <int>(g.m.detail // 256), code = <int>(g.m.detail % 256)
    if is_ipv4(&g.m.sender):
        return SAID_ICMPV4 + code if kind == UNREACHABLE and code != FRAGMENTATION_NEEDED else 0
    return SAID_ICMPV6 + code if kind == UNREACHABLE_V6 else 0
