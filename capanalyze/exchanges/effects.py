"""What a message does to an exchange: begins it, repeats its request, answers or refuses it."""

from typing import Any

from capanalyze.buffers import ints_of, longs_of, octets_of
from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges.answers import MAX_PLACES, UNSPECIFIED_LOW, is_late, on_interface, sibling_of
from capanalyze.exchanges.ring import (
    REPLY_LIST,
    REQUEST_LIST,
    add_frame,
    add_node,
    append,
    copied,
    kind_of,
    narrow_at,
    service_of,
    waits,
    wide_at,
)
from capanalyze.exchanges.ring import enter as index
from capanalyze.exchanges.row import (
    ADDRESS_CHANGED,
    ANSWERED,
    ASKED,
    CAPTURE,
    CLIENT,
    CLIENT_LOW,
    CLIENT_PORT,
    CLOCK,
    DEADLINE,
    DIGEST,
    DIRECTION,
    ECHOED,
    FINDABLE,
    FLAGS,
    GROUP,
    IDENT,
    INDETERMINATE,
    INTERFACES,
    KEY_AT,
    KEY_COUNT,
    KIND,
    LAST_IDENT,
    LATE,
    LINK,
    LINK_FRAME,
    LINK_NEXT,
    MAC,
    MAY_ANNOUNCE,
    MODE,
    NANOS,
    OLDER,
    OUTCOME,
    PLACE,
    PORT,
    PORT_CHANGED,
    REASON,
    REJECTED,
    REPLIED,
    REPLIES,
    REPLIES_LAST,
    REPLY,
    REPLY_AT,
    REPLY_CAPTURED,
    REPLY_FRAME,
    REPLY_OCTETS,
    REQUEST,
    REQUEST_OCTETS,
    REQUESTS,
    REQUESTS_LAST,
    RETRANSMISSIONS,
    RTT,
    SAID_DATAGRAM,
    SECONDS,
    SERVER,
    SERVER_LOW,
    SERVER_PORT,
    SERVICE,
    SIBLINGS,
    SILENT,
    TAKEN,
    TTL,
    UNANSWERABLE_REQUEST,
    UNSOLICITED,
    VARIANT,
    VERDICT,
    WANTED,
    WANTED_LOW,
    WANTED_PORT,
    WEAK_PAIRING,
    ZONE,
)
from capanalyze.exchanges.row import MODULE as OF_MODULE
from capanalyze.exchanges.table import (
    GROUPS_UNTIL,
    IS_SERVED,
    LINKS,
    MODULE_FIELDS,
    MODULES,
    NAMELESS_UNTIL,
    NARROWS,
    NODE_TAIL,
    PATIENCE,
    POOL,
    PORTS,
    RESENDS,
    ROWS,
    SERVED_BY,
    SERVED_UNTIL,
    SOURCES,
    STATE,
    TAIL,
    WHEN,
    WIDES,
    WINDOW,
)
from capanalyze.packets.message import (
    ANNOUNCES,
    CAPTURED,
    COMPARED,
    DPORT,
    DST,
    FRAME,
    IDENTIFICATION,
    INTERFACE,
    INTERIM,
    MODULE,
    PAYLOAD,
    ROLE,
    SIZE,
    SPORT,
    SRC,
    SRC_LOW,
    SRC_MAC,
    UNANSWERABLE,
    WEAK,
)
from capanalyze.packets.message import DIGEST as MESSAGE_DIGEST
from capanalyze.packets.message import GROUP as TO_GROUP
from capanalyze.packets.message import KEY_COUNT as MESSAGE_KEYS
from capanalyze.packets.message import KEYS as MESSAGE_FIRST_KEY
from capanalyze.packets.message import NANOS as MESSAGE_NANOS
from capanalyze.packets.message import PORT as MESSAGE_PORT
from capanalyze.packets.message import SECONDS as MESSAGE_SECONDS
from capanalyze.packets.message import TTL as MESSAGE_TTL
from capanalyze.protocols import GENERIC_UDP, TCP
from capanalyze.protocols._protocol import SECOND

ESTABLISHED = 60 * SECOND  # how long a connection without a word from the client may still be taken back
MAX_SECONDS = 9_000_000_000  # what nanoseconds can be counted for in 63 bits


def source_of(b: Any, frame: int) -> int:
    """The source that a frame is of: pieces of a rotated capture are one."""
    return longs_of(b, SOURCES)[frame // CAPTURE]


def begin(b: Any, m: int, turned: int) -> int:
    """A new exchange that a message begins; turned, the message came back from the one that was asked."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    modules = longs_of(b, MODULES)
    state = longs_of(b, STATE)
    pair = state[TAIL]
    state[TAIL] = pair + 1
    w = wide_at(b, pair)
    n = narrow_at(b, pair)
    module = rows[m + MODULE]
    role = rows[m + ROLE]
    clock = rows[m + WHEN]
    wides[w + CLOCK] = clock
    wides[w + ASKED] = clock
    wides[w + DEADLINE] = clock + modules[module * MODULE_FIELDS + PATIENCE]
    wides[w + SECONDS] = rows[m + MESSAGE_SECONDS]
    client = SRC
    server = DST
    if turned:
        client = DST
        server = SRC
    wides[w + CLIENT] = rows[m + client]
    wides[w + CLIENT_LOW] = rows[m + client + 1]
    wides[w + SERVER] = rows[m + server]
    wides[w + SERVER_LOW] = rows[m + server + 1]
    wides[w + WANTED] = rows[m + server]
    wides[w + WANTED_LOW] = rows[m + server + 1]
    narrows[n + CLIENT_PORT] = rows[m + (DPORT if turned else SPORT)]
    narrows[n + SERVER_PORT] = rows[m + (SPORT if turned else DPORT)]
    narrows[n + WANTED_PORT] = narrows[n + SERVER_PORT]
    wides[w + DIGEST] = rows[m + MESSAGE_DIGEST]
    wides[w + MAC] = rows[m + SRC_MAC]
    wides[w + RTT] = -1
    wides[w + KEY_AT] = state[NODE_TAIL]
    kind = kind_of(b, m)
    narrows[n + NANOS] = rows[m + MESSAGE_NANOS]
    narrows[n + PLACE] = rows[m + INTERFACE]
    narrows[n + OF_MODULE] = module
    narrows[n + SERVICE] = service_of(b, m)
    narrows[n + PORT] = rows[m + MESSAGE_PORT]
    narrows[n + OUTCOME] = SILENT
    narrows[n + REASON] = kind
    narrows[n + KIND] = kind
    narrows[n + INTERFACES] = 0
    ident = rows[m + IDENTIFICATION]
    if ident > 0:
        ident &= 0x7FFFFFFF
    narrows[n + IDENT] = ident
    narrows[n + LAST_IDENT] = ident
    narrows[n + REQUESTS] = 0
    narrows[n + REQUESTS_LAST] = 0
    narrows[n + REPLIES] = 0
    narrows[n + REPLIES_LAST] = 0
    narrows[n + RETRANSMISSIONS] = 0
    narrows[n + KEY_COUNT] = 0
    narrows[n + OLDER] = 0
    narrows[n + SIBLINGS] = 0
    narrows[n + DIRECTION] = 0
    narrows[n + MODE] = -1
    narrows[n + ZONE] = -1
    narrows[n + VERDICT] = 0
    narrows[n + TTL] = rows[m + MESSAGE_TTL]
    narrows[n + VARIANT] = 0
    if role & COMPARED:
        narrows[n + VARIANT] = longs_of(b, POOL)[rows[m + MESSAGE_FIRST_KEY] + rows[m + MESSAGE_KEYS]] & 0x7FFFFFFF
    flags = 0
    if role & WEAK or rows[m + MESSAGE_KEYS] == 0:
        flags |= WEAK_PAIRING
    if role & UNANSWERABLE:
        flags |= UNANSWERABLE_REQUEST
    if role & ANNOUNCES:
        flags |= MAY_ANNOUNCE
    if rows[m + TO_GROUP]:
        flags |= GROUP
    narrows[n + FLAGS] = flags
    size = rows[m + SIZE]
    if turned:
        wides[w + REQUEST] = 0
        wides[w + REPLY] = rows[m + FRAME]
        wides[w + REPLY_OCTETS] = size
        wides[w + REPLY_AT] = rows[m + PAYLOAD]
        wides[w + REPLY_FRAME] = rows[m + FRAME]
        narrows[n + REQUEST_OCTETS] = 0
        narrows[n + REPLY_CAPTURED] = rows[m + CAPTURED]
    else:
        wides[w + REQUEST] = rows[m + FRAME]
        wides[w + REPLY] = 0
        wides[w + REPLY_OCTETS] = 0
        wides[w + REPLY_AT] = -1
        wides[w + REPLY_FRAME] = 0
        narrows[n + REQUEST_OCTETS] = size
        narrows[n + REPLY_CAPTURED] = 0
        if flags & GROUP:  # it may turn out to be an announcement
            wides[w + REPLY_AT] = rows[m + PAYLOAD]
            wides[w + REPLY_FRAME] = rows[m + FRAME]
            narrows[n + REPLY_CAPTURED] = rows[m + CAPTURED]
    return pair


def enter(b: Any, pair: int, m: int, client: int, server: int) -> None:
    """Let a new exchange be found."""
    index(b, pair, m, client, server)
    touch(b, pair)


def extend(b: Any, pair: int, deadline: int) -> None:
    """Move an exchange's deadline, if that is later."""
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    if deadline > wides[w + DEADLINE]:
        wides[w + DEADLINE] = deadline
        touch(b, pair)


def touch(b: Any, pair: int) -> None:
    """Keep in mind until when rare kinds of exchanges are open, so that nobody looks for them in vain."""
    state = longs_of(b, STATE)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    deadline = wides[w + DEADLINE]
    if wides[w + CLIENT] == 0 and wides[w + CLIENT_LOW] == UNSPECIFIED_LOW:
        state[NAMELESS_UNTIL] = max(state[NAMELESS_UNTIL], deadline)
    if narrows[n + FLAGS] & GROUP and deadline > state[GROUPS_UNTIL]:
        state[GROUPS_UNTIL] = deadline
    if narrows[n + OF_MODULE] == GENERIC_UDP and deadline > state[SERVED_UNTIL]:
        ports = octets_of(b, PORTS)
        if (ports[narrows[n + CLIENT_PORT]] | ports[narrows[n + SERVER_PORT]]) & IS_SERVED:
            state[SERVED_UNTIL] = deadline


def stray(b: Any, m: int, outcome: int, reason: int) -> int:
    """A message that belongs to no request: an announcement, or a reply to what was not captured."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    pair = begin(b, m, 1)
    n = narrow_at(b, pair)
    if narrows[n + OF_MODULE] == GENERIC_UDP:
        narrows[n + SERVICE] = octets_of(b, PORTS)[SERVED_BY + rows[m + SPORT]] * 1
    narrows[n + PORT] = rows[m + SPORT]
    narrows[n + OUTCOME] = outcome
    if reason:
        narrows[n + REASON] = reason
    return pair


def announce(b: Any, pair: int) -> None:
    """A request to a group that drew no answer and was not meant to: from the sender to the group."""
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    w = wide_at(b, pair)
    n = narrow_at(b, pair)
    wides[w + REPLY] = wides[w + REQUEST]
    wides[w + REQUEST] = 0
    narrows[n + REPLIES] = narrows[n + REQUESTS]
    narrows[n + REPLIES_LAST] = narrows[n + REQUESTS_LAST]
    narrows[n + REQUESTS] = 0
    narrows[n + REQUESTS_LAST] = 0
    wides[w + REPLY_OCTETS] = narrows[n + REQUEST_OCTETS]
    narrows[n + REQUEST_OCTETS] = 0
    for field in range(2):
        word = wides[w + CLIENT + field]
        wides[w + CLIENT + field] = wides[w + SERVER + field]
        wides[w + SERVER + field] = word
    port = narrows[n + CLIENT_PORT] * 1
    narrows[n + CLIENT_PORT] = narrows[n + SERVER_PORT]
    narrows[n + SERVER_PORT] = port
    narrows[n + OUTCOME] = UNSOLICITED


def resend(b: Any, pair: int, m: int) -> int:
    """Add a retransmission of the request; the list that its frame joined."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    joined = 2 * pair + REQUEST_LIST
    add_frame(b, joined, rows[m + FRAME])
    narrows[n + RETRANSMISSIONS] += 1
    ident = rows[m + IDENTIFICATION]
    if ident > 0:
        ident &= 0x7FFFFFFF
    narrows[n + LAST_IDENT] = ident
    wides[wide_at(b, pair) + ASKED] = rows[m + WHEN]
    patience = longs_of(b, MODULES)[narrows[n + OF_MODULE] * MODULE_FIELDS + PATIENCE]
    extend(b, pair, rows[m + WHEN] + patience)
    return joined


def is_retransmission(b: Any, pair: int, m: int) -> int:
    """Whether a message is the request of an exchange once more."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    w = wide_at(b, pair)
    n = narrow_at(b, pair)
    clock = rows[m + WHEN]
    if narrows[n + FLAGS] & ANSWERED or wides[w + DIGEST] != rows[m + MESSAGE_DIGEST] or waits(b, pair, clock) == 0:
        return 0
    facts = narrows[n + OF_MODULE] * MODULE_FIELDS
    modules = longs_of(b, MODULES)
    if clock > wides[w + CLOCK] + max(modules[facts + WINDOW], modules[facts + RESENDS]):
        return 0
    if source_of(b, max(wides[w + REQUEST], wides[w + REPLY])) != source_of(b, rows[m + FRAME]):
        return 0
    if narrows[n + FLAGS] & GROUP and on_interface(b, pair, rows[m + INTERFACE]) == 0:
        return 0
    return 1


def seen_on(b: Any, pair: int, place: int) -> None:
    """The request was seen on this interface too."""
    if place < MAX_PLACES:
        ints_of(b, NARROWS)[narrow_at(b, pair) + INTERFACES] |= 1 << place


def answer(b: Any, pair: int, m: int) -> int:
    """Add a reply; another host's reply to a group makes an exchange of its own. The list that the frame joined."""
    narrows = ints_of(b, NARROWS)
    if narrows[narrow_at(b, pair) + FLAGS] & GROUP:
        pair = sibling(b, pair, m)
    return add_reply(b, pair, m)


def add_reply(b: Any, pair: int, m: int) -> int:
    """The first reply decides outcome, reason and round-trip time."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    w = wide_at(b, pair)
    n = narrow_at(b, pair)
    if narrows[n + OUTCOME] != REPLIED:
        narrows[n + OUTCOME] = REPLIED
        first_reply(b, pair, m)
    if rows[m + MESSAGE_KEYS] == 0 or rows[m + ROLE] & WEAK:
        narrows[n + FLAGS] |= WEAK_PAIRING
    wides[w + REPLY_OCTETS] += rows[m + SIZE]
    narrows[n + FLAGS] |= ANSWERED
    module = narrows[n + OF_MODULE] * 1
    if rows[m + ROLE] & INTERIM:
        extend(b, pair, rows[m + WHEN] + longs_of(b, MODULES)[module * MODULE_FIELDS + WINDOW])
    if module == TCP:
        wides[w + DEADLINE] = rows[m + WHEN] + ESTABLISHED
    joined = 2 * pair + REPLY_LIST
    add_frame(b, joined, rows[m + FRAME])
    return joined


def first_reply(b: Any, pair: int, m: int) -> None:
    """What the first reply tells of an exchange."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    w = wide_at(b, pair)
    n = narrow_at(b, pair)
    wides[w + RTT] = round_trip(b, pair, m)
    reason = SAID_DATAGRAM
    if rows[m + MODULE] == narrows[n + OF_MODULE]:
        reason = kind_of(b, m)
    if is_late(b, pair, rows[m + WHEN]):
        reason |= LATE
    if wides[w + REPLY] // CAPTURE != rows[m + FRAME] // CAPTURE and wides[w + REPLY]:
        # An exchange shows what came back in one capture: that of the reply, not of an ICMP error before it.
        append(b, n + REPLIES, n + REPLIES_LAST, wides[w + REPLY])
        wides[w + REPLY] = 0
    wides[w + REPLY_AT] = rows[m + PAYLOAD] if rows[m + SIZE] else -1
    wides[w + REPLY_FRAME] = rows[m + FRAME]
    narrows[n + REPLY_CAPTURED] = rows[m + CAPTURED]
    if rows[m + MESSAGE_DIGEST] == wides[w + DIGEST] and rows[m + SIZE] == narrows[n + REQUEST_OCTETS]:
        narrows[n + FLAGS] |= ECHOED
    same_host = 0
    if rows[m + SRC] == wides[w + WANTED] and rows[m + SRC_LOW] == wides[w + WANTED_LOW]:
        same_host = 1
    if narrows[n + FLAGS] & GROUP == 0 and (same_host == 0 or rows[m + SPORT] != narrows[n + WANTED_PORT]):
        reason |= PORT_CHANGED if same_host else ADDRESS_CHANGED
        serve(b, pair, m)
    narrows[n + REASON] = reason


def serve(b: Any, pair: int, m: int) -> None:
    """The server is who sent this message."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    wides[w + SERVER] = rows[m + SRC]
    wides[w + SERVER_LOW] = rows[m + SRC_LOW]
    ints_of(b, NARROWS)[narrow_at(b, pair) + SERVER_PORT] = rows[m + SPORT]


def round_trip(b: Any, pair: int, m: int) -> int:
    """Nanoseconds from an exchange's first request to a message; -1 where there is no time, or it stepped back."""
    rows = longs_of(b, ROWS)
    seconds = longs_of(b, WIDES)[wide_at(b, pair) + SECONDS]
    if seconds >= NO_TIME or rows[m + MESSAGE_SECONDS] >= NO_TIME:
        return -1
    passed = rows[m + MESSAGE_SECONDS] - seconds
    if passed < 0 or passed > MAX_SECONDS:
        return -1
    return max(-1, passed * SECOND + rows[m + MESSAGE_NANOS] - ints_of(b, NARROWS)[narrow_at(b, pair) + NANOS])


def refuse(b: Any, pair: int, m: int, reason: int) -> int:
    """Add a frame that rejects: a RST, or an ICMP error."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    if narrows[n + OUTCOME] != REJECTED:
        longs_of(b, WIDES)[wide_at(b, pair) + RTT] = round_trip(b, pair, m)
    narrows[n + OUTCOME] = REJECTED
    narrows[n + REASON] = reason
    joined = 2 * pair + REPLY_LIST
    add_frame(b, joined, rows[m + FRAME])
    return joined


def sibling(b: Any, pair: int, m: int) -> int:
    """The exchange of a group's request with the host that answers now: the request's own for the first one."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    known = sibling_of(b, pair, rows[m + SRC], rows[m + SRC_LOW])
    if known >= 0:
        return known
    if narrows[n + FLAGS] & TAKEN == 0:
        narrows[n + FLAGS] |= TAKEN
        serve(b, pair, m)
        return pair
    return another(b, pair, m)


def another(b: Any, pair: int, m: int) -> int:
    """A further exchange with a request that some host has answered already."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    other = copied(b, pair)
    last = pair
    while narrows[narrow_at(b, last) + SIBLINGS]:
        last += narrows[narrow_at(b, last) + SIBLINGS] * 1
    narrows[narrow_at(b, last) + SIBLINGS] = other - last
    w = wide_at(b, other)
    n = narrow_at(b, other)
    wides[w + KEY_AT] = longs_of(b, STATE)[NODE_TAIL]
    wides[w + REPLY] = 0
    wides[w + RTT] = -1
    wides[w + REPLY_OCTETS] = 0
    wides[w + REPLY_AT] = -1
    wides[w + REPLY_FRAME] = 0
    wides[w + WANTED] = rows[m + SRC]
    wides[w + WANTED_LOW] = rows[m + SRC_LOW]
    narrows[n + WANTED_PORT] = rows[m + SPORT]
    narrows[n + KEY_COUNT] = 0
    narrows[n + OLDER] = 0
    narrows[n + SIBLINGS] = 0
    narrows[n + OUTCOME] = SILENT
    narrows[n + REASON] = narrows[n + KIND]
    narrows[n + REPLIES] = 0
    narrows[n + REPLIES_LAST] = 0
    narrows[n + IDENT] = -1
    narrows[n + LAST_IDENT] = -1
    narrows[n + FLAGS] &= ~(UNANSWERABLE_REQUEST | MAY_ANNOUNCE | ANSWERED | TAKEN | FINDABLE)
    serve(b, other, m)
    copy_requests(b, other)
    return other


def copy_requests(b: Any, pair: int) -> None:
    """Give an exchange that shares its list of requests one of its own."""
    links = longs_of(b, LINKS)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    link = narrows[n + REQUESTS] * 1
    narrows[n + REQUESTS] = 0
    narrows[n + REQUESTS_LAST] = 0
    while link:
        append(b, n + REQUESTS, n + REQUESTS_LAST, links[link * LINK + LINK_FRAME])
        link = links[link * LINK + LINK_NEXT]


def also_from(b: Any, pair: int, m: int, ends: int) -> None:
    """Let an exchange be found by further endpoints: the port that its server changed to."""
    state = longs_of(b, STATE)
    add_node(b, ends, pair)
    deadline = longs_of(b, WIDES)[wide_at(b, pair) + DEADLINE]
    state[SERVED_UNTIL] = max(state[SERVED_UNTIL], deadline)


def is_indeterminate(b: Any, pair: int) -> int:
    """Whether nobody knows how an exchange began."""
    return 1 if ints_of(b, NARROWS)[narrow_at(b, pair) + OUTCOME] == INDETERMINATE else 0
