"""The folder of a report is named after what was examined, plainly, and never lies on its own evidence."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.escape import printable
from capanalyze.folder import LONGEST, default_folder, slug

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    ("asked", "folder"),
    [
        (["-"], "stdin-report"),
        (["leopard.toml"], "leopard-report"),
        (["x/block-all.ppp0.pcap"], "block-all.ppp0-report"),
        (["cap.pcap.gz"], "cap-report"),
        (["cap.pcap0"], "cap-report"),
        (["cap.pcap03.zst", "cap.pcap04"], "cap-report"),
        (["test1.pcap", "test2.pcap"], "test1-report"),
        (["cap-20071029-101306.pcap"], "cap-20071029-101306-report"),
        (["cap-20071029-101306.pcap", "other.pcap"], "cap-20071029-101306-report"),
        (["cap-20071029-101306.pcap", "cap-20071029-101406.pcap"], "cap-report"),
        (["block-all.ppp0.20071029-101306.pcap3", "block-all.ppp0.20071029-101306.pcap4.gz"], "block-all.ppp0-report"),
        (["cap_00001_20071029101306.pcapng", "cap_00002_20071029101406.pcapng"], "cap-report"),
        (["20071029-101306.pcap", "20071029-101406.pcap"], "20071029-101306-report"),
        ([".hidden.pcap"], "hidden-report"),
        (["-x.pcap"], "x-report"),
        (["\x1b[31m\u202e.pcap"], "31m-report"),
        (["….pcap"], "capture-report"),
    ],
)
def test_a_capture_gives_its_name(asked: list[str], folder: str) -> None:
    assert default_folder(asked) == Path(folder)


@pytest.mark.parametrize(
    ("title", "folder"),
    [
        ("Leopard firewall", "leopard-firewall-report"),
        ("  ../../etc/passwd\n", "etc-passwd-report"),
        ("Größe: „Büro“ (2. Stock)", "größe-büro-2.-stock-report"),
        ("Bu\u0308ro", "büro-report"),
        ("ファイアウォール 第１版", "ファイアウォール-第１版-report"),
        ("हिन्दी", "हिन्दी-report"),
        ("a\u3164b\u200bc\x1bd\ufe0f", "a-b-c-d-report"),
        ("…!…", "audits-report"),
        ("", "audits-report"),
        ("x" * 99, "x" * 53 + "-report"),
        ("y" * 52 + " z", "y" * 52 + "-report"),
    ],
)
def test_an_audit_gives_its_title_else_its_folder(title: str, folder: str) -> None:
    assert default_folder(["/srv/audits/audit.toml"], title) == Path(folder)


def test_the_working_directory_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Office audit" / "old").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "Office audit" / "old")
    assert default_folder(["audit.toml"]) == Path("old-report")
    assert default_folder(["../audit.toml"]) == Path("Office-audit-report")
    assert default_folder(["/audit.toml"]) == Path("audit-report")


def test_the_evidence_of_a_report_does_not_overwrite_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leopard-report").mkdir()
    assert default_folder(["leopard-report/evidence.toml"], "Leopard") == Path("evidence-report")
    assert default_folder(["other/evidence.toml"], "Leopard") == Path("leopard-report")
    assert default_folder(["capture-report/….pcap"]) == Path("capture-report")


@given(ANY_TEXT)
def test_a_slug_is_a_plain_name(text: str) -> None:
    found = slug(text)
    assert len(found) + len("-report") <= LONGEST
    assert printable(found) == found
    assert not {"/", " ", "\\"} & set(found)
    assert "--" not in found
    assert not found.startswith(("-", "."))
    assert not found.endswith(("-", "."))
