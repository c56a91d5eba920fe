"""The packet filter's log as Leopard's application firewall wrote it, made from what nflog recorded.

Leopard names the program that listens, and the peer's address with the *local* port: `Deny nc data in from
193.99.145.x:28524 uid = 0 proto=17`. Nflog names no program; `lsof` of the same moment does.
"""

import struct
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from tests.lab.places import HOST

STAMP, PAYLOAD, PREFIX = 3, 9, 10  # attributes of nflog
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
VERBS = {TCP: "connecting", UDP: "data in"}
NAMES = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP", ICMP6: "ICMPv6"}
FIREWALL = f"{HOST} Firewall[44]:"


class Listener(NamedTuple):
    """A socket that waits: whose it is, and where."""

    command: str
    user: int
    protocol: int
    port: int


class Entry(NamedTuple):
    """One packet that a rule logged."""

    seconds: float
    prefix: str
    source: str
    protocol: int
    port: int


def listeners(text: str) -> list[Listener]:
    """From `lsof -i -n -P -F cuPn`: one letter a line, and what it names."""
    found, command, user, protocol = [], "", 0, 0
    for line in text.splitlines():
        letter, value = line[:1], line[1:]
        if letter == "c":
            command = value
        elif letter == "u":
            user = int(value)
        elif letter == "P":
            protocol = {"TCP": TCP, "UDP": UDP}[value]
        elif letter == "n" and "->" not in value and value.rpartition(":")[2].isdigit():
            found.append(Listener(command, user, protocol, int(value.rpartition(":")[2])))
    return found


def stamp(seconds: float) -> str:
    """The time as syslog writes it."""
    return time.strftime("%b %e %H:%M:%S", time.gmtime(seconds))


def listening(seconds: float, listener: Listener) -> str:
    """The line of a program that is let in from now on."""
    what = f"Allow {listener.command} listening from uid = {listener.user} proto={listener.protocol}"
    return f"{stamp(seconds)} {FIREWALL} {what}\n"


def lines(log: Path, known: list[Listener]) -> str:
    """The whole log of one mode."""
    owners = {(listener.protocol, listener.port): listener.command for listener in known}
    return "".join(f"{stamp(entry.seconds)} {FIREWALL} {words(entry, owners)}\n" for entry in entries(log))


def words(entry: Entry, owners: dict[tuple[int, int], str]) -> str:
    """What the firewall says of a packet."""
    if owner := owners.get((entry.protocol, entry.port)):
        verb = VERBS[entry.protocol]
        return f"{entry.prefix} {owner} {verb} from {entry.source}:{entry.port} uid = 0 proto={entry.protocol}"
    name = NAMES.get(entry.protocol, str(entry.protocol))
    return f"Stealth Mode connection attempt to {name} port {entry.port} from {entry.source}"


def entries(log: Path) -> Iterator[Entry]:
    """The packets in an nflog capture. A frame's own time may be a second late: nflog sends them in batches."""
    octets = log.read_bytes()
    at = 24
    while at < len(octets):
        seconds, fraction, size = struct.unpack_from("=3I", octets, at)
        found = attributes(octets[at + 16 : at + 16 + size])
        at += 16 + size
        when = seconds + fraction / 1e6
        if STAMP in found:
            whole, part = struct.unpack(">2Q", found[STAMP])
            when = whole + part / 1e6
        if PAYLOAD in found:  # the end of a batch is a record too
            yield Entry(when, found.get(PREFIX, b"").rstrip(b"\0").decode().strip(), *endpoint(found[PAYLOAD]))


def attributes(frame: bytes) -> dict[int, bytes]:
    """The attributes of one record, by type; they begin after four octets and are padded to four."""
    found, at = {}, 4
    while at + 4 <= len(frame):
        size, kind = struct.unpack_from("=2H", frame, at)
        found[kind & 0x7FFF] = frame[at + 4 : at + size]
        at += max((size + 3) // 4 * 4, 4)
    return found


def endpoint(packet: bytes) -> tuple[str, int, int]:
    """Who sent a packet, its transport, and the port it is for (ICMP: its type)."""
    if packet[0] >> 4 == 4:
        source, protocol, transport = packet[12:16], packet[9], packet[(packet[0] & 15) * 4 :]
    else:
        source, protocol, transport = packet[8:24], packet[6], packet[40:]
    if protocol in VERBS:
        return str(ip_address(source)), protocol, int.from_bytes(transport[2:4], "big")
    return str(ip_address(source)), protocol, transport[0] if transport else 0
