"""What a match function says of one message: its role, its kind, and the keys that a request and its replies share."""

from libc.stdint cimport uint8_t, uint64_t

from capanalyze.core.octets cimport Octets, is_cut

cdef enum:
    MAX_KEYS = 32  # of one message; what it asks beyond them is not paired

ctypedef uint8_t flag


cdef enum Role:
    OTHER  # of no concern to pairing
    REQUEST
    REPLY
    ANNOUNCEMENT  # nobody asked for it
    MALFORMED  # on a service's port, but not that service's
    FLOW  # no module knows it: the first of a five-tuple asks, the first one back answers
    SPOKE  # a TCP segment with data, or a close
    RESET  # a TCP reset


cdef enum:  # kinds that every service has; its own are numbered from 3 on, as its Python neighbour names them
    EMPTY
    GARBAGE
    CUT


cdef struct Match:
    uint8_t kind
    flag weak  # it has no key that tells it from others
    flag unanswerable  # this payload draws no reply
    flag interim  # more replies will follow: the window starts anew
    flag announces  # sent to a group and unanswered, it was an announcement
    flag also_reply  # the last key is that of a request which this message may answer
    flag compared  # the last key pairs nothing: over time, only requests that agree in it are compared
    uint8_t count
    uint64_t[MAX_KEYS] keys


cdef inline void begin(Match *found) noexcept nogil:
    """Nothing is known yet."""
    found.kind = EMPTY
    found.weak = found.unanswerable = found.interim = found.announces = found.also_reply = found.compared = 0
    found.count = 0


cdef inline void add_key(Match *found, uint64_t value) noexcept nogil:
    """One more match key."""
    if found.count < MAX_KEYS:
        found.keys[found.count] = value
        found.count += 1


cdef inline Role said(Match *found, Role role, uint8_t kind) noexcept nogil:
    """It is a message of this kind; returns the role."""
    found.kind = kind
    return role


cdef inline Role said_weakly(Match *found, Role role, uint8_t kind) noexcept nogil:
    """It is a message of this kind, without a key that tells it from others; returns the role."""
    found.weak = 1
    return said(found, role, kind)


cdef inline Role broken(Octets octets, Match *found) noexcept nogil:
    """The message ends too soon: by the snap length, or of itself."""
    return said(found, MALFORMED, CUT if is_cut(octets) else GARBAGE)
