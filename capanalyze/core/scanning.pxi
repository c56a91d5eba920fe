# Records in, messages out: the scan of one capture, as Python sees it.


MESSAGES_AT_ONCE = <int>AT_ONCE  # that one frame may hold


cdef class Scanner:
    """Turns records into messages, for one capture.

    Args:
        of_port: for each of the 65,536 UDP ports the number of its service.
        empty_asks: for each service, whether an empty datagram asks.
    """
    cdef Held of_port, empty_asks, readers
    cdef Services services

    def __cinit__(self, bytes of_port not None, bytes empty_asks not None):
        self.services = SERVICES
        self.of_port, self.empty_asks = Held(of_port), Held(empty_asks)
        self.readers = Held(bytes(sorted(set(of_port) - {GENERIC_UDP})))
        self.services.reader_count = self.readers.buffer.len
        self.services.readers = <const uint8_t *>self.readers.at_least(0)
        self.services.of_port = <const uint8_t *>self.of_port.at_least(65536)
        self.services.empty_asks = <const uint8_t *>self.empty_asks.at_least(len(NAMES))
        self.services.last_port = max(len(of_port.rstrip(b"\0")), 1) - 1
        if max(of_port) >= len(NAMES):
            raise ValueError("a port of no service")

    def scan(self, octets, state, layout, interfaces, messages, pool, tally, tunnels, unread, shown,
             size_t stop):
        """Walk records up to `stop`, or until there is no room: why, as `capture.records` numbers it."""
        cdef Records records = Records(octets, state, layout, interfaces)
        cdef Held rows = Held(messages, True), keys = Held(pool, True), counts = Held(tally, True)
        cdef Held carried = Held(tunnels, True), numbers = Held(unread, True), senders = Held(shown, True)
        cdef Octets block = records.up_to(stop)
        cdef Scan *s = &records.scan
        cdef Answer answer
        s.services = &self.services
        s.messages = <Message *>rows.at_least(s.state.room * sizeof(Message))
        s.pool = <int64_t *>keys.at_least(s.state.key_room * sizeof(int64_t))
        s.tally = <int64_t *>counts.at_least((<int>reason.REASONS_END - <int>reason.MESSAGE) * sizeof(int64_t))
        s.tunnels = <int64_t *>carried.at_least(<int>reason.TUNNELS_END * sizeof(int64_t))
        s.unread = <Unread *>numbers.at_least(MAX_UNREAD * sizeof(Unread))
        s.shown = <Neighbour *>senders.at_least(s.state.shown_room * sizeof(Neighbour))
        with nogil:
            answer = scan_in(s, block)
        return <int>answer


cdef class Records:
    """A piece of a capture, and what is needed to walk its records."""
    cdef Held octets, state, layout, interfaces
    cdef Scan scan

    def __cinit__(self, octets, state, layout, interfaces):
        self.octets, self.state, self.layout = Held(octets), Held(state, True), Held(layout)
        self.interfaces = Held(interfaces, True)
        self.scan.state = <State *>self.state.at_least(sizeof(State))
        self.scan.layout = <const Layout *>self.layout.at_least(sizeof(Layout))
        count = self.scan.layout.first_interface + self.scan.layout.interfaces
        self.scan.interfaces = <Interface *>self.interfaces.at_least(count * sizeof(Interface))

    cdef Octets up_to(self, size_t stop) except *:
        """The octets before `stop`.

        Raises:
            ValueError: there are fewer, or more than 32 bits count.
        """
        if stop > 0xFFFFFFFFU:
            raise ValueError("a piece of 4 GiB or more")
        return Octets(<const uint8_t *>self.octets.at_least(stop), <uint32_t>stop, <uint32_t>stop)


def read_record(octets, state, layout, interfaces, found):
    """Read the record at the offset in `state`: whether it is one, as `capture.records` numbers answers."""
    cdef Records records = Records(octets, state, layout, interfaces)
    cdef Held into = Held(found, True)
    return <int>next_record(
        &records.scan, records.up_to(records.octets.buffer.len), <Record *>into.at_least(sizeof(Record))
    )


def skim(octets, state, layout, interfaces, size_t stop, int64_t frames):
    """Step over records up to `stop`, at most so many: why it ended, as `capture.records` numbers it."""
    cdef Records records = Records(octets, state, layout, interfaces)
    cdef Octets block = records.up_to(stop)
    cdef Answer answer
    with nogil:
        answer = skim_in(&records.scan, block, frames)
    return <int>answer


def find(octets, state, layout, interfaces, wanted, found, int64_t before):
    """Walk the records of a piece of a capture to the frames that are wanted, and note these; how many there were."""
    cdef Records records = Records(octets, state, layout, interfaces)
    cdef Held numbers = Held(wanted), into = Held(found, True)
    cdef int64_t count = numbers.buffer.len // sizeof(int64_t), done
    cdef const int64_t *frames = <const int64_t *>numbers.at_least(0)
    cdef Record *places = <Record *>into.at_least(count * sizeof(Record))
    cdef Octets piece = records.up_to(records.octets.buffer.len)
    with nogil:
        done = find_in(piece, &records.scan, before, frames, count, places)
    return done


cdef class Neighbourhood:
    """The hosts that were shown on the link, with room for so many."""
    cdef Neighbours neighbours
    cdef Room places, heads

    def __cinit__(self, size_t room):
        cdef size_t count = 2
        while count < 2 * room + 2:
            count *= 2
        self.places, self.heads = Room(room, sizeof(Neighbour)), Room(count, sizeof(uint32_t))
        self.neighbours.places, self.neighbours.heads = <Neighbour *>self.places.first, <uint32_t *>self.heads.first
        self.neighbours.used, self.neighbours.room, self.neighbours.mask = 1, room + 1, count - 1

    def take(self, shown, size_t count):
        """Remember senders that a scan noted."""
        cdef Held held = Held(shown)
        cdef const Neighbour *some = <const Neighbour *>held.at_least(count * sizeof(Neighbour))
        with nogil:
            meet_all(&self.neighbours, some, count)

    def __len__(self):
        return self.neighbours.used - 1

    @property
    def is_full(self):
        return bool(self.neighbours.is_full)
