"""The same datagram seen once more, and the later pieces of a fragmented one: neither is a message of its own."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from capanalyze.core.exchange cimport (
    FREE, GONE, MILLISECOND, SECOND, Exchange, Table, add_reply_frame, add_request, at, see_again,
)
from capanalyze.core.message cimport Message
from capanalyze.core.octets cimport mix
from capanalyze.core.row cimport CAPTURE_SHIFT

cdef enum:
    TCP = 6  # IP protocol; it has a sequence number where it has no payload
    SIGHTS = 1024  # datagrams of the last millisecond that are kept in mind
    FRAGMENTED_ROOM = 1024  # first fragments
    MAX_ALIKE = 64  # datagrams of a millisecond that differ in their payload alone
    FRAGMENT_WAIT = 30  # seconds; RFC 791 section 3.2: reassembly gives up after a while

cdef enum:  # which list of an exchange a frame joined
    NO_LIST
    REQUEST_LIST
    REPLY_LIST


cdef struct Joined:  # a list of frames, for as long as its exchange is in the table
    uint32_t exchange
    uint32_t generation
    uint32_t which


cdef struct Sight:
    uint64_t identity
    uint64_t source  # hashes of its endpoints
    uint64_t destination
    int64_t clock
    int64_t frame
    int64_t digest
    int64_t size
    int64_t identification
    int64_t protocol
    int64_t interface
    int64_t direction
    int64_t source_mac
    int64_t destination_mac
    int64_t ttl
    int64_t tags
    int64_t is_cut
    Joined joined
    uint32_t older


cdef struct Fragmented:
    uint64_t identity
    int64_t clock
    int64_t capture
    Joined joined


cdef struct Repeats:
    uint64_t sights_seen
    int64_t interface  # of the latest sight
    int64_t changed  # clock of the latest that was on another interface than the one before
    Sight[SIGHTS] sights
    uint64_t[SIGHTS] heads  # identity → the number of its latest sight, from 1
    Fragmented[FRAGMENTED_ROOM] fragmented
    const int64_t *sources  # capture → source: pieces of a rotated capture are one
    int64_t captures
    int64_t same_first  # the same packet in two captures: its frames, 0 for none
    int64_t same_second


cdef inline Joined joined_to(const Table *t, uint32_t number, uint32_t which) noexcept nogil:
    """A list of an exchange."""
    return Joined(number, at(t, number).generation, which)


cdef inline bint is_there(const Table *t, const Joined *joined) noexcept nogil:
    """Whether the exchange of a list is in the table."""
    cdef const Exchange *e = at(t, joined.exchange)
    return joined.which != NO_LIST and e.state not in (FREE, GONE) and e.generation == joined.generation


cdef inline void add_frame(Table *t, const Joined *joined, int64_t frame) noexcept nogil:
    """Append a frame to a list, if its exchange is still there."""
    cdef Exchange *e = at(t, joined.exchange)
    if not is_there(t, joined):
        return
    if joined.which == REQUEST_LIST:
        add_request(t, e, frame)
    else:
        add_reply_frame(t, e, frame)
        see_again(e)


cdef inline int64_t source_of(const Repeats *r, int64_t frame) noexcept nogil:
    """The source that a frame is of."""
    cdef int64_t capture = frame >> CAPTURE_SHIFT
    return r.sources[capture] if 0 <= capture < r.captures else 0


cdef inline uint64_t identity(const Message *m, uint64_t source, uint64_t destination) noexcept nogil:
    """Hash of what is equal in copies, but for the payload; from the hashes of its endpoints."""
    cdef uint64_t packet = <uint64_t>m.size << 40 ^ <uint64_t>m.identification << 8 ^ <uint64_t>m.protocol
    return mix(mix(source, destination), packet)


cdef inline Sight *sight_at(Repeats *r, uint64_t number) noexcept nogil:
    """A sight by its number."""
    return &r.sights[number & SIGHTS - 1]


cdef inline bint is_kept(const Repeats *r, uint64_t number) noexcept nogil:
    """Whether a sight is still kept in mind."""
    return number != 0 and number + SIGHTS > r.sights_seen


cdef inline Sight *copied(Repeats *r, const Message *m, uint64_t same, int64_t now) noexcept nogil:
    """The sight of the last millisecond that a message is a copy of; NULL for none. `same` is its identity."""
    cdef uint64_t number = r.heads[same & SIGHTS - 1]
    cdef Sight *sight
    for _ in range(MAX_ALIKE):
        if not is_kept(r, number):
            break
        sight = sight_at(r, number)
        if now - sight.clock > MILLISECOND:
            break
        if sight.identity == same and is_elsewhere(sight, m) and holds_the_same(sight, m):
            return sight
        if sight.older == 0:
            break
        number -= sight.older
    return NULL


cdef inline bint is_elsewhere(const Sight *sight, const Message *m) noexcept nogil:
    """Whether two sights are of one datagram on its way: else the sender sent two that are equal."""
    return (
        sight.interface != m.interface or sight.direction != m.direction or sight.source_mac != m.source_mac
        or sight.destination_mac != m.destination_mac or sight.ttl == m.ttl + 1 or sight.tags != m.tags
        or sight.frame >> CAPTURE_SHIFT != m.frame >> CAPTURE_SHIFT
    )


cdef inline Sight *translated(
    Repeats *r, const Message *m, uint64_t source, uint64_t destination, int64_t now
) noexcept nogil:
    """The sight of the last millisecond that shows a message before its translation; NULL for none.

    There may be one only where the last millisecond has sights of several interfaces.
    """
    cdef uint64_t number
    cdef Sight *sight
    if m.interface == r.interface and now - r.changed > MILLISECOND:
        return NULL
    if m.to_group or (m.size <= 0 and m.protocol != TCP):
        return NULL
    for number in range(r.sights_seen, max(r.sights_seen, MAX_ALIKE) - MAX_ALIKE, -1):
        sight = sight_at(r, number)
        if now - sight.clock > MILLISECOND:
            return NULL
        if sight.digest != m.digest or sight.interface == m.interface or sight.identification != m.identification:
            continue
        if sight.size != m.size or sight.protocol != m.protocol or not is_forwarded(sight, m):
            continue
        if (sight.source == source) == (sight.destination == destination):
            continue
        if source_of(r, sight.frame) == source_of(r, m.frame):
            return sight
    return NULL


cdef inline bint is_forwarded(const Sight *sight, const Message *m) noexcept nogil:
    """Whether a host passed a datagram on between two sights: else it was sent twice, to two addresses."""
    if sight.ttl == m.ttl + 1 or sight.direction != m.direction:
        return True
    return sight.source_mac != m.source_mac and sight.source_mac >= 0 and m.source_mac >= 0


cdef inline bint holds_the_same(const Sight *sight, const Message *m) noexcept nogil:
    """Whether the payload is equal, as far as both sights have it: one interface may have captured less."""
    if sight.digest == m.digest:
        return True
    return m.identification > 0 and (sight.is_cut or m.captured < m.size)


cdef inline bint is_copy(Table *t, Repeats *r, const Message *m, uint64_t same) noexcept nogil:
    """Whether this datagram was seen before; its frame then joins that of the first sight."""
    cdef Sight *sight = copied(r, m, same, t.now)
    if sight == NULL:
        return False
    if source_of(r, sight.frame) == source_of(r, m.frame):
        add_frame(t, &sight.joined, m.frame)
    elif not m.to_group and sight.ttl == m.ttl:  # else a host forwarded it
        note_same(r, sight.frame, m.frame)
    return True


cdef inline void note_same(Repeats *r, int64_t first, int64_t second) noexcept nogil:
    """Two captures hold the same packet; the first two frames that show it are kept."""
    if r.same_first == 0:
        r.same_first, r.same_second = first, second


cdef inline void remember(
    Repeats *r, const Message *m, uint64_t source, uint64_t destination, uint64_t same, int64_t now, Joined joined
) noexcept nogil:
    """Keep a datagram in mind, and the list that its frame joined."""
    if m.interface != r.interface:
        r.interface, r.changed = m.interface, now
    r.sights_seen += 1
    cdef uint64_t number = r.sights_seen, older = r.heads[same & SIGHTS - 1]
    sight_at(r, number)[0] = Sight(
        identity=same, source=source, destination=destination, clock=now, frame=m.frame, digest=m.digest, size=m.size,
        identification=m.identification, protocol=m.protocol, interface=m.interface, direction=m.direction,
        source_mac=m.source_mac, destination_mac=m.destination_mac, ttl=m.ttl, tags=m.tags, is_cut=m.captured < m.size,
        joined=joined, older=<uint32_t>(number - older) if is_kept(r, older) else 0,
    )
    r.heads[same & SIGHTS - 1] = number
    if m.fragmented and joined.which != NO_LIST:
        remember_first(r, m, now, joined)


cdef inline uint64_t datagram(const Message *m) noexcept nogil:
    """Hash of what the pieces of a datagram have in common."""
    cdef uint64_t hosts = mix(mix(mix(2, m.source.low), m.source.high), m.destination.low)
    return mix(mix(hosts, m.destination.high), <uint64_t>(m.identification + 1))


cdef inline void remember_first(Repeats *r, const Message *m, int64_t now, Joined joined) noexcept nogil:
    """Keep a first fragment in mind, and the list that its frame joined."""
    cdef uint64_t wanted = datagram(m)
    r.fragmented[wanted & FRAGMENTED_ROOM - 1] = Fragmented(wanted, now, m.frame >> CAPTURE_SHIFT, joined)


cdef inline void join_first(Table *t, const Repeats *r, const Message *m) noexcept nogil:
    """Add a later fragment's frame to those of its first."""
    cdef uint64_t wanted = datagram(m)
    cdef const Fragmented *first = &r.fragmented[wanted & FRAGMENTED_ROOM - 1]
    if first.identity != wanted or first.capture != m.frame >> CAPTURE_SHIFT:
        return
    if t.now - first.clock <= FRAGMENT_WAIT * <int64_t>SECOND:
        add_frame(t, &first.joined, m.frame)
