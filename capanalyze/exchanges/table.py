"""The buffers that pairing works on: which is which, and what stands where in the small ones."""

from capanalyze.packets.message import PROCESS, WORDS

# Buffers, as a stage of the pairing gets them.
(
    ROWS,  # messages, WORDS numbers each
    POOL,  # their match keys
    WIDES,  # the ring of exchanges, wide rows
    NARROWS,  # and narrow rows
    NODES,  # the ring of match keys
    KEY_HEADS,  # hash of a key → its latest node, plus 1
    CLIENT_HEADS,  # hash of a client → its latest exchange, plus 1
    LINKS,  # lists of frames
    RECENT,  # the ring of packets of the last millisecond
    RECENT_HEADS,
    FRAGMENTS,  # the ring of first fragments
    FRAGMENT_HEADS,
    EARLY,  # the ring of replies without a request, of the last millisecond
    FOUND,  # scratch: the exchanges that a message answers
    CANDIDATES,  # scratch: those that it may answer
    STATE,
    MODULES,  # facts about the protocols
    PORTS,  # facts about UDP ports
    SOURCES,  # capture → source: pieces of a rotated capture are one
    MALFORMED_COUNTS,
    OUT_WIDE,  # where settled exchanges go
    OUT_NARROW,
    OUT_LINKS,
    OLD_NODES,  # the ring that nodes are moved from
    SOON,  # hashes that the next messages will look for
    SERVICES,  # module and kind of message → the service that it is of
) = range(26)
BUFFERS = 26

# A message that has been dated: where it lies is known, so that three fields serve anew.
WHEN = PROCESS  # clock, nanoseconds
MESSAGE_WORDS = WORDS

# Numbers that pairing keeps between calls.
(
    HEAD,  # the oldest exchange that is open; exchanges count from 0
    TAIL,  # the next to begin
    DONE,  # the oldest that was not taken out yet
    RING_MASK,
    NODE_HEAD,  # the oldest node of an open exchange
    NODE_TAIL,
    NODE_MASK,
    KEY_MASK,
    CLIENT_MASK,
    FREE_LINK,  # first of the links given back, 0 for none
    NEXT_LINK,  # first that was never used
    LINK_ROOM,
    LINKS_LOST,  # frames that no list had room for
    RECENT_HEAD,
    RECENT_TAIL,
    FRAGMENT_TAIL,
    EARLY_HEAD,
    EARLY_TAIL,
    SERVED_UNTIL,  # until when some flow without a module touches a port that a module serves
    MANY_SOURCES,  # 1: several captures are paired together
    SAME_FIRST,  # the same packet in two captures: its frames, 0 for none
    SAME_SECOND,
    GROUPS_UNTIL,  # until when some request to a group is open
    NAMELESS_UNTIL,  # until when some request from 0.0.0.0 is open
    OUT_COUNT,
    OUT_LINK,  # links used in what is taken out
    OUT_LINK_ROOM,
    NOW,  # clock of the last message
    EVICTED,  # exchanges let go before their time, for want of room
    FORGOTTEN_COUNT,  # those of them whose window was not over
    OLD_NODE_MASK,  # of the ring that nodes are moved from
) = range(31)
STATE_FIELDS = 31

# Facts about a protocol, a row of numbers each.
WINDOW, PATIENCE, RESENDS, TRANSPORT, BY_QUESTION, FROM_ANY_PORT, TELLS_UNASKED, BY_ENDS = range(8)
MODULE_FIELDS = 8

# Facts about a UDP port, bits; behind those of all ports, the modules that serve them.
IS_SERVED, IS_REGISTERED, IS_NEVER_ANSWERED = 1, 2, 4
SERVED_BY = 65536

# How many messages before its turn a message's index entry, node and exchange are fetched.
FETCH_HEAD, FETCH_NODE, FETCH_PAIR = 16, 10, 5
SOON_ROOM = 32  # messages, with the hashes of two keys and of a client each; -1 for none
CLIENT_SOON, SOON_HASHES = 2, 3

# A node of a match key.
NODE_HASH, NODE_PAIR, NODE_OLDER = range(3)
NODE = 3

# A packet of the last millisecond.
(
    PACKET_CLOCK,
    PACKET_FRAME,
    PACKET_JOINED,
    PACKET_DIGEST,
    PACKET_HASH,
    PACKET_OLDER,
    PACKET_TTL,
    PACKET_CUT,
) = range(8)
PACKET = 8
RECENT_ROOM = 8192
RECENT_MASK = 16383

# A first fragment.
FIRST_HASH, FIRST_CLOCK, FIRST_CAPTURE, FIRST_JOINED, FIRST_OLDER = range(5)
FIRST = 5
FRAGMENT_ROOM = 4096
FRAGMENT_MASK = 8191

# A reply without a request: its exchange, the message, the match keys.
EARLY_PAIR, EARLY_KEYS, EARLY_ROW = 0, 1, 2
EARLY_POOL = EARLY_ROW + WORDS
EARLY_FIELDS = EARLY_POOL + 32
EARLY_ROOM = 256

MAX_FOUND = 256
MAX_LINKS = 1 << 20
SPARE_LINKS = 512  # a message takes that many at most, but for what no list has room for
KINDS = 16  # kinds of message that are told apart where they are counted
