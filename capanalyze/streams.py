"""The standard streams, made safe to use: whatever stands behind them, and where nothing does.

A program can be started with any of them closed. Python has None for such a stream then, and the first file to be
opened would get its descriptor: what is printed would end in that file.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO

# The null device stands in for what is closed, in the order of descriptors. Reading from standard input and writing
# to standard output fail there as they would on a closed descriptor; what goes to stderr is dropped, for there is no
# other place to complain.
STAND_INS = (("stdin", os.O_WRONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))
_closed: set[str] = set()


def prepare_streams() -> None:
    """Give every closed stream a descriptor of its own, and let no character be one that cannot be printed."""
    for name, flags, mode in STAND_INS:
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, flags)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
            _closed.add(name)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def is_stdout_closed() -> bool:
    """Whether the program was started with standard output closed."""
    return "stdout" in _closed


def print_error(line: str) -> None:
    """Print a line on stderr; where that fails too, the exit status has to tell all."""
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError:
        forget(sys.stderr)


def flush_or_forget(stream: TextIO) -> None:
    """Print what a stream still holds, where it can be printed."""
    try:
        stream.flush()
    except OSError:
        forget(stream)


def forget(stream: TextIO) -> None:
    """Drop what a stream could not write: the interpreter would try once more when it ends, and fail."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
