"""Where compiled code is kept: a folder of the user's cache, named after a digest of the sources and the machine.

A change to any function that a stage calls gives a new name.
"""

import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

SUFFIX = ".o"
KEPT = 30 * 24 * 3600  # seconds: another version of the program may still use its own cache
FOLDER = Path(__file__).resolve().parent
# Where the stages are, and all that they are made of.
SOURCES = (
    *("buffers.py", "compiler.py", "packets/*.py", "protocols/*.py", "exchanges/*.py"),
    "report/row_*.py",
)


@cache
def sources_digest() -> str:
    """What the compiled code depends on, as a few hexadecimal digits."""
    from llvmlite import binding as llvm

    made_by = version("numba"), version("llvmlite"), version("numpy"), sys.version
    made_for = llvm.get_default_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    digest = hashlib.sha256(repr((made_by, made_for)).encode())
    for source in sorted(source for pattern in SOURCES for source in FOLDER.glob(pattern)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def folder_of() -> Path:
    """The folder for this state of the sources, whether it is there or not."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    return Path(base) / "capanalyze" / sources_digest()


def load(stage: str) -> bytes | None:
    """A stage's machine code, None where it is not there."""
    try:
        return (folder_of() / f"{stage}{SUFFIX}").read_bytes()
    except OSError:
        return None


def keep(stage: str, code: bytes) -> None:
    """Keep a stage's machine code, if there is a place for it; whoever reads meanwhile sees all of it or nothing."""
    folder = cache_folder()
    if folder is None:
        return
    made = folder / f"{stage}.{os.getpid()}"
    try:
        made.write_bytes(code)
        made.replace(folder / f"{stage}{SUFFIX}")
    except OSError:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)


def is_filled(stages: Iterable[str]) -> bool:
    """Whether compiled code of these stages is there."""
    folder = folder_of()
    return all((folder / f"{stage}{SUFFIX}").exists() for stage in stages)


def cache_folder() -> Path | None:
    """The folder, made where it is missing; those of old versions go. None if nothing can be kept."""
    wanted = folder_of()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        os.utime(wanted)
        for other in wanted.parent.iterdir():
            if other.is_dir() and time.time() - other.stat().st_mtime > KEPT:
                shutil.rmtree(other, ignore_errors=True)
    except OSError:
        return None
    return wanted
