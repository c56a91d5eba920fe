"""A lab under one setting: what scenarios are made of."""

import subprocess
import sys
import time

from tests.lab import firewall_log, firewalls
from tests.lab.audits import Promise, Span, section
from tests.lab.captures import QUIET, Captures, log_of
from tests.lab.daemons import Daemons
from tests.lab.network import Network
from tests.lab.places import CLIENTS, OUT
from tests.lab.processes import LabError
from tests.lab.settings import Setting


class Lab:
    """A running lab under one setting."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.mode = setting.name
        self.network = Network()
        self.daemons = Daemons(self.network)
        self.captures = Captures(self.network, self.mode, setting.interfaces)
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

    def end(self, stepped: float = 0) -> str:
        """Stop recording; the part of the audit file that describes it."""
        time.sleep(QUIET)
        self.daemons.crew.check()
        self.captures.end(stepped)
        firewalls.write_rules(self.network, self.mode)
        known = firewalls.listeners(self.network)
        if log := self.said + firewall_log.lines(log_of(self.mode), known):  # not all rule sets log
            (OUT / f"{self.mode}.appfirewall.log").write_text(log)
        return self.section()

    def section(self, *spans: Span, promise: Promise | None = None) -> str:
        """The part of the audit file that describes the recording, or those spans of it."""
        files = [f"{self.mode}.{name}.pcap" for name in self.setting.interfaces]
        return section(promise or self.setting.promise, files, spans or (Span(),))

    def client(self, space: str, zone: str, series: str, name: str = "") -> subprocess.Popen[str]:
        """Start a client that asks a series."""
        prefix = OUT / f"{self.mode}.{name or zone}"
        words = [sys.executable, "-m", "tests.lab.prober", zone, series, str(prefix)]
        return subprocess.Popen(self.network.inside(space, words), stderr=subprocess.PIPE, text=True)

    def ask(self, space: str, zone: str, series: str, name: str = "") -> None:
        """Let a client ask a series."""
        finish(self.client(space, zone, series, name))

    def both(self, series: str) -> None:
        """Let both clients ask a series, side by side."""
        finish(*(self.client(zone.name, zone.name, series) for zone in CLIENTS))

    def phase(self, name: str, times: int = 1) -> None:
        """Ask for the time from the internet, and write down in which phase."""
        for _ in range(times):
            with (OUT / f"{self.mode}.phases.tsv").open("a") as file:
                file.write(f"{time.time():.6f}\t{name}\n")
            self.ask("internet", "internet", "only-time")


def finish(*clients: subprocess.Popen[str]) -> None:
    """Wait for clients."""
    for client in clients:
        _, said = client.communicate()
        if client.returncode:
            raise LabError(f"a client failed: {said.strip().splitlines()[-1]}")
