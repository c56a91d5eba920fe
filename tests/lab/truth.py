"""What the clients saw: one row per probe, written by the prober as it goes. It knows nothing of the captures."""

import csv
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
        self.path = path

    def note(self, row: Row) -> None:
        """Write one row."""
        texts = [f"{row.epoch:.6f}", *(str(value) for value in row[1:-1]), f"{row.seconds:.2f}"]
        with self.path.open("a") as file:
            lines = [texts] if file.tell() else [Row._fields, texts]
            file.writelines("\t".join(line) + "\n" for line in lines)


# The port that was asked → the name that capanalyze has for it.
SERVICES = {
    "udp/9": "discard",
    "udp/88": "kerberos",
    "udp/123": "ntp",
    "udp/137": "nbns",
    "udp/138": "nbdgm",
    "udp/631": "ipp",
    "udp/5353": "mdns",
    "icmp/8": "icmp",
    "icmp6/128": "icmp",
}


# The probe → that name, where a port serves several; what a mode lets in of them it lets in of all.
APART = {"ntp-mode6": "ntp-control"}
BESIDE = {"ntp-control": "ntp"}


def service_of(row: Row) -> str:
    """The service that a row asked for."""
    return APART.get(row.probe) or SERVICES.get(row.port, row.port)
