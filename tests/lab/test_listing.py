"""What the recordings' READMEs say of their files, and that they stay small."""

from pathlib import Path

import pytest

from tests.conftest import PCAPS
from tests.lab.listing import BEGIN, END, renew, renewed
from tests.lab.settings import SETTINGS

FOLDERS = sorted(path.parent for path in PCAPS.glob("*/audit.toml"))
LIMIT = 5_000_000


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_is_in_the_readme_with_its_size_and_hash(folder: Path) -> None:
    readme = folder / "README.md"
    assert BEGIN in readme.read_text()
    assert renewed(readme) == readme.read_text()


def test_every_setting_is_recorded_and_every_folder_has_its_line() -> None:
    overview = (PCAPS / "README.md").read_text()
    for setting in SETTINGS:
        assert f"[`{setting.folder}/`]({setting.folder}/README.md)" in overview
        assert list((PCAPS / setting.folder).glob(f"{setting.name}.*.truth.tsv")), setting.name
        for name in setting.interfaces:
            assert (PCAPS / setting.folder / f"{setting.name}.{name}.pcap").exists()


def test_all_of_it_is_small() -> None:
    assert sum(path.stat().st_size for path in PCAPS.rglob("*") if path.is_file()) < LIMIT


def test_a_table_is_written_anew(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "a.txt").write_text("a\n")
    (folder / "README.md").write_text(f"# One\n\n{BEGIN}\nold\n{END}\nafter\n")
    assert renew(tmp_path) == [folder / "README.md"]
    text = (folder / "README.md").read_text()
    assert "| `a.txt` | 2 | `87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7` |\n" in text
    assert "old" not in text
    assert text.endswith(f"{END}\nafter\n")
