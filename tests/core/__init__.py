"""What the tests of the compiled core share: builds of it and of small modules that use its headers."""

import atexit
import os
import shutil
import subprocess
import sysconfig
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tests.conftest import ROOT

MODULE = "capanalyze.core.core"
CHECKED = ("-DCORE_CHECKED",)
SANITIZED = (
    "-DCORE_UNCHECKED",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-fno-wrapv",  # Python's own flags let signed numbers wrap, and nobody would notice
)


def build(root: Path, folder: Path, flags: tuple[str, ...]) -> Path:
    """Have the core below `root` built as an installation builds it, or skip the test where that cannot be."""
    for needed in ("Cython", "setuptools"):
        pytest.importorskip(needed, reason=f"{needed} is needed to build the core")
    hook = pytest.importorskip("hatch_build", reason="hatchling is needed to build the core")
    if not hook.has_compiler():
        pytest.skip("there is no C compiler")
    library: Path = hook.build(root, folder, flags)
    return library


@cache
def build_with(*flags: str) -> Path:
    """Have the core built with these flags, once for all tests."""
    folder = Path(mkdtemp(prefix="capanalyze-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(ROOT, folder, flags)


def build_other(source: str, folder: Path, flags: tuple[str, ...] = ()) -> Path:
    """Have another source built in the core's place, with the same headers."""
    root = folder / "root"
    shutil.copytree(ROOT / "capanalyze", root / "capanalyze", ignore=all_but_headers)
    (root / "capanalyze" / "core" / "core.pyx").write_text(source)
    return build(root, folder, flags)


def all_but_headers(folder: str, names: list[str]) -> list[str]:
    """What is no folder, no header and no part of the core."""
    return [name for name in names if not name.endswith((".pxd", ".pxi")) and not Path(folder, name).is_dir()]


def load(library: Path) -> Any:
    """A library as a module; it does not become the one that `import` finds."""
    loader = ExtensionFileLoader(MODULE, str(library))
    spec = spec_from_loader(MODULE, loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def sanitizer() -> str:
    """The library that has to be loaded before all others, or skip the test."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if not shutil.which(compiler):
        pytest.skip("there is no C compiler")
    command = [compiler, "-print-file-name=libasan.so"]
    found = Path(subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip())
    if not found.is_absolute() or not found.exists():
        pytest.skip(f"{compiler} has no AddressSanitizer that could be loaded into Python")
    return str(found)
