"""The loop: one pass over a capture's octets, from record to message.

`scan` is written once. It runs as it stands over `bytes` and arrays on small captures, and compiled over
pointers on large ones (`compiled`); both give the same rows. It keeps nothing between frames but
counts, so that parts of a capture can be scanned on their own.
"""

from typing import Any

from capanalyze.buffers import longs_of, octets_of
from capanalyze.capture import pcap, pcapng
from capanalyze.capture.records import DIRECTION as RECORD_DIRECTION
from capanalyze.capture.records import END as RECORD_END
from capanalyze.capture.records import INTERFACE as RECORD_INTERFACE
from capanalyze.capture.records import INTERFACE_FIELDS, NEXT, READY, START
from capanalyze.capture.records import LINK as INTERFACE_STEP
from capanalyze.capture.records import LINK_TYPE as INTERFACE_LINK
from capanalyze.capture.records import NANOS as RECORD_NANOS
from capanalyze.capture.records import NOT_A_PACKET as RECORD_WITHOUT_PACKET
from capanalyze.capture.records import SECONDS as RECORD_SECONDS
from capanalyze.capture.records import SIZE as RECORD_SIZE
from capanalyze.packets.dispatch import header
from capanalyze.packets.message import (
    AT,
    DEPTH,
    DETAIL,
    DIGEST,
    DIRECTION,
    DPORT,
    DST_MAC,
    END,
    FRAGMENT,
    FRAGMENTED,
    FRAME,
    INTERFACE,
    KEY_COUNT,
    KEYS,
    LINK,
    MAX_KEYS,
    NANOS,
    OTHER,
    PAYLOAD,
    PORT,
    PROCESS,
    REJECTION,
    ROLE,
    ROLES,
    SECONDS,
    SENDER,
    SENDER_LOW,
    SIZE,
    SPORT,
    SRC,
    SRC_LOW,
    SRC_MAC,
    UNREAD,
    WIRE,
    WORDS,
)
from capanalyze.packets.message import CAPTURED as ROW_CAPTURED
from capanalyze.packets.message import MODULE as ROW_MODULE
from capanalyze.packets.steps import (
    FIRST_REASON,
    FIRST_UNREAD,
    ICMP,
    IP,
    LATER_FRAGMENT,
    LEFT_OUT,
    MALFORMED_HEADER,
    MESSAGE,
    NO_INTERFACE,
    NOT_A_PACKET,
    OTHER_ICMP,
    SEGMENT,
    STEPS,
    TCP,
    TOO_DEEP,
    TRUNCATED,
    UNREAD_LINK,
)
from capanalyze.packets.transport import CUT_BEFORE_PORTS, message, rejects

# State of a scan, carried from call to call.
(
    OFFSET,  # of the next record in the octets at hand
    FRAMES,
    COUNT,  # rows written
    POOL,  # keys written
    BASE,  # offset of the octets at hand in the capture
    NG,  # 1: pcapng
    FIRST_SECONDS,
    FIRST_NANOS,
    LAST_SECONDS,
    LAST_NANOS,
    FINAL_SECONDS,
    FINAL_NANOS,
    ROOM,  # rows that may be written
    POOL_ROOM,  # and keys
    NAMED,  # 1: some row's interface is to be found by its name
) = range(15)
STATE_FIELDS = 15
# The buffers of the stage.
OCTETS, STATE, LAYOUT, INTERFACES, PORTS, RECORD, ROW, MATCH_KEYS, ROWS, KEYS_WRITTEN, TALLY, UNREADS = range(12)
FULL = 4  # the answer when the rows are to be taken away; the others are those of `capture.records`

FRAME_COUNT = 6  # field of an interface in the loop's table: frames seen
MAX_STEPS = 64
# What is not read, by number: a key (see `note_unread`) and frames. So many numbers are told apart.
UNREAD_KEY, UNREAD_COUNT = range(2)
UNREAD_FIELDS = 2
MAX_UNREAD = 64
UNREAD_UNIT = 1 << 33  # reason * this + number; numbers have 32 bits
EARLIEST, LATEST = -62135596800, 253402300799  # the years 1 to 9999


def scan(b: Any, start: int, stop: int) -> int:
    """Walk records from `start` until the octets end at `stop`, or the rows are full: why (MORE, FULL, …)."""
    octets = octets_of(b, OCTETS)
    state = longs_of(b, STATE)
    layout = longs_of(b, LAYOUT)
    interfaces = longs_of(b, INTERFACES)
    ports = octets_of(b, PORTS)
    record = longs_of(b, RECORD)
    row = longs_of(b, ROW)
    keys = longs_of(b, MATCH_KEYS)
    rows = longs_of(b, ROWS)
    pool = longs_of(b, KEYS_WRITTEN)
    tally = longs_of(b, TALLY)
    unreads = longs_of(b, UNREADS)
    state[OFFSET] = start
    while True:
        if state[COUNT] >= state[ROOM] or state[POOL] + MAX_KEYS > state[POOL_ROOM]:
            return FULL
        if state[NG]:
            answer = pcapng.read_record(octets, state[OFFSET], stop, layout, interfaces, record)
        else:
            answer = pcap.read_record(octets, state[OFFSET], stop, layout, record)
        if answer != READY:
            return answer
        state[OFFSET] = record[NEXT]
        state[FRAMES] += 1
        reason = NO_INTERFACE
        if record[RECORD_INTERFACE] == RECORD_WITHOUT_PACKET:
            reason = NOT_A_PACKET
        elif record[RECORD_INTERFACE] >= 0 and is_left_out(record, interfaces):
            reason = LEFT_OUT
        elif record[RECORD_INTERFACE] >= 0:
            note_time(record, state)
            interfaces[record[RECORD_INTERFACE] * INTERFACE_FIELDS + FRAME_COUNT] += 1
            reason = frame(octets, record, interfaces, ports, row, keys)
        tally[reason - FIRST_REASON] += 1
        if reason >= FIRST_UNREAD:
            note_unread(unreads, reason, row[UNREAD])
        if reason in (MESSAGE, LATER_FRAGMENT) and row[ROLE] % ROLES != OTHER:
            write(state, record, row, keys, rows, pool)


def is_left_out(record: Any, interfaces: Any) -> bool:
    """Whether a frame came by an interface that was not asked for."""
    return bool(interfaces[record[RECORD_INTERFACE] * INTERFACE_FIELDS + INTERFACE_STEP] == LEFT_OUT)


def note_time(record: Any, state: Any) -> None:
    """Keep the earliest, the latest and the final time of all frames; what no calendar holds does not count."""
    seconds = record[RECORD_SECONDS]
    nanos = record[RECORD_NANOS]
    if seconds < EARLIEST or seconds > LATEST:
        return
    state[FINAL_SECONDS] = seconds
    state[FINAL_NANOS] = nanos
    if seconds < state[FIRST_SECONDS] or (seconds == state[FIRST_SECONDS] and nanos < state[FIRST_NANOS]):
        state[FIRST_SECONDS] = seconds
        state[FIRST_NANOS] = nanos
    if seconds > state[LAST_SECONDS] or (seconds == state[LAST_SECONDS] and nanos > state[LAST_NANOS]):
        state[LAST_SECONDS] = seconds
        state[LAST_NANOS] = nanos


def note_unread(unreads: Any, reason: int, number: int) -> None:
    """Count a frame by the number that is not read, as far as there is room for another number."""
    key = reason * UNREAD_UNIT + number
    for at in range(0, MAX_UNREAD * UNREAD_FIELDS, UNREAD_FIELDS):
        if unreads[at + UNREAD_KEY] == 0:
            unreads[at + UNREAD_KEY] = key
        if unreads[at + UNREAD_KEY] == key:
            unreads[at + UNREAD_COUNT] += 1
            return


def walk(step: int, octets: Any, row: Any) -> int:
    """Follow headers from row[AT] to a transport, or to the reason why there is none."""
    for _ in range(MAX_STEPS):
        if step >= STEPS:
            return step
        step = header(step, octets, row[AT], row[END], row)
    return TOO_DEEP


def frame(octets: Any, record: Any, interfaces: Any, ports: Any, row: Any, keys: Any) -> int:
    """What one frame holds: MESSAGE with the row filled in, or the reason why there is no message."""
    number = record[RECORD_INTERFACE]
    row[INTERFACE] = number
    row[DIRECTION] = record[RECORD_DIRECTION]
    row[SRC_MAC] = -1
    row[DST_MAC] = -1
    row[PROCESS] = 0
    row[DEPTH] = 0
    row[DETAIL] = 0
    row[SENDER] = 0
    row[SENDER_LOW] = 0
    row[FRAGMENTED] = 0
    row[LINK] = 0
    row[AT] = record[START]
    row[END] = record[RECORD_END]
    row[WIRE] = record[START] + record[RECORD_SIZE]
    whole = record[RECORD_END] - record[START] >= record[RECORD_SIZE]
    first = interfaces[number * INTERFACE_FIELDS + INTERFACE_STEP]
    transport = walk(first, octets, row)
    if transport == LATER_FRAGMENT:
        fragment(row)
        return LATER_FRAGMENT
    if transport == TRUNCATED and whole:
        return MALFORMED_HEADER
    if transport >= FIRST_REASON:
        if first == UNREAD_LINK:
            row[UNREAD] = interfaces[number * INTERFACE_FIELDS + INTERFACE_LINK]
        return transport
    quoted = 0
    if transport == ICMP:
        quoted = rejects(octets, row)
        if quoted:
            transport = quote(octets, row)
            if transport >= FIRST_REASON or (transport == ICMP and rejects(octets, row)):
                return OTHER_ICMP
    role = message(transport, octets, row, ports, keys, quoted)
    if role == CUT_BEFORE_PORTS:
        return MALFORMED_HEADER if whole else TRUNCATED
    if quoted:
        role += REJECTION * 65536
        row[DETAIL] = quoted
    row[ROLE] = role
    if role % ROLES == OTHER:
        if quoted or transport == ICMP:
            return OTHER_ICMP
        if transport == TCP:
            return SEGMENT
    return MESSAGE


def quote(octets: Any, row: Any) -> int:
    """Walk on into the datagram that an ICMP error quotes; who sent the error is kept."""
    row[SENDER] = row[SRC]
    row[SENDER_LOW] = row[SRC_LOW]
    row[AT] += 8
    row[DEPTH] = 0
    return walk(IP, octets, row)


def fragment(row: Any) -> None:
    """A later fragment as a row: its addresses and identification say whose it is."""
    row[ROLE] = FRAGMENT
    row[ROW_MODULE] = 0
    row[PORT] = -1
    row[SPORT] = -1
    row[DPORT] = -1
    row[PAYLOAD] = row[AT]
    row[ROW_CAPTURED] = max(0, row[END] - row[AT])
    row[SIZE] = max(0, row[WIRE] - row[AT])
    row[DIGEST] = 0


def write(state: Any, record: Any, row: Any, keys: Any, rows: Any, pool: Any) -> None:
    """Copy the scratch row and its keys out."""
    count = keys[0]
    if row[ROLE] == FRAGMENT:
        count = 0
    row[FRAME] = state[FRAMES]
    row[SECONDS] = record[RECORD_SECONDS]
    row[NANOS] = record[RECORD_NANOS]
    row[PAYLOAD] += state[BASE]
    if row[PROCESS]:
        row[PROCESS] += state[BASE]
    if row[INTERFACE] < 0:
        state[NAMED] = 1
    row[KEYS] = state[POOL]
    row[KEY_COUNT] = count
    base = state[COUNT] * WORDS
    for field in range(WORDS):
        rows[base + field] = row[field]
    for number in range(count):
        pool[state[POOL] + number] = keys[number + 1]
    state[POOL] += count
    state[COUNT] += 1
