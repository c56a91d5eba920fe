# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, cdivision=True
"""All that is compiled, as Python sees it: `core.pyi` has the types."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint8_t, uint32_t

from capanalyze.core.message cimport Match, Role, begin
from capanalyze.core.octets cimport Octets
from capanalyze.protocols cimport dhcp, dhcpv6, ike, kerberos, ldap, ntp, portmap, quic, snmp, tftp

ctypedef Role (*Matching)(Octets, Match *) noexcept nogil

ROLES = ("other", "request", "reply", "announcement", "malformed", "flow", "spoke", "reset")
NAMES = []

cdef enum:
    MAX_SERVICES = 128

cdef Matching[MAX_SERVICES] MATCHES


cdef serve(str name, Matching match):
    """One more service; its number is that in `protocols.PROTOCOLS`."""
    MATCHES[len(NAMES)] = match
    NAMES.append(name)


# serve("udp", udp.match)
# serve("tcp", tcp.match)
# serve("icmp", icmp.match)
serve("ntp", ntp.match)
serve("ntp-control", ntp.match)
serve("ntp-private", ntp.match)
# serve("nbns", nbns.match)
# serve("mdns", mdns.match)
# serve("dns", dns.match)
# serve("llmnr", llmnr.match)
serve("snmp", snmp.match)
# serve("ssdp", ssdp.match)
serve("dhcp", dhcp.match)
serve("tftp", tftp.match)
# serve("sip", sip.match)
serve("kerberos", kerberos.match)
serve("ldap", ldap.match)
serve("ike", ike.match)
serve("quic", quic.match)
serve("portmap", portmap.match)
# serve("echo", small.match_echo)
# serve("discard", small.match)
# serve("daytime", small.match)
# serve("qotd", small.match)
# serve("chargen", small.match)
# serve("time", small.match)
# serve("nbdgm", nbdgm.match)
# serve("ipp", ipp.match)
# serve("wsdiscovery", wsdiscovery.match)
# serve("slp", slp.match)
serve("dhcpv6", dhcpv6.match)
# serve("natpmp", natpmp.match)
# serve("ard", ard.match)
# serve("stun", stun.match)
# serve("coap", coap.match)
# serve("memcached", memcached.match)


cdef class Held:
    """Octets of a Python object for as long as this lives (a typed memoryview would be 20,000 lines of C)."""
    cdef Py_buffer buffer

    def __cinit__(self, octets):
        PyObject_GetBuffer(octets, &self.buffer, PyBUF_SIMPLE)

    def __dealloc__(self):
        PyBuffer_Release(&self.buffer)


def match(str service not None, octets not None, size=None):
    """What the match function of a service says of one message's payload."""
    cdef Held held = Held(octets)
    cdef uint32_t captured = held.buffer.len
    cdef uint32_t sent = captured if size is None else size
    cdef Match found
    begin(&found)
    cdef Role role = MATCHES[NAMES.index(service)](Octets(<const uint8_t *>held.buffer.buf, captured, sent), &found)
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
