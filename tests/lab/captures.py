"""Recording: one capture per interface of the target or one of all, and the packet filter's own log."""

import os
import re
import signal
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.lab.jail import only_root_is_mapped
from tests.lab.network import Network
from tests.lab.places import ANY, LOGS, OUT
from tests.lab.processes import Crew, LabError, run, until

LOG = "nflog:5"
# The buffer matters: in immediate mode a frame takes as much of it as the snap length, and bursts got lost.
TCPDUMP = ("tcpdump", "-Z", "root", "-B", "8192", "--immediate-mode", "-U", "-n")
# In an ordinary user's namespace tcpdump fails to become another user; dumpcap does not try to.
DUMPCAP = ("dumpcap", "-q", "-P", "-B", "8")
# What the kernel logs comes in batches, which have to fit.
SNAP, LOG_SNAP = "2048", "262144"
STARTED = re.compile(r"listening on|^File: ", re.MULTILINE)
DROPPED = re.compile(r"([1-9]\d*) packets? dropped by kernel|received/dropped on .*?: \d+/([1-9]\d*)")
QUIET = 1.0  # seconds; what was sent last is in the file by then

RAW, PPP = 101, 9
IP_BEGINS = {"en0": 14, "ppp0": 4, ANY: 20}
RAW_TYPES = (12, 14, RAW)
STEP = 40_000_000  # microseconds
PPP_HEADERS = {4: b"\xff\x03\x00\x21", 6: b"\xff\x03\x00\x57"}


def log_of(mode: str) -> Path:
    """Where the packet filter's log of a mode is recorded."""
    return LOGS / f"{mode}.nflog.pcap"


class Captures:
    """The running captures of one mode."""

    def __init__(self, network: Network, mode: str, interfaces: Sequence[str]) -> None:
        self.network = network
        self.mode = mode
        self.crew = Crew(LOGS)
        self.interfaces = interfaces
        self.files = {name: OUT / f"{mode}.{name}.pcap" for name in interfaces} | {LOG: log_of(mode)}

    def begin(self) -> None:
        """Start recording; it has begun when this returns."""
        words = DUMPCAP if only_root_is_mapped() else TCPDUMP
        for name, file in self.files.items():
            snap = LOG_SNAP if name == LOG else SNAP
            self.crew.start(name, self.network.inside("target", [*words, "-i", name, "-s", snap, "-w", str(file)]))
        for name in self.files:
            until(10, lambda name=name: bool(STARTED.search(self.crew.said(name))), f"the capture on {name}")  # type: ignore[misc]
        self.crew.check()

    def end(self, stepped: float = 0) -> None:
        """Stop recording; a capture that lost frames is worth nothing. From `stepped` on, the clock is set back."""
        self.crew.check()
        for name in self.files:
            self.crew.stop(name, signal.SIGINT)
            if lost := DROPPED.search(self.crew.said(name)):
                raise LabError(f"{self.mode}.{name}: {lost[0]}")
        if "ppp0" in self.files:
            raw_to_ppp(self.files["ppp0"])
        for name in self.interfaces:
            without_release(self.files[name], IP_BEGINS[name])
            if stepped:
                step_back(self.files[name], stepped)
            self.files[name].with_suffix(".tcpdump.txt").write_text(text_of(self.files[name]))


def text_of(capture: Path) -> str:
    """What tcpdump prints of a capture, times in UTC."""
    words = ["tcpdump", "-n", "-tttt", "-r", str(capture)]
    # In an ordinary user's namespace it is run as one who has nothing to give up.
    words = ["unshare", "--user", *words] if only_root_is_mapped() else [*words, "-Z", "root"]
    return run(words, env={"TZ": "UTC"})


def raw_to_ppp(capture: Path) -> None:
    """Give each frame the four octets that macOS puts before IP on `ppp0`; Linux records such a link as raw IP."""
    _, link = head_of(capture)
    if link not in RAW_TYPES:
        raise LabError(f"{capture.name}: link type {link}, expected raw IP")
    rewrite(capture, PPP, lambda time, frame: (time, PPP_HEADERS[frame[0] >> 4] + frame))


def step_back(capture: Path, moment: float) -> None:
    """Set back the times of all frames from a moment on: the only clock there is belongs to the machine."""
    at = int(moment * 1e6)
    rewrite(capture, head_of(capture)[1], lambda time, frame: (time - STEP if time >= at else time, frame))


def without_release(capture: Path, ip: int) -> None:
    """Cross out the kernel's release, which ntpd tells whoever asks: it is the machine's, not the experiment's."""
    release = os.uname().release.encode()
    crossed = re.sub(rb"\w", b"x", release)

    def change(time: int, frame: bytes) -> tuple[int, bytes]:
        return time, corrected(frame, frame.replace(release, crossed), ip) if release in frame else frame

    rewrite(capture, head_of(capture)[1], change)


def corrected(old: bytes, new: bytes, ip: int) -> bytes:
    """The new frame with its UDP checksum adjusted (RFC 1624)."""
    udp = ip + (40 if old[ip] >> 4 == 6 else (old[ip] & 15) * 4)
    (checksum,) = struct.unpack_from(">H", old, udp + 6)
    total = (~checksum & 0xFFFF) + (~words(old[udp:]) & 0xFFFF) + words(new[udp:])
    return new[: udp + 6] + struct.pack(">H", ~folded(total) & 0xFFFF) + new[udp + 8 :]


def words(octets: bytes) -> int:
    """The ones' complement sum of the 16-bit words."""
    padded = octets + bytes(len(octets) % 2)
    return folded(sum(struct.unpack(f">{len(padded) // 2}H", padded)))


def folded(total: int) -> int:
    """A sum with its carries added to it."""
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def head_of(capture: Path) -> tuple[str, int]:
    """Byte order and link type."""
    octets = capture.read_bytes()[:24]
    order = "<" if octets[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    return order, struct.unpack_from(f"{order}I", octets, 20)[0]


def rewrite(capture: Path, link: int, change: Callable[[int, bytes], tuple[int, bytes]]) -> None:
    """Write a capture anew, each frame's time (microseconds) and octets changed."""
    octets = capture.read_bytes()
    order, _ = head_of(capture)
    out, at = [octets[:20], struct.pack(f"{order}I", link)], 24
    while at < len(octets):
        seconds, fraction, size, whole = struct.unpack_from(f"{order}4I", octets, at)
        old = octets[at + 16 : at + 16 + size]
        time, frame = change(seconds * 1_000_000 + fraction, old)
        grown = len(frame) - len(old)
        out += [struct.pack(f"{order}4I", *divmod(time, 1_000_000), size + grown, whole + grown), frame]
        at += 16 + size
    capture.write_bytes(b"".join(out))
