"""What the target sent as a service: it may explain what it answers afterwards."""

from libc.stdint cimport int64_t

from capanalyze.core.index cimport checked_place
from capanalyze.core.sums cimport MAX_SENT, SENT_KINDS, Sent, SentList, Sums

cdef enum:
    MOST_LATE = 64  # messages that one may come behind and still stand in its place


cdef inline SentList *sent_by(const Sums *s, int64_t service, int kind) noexcept nogil:
    """What was sent as a service, of one kind."""
    return &s.sent[checked_place(service, s.services) * SENT_KINDS + kind]


cdef inline Sent *sent_at(SentList *sent, int64_t number) noexcept nogil:
    """The message with a number, of those that are kept."""
    return &sent.ring[number & (MAX_SENT - 1)]


cdef inline bint is_after(const Sent *one, int64_t clock, int64_t frame) noexcept nogil:
    """Whether a message was sent after another one."""
    return one.clock > clock or (one.clock == clock and one.frame > frame)


cdef inline void note_sent(SentList *sent, int64_t clock, int64_t frame) noexcept nogil:
    """Note a message in its place; one that comes far too late is left out."""
    cdef int64_t place = sent.count, at
    while place > 0 and is_after(sent_at(sent, place - 1), clock, frame):
        place -= 1
        if sent.count - place == MOST_LATE:
            return
    for at in range(sent.count, place, -1):
        sent_at(sent, at)[0] = sent_at(sent, at - 1)[0]
    sent_at(sent, place)[0] = Sent(clock, frame)
    sent.count += 1


cdef inline int64_t sent_between(SentList *sent, int64_t after, int64_t before) noexcept nogil:
    """The last frame that was sent between two clocks, 0 for none."""
    cdef int64_t first = max(0, sent.count - MAX_SENT), last = sent.count, middle
    while first < last:  # the first one that was not sent before
        middle = first + (last - first) // 2
        if sent_at(sent, middle).clock < before:
            first = middle + 1
        else:
            last = middle
    if first == max(0, sent.count - MAX_SENT) or sent_at(sent, first - 1).clock <= after:
        return 0
    return sent_at(sent, first - 1).frame
