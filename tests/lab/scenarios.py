"""What is done under a setting. Each scenario returns its part of the audit file."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial

from tests.lab import container, firewalls
from tests.lab.audits import Promise, Span
from tests.lab.lab import Lab, finish
from tests.lab.places import CLIENTS, HOMES, TIME_SERVER
from tests.lab.prober import WINDOW
from tests.lab.processes import until

SLOW = ("ntpd", "nmbd")


def probe(lab: Lab, series: str = "everything") -> str:
    """All probes from both zones."""
    lab.up()
    lab.begin()
    lab.both(series)
    return lab.end()


def both_families(lab: Lab) -> str:
    """All probes, and over IPv6 as many."""
    return probe(lab, "both-families")


def no_daemons(lab: Lab) -> str:
    """All probes from both zones, of a target on which nothing listens any more."""
    lab.up()
    for name in list(lab.daemons.crew.running):
        lab.daemons.crew.stop(name)
    firewalls.forget(lab.network)
    lab.begin()
    lab.both("everything")
    return lab.end()


def published(lab: Lab, *, forwarding: bool = True) -> str:
    """Ports of a container are published; it asks the internet besides, by the target's address."""
    lab.up()
    lab.network.see_numbers()
    lab.daemons.of_the_internet()
    container.up(lab.network, lab.daemons)
    container.publish(lab.network)
    if not forwarding:
        container.stop_forwarding(lab.network)
    lab.begin()
    lab.both("published")
    lab.ask("container", "outbound", "errands", "container")
    return lab.end()


def boot(lab: Lab) -> str:
    """A time server that starts, and a hole that is shut and opened again; the promise stays the same throughout.

    It is refused while nobody listens, then answered by a server that has no time yet (which the client does not take,
    yet it is a reply), then served. `boot.phases.tsv` has the times.
    """
    lab.up()
    lab.daemons.crew.stop("ntpd")
    firewalls.forget(lab.network)
    lab.begin()
    lab.phase("no-daemon", 2)
    lab.daemons.ntpd(wait=8)
    time.sleep(1.5)
    lab.phase("unsynchronised", 2)
    until(40, lab.daemons.serves, "ntpd to serve")
    lab.phase("served")
    time_port(lab, "delete")
    lab.phase("hole-shut")
    time_port(lab, "add")
    lab.phase("served-after-flip")
    return lab.end()


def time_port(lab: Lab, what: str) -> None:
    """Add the time server's port to those that are let in, or delete it."""
    lab.network.run("target", "nft", what, "element", "inet", "fw", "sys", "{ 123 }")
    firewalls.forget(lab.network)


def client(lab: Lab) -> str:
    """The target asks: an ntpd of its own polls from port 123, and programs ask from other ports. Nothing is a leak."""
    polling(lab)
    lab.begin()
    poll(lab)
    lab.ask("target", "outbound", "errands")
    time.sleep(10)
    return lab.end()


def pinhole(lab: Lab) -> str:
    """A server that the target polled asks in its turn, from port to port: the rules take it for an answer."""
    polling(lab)
    poll(lab)
    time.sleep(5)
    lab.daemons.crew.stop("ntpd-internet")
    lab.begin()
    lab.ask("internet", "internet", "from-server")
    time.sleep(WINDOW)
    return lab.end()


def polling(lab: Lab) -> None:
    """Bring the lab up with a time server on the internet; the target's own is stopped until it is to poll."""
    lab.up()
    lab.daemons.of_the_internet()
    lab.daemons.crew.stop("ntpd")
    firewalls.forget(lab.network)


def poll(lab: Lab) -> None:
    """Start an ntpd in the target that follows the internet's."""
    lab.daemons.ntpd(more=f"server {TIME_SERVER} iburst minpoll 3 maxpoll 3\n")


def nat(lab: Lab) -> str:
    """Two clients at once, behind a router that gives both the same address."""
    lab.up()
    lab.network.homes()
    lab.begin()
    finish(*(lab.client(home, "internet", "ipv4", home) for home in HOMES))
    return lab.end()


def flip(lab: Lab) -> str:
    """The rules change in mid-capture: all is blocked as Leopard did it, then strictly, then as before."""
    lab.up()
    lab.begin()
    lab.both("brief")
    times = []
    for rules in ("strict", "block-all"):
        firewalls.load(lab.network, rules)
        times.append(time.time())
        lab.both("brief")
    first, second = times
    lab.end()
    strictly = Promise("strict", "Drop whatever was not asked for", "block", stealth=True)
    return lab.section(Span(0, first), Span(second, 0)) + lab.section(Span(first, second), promise=strictly)


def clock_step(lab: Lab) -> str:
    """The target's clock is set back while questions are open; the captures' times are set back afterwards."""
    lab.up()
    lab.begin()
    lab.both("brief")
    with busy(lab):
        asking = late(lab)
        time.sleep(1.5)
        stepped = time.time()
    finish(*asking)
    lab.both("brief")
    return lab.end(stepped=stepped)


def midway(lab: Lab) -> str:
    """The capture begins when questions are asked but not answered, and a conversation has begun."""
    lab.up()
    with busy(lab):
        asking = late(lab, "conversation")
        time.sleep(1.5)
        lab.begin()
    finish(*asking)
    lab.both("brief")
    return lab.end()


def late(lab: Lab, *more: str) -> list[subprocess.Popen[str]]:
    """Start clients that will have to wait for their answers."""
    series = ("late-time", "late-name", *more)
    return [lab.client(zone.name, zone.name, one, f"{zone.name}.{one}") for zone in CLIENTS for one in series]


@contextlib.contextmanager
def busy(lab: Lab) -> Iterator[None]:
    """Keep the time server and the name server from answering for a while."""
    for name in SLOW:
        lab.daemons.crew.send(name, signal.SIGSTOP)
    try:
        yield
    finally:
        for name in SLOW:
            lab.daemons.crew.send(name, signal.SIGCONT)


SCENARIOS: dict[str, Callable[[Lab], str]] = {
    "probe": probe,
    "brief": partial(probe, series="brief"),
    "both-families": both_families,
    "no-daemons": no_daemons,
    "published": published,
    "published-stopped": partial(published, forwarding=False),
    "boot": boot,
    "client": client,
    "pinhole": pinhole,
    "nat": nat,
    "flip": flip,
    "clock-step": clock_step,
    "midway": midway,
}
