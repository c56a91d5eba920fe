"""What a script with dpkt does: `python -m tests.bench.with_dpkt FILE` counts messages of three services."""

import json
import sys
from collections import Counter
from pathlib import Path

import dpkt

SERVICES = {123: "ntp", 137: "nbns", 5353: "mdns"}
SERVER = 4
FAILURES = (dpkt.UnpackError, IndexError, ValueError)


def kind(service: str, payload: bytes) -> str:
    """What a message is."""
    if service == "ntp":
        return "replies" if dpkt.ntp.NTP(payload).mode == SERVER else "requests"
    return "replies" if dpkt.dns.DNS(payload).qr else "requests"


def count(path: Path) -> Counter[str]:
    """Messages by service and kind."""
    counts: Counter[str] = Counter()
    with path.open("rb") as file:
        for _, octets in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(octets).data
            if not isinstance(packet, dpkt.ip.IP) or not isinstance(packet.data, dpkt.udp.UDP):
                continue
            datagram = packet.data
            service = SERVICES.get(datagram.dport) or SERVICES.get(datagram.sport)
            if service is None:
                continue
            try:
                counts[f"{service} {kind(service, datagram.data)}"] += 1
            except FAILURES:
                counts[f"{service} unread"] += 1
    return counts


if __name__ == "__main__":
    sys.stdout.write(json.dumps(count(Path(sys.argv[1]))) + "\n")
