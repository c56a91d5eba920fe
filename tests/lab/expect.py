"""The verdicts that follow from what the clients saw: the design's table applied to the rows of the truth files.

Nothing of this looks into a capture, but for the time of its first frame: what was asked before is not its business.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from capanalyze.audit import Mode, load_audit
from tests.lab.truth import BESIDE, NOT_TOLD, REJECTED, REPLIED, SILENT, Row, read, service_of

# Services that never answer, `discard` among them: silence proves nothing.
MUTE = {"nbdgm", "ipp", "discard"}
# What need not be answered from beyond the link: RFC 6762 section 5.5.
LINK_ONLY = {"mdns"}
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


def outcomes(rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    """Zone, service, and the best that a client got of it; of the time, ntpdate cannot tell a refusal from silence."""
    best: dict[tuple[str, str], str] = {}
    ranks = (NOT_TOLD, SILENT, REJECTED, REPLIED)
    for row in rows:
        if row.port != NOT_TOLD:
            key = row.zone, service_of(row)
            best[key] = max(best.get(key, NOT_TOLD), row.verdict, key=ranks.index)
    for zone in {zone for zone, _ in best}:
        if (best.get((zone, "ntp")), best.get((zone, "ntp-control"))) == (SILENT, REJECTED):
            best[zone, "ntp"] = REJECTED
    yield from ((zone, service, outcome) for (zone, service), outcome in best.items())


def verdict(promise: str, stealth: bool, zone: str, service: str, outcome: str) -> str:
    """What is to be said of a service under a promise, asked from a zone."""
    if outcome == SILENT and (service in MUTE or (service in LINK_ONLY and zone != "lan")):
        return "unproven"
    if service == "icmp" and not stealth:
        promise = "allow"
    return VERDICTS[promise, stealth and promise == "block", outcome]


def expected(folder: Path) -> dict[tuple[str, str, str], str]:
    """Mode, zone and service → verdict, for a folder with an audit file."""
    audit = load_audit(folder / "audit.toml")
    captures = {capture.name.partition(".")[0]: capture for capture in audit.captures}
    found: dict[str, list[Row]] = defaultdict(list)
    for path in sorted(folder.glob("*.truth.tsv")):
        prefix = path.name.partition(".")[0]
        for row in read(path):
            if row.epoch > begin(folder, prefix) and row.zone in audit.zones.values():
                found[str(captures[prefix].mode_at(int(row.epoch * 1e9)))].append(row)
    told = {(mode, zone, service): outcome for mode, rows in found.items() for zone, service, outcome in outcomes(rows)}
    answered = {(zone, service) for (_, zone, service), outcome in told.items() if outcome == REPLIED}
    return {
        (mode, zone, service): controlled(
            verdict_under(audit.mode(mode), zone, service, outcome), (zone, service) in answered
        )
        for (mode, zone, service), outcome in told.items()
    }


def controlled(verdict: str, answers: bool) -> str:
    """The verdict, where silence is `blocked` only if the service answers under another mode."""
    return "silent" if verdict == "blocked" and not answers else verdict


def verdict_under(mode: Mode, zone: str, service: str, outcome: str) -> str:
    """The verdict under a mode, with what it lets in."""
    allowed = service in mode.allow or BESIDE.get(service) in mode.allow
    return verdict("allow" if allowed else mode.promise, mode.stealth, zone, service, outcome)


STARTING = 0.5  # seconds that a program may take to send its first frame


def begin(folder: Path, prefix: str) -> float:
    """When the first frame of any of a mode's captures came, less the time to start a program."""
    times = []
    for path in folder.glob(f"{prefix}.*.pcap"):
        if len(record := path.read_bytes()[24:32]) == 8:
            seconds, fraction = struct.unpack("<2I", record)
            times.append(seconds + fraction / 1e6)
    return min(times, default=0) - STARTING
