"""The lab's networks: a target with an Ethernet link (`en0`) and a point-to-point link (`ppp0`), a client on each."""

import subprocess
import sys
from collections.abc import Sequence

from tests.lab.places import (
    CLIENTS,
    HOME_ROUTER,
    HOMES,
    INTERNET,
    LAN,
    LAN_MAC,
    LOGS,
    NAME_SERVER,
    ROUTER,
    TARGET_MAC,
    TIME_SERVER,
)
from tests.lab.processes import Crew, LabError, run, until

MTU = "1492"  # of PPP over Ethernet
PPP_LINK_LOCAL, WAN_LINK_LOCAL = "fe80::10", "fe80::66"
# The kernel limits ICMP errors to about one a second and peer: a closed port would look silent in a scan.
TARGET_SETTINGS = ("net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")
UNCHECKED = ("tx", "rx", "tso", "gso", "gro")


class Network:
    """Network namespaces without names, each held by a process that sleeps."""

    def __init__(self) -> None:
        self.crew = Crew(LOGS)
        self.holders: dict[str, subprocess.Popen[str]] = {}

    def space(self, name: str) -> None:
        """Make a namespace."""
        holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE, text=True
        )
        if holder.stdout is None or not holder.stdout.readline():
            raise LabError(f"no network namespace for {name}")
        self.holders[name] = holder
        self.ip(name, "link set lo up")

    def inside(self, space: str, argv: Sequence[str]) -> list[str]:
        """The command that runs in a namespace."""
        return ["nsenter", "--target", str(self.holders[space].pid), "--net", *argv]

    def run(self, space: str, *argv: str, typed: str = "") -> str:
        """Run a program in a namespace; what it printed."""
        return run(self.inside(space, argv), typed)

    def ip(self, space: str, words: str) -> None:
        """Run `ip` in a namespace."""
        self.run(space, "ip", *words.split())

    def lines(self, space: str, text: str) -> None:
        """Run `ip` for each line, in a namespace."""
        for line in text.strip().splitlines():
            self.ip(space, line)

    def up(self) -> None:
        """Make everything, and see that it carries packets."""
        for name in ("target", "lan", "internet"):
            self.space(name)
            # Duplicate address detection would keep addresses back for two seconds.
            self.run(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        self.run("target", "sysctl", "-qw", *TARGET_SETTINGS)
        self.ethernet()
        self.point_to_point()
        self.run("lan", "ping", "-nc1", "-W2", LAN.target)
        self.run("internet", "ping", "-nc1", "-W2", INTERNET.target)

    def pair(self, space: str, name: str, other: str, other_name: str, macs: tuple[str, str] = ("", "")) -> None:
        """Join two namespaces by an Ethernet link; checksums are finished, as on a wire."""
        here, there = (["address", mac] if mac else [] for mac in macs)
        pid = str(self.holders[other].pid)
        self.run(
            space, "ip", "link", "add", name, *here, "type", "veth", "peer", "name", other_name, *there, "netns", pid
        )
        for where, link in ((space, name), (other, other_name)):
            self.run(where, "ethtool", "-K", link, *(word for kind in UNCHECKED for word in (kind, "off")))
            self.ip(where, f"link set {link} up")

    def ethernet(self) -> None:
        """The LAN."""
        self.pair("target", "en0", "lan", "en0", (TARGET_MAC, LAN_MAC))
        for space, address, address6 in (("target", LAN.target, LAN.target6), ("lan", LAN.client, LAN.client6)):
            self.ip(space, f"addr add {address}/24 brd + dev en0")
            self.ip(space, f"addr add {address6}/64 dev en0 nodad")

    def point_to_point(self) -> None:
        """The internet: everything that is not on the LAN lies behind `ppp0`."""
        self.crew.start("wire", [sys.executable, "-m", "tests.lab.wire", "labtun0", "labtun1"])
        until(10, lambda: "ready" in self.crew.said("wire"), "the point-to-point link")
        for device, space, link, own in (
            ("labtun0", "target", "ppp0", PPP_LINK_LOCAL),
            ("labtun1", "internet", "wan0", WAN_LINK_LOCAL),
        ):
            run(["ip", "link", "set", device, "netns", str(self.holders[space].pid), "name", link])
            self.ip(space, f"link set {link} addrgenmode none")
            self.ip(space, f"link set {link} mtu {MTU} up")
            self.ip(space, f"addr add {own}/64 dev {link} nodad")
        self.lines(
            "target",
            f"""addr add {INTERNET.target} peer {ROUTER}/32 dev ppp0
            addr add {INTERNET.target6}/64 dev ppp0 nodad
            route add default dev ppp0""",
        )
        self.lines(
            "internet",
            f"""addr add {ROUTER} peer {INTERNET.target}/32 dev wan0
            addr add {INTERNET.client6}/64 dev wan0 nodad
            addr add {INTERNET.client}/32 dev lo
            addr add {TIME_SERVER}/32 dev lo
            addr add {NAME_SERVER}/32 dev lo
            route replace {INTERNET.target} dev wan0 src {INTERNET.client}""",
        )

    def see_numbers(self) -> None:
        """See that the target's interfaces have the numbers that an audit file will call them by."""
        for zone in CLIENTS:
            number = self.run("target", "ip", "-o", "link", "show", zone.interface).partition(":")[0]
            if number != str(zone.number):
                raise LabError(f"{zone.interface} is interface {number}, not {zone.number}")

    def homes(self) -> None:
        """Two hosts behind a router that gives them the address of the internet client."""
        self.ip("internet", "link add homes type bridge")
        self.ip("internet", f"addr add {HOME_ROUTER}/24 dev homes")
        self.ip("internet", "link set homes up")
        for name, address in HOMES.items():
            self.space(name)
            self.pair(name, "wan0", "internet", name)
            self.ip("internet", f"link set {name} master homes")
            self.ip(name, f"addr add {address}/24 dev wan0")
            self.ip(name, f"route add default via {HOME_ROUTER}")
        self.run("internet", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.run("internet", "nft", "-f", "-", typed=TRANSLATION)


TRANSLATION = f"""table ip nat {{
 chain out {{ type nat hook postrouting priority srcnat; oifname "wan0" snat to {INTERNET.client}; }}
}}
"""
