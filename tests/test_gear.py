"""When stages are compiled: once a capture is large enough to repay it."""

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


@pytest.mark.parametrize("compiled", [False, True])
def test_it_may_be_fixed(compiled: bool) -> None:
    one = Gear(0 if compiled else LARGE, compiled=compiled)
    one.read(LARGE)
    assert one.compiled == compiled


def test_plain_stages_are_as_they_stand() -> None:
    assert Gear()(stage) is stage
