"""What the stages of judging are told: modes and their promises, zones, captures, as buffers of numbers."""

from __future__ import annotations

from array import array
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from capanalyze.audit import DEFAULT_ZONES, Audit, CaptureFile, Mode, Segment
from capanalyze.buffers import longs
from capanalyze.capture.records import NO_TIME
from capanalyze.exchanges.row import OUTCOMES, VERDICTS_OF
from capanalyze.judging import layout as t
from capanalyze.packets.message import MAPPED
from capanalyze.protocols import GENERIC_UDP, PROTOCOLS, TCP
from capanalyze.protocols._protocol import SECOND
from capanalyze.services import NEVER_ANSWERS
from capanalyze.verdicts import ALLOW, ALLOW_STEALTH, BLOCK, STEALTH, promise_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PORTS = 65536
WORD = 1 << 64
BY_PORT = {GENERIC_UDP: "udp", TCP: "tcp"}


def signed(number: int) -> int:
    """The low 64 bits of a number as a signed one."""
    number %= WORD
    return number - WORD if number >= WORD // 2 else number


def module_table() -> array[int]:
    """What silence of each module's requests takes, and whether it proves anything."""
    found: list[int] = []
    for protocol in PROTOCOLS:
        found += [protocol.window, int(protocol.silence_proves)]
    return array("q", found)


def never_table() -> bytes:
    """For each UDP port whether its silence proves nothing."""
    found = bytearray(PORTS)
    for service in NEVER_ANSWERS:
        transport, _, port = service.partition("/")
        if transport != "udp":
            raise ValueError(f"NEVER_ANSWERS: is {service!r}, expected udp/PORT")
        found[int(port)] = 1
    return bytes(found)


def verdict_table() -> array[int]:
    """Outcome and promise → verdict, as indices; the last is what stands where silence proves nothing."""
    found = [
        VERDICTS_OF.index(table.get(outcome, "indeterminate"))
        for table in (BLOCK, STEALTH, ALLOW, ALLOW_STEALTH)
        for outcome in OUTCOMES
    ]
    return array("q", [*found, VERDICTS_OF.index("unproven")])


def promise_tables(modes: Sequence[Mode]) -> tuple[array[int], bytes]:
    """What each mode promises: a row a mode, that of no mode first, and ports for the modes that name some."""
    rows = longs((len(modes) + 1) * t.MODE_FIELDS)
    tables: list[bytes] = []
    for number, mode in enumerate(modes):
        at = (number + 1) * t.MODE_FIELDS
        rows[at + t.STEALTH] = int(mode.stealth)
        rows[at + t.OPEN] = int(mode.promise == "allow")
        rows[at + t.MODULE_BITS] = sum(
            (promise_of(mode, protocol.name) == "allow") << index for index, protocol in enumerate(PROTOCOLS)
        )
        rows[at + t.PORT_TABLE] = -1
        table = bytearray(2 * PORTS)
        for index, transport in BY_PORT.items():
            for service in mode.allow:
                name, _, port = service.partition("/")
                if name == transport and port:
                    table[index * PORTS + int(port)] = 1
        if mode.promise != "allow" and any(table):
            rows[at + t.PORT_TABLE] = sum(map(len, tables))
            tables.append(bytes(table))
    return rows, b"".join(tables)


def segment_table(segments: Sequence[Segment], modes: dict[str, int]) -> list[int]:
    """Stretches of a capture and their modes."""
    found: list[int] = []
    for one in segments:
        since = (-NO_TIME, 0) if one.since is None else divmod(one.since, SECOND)
        until = (NO_TIME, 0) if one.until is None else divmod(one.until, SECOND)
        found += [modes[one.mode], *since, *until]
    return found


def capture_tables(captures: Sequence[CaptureFile], modes: dict[str, int]) -> tuple[array[int], array[int]]:
    """A row for each capture, and the stretches of those that several modes share."""
    rows = longs(len(captures) * t.CAPTURE_FIELDS)
    segments: list[int] = []
    for number, file in enumerate(captures):
        at = number * t.CAPTURE_FIELDS
        first = file.segments[0] if file.segments else None
        rows[at + t.FIRST_SEGMENT] = len(segments) // t.SEGMENT_FIELDS
        rows[at + t.LAST_CLOCK] = t.NO_CLOCK
        if first is None:
            rows[at + t.CAPTURE_MODE] = -1
        elif first.since is None and first.until is None:
            rows[at + t.CAPTURE_MODE] = modes[first.mode]
        else:
            rows[at + t.CAPTURE_MODE] = t.BY_TIME
            rows[at + t.SEGMENT_COUNT] = len(file.segments)
            segments += segment_table(file.segments, modes)
    return rows, array("q", segments)


class Zones:
    """The zones, as they are met, and which place or network leads to which."""

    def __init__(self, audit: Audit, places: Sequence[str]) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._given = audit.zones
        self._places = places
        self._known = 0
        networks: list[int] = []
        for key, zone in audit.zones.items():
            if "/" in key:
                networks += [*network_row(ip_network(key)), self._index(zone)]
        self.networks = array("q", networks)
        self.rows: array[int] = longs(0)

    def places(self) -> array[int]:
        """A row for each place; there may be new ones."""
        while self._known < len(self._places):
            label = self._places[self._known]
            given = self._index(self._given[label]) if label in self._given else -1
            own = DEFAULT_ZONES.get(label, label)
            self.rows.extend([given, self._index(own) if given < 0 else given])
            self._known += 1
        return self.rows

    def _index(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number


def network_row(network: IPv4Network | IPv6Network) -> list[int]:
    """A network as words and masks; IPv4 as ::ffff:a.b.c.d."""
    address, mask = int(network.network_address), int(network.netmask)
    if isinstance(network, IPv4Network):
        return [0, MAPPED + address, -1, signed((-1 << 32) | mask), 1]
    return [signed(address >> 64), signed(address), signed(mask >> 64), signed(mask), 0]


def buffers_of(audit: Audit, zones: Zones) -> list[Any]:
    """All buffers of the stages, but for the rows."""
    modes = {mode.name: number for number, mode in enumerate(audit.modes)}
    b: list[Any] = [b""] * t.BUFFERS
    b[t.STATE] = longs(t.STATE_FIELDS)
    b[t.STATE][t.NETWORK_COUNT] = len(zones.networks) // t.NETWORK_FIELDS
    b[t.OWN] = longs(0)
    b[t.CAPTURES], b[t.SEGMENTS] = capture_tables(audit.captures, modes)
    b[t.PLACES], b[t.NETWORKS] = zones.places(), zones.networks
    b[t.MODULES], b[t.NEVER] = module_table(), never_table()
    b[t.MODES], b[t.PROMISES] = promise_tables(audit.modes)
    b[t.VERDICTS] = verdict_table()
    b[t.COVERED] = b[t.ANSWERS] = longs(0)
    return b
