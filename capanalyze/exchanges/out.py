"""Settled exchanges leave the ring: copied out one behind the other, with lists of frames of their own."""

from typing import Any

from capanalyze.buffers import ints_of, longs_of
from capanalyze.exchanges.ring import narrow_at, wide_at
from capanalyze.exchanges.row import (
    FLAGS,
    LINK,
    LINK_FRAME,
    LINK_NEXT,
    NARROW,
    REPLIES,
    REPLIES_LAST,
    REQUESTS,
    REQUESTS_LAST,
    VOID,
    WIDE,
)
from capanalyze.exchanges.table import (
    DONE,
    FREE_LINK,
    HEAD,
    LINKS,
    NARROWS,
    OUT_COUNT,
    OUT_LINK,
    OUT_LINK_ROOM,
    OUT_LINKS,
    OUT_NARROW,
    OUT_WIDE,
    STATE,
    WIDES,
)


def take(b: Any, start: int, stop: int) -> int:
    """Copy settled exchanges out, to rows `start` to before `stop`, while there is room: how many there are."""
    state = longs_of(b, STATE)
    flags = ints_of(b, NARROWS)
    count = start
    while state[DONE] < state[HEAD] and count < stop:
        pair = state[DONE]
        if state[OUT_LINK] + list_length(b, pair) > state[OUT_LINK_ROOM]:
            break
        if flags[narrow_at(b, pair) + FLAGS] & VOID == 0:
            copy(b, pair, count)
            count += 1
        give_back(b, pair, REQUESTS)
        give_back(b, pair, REPLIES)
        state[DONE] = pair + 1
    state[OUT_COUNT] = count
    return count


def list_length(b: Any, pair: int) -> int:
    """Links of an exchange's two lists."""
    links = longs_of(b, LINKS)
    narrows = ints_of(b, NARROWS)
    n = narrow_at(b, pair)
    count = 0
    link = narrows[n + REQUESTS] * 1
    while link:
        count += 1
        link = links[link * LINK + LINK_NEXT]
    link = narrows[n + REPLIES] * 1
    while link:
        count += 1
        link = links[link * LINK + LINK_NEXT]
    return count


def copy(b: Any, pair: int, number: int) -> None:
    """Copy one exchange out."""
    wides = longs_of(b, WIDES)
    narrows = ints_of(b, NARROWS)
    wide = longs_of(b, OUT_WIDE)
    narrow = ints_of(b, OUT_NARROW)
    w = wide_at(b, pair)
    n = narrow_at(b, pair)
    for field in range(WIDE):
        wide[number * WIDE + field] = wides[w + field]
    for field in range(NARROW):
        narrow[number * NARROW + field] = narrows[n + field]
    copy_list(b, n + REQUESTS, number * NARROW + REQUESTS, number * NARROW + REQUESTS_LAST)
    copy_list(b, n + REPLIES, number * NARROW + REPLIES, number * NARROW + REPLIES_LAST)


def copy_list(b: Any, first: int, to: int, last: int) -> None:
    """Copy one list of frames out."""
    state = longs_of(b, STATE)
    links = longs_of(b, LINKS)
    narrow = ints_of(b, OUT_NARROW)
    out = longs_of(b, OUT_LINKS)
    link = ints_of(b, NARROWS)[first] * 1
    narrow[to] = 0
    narrow[last] = 0
    while link:
        here = state[OUT_LINK]
        state[OUT_LINK] = here + 1
        out[here * LINK + LINK_FRAME] = links[link * LINK + LINK_FRAME]
        out[here * LINK + LINK_NEXT] = 0
        if narrow[to]:
            out[narrow[last] * LINK + LINK_NEXT] = here
        else:
            narrow[to] = here
        narrow[last] = here
        link = links[link * LINK + LINK_NEXT]


def give_back(b: Any, pair: int, field: int) -> None:
    """The links of a list may serve anew."""
    state = longs_of(b, STATE)
    links = longs_of(b, LINKS)
    narrows = ints_of(b, NARROWS)
    link = narrows[narrow_at(b, pair) + field] * 1
    while link:
        following = links[link * LINK + LINK_NEXT]
        links[link * LINK + LINK_NEXT] = state[FREE_LINK]
        state[FREE_LINK] = link
        link = following
    narrows[narrow_at(b, pair) + field] = 0
