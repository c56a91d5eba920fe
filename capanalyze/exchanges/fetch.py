"""What the next messages will need is fetched from memory before their turn: rows of open exchanges lie far apart.

Nothing depends on it but speed: it looks only for what most messages look for first.
"""

from typing import Any

from capanalyze.buffers import ints_of, longs_of, prefetch
from capanalyze.exchanges.ring import ANY_SERVER, ENDS, destination_hash, key_hash, source_hash, transport_of
from capanalyze.exchanges.row import NARROW, WIDE
from capanalyze.exchanges.table import (
    BY_QUESTION,
    CLIENT_HEADS,
    CLIENT_MASK,
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
    SOON_ROOM,
    STATE,
    WIDES,
)
from capanalyze.packets.message import FLOW, GROUP, KEYS, MODULE, REPLY, REQUEST, ROLE, ROLES
from capanalyze.packets.message import KEY_COUNT as MESSAGE_KEYS
from capanalyze.packets.octets import mix
from capanalyze.protocols import GENERIC_UDP

LINE = 8  # words of 64 bits that memory hands out at once
NONE = -1


def fetch_first(b: Any, start: int, stop: int) -> None:
    """Before the first message: its like and the next ones."""
    for number in range(start, min(start + FETCH_HEAD, stop)):
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
    at = number % SOON_ROOM * 2
    role = rows[m + ROLE] % ROLES
    soon[at] = NONE
    soon[at + 1] = NONE
    if role not in (REQUEST, REPLY, FLOW):
        return
    source = source_hash(b, m)
    destination = destination_hash(b, m)
    module = rows[m + MODULE]
    if module == GENERIC_UDP:
        soon[at] = key_hash(module, destination, source, ENDS)
        soon[at + 1] = key_hash(module, source, destination, ENDS)
    elif rows[m + MESSAGE_KEYS]:
        client = destination if role == REPLY else source
        server = source if role == REPLY else destination
        if rows[m + GROUP] or longs_of(b, MODULES)[module * MODULE_FIELDS + BY_QUESTION]:
            server = ANY_SERVER
        soon[at] = key_hash(module, client, server, longs_of(b, POOL)[rows[m + KEYS]])
    for which in range(2):
        if soon[at + which] != NONE:
            prefetch(longs_of(b, KEY_HEADS), soon[at + which] & state[KEY_MASK])
    if role != REPLY:
        prefetch(longs_of(b, CLIENT_HEADS), mix(source, transport_of(b, module) + 1) & state[CLIENT_MASK])


def fetch_node(b: Any, number: int) -> None:
    """Fetch the node that the index leads to."""
    soon = longs_of(b, SOON)
    state = longs_of(b, STATE)
    heads = longs_of(b, KEY_HEADS)
    for at in range(number % SOON_ROOM * 2, number % SOON_ROOM * 2 + 2):
        if soon[at] != NONE:
            node = heads[soon[at] & state[KEY_MASK]] - 1
            if node >= state[NODE_HEAD]:
                prefetch(longs_of(b, NODES), (node & state[NODE_MASK]) * NODE)


def fetch_pair(b: Any, number: int) -> None:
    """Fetch the exchange that the node leads to."""
    soon = longs_of(b, SOON)
    state = longs_of(b, STATE)
    heads = longs_of(b, KEY_HEADS)
    nodes = longs_of(b, NODES)
    for at in range(number % SOON_ROOM * 2, number % SOON_ROOM * 2 + 2):
        if soon[at] == NONE:
            continue
        node = heads[soon[at] & state[KEY_MASK]] - 1
        if node < state[NODE_HEAD]:
            continue
        pair = nodes[(node & state[NODE_MASK]) * NODE + NODE_PAIR]
        if pair < state[HEAD]:
            continue
        place = pair & state[RING_MASK]
        for line in range(0, WIDE, LINE):
            prefetch(longs_of(b, WIDES), place * WIDE + line)
        for line in range(0, NARROW, 2 * LINE):
            prefetch(ints_of(b, NARROWS), place * NARROW + line)
