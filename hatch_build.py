"""Builds the compiled core: Cython makes C of it, this machine's C compiler or zig's a library of that."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("capanalyze/core/core.pyx")
MODULE = "capanalyze.core.core"
# Functions that begin at lines of the cache: else a change anywhere may slow down loops everywhere, by a tenth.
FLAGS = ("-O2", "-fno-strict-aliasing", "-fvisibility=hidden", "-g0", "-falign-functions=64")
DIRECTIVES = {"cdivision": True}  # for .pxd files too, which a directive in the .pyx file does not reach
MICROSOFT = sys.platform == "win32"


def has_compiler() -> bool:
    """Whether this machine has a C compiler."""
    names = (os.environ.get("CC", "").split()[:1] or ["cc", "gcc", "clang"]) if not MICROSOFT else []
    return MICROSOFT or any(map(shutil.which, names))


def check_headers() -> None:
    """Refuse to build where Python's C headers are missing, and say which package brings them."""
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.exists():
        raise SystemExit(f"capanalyze: {header} is missing: install Python's headers (python3-dev or python3-devel)")


def build(root: Path, folder: Path, flags: tuple[str, ...] = ()) -> Path:
    """Build the core below `folder`, with further compiler flags; returns the library."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    check_headers()
    if not has_compiler():
        os.environ["CC"] = f"{sys.executable} -m ziglang cc"
        os.environ["LDSHARED"] = f"{os.environ['CC']} -shared"
    extension = Extension(MODULE, [str(root / SOURCE)])
    modules = cythonize(
        [extension],
        build_dir=str(folder / "c"),
        include_path=[str(root)],
        compiler_directives=DIRECTIVES,
        force=True,
        quiet=True,
    )
    for module in modules:  # only now: Cython keeps what it was given for the next build of this process
        module.extra_compile_args = [] if MICROSOFT else [*FLAGS, *flags]
        module.extra_link_args = [*flags]
    distribution = Distribution({"name": "capanalyze", "ext_modules": modules})
    command = distribution.get_command_obj("build_ext")
    command.build_lib, command.build_temp, command.force = str(folder / "lib"), str(folder / "temp"), True
    command.ensure_finalized()
    command.run()
    return Path(command.get_ext_fullpath(MODULE))


class Hook(BuildHookInterface):  # type: ignore[type-arg]
    """Has the core built whenever the package is."""

    def dependencies(self) -> list[str]:
        """What the build needs."""
        return ["cython>=3.1", "setuptools>=77", *([] if has_compiler() else ["ziglang"])]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the core and put it into the wheel, or beside its source where that is what is imported."""
        root = Path(self.root)
        library = build(root, root / "build")
        build_data["infer_tag"] = True
        build_data["pure_python"] = False
        if version == "editable":
            shutil.copy(library, root / SOURCE.parent)
        else:
            build_data["force_include"][str(library)] = str(SOURCE.parent / library.name)


if __name__ == "__main__":  # builds the core anew beside its source, for an editable installation
    here = Path(__file__).resolve().parent
    shutil.copy(build(here, here / "build"), here / SOURCE.parent)
