"""Messages on their way in and rows on their way out, in the builds that notice a read or write outside."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.core import build_with
from tests.core.test_builds import Kind, kind
from tests.core.write_rows import seen

__all__ = ["kind"]  # the fixture: both builds

CHILD = Path(__file__).parent / "write_rows.py"


def test_nothing_is_written_outside_of_its_room(kind: Kind) -> None:
    library = build_with(*kind.flags)
    done = subprocess.run(
        [sys.executable, str(CHILD), str(library)],
        env=os.environ | kind.environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout.splitlines() == seen()
