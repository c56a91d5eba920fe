"""A live capture on standard input: it ends when who watches it says so, with what came by then."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from array import array
from pathlib import Path

import pytest

from capanalyze.capture import pipe
from capanalyze.capture.pipe import Pipe

CAPTURE = Path(__file__).resolve().parents[2] / "pcaps" / "leopard" / "block-all.ppp0.pcap"


def frames(octets: bytes) -> int:
    """How many records a pcap file has."""
    count, at = 0, 24
    while at < len(octets):
        count, at = count + 1, at + 16 + int.from_bytes(octets[at + 8 : at + 12], "little")
    return count


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes cannot be waited for there")


def test_octets_come_until_the_end() -> None:
    reader, writer = os.pipe()
    one = Pipe(reader)
    os.write(writer, b"abcdef")
    room = bytearray(4)
    assert (one.read(2), one.readinto(memoryview(room)), bytes(room)) == (b"ab", 4, b"cdef")
    os.close(writer)
    assert (one.read(9), one.readinto(memoryview(room))) == (b"", 0)
    one.close()
    os.close(reader)


def test_told_to_end_it_reads_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "GRACE", 0.05)
    reader, writer = os.pipe()
    one = Pipe(reader)
    os.write(writer, b"abc")
    one.end()
    assert (one.read(9), one.read(9)) == (b"abc", b"")
    for descriptor in (reader, writer):
        os.close(descriptor)
    one.close()


def wait_until_read(pipe_end: int) -> None:
    """Wait until whoever reads a pipe has read all that is in it."""
    left = array("i", [1])
    end = time.monotonic() + 30
    while left[0] and time.monotonic() < end:
        fcntl.ioctl(pipe_end, termios.FIONREAD, left)
        time.sleep(0.05)


@pytest.mark.parametrize("rest", [True, False])
def test_an_interrupt_ends_a_live_capture_with_what_it_has(tmp_path: Path, rest: bool) -> None:
    octets = CAPTURE.read_bytes()
    command = [sys.executable, "-m", "capanalyze", "report", "--format", "json", "-o", str(tmp_path), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdin
        program.stdin.write(octets[:5000])
        program.stdin.flush()
        wait_until_read(program.stdin.fileno())
        program.send_signal(signal.SIGINT)
        if rest:
            program.stdin.write(octets[5000:])
            program.stdin.flush()
        try:
            status = program.wait(30)
        finally:
            program.kill()
        assert status == 0
    (found,) = json.loads((tmp_path / "report.json").read_text())["inputs"]
    assert found["octets"] == (len(octets) if rest else 5000)
    whole = frames(octets)
    assert found["frames"] == whole if rest else 0 < found["frames"] < whole
