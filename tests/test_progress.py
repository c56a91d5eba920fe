"""How far reading has come, on a terminal only."""

import io
import sys
import time

import pytest

from capanalyze import progress as module
from capanalyze.progress import CLEAR, amount, duration, line, progress


class Terminal(io.StringIO):
    """Where somebody watches."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("octets", "words"),
    [(0, "0 octets"), (999, "999 octets"), (1000, "1.0 kB"), (123_456, "123 kB"), (4e9, "4.0 GB"), (5e15, "5000 TB")],
)
def test_amounts_have_a_unit_that_fits(octets: float, words: str) -> None:
    assert amount(octets) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7322, "2 h 2 min")])
def test_durations_are_short(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("octets", "total", "words"),
    [
        (1_200_000_000, 4_000_000_000, "1.2 GB of 4.0 GB, 30 %, 600 MB/s, 5 s left"),
        (0, 100, "0 octets of 100 octets, 0 %, 0 octets/s"),
        (1000, None, "1.0 kB read, 500 octets/s"),
    ],
)
def test_the_line_says_octets_percent_rate_and_time_left(octets: int, total: int | None, words: str) -> None:
    assert line(octets, total, 2.0) == words


def watched(monkeypatch: pytest.MonkeyPatch, terminal: io.StringIO, awaited: str, *, quiet: bool = False) -> str:
    """All that was said until the awaited words were, or could have been."""
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(module, "FIRST", 0.01)
    monkeypatch.setattr(module, "EVERY", 0.01)
    patience = 5 if terminal.isatty() and not quiet else 0.1
    with progress(lambda: 5, 10, quiet=quiet):
        end = time.monotonic() + patience
        while awaited not in terminal.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    return terminal.getvalue()


def test_a_terminal_shows_it_and_is_left_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    text = watched(monkeypatch, Terminal(), "50 %")
    assert "5 octets of 10 octets, 50 %" in text
    assert text.endswith(CLEAR)


def test_elsewhere_and_quietly_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched(monkeypatch, io.StringIO(), "x") == ""
    assert watched(monkeypatch, Terminal(), "x", quiet=True) == ""
