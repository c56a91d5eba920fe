# What exchanges are summed up in, as Python sees it.


cdef class Summary:
    """Exchanges summed up: `core.pyi` has what it hands out."""
    cdef Sums sums
    cdef list rooms
    cdef Held always

    def __cinit__(self, bytes always not None, *, size_t cells, size_t reasons, size_t details, int32_t quiet,
                  int32_t rejecting, int32_t answering, size_t ports, size_t full, size_t turns, size_t changes, size_t rows, size_t waiting,
                  size_t links, size_t met, size_t hosts, size_t origins):
        cdef Sums *s = &self.sums
        self.always = Held(always)
        self.rooms = []
        s.always = <const uint8_t *>self.always.at_least(2 * PORTS)
        s.ntp = NAMES.index("ntp")
        s.most_detailed[<int>REPLIED], s.most_detailed[<int>REJECTED] = answering, rejecting
        s.most_detailed[<int>SILENT] = quiet
        s.port_room = ports
        s.cells = <Cell *>self.table(&s.cell, cells, sizeof(Cell))
        s.cell_heads = self.index(&s.cell_mask, cells)
        s.reasons = <Reason *>self.table(&s.reason, reasons, sizeof(Reason))
        s.reason_heads = self.index(&s.reason_mask, reasons)
        s.details = <Detail *>self.table(&s.detail, details, sizeof(Detail))
        s.bins = <Bins *>self.table(&s.bin, full, sizeof(Bins))
        s.kinds = <Kinds *>self.table(&s.kind, details, sizeof(Kinds))
        s.spreads = <Spread *>self.table(&s.spread, full, sizeof(Spread))
        s.turns = <Turn *>self.table(&s.turn, turns, sizeof(Turn))
        s.turn_heads = self.index(&s.turn_mask, turns)
        s.changes = <Change *>self.table(&s.change, changes, sizeof(Change))
        s.touched = <int32_t *>self.room(details + turns, sizeof(int32_t))
        s.services = len(NAMES)
        s.sent = <SentList *>self.room(s.services * SENT_KINDS, sizeof(SentList))
        s.met = <Met *>self.table(&s.meeting, met, sizeof(Met))
        s.met_heads = self.index(&s.met_mask, met)
        s.hosts = <Host *>self.table(&s.host, hosts, sizeof(Host))
        s.host_heads = self.index(&s.host_mask, hosts)
        s.origins = <Origin *>self.table(&s.origin, origins, sizeof(Origin))
        s.origin_heads = self.index(&s.origin_mask, origins)
        s.waiting_room = waiting
        s.kept.next = <uint32_t *>self.room(rows, sizeof(uint32_t))
        s.kept.previous = <uint32_t *>self.room(rows, sizeof(uint32_t))
        s.kept.wides = <Wide *>self.room(rows, sizeof(Wide))
        s.kept.narrows = <Narrow *>self.room(rows, sizeof(Narrow))
        s.kept.links = <Link *>self.room(links, sizeof(Link))
        s.kept.rows = s.kept.link_count = 1
        s.kept.row_room, s.kept.link_room = rows + 1, links + 1

    cdef void *room(self, size_t count, size_t octets) except NULL:
        """Room for so many records besides the one that stands for none."""
        cdef Room room = Room(count, octets)
        self.rooms.append(room)
        return room.first

    cdef void *table(self, Table *table, size_t count, size_t octets) except NULL:
        """A table for so many records."""
        table.used, table.room = 1, count + 1
        return self.room(count, octets)

    cdef uint32_t *index(self, uint64_t *mask, size_t count) except NULL:
        """An index of so many records, at most half full."""
        cdef size_t places = 2
        while places < 2 * count + 2:
            places *= 2
        mask[0] = places - 1
        return <uint32_t *>self.room(places, sizeof(uint32_t))

    def add(self, wide, narrow, links, size_t count):
        """Sum up a batch of judged rows."""
        cdef HeldRows rows = HeldRows(wide, narrow, 0, count, False)
        cdef Held held = Held(links)
        cdef const Link *link = <const Link *>held.at_least(sizeof(Link))
        cdef Row first = Row(rows.wide, rows.narrow, link, held.buffer.len // <Py_ssize_t>sizeof(Link), 0)
        with nogil:
            sum_up(&self.sums, first, rows.count)

    def finish(self, list shown not None):
        """All was added, of captures that showed these neighbourhoods."""
        cdef Neighbourhood some
        cdef bint all_shown = True
        for some in shown:
            bring_near(&self.sums, &some.neighbours)
            all_shown = all_shown and not some.is_full
        with nogil:
            finish(&self.sums, all_shown)

    def counts(self):
        """What is counted of all exchanges."""
        cdef Sums *s = &self.sums
        return s.directions, s.unplaced, s.lost, s.left_out, bool(s.crowded), s.untold

    def kept(self):
        """The rows that are kept: wide ones, narrow ones, links."""
        cdef Kept *kept = &self.sums.kept
        return (
            (<const char *>kept.wides)[:kept.rows * sizeof(Wide)],
            (<const char *>kept.narrows)[:kept.rows * sizeof(Narrow)],
            (<const char *>kept.links)[:kept.link_count * sizeof(Link)],
        )

    def cells(self):
        """The cells that count anything."""
        return [
            (number, self.sums.cells[<size_t>number])
            for number in range(1, self.sums.cell.used)
            if counts_anything(&self.sums.cells[<size_t>number])
        ]

    def joined(self, bytes named not None):
        """Ports that are silent in cells of further ports: the cell's number, and the port."""
        cdef Held held = Held(named)
        cdef const uint8_t *wanted = <const uint8_t *>held.at_least(2 * PORTS)
        cdef Cell *cell
        found = []
        for number in range(1, self.sums.cell.used):
            cell = &self.sums.cells[<size_t>number]
            if cell.which.sort != JOINED or not cell.counts[<int>SILENT]:
                continue
            if wanted[(cell.which.service & 1) * PORTS + (cell.which.port & (PORTS - 1))]:
                found.append((cell.joined, cell.which.port))
        return found

    def reasons(self):
        """Why exchanges of cells are what they are, beside each cell's usual reason."""
        cdef Reason *reason
        found = []
        for number in range(1, self.sums.reason.used):
            reason = &self.sums.reasons[<size_t>number]
            if reason.number:
                found.append((reason.cell, reason.said, reason.number))
        return found

    def met(self):
        """Interfaces of zones, and captures of cells that have no bit there."""
        cdef Met *met
        cdef Cell *cell
        places, captures = [], []
        for number in range(1, self.sums.meeting.used):
            met = &self.sums.met[<size_t>number]
            if met.is_capture:
                cell = &self.sums.cells[met.where]
                captures.append((cell.joined if cell.which.sort == JOINED else met.where, met.number))
            else:
                places.append((<int32_t>met.where, met.number))
        return places, captures

    def detail(self, size_t number):
        """What is shown of a finding besides its counts."""
        if not 0 < number < <size_t>self.sums.detail.used:
            raise IndexError(number)
        cdef Detail *detail = &self.sums.details[number]
        cdef Bins *bins = &self.sums.bins[detail.bins]
        cdef Kinds *kinds = &self.sums.kinds[detail.asked]
        cdef Room room = Room(1, sizeof(Spread))
        cdef Spread *spread = <Spread *>room.first if detail.waiting else &self.sums.spreads[detail.spread]
        return {
            "firsts": [detail.kept[at] for at in range(detail.filled) if detail.kept[at]],
            "slowest": detail.kept[<int>SLOWEST_ONE] if detail.slow_time >= 0 else 0,
            "last": detail.kept[<int>LAST_ONE],
            "exact": self.waiting(detail, spread),
            "rows": self.waiting_rows(detail),
            "level": bins.level,
            "bins": counts_of(bins),
            "kinds": {at: kinds.of_kind[<int>at] for at in range(SUMMED_KINDS) if kinds.of_kind[<int>at].exchanges},
            "times": {at: spread.times[<int>at] for at in range(STEPS) if spread.times[<int>at]},
            "payloads": [tuple(spread.payloads[<int>at].values()) for at in range(spread.chosen)],
        }

    cdef list waiting_rows(self, const Detail *detail):
        """Under which numbers the exchanges that wait are kept."""
        cdef uint32_t number = detail.first_waiting
        found = []
        while number:
            found.append(number)
            number = self.sums.kept.next[number]
        return found

    cdef list waiting(self, const Detail *detail, Spread *spread):
        """Time, round trip and class of the exchanges that wait; their replies are noted."""
        cdef uint32_t number = detail.first_waiting
        cdef Row row
        cdef int kind
        found = []
        while number:
            row = row_at(&self.sums.kept, number)
            kind = class_of(row.narrow)
            if has_reply(&self.sums, detail, kind):
                note_reply(spread, row)
            found.append((row.wide.seconds, row.narrow.nanos, row.wide.rtt, kind))
            number = self.sums.kept.next[number]
        return found

    def changes(self):
        """Where outcomes changed."""
        return [self.sums.changes[<size_t>number] for number in range(1, self.sums.change.used)]


cdef list counts_of(Bins *bins):
    """The bins that are not empty: their numbers, and their counts by class."""
    return [
        (bins.first + at, bins.counts[<int>at]) for at in range(MOST_BINS) if any(bins.counts[<int>at])
    ]


def step_of(int64_t time):
    """The step of the histogram that a round-trip time in nanoseconds is in."""
    return step_in(time)


def bins_of(list exchanges not None):
    """Exchanges (time in nanoseconds, class) in bins of time: the bins' level, and number and counts of each."""
    cdef Room room = Room(1, sizeof(Bins))
    cdef Bins *bins = <Bins *>room.first
    for time, kind in exchanges:
        count_at(bins, time, kind % <int>CLASSES)
    return bins.level, counts_of(bins)


def reach_of(wide, narrow):
    """Where the client of the first of some rows is."""
    cdef HeldRows rows = HeldRows(wide, narrow, 0, 1, False)
    return <int>client_reach(rows.wide, rows.narrow)
