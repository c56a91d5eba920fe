"""The scan in the builds that notice a read outside: sound frames, cut and damaged ones, and all captures there are."""

import os
import random
import subprocess
import sys
import tarfile
from array import array
from pathlib import Path

import pytest

from capanalyze.core import core
from capanalyze.packets import steps
from capanalyze.protocols import PROTOCOLS, port_table
from tests.build import START, enhanced, interface, pcap, section
from tests.conftest import ROOT, SHARED
from tests.core import build_with
from tests.core.read_captures import seen
from tests.core.test_builds import Kind, kind
from tests.packets.sound import LINKS, SOUND, mutated, records
from tests.packets.test_scan import CAPTURES

__all__ = ["kind"]  # the fixture: both builds

HOSTILE = SHARED / "captures" / "hostile.tar.xz"
CHILD = Path(__file__).parent / "read_captures.py"
MUTATIONS = 3  # of each sound frame
AT_A_TIME = 200


def made(folder: Path) -> list[Path]:
    """Captures of sound frames, of all their beginnings, and of damaged ones, for each link type; damaged records."""
    chance = random.Random(1)
    found = []
    for link in LINKS:
        sound = [octets for number, octets in SOUND if number == link]
        cut = [octets[:end] for octets in sound[:40] for end in range(len(octets))]
        damaged = [mutated(octets, changes(chance)) for octets in sound for _ in range(MUTATIONS)]
        noise = [chance.randbytes(chance.randrange(120)) for _ in range(300)]
        for name, frames in {"sound": sound, "cut": cut, "damaged": damaged, "noise": noise}.items():
            found.append(folder / f"{link}.{name}.pcap")
            found[-1].write_bytes(pcap([(START, frame) for frame in frames], link))
        found.append(folder / f"{link}.short.pcap")
        found[-1].write_bytes(pcap([(START, frame) for frame in sound], link, snaplen=40))
    for number, order in enumerate("<>" * 60):
        found.append(folder / f"records{number}.pcapng")
        body = mutated(records(order) * 3, changes(chance)) if number > 1 else records(order) * 3
        found[-1].write_bytes(
            section(order) + interface(101, order=order) + body + enhanced(0, START, b"", order=order)
        )
    return found


def changes(chance: random.Random) -> list[tuple[int, int]]:
    return [(chance.randrange(400), chance.choice((0, 1, 127, 255, chance.randrange(256)))) for _ in range(3)]


def hostile(folder: Path) -> list[Path]:
    """The captures that were made to harm, as far as they are here and small."""
    if not HOSTILE.exists():
        return []
    with tarfile.open(HOSTILE) as archive:
        archive.extractall(folder, filter="data")
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 500_000)


def test_no_capture_makes_the_scan_read_outside_of_a_frame(kind: Kind, tmp_path: Path) -> None:
    library = build_with(*kind.flags)
    folder = tmp_path / "captures"
    folder.mkdir()
    captures = [str(path) for path in (*made(folder), *hostile(tmp_path / "hostile"), *CAPTURES)]
    for some in (captures[at : at + AT_A_TIME] for at in range(0, len(captures), AT_A_TIME)):
        done = subprocess.run(
            [sys.executable, str(CHILD), str(library), *some],
            env=os.environ | kind.environment | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.splitlines()
        assert done.returncode == 0, (some[len(lines)], done.stderr[-5000:])
        assert lines == [seen(path) for path in some]


def test_reasons_have_the_numbers_that_the_core_gives_them() -> None:
    assert {name: number for name, number in vars(steps).items() if name in core.REASONS} == core.REASONS
    assert [*core.REASONS.values()] == [*range(steps.FIRST_REASON, steps.FIRST_REASON + steps.REASONS)]


@pytest.mark.parametrize("stop", [1, 1 << 40])
def test_a_buffer_that_is_too_small_is_refused(stop: int) -> None:
    scanner = core.Scanner(port_table(), bytes(len(PROTOCOLS)))
    room = [array("q", bytes(8 * 1000)) for _ in range(9)]
    with pytest.raises(ValueError, match=r"needed|4 GiB"):
        scanner.scan(b"", room[0], room[1], room[2], room[3], room[4], room[5], room[6], room[7], room[8], stop)
