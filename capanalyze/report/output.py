"""Where a report goes. A file appears whole or not at all; standard output streams.

A file is written under another name in its own folder and then takes its place by `os.replace`, so that
a reader never meets half a file and a failed run leaves the old one as it was.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from capanalyze.errors import OutputError

STDOUT = "-"


@contextlib.contextmanager
def binary_output(path: str | os.PathLike[str] | None) -> Iterator[BinaryIO]:
    """A binary file to write to, in place once the block has ended well; `-` or None is standard output."""
    if path is None or os.fspath(path) == STDOUT:
        with _standard_output():
            yield sys.stdout.buffer
    else:
        with _naming(path), _whole(path) as place, place.open("wb") as file:
            yield file


def write_whole(path: Path, octets: bytes) -> Path:
    """Write a whole file at once; returns its path."""
    with binary_output(path) as file:
        file.write(octets)
    return path


def make_folder(path: Path) -> Path:
    """Make a folder and its parents; one that exists is fine, a file in its place is not."""
    with _naming(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise OutputError(f"{path}: is a file, and a folder is needed") from None
    return path


def remove(path: Path) -> None:
    """Remove a file, if there is one."""
    with _naming(path):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{os.fspath(path)}: {error.strerror or error}") from error


@contextlib.contextmanager
def _standard_output() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (`| head`): for the command to end quietly on, not an error.
        raise
    except OSError as error:
        raise OutputError(f"standard output: {error.strerror or error}") from error


@contextlib.contextmanager
def _whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Where to write what shall be at `path` when the block has ended well."""
    final = Path(os.path.realpath(path))
    if final.exists() and not final.is_file():
        # A device or a pipe: a file must not take its place. (A folder fails when it is opened.)
        yield final
        return
    # Made by ourselves and not by tempfile, whose files are private whatever the umask says.
    temporary = final.with_name(f".capanalyze-{os.urandom(6).hex()}")
    try:
        temporary.touch(exist_ok=False)
        if final.exists():
            temporary.chmod(stat.S_IMODE(final.stat().st_mode))
        yield temporary
        temporary.replace(final)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
