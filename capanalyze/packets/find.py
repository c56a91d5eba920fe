"""Finding frames again: walks the records of a piece of a capture, plain or compiled, to those that are wanted."""

from typing import Any

from capanalyze.buffers import longs_of, octets_of
from capanalyze.capture import pcap, pcapng
from capanalyze.capture.records import NEXT, READY, RECORD_FIELDS

# State of a walk.
(
    NG,  # 1: pcapng
    BEFORE,  # frames in front of where it begins
    WANTED_COUNT,
) = range(3)
STATE_FIELDS = 3
# The buffers of the stage.
OCTETS, STATE, LAYOUT, INTERFACES, WANTED, RECORD, FOUND = range(7)


def find(b: Any, start: int, stop: int) -> int:
    """Walk records from `start` to those wanted, and copy out what is noted of these; how many were found."""
    octets = octets_of(b, OCTETS)
    state = longs_of(b, STATE)
    layout = longs_of(b, LAYOUT)
    interfaces = longs_of(b, INTERFACES)
    wanted = longs_of(b, WANTED)
    record = longs_of(b, RECORD)
    found = longs_of(b, FOUND)
    at = start
    number = state[BEFORE]
    count = 0
    while count < state[WANTED_COUNT]:
        if state[NG]:
            answer = pcapng.read_record(octets, at, stop, layout, interfaces, record)
        else:
            answer = pcap.read_record(octets, at, stop, layout, record)
        if answer != READY:
            return count
        number += 1
        at = record[NEXT]
        if number == wanted[count]:
            for field in range(RECORD_FIELDS):
                found[count * RECORD_FIELDS + field] = record[field]
            count += 1
    return count
