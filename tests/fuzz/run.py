"""Builds the core with the targets, collects seeds, and runs a target in a process of its own."""

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from unittest.mock import patch

from capanalyze.core import core
from capanalyze.protocols import PROTOCOLS
from tests.chance import chance
from tests.conftest import PCAPS, ROOT
from tests.core import CHECKED, SANITIZED, build_other, sanitizer

TARGETS = ("records", "match", "pairing")
HERE = Path(__file__).parent
CORE = ROOT / "capanalyze" / "core" / "core.pyx"
CHECKS = ("-O1", *CHECKED, *(flag for flag in SANITIZED if not flag.startswith("-D")))
# Whatever guides libFuzzer has to be found in this library: AddressSanitizer has empty functions of the same names.
GUIDED = (
    "-DCORE_FUZZED",
    "-fsanitize=fuzzer-no-link",
    "-shared-libasan",
    "-Wno-unused-command-line-argument",
    "-Wl,-Bsymbolic",
)
CLANGS = ("clang", *(f"clang-{version}" for version in range(22, 13, -1)))
SHOWN = 5000  # octets of what is said, from either end
LONGEST = 1200  # octets of an input


@dataclass(frozen=True)
class Engine:
    """A compiler with libFuzzer: how it builds the library, and what is loaded before that."""

    compiler: str
    flags: tuple[str, ...]
    preloaded: str


@dataclass(frozen=True)
class Done:
    """How a run ended: how many inputs there were, and what was said."""

    passed: bool
    executions: int
    text: str


def libfuzzer() -> Engine | None:
    """libFuzzer, where clang has it."""
    clang = next(filter(shutil.which, CLANGS), None)
    if clang is None:
        return None
    said = subprocess.run([clang, "-print-resource-dir"], capture_output=True, text=True, check=True).stdout.strip()
    fuzzer, asan = (runtime(Path(said), name) for name in ("fuzzer_no_main{}.a", "asan{}.so"))
    if fuzzer and asan:
        return Engine(clang, (*CHECKS, *GUIDED, str(fuzzer), "-lstdc++"), str(asan))
    return None


def runtime(folder: Path, name: str) -> Path | None:
    """One of clang's libraries for this machine, whose names have changed over time."""
    names = [f"libclang_rt.{name.format(end)}" for end in (f"-{platform.machine()}", "")]
    return next((found for one in names for found in folder.glob(f"lib/*linux*/{one}")), None)


def fuzz(target: str, folder: Path, seconds: int, *, guided: bool) -> Done:
    """Run a target for so long; seeds, findings and the build are kept in `folder`."""
    engine = libfuzzer() if guided else None
    library = built(engine, folder)
    if engine:
        return run_guided(engine, library, target, folder / target, seconds)
    return run_plain(library, target, folder / target, seconds)


def built(engine: Engine | None, folder: Path) -> Path:
    """The core with the targets."""
    place = folder / ("guided" if engine else "plain")
    shutil.rmtree(place, ignore_errors=True)
    source = f"{CORE.read_text()}\n\n{(HERE / 'targets.pyx').read_text()}"
    if engine is None:
        return build_other(source, place, CHECKS)
    with patch.dict(os.environ, {"CC": engine.compiler, "LDSHARED": f"{engine.compiler} -shared"}):
        return build_other(source, place, engine.flags)


def child(library: Path, target: str, preloaded: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a target in a process of its own."""
    environment = {
        "LD_PRELOAD": preloaded,
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(ROOT),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    command = [sys.executable, "-m", "tests.fuzz.child", str(library), target, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, errors="replace", check=False
    )


def run_guided(engine: Engine, library: Path, target: str, folder: Path, seconds: int) -> Done:
    """Let libFuzzer run a target."""
    corpus = write_seeds(target, folder)
    done = child(
        library, target, engine.preloaded, "guided", str(corpus), f"-max_total_time={seconds}", "-timeout=20",
        f"-artifact_prefix={folder}/", "-print_final_stats=1", f"-max_len={LONGEST}", "-entropic=0",
    )  # fmt: skip
    counted = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    return Done(done.returncode == 0, int(counted[1]) if counted else 0, tail(done.stderr))


def run_plain(library: Path, target: str, folder: Path, seconds: int) -> Done:
    """Change seeds by chance."""
    corpus, kept = write_seeds(target, folder), folder / "input"
    done = child(library, target, sanitizer(), "plain", str(corpus), str(seconds), str(kept))
    if done.returncode == 0:
        return Done(passed=True, executions=int(done.stdout), text=f"{int(done.stdout):,} inputs")
    if not kept.exists():
        return Done(passed=False, executions=0, text=tail(done.stderr))
    octets = kept.read_bytes()
    found = folder / "crash"
    found.write_bytes(octets[4 : 4 + int.from_bytes(octets[:4])])
    return Done(passed=False, executions=0, text=f"{tail(done.stderr)}\n{found}")


def tail(said: str) -> str:
    """The first and the last lines of a long text."""
    return said if len(said) < 2 * SHOWN else f"{said[:SHOWN]}\n[…]\n{said[-SHOWN:]}"


# Seeds


def write_seeds(target: str, folder: Path) -> Path:
    """The folder of a target's seeds, with those that are known."""
    corpus = folder / "seeds"
    corpus.mkdir(parents=True, exist_ok=True)
    for octets in {"records": records, "match": messages, "pairing": talks}[target]():
        (corpus / sha256(octets).hexdigest()[:16]).write_bytes(octets[:LONGEST])
    return corpus


def records() -> list[bytes]:
    """Captures by chance, and frames of all link types."""
    from tests.packets.sound import LINKS, SOUND

    found = [bytes((1, 0, 0, 20)) + chance(seed) for seed in range(40)]
    found += [bytes((1, 0, 0, 20)) + path.read_bytes()[:LONGEST] for path in sorted(PCAPS.rglob("*.pcapng"))]
    for link in LINKS:
        some = [octets for number, octets in SOUND if number == link]
        head = bytes((0, core.first_step(link), core.first_step(link), 0))
        found += [head + framed(octets) for octets in some[:: max(1, len(some) // 12)]]
    return found


def framed(frame: bytes) -> bytes:
    """A record of a pcap file."""
    size = len(frame).to_bytes(4, "little")
    return bytes(8) + size + size + frame


def messages() -> list[bytes]:
    """Samples of all services."""
    from tests.test_protocols import samples

    return [
        bytes((number, 0)) + payload
        for number, protocol in enumerate(PROTOCOLS)
        for payload in samples(protocol).values()
    ]


def talks() -> list[bytes]:
    """Samples of all services, asked and answered in turn; and octets by chance."""
    from tests.test_protocols import samples

    draw = Random(0)
    found = [bytes((7,)) + draw.randbytes(8 * 40) for _ in range(40)]
    pool = [payload for protocol in PROTOCOLS for payload in samples(protocol).values() if len(payload) < 256]
    for _ in range(120):
        some = draw.sample(pool, 4)
        chunks = (chunk(draw, some) for _ in iter(int, 1))
        found.append(bytes((draw.randrange(4) << 1,)) + b"".join(islice(chunks, 24)))
    return found


def chunk(draw: Random, pool: list[bytes]) -> bytes:
    """A packet: kind and time, hosts, ports, and its payload."""
    payload = draw.choice(pool)
    kind = draw.choice((0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7)) | draw.choice((0, 0, 1, 2, 3, 4, 5)) << 3
    return bytes((kind | draw.randrange(4) << 6, draw.randrange(32), draw.randrange(256), len(payload))) + payload
