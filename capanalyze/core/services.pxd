"""The services as the scan knows them: by port, by number."""

from libc.stdint cimport int64_t, uint8_t

from capanalyze.core.message cimport Match, Role
from capanalyze.core.octets cimport Octets

cdef enum:
    MAX_SERVICES = 128

cdef enum:  # reached by transport, not by port
    GENERIC_UDP
    TCP_SERVICE
    ICMP_SERVICE

ctypedef Role (*Matching)(Octets, Match *) noexcept nogil


cdef struct Services:
    const uint8_t *of_port  # the service of each UDP port, GENERIC_UDP for none
    const uint8_t *empty_asks  # for each service, whether an empty datagram asks
    const uint8_t *readers  # those that read what goes from and to ports of no service
    int64_t reader_count
    int64_t in_stream  # the service whose messages are read out of TCP streams
    Matching[MAX_SERVICES] match
