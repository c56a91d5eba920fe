"""The core in two further builds: with sanitizers over unchecked reads, and one that stops at a read outside.

AddressSanitizer sees what leaves the allocation, whoever reads; the other sees any read outside of its message, and
only through the readers. Neither must find anything, and both say what the installed build says.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from capanalyze.core import core
from capanalyze.protocols import PROTOCOLS
from capanalyze.protocols._protocol import Protocol
from tests.conftest import ROOT
from tests.core import CHECKED, SANITIZED, build_other, build_with, sanitizer
from tests.faults import with_faults
from tests.test_protocols import FILES, samples

CHILD = Path(__file__).parent / "child.py"
MUTATIONS = 200  # of each service
CHANCE = 100  # messages of any octets, to each service
MORE = (0, 0, 0, 1, 100, 1000, 65536)  # so many octets were sent beyond those captured
Message = tuple[str, int, bytes]

# Reads eight octets where seven are left.
FAULTY = """# cython: language_level=3
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint8_t

from capanalyze.core.octets cimport Octets, be64


def match(service, octets, size):
    cdef Py_buffer held
    PyObject_GetBuffer(octets, &held, PyBUF_SIMPLE)
    answer = be64(Octets(<const uint8_t *>held.buf, held.len, size), held.len - 7)
    PyBuffer_Release(&held)
    return "other", 0, [], [answer]
"""


@dataclass
class Kind:
    """A kind of build: its compiler flags, what it says of a fault, and what a process needs to run it."""

    flags: tuple[str, ...]
    complaint: str
    environment: dict[str, str] = field(default_factory=dict)

    def hear(self, library: Path, messages: list[Message]) -> subprocess.CompletedProcess[str]:
        """Let a library hear messages in a process of its own."""
        lines = "".join(f"{json.dumps([service, size, octets.hex()])}\n" for service, size, octets in messages)
        return subprocess.run(
            [sys.executable, str(CHILD), str(library)],
            input=lines,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module", params=["sanitized", "checked"])
def kind(request: pytest.FixtureRequest) -> Kind:
    if request.param == "checked":
        return Kind(CHECKED, complaint="read of 8 at 9 of 16")
    environment = {
        "LD_PRELOAD": sanitizer(),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    return Kind(SANITIZED, complaint="AddressSanitizer", environment=environment)


def messages() -> Iterator[Message]:
    """Samples of all services, all their truncations, damaged ones, and what is no message of theirs."""
    for protocol in PROTOCOLS:
        yield from truncations(protocol)
        yield from mutations(protocol)
        yield from any_octets(protocol)


def shortest(protocol: Protocol) -> int:
    """How many octets the caller of a match function makes sure of."""
    return 0 if protocol.empty_asks or not protocol.ports else 1


def truncations(protocol: Protocol) -> Iterator[Message]:
    """Every sample as long as it is and shorter, cut by the snap length or by its sender."""
    for payload in samples(protocol).values():
        for length in range(shortest(protocol), len(payload) + 1):
            yield protocol.name, len(payload), payload[:length]
            yield protocol.name, length, payload[:length]


def mutations(protocol: Protocol) -> Iterator[Message]:
    """Samples of which octets are others, more or fewer."""
    chance = random.Random(protocol.name)
    pool = sorted(samples(protocol).values())
    for _ in range(MUTATIONS):
        payload = with_faults(chance, pool)
        if len(payload) >= shortest(protocol):
            yield protocol.name, len(payload) + chance.choice(MORE), payload


def any_octets(protocol: Protocol) -> Iterator[Message]:
    """Octets by chance."""
    chance = random.Random(protocol.name)
    for _ in range(CHANCE):
        payload = chance.randbytes(chance.randint(1, 400))
        yield protocol.name, len(payload) + chance.choice(MORE), payload


def test_nothing_is_read_outside_of_a_message(kind: Kind) -> None:
    library = build_with(*kind.flags)
    said = list(messages())
    done = kind.hear(library, said)
    assert done.returncode == 0, (said[done.stdout.count("\n")], done.stderr[-5000:])
    for (service, size, octets), line in zip(said, done.stdout.splitlines(), strict=True):
        role, number, flags, keys = core.match(service, octets, size)
        assert json.loads(line) == [role, number, sorted(flags), list(keys)]


def test_what_the_tests_of_match_functions_say_is_read_inside() -> None:
    """They pass in the build that stops at a read outside: whatever they name is heard there too."""
    library = build_with(*CHECKED)
    files = {f"tests/protocols/test_{file}.py" for file in FILES.values()}
    command = [sys.executable, "-m", "tests.core.with_build", str(library), "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *sorted(files)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout[-5000:], done.stderr[-5000:])


def test_judging_and_summing_up_lead_nowhere_else() -> None:
    """Their tests pass in the build that stops where a number leads beyond its table."""
    library = build_with(*CHECKED)
    command = [sys.executable, "-m", "tests.core.with_build", str(library), "-q", "-p", "no:cacheprovider"]
    files = ["tests/judging/test_judge.py", "tests/summary/test_summary.py"]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout[-5000:], done.stderr[-5000:])


def test_a_planted_fault_is_found(kind: Kind, tmp_path: Path) -> None:
    library = build_other(FAULTY, tmp_path, kind.flags)
    done = kind.hear(library, [("ntp", 16, bytes(16))])
    assert done.returncode
    assert kind.complaint in done.stderr
