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


def name_of(path: Path) -> str:
    return path.name.removesuffix(".expect.json")


@pytest.mark.skipif(not CASES, reason="the captures of faults are not at hand")
@pytest.mark.parametrize("path", CASES, ids=name_of)
def test_the_answer_is_right(path: Path, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    command = [sys.executable, str(SCORE), str(PROGRAM), str(path.parent), "--only", path.name, "--json", str(result)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.exists(), done.stderr
    held = json.loads(result.read_text())[name_of(path)]
    assert held["kind"] == json.loads(path.read_text())["kind"]
    assert held["problems"] == []
