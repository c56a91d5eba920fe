"""Runs a target of a library for fuzzing; `python -m tests.fuzz` starts it.

Its arguments are the library, the target, and `guided` with arguments of libFuzzer, or `plain` with a folder of seeds,
how many seconds, and where the input at hand is kept.
"""

import random
import sys
import time
from array import array
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.core.read_captures import put_in_place

NO_TIME = 1 << 61
ROOM = 330  # exchanges: the oldest is let go from about thirty on
TELLING = (0, 1, 2, 3, 4, 8, 16, 31, 32, 63, 64, 127, 128, 192, 255)


def prepared(library: str) -> Any:
    """The library, ready to run."""
    put_in_place(library)
    from capanalyze.core import core
    from capanalyze.exchanges.engine import port_facts, waits_and_facts
    from capanalyze.protocols import PROTOCOLS, port_table, service_table
    from capanalyze.protocols._protocol import KINDS
    from capanalyze.summary.store import Rooms

    small = Rooms(
        cells=40, reasons=60, details=20, quiet=8, answering=8, full=16, turns=30, changes=30, rows=60, waiting=40,
        links=80, met=8,
    )  # fmt: skip
    waits, facts = waits_and_facts()
    always = ((-NO_TIME, 0), (NO_TIME, 0))
    judge = core.Judge(
        [(one.window, one.silence_proves) for one in PROTOCOLS],
        [(False, False, [3, 7], None), (True, True, [], None)],
        [[(0, *always)], [(1, *always)], []],
        [],
        bytes(65536),
    )
    judge.target([(0, 0xFFFF_C000_000A)])  # the first host
    judge.places([(0, -1), (-1, 1), (-1, -1), (2, 0)])
    ports = {port for one in PROTOCOLS if one.transport == "udp" for port in one.ports[:1]}
    vars(core)["prepare"](
        core.Scanner(port_table(), bytes(one.empty_asks for one in PROTOCOLS)),
        core.Pairs(facts, waits, port_facts(), service_table(KINDS), array("q", [0, 0, 1]), ROOM),
        judge,
        core.Summary(bytes(2 * 65536), **asdict(small)),
        core.Group(len(PROTOCOLS), 7, 400),
        sorted(ports | {514, 7777, 9999, 40000}),
    )  # fmt: skip
    return core


def plain(core: Any, target: str, seeds: list[bytes], seconds: float, kept: Path) -> None:
    """Run a target on seeds and on what becomes of them by chance."""
    chance = random.Random(target)
    ends = time.monotonic() + seconds
    count = 0
    with kept.open("wb", buffering=0) as file:
        while count < len(seeds) or time.monotonic() < ends:
            octets = seeds[count] if count < len(seeds) else mutated(chance, seeds)
            file.seek(0)
            file.write(len(octets).to_bytes(4, "big") + octets)
            core.one(target, octets)
            count += 1
    print(count)  # noqa: T201 - the parent reads it


def mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    """A seed with one to eight changes."""
    octets = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(octets))
        match chance.randrange(5):
            case 0:
                octets[at : at + 1] = bytes([chance.choice(TELLING)])
            case 1:
                octets[at : at + 1] = chance.randbytes(1)
            case 2:
                del octets[at : at + chance.randint(1, 40)]
            case 3:
                other = chance.choice(seeds)
                start = chance.randint(0, len(other))
                octets[at:at] = other[start : start + chance.randint(1, 80)]
            case 4:
                octets[at:at] = octets[at : at + chance.randint(1, 40)]
    return bytes(octets)


def main(library: str, target: str, how: str, *arguments: str) -> None:
    """Run the target."""
    core = prepared(library)
    if how == "guided":
        core.run(target, [word.encode() for word in (target, *arguments)])
        return
    seeds, seconds, kept = arguments
    found = [path.read_bytes() for path in sorted(Path(seeds).iterdir())]
    plain(core, target, found, float(seconds), Path(kept))


if __name__ == "__main__":
    main(*sys.argv[1:])
