"""A container: a namespace behind a bridge of the target, whose ports are published as Docker does it.

What comes for a published port is translated before the target's firewall looks at it. It is then forwarded, so rules
for what comes in never see it.
"""

import sys

from tests.lab.daemons import NAMES_SERVER, Daemons
from tests.lab.firewalls import forget
from tests.lab.network import Network
from tests.lab.places import BEHIND, BRIDGE, CONTAINER
from tests.lab.processes import until

# Protocol, port of the host → port of the container.
PUBLISHED = {("tcp", 8080): 80, ("udp", 8053): 53}

# One page, for whoever asks.
PAGE = """import socketserver, sys
class Page(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        self.wfile.write(b"HTTP/1.0 200 OK\\r\\n\\r\\nfrom behind\\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer((sys.argv[1], 80), Page).serve_forever()
"""


def up(network: Network, daemons: Daemons) -> None:
    """Make the container and start its two servers."""
    network.ip("target", f"link add {BRIDGE} type bridge forward_delay 0")
    network.run("target", "sysctl", "-qw", f"net.ipv6.conf.{BRIDGE}.disable_ipv6=1", "net.ipv4.ip_forward=1")
    network.ip("target", f"addr add {BEHIND}/16 brd + dev {BRIDGE}")
    network.ip("target", f"link set {BRIDGE} up")
    network.space("container")
    network.pair("container", "eth0", "target", "veth0")
    for space, link in (("container", "eth0"), ("target", "veth0")):
        network.run(space, "sysctl", "-qw", f"net.ipv6.conf.{link}.disable_ipv6=1")
    network.ip("target", f"link set veth0 master {BRIDGE}")
    network.ip("container", f"addr add {CONTAINER}/16 dev eth0")
    network.ip("container", f"route add default via {BEHIND}")
    folder = daemons.folder("container", {"page.py": PAGE, "names.py": NAMES_SERVER})
    for name in ("page", "names"):
        daemons.start(name, sys.executable, str(folder / f"{name}.py"), CONTAINER, space="container")
    until(10, lambda: len(network.run("container", "ss", "-Hlntu").splitlines()) == len(PUBLISHED), "the container")


def publish(network: Network) -> None:
    """Set the rules that a container runtime sets: they stand before those of the firewall."""
    out = f"-o {BRIDGE}"
    rules = [
        f"-I FORWARD {out} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        f"-I FORWARD -i {BRIDGE} -j ACCEPT",
        f"-t nat -A POSTROUTING -s {CONTAINER}/16 ! {out} -j MASQUERADE",
    ]
    for (protocol, port), inner in PUBLISHED.items():
        asked = f"-p {protocol} --dport"
        to = f"-j DNAT --to-destination {CONTAINER}:{inner}"
        rules.append(f"-t nat -A PREROUTING -m addrtype --dst-type LOCAL {asked} {port} {to}")
        rules.append(f"-I FORWARD ! -i {BRIDGE} {out} -d {CONTAINER} {asked} {inner} -j ACCEPT")
    iptables(network, rules)


def stop_forwarding(network: Network) -> None:
    """Drop what is forwarded to the container and was not asked for, before any other rule is looked at."""
    iptables(network, [f"-I FORWARD ! -i {BRIDGE} -o {BRIDGE} -m conntrack --ctstate NEW -j DROP"])


def iptables(network: Network, rules: list[str]) -> None:
    """Set rules, and forget the connections that others let through."""
    for rule in rules:
        network.run("target", "iptables", *rule.split())
    forget(network)
