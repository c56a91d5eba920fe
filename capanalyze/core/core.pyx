# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, cdivision=True
"""All that is compiled, as Python sees it: `core.pyi` has the types."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from capanalyze.core cimport frame as reason
from capanalyze.core.link cimport first_step as first_step_of
from capanalyze.core.message cimport Match, Message, Role, begin
from capanalyze.core.octets cimport Octets
from capanalyze.core.record cimport Answer, Interface, Layout, Record
from capanalyze.core.scan cimport MAX_UNREAD, Scan, State, Unread, next_record
from capanalyze.core.scan cimport find as find_in
from capanalyze.core.scan cimport scan as scan_in
from capanalyze.core.services cimport Matching, Services
from capanalyze.core.tunnel cimport tunnel_of as tunnel_of_port
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
    cdef Held of_port, empty_asks
    cdef Services services

    def __cinit__(self, bytes of_port not None, bytes empty_asks not None):
        self.of_port, self.empty_asks = Held(of_port), Held(empty_asks)
        self.services = SERVICES
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


def first_step(uint32_t link_type):
    """The number of the first header of a link type's frames."""
    return <int>first_step_of(link_type)


def tunnel_of(uint16_t port):
    """The number of the tunnel that uses a UDP port, 0 for none."""
    return <int>tunnel_of_port(port)


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
