# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, cdivision=True
"""All that is compiled, as Python sees it: `core.pyi` has the types."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from capanalyze.core cimport frame as reason
from capanalyze.core.crossings cimport Crossings as Crossed
from capanalyze.core.crossings cimport add, cross
from capanalyze.core.dating cimport BEFORE_ALL, Clock, Dated, Dating, Named, clock_of, date, put_keys
from capanalyze.core.link cimport first_step as first_step_of
from capanalyze.core.message cimport Match, Message, Role, begin
from capanalyze.core.naming cimport MAX_NAMES as NAMES_TOLD_APART
from capanalyze.core.naming cimport Name, Names, name, read_name
from capanalyze.core.naming cimport find as find_name
from capanalyze.core.octets cimport Octets
from capanalyze.core.record cimport Answer, Interface, Layout, Record
from capanalyze.core.reorder cimport SHORT, Stamp, up_to
from capanalyze.core.reorder cimport reorder as reorder_stamps
from capanalyze.core.row cimport Link, Narrow, Wide
from capanalyze.core.rows cimport REASON_SPAN as REASONS_OF_A_SERVICE
from capanalyze.core.rows cimport Rows
from capanalyze.core.rows_columns cimport (
    FIRST_OTHER, HOST_ROOM, ODD, PORT_SPAN, TIME_ROOM, Columns, Lists, Met, Text, fill, forget, micros_of, note_ports, note_text, recode,
)
from capanalyze.core.rows_columns cimport Why as WhyNotAdded
from capanalyze.core.rows_text cimport Page, Vocabulary, write_lines
from capanalyze.core.rows_text cimport Why as WhyNotWritten
from capanalyze.core.scan cimport MAX_UNREAD, Scan, State, Unread, next_record
from capanalyze.core.scan cimport find as find_in
from capanalyze.core.scan cimport scan as scan_in
from capanalyze.core.services cimport Matching, Services
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
        if keys + rows[number].keys > room:
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

    cdef make_met(self, Met *met, str name, int64_t room, int64_t keys):
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
        cdef Met *met = &self.columns.services
        return [service_of(met.keys[code]) for code in range(met.count)]

    @property
    def reasons(self):
        cdef Met *met = &self.columns.reasons
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


cdef class Crossings:
    """The zones that inbound exchanges crossed, and their places."""
    cdef Held held
    cdef Crossed met

    def __cinit__(self):
        self.grow(64)

    cdef grow(self, uint64_t room):
        """Move to a larger set."""
        cdef Held before = self.held
        cdef Crossed old = self.met
        self.held = Held(bytearray(room * sizeof(uint64_t)), True)
        self.met = Crossed(<uint64_t *>self.held.at_least(0), room, 0)
        if before is not None:
            for at in range(old.room):
                if old.keys[at]:
                    add(&self.met, old.keys[at])

    def add(self, narrow, int64_t count):
        """Take in rows that are judged."""
        cdef Held rows = Held(narrow)
        cdef const Narrow *first = <const Narrow *>rows.at_least(count * sizeof(Narrow))
        cdef int64_t done = 0
        while True:
            done = cross(&self.met, first, done, count)
            if done == count:
                return
            self.grow(2 * self.met.room)

    def pairs(self):
        """Zone and place of each, as indices; -1 for no zone."""
        found = [self.met.keys[at] for at in range(self.met.room) if self.met.keys[at]]
        return [(<int64_t>(key >> 32) - 1, <int64_t>(key & 0xFFFFFFFFU) - 1) for key in found]
