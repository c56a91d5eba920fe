"""Rows that are kept: copied from a batch, with the first links of their lists of frames."""

from typing import Any

from capanalyze.buffers import ints_of, longs_of
from capanalyze.exchanges.row import (
    LINK,
    LINK_FRAME,
    LINK_NEXT,
    NARROW,
    REPLIES,
    REPLIES_LAST,
    REQUESTS,
    REQUESTS_LAST,
    WIDE,
)
from capanalyze.summary.layout import LISTED, SLOT_LINKS


def keep(b: Any, origin: int, row: int, store: int, slot: int) -> None:
    """Copy a row; `origin` and `store` are the first of three buffers: wide rows, narrow rows, links."""
    wide = longs_of(b, origin)
    narrow = ints_of(b, origin + 1)
    to = longs_of(b, store)
    to_narrow = ints_of(b, store + 1)
    for field in range(WIDE):
        to[slot * WIDE + field] = wide[row * WIDE + field]
    for field in range(NARROW):
        to_narrow[slot * NARROW + field] = narrow[row * NARROW + field]
    n = slot * NARROW
    # Link 0 stands for none.
    if to_narrow[n + REQUESTS]:
        keep_list(b, origin, store, n + REQUESTS, n + REQUESTS_LAST, 1 + slot * SLOT_LINKS)
    if to_narrow[n + REPLIES]:
        keep_list(b, origin, store, n + REPLIES, n + REPLIES_LAST, 1 + slot * SLOT_LINKS + LISTED)


def keep_list(b: Any, origin: int, store: int, first: int, last: int, at: int) -> None:
    """Copy the links of a row that was just copied, as many as there is room for from `at` on."""
    links = longs_of(b, origin + 2)
    narrow = ints_of(b, store + 1)
    to = longs_of(b, store + 2)
    link = narrow[first] * 1
    narrow[first] = at
    for number in range(LISTED):
        here = at + number
        to[here * LINK + LINK_FRAME] = links[link * LINK + LINK_FRAME]
        to[here * LINK + LINK_NEXT] = 0
        narrow[last] = here
        link = links[link * LINK + LINK_NEXT]
        if link == 0:
            return
        to[here * LINK + LINK_NEXT] = here + 1
    to[narrow[last] * LINK + LINK_NEXT] = 0
