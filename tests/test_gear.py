"""When stages are compiled: once a capture is large enough to repay it."""

import sys
from subprocess import PIPE, Popen

import pytest

from capanalyze import gear
from capanalyze.gear import LARGE, LOADING, Gear


def stage(_buffers: object, start: int, stop: int) -> int:
    return start + stop


@pytest.mark.parametrize(
    ("sizes", "filled", "compiled"),
    [
        ((LOADING - 1,), True, False),
        ((LOADING,), True, True),
        ((LOADING // 2, LOADING // 2), True, True),
        ((LARGE - 1,), False, False),
        ((LARGE - LOADING, LOADING), False, True),
    ],
)
def test_what_is_read_decides(
    sizes: tuple[int, ...], filled: bool, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gear, "_is_ready", lambda: filled)
    one = Gear()
    for size in sizes:
        one.read(size)
    assert one.compiled == compiled


def test_a_size_known_before_decides_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gear, "_is_ready", lambda: False)
    assert Gear(LARGE).compiled
    small = Gear(LARGE - 1)
    small.read(LARGE - 1)
    assert not small.compiled


@pytest.mark.parametrize("filled", [True, False], ids=["done", "in vain"])
def test_a_live_capture_does_not_wait_for_the_compiler(filled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = iter([False, filled])
    monkeypatch.setattr(gear, "_is_ready", lambda: next(ready))
    monkeypatch.setattr(gear, "COMPILE", (sys.executable, "-c", "input()"))
    started: list[Popen[bytes]] = []

    def start(command: tuple[str, ...], **_: object) -> Popen[bytes]:
        started.append(Popen(command, stdin=PIPE))
        return started[-1]

    monkeypatch.setattr(gear, "Popen", start)
    one = Gear(live=True)
    one.read(LARGE)
    one.read(LARGE)
    assert not one.compiled
    started[0].communicate(b"\n")
    one.read(1)
    assert one.compiled == filled
    one.read(LARGE)
    assert len(started) == 1


def test_the_compiler_ends_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gear, "_is_ready", lambda: False)
    monkeypatch.setattr(gear, "COMPILE", (sys.executable, "-c", "import time; time.sleep(60)"))
    one = Gear(LARGE, live=True)
    process = one._compiling  # noqa: SLF001 - nobody else knows it
    assert process
    assert process.poll() is None
    one.close()
    assert process.poll() is not None
    assert not one.compiled


@pytest.mark.parametrize("compiled", [False, True])
def test_it_may_be_fixed(compiled: bool) -> None:
    one = Gear(0 if compiled else LARGE, compiled=compiled)
    one.read(LARGE)
    assert one.compiled == compiled


def test_plain_stages_are_as_they_stand() -> None:
    assert Gear()(stage) is stage
