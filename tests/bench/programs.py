"""The programs that are measured: capanalyze, and those that people use in its place."""

from __future__ import annotations

import atexit
import functools
import importlib.metadata
import re
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.measure import PIECE, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

CAPANALYZE = str(Path(sys.executable).parent / "capanalyze")
REPORT = "capanalyze report --depth off --format json"  # what all others are compared with
FILTER = "udp or icmp or icmp6 or (tcp[tcpflags] & (tcp-syn|tcp-rst)) != 0"
FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "ip.src",
    "udp.srcport",
    "ip.dst",
    "udp.dstport",
    "ntp.xmt",
    "ntp.org",
    "nbns.id",
    "dns.id",
    "dns.qry.name",
)
FOR_TSHARK, FOR_DPKT = 1_000_000, 200_000  # frames that the slow ones get
PCAP_HEADER, RECORD_HEADER = 24, 16
VERSIONS = {
    "tcpdump": ("--version",),
    "tshark": ("--version",),
    "softflowd": ("-h",),
    "argus": ("-h",),
    "gzip": ("--version",),
    "igzip": ("--version",),
    "zstd": ("--version",),
}
PACKAGES = ("capanalyze", "dpkt", "isal", "matplotlib", "numpy", "pyarrow", "pyshark", "zstandard")


def capanalyze(capture: Path, frames: int, folder: Path) -> Iterator[Case]:
    """Reports and rows."""
    size = capture.stat().st_size
    output = folder / "out"
    report = (CAPANALYZE, "report", str(capture), "-o", str(output))
    for name, options in (
        (REPORT, ("--depth", "off", "--format", "json")),
        ("capanalyze report --depth off", ("--depth", "off")),
        ("capanalyze report", ()),
    ):
        yield Case(name, (*report, *options), frames, size, output)
    for form, rows in (("jsonl", count_lines), ("parquet", count_parquet)):
        command = (CAPANALYZE, "exchanges", str(capture), "--format", form, "-o", str(output))
        yield Case(f"capanalyze exchanges --format {form}", command, frames, size, output, rows=rows)


def peers(capture: Path, frames: int, folder: Path) -> Iterator[Case]:
    """Other programs; the slow ones get the first frames only."""
    size = capture.stat().st_size
    yield Case("tcpdump", ("tcpdump", "-r", str(capture), "-w", "/dev/null", FILTER), frames, size)
    # Without a control socket: it would wait for somebody to connect. What it exports goes to a port nobody reads.
    to = ("-c", "none", "-p", str(folder / "softflowd.pid"), "-v", "5", "-n", f"127.0.0.1:{sink()}")
    yield Case("softflowd", ("softflowd", "-r", str(capture), "-d", *to), frames, size)
    # -X: whatever the system's configuration says.
    yield Case("argus", ("argus", "-X", "-r", str(capture), "-w", "/dev/null"), frames, size)
    some, count = first_frames(capture, min(frames, FOR_TSHARK))
    fields = tuple(word for name in FIELDS for word in ("-e", name))
    command = ("tshark", "-n", "-r", str(some), "-Y", "ntp||nbns||mdns", "-T", "fields", *fields)
    yield Case("tshark", command, count, some.stat().st_size)
    some, count = first_frames(capture, min(frames, FOR_DPKT))
    command = (sys.executable, "-m", "tests.bench.with_dpkt", str(some))
    yield Case("dpkt", command, count, some.stat().st_size)


def unpackers(packed: Path) -> Iterator[Case]:
    """What a compressed file costs by itself."""
    loop = (sys.executable, "-m", "tests.bench.unpack", str(packed))
    yield Case(f"unpack {packed.suffix} in Python", loop, octets=packed.stat().st_size)
    for program in ("gzip", "igzip") if packed.suffix == ".gz" else ("zstd",):
        yield Case(f"{program} -dc", (program, "-dc", str(packed)), octets=packed.stat().st_size)


def installed(case: Case) -> bool:
    """Whether its program is here."""
    return shutil.which(case.command[0]) is not None


def first_frames(capture: Path, count: int) -> tuple[Path, int]:
    """A pcap file of its first frames (kept beside it), and how many there are."""
    some = capture.with_name(f"{capture.stem}.first-{count}.pcap")
    if not some.exists() or some.stat().st_mtime < capture.stat().st_mtime:
        size = capture.stat().st_size
        with capture.open("rb") as file, some.open("wb") as out:
            octets = file.read(min(size, PCAP_HEADER))
            out.write(octets)
            for _ in range(count):
                head = file.read(RECORD_HEADER)
                out.write(head + file.read(struct.unpack_from("<I", head, 8)[0]))
    return some, count


@functools.cache
def sink() -> int:
    """A UDP port of this machine where datagrams are taken and dropped, as long as this process lives."""
    taker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taker.bind(("127.0.0.1", 0))
    atexit.register(taker.close)
    return int(taker.getsockname()[1])


def count_lines(path: Path) -> int:
    """Rows of a file of lines."""
    total = 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            total += piece.count(b"\n")
    return total


def count_parquet(path: Path) -> int:
    """Rows of a parquet file."""
    from pyarrow import parquet

    return int(parquet.read_metadata(path).num_rows)


def versions() -> dict[str, str]:
    """Of all programs and packages that take part and are here."""
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    for program, options in VERSIONS.items():
        if shutil.which(program):
            said = subprocess.run([program, *options], capture_output=True, text=True, check=False)
            number = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
            found[program] = number[0] if number else "?"
    return found
