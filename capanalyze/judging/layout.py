"""What the judging stages work on: which buffer is which, what stands where, and the flags that they set."""

# Buffers.
(
    ROWS,  # wide rows of exchanges
    NARROWS,  # and their narrow rows
    STATE,
    OWN,  # the target's addresses, two words each
    CAPTURES,
    SEGMENTS,
    PLACES,
    NETWORKS,
    MODULES,
    NEVER,  # for each UDP port 1 where silence proves nothing
    MODES,
    PROMISES,  # for modes that name ports: for each UDP port and then each TCP port 1 where it may answer
    VERDICTS,
    COVERED,
    ANSWERS,
) = range(15)
BUFFERS = 15

# Numbers that the stages are told, or keep.
OWN_COUNT, NETWORK_COUNT, COVERED_COUNT, ANSWER_COUNT = range(4)
STATE_FIELDS = 4

# A capture.
CAPTURE_MODE, FIRST_SEGMENT, SEGMENT_COUNT, LAST_CLOCK, ONE_SIDED, CAPTURE_CUT = range(6)
CAPTURE_FIELDS = 6
BY_TIME = -2  # in place of a capture's mode: its segments tell

# A stretch of a capture under one mode; NO_TIME either way where it is open.
SEGMENT_MODE, SINCE_SECONDS, SINCE_NANOS, UNTIL_SECONDS, UNTIL_NANOS = range(5)
SEGMENT_FIELDS = 5

# A place: the zone that its label is given, -1 for none, and the zone where nothing else tells.
GIVEN_ZONE, OWN_ZONE = range(2)
PLACE_FIELDS = 2

# A network; no address of the other version is in it.
NETWORK_HIGH, NETWORK_LOW, MASK_HIGH, MASK_LOW, IS_IPV4, NETWORK_ZONE = range(6)
NETWORK_FIELDS = 6

# A module.
WINDOW, SILENCE_PROVES = range(2)
MODULE_FIELDS = 2

# A mode; the first row is that of no mode.
STEALTH, OPEN, PORT_TABLE, MODULE_BITS, IS_CUT = range(5)
MODE_FIELDS = 5

# A stretch of clocks that a mode's captures cover.
COVERED_MODE, COVERED_FROM, COVERED_TO = range(3)
COVERED_FIELDS = 3

# When a service last answered a request. The key is 0 where there is none.
ANSWER_KEY, ANSWER_HIGH, ANSWER_LOW, ANSWER_CLOCK = range(4)
ANSWER_FIELDS = 4
ANSWER_ROOM = 65536  # a power of two
ANSWER_MASK = ANSWER_ROOM - 1
MAX_ANSWERS = 49152  # further services are not noted: their last silences stay uncertain

NO_CLOCK = -(1 << 63) + 1  # before any clock
