"""Exchanges as lines of text, octet by octet: a stage that writes JSON and CSV from rows of numbers.

The two differ only in the pieces between the numbers, which `row_pieces` prepares; words are pieces too. What
the stage cannot write as `record` would, it leaves to the caller, row by row, and says why. The functions that
put a number, a host or a time into octets serve the columns of `row_columns` as well: each writes from offset
`at` on and returns where it ended.
"""

from typing import Any

from capanalyze.buffers import ints_of, longs_of, octets_of
from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges.row import (
    CAPTURE,
    CLIENT,
    CLIENT_LOW,
    CLIENT_PORT,
    DIRECTION,
    DIRECTIONS,
    FLAGS,
    LINK,
    LINK_FRAME,
    LINK_NEXT,
    MODE,
    MODULE,
    NANOS,
    NARROW,
    OUTCOME,
    OUTCOMES,
    PORT,
    REASON,
    REPLIES,
    REPLY,
    REPLY_OCTETS,
    REQUEST,
    REQUEST_OCTETS,
    REQUESTS,
    RTT,
    SECONDS,
    SERVER,
    SERVER_LOW,
    SERVER_PORT,
    SERVICE,
    VERDICT,
    VERDICTS_OF,
    WEAK_PAIRING,
    WIDE,
    ZONE,
)
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.protocols._protocol import SECOND

# Buffers of the stage.
(
    STATE,
    WIDES,
    NARROWS,
    LINKS,
    TEXT,  # all pieces, one behind the other
    ENDS,  # piece n lies from ENDS[n] to ENDS[n + 1]
    REASONS,  # by module * REASON_SPAN + reason: the number of its piece, 0 where it has none yet
    OUT,
) = range(8)

# Fields of the state.
(
    WRITTEN,  # octets of the output in use
    ROOM,  # and how many there are
    LINE_ROOM,  # the most that a line takes but for its lists of frames
    WHY,  # what kept the stage from going on
    LINK_COUNT,
    FIRST_CAPTURE,  # pieces that depend on the names: the first of each kind
    FIRST_ELSEWHERE,
    FIRST_MODE,
    FIRST_ZONE,
    CAPTURE_COUNT,
    MODE_COUNT,
    ZONE_COUNT,
) = range(12)
STATE_FIELDS = 12

# Why a row was not written.
(
    GOOD,
    FULL,  # the output is
    UNHEARD,  # its reason has no piece yet
    ODD,  # it takes more than pieces and numbers
) = range(4)

# Pieces that stand between fields, then those for the words of a field.
(
    NULL,
    QUOTE,
    SEPARATOR,  # between frames
    BEFORE_CLIENT_PORT,
    BEFORE_SERVER,
    BEFORE_SERVER_PORT,
    BEFORE_REQUESTS,
    BEFORE_REPLIES,
    BEFORE_TIME,
    BEFORE_RTT,
    BEFORE_REQUEST_OCTETS,
    BEFORE_REPLY_OCTETS,
) = range(12)
FIRST_SERVICE = 12
FIRST_TRANSPORT = FIRST_SERVICE + len(PROTOCOLS)
FIRST_OUTCOME = FIRST_TRANSPORT + len(PROTOCOLS)
FIRST_PAIRING = FIRST_OUTCOME + len(OUTCOMES)  # exact with each direction, then weak
FIRST_VERDICT = FIRST_PAIRING + 2 * len(DIRECTIONS)
FIRST_NAME = FIRST_VERDICT + len(VERDICTS_OF)  # from here on as the state says

REASON_SPAN = 8192  # reasons are below: words, and three flags
MODULE_COUNT = len(PROTOCOLS)
OUTCOME_COUNT = len(OUTCOMES)
DIRECTION_COUNT = len(DIRECTIONS)
VERDICT_COUNT = len(VERDICTS_OF)
FRAME_ROOM = 14  # a frame's number and what separates it from the next
LONG_RTT = 10**15  # nanoseconds: microseconds with more digits than a float is sure of

DAY = 86400
YEAR_1, YEAR_10000 = -62135596800, 253402300800  # seconds since 1970
MINUS, DOT, ZERO, COLON, LETTER_T, LETTER_Z = b"-.0:TZ"
LETTER_A = 97 - 10  # of the hexadecimal digits above 9


def write(b: Any, start: int, stop: int) -> int:
    """Write rows from `start` to before `stop` behind what is written: the first that was not, and `WHY`."""
    state = longs_of(b, STATE)
    for number in range(start, stop):
        why = obstacle(b, number)
        if why != GOOD:
            state[WHY] = why
            return number
        at = put_ends(b, number, state[WRITTEN])
        at = put_course(b, number, at)
        state[WRITTEN] = put_outcome(b, number, at)
    state[WHY] = GOOD
    return stop


def obstacle(b: Any, number: int) -> int:
    """What keeps a row from being written."""
    state = longs_of(b, STATE)
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    n = number * NARROW
    w = number * WIDE
    if is_strange(b, n) or wide[w + RTT] >= LONG_RTT:
        return ODD
    first = wide[w + REQUEST]
    reply = wide[w + REPLY]
    requests = chain_length(b, first, narrow[n + REQUESTS] * 1)
    replies = chain_length(b, reply, narrow[n + REPLIES] * 1)
    if requests < 0 or replies < 0 or requests + replies == 0:
        return ODD
    if first // CAPTURE >= state[CAPTURE_COUNT] or reply // CAPTURE >= state[CAPTURE_COUNT]:
        return ODD
    if state[WRITTEN] + state[LINE_ROOM] + (requests + replies) * FRAME_ROOM > state[ROOM]:
        return ODD if state[WRITTEN] == 0 else FULL
    if ints_of(b, REASONS)[narrow[n + MODULE] * REASON_SPAN + narrow[n + REASON]] == 0:
        return UNHEARD
    return GOOD


def is_strange(b: Any, n: int) -> int:
    """Whether a narrow row holds an index that no piece belongs to."""
    state = longs_of(b, STATE)
    narrow = ints_of(b, NARROWS)
    if outside(narrow[n + MODULE], MODULE_COUNT) or outside(narrow[n + SERVICE], MODULE_COUNT):
        return 1
    if outside(narrow[n + OUTCOME], OUTCOME_COUNT) or outside(narrow[n + REASON], REASON_SPAN):
        return 1
    if outside(narrow[n + DIRECTION], DIRECTION_COUNT) or outside(narrow[n + VERDICT], VERDICT_COUNT):
        return 1
    if narrow[n + MODE] >= state[MODE_COUNT]:
        return 1
    return 1 if narrow[n + ZONE] >= state[ZONE_COUNT] > 0 else 0


def outside(index: int, count: int) -> int:
    """Whether there is nothing with this index among so many."""
    return 1 if index < 0 or index >= count else 0


def chain_length(b: Any, first: int, link: int) -> int:
    """Frames of a list: the first, and those from a link on; -1 where they are not all of one capture."""
    if first <= 0:
        return -1 if first or link else 0
    links = longs_of(b, LINKS)
    last = longs_of(b, STATE)[LINK_COUNT]
    capture = first // CAPTURE
    count = 1
    while link:
        if outside(link, last) or links[link * LINK + LINK_FRAME] // CAPTURE != capture:
            return -1
        count += 1
        link = links[link * LINK + LINK_NEXT]
    return count


def put_ends(b: Any, number: int, at: int) -> int:
    """Capture, service and both endpoints."""
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    out = octets_of(b, OUT)
    w = number * WIDE
    n = number * NARROW
    first = wide[w + REQUEST]
    if first == 0:
        first = wide[w + REPLY]
    at = put_piece(b, at, longs_of(b, STATE)[FIRST_CAPTURE] + first // CAPTURE)
    service = narrow[n + SERVICE] * 1
    at = put_piece(b, at, FIRST_SERVICE + service)
    if service in (GENERIC_UDP, TCP):
        at = put_number(out, at, narrow[n + PORT] * 1)
    at = put_piece(b, at, FIRST_TRANSPORT + narrow[n + MODULE])
    at = put_host(out, at, wide[w + CLIENT], wide[w + CLIENT_LOW])
    at = put_piece(b, at, BEFORE_CLIENT_PORT)
    at = put_port(b, at, narrow[n + CLIENT_PORT] * 1)
    at = put_piece(b, at, BEFORE_SERVER)
    at = put_host(out, at, wide[w + SERVER], wide[w + SERVER_LOW])
    at = put_piece(b, at, BEFORE_SERVER_PORT)
    return put_port(b, at, narrow[n + SERVER_PORT] * 1)


def put_course(b: Any, number: int, at: int) -> int:
    """Frames, time and octets."""
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    out = octets_of(b, OUT)
    w = number * WIDE
    n = number * NARROW
    at = put_piece(b, at, BEFORE_REQUESTS)
    at = put_frames(b, at, wide[w + REQUEST], narrow[n + REQUESTS] * 1)
    at = put_piece(b, at, BEFORE_REPLIES)
    at = put_frames(b, at, wide[w + REPLY], narrow[n + REPLIES] * 1)
    at = put_piece(b, at, BEFORE_TIME)
    if has_date(wide[w + SECONDS], narrow[n + NANOS] * 1):
        at = put_piece(b, at, QUOTE)
        at = put_time(out, at, wide[w + SECONDS], narrow[n + NANOS] * 1)
        at = put_piece(b, at, QUOTE)
    else:
        at = put_piece(b, at, NULL)
    at = put_piece(b, at, BEFORE_RTT)
    at = put_micros(out, at, wide[w + RTT]) if wide[w + RTT] >= 0 else put_piece(b, at, NULL)
    at = put_piece(b, at, BEFORE_REQUEST_OCTETS)
    at = put_number(out, at, narrow[n + REQUEST_OCTETS] * 1)
    at = put_piece(b, at, BEFORE_REPLY_OCTETS)
    return put_number(out, at, wide[w + REPLY_OCTETS])


def put_outcome(b: Any, number: int, at: int) -> int:
    """All from the outcome to the end of the line, in words."""
    state = longs_of(b, STATE)
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    w = number * WIDE
    n = number * NARROW
    at = put_piece(b, at, FIRST_OUTCOME + narrow[n + OUTCOME])
    at = put_piece(b, at, ints_of(b, REASONS)[narrow[n + MODULE] * REASON_SPAN + narrow[n + REASON]] * 1)
    weak = DIRECTION_COUNT if narrow[n + FLAGS] & WEAK_PAIRING else 0
    at = put_piece(b, at, FIRST_PAIRING + weak + narrow[n + DIRECTION])
    at = put_piece(b, at, state[FIRST_MODE] + 1 + max(narrow[n + MODE] * 1, -1))
    zone = narrow[n + ZONE] * 1
    if zone < 0 or state[ZONE_COUNT] == 0:
        zone = -1
    at = put_piece(b, at, state[FIRST_ZONE] + 1 + zone)
    at = put_piece(b, at, FIRST_VERDICT + narrow[n + VERDICT])
    return put_piece(b, at, state[FIRST_ELSEWHERE] + reply_place(wide[w + REQUEST], wide[w + REPLY]))


def reply_place(request: int, reply: int) -> int:
    """1 + the capture of the replies where it is not that of the requests, else 0."""
    if request == 0 or reply == 0 or request // CAPTURE == reply // CAPTURE:
        return 0
    return 1 + reply // CAPTURE


def put_piece(b: Any, at: int, number: int) -> int:
    """A piece of text."""
    out = octets_of(b, OUT)
    text = octets_of(b, TEXT)
    ends = longs_of(b, ENDS)
    first = ends[number]
    length = ends[number + 1] - first
    for place in range(length):
        out[at + place] = text[first + place]
    return at + length


def put_port(b: Any, at: int, port: int) -> int:
    """A port, or null."""
    if port < 0:
        return put_piece(b, at, NULL)
    return put_number(octets_of(b, OUT), at, port)


def put_frames(b: Any, at: int, frame: int, link: int) -> int:
    """Frame numbers: the first, and those from a link on."""
    if frame == 0:
        return at
    out = octets_of(b, OUT)
    links = longs_of(b, LINKS)
    at = put_number(out, at, frame % CAPTURE)
    while link:
        at = put_piece(b, at, SEPARATOR)
        at = put_number(out, at, links[link * LINK + LINK_FRAME] % CAPTURE)
        link = links[link * LINK + LINK_NEXT]
    return at


def put_number(out: Any, at: int, number: int) -> int:
    """A whole number."""
    if number < 0:
        out[at] = MINUS
        at += 1
        number = -number
    width = 1
    rest = number // 10
    while rest:
        width += 1
        rest //= 10
    return put_digits(out, at, number, width)


def put_digits(out: Any, at: int, number: int, width: int) -> int:
    """The last digits of a number, so many of them."""
    place = at + width
    while place > at:
        place -= 1
        tens = number // 10
        out[place] = ZERO + (number - tens * 10)
        number = tens
    return at + width


def put_micros(out: Any, at: int, nanos: int) -> int:
    """Nanoseconds as microseconds, with one to three decimals."""
    whole = nanos // 1000
    part = nanos - whole * 1000
    at = put_number(out, at, whole)
    out[at] = DOT
    if part % 10:
        return put_digits(out, at + 1, part, 3)
    if part % 100:
        return put_digits(out, at + 1, part // 10, 2)
    return put_digits(out, at + 1, part // 100, 1)


def has_date(seconds: int, nanos: int) -> int:
    """Whether a calendar holds this time."""
    if seconds >= NO_TIME:
        return 0
    return 1 if YEAR_1 <= seconds + nanos // SECOND < YEAR_10000 else 0


def put_time(out: Any, at: int, seconds: int, nanos: int) -> int:
    """A time that has a date, as `findings.utc` writes it: ISO 8601, microseconds unless it has nanoseconds."""
    seconds += nanos // SECOND
    nanos -= nanos // SECOND * SECOND
    days = seconds // DAY
    at = put_date(out, at, days)
    rest = seconds - days * DAY
    out[at] = LETTER_T
    at = put_digits(out, at + 1, rest // 3600, 2)
    out[at] = COLON
    at = put_digits(out, at + 1, rest // 60 % 60, 2)
    out[at] = COLON
    at = put_digits(out, at + 1, rest % 60, 2)
    out[at] = DOT
    at = put_digits(out, at + 1, nanos, 9) if nanos % 1000 else put_digits(out, at + 1, nanos // 1000, 6)
    out[at] = LETTER_Z
    return at + 1


def put_date(out: Any, at: int, days: int) -> int:
    """The date so many days after 1970-01-01, in the Gregorian calendar.

    Years are counted from March, so that the leap day is a year's last, and in eras of 400 years.
    """
    days += 719468
    era = days // 146097
    day = days - era * 146097
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += era * 400 + (1 if month >= 10 else 0)
    at = put_digits(out, at, year, 4)
    out[at] = MINUS
    at = put_digits(out, at + 1, month - 9 if month >= 10 else month + 3, 2)
    out[at] = MINUS
    return put_digits(out, at + 1, day + 1, 2)


def put_host(out: Any, at: int, high: int, low: int) -> int:
    """An address of two words."""
    if high != 0 or low >> 32 != 0xFFFF:
        return put_ipv6(out, at, high, low)
    at = put_number(out, at, low >> 24 & 0xFF)
    out[at] = DOT
    at = put_number(out, at + 1, low >> 16 & 0xFF)
    out[at] = DOT
    at = put_number(out, at + 1, low >> 8 & 0xFF)
    out[at] = DOT
    return put_number(out, at + 1, low & 0xFF)


def put_ipv6(out: Any, at: int, high: int, low: int) -> int:
    """An IPv6 address (RFC 5952 section 4): the first of the longest runs of zeros, of two or more, as `::`."""
    run = 0
    longest = 1
    first = 8
    for index in range(8):
        run = run + 1 if hextet(high, low, index) == 0 else 0
        if run > longest:
            longest = run
            first = index - run + 1
    index = 0
    while index < 8:
        if index == first:
            out[at] = COLON
            out[at + 1] = COLON
            at += 2
            index += longest
        else:
            if index > 0 and index != first + longest:
                out[at] = COLON
                at += 1
            at = put_hex(out, at, hextet(high, low, index))
            index += 1
    return at


def hextet(high: int, low: int, index: int) -> int:
    """One of the eight numbers of 16 bits of an address."""
    word = high if index < 4 else low
    return word >> (48 - 16 * (index & 3)) & 0xFFFF


def put_hex(out: Any, at: int, number: int) -> int:
    """Hexadecimal digits without leading zeros."""
    shift = 12
    while shift > 0 and number >> shift == 0:
        shift -= 4
    while shift >= 0:
        digit = number >> shift & 0xF
        out[at] = digit + (ZERO if digit < 10 else LETTER_A)
        at += 1
        shift -= 4
    return at
