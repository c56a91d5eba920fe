"""What the next messages will need is fetched from memory before their turn: rows of open exchanges lie far apart.

Nothing depends on it but speed: it looks only for what most messages look for first.
"""

from typing import Any

from capanalyze.buffers import LINE, ints_of, longs_of, prefetch
from capanalyze.exchanges.ring import (
    ANY_CLIENT,
    ANY_SERVER,
    ENDS,
    destination_hash,
    key_hash,
    source_hash,
    transport_of,
)
from capanalyze.exchanges.row import NARROW, WIDE
from capanalyze.exchanges.table import (
    BY_QUESTION,
    CLIENT_HEADS,
    CLIENT_MASK,
    CLIENT_SOON,
    FETCH_HEAD,
    FETCH_NODE,
    FETCH_PAIR,
    HEAD,
    KEY_HEADS,
    KEY_MASK,
    MESSAGE_WORDS,
    MODULE_FIELDS,
    MODULES,
    NARROWS,
    NODE,
    NODE_HEAD,
    NODE_MASK,
    NODE_PAIR,
    NODES,
    POOL,
    RING_MASK,
    ROWS,
    SOON,
    SOON_HASHES,
    SOON_ROOM,
    STATE,
    WIDES,
)
from capanalyze.packets.message import FLOW, GROUP, KEYS, MODULE, REPLY, REQUEST, ROLE, ROLES, SPOKE
from capanalyze.packets.message import KEY_COUNT as MESSAGE_KEYS
from capanalyze.packets.octets import mix

NONE = -1
FETCHED_KEYS = 3  # of a message; most have fewer


def fetch_first(b: Any, first: int, stop: int) -> None:
    """Before the first message: its like and the next ones."""
    for number in range(first, min(first + FETCH_HEAD, stop)):
        fetch_head(b, number)


def fetch(b: Any, number: int, stop: int) -> None:
    """Before message `number`: what the ones behind it need."""
    if number + FETCH_HEAD < stop:
        fetch_head(b, number + FETCH_HEAD)
    if number + FETCH_NODE < stop:
        fetch_node(b, number + FETCH_NODE)
    if number + FETCH_PAIR < stop:
        fetch_pair(b, number + FETCH_PAIR)


def fetch_head(b: Any, number: int) -> None:
    """Tell what a message will look for, and fetch where the index leads to it."""
    rows = longs_of(b, ROWS)
    soon = longs_of(b, SOON)
    state = longs_of(b, STATE)
    m = number * MESSAGE_WORDS
    at = number % SOON_ROOM * SOON_HASHES
    role = rows[m + ROLE] % ROLES
    for which in range(SOON_HASHES):
        soon[at + which] = NONE
    if role not in (REQUEST, REPLY, FLOW, SPOKE):
        return
    source = source_hash(b, m)
    destination = destination_hash(b, m)
    module = rows[m + MODULE]
    if role in (FLOW, SPOKE):
        soon[at] = key_hash(module, destination, source, ENDS)
        soon[at + 1] = key_hash(module, source, destination, ENDS)
    elif rows[m + MESSAGE_KEYS]:
        soon[at] = fetch_keys(b, m, source, destination)
    for which in range(2):
        if soon[at + which] != NONE:
            prefetch(longs_of(b, KEY_HEADS), soon[at + which] & state[KEY_MASK])
    clients = longs_of(b, CLIENT_HEADS)
    if role in (REQUEST, FLOW):
        prefetch(clients, mix(source, transport_of(b, module) + 1) & state[CLIENT_MASK])
    if role == FLOW:
        soon[at + CLIENT_SOON] = mix(destination, transport_of(b, module) + 1)
        prefetch(clients, soon[at + CLIENT_SOON] & state[CLIENT_MASK])


def fetch_keys(b: Any, m: int, source: int, destination: int) -> int:
    """Fetch where the index leads to for the keys behind the first, and return the hash of the first."""
    rows = longs_of(b, ROWS)
    pool = longs_of(b, POOL)
    heads = longs_of(b, KEY_HEADS)
    mask = longs_of(b, STATE)[KEY_MASK]
    module = rows[m + MODULE]
    is_reply = rows[m + ROLE] % ROLES == REPLY
    by_question = longs_of(b, MODULES)[module * MODULE_FIELDS + BY_QUESTION]
    client = destination if is_reply else source
    server = source if is_reply else destination
    if rows[m + GROUP] or by_question:
        server = ANY_SERVER
    if by_question and rows[m + GROUP] and is_reply:
        client = ANY_CLIENT
    first = rows[m + KEYS]
    for place in range(first + 1, first + min(rows[m + MESSAGE_KEYS], FETCHED_KEYS)):
        prefetch(heads, key_hash(module, client, server, pool[place]) & mask)
    if by_question and is_reply == 0:
        for place in range(first, first + min(rows[m + MESSAGE_KEYS], FETCHED_KEYS)):
            prefetch(heads, key_hash(module, ANY_CLIENT, ANY_SERVER, pool[place]) & mask)
    return key_hash(module, client, server, pool[first])


def fetch_node(b: Any, number: int) -> None:
    """Fetch the node that the index leads to."""
    soon = longs_of(b, SOON)
    state = longs_of(b, STATE)
    heads = longs_of(b, KEY_HEADS)
    first = number % SOON_ROOM * SOON_HASHES
    for at in range(first, first + CLIENT_SOON):
        if soon[at] != NONE:
            node = heads[soon[at] & state[KEY_MASK]] - 1
            if node >= state[NODE_HEAD]:
                prefetch(longs_of(b, NODES), (node & state[NODE_MASK]) * NODE)
    if soon[first + CLIENT_SOON] != NONE:
        fetch_exchange(b, longs_of(b, CLIENT_HEADS)[soon[first + CLIENT_SOON] & state[CLIENT_MASK]] - 1)


def fetch_pair(b: Any, number: int) -> None:
    """Fetch the exchange that the node leads to."""
    soon = longs_of(b, SOON)
    state = longs_of(b, STATE)
    heads = longs_of(b, KEY_HEADS)
    nodes = longs_of(b, NODES)
    first = number % SOON_ROOM * SOON_HASHES
    for at in range(first, first + CLIENT_SOON):
        if soon[at] == NONE:
            continue
        node = heads[soon[at] & state[KEY_MASK]] - 1
        if node >= state[NODE_HEAD]:
            fetch_exchange(b, nodes[(node & state[NODE_MASK]) * NODE + NODE_PAIR])


def fetch_exchange(b: Any, pair: int) -> None:
    """Fetch the rows of an exchange, if it is still there."""
    state = longs_of(b, STATE)
    if pair < state[HEAD]:
        return
    place = pair & state[RING_MASK]
    for line in range(0, WIDE, LINE):
        prefetch(longs_of(b, WIDES), place * WIDE + line)
    for line in range(0, NARROW, 2 * LINE):
        prefetch(ints_of(b, NARROWS), place * NARROW + line)
