"""Runs pytest with another build of the core in the place of the installed one; `test_builds` does.

`python -m tests.core.with_build LIBRARY PYTEST-ARGUMENT…`
"""

import sys
from pathlib import Path

import pytest

import capanalyze.core
from tests.core import MODULE, load


def main(library: str, *arguments: str) -> int:
    """Whoever imports the core from now on gets this one."""
    core = load(Path(library))
    sys.modules[MODULE] = core
    vars(capanalyze.core)["core"] = core
    return pytest.main([*arguments])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
