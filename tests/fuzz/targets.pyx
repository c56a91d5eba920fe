# Stands behind `core.pyx` in the build for fuzzing: three functions of some octets.

from libc.stdlib cimport malloc
from libc.string cimport memcpy, memset

from capanalyze.core.exchange cimport FREE, NONE, OPEN, OWN_BITS, OWN_NODES, Node, frame_at, spare_at
from capanalyze.core.frame cimport IP, STEPS as HEADERS
from capanalyze.core.hashes cimport node_at
from capanalyze.core.message cimport (
    ACKNOWLEDGES, FRAGMENT, MAX_KEYS, MAX_READINGS, REJECTION,
)
from capanalyze.core.pairing cimport ALSO_REPLY, COMPARED, KIND_SHIFT
from capanalyze.core.record cimport CONTROL, FULL, u32
from capanalyze.core.row cimport CAPTURE_SHIFT, CONVERSATION, GROUP
from capanalyze.core.rows cimport list_length
from capanalyze.core.services cimport ICMP_SERVICE

ctypedef int (*Target)(const uint8_t *, size_t) noexcept nogil

cdef extern from *:
    """
    #if defined(CORE_FUZZED)
    int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *, size_t));
    #else
    #define LLVMFuzzerRunDriver(argc, argv, target) (-1)
    #endif
    #define wrong(what) (fprintf(stderr, "wrong: %s\\n", what), abort())
    """
    int LLVMFuzzerRunDriver(int *argc, char ***argv, Target target) noexcept
    void wrong(const char *what) noexcept nogil

cdef enum:
    MOST_MESSAGES = 256  # of one input
    KEY_ROOM = 32768
    PACKETS = 16  # earlier ones that are kept in mind
    PACKET_ROOM = 640
    OUT_ROWS = 24
    OUT_LINKS = 40
    MOST_LINKS = 300
    CAPTURES = 3
    MOST_SHOWN = 8  # senders that frames show on the link
    HOSTS = 4
    SERVICE_PORTS = 32
    LONG_HEADER = 40  # of IPv6

cdef list KEPT  # what the pointers below lead into
cdef Services *SERVED
cdef Pairing *PAIRING
cdef Judging *JUDGING
cdef Sums *SUMS
cdef Columns *COLUMNS
cdef uint16_t[SERVICE_PORTS] PORTS_ASKED
cdef uint16_t[4] PORTS_ASKING
cdef int64_t[8] STEPS_OF_TIME
cdef Message[MOST_MESSAGES] MESSAGES
cdef int64_t[KEY_ROOM] POOL
cdef Wide[OUT_ROWS] WIDES
cdef Narrow[OUT_ROWS] NARROWS
cdef Link[MOST_LINKS + 2] LINKS

PORTS_ASKING = [40000, 123, 5353, 514]
STEPS_OF_TIME = [0, 1, 900000, 1100000, 400000000, 3100000000, 31000000000, 61000000000]


def prepare(Scanner scanner, Pairs pairs, Judge judge, Summary summary, Group group, list ports):
    """What the targets work with; `ports` are asked in the target of pairing."""
    global KEPT, SERVED, PAIRING, JUDGING, SUMS, COLUMNS
    KEPT = [scanner, pairs, judge, summary, group]
    SERVED, PAIRING, JUDGING = &scanner.services, pairs.p, &judge.judging
    SUMS, COLUMNS = &summary.sums, &group.columns
    PAIRING.table.link_room = MOST_LINKS
    for number, port in enumerate(ports[:SERVICE_PORTS]):
        PORTS_ASKED[<int>number] = port


cdef Target target_of(str name) except NULL:
    if name == "records":
        return records
    if name == "match":
        return matching
    return pairing if name == "pairing" else planted


def one(str name, bytes octets):
    """Run a target on octets, in an allocation of exactly their size."""
    cdef size_t size = len(octets)
    cdef uint8_t *place = <uint8_t *>malloc(size)
    cdef Target target = target_of(name)
    memcpy(place, <const char *>octets, size)
    with nogil:
        target(place, size)
    free(place)


def run(str name, list arguments):
    """Let libFuzzer run a target; it does not come back. False where it is not built in."""
    cdef int count = len(arguments)
    cdef char **words = <char **>calloc(count + 1, sizeof(char *))
    for number, argument in enumerate(arguments):
        words[<int>number] = argument
    return LLVMFuzzerRunDriver(&count, &words, target_of(name)) == 0


cdef int planted(const uint8_t *octets, size_t size) noexcept nogil:
    """Stops at anything, for the test of what runs the targets."""
    wrong("a planted fault")
    return 0


# Records and links


cdef int records(const uint8_t *octets, size_t size) noexcept nogil:
    """A capture behind its header: the first octets say how it is laid out."""
    cdef Scan s
    cdef State state
    cdef Layout layout
    cdef Interface[2] interfaces
    cdef int64_t[64] tally, tunnels
    cdef Unread[MAX_UNREAD] numbers
    cdef Neighbour[MOST_SHOWN] shown
    cdef int number
    if size < 4 or size > 65536:
        return 0
    memset(&state, 0, sizeof(state))
    memset(&layout, 0, sizeof(layout))
    memset(interfaces, 0, sizeof(interfaces))
    memset(tally, 0, sizeof(tally))
    memset(tunnels, 0, sizeof(tunnels))
    memset(numbers, 0, sizeof(numbers))
    state.is_pcapng = octets[0] & 1
    layout.big = octets[0] >> 1 & 1
    layout.swapped = octets[0] >> 2 & 3 if octets[0] >> 2 & 3 < 3 else 0
    layout.nanoseconds_per_unit = 1 if octets[0] & 16 else 1000
    layout.header = 24 if octets[0] & 32 else 16
    layout.interfaces = 2 if state.is_pcapng else 1
    for number in range(2):
        interfaces[number].step = octets[1 + number] % <int>HEADERS
        interfaces[number].units_per_second = 0 if octets[3] & 1 else 1LL << (octets[3] >> 2 & 31)
        interfaces[number].divisor = 1
        interfaces[number].snaplen = octets[3] & 0x7C
    cdef Octets block = Octets(octets + 4, <uint32_t>(size - 4), <uint32_t>(size - 4))
    s.state, s.layout, s.interfaces, s.services, s.messages, s.pool = &state, &layout, interfaces, SERVED, MESSAGES, POOL
    s.tally, s.tunnels, s.unread, s.shown = tally, tunnels, numbers, shown
    state.room, state.key_room, state.shown_room = MOST_MESSAGES, KEY_ROOM, MOST_SHOWN
    cdef Answer answer = FULL
    while answer == FULL or (answer == CONTROL and go_on(&state, block, layout.big)):
        state.messages = state.keys = state.shown = 0
        answer = scan_in(&s, block)
        check_messages(&state, block)
    return 0


cdef bint go_on(State *state, Octets block, bint big) noexcept nogil:
    """Leave a block behind that is no frame; whether there is more."""
    cdef uint32_t length = u32(block, <uint32_t>state.offset + 4, big) if state.offset + 8 <= block.captured else 0
    state.offset += max(length, 12U)
    return state.offset < block.captured


cdef void check_messages(const State *state, Octets block) noexcept nogil:
    """What pairing takes for granted of messages."""
    cdef const Message *m
    cdef int64_t number
    for number in range(state.messages):
        m = &MESSAGES[number]
        if not 0 <= m.captured or not 0 <= m.payload or m.payload + m.captured > block.captured:
            wrong("a payload outside of the capture")
        check_message(m, state.keys)


cdef void check_message(const Message *m, int64_t keys) noexcept nogil:
    """The same of one message."""
    if m.first_key < 0 or not 0 <= m.keys <= MAX_KEYS or not 0 <= m.readings <= MAX_READINGS:
        wrong("keys that there are not")
    if m.first_key + m.keys + m.readings > keys:
        wrong("keys outside of the pool")
    if m.role != FRAGMENT and m.keys < (m.role & COMPARED != 0) + (m.role & ALSO_REPLY != 0):
        wrong("a flag without its key")
    if not 0 <= m.service < len_of_services():
        wrong("no service")
    if m.role != FRAGMENT and m.service != ICMP_SERVICE and not (0 <= m.source_port < 65536 and 0 <= m.destination_port < 65536):
        wrong("no port")


cdef int64_t len_of_services() noexcept nogil:
    return PAIRING.service_count


# Match functions


cdef int matching(const uint8_t *octets, size_t size) noexcept nogil:
    """A message of the service that the first octet selects; the second says how much was not captured."""
    cdef Match found
    cdef uint8_t number
    cdef uint32_t captured
    if size < 2 or size > 65536:
        return 0
    number, captured = octets[0] % <uint8_t>len_of_services(), <uint32_t>(size - 2)
    if captured == 0 and number > ICMP_SERVICE and not SERVED.empty_asks[number]:
        return 0
    begin(&found)
    found.port = <uint16_t>(octets[1] & 1) * 161
    cdef Role role = SERVED.match[number](Octets(octets + 2, captured, captured + (octets[1] >> 1) * 8), &found)
    if role > ACKNOWLEDGES or found.count > MAX_KEYS or found.kind >= KINDS:
        wrong("what no match function may say")
    if found.count < found.compared + found.also_reply:
        wrong("a flag without its key")
    return 0


# Pairing


cdef int pairing(const uint8_t *octets, size_t size) noexcept nogil:
    """Packets between few hosts, or messages that no packet would make, paired to their end."""
    cdef int64_t count
    if size < 2 or size > 16384:
        return 0
    empty_table()
    if octets[0] & 1:
        count = made_up(octets + 1, size - 1)
    else:
        count = sent(octets + 1, size - 1)
    feed_all(count, octets[0] >> 1 & 3)
    finish_all()
    return 0


cdef void empty_table() noexcept nogil:
    """Begin with nothing."""
    cdef OpenTable *t = &PAIRING.table
    memset(t.exchanges, 0, (t.room + 1) * sizeof(Exchange))
    memset(t.spares, 0, (t.spare_room + 1) * sizeof(Spare))
    memset(t.heads, 0, (<size_t>t.mask + 1) * sizeof(uint32_t))
    t.used = t.spares_used = t.links_used = t.free_exchange = t.free_spare = t.free_link = 0
    t.now = t.evicted = t.forgotten = t.links_lost = 0
    cdef const int64_t *sources = PAIRING.repeats.sources
    memset(&PAIRING.repeats, 0, sizeof(PAIRING.repeats))
    PAIRING.repeats.sources, PAIRING.repeats.captures = sources, CAPTURES
    PAIRING.early_first = PAIRING.early_last = 0


cdef void feed_all(int64_t count, int pieces) noexcept nogil:
    """Feed messages as `Engine.feed` does, with little room."""
    cdef int64_t done = 0, stop, step = count if pieces == 0 else pieces
    while done < count:
        stop = min(count, done + step)
        hand_out(OUT_LINKS)
        done = feed(PAIRING, MESSAGES, POOL, done, stop)
        if done < stop and PAIRING.table.out.count == 0:
            hand_out(PAIRING.table.links_taken + 1)
            done = feed(PAIRING, MESSAGES, POOL, done, stop)
            if done < stop and PAIRING.table.out.count == 0:
                wrong("no room helps")
        take_rows()
        audit(&PAIRING.table)


cdef void finish_all() noexcept nogil:
    """Close what is open; nothing may be left."""
    cdef OpenTable *t = &PAIRING.table
    cdef bint done = False
    while not done:
        hand_out(OUT_LINKS)
        done = finish_pairing(PAIRING)
        if not done and t.out.count == 0:
            hand_out(t.links_taken + 1)
            done = finish_pairing(PAIRING)
            if not done and t.out.count == 0:
                wrong("no room helps")
        take_rows()
        audit(t)
    if t.open or t.spares_taken or t.links_taken or t.conversations or t.to_groups or t.order.first or t.order.last:
        wrong("something is left")


cdef void hand_out(int64_t links) noexcept nogil:
    """Room for what is settled."""
    cdef Out *out = &PAIRING.table.out
    out.wide, out.narrow, out.links = WIDES, NARROWS, LINKS
    out.room, out.link_room, out.count, out.link_count = OUT_ROWS, links, 0, 1


cdef void take_rows() noexcept nogil:
    """Judge what is settled, sum it up, and spread it over columns."""
    cdef const Out *out = &PAIRING.table.out
    cdef Rows rows = Rows(&WIDES[0], &NARROWS[0], &LINKS[0], out.link_count)
    cdef int64_t start = 0, number
    cdef WhyNotAdded why
    if out.count > OUT_ROWS or out.link_count > max(out.link_room, 1):
        wrong("more rows than there is room for")
    for number in range(out.count):
        check_row(&rows, &WIDES[number], &NARROWS[number])
    judge_rows(JUDGING, WIDES, NARROWS, out.count)
    note_answers(JUDGING, WIDES, NARROWS, out.count)
    settle(JUDGING, WIDES, NARROWS, out.count)
    sum_up(SUMS, Row(&WIDES[0], &NARROWS[0], &LINKS[0], out.link_count, 0), out.count)
    while start < out.count:
        start = fill(COLUMNS, &rows, start, out.count, &why)
        if why == ODD:
            wrong("a row that is no exchange")
        forget(&COLUMNS.services)
        forget(&COLUMNS.reasons)
        COLUMNS.rows = 0


cdef void check_row(const Rows *rows, const Wide *wide, const Narrow *narrow) noexcept nogil:
    """What a row tells cannot contradict itself."""
    if list_length(rows, wide.request, narrow.requests) < 0 or list_length(rows, wide.reply, narrow.replies) < 0:
        wrong("a list that is none")
    if wide.request == 0 and wide.reply == 0:
        wrong("an exchange without a frame")


cdef void audit(const OpenTable *t) noexcept nogil:
    """Whether all that the table keeps in chains hangs together."""
    cdef uint32_t number = t.order.first, before = NONE
    cdef int64_t open = 0, waiting = 0, spares = 0, links = 0, conversations = 0, to_groups = 0
    cdef const Exchange *e
    cdef int queue
    while number:
        e = at(t, number)
        if e.state == FREE or e.before != before:
            wrong("the order of beginning")
        open += 1
        waiting += e.state == OPEN
        links += links_of(t, e)
        if e.held and e.state != OPEN:
            wrong("what is closed is still found")
        if e.held:
            spares += spares_of(t, number)
            conversations += e.flags & CONVERSATION != 0
            to_groups += e.flags & GROUP != 0
        before = number
        number = e.after
        if open > t.room:
            wrong("a circle")
    if t.order.last != before or open != t.open or spares != t.spares_taken or links != t.links_taken:
        wrong("places that were lost")
    if conversations != t.conversations or to_groups != t.to_groups:
        wrong("the count of rare exchanges")
    for queue in range(MAX_WAITS):
        waiting -= queued(t, queue)
    if waiting:
        wrong("what is open waits in one queue")


cdef int64_t links_of(const OpenTable *t, const Exchange *e) noexcept nogil:
    """Links of both lists of an exchange."""
    cdef int64_t count = list_of_links(t, e.requests, e.requests_last) + list_of_links(t, e.replies, e.replies_last)
    if count != e.links:
        wrong("the links of an exchange")
    return count


cdef int64_t list_of_links(const OpenTable *t, uint32_t first, uint32_t last) noexcept nogil:
    """Links of a list."""
    cdef int64_t count = 0
    cdef uint32_t link = first, end = NONE
    while link:
        count += 1
        end = link
        link = frame_at(t, link).next
        if count > t.link_room:
            wrong("a circle of links")
    if first and end != last:
        wrong("the end of a list")
    return count


cdef int64_t spares_of(const OpenTable *t, uint32_t number) noexcept nogil:
    """Spare nodes of an exchange; its own are looked at too."""
    cdef int64_t count = 0
    cdef uint32_t spare = at(t, number).spares
    cdef int place
    if at(t, number).held > OWN_NODES or (spare and at(t, number).held < OWN_NODES):
        wrong("how many nodes are held")
    for place in range(at(t, number).held):
        look_at_node(t, number << OWN_BITS | place)
    while spare:
        if spare_at(t, spare).exchange != number:
            wrong("a node of another exchange")
        look_at_node(t, t.first_spare + spare)
        count += 1
        spare = spare_at(t, spare).sibling
        if count > t.spare_room:
            wrong("a circle of nodes")
    return count


cdef void look_at_node(const OpenTable *t, uint32_t node) noexcept nogil:
    """A node's place in its chain."""
    cdef const Node *one = node_at(t, node)
    if (node_at(t, one.newer).older if one.newer else t.heads[one.hash & t.mask]) != node:
        wrong("a chain of nodes")
    if one.older and node_at(t, one.older).newer != node:
        wrong("a chain of nodes, backwards")


cdef int64_t queued(const OpenTable *t, int queue) noexcept nogil:
    """Exchanges of a queue."""
    cdef int64_t count = 0
    cdef uint32_t number = t.queues[queue].first, earlier = NONE
    cdef const Exchange *e
    while number:
        e = at(t, number)
        if e.state != OPEN or e.queue != queue or e.earlier != earlier:
            wrong("a queue")
        if earlier and e.deadline < at(t, earlier).deadline:
            wrong("the order of a queue")
        count += 1
        earlier = number
        number = e.later
        if count > t.room:
            wrong("a circle of waiting")
    if t.queues[queue].last != earlier:
        wrong("the end of a queue")
    return count


# Messages that scanning makes of packets


cdef struct Talk:  # a conversation of few hosts, as octets tell it
    const uint8_t *octets
    size_t left
    int64_t clock
    int64_t count  # messages
    int64_t keys
    int64_t sent  # packets
    uint8_t[PACKETS][PACKET_ROOM] packets
    uint32_t[PACKETS] sizes


cdef int64_t sent(const uint8_t *octets, size_t size) noexcept nogil:
    """Packets that octets tell of, scanned; how many messages there are."""
    cdef Talk talk
    talk.octets, talk.left, talk.clock, talk.count, talk.keys, talk.sent = octets, size, 0, 0, 0, 0
    while talk.left >= 4 and talk.count < MOST_MESSAGES and talk.keys + MAX_KEYS + MAX_READINGS <= KEY_ROOM:
        say(&talk)
    return talk.count


cdef void say(Talk *talk) noexcept nogil:
    """One packet: what it is, who sends it to whom, ports, and how much payload follows."""
    cdef uint8_t kind = talk.octets[0], hosts = talk.octets[1], ports = talk.octets[2]
    cdef size_t size = min(<size_t>talk.octets[3], talk.left - 4)
    cdef const uint8_t *payload = talk.octets + 4
    cdef uint8_t *packet = talk.packets[talk.sent % PACKETS]
    cdef uint32_t number
    talk.octets += 4 + size
    talk.left -= 4 + size
    talk.clock += STEPS_OF_TIME[kind >> 3 & 7]
    if kind & 7 == 7 and talk.sent:  # one of the last once more
        number = <uint32_t>((talk.sent - 1 - ports % min(talk.sent, 4)) % PACKETS)
        hear(talk, talk.packets[number], talk.sizes[number], hosts)
        return
    if kind & 7 == 6 and talk.sent:
        number = <uint32_t>((talk.sent - 1 - ports % min(talk.sent, 4)) % PACKETS)
        talk.sizes[talk.sent % PACKETS] = put_error(packet, talk.packets[number], talk.sizes[number], hosts, ports)
    else:
        talk.sizes[talk.sent % PACKETS] = put_packet(packet, kind, hosts, ports, payload, <uint32_t>size)
    talk.sent += 1
    number = <uint32_t>((talk.sent - 1) % PACKETS)
    hear(talk, talk.packets[number], talk.sizes[number], kind >> 6)


cdef uint32_t put_ip(uint8_t *at, bint is_long, uint8_t hosts, uint8_t protocol, uint32_t size) noexcept nogil:
    """An IP header for so many octets; its length."""
    cdef uint8_t to = hosts >> 2 & 7
    memset(at, 0, LONG_HEADER)
    if is_long:
        at[0], at[4], at[5], at[6], at[7] = 0x60, <uint8_t>(size >> 8), <uint8_t>size, protocol, 64 - (hosts >> 7)
        at[8], at[9], at[23] = 0x20, 1, 10 + hosts % HOSTS
        if to < 4:
            at[24], at[25], at[39] = 0x20, 1, 10 + to
        else:
            at[24], at[25], at[39] = 0xFF, 2, 0xFB
        return LONG_HEADER
    size += 20
    at[0], at[2], at[3], at[5], at[8], at[9] = 0x45, <uint8_t>(size >> 8), <uint8_t>size, 1 + (hosts >> 5 & 1), 64 - (hosts >> 7), protocol
    at[6] = 0x20 if hosts & 64 and to == 3 else 0  # more fragments follow
    at[12], at[15] = 192, 10 + hosts % HOSTS
    if to < 4:
        at[16], at[19] = 192, 10 + to
    elif to < 6:
        at[16], at[19] = 224, 251
    else:
        at[16] = at[17] = at[18] = at[19] = 255
    return 20


cdef uint32_t put_packet(
    uint8_t *at, uint8_t kind, uint8_t hosts, uint8_t ports, const uint8_t *payload, uint32_t size
) noexcept nogil:
    """A packet; its size."""
    cdef bint is_long = ports >> 6 & 1
    cdef uint8_t protocol = 17 if kind & 7 < 4 else 6 if kind & 7 == 4 else 58 if is_long else 1
    cdef uint32_t header = 8 if protocol != 6 else 20
    cdef uint32_t start = put_ip(at, is_long, hosts, protocol, header + size)
    cdef uint16_t asked = PORTS_ASKED[ports % SERVICE_PORTS], asking = PORTS_ASKING[kind & 3]
    cdef uint8_t first = 128 if is_long else 8
    memset(at + start, 0, header)
    memcpy(at + start + header, payload, size)
    if ports & 128:
        asked, asking = asking, asked
    put16(at + start, asking)
    put16(at + start + 2, asked)
    if protocol == 17:
        put16(at + start + 4, <uint16_t>(8 + size))
    elif protocol == 6:
        at[start + 12], at[start + 13] = 0x50, payload[0] if size else 2
        if size > 1:
            at[start + 7], at[start + 11] = payload[1] & 3, payload[1] >> 2 & 3
    else:
        at[start], at[start + 1] = first + (ports >> 5 & 1) if is_long else ports >> 2 & 8, 0
        at[start + 7] = kind & 3
    return start + header + size


cdef void put16(uint8_t *at, uint16_t number) noexcept nogil:
    at[0], at[1] = <uint8_t>(number >> 8), <uint8_t>number


cdef uint32_t put_error(uint8_t *at, const uint8_t *quoted, uint32_t size, uint8_t hosts, uint8_t ports) noexcept nogil:
    """An ICMP error about an earlier packet; its size."""
    cdef uint8_t[PACKET_ROOM] copy
    cdef bint is_long = quoted[0] >> 4 == 6
    cdef uint32_t start
    size = min(size, 400U if ports & 64 else 48U)
    memcpy(copy, quoted, size)
    start = put_ip(at, is_long, hosts, 58 if is_long else 1, 8 + size)
    memset(at + start, 0, 8)
    at[start], at[start + 1] = 1 if is_long else 3, ports >> 2 & 15
    memcpy(at + start + 8, copy, size)
    return start + 8 + size


cdef void hear(Talk *talk, const uint8_t *packet, uint32_t size, uint8_t place) noexcept nogil:
    """Scan a packet; what comes of it is the next message."""
    cdef uint8_t[16 + PACKET_ROOM] record
    cdef Scan s
    cdef State state
    cdef Layout layout
    cdef Interface interface
    cdef int64_t[64] tally, tunnels
    cdef Unread[MAX_UNREAD] numbers
    cdef Message *m
    memset(record, 0, 16)
    memset(&state, 0, sizeof(state))
    memset(&layout, 0, sizeof(layout))
    memset(&interface, 0, sizeof(interface))
    memset(tally, 0, sizeof(tally))
    memset(tunnels, 0, sizeof(tunnels))
    memset(numbers, 0, sizeof(numbers))
    put16(record + 10, <uint16_t>size)
    put16(record + 14, <uint16_t>size)
    memcpy(record + 16, packet, size)
    layout.big, layout.nanoseconds_per_unit, layout.header, layout.interfaces = 1, 1, 16, 1
    interface.step = <int>IP
    s.state, s.layout, s.interfaces, s.services = &state, &layout, &interface, SERVED
    s.messages, s.pool, s.tally, s.tunnels, s.unread = MESSAGES, POOL, tally, tunnels, numbers  # and no senders: there is no room for any
    state.messages, state.keys, state.room, state.key_room = talk.count, talk.keys, MOST_MESSAGES, KEY_ROOM
    scan_in(&s, Octets(&record[0], 16 + size, 16 + size))
    cdef int64_t number
    for number in range(talk.count, state.messages):
        m = &MESSAGES[number]
        m.frame = <int64_t>(place % CAPTURES) << CAPTURE_SHIFT | talk.count + 1
        m.interface, m.process, m.seconds = place & 3, talk.clock, talk.clock // 1000000000
        m.nanos = talk.clock % 1000000000
        m.source_mac = m.destination_mac = place & 1
        check_message(m, state.keys)
    talk.count, talk.keys = state.messages, state.keys


# Messages that no packet would make


cdef int64_t made_up(const uint8_t *octets, size_t size) noexcept nogil:
    """Messages of any role, flags and service, of few hosts and keys; how many."""
    cdef int64_t count = 0, keys = 0, clock = 0
    cdef int number
    cdef Message *m
    while size >= 8 and count < MOST_MESSAGES and keys + MAX_KEYS + MAX_READINGS <= KEY_ROOM:
        m = &MESSAGES[count]
        memset(m, 0, sizeof(Message))
        clock += STEPS_OF_TIME[octets[0] & 7]
        m.frame = <int64_t>(octets[0] >> 3 & 3) % CAPTURES << CAPTURE_SHIFT | count + 1
        m.interface, m.to_group, m.fragmented = octets[0] >> 5 & 1, octets[0] >> 6 & 1, octets[0] >> 7
        m.process, m.seconds, m.nanos = clock, clock // 1000000000, clock % 1000000000
        m.service = octets[1] % len_of_services()
        m.role = octets[2] % (<int>ACKNOWLEDGES + 1) | (octets[3] & 127) << 4 | (octets[4] & 15) << KIND_SHIFT
        m.role += REJECTION << 16 if octets[2] & 0xF0 == 0xF0 else 0
        m.source.low, m.destination.low = <uint64_t>0xFFFF << 32 | octets[5] & 3, <uint64_t>0xFFFF << 32 | octets[5] >> 2 & 3
        m.source_port, m.destination_port = PORTS_ASKED[octets[5] >> 4 & 3], PORTS_ASKED[octets[5] >> 6]
        m.port = m.source_port if octets[6] & 1 else m.destination_port
        m.identification, m.ttl, m.detail = octets[6] >> 1 & 3, 64 - (octets[6] >> 3 & 1), 768 + octets[6] % 16
        m.sender = m.destination
        m.size = m.captured = octets[6] >> 4
        m.digest, m.source_mac, m.destination_mac = octets[7] & 3, octets[7] >> 2 & 1, octets[7] >> 3 & 1
        m.first_key, m.keys = keys, octets[7] >> 4 & 3
        m.keys = max(m.keys, (m.role & COMPARED != 0) + (m.role & ALSO_REPLY != 0))
        if m.service in (ICMP_SERVICE,):
            m.source_port = m.destination_port = m.port = -1
        for number in range(m.keys):
            POOL[keys + number] = (octets[4] >> 4) + number * (octets[7] >> 7)
        keys += m.keys
        if m.keys == 0 and octets[7] & 64:  # what one other service makes of it
            m.readings = 2
            POOL[keys], POOL[keys + 1] = octets[1] % len_of_services() | 1 << 8, octets[4] >> 4
            keys += 2
        if m.role % 16 == FRAGMENT:
            m.role, m.service, m.keys, m.readings = FRAGMENT, 0, 0, 0
            m.port = m.source_port = m.destination_port = -1
        octets += 8
        size -= 8
        count += 1
    return count
