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
from tests.faults import with_faults

NO_TIME = 1 << 61
ROOM = 330  # exchanges: the oldest is let go from about thirty on


def prepared(library: str) -> Any:
    """The library, ready to run."""
    put_in_place(library)
    from capanalyze.core import core
    from capanalyze.exchanges.engine import port_facts, waits_and_facts
    from capanalyze.protocols import PROTOCOLS, port_table, service_table
    from capanalyze.protocols._protocol import KINDS
    from capanalyze.summary.store import Rooms

    small = Rooms(
        cells=40, reasons=60, details=20, quiet=3, rejecting=3, answering=4, ports=14, full=16, turns=30, changes=30,
        rows=60, waiting=40, links=80, met=8, hosts=12, origins=12,
    )  # fmt: skip
    waits, facts = waits_and_facts()
    always = ((-NO_TIME, 0), (NO_TIME, 0))
    judge = core.Judge(
        [(one.window, one.silence_proves, one.answers_its_link) for one in PROTOCOLS],
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
            octets = seeds[count] if count < len(seeds) else with_faults(chance, seeds)
            file.seek(0)
            file.write(len(octets).to_bytes(4, "big") + octets)
            core.one(target, octets)
            count += 1
    print(count)  # noqa: T201 - the parent reads it


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
