"""A message: what the scan writes of it, and what a match function says of it."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint64_t

from capanalyze.core.octets cimport Octets, is_cut

cdef enum:
    MAX_KEYS = 32  # of one message; what it asks beyond them is not paired
    MAX_READINGS = 64  # words behind the keys

ctypedef uint8_t flag


cdef enum Role:
    OTHER  # of no concern to pairing
    REQUEST
    REPLY
    ANNOUNCEMENT  # nobody asked for it
    MALFORMED  # on a service's port, but not that service's
    FLOW  # no module knows it: the first of a five-tuple asks, the first one back answers
    REJECTION  # an ICMP error; the message describes the datagram that it quotes
    SPOKE  # a TCP segment with data, or a close
    RESET  # a TCP reset
    FRAGMENT  # a later fragment
    ACKNOWLEDGES  # a TCP segment that only acknowledges


cdef enum:  # kinds that every service has; its own are numbered from 3 on, as its Python neighbour names them
    EMPTY
    GARBAGE
    CUT


cdef struct Match:
    uint16_t port  # the service's, which the message goes to or comes from; 0 where that is not known
    uint8_t kind
    flag weak  # it has no key that tells it from others
    flag unanswerable  # this payload draws no reply
    flag interim  # more replies will follow: the window starts anew
    flag announces  # sent to a group and unanswered, it was an announcement
    flag also_reply  # the last key is that of a request which this message may answer, the others are its own
    flag compared  # the last key pairs nothing: over time, only requests that agree in it are compared
    flag continues  # what has its endpoints and keys (but for that of `also_reply`) is of its exchange, whatever it says
    uint8_t count
    uint8_t records  # hashes behind the keys: of records that a query knows, of the one that a response has
    uint64_t[MAX_KEYS] keys


cdef struct Address:
    uint64_t high  # IPv4 as ::ffff:a.b.c.d
    uint64_t low


cdef inline bint same(const Address *one, const Address *other) noexcept nogil:
    """Whether two addresses are equal."""
    return one.low == other.low and one.high == other.high


cdef inline bint is_ipv4(const Address *one) noexcept nogil:
    """Whether it is an IPv4 address."""
    return one.high == 0 and one.low >> 32 == 0xFFFF


cdef struct Message:  # in words of 64 bits, as `packets.message` numbers them
    int64_t frame  # from 1
    int64_t seconds
    int64_t nanos
    int64_t interface  # index, or what the frame itself names, see `packets.naming`
    int64_t direction
    int64_t role  # role, flags and kind as one number, see `packed`
    int64_t service
    int64_t port  # the service's, -1 for none
    Address source
    Address destination
    int64_t source_port  # -1 where the transport has none
    int64_t destination_port
    int64_t payload  # its offset in the capture
    int64_t captured  # octets of it
    int64_t size  # octets of it on the wire
    int64_t digest
    int64_t identification  # of the IP packet, -1 for none
    int64_t to_group
    int64_t ttl
    int64_t source_mac  # -1 for none
    int64_t destination_mac
    Address sender  # who sent an ICMP error
    int64_t fragmented  # the first of several fragments
    int64_t tunnels  # IP headers around the innermost
    int64_t protocol
    int64_t detail  # TCP: sequence number; ICMP error: type * 256 + code
    int64_t first_key  # in the pool
    int64_t keys
    int64_t process  # offset of a process name in the capture, 0 for none
    int64_t readings  # words behind the keys: hashes of records; where there are no keys, what other services make of it
    int64_t tags  # how the tags before the IP header begin, 0 for none
    int64_t signs  # what the frame tells of who sent it, see `signs.pxd`


cdef inline void begin(Match *found) noexcept nogil:
    """Nothing is known yet."""
    found.port = 0
    found.kind = EMPTY
    found.weak = found.unanswerable = found.interim = found.announces = found.also_reply = found.compared = 0
    found.continues = 0
    found.count = found.records = 0


cdef inline void add_key(Match *found, uint64_t value) noexcept nogil:
    """One more match key."""
    if found.count < MAX_KEYS:
        found.keys[found.count] = value
        found.count += 1


cdef inline void add_record(Match *found, uint64_t value) noexcept nogil:
    """One more hash of a record, as far as there is room; all keys are there."""
    if found.count + found.records < MAX_KEYS:
        found.keys[found.count + found.records] = value
        found.records += 1


cdef inline Role said(Match *found, Role role, uint8_t kind) noexcept nogil:
    """It is a message of this kind; returns the role."""
    found.kind = kind
    return role


cdef inline Role said_weakly(Match *found, Role role, uint8_t kind) noexcept nogil:
    """It is a message of this kind, without a key that tells it from others; returns the role."""
    found.weak = 1
    return said(found, role, kind)


cdef inline int64_t packed(Role role, const Match *found) noexcept nogil:
    """Role, flags and kind as one number."""
    return (
        <int64_t>role | found.weak << 4 | found.unanswerable << 5 | found.interim << 6 | found.announces << 7
        | found.also_reply << 8 | found.compared << 9 | found.continues << 10 | found.kind << 11
    )


cdef inline Role broken(Octets octets, Match *found) noexcept nogil:
    """The message ends too soon: by the snap length, or of itself."""
    return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)
