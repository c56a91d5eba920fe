"""Plain or compiled: the stages begin as they stand and are compiled once a capture is large enough to repay it."""

from __future__ import annotations

import sys
from subprocess import DEVNULL, Popen
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Stage = Callable[..., int]

LARGE = 24 * 1024 * 1024  # octets from which compiling pays
LOADING = 128 * 1024  # and from which loading what was compiled before pays: some 50 ms
NEEDED = ("feed", "take", "judge")  # stages of any large capture
# A process of its own, for compiling takes Python's lock.
COMPILE = (sys.executable, "-m", "capanalyze.compiled")


class Gear:
    """Hands out the stages of one run.

    Args:
        octets: size of the captures, as far as it is known.
        compiled: True or False: whatever is read.
        live: the capture is being made: compiling must not keep it waiting, so that it runs beside until `close`.
    """

    def __init__(self, octets: int = 0, *, compiled: bool | None = None, live: bool = False) -> None:
        self.compiled = bool(compiled)
        self._fixed = compiled is not None
        self._live = live
        self._octets = 0
        self._compiling: Popen[bytes] | None = None
        self.read(octets)
        self._octets = 0

    def read(self, octets: int) -> None:
        """So many more octets were read."""
        self._octets += octets
        if self._compiling and self._compiling.poll() is not None:
            self._compiling = None
            self.compiled = _is_ready()
        if self.compiled or self._fixed or self._octets < LOADING:
            return
        if _is_ready():
            self.compiled = True
        elif self._octets >= LARGE:
            self._fixed = True
            if self._live:
                self._compiling = Popen(COMPILE, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
            else:
                self.compiled = True

    def close(self) -> None:
        """Compile no more."""
        if self._compiling:
            self._compiling.kill()
            self._compiling.wait()
            self._compiling = None

    def __call__(self, function: Stage) -> Stage:
        """A stage, to be run over buffers."""
        if not self.compiled:
            return function
        from capanalyze.compiled import stage

        return stage(function)


def _is_ready() -> bool:
    """Whether compiled code lies in the cache."""
    from capanalyze.cache import is_filled

    return is_filled(NEEDED)
