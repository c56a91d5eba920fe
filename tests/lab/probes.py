"""What the target is asked: the article's probes, and what belongs beside them, in series."""

import re
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.lab.places import HOME, LAN, LAN_BROADCAST, NAME_SERVER, TIME_SERVER, Zone


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


def published(zone: Zone) -> Iterator[Probe]:
    """What a container answers by the target's ports, and a few of the target's own services."""
    target = zone.target
    yield ping(target)
    yield netcat("http", 8080, target, r"from behind", "GET / HTTP/1.0\r\n\r\n")
    words = ("dig", "-4", "-p", "8053", f"@{target}", "time.example", "+short", "+time=1", "+tries=1")
    yield Command("dns", "udp/8053", words, re.escape(TIME_SERVER))
    yield ntpdate(target)
    yield netcat("ssh", 22, target, r"SSH-2")
    yield netcat("closed", 9, target, "succeeded")


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
    "published": published,
    "late-time": late_time,
    "late-name": late_name,
    "only-time": only_time,
    "errands": errands,
    "from-server": from_server,
    "conversation": conversation,
}
