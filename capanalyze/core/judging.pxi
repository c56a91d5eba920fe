# The judge of exchanges, as Python sees it.


cdef class Room:
    """Memory for some records, all 0: for one at least."""
    cdef void *first

    def __cinit__(self, size_t count, size_t octets):
        self.first = calloc(count + 1, octets)
        if self.first == NULL:
            raise MemoryError(f"no memory for {count:,} records of {octets} octets")

    def __dealloc__(self):
        free(self.first)


cdef class HeldRows:
    """Rows of exchanges, for as long as this lives.

    Raises:
        ValueError: there are fewer than `count`.
    """
    cdef Held wides, narrows
    cdef Wide *wide
    cdef Narrow *narrow
    cdef int64_t count

    def __cinit__(self, wide, narrow, size_t start, size_t stop, bint writable=True):
        self.wides, self.narrows = Held(wide, writable), Held(narrow, writable)
        self.wide = <Wide *>self.wides.at_least(stop * sizeof(Wide))
        self.narrow = <Narrow *>self.narrows.at_least(stop * sizeof(Narrow))
        self.wide += start
        self.narrow += start
        self.count = stop - start if stop > start else 0


cdef class Judge:
    """Judges exchanges: `core.pyi` has what it is told."""
    cdef Judging judging
    cdef Room modules, modes, segments, captures, networks, own, placed, covered, answers, controlled
    cdef Held one_way
    cdef list promises

    def __cinit__(self, list modules not None, list modes not None, list captures not None, list networks not None,
                  bytes one_way not None):
        self.one_way = Held(one_way)
        self.judging.one_way = <const uint8_t *>self.one_way.at_least(PORTS)
        self.take_modules(modules)
        self.take_modes(modes)
        self.take_captures(captures)
        self.take_networks(networks)
        self.target([])
        self.places([])
        self.covered = Room(0, sizeof(Span))
        self.judging.covered = <const Span *>self.covered.first
        self.answers = Room(ANSWER_ROOM, sizeof(Answered))
        self.judging.answers = <Answered *>self.answers.first
        self.controlled = Room(CONTROL_ROOM, sizeof(Control))
        self.judging.controls = <Control *>self.controlled.first

    cdef take_modules(self, list modules):
        self.modules = Room(len(modules), sizeof(Module))
        cdef Module *module = <Module *>self.modules.first
        self.judging.modules, self.judging.module_count = module, len(modules)
        for number, (window, silence_proves, answers_its_link) in enumerate(modules):
            module[<size_t>number].window = window
            module[<size_t>number].silence_proves = silence_proves
            module[<size_t>number].answers_its_link = answers_its_link

    cdef take_modes(self, list modes):
        self.modes = Room(1 + len(modes), sizeof(Mode))
        self.promises = []
        cdef Mode *mode = <Mode *>self.modes.first
        cdef Held held
        self.judging.modes, self.judging.mode_count = mode, 1 + len(modes)
        for stealth, opens, answers, ports in modes:
            mode += 1
            mode.stealth, mode.opens = stealth, opens
            for service in answers:
                mode.answers[<uint8_t>service % MAX_SERVICES] = True
            if ports is not None:
                held = Held(ports)
                mode.ports = <const uint8_t *>held.at_least(2 * PORTS)
                self.promises.append(held)

    cdef take_captures(self, list captures):
        self.captures = Room(len(captures), sizeof(Capture))
        self.segments = Room(sum(map(len, captures)), sizeof(Segment))
        cdef Capture *capture = <Capture *>self.captures.first
        cdef Segment *segment = <Segment *>self.segments.first
        self.judging.captures, self.judging.segments = capture, segment
        self.judging.capture_count = len(captures)
        for segments in captures:
            capture.first_segment, capture.segments = self.judging.segment_count, len(segments)
            for mode, (since, since_nanos), (until, until_nanos) in segments:
                segment[0] = Segment(since, until, since_nanos, until_nanos, mode)
                segment += 1
            self.judging.segment_count += len(segments)
            capture += 1

    cdef take_networks(self, list networks):
        self.networks = Room(len(networks), sizeof(Network))
        cdef Network *network = <Network *>self.networks.first
        self.judging.networks, self.judging.network_count = network, len(networks)
        for (high, low), (mask, low_mask), is_ipv4, zone in networks:
            network[0] = Network(Address(high, low), Address(mask, low_mask), is_ipv4, zone)
            network += 1

    def target(self, list addresses not None):
        """The target's addresses, two words each."""
        self.own = Room(len(addresses), sizeof(Address))
        cdef Address *address = <Address *>self.own.first
        self.judging.own, self.judging.own_count = address, len(addresses)
        for high, low in addresses:
            address[0] = Address(high, low)
            address += 1

    def places(self, list zones not None):
        """For each place the zone that it is given, and its own."""
        self.placed = Room(len(zones), sizeof(Place))
        cdef Place *place = <Place *>self.placed.first
        self.judging.places, self.judging.place_count = place, len(zones)
        for given, own in zones:
            place[0] = Place(given, own)
            place += 1

    def see(self, list captures not None, list cut not None, list covered not None):
        """What is known of captures and modes by now."""
        cdef Capture *capture = <Capture *>self.captures.first
        cdef Mode *mode = <Mode *>self.modes.first
        if len(captures) != self.judging.capture_count or len(cut) != self.judging.mode_count:
            raise ValueError("other captures or modes than before")
        for last, one_sided, is_cut in captures:
            capture.last, capture.one_sided, capture.cut = last, one_sided, is_cut
            capture += 1
        for is_cut in cut:
            mode.is_cut = is_cut
            mode += 1
        self.covered = Room(len(covered), sizeof(Span))
        cdef Span *span = <Span *>self.covered.first
        self.judging.covered, self.judging.covered_count = span, len(covered)
        for number, first, last in covered:
            span[0] = Span(first, last, number)
            span += 1

    def judge(self, wide, narrow, size_t count):
        """Judge rows, in place; how many wait for `settle`."""
        cdef HeldRows rows = HeldRows(wide, narrow, 0, count)
        cdef int64_t unsettled
        with nogil:
            unsettled = judge_rows(&self.judging, rows.wide, rows.narrow, rows.count)
        return unsettled

    def note(self, wide, narrow, size_t start, size_t stop):
        """Note which requests were answered."""
        cdef HeldRows rows = HeldRows(wide, narrow, start, stop)
        with nogil:
            note_answers(&self.judging, rows.wide, rows.narrow, rows.count)

    def settle(self, wide, narrow, size_t count):
        """Tell silence from not knowing in rows that were judged."""
        cdef HeldRows rows = HeldRows(wide, narrow, 0, count)
        with nogil:
            settle(&self.judging, rows.wide, rows.narrow, rows.count)

    def conclude(self, wide, narrow, size_t count):
        """Tell what was held back from mere silence in judged rows, by all controls that are known by now."""
        cdef HeldRows rows = HeldRows(wide, narrow, 0, count)
        with nogil:
            conclude(&self.judging, rows.wide, rows.narrow, rows.count)

    def learn(self, Judge other not None):
        """Take over the controls that another judge of the same captures has noted."""
        self.controlled = other.controlled
        self.judging.controls, self.judging.control_count = other.judging.controls, other.judging.control_count

    def controls(self):
        """What shows that services listened."""
        cdef Control *control
        found = []
        for number in range(CONTROL_ROOM):
            control = &self.judging.controls[<size_t>number]
            if control.proof[0].taken:
                found.append(control[0])
        return found
