"""Recordings of one service each: `python -m tests.lab.recordings FOLDER [NAME…]` leaves `NAME.pcap` there.

A real daemon on the lab's LAN, a client that asks it what a finding shows, the capture taken on the daemon's host; what
the client said lies beside it. No packet filter: the captures are for the protocol modules. Debian packages: krb5-kdc,
krb5-admin-server, krb5-user, samba with samba-ad-provision, samba-dsdb-modules and python3-samba, snmpd, snmp,
strongswan-starter, strongswan-charon, ike-scan, caddy, rpcbind; QUIC's client is aioquic.
"""

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab import needs
from tests.lab.captures import QUIET, STARTED, TCPDUMP
from tests.lab.daemons import Daemons
from tests.lab.jail import furnish, unshared
from tests.lab.network import Network
from tests.lab.places import LAN, LOGS, OUT
from tests.lab.processes import LabError, run, until

INSIDE = "--inside"

SNMPD = """agentAddress udp:161
sysDescr Darwin Qf98e.local 9.0.0
sysName Qf98e
sysLocation Hannover
sysContact root@example.org
rocommunity public
createUser lab SHA-256 labauthentication AES labprivacy
rouser lab
engineIDType 3
engineIDNic en0
"""

IPSEC = """config setup
conn lab
 left={target}
 right=%any
 leftauth=psk
 rightauth=psk
 keyexchange={version}
 ike=aes256-sha256-modp2048!
 auto=add
"""

CADDY = """{{
 admin off
 skip_install_trust
}}
https://qf98e.lab {{
 tls internal
 respond "here"
}}
"""
HTTP_3 = """import asyncio, ssl, sys
from aioquic.asyncio import connect
from aioquic.quic.configuration import QuicConfiguration
async def main():
    settings = QuicConfiguration(alpn_protocols=["h3"], verify_mode=ssl.CERT_NONE, server_name="qf98e.lab")
    async with connect(sys.argv[1], 443, configuration=settings) as client:
        await client.ping()
asyncio.run(main())
"""


class Recording:
    """One daemon with its client on the LAN, and the capture."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.network = Network()
        self.daemons = Daemons(self.network)
        self.crew = self.daemons.crew

    def record(self) -> None:
        """From the empty namespace to the capture."""
        for space in ("target", "lan"):
            self.network.space(space)
        self.network.ethernet()
        self.network.run("lan", "ping", "-nc1", "-W2", LAN.target)
        start, ask = RECORDINGS[self.name]
        start(self)
        words = [*TCPDUMP, "-i", "en0", "-s", "0", "-w", str(OUT / f"{self.name}.pcap"), "udp"]
        self.crew.start("tcpdump", self.network.inside("target", words))
        until(10, lambda: bool(STARTED.search(self.crew.said("tcpdump"))), "the capture")
        ask(self)
        time.sleep(QUIET)
        self.crew.check()
        self.crew.stop("tcpdump", signal.SIGINT)

    def listens(self, port: int) -> None:
        """Wait until somebody on the target listens on a UDP port."""
        until(60, lambda: f":{port} " in self.network.run("target", "ss", "-Hlnu"), f"a listener on {port}")

    def client(self, *argv: str, typed: str = "") -> None:
        """Run a client, whether it likes what it gets or not."""
        words = self.network.inside("lan", ["timeout", "20", *argv])
        said = subprocess.run(words, input=typed, capture_output=True, text=True, check=False)
        with (LOGS / "clients").open("a") as log:
            log.write(f"{argv} {said.returncode}\n{said.stdout}{said.stderr}\n")

    def send(self, port: int, *payloads: bytes) -> None:
        """Send each payload from a port of its own, and wait a moment for what comes back."""
        for payload in payloads:
            self.client(sys.executable, "-c", SENDER, LAN.target, str(port), payload.hex())


SENDER = """import socket, sys
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(0.5)
asker.connect((sys.argv[1], int(sys.argv[2])))
asker.send(bytes.fromhex(sys.argv[3]))
try:
    while True: asker.recv(65535)
except OSError: pass
"""


def start_kdc(one: Recording) -> None:
    """A Kerberos server that knows alice, who has to authenticate first, bob, who need not, and a host."""
    one.daemons.kdc()
    for words in ("-pw lab +requires_preauth alice", "-pw lab -requires_preauth bob", "-randkey host/qf98e"):
        run(["kadmin.local", "-q", f"addprinc {words}"])
    one.listens(88)


def ask_kdc(one: Recording) -> None:
    """Principals that exist and not, a password that is wrong, a ticket."""
    os.environ["KRB5_CONFIG"] = os.environ["KRB5_CONFIG"].replace("internet", "lan")
    os.environ["KRB5CCNAME"] = str(LOGS / "tickets")
    one.client("kinit", "nobody", typed="lab\n")
    one.client("kinit", "alice", typed="wrong\n")
    one.client("kinit", "bob", typed="lab\n")
    one.client("kvno", "host/qf98e")
    one.client("kvno", "host/elsewhere")


def start_samba(one: Recording) -> None:
    """A domain controller; it answers on UDP 389."""
    folder = one.daemons.folder("ad")
    words = ["domain", "provision", "--realm=LAB.EXAMPLE", "--domain=LAB", "--server-role=dc", "--dns-backend=NONE"]
    words += [f"--targetdir={folder}", "--adminpass=Lab-0f-names", "--option=posix:eadb=" + str(folder / "eadb")]
    run(["samba-tool", *words, f"--host-ip={LAN.target}"])
    own = ["-s", str(folder / "etc" / "smb.conf"), "--option=server services=cldap", "--debug-stdout"]
    one.daemons.start("samba", "samba", "-F", "--no-process-group", "-M", "single", *own)
    one.listens(389)


def ask_samba(one: Recording) -> None:
    """The rootDSE, the logon question of a client, and one that it does not know."""
    everything = ber(0x87, b"objectClass")
    domain = ber(0xA0, equals("DnsDomain", b"lab.example"), equals("NtVer", struct.pack("<I", 6)))
    one.send(389, search(1, everything), search(2, domain, b"Netlogon"), search(3, domain, b"nothing"))
    one.send(389, ber(0x30, ber(2, b"\4"), ber(0x42)))


def search(ident: int, filters: bytes, *attributes: bytes) -> bytes:
    """SearchRequest for the root's own entry, RFC 4511 section 4.5.1."""
    scope = ber(4) + ber(10, b"\0") + ber(10, b"\0") + ber(2, b"\0") + ber(2, b"\0") + ber(1, b"\0")
    names = ber(0x30, *(ber(4, name) for name in attributes))
    return ber(0x30, ber(2, bytes([ident])), ber(0x63, scope, filters, names))


def equals(name: str, value: bytes) -> bytes:
    """An equality in a filter."""
    return ber(0xA3, ber(4, name.encode()), ber(4, value))


def ber(tag: int, *contents: bytes) -> bytes:
    """A short value in BER."""
    whole = b"".join(contents)
    return bytes([tag, len(whole)]) + whole


def start_snmpd(one: Recording) -> None:
    """An agent with a community and a user."""
    folder = one.daemons.folder("snmp", {"conf": SNMPD})
    os.environ["SNMP_PERSISTENT_DIR"] = str(folder)
    one.daemons.start("snmpd", "snmpd", "-f", "-Lo", "-C", "-c", str(folder / "conf"))
    one.listens(161)


def ask_snmpd(one: Recording) -> None:
    """All versions, a wrong community, a user that does not exist, one that does, and a wrong key."""
    system = [f"1.3.6.1.2.1.1.{number}.0" for number in range(1, 7)]
    ask = ["-r", "0", "-t", "1", "-On"]
    known = ["-u", "lab", "-l", "authPriv", "-a", "SHA-256", "-x", "AES", "-X", "labprivacy"]
    one.client("snmpget", "-v", "2c", "-c", "public", *ask, LAN.target, *system)
    one.client("snmpget", "-v", "1", "-c", "public", *ask, LAN.target, "1.3.6.1.2.1.1.99.0")
    one.client("snmpget", "-v", "2c", "-c", "private", *ask, LAN.target, *system)
    one.client("snmpget", "-v", "3", "-u", "nobody", "-l", "noAuthNoPriv", *ask, LAN.target, *system)
    one.client("snmpget", "-v", "3", *known, "-A", "labauthentication", *ask, LAN.target, *system)
    one.client("snmpget", "-v", "3", *known, "-A", "not the key", *ask, LAN.target, *system)


def start_charon(one: Recording) -> None:
    """Either version of IKE, with a secret that the clients need not know."""
    folder = one.daemons.folder("ike", {"conf": IPSEC.format(target=LAN.target, version="ike")})
    one.daemons.start("charon", "/usr/lib/ipsec/starter", "--nofork", "--conf", str(folder / "conf"))
    one.listens(500)
    time.sleep(2)


def ask_charon(one: Recording) -> None:
    """Version 1 with transforms that are accepted and not, version 2 with a group that is and is not, port 4500."""
    scan = ["ike-scan", "--retry=1", "--timeout=1000", "--nodns"]
    one.client(*scan, "--trans=7/256,4,1,14", LAN.target)
    one.client(*scan, "--trans=1,1,1,1", LAN.target)
    one.client(*scan, "--ikev2", LAN.target)
    one.send(4500, bytes(4) + init(b"lab-natt", 14), b"\xff")
    one.send(500, *(init(b"lab-more", group, cipher) for group, cipher in ((14, 12), (31, 12), (14, 3), (14, 12))))


def init(spi: bytes, group: int, encryption: int = 12) -> bytes:
    """IKE_SA_INIT with one proposal, RFC 7296 section 1.2; the public value is a number like any other."""
    key = struct.pack(">4H2H", 0x0300, 12, 0x0100, encryption, 0x800E, 256)
    rest = [struct.pack(">2BH2BH", 3 if kind < 4 else 0, 0, 8, kind, 0, number) for kind, number in ((2, 5), (3, 12))]
    transforms = key + b"".join(rest) + struct.pack(">2BH2BH", 0, 0, 8, 4, 0, group)
    proposal = struct.pack(">2BH4B", 0, 0, 8 + len(transforms), 1, 1, 0, 4) + transforms
    public = bytes([2]) * (256 if group == 14 else 32)
    payloads = struct.pack(">2BH", 34, 0, 4 + len(proposal)) + proposal
    payloads += struct.pack(">2B3H", 40, 0, 8 + len(public), group, 0) + public
    payloads += struct.pack(">2BH", 0, 0, 36) + bytes(range(32))
    return spi + bytes(8) + struct.pack(">4B2I", 33, 0x20, 34, 8, 0, 28 + len(payloads)) + payloads


def start_caddy(one: Recording) -> None:
    """A web server that speaks HTTP/3."""
    folder = one.daemons.folder("caddy", {"Caddyfile": CADDY.format(), "client.py": HTTP_3})
    os.environ |= {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    one.daemons.start("caddy", "caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile")
    one.listens(443)


def ask_caddy(one: Recording) -> None:
    """A version that nobody speaks, the same in a datagram that is too small, a connection."""
    head = b"\xca\x1a\x2a\x3a\x4a\x08lab-dest\x08lab-from"
    one.send(443, head.ljust(1200, b"\0"), head.ljust(100, b"\0"))
    one.client(sys.executable, str(one.daemons.folder("caddy") / "client.py"), LAN.target)


def start_rpcbind(one: Recording) -> None:
    """A port mapper that knows itself only."""
    (Path("/run") / "rpcbind").mkdir(exist_ok=True)
    one.daemons.start("rpcbind", "rpcbind", "-f")
    one.listens(111)


def ask_rpcbind(one: Recording) -> None:
    """Nothing, all mappings in versions 2 to 4, one port, a version and a procedure that do not exist."""
    one_port = struct.pack(">4I", 100000, 2, 17, 0)
    asked = [call(1, 2, 0), call(2, 2, 4), call(3, 3, 4), call(4, 4, 4), call(5, 2, 3, one_port), call(6, 9, 4)]
    one.send(111, *asked, call(7, 2, 99))


def call(xid: int, version: int, procedure: int, arguments: bytes = b"") -> bytes:
    """A call without credentials, RFC 5531 section 9."""
    return struct.pack(">10I", 0x1AB00 + xid, 0, 2, 100000, version, procedure, 0, 0, 0, 0) + arguments


RECORDINGS: dict[str, tuple[Callable[[Recording], None], Callable[[Recording], None]]] = {
    "kerberos": (start_kdc, ask_kdc),
    "ldap": (start_samba, ask_samba),
    "snmp": (start_snmpd, ask_snmpd),
    "ike": (start_charon, ask_charon),
    "quic": (start_caddy, ask_caddy),
    "portmap": (start_rpcbind, ask_rpcbind),
}


def inside(folder: Path, name: str) -> None:
    """One recording, in namespaces of its own; its logs too, if it fails."""
    os.environ["PATH"] = needs.path()
    os.environ["TZ"] = "UTC"
    furnish()
    try:
        Recording(name).record()
    except LabError as error:
        logs = [f"== {log.name}\n{log.read_text(errors='replace')}\n" for log in sorted(LOGS.iterdir())]
        (folder / f"{name}.failed.log").write_text("".join(logs))
        sys.exit(f"{name}: {error}; {folder / f'{name}.failed.log'} has the logs")
    (folder / f"{name}.pcap").write_bytes((OUT / f"{name}.pcap").read_bytes())
    (folder / f"{name}.clients.log").write_bytes((LOGS / "clients").read_bytes())


def main() -> None:
    """Record those that are named, or all."""
    folder, *names = sys.argv[1:]
    if folder == INSIDE:
        inside(Path(names[0]), names[1])
        return
    for name in names or RECORDINGS:
        run([*unshared(), sys.executable, "-m", "tests.lab.recordings", INSIDE, folder, name])


if __name__ == "__main__":
    main()
