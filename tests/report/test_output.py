"""A file appears whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from capanalyze.errors import OutputError
from capanalyze.report import REPORTERS, write_report
from capanalyze.report.graphs import GRAPHS
from capanalyze.report.output import binary_output, make_folder, write_whole

from . import sample


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_appears_before_the_end(tmp_path: Path) -> None:
    with binary_output(tmp_path / "whole") as file:
        file.write(b"half")
        file.flush()
        assert not (tmp_path / "whole").exists()
        file.write(b" and half")
    assert (tmp_path / "whole").read_bytes() == b"half and half"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(type(error)), binary_output(path) as file:  # noqa: PT012
        file.write(b"new")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["report.json"]


def test_a_full_disk_is_one_sentence_naming_the_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with pytest.raises(OutputError) as raised, binary_output(path) as file:  # noqa: PT012
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(raised.value) == f"{path}: No space left on device"
    assert names(tmp_path) == []


def test_a_file_that_cannot_take_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="Operation not permitted"):
        write_whole(tmp_path / "x", b"")
    assert names(tmp_path) == []


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_umask_counts(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "x", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


def test_a_private_file_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    path.chmod(0o600)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_keeps_pointing_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_whole(Path(os.devnull), b"gone")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("path", ["-", None])
def test_standard_output(path: str | None, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with binary_output(path) as file:
        file.write(b"octets\n")
    assert capfdbinary.readouterr().out == b"octets\n"


def test_a_full_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        with (
            pytest.raises(OutputError, match="standard output: No space"),
            binary_output(None) as file,
        ):
            file.write(b"x")
        with pytest.raises(OSError, match="No space"):
            full.close()


def test_a_reader_that_has_gone_is_no_error_of_ours() -> None:
    with pytest.raises(BrokenPipeError), binary_output("-"):
        raise BrokenPipeError


def test_a_folder_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "report").touch()
    with pytest.raises(OutputError, match="is a file"):
        make_folder(tmp_path / "report")
    with pytest.raises(OutputError, match="Not a directory"):
        make_folder(tmp_path / "report" / "graphs")


def test_a_file_where_a_folder_stands(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Is a directory"):
        write_whole(tmp_path, b"")


def test_a_report_is_written_into_a_folder_old_or_new(tmp_path: Path) -> None:
    folder = tmp_path / "audits" / "report"
    graphs = [f"{graph.name}.{form}" for graph in GRAPHS for form in ("png", "svg")]
    for _ in range(2):
        written = write_report(sample.article(), folder, REPORTERS)
        assert [path.relative_to(folder).as_posix() for path in written] == [
            "report.html",
            "report.json",
            *(f"graphs/{name}" for name in sorted(graphs)),
        ]
        assert names(folder) == ["graphs", "report.html", "report.json"]
        assert names(folder / "graphs") == sorted(graphs)


def test_only_what_is_asked_for_is_written(tmp_path: Path) -> None:
    assert write_report(sample.article(), tmp_path, ["json"]) == [tmp_path / "report.json"]
    assert names(tmp_path) == ["report.json"]


def test_a_form_that_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="pdf: no such form"):
        write_report(sample.article(), tmp_path / "report", ["pdf"])
    assert names(tmp_path) == []


def test_an_earlier_graph_does_not_stay(tmp_path: Path) -> None:
    stale = tmp_path / "graphs" / f"{GRAPHS[0].name}.svg"
    stale.parent.mkdir()
    stale.touch()
    (tmp_path / "graphs" / "of-the-user.svg").touch()
    write_report(sample.empty(), tmp_path, ["graphs"])
    assert names(tmp_path / "graphs") == ["of-the-user.svg"]


def test_the_same_analysis_gives_the_same_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_report(sample.article(), tmp_path / folder, REPORTERS)
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path
