"""The open exchanges: a ring of rows in order of their beginning, found by match key, by endpoints or by client.

Exchanges and nodes have numbers that only grow; a number's place in its ring is its low bits. Chains lead from
the latest to the oldest, so that the first one that has left the ring ends a chain, and nothing is ever taken
out of an index.
"""

from typing import Any

from capanalyze.buffers import ints_of, longs_of, octets_of
from capanalyze.exchanges.row import (
    CLIENT,
    CLIENT_LOW,
    CLIENT_PORT,
    DEADLINE,
    DIGEST,
    FINDABLE,
    FLAGS,
    KEY_AT,
    KEY_COUNT,
    LINK,
    LINK_FRAME,
    LINK_NEXT,
    NARROW,
    OLDER,
    REPLIES,
    REPLIES_LAST,
    REPLY,
    REQUEST,
    REQUESTS,
    REQUESTS_LAST,
    SERVICE,
    VOID,
    WANTED,
    WANTED_LOW,
    WANTED_PORT,
    WIDE,
)
from capanalyze.exchanges.row import GROUP as GROUP_FLAG
from capanalyze.exchanges.row import MODULE as OF_MODULE
from capanalyze.exchanges.table import (
    BY_ENDS,
    BY_QUESTION,
    CLIENT_HEADS,
    CLIENT_MASK,
    FREE_LINK,
    HEAD,
    KEY_HEADS,
    KEY_MASK,
    KINDS,
    LINK_ROOM,
    LINKS,
    LINKS_LOST,
    MODULE_FIELDS,
    MODULES,
    NARROWS,
    NEXT_LINK,
    NODE,
    NODE_HASH,
    NODE_HEAD,
    NODE_MASK,
    NODE_OLDER,
    NODE_PAIR,
    NODE_TAIL,
    NODES,
    OLD_NODE_MASK,
    OLD_NODES,
    POOL,
    RING_MASK,
    ROWS,
    SERVICES,
    STATE,
    TAIL,
    TRANSPORT,
    WIDES,
)
from capanalyze.packets.message import (
    DPORT,
    DST,
    DST_LOW,
    KEYS,
    KIND,
    MALFORMED,
    MODULE,
    ROLE,
    ROLES,
    SPORT,
    SRC,
    SRC_LOW,
)
from capanalyze.packets.message import KEY_COUNT as MESSAGE_KEYS
from capanalyze.packets.octets import mix

# In place of a server or a client in the hash of a key, and of a key.
ANY_SERVER, ANY_CLIENT, ENDS, ALIKE = 0x6F1D3A59, 0x2C9B7E41, 0x51E4C3B7, 0x3D5A9F13
QUOTED = 65536  # a role from here on is that of a datagram quoted by an ICMP error
MOST_NODES = 4  # of an exchange that is moved on
REQUEST_LIST, REPLY_LIST = 1, 2  # a list of frames as one number: twice the exchange's, plus one of these


def wide_at(b: Any, pair: int) -> int:
    """Where an exchange's wide row begins."""
    return (pair & longs_of(b, STATE)[RING_MASK]) * WIDE


def narrow_at(b: Any, pair: int) -> int:
    """Where its narrow row begins."""
    return (pair & longs_of(b, STATE)[RING_MASK]) * NARROW


def host_hash(high: int, low: int, port: int) -> int:
    """Hash of an endpoint."""
    return mix(mix(low, high), port + 1)


def source_hash(b: Any, m: int) -> int:
    """Hash of a message's source endpoint."""
    rows = longs_of(b, ROWS)
    return host_hash(rows[m + SRC], rows[m + SRC_LOW], rows[m + SPORT])


def destination_hash(b: Any, m: int) -> int:
    """Hash of a message's destination endpoint."""
    rows = longs_of(b, ROWS)
    return host_hash(rows[m + DST], rows[m + DST_LOW], rows[m + DPORT])


def key_hash(module: int, client: int, server: int, key: int) -> int:
    """Hash by which requests of a client to a server with a key are found."""
    return mix(mix(mix(client, module + 1), server), key)


# Nodes


def node_from(b: Any, node: int, wanted: int) -> int:
    """The latest live node with this hash, from `node` on; -1 where there is none."""
    nodes = longs_of(b, NODES)
    state = longs_of(b, STATE)
    while node >= state[NODE_HEAD]:
        at = (node & state[NODE_MASK]) * NODE
        if nodes[at + NODE_HASH] == wanted and nodes[at + NODE_PAIR] >= state[HEAD]:
            return node
        node = nodes[at + NODE_OLDER]
    return -1


def first_node(b: Any, wanted: int) -> int:
    """The latest live node with this hash."""
    return node_from(b, longs_of(b, KEY_HEADS)[wanted & longs_of(b, STATE)[KEY_MASK]] - 1, wanted)


def next_node(b: Any, node: int, wanted: int) -> int:
    """The next older one."""
    return node_from(b, longs_of(b, NODES)[(node & longs_of(b, STATE)[NODE_MASK]) * NODE + NODE_OLDER], wanted)


def pair_of(b: Any, node: int) -> int:
    """The exchange of a node."""
    return longs_of(b, NODES)[(node & longs_of(b, STATE)[NODE_MASK]) * NODE + NODE_PAIR]


def add_node(b: Any, wanted: int, pair: int) -> None:
    """Let an exchange be found by this hash."""
    nodes = longs_of(b, NODES)
    state = longs_of(b, STATE)
    heads = longs_of(b, KEY_HEADS)
    node = state[NODE_TAIL]
    state[NODE_TAIL] = node + 1
    at = (node & state[NODE_MASK]) * NODE
    head = wanted & state[KEY_MASK]
    nodes[at + NODE_HASH] = wanted
    nodes[at + NODE_PAIR] = pair
    nodes[at + NODE_OLDER] = heads[head] - 1
    heads[head] = node + 1


def enter(b: Any, pair: int, m: int, client: int, server: int) -> None:
    """Let an exchange that begins with a message be found, by all that identifies it."""
    rows = longs_of(b, ROWS)
    pool = longs_of(b, POOL)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    modules = longs_of(b, MODULES)
    n = narrow_at(b, pair)
    module = narrows[n + OF_MODULE] * 1
    count = rows[m + MESSAGE_KEYS]
    first = rows[m + KEYS]
    by_question = modules[module * MODULE_FIELDS + BY_QUESTION]
    server_part = server
    if by_question or narrows[n + FLAGS] & GROUP_FLAG:
        server_part = ANY_SERVER
    for number in range(count):
        add_node(b, key_hash(module, client, server_part, pool[first + number]), pair)
    narrows[n + KEY_COUNT] = count
    if by_question:
        for number in range(count):
            add_node(b, key_hash(module, ANY_CLIENT, ANY_SERVER, pool[first + number]), pair)
    if modules[module * MODULE_FIELDS + BY_ENDS]:
        add_node(b, key_hash(module, client, server, ENDS), pair)
    elif count == 0:
        add_node(b, key_hash(module, client, server, mix(ALIKE, wides[wide_at(b, pair) + DIGEST])), pair)
    chain_client(b, pair, client)


def chain_client(b: Any, pair: int, client: int) -> None:
    """Let an exchange be found by its client."""
    state = longs_of(b, STATE)
    heads = longs_of(b, CLIENT_HEADS)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    head = mix(client, transport_of(b, narrows[n + OF_MODULE] * 1) + 1) & state[CLIENT_MASK]
    older = heads[head] - 1
    narrows[n + OLDER] = pair - older if older >= state[HEAD] and pair - older < 2147483647 else 0
    narrows[n + FLAGS] |= FINDABLE
    heads[head] = pair + 1


def transport_of(b: Any, module: int) -> int:
    """The transport of a module's messages."""
    return longs_of(b, MODULES)[module * MODULE_FIELDS + TRANSPORT]


def kind_of(b: Any, m: int) -> int:
    """What kind of message the module calls it."""
    return longs_of(b, ROWS)[m + ROLE] % QUOTED // KIND


def service_of(b: Any, m: int) -> int:
    """The service that a message is of, by its kind."""
    return octets_of(b, SERVICES)[longs_of(b, ROWS)[m + MODULE] * KINDS + kind_of(b, m)] * 1


def may_be_of(b: Any, pair: int, m: int) -> int:
    """Whether a message may be of an exchange's service; what its module could not read may be of any it serves."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    if narrows[n + OF_MODULE] != rows[m + MODULE]:
        return 0
    if rows[m + ROLE] % ROLES == MALFORMED:
        return 1
    return 1 if narrows[n + SERVICE] == service_of(b, m) else 0


def first_of_client(b: Any, client: int, transport: int) -> int:
    """The latest open exchange whose client may be this one; see `is_client`. -1 where there is none."""
    state = longs_of(b, STATE)
    pair = longs_of(b, CLIENT_HEADS)[mix(client, transport + 1) & state[CLIENT_MASK]] - 1
    return pair if pair >= state[HEAD] else -1


def next_of_client(b: Any, pair: int) -> int:
    """The next older one."""
    older = ints_of(b, NARROWS)[narrow_at(b, pair) + OLDER] * 1
    if older == 0 or pair - older < longs_of(b, STATE)[HEAD]:
        return -1
    return pair - older


def has_key(b: Any, pair: int, wanted: int) -> int:
    """Whether a hash is among those of the exchange's own keys."""
    nodes = longs_of(b, NODES)
    mask = longs_of(b, STATE)[NODE_MASK]
    first = longs_of(b, WIDES)[wide_at(b, pair) + KEY_AT]
    for node in range(first, first + ints_of(b, NARROWS)[narrow_at(b, pair) + KEY_COUNT]):
        if nodes[(node & mask) * NODE + NODE_HASH] == wanted:
            return 1
    return 0


def shares_key(b: Any, pair: int, m: int) -> int:
    """Whether an exchange and a message have a match key in common."""
    rows = longs_of(b, ROWS)
    pool = longs_of(b, POOL)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    module = narrows[n + OF_MODULE] * 1
    server = ANY_SERVER
    if narrows[n + FLAGS] & GROUP_FLAG == 0 and longs_of(b, MODULES)[module * MODULE_FIELDS + BY_QUESTION] == 0:
        server = server_of(b, pair)
    client = client_of(b, pair)
    for place in range(rows[m + KEYS], rows[m + KEYS] + rows[m + MESSAGE_KEYS]):
        if has_key(b, pair, key_hash(module, client, server, pool[place])):
            return 1
    return 0


def client_of(b: Any, pair: int) -> int:
    """Hash of the client's endpoint."""
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    return host_hash(
        wides[w + CLIENT], wides[w + CLIENT_LOW], ints_of(b, NARROWS)[narrow_at(b, pair) + CLIENT_PORT] * 1
    )


def server_of(b: Any, pair: int) -> int:
    """Hash of the endpoint that was asked."""
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    return host_hash(
        wides[w + WANTED], wides[w + WANTED_LOW], ints_of(b, NARROWS)[narrow_at(b, pair) + WANTED_PORT] * 1
    )


def is_client(b: Any, pair: int, high: int, low: int, port: int) -> int:
    """Whether an endpoint is the client's."""
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    if wides[w + CLIENT_LOW] != low or wides[w + CLIENT] != high:
        return 0
    return 1 if ints_of(b, NARROWS)[narrow_at(b, pair) + CLIENT_PORT] == port else 0


def is_wanted(b: Any, pair: int, high: int, low: int, port: int) -> int:
    """Whether an endpoint is the one that was asked."""
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    if wides[w + WANTED_LOW] != low or wides[w + WANTED] != high:
        return 0
    return 1 if ints_of(b, NARROWS)[narrow_at(b, pair) + WANTED_PORT] == port else 0


def waits(b: Any, pair: int, clock: int) -> int:
    """Whether something may still be added to an exchange."""
    return 1 if clock <= longs_of(b, WIDES)[wide_at(b, pair) + DEADLINE] else 0


# Other rings


def move_nodes(b: Any, start: int, stop: int) -> int:
    """Put nodes from `start` to before `stop` from the old ring into the present one, and into its index."""
    old = longs_of(b, OLD_NODES)
    nodes = longs_of(b, NODES)
    heads = longs_of(b, KEY_HEADS)
    state = longs_of(b, STATE)
    for node in range(start, stop):
        at = (node & state[OLD_NODE_MASK]) * NODE
        to = (node & state[NODE_MASK]) * NODE
        head = old[at + NODE_HASH] & state[KEY_MASK]
        nodes[to + NODE_HASH] = old[at + NODE_HASH]
        nodes[to + NODE_PAIR] = old[at + NODE_PAIR]
        nodes[to + NODE_OLDER] = heads[head] - 1
        heads[head] = node + 1
    return stop


def chain_clients(b: Any, start: int, stop: int) -> int:
    """Put exchanges from `start` to before `stop` into an empty index by client."""
    narrows = ints_of(b, NARROWS)
    for pair in range(start, stop):
        if narrows[narrow_at(b, pair) + FLAGS] & FINDABLE:
            chain_client(b, pair, client_of(b, pair))
    return stop


def copied(b: Any, pair: int) -> int:
    """A new exchange that is like another one; nothing finds it yet."""
    state = longs_of(b, STATE)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    new = state[TAIL]
    state[TAIL] = new + 1
    for field in range(WIDE):
        wides[wide_at(b, new) + field] = wides[wide_at(b, pair) + field]
    for field in range(NARROW):
        narrows[narrow_at(b, new) + field] = narrows[narrow_at(b, pair) + field]
    return new


def move_on(b: Any, pair: int) -> None:
    """Let an exchange that goes on and on stand behind all others, so that they need not wait for it."""
    state = longs_of(b, STATE)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    nodes = longs_of(b, NODES)
    new = copied(b, pair)
    w = wide_at(b, pair)
    n = narrow_at(b, pair)
    first = wides[w + KEY_AT]
    wides[wide_at(b, new) + KEY_AT] = state[NODE_TAIL]
    for node in range(first, min(first + MOST_NODES, state[NODE_TAIL])):
        at = (node & state[NODE_MASK]) * NODE
        if nodes[at + NODE_PAIR] != pair:
            break
        add_node(b, nodes[at + NODE_HASH], new)
    if narrows[n + FLAGS] & FINDABLE:
        chain_client(b, new, client_of(b, new))
    narrows[n + FLAGS] |= VOID
    narrows[n + REQUESTS] = 0
    narrows[n + REPLIES] = 0


# Lists of frames


def add_frame(b: Any, joined: int, frame: int) -> None:
    """Append a frame to a list, if its exchange is still there."""
    pair = (joined - 1) // 2
    if joined == 0 or pair < longs_of(b, STATE)[HEAD]:
        return
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    n = narrow_at(b, pair)
    if joined - 2 * pair == REQUEST_LIST:
        if wides[w + REQUEST] == 0:
            wides[w + REQUEST] = frame
        else:
            append(b, n + REQUESTS, n + REQUESTS_LAST, frame)
    elif wides[w + REPLY] == 0:
        wides[w + REPLY] = frame
    else:
        append(b, n + REPLIES, n + REPLIES_LAST, frame)


def append(b: Any, first: int, last: int, frame: int) -> None:
    """Append a frame to a chain of links."""
    state = longs_of(b, STATE)
    links = longs_of(b, LINKS)
    narrows = ints_of(b, NARROWS)
    link = state[FREE_LINK]
    if link:
        state[FREE_LINK] = links[link * LINK + LINK_NEXT]
    elif state[NEXT_LINK] < state[LINK_ROOM]:
        link = state[NEXT_LINK]
        state[NEXT_LINK] = link + 1
    else:
        state[LINKS_LOST] += 1
        return
    links[link * LINK + LINK_FRAME] = frame
    links[link * LINK + LINK_NEXT] = 0
    if narrows[first]:
        links[narrows[last] * LINK + LINK_NEXT] = link
    else:
        narrows[first] = link
    narrows[last] = link
