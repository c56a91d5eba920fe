"""From where a request came: the link itself, a private network, or anywhere, as far as its own frame tells."""

from libc.stdint cimport uint32_t

from capanalyze.core.message cimport Address, is_ipv4
from capanalyze.core.neighbours cimport FROM_LINK, is_link_local
from capanalyze.core.row cimport GROUP, Narrow, Wide

cdef enum Reach:  # in the order of `model.Reach`
    ON_LINK
    NEAR
    PRIVATE
    PUBLIC


cdef inline Reach reach_of(const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Where the client of a row is.

    What went to a group, or comes with a TTL of 255 (RFC 5082 section 3), is from the link. What comes with another
    TTL that hosts begin with, over a link where frames have senders, is from near: no router seems to have lowered it.
    """
    cdef const Address *client = &wide.client
    if narrow.flags & GROUP or narrow.ttl == FROM_LINK or is_link_local(client):
        return ON_LINK
    if wide.mac >= 0 and narrow.ttl in (32, 60, 64, 128):
        return NEAR
    if is_ipv4(client):
        return PRIVATE if is_private(<uint32_t>client.low) else PUBLIC
    return PRIVATE if client.high >> 57 == 0x7E else PUBLIC  # fc00::/7, RFC 4193


cdef inline bint is_private(uint32_t address) noexcept nogil:
    """10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, RFC 1918 section 3; 100.64.0.0/10, RFC 6598."""
    return address >> 24 == 10 or address >> 20 == 0xAC1 or address >> 16 == 0xC0A8 or address >> 22 == 0x191
