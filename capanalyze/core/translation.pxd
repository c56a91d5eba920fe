"""One message seen before and behind the translation of an endpoint: which sight counts, and what becomes of others.

The request is the first sight; the reply is that from and to the endpoints of the request, else the first. What was
asked on one side of the translation is answered on the other first.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t

from capanalyze.core.answers cimport add_reply
from capanalyze.core.exchange cimport Exchange, Table, add_reply_frame, at, frame_at, see_again
from capanalyze.core.expiry cimport drop
from capanalyze.core.message cimport Address, Message, same
from capanalyze.core.pairing cimport MOST_BEHIND, Behind, Given, Pairing, comes_from_wanted, goes_to_client
from capanalyze.core.row cimport GROUP, INDETERMINATE, REPLIED, SAID_OTHER_ADDRESS, SAID_OTHER_PORT, SILENT


cdef inline bint begins_with(const Exchange *e, int64_t frame) noexcept nogil:
    """Whether an exchange consists of this frame."""
    return (e.request or e.reply) == frame and not (e.requests or e.replies or (e.request and e.reply))


cdef inline void pass_on(Pairing *p, const Exchange *e, const Message *m) noexcept nogil:
    """Note to whom the host passes requests on, as a further sight of one shows; of the first endpoints only."""
    cdef Behind found = Behind(e.wanted, m.destination, e.wanted_port, <int32_t>m.destination_port)
    cdef const Behind *known
    cdef int64_t number
    if not same(&e.client, &m.source) or same(&e.wanted, &m.destination):
        return
    for number in range(p.behind_count):
        known = &p.behind[number]
        if same(&known.asked, &found.asked) and known.asked_port == found.asked_port:
            return
    if p.behind_count < MOST_BEHIND:
        p.behind[p.behind_count] = found
        p.behind_count += 1


cdef inline void come_back(Pairing *p, uint32_t number, const Given *g, int64_t first) noexcept nogil:
    """A further sight of a reply: that between the request's endpoints counts, where the first was not."""
    cdef Exchange *e = at(&p.table, number)
    see_again(e)
    if e.flags & GROUP or not goes_to_client(e, g) or not comes_from_wanted(e, g) or not is_from_elsewhere(e, first):
        add_reply_frame(&p.table, e, g.m.frame)
        return
    if e.outcome == REPLIED:
        e.reply_octets -= g.m.size
    e.outcome = SILENT
    e.server, e.server_port = e.wanted, e.wanted_port
    e.reply_to = Address(0, 0)
    add_reply(p, number, g)


cdef inline bint is_from_elsewhere(const Exchange *e, int64_t frame) noexcept nogil:
    """Whether a frame is what answers, or may answer, from or to another endpoint than the request's."""
    if e.outcome == INDETERMINATE:
        return e.reply == frame and e.reason in (SAID_OTHER_ADDRESS, SAID_OTHER_PORT)
    if e.outcome != REPLIED or e.reply_frame != frame:
        return False
    return not same(&e.server, &e.wanted) or e.server_port != e.wanted_port or e.reply_to.high or e.reply_to.low


cdef inline void take_over(Table *t, Exchange *e, uint32_t first, int64_t frame) noexcept nogil:
    """The first sight of a message of `e`, `frame` being that of the last, began an exchange: it is none."""
    cdef Exchange *other = at(t, first)
    cdef uint32_t link = other.requests or other.replies
    if other.request and other.reply:
        return
    stand_before(t, e, other.request or other.reply, frame)
    while link:
        stand_before(t, e, frame_at(t, link).number, frame)
        link = frame_at(t, link).next
    drop(t, first)


cdef inline void stand_before(Table *t, Exchange *e, int64_t frame, int64_t last) noexcept nogil:
    """A frame that came back stands before the last one, if that is listed: of a conversation only the first is."""
    cdef int64_t *place = &frame_at(t, e.replies_last).number if e.replies else &e.reply
    if place[0] == last:
        place[0] = frame
        add_reply_frame(t, e, last)
        see_again(e)
