"""What rows have in common, as text or as columns: lists of frames, and numbers, hosts and times as octets.

Each function that writes does so from a place on, and returns where it ended; who calls it has seen that there is room.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from capanalyze.core.message cimport Address, is_ipv4, same
from capanalyze.core.record cimport NO_TIME
from capanalyze.core.row cimport CAPTURE_SHIFT, GROUP, Link, Narrow, Wide

cdef enum:
    REASON_SPAN = 8192  # reasons are below: words, and three flags
    UDP = 0  # the services that are told apart by their port
    TCP = 1
    DAY = 86400

cdef extern from *:
    """
    #define CORE_YEAR_1 (-62135596800LL)  /* seconds since 1970 */
    #define CORE_YEAR_10000 253402300800LL
    #define CORE_FRAME_MASK ((1LL << 40) - 1)
    static const char *const core_digits = "0123456789abcdef";
    """
    int64_t YEAR_1 "CORE_YEAR_1"
    int64_t YEAR_10000 "CORE_YEAR_10000"
    int64_t FRAME_MASK "CORE_FRAME_MASK"
    const char *DIGITS "core_digits"


cdef struct Rows:  # settled exchanges, judged
    const Wide *wide
    const Narrow *narrow
    const Link *links
    int64_t link_count


cdef inline int64_t capture_of(int64_t frame) noexcept nogil:
    """The capture that a frame is in."""
    return frame >> CAPTURE_SHIFT


cdef inline int64_t first_frame(const Wide *wide) noexcept nogil:
    """The first frame of an exchange, be it of a request or of a reply."""
    return wide.request if wide.request else wide.reply


cdef inline int64_t reply_place(const Wide *wide) noexcept nogil:
    """1 + the capture of the replies where it is not that of the requests, else 0."""
    if wide.request == 0 or wide.reply == 0 or capture_of(wide.request) == capture_of(wide.reply):
        return 0
    return 1 + capture_of(wide.reply)


cdef inline bint went_elsewhere(const Wide *wide) noexcept nogil:
    """Whether the first reply went to another endpoint than the one that asked."""
    return wide.reply_to.high != 0 or wide.reply_to.low != 0


cdef inline bint came_from_elsewhere(const Wide *wide, const Narrow *narrow) noexcept nogil:
    """Whether it came from another endpoint than the one that was asked; a group's hosts are asked on its port."""
    if wide.request == 0 or wide.reply == 0:
        return False
    if narrow.server_port != narrow.port:
        return True
    return not narrow.flags & GROUP and not same(&wide.server, &wide.wanted)


cdef inline int64_t list_length(const Rows *rows, int64_t first, int64_t link) noexcept nogil:
    """Frames of a list: the first, and those from a link on; -1 where it is none."""
    cdef int64_t count = 1
    if first <= 0:
        return -1 if first or link else 0
    while link:
        if link < 0 or link >= rows.link_count or count > rows.link_count:
            return -1
        count += 1
        link = rows.links[link].next
    return count


cdef inline bint is_in_one_capture(const Rows *rows, int64_t first, int64_t link) noexcept nogil:
    """Whether all frames of a list are in the capture of the first."""
    while link:
        if capture_of(rows.links[link].frame) != capture_of(first):
            return False
        link = rows.links[link].next
    return True


cdef inline bint is_outside(int64_t index, int64_t count) noexcept nogil:
    """Whether there is nothing with this index among so many."""
    return index < 0 or index >= count


# Octets


cdef inline uint8_t *put_number(uint8_t *at, int64_t number) noexcept nogil:
    """A whole number."""
    cdef uint64_t left = <uint64_t>number, rest
    cdef int width = 1
    if number < 0:
        at[0] = 45  # -
        at += 1
        left = 0 - left
    rest = left // 10
    while rest:
        width += 1
        rest //= 10
    return put_digits(at, left, width)


cdef inline uint8_t *put_digits(uint8_t *at, uint64_t number, int width) noexcept nogil:
    """The last digits of a number, so many of them."""
    cdef uint8_t *end = at + width
    cdef uint8_t *place = end
    while place > at:
        place -= 1
        place[0] = <uint8_t>(48 + number % 10)
        number //= 10
    return end


cdef inline uint8_t *put_mark(uint8_t *at, char mark) noexcept nogil:
    """One character."""
    at[0] = <uint8_t>mark
    return at + 1


cdef inline uint8_t *put_micros(uint8_t *at, int64_t nanos) noexcept nogil:
    """Nanoseconds, not below 0, as microseconds with one to three decimals."""
    cdef uint64_t whole = <uint64_t>nanos // 1000, part = <uint64_t>nanos % 1000
    at = put_mark(put_number(at, <int64_t>whole), b".")
    if part % 10:
        return put_digits(at, part, 3)
    if part % 100:
        return put_digits(at, part // 10, 2)
    return put_digits(at, part // 100, 1)


cdef inline int64_t floor_of(int64_t number, int64_t by) noexcept nogil:
    """The quotient, rounded down."""
    return number // by - (number % by < 0)


cdef inline bint has_date(int64_t seconds, int64_t nanos) noexcept nogil:
    """Whether a calendar holds this time."""
    if seconds >= NO_TIME or seconds <= -NO_TIME:
        return False
    return YEAR_1 <= seconds + floor_of(nanos, 1000000000) < YEAR_10000


cdef inline uint8_t *put_time(uint8_t *at, int64_t seconds, int64_t nanos) noexcept nogil:
    """A time that has a date, as `findings.utc` writes it: ISO 8601, microseconds unless it has nanoseconds."""
    cdef int64_t carried = floor_of(nanos, 1000000000)
    seconds += carried
    nanos -= carried * 1000000000
    cdef int64_t days = floor_of(seconds, DAY)
    cdef int64_t rest = seconds - days * DAY
    at = put_mark(put_date(at, days), b"T")
    at = put_mark(put_digits(at, rest // 3600, 2), b":")
    at = put_mark(put_digits(at, rest // 60 % 60, 2), b":")
    at = put_mark(put_digits(at, rest % 60, 2), b".")
    at = put_digits(at, nanos, 9) if nanos % 1000 else put_digits(at, nanos // 1000, 6)
    return put_mark(at, b"Z")


cdef inline uint8_t *put_date(uint8_t *at, int64_t days) noexcept nogil:
    """The date so many days after 1970-01-01, in the Gregorian calendar; not before the year 1.

    Years are counted from March, so that the leap day is a year's last, and in eras of 400 years.
    """
    days += 719468
    cdef int64_t era = days // 146097
    cdef int64_t day = days - era * 146097
    cdef int64_t year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    cdef int64_t month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += era * 400 + (month >= 10)
    at = put_mark(put_digits(at, year, 4), b"-")
    at = put_mark(put_digits(at, month - 9 if month >= 10 else month + 3, 2), b"-")
    return put_digits(at, day + 1, 2)


cdef inline uint8_t *put_host(uint8_t *at, const Address *host) noexcept nogil:
    """An address, at most 39 octets."""
    if not is_ipv4(host):
        return put_ipv6(at, host)
    at = put_mark(put_number(at, host.low >> 24 & 0xFF), b".")
    at = put_mark(put_number(at, host.low >> 16 & 0xFF), b".")
    at = put_mark(put_number(at, host.low >> 8 & 0xFF), b".")
    return put_number(at, host.low & 0xFF)


cdef inline uint8_t *put_endpoint(uint8_t *at, const Address *host, int32_t port) noexcept nogil:
    """An address and its port, at most 47 octets; the address alone where the transport has no ports."""
    if port < 0:
        return put_host(at, host)
    if is_ipv4(host):
        at = put_host(at, host)
    else:
        at = put_mark(put_ipv6(put_mark(at, b"["), host), b"]")
    return put_number(put_mark(at, b":"), port)


cdef inline uint8_t *put_ipv6(uint8_t *at, const Address *host) noexcept nogil:
    """An IPv6 address (RFC 5952 section 4): the first of the longest runs of zeros, of two or more, as `::`."""
    cdef int run = 0, longest = 1, first = 8, index
    for index in range(8):
        run = run + 1 if hextet(host, index) == 0 else 0
        if run > longest:
            longest = run
            first = index - run + 1
    index = 0
    while index < 8:
        if index == first:
            at = put_mark(put_mark(at, b":"), b":")
            index += longest
        else:
            if index > 0 and index != first + longest:
                at = put_mark(at, b":")
            at = put_hex(at, hextet(host, index))
            index += 1
    return at


cdef inline int hextet(const Address *host, int index) noexcept nogil:
    """One of the eight numbers of 16 bits of an address."""
    cdef uint64_t word = host.high if index < 4 else host.low
    return <int>(word >> (48 - 16 * (index & 3)) & 0xFFFF)


cdef inline uint8_t *put_hex(uint8_t *at, int number) noexcept nogil:
    """Four hexadecimal digits without leading zeros."""
    cdef int shift = 12
    while shift > 0 and number >> shift == 0:
        shift -= 4
    while shift >= 0:
        at = put_mark(at, DIGITS[number >> shift & 0xF])
        shift -= 4
    return at
