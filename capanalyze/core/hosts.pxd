"""Where clients are, by all that is known of a host: how many answered requests of each a cell has.

One host is never both near and far: its requests are counted by where the nearest of them came from, once all is read.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from capanalyze.core.cells cimport cell_at, taken
from capanalyze.core.index cimport checked_place, mix_address
from capanalyze.core.neighbours cimport Neighbour, Neighbours, is_neighbour, knows
from capanalyze.core.octets cimport mix
from capanalyze.core.reach cimport NEAR, ON_LINK, Reach, reach_of
from capanalyze.core.sums cimport Host, Origin, Row, Sums


cdef inline Host *host_at(const Sums *s, uint32_t number) noexcept nogil:
    """The host with a number."""
    return &s.hosts[checked_place(number, s.host.room)]


cdef inline uint32_t *head_of_host(const Sums *s, const Neighbour *who) noexcept nogil:
    """Where the index leads to a host, or would."""
    cdef uint64_t place = mix_address(mix(0, <uint64_t>who.mac), &who.address)
    while s.host_heads[place & s.host_mask] and not is_neighbour(&host_at(s, s.host_heads[place & s.host_mask]).who, who):
        place += 1
    return &s.host_heads[place & s.host_mask]


cdef inline uint32_t *head_of_origin(const Sums *s, uint32_t cell, uint32_t host) noexcept nogil:
    """Where the index leads to the requests of a host in a cell, or would."""
    cdef uint64_t place = mix(<uint64_t>cell << 32 | host, 0)
    cdef const Origin *one
    while s.origin_heads[place & s.origin_mask]:
        one = &s.origins[checked_place(s.origin_heads[place & s.origin_mask], s.origin.room)]
        if one.cell == cell and one.host == host:
            break
        place += 1
    return &s.origin_heads[place & s.origin_mask]


cdef inline void note_host(Sums *s, uint32_t cell, Row row, bint replied) noexcept nogil:
    """Note from where a request came; count it in its cell where it was answered.

    One without an answer only shows that its host is near, and takes no more than half of the room.
    """
    cdef Reach reach = reach_of(row.wide, row.narrow)
    if not replied and reach > NEAR:
        return
    cdef uint32_t number = find_host(s, row, reach, s.host.room if replied else s.host.room // 2)
    if replied:
        count_origin(s, cell, number, reach)


cdef inline uint32_t find_host(Sums *s, Row row, Reach reach, int64_t room) noexcept nogil:
    """The client of a row, a new one where there is room; 0 where there is none. It is as near as it was ever seen."""
    cdef Neighbour who = Neighbour(row.wide.mac, row.wide.client)
    cdef uint32_t *head = head_of_host(s, &who)
    if head[0] == 0 and s.host.used < room:
        head[0] = taken(&s.host)
        host_at(s, head[0])[0] = Host(who, reach)
    if head[0]:
        host_at(s, head[0]).reach = min(host_at(s, head[0]).reach, <int>reach)
    return head[0]


cdef inline void count_origin(Sums *s, uint32_t cell, uint32_t host, Reach reach) noexcept nogil:
    """Count an answered request of a host, by where the host is once that is known."""
    cdef uint32_t *head
    if reach == ON_LINK:
        cell_at(s, cell).reached[<int>ON_LINK] += 1
        return
    head = head_of_origin(s, cell, host)
    if host and head[0] == 0 and s.origin.used < s.origin.room:
        head[0] = taken(&s.origin)
        s.origins[checked_place(head[0], s.origin.room)] = Origin(cell, host, 0)
    if host and head[0]:
        s.origins[checked_place(head[0], s.origin.room)].number += 1
    else:
        s.untold += 1


cdef inline void bring_near(Sums *s, const Neighbours *shown) noexcept nogil:
    """Bring hosts onto the link that frames showed there."""
    cdef uint32_t number
    for number in range(1, <uint32_t>s.host.used):
        if knows(shown, &host_at(s, number).who):
            host_at(s, number).reach = ON_LINK


cdef inline void settle_reach(Sums *s, bint all_shown) noexcept nogil:
    """Count what hosts asked by where they are: nothing of those far away unless all are known that are on the link."""
    cdef uint32_t number
    cdef Origin *one
    cdef int reach
    for number in range(1, <uint32_t>s.origin.used):
        one = &s.origins[number]
        reach = host_at(s, one.host).reach
        if reach <= NEAR or all_shown:
            cell_at(s, one.cell).reached[reach] += one.number
        else:
            s.untold += one.number
