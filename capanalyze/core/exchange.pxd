"""The table of open exchanges: slabs with free lists, found by hashes, in order of their beginning and of their ends.

A hash only finds; fields decide. What ends leaves its chains at once, so that a chain holds only what may still be
looked for. Exchanges that end after the same wait stand in one queue, in order of their ends; all stand in the order in
which they began, and leave the table in that order. Place 0 of every slab is nobody's: a number beyond the room leads
there, or with -DCORE_CHECKED stops the program.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from capanalyze.core.message cimport Address
from capanalyze.core.octets cimport mix
from capanalyze.core.row cimport (
    ANSWERED, CAPTURE_SHIFT, CONVERSATION, FORGOTTEN, GROUP, INDETERMINATE, MAY_ANNOUNCE, SILENT, UNSOLICITED, Link,
    Narrow, Wide,
)

cdef enum:
    NONE = 0  # no exchange, no node, no link
    MAX_WAITS = 16  # different lengths of waiting
    KINDS = 16  # kinds of message that are told apart
    MOST_OPEN = 1 << 28  # four nodes each can still be numbered
    MOST_AT_ONCE = 300  # exchanges that one message can begin at most
    NODES_AT_ONCE = 900
    LINKS_AT_ONCE = 512
    MOVES_AT_ONCE = 50

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
    FIRST_WAIT

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
    /* gcc drops a call that only prefetches, unless something in it may not be dropped. */
    #if defined(_MSC_VER)
    #define prefetch(place) ((void)(place))
    #else
    #define prefetch(place) do { __builtin_prefetch(place); __asm__ volatile(""); } while (0)
    #endif
    """
    uint32_t missing(uint32_t number) noexcept nogil
    void prefetch(const void *place) noexcept nogil


cdef struct Node:  # a hash by which an exchange is found
    uint64_t hash
    uint32_t exchange
    uint32_t older
    uint32_t newer
    uint32_t sibling  # next node of the same exchange; of a free node, the next free one


cdef struct Listed:  # a frame in a list
    int64_t number  # capture << CAPTURE_SHIFT | frame
    uint32_t next


cdef struct Exchange:  # the fields that a row has are named as there, see `row.pxd`
    int64_t clock
    int64_t asked
    int64_t deadline
    int64_t stood  # clock at which it took its place in the order
    int64_t seconds
    Address client
    Address server
    Address wanted
    int64_t met  # the frame of the last message to a group that answered it
    int64_t digest
    int64_t mac
    int64_t server_mac  # that the first request went to, -1 where the link has none
    int64_t request
    int64_t reply
    int64_t rtt
    int64_t reply_octets
    int64_t reply_at
    int64_t reply_frame
    int32_t nanos
    int32_t place
    int32_t port
    int32_t client_port
    int32_t server_port
    int32_t wanted_port
    int32_t request_octets
    int32_t reply_captured
    int32_t ident
    int32_t last_ident
    int32_t variant
    int32_t retransmissions
    uint32_t flags
    uint32_t interfaces
    uint32_t requests
    uint32_t requests_last
    uint32_t replies
    uint32_t replies_last
    uint32_t links  # frames in both lists
    uint32_t nodes
    uint32_t earlier  # in its queue
    uint32_t later
    uint32_t before  # in the order of beginning
    uint32_t after
    uint32_t generation  # how often this place was given away
    uint16_t reason
    uint8_t keys
    uint8_t module
    uint8_t service
    uint8_t kind
    uint8_t outcome
    uint8_t ttl
    uint8_t queue
    uint8_t state


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
    uint32_t node_room
    uint32_t link_room
    uint32_t mask
    uint32_t used
    uint32_t nodes_used
    uint32_t links_used
    uint32_t free_exchange
    uint32_t free_node
    uint32_t free_link
    uint32_t open  # places that are taken
    uint32_t nodes_taken
    uint32_t links_taken
    uint32_t *heads
    Node *nodes
    Exchange *exchanges
    Listed *frames
    Ends order
    Ends[MAX_WAITS] queues
    int64_t[MAX_WAITS] waits
    int64_t now
    int64_t evicted
    int64_t forgotten
    int64_t links_lost
    int64_t conversations  # open ones that a service's port takes part in
    int64_t to_groups  # open requests to a group
    const Facts *facts
    Out out


# Slabs


cdef inline Exchange *at(const Table *t, uint32_t number) noexcept nogil:
    """An exchange."""
    return &t.exchanges[number if number <= t.room else missing(number)]


cdef inline Node *node_at(const Table *t, uint32_t number) noexcept nogil:
    """A node."""
    return &t.nodes[number if number <= t.node_room else missing(number)]


cdef inline Listed *frame_at(const Table *t, uint32_t number) noexcept nogil:
    """A frame of a list."""
    return &t.frames[number if number <= t.link_room else missing(number)]


cdef inline bint has_room(const Table *t) noexcept nogil:
    """Whether there is room for all that one message can add."""
    return t.room - t.open >= MOST_AT_ONCE and t.node_room - t.nodes_taken >= NODES_AT_ONCE


cdef inline uint32_t take_place(Table *t) noexcept nogil:
    """A place for a new exchange, the last in the order; `has_room` was asked."""
    cdef uint32_t number = t.free_exchange, generation
    if number:
        t.free_exchange = at(t, number).later
    else:
        t.used += 1
        number = t.used
    t.open += 1
    generation = at(t, number).generation + 1
    memset(at(t, number), 0, sizeof(Exchange))
    at(t, number).generation = generation
    at(t, number).state = OPEN
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


# Waits


cdef inline void wait(Table *t, uint32_t number, uint8_t queue) noexcept nogil:
    """Wait from now on, for as long as this queue does; it stands in none yet."""
    cdef Exchange *e = at(t, number)
    e.queue = queue
    e.deadline = t.now + t.waits[queue]
    e.earlier = t.queues[queue].last
    e.later = NONE
    if e.earlier:
        at(t, e.earlier).later = number
    else:
        t.queues[queue].first = number
    t.queues[queue].last = number


cdef inline void leave_queue(Table *t, uint32_t number) noexcept nogil:
    """Wait no longer."""
    cdef Exchange *e = at(t, number)
    if e.earlier:
        at(t, e.earlier).later = e.later
    else:
        t.queues[e.queue].first = e.later
    if e.later:
        at(t, e.later).earlier = e.earlier
    else:
        t.queues[e.queue].last = e.earlier


cdef inline void wait_anew(Table *t, uint32_t number, uint8_t queue) noexcept nogil:
    """Wait from now on, for as long as this queue does."""
    leave_queue(t, number)
    wait(t, number, queue)


cdef inline void wait_on(Table *t, uint32_t number, uint8_t queue) noexcept nogil:
    """The same, unless it waits longer than that anyway."""
    if t.now + t.waits[queue] > at(t, number).deadline:
        wait_anew(t, number, queue)


# Ends


cdef inline bint settle(Table *t, int64_t clock) noexcept nogil:
    """Close what no later message can affect, and hand it on; False where the room for that is used up."""
    cdef uint32_t number, moved = 0
    cdef int queue
    t.now = clock
    for queue in range(MAX_WAITS):
        number = t.queues[queue].first
        while number and at(t, number).deadline < clock:
            end(t, number)
            number = t.queues[queue].first
            prefetch(at(t, number))
    number = t.order.first
    while number:
        if at(t, number).state != OPEN and at(t, number).deadline < clock - LINGER * <int64_t>SECOND:
            if not hand_on(t, number):
                return False
        elif moved < MOVES_AT_ONCE and clock - at(t, number).stood > LONG * <int64_t>SECOND:
            leave_order(t, number)
            stand_last(t, number)
            moved += 1
        else:
            return True
        number = t.order.first
        prefetch(at(t, at(t, number).after))
    return True


cdef inline void end(Table *t, uint32_t number) noexcept nogil:
    """Nothing can be added any more but copies and fragments of what is there."""
    cdef Exchange *e = at(t, number)
    if e.state != OPEN:
        return
    e.state = ENDED
    unlink(t, number)
    leave_queue(t, number)
    if e.flags & MAY_ANNOUNCE and e.flags & GROUP and e.outcome == SILENT:
        turn(e)
        e.outcome = UNSOLICITED


cdef inline void drop(Table *t, uint32_t number) noexcept nogil:
    """It turned out to be none: nothing is handed on."""
    end(t, number)
    at(t, number).state = GONE


cdef inline void turn(Exchange *e) noexcept nogil:
    """What was taken for a request came back to the client, or the reverse."""
    e.request, e.reply = e.reply, e.request
    e.requests, e.replies = e.replies, e.requests
    e.requests_last, e.replies_last = e.replies_last, e.requests_last
    cdef int64_t octets = e.request_octets
    e.request_octets, e.reply_octets = <int32_t>e.reply_octets, octets
    e.client, e.server = e.server, e.client
    e.client_port, e.server_port = e.server_port, e.client_port


cdef inline bint evict(Table *t) noexcept nogil:
    """Let go of the oldest exchange before its time; False where the room for what is handed on is used up."""
    cdef uint32_t number = t.order.first
    cdef Exchange *e = at(t, number)
    if number == NONE:
        return True
    cdef bint is_open = e.state == OPEN
    if is_open and e.outcome == SILENT and e.asked + t.facts[e.module].window >= t.now:
        e.flags |= FORGOTTEN
        t.forgotten += 1
    end(t, number)
    t.evicted += is_open
    return hand_on(t, number)


cdef inline bint hand_on(Table *t, uint32_t number) noexcept nogil:
    """Write a settled exchange out and give its place back; False where there is no room."""
    cdef Exchange *e = at(t, number)
    cdef Out *out = &t.out
    if e.state != GONE:
        if out.count >= out.room or out.link_count + e.links > out.link_room:
            return False
        write(t, e, &out.wide[out.count], &out.narrow[out.count])
        out.count += 1
    fetch_ends(t, e.after)
    give_back(t, number)
    return True


cdef inline void fetch_ends(const Table *t, uint32_t number) noexcept nogil:
    """What is handed on next lies far away: the nodes of the next exchange, and the one behind it."""
    cdef const char *after = <const char *>at(t, at(t, number).after)
    prefetch(node_at(t, at(t, number).nodes))
    prefetch(after)
    prefetch(after + 64)
    prefetch(after + 128)
    prefetch(after + 192)
    prefetch(after + 256)


cdef inline void write(Table *t, const Exchange *e, Wide *wide, Narrow *narrow) noexcept nogil:
    """An exchange as a row."""
    wide[0] = Wide(
        clock=e.clock, asked=e.asked, deadline=e.deadline, seconds=e.seconds, client=e.client, server=e.server,
        wanted=e.wanted, digest=e.digest, mac=e.mac, request=e.request, reply=e.reply, rtt=e.rtt,
        reply_octets=e.reply_octets, reply_at=e.reply_at, reply_frame=e.reply_frame, key_at=0,
    )
    narrow[0] = Narrow(
        nanos=e.nanos, place=e.place, module=e.module, service=e.service, port=e.port, client_port=e.client_port,
        server_port=e.server_port, wanted_port=e.wanted_port, request_octets=e.request_octets,
        reply_captured=e.reply_captured, outcome=e.outcome, reason=e.reason, kind=e.kind, flags=<int32_t>e.flags,
        interfaces=<int32_t>e.interfaces, requests=0, requests_last=0, replies=0, replies_last=0,
        retransmissions=e.retransmissions, ident=e.ident, last_ident=e.last_ident, key_count=0, older=0, siblings=0,
        direction=0, mode=-1, zone=-1, verdict=0, ttl=e.ttl, variant=e.variant,
    )
    write_frames(t, e.requests, &narrow.requests, &narrow.requests_last)
    write_frames(t, e.replies, &narrow.replies, &narrow.replies_last)


cdef inline void write_frames(Table *t, uint32_t link, int32_t *first, int32_t *last) noexcept nogil:
    """A list of frames, as links of what is handed on."""
    cdef Out *out = &t.out
    while link:
        out.links[out.link_count] = Link(frame_at(t, link).number, 0)
        if first[0]:
            out.links[last[0]].next = out.link_count
        else:
            first[0] = <int32_t>out.link_count
        last[0] = <int32_t>out.link_count
        out.link_count += 1
        link = frame_at(t, link).next


# Hashes


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


cdef inline bint has_hash(const Table *t, const Exchange *e, uint64_t hash) noexcept nogil:
    """Whether an exchange is found by this hash."""
    cdef uint32_t node = e.nodes
    while node:
        if node_at(t, node).hash == hash:
            return True
        node = node_at(t, node).sibling
    return False


# Addresses


cdef inline bint same(const Address *one, const Address *other) noexcept nogil:
    """Whether two addresses are equal."""
    return one.low == other.low and one.high == other.high


cdef inline bint is_ipv4(const Address *one) noexcept nogil:
    """Whether it is an IPv4 address."""
    return one.high == 0 and one.low >> 32 == 0xFFFF


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
