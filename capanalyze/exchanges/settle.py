"""The rules: which open request a message belongs to. One handler for each role of a message.

`feed` takes messages in order of their clocks. Each handler returns the list of frames that the message
joined, as one number (`ring.add_frame`), 0 for none. Design section 4 has the rules.
"""

from typing import Any

from capanalyze.buffers import ints_of, longs_of, octets_of
from capanalyze.exchanges.answers import (
    MAX_WALK,
    by_endpoints,
    by_group,
    by_key,
    by_other_port,
)
from capanalyze.exchanges.effects import (
    add_reply,
    also_from,
    announce,
    answer,
    begin,
    enter,
    extend,
    is_indeterminate,
    is_retransmission,
    refuse,
    resend,
    seen_on,
    sibling,
    source_of,
    stray,
)
from capanalyze.exchanges.fetch import fetch, fetch_first
from capanalyze.exchanges.repeats import (
    MILLISECOND,
    identity,
    is_copy,
    join_first,
    note_same,
    remember,
    remember_first,
)
from capanalyze.exchanges.ring import (
    ALIKE,
    ANY_SERVER,
    ENDS,
    QUOTED,
    REPLY_LIST,
    REQUEST_LIST,
    destination_hash,
    first_node,
    first_of_client,
    is_client,
    is_wanted,
    key_hash,
    kind_of,
    may_be_of,
    move_on,
    narrow_at,
    next_node,
    next_of_client,
    pair_of,
    shares_key,
    source_hash,
    transport_of,
    waits,
    wide_at,
)
from capanalyze.exchanges.row import (
    ANSWERED,
    ASKED,
    CAPTURE,
    CLOCK,
    DEADLINE,
    DIGEST,
    FLAGS,
    FORGOTTEN,
    GROUP,
    IDENT,
    INDETERMINATE,
    KEY_AT,
    KEY_COUNT,
    LAST_IDENT,
    MAY_ANNOUNCE,
    OUTCOME,
    REJECTED,
    REPLIED,
    REPLY_AT,
    REPLY_CAPTURED,
    REPLY_FRAME,
    REPLY_OCTETS,
    REQUEST,
    RTT,
    SAID_ACCEPTED_THEN_CLOSED,
    SAID_ACCEPTED_THEN_RESET,
    SAID_ICMPV4,
    SAID_ICMPV6,
    SAID_MID_FLOW,
    SAID_NOT_CAPTURED,
    SAID_RESET,
    SILENT,
    SPOKEN,
    UNANSWERABLE_REQUEST,
    UNSOLICITED,
    VOID,
)
from capanalyze.exchanges.row import MODULE as OF_MODULE
from capanalyze.exchanges.table import (
    BY_ENDS,
    BY_QUESTION,
    DONE,
    EARLY,
    EARLY_FIELDS,
    EARLY_HEAD,
    EARLY_KEYS,
    EARLY_PAIR,
    EARLY_POOL,
    EARLY_ROOM,
    EARLY_ROW,
    EARLY_TAIL,
    EVICTED,
    FORGOTTEN_COUNT,
    FOUND,
    FREE_LINK,
    HEAD,
    IS_NEVER_ANSWERED,
    IS_REGISTERED,
    KINDS,
    LINK_ROOM,
    MALFORMED_COUNTS,
    MANY_SOURCES,
    MAX_LINKS,
    MESSAGE_WORDS,
    MODULE_FIELDS,
    MODULES,
    NARROWS,
    NEXT_LINK,
    NODE_HEAD,
    NODE_MASK,
    NODE_TAIL,
    NOW,
    POOL,
    PORTS,
    RING_MASK,
    ROWS,
    SERVED_UNTIL,
    SPARE_LINKS,
    STATE,
    TAIL,
    TELLS_UNASKED,
    TRANSPORT,
    WHEN,
    WIDES,
    WINDOW,
)
from capanalyze.packets.message import (
    ALSO_REPLY,
    ANNOUNCEMENT,
    CAPTURED,
    COMPARED,
    DETAIL,
    DPORT,
    DST,
    DST_LOW,
    FLOW,
    FRAGMENT,
    FRAME,
    IDENTIFICATION,
    INTERFACE,
    KEYS,
    MALFORMED,
    MODULE,
    PAYLOAD,
    PORT,
    REPLY,
    RESET,
    ROLE,
    ROLES,
    SENDER,
    SENDER_LOW,
    SIZE,
    SPOKE,
    SPORT,
    SRC,
    SRC_LOW,
)
from capanalyze.packets.message import DIGEST as MESSAGE_DIGEST
from capanalyze.packets.message import GROUP as TO_GROUP
from capanalyze.packets.message import KEY_COUNT as MESSAGE_KEYS
from capanalyze.packets.message import REQUEST as ASKS
from capanalyze.packets.octets import mix
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.protocols._protocol import EMPTY, GARBAGE, SECOND
from capanalyze.protocols.tcp import CLOSE
from capanalyze.protocols.udp import DATAGRAM, IDLE

FIRST_EPHEMERAL = 32768  # of Linux; IANA's range and that of the BSDs begin at 49152
FRAGMENTATION_NEEDED = 4  # code of ICMP type 3 that speaks of size, not of refusal
LONG = 64 * SECOND  # more than any patience
MOVES_AT_ONCE = 50  # exchanges moved on by one message
SOON_CLOSED = SECOND  # after the accept: servers wait longer for a client that says nothing
LINGER = SECOND  # how long a settled exchange stays, for copies and fragments of its last frame
SLOT = 2 * SECOND  # that two captures' stamps of one packet may differ
UDP_TRANSPORT = 0
MODULE_COUNT = len(PROTOCOLS)
# What one message can add at most.
PAIRS_AT_ONCE, NODES_AT_ONCE = 300, 900


def feed(b: Any, start: int, stop: int) -> int:
    """Take in messages from row `start` to before `stop`; the row where room ended, else `stop`."""
    fetch_first(b, start, stop)
    for number in range(start, stop):
        if has_room(b) == 0:
            return number
        fetch(b, number, stop)
        message(b, number * MESSAGE_WORDS)
    return stop


def has_room(b: Any) -> int:
    """Whether the rings have room for all that one message can add."""
    state = longs_of(b, STATE)
    if state[TAIL] - state[DONE] + PAIRS_AT_ONCE > state[RING_MASK]:
        return 0
    if state[FREE_LINK] == 0 and state[NEXT_LINK] + SPARE_LINKS > state[LINK_ROOM] and state[LINK_ROOM] < MAX_LINKS:
        return 0
    return 1 if state[NODE_TAIL] - state[NODE_HEAD] + NODES_AT_ONCE <= state[NODE_MASK] else 0


def message(b: Any, m: int) -> None:
    """Take in one message."""
    rows = longs_of(b, ROWS)
    role = rows[m + ROLE]
    settle(b, rows[m + WHEN])
    if role == FRAGMENT:
        join_first(b, m)
    elif role >= QUOTED:
        reject(b, m)
    elif role % ROLES == SPOKE:
        spoke(b, m)
    else:
        same = identity(b, m)
        if is_copy(b, m, same):
            seen_also(b, m)
        else:
            count_malformed(b, m)
            joined = five_tuple(b, m) if goes_on(b, m) else handle(b, m)
            remember(b, m, same, joined)
            remember_first(b, m, joined)


def handle(b: Any, m: int) -> int:
    """What a message's role asks for."""
    role = longs_of(b, ROWS)[m + ROLE] % ROLES
    if role == ASKS:
        return request(b, m)
    if role == REPLY:
        return reply(b, m)
    if role == FLOW:
        return flow(b, m)
    if role == ANNOUNCEMENT:
        return told(b, m)
    if role == MALFORMED:
        return malformed(b, m)
    if role == RESET:
        return reset(b, m)
    return 0


# Ends


def settle(b: Any, clock: int) -> None:
    """Let go of what no later message can change."""
    state = longs_of(b, STATE)
    wides = longs_of(b, WIDES)
    early = longs_of(b, EARLY)
    while state[EARLY_HEAD] < state[EARLY_TAIL]:
        at = state[EARLY_HEAD] % EARLY_ROOM * EARLY_FIELDS
        if clock - early[at + EARLY_ROW + WHEN] <= MILLISECOND:
            break
        state[EARLY_HEAD] += 1
    state[NOW] = clock
    head = state[HEAD]
    moved = 0
    while head < state[TAIL]:
        if wides[wide_at(b, head) + DEADLINE] + LINGER < clock:
            leave(b, head)
        elif moved < MOVES_AT_ONCE and goes_on_long(b, head, clock):
            move_on(b, head)
            moved += 1
        else:
            break
        head += 1
    if head != state[HEAD]:
        let_go(b, head)


def goes_on_long(b: Any, pair: int, clock: int) -> int:
    """Whether it is a five-tuple that is in use for longer than anything else stays open."""
    if ints_of(b, NARROWS)[narrow_at(b, pair) + OF_MODULE] != GENERIC_UDP:
        return 0
    return 1 if clock - longs_of(b, WIDES)[wide_at(b, pair) + CLOCK] > LONG else 0


def evict(b: Any, start: int, stop: int) -> int:
    """Let go of so many of the oldest exchanges before their time (`start` of no meaning)."""
    state = longs_of(b, STATE)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    facts = longs_of(b, MODULES)
    last = min(state[HEAD] + stop, state[TAIL])
    for pair in range(state[HEAD], last):
        n = narrow_at(b, pair)
        window = facts[narrows[n + OF_MODULE] * MODULE_FIELDS + WINDOW]
        if narrows[n + OUTCOME] == SILENT and wides[wide_at(b, pair) + ASKED] + window >= state[NOW]:
            narrows[n + FLAGS] |= FORGOTTEN
            state[FORGOTTEN_COUNT] += 1
        leave(b, pair)
    state[EVICTED] += last - state[HEAD]
    let_go(b, last)
    return stop


def leave(b: Any, pair: int) -> None:
    """The last that is done to an exchange."""
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    if narrows[n + FLAGS] & MAY_ANNOUNCE and narrows[n + FLAGS] & GROUP and narrows[n + OUTCOME] == SILENT:
        announce(b, pair)


def let_go(b: Any, head: int) -> None:
    """Exchanges before `head` are no longer found."""
    state = longs_of(b, STATE)
    state[HEAD] = head
    state[NODE_HEAD] = state[NODE_TAIL]
    if head < state[TAIL]:
        state[NODE_HEAD] = longs_of(b, WIDES)[wide_at(b, head) + KEY_AT]


def finish(b: Any, start: int, stop: int) -> int:
    """Settle all that is open (`start`, `stop` of no meaning)."""
    state = longs_of(b, STATE)
    state[EARLY_HEAD] = state[EARLY_TAIL]
    for pair in range(state[HEAD], state[TAIL]):
        leave(b, pair)
    let_go(b, state[TAIL])
    return 0


# Chains


def alike_hash(b: Any, m: int) -> int:
    """Hash by which earlier requests with this message's endpoints and payload are found."""
    rows = longs_of(b, ROWS)
    module = rows[m + MODULE]
    client = source_hash(b, m)
    server = destination_hash(b, m)
    count = rows[m + MESSAGE_KEYS]
    facts = longs_of(b, MODULES)
    if module == GENERIC_UDP:
        return key_hash(module, client, server, ENDS)
    if count == 0:
        if facts[module * MODULE_FIELDS + BY_ENDS]:
            return key_hash(module, client, server, ENDS)
        return key_hash(module, client, server, mix(ALIKE, rows[m + MESSAGE_DIGEST]))
    if facts[module * MODULE_FIELDS + BY_QUESTION] or rows[m + TO_GROUP]:
        server = ANY_SERVER
    return key_hash(module, client, server, longs_of(b, POOL)[rows[m + KEYS]])


def is_alike(b: Any, pair: int, m: int) -> int:
    """Whether a request has this message's endpoints and payload, and is open."""
    rows = longs_of(b, ROWS)
    if longs_of(b, WIDES)[wide_at(b, pair) + DIGEST] != rows[m + MESSAGE_DIGEST]:
        return 0
    if is_client(b, pair, rows[m + SRC], rows[m + SRC_LOW], rows[m + SPORT]) == 0:
        return 0
    if is_wanted(b, pair, rows[m + DST], rows[m + DST_LOW], rows[m + DPORT]) == 0:
        return 0
    return waits(b, pair, rows[m + WHEN])


def seen_also(b: Any, m: int) -> None:
    """What went to a group is answered on any interface that showed it."""
    wanted = alike_hash(b, m)
    node = first_node(b, wanted)
    for _ in range(MAX_WALK):
        if node < 0:
            break
        pair = pair_of(b, node)
        if is_alike(b, pair, m):
            seen_on(b, pair, longs_of(b, ROWS)[m + INTERFACE])
        node = next_node(b, node, wanted)


def goes_on(b: Any, m: int) -> int:
    """Whether it belongs to an exchange of UDP without a module, whatever a module at one end takes it for."""
    rows = longs_of(b, ROWS)
    module = rows[m + MODULE]
    if module == GENERIC_UDP or longs_of(b, STATE)[SERVED_UNTIL] < rows[m + WHEN]:
        return 0
    if transport_of(b, module) != UDP_TRANSPORT:
        return 0
    source = source_hash(b, m)
    destination = destination_hash(b, m)
    if open_between(b, m, destination, source) or open_between(b, m, source, destination):
        forget_module(b, m)
        return 1
    return 0


def open_between(b: Any, m: int, client: int, server: int) -> int:
    """Whether an exchange of UDP without a module that began with a request is open between these endpoints."""
    wanted = key_hash(GENERIC_UDP, client, server, ENDS)
    node = first_node(b, wanted)
    for _ in range(MAX_WALK):
        if node < 0:
            break
        pair = pair_of(b, node)
        if waits(b, pair, longs_of(b, ROWS)[m + WHEN]) and longs_of(b, WIDES)[wide_at(b, pair) + REQUEST]:
            return 1
        node = next_node(b, node, wanted)
    return 0


def forget_module(b: Any, m: int) -> None:
    """From now on it is a datagram to the port that it went to."""
    rows = longs_of(b, ROWS)
    rows[m + MODULE] = GENERIC_UDP
    rows[m + PORT] = rows[m + DPORT]
    rows[m + ROLE] = FLOW + DATAGRAM
    rows[m + MESSAGE_KEYS] = 0


# Requests


def request(b: Any, m: int) -> int:
    """A request; NTP mode 1 may answer mode 1 as well: its last key is then the other's."""
    rows = longs_of(b, ROWS)
    if rows[m + ROLE] & COMPARED:
        rows[m + MESSAGE_KEYS] -= 1
    if rows[m + ROLE] & ALSO_REPLY:
        rows[m + MESSAGE_KEYS] -= 1
        count = by_key(b, m, rows[m + KEYS] + rows[m + MESSAGE_KEYS], 1)
        rows[m + MESSAGE_KEYS] += 1
        for number in range(count):
            answer(b, longs_of(b, FOUND)[number], m)
        rows[m + MESSAGE_KEYS] -= 1
    return 2 * asked(b, m) + REQUEST_LIST


def asked(b: Any, m: int) -> int:
    """The exchange of a request: that of the first, if it is a retransmission, else a new one."""
    wanted = alike_hash(b, m)
    node = first_node(b, wanted)
    for _ in range(MAX_WALK):
        if node < 0:
            break
        pair = pair_of(b, node)
        if is_alike(b, pair, m):
            if is_retransmission(b, pair, m):
                resend(b, pair, m)
                return pair
            compare_sources(b, pair, m)
        node = next_node(b, node, wanted)
    pair = begin(b, m, 0)
    enter(b, pair, m, source_hash(b, m), destination_hash(b, m))
    answer_early(b, pair, m)
    return pair


def compare_sources(b: Any, pair: int, m: int) -> None:
    """The same request in two captures would count twice."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    if longs_of(b, STATE)[MANY_SOURCES] == 0 or rows[m + TO_GROUP] or rows[m + IDENTIFICATION] <= 0:
        return
    w = wide_at(b, pair)
    wides = longs_of(b, WIDES)
    near = rows[m + WHEN] // SLOT - wides[w + CLOCK] // SLOT <= 1
    same = narrows[narrow_at(b, pair) + IDENT] == rows[m + IDENTIFICATION] & 0x7FFFFFFF
    if near == 0 or same == 0 or wides[w + REQUEST] == 0:
        return
    if source_of(b, wides[w + REQUEST]) != source_of(b, rows[m + FRAME]):
        note_same(b, wides[w + REQUEST], rows[m + FRAME])


def told(b: Any, m: int) -> int:
    """Something that nobody asked for."""
    pair = stray(b, m, UNSOLICITED, 0)
    longs_of(b, WIDES)[wide_at(b, pair) + DEADLINE] = longs_of(b, ROWS)[m + WHEN]
    return 2 * pair + REPLY_LIST


# Replies


def reply(b: Any, m: int) -> int:
    """A reply: by its key, by endpoints where one side has none, from another port; else nobody asked."""
    rows = longs_of(b, ROWS)
    found = longs_of(b, FOUND)
    count = by_key(b, m, rows[m + KEYS], rows[m + MESSAGE_KEYS])
    joined = 0
    if count:
        for number in range(count):
            joined = answer(b, found[number], m)
        return joined
    pair = by_endpoints(b, m)
    if pair < 0:
        pair = by_other_port(b, m)
    if pair >= 0:
        return answer(b, pair, m)
    if kind_of(b, m) == GARBAGE:
        return malformed(b, m)
    return orphan(b, m)


def orphan(b: Any, m: int) -> int:
    """A reply without its request, which may stand up to a millisecond behind it in the file."""
    rows = longs_of(b, ROWS)
    pool = longs_of(b, POOL)
    state = longs_of(b, STATE)
    early = longs_of(b, EARLY)
    if rows[m + TO_GROUP] and longs_of(b, MODULES)[rows[m + MODULE] * MODULE_FIELDS + TELLS_UNASKED]:
        pair = stray(b, m, UNSOLICITED, 0)
    else:
        pair = stray(b, m, INDETERMINATE, SAID_NOT_CAPTURED)
    longs_of(b, WIDES)[wide_at(b, pair) + DEADLINE] = rows[m + WHEN] + MILLISECOND
    if state[EARLY_TAIL] - state[EARLY_HEAD] == EARLY_ROOM:
        state[EARLY_HEAD] += 1
    at = state[EARLY_TAIL] % EARLY_ROOM * EARLY_FIELDS
    state[EARLY_TAIL] += 1
    early[at + EARLY_PAIR] = pair
    early[at + EARLY_KEYS] = rows[m + MESSAGE_KEYS]
    for field in range(MESSAGE_WORDS):
        early[at + EARLY_ROW + field] = rows[m + field]
    for number in range(rows[m + MESSAGE_KEYS]):
        early[at + EARLY_POOL + number] = pool[rows[m + KEYS] + number]
    return 2 * pair + REPLY_LIST


def answer_early(b: Any, pair: int, m: int) -> None:
    """Replies that stood up to a millisecond before their request in the file (two queues)."""
    state = longs_of(b, STATE)
    for number in range(state[EARLY_HEAD], state[EARLY_TAIL]):
        if is_early_answer(b, number % EARLY_ROOM * EARLY_FIELDS, pair, m):
            take_early(b, number % EARLY_ROOM * EARLY_FIELDS, pair, m)


def is_early_answer(b: Any, at: int, pair: int, m: int) -> int:
    """Whether an early reply is one to this request."""
    rows = longs_of(b, ROWS)
    pool = longs_of(b, POOL)
    early = longs_of(b, EARLY)
    row = at + EARLY_ROW
    if early[at + EARLY_PAIR] < 0 or early[row + MODULE] != rows[m + MODULE]:
        return 0
    if early[row + DST] != rows[m + SRC] or early[row + DST_LOW] != rows[m + SRC_LOW]:
        return 0
    if early[row + DPORT] != rows[m + SPORT]:
        return 0
    if ints_of(b, NARROWS)[narrow_at(b, pair) + FLAGS] & GROUP == 0 and (
        early[row + SRC] != rows[m + DST]
        or early[row + SRC_LOW] != rows[m + DST_LOW]
        or early[row + SPORT] != rows[m + DPORT]
    ):
        return 0
    for number in range(early[at + EARLY_KEYS]):
        for place in range(rows[m + KEYS], rows[m + KEYS] + rows[m + MESSAGE_KEYS]):
            if early[at + EARLY_POOL + number] == pool[place]:
                return 1
    return 0


def take_early(b: Any, at: int, pair: int, m: int) -> None:
    """Add an early reply to its request: for that long its row stands in place of the request's."""
    rows = longs_of(b, ROWS)
    early = longs_of(b, EARLY)
    orphaned = early[at + EARLY_PAIR]
    if orphaned >= longs_of(b, STATE)[HEAD]:
        ints_of(b, NARROWS)[narrow_at(b, orphaned) + FLAGS] |= VOID
    early[at + EARLY_PAIR] = -1
    exchange_rows(b, at + EARLY_ROW, m)
    if ints_of(b, NARROWS)[narrow_at(b, pair) + FLAGS] & GROUP:
        add_reply(b, sibling(b, pair, m), m)
    else:
        add_reply(b, pair, m)
    exchange_rows(b, at + EARLY_ROW, m)
    if rows[m + FRAME]:
        longs_of(b, WIDES)[wide_at(b, pair) + RTT] = -1


def exchange_rows(b: Any, at: int, m: int) -> None:
    """Let an early reply and the message at hand change places."""
    rows = longs_of(b, ROWS)
    early = longs_of(b, EARLY)
    for field in range(MESSAGE_WORDS):
        word = rows[m + field]
        rows[m + field] = early[at + field]
        early[at + field] = word


# UDP where only endpoints tell


def flow(b: Any, m: int) -> int:
    """A datagram of which only endpoints tell whether it asks."""
    rows = longs_of(b, ROWS)
    if rows[m + MODULE] == GENERIC_UDP:
        return five_tuple(b, m)
    # The module finds keys, but only the port tells who asks; where both have it, who was asked before answers.
    if rows[m + DPORT] != rows[m + PORT] or (rows[m + SPORT] == rows[m + PORT] and is_awaited(b, m)):
        return reply(b, m)
    return request(b, m)


def is_awaited(b: Any, m: int) -> int:
    """Whether there is a request that a message may answer."""
    rows = longs_of(b, ROWS)
    if by_key(b, m, rows[m + KEYS], rows[m + MESSAGE_KEYS]):
        return 1
    return 1 if by_endpoints(b, m) >= 0 else 0


def five_tuple(b: Any, m: int) -> int:
    """Back to who asked, once more from who asked, or the first of a five-tuple."""
    rows = longs_of(b, ROWS)
    source = source_hash(b, m)
    destination = destination_hash(b, m)
    pair = open_flow(b, m, destination, source)
    if pair >= 0:
        return flow_back(b, pair, m)
    pair = open_flow(b, m, source, destination)
    if pair >= 0 and is_indeterminate(b, pair):
        # Behind a reply without its request comes a request: from here on the five-tuple is whole.
        longs_of(b, WIDES)[wide_at(b, pair) + DEADLINE] = rows[m + WHEN] - 1
        return new_flow(b, m, source, destination)
    if pair >= 0:
        return flow_on(b, pair, m)
    pair = by_group(b, m)
    if pair < 0:
        pair = by_other_port(b, m)
    if pair >= 0:
        joined = answer(b, pair, m)
        also_from(b, (joined - 1) // 2, m, key_hash(GENERIC_UDP, destination, source, ENDS))
        return joined
    return new_flow(b, m, source, destination)


def open_flow(b: Any, m: int, client: int, server: int) -> int:
    """The latest exchange of UDP without a module that is open between these endpoints; -1 for none."""
    wanted = key_hash(GENERIC_UDP, client, server, ENDS)
    node = first_node(b, wanted)
    for _ in range(MAX_WALK):
        if node < 0:
            break
        pair = pair_of(b, node)
        if waits(b, pair, longs_of(b, ROWS)[m + WHEN]):
            return pair
        node = next_node(b, node, wanted)
    return -1


def new_flow(b: Any, m: int, source: int, destination: int) -> int:
    """The first datagram of a five-tuple; from a registered port to an ephemeral one it looks like an answer."""
    rows = longs_of(b, ROWS)
    ports = octets_of(b, PORTS)
    to = rows[m + DPORT]
    if ports[rows[m + SPORT]] & IS_REGISTERED and to >= FIRST_EPHEMERAL and ports[to] & IS_REGISTERED == 0:
        pair = stray(b, m, INDETERMINATE, SAID_MID_FLOW)
        enter(b, pair, m, destination, source)
        return 2 * pair + REPLY_LIST
    wanted = key_hash(GENERIC_UDP, source, destination, ENDS)
    node = first_node(b, wanted)
    if node >= 0 and is_alike(b, pair_of(b, node), m):
        compare_sources(b, pair_of(b, node), m)
    pair = begin(b, m, 0)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    narrows[n + FLAGS] &= ~MAY_ANNOUNCE
    if rows[m + TO_GROUP] and ports[to] & IS_NEVER_ANSWERED:
        narrows[n + FLAGS] |= MAY_ANNOUNCE
    enter(b, pair, m, source, destination)
    return 2 * pair + REQUEST_LIST


def flow_back(b: Any, pair: int, m: int) -> int:
    """A datagram to who asked: the first one answers, of the others only the octets count."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    set_deadline(b, pair, rows[m + WHEN] + IDLE)
    if narrows[n + OUTCOME] in (SILENT, REJECTED):
        return answer(b, pair, m)
    longs_of(b, WIDES)[wide_at(b, pair) + REPLY_OCTETS] += rows[m + SIZE]
    return 0


def flow_on(b: Any, pair: int, m: int) -> int:
    """A further datagram of who asked."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    w = wide_at(b, pair)
    set_deadline(b, pair, rows[m + WHEN] + IDLE)
    window = longs_of(b, MODULES)[narrows[n + OF_MODULE] * MODULE_FIELDS + WINDOW]
    if is_retransmission(b, pair, m) and rows[m + WHEN] <= longs_of(b, WIDES)[w + CLOCK] + window:
        return resend(b, pair, m)
    return 0


def set_deadline(b: Any, pair: int, deadline: int) -> None:
    """A five-tuple goes on until it is idle."""
    longs_of(b, WIDES)[wide_at(b, pair) + DEADLINE] = deadline - 1
    extend(b, pair, deadline)


# What is not as it should be


def count_malformed(b: Any, m: int) -> None:
    """Count a message that its module could not read, by capture, module and kind."""
    rows = longs_of(b, ROWS)
    kind = kind_of(b, m)
    if kind == GARBAGE or (rows[m + ROLE] % ROLES == MALFORMED and kind != EMPTY):
        at = (rows[m + FRAME] // CAPTURE * MODULE_COUNT + rows[m + MODULE]) * KINDS + kind
        longs_of(b, MALFORMED_COUNTS)[at] += 1


def malformed(b: Any, m: int) -> int:
    """On a service's port, but not that service's: an answer where one is awaited, else a request."""
    rows = longs_of(b, ROWS)
    pair = by_endpoints(b, m)
    if pair >= 0:
        return answer(b, pair, m)
    if rows[m + DPORT] == rows[m + PORT]:
        pair = asked(b, m)
        ints_of(b, NARROWS)[narrow_at(b, pair) + FLAGS] |= UNANSWERABLE_REQUEST
        return 2 * pair + REQUEST_LIST
    forget_module(b, m)
    return five_tuple(b, m)


# TCP


def reset(b: Any, m: int) -> int:
    """A RST answers a SYN, takes back a connection that nobody has used, or ends one."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    wanted = key_hash(TCP, destination_hash(b, m), source_hash(b, m), ENDS)
    node = first_node(b, wanted)
    for _ in range(MAX_WALK):
        if node < 0:
            break
        pair = pair_of(b, node)
        node = next_node(b, node, wanted)
        if waits(b, pair, rows[m + WHEN]) == 0:
            continue
        n = narrow_at(b, pair)
        flags = narrows[n + FLAGS] * 1
        if flags & ANSWERED == 0 and (rows[m + MESSAGE_KEYS] == 0 or shares_key(b, pair, m)):
            narrows[n + FLAGS] |= ANSWERED
            return refuse(b, pair, m, SAID_RESET)
        if flags & ANSWERED and flags & SPOKEN == 0 and narrows[n + OUTCOME] == REPLIED:
            narrows[n + FLAGS] |= SPOKEN
            return refuse(b, pair, m, SAID_ACCEPTED_THEN_RESET)
    spoke(b, m)
    return 0


def spoke(b: Any, m: int) -> None:
    """Data or a close of either side: from the first on a reset no longer takes the connection back."""
    source = source_hash(b, m)
    destination = destination_hash(b, m)
    use(b, m, key_hash(TCP, source, destination, ENDS), 0)
    use(b, m, key_hash(TCP, destination, source, ENDS), 1)


def use(b: Any, m: int, wanted: int, by_server: int) -> None:
    """The connections with this hash are used, by the side that was asked or by the other one."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    node = first_node(b, wanted)
    for _ in range(MAX_WALK):
        if node < 0:
            break
        pair = pair_of(b, node)
        node = next_node(b, node, wanted)
        flags = narrows[narrow_at(b, pair) + FLAGS] * 1
        if flags & ANSWERED == 0 or waits(b, pair, rows[m + WHEN]) == 0:
            continue
        if by_server:
            hear(b, pair, m, flags)
        if flags & SPOKEN == 0:
            narrows[narrow_at(b, pair) + FLAGS] |= SPOKEN
            wides = longs_of(b, WIDES)
            w = wide_at(b, pair)
            window = longs_of(b, MODULES)[TCP * MODULE_FIELDS + WINDOW]
            wides[w + DEADLINE] = min(wides[w + DEADLINE], rows[m + WHEN] + window)


def hear(b: Any, pair: int, m: int, flags: int) -> None:
    """The server's first words are the reply's payload; a close soon, before anybody's first, takes the accept back."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    if rows[m + ROLE] == SPOKE and wides[w + REPLY_AT] < 0:
        wides[w + REPLY_AT] = rows[m + PAYLOAD]
        wides[w + REPLY_FRAME] = rows[m + FRAME]
        ints_of(b, NARROWS)[narrow_at(b, pair) + REPLY_CAPTURED] = rows[m + CAPTURED]
    elif (
        rows[m + ROLE] == SPOKE + CLOSE
        and flags & SPOKEN == 0
        and rows[m + WHEN] - wides[w + CLOCK] - wides[w + RTT] <= SOON_CLOSED
    ):
        refuse(b, pair, m, SAID_ACCEPTED_THEN_CLOSED)


# ICMP errors


def reject(b: Any, m: int) -> None:
    """An ICMP error rejects the request that it quotes, if the host that was asked sent it."""
    rows = longs_of(b, ROWS)
    reason = rejection(b, m)
    if reason == 0 or rows[m + ROLE] % ROLES == REPLY:
        return
    if rows[m + SENDER] != rows[m + DST] or rows[m + SENDER_LOW] != rows[m + DST_LOW]:
        return
    # Where the quote is too short for a key, the identification tells, else the order.
    quoted = longs_of(b, FOUND)
    for rank in range(3):
        quoted[rank] = -1
    module = rows[m + MODULE]
    facts = longs_of(b, MODULES)
    if facts[module * MODULE_FIELDS + BY_ENDS]:
        wanted = key_hash(module, source_hash(b, m), destination_hash(b, m), ENDS)
        node = first_node(b, wanted)
        for _ in range(MAX_WALK):
            if node < 0:
                break
            weigh(b, pair_of(b, node), m)
            node = next_node(b, node, wanted)
    else:
        pair = first_of_client(b, source_hash(b, m), facts[module * MODULE_FIELDS + TRANSPORT])
        for _ in range(MAX_WALK):
            if pair < 0:
                break
            weigh(b, pair, m)
            pair = next_of_client(b, pair)
    for rank in range(3):
        if quoted[rank] >= 0:
            refuse(b, quoted[rank], m, reason)
            return


def weigh(b: Any, pair: int, m: int) -> None:
    """Keep a request that may be quoted: the latest with the identification, the first in silence, the latest."""
    if is_quoted(b, pair, m) == 0:
        return
    quoted = longs_of(b, FOUND)
    if quoted[0] < 0 and has_ident(b, pair, m):
        quoted[0] = pair
    if is_silent(b, pair):
        quoted[1] = pair
    if quoted[2] < 0:
        quoted[2] = pair


def is_quoted(b: Any, pair: int, m: int) -> int:
    """Whether an ICMP error may quote a request of this exchange."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    if may_be_of(b, pair, m) == 0 or narrows[n + OUTCOME] not in (SILENT, REJECTED):
        return 0
    if is_client(b, pair, rows[m + SRC], rows[m + SRC_LOW], rows[m + SPORT]) == 0:
        return 0
    if is_wanted(b, pair, rows[m + DST], rows[m + DST_LOW], rows[m + DPORT]) == 0:
        return 0
    if waits(b, pair, rows[m + WHEN]) == 0:
        return 0
    if rows[m + MESSAGE_KEYS] == 0 or narrows[n + KEY_COUNT] == 0:
        return 1
    return shares_key(b, pair, m)


def is_silent(b: Any, pair: int) -> int:
    """Whether nothing came back yet."""
    return 1 if ints_of(b, NARROWS)[narrow_at(b, pair) + OUTCOME] == SILENT else 0


def has_ident(b: Any, pair: int, m: int) -> int:
    """Whether the quoted datagram's identification is that of one of the requests."""
    ident = longs_of(b, ROWS)[m + IDENTIFICATION]
    if ident <= 0:
        return 0
    ident &= 0x7FFFFFFF
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    return 1 if ident in (narrows[n + IDENT], narrows[n + LAST_IDENT]) else 0


def rejection(b: Any, m: int) -> int:
    """Why an ICMP error rejects, as a reason; 0 if it does not: type 3 (not code 4) and ICMPv6 type 1 do."""
    rows = longs_of(b, ROWS)
    kind = rows[m + DETAIL] // 256
    code = rows[m + DETAIL] % 256
    if rows[m + SENDER] == 0 and rows[m + SENDER_LOW] // 4294967296 == 0xFFFF:
        return SAID_ICMPV4 + code if kind == 3 and code != FRAGMENTATION_NEEDED else 0
    return SAID_ICMPV6 + code if kind == 1 else 0
