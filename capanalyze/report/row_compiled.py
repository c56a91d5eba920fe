"""The stages of this package compiled: what they call is made known to numba, then they are like all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba.extending import register_jitable

from capanalyze.report import row_columns, row_text
from capanalyze.rules.stages import Stage, stage

if TYPE_CHECKING:
    from collections.abc import Callable

_known = False


def compiled(function: Callable[..., int]) -> Stage:
    """The compiled form of a stage of rows."""
    global _known  # noqa: PLW0603 - once a process
    if not _known:
        _known = True
        for module in (row_text, row_columns):
            for thing in vars(module).values():
                if callable(thing) and getattr(thing, "__module__", "") == module.__name__:
                    register_jitable(thing)
    return stage(function)
