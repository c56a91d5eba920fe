"""What a lab needs of the machine, checked before anything is started."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.lab.jail import ordinary, unshared

# Program → Debian package. Daemons lie in folders that an ordinary user's PATH leaves out.
PROGRAMS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    "ip": "iproute2",
    "sysctl": "procps",
    "ethtool": "ethtool",
    "nft": "nftables",
    "conntrack": "conntrack",
    "tcpdump": "tcpdump",
    "lsof": "lsof",
    "ntpd": "ntpsec",
    "ntpq": "ntpsec",
    "ntpdate": "ntpsec-ntpdate",
    "nmbd": "samba",
    "nmblookup": "samba-common-bin",
    "avahi-daemon": "avahi-daemon",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "cupsd": "cups-daemon",
    "krb5kdc": "krb5-kdc",
    "kdb5_util": "krb5-kdc",
    "kinit": "krb5-user",
    "nc": "netcat-openbsd",
    "nmap": "nmap",
    "dig": "bind9-dnsutils",
    "ping": "iputils-ping",
}
OF_ORDINARY_USER = {"dumpcap": "wireshark-common"}
# Firewall or scenario → what it takes besides.
OF_SETTING = {
    "published": {"iptables": "iptables"},
    "published-stopped": {"iptables": "iptables"},
    "ufw": {"ufw": "ufw", "iptables": "iptables"},
    "firewalld": {"firewalld": "firewalld", "dbus-daemon": "dbus-daemon"},
}
SETTINGS = {"ufw": Path("/etc/ufw"), "firewalld": Path("/etc/firewalld")}
FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
TUN = Path("/dev/net/tun")


def path() -> str:
    """Where programs are looked for."""
    return f"{os.environ.get('PATH', os.defpath)}:{FOLDERS}"


def missing(parts: Iterable[str] = ()) -> list[str]:
    """The packages that have to be installed, for these firewalls and scenarios too."""
    wanted = PROGRAMS | (OF_ORDINARY_USER if ordinary() else {})
    for part in parts:
        wanted |= OF_SETTING.get(part, {})
    return sorted({package for program, package in wanted.items() if not shutil.which(program, path=path())})


def readable(firewall: str) -> bool:
    """Whether this user may read how a firewall is set; mostly only root may."""
    folder = SETTINGS.get(firewall)
    return folder is None or all(os.access(path, os.R_OK) for path in (folder, *folder.rglob("*")))


def lacking(parts: Iterable[str] = ()) -> str:
    """What keeps a lab from running here, in one line; empty if nothing does."""
    if packages := missing(parts):
        return f"missing packages: {' '.join(packages)}"
    if not os.access(TUN, os.R_OK | os.W_OK):
        return f"{TUN}: cannot be opened, the point-to-point link needs it"
    tried = subprocess.run([*unshared(), "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        how = "an ordinary user may make no namespaces here" if ordinary() else "no namespaces can be made here"
        return f"{how}: {tried.stderr.strip()}"
    return ""
