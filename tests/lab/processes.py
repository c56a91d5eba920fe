"""Starting, stopping and waiting for programs. Nobody needs to clean up: all of a lab dies with its first process."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

STEP = 0.2
TAIL = 2000


class LabError(Exception):
    """What went wrong in a lab, in one line."""


def run(argv: Sequence[str], typed: str = "", env: Mapping[str, str] | None = None) -> str:
    """What a program printed; it is an error if it fails."""
    done = subprocess.run(
        argv, input=typed, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[0]
        raise LabError(f"{' '.join(argv)}: {said}")
    return done.stdout


def until(seconds: float, check: Callable[[], bool], what: str) -> None:
    """Wait until the check holds; it is an error if it does not in so many seconds."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise LabError(f"waited {seconds:g} s for {what}")
        time.sleep(STEP)


def said_last(logs: Path) -> Iterator[str]:
    """What each program said last."""
    for log in sorted(logs.glob("*")):
        if log.suffix != ".pcap":
            yield f"== {log.name}\n{log.read_text(errors='replace')[-TAIL:]}\n"


class Crew:
    """The programs that run in the background, by name."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start a program in a session of its own; what it prints goes to its log."""
        with (self.logs / name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    def said(self, name: str) -> str:
        """All that a program has printed so far."""
        return (self.logs / name).read_text(errors="replace")

    def send(self, name: str, number: int) -> None:
        """Send a signal to a program and all that it started."""
        os.killpg(self.running[name].pid, number)

    def stop(self, name: str, number: int = signal.SIGTERM) -> None:
        """End a program, by force if it takes too long."""
        program = self.running.pop(name)
        if program.poll() is None:
            os.killpg(program.pid, number)
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()

    def check(self) -> None:
        """It is an error if a program has ended that should be running."""
        for name, program in self.running.items():
            if program.poll() is not None:
                said = (self.said(name).strip() or "no word").splitlines()[-1]
                raise LabError(f"{name} ended: {said}")
