"""Small captures of single services: `python -m tests.lab.services FOLDER [NAME…]`, as root, in namespaces.

The daemons are those that Debian packages; a service without one there is asked and answered by what its RFC says,
octet for octet. What is recorded is UDP on the target's `en0`, unless a row wants something else. QUIC's client is
aioquic, which pip installs.
"""

import os
import struct
import sys
import time

from tests.ber import INTEGER, SEQUENCE, ber
from tests.lab.captures import QUIET
from tests.lab.daemons import CUPS, CUPS_FILES
from tests.lab.messages import AND, PRESENT, backup_request, equals, ike_sa_init, rpc_call, search, sip, wsd_message
from tests.lab.places import LAN, LOGS, RUN
from tests.lab.processes import run, until
from tests.lab.scene import Scene, Service, nothing, record

SETTLED = 1.5  # seconds
DEVICE = "98190dc2-0890-4ef8-ac9a-5940995e6119"


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


def sip_ask(scene: Scene) -> None:
    """Three methods, two of them in one dialogue's wake."""
    scene.client("sipsak", "-v", "-s", f"sip:x@{LAN.target}")
    scene.ask(5060, sip("OPTIONS", 1), sip("REGISTER", 2), sip("INVITE", 3), source=5060)


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
    time.sleep(QUIET)
    scene.crew.stop("wsdd")


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
    scene.listening(631, "t")
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
    time.sleep(QUIET)
    scene.ask(138, backup_request(), source=138)
    time.sleep(QUIET)


def kerberos_start(scene: Scene) -> None:
    """A Kerberos server that knows alice, who has to authenticate first, bob, who need not, and a host."""
    scene.daemons.kdc()
    for words in ("-pw lab +requires_preauth alice", "-pw lab -requires_preauth bob", "-randkey host/qf98e"):
        run(["kadmin.local", "-q", f"addprinc {words}"])
    scene.listening(88)


def kerberos_ask(scene: Scene) -> None:
    """Principals that exist and not, a password that is wrong, a ticket."""
    os.environ["KRB5_CONFIG"] = os.environ["KRB5_CONFIG"].replace("internet", "lan")
    os.environ["KRB5CCNAME"] = str(LOGS / "tickets")
    scene.client("kinit", "nobody", typed="lab\n")
    scene.client("kinit", "alice", typed="wrong\n")
    scene.client("kinit", "bob", typed="lab\n")
    scene.client("kvno", "host/qf98e")
    scene.client("kvno", "host/elsewhere")


def ldap_start(scene: Scene) -> None:
    """A domain controller; it answers on UDP 389."""
    folder = scene.folder("ad")
    words = ["domain", "provision", "--realm=LAB.EXAMPLE", "--domain=LAB", "--server-role=dc", "--dns-backend=NONE"]
    words += [f"--targetdir={folder}", "--adminpass=Lab-0f-names", "--option=posix:eadb=" + str(folder / "eadb")]
    run(["samba-tool", *words, f"--host-ip={LAN.target}"])
    own = ["-s", str(folder / "etc" / "smb.conf"), "--option=server services=cldap", "--debug-stdout"]
    scene.serve("samba", "samba", "-F", "--no-process-group", "-M", "single", *own)
    scene.listening(389)


def ldap_ask(scene: Scene) -> None:
    """The rootDSE, the logon question of a client, and one that it does not know."""
    everything = ber(PRESENT, b"objectClass")
    domain = ber(AND, equals("DnsDomain", b"lab.example"), equals("NtVer", struct.pack("<I", 6)))
    scene.ask_each(389, search(1, everything), search(2, domain, b"Netlogon"), search(3, domain, b"nothing"))
    scene.ask_each(389, ber(SEQUENCE, ber(INTEGER, b"\4"), ber(0x42)))


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


def snmp_start(scene: Scene) -> None:
    """An agent with a community and a user."""
    folder = scene.folder("snmp", {"conf": SNMPD})
    os.environ["SNMP_PERSISTENT_DIR"] = str(folder)
    scene.serve("snmpd", "snmpd", "-f", "-Lo", "-C", "-c", str(folder / "conf"))
    scene.listening(161)


def snmp_ask(scene: Scene) -> None:
    """All versions, a wrong community, a user that does not exist, one that does, and a wrong key."""
    system = [f"1.3.6.1.2.1.1.{number}.0" for number in range(1, 7)]
    ask = ["-r", "0", "-t", "1", "-On"]
    known = ["-u", "lab", "-l", "authPriv", "-a", "SHA-256", "-x", "AES", "-X", "labprivacy"]
    scene.client("snmpget", "-v", "2c", "-c", "public", *ask, LAN.target, *system)
    scene.client("snmpget", "-v", "1", "-c", "public", *ask, LAN.target, "1.3.6.1.2.1.1.99.0")
    scene.client("snmpget", "-v", "2c", "-c", "private", *ask, LAN.target, *system)
    scene.client("snmpget", "-v", "3", "-u", "nobody", "-l", "noAuthNoPriv", *ask, LAN.target, *system)
    scene.client("snmpget", "-v", "3", *known, "-A", "labauthentication", *ask, LAN.target, *system)
    scene.client("snmpget", "-v", "3", *known, "-A", "not the key", *ask, LAN.target, *system)


STARTER, CHARON = "/usr/lib/ipsec/starter", "/usr/lib/ipsec/charon"
IPSEC = f"""config setup
conn lab
 left={LAN.target}
 right=%any
 leftauth=psk
 rightauth=psk
 keyexchange=ike
 ike=aes256-sha256-modp2048!
 auto=add
"""


def ike_start(scene: Scene) -> None:
    """Either version of IKE, with a secret that the clients need not know."""
    folder = scene.folder("ike", {"conf": IPSEC})
    scene.serve("charon", STARTER, "--nofork", "--conf", str(folder / "conf"))
    scene.listening(500)
    time.sleep(SETTLED)


def ike_ask(scene: Scene) -> None:
    """Version 1 with transforms that are accepted and not, version 2 with a group that is and is not, port 4500."""
    scan = ["ike-scan", "--retry=1", "--timeout=1000", "--nodns"]
    scene.client(*scan, "--trans=7/256,4,1,14", LAN.target)
    scene.client(*scan, "--trans=1,1,1,1", LAN.target)
    scene.client(*scan, "--ikev2", LAN.target)
    scene.ask_each(4500, bytes(4) + ike_sa_init(b"lab-natt", 14), b"\xff")
    offers = ((14, 12), (31, 12), (14, 3), (14, 12))
    scene.ask_each(500, *(ike_sa_init(b"lab-more", group, cipher) for group, cipher in offers))


CADDY = """{
 admin off
 skip_install_trust
}
https://qf98e.lab {
 tls internal
 respond "here"
}
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


def quic_start(scene: Scene) -> None:
    """A web server that speaks HTTP/3."""
    folder = scene.folder("caddy", {"Caddyfile": CADDY, "client.py": HTTP_3})
    os.environ |= {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    scene.serve("caddy", "caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile")
    scene.listening(443)


def quic_ask(scene: Scene) -> None:
    """A version that nobody speaks, the same in a datagram that is too small, a connection."""
    head = b"\xca\x1a\x2a\x3a\x4a\x08lab-dest\x08lab-from"
    scene.ask_each(443, head.ljust(1200, b"\0"), head.ljust(100, b"\0"))
    scene.client(sys.executable, str(scene.folder("caddy") / "client.py"), LAN.target)


def portmap_start(scene: Scene) -> None:
    """A port mapper that knows itself only."""
    (RUN / "rpcbind").mkdir(exist_ok=True)
    scene.serve("rpcbind", "rpcbind", "-f")
    scene.listening(111)


def portmap_ask(scene: Scene) -> None:
    """Nothing, all mappings in versions 2 to 4, one port, a version and a procedure that do not exist."""
    one_port = struct.pack(">4I", 100000, 2, 17, 0)
    asked = [
        rpc_call(1, 2, 0),
        rpc_call(2, 2, 4),
        rpc_call(3, 3, 4),
        rpc_call(4, 4, 4),
        rpc_call(5, 2, 3, one_port),
        rpc_call(6, 9, 4),
    ]
    scene.ask_each(111, *asked, rpc_call(7, 2, 99))


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
    for port in LEAVES:
        scene.listening(int(port), "t")


def tcp_ask(scene: Scene) -> None:
    """TLS 1.2, whose certificate is in clear, TLS 1.3, and a version that the server refuses."""
    for port, version in (("443", "-tls1_2"), ("443", "-tls1_3"), ("443", "-tls1_1"), ("8443", "-tls1_2")):
        scene.client("openssl", "s_client", "-connect", f"{LAN.target}:{port}", version)


LEASES = {"dnsmasq": "dnsmasq-base", "dhclient": "isc-dhcp-client"}
PRINTING = {"cupsd": "cups-daemon", "lpadmin": "cups-client", "cups-browsed": "cups-browsed"}
TICKETS = {"krb5kdc": "krb5-kdc", "kadmin.local": "krb5-admin-server", "kinit": "krb5-user", "kvno": "krb5-user"}
DOMAIN = {
    "samba": "samba",
    "samba-tool": "samba-common-bin samba-ad-provision samba-dsdb-modules samba-vfs-modules python3-samba",
}
KEY_EXCHANGE = {STARTER: "strongswan-starter", CHARON: "strongswan-charon", "ike-scan": "ike-scan"}
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
    "natpmp": Service(
        natpmp_start, natpmp_ask, {"miniupnpd": "miniupnpd-nftables", "natpmpc": "natpmpc"}, shown={ROUTABLE: SHOWN}
    ),
    "slp": Service(nothing, slp_ask),
    "ard": Service(nothing, ard_ask),
    "ipp": Service(ipp_start, ipp_ask, PRINTING),
    "nbdgm": Service(nothing, nbdgm_ask, {"nmbd": "samba"}, "udp port 138"),
    "tcp": Service(tcp_start, tcp_ask, {"openssl": "openssl"}, "tcp"),
    "kerberos": Service(kerberos_start, kerberos_ask, TICKETS),
    "ldap": Service(ldap_start, ldap_ask, DOMAIN),
    "snmp": Service(snmp_start, snmp_ask, {"snmpd": "snmpd", "snmpget": "snmp"}),
    "ike": Service(ike_start, ike_ask, KEY_EXCHANGE),
    "quic": Service(quic_start, quic_ask, {"caddy": "caddy"}),
    "portmap": Service(portmap_start, portmap_ask, {"rpcbind": "rpcbind"}),
}


if __name__ == "__main__":
    sys.exit(record(SERVICES, "tests.lab.services", sys.argv[1:]))
