"""Asking, and writing down what came of it: `prober ZONE SERIES PREFIX`, run in a client's namespace.

`PREFIX.truth.tsv` gets a row per probe, `PREFIX.probes.txt` what the programs printed, `PREFIX.nmap-*.txt` and `.xml`
the scans.
"""

import contextlib
import fcntl
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab.places import HOME, LAN, ZONES, Zone
from tests.lab.probes import SERIES, Command, Datagram, Probe, ping
from tests.lab.truth import NOT_TOLD, REJECTED, REPLIED, SILENT, Row, Writer

REFUSED = re.compile(r"refused|unreachable|no route to host|reset by peer|prohibited", re.IGNORECASE)
GROUPS = {4: "224.0.0.251", 6: "ff02::fb"}
PORTS = {"udp": "9,88,123,137,138,631,5353,28524", "tcp": "9,22,88,631,37200"}
# nc -u -l serves one peer and needs a second to be rid of it, while clients ask side by side.
ECHO_LOCK, ECHO_REST = HOME / "echo.lock", 1.4
# So that the frames of one probe can be told from the next one's by their times.
PAUSE = 0.1
# A request counts as silent after so many seconds, if the capture goes on: a last ping sees to that.
WINDOW = 3.1
SCANNED = {"everything", "both-families"}
LAST = {*SCANNED, "ipv4", "brief", "published"}
SCANS = {
    "udp": ("-sU", f"-p{PORTS['udp']}"),
    "udp-nopayload": ("-sU", "--data-length", "0", f"-p{PORTS['udp']}"),
    "tcp": ("-sS", f"-p{PORTS['tcp']}"),
}
NMAP = ("nmap", "-n", "-Pn", "--max-retries", "1", "--initial-rtt-timeout", "200ms", "--max-rtt-timeout", "300ms")


class Prober:
    """One client at work."""

    def __init__(self, zone: Zone, prefix: Path) -> None:
        self.zone = zone
        self.prefix = prefix
        self.truth = Writer(prefix.with_name(prefix.name + ".truth.tsv"))
        self.printed = prefix.with_name(prefix.name + ".probes.txt").open("a")

    def print(self, text: str) -> None:
        """Keep what a program printed."""
        self.printed.write(f"{text}\n\n")
        self.printed.flush()

    def note(self, began: float, family: int, service: str, port: str, probe: str, verdict: str) -> str:
        """Write down what came of a probe."""
        seconds = time.time() - began
        self.truth.note(Row(began, self.zone.name, family, service, port, probe, verdict, seconds))
        return verdict

    def ask(self, probe: Probe) -> str:
        """Ask, whichever way."""
        return self.command(probe) if isinstance(probe, Command) else self.datagram(probe)

    def command(self, probe: Command) -> str:
        """Run a program and judge what it printed."""
        began = time.time()
        try:
            done = subprocess.run(
                probe.argv,
                input=probe.typed,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=probe.seconds,
                env={**os.environ, **probe.env},
                check=False,
            )
            printed = done.stdout + done.stderr
        except subprocess.TimeoutExpired as late:
            printed = b"".join(filter(None, (late.stdout, late.stderr))).decode(errors="replace") + "[timed out]"
        answered = bool(re.search(probe.answered, printed))
        verdict = REPLIED if answered else REJECTED if REFUSED.search(printed) else SILENT
        self.print(f"$ {' '.join(probe.argv)}\n{printed.strip()}")
        return self.note(began, probe.family, probe.service, probe.port, probe.argv[0], verdict)

    def datagram(self, probe: Datagram) -> str:
        """Send a datagram and wait for an answer."""
        to = GROUPS[probe.family] if probe.group else self.zone.target6 if probe.family == 6 else self.zone.target
        began, verdict, got = time.time(), SILENT, b""
        with asker(probe, self.zone, to) as sock:
            try:
                sock.sendto(probe.octets, (to, probe.port)) if probe.group or probe.from_same_port else sock.send(
                    probe.octets
                )
                while (left := began + probe.seconds - time.time()) > 0:
                    sock.settimeout(left)
                    got = sock.recv(9000)
                    if probe.answered(got):
                        verdict = REPLIED
                        break
            except TimeoutError:
                pass
            except OSError:  # an ICMP error, of whatever code
                verdict = REJECTED
        self.print(f"# {probe.name} -> [{to}]:{probe.port} {verdict} {got[:80]!r}")
        return self.note(began, probe.family, probe.service, f"udp/{probe.port}", probe.name, verdict)

    def echo(self, probe: Probe) -> None:
        """Ask the user's UDP server; if it seems silent, ask again in a way that would notice an ICMP error."""
        with alone():
            verdict = self.ask(probe)
        if verdict != REPLIED:
            self.ask(Datagram("nc-udp", 28524, "udp-connected", b"echo-me\n"))

    def scan(self, name: str) -> None:
        """Run nmap; its rows are for its time only."""
        began = time.time()
        files = [f"{self.prefix}.nmap-{name}.{suffix}" for suffix in ("txt", "xml")]
        words = NMAP if self.zone is LAN else (*NMAP, "--disable-arp-ping")
        with alone() if name != "tcp" else contextlib.nullcontext():
            subprocess.run(
                [*words, *SCANS[name], "-oN", files[0], "-oX", files[1], self.zone.target],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=60,
                check=True,
            )
        self.note(began, 4, "scan", NOT_TOLD, f"nmap-{name}", NOT_TOLD)

    def series(self, name: str) -> None:
        """Ask a whole series."""
        for probe in SERIES[name](self.zone):
            time.sleep(PAUSE)
            if probe.port == "udp/28524":
                self.echo(probe)
            else:
                self.ask(probe)
        if name in SCANNED:
            for scan in SCANS:
                self.scan(scan)
        if name in LAST:
            time.sleep(WINDOW)
            self.ask(ping(self.zone.target))


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep the other clients from the UDP server until it is free again."""
    with ECHO_LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        time.sleep(ECHO_REST)


def asker(probe: Datagram, zone: Zone, to: str) -> socket.socket:
    """The socket that a datagram is sent from."""
    sock = socket.socket(socket.AF_INET6 if probe.family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if probe.from_same_port or probe.source:
        sock.bind((probe.source, probe.port))
    if probe.group:
        join(sock, probe, zone)
    elif not probe.from_same_port:
        sock.connect((to, probe.port))
    return sock


def join(sock: socket.socket, probe: Datagram, zone: Zone) -> None:
    """Send to the group by the zone's link; who asks from its port hears the group too."""
    group = GROUPS[probe.family]
    if probe.family == 6:
        index = socket.if_nametoindex(zone.link)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        member = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", index)
        level, option = socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP
    else:
        own = socket.inet_aton(zone.client)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        member = socket.inet_aton(group) + own
        level, option = socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP
    if probe.from_same_port:
        sock.setsockopt(level, option, member)


def main() -> None:
    """Ask one series."""
    zone, series, prefix = sys.argv[1:4]
    Prober(ZONES[zone], Path(prefix)).series(series)


if __name__ == "__main__":
    main()
