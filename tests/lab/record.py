"""Recording many settings side by side, a lab each: most of a recording is waiting."""

import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.lab.audits import head
from tests.lab.jail import ROOT, jailed
from tests.lab.places import RUN
from tests.lab.processes import LabError
from tests.lab.settings import TITLES, Setting

JOBS = 6
LIMIT = 240  # seconds for one lab
STEP = 0.1


class Job(NamedTuple):
    """A lab at work."""

    setting: Setting
    program: subprocess.Popen[str]
    started: float


def record(
    settings: Sequence[Setting],
    out: Path,
    jobs: int = JOBS,
    tell: Callable[[str], None] = print,
    own: Sequence[str] = (),
) -> None:
    """Record the settings into folders of `out`, with their audit files.

    Raises:
        LabError: if any of them failed. If this process ends before they do, however it ends, they are killed.
    """
    if out.resolve().is_relative_to(RUN):
        raise LabError(f"{out}: labs do not see what is below {RUN}")
    waiting, running, sections, failures = list(settings), list[Job](), dict[str, str](), list[str]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(begin(waiting.pop(0), out, own))
            for job in [job for job in running if done(job)]:
                running.remove(job)
                try:
                    sections[job.setting.key] = finish(job)
                except LabError as error:
                    failures.append(str(error))
                tell(f"{job.setting.key}: {time.monotonic() - job.started:.0f} s")
            time.sleep(STEP)
    finally:
        for job in running:
            job.program.kill()
            job.program.wait()
    write_audits(settings, sections, out)
    if failures:
        raise LabError("; ".join(failures))


def begin(setting: Setting, out: Path, own: Sequence[str]) -> Job:
    """Start a lab."""
    folder = out.resolve() / setting.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{setting.name}.failed.log").unlink(missing_ok=True)
    words = own or [setting.key]
    program = subprocess.Popen(
        jailed(str(folder), *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,  # Ctrl-C ends this process, and with it the labs
    )
    return Job(setting, program, time.monotonic())


def done(job: Job) -> bool:
    """Whether a lab has ended; one that takes too long is killed."""
    if time.monotonic() - job.started > LIMIT:
        job.program.kill()
    return job.program.poll() is not None


def finish(job: Job) -> str:
    """What a lab says in the end: its part of the audit file."""
    section, said = job.program.communicate()
    if job.program.returncode:
        reason = (said.strip() or f"ended with status {job.program.returncode}").splitlines()[-1]
        raise LabError(f"{job.setting.key}: {reason}")
    return section


def write_audits(settings: Sequence[Setting], sections: dict[str, str], out: Path) -> None:
    """One audit file for each folder."""
    folders = defaultdict[str, list[Setting]](list)
    for setting in settings:
        if setting.key in sections:
            folders[setting.folder].append(setting)
    for folder, recorded in folders.items():
        beginning = head(TITLES[folder], recorded[0].interfaces, recorded[0].families)
        (out / folder / "audit.toml").write_text(beginning + "".join(sections[one.key] for one in recorded))
