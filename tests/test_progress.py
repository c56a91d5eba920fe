"""How far reading has come, and what is waited for: on a terminal only."""

import io
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from capanalyze import compiled
from capanalyze import progress as module
from capanalyze.progress import CLEAR, amount, duration, line, progress, spinning, waiting_for


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


def watched(
    monkeypatch: pytest.MonkeyPatch,
    terminal: io.StringIO,
    awaited: str,
    *,
    wait: str = "",
    is_read: bool = True,
    quiet: bool = False,
) -> str:
    """All that was said until the awaited words were, or could have been."""
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(module, "FIRST", 0.01)
    monkeypatch.setattr(module, "EVERY", 0.01)
    patience = 5 if terminal.isatty() and not quiet else 0.1
    with progress((lambda: 5) if is_read else None, 10, quiet=quiet), waiting_for(wait) if wait else nullcontext():
        end = time.monotonic() + patience
        while awaited not in terminal.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    return terminal.getvalue()


def test_a_terminal_shows_it_and_is_left_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    text = watched(monkeypatch, Terminal(), "50 %")
    assert "5 octets of 10 octets, 50 %" in text
    assert text.endswith(CLEAR)


@pytest.mark.parametrize("is_read", [True, False])
def test_a_wait_turns_and_says_for_what_instead_of_a_time_left(is_read: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    text = watched(monkeypatch, Terminal(), "| compiling", wait="compiling", is_read=is_read)
    said = set(text.split(CLEAR)) - {""}
    assert said >= {"| compiling"}
    assert said <= {f"{mark} compiling" for mark in "-\\|/"}
    assert text.endswith(CLEAR)


def test_a_wait_that_is_over_leaves_the_terminal_clear_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(module, "FIRST", 0.01)
    with progress(None, None):
        with waiting_for("the compiler"):
            end = time.monotonic() + 5
            while "the compiler" not in terminal.getvalue() and time.monotonic() < end:
                time.sleep(0.01)
        text = terminal.getvalue()
        assert "the compiler" in text
        assert text.endswith(CLEAR)
        time.sleep(0.05)
        assert terminal.getvalue() == text


def test_the_spinner_is_one_that_the_terminal_can_show(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, marks in (("utf-8", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"), ("latin-1", "-\\|/")):
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
        assert {spinning("x", number / 50)[0] for number in range(100)} == set(marks)


@pytest.mark.parametrize("wait", ["", "compiling"])
def test_elsewhere_and_quietly_nothing_is_said(wait: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched(monkeypatch, io.StringIO(), "x", wait=wait) == ""
    assert watched(monkeypatch, Terminal(), "x", wait=wait, quiet=True) == ""


def test_compiling_is_such_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[str] = []

    def machine_code(function: Callable[..., int], _name: str) -> bytes:
        waits.extend(module._line.waits)  # noqa: SLF001 - nobody else knows them
        return b""

    monkeypatch.setattr("capanalyze.compiler.machine_code", machine_code)
    monkeypatch.setattr("capanalyze.cache.load", lambda _: None)
    monkeypatch.setattr("capanalyze.cache.keep", lambda *_: None)
    monkeypatch.setattr(compiled, "Stage", lambda *_: None)
    monkeypatch.setattr(compiled, "_stages", {})
    compiled.stage(len)
    assert waits == ["compiling capanalyze for this machine, only this once: len"]
    assert not module._line.waits  # noqa: SLF001
