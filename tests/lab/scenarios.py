"""What is done under a setting. Each scenario returns its part of the audit file."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab import firewall_log, firewalls
from tests.lab.audits import Span, section
from tests.lab.captures import INTERFACES, QUIET, Captures, log_of
from tests.lab.daemons import Daemons, leap
from tests.lab.network import Network
from tests.lab.places import HOMES, OUT, ZONES
from tests.lab.processes import LabError, until
from tests.lab.settings import Setting


class Lab:
    """A running lab under one setting."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.mode = setting.name
        self.network = Network()
        self.daemons = Daemons(self.network)
        self.captures = Captures(self.network, self.mode)
        self.said = ""

    def up(self) -> None:
        """Make the networks, start the daemons, wait until they are settled, load the rules."""
        self.network.up()
        self.daemons.up()
        self.daemons.ready()
        firewalls.load(self.network, self.setting.rules)

    def begin(self) -> None:
        """Start recording."""
        firewalls.write_listeners(self.network, self.mode)
        self.captures.begin()
        if self.setting.rules == "specific-services":
            self.said = firewalls.let_programs_in(self.network)

    def end(self, *spans: Span) -> str:
        """Stop recording; the part of the audit file that describes it."""
        time.sleep(QUIET)
        self.daemons.crew.check()
        self.captures.end()
        firewalls.write_rules(self.network, self.mode)
        known = firewalls.listeners(self.network)
        log = OUT / f"{self.mode}.appfirewall.log"
        log.write_text(self.said + firewall_log.lines(log_of(self.mode), known))
        return self.section(*spans)

    def section(self, *spans: Span) -> str:
        """The part of the audit file that describes the recording."""
        files = [f"{self.mode}.{name}.pcap" for name in INTERFACES]
        return section(self.setting.promise, files, spans or (Span(),))

    def client(self, space: str, zone: str, series: str, name: str = "") -> subprocess.Popen[str]:
        """Start a client that asks a series."""
        prefix = OUT / f"{self.mode}.{name or zone}"
        words = [sys.executable, "-m", "tests.lab.probes", zone, series, str(prefix)]
        return subprocess.Popen(self.network.inside(space, words), stderr=subprocess.PIPE, text=True)

    def both(self, series: str, name: str = "") -> None:
        """Let both clients ask a series, side by side."""
        finish(*(self.client(zone, zone, series, name and f"{zone}-{name}") for zone in ZONES))


def finish(*clients: subprocess.Popen[str]) -> None:
    """Wait for clients."""
    for client in clients:
        _, said = client.communicate()
        if client.returncode:
            raise LabError(f"a client failed: {said.strip().splitlines()[-1]}")


def probe(lab: Lab, series: str = "everything") -> str:
    """All probes from both zones."""
    lab.up()
    lab.begin()
    lab.both(series)
    return lab.end()


def both_families(lab: Lab) -> str:
    """All probes, and over IPv6 as many."""
    return probe(lab, "both-families")


SCENARIOS: dict[str, Callable[[Lab], str]] = {
    "probe": probe,
    "both-families": both_families,
}
