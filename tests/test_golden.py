"""Outputs as they were last read and found good: `pytest --update-golden` rewrites them, the diff is read."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from capanalyze.cli import main
from tests.conftest import PCAPS

GOLDEN = Path(__file__).parent / "golden"
LEOPARD = PCAPS / "leopard"
OUTPUTS = {
    "leopard.txt": ("report", "--format", "", "--depth", "off", LEOPARD / "audit.toml"),
    "block-all.ppp0.txt": ("report", "--format", "", "--depth", "off", LEOPARD / "block-all.ppp0.pcap"),
    "block-all.ppp0.table.txt": ("exchanges", LEOPARD / "block-all.ppp0.pcap"),
    "block-all.en0.jsonl": ("exchanges", "--format", "jsonl", "--disclosures", LEOPARD / "block-all.en0.pcap"),
    "allow-all.en0.csv": ("exchanges", "--format", "csv", "--target", "198.51.100.10", LEOPARD / "allow-all.en0.pcap"),
    "services.txt": ("services",),
    "modes.txt": ("modes",),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_output_is_as_it_was(name: str, update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    result = CliRunner().invoke(main, [str(word) for word in OUTPUTS[name]])
    assert result.exit_code == 0, result.stderr
    path = GOLDEN / name
    if update_golden:
        path.write_text(result.stdout, "utf-8")
    assert result.stdout == path.read_text("utf-8")
