# Messages on their way into the pairing: named, dated, and brought into order.


MAX_NAMES = <int>NAMES_TOLD_APART


cdef class Naming:
    """Gives messages the index of the interface that their frames name, for one capture."""
    cdef Names names

    def name(self, octets, int64_t base, messages, int64_t count, index_of):
        """Give messages an index where they lack one; `index_of` says that of a name that is not known yet."""
        cdef Held held = Held(octets), rows = Held(messages, True)
        cdef Message *first = <Message *>rows.at_least(count * sizeof(Message))
        cdef uint32_t size = <uint32_t>min(held.buffer.len, 0xFFFFFFFFU)
        cdef Octets block = Octets(<const uint8_t *>held.at_least(0), size, size)
        cdef int64_t done = 0
        while True:
            with nogil:
                done += name(&self.names, block, base, first + done, count - done)
            if done == count:
                return
            self.learn(block, base, first + done, index_of)

    cdef learn(self, Octets octets, int64_t base, const Message *message, index_of):
        """Remember the name of a message's interface; one name stands for all that there is no room for."""
        cdef Name wanted
        if self.names.count == NAMES_TOLD_APART:
            self.names.further = index_of(None)
            return
        read_name(&wanted, octets, base, message)
        text = (<uint64_t>wanted.high).to_bytes(8, "big") + (<uint64_t>wanted.low).to_bytes(8, "big")
        wanted.index = index_of(wanted.low if wanted.is_number else text.rstrip(b"\0"))
        find_name(&self.names, &wanted)[0] = wanted
        self.names.count += 1


cdef class Dater:
    """Dates the messages of one source.

    Args:
        since, until: seconds and nanoseconds; what is before the one, or not before the other, is left out.
    """
    cdef Dating dating

    def __cinit__(self, since, until):
        cdef int64_t ever = 1LL << 61
        self.dating.span.limited = since is not None or until is not None
        self.dating.span.since.seconds, self.dating.span.since.nanos = (-ever, 0) if since is None else since
        self.dating.span.until.seconds, self.dating.span.until.nanos = (ever, 0) if until is None else until
        self.dating.out.newest = self.dating.out.earliest = BEFORE_ALL
        self.dating.out.ordered = True

    def begin(self, int64_t capture, clocks):
        """A further capture begins; it has this number."""
        cdef Held held = Held(clocks, True)
        cdef Clock *first = <Clock *>held.at_least(0)
        self.dating.capture = capture
        self.dating.out.any = False
        for number in range(held.buffer.len // sizeof(Clock)):
            first[number].fresh = True

    def turn(self):
        """Write from the beginning of the room again."""
        self.dating.out.count = self.dating.out.keys = 0

    def date(self, messages, pool, int64_t start, int64_t stop, places, named, clocks, into, into_pool):
        """Date messages from `start` to before `stop`; the message where the room ended, else `stop`."""
        cdef Held rows = Held(messages), keys = Held(pool), out = Held(into, True), out_keys = Held(into_pool, True)
        cdef Held described = Held(places), names = Held(named, True), hands = Held(clocks, True)
        cdef Dating *d = &self.dating
        d.messages = <const Message *>rows.at_least(stop * sizeof(Message))
        self.by(keys, described, names, hands)
        self.into(out, out_keys)
        cdef int64_t done
        with nogil:
            done = date(d, start, stop)
        return done

    def date_in_place(self, messages, pool, int64_t start, int64_t stop, places, named, clocks):
        """Date messages from `start` to before `stop` where they are, whatever time is asked for."""
        cdef Held rows = Held(messages, True), keys = Held(pool)
        cdef Held described = Held(places), names = Held(named, True), hands = Held(clocks, True)
        cdef Message *first = <Message *>rows.at_least(stop * sizeof(Message))
        self.by(keys, described, names, hands)
        with nogil:
            date_in_place(&self.dating, first, start, stop)

    cdef by(self, Held keys, Held described, Held names, Held hands):
        """What messages are dated by: their keys, the places of interfaces, and the clocks of these."""
        cdef Dating *d = &self.dating
        d.pool, d.key_count = <const int64_t *>keys.at_least(0), keys.buffer.len // sizeof(int64_t)
        d.places, d.place_count = <const int64_t *>described.at_least(0), described.buffer.len // sizeof(int64_t)
        d.named, d.named_count = <Named *>names.at_least(0), names.buffer.len // sizeof(Named)
        d.clocks, d.clock_count = <Clock *>hands.at_least(sizeof(Clock)), hands.buffer.len // sizeof(Clock)

    def hold(self, messages, pool, int64_t start, int64_t stop, into, into_pool):
        """Write messages that were dated before once more, with others to follow."""
        cdef Held rows = Held(messages), keys = Held(pool), out = Held(into, True), out_keys = Held(into_pool, True)
        cdef Dated *to = &self.dating.out
        self.into(out, out_keys)
        if start < 0 or to.count + stop - start > to.room:
            raise ValueError("there is no room for so many messages")
        to.keys = append(rows, keys, start, stop, to.messages + to.count, to.pool, to.keys, to.key_room)
        to.count += max(stop - start, 0)

    cdef into(self, Held messages, Held pool):
        """Where messages and their keys are written."""
        cdef Dated *to = &self.dating.out
        to.messages, to.room = <Message *>messages.at_least(0), messages.buffer.len // sizeof(Message)
        to.pool, to.key_room = <int64_t *>pool.at_least(0), pool.buffer.len // sizeof(int64_t)

    @property
    def count(self):
        return self.dating.out.count

    @property
    def is_ordered(self):
        return bool(self.dating.out.ordered)

    @property
    def clocks(self):
        return (self.dating.out.first, self.dating.out.last) if self.dating.out.any else None

    @property
    def earliest(self):
        return self.dating.out.earliest

    @earliest.setter
    def earliest(self, int64_t clock):
        self.dating.out.earliest = clock


cdef int64_t append(
    Held messages, Held pool, int64_t start, int64_t stop, Message *into, int64_t *into_pool, int64_t keys, int64_t room
) except -1:
    """Copy messages with their keys, behind `keys` others; how many there are now."""
    cdef const Message *rows = <const Message *>messages.at_least(stop * sizeof(Message))
    cdef const int64_t *known = <const int64_t *>pool.at_least(0)
    cdef int64_t count = pool.buffer.len // sizeof(int64_t), number
    for number in range(start, stop):
        if keys + rows[number].keys + rows[number].readings > room:
            raise ValueError("there is no room for so many keys")
        into[number - start] = rows[number]
        keys = put_keys(&into[number - start], into_pool, keys, known, count)
    return keys


def joined(parts):
    """Stretches of messages (rows, pool, from, to before) behind each other: rows and pool."""
    cdef int64_t count = 0, room = 0, done = 0, keys = 0, start, stop
    for _, pool, start, stop in parts:
        count += stop - start
        room += len(pool)
    rows, keys_of = bytearray(count * sizeof(Message)), bytearray(room * sizeof(int64_t))
    cdef Held into = Held(rows, True), into_pool = Held(keys_of, True)
    cdef Message *to = <Message *>into.at_least(0)
    for messages, pool, start, stop in parts:
        keys = append(
            Held(messages), Held(pool), start, stop, to + done, <int64_t *>into_pool.at_least(0), keys, room
        )
        done += stop - start
    return memoryview(rows).cast("q"), memoryview(keys_of).cast("q")[:keys]


def reorder(messages, int64_t count):
    """Messages that were dated in the order of their clocks, of equal ones as they came; their keys stay."""
    cdef Held held = Held(messages)
    cdef const Message *rows = <const Message *>held.at_least(count * sizeof(Message))
    into = bytearray(count * sizeof(Message))
    cdef Held out = Held(into, True), scratch = Held(bytearray(2 * count * sizeof(Stamp)), True)
    cdef Held stretches = Held(bytearray((count // SHORT + 1) * sizeof(int64_t)), True)
    cdef Message *to = <Message *>out.at_least(0)
    cdef Stamp *stamps = <Stamp *>scratch.at_least(0)
    cdef int64_t *ends = <int64_t *>stretches.at_least(0)
    cdef int64_t number
    with nogil:
        for number in range(count):
            stamps[number] = Stamp(clock_of(&rows[number]), number)
        reorder_stamps(stamps, count, stamps + count, ends)
        for number in range(count):
            to[number] = rows[stamps[number].number]
    return memoryview(into).cast("q")


def bound(messages, int64_t start, int64_t count, int64_t clock):
    """The first of `count` messages in order, from `start` on, that is behind a clock; `count` where none is."""
    cdef Held held = Held(messages)
    return up_to(<const Message *>held.at_least(count * sizeof(Message)), start, count, clock)


def clock_at(messages, int64_t number):
    """The clock of a message that was dated."""
    cdef Held held = Held(messages)
    return clock_of(<const Message *>held.at_least((number + 1) * sizeof(Message)) + number)
