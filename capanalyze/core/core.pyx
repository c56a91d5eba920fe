# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, cdivision=True
"""All that is compiled, as Python sees it: `core.pyi` has the types."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from capanalyze.core cimport frame as reason
from capanalyze.core cimport row
from capanalyze.core.cells cimport join_cells
from capanalyze.core.dating cimport BEFORE_ALL, Clock, Dated, Dating, Named, clock_of, date, put_keys
from capanalyze.core.exchange cimport (
    KINDS, LONG, MAX_WAITS, MOST_AT_ONCE, MOST_OPEN, SECOND, Exchange, Facts, Listed, Node, Out, at,
)
from capanalyze.core.expiry cimport (write)
from capanalyze.core.exchange cimport (Table as OpenTable)
from capanalyze.core.judge cimport judge as judge_rows
from capanalyze.core.judge cimport note_answers, settle
from capanalyze.core.link cimport first_step as first_step_of
from capanalyze.core.message cimport Address, Match, Message, Role, begin
from capanalyze.core.naming cimport MAX_NAMES as NAMES_TOLD_APART
from capanalyze.core.naming cimport Name, Names, name, read_name
from capanalyze.core.naming cimport find as find_name
from capanalyze.core.octets cimport Octets
from capanalyze.core.kept cimport row_at
from capanalyze.core.pair cimport feed
from capanalyze.core.pair cimport finish as finish_pairing
from capanalyze.core.pairing cimport Pairing
from capanalyze.core.reach cimport reach_of as client_reach
from capanalyze.core.record cimport Answer, Interface, Layout, Record
from capanalyze.core.reorder cimport SHORT, Stamp, up_to
from capanalyze.core.reorder cimport reorder as reorder_stamps
from capanalyze.core.row cimport Link, Narrow, Wide
from capanalyze.core.rows cimport REASON_SPAN as REASONS_OF_A_SERVICE
from capanalyze.core.rows cimport Rows
from capanalyze.core.rows_columns cimport (
    FIRST_OTHER, HOST_ROOM, ODD, PORT_SPAN, TIME_ROOM, Columns, Lists, Text, Vocable, fill, forget, micros_of, note_ports,
    note_text, recode,
)
from capanalyze.core.rows_columns cimport Why as WhyNotAdded
from capanalyze.core.rows_text cimport Page, Vocabulary, write_lines
from capanalyze.core.rows_text cimport Why as WhyNotWritten
from capanalyze.core.scan cimport MAX_UNREAD, Scan, State, Unread, next_record
from capanalyze.core.scan cimport find as find_in
from capanalyze.core.scan cimport scan as scan_in
from capanalyze.core.scan cimport skim as skim_in
from capanalyze.core.services cimport GENERIC_UDP, MAX_SERVICES, Matching, Services
from capanalyze.core.setting cimport (
    ANSWER_ROOM, PORTS, Answered, Capture, Judging, Mode, Module, Network, Place, Segment, Span,
)
from capanalyze.core.summary cimport finish, sum_up
from capanalyze.core.sums cimport MOST_KINDS as SUMMED_KINDS
from capanalyze.core.sums cimport (
    CLASSES, JOINED, LAST_ONE, MOST_BINS, SENT_KINDS, SLOWEST_ONE, STEPS, Bins, Cell, Change, Detail, Kept, Kinds, Met,
    Reason, Row, SentList, Spread, Sums, Table, Turn,
)
from capanalyze.core.times cimport count_at, note_reply
from capanalyze.core.times cimport step_of as step_in
from capanalyze.core.tunnel cimport tunnel_of as tunnel_of_port
from capanalyze.core.waiting cimport class_of, has_reply
from capanalyze.protocols cimport (
    ard, coap, dhcp, dhcpv6, dns, icmp, ike, ipp, kerberos, ldap, llmnr, mdns, memcached, natpmp, nbdgm, nbns, ntp,
    portmap, quic, sip, slp, small, snmp, ssdp, stun, tcp, tftp, udp, wsdiscovery,
)

ROLES = ("other", "request", "reply", "announcement", "malformed", "flow", "rejection", "spoke", "reset",
         "fragment", "acknowledgment")
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
TUNNELS = {  # what a frame may be read inside of
    "IP in IP": reason.IN_IP,
    "GRE": reason.IN_GRE,
    "EtherIP": reason.IN_ETHERIP,
    "L2TPv3": reason.IN_L2TPV3,
    "MPLS in IP": reason.IN_MPLS_IN_IP,
    "Ethernet in IP": reason.IN_ETHERNET_IN_IP,
    "VXLAN": reason.IN_VXLAN,
    "VXLAN-GPE": reason.IN_VXLAN_GPE,
    "Geneve": reason.IN_GENEVE,
    "GTP-U": reason.IN_GTP_U,
    "L2TP": reason.IN_L2TP,
    "Teredo": reason.IN_TEREDO,
    "MPLS in UDP": reason.IN_MPLS_IN_UDP,
    "GRE in UDP": reason.IN_GRE_IN_UDP,
    "TZSP": reason.IN_TZSP,
    "AYIYA": reason.IN_AYIYA,
    "CAPWAP": reason.IN_CAPWAP,
}

ROW = {  # what `exchanges.row` has too, by the names that it has there
    "WIDE": sizeof(Wide) // sizeof(int64_t),
    "NARROW": sizeof(Narrow) // sizeof(int32_t),
    "LINK": sizeof(Link) // sizeof(int64_t),
    "WEAK_PAIRING": row.WEAK_PAIRING,
    "GROUP": row.GROUP,
    "UNANSWERABLE_REQUEST": row.UNANSWERABLE_REQUEST,
    "ECHOED": row.ECHOED,
    "FORGOTTEN": row.FORGOTTEN,
    "UNPROVEN": row.UNPROVEN,
    "REPLIED": row.REPLIED,
    "REJECTED": row.REJECTED,
    "SILENT": row.SILENT,
    "INDETERMINATE": row.INDETERMINATE,
    "UNSOLICITED": row.UNSOLICITED,
    "SAID_DATAGRAM": row.SAID_DATAGRAM,
    "SAID_RESET": row.SAID_RESET,
    "SAID_ACCEPTED_THEN_RESET": row.SAID_ACCEPTED_THEN_RESET,
    "SAID_NOT_CAPTURED": row.SAID_NOT_CAPTURED,
    "SAID_MID_FLOW": row.SAID_MID_FLOW,
    "SAID_CUT": row.SAID_CUT,
    "SAID_OTHER_PORT": row.SAID_OTHER_PORT,
    "SAID_ENDED": row.SAID_ENDED,
    "SAID_FORGOTTEN": row.SAID_FORGOTTEN,
    "SAID_ACCEPTED_THEN_CLOSED": row.SAID_ACCEPTED_THEN_CLOSED,
    "SAID_OTHER_ADDRESS": row.SAID_OTHER_ADDRESS,
    "SAID_SOMETHING_ELSE": row.SAID_SOMETHING_ELSE,
    "SAID_ICMPV4": row.SAID_ICMPV4,
    "SAID_ICMPV6": row.SAID_ICMPV6,
    "LATE": row.LATE,
    "PORT_CHANGED": row.PORT_CHANGED,
    "ADDRESS_CHANGED": row.ADDRESS_CHANGED,
}

MOST_KINDS = SUMMED_KINDS

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
        if max(of_port) >= len(NAMES):
            raise ValueError("a port of no service")

    def scan(self, octets, state, layout, interfaces, messages, pool, tally, tunnels, unread, size_t stop):
        """Walk records up to `stop`, or until there is no room: why, as `capture.records` numbers it."""
        cdef Records records = Records(octets, state, layout, interfaces)
        cdef Held rows = Held(messages, True), keys = Held(pool, True), counts = Held(tally, True)
        cdef Held carried = Held(tunnels, True), numbers = Held(unread, True)
        cdef Octets block = records.up_to(stop)
        cdef Scan *s = &records.scan
        cdef Answer answer
        s.services = &self.services
        s.messages = <Message *>rows.at_least(s.state.room * sizeof(Message))
        s.pool = <int64_t *>keys.at_least(s.state.key_room * sizeof(int64_t))
        s.tally = <int64_t *>counts.at_least((<int>reason.REASONS_END - <int>reason.MESSAGE) * sizeof(int64_t))
        s.tunnels = <int64_t *>carried.at_least(<int>reason.TUNNELS_END * sizeof(int64_t))
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
        t.room, t.node_room, t.link_room = room, 4 * room + 1024, 1 << 20
        t.mask = (1 << (4 * room - 1).bit_length()) - 1
        t.exchanges = <Exchange *>calloc(t.room + 1, sizeof(Exchange))
        t.nodes = <Node *>calloc(t.node_room + 1, sizeof(Node))
        t.frames = <Listed *>calloc(t.link_room + 1, sizeof(Listed))
        t.heads = <uint32_t *>calloc(<size_t>t.mask + 1, sizeof(uint32_t))
        p.malformed = <int64_t *>calloc(self.captures * self.service_count * KINDS, sizeof(int64_t))
        if not (t.exchanges and t.nodes and t.frames and t.heads and p.malformed):
            raise MemoryError
        p.facts = t.facts = <const Facts *>self.facts.at_least(self.service_count * sizeof(Facts))
        p.ports = <const uint8_t *>self.ports.at_least(2 * 65536)
        p.services = <const uint8_t *>self.services.at_least(self.service_count * KINDS)
        p.repeats.sources = <const int64_t *>self.sources.at_least(self.captures * sizeof(int64_t))
        p.something_else = -(<int64_t>1 << 62)
        p.repeats.captures, p.service_count, p.many_sources = self.captures, self.service_count, len(set(sources)) > 1
        if len(waits) > MAX_WAITS or max(waits) > LONG * <int64_t>SECOND:
            raise ValueError("waits that the table has no queues for")
        for number, length in enumerate(waits):
            t.waits[number] = length

    def __dealloc__(self):
        if self.p == NULL:
            return
        free(self.p.table.exchanges)
        free(self.p.table.nodes)
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


def first_step(uint32_t link_type):
    """The number of the first header of a link type's frames."""
    return <int>first_step_of(link_type)


def tunnel_of(uint16_t port):
    """The number of the tunnel that uses a UDP port, 0 for none."""
    return <int>tunnel_of_port(port)


def match(str service not None, octets not None, size=None, uint16_t port=0):
    """What the match function of a service says of one message's payload, which went to a port of it or came from it."""
    cdef Held held = Held(octets)
    cdef uint32_t captured = held.buffer.len
    cdef uint32_t sent = captured if size is None else size
    cdef Match found
    begin(&found)
    found.port = port
    cdef Role role = SERVICES.match[NAMES.index(service)](Octets(<const uint8_t *>held.buffer.buf, captured, sent), &found)
    flags = {
        "weak": found.weak,
        "unanswerable": found.unanswerable,
        "interim": found.interim,
        "announces": found.announces,
        "also reply": found.also_reply,
        "compared": found.compared,
        "continues": found.continues,
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
        cdef HeldRows rows = HeldRows(wide, narrow, 0, count, False)
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
            "kinds": {at: kinds.of_kind[<int>at] for at in range(SUMMED_KINDS) if kinds.of_kind[<int>at].exchanges},
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
    cdef HeldRows rows = HeldRows(wide, narrow, 0, 1, False)
    return <int>client_reach(rows.wide, rows.narrow)


# -- Messages on their way into the pairing -----------------------------------------------------------


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
        cdef Held rows = Held(messages), keys = Held(pool), described = Held(places), names = Held(named, True)
        cdef Held hands = Held(clocks, True), out = Held(into, True), out_keys = Held(into_pool, True)
        cdef Dating *d = &self.dating
        d.messages = <const Message *>rows.at_least(stop * sizeof(Message))
        d.pool, d.key_count = <const int64_t *>keys.at_least(0), keys.buffer.len // sizeof(int64_t)
        d.places, d.place_count = <const int64_t *>described.at_least(0), described.buffer.len // sizeof(int64_t)
        d.named, d.named_count = <Named *>names.at_least(0), names.buffer.len // sizeof(Named)
        d.clocks, d.clock_count = <Clock *>hands.at_least(sizeof(Clock)), hands.buffer.len // sizeof(Clock)
        self.into(out, out_keys)
        cdef int64_t done
        with nogil:
            done = date(d, start, stop)
        return done

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


# -- Rows on their way out ----------------------------------------------------------------------------


REASON_SPAN = <int>REASONS_OF_A_SERVICE


cdef class Batch:
    """Settled exchanges as Python hands them on, for as long as they are read."""
    cdef Held wide, narrow, links
    cdef Rows rows

    def __cinit__(self, wide, narrow, links, int64_t count):
        self.wide, self.narrow, self.links = Held(wide), Held(narrow), Held(links)
        self.rows.wide = <const Wide *>self.wide.at_least(count * sizeof(Wide))
        self.rows.narrow = <const Narrow *>self.narrow.at_least(count * sizeof(Narrow))
        self.rows.links = <const Link *>self.links.at_least(0)
        self.rows.link_count = self.links.buffer.len // sizeof(Link)


def write_rows(wide, narrow, links, int64_t start, int64_t stop, vocabulary, text, ends, reasons, into):
    """Write rows as lines: the first that was not written, why, and how many octets there are."""
    cdef Batch batch = Batch(wide, narrow, links, stop)
    cdef Held words = Held(vocabulary), pieces = Held(text), borders = Held(ends), said = Held(reasons)
    cdef Held out = Held(into, True)
    cdef Page p
    cdef WhyNotWritten why
    p.rows = batch.rows
    p.words = <const Vocabulary *>words.at_least(sizeof(Vocabulary))
    p.text, p.ends = <const uint8_t *>pieces.at_least(0), <const int64_t *>borders.at_least(sizeof(int64_t))
    p.reasons = <const int32_t *>said.at_least(p.words.transports.count * REASONS_OF_A_SERVICE * sizeof(int32_t))
    p.begin = p.at = <uint8_t *>out.at_least(0)
    p.end = p.begin + out.buffer.len
    with nogil:
        start = write_lines(&p, start, stop, &why)
    return start, <int>why, p.at - p.begin


cdef class Group:
    """Rows spread over columns.

    Args:
        modules: how many services there are.
        room: rows that there is room for.
        frames: that there is room for, of requests and of replies.
    """
    cdef Columns columns
    cdef dict held

    def __cinit__(self, int64_t modules, int64_t room, int64_t frames):
        cdef Columns *c = &self.columns
        self.held = {}
        c.modules, c.room = modules, room
        self.make_words(c, room)
        c.rtt = <int64_t *>self.make("rtt_us", room * sizeof(int64_t))
        c.request_octets = <int64_t *>self.make("request_octets", room * sizeof(int64_t))
        c.reply_octets = <int64_t *>self.make("reply_octets", room * sizeof(int64_t))
        self.make_text(&c.client, "client", room, HOST_ROOM)
        self.make_text(&c.server, "server", room, HOST_ROOM)
        self.make_text(&c.time, "time", room, TIME_ROOM)
        c.requests.ends = <int32_t *>self.make("requests ends", (room + 1) * sizeof(int32_t))
        c.replies.ends = <int32_t *>self.make("replies ends", (room + 1) * sizeof(int32_t))
        self.make_lists(frames)

    cdef make_words(self, Columns *c, int64_t room):
        """Room for codes, and for what they stand for."""
        cdef int64_t size = room * sizeof(int32_t)
        c.capture, c.service = <int32_t *>self.make("capture", size), <int32_t *>self.make("service", size)
        c.transport, c.outcome = <int32_t *>self.make("transport", size), <int32_t *>self.make("outcome", size)
        c.reason, c.pairing = <int32_t *>self.make("reason", size), <int32_t *>self.make("pairing", size)
        c.direction, c.mode = <int32_t *>self.make("direction", size), <int32_t *>self.make("mode", size)
        c.zone, c.verdict = <int32_t *>self.make("zone", size), <int32_t *>self.make("verdict", size)
        c.reply_capture = <int32_t *>self.make("reply_capture", size)
        c.client_port = <int32_t *>self.make("client_port", size)
        c.server_port = <int32_t *>self.make("server_port", size)
        self.make_met(&c.services, "services", room, FIRST_OTHER + c.modules)
        self.make_met(&c.reasons, "reasons", room, c.modules * REASONS_OF_A_SERVICE)

    cdef make_met(self, Vocable *met, str name, int64_t room, int64_t keys):
        met.codes = <int32_t *>self.make(name + " codes", keys * sizeof(int32_t))
        met.keys = <int64_t *>self.make(name + " keys", room * sizeof(int64_t))

    cdef make_text(self, Text *text, str name, int64_t room, int64_t octets):
        text.ends = <int32_t *>self.make(name + " ends", (room + 1) * sizeof(int32_t))
        text.octets = <uint8_t *>self.make(name, room * octets)

    cdef void *make(self, str name, int64_t octets) except NULL:
        """A column of zeros."""
        cdef Held held = Held(bytearray(octets), True)
        self.held[name] = held
        return held.at_least(0)

    def make_lists(self, int64_t frames):
        """Room for so many frames of requests, and of replies; there are no rows yet."""
        cdef Columns *c = &self.columns
        c.requests.frames = <int64_t *>self.make("requests", frames * sizeof(int64_t))
        c.replies.frames = <int64_t *>self.make("replies", frames * sizeof(int64_t))
        c.requests.room = c.replies.room = frames

    def add(self, wide, narrow, links, int64_t start, int64_t stop, bint zoned):
        """Add rows: the first that was not added, which is `stop` where all were."""
        cdef Batch batch = Batch(wide, narrow, links, stop)
        cdef WhyNotAdded why
        self.columns.zoned = zoned
        with nogil:
            start = fill(&self.columns, &batch.rows, start, stop, &why)
        if why == ODD:
            raise ValueError(f"row {start} of a batch is no exchange")
        return start

    def clear(self):
        """Begin anew."""
        forget(&self.columns.services)
        forget(&self.columns.reasons)
        self.columns.rows = 0

    @property
    def rows(self):
        return self.columns.rows

    @property
    def services(self):
        cdef Vocable *met = &self.columns.services
        return [service_of(met.keys[code]) for code in range(met.count)]

    @property
    def reasons(self):
        cdef Vocable *met = &self.columns.reasons
        return [divmod(met.keys[code], REASON_SPAN) for code in range(met.count)]

    def octets(self, str name not None):
        """What a column holds, all that there is room for; ` ends` behind the name are the ends of its rows."""
        cdef Held held = self.held[name]
        return memoryview(<object>held.buffer.obj)


cdef service_of(int64_t key):
    """The service and the port that a key stands for; -1 for no port."""
    if key >= FIRST_OTHER:
        return key - FIRST_OTHER, -1
    return key // PORT_SPAN, key % PORT_SPAN - 1


def words_column(codes, int64_t count, meaning, into, bits):
    """Put the index of a word in the place of each code: how many have none."""
    cdef Held given = Held(codes), table = Held(meaning), out = Held(into, True), there = Held(bits, True)
    return recode(
        <const int32_t *>given.at_least(count * sizeof(int32_t)), count, <const int32_t *>table.at_least(0),
        table.buffer.len // sizeof(int32_t), <int32_t *>out.at_least(count * sizeof(int32_t)), bits_of(there, count),
    )


def ports_column(ports, int64_t count, bits):
    """Note which ports there are: how many are not."""
    cdef Held given = Held(ports), there = Held(bits, True)
    return note_ports(<const int32_t *>given.at_least(count * sizeof(int32_t)), count, bits_of(there, count))


def text_column(ends, int64_t count, bits):
    """Note which texts take octets: how many take none."""
    cdef Held given = Held(ends), there = Held(bits, True)
    return note_text(<const int32_t *>given.at_least((count + 1) * sizeof(int32_t)), count, bits_of(there, count))


def micros_column(nanos, int64_t count, into, bits):
    """Nanoseconds as microseconds: how many are none, and the most nanoseconds."""
    cdef Held given = Held(nanos), out = Held(into, True), there = Held(bits, True)
    cdef int64_t most = -1, nulls = micros_of(
        <const int64_t *>given.at_least(count * sizeof(int64_t)), count,
        <double *>out.at_least(count * sizeof(double)), bits_of(there, count), &most,
    )
    return nulls, most


cdef uint8_t *bits_of(Held bits, int64_t count) except NULL:
    return <uint8_t *>bits.at_least((count + 7) // 8)
