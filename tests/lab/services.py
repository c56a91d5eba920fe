"""Small captures of single services: `python -m tests.lab.services FOLDER [NAME…]`, as root, in namespaces.

The daemons are those that Debian packages; a service without one there is asked and answered by what its RFC says,
octet for octet. One link, one client; what is recorded is UDP on the target's `en0`.
"""

import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from socket import inet_aton

from tests.lab import needs
from tests.lab.captures import TCPDUMP, corrected, rewrite, without_release
from tests.lab.daemons import CUPS, CUPS_FILES, Daemons
from tests.lab.jail import ROOT, furnish, unshared
from tests.lab.network import Network
from tests.lab.places import LAN, LAN_MAC, LOGS, OUT, TARGET_MAC
from tests.lab.processes import Crew, LabError, until

SNAP = "1600"
SETTLED, HEARD = 1.5, 1.0  # seconds
ETHERNET, IP_BEGINS = 1, 14

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
# Answers datagrams with others, in turn; or tells a group unasked.
ANSWERER = """import socket, sys
port, *datagrams = sys.argv[1:]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", int(port)))
for datagram in datagrams:
    asked, client = server.recvfrom(9000)
    server.sendto(bytes.fromhex(datagram), client)
"""


class Scene:
    """A target, a client on its link, and what runs there."""

    def __init__(self) -> None:
        self.network = Network()
        for name in ("target", "lan"):
            self.network.space(name)
            self.network.run(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        self.network.pair("target", "en0", "lan", "en0", (TARGET_MAC, LAN_MAC))
        for name, address, address6 in (("target", LAN.target, LAN.target6), ("lan", LAN.client, LAN.client6)):
            self.network.ip(name, f"addr add {address}/24 brd + dev en0")
            self.network.ip(name, f"addr add {address6}/64 dev en0 nodad")
            self.network.ip(name, "route add 224.0.0.0/4 dev en0")
        self.daemons = Daemons(self.network)
        self.crew = Crew(LOGS)

    def folder(self, name: str, files: dict[str, str]) -> Path:
        """The folder of a daemon with its files."""
        return self.daemons.folder(name, files)

    def serve(self, name: str, *argv: str, space: str = "target") -> None:
        """Start a daemon."""
        self.crew.start(name, self.network.inside(space, argv))

    def ask(self, port: int, *datagrams: bytes, to: str = LAN.target, source: int = 0) -> None:
        """Send datagrams from one port of the client."""
        words = [datagram.hex() for datagram in datagrams]
        self.network.run("lan", sys.executable, "-c", ASKER, to, str(port), str(source), *words)

    def answer(self, port: int, *datagrams: bytes) -> None:
        """Let the target answer with these, one each."""
        words = [datagram.hex() for datagram in datagrams]
        self.serve("answerer", sys.executable, "-c", ANSWERER, str(port), *words)

    def client(self, *argv: str, space: str = "lan") -> None:
        """Run a client's program, whatever it makes of the answer."""
        subprocess.run(
            self.network.inside(space, argv), capture_output=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )

    def listening(self, port: int) -> None:
        """Wait for a daemon's socket."""
        until(15, lambda: f":{port} " in self.network.run("target", "ss", "-Hlnu"), f"a listener on {port}")

    def record(self, path: Path, wanted: str) -> None:
        """Start to record what a filter wants."""
        words = [*TCPDUMP, "-i", "en0", "-s", SNAP, "-w", str(path), wanted]
        self.crew.start("tcpdump", self.network.inside("target", words))
        until(10, lambda: "listening on" in self.crew.said("tcpdump"), "the capture")

    def stop(self, path: Path) -> None:
        """End recording and all that runs."""
        time.sleep(HEARD)
        for crew in (self.crew, self.daemons.crew):
            for name in sorted(crew.running, key="tcpdump".__ne__):
                crew.stop(name)
        without_release(path, IP_BEGINS)
        real, shown = (inet_aton(address) for address in (ROUTABLE, SHOWN))

        def change(stamp: int, frame: bytes) -> tuple[int, bytes]:
            return stamp, corrected(frame, frame.replace(real, shown), IP_BEGINS) if real in frame else frame

        rewrite(path, ETHERNET, change)
        for holder in self.network.holders.values():
            holder.kill()


Talk = Callable[[Scene], None]


@dataclass(frozen=True)
class Service:
    """What to start before recording, and what to ask then; the programs it takes, each with its Debian package."""

    start: Talk
    ask: Talk
    programs: dict[str, str] = field(default_factory=dict)
    wanted: str = "udp"


def nothing(scene: Scene) -> None:
    """Nothing runs before."""


def small_start(scene: Scene) -> None:
    """xinetd has five of the six built in; it lacks the quote of the day, which a line of shell gives."""
    built_in = "".join(
        f"service {name}\n{{\n type = INTERNAL\n id = {name}-dgram\n socket_type = dgram\n protocol = udp\n"
        f" user = root\n wait = yes\n flags = IPv4\n}}\n"
        for name in ("echo", "discard", "daytime", "chargen", "time")
    )
    folder = scene.folder("xinetd", {"conf": built_in})
    scene.serve("xinetd", "xinetd", "-dontfork", "-f", str(folder / "conf"), "-pidfile", str(folder / "pid"))
    scene.answer(17, b'"Configuration is not behaviour."\r\n', b'"So it goes."\r\n')
    for port in (7, 9, 13, 17, 19, 37):
        scene.listening(port)


def small_ask(scene: Scene) -> None:
    """Each is asked by a line and by nothing."""
    for port in (7, 9, 13, 17, 19, 37):
        scene.ask(port, b"a line\r\n", b"")


def memcached_start(scene: Scene) -> None:
    """memcached listens to UDP only if told so."""
    scene.serve("memcached", "memcached", "-u", "nobody", "-U", "11211", "-l", LAN.target)
    scene.listening(11211)


def memcached_ask(scene: Scene) -> None:
    """Text and binary, a long reply and an error."""
    texts = (b"version\r\n", b"stats\r\n", b"get nothing\r\n", b"no such command\r\n")
    binary = struct.pack(">BBHBBHIIQ", 0x80, 0x0B, 0, 0, 0, 0, 0, 0, 0)
    scene.ask(11211, *(struct.pack(">4H", 0x100 + n, 0, 1, 0) + text for n, text in enumerate((*texts, binary))))


def coap_start(scene: Scene) -> None:
    """The example server of libcoap."""
    scene.serve("coap", "coap-server-notls", "-G", "224.0.1.187%en0")
    scene.listening(5683)


def coap_ask(scene: Scene) -> None:
    """The directory, a resource that answers later, one that is not there, a ping, a group."""
    for path in (".well-known/core", "time", "async?1", "nothing"):
        scene.client("coap-client-notls", "-B", "3", f"coap://{LAN.target}/{path}")
    scene.ask(5683, b"\x40\0\x12\x34")
    scene.ask(5683, b"\x51\x01\x12\x35\x07\xb4time", to="224.0.1.187")


def stun_start(scene: Scene) -> None:
    """coturn, without long-term credentials for STUN itself."""
    folder = scene.folder("turn", {"conf": f"listening-ip={LAN.target}\nrelay-ip={LAN.target}\nno-tls\nno-dtls\n"
        "lt-cred-mech\nrealm=example.org\nno-cli\nlog-file=stdout\n"})  # fmt: skip
    scene.serve("turn", "turnserver", "-c", str(folder / "conf"), "--db", str(folder / "db"), "--pidfile",
        str(folder / "pid"))  # fmt: skip
    scene.listening(3478)


def stun_ask(scene: Scene) -> None:
    """A binding, in the old form too, and an allocation without credentials."""
    scene.client("turnutils_stunclient", LAN.target)
    ident = bytes(range(12))
    allocate = struct.pack(">HHI", 3, 8, 0x2112A442) + ident + struct.pack(">HHI", 0x19, 4, 17 << 24)
    scene.ask(3478, struct.pack(">HHI", 1, 0, 0x11223344) + ident, allocate)


def tftp_start(scene: Scene) -> None:
    """tftpd-hpa with one file."""
    folder = scene.folder("tftp", {"boot.txt": "a small file\n"})
    scene.serve("tftp", "in.tftpd", "-L", "-4", "-s", "-u", "root", str(folder))
    scene.listening(69)


def tftp_ask(scene: Scene) -> None:
    """A file that is there, one that is not, one that may not be written, options."""
    for command in ("get boot.txt /dev/null", "get nothing /dev/null", "put /etc/hostname boot2.txt"):
        scene.client("tftp", "-4", LAN.target, "-c", *command.split())
    scene.ask(69, b"\0\1boot.txt\0octet\0tsize\x000\0")


def sip_start(scene: Scene) -> None:
    """kamailio that answers OPTIONS, and asks who registers for a password."""
    config = """#!KAMAILIO
debug=1
fork=no
log_stderror=yes
listen=udp:{address}:5060
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
request_route {{
 if (is_method("OPTIONS")) {{ sl_send_reply("200", "Keepalive"); exit; }}
 if (is_method("REGISTER")) {{ www_challenge("example.org", "0"); exit; }}
 sl_send_reply("404", "Not Found");
}}
"""
    folder = scene.folder("sip", {})
    (folder / "conf").write_text(config.format(address=LAN.target))
    scene.serve("kamailio", "kamailio", "-DD", "-f", str(folder / "conf"), "-Y", str(folder), "-P", str(folder / "pid"))
    scene.listening(5060)


def sip(method: str, number: int) -> bytes:
    """A request by hand."""
    to = f"sip:x@{LAN.target}"
    lines = (
        f"{method} {to} SIP/2.0",
        f"Via: SIP/2.0/UDP {LAN.client}:5060;branch=z9hG4bK{number}",
        f"From: <sip:y@{LAN.client}>;tag={number}",
        f"To: <{to}>",
        f"Call-ID: {number}@{LAN.client}",
        f"CSeq: {number} {method}",
        "Max-Forwards: 70",
        "Content-Length: 0",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def sip_ask(scene: Scene) -> None:
    """Three methods, two of them in one dialogue's wake."""
    scene.client("sipsak", "-v", "-s", f"sip:x@{LAN.target}")
    scene.ask(5060, sip("OPTIONS", 1), sip("REGISTER", 2), sip("INVITE", 3), source=5060)


def wsd_message(action: str, number: int, body: str) -> bytes:
    """A message of a client."""
    address = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
    names = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" '
        f'xmlns:wsa="{address}" xmlns:wsd="{names}" xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof">'
        "<soap:Header><wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To>"
        f"<wsa:Action>{names}/{action}</wsa:Action><wsa:MessageID>urn:uuid:{number:032x}</wsa:MessageID>"
        f"</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"
    ).encode()


def wsd_ask(scene: Scene) -> None:
    """A probe of the group, and goodbye."""
    scene.serve("wsdd", "wsdd", "-4", "-i", "en0", "-n", "qf98e", "-w", "WORKGROUP", "-U", str(DEVICE))
    scene.listening(3702)
    time.sleep(SETTLED)
    probe = wsd_message("Probe", 1, "<wsd:Probe><wsd:Types>wsdp:Device</wsd:Types></wsd:Probe>")
    resolve = (
        f"<wsd:Resolve><wsa:EndpointReference><wsa:Address>urn:uuid:{DEVICE}</wsa:Address>"
        "</wsa:EndpointReference></wsd:Resolve>"
    )
    scene.ask(3702, probe, wsd_message("Resolve", 2, resolve), to="239.255.255.250")
    time.sleep(HEARD)
    scene.crew.stop("wsdd")


DEVICE = "98190dc2-0890-4ef8-ac9a-5940995e6119"


def ssdp_ask(scene: Scene) -> None:
    """minidlna notifies when it begins, and answers."""
    folder = scene.folder("dlna", {"conf": "network_interface=en0\nfriendly_name=qf98e\nmedia_dir={folder}/media\n"
        "db_dir={folder}/db\nlog_dir={folder}\nport=8200\nnotify_interval=900\n"
        "uuid=4d696e69-444c-164e-9d41-0017f2dfcdb3\nserial=1\n"})  # fmt: skip
    for name in ("media", "db"):
        (folder / name).mkdir()
    words = ("minidlnad", "-S", "-f", str(folder / "conf"), "-P", str(folder / "pid"))
    scene.serve("dlna", *words)
    scene.listening(1900)
    time.sleep(SETTLED)
    for target in ("ssdp:all", "upnp:rootdevice"):
        lines = ("M-SEARCH * HTTP/1.1", "HOST: 239.255.255.250:1900", 'MAN: "ssdp:discover"', "MX: 1", f"ST: {target}")
        scene.ask(1900, "".join(f"{line}\r\n" for line in (*lines, "")).encode(), to="239.255.255.250")


def dhcp_start(scene: Scene) -> None:
    """dnsmasq for both versions."""
    folder = scene.folder("dhcp", {"leases": "", "conf": f"interface=en0\nbind-interfaces\nport=0\nuser=root\n"
        f"dhcp-range={LAN.target[:-2]}100,{LAN.target[:-2]}120,1h\ndhcp-range=fd00:1ab::100,fd00:1ab::120,1h\n"
        "domain=lab.example\ndhcp-option=6,198.51.100.53\ndhcp-option=option6:dns-server,[fd00:1ab::53]\n"
        "dhcp-authoritative\n"})  # fmt: skip
    files = [
        word for letter, name in zip("Clx", ("conf", "leases", "pid"), strict=True) for word in (f"-{letter}", name)
    ]
    words = [str(folder / word) if not word.startswith("-") else word for word in files]
    scene.serve("dnsmasq", "dnsmasq", "-k", *words, "--log-facility=-")
    scene.listening(67)


def dhclient(scene: Scene, *words: str) -> None:
    """One lease, which changes nothing at the client."""
    folder = scene.folder("dhclient", {"leases": ""})
    scene.client("dhclient", *words, "-1", "-sf", "/bin/true", "-cf", "/dev/null", "-lf", str(folder / "leases"), "-pf",
        str(folder / "pid"), "en0")  # fmt: skip


def dhcp_ask(scene: Scene) -> None:
    """A lease."""
    dhclient(scene, "-4")


def dhcpv6_ask(scene: Scene) -> None:
    """A lease, and information without one."""
    dhclient(scene, "-6", "-D", "LL")
    dhclient(scene, "-6", "-S", "-D", "LL")


# miniupnpd maps nothing to an address of the documentation ranges; the capture shows one of them in its place.
ROUTABLE, SHOWN = "11.0.0.10", "203.0.113.10"
# Where miniupnpd looks for its chains.
CHAINS = """table inet filter {
 chain miniupnpd {}
 chain prerouting_miniupnpd {}
 chain postrouting_miniupnpd {}
}
"""


def natpmp_start(scene: Scene) -> None:
    """miniupnpd, its other side on a link of its own."""
    scene.network.pair("target", "wan", "lan", "wan")
    scene.network.ip("target", f"addr add {ROUTABLE}/24 dev wan")
    folder = scene.folder("upnp", {"conf": "ext_ifname=wan\nlistening_ip=en0\nenable_natpmp=yes\n"
        "enable_upnp=no\nuuid=00000000-0000-0000-0000-0017f2dfcdb3\nlease_file={folder}/leases\n"
        "allow 1024-65535 0.0.0.0/0 1024-65535\n"})  # fmt: skip
    scene.network.run("target", "nft", "-f", "-", typed=CHAINS)
    scene.serve("upnp", "miniupnpd", "-d", "-f", str(folder / "conf"), "-P", str(folder / "pid"))
    scene.listening(5351)


def natpmp_ask(scene: Scene) -> None:
    """The address and a mapping by its client, then PCP: a map, and an opcode that nobody has."""
    scene.client("natpmpc", "-g", LAN.target)
    scene.client("natpmpc", "-g", LAN.target, "-a", "40000", "5353", "udp", "60")
    own = b"\0" * 10 + b"\xff\xff" + bytes(map(int, LAN.client.split(".")))
    data = b"nonce-of-map" + struct.pack(">B3xHH16x", 17, 5354, 40001)
    header = struct.pack(">BBHI", 2, 1, 0, 60) + own
    scene.ask(5351, header + data, struct.pack(">BBHI", 2, 0x30, 0, 60) + own)


def slp_ask(scene: Scene) -> None:
    """No daemon is packaged: a request and its reply by RFC 2608, then attributes."""

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value)) + value.encode()

    def message(function: int, xid: int, body: bytes) -> bytes:
        return struct.pack(">BBBHHBHH", 2, function, 0, 16 + len(body), 0, 0, 0, xid) + text("en") + body

    url = "service:printer:lpr://qf98e.lab.example"
    replies = (
        message(2, 1, struct.pack(">HHBH", 0, 1, 0, 3600) + text(url) + b"\0"),
        message(7, 2, bytes(2) + text("(make-model=HP LaserJet 4),(location=Hannover)") + b"\0"),
    )
    scene.answer(427, *replies)
    scene.listening(427)
    requests = (
        message(1, 1, text("") + text("service:printer") + text("DEFAULT") + text("") + text("")),
        message(6, 2, text("") + text(url) + text("DEFAULT") + text("") + text("")),
    )
    scene.ask(427, *requests)


def ard_ask(scene: Scene) -> None:
    """No daemon is packaged, and the layout is not public: nmap's probe, and a reply that is made up."""
    scene.answer(3283, bytes.fromhex("000103ea0001") + bytes(20) + b"Qf98e\0" + bytes(30) + b"10.5.0\0")
    scene.listening(3283)
    scene.ask(3283, bytes.fromhex("0014000103"))


# A printer of CUPS is announced in the old way by cups-browsed, if it is told so.
BROWSED = """BrowseLocalProtocols CUPS
BrowseRemoteProtocols none
BrowseInterval 3
CacheDir {folder}
"""


def ipp_start(scene: Scene) -> None:
    """CUPS with a printer that is shared."""
    files = {"conf": CUPS.replace("Browsing Off", "Browsing On"), "files": f"{CUPS_FILES}FileDevice Yes\n"}
    folder = scene.folder("cups", files)
    for name in ("spool", "spool/tmp", "cache", "state", "ppd"):
        (folder / name).mkdir()
    scene.serve("cupsd", "cupsd", "-f", "-c", str(folder / "conf"), "-s", str(folder / "files"))
    until(15, lambda: ":631 " in scene.network.run("target", "ss", "-Hlnt"), "CUPS")
    printer = ("-p", "laser", "-E", "-v", "file:///dev/null", "-m", "raw", "-L", "Hannover", "-D", "Laser")
    shared = ("-o", "printer-is-shared=true")
    scene.network.run("target", "lpadmin", "-h", "127.0.0.1:631", *printer, *shared)


def ipp_ask(scene: Scene) -> None:
    """cups-browsed broadcasts; then a probe of the port."""
    folder = scene.folder("browsed", {"conf": BROWSED})
    scene.serve("browsed", "env", "CUPS_SERVER=127.0.0.1:631", "cups-browsed", "-c", str(folder / "conf"))
    time.sleep(2 * SETTLED)
    scene.ask(631, b"\r\n\r\n")


def nbdgm_ask(scene: Scene) -> None:
    """nmbd becomes master browser; then the client asks for backup browsers, and of the group for announcements."""
    scene.daemons.nmbd()
    until(60, scene.daemons.is_master, "nmbd to become master browser")
    time.sleep(HEARD)
    scene.ask(138, backup_request(), source=138)
    time.sleep(HEARD)


def backup_request() -> bytes:
    """A request for backup browsers, [MS-BRWS] section 2.2.3, to the master browser of the workgroup."""

    def name(text: str, suffix: int) -> bytes:
        octets = text.encode().ljust(15) + bytes([suffix])
        return b"\x20" + bytes(ord("A") + half for octet in octets for half in divmod(octet, 16)) + b"\0"

    slot, frame = b"\\MAILSLOT\\BROWSE\0", struct.pack("<BBI", 9, 4, 0x01020304)
    words = struct.pack(
        "<4HBBHIHHHHHBBHHH", 0, len(frame), 0, 0, 0, 0, 0, 0, 0, 0, 0, len(frame), 69 + len(slot), 3, 0, 1, 1, 2
    )
    smb = b"\xffSMB\x25" + bytes(27) + bytes([17]) + words + struct.pack("<H", len(slot) + len(frame)) + slot + frame
    names = name("CLIENT", 0) + name("WORKGROUP", 0x1D)
    own = bytes(map(int, LAN.client.split(".")))
    return struct.pack(">BBH4sHHH", 0x11, 0x02, 0x1234, own, 138, len(names) + len(smb), 0) + names + smb


# What a server says first fits into a segment where its key is one of a curve, and does not where it is one of RSA.
CURVE = "-newkey ec -pkeyopt ec_paramgen_curve:P-256"
AUTHORITY = f"req -x509 {CURVE} -nodes -days 3650 -subj '/O=Lab/CN=Lab authority' -keyout ca.key -out ca.pem"
LEAVES = {
    "443": f"{CURVE} -subj /O=Lab/CN=qf98e.lab.example",
    "8443": "-newkey rsa:3072 -utf8 -subj '/C=DE/O=Lab, Example/CN=büro.lab.example'",
}
ALTERNATIVES = f"subjectAltName=DNS:qf98e.lab.example,DNS:*.qf98e.lab.example,IP:{LAN.target},IP:{LAN.target6}"


def tcp_start(scene: Scene) -> None:
    """Two servers of TLS, their certificates by an authority of their own."""
    folder = scene.folder("tls", {})

    def openssl(words: str) -> None:
        scene.network.run("target", "sh", "-c", f"cd {folder} && openssl {words}")

    openssl(AUTHORITY)
    for port, words in LEAVES.items():
        openssl(f"req -x509 -CA ca.pem -CAkey ca.key -nodes -days 3650 {words} -addext {ALTERNATIVES} "
            f"-keyout {port}.key -out {port}.pem")  # fmt: skip
        own = ("-cert", str(folder / f"{port}.pem"), "-key", str(folder / f"{port}.key"))
        scene.serve(
            f"tls-{port}", "openssl", "s_server", "-www", "-accept", port, *own, "-cert_chain", str(folder / "ca.pem")
        )
    until(
        15,
        lambda: all(f":{port} " in scene.network.run("target", "ss", "-Hlnt") for port in LEAVES),
        "both servers",
    )


def tcp_ask(scene: Scene) -> None:
    """TLS 1.2, whose certificate is in clear, TLS 1.3, and a version that the server refuses."""
    for port, version in (("443", "-tls1_2"), ("443", "-tls1_3"), ("443", "-tls1_1"), ("8443", "-tls1_2")):
        scene.client("openssl", "s_client", "-connect", f"{LAN.target}:{port}", version)


LEASES = {"dnsmasq": "dnsmasq-base", "dhclient": "isc-dhcp-client"}
PRINTING = {"cupsd": "cups-daemon", "lpadmin": "cups-client", "cups-browsed": "cups-browsed"}
SERVICES = {
    "small": Service(small_start, small_ask, {"xinetd": "xinetd"}),
    "memcached": Service(memcached_start, memcached_ask, {"memcached": "memcached"}),
    "coap": Service(coap_start, coap_ask, {"coap-server-notls": "libcoap3-bin"}),
    "stun": Service(stun_start, stun_ask, {"turnserver": "coturn"}),
    "tftp": Service(tftp_start, tftp_ask, {"in.tftpd": "tftpd-hpa", "tftp": "tftp-hpa"}),
    "sip": Service(sip_start, sip_ask, {"kamailio": "kamailio", "sipsak": "sipsak"}),
    "wsdiscovery": Service(nothing, wsd_ask, {"wsdd": "wsdd"}),
    "ssdp": Service(nothing, ssdp_ask, {"minidlnad": "minidlna"}),
    "dhcp": Service(dhcp_start, dhcp_ask, LEASES),
    "dhcpv6": Service(dhcp_start, dhcpv6_ask, LEASES),
    "natpmp": Service(natpmp_start, natpmp_ask, {"miniupnpd": "miniupnpd-nftables", "natpmpc": "natpmpc"}),
    "slp": Service(nothing, slp_ask),
    "ard": Service(nothing, ard_ask),
    "ipp": Service(ipp_start, ipp_ask, PRINTING),
    "nbdgm": Service(nothing, nbdgm_ask, {"nmbd": "samba"}, "udp port 138"),
    "tcp": Service(tcp_start, tcp_ask, {"openssl": "openssl"}, "tcp"),
}


def inside(folder: Path, name: str) -> None:
    """Record one service; called in namespaces of its own."""
    os.environ["PATH"] = needs.path()
    furnish()
    scene = Scene()
    service = SERVICES[name]
    path = OUT / f"{name}.pcap"
    try:
        service.start(scene)
        scene.record(path, service.wanted)
        service.ask(scene)
        scene.stop(path)
    except (LabError, subprocess.SubprocessError) as error:
        logs = "".join(f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}\n" for log in sorted(LOGS.glob("*")))
        sys.stderr.write(f"{name}: {error}\n{logs}")
        sys.exit(1)
    (folder / path.name).write_bytes(path.read_bytes())


def main() -> int:
    """Record some services, or all."""
    if sys.argv[1] == "--inside":
        inside(Path(sys.argv[2]), sys.argv[3])
        return 0
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(exist_ok=True)
    failed = 0
    for name in sys.argv[2:] or SERVICES:
        programs = SERVICES[name].programs.items()
        if missing := [package for program, package in programs if not shutil.which(program, path=needs.path())]:
            sys.stderr.write(f"{name}: missing packages: {' '.join(missing)}\n")
            failed = 1
            continue
        words = [*unshared(), sys.executable, "-m", "tests.lab.services", "--inside", str(folder), name]
        failed |= subprocess.run(words, cwd=ROOT, check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
