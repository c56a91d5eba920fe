"""Temporary files: all that was written is read again, and a full disk ends the run with one line and nothing else."""

import gzip
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capanalyze.errors import CaptureError
from capanalyze.spool import Spool
from tests.build import PEER, START, TARGET, ipv4, pcap, udp
from tests.lab.jail import unshared

NTP, TALKS = 123, 1500
# The disk's size, its folder, and the command; what is left on the disk in the end goes to stdout.
ON_A_SMALL_DISK = """
mount -t tmpfs -o size="$1" tmpfs "$2" || exit 77
export TMPDIR="$2"; folder="$2"; shift 2
"$@"; status=$?
ls -A "$folder"
exit $status
"""
# Few exchanges are held in memory, so that a small capture needs the disk.
WITH_LITTLE_MEMORY = """
from capanalyze.cli import main
from capanalyze.exchanges import held
held.IN_MEMORY = 100
main()
"""
NO_EXCHANGES, NO_COPY = "no room to hold exchanges", "stdin: no room to keep a copy"


def talk(number: int) -> list[tuple[float, bytes]]:
    """A client asks for the time, and is answered (RFC 5905 section 7.3)."""
    port, stamp = 20_000 + number, struct.pack(">Q", number + 1)
    asked = ipv4(PEER, TARGET, 17, udp(port, NTP, b"\x23" + bytes(39) + stamp))
    told = ipv4(TARGET, PEER, 17, udp(NTP, port, b"\x24\x02" + bytes(22) + stamp + bytes(8) + b"\x01" * 8))
    return [(START + number / 1000, asked), (START + number / 1000 + 0.0005, told)]


@pytest.fixture(scope="module")
def octets() -> bytes:
    return pcap([frame for number in range(TALKS) for frame in talk(number)])


def on_a_small_disk(size: str, folder: Path, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run Python with a disk of this size for temporary files, in a mount namespace."""
    if not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("needs util-linux")
    folder.mkdir()
    words = [*unshared(), "sh", "-c", ON_A_SMALL_DISK, "sh", size, str(folder), sys.executable, *command]
    done = subprocess.run(words, input=stdin, capture_output=True, check=False, timeout=60)
    if b"unshare:" in done.stderr or done.returncode == 77:
        pytest.skip("no namespaces can be made here")
    return done


@pytest.mark.parametrize("size", ["4k", "8k", "64k"])
@pytest.mark.parametrize(
    ("trouble", "way"),
    [(NO_EXCHANGES, "file"), (NO_COPY, "stdin"), (NO_COPY, "packed")],
)
def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, octets: bytes, size: str, trouble: str, way: str
) -> None:
    given_as = {"file": octets, "stdin": octets, "packed": gzip.compress(octets, 0)}[way]
    capture, out, disk = tmp_path / "a.pcap", tmp_path / "out", tmp_path / "disk"
    out.mkdir()
    capture.write_bytes(octets)
    name = str(capture) if way == "file" else "-"
    words = ("exchanges", "--format", "jsonl", "-o", str(out / "rows.jsonl"), name)
    done = on_a_small_disk(size, disk, "-c", WITH_LITTLE_MEMORY, *words, stdin=given_as)
    assert done.stderr.decode() == f"capanalyze: {trouble} in {disk}: No space left on device\n"
    assert done.returncode == 2
    assert done.stdout == b""  # the disk is empty again
    assert list(out.iterdir()) == []


def test_what_fits_on_the_disk_is_as_in_memory(tmp_path: Path, octets: bytes) -> None:
    capture, rows = tmp_path / "a.pcap", []
    capture.write_bytes(octets)
    words = ("exchanges", "--target", "192.0.2.10", "--format", "jsonl", str(capture))
    for name, command in (("disk", ("-c", WITH_LITTLE_MEMORY)), ("memory", ("-m", "capanalyze"))):
        done = on_a_small_disk("4m", tmp_path / name, *command, *words)
        assert (done.returncode, done.stderr) == (0, b"")
        rows.append(done.stdout)
    assert rows[0] == rows[1]
    assert rows[0].count(b'"replied"') == TALKS


def test_a_report_on_a_full_disk_is_one_line(tmp_path: Path, octets: bytes) -> None:
    capture, disk = tmp_path / "a.pcap", tmp_path / "disk"
    capture.write_bytes(octets)
    done = on_a_small_disk("64k", disk, "-m", "capanalyze", "report", "-o", str(disk / "out.d"), str(capture))
    assert done.returncode == 2
    lines = done.stderr.decode().splitlines()
    assert [line for line in lines if line.startswith("capanalyze:")] == lines[-1:]
    assert lines[-1].startswith(f"capanalyze: {disk}/out.d/")
    assert lines[-1].endswith(": No space left on device")


def test_without_any_folder_for_temporary_files_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.TemporaryFile", none)
    monkeypatch.setattr(tempfile, "tempdir", None)
    with pytest.raises(CaptureError, match=r"^no room: No usable temporary directory found in \['/tmp'\]$"):
        Spool("no room")


@given(st.lists(st.lists(st.binary(max_size=40), max_size=4), max_size=8))
def test_what_was_added_is_read_in_order_and_again(batches: list[list[bytes]]) -> None:
    spool = Spool("no room")
    written = b""
    for parts in batches:
        spool.add(*parts)
        written += b"".join(parts)
        # What was read moves nothing for what is written next.
        assert spool.read_at(len(written) // 2, 10) == written[len(written) // 2 :][:10]
    for _ in range(2):
        reader = spool.reader()
        assert reader.read(7) + reader.read(len(written) + 1) == written
    spool.close()
