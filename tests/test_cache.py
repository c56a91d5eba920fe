"""Where compiled code is kept."""

import inspect
import os
from pathlib import Path

import pytest

from capanalyze import cache, compiler
from capanalyze.gear import NEEDED


def test_compiled_code_is_kept_in_a_folder_of_its_own_and_old_folders_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache.cache_folder()
    assert folder
    assert folder.parent == tmp_path / "capanalyze"
    old, young = folder.parent / "0", folder.parent / "1"
    for other in (old, young):
        other.mkdir()
    os.utime(old, (0, 0))
    assert cache.cache_folder() == folder
    assert sorted(folder.parent.iterdir()) == sorted([folder, young])


def test_without_a_place_to_keep_it_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert cache.cache_folder() is None
    cache.keep("scan", b"code")
    assert cache.load("scan") is None


def test_a_cache_is_ready_once_all_stages_lie_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert not cache.is_filled(["scan"])
    assert cache.load("scan") is None
    cache.keep("scan", b"code")
    assert cache.load("scan") == b"code"
    assert cache.is_filled(["scan"])
    assert not cache.is_filled(["scan", "feed"])


def test_each_stage_has_a_name_of_its_own() -> None:
    names = [stage.__name__ for stage in compiler.stages()]
    assert len(names) == len(set(names)) > 5
    assert set(NEEDED) <= set(names)


def test_every_stage_is_made_of_sources_that_the_digest_knows() -> None:
    """A compiled function may call only what lies in its own module or in others of the list."""
    known = {source for pattern in cache.SOURCES for source in cache.FOLDER.glob(pattern)}
    for module in compiler.MODULES:
        assert Path(str(module.__file__)) in known
        for name, thing in vars(module).items():
            source = Path(inspect.getsourcefile(thing) or "") if inspect.isfunction(thing) else None
            ours = source is not None and source.is_relative_to(cache.FOLDER)
            assert not ours or source in known, (module.__name__, name)
