"""What summing up works on: which buffer is which, what stands where in its records, and how many there may be."""

from capanalyze.protocols import PROTOCOLS
from capanalyze.protocols._protocol import COMMON_KINDS

# Buffers.
(
    WIDES,  # the rows of a batch
    NARROWS,
    LINKS,
    STATE,
    CELLS,
    CELL_HEADS,  # hash of a key → its cell, plus 1
    REASONS,  # (cell, class, module, reason) → count
    REASON_HEADS,
    DETAILS,
    KEPT,  # rows that are kept: wide, narrow, and links for each
    KEPT_NARROWS,
    KEPT_LINKS,
    SPREADS,  # what a cell with replies has besides: histogram, what to decode
    TURNS,  # runs of one outcome, by server and kind of request
    TURN_HEADS,
    TURN_KEPT,
    TURN_NARROWS,
    TURN_LINKS,
    CHANGES,  # cell, outcome before and after; two rows that are kept for each
    CHANGE_KEPT,
    CHANGE_NARROWS,
    CHANGE_LINKS,
    TOUCHED,  # details and turns whose last row is still in the batch
    ALWAYS,  # services that have a detail of their own, however many there are
    SENT,  # what the target sent last as each service
) = range(25)
BUFFERS = 25

# The state: of each kind of record how many there are and how many fit; then further numbers.
(
    CELL_COUNT,
    CELL_ROOM,
    REASON_COUNT,
    REASON_ROOM,
    DETAIL_COUNT,
    DETAIL_ROOM,
    SPREAD_COUNT,
    SPREAD_ROOM,
    TURN_COUNT,
    TURN_ROOM,
    CHANGE_COUNT,
    CHANGE_ROOM,
    PLAIN,  # details given to ports that did not answer
    ANSWERING,  # and to those that did
    TOUCHED_COUNT,
    ALWAYS_COUNT,
    UNPLACED,  # exchanges outside of every mode's time
    LOST,  # reasons, turns and changes that there was no room for
    LEFT_OUT,  # and exchanges, of too many services
    DIRECTIONS,  # exchanges by direction, five numbers
) = range(20)
STATE_FIELDS = 24
KINDS = 6

# Classes of exchanges, worst first.
REPLIED, REJECTED, SILENT, INDETERMINATE, UNPROVEN = range(5)
CLASSES = 5

# A cell.
(
    KEY,
    COUNTS,  # by class
    RESENT,
    ASKED_OCTETS,  # payload octets of the requests that drew replies
    TOLD_OCTETS,  # and of the replies
    TIMED,  # round-trip times: how many, least, greatest
    FASTEST,
    SLOWEST,
    PLACES,  # a bit for each of the first 62, the next for all others
    CAPTURES,  # likewise
    DETAIL,  # number plus 1, 0 for none
    MORE_CHANGES,
    UNCOMPARED,  # exchanges that were settled too late to tell what came before and after them
    PORT_SEEN,  # of the server in the first row
    FURTHER,  # ports that were joined into this cell
    UNCOUNTED,  # 1: and others that nobody counted
    USUAL,  # class, module and reason of its first exchange, plus 1
    USUAL_NUMBER,  # and of how many; all others are in REASONS
    TOLD_FRAMES,  # that the replies took
    REACHED,  # requests that drew replies, by where they came from, four numbers
    OVER_IPV6,  # by class, those over IPv6
) = (0, 1, *range(6, 24), 27)
CELL = 32
BITS = 62
# Its key: mode + 1, zone + 1, and the service: a UDP port, a TCP port, a module.
MODE_UNIT, ZONE_UNIT = 1 << 40, 1 << 20
TCP_CODE, MODULE_CODE = 65536, 131072
UNASKED = 1 << 18  # added to the service of what the target tells unasked
OVERFLOW = 1 << 19  # plus the transport: ports that are too many to be told apart
JOINED = -1  # instead of a key: its exchanges are counted in such a cell
MAX_CELLS = 1 << 18

# A reason.
REASON_KEY, REASON_NUMBER = range(2)
REASON = 2
# Its key: cell, class, module, reason.
REASON_UNIT, CLASS_UNIT, OF_CELL_UNIT = 1 << 13, 1 << 20, 1 << 23
MAX_REASONS = 1 << 19

# A detail; it has SLOTS rows that are kept, from its number times SLOTS on.
(
    OF_CELL,
    RANK,  # the worst class so far; its exemplars are those that are kept
    FILLED,  # how many of the first ones there are
    LAST_ROW,  # of the batch plus 1, until it ends; 0 for none
    LAST_CLOCK,
    SLOW_ROW,
    SLOW_TIME,  # -1 for none
    SLOW_CLOCK,
    DIRTY,
    SPREAD_AT,  # number plus 1
    FIRST_BIN,
    LEVEL,  # a bin is 2 to this nanoseconds wide
    BINNED,  # exchanges with a time
    BINS,  # by bin, then by class
) = range(14)
MOST_BINS = 240
OF_KINDS = BINS + MOST_BINS * CLASSES  # a line for each kind of request that the service's own module tells apart
(
    KIND_EXCHANGES,
    KIND_REPLIED,
    KIND_ASKED_OCTETS,
    KIND_TOLD_OCTETS,
    KIND_TOLD_FRAMES,
    KIND_CLOCK,  # of the first that drew a reply
    KIND_REQUEST,  # its frame
    KIND_REPLY,  # and the first that came back
) = range(8)
KIND_LINE = 8
MOST_KINDS = len(COMMON_KINDS) + max(len(protocol.kinds) for protocol in PROTOCOLS)
DETAIL_SIZE = OF_KINDS + MOST_KINDS * KIND_LINE
FIRSTS, SLOW, LAST = 6, 6, 7
SLOTS = 8
LEAST_LEVEL = 10
MAX_DETAILS = 4096
MAX_PLAIN = 128  # of them for ports that gave no reply
MAX_ANSWERING = 512  # and for those that did; services have the rest

# What is kept of a row's lists of frames beside their first: so many links for each.
LISTED = 12
SLOT_LINKS = 2 * LISTED

# A spread.
TOLD, DECODABLE, TO_DECODE = range(3)  # replies that can be decoded, how many of them will be, and which
FIRST_DECODED, MAX_DECODED = 64, 96  # the first ones all, then each whose number is a power of 2
TOLD_FRAME, PAYLOAD_AT, PAYLOAD_SIZE = range(3)
DECODE = 3
HISTOGRAM = TO_DECODE + MAX_DECODED * DECODE
STEPS_OF_OCTAVE = 32
OCTAVES = 40
SPREAD = HISTOGRAM + STEPS_OF_OCTAVE * OCTAVES
MAX_SPREADS = 3072

# A turn: a run of one outcome, and which came before. Its last and its first row are kept.
(
    TURN_DETAIL,
    TURN_HIGH,
    TURN_LOW,
    TURN_KIND,
    TURN_CLASS,  # plus 1, 0 for none
    TURN_BEFORE,  # the class of the run before, likewise
    TURN_SINCE,  # clock of the run's first exchange
    TURN_UNTIL,  # and of its last
    TURN_ROW,  # its last row in the batch plus 1, 0 for none
    TURN_LENGTH,  # exchanges of the run
    TURN_CHANGE,  # the change that it began with plus 1, 0 for none
) = range(11)
TURN = 11
TURN_SLOTS = 2
MAX_TURNS = 1 << 14
(
    CHANGE_CELL,
    CHANGE_TURN,
    BEFORE,
    AFTER,
    LENGTH_BEFORE,  # exchanges of the run before
    LENGTH_AFTER,  # and of the one that it begins
    SENT_BETWEEN,  # what the target sent in between: a frame of each kind, 0 for none
) = range(7)
CHANGE = 9
# What the target sends as a service, as in `circumstances.Between`; of each kind the last one's clock and frame.
SENT_OWN, SENT_KISS, SENT_ERROR = range(3)
SENT_KINDS = 3
SENT_CLOCK, SENT_FRAME = range(2)
SENT_FIELDS = 2
MAX_CHANGES = 4096
CHANGES_OF_CELL = 100
