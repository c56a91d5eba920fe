"""What does not change who captured something does not change the target from one certain host to another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from itertools import islice
from pathlib import Path

import pytest

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.errors import CapanalyzeError, TargetError
from capanalyze.exchanges.batch import words_of
from capanalyze.flow import find_exchanges
from capanalyze.model import Target
from capanalyze.target.addresses import is_one_host
from tests.conftest import PCAPS, SHARED
from tests.target.twins import Packet, ends_of, packets, renamed, without_macs, written

LARGEST = 4_000_000  # octets of a capture
ENDINGS = (".pcap", ".pcapng")
FOLDERS = (PCAPS, *(SHARED / "captures" / name for name in ("traps", "lab", "pairs", "faults")))
CAPTURES = sorted(
    path
    for folder in FOLDERS
    for path in folder.rglob("*")
    if path.suffix in ENDINGS and 0 < path.stat().st_size < LARGEST
)
CERTAIN = ("told", "shown")


def target_of(path: Path) -> Target | None:
    """The target of a capture by itself; None where nobody can tell, or nothing was asked."""
    try:
        found = analyze(audit_of([str(path)], mode="block-all")).target
    except TargetError:
        return None
    return found if found.certainty else None


def of_octets(folder: Path, octets: bytes) -> Target | None:
    path = folder / "twin.pcapng"
    path.write_bytes(octets)
    return target_of(path)


@pytest.fixture(scope="module")
def told() -> list[tuple[Path, Target]]:
    """Captures that tell directions, with the target that these tell."""
    found = []
    for path in CAPTURES:
        try:
            target = target_of(path)
        except CapanalyzeError:  # damaged, on purpose
            continue
        if target and any(ground.kind == "directions" for ground in target.because):
            found.append((path, target))
    if not found:
        pytest.skip("no capture at hand tells directions")
    return found


def test_without_its_directions_a_capture_shows_no_other_host(told: list[tuple[Path, Target]], tmp_path: Path) -> None:
    wrong, certain, alike = [], 0, 0
    for path, target in told:
        twin = of_octets(tmp_path, written(packets(path)))
        if twin is None:
            continue
        alike += set(twin.addresses) <= set(target.addresses)
        certain += twin.certainty in CERTAIN
        if twin.certainty in CERTAIN and not set(twin.addresses) <= set(target.addresses):
            wrong.append((path.name, target.addresses, twin.addresses, twin.how))
    assert wrong == []
    assert alike > 0


@dataclass(frozen=True)
class Changed:
    """A twin: its packets, the order of its interfaces, and what addresses became of others."""

    packets: Sequence[Packet]
    interfaces: Sequence[str]
    names: dict[str, str] = field(default_factory=dict)


def with_foreign_traffic(found: Sequence[Packet]) -> Changed:
    """With what two strangers say to each other before, as a hub would show it."""
    first = found[0]
    ends = bytes([10, 99, 99, 1]), bytes([10, 99, 99, 2])
    macs = bytes.fromhex("0200000000c1"), bytes.fromhex("0200000000c2")
    head = bytes.fromhex("450000210001000040110000")
    said = bytes.fromhex("9c40270f000d000068656c6c6f")
    foreign = [
        replace(first, octets=head + ends[way] + ends[1 - way] + said, source=macs[way], destination=macs[1 - way])
        for way in (0, 1)
    ]
    return Changed([*(replace(one, leaves=None) for one in foreign), *found], interfaces_of(found))


def with_other_names(found: Sequence[Packet]) -> Changed:
    """Each host has another address of the same network, so that neighbours stay neighbours."""
    ends = {end for one in found for end in ends_of(one.octets) if is_one_host(*words_of(str(ip_address(end))))}
    names = {end: end[:-1] + bytes([end[-1] ^ 1]) for end in ends}
    if any(end[-1] < 2 or end[-1] > 253 for end in ends):  # the other one would be no host's
        names = {}
    words = {str(ip_address(one)): str(ip_address(other)) for one, other in names.items()}
    return Changed(renamed(found, names), interfaces_of(found), words)


def with_interfaces_in_another_order(found: Sequence[Packet]) -> Changed:
    return Changed(found, interfaces_of(found)[::-1])


def with_macs_dropped(found: Sequence[Packet]) -> Changed:
    return Changed(without_macs(found), interfaces_of(found))


def interfaces_of(found: Sequence[Packet]) -> list[str]:
    return list(dict.fromkeys(one.interface for one in found))


CHANGES = (with_foreign_traffic, with_other_names, with_interfaces_in_another_order, with_macs_dropped)


@pytest.mark.parametrize("directions", [True, False], ids=["directions told", "directions cleared"])
def test_a_change_that_tells_nothing_turns_no_certain_target_into_another(directions: bool, tmp_path: Path) -> None:
    """Every other capture with its directions, the others without: all of them both ways take long."""
    wrong, seen = [], 0
    for path, found in islice(recorded(), int(directions), None, 2):
        before = of_octets(tmp_path, written(found, told=directions))
        if before is None or before.certainty not in CERTAIN:
            continue
        for change in CHANGES:
            twin = change(found)
            after = of_octets(tmp_path, written(twin.packets, twin.interfaces, told=directions))
            if after is None or after.certainty not in CERTAIN:
                continue
            seen += 1
            if not {twin.names.get(one, one) for one in before.addresses} & set(after.addresses):
                wrong.append((path.name, change.__name__, before.addresses, after.addresses, after.how))
    assert wrong == []
    assert seen > 0


def test_what_peers_answer_a_client_is_no_leak(told: list[tuple[Path, Target]], tmp_path: Path) -> None:
    """Of each capture what the target asked others: once with the directions, once without."""
    wrong, seen = [], 0
    for path, target in told:
        frames = asked_by(path, target)
        asked = [one for one in packets(path) if one.frame in frames]
        if not asked:
            continue
        seen += 1
        for directions in (True, False):
            (tmp_path / "twin.pcapng").write_bytes(written(asked, told=directions))
            try:
                analysis = analyze(audit_of([str(tmp_path / "twin.pcapng")], mode="block-all"))
            except TargetError:
                continue
            leaks = [one.service for one in analysis.findings if one.verdict == "leaked"]
            if leaks and not analysis.target.assumed:
                wrong.append((path.name, directions, leaks, analysis.target.how))
    assert wrong == []
    assert seen > 0


def asked_by(path: Path, target: Target) -> set[int]:
    """The frames of exchanges that begin with a request of the target to another host."""
    own = set(target.addresses)
    exchanges = [pair.exchange for pair in find_exchanges(audit_of([str(path)]))]
    return {
        frame
        for one in exchanges
        if one.requests and one.client in own and one.server not in own
        for frame in (*one.requests, *one.replies)
    }


def recorded() -> Iterator[tuple[Path, list[Packet]]]:
    """The packets of each capture that can be read."""
    for path in CAPTURES:
        try:
            found = packets(path)
        except CapanalyzeError:  # damaged, on purpose
            continue
        if found:
            yield path, found
