"""How far reading has come, on a terminal. Elsewhere nothing is said."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST = 0.5  # seconds before anything is said: most captures are read by then
EVERY = 0.1
CLEAR = "\r\x1b[K"
UNITS = ("octets", "kB", "MB", "GB", "TB")


@contextmanager
def progress(read: Callable[[], int], total: int | None, *, quiet: bool = False) -> Iterator[None]:
    """Show how far reading has come as long as the block runs.

    Args:
        read: tells how many octets were read by now.
        total: how many there are; None where nobody knows.
        quiet: say nothing at all.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    over = Event()
    thread = Thread(target=_show, args=(read, total, over), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _show(read: Callable[[], int], total: int | None, over: Event) -> None:
    """What the thread does."""
    start = time.monotonic()
    pause, shown = FIRST, ""
    while not over.wait(pause):
        pause, octets = EVERY, read()
        text = line(octets, total, time.monotonic() - start) if octets != total else ""
        if text or shown:
            _say(text)
        shown = text
    if shown:
        _say("")


def _say(text: str) -> None:
    sys.stderr.write(CLEAR + text)
    sys.stderr.flush()


def line(octets: int, total: int | None, seconds: float) -> str:
    """What is said: `1.2 of 4.0 GB, 30 %, 850 MB/s, 3 s left`."""
    rate = octets / seconds if seconds else 0
    pace = f"{amount(rate)}/s"
    if not total:
        return f"{amount(octets)} read, {pace}"
    left = f", {duration((total - octets) / rate)} left" if rate else ""
    return f"{amount(octets)} of {amount(total)}, {100 * octets // total} %, {pace}{left}"


def amount(octets: float) -> str:
    """So many octets, in a unit that fits."""
    power = 0
    while octets >= 1000 and power < len(UNITS) - 1:
        octets /= 1000
        power += 1
    return f"{octets:.0f} {UNITS[power]}" if octets >= 100 or power == 0 else f"{octets:.1f} {UNITS[power]}"


def duration(seconds: float) -> str:
    """So many seconds, as one reads them."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
