"""Exchanges as columns: a stage that spreads rows over the buffers that Parquet's writer takes.

Words go as codes: the index that the row has, or for services and reasons one given when it is first met in
the group of rows. Hosts and times go as text, one behind the other, with the offset where each ends; lists of
frames likewise, but only frames of the capture that the list begins in. -1 stands for nothing.
"""

from typing import Any

from capanalyze.buffers import ints_of, longs_of, octets_of
from capanalyze.exchanges.row import (
    CAPTURE,
    CLIENT,
    CLIENT_LOW,
    CLIENT_PORT,
    DIRECTION,
    FLAGS,
    LINK,
    LINK_FRAME,
    LINK_NEXT,
    MODE,
    MODULE,
    NANOS,
    NARROW,
    OUTCOME,
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
    WEAK_PAIRING,
    WIDE,
    ZONE,
)
from capanalyze.protocols import GENERIC_UDP, TCP
from capanalyze.report.row_text import (
    MODULE_COUNT,
    REASON_SPAN,
    has_date,
    outside,
    put_host,
    put_time,
    reply_place,
)

# Buffers of the stage.
(
    STATE,
    WIDES,
    NARROWS,
    LINKS,
    CODES,  # columns of 32 bits
    LONGS,  # columns of 64 bits
    SERVICE_CODES,  # by key: 1 + the code, 0 for none yet
    REASON_CODES,
    SERVICES,  # by code: the key
    REASONS,
    CLIENTS,  # text
    SERVERS,
    TIMES,
    ASKING,  # frames
    ANSWERING,
) = range(15)

# Fields of the state.
(
    ROWS,  # in use
    ROW_ROOM,
    ASKING_ROOM,
    ANSWERING_ROOM,
    SERVICES_MET,
    REASONS_MET,
    WHY,
    LINK_COUNT,
    ZONED,  # whether indices of zones mean any
) = range(9)
STATE_FIELDS = 9

GOOD, FULL, ODD = range(3)  # why the stage went no further

# Columns of 32 bits, each with one place more than rows: codes, ports, then offsets where the row's part ends.
(
    CAPTURES,
    SERVICE_WORDS,
    MODULES,
    OUTCOMES,
    REASON_WORDS,
    PAIRINGS,
    DIRECTIONS,
    MODES,
    ZONES,
    VERDICTS,
    ELSEWHERE,
    CLIENT_PORTS,
    SERVER_PORTS,
    CLIENT_ENDS,
    SERVER_ENDS,
    TIME_ENDS,
    ASKING_ENDS,
    ANSWERING_ENDS,
) = range(18)
CODE_COLUMNS = 18

# Columns of 64 bits.
RTTS, SIZES_ASKED, SIZES_ANSWERED = range(3)
LONG_COLUMNS = 3

PORT_SPAN = 65537  # keys of a service: none, and each port
HOST_ROOM, TIME_ROOM = 39, 30  # octets of text that one takes at most


def fill(b: Any, start: int, stop: int) -> int:
    """Add rows from `start` to before `stop` to the columns: the first that was not, and `WHY`."""
    state = longs_of(b, STATE)
    for number in range(start, stop):
        why = obstacle(b, number)
        if why != GOOD:
            state[WHY] = why
            return number
        row = state[ROWS]
        add_words(b, number, row)
        add_numbers(b, number, row)
        add_text(b, number, row)
        add_frames(b, number, row)
        state[ROWS] = row + 1
    state[WHY] = GOOD
    return stop


def obstacle(b: Any, number: int) -> int:
    """What keeps a row from being added."""
    state = longs_of(b, STATE)
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    n = number * NARROW
    w = number * WIDE
    if outside(narrow[n + MODULE], MODULE_COUNT) or outside(narrow[n + SERVICE], MODULE_COUNT):
        return ODD
    if outside(narrow[n + REASON], REASON_SPAN) or outside(narrow[n + PORT] + 1, PORT_SPAN):
        return ODD
    requests = list_length(b, wide[w + REQUEST], narrow[n + REQUESTS] * 1)
    replies = list_length(b, wide[w + REPLY], narrow[n + REPLIES] * 1)
    if requests < 0 or replies < 0 or requests + replies == 0:
        return ODD
    row = state[ROWS]
    if row == state[ROW_ROOM]:
        return FULL
    codes = ints_of(b, CODES)
    if codes[place(b, ASKING_ENDS, row)] + requests > state[ASKING_ROOM]:
        return FULL
    return FULL if codes[place(b, ANSWERING_ENDS, row)] + replies > state[ANSWERING_ROOM] else GOOD


def list_length(b: Any, first: int, link: int) -> int:
    """Frames of a list, -1 where it is none."""
    if first <= 0:
        return -1 if first or link else 0
    links = longs_of(b, LINKS)
    last = longs_of(b, STATE)[LINK_COUNT]
    count = 1
    while link:
        if outside(link, last):
            return -1
        count += 1
        link = links[link * LINK + LINK_NEXT]
    return count


def place(b: Any, column: int, row: int) -> int:
    """Where a row's field of a column of 32 bits is."""
    return column * (longs_of(b, STATE)[ROW_ROOM] + 1) + row


def add_words(b: Any, number: int, row: int) -> None:
    """The fields that are words."""
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    codes = ints_of(b, CODES)
    w = number * WIDE
    n = number * NARROW
    first = wide[w + REQUEST]
    if first == 0:
        first = wide[w + REPLY]
    codes[place(b, CAPTURES, row)] = first // CAPTURE
    codes[place(b, SERVICE_WORDS, row)] = service_code(b, narrow[n + SERVICE] * 1, narrow[n + PORT] * 1)
    codes[place(b, MODULES, row)] = narrow[n + MODULE]
    codes[place(b, OUTCOMES, row)] = narrow[n + OUTCOME]
    codes[place(b, REASON_WORDS, row)] = reason_code(b, narrow[n + MODULE] * REASON_SPAN + narrow[n + REASON])
    codes[place(b, PAIRINGS, row)] = 1 if narrow[n + FLAGS] & WEAK_PAIRING else 0
    codes[place(b, DIRECTIONS, row)] = narrow[n + DIRECTION]
    codes[place(b, MODES, row)] = narrow[n + MODE]
    codes[place(b, ZONES, row)] = narrow[n + ZONE] if longs_of(b, STATE)[ZONED] else -1
    codes[place(b, VERDICTS, row)] = narrow[n + VERDICT]
    codes[place(b, ELSEWHERE, row)] = reply_place(wide[w + REQUEST], wide[w + REPLY]) - 1


def service_code(b: Any, service: int, port: int) -> int:
    """The code of a service in this group of rows."""
    state = longs_of(b, STATE)
    known = ints_of(b, SERVICE_CODES)
    key = service * PORT_SPAN
    if service in (GENERIC_UDP, TCP):
        key += port + 1
    if known[key] == 0:
        longs_of(b, SERVICES)[state[SERVICES_MET]] = key
        state[SERVICES_MET] += 1
        known[key] = state[SERVICES_MET]
    return known[key] - 1


def reason_code(b: Any, key: int) -> int:
    """The code of a reason in this group of rows."""
    state = longs_of(b, STATE)
    known = ints_of(b, REASON_CODES)
    if known[key] == 0:
        longs_of(b, REASONS)[state[REASONS_MET]] = key
        state[REASONS_MET] += 1
        known[key] = state[REASONS_MET]
    return known[key] - 1


def add_numbers(b: Any, number: int, row: int) -> None:
    """The fields that are numbers."""
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    codes = ints_of(b, CODES)
    numbers = longs_of(b, LONGS)
    room = longs_of(b, STATE)[ROW_ROOM]
    w = number * WIDE
    n = number * NARROW
    codes[place(b, CLIENT_PORTS, row)] = narrow[n + CLIENT_PORT]
    codes[place(b, SERVER_PORTS, row)] = narrow[n + SERVER_PORT]
    numbers[RTTS * room + row] = wide[w + RTT]
    numbers[SIZES_ASKED * room + row] = narrow[n + REQUEST_OCTETS]
    numbers[SIZES_ANSWERED * room + row] = wide[w + REPLY_OCTETS]


def add_text(b: Any, number: int, row: int) -> None:
    """Hosts, and the time; one that has no date takes no octets."""
    wide = longs_of(b, WIDES)
    codes = ints_of(b, CODES)
    w = number * WIDE
    nanos = ints_of(b, NARROWS)[number * NARROW + NANOS] * 1
    at = place(b, CLIENT_ENDS, row)
    codes[at + 1] = put_host(octets_of(b, CLIENTS), codes[at] * 1, wide[w + CLIENT], wide[w + CLIENT_LOW])
    at = place(b, SERVER_ENDS, row)
    codes[at + 1] = put_host(octets_of(b, SERVERS), codes[at] * 1, wide[w + SERVER], wide[w + SERVER_LOW])
    at = place(b, TIME_ENDS, row)
    codes[at + 1] = codes[at]
    if has_date(wide[w + SECONDS], nanos):
        codes[at + 1] = put_time(octets_of(b, TIMES), codes[at] * 1, wide[w + SECONDS], nanos)


def add_frames(b: Any, number: int, row: int) -> None:
    """Both lists of frames."""
    wide = longs_of(b, WIDES)
    narrow = ints_of(b, NARROWS)
    codes = ints_of(b, CODES)
    n = number * NARROW
    w = number * WIDE
    at = place(b, ASKING_ENDS, row)
    codes[at + 1] = add_list(b, longs_of(b, ASKING), codes[at] * 1, wide[w + REQUEST], narrow[n + REQUESTS] * 1)
    at = place(b, ANSWERING_ENDS, row)
    codes[at + 1] = add_list(b, longs_of(b, ANSWERING), codes[at] * 1, wide[w + REPLY], narrow[n + REPLIES] * 1)


def add_list(b: Any, frames: Any, at: int, first: int, link: int) -> int:
    """One list of frames from a place on: where it ends."""
    if first == 0:
        return at
    links = longs_of(b, LINKS)
    frames[at] = first % CAPTURE
    at += 1
    while link:
        frame = links[link * LINK + LINK_FRAME]
        if frame // CAPTURE == first // CAPTURE:
            frames[at] = frame % CAPTURE
            at += 1
        link = links[link * LINK + LINK_NEXT]
    return at
