"""What the program is at, on a terminal: how far reading has come, or what it waits for. Elsewhere nothing is said."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from functools import cache
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.spinner import Spinner

FIRST = 0.5  # seconds before anything is said: most captures are read by then
EVERY = 0.1
CLEAR = "\r\x1b[K"
UNITS = ("octets", "kB", "MB", "GB", "TB")


class Line:
    """The one line on stderr. What waits takes it away itself: rows may be printed right behind the wait.

    Attributes:
        waits: what the program waits for, the latest last.
    """

    def __init__(self) -> None:
        self.waits: list[str] = []
        self._lock = Lock()
        self._is_shown = False

    def show(self, text_of: Callable[[list[str]], str]) -> None:
        """Say what `text_of` makes of the waits; an empty text takes the line away."""
        with self._lock:
            text = text_of(self.waits)
            if text or self._is_shown:
                sys.stderr.write(CLEAR + text)
                sys.stderr.flush()
            self._is_shown = bool(text)

    def end(self, wait: str) -> None:
        """A wait is over."""
        self.waits.remove(wait)
        self.show(lambda _: "")


_line = Line()


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Say that the program waits for something, and not how far reading has come, as long as the block runs."""
    _line.waits.append(what)
    try:
        yield
    finally:
        _line.end(what)


@contextmanager
def progress(read: Callable[[], int] | None, total: int | None, *, quiet: bool = False) -> Iterator[None]:
    """Show how far reading has come as long as the block runs.

    Args:
        read: tells how many octets were read by now; without it, only waits are shown.
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


def _show(read: Callable[[], int] | None, total: int | None, over: Event) -> None:
    """What the thread does."""
    seconds = 0.0  # of reading
    last = time.monotonic()
    pause = FIRST

    def text_of(waits: list[str]) -> str:
        if waits:
            return spinning(waits[-1], last)
        octets = read() if read else 0
        return line(octets, total, seconds) if read and octets != total else ""

    while not over.wait(pause):
        now = time.monotonic()
        seconds += 0 if _line.waits else now - last
        last, pause = now, EVERY
        _line.show(text_of)
    _line.show(lambda _: "")


def spinning(what: str, seconds: float) -> str:
    """A spinner, as it looks at a time, and what is being done."""
    spinner = _spinner((sys.stderr.encoding or "").lower().startswith("utf"))
    return f"{spinner.frames[int(1000 * seconds / spinner.interval) % len(spinner.frames)]} {what}"


@cache
def _spinner(dots: bool) -> Spinner:
    from rich.spinner import Spinner

    return Spinner("dots" if dots else "line")


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
