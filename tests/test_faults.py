"""Small captures of situations that are easily read wrongly, each with its right answer, through the whole program."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SHARED

CAPTURES = SHARED / "captures"
CASES = sorted((CAPTURES / "faults").rglob("*.expect.json"))
SCORE = CAPTURES / "fault_score.py"
PROGRAM = Path(sys.executable).with_name("capanalyze")

# What is known to be answered wrongly, by kind, and what is to mend it. Controls of every kind hold.
KNOWN = {
    "services that never answer": "a table of one-way services is to come",
    "an empty piece of a ring": "a piece without an octet is to be a piece",
    "one bad file among many": "--keep-going is to come",
    "a file that is no capture is named": "what a file is instead is to be named",
}


def name_of(path: Path) -> str:
    return path.name.removesuffix(".expect.json")


@pytest.fixture
def expected(path: Path, request: pytest.FixtureRequest) -> dict[str, object]:
    """The right answer; the test is expected to fail where its kind is known to be wrong."""
    found: dict[str, object] = json.loads(path.read_text())
    known = KNOWN.get(str(found["kind"]))
    if known and not found.get("control"):
        request.applymarker(pytest.mark.xfail(reason=f"{found['kind']}: {known}", strict=True))
    return found


@pytest.mark.skipif(not CASES, reason="the captures of faults are not at hand")
@pytest.mark.parametrize("path", CASES, ids=name_of)
def test_the_answer_is_right(path: Path, expected: dict[str, object], tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    command = [sys.executable, str(SCORE), str(PROGRAM), str(path.parent), "--only", path.name, "--json", str(result)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.exists(), done.stderr
    held = json.loads(result.read_text())[name_of(path)]
    assert held["kind"] == expected["kind"]
    assert held["problems"] == []
