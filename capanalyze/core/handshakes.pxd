"""TCP handshakes and their times: how long the server took to answer, and the client to acknowledge."""

from libc.stdint cimport int64_t, uint64_t

from capanalyze.core.dating cimport clock_of
from capanalyze.core.index cimport checked_place
from capanalyze.core.message cimport ACKNOWLEDGES, REPLY, REQUEST, RESET, SPOKE, Address, Message, same
from capanalyze.core.octets cimport mix
from capanalyze.core.relation cimport Relation, keep, note
from capanalyze.core.services cimport TCP_SERVICE

cdef enum:
    OPEN_AT_ONCE = 4096  # a further one takes the place of another
    DONE_AT_MOST = 4096
    COLUMNS_OF_HANDSHAKE = 7  # client, server, interface, nanoseconds to the answer and from there to its acknowledgment
    KIND_BITS = 15  # of `Message.role`: the role alone

cdef enum Stage:
    FREE
    ASKED  # a SYN was seen
    ANSWERED  # and the SYN/ACK
    OVER  # it is done, or one of its segments was seen again: nobody can tell then what answers what


cdef struct Handshake:
    Address client
    Address server
    int64_t client_port
    int64_t server_port
    int64_t asked  # when
    int64_t answered
    int64_t frame  # of the answer
    Stage stage


cdef struct Open:
    Handshake *handshakes


cdef inline void note_segment(Open *open, Relation *done, const Message *m) noexcept nogil:
    """Take in a segment, if it is one."""
    if m.service != TCP_SERVICE or m.tunnels or m.sender.high or m.sender.low:
        return
    cdef int64_t role = m.role & KIND_BITS
    if role == REQUEST:
        begin(place_of(open, &m.source, m.source_port, &m.destination, m.destination_port), m)
    elif role == REPLY:
        answer(place_of(open, &m.destination, m.destination_port, &m.source, m.source_port), m)
    elif role in (ACKNOWLEDGES, SPOKE, RESET):
        acknowledge(place_of(open, &m.source, m.source_port, &m.destination, m.destination_port), done, m)


cdef inline Handshake *place_of(
    Open *open, const Address *client, int64_t client_port, const Address *server, int64_t server_port
) noexcept nogil:
    """Where the handshake of some endpoints has its place, others with the same hash too."""
    cdef uint64_t key = mix(mix(client_port << 16 ^ server_port, client.low ^ client.high), server.low ^ server.high)
    return &open.handshakes[checked_place(key % OPEN_AT_ONCE, OPEN_AT_ONCE)]


cdef inline bint is_of(const Handshake *h, const Address *client, int64_t client_port, const Address *server,
                       int64_t server_port) noexcept nogil:
    """Whether it has these endpoints."""
    return (
        h.stage != FREE and h.client_port == client_port and h.server_port == server_port
        and same(&h.client, client) and same(&h.server, server)
    )


cdef inline void begin(Handshake *h, const Message *m) noexcept nogil:
    """A SYN; a second one before the answer spoils it."""
    if is_of(h, &m.source, m.source_port, &m.destination, m.destination_port) and h.stage in (ASKED, ANSWERED):
        h.stage = OVER
        return
    h[0] = Handshake(
        m.source, m.destination, m.source_port, m.destination_port, clock_of(m), clock_of(m), m.frame, ASKED
    )


cdef inline void answer(Handshake *h, const Message *m) noexcept nogil:
    """A SYN/ACK; a second one spoils it."""
    if not is_of(h, &m.destination, m.destination_port, &m.source, m.source_port):
        return
    h.stage = ANSWERED if h.stage == ASKED else OVER
    h.answered, h.frame = clock_of(m), m.frame


cdef inline void acknowledge(Handshake *h, Relation *done, const Message *m) noexcept nogil:
    """What the client sends next completes it."""
    cdef int64_t[COLUMNS_OF_HANDSHAKE] found
    if not is_of(h, &m.source, m.source_port, &m.destination, m.destination_port) or h.stage != ANSWERED:
        return
    h.stage = OVER
    found[0], found[1] = h.client.high, h.client.low
    found[2], found[3] = h.server.high, h.server.low
    found[4] = m.interface
    found[5], found[6] = h.answered - h.asked, clock_of(m) - h.answered
    keep(done, note(done, found, 1), h.frame)
