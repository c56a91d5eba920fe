"""Asking the target as the journalist did, and writing down what came of it. `probes ZONE SERIES PREFIX`, in a client.

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.places import HOME, LAN, LAN_BROADCAST, NAME_SERVER, TIME_SERVER, ZONES, Zone
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


@dataclass(frozen=True)
class Command:
    """A program that asks; what it prints tells whether it was answered."""

    service: str
    port: str
    argv: tuple[str, ...]
    answered: str
    typed: str = ""
    family: int = 4
    seconds: float = 4
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Datagram:
    """A datagram that the prober sends itself."""

    service: str
    port: int
    name: str
    octets: bytes
    group: bool = False
    from_same_port: bool = False
    answered: Callable[[bytes], bool] = lambda _: True
    family: int = 4
    seconds: float = 1.0
    source: str = ""


Probe = Command | Datagram


def question(name: str, ident: int = 0, kind: int = 12, group: int = 1) -> bytes:
    """A DNS query."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", ident, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, group)


SSH_SERVICE = "_ssh._tcp.local"
UNICAST = 0x8001  # class IN, with the wish for a unicast response
READ_VARIABLES = b"\x16\x02" + struct.pack(">5H", 1, 0, 0, 0, 0)  # NTP mode 6
ASK_TIME = b"\x23" + bytes(39) + b"capanlyz"  # NTP version 4, mode 3, any transmit timestamp
NODE_STATUS = struct.pack(">6H", 0x0A0B, 0, 1, 0, 0, 0) + b"\x20CK" + b"A" * 30 + b"\0" + struct.pack(">2H", 0x21, 1)


def names_ssh(octets: bytes) -> bool:
    """Whether these octets are an answer that tells of the SSH service."""
    return len(octets) > 12 and bool(octets[2] & 0x80) and b"_ssh" in octets


def ping(target: str, family: int = 4) -> Command:
    """One echo request."""
    port = {4: "icmp/8", 6: "icmp6/128"}[family]
    return Command("ping", port, ("ping", f"-{family}", "-n", "-c1", "-W1", target), r"bytes from", family=family)


def netcat(service: str, port: int, target: str, answered: str, typed: str = "", family: int = 4) -> Command:
    """nc to a TCP port."""
    argv = ("nc", f"-{family}", "-v", "-n", "-w1", target, str(port))
    return Command(service, f"tcp/{port}", argv, answered, typed, family)


def ssh(target: str, family: int = 4) -> Command:
    """An SSH client. That it is not let in for want of a key is an answer.

    So is a connection that is closed in due form: sshd gives up so where it cannot become another user.
    """
    options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=1")
    words = [word for option in options for word in ("-o", option)]
    return Command(
        "ssh",
        "tcp/22",
        ("ssh", "-F", "none", *words, f"guest@{target}"),
        r"Permission denied|Connection closed by",
        family=family,
    )


def ntpdate(target: str, family: int = 4) -> Command:
    """A query for the time."""
    return Command("ntp", "udp/123", ("ntpdate", f"-{family}", "-q", "-t", "1", target), r"no-leap", family=family)


def dig(target: str, family: int = 4) -> Command:
    """A Bonjour query by unicast."""
    argv = ("dig", f"-{family}", "-p", "5353", f"@{target}", SSH_SERVICE, "PTR", "+time=1", "+tries=1")
    return Command("mdns", "udp/5353", argv, r"ANSWER: [1-9]", family=family)


def kinit(zone: Zone, family: int = 4) -> Command:
    """A ticket for somebody who is not known: UDP first, then TCP."""
    config = HOME / "kdc" / f"{zone.name}{6 if family == 6 else ''}.conf"
    env = {"KRB5_CONFIG": str(config)}
    return Command(
        "kerberos", "udp/88", ("kinit", "nobody"), r"not found in Kerberos", "", family, seconds=2.5, env=env
    )


def closed(target: str, family: int = 4) -> list[Probe]:
    """A port that nothing listens on."""
    return [netcat("closed", 9, target, "succeeded", family=family), Datagram("closed", 9, "udp", b"?", family=family)]


def names(zone: Zone) -> Iterator[Probe]:
    """The NetBIOS name service: the article's `nmblookup -U -A`, a name, and who is master of the workgroup."""
    port, target = "udp/137", zone.target
    yield Command("netbios-ns", port, ("nmblookup", "-U", target, "-A", target), r"<00>")
    yield Command("netbios-ns", port, ("nmblookup", "-U", target, "QF98E"), r"QF98E<00>")
    yield Datagram("netbios-ns", 137, "node-status", NODE_STATUS)
    if zone is LAN:
        yield Command("netbios-ns", port, ("nmblookup", "-B", LAN_BROADCAST, "WORKGROUP#1d"), r"WORKGROUP<1d>")


def bonjour(zone: Zone) -> Iterator[Probe]:
    """Bonjour: to the group, to the group from another port, to the target alone, and with dig."""
    query = question(SSH_SERVICE)
    if zone is LAN:
        yield Datagram("mdns", 5353, "mdns-multicast", query, group=True, from_same_port=True, answered=names_ssh)
        legacy = question(SSH_SERVICE, ident=7)
        yield Datagram("mdns", 5353, "mdns-multicast-legacy", legacy, group=True, answered=names_ssh)
    unicast = question(SSH_SERVICE, group=UNICAST)
    yield Datagram("mdns", 5353, "mdns-unicast-5353", unicast, from_same_port=True, answered=names_ssh)
    yield dig(zone.target)


def everything(zone: Zone) -> Iterator[Probe]:
    """The article's probes, and what belongs beside them."""
    target = zone.target
    yield ping(target)
    yield ntpdate(target)
    yield Datagram("ntp", 123, "ntp-mode6", READ_VARIABLES)
    yield from names(zone)
    sender = socket.inet_aton(zone.client)
    yield Datagram("netbios-dgm", 138, "dgm-garbage", b"\x10\x0a\0\1" + sender + b"\0\x8a\0\0\0\0")
    printer = b'3 3 ipp://%s/printers/x "lab" "x" "x"\n' % zone.client.encode()
    yield Datagram("ipp-browse", 631, "cups-browse", printer, seconds=0.6)
    yield from bonjour(zone)
    yield ssh(target)
    yield netcat("ssh", 22, target, r"SSH-2")
    yield netcat("backdoor", 37200, target, r"backdoor: hello", "hello\n")
    argv = ("nc", "-n", "-u", "-w1", target, "28524")
    yield Command("nc-udp", "udp/28524", argv, r"echo-me", "echo-me\n")
    yield netcat("ipp", 631, target, r"HTTP/1", "GET / HTTP/1.0\r\n\r\n")
    yield netcat("kerberos", 88, target, r"succeeded")
    yield kinit(zone)
    yield Datagram("kerberos", 88, "udp-connected", b"?")
    yield from closed(target)
    target6 = zone.target6
    yield ping(target6, 6)
    yield ntpdate(target6, 6)
    if zone is LAN:
        query = question(SSH_SERVICE)
        yield Datagram("mdns", 5353, "mdns-multicast", query, True, True, names_ssh, family=6)
    yield dig(target6, 6)
    yield netcat("ssh", 22, target6, r"SSH-2", family=6)


def over_ipv6(zone: Zone) -> Iterator[Probe]:
    """What else listens on IPv6."""
    target = zone.target6
    yield ssh(target, 6)
    yield Datagram("ntp", 123, "ntp-mode6", READ_VARIABLES, family=6)
    yield netcat("ipp", 631, target, r"HTTP/1", "GET / HTTP/1.0\r\n\r\n", 6)
    yield netcat("kerberos", 88, target, r"succeeded", family=6)
    yield kinit(zone, 6)
    yield Datagram("kerberos", 88, "udp-connected", b"?", family=6)
    yield from closed(target, 6)


def both_families(zone: Zone) -> Iterator[Probe]:
    """All probes over IPv4, and all that there are over IPv6."""
    yield from everything(zone)
    yield from over_ipv6(zone)


def ipv4(zone: Zone) -> Iterator[Probe]:
    """The article's probes without those over IPv6: for a client that has none."""
    yield from (probe for probe in everything(zone) if probe.family == 4)


def brief(zone: Zone) -> Iterator[Probe]:
    """A few probes that take no time where they are answered."""
    target = zone.target
    yield ping(target)
    yield ntpdate(target)
    yield Command("netbios-ns", "udp/137", ("nmblookup", "-U", target, "-A", target), r"<00>")
    yield dig(target)
    yield netcat("ssh", 22, target, r"SSH-2")


def only_time(zone: Zone) -> Iterator[Probe]:
    """Queries for the time: ntpdate takes only what is synchronised, and does not tell a refusal from silence."""
    yield ntpdate(zone.target)
    yield Datagram("ntp", 123, "ntp-client", ASK_TIME)


def errands(zone: Zone) -> Iterator[Probe]:
    """What the target asks of others."""
    yield ntpdate(zone.target)
    argv = ("dig", f"@{NAME_SERVER}", "time.example", "+short", "+time=1", "+tries=1")
    yield Command("dns", "udp/53", argv, re.escape(TIME_SERVER))
    yield netcat("http", 80, zone.target, r"succeeded", "GET\n")


def from_server(zone: Zone) -> Iterator[Probe]:
    """Time asked from port to port: by a host that the target has asked before, and by one that it has not."""
    yield Datagram("ntp", 123, "ntp-polled", ASK_TIME, source=TIME_SERVER)
    yield Datagram("ntp", 123, "ntp-stranger", ASK_TIME, source=zone.client)


def late_time(_: Zone) -> Iterator[Probe]:
    """A question to a time server that takes its time."""
    yield Datagram("ntp", 123, "ntp-late", ASK_TIME, seconds=6)


def late_name(_: Zone) -> Iterator[Probe]:
    """A question to a name server that takes its time."""
    yield Datagram("netbios-ns", 137, "nbns-late", NODE_STATUS, seconds=6)


def conversation(zone: Zone) -> Iterator[Probe]:
    """A connection to sshd, and after three seconds a line that it does not understand."""
    words = f"(sleep 3; echo hello) | nc -n -v -w6 {zone.target} 22"
    yield Command("ssh", "tcp/22", ("sh", "-c", words), r"Invalid SSH", seconds=8)


SERIES = {
    "everything": everything,
    "both-families": both_families,
    "ipv4": ipv4,
    "brief": brief,
    "late-time": late_time,
    "late-name": late_name,
    "only-time": only_time,
    "errands": errands,
    "from-server": from_server,
    "conversation": conversation,
}
SCANNED = {"everything", "both-families"}
LAST = {*SCANNED, "ipv4", "brief"}
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
