"""What the clients saw: one row per probe, and the verdicts that follow from the rows.

The rows are written by the prober as it goes, and know nothing of the captures. The verdicts are the design's table
applied to them: what was promised against the best that a client got of a service.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

REPLIED, REJECTED, SILENT, NOT_TOLD = "replied", "rejected", "silent", "-"


class Row(NamedTuple):
    """One probe, as the client saw it."""

    epoch: float
    zone: str
    family: int
    service: str
    port: str
    probe: str
    verdict: str
    seconds: float


def read(path: Path) -> list[Row]:
    """The rows of a truth file."""
    with path.open() as file:
        return [
            Row(
                float(row["epoch"]),
                row["zone"],
                int(row["family"]),
                row["service"],
                row["port"],
                row["probe"],
                row["verdict"],
                float(row["seconds"]),
            )
            for row in csv.DictReader(file, delimiter="\t")
        ]


class Writer:
    """A truth file that is written row by row, by one prober or by several in turn."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a")
        if not self.file.tell():
            self.file.write("\t".join(Row._fields) + "\n")

    def note(self, row: Row) -> None:
        """Write one row."""
        texts = [f"{row.epoch:.6f}", *(str(value) for value in row[1:-1]), f"{row.seconds:.2f}"]
        self.file.write("\t".join(texts) + "\n")
        self.file.flush()


# The port that was asked → the name that capanalyze has for it.
SERVICES = {"udp/123": "ntp", "udp/137": "nbns", "udp/5353": "mdns", "icmp/8": "icmp", "icmp6/128": "icmp"}
# Services that never answer: silence proves nothing.
MUTE = {"udp/138", "udp/631"}
# promise, stealth, outcome → verdict; of ICMP nothing is promised without stealth.
VERDICTS = {
    ("block", False, REPLIED): "leaked",
    ("block", False, REJECTED): "refused",
    ("block", False, SILENT): "blocked",
    ("block", True, REPLIED): "leaked",
    ("block", True, REJECTED): "visible",
    ("block", True, SILENT): "blocked",
    ("allow", False, REPLIED): "allowed",
    ("allow", False, REJECTED): "refused",
    ("allow", False, SILENT): "silent",
}


def service_of(row: Row) -> str:
    """The service that a row asked for."""
    return SERVICES.get(row.port, row.port)


def outcomes(rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    """Zone, service, and the best that a client got of it."""
    best: dict[tuple[str, str], str] = {}
    ranks = (NOT_TOLD, SILENT, REJECTED, REPLIED)
    for row in rows:
        if row.port != NOT_TOLD:
            key = row.zone, service_of(row)
            best[key] = max(best.get(key, NOT_TOLD), row.verdict, key=ranks.index)
    yield from ((zone, service, outcome) for (zone, service), outcome in best.items())


def verdict(promise: str, stealth: bool, service: str, outcome: str) -> str:
    """What is to be said of a service under a promise."""
    if service in MUTE and outcome == SILENT:
        return "unproven"
    if service == "icmp" and not stealth:
        promise = "allow"
    return VERDICTS[promise, stealth, outcome]
