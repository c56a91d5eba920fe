"""The packet filters: rule sets for nftables, and two front ends as they are after installation."""

import os
import re
import shutil
import time
from pathlib import Path

from tests.lab import firewall_log
from tests.lab.jail import cover, only_root_is_mapped
from tests.lab.network import Network
from tests.lab.places import HOME, LOGS, OUT, RUN
from tests.lab.processes import Crew, LabError, until

RULES = Path(__file__).parent / "rules"
# Programs that a user started; where there is but one user, they are told by name.
ORDINARY_USER = 500
OF_THE_USER = {"nc"}
LSOF = ("lsof", "-Q")  # that nothing listens is no failure

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
 <listen>unix:path={socket}</listen>
 <auth>EXTERNAL</auth>
 <policy context="default">
  <allow send_destination="*" eavesdrop="true"/>
  <allow eavesdrop="true"/>
  <allow own="*"/>
 </policy>
</busconfig>
"""


def nft(network: Network, rules: str | Path) -> None:
    """Load a rule set from a file, or from a text, and forget the connections that the last one let through."""
    text = rules.read_text() if isinstance(rules, Path) else rules
    network.run("target", "nft", "-f", "-", typed=text)
    forget(network)


def forget(network: Network) -> None:
    """Forget all connections, or those of the last rule set stay `established`."""
    network.run("target", "conntrack", "-F")


def ufw(network: Network) -> None:
    """Uncomplicated Firewall, switched on: incoming connections are denied by default."""
    folder = HOME / "ufw"
    shutil.copytree("/etc/ufw", folder)
    cover(Path("/etc/ufw"), folder)
    network.run("target", "ufw", "--force", "enable")
    if "Status: active" not in network.run("target", "ufw", "status"):
        raise LabError("ufw is not active")
    forget(network)


def firewalld(network: Network, zone: str) -> None:
    """Firewalld with both interfaces in its default zone, on a message bus of its own."""
    folder, socket = HOME / "firewalld", RUN / "lab-bus"
    shutil.copytree("/etc/firewalld", folder)
    cover(Path("/etc/firewalld"), folder)
    settings = folder / "firewalld.conf"
    settings.write_text(re.sub(r"(?m)^DefaultZone=.*$", f"DefaultZone={zone}", settings.read_text()))
    bus = HOME / "bus.conf"
    bus.write_text(BUS.format(socket=socket))
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={socket}"
    crew = Crew(LOGS)
    crew.start("bus", ["dbus-daemon", f"--config-file={bus}", "--nofork", "--nopidfile"])
    until(10, socket.exists, "the message bus")
    crew.start("firewalld", network.inside("target", ["firewalld", "--nofork", "--nopid"]))
    chain = f"filter_IN_{zone}_allow"
    until(30, lambda: chain in network.run("target", "nft", "list", "ruleset"), f"firewalld's zone {zone}")
    crew.check()
    forget(network)


def load(network: Network, name: str) -> None:
    """Bring a packet filter up, by the name that a setting has for it."""
    kind, _, word = name.partition(":")
    if kind == "ufw":
        ufw(network)
    elif kind == "firewalld":
        firewalld(network, word)
    else:
        path = Path(name)
        nft(network, path if path.is_absolute() else RULES / f"{name}.nft")


def let_programs_in(network: Network) -> str:
    """What Leopard did under "specific services": programs that a user starts are let in; the log says so."""
    found = [listener for listener in listeners(network) if of_the_user(listener)]
    elements = ", ".join(f"{listener.protocol} . {listener.port}" for listener in found)
    network.run("target", "nft", "add", "element", "inet", "fw", "auto", f"{{ {elements} }}")
    now = time.time()
    return "".join(firewall_log.listening(now, listener) for listener in found)


def of_the_user(listener: firewall_log.Listener) -> bool:
    """Whether an ordinary user's program listens."""
    return listener.command in OF_THE_USER if only_root_is_mapped() else listener.user >= ORDINARY_USER


def listeners(network: Network) -> list[firewall_log.Listener]:
    """All sockets of the target that wait."""
    return firewall_log.listeners(network.run("target", *LSOF, "-i", "-n", "-P", "-F", "cuPn"))


def write_listeners(network: Network, mode: str) -> None:
    """Keep what the article's `lsof -i udp` prints, and the same of all sockets in numbers."""
    (OUT / f"{mode}.lsof-udp.txt").write_text(network.run("target", *LSOF, "-n", "-i", "udp"))
    (OUT / f"{mode}.lsof.txt").write_text(network.run("target", *LSOF, "-i", "-n", "-P"))


def write_rules(network: Network, mode: str) -> None:
    """Keep the rules that held."""
    (OUT / f"{mode}.ruleset.txt").write_text(network.run("target", "nft", "list", "ruleset"))
