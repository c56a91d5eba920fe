"""Hosts on the link: frames that show their sender there, and the pairs of a MAC and an IP address that they show."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from capanalyze.core.frame cimport LATER_FRAGMENT, MESSAGE, OTHER_ICMP, SEGMENT, Frame, Step
from capanalyze.core.index cimport checked_place, mix_address
from capanalyze.core.message cimport Address, Message, is_ipv4, same
from capanalyze.core.octets cimport mix

cdef enum:
    FROM_LINK = 255  # a TTL that no router has lowered, RFC 5082 section 3


cdef struct Neighbour:  # an address, and the MAC address that it sends from
    int64_t mac  # -1 for none
    Address address


cdef struct Neighbours:  # place 0 stands for none
    Neighbour *places
    int64_t used
    int64_t room
    uint32_t *heads  # an index: hash → place
    uint64_t mask
    bint is_full  # there was no room for another one


cdef inline bint shows_sender(Step reason, const Frame *frame) noexcept nogil:
    """Whether a frame shows its sender on the link: by ARP, or as no router passes on what it holds.

    Neighbour discovery has a hop limit of 255 (RFC 4861 section 7.1). What a tunnel carries, or an ICMP error quotes,
    was sent elsewhere.
    """
    cdef const Message *message = frame.message
    if frame.tunnels or is_nobody(&message.source):
        return False
    if frame.is_shown:
        return True
    if reason not in (MESSAGE, SEGMENT, OTHER_ICMP, LATER_FRAGMENT) or message.sender.high or message.sender.low:
        return False
    return message.ttl == FROM_LINK or message.to_group or is_link_local(&message.source)


cdef inline bint is_nobody(const Address *address) noexcept nogil:
    """0.0.0.0 or ::, of hosts that have no address yet."""
    return address.high == 0 and address.low & ~0xFFFF00000000ULL == 0


cdef inline bint is_link_local(const Address *address) noexcept nogil:
    """fe80::/10, RFC 4291 section 2.5.6; 169.254.0.0/16, RFC 3927."""
    return address.high >> 54 == 0x3FA or (is_ipv4(address) and address.low >> 16 == 0xFFFFA9FEU)


cdef inline bint is_neighbour(const Neighbour *one, const Neighbour *other) noexcept nogil:
    """Whether two are the same."""
    return one.mac == other.mac and same(&one.address, &other.address)


cdef inline uint32_t *head_of(const Neighbours *n, const Neighbour *one) noexcept nogil:
    """Where the index leads to a neighbour, or would."""
    cdef uint64_t place = mix_address(mix(0, <uint64_t>one.mac), &one.address)
    while n.heads[place & n.mask] and not is_neighbour(&n.places[n.heads[place & n.mask]], one):
        place += 1
    return &n.heads[place & n.mask]


cdef inline bint knows(const Neighbours *n, const Neighbour *one) noexcept nogil:
    """Whether a host was shown on the link."""
    return head_of(n, one)[0] != 0


cdef inline void meet_all(Neighbours *n, const Neighbour *some, int64_t count) noexcept nogil:
    """Remember what frames showed, as far as there is room."""
    cdef int64_t number
    cdef uint32_t *head
    for number in range(count):
        head = head_of(n, &some[number])
        if head[0]:
            continue
        if n.used == n.room:
            n.is_full = True
            return
        n.places[checked_place(n.used, n.room)] = some[number]
        head[0] = <uint32_t>n.used
        n.used += 1
