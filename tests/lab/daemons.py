"""The services of the target: real daemons, all their files in the lab's own folder.

They stand in for those of Mac OS X: ntpd and nmbd are its own, avahi for mDNSResponder, CUPS, sshd and a Kerberos
server as they are. The two `nc` are what a user started, one of them the article's backdoor.
"""

import os
import re
import shutil
import sys
from pathlib import Path

from tests.lab.jail import cover, only_root_is_mapped
from tests.lab.network import Network
from tests.lab.places import CLIENTS, HOME, INTERNET, LAN_BROADCAST, LOGS, NAME_SERVER, RUN, TIME_SERVER
from tests.lab.processes import Crew, LabError, run, until

USER = ("setpriv", "--reuid", "501", "--regid", "20", "--clear-groups")
REALM = "LKDC.LAB"

NTP = """driftfile {folder}/drift
tos orphan 2 orphanwait {wait}
# a line of its own for each network: the built-in default would refuse control queries
restrict 198.51.100.0 mask 255.255.255.0
restrict 203.0.113.0 mask 255.255.255.0
restrict fd00:1ab::/64
restrict 2001:db8:99::/64
restrict 127.0.0.1
"""

SAMBA = """[global]
netbios name = QF98E
workgroup = WORKGROUP
server string = Mac OS X
interfaces = en0
bind interfaces only = no
preferred master = yes
local master = yes
os level = 65
wins support = no
dns proxy = no
log level = 1
log file = {folder}/log.%m
private dir = {folder}
state directory = {folder}
cache directory = {folder}
lock directory = {folder}
pid directory = {folder}
ncalrpc dir = {folder}/ncalrpc
"""

AVAHI = """[server]
host-name=qf98e
use-ipv4=yes
use-ipv6=yes
enable-dbus=no
allow-point-to-point=yes
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
"""
AVAHI_SSH = """<?xml version="1.0"?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name replace-wildcards="yes">%h</name>
<service><type>_ssh._tcp</type><port>22</port></service></service-group>
"""

SSHD = """Port 22
HostKey {folder}/key
PidFile none
UsePAM no
PasswordAuthentication no
"""

CUPS = """Listen *:631
LogLevel warn
Browsing Off
DefaultAuthType None
WebInterface Yes
ServerAlias *
<Location />
  Order allow,deny
  Allow all
</Location>
"""
CUPS_FILES = """ServerRoot {folder}
RequestRoot {folder}/spool
TempDir {folder}/spool/tmp
CacheDir {folder}/cache
StateDir {folder}/state
AccessLog {folder}/access
ErrorLog {folder}/error
PageLog {folder}/page
"""
# CUPS stopped reading this port in version 1.6; its socket never answered.
CUPS_BROWSE = """import socket
reader = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
reader.bind(("", 631))
while True:
    reader.recv(9000)
"""

KDC = """[kdcdefaults]
 kdc_ports = 88
 kdc_tcp_ports = 88
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
 }}
[logging]
 kdc = FILE:{folder}/log
"""
KRB5 = """[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
[realms]
 {realm} = {{
  kdc = {server}
 }}
"""

# One address for every name.
NAMES_SERVER = """import socket, struct, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
while True:
    query, client = server.recvfrom(4096)
    end = query.index(0, 12) + 5
    answer = b"\\xc0\\x0c" + struct.pack(">2HIH", 1, 1, 60, 4) + socket.inet_aton("203.0.113.123")
    server.sendto(query[:2] + b"\\x85\\x80" + struct.pack(">4H", 1, 1, 0, 0) + query[12:end] + answer, client)
"""

BACKDOOR = """# a primitive echo server, for many connections
mkfifo {folder}/tcp; exec 9<>{folder}/tcp; rm {folder}/tcp
nc -l -k 37200 <&9 | sed -u 's/^/backdoor: /' >&9
"""
# nc -u serves one peer at a time; -w 1 frees it after a second of silence.
UDP_ECHO = """while :; do
 mkfifo {folder}/udp; exec 9<>{folder}/udp; rm {folder}/udp
 nc -u -l -w 1 28524 <&9 >&9; exec 9>&-
done
"""


class Daemons:
    """The daemons of one lab."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.crew = Crew(LOGS)
        self.env: dict[str, str] = {}

    def folder(self, name: str, files: dict[str, str] | None = None) -> Path:
        """The folder of a daemon, with its files; `{folder}` in them is replaced."""
        folder = HOME / name
        folder.mkdir(exist_ok=True)
        for file, text in (files or {}).items():
            (folder / file).write_text(text.replace("{folder}", str(folder)))
        return folder

    def start(self, name: str, *argv: str, space: str = "target") -> None:
        """Start a daemon."""
        self.crew.start(name, self.network.inside(space, argv), self.env)

    def up(self) -> None:
        """Start everything; what takes time to settle goes first."""
        resolver = HOME / "resolv.conf"
        resolver.write_text(f"nameserver {NAME_SERVER}\n")
        cover(Path("/etc/resolv.conf"), resolver)
        self.nmbd()
        self.ntpd()
        self.avahi()
        self.sshd()
        self.cups()
        self.kdc()
        self.of_the_user()

    def ready(self) -> None:
        """Wait until the time server serves and the name server is master browser: from then on answers are stable."""
        until(40, self.serves, "ntpd to serve")
        until(60, self.is_master, "nmbd to become master browser")
        until(20, lambda: len(self.listens()) == len(LISTENED), "all daemons to listen")
        self.crew.check()

    def serves(self) -> bool:
        """Whether ntpd has a time to give."""
        return leap(self.network, "target") == "leap=00"

    def is_master(self) -> bool:
        """Whether nmbd has won its election, and answers to the name that goes with it."""
        try:
            return "<1d>" in self.network.run("lan", "nmblookup", "-B", LAN_BROADCAST, "WORKGROUP#1d")
        except LabError:
            return False

    def listens(self) -> set[str]:
        """Those of the ports that have a listener."""
        ports = self.network.run("target", "ss", "-Hlntu").split()
        return {port for port in LISTENED if any(word.endswith(f":{port}") for word in ports)}

    def ntpd(self, wait: int = 3, more: str = "", name: str = "ntpd", space: str = "target") -> None:
        """Start ntpd; without an upstream it serves its own clock after so many seconds."""
        folder = self.folder(name)
        (folder / "drift").write_text("0.0\n")
        (folder / "conf").write_text(NTP.format(folder=folder, wait=wait) + more)
        self.start(name, "ntpd", "-n", "-N", "-c", str(folder / "conf"), "-p", str(folder / "pid"), space=space)

    def nmbd(self) -> None:
        """Start nmbd."""
        folder = self.folder("samba", {"conf": SAMBA})
        (folder / "ncalrpc").mkdir()
        self.start("nmbd", "nmbd", "-F", "--no-process-group", "-s", str(folder / "conf"), "--debug-stdout")

    def avahi(self) -> None:
        """Start avahi, which looks for its services in /etc/avahi."""
        folder = self.folder("avahi", {"avahi-daemon.conf": AVAHI, "hosts": ""})
        (folder / "services").mkdir()
        (folder / "services" / "ssh.service").write_text(AVAHI_SSH)
        cover(Path("/etc/avahi"), folder)
        if only_root_is_mapped():
            self.make_root("avahi")
        else:
            shutil.chown(RUN / "avahi-daemon", "avahi", "avahi")
        self.start("avahi", "avahi-daemon", "--no-chroot", "--no-drop-root", "-f", "/etc/avahi/avahi-daemon.conf")

    def make_root(self, user: str) -> None:
        """Let a user that a daemon insists on be root, where there is no other."""
        for name, ids in (("passwd", "0:0"), ("group", "0")):
            own = HOME / name
            text = Path("/etc", name).read_text()
            own.write_text(re.sub(rf"(?m)^({user}:[^:]*):{ids.replace('0', '[0-9]+')}:", rf"\1:{ids}:", text))
            cover(Path("/etc", name), own)

    def sshd(self) -> None:
        """Start sshd with a key of its own."""
        folder = self.folder("sshd", {"conf": SSHD})
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")])
        self.start("sshd", str(shutil.which("sshd")), "-D", "-e", "-f", str(folder / "conf"))

    def cups(self) -> None:
        """Start CUPS, and what stands in for its browsing port."""
        folder = self.folder("cups", {"conf": CUPS, "files": CUPS_FILES, "browse.py": CUPS_BROWSE})
        for name in ("spool", "spool/tmp", "cache", "state"):
            (folder / name).mkdir()
        self.start("cupsd", "cupsd", "-f", "-c", str(folder / "conf"), "-s", str(folder / "files"))
        self.start("browse", sys.executable, str(folder / "browse.py"))

    def kdc(self) -> None:
        """Start a Kerberos server that knows nobody; each zone's clients find it at its address there."""
        folder = self.folder("kdc")
        (folder / "kdc.conf").write_text(KDC.format(folder=folder, realm=REALM))
        for zone in CLIENTS:
            (folder / f"{zone.name}.conf").write_text(KRB5.format(realm=REALM, server=zone.target))
            (folder / f"{zone.name}6.conf").write_text(KRB5.format(realm=REALM, server=f"[{zone.target6}]"))
        self.env = {
            "KRB5_CONFIG": str(folder / f"{INTERNET.name}.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
        }
        os.environ.update(self.env)
        run(["kdb5_util", "create", "-s", "-r", REALM, "-P", "lab"])
        self.start("kdc", "krb5kdc", "-n", "-r", REALM)

    def of_the_internet(self) -> None:
        """Start what the target asks for when it is a client: time, names, and a page."""
        folder = self.folder("names", {"server.py": NAMES_SERVER})
        self.ntpd(wait=1, name="ntpd-internet", space="internet")
        self.start("names", sys.executable, str(folder / "server.py"), NAME_SERVER, space="internet")
        self.start("page", "nc", "-l", "-k", "-N", TIME_SERVER, "80", space="internet")
        until(40, lambda: leap(self.network, "internet") == "leap=00", "the internet's ntpd to serve")

    def of_the_user(self) -> None:
        """Start the two test servers, as an ordinary user where there is one."""
        folder = self.folder("user", {"tcp.sh": BACKDOOR, "udp.sh": UDP_ECHO})
        folder.chmod(0o777)
        user = () if only_root_is_mapped() else USER
        for name in ("tcp", "udp"):
            self.start(f"nc-{name}", *user, "/bin/bash", str(folder / f"{name}.sh"))


LISTENED = ("22", "88", "123", "137", "138", "631", "5353", "28524", "37200")


def leap(network: Network, space: str) -> str:
    """What an ntpd says of its own clock: `leap=00` once it serves."""
    try:
        said = network.run(space, "ntpq", "-n", "-c", "rv", "127.0.0.1")
    except LabError:
        return ""
    return next((word for word in re.split(r"[\s,]+", said) if word.startswith("leap=")), "")
