# Messages in, settled exchanges out: the table of open exchanges, as Python sees it.


cdef class Pairs:
    """Pairs messages: the table of open exchanges, and what was settled.

    Args:
        facts: ten numbers a service, `Facts` of `exchange.pxd`.
        waits: the lengths of waiting in nanoseconds, `exchange.pxd` numbers the first ones.
        ports: facts about each UDP port, and behind them the service of each.
        services: for each service and kind of message, the service that it is of.
        sources: for each capture the number of its source.
        room: exchanges that may be open at a time.
    """
    cdef Pairing *p
    cdef void *exchanges  # that of the table begins with a line of memory
    cdef Held facts, ports, services, sources
    cdef readonly Py_ssize_t captures, service_count

    def __cinit__(self, facts not None, waits not None, bytes ports not None, bytes services not None, sources not None,
                  uint32_t room):
        if not MOST_AT_ONCE <= room <= MOST_OPEN:
            raise ValueError(f"room for {room:,} exchanges, where one message may begin {MOST_AT_ONCE}")
        self.facts, self.ports, self.services, self.sources = Held(facts), Held(ports), Held(services), Held(sources)
        self.captures, self.service_count = len(sources), len(NAMES)
        self.p = <Pairing *>calloc(1, sizeof(Pairing))
        if self.p == NULL:
            raise MemoryError
        cdef Pairing *p = self.p
        cdef OpenTable *t = &p.table
        t.room, t.spare_room, t.link_room = room, 2 * room + 1024, 1 << 20
        t.first_spare = (room + 1) << OWN_BITS
        t.mask = (1 << (4 * room - 1).bit_length()) - 1
        self.exchanges = calloc(t.room + 2, sizeof(Exchange))
        t.exchanges = <Exchange *>(<char *>self.exchanges + LINE - <size_t>self.exchanges % LINE)
        t.spares = <Spare *>calloc(t.spare_room + 1, sizeof(Spare))
        t.frames = <Listed *>calloc(t.link_room + 1, sizeof(Listed))
        t.heads = <uint32_t *>calloc(<size_t>t.mask + 1, sizeof(uint32_t))
        p.malformed = <int64_t *>calloc(self.captures * self.service_count * KINDS, sizeof(int64_t))
        if not (self.exchanges and t.spares and t.frames and t.heads and p.malformed):
            raise MemoryError
        p.facts = t.facts = <const Facts *>self.facts.at_least(self.service_count * sizeof(Facts))
        p.ports = <const uint8_t *>self.ports.at_least(2 * 65536)
        p.services = <const uint8_t *>self.services.at_least(self.service_count * KINDS)
        p.repeats.sources = <const int64_t *>self.sources.at_least(self.captures * sizeof(int64_t))
        p.something_else = p.repeats.changed = -(<int64_t>1 << 62)
        p.repeats.captures, p.service_count, p.many_sources = self.captures, self.service_count, len(set(sources)) > 1
        if len(waits) > MAX_WAITS or max(waits) > LONG * <int64_t>SECOND:
            raise ValueError("waits that the table has no queues for")
        for number, length in enumerate(waits):
            t.waits[number] = length

    def __dealloc__(self):
        if self.p == NULL:
            return
        free(self.exchanges)
        free(self.p.table.spares)
        free(self.p.table.frames)
        free(self.p.table.heads)
        free(self.p.malformed)
        free(self.p)

    def feed(self, messages, pool, int64_t start, int64_t stop, wide, narrow, links):
        """Take in messages from `start` to before `stop`: the one where room for rows ended, how many rows, links."""
        cdef Held rows = Held(messages, True), keys = Held(pool)
        cdef Held to_wide = Held(wide, True), to_narrow = Held(narrow, True), to_links = Held(links, True)
        cdef Message *first = <Message *>rows.at_least(stop * sizeof(Message))
        cdef const int64_t *words = <const int64_t *>keys.at_least(0)
        self.hand_to(to_wide, to_narrow, to_links)
        with nogil:
            start = feed(self.p, first, words, start, stop)
        return start, self.p.table.out.count, self.p.table.out.link_count

    def finish(self, wide, narrow, links):
        """Close what is open: whether that is all, how many rows, links."""
        cdef Held to_wide = Held(wide, True), to_narrow = Held(narrow, True), to_links = Held(links, True)
        self.hand_to(to_wide, to_narrow, to_links)
        cdef bint done
        with nogil:
            done = finish_pairing(self.p)
        return done, self.p.table.out.count, self.p.table.out.link_count

    cdef hand_to(self, Held wide, Held narrow, Held links):
        """Settled exchanges go there from now on; link 0 stands for none."""
        cdef Out *out = &self.p.table.out
        out.room = min(wide.buffer.len // sizeof(Wide), narrow.buffer.len // sizeof(Narrow))
        out.link_room, out.count, out.link_count = links.buffer.len // sizeof(Link), 0, 1
        out.wide, out.narrow = <Wide *>wide.at_least(sizeof(Wide)), <Narrow *>narrow.at_least(sizeof(Narrow))
        out.links = <Link *>links.at_least(sizeof(Link))
        out.links[0] = Link(0, 0)

    def look(self, uint32_t number, wide, narrow):
        """Rows of what is open, without frames, from exchange `number` on (0: the first): how many, which is next."""
        cdef Held to_wide = Held(wide, True), to_narrow = Held(narrow, True)
        cdef OpenTable *t = &self.p.table
        cdef int64_t count = 0, room = min(to_wide.buffer.len // sizeof(Wide), to_narrow.buffer.len // sizeof(Narrow))
        cdef Wide *wides = <Wide *>to_wide.at_least(sizeof(Wide))
        cdef Narrow *narrows = <Narrow *>to_narrow.at_least(sizeof(Narrow))
        cdef Exchange one
        number = number or t.order.first
        while number and count < room:
            one = at(t, number)[0]
            one.requests = one.replies = 0
            write(t, &one, &wides[count], &narrows[count])
            count += 1
            number = at(t, number).after
        return count, number

    @property
    def taken(self):
        """Places in the table that are taken, and links."""
        return self.p.table.open, self.p.table.links_taken

    @property
    def evicted(self):
        """Exchanges that were let go before their time, and how many of these within their window."""
        return self.p.table.evicted, self.p.table.forgotten

    @property
    def behind(self):
        """Endpoints of the host, two words and a port each, and the ones that it passes their requests on to."""
        cdef Behind *one
        found = []
        for number in range(self.p.behind_count):
            one = &self.p.behind[<size_t>number]
            asked = one.asked.high, one.asked.low, one.asked_port
            found.append((asked, (one.passed_to.high, one.passed_to.low, one.passed_to_port)))
        return found

    @property
    def same_packet(self):
        """Two frames of different sources that hold the same packet; 0 for none."""
        return self.p.repeats.same_first, self.p.repeats.same_second

    def malformed(self):
        """Messages that did not parse: (capture, service, kind) → how many."""
        found = {}
        cdef Py_ssize_t place, service
        for place in range(self.captures * self.service_count * KINDS):
            if self.p.malformed[place]:
                service = place // KINDS
                key = service // self.service_count, service % self.service_count, place % KINDS
                found[key] = self.p.malformed[place]
        return found
