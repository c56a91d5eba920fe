"""Which open requests a message may answer, and which of them it does.

A message is looked up by its match key first; only where one side has no key do endpoints decide. Of several
requests with the key the latest unanswered one wins, else the latest; a request on the reply's own interface
comes before one on another, and what went to a group is answered on its own interface only. Design section 4.
"""

from typing import Any

from capanalyze.buffers import ints_of, longs_of
from capanalyze.exchanges.ring import (
    ANY_CLIENT,
    ANY_SERVER,
    destination_hash,
    first_node,
    first_of_client,
    host_hash,
    is_client,
    is_wanted,
    key_hash,
    may_be_of,
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
    CLIENT,
    CLIENT_LOW,
    CLIENT_PORT,
    CLOCK,
    DOUBTED,
    FLAGS,
    GROUP,
    INTERFACES,
    KEY_COUNT,
    MAC,
    PLACE,
    SERVER,
    SERVER_LOW,
    SIBLINGS,
    TAKEN,
    WANTED,
    WANTED_LOW,
    WANTED_PORT,
    WEAK_PAIRING,
)
from capanalyze.exchanges.row import MODULE as OF_MODULE
from capanalyze.exchanges.table import (
    BY_QUESTION,
    CANDIDATES,
    FOUND,
    FROM_ANY_PORT,
    GROUPS_UNTIL,
    MAX_FOUND,
    MODULE_FIELDS,
    MODULES,
    NAMELESS_UNTIL,
    NARROWS,
    POOL,
    ROWS,
    STATE,
    WHEN,
    WIDES,
    WINDOW,
)
from capanalyze.packets.message import (
    DPORT,
    DST,
    DST_LOW,
    INTERFACE,
    MODULE,
    SPORT,
    SRC,
    SRC_LOW,
    SRC_MAC,
)
from capanalyze.packets.message import GROUP as TO_GROUP
from capanalyze.packets.message import KEY_COUNT as MESSAGE_KEYS
from capanalyze.protocols import GENERIC_UDP

MAX_WALK = 1024  # open exchanges of one client that are looked at for one message
MAX_PLACES = 31  # interfaces that an exchange remembers apart
UNSPECIFIED_LOW = 0xFFFF << 32


def is_ipv4(high: int, low: int) -> int:
    """Whether an address is IPv4."""
    return 1 if high == 0 and low // 4294967296 == 0xFFFF else 0


def on_interface(b: Any, pair: int, place: int) -> int:
    """Whether the request was seen on this interface."""
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    if narrows[n + PLACE] == place:
        return 1
    if place < MAX_PLACES and narrows[n + INTERFACES] >> place & 1:
        return 1
    return 0


def is_late(b: Any, pair: int, clock: int) -> int:
    """Whether the request's window (that of its last retransmission) was over at this clock."""
    module = ints_of(b, NARROWS)[narrow_at(b, pair) + OF_MODULE] * 1
    if module == GENERIC_UDP:
        return 0
    window = longs_of(b, MODULES)[module * MODULE_FIELDS + WINDOW]
    return 1 if clock > longs_of(b, WIDES)[wide_at(b, pair) + ASKED] + window else 0


def may_answer(b: Any, pair: int, m: int) -> int:
    """Whether a message can be a reply to a request, as far as hosts, interface and time tell."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    w = wide_at(b, pair)
    n = narrow_at(b, pair)
    if waits(b, pair, rows[m + WHEN]) == 0 or narrows[n + WANTED_PORT] != rows[m + SPORT]:
        return 0
    by_question = longs_of(b, MODULES)[narrows[n + OF_MODULE] * MODULE_FIELDS + BY_QUESTION]
    if by_question and reaches(b, pair, m) == 0:
        return 0
    if narrows[n + FLAGS] & GROUP == 0:
        return is_wanted(b, pair, rows[m + SRC], rows[m + SRC_LOW], rows[m + SPORT])
    if on_interface(b, pair, rows[m + INTERFACE]) == 0:
        return 0
    if wides[w + CLIENT] == rows[m + SRC] and wides[w + CLIENT_LOW] == rows[m + SRC_LOW]:
        return 0
    if is_ipv4(wides[w + CLIENT], wides[w + CLIENT_LOW]) != is_ipv4(rows[m + SRC], rows[m + SRC_LOW]):
        return 0
    if by_question and wides[w + MAC] > 0 and wides[w + MAC] == rows[m + SRC_MAC]:
        return 0
    return 1


def reaches(b: Any, pair: int, m: int) -> int:
    """Whether the asker gets to see it: sent to it, to the group on its port, or to an asker without an address yet."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    w = wide_at(b, pair)
    if rows[m + DPORT] != ints_of(b, NARROWS)[narrow_at(b, pair) + CLIENT_PORT]:
        return 0
    if rows[m + TO_GROUP]:
        return 1
    high = wides[w + CLIENT]
    low = wides[w + CLIENT_LOW]
    if high == 0 and low == UNSPECIFIED_LOW:
        return 1
    return 1 if high == rows[m + DST] and low == rows[m + DST_LOW] else 0


def sibling_of(b: Any, pair: int, high: int, low: int) -> int:
    """The exchange of a group's request with the host that answers now; -1 where there is none yet."""
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    if narrows[narrow_at(b, pair) + FLAGS] & TAKEN == 0:
        return -1
    while True:
        w = wide_at(b, pair)
        if wides[w + SERVER] == high and wides[w + SERVER_LOW] == low:
            return pair
        further = narrows[narrow_at(b, pair) + SIBLINGS] * 1
        if further == 0:
            return -1
        pair += further


def is_waiting(b: Any, pair: int, m: int) -> int:
    """Whether a request still lacks an answer of this message's host."""
    rows = longs_of(b, ROWS)
    flags = ints_of(b, NARROWS)[narrow_at(b, pair) + FLAGS] * 1
    if flags & ANSWERED == 0:
        return 1
    return 1 if flags & GROUP and sibling_of(b, pair, rows[m + SRC], rows[m + SRC_LOW]) < 0 else 0


def better(b: Any, one: int, other: int, m: int) -> int:
    """Of two requests the one that a message belongs to; -1 stands for none."""
    if one < 0:
        return other
    place = longs_of(b, ROWS)[m + INTERFACE]
    here = on_interface(b, one, place) - on_interface(b, other, place)
    if here == 0:
        here = is_waiting(b, one, m) - is_waiting(b, other, m)
    if here == 0:
        wides = longs_of(b, WIDES)
        here = wides[wide_at(b, one) + CLOCK] - wides[wide_at(b, other) + CLOCK]
        if here == 0:
            here = one - other
    return one if here > 0 else other


def by_key(b: Any, m: int, first: int, count: int) -> int:
    """Requests with one of the keys that a message's host may answer, into FOUND: how many."""
    rows = longs_of(b, ROWS)
    found = longs_of(b, FOUND)
    module = rows[m + MODULE]
    if longs_of(b, MODULES)[module * MODULE_FIELDS + BY_QUESTION]:
        return by_question(b, m, first, count)
    client = destination_hash(b, m)
    server = source_hash(b, m)
    best = -1
    for place in range(first, first + count):
        best = best_with(b, m, key_hash(module, client, server, longs_of(b, POOL)[place]), best)
        if longs_of(b, STATE)[GROUPS_UNTIL] >= rows[m + WHEN]:
            best = best_with(b, m, key_hash(module, client, ANY_SERVER, longs_of(b, POOL)[place]), best)
    found[0] = best
    return 1 if best >= 0 else 0


def best_with(b: Any, m: int, wanted: int, best: int) -> int:
    """The request that a message belongs to, of `best` and those with this hash."""
    rows = longs_of(b, ROWS)
    node = first_node(b, wanted)
    for _ in range(MAX_FOUND):
        if node < 0:
            break
        pair = pair_of(b, node)
        if is_client(b, pair, rows[m + DST], rows[m + DST_LOW], rows[m + DPORT]) and may_answer(b, pair, m):
            best = better(b, best, pair, m)
        node = next_node(b, node, wanted)
    return best


def by_question(b: Any, m: int, first: int, count: int) -> int:
    """A reply by question answers every host that it reaches and that asked: one request per host and key."""
    rows = longs_of(b, ROWS)
    pool = longs_of(b, POOL)
    module = rows[m + MODULE]
    total = 0
    for place in range(first, first + count):
        if rows[m + TO_GROUP]:
            hosts = gather(b, m, key_hash(module, ANY_CLIENT, ANY_SERVER, pool[place]), 0)
        else:
            hosts = gather(b, m, key_hash(module, destination_hash(b, m), ANY_SERVER, pool[place]), 0)
            if longs_of(b, STATE)[NAMELESS_UNTIL] >= rows[m + WHEN]:
                nobody = host_hash(0, UNSPECIFIED_LOW, rows[m + DPORT])
                hosts = gather(b, m, key_hash(module, nobody, ANY_SERVER, pool[place]), hosts)
        for number in range(hosts):
            total = remember_found(b, longs_of(b, CANDIDATES)[number], total)
    sort_found(b, total)
    return total


def gather(b: Any, m: int, wanted: int, count: int) -> int:
    """Of the requests with this hash the best of each client, into CANDIDATES behind `count`: how many there are."""
    candidates = longs_of(b, CANDIDATES)
    node = first_node(b, wanted)
    for _ in range(MAX_FOUND):
        if node < 0:
            break
        pair = pair_of(b, node)
        if may_answer(b, pair, m):
            number = 0
            while number < count and same_client(b, candidates[number], pair) == 0:
                number += 1
            if number < count:
                candidates[number] = better(b, candidates[number], pair, m)
            elif count < MAX_FOUND:
                candidates[count] = pair
                count += 1
        node = next_node(b, node, wanted)
    return count


def same_client(b: Any, one: int, other: int) -> int:
    """Whether two requests come from one endpoint."""
    wides = longs_of(b, WIDES)
    w = wide_at(b, other)
    port = ints_of(b, NARROWS)[narrow_at(b, other) + CLIENT_PORT] * 1
    return is_client(b, one, wides[w + CLIENT], wides[w + CLIENT_LOW], port)


def remember_found(b: Any, pair: int, total: int) -> int:
    """Add an exchange to FOUND, once; how many there are."""
    found = longs_of(b, FOUND)
    for number in range(total):
        if found[number] == pair:
            return total
    if total == MAX_FOUND:
        return total
    found[total] = pair
    return total + 1


def sort_found(b: Any, total: int) -> None:
    """Bring FOUND into the order of the requests."""
    found = longs_of(b, FOUND)
    for number in range(1, total):
        pair = found[number]
        place = number
        while place > 0 and found[place - 1] > pair:
            found[place] = found[place - 1]
            place -= 1
        found[place] = pair


def by_endpoints(b: Any, m: int) -> int:
    """Where one side has no key: a request of the reversed endpoints, from now on weakly paired; -1 for none."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    module = rows[m + MODULE]
    best = -1
    pair = first_of_client(b, destination_hash(b, m), transport_of(b, module))
    for _ in range(MAX_WALK):
        if pair < 0:
            break
        n = narrow_at(b, pair)
        if (
            may_be_of(b, pair, m)
            and (narrows[n + KEY_COUNT] == 0 or rows[m + MESSAGE_KEYS] == 0)
            and is_client(b, pair, rows[m + DST], rows[m + DST_LOW], rows[m + DPORT])
            and may_answer(b, pair, m)
            and is_late(b, pair, rows[m + WHEN]) == 0
        ):
            best = better(b, best, pair, m)
        pair = next_of_client(b, pair)
    if best >= 0:
        narrows[narrow_at(b, best) + FLAGS] |= WEAK_PAIRING
    return best


def by_other_port(b: Any, m: int) -> int:
    """A reply from another port or address, to a client that waits for exactly one; -1 for none."""
    rows = longs_of(b, ROWS)
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    modules = longs_of(b, MODULES)
    transport = transport_of(b, rows[m + MODULE])
    only = -1
    pair = first_of_client(b, destination_hash(b, m), transport)
    for _ in range(MAX_WALK):
        if pair < 0:
            break
        flags = narrows[narrow_at(b, pair) + FLAGS] * 1
        if (
            is_client(b, pair, rows[m + DST], rows[m + DST_LOW], rows[m + DPORT])
            and transport_of(b, narrows[narrow_at(b, pair) + OF_MODULE] * 1) == transport
            and (flags & GROUP or flags & ANSWERED == 0)
            and waits(b, pair, rows[m + WHEN])
            and is_late(b, pair, rows[m + WHEN]) == 0
        ):
            if only >= 0:
                return -1
            only = pair
        pair = next_of_client(b, pair)
    if only < 0:
        return -1
    w = wide_at(b, only)
    n = narrow_at(b, only)
    group = narrows[n + FLAGS] & GROUP
    same_host = 0
    if (wides[w + WANTED] == rows[m + SRC] and wides[w + WANTED_LOW] == rows[m + SRC_LOW]) or (
        group and on_interface(b, only, rows[m + INTERFACE])
    ):
        same_host = 1
    module = narrows[n + OF_MODULE] * 1
    if modules[module * MODULE_FIELDS + FROM_ANY_PORT] and same_host:
        return only
    if group == 0 and module == rows[m + MODULE] and shares_key(b, only, m):
        return only
    if same_host and group == 0 and rows[m + MODULE] == GENERIC_UDP:  # its key is out of sight
        narrows[n + FLAGS] |= DOUBTED
    return -1


def by_group(b: Any, m: int) -> int:
    """What went to a group is answered from the port that was asked, by whichever host; -1 for none."""
    rows = longs_of(b, ROWS)
    narrows = ints_of(b, NARROWS)
    best = -1
    if longs_of(b, STATE)[GROUPS_UNTIL] < rows[m + WHEN]:
        return best
    pair = first_of_client(b, destination_hash(b, m), transport_of(b, GENERIC_UDP))
    for _ in range(MAX_WALK):
        if pair < 0:
            break
        n = narrow_at(b, pair)
        if (
            narrows[n + FLAGS] & GROUP
            and narrows[n + OF_MODULE] == GENERIC_UDP
            and is_client(b, pair, rows[m + DST], rows[m + DST_LOW], rows[m + DPORT])
            and may_answer(b, pair, m)
        ):
            best = better(b, best, pair, m)
        pair = next_of_client(b, pair)
    return best
