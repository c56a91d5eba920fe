"""Whole commands in the builds that notice a read or write outside: what they write is what the installed core writes.

Small tables and rooms make sure that exchanges are let go before their time and that every room ends now and then.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capanalyze.exchanges.engine import Engine
from tests.build import START, icmp, icmp_error, pcap, tcp, udp
from tests.build import packet as ip_packet
from tests.chance import chance
from tests.conftest import PCAPS, ROOT, SHARED
from tests.core import build_with
from tests.core.test_builds import Kind, kind
from tests.packets.sound import mutated

__all__ = ["kind"]  # the fixture: both builds

CHILD = Path(__file__).parent / "write_all.py"
SUFFIXES = (".pcap", ".pcapng")
FOLDERS = [PCAPS, *(SHARED / "captures" / name for name in ("faults", "traps", "pairs", "lab"))]
SMALL = 20_000  # octets
EVERY = 20  # of the small captures that there are
BY_CHANCE = 15
SPOILT = 15
LARGEST, ROWS = 1024, 7
MANY = 2500


def recorded() -> list[Path]:
    """Some of the small captures."""
    found = sorted(path for folder in FOLDERS for path in folder.rglob("*") if path.suffix in SUFFIXES)
    return [path for path in found if path.stat().st_size < SMALL][::EVERY]


def made(folder: Path) -> Iterator[Path]:
    """Captures by chance, the same spoilt, and two that fill the table and the lists of frames."""
    folder.mkdir()
    for seed in range(BY_CHANCE):
        yield written(folder / f"chance{seed}.pcapng", chance(seed, 400))
    draw = random.Random(1)
    for seed in range(SPOILT):
        octets = mutated(chance(seed, 200), [(draw.randrange(40, 20000), draw.randrange(256)) for _ in range(8)])
        yield written(folder / f"spoilt{seed}.pcapng", octets[: draw.randrange(20, 2 * len(octets))])
    yield written(folder / "many.pcap", pcap([*enumerate_frames(many(draw))]))
    yield written(folder / "often.pcap", pcap([(START, one) for one in often()]))


def written(path: Path, octets: bytes) -> Path:
    path.write_bytes(octets)
    return path


def enumerate_frames(frames: Iterator[bytes]) -> Iterator[tuple[float, bytes]]:
    """Frames a millisecond from each other."""
    return ((START + number / 1000, frame) for number, frame in enumerate(frames))


def many(draw: random.Random) -> Iterator[bytes]:
    """Requests of ever other ports, now and then answered or rejected: more than the table holds."""
    sent: list[tuple[str, str, int, int]] = []
    for number in range(MANY):
        client, port = f"198.51.100.{draw.randrange(200)}", 1024 + number
        server = draw.choice(("192.0.2.10", "192.0.2.10", "224.0.0.251"))
        to = draw.choice((123, 53, 5353, 7777, 22, 161))
        body = tcp(port, to, "S", number) if to == 22 else udp(port, to, draw.randbytes(50))
        request = ip_packet(client, server, 6 if to == 22 else 17, body)
        yield request
        sent.append((client, server, port, to))
        if draw.random() < 0.3:
            client, server, port, to = draw.choice(sent[-1500:])
            yield ip_packet("192.0.2.10", client, 17, udp(to, port, draw.randbytes(9)))
        elif draw.random() < 0.1:
            yield icmp_error(request, 3, 3)
        elif draw.random() < 0.1:
            yield ip_packet(client, "192.0.2.10", 1, icmp(8, rest=number.to_bytes(4)))


def often() -> Iterator[bytes]:
    """One request a thousand times, and as many answers: lists longer than the room for what is handed on."""
    request = ip_packet("198.51.100.7", "192.0.2.10", 17, udp(40000, 53, b"\0\1\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"))
    reply = ip_packet("192.0.2.10", "198.51.100.7", 17, udp(53, 40000, b"\0\1\x81\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"))
    yield from [request] * 1000
    yield from [reply] * 1000


def run(library: Path, captures: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Have a library's process run the commands on captures."""
    return subprocess.run(
        [sys.executable, str(CHILD), str(library), str(LARGEST), str(ROWS), *captures],
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return [str(path) for path in (*recorded(), *made(tmp_path_factory.mktemp("captures") / "made"))]


@pytest.fixture(scope="module")
def expected(captures: list[str]) -> list[str]:
    """What the installed core has the commands write."""
    import capanalyze.core.core as installed

    done = run(Path(installed.__file__), captures, {})
    assert done.returncode == 0, done.stderr[-5000:]
    return done.stdout.splitlines()


def test_no_capture_makes_a_command_read_or_write_outside(kind: Kind, captures: list[str], expected: list[str]) -> None:
    library = build_with(*kind.flags)
    done = run(library, captures, kind.environment)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (captures[len(lines)], done.stderr[-5000:])
    assert lines == expected


@pytest.mark.parametrize("room", [299, (1 << 28) + 1])
def test_a_table_without_room_for_one_message_is_refused(room: int) -> None:
    """Or with more than can be numbered."""
    with pytest.raises(ValueError, match="room for"):
        Engine([0], largest=room)
