"""`python -m tests.fuzz TARGET --seconds N`: `records`, `match` or `pairing`.

With clang and its libFuzzer the core is built with them, and what an input reaches guides which come next; seeds and
findings are kept in `build/fuzz/TARGET`. Elsewhere, or with `--plain`, seeds are changed by chance.
"""

import argparse
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.fuzz.run import TARGETS, fuzz


def main() -> int:
    """Run a target; 1 where it found a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--plain", action="store_true", help="without libFuzzer")
    asked = parser.parse_args()
    done = fuzz(asked.target, Path(ROOT, "build", "fuzz"), asked.seconds, guided=not asked.plain)
    print(done.text)  # noqa: T201 - what was asked for
    return 0 if done.passed else 1


if __name__ == "__main__":
    sys.exit(main())
