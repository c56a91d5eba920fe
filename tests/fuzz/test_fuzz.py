"""Each target runs for a few seconds; what a target may find is found."""

from pathlib import Path

import pytest

from tests.fuzz import run
from tests.fuzz.run import TARGETS, built, run_plain

SECONDS = 4
LEAST = 100  # inputs


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(None, tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found_within_seconds(target: str, library: Path, tmp_path: Path) -> None:
    done = run_plain(library, target, tmp_path, SECONDS)
    assert done.passed, done.text
    assert done.executions > LEAST


def test_an_input_that_stops_the_program_is_kept(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "write_seeds", lambda *_: seeds(tmp_path))
    done = run_plain(library, "fault", tmp_path, SECONDS)
    assert not done.passed
    assert "wrong: a planted fault" in done.text
    assert (tmp_path / "crash").read_bytes() == b"octets"


def seeds(folder: Path) -> Path:
    place = folder / "seeds"
    place.mkdir()
    (place / "one").write_bytes(b"octets")
    return place
