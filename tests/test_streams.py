"""Standard streams that are closed, full or no UTF-8: the work is done, or one line says why not; never a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path

import pytest

from tests.build import PEER, START, TARGET, ipv4, ntp, pcap, udp

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors are closed by a shell")

CLOSED = list(chain.from_iterable(combinations((0, 1, 2), count) for count in (1, 2, 3)))
WITHOUT_STDOUT = "capanalyze: standard output: Bad file descriptor\n"
EXCHANGES = ["exchanges --format jsonl {capture}", "exchanges --format csv {capture}", "exchanges {capture}"]
LISTINGS = ["modes", "services", "--help", "--version", "report --help", "dissect {capture} --frame 1"]
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    ask = ipv4(PEER, TARGET, 17, udp(50000, 123, ntp(transmit=7)))
    answer = ipv4(TARGET, PEER, 17, udp(123, 50000, ntp(4, origin=7, transmit=9)))
    path = tmp_path / "block-all.ppp0.pcap"
    path.write_bytes(pcap([(START, ask), (START + 0.000272, answer)]))
    return path


def run(words: str, redirected: str, capture: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the capture's folder; a shell redirects its streams."""
    command = [sys.executable, "-m", "capanalyze", *words.format(capture=capture.name).split()]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", *command],
        cwd=capture.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def closing(descriptors: tuple[int, ...]) -> str:
    return " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in descriptors)


def files_of(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_a_report_is_written_whatever_is_closed(closed: tuple[int, ...], capture: Path) -> None:
    done = run("report --target 192.0.2.10 --format json --depth off -o out {capture}", closing(closed), capture)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("let ntp answer" in done.stdout) == (1 not in closed)
    written = {path.name: path.read_bytes() for path in files_of(capture.parent / "out")}
    assert list(written) == ["report.json"]
    assert json.loads(written["report.json"])["findings"]


@pytest.mark.parametrize("closed", CLOSED, ids=str)
def test_nothing_that_is_printed_ends_in_a_file(closed: tuple[int, ...], capture: Path) -> None:
    before = capture.read_bytes()
    done = run("exchanges --target 192.0.2.10 -o rows.csv {capture}", closing(closed), capture)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rows = (capture.parent / "rows.csv").read_text()
    assert len(rows.splitlines()) == 2
    assert sorted(path.name for path in files_of(capture.parent)) == [capture.name, "rows.csv"]
    assert capture.read_bytes() == before


@pytest.mark.parametrize("words", [*EXCHANGES, *LISTINGS, "report --format= {capture}"])
def test_what_only_prints_says_that_it_cannot(words: str, capture: Path) -> None:
    done = run(words, closing((1,)), capture)
    assert (done.returncode, done.stderr) == (2, WITHOUT_STDOUT)


@pytest.mark.parametrize("closed", [(0,), (0, 1), (0, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("words", ["report -o out -", "exchanges -", "dissect - --frame 1"])
def test_standard_input_that_is_closed_cannot_be_read(words: str, closed: tuple[int, ...], capture: Path) -> None:
    done = run(words, closing(closed), capture)
    assert done.returncode == 2
    assert done.stderr == ("" if 2 in closed else "capanalyze: stdin: Bad file descriptor\n")
    assert not (capture.parent / "out").exists()


@full
@pytest.mark.parametrize("words", [*EXCHANGES, *LISTINGS, "report --depth off --format json -o out {capture}"])
def test_a_full_disk_behind_stdout_is_said_in_one_line(words: str, capture: Path) -> None:
    done = run(words, ">/dev/full", capture)
    assert (done.returncode, done.stderr) == (2, "capanalyze: standard output: No space left on device\n")
    assert (capture.parent / "out" / "report.json").exists() == words.startswith("report --depth")


@pytest.mark.parametrize("words", ["exchanges none.pcap", "nothing", "modes"])
def test_with_all_of_them_closed_the_exit_status_is_left(words: str, capture: Path) -> None:
    assert run(words, closing((0, 1, 2)), capture).returncode == 2
    assert list(files_of(capture.parent)) == [capture]


@full
def test_a_full_disk_behind_stderr_leaves_the_exit_status(capture: Path) -> None:
    assert run("nothing", "2>/dev/full", capture).returncode == 2
    assert run("exchanges none.pcap", "2>/dev/full", capture).returncode == 2
    assert run("exchanges {capture}", "2>/dev/full", capture).returncode == 0
    assert run("exchanges {capture}", ">/dev/full 2>/dev/full", capture).returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_stdout_cannot_encode_is_spelt_out(encoding: str, capture: Path) -> None:
    words = "report --depth off --format json -o 時 {capture}"
    done = run(words, "", capture, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u6642" in done.stdout
    assert (capture.parent / "時" / "report.json").exists()
