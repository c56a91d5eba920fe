"""Messages get their clock and their place: the last that is done before they are paired.

Time stamps may run back, as clocks are set; windows are measured by a clock for each place that does not: small
jitter is absorbed, a step back moves the origin. Where all messages have one clock, they stay where they are; others
are copied to where they can be brought into order.
"""

from libc.stdint cimport int64_t

from capanalyze.core.message cimport MAX_KEYS, MAX_READINGS, Message
from capanalyze.core.record cimport NO_TIME
from capanalyze.core.row cimport CAPTURE_SHIFT

cdef enum:
    FIRST_NAMED = 1048576  # index of the first interface that frames name, as `capture` has it

cdef extern from *:
    """
    #define CORE_SECOND 1000000000LL
    #define CORE_STEP (CORE_SECOND / 2)  /* how far a clock may run back before it counts as set */
    #define CORE_OVERLAP (2 * CORE_SECOND)  /* and a file before the one that it follows */
    #define CORE_MAX_DATED 4600000000LL  /* seconds; two of them, in nanoseconds, can be added in 63 bits */
    #define CORE_FARTHEST (CORE_MAX_DATED * CORE_SECOND)
    #define CORE_BEFORE_ALL (-(1LL << 62))
    """
    int64_t SECOND "CORE_SECOND"  # nanoseconds, as all that follow
    int64_t STEP "CORE_STEP"
    int64_t OVERLAP "CORE_OVERLAP"
    int64_t MAX_DATED "CORE_MAX_DATED"
    int64_t FARTHEST "CORE_FARTHEST"
    int64_t BEFORE_ALL "CORE_BEFORE_ALL"


cdef struct Moment:
    int64_t seconds
    int64_t nanos


cdef struct Clock:  # of a place, in words of 64 bits; nanoseconds
    int64_t now
    int64_t shift  # added to time stamps
    int64_t began
    int64_t fresh  # the capture at hand has not moved it yet


cdef struct Named:  # an interface that frames name, in words of 64 bits
    int64_t place
    int64_t messages


cdef struct Span:  # of time, what is asked for
    Moment since
    Moment until
    bint limited  # one of both is given, so that what has no time is left out


cdef struct Dated:  # messages that are dated, and what is known of them
    Message *messages
    int64_t *pool
    int64_t room
    int64_t key_room
    int64_t count
    int64_t keys
    int64_t first  # clocks of the capture at hand
    int64_t last
    int64_t newest  # clock of the message before
    int64_t earliest  # what is behind is paired already: a message that comes too late counts as of then
    bint any  # there are a first and a last
    bint ordered  # no clock is before that of the message before


cdef struct Dating:
    int64_t capture  # its number
    const Message *messages
    const int64_t *pool
    int64_t key_count
    const int64_t *places  # of the interfaces that the capture describes
    int64_t place_count
    Named *named
    int64_t named_count
    Clock *clocks  # by place
    int64_t clock_count
    Span span
    Dated out


cdef inline int64_t clock_of(const Message *message) noexcept nogil:
    """The clock of a message that was dated: where its process name lies is known, so that the field serves anew."""
    return message.process


cdef inline int64_t date(Dating *d, int64_t start, int64_t stop) noexcept nogil:
    """Date messages from `start` to before `stop`; the message where the room ended, else `stop`."""
    cdef int64_t number, place, clock
    cdef const Message *message
    for number in range(start, stop):
        if d.out.count >= d.out.room or d.out.keys + MAX_KEYS + MAX_READINGS > d.out.key_room:
            return number
        message = &d.messages[number]
        place = place_of(d, message.interface)
        if not is_wanted(&d.span, message.seconds, message.nanos):
            continue
        clock = read_clock(&d.clocks[place], message.seconds, message.nanos)
        note(&d.out, clock)
        put(d, message, place, max(clock, d.out.earliest))
    return stop


cdef inline void date_in_place(Dating *d, Message *messages, int64_t start, int64_t stop) noexcept nogil:
    """Date messages from `start` to before `stop`, all of them, where they are."""
    cdef int64_t number, clock
    cdef Message *message
    for number in range(start, stop):
        message = &messages[number]
        message.frame += d.capture << CAPTURE_SHIFT
        message.interface = place_of(d, message.interface)
        clock = read_clock(&d.clocks[message.interface], message.seconds, message.nanos)
        note(&d.out, clock)
        message.process = clock
        check_keys(message, d.key_count)


cdef inline int64_t place_of(Dating *d, int64_t interface) noexcept nogil:
    """The place of an interface, 0 for one that is not known."""
    cdef int64_t place = 0, number = interface - FIRST_NAMED
    if 0 <= number < d.named_count:
        d.named[number].messages += 1
        place = d.named[number].place
    elif 0 <= interface < d.place_count:
        place = d.places[interface]
    return place if 0 <= place < d.clock_count else 0


cdef inline bint is_wanted(const Span *span, int64_t seconds, int64_t nanos) noexcept nogil:
    """Whether a time lies in the span that is asked for; without a time only in an open one."""
    if not span.limited:
        return True
    if seconds >= NO_TIME or is_before(seconds, nanos, &span.since):
        return False
    return is_before(seconds, nanos, &span.until)


cdef inline bint is_before(int64_t seconds, int64_t nanos, const Moment *moment) noexcept nogil:
    return seconds < moment.seconds or (seconds == moment.seconds and nanos < moment.nanos)


cdef inline int64_t read_clock(Clock *clock, int64_t seconds, int64_t nanos) noexcept nogil:
    """The clock of a place at a frame; a time that cannot be counted is none."""
    if seconds > MAX_DATED or seconds < -MAX_DATED:
        return clock.now
    cdef int64_t time = seconds * SECOND + nanos
    if not clock.began:
        clock.began = True
        clock.fresh = False
        clock.now = time
        return time
    time += clock.shift
    if time > FARTHEST or clock.now - time > FARTHEST - clock.shift:
        return clock.now
    if clock.fresh:
        clock.fresh = False
        if clock.now - OVERLAP < time < clock.now - STEP:
            clock.now = time
    if time < clock.now - STEP:
        clock.shift += clock.now - time
    elif time > clock.now:
        clock.now = time
    return clock.now


cdef inline void note(Dated *out, int64_t clock) noexcept nogil:
    """Keep the capture's first and latest clock, and whether messages come in order."""
    if not out.any:
        out.any = True
        out.first = out.last = clock
    out.first = min(out.first, clock)
    out.last = max(out.last, clock)
    if clock < out.newest:
        out.ordered = False
    out.newest = clock


cdef inline void put(Dating *d, const Message *message, int64_t place, int64_t clock) noexcept nogil:
    """Copy a message with its match keys."""
    cdef Message *to = &d.out.messages[d.out.count]
    to[0] = message[0]
    to.frame += d.capture << CAPTURE_SHIFT
    to.interface = place
    to.process = clock
    d.out.keys = put_keys(to, d.out.pool, d.out.keys, d.pool, d.key_count)
    d.out.count += 1


cdef inline int64_t put_keys(
    Message *message, int64_t *into, int64_t count, const int64_t *pool, int64_t room
) noexcept nogil:
    """Copy a message's words out of a pool of `room` behind `count` others; how many there are now."""
    check_keys(message, room)
    cdef int64_t number, words = message.keys + message.readings
    cdef const int64_t *first = &pool[message.first_key]
    for number in range(words):
        into[count + number] = first[number]
    message.first_key = count
    return count + words


cdef inline void check_keys(Message *message, int64_t room) noexcept nogil:
    """A message has no words where they would not lie in a pool of `room`."""
    if not 0 <= message.keys <= MAX_KEYS or not 0 <= message.readings <= MAX_READINGS:
        message.keys = message.readings = 0
    if message.first_key < 0 or message.first_key + message.keys + message.readings > room:
        message.first_key = message.keys = message.readings = 0
