"""What a finding discloses is what the client's own programs printed: ntpdate, nmblookup, dig."""

import re
from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from tests.conftest import PCAPS, SHARED

FOLDERS = (PCAPS / "leopard", SHARED / "captures" / "lab")
ZONES = {"lan": "en0", "internet": "ppp0"}
NAME = re.compile(r"^\t(\S+) +<([0-9a-f]{2})> -", re.MULTILINE)
STRATUM = re.compile(r"^\S+ \S+ \(\+0000\) .* s(\d+) ", re.MULTILINE)
INSTANCE = re.compile(r"^_ssh\._tcp\.local\.\s+\d+\s+IN\s+PTR\s+(\S+)\.$", re.MULTILINE)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("folder", FOLDERS, ids=["leopard", "lab"])
def test_block_all_discloses_what_the_clients_read(folder: Path, zone: str) -> None:
    printed = folder / f"block-all.{zone}.probes.txt"
    if not printed.exists():
        pytest.skip(f"{printed.name} is not here")
    text = printed.read_text("utf-8", "replace")
    found = analyze(audit_of([str(folder / f"block-all.{ZONES[zone]}.pcap")])).findings
    told = {one.service: {(fact.kind, fact.value) for fact in one.disclosures} for one in found}
    names = {f"{name}<{suffix}>" for name, suffix in NAME.findall(text)}
    assert "..__MSBROWSE__.<01>" in names
    assert {value.split()[0] for kind, value in told["nbns"] if kind == "name"} == names
    assert ("name", "..__MSBROWSE__.<01> group: master browser") in told["nbns"]
    assert {value for kind, value in told["ntp"] if kind == "stratum"} == set(STRATUM.findall(text))
    assert {value for kind, value in told["mdns"] if kind == "instance"} == set(INSTANCE.findall(text))
