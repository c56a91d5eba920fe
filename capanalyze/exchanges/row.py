"""An exchange as numbers: a wide row of 64 bits a field and a narrow one of 32.

Pairing fills them in while the exchange is open, judging adds direction, mode, zone and verdict, and what sums
exchanges up or writes them out reads them. In Python a row is a stretch of an array, in the core a struct (`row.pxd`).
Row n of a batch begins at n * WIDE in the one and at n * NARROW in the other.
"""

from capanalyze.model import Direction, Outcome, Verdict

# Fields of the wide row.
(
    CLOCK,  # of the first request, nanoseconds, never running back; of the message itself where nobody asked
    ASKED,  # clock of the last request
    SECONDS,  # time stamp of the first frame; NO_TIME or more where it has none
    CLIENT,  # address, two words (IPv4 as ::ffff:a.b.c.d)
    CLIENT_LOW,
    SERVER,  # who answered; while nobody has, who was asked
    SERVER_LOW,
    WANTED,  # who was asked, a group perhaps
    WANTED_LOW,
    MAC,  # of the asker, -1 where the link has none
    REQUEST,  # the first request: capture * CAPTURE + frame; 0 for none
    REPLY,  # the first frame that came back, likewise
    RTT,  # nanoseconds from the first request to the first frame of the outcome, -1 for none
    REPLY_OCTETS,  # payload of all replies
    REPLY_AT,  # offset of the first reply's payload in its (unpacked) capture, -1 for none
    REPLY_FRAME,  # its frame, which is not the first that came back where an ICMP error came before
    REPLY_TO,  # where the first reply went, if not to the endpoint that asked; else zeros
    REPLY_TO_LOW,
    REQUEST_AT,  # offset of the first request's payload in its (unpacked) capture, -1 unless all of it is there
) = range(19)
WIDE = 19

# Fields of the narrow row.
(
    NANOS,  # of the time stamp
    PLACE,  # index of the interface, in the group's list of places
    MODULE,  # index in PROTOCOLS of the module that pairs it
    SERVICE,  # index in PROTOCOLS of the module whose name it bears
    PORT,  # the service's port; -1 where it has none
    CLIENT_PORT,  # -1 where the transport has none
    SERVER_PORT,
    REQUEST_OCTETS,  # payload of the first request
    REPLY_CAPTURED,  # captured octets of the first reply's payload
    OUTCOME,  # index in OUTCOMES
    REASON,  # see `batch.reason_of`
    KIND,  # of the request, as its module numbers it
    FLAGS,
    REQUESTS,  # the further requests: first and last index in the links, 0 for none
    REQUESTS_LAST,
    REPLIES,  # the further frames that came back
    REPLIES_LAST,
    RETRANSMISSIONS,
    DIRECTION,  # index in DIRECTIONS
    MODE,  # index of the mode, -1 for none
    ZONE,  # index of the zone
    VERDICT,  # index in VERDICTS_OF, 0 for none
    TTL,  # of the first request; hop limit in IPv6
    VARIANT,  # hash of what requests of its kind must agree in to be compared, 0 for nothing
    REPLY_TO_PORT,
    REPLY_COPIES,  # further sights of what came back, which are among the replies
) = range(26)
NARROW = 26

CAPTURE = 1 << 40  # a frame as one number: capture * CAPTURE + frame

# Links of a list of frames: two words each; index 0 stands for none.
LINK_FRAME, LINK_NEXT = range(2)
LINK = 2

# Flags, as far as they are read here; `row.pxd` has all.
WEAK_PAIRING = 1
GROUP = 2  # the request went to a multicast or broadcast address
UNANSWERABLE_REQUEST = 4
ECHOED = 256  # the reply repeats the request
FORGOTTEN = 2048  # let go before its window was over, for want of room
UNPROVEN = 4096  # silent, and that proves nothing

REPLIED, REJECTED, SILENT, INDETERMINATE, UNSOLICITED = range(5)
OUTCOMES: tuple[Outcome, ...] = ("replied", "rejected", "silent", "indeterminate", "unsolicited")
DIRECTIONS: tuple[Direction | None, ...] = (None, "inbound", "outbound", "local", "passing")
VERDICTS_OF: tuple[Verdict | None, ...] = (
    None,
    "leaked",
    "visible",
    "refused",
    "allowed",
    "blocked",
    "silent",
    "indeterminate",
    "unproven",
)

# Reasons: below FIRST_WORDS the kind of message as the exchange's module numbers it, and KINDS times why it draws no
# reply (see `core/row.pxd`); then words, then flags.
FIRST_WORDS = 64
(
    SAID_DATAGRAM,
    SAID_RESET,
    SAID_ACCEPTED_THEN_RESET,
    SAID_NOT_CAPTURED,
    SAID_MID_FLOW,
    SAID_CUT,
    SAID_OTHER_PORT,
    SAID_ENDED,
    SAID_FORGOTTEN,
    SAID_ACCEPTED_THEN_CLOSED,
    SAID_OTHER_ADDRESS,
    SAID_SOMETHING_ELSE,
) = range(FIRST_WORDS, FIRST_WORDS + 12)
SAID_ONE_WAY = 128  # plus the number of its row in `silence.ONE_WAY`, from 1
SAID_ICMPV4 = 256  # plus the code of a destination unreachable (type 3)
SAID_ICMPV6 = 512  # plus the code of a destination unreachable (type 1)
LATE = 1024
PORT_CHANGED = 2048
ADDRESS_CHANGED = 4096
REASON_FLAGS = 1024  # reasons are below, flags from here on
