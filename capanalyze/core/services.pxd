"""The services as the scan knows them: by port, by number."""

from libc.stdint cimport int64_t, uint8_t, uint16_t

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
    uint16_t last_port  # that is not GENERIC_UDP
    const uint8_t *empty_asks  # for each service, whether an empty datagram asks
    const uint8_t *readers  # those that read what goes from and to ports of no service
    int64_t reader_count
    int64_t in_stream  # the service whose messages are read out of TCP streams
    Matching[MAX_SERVICES] match


cdef inline uint8_t service_of(const Services *services, uint16_t port) noexcept nogil:
    """The service of a UDP port. Most other ends have a high one, for which the large table is not fetched."""
    return services.of_port[port] if port <= services.last_port else <uint8_t>GENERIC_UDP
