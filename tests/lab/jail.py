"""Keeping a lab apart from the machine, so that nothing of it can stay behind or get out.

A lab is one process and all that it starts, in user, mount, network, PID, UTS and IPC namespaces that have no name. Its
first process is killed when the one that started it ends, however that ends; the kernel then kills the rest, and
namespaces, links, addresses, rules and the files below /run go with them. Its networks lead nowhere else. It cannot set
the machine's clock either: even root's lab is without the right to.
"""

import os
import socket
import sys
from pathlib import Path

from tests.lab.places import HOME, HOST, LOGS, OUT, RUN
from tests.lab.processes import run

ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc")


def ordinary() -> bool:
    """Whether an ordinary user runs this."""
    return os.geteuid() != 0


def only_root_is_mapped() -> bool:
    """Whether this is a user namespace of an ordinary user: there is no other user in it to become."""
    return Path("/proc/self/uid_map").read_text().split()[-1] == "1"


def unshared() -> list[str]:
    """The words before a command that runs in namespaces of its own and dies with its parent."""
    if ordinary():
        return ["setpriv", "--pdeathsig", "KILL", "unshare", "--user", "--map-root-user", *NAMESPACES]
    return ["setpriv", "--pdeathsig", "KILL", "--bounding-set", "-sys_time", "unshare", *NAMESPACES]


def jailed(*words: str) -> list[str]:
    """The command that runs `tests.lab.inside` in a lab of its own."""
    return [*unshared(), sys.executable, "-m", "tests.lab.inside", *words]


def furnish() -> None:
    """Give the lab a /run of its own, a host name, and no resolver but its own; called inside."""
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(RUN)])
    for folder in (HOME, OUT, LOGS, RUN / "sshd", RUN / "avahi-daemon", RUN / "lock", RUN / "samba"):
        folder.mkdir()
    socket.sethostname(HOST)


def cover(place: Path, with_what: Path) -> None:
    """Show a file or folder of the lab in place of the machine's, if the machine has one there."""
    if place.exists():
        run(["mount", "--bind", str(with_what), str(place)])
