"""A live capture on standard input: it ends when who watches it says so, with what came by then."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from capanalyze.capture import pipe
from capanalyze.capture.pipe import Pipe

CAPTURE = Path(__file__).resolve().parents[2] / "pcaps" / "leopard" / "block-all.ppp0.pcap"

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


@pytest.mark.parametrize("rest", [True, False])
def test_an_interrupt_ends_a_live_capture_with_what_it_has(tmp_path: Path, rest: bool) -> None:
    octets = CAPTURE.read_bytes()
    command = [sys.executable, "-m", "capanalyze", "report", "--format", "json", "-o", str(tmp_path), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdin
        program.stdin.write(octets[:5000])
        program.stdin.flush()
        time.sleep(1)  # until it waits for more
        program.send_signal(signal.SIGINT)
        if rest:
            program.stdin.write(octets[5000:])
            program.stdin.flush()
        assert program.wait(20) == 0, program.stderr and program.stderr.read()
    (found,) = json.loads((tmp_path / "report.json").read_text())["inputs"]
    assert found["octets"] == (len(octets) if rest else 5000)
    assert found["frames"] == 102 if rest else 0 < found["frames"] < 102
