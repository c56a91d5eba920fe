"""What a capture of one service is made of, and how it is made: a target, a client on its link, a daemon, a recording.

Each is recorded in namespaces of its own, without a packet filter: the captures are for the protocols' modules.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import inet_aton

from tests.lab import needs
from tests.lab.captures import IP_BEGINS, QUIET, STARTED, TCPDUMP, corrected, head_of, rewrite, without_release
from tests.lab.daemons import Daemons
from tests.lab.jail import ROOT, furnish, unshared
from tests.lab.network import Network
from tests.lab.places import LAN, LOGS, OUT
from tests.lab.processes import LabError, said_last, until

INSIDE = "--inside"
SNAP = "1600"
LINK = "en0"

# Sends each datagram (hexadecimal) to an address and port, and waits a little for what comes back.
ASKER = """import socket, sys
address, port, source, *datagrams = sys.argv[1:]
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("198.51.100.20"))
asker.bind(("", int(source)))
for datagram in datagrams:
    asker.sendto(bytes.fromhex(datagram), (address, int(port)))
    asker.settimeout(0.7)
    try:
        while True:
            asker.recv(9000)
    except OSError:
        pass
"""
# Answers datagrams with others, in turn, and then no more.
ANSWERER = """import signal, socket, sys
port, *datagrams = sys.argv[1:]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", int(port)))
for datagram in datagrams:
    asked, client = server.recvfrom(9000)
    server.sendto(bytes.fromhex(datagram), client)
signal.pause()
"""


class Scene:
    """A target, a client on its link, and what runs there."""

    def __init__(self) -> None:
        self.network = Network()
        self.daemons = Daemons(self.network)
        self.crew = self.daemons.crew

    def up(self) -> None:
        """Make the link, and see that it carries packets."""
        for name in ("target", "lan"):
            self.network.space(name)
            self.network.run(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        self.network.ethernet()
        for name in ("target", "lan"):
            self.network.ip(name, f"route add 224.0.0.0/4 dev {LINK}")
        self.network.run("lan", "ping", "-nc1", "-W2", LAN.target)

    def folder(self, name: str, files: dict[str, str] | None = None) -> Path:
        """The folder of a daemon with its files."""
        return self.daemons.folder(name, files)

    def serve(self, name: str, *argv: str) -> None:
        """Start a daemon."""
        self.daemons.start(name, *argv)

    def answer(self, port: int, *datagrams: bytes) -> None:
        """Let the target answer with these, one each."""
        words = [datagram.hex() for datagram in datagrams]
        self.serve("answerer", sys.executable, "-c", ANSWERER, str(port), *words)

    def listening(self, port: int, kind: str = "u") -> None:
        """Wait for a daemon's socket: `u` of UDP, `t` of TCP."""
        sockets = ("ss", f"-Hln{kind}")
        until(60, lambda: f":{port} " in self.network.run("target", *sockets), f"a listener on {port}")

    def ask(self, port: int, *datagrams: bytes, to: str = LAN.target, source: int = 0) -> None:
        """Send datagrams from one port of the client."""
        words = [datagram.hex() for datagram in datagrams]
        self.network.run("lan", sys.executable, "-c", ASKER, to, str(port), str(source), *words)

    def ask_each(self, port: int, *datagrams: bytes) -> None:
        """Send each datagram from a port of its own."""
        for datagram in datagrams:
            self.ask(port, datagram)

    def client(self, *argv: str, typed: str = "") -> None:
        """Run a client's program, whatever it makes of the answer; the log `clients` has what it said."""
        words = self.network.inside("lan", ["timeout", "20", *argv])
        done = subprocess.run(words, input=typed, capture_output=True, text=True, errors="replace", check=False)
        with (LOGS / "clients").open("a") as log:
            log.write(f"$ {' '.join(argv)}\n{done.stdout}{done.stderr}[{done.returncode}]\n\n")

    def record(self, path: Path, wanted: str) -> None:
        """Start to record what a filter wants."""
        words = [*TCPDUMP, "-i", LINK, "-s", SNAP, "-w", str(path), wanted]
        self.crew.start("tcpdump", self.network.inside("target", words))
        until(10, lambda: bool(STARTED.search(self.crew.said("tcpdump"))), "the capture")

    def stop(self) -> None:
        """End the recording; all that was started has to run still."""
        time.sleep(QUIET)
        self.crew.check()
        self.crew.stop("tcpdump", signal.SIGINT)


Talk = Callable[[Scene], None]


@dataclass(frozen=True)
class Service:
    """What to start before recording, and what to ask then; the programs it takes, each with its Debian package.

    `wanted` is the filter of the recording; an address that is a key of `shown` is its value in the capture.
    """

    start: Talk
    ask: Talk
    programs: Mapping[str, str] = field(default_factory=dict)
    wanted: str = "udp"
    shown: Mapping[str, str] = field(default_factory=dict)


def nothing(_: Scene) -> None:
    """Nothing runs before."""


def showing(path: Path, shown: Mapping[str, str]) -> None:
    """Write other addresses in place of some, wherever they stand in a capture."""
    pairs = [(inet_aton(real), inet_aton(other)) for real, other in shown.items()]

    def change(stamp: int, frame: bytes) -> tuple[int, bytes]:
        for real, other in pairs:
            if real in frame:
                frame = corrected(frame, frame.replace(real, other), IP_BEGINS[LINK])
        return stamp, frame

    rewrite(path, head_of(path)[1], change)


def inside(service: Service, folder: Path, name: str) -> int:
    """Record one service; called in namespaces of its own, whose logs go to stderr if it fails."""
    os.environ["PATH"] = needs.path()
    os.environ["TZ"] = "UTC"
    furnish()
    path = OUT / f"{name}.pcap"
    scene = Scene()
    try:
        scene.up()
        service.start(scene)
        scene.record(path, service.wanted)
        service.ask(scene)
        scene.stop()
    except LabError as error:
        sys.stderr.write(f"{name}: {error}\n{''.join(said_last(LOGS))}")
        return 1
    without_release(path, IP_BEGINS[LINK])
    showing(path, service.shown)
    shutil.copyfile(path, folder / path.name)
    return 0


def record(services: Mapping[str, Service], module: str, words: Sequence[str]) -> int:
    """Record the services that are named after the folder, or all; `module` runs this again inside. An exit status."""
    if not words:
        sys.stderr.write(f"usage: python -m {module} FOLDER [NAME…]\n")
        return 2
    if words[0] == INSIDE:
        return inside(services[words[2]], Path(words[1]), words[2])
    names = words[1:] or list(services)
    if unknown := [name for name in names if name not in services]:
        sys.stderr.write(f"{unknown[0]!r} is none of {', '.join(services)}\n")
        return 2
    folder = Path(words[0]).resolve()
    folder.mkdir(exist_ok=True)
    failed = 0
    for name in names:
        programs = services[name].programs.items()
        if missing := {package for program, package in programs if not shutil.which(program, path=needs.path())}:
            sys.stderr.write(f"{name}: missing packages: {' '.join(sorted(missing))}\n")
            failed = 1
            continue
        again = [*unshared(), sys.executable, "-m", module, INSIDE, str(folder), name]
        failed |= subprocess.run(again, cwd=ROOT, check=False).returncode
    return failed
