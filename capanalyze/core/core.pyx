# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, cdivision=True
"""All that is compiled, as Python sees it: `core.pyi` has the types."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from capanalyze.core cimport frame as reason
from capanalyze.core cimport row
from capanalyze.core.cells cimport counts_anything, join_cells
from capanalyze.core.dating cimport (
    BEFORE_ALL, Clock, Dated, Dating, Named, clock_of, date, date_in_place, put_keys,
)
from capanalyze.core.exchange cimport (
    KINDS, LONG, MAX_WAITS, MOST_AT_ONCE, MOST_OPEN, OWN_BITS, SECOND, Exchange, Facts, Listed, Out, Spare, at,
)
from capanalyze.core.expiry cimport (write)
from capanalyze.core.exchange cimport (Table as OpenTable)
from capanalyze.core.hosts cimport bring_near
from capanalyze.core.index cimport LINE
from capanalyze.core.judge cimport judge as judge_rows
from capanalyze.core.judge cimport conclude, note_answers, settle
from capanalyze.core.link cimport first_step as first_step_of
from capanalyze.core.message cimport Address, Match, Message, Role, begin
from capanalyze.core.naming cimport MAX_NAMES as NAMES_TOLD_APART
from capanalyze.core.naming cimport Name, Names, name, read_name
from capanalyze.core.naming cimport find as find_name
from capanalyze.core.neighbours cimport Neighbour, Neighbours, meet_all
from capanalyze.core.octets cimport Octets
from capanalyze.core.kept cimport row_at
from capanalyze.core.pair cimport feed
from capanalyze.core.pair cimport finish as finish_pairing
from capanalyze.core.pairing cimport Behind, Pairing
from capanalyze.core.reach cimport reach_of as client_reach
from capanalyze.core.record cimport Answer, Interface, Layout, Record
from capanalyze.core.handshakes cimport (
    COLUMNS_OF_HANDSHAKE, DONE_AT_MOST, OPEN_AT_ONCE, Handshake, Open, note_segment,
)
from capanalyze.core.relation cimport (
    COLUMNS_OF_EXCHANGE, COLUMNS_OF_MESSAGE, COLUMNS_OF_TIME, MOST_COLUMNS, MOST_FRAMES, Picked, Relation, add_columns,
    add_equal, add_first, fill_index, find_row, note_exchange, note_message, row_of,
)
from capanalyze.core.reorder cimport SHORT, Stamp, up_to
from capanalyze.core.reorder cimport reorder as reorder_stamps
from capanalyze.core.row cimport REJECTED, REPLIED, SILENT, Link, Narrow, Wide
from capanalyze.core.rows cimport REASON_SPAN as REASONS_OF_A_SERVICE
from capanalyze.core.rows cimport Rows
from capanalyze.core.rows_columns cimport (
    ENDPOINT_ROOM, FIRST_OTHER, HOST_ROOM, ODD, PORT_SPAN, TIME_ROOM, Columns, Lists, Text, Vocable, fill, forget,
    micros_of, note_ports, note_text, recode,
)
from capanalyze.core.rows_columns cimport Why as WhyNotAdded
from capanalyze.core.rows_text cimport Page, Vocabulary, write_lines
from capanalyze.core.rows_text cimport Why as WhyNotWritten
from capanalyze.core.scan cimport AT_ONCE, MAX_UNREAD, Scan, State, Unread, next_record
from capanalyze.core.scan cimport find as find_in
from capanalyze.core.scan cimport scan as scan_in
from capanalyze.core.scan cimport skim as skim_in
from capanalyze.core.services cimport GENERIC_UDP, MAX_SERVICES, Matching, Services
from capanalyze.core.setting cimport (
    ANSWER_ROOM, CONTROL_ROOM, PORTS, Answered, Capture, Control, Judging, Mode, Module, Network, Place, Segment,
    Span,
)
from capanalyze.core.summary cimport finish, sum_up
from capanalyze.core.sums cimport MOST_KINDS as SUMMED_KINDS
from capanalyze.core.sums cimport (
    CLASSES, JOINED, LAST_ONE, MOST_BINS, SENT_KINDS, SLOWEST_ONE, STEPS, Bins, Cell, Change, Detail, Host, Kept, Kinds, Met,
    Origin, Reason, Row, SentList, Spread, Sums, Table, Turn,
)
from capanalyze.core.times cimport count_at, note_reply
from capanalyze.core.times cimport step_of as step_in
from capanalyze.core.tunnel cimport tunnel_of as tunnel_of_port
from capanalyze.core.waiting cimport class_of, has_reply
from capanalyze.protocols cimport (
    ard, coap, dhcp, dhcpv6, dns, dnstcp, icmp, ike, ipp, kerberos, ldap, llmnr, mdns, memcached, natpmp, nbdgm,
    nbns, ntp, portmap, quic, sip, slp, small, snmp, ssdp, stun, tcp, tftp, udp, wsdiscovery,
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
    "SAID_ONE_WAY": row.SAID_ONE_WAY,
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
serve("dns-tcp", dnstcp.match)
SERVICES.in_stream = NAMES.index("dns-tcp")


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


# One module has all that Python sees, in parts.
include "scanning.pxi"
include "pairs.pxi"
include "judging.pxi"
include "sums.pxi"
include "relation.pxi"
include "arriving.pxi"
include "written.pxi"
