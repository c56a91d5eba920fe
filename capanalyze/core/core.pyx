# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, cdivision=True
"""All that is compiled, as Python sees it: `core.pyi` has the types."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from capanalyze.core cimport frame as reason
from capanalyze.core.judge cimport judge as judge_rows
from capanalyze.core.judge cimport note_answers, settle
from capanalyze.core.link cimport first_step as first_step_of
from capanalyze.core.message cimport Address, Match, Message, Role, begin
from capanalyze.core.octets cimport Octets
from capanalyze.core.kept cimport row_at
from capanalyze.core.reach cimport reach_of as client_reach
from capanalyze.core.record cimport Answer, Interface, Layout, Record
from capanalyze.core.row cimport Link, Narrow, Wide
from capanalyze.core.scan cimport MAX_UNREAD, Scan, State, Unread, next_record
from capanalyze.core.scan cimport find as find_in
from capanalyze.core.scan cimport scan as scan_in
from capanalyze.core.services cimport MAX_SERVICES, Matching, Services
from capanalyze.core.setting cimport (
    ANSWER_ROOM, PORTS, Answered, Capture, Judging, Mode, Module, Network, Place, Segment, Span,
)
from capanalyze.core.summary cimport finish, sum_up
from capanalyze.core.sums cimport MOST_KINDS as KINDS
from capanalyze.core.sums cimport (
    CLASSES, JOINED, LAST_ONE, MOST_BINS, SENT_KINDS, SLOWEST_ONE, STEPS, Bins, Cell, Change, Detail, Kept, Kinds, Met,
    Reason, Row, SentList, Spread, Sums, Table, Turn,
)
from capanalyze.core.times cimport count_at, note_reply
from capanalyze.core.times cimport step_of as step_in
from capanalyze.core.waiting cimport class_of, has_reply
from capanalyze.protocols cimport (
    ard, coap, dhcp, dhcpv6, dns, icmp, ike, ipp, kerberos, ldap, llmnr, mdns, memcached, natpmp, nbdgm, nbns, ntp,
    portmap, quic, sip, slp, small, snmp, ssdp, stun, tcp, tftp, udp, wsdiscovery,
)

ROLES = ("other", "request", "reply", "announcement", "malformed", "flow", "rejection", "spoke", "reset")
NAMES = []
REASONS = {  # why the walk through a frame ends, as `packets.steps` numbers it
    "MESSAGE": reason.MESSAGE,
    "SEGMENT": reason.SEGMENT,
    "NOT_IP": reason.NOT_IP,
    "OTHER_ICMP": reason.OTHER_ICMP,
    "LATER_FRAGMENT": reason.LATER_FRAGMENT,
    "TRUNCATED": reason.TRUNCATED,
    "MALFORMED_HEADER": reason.MALFORMED_HEADER,
    "TOO_DEEP": reason.TOO_DEEP,
    "ENCRYPTED": reason.ENCRYPTED,
    "AGGREGATED": reason.AGGREGATED,
    "UNREAD_INSIDE": reason.UNREAD_INSIDE,
    "NO_INTERFACE": reason.NO_INTERFACE,
    "NOT_A_PACKET": reason.NOT_A_PACKET,
    "LEFT_OUT": reason.LEFT_OUT,
    "UNREAD_LINK": reason.UNREAD_LINK,
    "UNREAD_ETHERTYPE": reason.UNREAD_ETHERTYPE,
    "UNREAD_PROTOCOL": reason.UNREAD_PROTOCOL,
    "UNREAD_PPP": reason.UNREAD_PPP,
    "UNREAD_FAMILY": reason.UNREAD_FAMILY,
}

MOST_KINDS = KINDS

cdef Services SERVICES


cdef serve(str name, Matching match):
    """One more service; its number is that in `protocols.PROTOCOLS`."""
    SERVICES.match[len(NAMES)] = match
    NAMES.append(name)


serve("udp", udp.match)
serve("tcp", tcp.match)
serve("icmp", icmp.match)
serve("ntp", ntp.match)
serve("ntp-control", ntp.match)
serve("ntp-private", ntp.match)
serve("nbns", nbns.match)
serve("mdns", mdns.match)
serve("dns", dns.match)
serve("llmnr", llmnr.match)
serve("snmp", snmp.match)
serve("ssdp", ssdp.match)
serve("dhcp", dhcp.match)
serve("tftp", tftp.match)
serve("sip", sip.match)
serve("kerberos", kerberos.match)
serve("ldap", ldap.match)
serve("ike", ike.match)
serve("quic", quic.match)
serve("portmap", portmap.match)
serve("echo", small.match_echo)
serve("discard", small.match)
serve("daytime", small.match)
serve("qotd", small.match)
serve("chargen", small.match)
serve("time", small.match)
serve("nbdgm", nbdgm.match)
serve("ipp", ipp.match)
serve("wsdiscovery", wsdiscovery.match)
serve("slp", slp.match)
serve("dhcpv6", dhcpv6.match)
serve("natpmp", natpmp.match)
serve("ard", ard.match)
serve("stun", stun.match)
serve("coap", coap.match)
serve("memcached", memcached.match)


cdef char[8] NOTHING  # where a buffer without octets begins


cdef class Held:
    """Octets of a Python object for as long as this lives (a typed memoryview would be 20,000 lines of C)."""
    cdef Py_buffer buffer

    def __cinit__(self, octets, bint writable=False):
        PyObject_GetBuffer(octets, &self.buffer, PyBUF_WRITABLE if writable else PyBUF_SIMPLE)

    def __dealloc__(self):
        PyBuffer_Release(&self.buffer)

    cdef void *at_least(self, Py_ssize_t octets) except NULL:
        """Where they begin.

        Raises:
            ValueError: there are fewer than these.
        """
        if self.buffer.len < octets:
            raise ValueError(f"a buffer of {self.buffer.len} octets, where {octets} are needed")
        return self.buffer.buf if self.buffer.len else NOTHING


cdef class Scanner:
    """Turns records into messages, for one capture.

    Args:
        of_port: for each of the 65,536 UDP ports the number of its service.
        empty_asks: for each service, whether an empty datagram asks.
    """
    cdef Held of_port, empty_asks
    cdef Services services

    def __cinit__(self, bytes of_port not None, bytes empty_asks not None):
        self.of_port, self.empty_asks = Held(of_port), Held(empty_asks)
        self.services = SERVICES
        self.services.of_port = <const uint8_t *>self.of_port.at_least(65536)
        self.services.empty_asks = <const uint8_t *>self.empty_asks.at_least(len(NAMES))
        if max(of_port) >= len(NAMES):
            raise ValueError("a port of no service")

    def scan(self, octets, state, layout, interfaces, messages, pool, tally, unread, size_t stop):
        """Walk records up to `stop`, or until there is no room: why, as `capture.records` numbers it."""
        cdef Records records = Records(octets, state, layout, interfaces)
        cdef Held rows = Held(messages, True), keys = Held(pool, True), counts = Held(tally, True)
        cdef Held numbers = Held(unread, True)
        cdef Octets block = records.up_to(stop)
        cdef Scan *s = &records.scan
        cdef Answer answer
        s.services = &self.services
        s.messages = <Message *>rows.at_least(s.state.room * sizeof(Message))
        s.pool = <int64_t *>keys.at_least(s.state.key_room * sizeof(int64_t))
        s.tally = <int64_t *>counts.at_least((<int>reason.REASONS_END - <int>reason.MESSAGE) * sizeof(int64_t))
        s.unread = <Unread *>numbers.at_least(MAX_UNREAD * sizeof(Unread))
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


def first_step(uint32_t link_type):
    """The number of the first header of a link type's frames."""
    return <int>first_step_of(link_type)


def match(str service not None, octets not None, size=None):
    """What the match function of a service says of one message's payload."""
    cdef Held held = Held(octets)
    cdef uint32_t captured = held.buffer.len
    cdef uint32_t sent = captured if size is None else size
    cdef Match found
    begin(&found)
    cdef Role role = SERVICES.match[NAMES.index(service)](Octets(<const uint8_t *>held.buffer.buf, captured, sent), &found)
    flags = {
        "weak": found.weak,
        "unanswerable": found.unanswerable,
        "interim": found.interim,
        "announces": found.announces,
        "also reply": found.also_reply,
        "compared": found.compared,
    }
    keys = tuple([found.keys[at] for at in range(found.count)])
    return ROLES[role], found.kind, frozenset([name for name, is_set in flags.items() if is_set]), keys


# Judging and summing up


cdef class Room:
    """Memory for some records, all 0: for one at least."""
    cdef void *first

    def __cinit__(self, size_t count, size_t octets):
        self.first = calloc(count + 1, octets)
        if self.first == NULL:
            raise MemoryError(f"no memory for {count:,} records of {octets} octets")

    def __dealloc__(self):
        free(self.first)


cdef class Rows:
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
    cdef Room modules, modes, segments, captures, networks, own, placed, covered, answers
    cdef Held never
    cdef list promises

    def __cinit__(self, list modules not None, list modes not None, list captures not None, list networks not None,
                  bytes never not None):
        self.never = Held(never)
        self.judging.never = <const uint8_t *>self.never.at_least(PORTS)
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

    cdef take_modules(self, list modules):
        self.modules = Room(len(modules), sizeof(Module))
        cdef Module *module = <Module *>self.modules.first
        self.judging.modules, self.judging.module_count = module, len(modules)
        for number, (window, silence_proves) in enumerate(modules):
            module[<size_t>number].window = window
            module[<size_t>number].silence_proves = silence_proves

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
        cdef Rows rows = Rows(wide, narrow, 0, count)
        cdef int64_t unsettled
        with nogil:
            unsettled = judge_rows(&self.judging, rows.wide, rows.narrow, rows.count)
        return unsettled

    def note(self, wide, narrow, size_t start, size_t stop):
        """Note which requests were answered."""
        cdef Rows rows = Rows(wide, narrow, start, stop)
        with nogil:
            note_answers(&self.judging, rows.wide, rows.narrow, rows.count)

    def settle(self, wide, narrow, size_t count):
        """Tell silence from not knowing in rows that were judged."""
        cdef Rows rows = Rows(wide, narrow, 0, count)
        with nogil:
            settle(&self.judging, rows.wide, rows.narrow, rows.count)


cdef class Summary:
    """Exchanges summed up: `core.pyi` has what it hands out."""
    cdef Sums sums
    cdef list rooms
    cdef Held always

    def __cinit__(self, bytes always not None, *, size_t cells, size_t reasons, size_t details, size_t quiet,
                  size_t answering, size_t full, size_t turns, size_t changes, size_t rows, size_t waiting,
                  size_t links, size_t met):
        cdef Sums *s = &self.sums
        self.always = Held(always)
        self.rooms = []
        s.always = <const uint8_t *>self.always.at_least(2 * PORTS)
        s.ntp = NAMES.index("ntp")
        s.quiet_room, s.answering_room = quiet, answering
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
        cdef Rows rows = Rows(wide, narrow, 0, count, False)
        cdef Held held = Held(links)
        cdef const Link *link = <const Link *>held.at_least(sizeof(Link))
        cdef Row first = Row(rows.wide, rows.narrow, link, held.buffer.len // <Py_ssize_t>sizeof(Link), 0)
        with nogil:
            sum_up(&self.sums, first, rows.count)

    def finish(self):
        """All was added."""
        with nogil:
            finish(&self.sums)

    def counts(self):
        """What is counted of all exchanges."""
        cdef Sums *s = &self.sums
        return s.directions, s.unplaced, s.lost, s.left_out

    def kept(self):
        """The rows that are kept: wide ones, narrow ones, links."""
        cdef Kept *kept = &self.sums.kept
        return (
            (<const char *>kept.wides)[:kept.rows * sizeof(Wide)],
            (<const char *>kept.narrows)[:kept.rows * sizeof(Narrow)],
            (<const char *>kept.links)[:kept.link_count * sizeof(Link)],
        )

    def cells(self):
        """The cells that were not joined."""
        return [
            (number, self.sums.cells[<size_t>number])
            for number in range(1, self.sums.cell.used)
            if self.sums.cells[<size_t>number].which.sort != JOINED
        ]

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
        cdef uint32_t joined
        places, captures = [], []
        for number in range(1, self.sums.meeting.used):
            met = &self.sums.met[<size_t>number]
            if met.is_capture:
                joined = self.sums.cells[met.where].joined
                captures.append((joined if joined else met.where, met.number))
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
            "level": bins.level,
            "bins": counts_of(bins),
            "kinds": {at: kinds.of_kind[<int>at] for at in range(KINDS) if kinds.of_kind[<int>at].exchanges},
            "times": {at: spread.times[<int>at] for at in range(STEPS) if spread.times[<int>at]},
            "payloads": [
                (spread.payloads[<int>at].frame, spread.payloads[<int>at].offset, spread.payloads[<int>at].size)
                for at in range(spread.chosen)
            ],
        }

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
    cdef Rows rows = Rows(wide, narrow, 0, 1, False)
    return <int>client_reach(rows.wide, rows.narrow)
