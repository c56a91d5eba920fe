"""The table of open exchanges: slabs with free lists, found by hashes, in order of their beginning and of their ends.

A hash only finds; fields decide. What ends leaves its chains at once, so that a chain holds only what may still be
looked for. Exchanges that end after the same wait stand in one queue, in order of their ends; all stand in the order in
which they began, and leave the table in that order. Place 0 of every slab is nobody's: a number beyond the room leads
there, or with -DCORE_CHECKED stops the program.
"""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memset

from capanalyze.core.message cimport Address
from capanalyze.core.row cimport CAPTURE_SHIFT, Link, Narrow, Wide

cdef enum:
    NONE = 0  # no exchange, no node, no link
    MAX_WAITS = 16  # different lengths of waiting
    KINDS = 16  # kinds of message that are told apart
    MOST_OPEN = 1 << 28  # the nodes of all can still be numbered
    MOST_AT_ONCE = 300  # exchanges that one message can begin at most
    SPARES_AT_ONCE = 900
    MOVES_AT_ONCE = 50
    OWN_NODES = 4  # of an exchange; a request with a key needs three
    OWN_BITS = 2  # of the number of a node that is an exchange's own: which of them it is

cdef enum:
    MILLISECOND = 1000000
    SECOND = 1000000000

cdef enum:
    LONG = 64  # seconds: more than any wait
    LINGER = 1  # seconds that an exchange stays behind its end, for copies and fragments of its last frame

cdef enum:  # waits that every table has; those of the services follow
    EARLY_WAIT  # a reply whose request may follow in the file
    IDLE_WAIT  # a conversation
    ESTABLISHED_WAIT  # a connection that may still be taken back

cdef enum:  # states
    FREE
    OPEN
    ENDED
    GONE  # it turned out to be none

cdef enum:  # salts of hashes
    BY_ENDS = 0x51E4C3B7
    BY_CLIENT = 0x2C9B7E41
    BY_CONVERSATION = 0x3D5A9F13
    BY_PEER = 0x1B873593
    ANY_SERVER = 0x6F1D3A59
    ANY_CLIENT = 0x7ED558CC


cdef extern from *:
    """
    #if defined(CORE_CHECKED)
    #define missing(number) (fprintf(stderr, "no place %u\\n", (unsigned)(number)), abort(), 0)
    #else
    #define missing(number) 0
    #endif
    """
    uint32_t missing(uint32_t number) noexcept nogil


cdef struct Node:  # a hash by which an exchange is found
    uint64_t hash
    uint32_t older
    uint32_t newer


cdef struct Spare:  # a node that its exchange has no room for
    Node node
    uint32_t exchange
    uint32_t sibling  # next spare one of the same exchange; of a free one, the next free one


cdef struct Listed:  # a frame in a list
    int64_t number  # capture << CAPTURE_SHIFT | frame
    uint32_t next


# The fields that a row has are named as there, see `row.pxd`. Memory hands out 64 octets at once: what is read together
# stands together, and a comment says where the next 64 begin.
cdef struct Exchange:
    Node[OWN_NODES] own
    int64_t deadline  # 64 octets
    uint32_t flags
    uint8_t held  # how many of its own nodes are linked
    uint8_t keys
    uint8_t queue
    uint8_t state
    uint32_t earlier  # in its queue
    uint32_t later
    uint32_t before  # in the order of beginning
    uint32_t after
    Address client
    int32_t client_port
    int32_t wanted_port
    uint8_t module
    uint8_t service
    uint8_t kind
    uint8_t outcome
    uint32_t spares  # further nodes
    Address wanted  # 128 octets
    int64_t asked
    int64_t clock
    int64_t digest
    int64_t mac
    int64_t server_mac  # that the first request went to, -1 where the link has none
    int64_t met  # the last message to a group that answered it, or held only what it knows, by `Table.fed`
    int32_t place  # 200 octets
    uint32_t interfaces
    int32_t ident
    int32_t last_ident
    int64_t request
    int64_t seconds
    Address server
    int32_t server_port
    int32_t port
    int32_t nanos  # 256 octets
    int32_t request_octets
    int64_t reply
    int64_t rtt
    int64_t reply_octets
    int64_t reply_at
    int64_t reply_frame
    int32_t reply_captured
    uint16_t reason
    uint8_t ttl
    uint8_t reply_copies  # further sights of what came back, up to 255
    int64_t stood  # clock at which it took its place in the order
    Address reply_to  # 320 octets
    int32_t reply_to_port
    int32_t variant
    int32_t retransmissions
    uint32_t generation  # how often this place was given away
    uint32_t requests
    uint32_t requests_last
    uint32_t replies
    uint32_t replies_last
    uint32_t links  # frames in both lists
    int64_t request_at  # up to a whole number of lines


cdef struct Ends:
    uint32_t first
    uint32_t last


cdef struct Facts:  # of a service, from Python: ten numbers
    int64_t window
    int64_t resends
    int64_t window_wait  # numbers of the waits
    int64_t patience_wait
    int64_t transport
    int64_t by_question
    int64_t by_key_alone
    int64_t by_endpoint
    int64_t converses
    int64_t tells_unasked


cdef struct Out:  # where settled exchanges go
    Wide *wide
    Narrow *narrow
    Link *links
    int64_t room
    int64_t count
    int64_t link_room
    int64_t link_count


cdef struct Table:
    uint32_t room
    uint32_t first_spare  # where the numbers of spare nodes begin, that of nobody's being the first
    uint32_t spare_room
    uint32_t link_room
    uint32_t mask
    uint32_t used
    uint32_t spares_used
    uint32_t links_used
    uint32_t free_exchange
    uint32_t free_spare
    uint32_t free_link
    uint32_t open  # places that are taken
    uint32_t spares_taken
    uint32_t links_taken
    int64_t fed  # messages
    uint32_t *heads
    Spare *spares
    Exchange *exchanges
    Listed *frames
    Ends order
    Ends[MAX_WAITS] queues
    int64_t[MAX_WAITS] waits
    int64_t now
    int64_t next_end  # no wait is over before
    int64_t evicted
    int64_t forgotten
    int64_t links_lost
    int64_t conversations  # open ones that a service's port takes part in
    int64_t to_groups  # open requests to a group
    int64_t knowing  # open queries that list answers they know
    const Facts *facts
    Out out


# Slabs


cdef inline Exchange *at(const Table *t, uint32_t number) noexcept nogil:
    """An exchange."""
    return &t.exchanges[number if number <= t.room else missing(number)]


cdef inline Spare *spare_at(const Table *t, uint32_t number) noexcept nogil:
    """A spare node."""
    return &t.spares[number if number <= t.spare_room else missing(number)]


cdef inline Listed *frame_at(const Table *t, uint32_t number) noexcept nogil:
    """A frame of a list."""
    return &t.frames[number if number <= t.link_room else missing(number)]


cdef inline bint has_room(const Table *t) noexcept nogil:
    """Whether there is room for all that one message can add."""
    return t.room - t.open >= MOST_AT_ONCE and t.spare_room - t.spares_taken >= SPARES_AT_ONCE


cdef inline uint32_t take_place(Table *t) noexcept nogil:
    """A place for a new exchange, the last in the order; `has_room` was asked."""
    cdef uint32_t number = t.free_exchange, generation
    cdef Exchange *e
    if number:
        t.free_exchange = at(t, number).later
    else:
        t.used += 1
        number = t.used
    t.open += 1
    e = at(t, number)
    generation = e.generation + 1
    memset(e, 0, sizeof(Exchange))
    e.generation = generation
    e.state = OPEN
    stand_last(t, number)
    return number


cdef inline void stand_last(Table *t, uint32_t number) noexcept nogil:
    """Take the last place in the order of beginning."""
    cdef Exchange *e = at(t, number)
    e.stood = t.now
    e.before = t.order.last
    e.after = NONE
    if e.before:
        at(t, e.before).after = number
    else:
        t.order.first = number
    t.order.last = number


cdef inline void leave_order(Table *t, uint32_t number) noexcept nogil:
    """Give the place in the order up."""
    cdef Exchange *e = at(t, number)
    if e.before:
        at(t, e.before).after = e.after
    else:
        t.order.first = e.after
    if e.after:
        at(t, e.after).before = e.before
    else:
        t.order.last = e.before


cdef inline void give_back(Table *t, uint32_t number) noexcept nogil:
    """The place may serve anew."""
    cdef Exchange *e = at(t, number)
    leave_order(t, number)
    give_frames_back(t, e.requests, e.requests_last)
    give_frames_back(t, e.replies, e.replies_last)
    t.links_taken -= e.links
    e.state = FREE
    e.later = t.free_exchange
    t.free_exchange = number
    t.open -= 1


cdef inline void give_frames_back(Table *t, uint32_t first, uint32_t last) noexcept nogil:
    """The links of a list may serve anew."""
    if first:
        frame_at(t, last).next = t.free_link
        t.free_link = first


# Lists of frames


cdef inline void add_request(Table *t, Exchange *e, int64_t frame) noexcept nogil:
    """One more frame that asks."""
    if e.request == 0:
        e.request = frame
    else:
        append(t, e, &e.requests, &e.requests_last, frame)


cdef inline void add_reply_frame(Table *t, Exchange *e, int64_t frame) noexcept nogil:
    """One more frame that came back."""
    if e.reply == 0:
        e.reply = frame
    else:
        append(t, e, &e.replies, &e.replies_last, frame)


cdef inline void see_again(Exchange *e) noexcept nogil:
    """A frame that came back was a further sight of one that had."""
    if e.reply_copies < 255:
        e.reply_copies += 1


cdef inline void append(Table *t, Exchange *e, uint32_t *first, uint32_t *last, int64_t frame) noexcept nogil:
    """Append a frame to a list; without room it is counted as lost."""
    cdef uint32_t new = t.free_link
    if new:
        t.free_link = frame_at(t, new).next
    elif t.links_used < t.link_room:
        t.links_used += 1
        new = t.links_used
    else:
        t.links_lost += 1
        return
    t.links_taken += 1
    e.links += 1
    frame_at(t, new)[0] = Listed(frame, NONE)
    if first[0]:
        frame_at(t, last[0]).next = new
    else:
        first[0] = new
    last[0] = new


cdef inline bint is_of_capture(int64_t frame, int64_t other) noexcept nogil:
    """Whether two frames are of one capture."""
    return frame >> CAPTURE_SHIFT == other >> CAPTURE_SHIFT
