# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, cdivision=True
"""All that is compiled, as Python sees it: `core.pyi` has the types."""

from libc.stdlib cimport calloc, free
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from capanalyze.core cimport frame as reason
from capanalyze.core.exchange cimport (
    KINDS, LONG, MAX_WAITS, SECOND, Exchange, Facts, Listed, Node, Out, Table, at, write,
)
from capanalyze.core.link cimport first_step as first_step_of
from capanalyze.core.message cimport Match, Message, Role, begin
from capanalyze.core.octets cimport Octets
from capanalyze.core.pair cimport feed, finish
from capanalyze.core.pairing cimport Pairing
from capanalyze.core.record cimport Answer, Interface, Layout, Record
from capanalyze.core.row cimport Link, Narrow, Wide
from capanalyze.core.scan cimport MAX_UNREAD, Scan, State, Unread, next_record
from capanalyze.core.scan cimport find as find_in
from capanalyze.core.scan cimport scan as scan_in
from capanalyze.core.services cimport GENERIC_UDP, Matching, Services
from capanalyze.core.tunnel cimport tunnel_of as tunnel_of_port
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
        facts: eight numbers a service, `Facts` of `exchange.pxd`.
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
        self.facts, self.ports, self.services, self.sources = Held(facts), Held(ports), Held(services), Held(sources)
        self.captures, self.service_count = len(sources), len(NAMES)
        self.p = <Pairing *>calloc(1, sizeof(Pairing))
        if self.p == NULL:
            raise MemoryError
        cdef Pairing *p = self.p
        cdef Table *t = &p.table
        t.room, t.node_room, t.link_room = room, 4 * room + 1024, 1 << 20
        t.mask = (1 << (2 * room - 1).bit_length()) - 1
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
        cdef Held rows = Held(messages, True), keys = Held(pool), to_wide = Held(wide, True), to_narrow = Held(narrow, True)
        cdef Held to_links = Held(links, True)
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
            done = finish(self.p)
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
        """Rows of what is open, without frames, from exchange `number` on (0: the first): how many, and which is next."""
        cdef Held to_wide = Held(wide, True), to_narrow = Held(narrow, True)
        cdef Table *t = &self.p.table
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
